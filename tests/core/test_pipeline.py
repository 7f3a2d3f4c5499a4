"""A school's nights through the whole line, with a source and a directory in memory and a real store."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from builders import DOMAIN, NOON, SCHOOL, FakeTarget, ids, pupil, school, snapshot, teacher
from onroll_core import pipeline
from onroll_core.accounts import Anchor, IdentityId
from onroll_core.changes import Create
from onroll_core.contracts import Report
from onroll_core.errors import Halt, OnrollError, Unavailable
from onroll_core.line import Line, TargetLine
from onroll_core.night import Night
from onroll_core.people import Group, GroupKind, Person, Snapshot, SourceKey, Status
from onroll_core.rules import Limit, Limits, SchoolRules, TargetRules
from onroll_core.store import Store, this_process


@dataclass
class FakeSource:
    people: list[Person]
    broken: OnrollError | None = None
    feed_time: datetime | None = None
    groups: tuple[Group, ...] = ()

    def check(self) -> Report:
        return Report([])

    def read(self) -> Snapshot:
        if self.broken is not None:
            raise self.broken
        return replace(snapshot(*self.people), feed_time=self.feed_time, groups=self.groups)

    def close(self) -> None:
        pass


@dataclass
class World:
    """One school with two directories, and its days."""

    store: Store
    source: FakeSource
    ad: FakeTarget = field(default_factory=FakeTarget)
    google: FakeTarget = field(default_factory=FakeTarget)
    rules: SchoolRules = field(default_factory=school)
    now: datetime = NOON
    stopping: Callable[[], bool] = lambda: False

    def __post_init__(self) -> None:
        self.new_id = ids()

    def line(self, today: date | None = None) -> Line:
        return Line(
            self.rules,
            self.store,
            lambda: self.source,
            {
                "ad": TargetLine(TargetRules("ad"), lambda: self.ad),
                "google": TargetLine(TargetRules("google"), lambda: self.google),
            },
            today or self.now.date(),
            lambda: self.now,
            self.new_id,
            this_process("test"),
            lambda: self.stopping(),
        )

    def night(self, days: int = 1) -> Night:
        self.now += timedelta(days=days)
        return pipeline.sync(self.line())

    def nothing_to_do(self) -> None:
        """And now there is nothing to do."""
        before = len(self.ad.writes), len(self.google.writes)
        plan = pipeline.plan(self.line())
        assert [one.plan.changes for one in plan.targets.values() if one.plan] == [(), ()]
        self.night(0)
        assert (len(self.ad.writes), len(self.google.writes)) == before

    def person(self, record: str, **told: object) -> None:
        self.source.people = [
            replace(each, **told) if each.key.record.endswith(f":{record}") else each  # type: ignore[arg-type]
            for each in self.source.people
        ]

    def account(self, login: str, target: str = "ad"):  # type: ignore[no-untyped-def]
        accounts = getattr(self, target).accounts.values()
        return next((each for each in accounts if each.login == login), None)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    people = [pupil(f"p{n:03}", f"Pupil{chr(97 + n % 26)}{chr(97 + n // 26)}", "Smith") for n in range(60)]
    people += [pupil("harry"), pupil("hermione"), teacher("severus"), teacher("minerva", last="McGonagall")]
    world = World(Store.open(f"sqlite:///{tmp_path / 'onroll.db'}", lambda: NOON), FakeSource(people))
    yield world
    world.store.close()


def test_a_first_night_makes_everyone_and_the_second_does_nothing(world: World) -> None:
    night = world.night()
    assert night.exit_code == 0
    assert night.people.joiners == 64
    assert night.sync_json()["targets"]["ad"]["created"] == 64
    assert world.account("20hpotter") and world.account("20hpotter1")
    assert world.account("s.snape").place == "Staff"
    world.nothing_to_do()


def test_a_leaver_is_disabled_and_still_there_and_a_returner_gets_the_same_account(world: World) -> None:
    world.night()
    anchors = set(world.ad.accounts)
    world.person("harry", ends=world.now.date())
    night = world.night()
    assert (night.people.leavers, night.targets["ad"].tally["disabled"]) == (1, 1)
    assert not world.account("20hpotter").enabled
    world.nothing_to_do()
    world.person("harry", ends=None)
    night = world.night()
    assert (night.people.returners, night.targets["ad"].tally["enabled"]) == (1, 1)
    assert world.account("20hpotter").enabled
    assert set(world.ad.accounts) == anchors
    world.nothing_to_do()


def test_missing_is_not_left_until_enough_complete_reads(world: World) -> None:
    world.night()
    everyone = world.source.people
    world.source.people = [each for each in everyone if not each.key.record.endswith(":harry")]
    for _ in range(2):
        assert world.night().targets["ad"].tally["disabled"] == 0
        assert world.account("20hpotter").enabled
    night = world.night()
    assert night.people.leavers == 1
    assert not world.account("20hpotter").enabled
    world.nothing_to_do()
    world.source.people = everyone
    assert world.night().people.returners == 1
    assert world.account("20hpotter").enabled


def test_an_account_that_somebody_else_disabled_stays_disabled(world: World) -> None:
    world.night()
    anchor = next(anchor for anchor, each in world.ad.accounts.items() if each.login == "20hpotter")
    world.ad.accounts[anchor] = replace(world.ad.accounts[anchor], enabled=False)
    night = world.night()
    assert night.targets["ad"].tally["enabled"] == 0
    assert "disabled in ad, not by onroll" in night.targets["ad"].plan.notices[0]  # type: ignore[union-attr]
    world.nothing_to_do()


def test_half_an_extract_is_held_whole_and_nothing_is_remembered_of_it(world: World) -> None:
    world.night()
    everyone = world.source.people
    world.source.people = everyone[:32]
    night = world.night()
    assert night.exit_code == 3
    assert "missing from the MIS's answer" in night.held[0]
    assert night.sync_json()["targets"]["ad"]["verdict"] == "held"
    world.source.people = everyone
    assert world.night().people.as_json() == {"joiners": 0, "movers": 0, "leavers": 0, "returners": 0, "conflicts": 0}
    world.nothing_to_do()


def test_a_strange_snapshot_that_a_person_approved_is_let_in_once(world: World) -> None:
    world.night()
    world.source.people = world.source.people[:32]
    held = world.night()
    world.now += timedelta(hours=1)
    assert pipeline.sync(world.line(), approve=["0000"]).exit_code == 3
    assert pipeline.sync(world.line(), approve=[held.snapshot or ""]).exit_code == 0
    assert sum(each.absences for each in world.store.identities(SCHOOL)) == 32
    assert world.night().held == (), "and the same people are believed to be missing the night after"
    world.source.people = world.source.people[:14]
    again = world.night()
    assert again.held[0].startswith("18 of "), "but not others beside them"


def test_a_plan_over_a_limit_is_held_whole_and_an_approval_names_its_digest(world: World) -> None:
    world.rules = replace(
        world.rules,
        absences=1,
        limits=Limits(disable=Limit(2, 1)),
        sanity=replace(world.rules.sanity, people=Limit(50, 90), year_group=Limit(50, 90)),
    )
    world.night()
    world.source.people = [*world.source.people[3:]] + [pupil("neville", "Neville", "Longbottom", starts=NOON.date())]
    night = world.night()
    assert night.exit_code == 3
    assert "3 pupils would be disabled" in night.targets["ad"].objections[0]
    assert world.account("20nlongbottom") is None, "nothing of a held plan is written"
    digest = night.targets["ad"].plan.digest  # type: ignore[union-attr]
    assert pipeline.apply(world.line(), ["ad"], approve=["feedfeedfeedfeed"]).exit_code == 3
    done = pipeline.apply(world.line(), ["ad"], approve=[digest])
    assert (done.exit_code, done.targets["ad"].tally["disabled"], done.targets["ad"].tally["created"]) == (0, 3, 1)
    assert world.account("20nlongbottom", "google") is None
    assert not world.store.use_approval(digest, world.now), "an approval is used once"


def test_an_expired_approval_is_none(world: World) -> None:
    world.store.approve("abc", SCHOOL, "me", world.now, world.now + timedelta(hours=24))
    assert not world.store.use_approval("abc", world.now + timedelta(hours=25))
    assert world.store.use_approval("abc", world.now + timedelta(hours=23))


def test_a_married_teacher_keeps_the_username_until_somebody_asks(world: World) -> None:
    world.night()
    world.person("minerva", last="Urquart")
    night = world.night()
    assert (night.people.movers, night.targets["ad"].tally["updated"]) == (1, 1)
    account = world.account("m.mcgonagall")
    assert (account.display_name, account.family) == ("Minerva Urquart", "Urquart")
    world.nothing_to_do()
    (minerva,) = world.store.find(SCHOOL, "m.mcgonagall")
    world.store.rename(minerva.id, "m.urquart", f"m.urquart@{DOMAIN}", True, world.now)
    night = world.night()
    assert night.targets["ad"].tally["renamed"] == 1
    account = world.account("m.urquart")
    assert account.aliases == {f"m.mcgonagall@{DOMAIN}"}
    assert world.account("m.mcgonagall") is None
    world.nothing_to_do()
    world.source.people.append(teacher("malcolm", last="McGonagall", starts=world.now.date()))
    world.night()
    assert world.account("m.mcgonagall") is None, "a name is issued once"
    assert world.account("m.mcgonagall1") is not None


def test_an_account_that_somebody_else_renamed_is_a_conflict_and_stays(world: World) -> None:
    world.night()
    anchor = next(anchor for anchor, each in world.ad.accounts.items() if each.login == "s.snape")
    world.ad.accounts[anchor] = replace(world.ad.accounts[anchor], login="half.blood", email=f"half.blood@{DOMAIN}")
    night = world.night()
    assert "was renamed to half.blood" in night.targets["ad"].plan.conflicts[0].why  # type: ignore[union-attr]
    assert world.account("half.blood") is not None
    world.nothing_to_do()


def test_a_stranger_is_untouched_and_their_name_is_not_given_away(world: World) -> None:
    anchor = world.ad.stranger("20hpotter")
    before = world.ad.accounts[anchor]
    world.night()
    assert world.ad.accounts[anchor] == before
    assert world.account("20hpotter1") is not None
    assert world.account("20hpotter2") is not None
    assert world.account("20hpotter", "google") is None, "one person has one name everywhere"
    world.nothing_to_do()


def test_a_stranger_who_takes_a_name_between_naming_and_making_gets_to_keep_it(world: World) -> None:
    pipeline.pull(world.line())
    world.ad.stranger("20hpotter")
    night = pipeline.apply(world.line())
    assert any("which onroll did not make" in each.why for each in night.targets["ad"].plan.conflicts)  # type: ignore[union-attr]
    assert world.account("20hpotter", "google") is not None


def test_one_target_that_fails_does_not_stop_the_other(world: World) -> None:
    world.ad.broken = Halt("The base OU=Milton Park is not there. Look at [targets.ad] base.")
    night = world.night()
    assert night.exit_code == 1
    assert night.targets["ad"].verdict == "failed"
    assert night.targets["google"].tally["created"] == 64
    world.ad.broken = None
    assert world.night().targets["ad"].tally["created"] == 64
    world.nothing_to_do()


def test_a_source_that_cannot_be_read_changes_nothing(world: World) -> None:
    world.night()
    world.source.broken = Unavailable("The MIS does not answer.")
    night = world.night()
    assert (night.exit_code, night.unread) == (4, "The MIS does not answer.")
    assert world.store.freshness(SCHOOL)["problem"] == "The MIS does not answer."
    world.source.broken = None
    world.nothing_to_do()


def test_an_empty_school_is_never_believed(world: World) -> None:
    world.source.people = []
    assert world.night().exit_code == 4


def test_a_run_cut_off_by_the_window_goes_on_the_next_night(world: World) -> None:
    world.ad.batch = 5
    world.stopping = lambda: len(world.ad.writes) >= 20
    night = world.night()
    assert night.targets["ad"].tally["created"] == 20
    assert night.targets["ad"].tally["deferred"] == 44
    world.stopping = lambda: False
    night = world.night()
    assert (night.exit_code, night.targets["ad"].tally["created"]) == (0, 44)
    world.nothing_to_do()


def test_an_account_whose_making_was_never_recorded_is_found_again(world: World) -> None:
    def dies_after_ten(change: object) -> OnrollError | None:
        return Unavailable("The connection was lost.") if len(world.ad.writes) == 10 else None

    world.ad.fail = dies_after_ten
    world.night()
    lost = list(world.ad.accounts)[5]
    from sqlalchemy import delete

    from onroll_core.store.engine import writing
    from onroll_core.store.schema import bonds

    with writing(world.store._engine) as connection:  # the row that a power cut would have taken
        connection.execute(delete(bonds).where(bonds.c.anchor == lost))
    world.ad.fail = lambda change: None
    world.night()
    assert len(world.ad.accounts) == 64
    assert len(set(world.ad.owners.values())) == 64
    world.nothing_to_do()


def test_what_a_target_refuses_is_told_and_the_rest_is_done(world: World) -> None:
    def refuses_harry(change: object) -> str | None:
        refused = isinstance(change, Create) and change.account.login == "20hpotter"
        return "The password is refused by the domain's policy." if refused else None

    world.ad.refuse = refuses_harry
    night = world.night()
    assert night.exit_code == 1
    assert night.targets["ad"].tally == {"created": 63, "failed": 1}
    run = world.store.run(night.run or 0)
    assert run is not None
    (refused,) = (each for each in run["plans"][0]["changes"] if each["outcome"] == "rejected")
    assert refused["note"] == "The password is refused by the domain's policy."


def test_an_account_deleted_by_hand_is_a_conflict_and_not_made_twice(world: World) -> None:
    world.night()
    anchor = next(anchor for anchor, each in world.ad.accounts.items() if each.login == "20hpotter")
    del world.ad.accounts[anchor], world.ad.owners[anchor]
    night = world.night()
    assert "no longer in ad" in night.targets["ad"].plan.conflicts[0].why  # type: ignore[union-attr]
    assert world.account("20hpotter") is None
    world.nothing_to_do()


def test_a_future_starter_has_the_year_of_entry_of_their_own_first_day(world: World) -> None:
    world.night()
    world.source.people.append(pupil("luna", "Luna", "Lovegood", status=Status.FUTURE, starts=date(2027, 9, 1)))
    world.night()
    assert world.account("21llovegood") is not None
    world.nothing_to_do()


def test_nobody_who_is_accepted_and_does_not_arrive_keeps_an_account(world: World) -> None:
    first_day = NOON.date() + timedelta(days=2)
    world.source.people.append(pupil("luna", "Luna", "Lovegood", status=Status.FUTURE, starts=first_day))
    world.night()
    assert world.account("20llovegood").enabled
    assert world.night().targets["ad"].tally["disabled"] == 0
    night = world.night()
    assert night.targets["ad"].tally["disabled"] == 1
    world.person("luna", status=Status.ON_ROLL)
    assert world.night().people.returners == 1
    assert world.account("20llovegood").enabled
    world.nothing_to_do()


def test_planning_writes_nothing_anywhere(world: World) -> None:
    pipeline.pull(world.line())
    runs = len(world.store.runs())
    plan = pipeline.plan(world.line())
    assert len(plan.plan_json()["plans"][0]["changes"]) == 64
    assert (world.ad.writes, len(world.store.runs())) == ([], runs)


def test_a_plan_before_any_reading_says_what_to_do(world: World) -> None:
    night = pipeline.plan(world.line())
    assert night.exit_code == 4
    assert "onroll pull milton-park" in night.unread


def test_a_pupil_who_is_back_under_a_new_record_gets_the_same_account(world: World) -> None:
    world.person("harry", upn="H999900012001")
    world.night()
    world.person("harry", ends=world.now.date(), status=Status.LEFT)
    world.night()
    assert not world.account("20hpotter").enabled
    world.source.people = [each for each in world.source.people if not each.key.record.endswith(":harry")]
    world.source.people.append(pupil("harry2", "Harry", "Potter", upn="H999900012001"))
    night = world.night()
    assert (night.people.returners, night.people.joiners) == (1, 0)
    assert world.account("20hpotter").enabled
    world.nothing_to_do()


@pytest.mark.parametrize("payroll", [False, True])
def test_a_full_directory_that_nobody_linked_holds_the_first_load(world: World, payroll: bool) -> None:
    for n, person in enumerate(world.source.people[:20]):
        anchor = world.ad.stranger(f"old{person.first}".lower(), person.first or "", person.last or "")
        if payroll:
            world.ad.owners[anchor] = IdentityId(f"PAY{n:05}")
    night = world.night()
    assert night.targets["ad"].verdict == "held"
    assert "somebody of the same name" in night.targets["ad"].objections[0]
    assert night.targets["google"].verdict == "cleared"


def test_last_nights_feed_is_not_used_and_tonights_is(world: World) -> None:
    midnight = NOON.replace(hour=0)
    world.source.feed_time = midnight - timedelta(minutes=1)
    waiting = replace(world.line(), feed_after=midnight)
    night = pipeline.sync(waiting)
    assert "tonight's has not come yet" in (night.unread or "")
    assert (night.targets, world.store.identities(SCHOOL)) == ({}, [])
    world.source.feed_time = midnight
    assert not pipeline.sync(waiting).unread
    world.source.feed_time = midnight - timedelta(minutes=1)
    assert not pipeline.sync(world.line()).unread, "a person who asks gets what there is"


def test_a_night_fills_groups_and_the_next_one_has_nothing_to_do(world: World) -> None:
    world.ad.with_groups = True
    rules = TargetRules("ad", groups=frozenset({GroupKind.YEAR, GroupKind.TEACHING}))
    people = world.source.people
    key = SourceKey(SCHOOL, "teaching:1")
    told = Group(
        key, GroupKind.TEACHING, "7A/Ma1", frozenset(each.key for each in people[:8]), frozenset({people[-1].key})
    )
    world.source.groups = (told,)

    def line() -> Line:
        return replace(world.line(), targets={"ad": TargetLine(rules, lambda: world.ad)})

    assert pipeline.sync(line()).exit_code == 0
    groups = {each.name: each for each in world.ad.groups.values()}
    maths = groups["Milton Park School 7A/Ma1"]
    assert (len(maths.members), len(maths.owners)) == (8, 1)
    assert pipeline.plan(line()).targets["ad"].plan.changes == ()  # type: ignore[union-attr]

    by_hand = Anchor("by-hand")
    friend = next(anchor for anchor in world.ad.accounts if anchor not in maths.members | maths.owners)
    anchor = next(each for each, group in world.ad.groups.items() if group is maths)
    world.ad.groups[anchor] = replace(maths, members=maths.members | {by_hand, friend})
    world.source.groups = (replace(told, members=frozenset(each.key for each in people[:7])),)
    pipeline.sync(line())
    after = world.ad.groups[anchor]
    assert len(after.members) == 9, "one left; those whom somebody put there by hand stay"
    assert {by_hand, friend} <= after.members
    assert pipeline.plan(line()).targets["ad"].plan.changes == ()  # type: ignore[union-attr]
