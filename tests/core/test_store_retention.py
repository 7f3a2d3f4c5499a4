"""Whoever left long ago is forgotten in every table, and their names, accounts and records stay theirs."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import select

from builders import DOMAIN, NOON, SCHOOL, day, ids, pupil, school, teacher
from onroll_core import pipeline
from onroll_core.accounts import Anchor
from onroll_core.errors import Refused
from onroll_core.explain import Facts, explain
from onroll_core.explain.words import Rulebook
from onroll_core.identities import Bond, Identity, State
from onroll_core.lifecycle import standing
from onroll_core.people import Group, GroupKind, SourceKey, Status
from onroll_core.periods import Period
from onroll_core.retention import forgotten, long_gone, why_not
from onroll_core.store import Store
from onroll_core.store.engine import reading
from onroll_core.store.schema import metadata
from test_explain import School
from test_pipeline import FakeSource

LEFT = day("2019-11-20")
PERSONAL = ("Zenobia", "Quigley", "Ermintrude", "Zoë", "A823432110001", "Zo\\u00eb")


@pytest.fixture
def year(store: Store) -> School:
    """A school in 2019, with one pupil who will leave. Her username has nothing of her name, so that nothing of it may be found afterwards."""
    zenobia = pupil(
        "17",
        "Zenobia",
        "Quigley",
        legal_first="Ermintrude",
        upn="A823432110001",
        registration_group="7Zed",
        house="Zed",
    )
    people = [zenobia, pupil("harry"), teacher("severus")]
    year = School(store, FakeSource(people), now=NOON.replace(year=2019, month=11, day=1))
    store._clock = lambda: year.now  # the journal's, which stands still in the tests of the store
    year.new_id = ids()
    year.ad.with_groups = True
    year.target_rules = replace(year.target_rules, groups=frozenset(GroupKind))
    members = frozenset({SourceKey(SCHOOL, "student:17"), SourceKey(SCHOOL, "student:harry")})
    year.source.groups = (Group(SourceKey(SCHOOL, "class:1"), GroupKind.TEACHING, "7A/Ma1", members),)
    year.rules = school("{yoe2}{last}")
    year.night()
    return year


@pytest.fixture
def gone(year: School) -> School:
    """She was renamed, was in every kind of sentence, and left."""
    school = year
    store, now = school.store, school.now
    (her,) = store.find(SCHOOL, "quigley")
    store.rename(her.id, "u17", f"u17@{DOMAIN}", False, now, "office")
    store.remember(None, [replace(store.find(SCHOOL, "u17")[0], suspended="by head: Zenobia asked")], now)
    school.night()
    school.source.people.append(pupil("99", "Nell", "Newname", upn="A823432110001"))
    school.night()  # a conflict names her
    school.source.people.pop()
    school.person("17", ends=LEFT, status=Status.LEFT, first="Zoë")
    school.now = NOON.replace(year=2019, month=11, day=21)
    school.night()
    return school


def found(store: Store, words: tuple[str, ...] = PERSONAL) -> list[str]:
    """Where any of the words stands in the database; inside a username or an address it is none."""
    pattern = re.compile("|".join(rf"(?<![\w]){re.escape(word)}(?![\w])" for word in words), re.IGNORECASE)
    with reading(store._engine) as connection:
        return [
            f"{table.name}.{column}: {value}"
            for table in metadata.sorted_tables
            for row in connection.execute(select(table)).mappings()
            for column, value in row.items()
            if pattern.search(str(value))
        ]


def her(year: School) -> Identity:
    (found,) = year.store.find(SCHOOL, "u17")
    return found


def test_nothing_of_her_is_found_anywhere_afterwards(gone: School) -> None:
    assert {each.partition(".")[0] for each in found(gone.store)} >= {"identities", "events", "changes", "runs"}
    before = her(gone)
    gone.now = NOON.replace(year=2026, month=11, day=20)
    gone.source.people.pop(0)
    gone.source.groups = (replace(gone.source.groups[0], members=frozenset({SourceKey(SCHOOL, "student:harry")})),)
    assert not [
        each for each in gone.night(0).notices if "forgotten" in each
    ]  # seven years are over on the 20th, after that day
    night = gone.night(1)
    assert night.notices[-1] == "What was known of 1 person was forgotten: they left more than 7 years ago."
    assert found(gone.store) == []
    after = her(gone)
    assert after.forgotten and (after.id, after.bonds, after.keys) == (before.id, before.bonds, before.keys)
    assert (after.state, after.left_on, after.username) == (State.LEFT, LEFT, "u17")
    assert after.suspended and "Zenobia" not in after.suspended
    ledger = gone.store.ledger(SCHOOL)
    assert all(ledger.holder(name) == before.id for name in ("u17", "13quigley", f"13quigley@{DOMAIN}"))
    assert [row["what"] for row in gone.store.history(after.id) if row["target"] is None] == [
        "What was known of them was forgotten: they left more than 7 years ago."
    ]
    assert {row["kind"] for row in gone.store.history(after.id) if row["target"]} >= {"create", "disable"}
    gone.nothing_to_do()
    assert all(after.id not in group.members for group in gone.store.groups(SCHOOL))


def test_an_mis_that_keeps_its_leavers_does_not_teach_her_again(gone: School) -> None:
    gone.now = NOON.replace(year=2026, month=11, day=20)
    gone.night(1)
    assert her(gone).forgotten
    writes = len(gone.ad.writes)
    gone.night(1)
    assert found(gone.store) == [] and len(gone.ad.writes) == writes
    gone.nothing_to_do()


def test_whoever_comes_back_has_their_account_again_and_stays_disabled_where_somebody_disabled_it(gone: School) -> None:
    gone.now = NOON.replace(year=2026, month=11, day=20)
    gone.night(1)
    gone.person("17", ends=None, status=Status.ON_ROLL, year_group="Year 13", starts=gone.now.date())
    night = gone.night(1)
    assert night.people.returners == 1
    back = her(gone)
    assert (back.person.last, back.username) == ("Quigley", "u17")
    assert not standing(back, gone.now.date(), gone.rules).access
    gone.store.remember(None, [replace(back, suspended="")], gone.now)
    gone.night(1)
    assert gone.account("u17").enabled
    gone.nothing_to_do()


def test_the_explanation_says_that_she_was_forgotten(gone: School) -> None:
    gone.now = NOON.replace(year=2026, month=11, day=20)
    gone.night(1)
    told = explain(Facts(her(gone), gone.now.date(), Rulebook(gone.rules), gone.store.history(her(gone).id)))
    assert told.forgotten and told.as_json()["forgotten"] is True
    assert (
        told.because
        == "is a leaver in the MIS, and what was known of them has been forgotten; the username stays taken"
    )
    assert "u17 (forgotten)" in told.sentences[0]
    assert all(name not in "\n".join(told.sentences) for name in PERSONAL)


def test_a_leaving_date_typed_wrong_forgets_nobody(gone: School) -> None:
    """A pupil of today whose last day is said to be years ago is disabled, and known until somebody has had time to notice."""
    gone.now = NOON
    gone.person("harry", ends=day("2016-07-20"))
    gone.night(1)
    (harry,) = gone.store.find(SCHOOL, "13potter")
    assert harry.state is State.LEFT and not harry.forgotten
    assert [each.id for each in long_gone([harry], gone.now.date(), gone.rules, Period(84))] == [harry.id]
    gone.night(89)
    assert not gone.store.find(SCHOOL, "13potter")[0].forgotten
    gone.night(2)
    assert gone.store.find(SCHOOL, "13potter")[0].forgotten


def test_a_bad_night_and_a_school_that_keeps_everybody_forget_nobody(gone: School) -> None:
    gone.now = NOON.replace(year=2026, month=11, day=20)
    keep, gone.rules = gone.rules, replace(gone.rules, keep_leavers=None)
    gone.night(1)
    assert not her(gone).forgotten
    gone.rules = keep
    gone.ad.refuse = lambda change: "It is full."
    gone.person("harry", first="Harold")
    assert gone.night(1).exit_code == 1
    assert not her(gone).forgotten
    gone.ad.refuse = lambda change: None
    assert gone.night(1).exit_code == 0
    assert her(gone).forgotten


def test_at_most_once_a_day(gone: School) -> None:
    gone.now = NOON.replace(year=2026, month=11, day=21)
    gone.store.memory(f"school:{SCHOOL}").put("forgotten on", gone.now.date().isoformat().encode())
    gone.night(0)
    assert not her(gone).forgotten
    gone.night(1)
    assert her(gone).forgotten


def test_who_may_not_be_forgotten(gone: School) -> None:
    today = gone.now.date()
    (harry,) = gone.store.find(SCHOOL, "13potter")
    assert "only somebody who has left" in why_not(harry, today, gone.rules)
    assert why_not(her(gone), today, gone.rules) == ""
    assert "is on roll at Oakfield" in why_not(
        replace(her(gone), elsewhere={"oakfield": "Oakfield"}), today, gone.rules
    )
    once = forgotten(her(gone), today, gone.rules)
    assert once.forgotten and "already" in why_not(once, today, gone.rules)
    assert long_gone([once], day("2040-01-01"), gone.rules, Period(84)) == []


def test_a_manual_user_and_a_no_show_are_forgotten_too(gone: School) -> None:
    today = gone.now.date()
    (harry,) = gone.store.find(SCHOOL, "13potter")
    manual = replace(harry, source="manual", person=replace(harry.person, ends=day("2018-01-01")))
    never = replace(harry, person=replace(harry.person, status=Status.FUTURE, starts=day("2018-01-01")))
    for each in (manual, never):
        assert long_gone([each], day("2025-01-02"), gone.rules, Period(84)) == [each]
        assert long_gone([each], day("2025-01-01"), gone.rules, Period(84)) == []
        after = forgotten(each, today, gone.rules)
        assert not standing(after, today, replace(gone.rules, students=replace(gone.rules.students, grace=30))).access


def test_all_of_it_or_nothing(gone: School, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise Refused("The disk is full.")

    monkeypatch.setattr("onroll_core.store.past._scrub", fails)
    before, places = her(gone), found(gone.store)
    with pytest.raises(Refused):
        gone.store.past.forget(
            None, SCHOOL, [(before, forgotten(before, gone.now.date(), gone.rules))], "asked", gone.now
        )
    assert her(gone) == before
    assert found(gone.store) == places


def test_others_keep_what_is_theirs(gone: School) -> None:
    (harry,) = gone.store.find(SCHOOL, "13potter")
    history = gone.store.history(harry.id)
    gone.store.bond(harry.id, "m365", Bond(Anchor("x")), gone.now)
    gone.now = NOON.replace(year=2026, month=11, day=20)
    gone.night(1)
    assert gone.store.history(harry.id)[: len(history)] == history
    assert gone.store.find(SCHOOL, "harry potter")[0].id == harry.id


@pytest.mark.parametrize(
    ("text", "months", "shown"),
    [("7 years", 84, "7 years"), ("18 months", 18, "18 months"), ("1 Year", 12, "1 year"), ("6months", 6, "6 months")],
)
def test_periods_as_people_write_them(text: str, months: int, shown: str) -> None:
    assert (Period.parse(text), str(Period.parse(text))) == (Period(months), shown)


@pytest.mark.parametrize("text", ["", "7", "seven years", "5 months", "0 years", "7 days", "101 years"])
def test_periods_that_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="always"):
        Period.parse(text)


def test_a_period_ends_on_the_same_day_or_the_last_of_the_month() -> None:
    assert Period(84).after(date(2019, 11, 20)) == date(2026, 11, 20)
    assert Period(6).after(date(2026, 8, 31)) == date(2027, 2, 28)
    assert Period(12).after(date(2024, 2, 29)) == date(2025, 2, 28)


def test_an_undo_of_an_old_night_still_works_on_what_is_left(gone: School) -> None:
    gone.now = NOON.replace(year=2026, month=11, day=20)
    gone.night(1)
    undone = 0
    for run in gone.store.runs(limit=100):
        row = gone.store.run(run["id"]) or {}
        if any(change["intended"] for plan in row["plans"] for change in plan["changes"]):
            undone += bool(pipeline.show_undo(gone.line(), run["id"]).targets)
    assert undone >= 2
