"""Licences in Microsoft 365: what people were given directly is told of the disabled, released, and given again; what groups give is left alone."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace

import pytest

from graph_world import World, worlds
from onroll_connectors.sandbox.graph_quota import Quotas
from onroll_connectors.sandbox.graph_state import Lag, User
from onroll_connectors.sandbox.serving import Faults
from onroll_connectors.testing import SCHOOL, pupil
from onroll_core.accounts import Anchor, Observed
from onroll_core.changes import Applied, Disable, Enable, Rejected, ReleaseLicences, ReturnLicences, Who
from onroll_core.contracts import Scope

A3, A1 = "4b590615-0888-425a-a965-b3bf7789848d", "94763226-9b3c-4e75-a931-5c89701abe66"
YAMMER = "7547a3fe-08ee-4ccb-b430-5077c5041653"


@pytest.fixture(autouse=True)
def _token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONROLL_TEST_TOKEN", "a-sandbox-token")


class LicensedWorld(World):
    """A tenant of which the school wants licences released."""

    licences = True

    def user(self, who: Who) -> User:
        return self.graph.directory.users[who.object]


def tenants(**options: object) -> Iterator[LicensedWorld]:
    for each in worlds(LicensedWorld, **options):
        assert isinstance(each, LicensedWorld)
        each.graph.licences.seats = {A3: 2, A1: 100}
        yield each


@pytest.fixture
def world() -> Iterator[LicensedWorld]:
    yield from tenants()


def leaver(world: LicensedWorld, name: str = "lena") -> Who:
    """Somebody disabled, with A3 directly (without Yammer), and A1 by a group."""
    who = replace(pupil(name), anchor=world.made(name))
    world.settle()
    world.graph.licences.give(world.user(who), A3, off=[YAMMER])
    world.graph.licences.give(world.user(who), A1, group="a1a1a1a1-0000-4000-8000-000000000000")
    assert isinstance(world.one(Disable(who, "left")), Applied)
    world.settle()
    return who


def look(world: World, *people: Who) -> Observed:
    return world.connect().observe(Scope(SCHOOL, frozenset(who.object for who in people)))


def test_what_a_disabled_account_was_given_directly_is_told_and_what_a_group_gives_is_not(world: LicensedWorld) -> None:
    lena = leaver(world)
    worker = replace(pupil("wanda"), anchor=world.made("wanda"))
    world.graph.licences.give(world.user(worker), A3)
    world.graph.add_user("stranger@school.test", accountEnabled=False)
    world.graph.licences.give(world.graph.user("stranger@school.test"), A3)
    assert look(world, lena, worker).licences == {lena.anchor: (f"{A3}/{YAMMER}",)}


def test_a_released_licence_is_gone_and_comes_back_as_it_was(world: LicensedWorld) -> None:
    lena = leaver(world)
    before = look(world, lena).licences[lena.object]
    assert isinstance(world.one(ReleaseLicences(lena, before, "left")), Applied)
    assert world.graph.licences.direct(world.user(lena)) == []
    states = world.user(lena).props["licenseAssignmentStates"]
    assert [each["skuId"] for each in states] == [A1], "the group's is still there"
    assert look(world, lena).licences == {}
    assert isinstance(world.one(ReturnLicences(lena, before, "run 3 is undone")), Applied)
    assert look(world, lena).licences[lena.object] == before
    world.settle()
    assert look(world, lena).licences[lena.object] == before


@pytest.mark.parametrize("left", [(), (A1,)])
def test_licences_that_somebody_else_took_away_first_are_no_failure(
    world: LicensedWorld, left: tuple[str, ...]
) -> None:
    lena = leaver(world)
    for sku in left:
        world.graph.licences.give(world.user(lena), sku)
    release = ReleaseLicences(lena, (f"{A3}/{YAMMER}", *left), "left")
    rest = [each for each in world.user(lena).props["licenseAssignmentStates"] if each["skuId"] != A3]
    world.graph.directory.put(world.user(lena), {"licenseAssignmentStates": rest})
    for _ in range(2):
        assert isinstance(world.one(release), Applied)
        assert world.graph.licences.direct(world.user(lena)) == []


def test_what_was_released_is_not_shown_again_however_late_the_lists_are() -> None:
    for world in tenants(lag=Lag(reads=20, index=1800)):
        lena = leaver(world)
        before = look(world, lena).licences[lena.object]
        assert isinstance(world.one(ReleaseLicences(lena, before, "left")), Applied)
        assert look(world, lena).licences == {}
        world.settle()
        assert look(world, lena).licences == {}


def test_somebody_who_came_back_a_moment_ago_has_nothing_to_release() -> None:
    for world in tenants(lag=Lag(reads=20, index=1800)):
        lena = leaver(world)
        assert isinstance(world.one(Enable(lena, "is back")), Applied)
        assert look(world, lena).licences == {}


def test_licences_are_released_in_foul_weather_too() -> None:
    for world in tenants(
        quotas=Quotas(),
        faults=Faults(rate=0.16, after=0.5, random=random.Random(5)),
        part_faults=Faults(rate=0.16, after=0.5, random=random.Random(6)),
    ):
        world.graph.licences.seats[A3] = 40
        people = [leaver(world, f"lena{number}") for number in range(12)]
        seen = look(world, *people).licences
        outcomes = world.do(*(ReleaseLicences(who, seen[who.object], "left") for who in people))
        assert [each for each in outcomes if not isinstance(each, Applied)] == []
        assert not any(world.graph.licences.direct(world.user(who)) for who in people)


def test_a_licence_of_which_none_is_left_is_not_given_again(world: LicensedWorld) -> None:
    lena = leaver(world)
    before = look(world, lena).licences[lena.object]
    world.one(ReleaseLicences(lena, before, "left"))
    world.graph.licences.seats[A3] = 0
    outcome = world.one(ReturnLicences(lena, before, "run 3 is undone"))
    assert isinstance(outcome, Rejected)
    assert "lena" in outcome.why
    assert "available licenses" in outcome.why


def test_the_licences_of_an_account_that_is_gone_are_refused_in_a_sentence(world: LicensedWorld) -> None:
    nobody = Who(pupil("nora").identity, "nora", pupil("nora").role, Anchor("00000000-dead-4bad-8bad-000000000000"))
    outcome = world.one(ReleaseLicences(nobody, (A3,), "left"))
    assert isinstance(outcome, Rejected)
    assert "no longer in Microsoft 365" in outcome.why


def test_the_permission_is_named_where_it_is_missing(world: LicensedWorld) -> None:
    lena = leaver(world)
    world.graph.permissions -= {"LicenseAssignment.ReadWrite.All"}
    outcome = world.one(ReleaseLicences(lena, (A3,), "left"))
    assert isinstance(outcome, Rejected)
    assert "LicenseAssignment.ReadWrite.All" in outcome.why


def test_an_unchanged_night_asks_once_about_licences_and_not_at_all_where_they_are_not_released(
    world: LicensedWorld,
) -> None:
    people = [leaver(world, f"lena{number}") for number in range(2)]
    asked = []
    for licences in (True, False):
        world.licences = licences
        world.graph.calls.clear()
        assert bool(look(world, *people).licences) is licences
        asked.append([path for _, path, _ in world.graph.calls if path == "/users"])
    assert asked == [["/users"], []]


@pytest.mark.parametrize("granted", [True, False])
def test_check_asks_for_the_permission_only_where_licences_are_released(world: LicensedWorld, granted: bool) -> None:
    roles = {"User.ReadWrite.All", *(["LicenseAssignment.ReadWrite.All"] if granted else [])}
    for licences in (True, False):
        world.licences = licences
        target = world.connect()
        target.permissions = lambda: frozenset(roles)
        problems = [each.sentence for each in target.check().findings if each.level == "problem"]
        wanted = "The app may not release licences: grant it LicenseAssignment.ReadWrite.All and consent as an administrator."
        assert problems == ([wanted] if licences and not granted else [])
