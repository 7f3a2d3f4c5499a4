"""Groups in Microsoft 365: the contract for every thing that a group can be made as, and what is special to Graph."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from graph_world import World, worlds
from onroll_connectors.sandbox.graph_quota import Quotas
from onroll_connectors.sandbox.graph_state import Lag
from onroll_connectors.sandbox.serving import Faults
from onroll_connectors.testing import SCHOOL, account_of, pupil
from onroll_connectors.testing_groups import CLASS, TEACHER, TargetGroupContract
from onroll_core.accounts import Anchor, IdentityId, ObservedGroup
from onroll_core.changes import (
    AddMember,
    Applied,
    Change,
    Create,
    CreateGroup,
    Deferred,
    Outcome,
    Rejected,
    RemoveMember,
    UpdateGroup,
    Who,
)
from onroll_core.contracts import Scope
from onroll_core.people import GroupKind, Role, SourceKey


class GroupWorld(World):
    """A tenant whose classes are made as `made_as`."""

    groups = frozenset(GroupKind)
    made_as = "class"

    def connect(self, **settings: Any):  # type: ignore[no-untyped-def]
        return super().connect(**({"groups_as": {"teaching": self.made_as}} | settings))


def tenants(made_as: str = "class", **options: Any) -> Iterator[GroupWorld]:
    for each in worlds(GroupWorld, **options):
        assert isinstance(each, GroupWorld)
        each.made_as = made_as
        yield each


@pytest.fixture(autouse=True)
def _token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONROLL_TEST_TOKEN", "a-sandbox-token")


@pytest.fixture
def world() -> Iterator[GroupWorld]:
    yield from tenants()


@pytest.mark.parametrize("made_as", ["security", "microsoft365", "class", "team"])
class TestInFairWeather(TargetGroupContract):
    """What groups promise, without faults but with Entra's usual lag."""

    @pytest.fixture
    def world(self, made_as: str) -> Iterator[GroupWorld]:
        yield from tenants(made_as, lag=Lag(reads=20, index=60, addresses=300), quotas=Quotas())


@pytest.mark.parametrize("made_as", ["security", "team"])
class TestInFoulWeather(TargetGroupContract):
    """The same promises while every sixth request and part fails, some after their work was done."""

    @pytest.fixture
    def world(self, made_as: str) -> Iterator[GroupWorld]:
        yield from tenants(
            made_as,
            lag=Lag(reads=20, index=60, addresses=300),
            quotas=Quotas(),
            faults=Faults(rate=0.16, after=0.5, random=random.Random(21)),
            part_faults=Faults(rate=0.16, after=0.5, random=random.Random(22)),
        )


def everybody(world: World, count: int) -> list[Who]:
    """So many pupils with accounts."""
    people = [pupil(f"p{number:03}") for number in range(count)]
    made = world.do(*(Create(who, world.wanted(who.username), "new") for who in people))
    return [
        replace(who, anchor=each.anchor) for who, each in zip(people, made, strict=True) if isinstance(each, Applied)
    ]


def filled(world: World, people: list[Who], *more: Change) -> list[Outcome]:
    adds = [AddMember(CLASS.key, None, CLASS.name, who, "is in it", who.role is Role.STAFF) for who in people]
    return world.do(CreateGroup(CLASS, "new"), *adds, *more)


def group(world: World) -> ObservedGroup:
    (found,) = world.connect().observe(Scope(SCHOOL)).groups.values()
    return found


def anchor(world: World) -> Anchor:
    (found,) = world.connect().observe(Scope(SCHOOL)).groups
    return found


def writes(world: World) -> list[str]:
    return [
        f"{method} {path.split('/')[1]}{'/' + path.rpartition('/')[2] if '$ref' in path else ''}"
        for method, path, _ in world.graph.calls
        if method != "GET"
    ]


@pytest.mark.parametrize(("count", "requests"), [(1, 1), (20, 1), (21, 2), (64, 4)])
def test_members_go_in_twenty_to_a_request(world: GroupWorld, count: int, requests: int) -> None:
    people = everybody(world, count)
    before = len(writes(world))
    assert all(isinstance(each, Applied) for each in filled(world, people))
    assert len(writes(world)) - before == 1 + requests, "one to make the class, and one for every twenty members"
    assert len(group(world).members) == count


