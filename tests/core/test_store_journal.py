"""What happened that night, and why: runs, plans, intentions, outcomes, approvals, freshness."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import text

from builders import DOMAIN, NOON, SCHOOL, pupil
from onroll_core.accounts import Account, Anchor, DesiredGroup, IdentityId
from onroll_core.changes import (
    AddMember,
    Applied,
    Change,
    Conflict,
    Create,
    CreateGroup,
    Deferred,
    Disable,
    Enable,
    Link,
    Move,
    Naming,
    Rejected,
    RemoveMember,
    Rename,
    Unsent,
    Update,
    UpdateGroup,
    Who,
    sentence,
)
from onroll_core.errors import Halt
from onroll_core.identities import Bond, Identity, State
from onroll_core.people import GroupKind, Role, SourceKey
from onroll_core.plan import Plan, as_json
from onroll_core.store import Store
from onroll_core.store.engine import writing

KEY = SourceKey(SCHOOL, "group:7A")


def someone(number: int) -> Identity:
    name = f"user{number}"
    person = pupil(f"p{number}")
    return Identity(
        IdentityId(f"id{number}"), SCHOOL, Role.STUDENT, person, State.ACTIVE, username=name, email=f"{name}@{DOMAIN}"
    )


def who(number: int, anchor: str | None = None) -> Who:
    return Who(IdentityId(f"id{number}"), f"user{number}", Role.STUDENT, None if anchor is None else Anchor(anchor))


def create(number: int) -> Create:
    return Create(who(number), Account(f"user{number}", f"user{number}@{DOMAIN}"), "on roll")


EVERY_KIND: list[Change] = [
    Disable(who(1, "a1"), "left"),
    Enable(who(2, "a2"), "back"),
    create(3),
    Link(who(4, "a4"), "confirmed"),
    Rename(who(5, "a5"), Naming("u", "u@x.test"), Naming("v", "v@x.test", frozenset({"u@x.test"})), "asked"),
    Update(who(5, "a5"), {"given": "A"}, {"given": "", "aliases": ("u@x.test",)}, "MIS"),
    Move(who(5, "a5"), "A", "B", "Year 8"),
    CreateGroup(DesiredGroup(KEY, GroupKind.REGISTRATION, "7A"), "new"),
    UpdateGroup(KEY, Anchor("g1"), "7A", "7B", "renamed"),
    AddMember(KEY, None, "7A", who(5, "a5"), "in 7A"),
    RemoveMember(KEY, Anchor("g1"), "7A", who(5, "a5"), "not in 7A"),
]


@pytest.fixture
def run(store: Store) -> int:
    store.remember(None, [someone(number) for number in range(1, 6)], NOON)
    return store.start_run(SCHOOL, "sync", NOON, "alice")


def applied(store: Store, run: int, plan: Plan, *outcomes: object) -> None:
    journal = store.journal(store.keep_plan(run, plan, "cleared", (), NOON), plan)
    journal.intend(plan.changes)
    for outcome in outcomes:
        journal.record(outcome)  # type: ignore[arg-type]


def test_a_run_tells_all_that_it_read_planned_and_did(store: Store, run: int) -> None:
    store.profile(run, SCHOOL, {"people": {"student": 5}}, True, NOON - timedelta(minutes=1), None, NOON)
    plan = Plan("ad", SCHOOL, EVERY_KIND, [Conflict(None, "A stranger has it.", "x")], notices=["Look."])
    kept = store.keep_plan(run, plan, "cleared", ["Too many."], NOON)
    journal = store.journal(kept, plan)
    for start in range(0, len(EVERY_KIND), 4):
        batch = EVERY_KIND[start : start + 4]
        journal.intend(batch)
        for change in reversed(batch):  # a target that answers out of order
            journal.record(Applied(change, Anchor(f"new{change.who.identity}") if isinstance(change, Create) else None))
    store.end_run(run, "done", {"school": SCHOOL}, NOON + timedelta(minutes=2))

    told = store.run(run)
    assert told is not None
    assert {name: told[name] for name in ("school", "kind", "by", "started", "ended", "status", "summary")} == {
        "school": SCHOOL,
        "kind": "sync",
        "by": "alice",
        "started": "2026-11-24T12:00:00+00:00",
        "ended": "2026-11-24T12:02:00+00:00",
        "status": "done",
        "summary": {"school": SCHOOL},
    }
    (read,) = told["readings"]
    assert (read["profile"], read["good"], read["taken_at"]) == (
        {"people": {"student": 5}},
        True,
        "2026-11-24T11:59:00+00:00",
    )
    (made,) = told["plans"]
    assert made == store.last_plan(SCHOOL, "ad")
    assert {name: made[name] for name in ("target", "digest", "verdict", "objections", "conflicts", "notices")} == {
        "target": "ad",
        "digest": plan.digest,
        "verdict": "cleared",
        "objections": ["Too many."],
        "conflicts": [{"identity": None, "username": "x", "why": "A stranger has it."}],
        "notices": ["Look."],
    }
    for change, row in zip(EVERY_KIND, made["changes"], strict=True):
        wanted = {
            name: list(value) if isinstance(value, tuple) else value for name, value in as_json(change)["after"].items()
        }
        assert row["document"] == as_json(change) | {"after": wanted}
        assert (row["sentence"], row["outcome"]) == (sentence(change), "applied")
        assert row["intended"] == row["answered"] == "2026-11-24T12:00:00+00:00"
    assert store.run(run + 1) is None
    assert store.last_plan(SCHOOL, "google") is None


def test_outcomes_make_and_switch_accounts(store: Store, run: int) -> None:
    for number in (1, 2, 4):
        store.bond(someone(number).id, "ad", Bond(Anchor(f"a{number}")), NOON)
    plan = Plan("ad", SCHOOL, EVERY_KIND[:4])
    applied(
        store, run, plan, *(Applied(each, Anchor("a3") if isinstance(each, Create) else None) for each in plan.changes)
    )
    assert store.bonds("ad") == {
        "id1": Bond(Anchor("a1"), False),
        "id2": Bond(Anchor("a2"), True),
        "id3": Bond(Anchor("a3"), True),
        "id4": Bond(Anchor("a4"), None),  # a link says nothing about on or off
    }


def test_what_was_not_done_switches_nothing(store: Store, run: int) -> None:
    store.bond(someone(1).id, "ad", Bond(Anchor("a1"), True), NOON)
    changes = [Disable(who(1, "a1"), "left"), create(2), create(3), create(4)]
    outcomes = [
        Rejected(changes[0], "The policy refuses it."),
        Deferred(changes[1], "Busy."),
        Unsent(changes[2]),
        Applied(changes[3]),
    ]
    applied(store, run, Plan("ad", SCHOOL, changes), *outcomes)
    assert store.bonds("ad") == {"id1": Bond(Anchor("a1"), True)}
    kept = store.last_plan(SCHOOL, "ad")
    assert kept is not None
    assert [(each["outcome"], each["note"]) for each in kept["changes"]] == [
        ("rejected", "The policy refuses it."),
        ("deferred", "Busy."),
        ("unsent", ""),
        ("applied", ""),
    ]


def test_an_account_made_again_replaces_the_one_that_is_gone(store: Store, run: int) -> None:
    store.bond(someone(1).id, "ad", Bond(Anchor("old"), True), NOON)
    applied(store, run, Plan("ad", SCHOOL, [create(1)]), Applied(create(1), Anchor("new")))
    assert store.bonds("ad") == {"id1": Bond(Anchor("new"), True)}


def test_an_account_that_is_anothers_stops_the_run_and_leaves_the_question_open(store: Store, run: int) -> None:
    store.bond(someone(1).id, "ad", Bond(Anchor("a1"), True), NOON)
    plan = Plan("ad", SCHOOL, [create(2)])
    with pytest.raises(Halt, match="account in ad was to belong to two people"):
        applied(store, run, plan, Applied(plan.changes[0], Anchor("a1")))
    assert [each["username"] for each in store.unanswered(SCHOOL, "ad")] == ["user2"]
    assert store.bonds("ad") == {"id1": Bond(Anchor("a1"), True)}


def test_an_intention_is_answered_once(store: Store, run: int) -> None:
    plan = Plan("ad", SCHOOL, [create(1), create(2)])
    kept = store.keep_plan(run, plan, "cleared", (), NOON)
    journal, twin = store.journal(kept, plan), store.journal(kept, plan)
    with pytest.raises(ValueError, match="not intended"):
        journal.record(Applied(plan.changes[0]))
    with pytest.raises(ValueError, match="not the next"):
        journal.intend([plan.changes[1]])
    journal.intend(plan.changes)
    with pytest.raises(ValueError, match="not the next"):
        journal.intend(plan.changes[:1])
    with pytest.raises(Halt, match="somebody else"):
        twin.intend(plan.changes)
    journal.record(Applied(plan.changes[0]))
    with pytest.raises(ValueError, match="answered twice"):
        journal.record(Rejected(plan.changes[0], "no"))
    twin._open.extend(enumerate(plan.changes))
    with pytest.raises(Halt, match="somebody else"):
        twin.record(Rejected(plan.changes[0], "no"))
    assert [each["position"] for each in store.unanswered(SCHOOL, "ad")] == [1]
    with pytest.raises(Halt), writing(store._engine) as connection:
        connection.execute(text("UPDATE changes SET intended = NULL, outcome = 'applied' WHERE position = 1"))


def test_what_a_cut_off_run_left_unanswered_is_closed_by_the_next_look(store: Store, run: int) -> None:
    plan = Plan("ad", SCHOOL, [create(1), create(2), create(3)])
    journal = store.journal(store.keep_plan(run, plan, "cleared", (), NOON), plan)
    journal.intend(plan.changes[:2])
    journal.record(Applied(plan.changes[0], Anchor("a1")))
    # here the process is killed
    assert [each["username"] for each in store.unanswered(SCHOOL, "ad")] == ["user2"]
    assert store.unanswered("elm", "ad") == store.unanswered(SCHOOL, "google") == []
    with store.lease(SCHOOL, "the next night", NOON):
        later = store.start_run(SCHOOL, "sync", NOON + timedelta(days=1))
        store.keep_plan(later, Plan("google", SCHOOL, []), "cleared", (), NOON)
        assert len(store.unanswered(SCHOOL, "ad")) == 1, "another target was looked at"
        store.keep_plan(later, Plan("ad", SCHOOL, []), "cleared", (), NOON + timedelta(days=1))
    assert store.unanswered(SCHOOL, "ad") == []
    first = store.run(run)
    assert first is not None
    assert [(each["outcome"], each["note"]) for each in first["plans"][0]["changes"]] == [
        ("applied", ""),
        ("unknown", f"the run was cut off; run {later} looked again"),
        (None, ""),
    ]
    assert [(each["id"], each["status"]) for each in store.runs(SCHOOL)] == [(later, None), (run, "cut off")]
    with pytest.raises(Halt, match="ended before"):
        store.end_run(run, "done", {}, NOON)


def test_without_the_lease_a_new_run_says_nothing_about_others(store: Store, run: int) -> None:
    store.start_run(SCHOOL, "rename", NOON, "bob")
    store.start_run("elm", "sync", NOON)
    assert [each["status"] for each in store.runs()] == [None, None, None]
    assert [each["kind"] for each in store.runs(SCHOOL)] == ["rename", "sync"]
    assert [each["kind"] for each in store.runs(None, 1)] == ["sync"]


def test_good_profiles_come_newest_first_and_doubtful_ones_never(store: Store, run: int) -> None:
    for number, good in enumerate([True, False, True, True]):
        store.profile(run, SCHOOL, {"n": number}, good, NOON, None, NOON)
    store.profile(run, "elm", {"n": 9}, True, NOON, None, NOON)
    assert store.profiles(SCHOOL) == [{"n": 3}, {"n": 2}, {"n": 0}]
    assert store.profiles(SCHOOL, 1) == [{"n": 3}]


def test_an_approval_is_for_one_digest_once_and_not_for_ever(store: Store) -> None:
    day = timedelta(days=1)
    store.approve("abc", SCHOOL, "alice", NOON, NOON + day)
    store.approve("abc", SCHOOL, "bob", NOON, NOON + day)  # two people press the same button
    assert not store.use_approval("abd", NOON)
    assert not store.use_approval("abc", NOON + day)
    assert store.use_approval("abc", NOON + day / 2)
    assert not store.use_approval("abc", NOON + day / 2)
    store.approve("abc", SCHOOL, "alice", NOON + day, NOON + 2 * day)  # a yes of its own, the next day
    assert store.use_approval("abc", NOON + day)
    assert not store.use_approval("abc", NOON + day)


@pytest.fixture
def many(url: str) -> Iterator[list[Store]]:
    opened = [Store.open(url, lambda: NOON) for _ in range(4)]
    yield opened
    for each in opened:
        each.close()


def test_an_approval_that_four_want_to_use_at_once_is_used_once(store: Store, many: list[Store]) -> None:
    for number in range(5):
        store.approve(f"d{number}", SCHOOL, "alice", NOON, NOON + timedelta(days=1))
        with ThreadPoolExecutor(4) as pool:
            used = list(pool.map(lambda each: each.use_approval(f"d{number}", NOON), many))  # noqa: B023
        assert sorted(used) == [False, False, False, True]


def test_freshness_says_when_and_since_when_it_fails(store: Store, run: int) -> None:
    def at(minutes: int) -> datetime:
        return NOON + timedelta(minutes=minutes)

    assert set(store.freshness(SCHOOL).values()) == {None}
    store.note_contact(SCHOOL, at(0), None)
    store.profile(run, SCHOOL, {}, True, at(1), at(-60), at(2))
    store.profile(run, SCHOOL, {}, False, at(3), at(-30), at(4))  # a strange snapshot is no news
    store.note_contact(SCHOOL, at(5), "The MIS does not answer.")
    store.note_contact(SCHOOL, at(9), "The token was refused.")
    fresh = {
        "last_contact": "2026-11-24T12:00:00+00:00",
        "last_read": "2026-11-24T12:01:00+00:00",
        "feed_time": "2026-11-24T11:00:00+00:00",
        "last_change": None,
        "problem": "The token was refused.",
        "failing_since": "2026-11-24T12:05:00+00:00",
    }
    assert store.freshness(SCHOOL) == fresh
    assert set(store.freshness("elm").values()) == {None}
    applied(store, run, Plan("ad", SCHOOL, [create(1)]), Rejected(create(1), "no"))
    assert store.freshness(SCHOOL)["last_change"] is None
    applied(store, run, Plan("ad", SCHOOL, [create(1)]), Applied(create(1), Anchor("a1")))
    store.note_contact(SCHOOL, at(20), None)
    assert store.freshness(SCHOOL) == fresh | {
        "last_contact": "2026-11-24T12:20:00+00:00",
        "last_change": "2026-11-24T12:00:00+00:00",
        "problem": None,
        "failing_since": None,
    }


def test_a_persons_history_reads_in_the_order_it_happened(store: Store, run: int) -> None:
    clock = [NOON]
    own = Store(store._engine, lambda: clock[0])
    joiner = replace(someone(9), username=None, email=None, state=State.FUTURE)
    own.remember(run, [joiner], NOON)
    named = replace(joiner, username="user9", email=f"user9@{DOMAIN}", state=State.ACTIVE)
    named = replace(named, person=replace(named.person, year_group="Year 8"))
    own.remember(run, [named], NOON + timedelta(minutes=1))
    own.remember(run, [named], NOON + timedelta(minutes=2))  # nothing new
    own.remember(run, [replace(named, absences=1)], NOON + timedelta(minutes=2))  # only counted
    clock[0] = NOON + timedelta(minutes=3)
    plan = Plan("ad", SCHOOL, [create(9), create(1)])
    journal = own.journal(own.keep_plan(run, plan, "cleared", (), NOON), plan)
    journal.intend(plan.changes)
    journal.record(Rejected(plan.changes[0], "The policy refuses it."))
    own.rename(named.id, "harry", f"harry@{DOMAIN}", True, NOON + timedelta(minutes=4), by="alice")
    history = own.history(named.id)
    assert [(row["at"][11:16], row["what"], row["run"], row["target"], row["outcome"]) for row in history] == [
        ("12:00", "First known, as future, with no username yet.", run, None, None),
        (
            "12:01",
            "The MIS changed year group from Year 7 to Year 8. onroll changed state from future to active, username from nothing to user9,"
            f" email from nothing to user9@{DOMAIN}.",
            run,
            None,
            None,
        ),
        (
            "12:03",
            f"ad: Create user9 (user9@{DOMAIN}): on roll. That was refused: The policy refuses it.",
            run,
            "ad",
            "rejected",
        ),
        (
            "12:04",
            f"onroll changed username from user9 to harry, email from user9@{DOMAIN} to harry@{DOMAIN}. alice asked for it.",
            None,
            None,
            None,
        ),
    ]
