"""One person's accounts are put right now: nobody else's are touched, limits and approvals hold, and the night stands for no whole one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from builders import NOON, SCHOOL, pupil, school
from onroll_core import pipeline
from onroll_core.accounts import IdentityId
from onroll_core.changes import AddMember, CreateGroup
from onroll_core.line import Line, TargetLine
from onroll_core.night import Night
from onroll_core.one_person import only_of
from onroll_core.people import Group, GroupKind, SourceKey
from onroll_core.rules import Limit, Limits, TargetRules
from onroll_core.store import Store
from test_pipeline import FakeSource, World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    people = [pupil(each) for each in ("harry", "hermione", "ron", "ginny")]
    world = World(Store.open(f"sqlite:///{tmp_path / 'onroll.db'}", lambda: NOON), FakeSource(people))
    yield world
    world.store.close()


def who(world: World, username: str) -> IdentityId:
    return next(each.id for each in world.store.identities(SCHOOL) if each.username == username)


def put_right(world: World, username: str, *approve: str, line: Line | None = None) -> Night:
    return pipeline.apply(line or world.line(), approve=approve, by="pat", people={who(world, username)})


def with_groups(world: World) -> Line:
    rules = TargetRules("ad", groups=frozenset(GroupKind))
    return replace(world.line(), targets={"ad": TargetLine(rules, lambda: world.ad)})


def test_only_that_persons_changes_are_made(world: World) -> None:
    world.night()
    for each in ("harry", "hermione"):
        world.person(each, last="Evans")
    world.now += timedelta(days=1)
    pipeline.pull(world.line())
    night = put_right(world, "20hpotter")
    assert [one.tally["updated"] for one in night.targets.values()] == [1, 1]
    assert (world.account("20hpotter").family, world.account("20hpotter1").family) == ("Evans", "Potter")
    (run,) = [row for row in world.store.runs(SCHOOL) if row["kind"] == "apply"]
    assert run["summary"]["only_people"] == [who(world, "20hpotter")]
    assert world.night().targets["ad"].tally["updated"] == 1, "the night does the rest"


def test_conflicts_of_others_are_not_told(world: World) -> None:
    world.ad.stranger("20hpotter")
    world.night()
    world.person("harry", last="Evans")
    harry = who(world, "20hpotter1")
    world.ad.accounts.pop(world.store.bonds("ad")[harry].anchor)
    world.now += timedelta(days=1)
    pipeline.pull(world.line())
    (told,) = pipeline.unsettled(pipeline.plan(world.line()))
    assert told.identity == harry
    assert pipeline.unsettled(put_right(world, "20rpotter")) == []
    assert pipeline.unsettled(put_right(world, "20hpotter1")) == [told]


def test_a_limit_holds_for_one_person_too_and_the_digest_is_of_what_would_be_done_to_them(world: World) -> None:
    world.night()
    world.rules = replace(school(), limits=Limits(update=Limit(0, 0)))
    for each in ("harry", "ron"):
        world.person(each, last="Evans")
    world.now += timedelta(days=1)
    pipeline.pull(world.line())
    whole = pipeline.plan(world.line()).targets["ad"].plan
    held = put_right(world, "20hpotter")
    told = held.targets["ad"]
    assert (held.exit_code, told.verdict) == (3, "held")
    assert told.plan is not None and whole is not None
    assert told.plan.digest != whole.digest
    assert told.objections[0].startswith("1 pupils would have their names changed")
    done = put_right(world, "20hpotter", told.plan.digest)
    assert (done.targets["ad"].tally["updated"], done.targets["google"].verdict) == (1, "held")
    assert (world.account("20hpotter").family, world.account("20rpotter").family) == ("Evans", "Potter")


def test_what_was_undone_of_others_stays_undone(world: World) -> None:
    world.night()
    for each in ("harry", "ron"):
        world.person(each, ends=date(2026, 11, 20))
    disabled = world.night()
    shown = pipeline.show_undo(world.line(), disabled.id)
    digests = [one.plan.digest for one in shown.targets.values() if one.plan]
    world.now += timedelta(minutes=5)
    pipeline.undo(world.line(), disabled.id, None, digests, "pat")
    world.now += timedelta(hours=2)
    marks = {mark.trace.identity for mark in world.store.undone(SCHOOL, "ad")}
    assert marks == {who(world, "20hpotter"), who(world, "20rpotter")}
    held = put_right(world, "20hpotter")
    assert held.targets["ad"].objections[0].startswith("1 of these changes was undone on")
    assert {mark.trace.identity for mark in world.store.undone(SCHOOL, "ad")} == marks
    assert held.targets["ad"].plan is not None
    put_right(world, "20hpotter", held.targets["ad"].plan.digest)
    assert {mark.trace.identity for mark in world.store.undone(SCHOOL, "ad")} == {who(world, "20rpotter")}


def test_no_group_is_made_for_one_person_but_they_join_those_that_are_there(world: World) -> None:
    world.ad.with_groups = True
    members = frozenset({pupil("harry").key, pupil("hermione").key})
    there = Group(SourceKey(SCHOOL, "teaching:7A"), GroupKind.TEACHING, "7A", members)
    world.source.groups = (there,)
    pipeline.sync(with_groups(world))
    late = Group(SourceKey(SCHOOL, "teaching:7B"), GroupKind.TEACHING, "7B", frozenset({pupil("ron").key}))
    world.source.groups = (replace(there, members=members | {pupil("ron").key}), late)
    world.now += timedelta(days=1)
    pipeline.pull(with_groups(world))
    whole = pipeline.plan(with_groups(world)).targets["ad"].plan
    assert whole is not None
    ron = only_of(whole, {who(world, "20rpotter")})
    assert any(isinstance(change, CreateGroup) for change in whole.changes)
    assert [change.group_name for change in ron.changes if isinstance(change, AddMember)] == [
        next(change.group_name for change in whole.changes if isinstance(change, AddMember) and change.group_anchor)
    ]
    night = put_right(world, "20rpotter", line=with_groups(world))
    assert (night.targets["ad"].tally["members"], night.targets["ad"].tally["failed"]) == (1, 0)
    rest = pipeline.sync(with_groups(world)).targets["ad"]
    assert (rest.tally["groups"], rest.tally["failed"]) == (1, 0)