def test_one_who_cannot_be_put_in_keeps_nobody_else_out(world: GroupWorld) -> None:
    people = everybody(world, 30)
    gone = people[7]
    world.graph.directory.delete(world.graph.directory.users[gone.object])
    outcomes = filled(world, people)
    refused = [each for each in outcomes if not isinstance(each, Applied)]
    assert [each.change.who.username for each in refused if isinstance(each.change, AddMember)] == [gone.username]
    assert len(group(world).members) == 29


def test_somebody_who_is_in_it_already_is_no_failure(world: GroupWorld) -> None:
    people = everybody(world, 25)
    filled(world, people[:3])
    world.join_by_hand(anchor(world), people[10].username)
    world.settle()
    outcomes = world.do(*(AddMember(CLASS.key, None, CLASS.name, who, "is in it") for who in people))
    assert [each for each in outcomes if not isinstance(each, Applied)] == []
    assert len(group(world).members) == 25


def test_an_unchanged_night_asks_once_about_groups(world: GroupWorld) -> None:
    filled(world, everybody(world, 60))
    world.settle()
    group(world)
    world.graph.calls.clear()
    assert len(group(world).members) == 60
    assert [path for _, path, _ in world.graph.calls if "groups" in path] == ["/groups/delta()"]


def test_what_was_written_is_seen_at_once_however_late_the_lists_are() -> None:
    for world in tenants(lag=Lag(reads=20, index=1800, addresses=300)):
        people = everybody(world, 3)
        assert all(isinstance(each, Applied) for each in filled(world, people))
        assert group(world).members == {each.object for each in people}
        key = anchor(world)
        world.do(RemoveMember(CLASS.key, key, CLASS.name, people[0], "left the class"))
        assert group(world).members == {each.object for each in people[1:]}
        world.clock.sleep(2 * 3600)
        assert group(world).members == {each.object for each in people[1:]}


def teacher(world: World, name: str = "tess") -> Who:
    who = Who(IdentityId(f"id-{name}"), name, Role.STAFF)
    target = world.connect()
    (made,) = world.do(Create(who, account_of(target, world.domain, name), "new"))
    assert isinstance(made, Applied)
    return replace(who, anchor=made.anchor)


def test_the_last_who_leads_a_class_stays_until_another_is_named(world: GroupWorld) -> None:
    tess, theo = teacher(world), teacher(world, "theo")
    filled(world, [tess, *everybody(world, 2)])
    key = anchor(world)
    (outcome,) = world.do(RemoveMember(CLASS.key, key, CLASS.name, tess, "takes it no more", True))
    assert isinstance(outcome, Deferred)
    assert "the MIS names another teacher" in outcome.why
    added, removed = world.do(
        AddMember(CLASS.key, key, CLASS.name, theo, "takes it", True),
        RemoveMember(CLASS.key, key, CLASS.name, tess, "takes it no more", True),
    )
    assert isinstance(added, Applied)
    assert isinstance(removed, Applied)
    seen = group(world)
    assert (seen.owners, tess.object in seen.members) == ({theo.object}, False)


def test_a_teacher_who_becomes_a_plain_member_stays_in(world: GroupWorld) -> None:
    tess, theo = teacher(world), teacher(world, "theo")
    filled(world, [tess, theo])
    key = anchor(world)
    world.do(
        AddMember(CLASS.key, key, CLASS.name, tess, "is in it"),
        RemoveMember(CLASS.key, key, CLASS.name, tess, "takes it no more", True),
    )
    assert (group(world).owners, group(world).members) == ({theo.object}, {tess.object})


