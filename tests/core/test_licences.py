"""Licences of leavers: released once, when their accounts have been off for long enough; undone from the journal; held when they are too many."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from builders import NOON, SCHOOL, TODAY, FakeTarget, pupil, teacher
from onroll_core import pipeline
from onroll_core.accounts import Account, Anchor, DesiredAccount, IdentityId, Observed
from onroll_core.changes import Applied, Change, Outcome, ReleaseLicences, ReturnLicences, Who, kind, sentence
from onroll_core.contracts import Abilities, Scope
from onroll_core.identities import Bond, Identity, State
from onroll_core.licences import licence_changes
from onroll_core.line import Line, TargetLine
from onroll_core.people import Role
from onroll_core.plan import as_json
from onroll_core.project import project
from onroll_core.rules import TargetRules
from onroll_core.store import Store
from onroll_core.undo import Done, Present, Undo, undo
from test_pipeline import FakeSource, World

DAYS = 90
HARRY, ANCHOR = IdentityId("harry"), Anchor("a-harry")
WHO = Who(HARRY, "20hpotter", Role.STUDENT, ANCHOR)
OFF = Account("20hpotter", "20hpotter@x.test", enabled=False)
GONE = DesiredAccount(HARRY, Role.STUDENT, OFF, "left on 21 July 2026", True, gone=date(2026, 7, 21))


def released(
    desired: DesiredAccount = GONE, today: date = TODAY, lately: Sequence[IdentityId] = (), **seen: object
) -> list[ReleaseLicences]:
    there: Mapping[str, object] = {
        "accounts": {ANCHOR: OFF},
        "owners": {ANCHOR: HARRY},
        "licences": {ANCHOR: ("a3",)},
    }
    observed = Observed(**(dict(there) | seen))  # type: ignore[arg-type]
    return licence_changes([desired], observed, {HARRY: Bond(ANCHOR, False)}, DAYS, today, lambda people: lately)


def test_a_leaver_who_has_been_disabled_for_long_enough_loses_what_was_given_directly() -> None:
    (change,) = released()
    assert change == ReleaseLicences(
        WHO, ("a3",), "left on 21 July 2026, and the account has been disabled for more than 90 days", True
    )
    assert sentence(change).startswith("Release a licence of 20hpotter: left on 21 July 2026")
    assert as_json(change)["before"] == {"licences": ["a3"]}
    assert kind(change) == "release_licences"


@pytest.mark.parametrize(
    "what",
    [
        {"today": date(2026, 7, 21) + timedelta(DAYS)},
        {"desired": replace(GONE, gone=None)},
        {"desired": replace(GONE, account=replace(OFF, enabled=True))},
        {"accounts": {ANCHOR: replace(OFF, enabled=True)}},
        {"accounts": {}},
        {"owners": {}},
        {"owners": {ANCHOR: IdentityId("ginny")}},
        {"deleted": frozenset({ANCHOR})},
        {"licences": {}},
        {"lately": [HARRY]},
    ],
    ids=["too early", "not left", "to be on", "still on", "lost", "unmarked", "another's", "deleted", "none", "lately"],
)
def test_nobody_else_loses_any(what: dict[str, object]) -> None:
    assert released(**what) == []  # type: ignore[arg-type]


def test_licences_belong_to_the_cloud_whoever_masters_the_account() -> None:
    assert len(released(read_only=frozenset({ANCHOR}))) == 1


# --- undo ---


def undone(change: Change, held: Sequence[str], since: int | None = None) -> Undo:
    licences = {ANCHOR: tuple(held)} if held else {}
    seen = Observed({ANCHOR: OFF}, {ANCHOR: HARRY}, licences=licences, read_only=frozenset({ANCHOR}))
    person = Identity(HARRY, SCHOOL, Role.STUDENT, pupil("harry"), State.LEFT, username="20hpotter", email=OFF.email)
    people = {HARRY: replace(person, bonds={"m365": Bond(ANCHOR, False)})}
    done = [Done(json.loads(json.dumps(as_json(change))), sentence(change), True)]
    later = {} if since is None else {("licences", HARRY): since}
    return undo(SCHOOL, "m365", 12, done, Present(seen, people, {HARRY}, later, lambda name: None, False))


def test_what_was_released_is_given_again_and_the_other_way_round() -> None:
    release, back = ReleaseLicences(WHO, ("a1", "a3"), "left"), ReturnLicences(WHO, ("a1", "a3"), "run 3 is undone")
    assert undone(release, ()).plan.changes == (ReturnLicences(WHO, ("a1", "a3"), "run 12 is undone"),)
    assert undone(release, ("a3",)).plan.changes == (ReturnLicences(WHO, ("a1",), "run 12 is undone"),)
    assert undone(release, ("a1", "a3")).plan.changes == ()
    assert undone(back, ("a1", "a3")).plan.changes == (ReleaseLicences(WHO, ("a1", "a3"), "run 12 is undone", True),)
    assert undone(back, ()).plan.changes == ()


def test_licences_that_a_later_run_gave_again_are_left() -> None:
    found = undone(ReleaseLicences(WHO, ("a3",), "left"), (), since=14)
    assert found.plan.changes == ()
    assert "run 14 has changed it since" in found.plan.conflicts[0].why


# --- nights ---


@dataclass
class Cloud(FakeTarget):
    """A target that gives everybody a licence when an account is made."""

    licences: dict[Anchor, tuple[str, ...]] = field(default_factory=dict)

    @property
    def abilities(self) -> Abilities:
        return replace(super().abilities, licences=True)

    def observe(self, scope: Scope) -> Observed:
        told = {anchor: each for anchor, each in self.licences.items() if not self.accounts[anchor].enabled}
        return replace(super().observe(scope), licences=told)

    def perform(self, changes: Sequence[Change]) -> Iterator[Outcome]:
        for change in changes:
            if isinstance(change, ReleaseLicences):
                self.writes.append(change)
                self.licences.pop(change.who.object)
                yield Applied(change, change.who.anchor)
            elif isinstance(change, ReturnLicences):
                self.writes.append(change)
                self.licences[change.who.object] = change.licences
                yield Applied(change, change.who.anchor)
            else:
                yield from super().perform([change])


@dataclass
class Licensed(World):
    """The school of the pipeline's tests, whose second target is a cloud with licences."""

    google: Cloud = field(default_factory=Cloud)

    def line(self, today: date | None = None) -> Line:
        found = super().line(today)
        rules = TargetRules("google", release_licences_after=DAYS)
        return replace(found, targets={**found.targets, "google": TargetLine(rules, lambda: self.google)})

    def licensed(self, login: str) -> bool:
        return any(self.google.accounts[anchor].login == login for anchor in self.google.licences)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Licensed]:
    people = [pupil(f"p{n:03}", f"Pupil{chr(97 + n % 26)}{chr(97 + n // 26)}", "Smith") for n in range(60)]
    people += [pupil("harry"), pupil("hermione"), teacher("severus"), teacher("minerva", last="McGonagall")]
    clocks = [lambda: NOON]
    world = Licensed(Store.open(f"sqlite:///{tmp_path / 'onroll.db'}", lambda: clocks[-1]()), FakeSource(people))
    clocks.append(lambda: world.now)
    world.night()
    world.now += timedelta(days=2 * DAYS)  # so that nobody's account is a new one
    world.google.licences = dict.fromkeys(world.google.accounts, ("a3",))
    yield world
    world.store.close()


