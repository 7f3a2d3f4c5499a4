"""A run is undone: through the gate, as far as the world is still as the run left it, and not silently done again by the next night."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import DOMAIN, NOON, SCHOOL, FakeTarget, pupil, school, teacher
from onroll_core import pipeline
from onroll_core.accounts import Account, Anchor, DesiredGroup, Holder, IdentityId, Observed, ObservedGroup
from onroll_core.changes import (
    AddMember,
    Change,
    Create,
    CreateGroup,
    Disable,
    Enable,
    GivePassword,
    Link,
    Move,
    Naming,
    RemoveMember,
    Rename,
    Update,
    UpdateGroup,
    Who,
    kind,
    sentence,
)
from onroll_core.errors import Halt, Refused
from onroll_core.identities import Bond, Identity, State
from onroll_core.line import Line, TargetLine
from onroll_core.night import Night
from onroll_core.people import Group, GroupKind, Person, Role, SourceKey, Status
from onroll_core.plan import as_json
from onroll_core.rules import Limit, Limits, RoleRules, Sanity, TargetRules
from onroll_core.store import Store
from onroll_core.templates import Place
from onroll_core.undo import Done, Present, Undo, undo
from test_pipeline import FakeSource, World

# --- the plan of an undo, from what a run did and what is there ---

HARRY, GINNY = IdentityId("harry"), IdentityId("ginny")
ANCHOR = Anchor("a-harry")
WHO = Who(HARRY, "20hpotter", Role.STUDENT, ANCHOR)
MATHS = SourceKey(SCHOOL, "teaching:1")
GROUP = Anchor("g-maths")
LEFT = Account(
    "20hpotter",
    f"20hpotter@{DOMAIN}",
    frozenset(),
    "Harry Potter",
    "Harry",
    "Potter",
    "Leavers",
    False,
    {"department": "Year 7"},
)


def person(**other: object) -> Identity:
    identity = Identity(
        HARRY, SCHOOL, Role.STUDENT, pupil("harry"), State.ACTIVE, username="20hpotter", email=LEFT.email
    )
    return replace(identity, bonds={"ad": Bond(ANCHOR, False)}, **other)  # type: ignore[arg-type]


def undone(
    *changes: Change,
    there: Account | None = LEFT,
    observed: Mapping[str, Any] | None = None,
    who: Identity | None = None,
    since: Mapping[tuple[str, ...], int] | None = None,
    sure: bool = True,
    holder: Mapping[str, IdentityId] | None = None,
    minded: Collection[IdentityId] = (HARRY,),
) -> Undo:
    """What undoes run 12, which made these changes, when the account and what else was `observed` are there."""
    accounts = {} if there is None else {ANCHOR: there}
    seen = Observed(accounts, **({"owners": dict.fromkeys(accounts, HARRY)} | dict(observed or {})))
    done = [Done(json.loads(json.dumps(as_json(each))), sentence(each), sure) for each in changes]
    people = {HARRY: who or person()}
    return undo(SCHOOL, "ad", 12, done, Present(seen, people, minded, since or {}, (holder or {}).get, True))


def one(found: Undo) -> Change:
    (change,) = found.plan.changes
    assert not found.plan.conflicts
    return change


def why(found: Undo) -> str:
    (conflict,) = found.plan.conflicts
    assert not found.plan.changes
    assert not found.traces
    return conflict.why


def nothing(found: Undo) -> bool:
    return not (found.plan.changes or found.plan.conflicts or found.traces)


WORKING = replace(LEFT, enabled=True)
DISABLE = Disable(WHO, "left on 1 November 2026")
MOVE = Move(WHO, "Students/2020", "Leavers", "left on 1 November 2026")
UPDATE = Update(
    WHO,
    {"given": "Harold", "department": "", "aliases": ()},
    {"given": "Harry", "department": "Year 7", "aliases": ("h@x.test",)},
    "so the MIS says",
)


def test_a_disabled_account_is_enabled_and_a_deleted_one_restored() -> None:
    assert one(undone(DISABLE)) == Enable(WHO, "run 12 is undone")
    assert one(undone(DISABLE, observed={"deleted": {ANCHOR}})) == Enable(WHO, "run 12 is undone", restore=True)
    assert nothing(undone(DISABLE, there=WORKING))


def test_an_account_that_was_enabled_or_made_is_disabled_and_never_deleted() -> None:
    assert one(undone(Enable(WHO, "on roll", restore=True), there=WORKING)) == Disable(WHO, "run 12 is undone")
    made = undone(Create(replace(WHO, anchor=None), WORKING, "on roll"), there=WORKING)
    assert one(made) == Disable(WHO, "it was made by run 12, which is undone")
    assert made.plan.notices == ("Accounts that run 12 made are disabled and kept (1): onroll deletes nothing.",)
    assert nothing(undone(Enable(WHO, "on roll"), there=LEFT))
    assert nothing(undone(Enable(WHO, "on roll"), there=WORKING, observed={"deleted": {ANCHOR}}))


def test_a_making_of_which_nobody_heard_is_undone_only_when_the_account_is_there() -> None:
    create = Create(replace(WHO, anchor=None), WORKING, "on roll")
    unbonded = replace(person(), bonds={})
    assert one(undone(create, there=WORKING, who=unbonded, sure=False)) == Disable(
        WHO, "it was made by run 12, which is undone"
    )
    assert nothing(undone(create, there=None, who=unbonded, sure=False))
    assert "no longer in ad" in why(undone(create, there=None))


def test_a_move_goes_back_unless_somebody_moved_the_account_on() -> None:
    assert one(undone(MOVE)) == Move(WHO, "Leavers", "Students/2020", "run 12 is undone")
    assert nothing(undone(MOVE, there=replace(LEFT, place="students/2020")))
    assert "That is not undone: it is in Archive now." in why(undone(MOVE, there=replace(LEFT, place="Archive")))


def test_values_go_back_one_by_one_and_aliases_stay() -> None:
    found = undone(UPDATE)
    assert one(found) == Update(
        WHO, {"given": "Harry", "department": "Year 7"}, {"given": "Harold", "department": ""}, "run 12 is undone"
    )
    assert any("an address is never taken away" in each for each in found.plan.notices)
    edited = undone(UPDATE, there=replace(LEFT, given="Harry James"))
    (change,) = edited.plan.changes
    assert isinstance(change, Update)
    assert change.after == {"department": ""}
    assert "given is 'Harry James' now" in edited.plan.conflicts[0].why
    assert {each.about for each in edited.traces} == {'["department", "Year 7"]'}


def test_a_rename_goes_back_and_the_newer_address_stays_as_an_alias() -> None:
    before, after = (
        Naming("20hpotter", LEFT.email),
        Naming("20hweasley", f"20hweasley@{DOMAIN}", frozenset({LEFT.email})),
    )
    rename = Rename(WHO, before, after, "asked for")
    there = replace(WORKING, login=after.login, email=after.email, aliases=after.aliases)
    renamed = person()
    renamed = replace(renamed, username=after.login, email=after.email)
    found = undone(rename, there=there, who=renamed)
    change = one(found)
    assert isinstance(change, Rename)
    assert change.after == Naming("20hpotter", LEFT.email, frozenset({after.email}))
    assert found.names == {HARRY: ("20hpotter", LEFT.email)}
    assert nothing(undone(rename, there=WORKING, who=renamed))
    other = {"names": {"20hpotter": Holder(Anchor("b"), "the user 20hpotter")}}
    assert "held by the user 20hpotter now" in why(undone(rename, there=there, who=renamed, observed=other))
    assert "issued to somebody else" in why(undone(rename, there=there, who=renamed, holder={LEFT.email: GINNY}))
    assert "it is called harry" in why(undone(rename, there=replace(there, login="harry"), who=renamed))
    thirdly = replace(renamed, username="20hp", email="20hp@x")
    assert "the name 20hp" in why(undone(rename, there=there, who=thirdly))


def maths(*members: Anchor, name: str = "Maths", archived: bool = False) -> dict[str, Any]:
    return {"groups": {GROUP: ObservedGroup(MATHS, name, frozenset(members), archived=archived)}}


def test_memberships_go_back_and_a_group_that_was_made_is_archived() -> None:
    added, removed = AddMember(MATHS, None, "Maths", WHO, "MIS"), RemoveMember(MATHS, GROUP, "Maths", WHO, "MIS")
    assert one(undone(added, observed=maths(ANCHOR))) == RemoveMember(MATHS, GROUP, "Maths", WHO, "run 12 is undone")
    assert one(undone(removed, observed=maths())) == AddMember(MATHS, GROUP, "Maths", WHO, "run 12 is undone")
    assert nothing(undone(added, observed=maths()))
    assert nothing(undone(added))
    assert nothing(undone(removed, observed=maths(ANCHOR)))
    assert "the group is no longer in ad" in why(undone(removed))
    made = undone(CreateGroup(DesiredGroup(MATHS, GroupKind.TEACHING, "Maths"), "MIS"), observed=maths())
    assert one(made) == UpdateGroup(MATHS, GROUP, "Maths", "Maths (undone run 12)", "run 12 is undone", True)
    assert made.plan.notices == ("Groups that run 12 made are archived, without those whom it put into them (1).",)
    gone = undone(CreateGroup(DesiredGroup(MATHS, GroupKind.TEACHING, "Maths"), "MIS"), observed=maths(archived=True))
    assert nothing(gone)


def test_a_group_gets_its_name_back_and_is_no_longer_archived() -> None:
    over = UpdateGroup(MATHS, GROUP, "Maths", "Maths 2025", "the class is over", True)
    back = UpdateGroup(MATHS, GROUP, "Maths 2025", "Maths", "run 12 is undone", False)
    assert one(undone(over, observed=maths(name="Maths 2025", archived=True))) == back
    assert nothing(undone(over, observed=maths()))
    assert "it is called Sums now" in why(undone(over, observed=maths(name="Sums")))
    plain = UpdateGroup(MATHS, GROUP, "Maths", "Sums", "MIS")
    assert one(undone(plain, observed=maths(name="Sums"))) == UpdateGroup(
        MATHS, GROUP, "Sums", "Maths", "run 12 is undone"
    )
    assert "no longer in ad" in why(undone(plain))


def test_a_group_that_stepped_aside_for_another_goes_back_to_its_first_name() -> None:
    aside = UpdateGroup(MATHS, GROUP, "Maths", "Maths [1]", "MIS")
    there = UpdateGroup(MATHS, GROUP, "Maths [1]", "Sums", "MIS", True)
    found = undone(aside, there, observed=maths(name="Sums", archived=True))
    assert one(found) == UpdateGroup(MATHS, GROUP, "Sums", "Maths", "run 12 is undone", False)
    assert nothing(undone(aside, there, observed=maths()))


def test_a_guest_of_the_trust_leaves_our_groups_and_keeps_the_account() -> None:
    added = AddMember(MATHS, None, "Maths", WHO, "MIS")
    assert isinstance(one(undone(added, observed=maths(ANCHOR), minded=())), RemoveMember)
    assert "it is restored" in why(undone(added, observed=maths(ANCHOR) | {"deleted": {ANCHOR}}))


def test_links_and_passwords_stay_and_the_undo_says_what_to_do() -> None:
    found = undone(Link(WHO, "confirmed"), GivePassword(WHO, "secret", True, "first"))
    assert nothing(found)
    assert [("links undo" in each, "passwords issue" in each) for each in found.plan.notices] == [
        (True, False),
        (False, True),
    ]


@pytest.mark.parametrize("change", [DISABLE, MOVE, UPDATE])
def test_what_a_later_run_changed_is_left_to_the_undo_of_that_one(change: Change) -> None:
    since = {("enabled", HARRY): 13, ("move", HARRY): 13, ("value", HARRY, "given"): 13}
    since[("value", HARRY, "department")] = 14
    found = undone(change, since=since)
    assert not found.plan.changes
    assert all("has changed it since; undo that one." in each.why for each in found.plan.conflicts)
    assert len(found.plan.conflicts) == (2 if change is UPDATE else 1)


def test_an_account_that_is_not_ours_any_more_is_not_touched() -> None:
    assert "not joined to this person" in why(undone(DISABLE, observed={"owners": {ANCHOR: GINNY}}))
    assert "not joined to this person" in why(undone(DISABLE, observed={"owners": {}}, who=replace(person(), bonds={})))
    assert "another system looks after" in why(undone(DISABLE, observed={"read_only": {ANCHOR}}))
    assert "another school looks after" in why(undone(DISABLE, minded=()))
    assert "it is restored" in why(undone(MOVE, observed={"deleted": {ANCHOR}}))
    stranger = Disable(replace(WHO, identity=GINNY, username="ginny"), "left")
    assert "no longer knows whose" in why(undone(stranger))


# --- the whole line ---


class Grouped(World):
    """The world with groups in ad, and leavers in a place of their own."""

    def line(self, today=None) -> Line:  # type: ignore[no-untyped-def]
        plain = super().line(today)
        rules = TargetRules("ad", groups=frozenset(GroupKind))
        return replace(plain, targets={**plain.targets, "ad": TargetLine(rules, lambda: self.ad)})

    def undo(self, run: int | None, *approve: str, by: str = "ann") -> Night:
        return pipeline.undo(self.line(), run or 0, None, approve, by)

    def undone(self, run: int | None, by: str = "ann") -> Night:
        """Shown, approved as shown, and done."""
        shown = pipeline.show_undo(self.line(), run or 0)
        assert shown.exit_code == 3, shown.plan_json()
        night = self.undo(run, *digests(shown), by=by)
        assert night.exit_code == 0, night.sync_json()
        return night

    def marks(self) -> int:
        return sum(len(self.store.undone(SCHOOL, name)) for name in ("ad", "google"))

    def approved_reading(self) -> Night:
        """A night of which the reading was approved where it was held, and nothing else."""
        night = self.night()
        return pipeline.sync(self.line(), [night.snapshot], "ann") if night.held else night

    def approved(self, days: int = 1) -> Night:
        """A night of which everything that was held is approved."""
        night = self.night(days)
        while night.exit_code == 3:
            held = [one.plan.digest for one in night.targets.values() if one.verdict == "held" and one.plan]
            night = pipeline.sync(self.line(), held or [night.snapshot], "ann")
        return night


def digests(night: Night) -> list[str]:
    return [one.plan.digest for one in night.targets.values() if one.plan and one.plan.changes]


def kinds(night: Night, target: str = "ad") -> dict[str, int]:
    plan = night.targets[target].plan
    assert plan is not None
    found: dict[str, int] = {}
    for change in plan.changes:
        found[kind(change)] = found.get(kind(change), 0) + 1
    return found


def leavers_place(rules: RoleRules | None) -> RoleRules:
    assert rules is not None
    return replace(rules, leavers_place=Place.parse("Leavers"))


def grouped(folder: Path, people: list[Person]) -> Grouped:
    maths = Group(MATHS, GroupKind.TEACHING, "7A/Ma1", frozenset(each.key for each in people[:8]))
    rules = school()
    rules = replace(rules, students=leavers_place(rules.students), staff=leavers_place(rules.staff))
    store = Store.open(f"sqlite:///{folder / 'onroll.db'}", lambda: NOON)
    return Grouped(store, FakeSource(people, groups=(maths,)), FakeTarget(with_groups=True), rules=rules)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Grouped]:
    people = [
        pupil(f"p{n:03}", f"Pupil{chr(97 + n % 26)}{chr(97 + n // 26)}", "Smith", registration_group="7A")
        for n in range(40)
    ]
    made = grouped(tmp_path, [*people, pupil("harry"), teacher("severus")])
    assert made.night().exit_code == 0
    made.nothing_to_do()
    yield made
    made.store.close()


def bad_extract(world: Grouped, count: int = 20) -> Night:
    """A leaving date in a column that had none, approved by somebody in a hurry; gives that night."""
    world.whole = list(world.source.people)  # type: ignore[attr-defined]
    ends = world.now.date()
    world.source.people = [
        replace(each, ends=ends) if n < count else each for n, each in enumerate(world.source.people)
    ]
    night = world.approved()
    assert night.targets["ad"].tally["disabled"] == night.targets["google"].tally["disabled"] == count
    assert night.targets["ad"].tally["moved"] == count
    world.nothing_to_do()
    return night


def test_a_mass_disable_is_undone_and_the_next_night_waits_for_a_person(world: Grouped) -> None:
    before = dict(world.ad.accounts), dict(world.ad.groups), dict(world.google.accounts)
    bad = bad_extract(world)
    shown = pipeline.show_undo(world.line(), bad.run or 0)
    assert shown.exit_code == 3
    assert kinds(shown) == {"enable": 20, "move": 20, "add_member": 20 * 3 + 8}
    assert "20 pupils would be enabled again in ad; the limit is 10" in shown.targets["ad"].objections[0]
    writes = len(world.ad.writes)
    held = world.undo(bad.run, "0123456789abcdef")
    assert (held.exit_code, len(world.ad.writes), world.marks()) == (3, writes, 0)
    undone = world.undone(bad.run)
    assert (world.ad.accounts, world.ad.groups, world.google.accounts) == before
    row = world.store.run(undone.run or 0)
    assert row is not None
    assert (row["kind"], row["undoes"], row["by"], row["status"]) == ("undo", bad.run, "ann", "done")
    assert [each["id"] for each in (world.store.run(bad.run or 0) or {})["undone_by"]] == [undone.run]

    night = world.night()
    assert night.exit_code == 3
    said = f"of these changes were undone on 26 November by ann (run {undone.run}): if they are right now, approve."
    assert night.targets["ad"].objections == (f"{20 + 20 + 20 * 3 + 8} {said}",)
    assert night.targets["google"].objections == (f"{20 + 20} {said}",)
    assert night.targets["ad"].plan == pipeline.plan(world.line()).targets["ad"].plan
    assert pipeline.plan(world.line()).targets["ad"].verdict == "held"
    assert (world.ad.accounts, world.ad.groups, world.google.accounts) == before
    again = world.approved(0)
    assert again.exit_code == 0
    assert not world.account("20psmith").enabled
    assert world.marks() == 0
    world.nothing_to_do()


def test_a_mended_extract_leaves_nothing_to_do_and_the_marks_end(world: Grouped) -> None:
    bad = bad_extract(world)
    world.undone(bad.run)
    assert world.marks() > 0
    world.source.people = world.whole  # type: ignore[attr-defined]
    night = world.night()
    assert night.exit_code == 0
    assert world.marks() == 0
    world.nothing_to_do()
    world.person("harry", ends=world.now.date())
    world.night()
    assert not world.account("20hpotter").enabled


def test_a_mark_outlives_a_night_that_could_still_see_yesterday(world: Grouped) -> None:
    bad = bad_extract(world)
    world.undone(bad.run)
    kept = world.source.people
    world.source.people = world.whole  # type: ignore[attr-defined]
    marks = world.marks()
    world.night(0)
    assert world.marks() == marks
    world.source.people = kept
    assert "were undone" in world.approved_reading().targets["ad"].objections[0]


def test_an_undo_done_twice_finds_nothing_and_an_undo_is_undone(world: Grouped) -> None:
    bad = bad_extract(world)
    after = dict(world.ad.accounts), dict(world.ad.groups)
    undone = world.undone(bad.run)
    again = pipeline.show_undo(world.line(), bad.run or 0)
    assert (again.exit_code, digests(again)) == (0, [])
    assert not any(one.plan and one.plan.conflicts for one in again.targets.values())
    writes = len(world.ad.writes)
    assert world.undo(bad.run).exit_code == 0
    assert len(world.ad.writes) == writes
    redone = world.undone(undone.run)
    assert (world.ad.accounts, world.ad.groups) == after
    assert {mark.trace.kind for mark in world.store.undone(SCHOOL, "google")} == {"enable", "move"}
    world.nothing_to_do()
    third = pipeline.show_undo(world.line(), bad.run or 0)
    assert digests(third) == []
    assert f"run {redone.run} has changed it since; undo that one" in pipeline.unsettled(third)[0].why


def test_only_what_was_named_is_done_in_one_target_of_two(world: Grouped) -> None:
    bad = bad_extract(world)
    shown = pipeline.show_undo(world.line(), bad.run or 0)
    assert shown.targets["google"].plan is not None
    night = world.undo(bad.run, shown.targets["google"].plan.digest)
    assert (night.exit_code, night.targets["ad"].verdict, night.targets["google"].tally["enabled"]) == (3, "held", 20)
    assert not world.account("20psmith").enabled
    assert world.account("20psmith", "google").enabled
    only = pipeline.show_undo(world.line(), bad.run or 0, ["google"])
    assert [*only.targets] == ["google"]
    assert digests(only) == []


def test_what_somebody_changed_since_is_left_and_said(world: Grouped) -> None:
    bad = bad_extract(world, 3)
    (anchor, moved) = next((a, each) for a, each in world.ad.accounts.items() if not each.enabled)
    world.ad.accounts[anchor] = replace(moved, place="Archive")
    night = world.undone(bad.run)
    assert world.ad.accounts[anchor].place == "Archive"
    assert world.ad.accounts[anchor].enabled
    assert "it is in Archive now" in pipeline.unsettled(night)[0].why


def test_people_get_their_names_back_everywhere_and_are_not_renamed_again(world: Grouped) -> None:
    (harry,) = world.store.find(SCHOOL, "20hpotter")
    world.store.rename(harry.id, "20hevans", f"20hevans@{DOMAIN}", True, world.now, "ann")
    night = world.night()
    assert night.targets["ad"].tally["renamed"] == night.targets["google"].tally["renamed"] == 1
    world.nothing_to_do()
    world.undone(night.run)
    back = world.account("20hpotter")
    assert (back.email, back.aliases) == (f"20hpotter@{DOMAIN}", {f"20hevans@{DOMAIN}"})
    (harry,) = world.store.find(SCHOOL, "20hpotter")
    assert (harry.username, harry.email, harry.aliases) == (
        "20hpotter",
        f"20hpotter@{DOMAIN}",
        {f"20hevans@{DOMAIN}"},
    )
    world.night()
    assert world.marks() == 0
    world.nothing_to_do()


def test_what_a_first_night_made_is_disabled_and_kept(world: Grouped) -> None:
    world.source.people.append(pupil("zed", "Zed", "Zulu", registration_group="7B"))
    night = world.night()
    assert night.targets["ad"].tally["created"] == 1
    assert night.targets["ad"].tally["groups"] == 1
    undone = world.undone(night.run)
    assert not world.account("20zzulu").enabled
    notices = undone.targets["ad"].plan.notices if undone.targets["ad"].plan else ()
    assert [each.split(" that ")[0] for each in notices] == ["Accounts", "Groups"]
    (shell,) = (each for each in world.ad.groups.values() if "7B" in each.name)
    assert not shell.members
    held = world.night()
    assert held.targets["ad"].objections[0].startswith("5 of these changes were undone")
    assert kinds(held) == {"enable": 1, "update_group": 1, "add_member": 3}
    world.approved(0)
    assert world.account("20zzulu").enabled
    world.nothing_to_do()


@pytest.mark.parametrize("broken", ["killed", "stopped", "target"])
def test_an_undo_that_is_cut_off_is_run_again_and_ends_the_same(world: Grouped, broken: str) -> None:
    before = dict(world.ad.accounts), dict(world.ad.groups), dict(world.google.accounts)
    bad = bad_extract(world)
    shown = pipeline.show_undo(world.line(), bad.run or 0)
    start = len(world.ad.writes)

    def fail(change: Change) -> Halt | None:
        if len(world.ad.writes) < start + 7 or broken == "stopped":
            return None
        if broken == "killed":
            raise KeyboardInterrupt
        return Halt("ad is away.")

    world.ad.fail = fail
    if broken == "stopped":
        world.stopping = lambda: len(world.ad.writes) > start
    if broken == "killed":
        with pytest.raises(KeyboardInterrupt):
            world.undo(bad.run, *digests(shown))
    else:
        night = world.undo(bad.run, *digests(shown))
        assert night.targets["ad"].tally["deferred"] > 0
        assert night.targets["google"].tally["enabled"] == (20 if broken == "target" else 0)
    assert world.ad.accounts != before[0]
    world.ad.fail, world.stopping = (lambda change: None), (lambda: False)
    world.undone(bad.run)
    assert (world.ad.accounts, world.ad.groups, world.google.accounts) == before
    assert "were undone" in world.night().targets["ad"].objections[0]


def test_a_change_that_a_target_never_answered_is_undone_when_it_took_effect(world: Grouped) -> None:
    """The connection broke after the work was done: the journal says deferred, and the account is disabled."""
    (harry,) = world.store.find(SCHOOL, "20hpotter")
    world.person("harry", ends=world.now.date())

    def lost(change: Change) -> Halt | None:
        if not isinstance(change, Disable):
            return None
        world.ad._do(change)
        return Halt("The connection was lost.")

    world.ad.fail = lost
    night = world.night()
    assert night.targets["ad"].tally["deferred"] > 0
    world.ad.fail = lambda change: None
    assert not world.account("20hpotter").enabled
    world.undone(night.run)
    assert world.account("20hpotter").enabled
    assert world.night().exit_code == 3


def test_a_name_that_cannot_be_given_back_fails_that_target_alone(
    world: Grouped, monkeypatch: pytest.MonkeyPatch
) -> None:
    (harry,) = world.store.find(SCHOOL, "20hpotter")
    world.store.rename(harry.id, "20hevans", f"20hevans@{DOMAIN}", True, world.now, "ann")
    night = world.night()
    digest = digests(pipeline.show_undo(world.line(), night.run or 0))
    refused = iter([True, False])
    rename_all = world.store.rename_all

    def once(wanted: Any, now: Any) -> Any:
        if next(refused):
            raise Refused("The name was issued to somebody else.")
        return rename_all(wanted, now)

    monkeypatch.setattr(world.store, "rename_all", once)
    undone = world.undo(night.run, *digest)
    assert (undone.targets["ad"].verdict, undone.targets["ad"].error) == (
        "failed",
        "The name was issued to somebody else.",
    )
    assert undone.targets["google"].tally["renamed"] == 1


def test_a_conflict_does_not_end_a_mark(world: Grouped) -> None:
    (harry,) = world.store.find(SCHOOL, "20hpotter")
    world.person("harry", ends=world.now.date())
    world.undone(world.night().run)
    anchor = harry.bonds.get("ad") or (world.store.identity(harry.id) or harry).bonds["ad"]
    owner = world.ad.owners.pop(anchor.anchor)
    world.ad.owners[anchor.anchor] = IdentityId("somebody")
    hidden = world.night()
    assert hidden.targets["ad"].plan is not None
    assert hidden.targets["ad"].plan.conflicts
    assert "disable" in {mark.trace.kind for mark in world.store.undone(SCHOOL, "ad")}
    world.ad.owners[anchor.anchor] = owner
    assert "undone" in world.night().targets["ad"].objections[0]


def test_what_cannot_be_undone_is_refused_in_a_sentence(world: Grouped) -> None:
    quiet = world.night()
    with pytest.raises(Refused, match="wrote nothing to any target"):
        pipeline.undo(world.line(), quiet.run or 0)
    with pytest.raises(Refused, match="has no run 99"):
        pipeline.show_undo(world.line(), 99)


def test_a_target_that_is_gone_or_away_does_not_stop_the_other(world: Grouped) -> None:
    bad = bad_extract(world)
    world.ad.broken = Halt("ad is away.")
    shown = pipeline.show_undo(world.line(), bad.run or 0)
    assert shown.targets["ad"].error == "ad is away."
    assert world.undo(bad.run, *digests(shown)).targets["google"].tally["enabled"] == 20
    without = world.line()
    without = replace(without, targets={"google": without.targets["google"]})
    assert "ad is no longer a target" in pipeline.show_undo(without, bad.run or 0).notices[0]


# --- whatever happened ---

MUTATIONS = ("leave", "year", "surname", "form", "left", "new", "out of class", "back")


def mutated(world: Grouped, what: str, n: int) -> None:
    people = world.source.people
    n %= len(people)
    each = people[n]
    match what:
        case "leave":
            people[n] = replace(each, ends=world.now.date())
        case "year":
            people[n] = replace(each, year_group="Year 9")
        case "surname":
            people[n] = replace(each, last="Married")
        case "form":
            people[n] = replace(each, registration_group=f"8{'AB'[n % 2]}")
        case "left":
            people[n] = replace(each, status=Status.LEFT)
        case "new":
            people.append(pupil(f"new{len(people)}", f"New{chr(97 + n)}", "Comer"))
        case "out of class":
            (maths,) = world.source.groups
            keys = frozenset(key for key in maths.members if key != each.key)
            world.source.groups = (replace(maths, members=keys),)
        case _:
            people[n] = replace(each, ends=None, status=Status.ON_ROLL)


@dataclass(frozen=True)
class Picture:
    """A directory, apart from what an undo keeps: accounts that were made are there disabled, and so are groups, empty."""

    accounts: Mapping[Anchor, Account]
    groups: Mapping[Anchor, ObservedGroup]

    @classmethod
    def of(cls, target: FakeTarget, known: Picture | None = None) -> Picture:
        made = [] if known is None else [a for a in target.accounts if a not in known.accounts]
        shells = [] if known is None else [a for a in target.groups if a not in known.groups]
        assert not any(target.accounts[each].enabled for each in made)
        assert not any(target.groups[each].members for each in shells)
        return cls(
            {a: replace(each, aliases=frozenset()) for a, each in target.accounts.items() if a not in made},
            {a: each for a, each in target.groups.items() if a not in shells},
        )


@given(
    st.lists(st.tuples(st.sampled_from(MUTATIONS), st.integers(0, 30)), min_size=1, max_size=8),
    st.lists(st.tuples(st.sampled_from(MUTATIONS), st.integers(0, 30)), max_size=4),
)
@settings(deadline=None, max_examples=25)
def test_whatever_a_night_did_an_undo_takes_back_and_an_approval_does_again(
    tmp_path_factory: pytest.TempPathFactory, earlier: list[tuple[str, int]], mutations: list[tuple[str, int]]
) -> None:
    people = [pupil(f"p{n:02}", f"Pupil{chr(97 + n)}", "Smith", registration_group="7A") for n in range(9)]
    world = grouped(tmp_path_factory.mktemp("undo"), [*people, teacher("severus")])
    generous = Limits(*[Limit(50, 100)] * 8)
    world.rules = replace(world.rules, limits=generous, sanity=Sanity(*[Limit(50, 100)] * 7))
    try:
        world.night()
        for what, n in earlier:
            mutated(world, what, n)
        world.night()
        world.night()
        before = Picture.of(world.ad), Picture.of(world.google)
        for what, n in mutations:
            mutated(world, what, n)
        night = world.night()
        after = dict(world.ad.accounts), dict(world.ad.groups), dict(world.google.accounts)
        if not any(sum(one.tally.values()) for one in night.targets.values()):
            return
        shown = pipeline.show_undo(world.line(), night.run or 0)
        assert not pipeline.unsettled(shown)
        world.undo(night.run, *digests(shown))
        assert (Picture.of(world.ad, before[0]), Picture.of(world.google, before[1])) == before
        assert digests(pipeline.show_undo(world.line(), night.run or 0)) == []
        if digests(shown):
            assert world.night(0).exit_code == 3
        assert world.approved(0).exit_code == 0
        assert (world.ad.accounts, world.ad.groups, world.google.accounts) == after
        assert world.marks() == 0
        world.nothing_to_do()
    finally:
        world.store.close()
