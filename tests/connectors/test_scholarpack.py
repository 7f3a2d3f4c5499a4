"""ScholarPack: the contract, the approval by a person, pages that have to be whole, and keys that are a map."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from fuzz import storm
from onroll_connectors.sandbox.scholarpack import CLIENT_ID, REDIRECT, SECRET, TOKEN, ScholarPack
from onroll_connectors.sandbox.school import milton_park, with_comers_and_goers
from onroll_connectors.sandbox.serving import Request, Response, serve
from onroll_connectors.sandbox.unruly import Unruly
from onroll_connectors.sources import scholarpack
from onroll_connectors.testing import SourceContract
from onroll_core.contracts import Source
from onroll_core.errors import Halt, OnrollError, Unavailable
from onroll_core.people import GroupKind, Role, Status
from same_school import assert_same_school
from source_world import NETWORK, HttpWorld
from world import context

TODAY = date(2026, 11, 24)
SENSITIVE = {"photo", "sen", "ethnic", "medical", "fsm", "address", "contracts", "first-party", "write"}


@dataclass
class World(HttpWorld):
    """The school, ScholarPack in front of it behind a network that can fail, and how onroll reaches it."""

    def connect(self, moving: bool = False, **settings: Any) -> Source:
        told = {"endpoint": f"{self.url}/api/v1", "token": "env:ONROLL_TEST_SCHOLARPACK", "per_page": 50} | settings
        told = {name: value for name, value in told.items() if value is not None}
        surroundings = replace(context("source", self.clock, memory=self.memory), moving=moving)
        return scholarpack.connect(scholarpack.Settings(**told), surroundings)

    def misbehave(self, how: str) -> bool:
        network = NETWORK | {"wrong credentials": "refused", "does not answer": "cut off", "breaks off half way": ""}
        own = {
            "empty": "no pupils", "repeated records": "repeat", "broken second page": "dies", "totals do not match": "lost page",
            "shows nothing of one kind": "no staff", "breaks off half way": "short page",
        }  # fmt: skip
        known = self.misbehaves(how, own, network, drip=300)
        self.simulator.scopes = scholarpack_scopes()
        if how == "no permission":
            self.simulator.scopes -= {"staff:read"}
        return known or how == "no permission"


def scholarpack_scopes() -> frozenset[str]:
    return frozenset({"student:read", "staff:read", "school-info:read", "contacts:third-party"})


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setenv("ONROLL_TEST_SCHOLARPACK", TOKEN)
    monkeypatch.setenv("ONROLL_TEST_SECRET", SECRET)
    unruly = Unruly(ScholarPack(milton_park(TODAY, 120, 12)))
    with serve(unruly) as url:
        yield World(unruly.application, unruly, url)


class TestScholarPack(SourceContract):
    """What every source promises."""

    @pytest.fixture
    def source_world(self, world: World) -> World:
        return world


OAUTH = {"token": None, "client_id": CLIENT_ID, "client_secret": "env:ONROLL_TEST_SECRET", "redirect_uri": REDIRECT}


def approve(world: World, monkeypatch: pytest.MonkeyPatch, **settings: Any) -> None:
    """What a person does: open the address that the check prints, approve, and put the code where the configuration says."""
    said = " ".join(each.sentence for each in world.check(**OAUTH | settings).findings)
    address = said.split("The address: ")[1].split(" ")[0]
    assert "roles Admin and System Admin" in said
    with httpx2.Client() as browser:
        assert b"Approve" in browser.get(address).content
        back = browser.post(address).headers["location"]
    monkeypatch.setenv("ONROLL_TEST_CODE", parse_qs(urlsplit(back).query)["code"][0])


def test_the_school_is_the_same_by_this_route(world: World) -> None:
    with_comers_and_goers(world.school)
    assert_same_school(world.read(), world.school, scholarpack.GIVES)


def test_a_person_approves_once_and_the_nights_after_that_need_nobody(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    approve(world, monkeypatch)
    told = OAUTH | {"code": "env:ONROLL_TEST_CODE"}
    for _ in range(3):
        assert len(world.read(**told).people) == world.people
    assert world.simulator.refreshed == 3
    monkeypatch.setenv("ONROLL_TEST_CODE", "")
    assert len(world.read(**told).people) == world.people
    monkeypatch.delenv("ONROLL_TEST_CODE")
    assert len(world.read(**told).people) == world.people


def test_before_the_code_is_had_a_check_shows_the_address(world: World) -> None:
    (finding,) = world.check(**OAUTH | {"code": "file:nowhere/code.txt"}).findings
    assert finding.level == "problem"
    assert "/oauth2/authorize/?response_type=code&client_id=onroll-sandbox" in finding.sentence
    assert "student%3Aread+staff%3Aread" in finding.sentence


def test_a_refresh_token_that_was_had_in_another_way_is_taken(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    approve(world, monkeypatch)
    world.read(**OAUTH | {"code": "env:ONROLL_TEST_CODE"})
    (token,) = world.simulator._refresh
    monkeypatch.setenv("ONROLL_TEST_REFRESH", token)
    world.memory.clear()
    for _ in range(2):
        assert world.read(**OAUTH | {"refresh_token": "env:ONROLL_TEST_REFRESH"}).people


@pytest.mark.parametrize("where", ["header", "body"])
def test_client_id_and_secret_go_where_the_school_says(
    world: World, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    approve(world, monkeypatch)
    assert world.read(**OAUTH | {"code": "env:ONROLL_TEST_CODE", "credentials_in": where}).people


def test_a_refresh_token_that_is_replaced_is_kept_and_never_in_clear(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    approve(world, monkeypatch)
    told = OAUTH | {"code": "env:ONROLL_TEST_CODE"}
    world.read(**told)
    first = dict(world.memory)
    world.read(**told)
    assert first["refresh token, sealed"] != world.memory["refresh token, sealed"]
    for value in (*first.values(), *world.memory.values()):
        assert b"refresh-of-the-sandbox" not in value
        assert SECRET.encode() not in value


def test_a_refresh_token_that_stays_is_used_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.simulator.rotates = False
    approve(world, monkeypatch)
    for _ in range(3):
        assert world.read(**OAUTH | {"code": "env:ONROLL_TEST_CODE"}).people


def test_a_token_sealed_with_another_secret_is_of_no_use(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    approve(world, monkeypatch)
    world.read(**OAUTH | {"code": "env:ONROLL_TEST_CODE"})
    monkeypatch.setenv("ONROLL_TEST_SECRET", "stolen store, other secret")
    with pytest.raises(Halt, match="nobody has approved"):
        world.read(**OAUTH)


def test_an_approval_that_was_taken_back_says_how_it_is_given_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    approve(world, monkeypatch)
    told = OAUTH | {"code": "env:ONROLL_TEST_CODE"}
    world.read(**told)
    world.simulator.fault = "revoked"
    with pytest.raises(Halt, match="taken back.*oauth2/authorize"):
        world.read(**told)
    world.simulator.fault = ""
    old = world.simulator.refreshed
    with httpx2.Client() as browser:
        address = str(world.connect(**OAUTH)._sign_in.approval())  # type: ignore[attr-defined]
        back = browser.post(address).headers["location"]
    monkeypatch.setenv("ONROLL_TEST_CODE", parse_qs(urlsplit(back).query)["code"][0])
    assert world.read(**told).people
    assert world.simulator.refreshed == old + 1
    assert not world.simulator._codes  # it is the new approval that was used, not what was kept of the old one


def test_a_token_that_ends_within_a_night_is_renewed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    approve(world, monkeypatch)
    simulator, asked = world.simulator, []

    def ends_tokens(request: Request) -> Response:
        asked.append(request.path)
        if len([each for each in asked if "students" in each]) == 2 and request.query.get("page") == ["2"]:
            simulator.end_tokens()
        return simulator(request)

    world.unruly.application = ends_tokens
    source = world.connect(**OAUTH | {"code": "env:ONROLL_TEST_CODE"})
    assert len(source.read().people) == len(simulator.school.pupils) + len(simulator.school.staff)
    source.close()
    assert simulator.refreshed >= 2


def test_a_refused_client_is_told_apart(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    approve(world, monkeypatch)
    monkeypatch.setenv("ONROLL_TEST_SECRET", "wrong")
    with pytest.raises(Halt, match="client_id and client_secret"):
        world.read(**OAUTH | {"code": "env:ONROLL_TEST_CODE"})


@pytest.mark.parametrize(("scope", "what"), [("student:read", "pupils"), ("staff:read", "staff")])
def test_a_scope_that_is_missing_is_named(world: World, scope: str, what: str) -> None:
    world.simulator.scopes -= {scope}
    with pytest.raises(Halt, match=f"the scope {scope} .403., which is for {what}"):
        world.read()
    said = [each.sentence for each in world.check().findings if each.level == "problem"]
    assert any(scope in each for each in said)


def test_a_scope_that_was_not_approved_can_be_approved_later(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    approve(world, monkeypatch)
    told = OAUTH | {"code": "env:ONROLL_TEST_CODE", "contacts": True}
    with pytest.raises(Halt, match="contacts:third-party"):
        world.read(**told)
    approve(world, monkeypatch, code="env:ONROLL_TEST_CODE", contacts=True)
    assert any(each.role is Role.CONTACT for each in world.read(**told).people)


@pytest.mark.parametrize(
    ("fault", "kind", "says"),
    [
        ("dies", Unavailable, "answered 500"), ("repeat", Unavailable, "twice"), ("short page", Unavailable, "49 records of 50"),
        ("lost page", Unavailable, "changed while it was read"), ("no pupils", Halt, "no pupil at all.*student:read"),
        ("no staff", Halt, "no member of staff at all.*staff:read"),
    ],
)  # fmt: skip
def test_what_goes_wrong_is_told_apart(world: World, fault: str, kind: type[OnrollError], says: str) -> None:
    world.simulator.fault = fault
    with pytest.raises(kind, match=says):
        world.read()


def test_the_documented_paging_body_is_read_to_its_letter(world: World) -> None:
    """The envelope is ScholarPack's; the keys within the records are made up, because theirs are not public."""
    page = (
        '{"has_next":false,"has_prev":false,"next_num":null,"prev_num":null,"page":1,"pages":1,"per_page":50,"next_uri":null,"prev_uri":null,'
        '"data":[{"UUID":"a-1","Forename":" Zo\\u00eb ","Surname":"O\'Neil","Known_As":"","Year_Group":"Reception","Registration_Group":"Acorns",'
        '"Admission_Date":"2026-09-03T00:00:00","Leaving_Date":null}]}'
    )
    world.unruly.application = lambda request: Response(404 if "school" in request.path else 200, page.encode())
    snapshot = world.read()
    pupil = next(each for each in snapshot.people if each.role is Role.STUDENT)
    assert (pupil.key.record, pupil.first, pupil.last, pupil.legal_first) == ("student:a-1", "Zoë", "O'Neil", "Zoë")
    assert (pupil.year_group, pupil.registration_group, pupil.starts, pupil.ends) == (
        "Reception",
        "Acorns",
        date(2026, 9, 3),
        None,
    )