def test_a_leaver_keeps_a_licence_for_so_many_days_and_loses_it_once(world: Licensed) -> None:
    left = world.now.date()
    world.person("harry", ends=left)
    world.night()
    assert not world.account("20hpotter", "google").enabled
    world.night(DAYS - 1)
    world.nothing_to_do()
    assert world.licensed("20hpotter")
    night = world.night(2)
    assert night.targets["google"].as_json()["licences"] == 1
    assert not world.licensed("20hpotter")
    assert len(world.google.licences) == 63
    world.nothing_to_do()


def test_a_leaving_date_of_years_ago_takes_no_licence_before_the_account_was_off_for_as_long(world: Licensed) -> None:
    world.person("harry", ends=date(2024, 7, 21))
    world.night()
    world.night(3)
    world.nothing_to_do()
    assert world.licensed("20hpotter")
    world.night(DAYS)
    assert not world.licensed("20hpotter")
    world.nothing_to_do()


def test_an_undone_release_is_not_silently_done_again(world: Licensed) -> None:
    world.person("harry", ends=world.now.date())
    world.night()
    bad = world.night(DAYS + 2)
    assert bad.run is not None
    world.now += timedelta(hours=2)
    shown = pipeline.show_undo(world.line(), bad.run)
    plan = shown.targets["google"].plan
    assert plan is not None
    assert [kind(each) for each in plan.changes] == ["return_licences"]
    pipeline.undo(world.line(), bad.run, None, [plan.digest])
    assert world.licensed("20hpotter")
    held = world.night()
    assert held.targets["google"].verdict == "held"
    assert world.licensed("20hpotter")
    again = held.targets["google"].plan
    assert again is not None
    pipeline.sync(world.line(), [again.digest])
    assert not world.licensed("20hpotter")
    world.nothing_to_do()


def test_many_licences_of_leavers_whom_nothing_explains_wait_for_a_person(world: Licensed) -> None:
    gone = [each for each in world.source.people if each.key.record.startswith("student:p")][:30]
    world.source.people = [each for each in world.source.people if each not in gone]
    for _ in range(4):
        night = world.night()
        digests = [night.snapshot, *(one.plan.digest for one in night.targets.values() if one.plan)]
        pipeline.sync(world.line(), [each for each in digests if each])
        night = pipeline.plan(world.line())
        pipeline.sync(world.line(), [one.plan.digest for one in night.targets.values() if one.plan])
    assert sum(not each.enabled for each in world.google.accounts.values()) == 30
    night = world.night(DAYS + 2)
    assert night.targets["google"].verdict == "held"
    assert "30 pupils would lose their licences" in night.targets["google"].objections[0]
    assert len(world.google.licences) == 64


def test_days_of_grace_come_before_the_days_that_licences_are_kept(world: Licensed) -> None:
    world.rules = replace(world.rules, students=replace(world.rules.students, grace=30))
    left = world.now.date()
    world.person("harry", ends=left)
    wanted = {
        each.identity: each.gone
        for each in project(
            world.store.identities(SCHOOL), left, world.rules, TargetRules("google"), world.google.abilities
        )
    }
    assert set(wanted.values()) == {None}
    world.night()
    world.night(30)
    assert not world.account("20hpotter", "google").enabled
    (harry,) = world.store.find(SCHOOL, "20hpotter")
    found = project([harry], world.now.date(), world.rules, TargetRules("google"), world.google.abilities)
    assert [each.gone for each in found] == [left + timedelta(days=30)]
