"""iSAMS's Batch API: the contract, and what is special to it, in XML and in JSON, against the simulator over loopback HTTP."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import pytest

from fuzz import mutate_bytes, mutate_json, storm
from onroll_connectors.sandbox.isams import CORE, KEY, SECRET, Isams
from onroll_connectors.sandbox.school import milton_park, with_comers_and_goers
from onroll_connectors.sandbox.serving import Application, Request, Response, serve
from onroll_connectors.sandbox.unruly import Unruly
from onroll_connectors.sources import isams
from onroll_connectors.testing import SourceContract
from onroll_core.contracts import Source
from onroll_core.errors import Halt, OnrollError, Unavailable
from onroll_core.people import GroupKind, Role, Snapshot, SourceKey, Status
from same_school import assert_same_school
from source_world import HttpWorld
from world import DictMemory, context

TODAY = date(2026, 11, 24)
SENSITIVE = {"Medical", "SEN", "Ethnic", "Contacts", "Photos", "Registration", "CustomFields", "Siblings"}


@dataclass
class World(HttpWorld):
    """The school, its Batch key, what may come between, and how onroll reaches it."""

    def connect(self, **settings: Any) -> Source:
        key = {} if {"api_key", "client_id", "token"} & settings.keys() else {"api_key": "env:ONROLL_TEST_ISAMS"}
        told = isams.Settings(**({"endpoint": self.url} | key | settings))
        return isams.connect(told, context("source", self.clock, memory=DictMemory()))

    def misbehave(self, how: str) -> bool:
        own = {"empty": "empty", "repeated records": "repeat", "shows nothing of one kind": "no staff"}
        known = self.misbehaves(how, own)
        self.simulator.methods = frozenset(CORE) if how == "no permission" else frozenset(isams_methods())
        self.simulator.secured = how == "wrong credentials"
        return known or how in ("no permission", "wrong credentials")


def isams_methods() -> tuple[str, ...]:
    from onroll_connectors.sandbox.isams import ALL

    return ALL


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setenv("ONROLL_TEST_ISAMS", KEY)
    monkeypatch.setenv("ONROLL_TEST_ISAMS_SECRET", SECRET)
    simulator = Isams(milton_park(TODAY, 120, 12))
    unruly = Unruly(simulator)
    with serve(unruly) as url:
        yield World(simulator, unruly, url)


class TestIsams(SourceContract):
    """What every source promises."""

    @pytest.fixture
    def source_world(self, world: World) -> World:
        return world


class TestIsamsInJson(SourceContract):
    """The same, by json.ashx."""

    @pytest.fixture
    def source_world(self, world: World, monkeypatch: pytest.MonkeyPatch) -> World:
        connect = world.connect
        monkeypatch.setattr(world, "connect", lambda **settings: connect(format="json", **settings))
        return world


@pytest.mark.parametrize("form", ["xml", "json"])
def test_the_school_is_the_same_by_this_route(world: World, form: str) -> None:
    with_comers_and_goers(world.school)
    assert_same_school(world.read(format=form), world.school, isams.GIVES)


@pytest.mark.parametrize("legacy", [False, True])
def test_pupils_of_sets_are_found_by_their_number_and_only_of_old_versions_by_the_legacy_one(world: World, legacy: bool) -> None:  # fmt: skip
    world.simulator.legacy = legacy
    assert_same_school(world.read(), world.school, isams.GIVES)


def test_one_child_alone_is_no_list_in_json(world: World) -> None:
    (only,) = list(world.school.pupils.values())[:1]
    world.school.pupils = {only.number: only}
    world.school.staff = dict(list(world.school.staff.items())[:1])
    world.school.classes = {}
    snapshot = world.read(format="json")
    assert [each.first for each in snapshot.people if each.role is Role.STUDENT] == [only.first]


def test_a_service_account_without_names_is_nobody(world: World) -> None:
    staff = [each for each in world.read().people if each.role is Role.STAFF]
    assert len(staff) == len(world.school.staff)
    assert all(each.last and each.last == each.last.strip() for each in staff)


def test_reception_and_nursery_are_numbers(world: World) -> None:
    for number, year in ((10_000, 0), (10_001, -2)):
        world.school.pupils[number] = replace(world.school.pupils[number], year=year)
    years = {each.year_group for each in world.read().people if each.role is Role.STUDENT}
    assert {"0", "-2"} <= years


def test_only_methods_that_the_job_needs_are_run(world: World) -> None:
    source = world.connect()
    assert source.check().good
    source.read()
    source.close()
    assert world.simulator.asked
    assert not any(word.lower() in method.lower() for method in world.simulator.asked for word in SENSITIVE)


def test_a_key_without_applicants_and_alumni_is_told_and_can_do_without(world: World) -> None:
    world.simulator.methods = frozenset(CORE)
    with pytest.raises(Halt, match="Pupil_GetApplicants, which is for pupils to come.*Pupil_GetAlumni, which"):
        world.read()
    source = world.connect()
    report = source.check()
    source.close()
    assert [f.sentence for f in report.findings if "GetApplicants" in f.sentence and f.level == "problem"]
    assert len(world.read(applicants=False, alumni=False, sets=False).people) == world.people


def test_an_admission_status_that_nobody_has_heard_of_ends_the_read(world: World) -> None:
    with pytest.raises(Halt, match="'Enquiry'"):
        world.read(not_coming=["Declined"])
    with pytest.raises(Halt, match="have no Stage"):
        world.read(status_field="Stage")


def test_a_deadlock_is_asked_again_and_any_other_failure_is_not(world: World) -> None:
    world.simulator.deadlocks = 2
    assert len(world.read().people) == world.people
    world.simulator.deadlocks = 9
    with pytest.raises(Unavailable, match="five times"):
        world.read()
    world.simulator.deadlocks = 0
    world.simulator.fault, world.simulator.requests = "unhandled", 0
    with pytest.raises(Unavailable, match="Data at the root level is invalid"):
        world.read()
    assert world.simulator.requests == 1


def test_a_secured_key_signs_in_first_and_again_when_its_token_has_ended(world: World) -> None:
    world.simulator.secured = True
    secured = {"client_id": KEY, "client_secret": "env:ONROLL_TEST_ISAMS_SECRET"}
    assert len(world.read(**secured).people) == world.people
    with pytest.raises(Halt, match="invalid_client"):
        world.read(client_id="another", client_secret="env:ONROLL_TEST_ISAMS_SECRET")


def test_the_term_that_began_last_says_which_year_it_is(world: World) -> None:
    assert world.read().academic_year == 2026
    world.clock.start = world.clock.start.replace(month=8)
    assert world.read().academic_year == 2025


def test_tutors_lead_their_forms(world: World) -> None:
    forms = [each for each in world.read().groups if each.kind is GroupKind.REGISTRATION]
    assert forms
    assert all(each.leaders for each in forms)


def test_a_key_shows_nowhere(world: World) -> None:
    source = world.connect()
    world.unruly.begin("server error")
    with pytest.raises(OnrollError) as caught:
        source.read()
    assert (
        KEY not in f"{source!r} {caught.value} {isams.Settings(endpoint=world.url, api_key='env:ONROLL_TEST_ISAMS')!r}"
    )  # type: ignore[arg-type]
    source.close()


def test_settings_take_one_key_and_a_token_for_this_machine_alone() -> None:
    with pytest.raises(ValueError, match="say one of"):
        isams.Settings(endpoint="https://x.isams.cloud")
    with pytest.raises(ValueError, match="this machine alone"):
        isams.Settings(endpoint="https://x.isams.cloud", token="env:X")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="client_id and client_secret"):
        isams.Settings(endpoint="https://x.isams.cloud", client_id="x")


RECORDED = b"""\xef\xbb\xbf<?xml version="1.0" encoding="utf-16"?>
<iSAMS><PupilManager><CurrentPupils>
 <Pupil Id="710" PersonId="1068" PersonGuid="00000000-0000-4000-8000-000000001068" DivisionId="11" AcademicHouseId="101" BoardingHouseId="12">
  <UPN>H999900012001</UPN><SchoolCode>SIM009</SchoolCode><SchoolId>4733683260</SchoolId><UserCode>ANNEXAMPLE6650023213</UserCode>
  <UserName>ExamAB</UserName><Title>Miss</Title><Forename>Annabel</Forename><Surname>Example</Surname><Middlename>Beta Gamma</Middlename>
  <Initials>AE</Initials><Preferredname>Ann</Preferredname><Fullname>Ann Example</Fullname><Gender>F</Gender><DOB>2000-11-02T00:00:00</DOB>
  <AcademicHouse>Red</AcademicHouse><BoardingHouse>North</BoardingHouse><Form>12/TSA</Form><NCYear>10</NCYear>
  <EnrolmentDate>2015-11-02T00:00:00</EnrolmentDate><EnrolmentTerm>Term 2</EnrolmentTerm><EnrolmentSchoolYear>2015</EnrolmentSchoolYear>
 </Pupil>
 <Pupil Id="711"><SchoolId>4733683261</SchoolId><Forename>Old</Forename><Surname>Row</Surname><Preferredname/><NCYear>0</NCYear></Pupil>