@pytest.mark.parametrize(
    ("page", "lie"),
    [("1", {"has_next": False}), ("3", {"has_next": True}), ("2", {"page": 1}), ("2", {"per_page": 60})],
)
def test_a_page_that_contradicts_itself_ends_the_read(world: World, page: str, lie: dict[str, Any]) -> None:
    simulator = world.simulator

    def lying(request: Request) -> Response:
        response = simulator(request)
        if "students" in request.path and request.query["page"] == [page]:
            response.body.update(lie)
        return response

    world.unruly.application = lying
    with pytest.raises(Unavailable, match="changed while it was read, or is not whole"):
        world.read()


def test_a_schools_own_keys_are_a_map_and_a_dot_goes_into_a_record(world: World) -> None:
    world.simulator.keys = {"forename": "given", "preferred_forename": "calls_themself", "registration_group": "tutor"}
    with pytest.raises(Halt, match="no key that onroll takes for first.*calls_themself"):
        world.read()
    told = {"first": "given", "preferred_first": "calls_themself", "registration_group": "tutor.name"}
    staff = {"first": "given"}
    assert_same_school(world.read(students=told, staff=staff), world.school, scholarpack.GIVES)
    with pytest.raises(Halt, match="'nowhere', which .* names for upn"):
        world.read(students=told | {"upn": "nowhere"}, staff=staff)
    with pytest.raises(ValueError, match="reads no frist"):
        world.connect(students={"frist": "given"})


