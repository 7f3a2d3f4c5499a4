"""Bromcom's SOAP service: the contract, its data sets and its refusals, against the simulator over loopback HTTP."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any
from xml.sax.saxutils import escape

import pytest

from fuzz import HOSTILE, mutate_bytes, storm
from onroll_connectors.sandbox.bromcom_soap import PASSWORD, PATH, SCHOOL, TOKEN, USER, BromcomSoap
from onroll_connectors.sandbox.bromcom_tables import Tables
from onroll_connectors.sandbox.school import milton_park, with_comers_and_goers
from onroll_connectors.sandbox.serving import Request, Response, serve
from onroll_connectors.sandbox.stages import stage
from onroll_connectors.sandbox.unruly import Unruly
from onroll_connectors.sources import bromcom, bromcom_soap
from onroll_connectors.testing import SourceContract
from onroll_core.contracts import Source
from onroll_core.errors import Halt, OnrollError, Unavailable
from onroll_core.people import GroupKind, Role, Snapshot, Status
from same_school import assert_same_school
from source_world import HttpWorld
from world import DictMemory, context

TODAY = date(2026, 11, 24)
SENSITIVE = {
    "medical",
    "sen",
    "ethnic",
    "meals",
    "photo",
    "behaviour",
    "attendance",
    "telephone",
    "address",
    "incare",
    "protection",
    "emails",
}
NEEDED = frozenset(
    {"Students", "Staff", "SubjectClasses", "CollectionAssociates", "CollectionExecutives", "Collections"}
)


@dataclass
class World(HttpWorld):
    """The school, the service in front of it, what may come between, and how onroll reaches it."""

    settings: dict[str, Any] = field(default_factory=dict)

    def connect(self, **settings: Any) -> Source:
        own = {"user": USER, "password": "env:ONROLL_TEST_BROMCOM_SOAP"}
        told = {"school": SCHOOL, "endpoint": f"{self.url}{PATH}"} | ({} if "token" in settings else own)
        return bromcom_soap.connect(
            bromcom_soap.Settings(**(told | self.settings | settings)),
            context("source", self.clock, memory=DictMemory()),
        )

    def misbehave(self, how: str) -> bool:
        own = {
            "empty": "empty", "shows nothing of one kind": "no staff", "totals do not match": "lost row", "does not answer": "server",
        }  # fmt: skip
        known = self.misbehaves(how, own, drip=60)
        self.simulator.ticked, self.settings = NEEDED, {}
        if how == "no permission":
            self.simulator.ticked = NEEDED - {"Staff"}
        if how == "wrong credentials":
            self.settings = {"user": "another"}
        return known or how in ("no permission", "wrong credentials")


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setenv("ONROLL_TEST_BROMCOM_SOAP", PASSWORD)
    simulator = BromcomSoap(Tables(milton_park(TODAY, 120, 12)))
    unruly = Unruly(simulator)
    with serve(unruly) as url:
        yield World(simulator, unruly, url)


class TestBromcomSoap(SourceContract):
    """What every source promises."""

    @pytest.fixture
    def source_world(self, world: World) -> World:
        return world


def test_the_school_is_the_same_by_this_route(world: World) -> None:
    with_comers_and_goers(world.school)
    assert_same_school(world.read(), world.school, bromcom_soap.GIVES)


def test_both_routes_give_the_same_people_the_same_keys(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    """A school may change from one to the other, and nobody is anybody else."""
    with_comers_and_goers(world.school)
    by_soap = world.read(house_entity="HouseClasses")
    with stage("bromcom", world.school, tmp_path) as staged:
        monkeypatch.setenv("ONROLL_TEST_TOKEN", staged.secrets["ONROLL_DEMO_MIS"])
        endpoint = re.findall(r'endpoint = "(.*)"', staged.source)[0]
        told = bromcom.Settings(
            school=SCHOOL, token="env:ONROLL_TEST_TOKEN", endpoint=endpoint, house_entity="HouseClasses"
        )  # type: ignore[arg-type]
        source = bromcom.connect(told, context("source", world.clock))
        by_rest = source.read()
        source.close()
    assert {replace(each, enrolment=None) for each in by_rest.people} == set(by_soap.people)
    tutored = {
        each.key: replace(each, leaders=frozenset()) if each.kind is GroupKind.REGISTRATION else each
        for each in by_soap.groups
    }
    assert {each.key: each for each in by_rest.groups} == tutored


def test_tutors_lead_their_tutor_groups_and_heads_of_house_lead_none(world: World) -> None:
    groups = world.read(house_entity="HouseClasses").groups
    assert all(each.leaders for each in groups if each.kind is GroupKind.REGISTRATION)
    assert not any(each.leaders for each in groups if each.kind is GroupKind.HOUSE)
    world.simulator.ticked = NEEDED - {"Collections"}
    without = world.read(tutors=False).groups
    assert not any(each.leaders for each in without if each.kind is GroupKind.REGISTRATION)
    assert len(without) + len({each.house for each in world.school.pupils.values()}) == len(groups)


def test_only_the_roles_of_teachers_lead_a_class(world: World) -> None:
    number, lesson = next(iter(world.school.classes.items()))
    world.school.classes[number] = replace(lesson, teachers=(1_000, 1_001, 1_002))

    def leaders(**settings: Any) -> set[str]:
        (group,) = [each for each in world.read(**settings).groups if each.name == lesson.name]
        return {each.record for each in group.leaders}

    assert leaders() == {"staff:1000", "staff:1001", "staff:1002"}
    assert leaders(teacher_roles=["main teacher"]) == {"staff:1000"}


def test_a_call_is_the_one_that_public_clients_send(world: World) -> None:
    world.read()
    listed, first = world.unruly.log[:2]
    assert 'action="http://tempuri.org/findEntitiesBySchoolID"' in listed.headers["content-type"]
    assert first.headers["content-type"] == (
        'application/soap+xml; charset=utf-8; action="http://tempuri.org/getEntityDataBySchoolID"'
    )
    assert (
        '<getEntityDataBySchoolID xmlns="http://tempuri.org/"><schoolID>20001</schoolID><entityName>Students</entityName><entityFilter>StartDate &lt;='
        " '20261124' AND (EndDate &gt;= '20261124' OR EndDate IS NULL)</entityFilter><username>tpuser</username><password>"
    ) in first.body.decode()


def test_a_pupil_whose_last_day_is_today_is_on_roll(world: World) -> None:
    """With GETDATE(), which has a time of day, they would be on neither list or on the wrong one."""
    world.school.leaves(10_004, TODAY)
    assert {each.status for each in world.read().people} == {Status.ON_ROLL}
    world.clock.start += timedelta(days=1)
    (gone,) = [each for each in world.read().people if each.status is Status.LEFT]
    assert gone.key.record == "student:10004"


def test_staff_go_by_the_full_name_they_prefer(world: World) -> None:
    known = world.school.staff[1_003]
    world.simulator.tables.called = {1_003: ("Kit", known.last), 1_004: ("Kit", "van der Marlowe")}
    told = {each.key.record: each for each in world.read().people}
    assert (told["staff:1003"].first, told["staff:1003"].last, told["staff:1003"].legal_first) == (
        "Kit",
        known.last,
        known.first,
    )
    assert told["staff:1004"].first == world.school.staff[1_004].first
    assert (
        next(each for each in world.read(preferred_full_names=False).people if each.key.record == "staff:1003").first
        == known.first
    )


def test_contacts_are_read_where_the_school_asks_by_the_columns_it_names(world: World) -> None:
    assert {each.role for each in world.read().people} == {Role.STUDENT, Role.STAFF}
    told = [each for each in world.read(contacts=True).people if each.role is Role.CONTACT]
    assert {each.key.record for each in told} == {f"contact:{number}" for number in world.school.contacts}
    assert sum(len(each.children or ()) for each in told) == len(world.school.pupils)
    columns = {"student": "StudentID", "contact": "PersonID", "first": "FirstName", "last": "LastName"}
    with pytest.raises(
        Halt, match="StudentContacts has no PersonID; its columns are contactid, firstname, lastname, studentid"
    ):
        world.read(contacts=True, contact_columns=columns)


def test_nothing_sensitive_is_asked_for(world: World) -> None:
    world.simulator.ticked = NEEDED | {"StudentContacts"}
    assert world.check(contacts=True).good
    world.read(contacts=True)
    assert not world.unruly.asked(SENSITIVE)


@pytest.mark.parametrize("entity", sorted(NEEDED))
def test_an_entity_that_is_not_ticked_is_named(world: World, entity: str) -> None:
    world.simulator.ticked = NEEDED - {entity}
    with pytest.raises(Halt, match=f"has not given onroll the entity {entity}"):
        world.read()
    assert [each for each in world.check().findings if each.level == "problem" and entity in each.sentence]


@pytest.mark.parametrize(
    ("refuses", "says"),
    [
        ("fault", "refused the list of entities"),
        ("no data set", "without a data set"),
        ("message row", "its columns are message"),
    ],
)
@pytest.mark.parametrize("schema", [True, False])
def test_a_refusal_is_halt_however_it_is_worded_and_repeats_no_secret(
    world: World, refuses: str, says: str, schema: bool
) -> None:
    world.simulator.refuses, world.simulator.schema = refuses, schema
    with pytest.raises(Halt, match=says) as caught:
        world.read(user="a-user-of-theirs")
    source = world.connect(user="a-user-of-theirs")
    sentences = " ".join(each.sentence for each in source.check().findings)
    source.close()
    assert "a-user-of-theirs" not in f"{caught.value} {sentences}"
    assert PASSWORD not in f"{caught.value} {sentences} {source!r} {source._settings!r}"  # type: ignore[attr-defined]


def test_permissions_that_end_in_silence_are_no_empty_school(world: World) -> None:
    world.simulator.fault, world.simulator.ticked = "silent", NEEDED - {"Staff"}
    with pytest.raises(Halt, match="no member of staff"):
        world.read()
    assert not world.check().good


@pytest.mark.parametrize(
    ("fault", "kind", "says"),
    [
        ("empty", Halt, "no pupil on roll"), ("no staff", Halt, "no member of staff"), ("lost row", Unavailable, "is not whole: row 1"),
        ("deaf", Unavailable, "did not hear the dates"), ("server", Unavailable, "Timeout expired"),
    ],
)  # fmt: skip
def test_what_goes_wrong_is_told_apart(world: World, fault: str, kind: type[Exception], says: str) -> None:
    with_comers_and_goers(world.school)
    world.simulator.fault = fault
    with pytest.raises(kind, match=says):
        world.read()


def test_a_fault_is_not_asked_for_again_and_an_ill_server_is(world: World) -> None:
    world.simulator.fault = "server"
    with pytest.raises(Unavailable):
        world.read()
    assert len(world.unruly.log) == 1
    world.simulator.fault = ""
    world.unruly.begin("server error", first=2, last=3)
    assert len(world.read().people) == world.people


def test_settings_say_what_they_need() -> None:
    for told, says in (
        ({"token": "env:X"}, "this machine alone"), ({"user": "x"}, "user and password"), ({"endpoint": "http://x.test"}, "https"),
        ({"user": "x", "password": "env:X", "contact_columns": {"first": "A"}}, "student, contact, first and last"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=says):
            bromcom_soap.Settings(school=1, **told)  # type: ignore[arg-type]


def test_a_token_for_a_simulator_stands_in_place_of_the_password(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONROLL_TEST_TOKEN", TOKEN)
    assert len(world.read(token="env:ONROLL_TEST_TOKEN").people) == world.people


ENVELOPE = (
    '<?xml version="1.0" encoding="utf-8"?>\n<soap:Envelope xmlns:soap="http://www.w3.org/2003/05/soap-envelope"><soap:Body>'
    '<{0}Response xmlns="http://tempuri.org/"><{0}Result>{1}</{0}Result></{0}Response></soap:Body></soap:Envelope>'
)
GRAM = '<diffgr:diffgram xmlns:diffgr="urn:schemas-microsoft-com:xml-diffgram-v1" xmlns:msdata="urn:schemas-microsoft-com:xml-msdata">{}</diffgr:diffgram>'
ANN = """<NewDataSet xmlns="">
 <Table diffgr:id="Table1" msdata:rowOrder="0"><StudentID>1042</StudentID><UPN>H999900012001</UPN><FirstName>Annabel</FirstName><LastName>Example  </LastName>
  <PreferredFirstName>Ann</PreferredFirstName><PreferredLastName>Example</PreferredLastName><AdmissionNumber>001234</AdmissionNumber>
  <TutorGroup>7A</TutorGroup><YearGroup>7</YearGroup><StartDate>2023-09-01T00:00:00+01:00</StartDate></Table></NewDataSet>"""
TESS = (
    '<NewDataSet xmlns=""><Table diffgr:id="Table1" msdata:rowOrder="0"><StaffID>7</StaffID><FirstName>Tess</FirstName><LastName>Sample</LastName>'
    "<PreferredFullName>Ms Tessa Sample</PreferredFullName><StaffCode>TSA</StaffCode><StartDate>2020-09-01T00:00:00+01:00</StartDate></Table></NewDataSet>"
)
TICKED = '<NewDataSet xmlns=""><Table><EntityName>Students </EntityName></Table><Table><EntityName>staff</EntityName></Table></NewDataSet>'


def answering(students: str = GRAM.format(ANN), whole: str | None = None) -> Snapshot:
    """A read of answers that are written out: `students` are on roll, nobody is to come or has left."""
    asked = {"Students": 0, "Staff": 0}

    def answer(request: Request) -> Response:
        body = request.body.decode()
        if "findEntitiesBySchoolID" in body:
            return said(ENVELOPE.format("findEntitiesBySchoolID", GRAM.format(TICKED)))
        entity = "Students" if "<entityName>Students<" in body else "Staff"
        asked[entity] += 1
        gram = GRAM.format("") if asked[entity] > 1 else students if entity == "Students" else GRAM.format(TESS)
        return said(
            whole if whole is not None and entity == "Students" else ENVELOPE.format("getEntityDataBySchoolID", gram)
        )

    def said(text: str) -> Response:
        return Response(200, text.encode(), {"Content-Type": "application/soap+xml; charset=utf-8"})

    with serve(answer) as url:
        told = bromcom_soap.Settings(
            school=20001, endpoint=f"{url}{PATH}", token="env:PATH", classes=False, tutors=False
        )  # type: ignore[arg-type]
        source = bromcom_soap.connect(told, context("source"))
        try:
            return source.read()
        finally:
            source.close()


def test_a_data_set_as_public_clients_read_it() -> None:
    """Elements, columns and types are those that public clients read; the people are invented. Columns that are null are not there."""
    ann, tess = answering().people
    assert (ann.first, ann.last, ann.legal_first, ann.upn, ann.admission_number) == (
        "Ann",
        "Example",
        "Annabel",
        "H999900012001",
        "001234",
    )
    assert (ann.year_group, ann.registration_group, ann.starts, ann.ends) == ("7", "7A", date(2023, 9, 1), None)
    assert (ann.key.record, ann.status, tess.key.record, tess.staff_code) == (
        "student:1042",
        Status.ON_ROLL,
        "staff:7",
        "TSA",
    )
    assert (tess.first, tess.legal_first) == ("Tessa", "Tess")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("<StudentID>1042<", "<StudentID>1O42<", "a whole number"), ("StudentID>", "PupilID>", "has no StudentID"),
        ("<UPN>H999900012001</UPN>", "<UPN><b>H</b></UPN>", "is not one text"), ("<YearGroup>", "<StudentID>3</StudentID><YearGroup>", "is not one text"),
        ('rowOrder="0"', 'rowOrder="1"', "is not whole"), ("NewDataSet", "before", "not the plain one"), ("2023-09-01", "2023-19-01", "a date"),
        ("2023-09-01", "2027-09-01", "did not hear the dates"), ("</NewDataSet>", "</NewDataSet><diffgr:errors/>", "not the plain one"),
        ("</NewDataSet>", "<Table2/></NewDataSet>", "is not whole"), ("</NewDataSet>", "", "not whole XML"),
    ],
)  # fmt: skip
def test_a_data_set_of_another_shape_is_a_sentence(old: str, new: str, says: str) -> None:
    with pytest.raises(OnrollError, match=says):
        answering(GRAM.format(ANN.replace(old, new)))


@pytest.mark.parametrize(
    ("whole", "kind", "says"),
    [
        ('<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>', Halt, "DTD or entities"), ("<html><body/></html>", Unavailable, "no answer of its service"),
        (ENVELOPE.format("getEntityDataBySchoolID", ""), Halt, "without a data set"), (ENVELOPE.format("getOther", ""), Halt, "without a data set"),
        ('<s:Envelope xmlns:s="urn:s"><s:Body><s:Fault><faultstring>Access denied.</faultstring></s:Fault></s:Body></s:Envelope>', Halt, "Access denied"),
    ],
)  # fmt: skip
def test_what_is_no_data_set_is_never_an_empty_one(whole: str, kind: type[Exception], says: str) -> None:
    with pytest.raises(kind, match=says):
        answering(whole=whole)


def mutate_data_set(body: bytes, chance: random.Random) -> bytes:
    """One mutation of a data set that stays XML: a row gone or twice, a cell emptied, gone, hostile, renamed or with a child."""
    text = body.decode()
    rows = list(re.finditer(r"<Table .*?</Table>", text))
    if not rows or chance.random() < 0.2:
        return mutate_bytes(body, chance)
    row = chance.choice(rows)
    how = chance.choice(("gone", "twice", "swap", "empty", "none", "hostile", "hostile", "rename", "child"))
    cells = list(re.finditer(r"<(\w+)>([^<]*)</\1>", row[0]))
    cell = chance.choice(cells)
    other = chance.choice(rows)
    told = [each for each in HOSTILE if "\0" not in each]
    made = {
        "gone": "" if row is not rows[-1] else row[0][:-8], "twice": row[0] * 2, "swap": other[0] + row[0],
        "empty": row[0].replace(cell[0], f"<{cell[1]}/>"), "none": row[0].replace(cell[0], ""),
        "hostile": row[0].replace(cell[0], f"<{cell[1]}>{escape(chance.choice(told))}</{cell[1]}>"),
        "rename": row[0].replace(cell[0], cell[0].replace(cell[1], chance.choice(("X", cells[0][1])))),
        "child": row[0].replace(cell[0], f"<{cell[1]}><x>1</x></{cell[1]}>"),
    }[how]  # fmt: skip
    return (text[: row.start()] + made + text[row.end() :]).encode()


@pytest.mark.parametrize("mutate", [mutate_bytes, mutate_data_set])
def test_a_mutated_answer_never_makes_a_shorter_school(monkeypatch: pytest.MonkeyPatch, mutate: Any) -> None:
    monkeypatch.setenv("ONROLL_TEST_BROMCOM_SOAP", PASSWORD)
    simulator = BromcomSoap(Tables(with_comers_and_goers(milton_park(TODAY, 28, 8))))
    unruly = Unruly(simulator)
    with serve(unruly) as url:
        storm(
            unruly,
            lambda: World(simulator, unruly, url).read(house_entity="HouseClasses", contacts=True),
            f"bromcom_soap {mutate.__name__}",
            mutate,
        )