</CurrentPupils></PupilManager>
<HRManager><CurrentStaff>
 <StaffMember Id="380" PersonId="3041" PersonGuid="00000000-0000-4000-8000-000000003041">
  <Initials>&#x20;</Initials><Title/><Forename>&#x20;</Forename><MiddleNames/><Surname>&#x20;</Surname><PreferredName>test</PreferredName>
  <TeachingStaff>1</TeachingStaff><Divisions><Division Id="1"><Name>Pre Prep School</Name></Division></Divisions></StaffMember>
 <StaffMember Id="5"><Initials>TS</Initials><Forename>Tess</Forename><Surname>Sample </Surname><PreferredName/></StaffMember>
</CurrentStaff></HRManager>
<TeachingManager><Sets><Set Id="1" SubjectId="1" YearId="7" AuthorId="1"><SubjectId Legacy="True">1</SubjectId><YearId Legacy="True">7</YearId>
  <Teacher Legacy="True">TessSample65163237490240</Teacher><SetNumber>1</SetNumber><Block>A</Block><SetCode>SETCODE1</SetCode><Name>SETCODE1</Name>
  <Teachers><Teacher Id="1" StaffId="5" PrimaryTeacher="True" /><Teacher Id="2" StaffId="2" PrimaryTeacher="False" /></Teachers>
  <Description /><LastUpdated>2015-09-11T14:09:09</LastUpdated></Set></Sets>
 <SetLists><SetList Id="1" SetId="1" PupilId="710" AuthorId="1"><SetId Legacy="True">1</SetId><SchoolId Legacy="True">1359077297161</SchoolId>
  <Author Legacy="True"></Author><LastUpdated></LastUpdated></SetList></SetLists></TeachingManager>