def test_a_class_gets_its_team_with_its_first_teacher_and_once() -> None:
    for world in tenants("team"):
        tess, theo = teacher(world), teacher(world, "theo")
        filled(world, everybody(world, 2))
        crowd = world.graph.groups.crowd(anchor(world))
        assert not crowd.team
        key = anchor(world)
        for who in (tess, theo):
            (outcome,) = world.do(AddMember(CLASS.key, key, CLASS.name, who, "takes it", True))
            assert isinstance(outcome, Applied)
        assert crowd.team
        assert world.sent("POST").count("/teams") == 1
        assert group(world).owners == {tess.object, theo.object}


def test_a_team_that_was_not_made_is_asked_for_again_with_the_teacher_of_the_class() -> None:
    for world in tenants("team"):
        tess = teacher(world)
        world.graph.permissions -= {"Team.Create"}
        *_, outcome = filled(world, [tess])
        assert isinstance(outcome, Rejected)
        assert "Team.Create" in outcome.why
        assert group(world).owners == frozenset(), "told without leaders, so that the plan has them again"
        world.graph.permissions |= {"Team.Create"}
        (outcome,) = world.do(AddMember(CLASS.key, anchor(world), CLASS.name, tess, "takes it", True))
        assert isinstance(outcome, Applied)
        assert group(world).owners == {tess.object}


def test_next_years_class_has_an_address_of_its_own(world: GroupWorld) -> None:
    filled(world, everybody(world, 1))
    key = anchor(world)
    following = replace(CLASS, key=SourceKey(SCHOOL, "teaching:2"))
    renamed, made = world.do(
        UpdateGroup(CLASS.key, key, CLASS.name, f"{CLASS.name} 2025-26", "the class is over", True),
        CreateGroup(following, "new"),
    )
    assert isinstance(renamed, Applied)
    assert isinstance(made, Applied)
    nicknames = {each["mailNickname"] for each in world.graph.directory.groups.values()}
    assert nicknames == {CLASS.address, f"{CLASS.address}-teaching-2"[:60]} or nicknames == {
        CLASS.address,
        f"{CLASS.address}-2",
    }


def test_a_group_that_lost_our_line_is_nobodys(world: GroupWorld) -> None:
    people = everybody(world, 2)
    filled(world, people)
    key = anchor(world)
    world.graph.groups.change(key, description="Maths")
    world.settle()
    world.memory.pop("groups-recent")
    assert world.connect().observe(Scope(SCHOOL)).groups == {}
    (outcome,) = world.do(RemoveMember(CLASS.key, key, CLASS.name, people[0], "left"))
    assert isinstance(outcome, Rejected)
    assert "no longer carries" in outcome.why


def test_a_line_that_is_put_back_gives_the_group_back_with_whoever_is_in_it_now(world: GroupWorld) -> None:
    people = everybody(world, 3)
    filled(world, people[:2])
    key = anchor(world)
    line = world.graph.directory.groups[key]["description"]
    world.settle()
    world.memory.pop("groups-recent")
    world.graph.groups.change(key, description="A teacher wrote this")
    assert world.connect().observe(Scope(SCHOOL)).groups == {}
    world.join_by_hand(key, people[2].username)
    world.connect().observe(Scope(SCHOOL))
    world.graph.groups.change(key, description=f"A teacher wrote this\n{line}")
    group(world)
    assert group(world).members == {each.object for each in people}


def test_words_that_people_wrote_into_the_description_stay(world: GroupWorld) -> None:
    filled(world, everybody(world, 1))
    key = anchor(world)
    told = world.graph.directory.groups[key]
    world.graph.groups.change(key, description="Room 12\n" + told["description"])
    world.settle()
    world.memory.pop("groups-recent")
    world.do(UpdateGroup(CLASS.key, key, CLASS.name, "Another name", "so the MIS calls it"))
    assert told["description"].startswith("Room 12\nonroll keeps this group")


def test_rights_that_are_missing_are_named_and_only_those(world: GroupWorld) -> None:
    assert world.connect().check().good
    world.graph.permissions -= {"Group.ReadWrite.All"}
    created, added = filled(world, [])[:1] + world.do(AddMember(CLASS.key, None, CLASS.name, TEACHER, "x"))
    assert isinstance(created, Applied), "classes are made with EduRoster.ReadWrite.All"
    assert isinstance(added, Rejected | Deferred)
    world.graph.permissions -= {"Group.Read.All"}
    sentences = [each.sentence for each in world.connect().check().findings if each.level == "problem"]
    assert any("Group.ReadWrite.All" in each for each in sentences)


