"""Wonde: the contract, and what is special to it, against the simulator over loopback HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import pytest

from fuzz import storm
from onroll_connectors.sandbox.school import milton_park, with_comers_and_goers
from onroll_connectors.sandbox.serving import Faults, serve
from onroll_connectors.sandbox.unruly import Unruly
from onroll_connectors.sandbox.wonde import SCHOOL_ID, TOKEN, Wonde
from onroll_connectors.sources import wonde
from onroll_connectors.testing import SourceContract
from onroll_core.contracts import Source
from onroll_core.errors import Halt, Unavailable
from onroll_core.people import GroupKind, Person, Role, Snapshot, Status
from same_school import assert_same_school
from source_world import SourceWorld
from world import DictMemory, context

TODAY = date(2026, 11, 24)
SENSITIVE = {"extended_details", "medical_conditions", "sen_needs", "contacts", "contact_details", "doctors", "photo"}


@dataclass
class World(SourceWorld):
    """The school, Wonde in front of it, and how onroll reaches it."""

    url: str

    def connect(self, **settings: Any) -> Source:
        told = {
            "school": SCHOOL_ID,
            "token": "env:ONROLL_TEST_WONDE",
            "endpoint": f"{self.url}/v1.0",
            "per_page": 50,
        } | settings
        return wonde.connect(wonde.Settings(**told), context("source", self.clock, memory=self.memory))

    def misbehave(self, how: str) -> bool:
        faults = {
            "no permission": "403", "wrong credentials": "401", "garbage": "garbage", "empty": "empty", "repeated records": "repeat",
            "breaks off half way": "dies",
        }  # fmt: skip
        self.simulator.fault, self.simulator.faults = faults.get(how, ""), Faults()
        if how in ("too busy", "server error"):
            self.simulator.faults = Faults(1.0, (429 if how == "too busy" else 500,), after=0)
        if how == "empty":
            self.school.staff.clear()
        return how in faults or how in ("too busy", "server error")


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setenv("ONROLL_TEST_WONDE", TOKEN)
    simulator = Wonde(milton_park(TODAY, 120, 12))
    with serve(simulator) as url:
        yield World(simulator, url)


class TestWonde(SourceContract):
    """What every source promises."""

    @pytest.fixture
    def source_world(self, world: World) -> World:
        return world


def pupil(snapshot: Snapshot, upn: str) -> Person:
    return next(person for person in snapshot.people if person.upn == upn)


def test_a_pupil_as_wonde_tells_them(world: World) -> None:
    known = world.school.pupils[10_003]
    told = pupil(world.read(), known.upn)
    assert (told.first, told.last, told.legal_first) == (known.first, known.last, known.legal_first)
    assert (told.year_group, told.registration_group, told.house) == (str(known.year), known.form, known.house)
    assert (told.starts, told.ends, told.status, told.dob) == (known.starts, None, Status.ON_ROLL, None)
    assert told.key.record.startswith("student:")


def test_pupils_to_come_and_gone_and_staff_to_come(world: World) -> None:
    school = world.school
    school.pupils[1] = replace(school.pupils[10_000], number=1, upn="NEW", status="accepted", starts=date(2027, 9, 1))
    school.leaves(10_001, TODAY - timedelta(days=3))
    school.is_employed("Future", "Teacher", TODAY + timedelta(days=20))
    snapshot = world.read()
    assert (pupil(snapshot, "NEW").status, pupil(snapshot, "NEW").starts) == (Status.FUTURE, date(2027, 9, 1))
    gone = pupil(snapshot, school.pupils[10_001].upn)
    assert (gone.status, gone.ends) == (Status.LEFT, TODAY - timedelta(days=3))
    (future,) = (person for person in snapshot.people if person.first == "Future")
    assert (future.role, future.status) == (Role.STAFF, Status.FUTURE)


def test_a_pupil_who_enrols_again_has_a_new_id_and_the_same_key(world: World) -> None:
    upn = world.school.pupils[10_005].upn
    before = pupil(world.read(), upn).key
    world.simulator.reenrolled[10_005] = 1
    assert pupil(world.read(), upn).key == before


def test_what_the_school_has_not_permitted_is_not_told(world: World) -> None:
    world.simulator.hidden |= {"legal_surname", "legal_forename"}
    for person in world.read().people:
        assert (person.legal_first, person.legal_last) == (None, None)
        assert person.last


def test_groups_of_four_kinds_with_their_members_and_teachers(world: World) -> None:
    groups = world.read().groups
    assert {group.kind for group in groups} == {
        GroupKind.YEAR,
        GroupKind.REGISTRATION,
        GroupKind.HOUSE,
        GroupKind.TEACHING,
    }
    taught = next(group for group in groups if group.kind is GroupKind.TEACHING)
    assert taught.members
    assert taught.leaders


def test_nothing_sensitive_is_ever_asked_for(world: World) -> None:
    world.read()
    source = world.connect()
    source.check()
    source.close()
    assert world.simulator.asked
    assert not world.simulator.asked & SENSITIVE


@pytest.mark.parametrize(
    ("fault", "kind", "says"),
    [
        ("401", Halt, "token is wrong"), ("403", Halt, "withdrawn"), ("422", Halt, "422"), ("garbage", Unavailable, "not JSON"),
        ("redirect", Halt, "elsewhere.test"), ("dies", Unavailable, "answered 500"), ("repeat", Unavailable, "twice"),
        ("short page", Unavailable, "counts 120 pupils"),
    ],
)  # fmt: skip
def test_what_goes_wrong_is_told_apart(world: World, fault: str, kind: type[Exception], says: str) -> None:
    world.simulator.fault = fault
    with pytest.raises(kind, match=says):
        world.read()


def test_a_wonde_without_totals_is_read_all_the_same(world: World) -> None:
    world.simulator.fault = "no counts"
    assert len(world.read().people) == world.people


def test_a_busy_wonde_is_waited_for(world: World) -> None:
    world.simulator.faults = Faults(0.3, (429, 500, 503), retry_after=7)
    assert len(world.read().people) == world.people
    assert 7.0 in world.clock.slept


def test_a_wonde_that_stays_busy_is_unavailable_after_five_tries(world: World) -> None:
    world.simulator.faults = Faults(1.0, (503,), after=0)
    with pytest.raises(Unavailable, match="5 times"):
        world.read()
    assert world.simulator.requests == 5


def test_another_mis_behind_wonde_ends_the_read(world: World) -> None:
    world.read()
    world.simulator.mis = "Arbor"
    with pytest.raises(Halt, match="was SIMS and is now Arbor"):
        world.read()


def test_a_wrong_school_or_region_is_said_in_a_check(world: World) -> None:
    for settings in ({"school": "A0000000000"}, {"endpoint": f"{world.url}/v1.0"}):
        world.simulator.fault = "" if "school" in settings else "wrong region"
        source = world.connect(**settings)
        assert not source.check().good
        source.close()


def test_a_token_never_shows(world: World) -> None:
    source = world.connect()
    source.check()
    assert TOKEN not in repr(source)
    assert TOKEN not in repr(wonde.Settings(school="A1", token="env:ONROLL_TEST_WONDE"))  # type: ignore[arg-type]
    source.close()


def test_an_endpoint_in_the_clear_is_for_this_machine_alone() -> None:
    with pytest.raises(ValueError, match="https"):
        wonde.Settings(school="A1", token="env:X", endpoint="http://api.wonde.test/v1.0")  # type: ignore[arg-type]


def test_contacts_are_read_where_the_school_asks_with_the_children_that_are_there(world: World) -> None:
    assert {each.role for each in world.read().people} == {Role.STUDENT, Role.STAFF}
    told = [each for each in world.read(contacts=True).people if each.role is Role.CONTACT]
    assert len(told) == len(world.school.contacts)
    pupils = {each.key.record: each for each in world.read().people}
    for each in told:
        assert each.children
        assert all(pupils[child].last == each.last or pupils[child].legal_last == each.last for child in each.children)
    assert "contact_details" not in world.simulator.asked


def test_while_a_move_is_looked_at_another_mis_behind_wonde_is_read_and_not_taken_for_granted(world: World) -> None:
    world.read()
    world.simulator.mis = "Arbor"
    settings = {"school": SCHOOL_ID, "token": "env:ONROLL_TEST_WONDE", "endpoint": f"{world.url}/v1.0"}
    looking = replace(context("source", world.clock, memory=world.memory), moving=True)
    source = wonde.connect(wonde.Settings(**settings), looking)  # type: ignore[arg-type]
    assert len(source.read().people) == world.people
    source.close()
    with pytest.raises(Halt, match="onroll rekey milton-park --to wonde"):
        world.read()


def test_the_school_is_the_same_by_this_route(world: World) -> None:
    with_comers_and_goers(world.school)
    assert_same_school(world.read(), world.school, wonde.GIVES)


def test_a_mutated_answer_never_makes_a_shorter_school(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONROLL_TEST_WONDE", TOKEN)
    unruly = Unruly(Wonde(with_comers_and_goers(milton_park(TODAY, 28, 8))))
    with serve(unruly) as url:
        storm(unruly, lambda: World(unruly.application, url, memory=DictMemory()).read(per_page=25), "wonde")  # type: ignore[arg-type]
