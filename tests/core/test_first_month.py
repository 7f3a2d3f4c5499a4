"""A school that begins with some of its people touches nobody else, and a target that is only observed is never written, whatever anybody approves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from builders import NOON, SCHOOL, pupil, school, teacher
from onroll_core import guard, pipeline
from onroll_core.accounts import IdentityId
from onroll_core.changes import AddMember, Change, CreateGroup, Disable, UpdateGroup, Who
from onroll_core.chosen import Only, among, within
from onroll_core.issue import issue
from onroll_core.line import Line, TargetLine
from onroll_core.people import Group, GroupKind, Person, Role, SourceKey
from onroll_core.plan import Plan
from onroll_core.rules import Limit, Limits, TargetRules
from onroll_core.store import Store
from onroll_core.years import Country
from test_invariants import people
from test_pipeline import FakeSource, World

SEVEN = Only(years=frozenset({"7"}))


def names(world: World) -> set[str]:
    return {account.login for account in world.ad.accounts.values()}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    told = [pupil("harry"), pupil("ginny", last="Weasley", year="Year 8"), pupil("luna", last="Lovegood", registration_group="8B", year="8"),
            teacher("severus")]  # fmt: skip
    world = World(Store.open(f"sqlite:///{tmp_path / 'onroll.db'}", lambda: NOON), FakeSource(told))
    yield world
    world.store.close()


@pytest.mark.parametrize(
    ("only", "expected"),
    [
        (None, {"20hpotter", "19gweasley", "19llovegood", "s.snape"}),
        (SEVEN, {"20hpotter"}),
        (Only(years=frozenset({"year  8"})), {"19gweasley", "19llovegood"}),
        (Only(registration_groups=frozenset({" 8b "})), {"19llovegood"}),
        (Only(roles=frozenset({Role.STAFF})), {"s.snape"}),
        (Only(frozenset({Role.STAFF}), frozenset({"Year 7"})), {"20hpotter", "s.snape"}),
        (Only(years=frozenset({"Year 17"})), set()),
    ],
)
def test_only_those_whom_a_school_begins_with_get_an_account(
    world: World, only: Only | None, expected: set[str]
) -> None:
    world.rules = school(only=only)
    night = world.night()
    assert night.people.joiners == 4, "everybody is known"
    assert names(world) == expected
    world.nothing_to_do()


def test_whoever_has_an_account_already_is_neither_disabled_nor_changed_when_they_are_outside(world: World) -> None:
    world.night()
    world.rules = school(only=SEVEN)
    before = {anchor: account for anchor, account in world.ad.accounts.items() if account.login != "20hpotter"}
    world.person("ginny", last="Potter", ends=world.now.date())
    world.person("severus", ends=world.now.date(), first="Sev")
    world.person("harry", ends=world.now.date())
    night = world.night(days=30)
    assert night.targets["ad"].tally["disabled"] == 1
    assert not world.account("20hpotter").enabled
    assert {anchor: world.ad.accounts[anchor] for anchor in before} == before
    world.rules = school()
    assert world.night().targets["ad"].tally["disabled"] == 2, "once everybody is taken in, the rest is done"


def test_whoever_moves_up_out_of_the_year_is_left_as_they_are(world: World) -> None:
    world.rules = school(only=SEVEN)
    world.night()
    world.person("harry", year_group="Year 8", last="Evans")
    night = world.night()
    assert dict(night.targets["ad"].tally) == {}
    assert world.account("20hpotter").family == "Potter"


def test_limits_are_shares_of_those_whom_a_school_begins_with(world: World) -> None:
    world.source.people = [pupil(f"p{n}", f"P{chr(97 + n)}", year="7" if n < 10 else "8") for n in range(20)]
    world.night()
    world.rules = school(only=SEVEN, limits=Limits(update=Limit(1, 20)))
    for n in range(3):
        world.person(f"p{n}", last="Evans")
    night = world.night()
    assert night.targets["ad"].verdict == "held", "three of ten, and not three of twenty, which would be four"


def with_groups(world: World) -> Line:
    rules = TargetRules("ad", groups=frozenset(GroupKind))
    return replace(world.line(), targets={"ad": TargetLine(rules, lambda: world.ad)})


def test_a_group_is_made_for_those_who_join_it_and_for_nobody_else(world: World) -> None:
    members = [each.key for each in world.source.people if each.role is Role.STUDENT]
    world.ad.with_groups = True
    world.source.groups = (Group(SourceKey(SCHOOL, "teaching:1"), GroupKind.TEACHING, "7x/Ma1", frozenset(members)),)
    world.rules = school(only=SEVEN)
    pipeline.sync(with_groups(world))
    joined = [each for each in world.ad.writes if isinstance(each, AddMember)]
    assert {each.who.username for each in joined} == {"20hpotter"}
    assert {each.group.key for each in world.ad.writes if isinstance(each, CreateGroup)} == {
        each.key for each in joined
    }


def test_nobody_outside_is_handed_a_password(world: World) -> None:
    world.night()
    world.rules = school(only=SEVEN)
    everybody = world.store.identities(SCHOOL)
    issued = issue(world.line(), everybody, lambda each: "Tiger-Lamp-4072", True)
    why = "not among those whom the school begins with"
    assert {each.username for each in everybody if why in issued.left_out[each.id]} == {
        "19gweasley",
        "19llovegood",
        "s.snape",
    }


@given(people(), people(), st.sets(st.sampled_from(["Year 7", "8", "R", "x"])), st.sets(st.sampled_from(list(Role))))
@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nobody_outside_is_ever_touched(
    migrated_file: Path, tmp_path_factory: pytest.TempPathFactory, first: list[Person], second: list[Person], years: set[str],
    roles: set[Role],
) -> None:  # fmt: skip
    file = tmp_path_factory.mktemp("one") / "onroll.db"
    file.write_bytes(migrated_file.read_bytes())
    only = Only(frozenset(roles), frozenset(years))
    world = World(Store.open(f"sqlite:///{file}", lambda: NOON), FakeSource(first), rules=school(only=only))
    try:
        for told in (first, second, first):
            world.source.people = told
            night = world.night(days=20)
            chosen = among(only, Country.ENGLAND, world.store.identities(SCHOOL)) or frozenset()
            planned = night.targets["ad"].plan
            touched = (
                {each.who.identity for each in planned.changes if not isinstance(each, CreateGroup | UpdateGroup)}
                if planned
                else set()
            )
            assert touched <= chosen
    finally:
        world.store.close()


def observed(world: World) -> Line:
    watched = TargetLine(TargetRules("ad", observe_only=True), lambda: world.ad)
    return replace(world.line(), targets={**world.line().targets, "ad": watched})


def test_a_target_that_is_only_observed_is_planned_kept_and_never_written(world: World) -> None:
    night = pipeline.sync(observed(world))
    assert night.exit_code == 0, "it waits for nobody"
    assert night.targets["google"].tally["created"] == 4
    one = night.targets["ad"]
    assert one.verdict == "held" and one.plan is not None and len(one.plan.changes) == 4
    assert one.objections[0].startswith(
        "Observe only: nothing is written to ad while [targets.ad] says observe_only = true"
    )
    assert night.sync_json()["targets"]["ad"]["observe_only"] is True
    assert "observe_only" not in night.sync_json()["targets"]["google"]
    kept = world.store.last_plan(SCHOOL, "ad")
    assert kept is not None and kept["verdict"] == "held" and len(kept["changes"]) == 4
    again = pipeline.apply(observed(world), approve=[one.plan.digest], by="pat")
    assert again.targets["ad"].verdict == "held"
    assert world.store.open_approval(one.plan.digest, world.now) is not None, (
        "the yes is not used up by what cannot be done"
    )
    assert world.ad.writes == []
    assert len(world.google.accounts) == 4


def test_no_password_is_set_and_nothing_undone_where_it_is_only_observed(world: World) -> None:
    night = world.night()
    writes = len(world.ad.writes)
    issued = issue(observed(world), world.store.identities(SCHOOL), lambda each: "Tiger-Lamp-4072", True)
    assert issued.passwords == {} and all("observe only" in why for why in issued.left_out.values())
    shown = pipeline.show_undo(observed(world), night.id, ["ad"])
    plan = shown.targets["ad"].plan
    assert plan is not None and plan.changes
    undone = pipeline.undo(observed(world), night.id, ["ad"], [plan.digest], "pat")
    assert undone.targets["ad"].verdict == "held"
    assert len(world.ad.writes) == writes


def made(number: int) -> Change:
    return Disable(Who(IdentityId(f"id{number}"), f"user{number}", Role.STUDENT), "left")


@given(st.integers(0, 3), st.lists(st.text(), max_size=2), st.booleans())
def test_the_gate_never_opens_where_it_is_only_observed(count: int, objections: Sequence[str], approve: bool) -> None:
    plan = Plan("ad", SCHOOL, tuple(made(number) for number in range(count)))
    verdict = guard.clear(plan, objections, plan.digest if approve else None, observe_only=True)
    assert not (isinstance(verdict, guard.Cleared) and plan.changes)
    assert isinstance(guard.clear(plan, objections, plan.digest, observe_only=False), guard.Cleared)


def test_what_is_left_of_a_plan_is_theirs() -> None:
    plan = Plan("ad", SCHOOL, tuple(made(number) for number in range(3)))
    chosen: Callable[[int], IdentityId] = lambda number: IdentityId(f"id{number}")  # noqa: E731
    assert [each.who.identity for each in within(plan, {chosen(1)}).changes if isinstance(each, Disable)] == [chosen(1)]
    assert within(plan, set()).changes == ()