<SchoolManager><Forms><Form Id="12-T" TutorId="5" SecondAssistantTutorId="4" YearId="0" RoomId="31" AuthorId="1">
  <Tutor Legacy="True">TXS12070597600217613</Tutor><AssistantFormTutor Legacy="True"/><Form>12/TSA</Form></Form></Forms>
 <Terms><Term Id="1" AuthorId="1"><Author Legacy="True">x</Author><SchoolYear>2008</SchoolYear><Name>Autumn</Name>
  <StartDate>2008-09-01T00:00:00</StartDate><FinishDate>2008-12-19T00:00:00</FinishDate></Term></Terms></SchoolManager></iSAMS>"""


def read_of(answer: Application) -> Snapshot:
    with serve(answer) as url:
        settings = isams.Settings(endpoint=f"{url}/", token="env:PATH", applicants=False, alumni=False)  # type: ignore[arg-type]
        source = isams.connect(settings, context("source"))
        try:
            return source.read()
        finally:
            source.close()


def test_a_document_as_iSAMS_publishes_it() -> None:
    """Shapes and quirks are those of the vendor's own examples; the people are invented."""
    snapshot = read_of(lambda request: Response(200, RECORDED, {"Content-Type": "text/xml"}))
    ann, old, tess = snapshot.people
    assert (ann.first, ann.last, ann.legal_first, ann.upn, ann.admission_number) == (
        "Ann",
        "Example",
        "Annabel",
        "H999900012001",
        "SIM009",
    )
    assert (ann.year_group, ann.registration_group, ann.house, ann.starts) == ("10", "12/TSA", "Red", date(2015, 11, 2))
    assert (old.first, old.last, old.upn, old.year_group) == ("Old", "Row", None, "0")
    assert (tess.first, tess.last, tess.staff_code, tess.key.record) == ("Tess", "Sample", "TS", "staff:5")
    (form,) = [each for each in snapshot.groups if each.kind is GroupKind.REGISTRATION]
    (taught,) = [each for each in snapshot.groups if each.kind is GroupKind.TEACHING]
    assert form.leaders == taught.leaders == frozenset({tess.key})
    assert (taught.name, taught.members) == ("SETCODE1", frozenset({ann.key}))
    assert snapshot.academic_year == 2008