def test_a_key_that_is_no_longer_sent_ends_the_read_and_blanks_nobody(world: World) -> None:
    world.read()
    world.simulator.keys = {"upn": "unique_number"}
    with pytest.raises(Halt, match="no longer tell the upn"):
        world.read()
    assert world.read(students={"upn": "unique_number"}).people


def test_another_school_behind_the_same_approval_ends_the_read_until_it_is_confirmed(world: World) -> None:
    world.read()
    world.simulator.school_id = "another"
    with pytest.raises(Halt, match="onroll rekey milton-park --to scholarpack"):
        world.read()
    assert len(world.read(moving=True).people) == world.people


def test_without_the_scope_of_the_school_its_people_are_read_all_the_same(world: World) -> None:
    world.simulator.scopes -= {"school-info:read"}
    assert len(world.read().people) == world.people


def test_statuses_are_read_where_the_school_says_which_key_they_are_under(world: World) -> None:
    world.simulator.keys = {"gender": "state"}
    assert {each.status for each in world.read(students={"status": "state"}).people} == {Status.ON_ROLL}

    def with_states(request: Request) -> Response:
        response = world_simulator(request)
        if "students" in request.path:
            for number, row in enumerate(response.body["data"]):
                row["state"] = "Leaver" if number == 0 else "Attending"
        return response

    world_simulator = world.simulator
    world.unruly.application = with_states
    with pytest.raises(Halt, match="'Leaver' as the status"):
        world.read(students={"status": "state"}, statuses={"attending": "on roll"})
    words = {"attending": "on roll", "leaver": "left"}
    snapshot = world.read(students={"status": "state"}, statuses=words)
    assert sum(each.status is Status.LEFT for each in snapshot.people) == 3  # the first of each of three pages


