"""Arbor: the contract, and what is special to it, against the simulator's GraphQL over loopback HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest

from fuzz import storm
from onroll_connectors.sandbox.arbor import PASSWORD, USER, Arbor
from onroll_connectors.sandbox.school import milton_park, with_comers_and_goers
from onroll_connectors.sandbox.serving import Request, Response, serve
from onroll_connectors.sandbox.unruly import Unruly
from onroll_connectors.sources import arbor
from onroll_connectors.sources.arbor_graphql import selection
from onroll_connectors.testing import SourceContract
from onroll_core.contracts import Source
from onroll_core.errors import Halt, OnrollError, Unavailable
from onroll_core.people import GroupKind, Role, Status
from same_school import assert_same_school
from source_world import HttpWorld
from world import Clock, DictMemory, context

TODAY = date(2026, 11, 24)
SENSITIVE = {
    "ethnicity",
    "religion",
    "sen",
    "medical",
    "guardian",
    "email",
    "telephone",
    "dateOfBirth",
    "gender",
    "genderIdentity",
    "countryOfBirth",
}


@dataclass
class World(HttpWorld):
    """The school, Arbor in front of it, what may come between, and how onroll reaches it."""

    user: str = USER

    def connect(self, **settings: Any) -> Source:
        own = {"endpoint": self.url, "user": self.user, "password": "env:ONROLL_TEST_ARBOR", "page_size": 50}
        return arbor.connect(arbor.Settings(**(own | settings)), context("source", self.clock, memory=DictMemory()))

    def misbehave(self, how: str) -> bool:
        own = {
            "empty": "empty",
            "repeated records": "repeat",
            "totals do not match": "shifts",
            "broken second page": "dies",
        }
        known = self.misbehaves(how, own)
        self.simulator.hidden = frozenset({"Student.preferredFirstName"} if how == "no permission" else ())
        self.simulator.unseen = frozenset({"Staff"} if how == "shows nothing of one kind" else ())
        self.user = "another" if how == "wrong credentials" else USER
        return known or how in ("no permission", "shows nothing of one kind", "wrong credentials")


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setenv("ONROLL_TEST_ARBOR", PASSWORD)
    simulator = Arbor(milton_park(TODAY, 120, 12))
    unruly = Unruly(simulator)
    with serve(unruly) as url:
        yield World(simulator, unruly, url)


class TestArbor(SourceContract):
    """What every source promises."""

    @pytest.fixture
    def source_world(self, world: World) -> World:
        return world


@pytest.mark.parametrize(
    "settings", [{}, {"classes": "academic_units"}, {"page_size": 1000}], ids=["groups", "units", "one page"]
)
def test_the_school_is_the_same_by_this_route(world: World, settings: dict[str, Any]) -> None:
    with_comers_and_goers(world.school)
    assert_same_school(world.read(**settings), world.school, arbor.GIVES)


def test_pupils_to_come_by_their_enrolment_where_the_school_has_no_applications(world: World) -> None:
    with_comers_and_goers(world.school)
    coming = [
        each
        for each in world.read(future="enrolment").people
        if each.status is Status.FUTURE and each.role is Role.STUDENT
    ]
    assert {each.starts for each in coming} == {date(2027, 9, 3)}
    assert not [
        each for each in world.read(future="none").people if each.status is Status.FUTURE and each.role is Role.STUDENT
    ]


def test_whoever_withdrew_was_rejected_or_is_not_accepted_does_not_come(world: World) -> None:
    assert not [each for each in world.read().people if each.last == "Minds"]


def test_only_fields_that_the_job_needs_are_asked_for(world: World) -> None:
    source = world.connect()
    assert source.check().good
    source.read()
    source.close()
    words = {word for query in world.simulator.asked for word in query.replace("{", " ").replace("}", " ").split()}
    assert words
    assert not {word for word in words if word.lower() in {each.lower() for each in SENSITIVE}}


def test_contacts_are_read_where_the_school_asks(world: World) -> None:
    told = [each for each in world.read(contacts=True).people if each.role is Role.CONTACT]
    assert len(told) == len(world.school.contacts)
    assert sum(len(each.children or ()) for each in told) == len(world.school.pupils)


def test_a_field_without_permission_is_named_and_can_be_done_without(world: World) -> None:
    world.simulator.hidden = frozenset({"Student.upn"})
    with pytest.raises(Halt, match=r"You do not have access to `Student\.upn`"):
        world.read()
    source = world.connect()
    assert any("Student.upn" in each.sentence for each in source.check().findings if each.level == "problem")
    source.close()
    snapshot = world.read(omit=["upn"])
    assert len(snapshot.people) == world.people
    assert {each.upn for each in snapshot.people} == {None}


def test_a_field_that_this_arbor_does_not_know_is_named() -> None:
    answer = Response(200, {"errors": [{"message": 'Cannot query field "studentNumber" on type "Student".'}]})
    with serve(lambda request: answer) as url, pytest.raises(Halt, match=r"studentNumber.*omit"):
        source = arbor.connect(arbor.Settings(endpoint=url, token="env:PATH"), context("source"))  # type: ignore[arg-type]
        try:
            source.read()
        finally:
            source.close()


def test_data_beside_an_error_is_never_a_read(world: World) -> None:
    world.simulator.hidden = frozenset({"Staff.leavingDate"})
    with pytest.raises(Halt, match=r"Staff\.leavingDate"):
        world.read()


def test_a_pupil_lost_between_two_pages_is_noticed(world: World) -> None:
    world.simulator.fault = "shifts"
    with pytest.raises(Unavailable, match="changed while it was read|shifted"):
        world.read()


def test_groups_of_last_year_and_memberships_that_are_over_are_none(world: World) -> None:
    taught = [each for each in world.read().groups if each.kind is GroupKind.TEACHING]
    assert len(taught) == len(world.school.classes)
    assert world.read().academic_year == 2026


def test_a_day_in_no_academic_year_is_said(world: World) -> None:
    clock = Clock(start=world.clock.start.replace(year=2035))
    world.clock = clock
    with pytest.raises(Unavailable, match="0 academic years"):
        world.read()


def test_429_is_waited_for(world: World) -> None:
    world.simulator.busy_after = 3
    assert len(world.read().people) == world.people
    assert 10.0 in world.clock.slept


def test_a_user_agent_is_sent_and_the_shared_address_needs_an_application_id(world: World) -> None:
    asked: list[Request] = []

    def answer(request: Request) -> Response:
        asked.append(request)
        return world.simulator(request)

    with serve(answer) as url:
        source = world.connect(endpoint=url, application_id="17")
        source.read()
        source.close()
    assert {each.headers["x-mis-application-id"] for each in asked} == {"17"}
    assert all("onroll" in each.headers["user-agent"] for each in asked)


def test_secrets_show_nowhere_and_a_token_is_for_this_machine_alone(world: World) -> None:
    world.user = "another"
    source = world.connect()
    with pytest.raises(OnrollError) as caught:
        source.read()
    assert PASSWORD not in f"{source!r} {caught.value}"
    source.close()
    with pytest.raises(ValueError, match="this machine alone"):
        arbor.Settings(endpoint="https://x.uk.arbor.sc", token="env:X")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="user and password"):
        arbor.Settings(endpoint="https://x.uk.arbor.sc", user="x")


def test_what_is_left_out_of_a_selection_goes_with_what_is_in_it() -> None:
    assert selection("id upn a { b c } d", {"upn"}) == "id a { b c } d"
    assert selection("id a { b { c } e } d", {"a"}) == "id d"
    assert selection("id a { b c } d", {"b"}) == "id a { c } d"


def test_answers_as_clients_have_seen_them() -> None:
    """Ids are texts, dates plain or objects of the type date, and what is not permitted is null; the people are invented."""
    pages = {
        "Student": [
            {"id": "7", "upn": "H999900012001", "studentNumber": "001234", "legalFirstName": "Annabel", "legalLastName": "Example", "preferredFirstName": "Ann",
             "preferredLastName": None, "mostRecentEntryDate": {"entityType": "date", "date": "2019-09-03 00:00:00"}, "leavingDate": None,
             "displayAcademicLevel": {"displayName": "Year 7"}, "registrationForm": {"id": "3", "displayName": "7A"}}
        ],
        "Staff": [
            {"id": "9", "legalFirstName": "Tess", "legalLastName": "Sample ", "preferredFirstName": None, "preferredLastName": None, "joiningDate": "2020-09-01",
             "leavingDate": "2021-01-01", "staffNumber": None, "isActiveInSchool": True}
        ],
        "AcademicYear": [{"id": "2", "displayName": "2026/2027", "startDate": "2026-09-01", "endDate": "2027-08-31"}],
    }  # fmt: skip

    def answer(request: Request) -> Response:
        entity = request.json()["query"].split("{", 1)[1].split("(")[0].strip()
        return Response(200, json.dumps({"data": {entity: pages.get(entity, [])}}).encode())

    with serve(answer) as url:
        source = arbor.connect(arbor.Settings(endpoint=url, token="env:PATH"), context("source"))  # type: ignore[arg-type]
        ann, tess = source.read().people
        source.close()
    assert (ann.key.record, ann.first, ann.last, ann.legal_first, ann.starts) == (
        "student:7",
        "Ann",
        "Example",
        "Annabel",
        date(2019, 9, 3),
    )
    assert (ann.year_group, ann.registration_group, ann.admission_number) == ("Year 7", "7A", "001234")
    assert (tess.status, tess.last) == (Status.ON_ROLL, "Sample")


def test_a_mutated_answer_never_makes_a_shorter_school(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONROLL_TEST_ARBOR", PASSWORD)
    simulator = Arbor(with_comers_and_goers(milton_park(TODAY, 28, 8)))
    unruly = Unruly(simulator)
    with serve(unruly) as url:
        storm(unruly, lambda: World(simulator, unruly, url).read(page_size=12, classes="none", houses=False), "arbor")