def test_without_groups_nobody_is_asked_who_is_in_them(world: GroupWorld) -> None:
    world.groups = frozenset()
    world.connect().observe(Scope(SCHOOL))
    assert not [path for _, path, _ in world.graph.calls if "delta" in path and "groups" in path]


def test_a_member_who_becomes_a_teacher_of_the_class_stays_in_it(world: GroupWorld) -> None:
    tess, theo = teacher(world), teacher(world, "theo")
    filled(world, [tess])
    key = anchor(world)
    world.do(AddMember(CLASS.key, key, CLASS.name, theo, "is in it"))
    added, removed = world.do(
        AddMember(CLASS.key, key, CLASS.name, theo, "takes it", True),
        RemoveMember(CLASS.key, key, CLASS.name, theo, "is no plain member any more"),
    )
    assert isinstance(added, Applied)
    assert isinstance(removed, Applied)
    assert theo.object in world.graph.groups.crowd(key).members, "Teams shows only owners who are members"
    assert (group(world).owners, group(world).members) == ({tess.object, theo.object}, frozenset())


def test_forty_who_leave_one_class_leave_it_twenty_to_a_request(world: GroupWorld) -> None:
    people = everybody(world, 45)
    filled(world, people)
    key = anchor(world)
    before = world.graph.batches
    outcomes = world.do(*(RemoveMember(CLASS.key, key, CLASS.name, who, "left the class") for who in people[:40]))
    assert [each for each in outcomes if not isinstance(each, Applied)] == []
    assert len(group(world).members) == 5
    assert world.graph.batches - before == 2


def test_what_other_peoples_groups_are_called_is_told_and_ours_is_not(world: GroupWorld) -> None:
    filled(world, everybody(world, 1))
    world.group_by_hand("Choir", "choir")
    told = world.connect().observe(Scope(SCHOOL)).group_names
    assert told == {"choir": "the group Choir"}


@pytest.mark.parametrize(
    ("made_as", "missing"),
    [
        ("security", {"Group.ReadWrite.All"}),
        ("class", {"Group.ReadWrite.All", "EduRoster.ReadWrite.All"}),
        ("team", {"Group.ReadWrite.All", "EduRoster.ReadWrite.All", "Team.Create"}),
    ],
)
def test_check_names_the_permissions_of_the_kinds_that_are_switched_on(
    world: GroupWorld, made_as: str, missing: set[str]
) -> None:
    world.groups, world.made_as = frozenset({GroupKind.TEACHING}), made_as
    for granted in (set(), missing):
        target = world.connect()
        target.permissions = lambda granted=granted: frozenset({"User.ReadWrite.All", *granted})  # type: ignore[misc]
        problems = [each.sentence for each in target.check().findings if each.level == "problem"]
        assert {word for each in problems for word in each.split() if "." in word.rstrip(".")} == missing - granted
    world.groups = frozenset()
    target = world.connect()
    target.permissions = lambda: frozenset({"User.ReadWrite.All"})
    assert target.check().good


def test_an_account_that_a_cut_off_run_made_is_found_beside_people_whom_groups_look_for(world: GroupWorld) -> None:
    ada, zoe = pupil("ada"), pupil("zoe")
    world.made("ada")
    world.made("zoe")
    outcomes = world.do(
        Create(ada, world.wanted("ada"), "on roll"),
        CreateGroup(CLASS, "new"),
        AddMember(CLASS.key, None, CLASS.name, zoe, "is in it"),
    )
    assert all(isinstance(each, Applied) for each in outcomes), outcomes
    assert [each.props["userPrincipalName"] for each in world.graph.directory.users.values()].count(
        "ada@school.test"
    ) == 1
    assert world.sent("POST").count("/users") == 2, "nobody is made a second time, or tried to be"
    assert len(group(world).members) == 1