def test_braces_around_a_key_and_utf16_that_is_meant_are_read() -> None:
    asked: list[Request] = []

    def answer(request: Request) -> Response:
        asked.append(request)
        return Response(
            200, RECORDED.removeprefix(b"\xef\xbb\xbf").decode().encode("utf-16"), {"Content-Type": "text/xml"}
        )

    assert len(read_of(answer).people) == 3
    assert asked[0].path == "/api/batch/1.0/xml.ashx"
    assert b"<Method>Pupil_GetCurrentPupils</Method>" in asked[0].body


def test_a_set_list_of_a_set_that_is_not_there_is_no_whole_document() -> None:
    body = RECORDED.replace(b'SetId="1"', b'SetId="9"')
    with pytest.raises(Unavailable, match="the set 9"):
        read_of(lambda request: Response(200, body))


def test_whoever_leaves_keeps_the_record(world: World) -> None:
    before = {each.upn: each.key for each in world.read().people if each.role is Role.STUDENT}
    world.school.leaves(10_003, date(2026, 11, 1))
    gone = next(each for each in world.read().people if each.upn == world.school.pupils[10_003].upn)
    assert (gone.key, gone.status, gone.ends) == (before[gone.upn], Status.LEFT, date(2026, 11, 1))
    assert gone.key == SourceKey("milton-park", "student:4733010003")


def no_emptied_list(body: bytes, chance: random.Random) -> bytes:
    """As `mutate_json`, but for null in place of a whole list: that is how an empty one is written."""
    while True:
        changed = mutate_json(body, random.Random(chance.random()))
        try:
            sections = json.loads(changed)["iSAMS"]
            lists = [value for section in sections.values() for value in section.values()]
        except (ValueError, TypeError, KeyError, AttributeError):
            return changed
        if None not in lists and "" not in lists and {} not in lists:
            return changed


@pytest.mark.parametrize(("form", "mutate"), [("xml", mutate_bytes), ("json", no_emptied_list)])
def test_a_mutated_answer_never_makes_a_shorter_school(monkeypatch: pytest.MonkeyPatch, form: str, mutate: Any) -> None:
    monkeypatch.setenv("ONROLL_TEST_ISAMS", KEY)
    simulator = Isams(with_comers_and_goers(milton_park(TODAY, 28, 8)))
    unruly = Unruly(simulator)
    with serve(unruly) as url:
        storm(unruly, lambda: World(simulator, unruly, url).read(format=form), f"isams {form}", mutate)