def test_further_lists_of_pupils_are_what_the_school_says_they_are(world: World) -> None:
    there, gone = world.school.pupils[10_000], world.school.pupils[10_001]
    simulator = world.simulator

    def lists(request: Request) -> Response:
        if request.query.pop("state", None) == ["leaver"]:
            return ScholarPack(replace(simulator.school, pupils={10_001: gone, 10_000: there}))(request)
        return simulator(request)

    del simulator.school.pupils[10_001]
    world.unruly.application = lists
    snapshot = world.read(more_students={"students/?state=leaver": "left"})
    by_upn = {each.upn: each.status for each in snapshot.people}
    assert by_upn[gone.upn] is Status.LEFT
    assert by_upn[there.upn] is Status.ON_ROLL  # left once and back: the list of those who are there counts


def test_there_are_no_teaching_groups_and_a_check_says_so(world: World) -> None:
    kinds = {each.kind for each in world.read().groups}
    assert kinds == {GroupKind.YEAR, GroupKind.REGISTRATION}
    said = " ".join(each.sentence for each in world.check().findings)
    assert "no teaching groups" in said
    assert "Keys of students that are not read: " in said
    assert "not for onroll" not in said  # keys, and never a value


def test_contacts_are_read_where_the_school_asks_with_the_children_that_are_there(world: World) -> None:
    assert {each.role for each in world.read().people} == {Role.STUDENT, Role.STAFF}
    world.school.leaves(10_001, TODAY - timedelta(days=3))
    snapshot = world.read(contacts=True)
    records = {each.key.record for each in snapshot.people}
    told = [each for each in snapshot.people if each.role is Role.CONTACT]
    assert len(told) == len(world.school.contacts)
    assert all(each.children and set(each.children) <= records for each in told)
    del world.school.pupils[10_002]
    assert len([each for each in world.read(contacts=True).people if each.role is Role.CONTACT]) < len(told)


def test_nothing_is_asked_for_that_the_job_does_not_need(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    approve(world, monkeypatch, contacts=True)
    told = OAUTH | {"code": "env:ONROLL_TEST_CODE", "contacts": True}
    world.check(**told)
    snapshot = world.read(**told)
    assert not world.unruly.asked(SENSITIVE)
    assert not world.simulator.written
    assert all(each.dob is None for each in snapshot.people)
    assert any(each.dob for each in world.read(dates_of_birth=True).people)


def test_no_secret_ever_shows(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    approve(world, monkeypatch)
    source = world.connect(**OAUTH | {"code": "env:ONROLL_TEST_CODE"})
    report = source.check()
    told = repr(source) + repr(source._settings) + repr(report)  # type: ignore[attr-defined]
    for secret in (SECRET, TOKEN, "access-of", "refresh-of", "code-of"):
        assert secret not in told
    source.close()


def test_settings_that_cannot_work_are_refused() -> None:
    for wrong, says in (
        ({}, "client_id and client_secret"), ({"token": "env:X"}, "simulator on this machine"),
        ({"client_id": "a", "client_secret": "env:X", "endpoint": "http://scholarpack.test/api/v1"}, "https"),
        ({"client_id": "a", "client_secret": "env:X", "sign_in": "http://scholarpack.test/oauth2"}, "https"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=says):
            scholarpack.Settings(**wrong)  # type: ignore[arg-type]


def test_an_answer_of_the_sign_in_that_is_none_is_a_sentence(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONROLL_TEST_CODE", "x")
    for body in (b"<html>", json.dumps({"error": {"a": 1}}).encode(), b"[]"):
        world.unruly.application = lambda request, body=body: Response(400, body)
        with pytest.raises(Halt, match=r"refused onroll \(400\)"):
            world.read(**OAUTH | {"code": "env:ONROLL_TEST_CODE"})
    world.unruly.application = lambda request: Response(200, {"access_token": 5.5})
    with pytest.raises(Unavailable, match="access token"):
        world.read(**OAUTH | {"code": "env:ONROLL_TEST_CODE"})


def test_a_mutated_answer_never_makes_a_shorter_school(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONROLL_TEST_SCHOLARPACK", TOKEN)
    unruly = Unruly(ScholarPack(with_comers_and_goers(milton_park(TODAY, 28, 8))))
    with serve(unruly) as url:
        storm(unruly, lambda: World(unruly.application, unruly, url).read(per_page=10), "scholarpack")
