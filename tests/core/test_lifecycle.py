"""Where a person stands on a day, and what that gives them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from builders import SCHOOL, day, pupil, school, teacher
from onroll_core.accounts import IdentityId
from onroll_core.identities import Identity, State
from onroll_core.lifecycle import standing
from onroll_core.people import Person, Status
from onroll_core.rules import SchoolRules

TODAY = day("2026-11-24")
YESTERDAY, TOMORROW = TODAY - timedelta(days=1), TODAY + timedelta(days=1)


def stands(
    person: Person, rules: SchoolRules | None = None, today: date = TODAY, **other: object
) -> tuple[State, bool, bool]:
    identity = Identity(IdentityId("id"), SCHOOL, person.role, person, State.ACTIVE, **other)  # type: ignore[arg-type]
    found = standing(identity, today, rules or school())
    assert found.because
    return found.state, found.access, found.expected


def graced(days: int) -> SchoolRules:
    rules = school()
    return replace(rules, students=replace(rules.students, grace=days))


@pytest.mark.parametrize(
    ("person", "expected"),
    [
        (pupil("a"), (State.ACTIVE, True, False)),
        (pupil("a", ends=TODAY), (State.ACTIVE, True, False)),
        (pupil("a", ends=TOMORROW), (State.ACTIVE, True, False)),
        (pupil("a", ends=YESTERDAY), (State.LEFT, False, True)),
        (pupil("a", status=Status.LEFT, ends=YESTERDAY), (State.LEFT, False, True)),
        (pupil("a", status=Status.LEFT), (State.LEFT, False, False)),
        (pupil("a", status=Status.LEFT, ends=TOMORROW), (State.LEFT, False, False)),
        (pupil("a", status=Status.FUTURE, starts=TOMORROW), (State.FUTURE, True, False)),
        (pupil("a", status=Status.FUTURE), (State.FUTURE, True, False)),
        (pupil("a", status=Status.FUTURE, starts=TODAY), (State.FUTURE, True, False)),
        (pupil("a", status=Status.FUTURE, starts=YESTERDAY), (State.NO_SHOW, False, False)),
        (pupil("a", starts=TOMORROW), (State.FUTURE, True, False)),
        (pupil("a", enrolment="M"), (State.ACTIVE, True, False)),
        (pupil("a", enrolment=" c "), (State.ACTIVE, True, False)),
        (pupil("a", enrolment="G"), (State.EXCLUDED, False, False)),
        (pupil("a", enrolment=""), (State.ACTIVE, True, False)),
        (teacher("s"), (State.ACTIVE, True, False)),
        (teacher("s", status=Status.FUTURE, starts=TOMORROW), (State.FUTURE, True, False)),
        (teacher("s", status=Status.FUTURE, starts=YESTERDAY), (State.ACTIVE, True, False)),
        (teacher("s", status=Status.FUTURE, starts=TOMORROW, ends=YESTERDAY), (State.LEFT, False, True)),
        (teacher("s", ends=YESTERDAY), (State.LEFT, False, True)),
    ],
)
def test_standing(person: Person, expected: tuple[State, bool, bool]) -> None:
    assert stands(person) == expected


def test_grace_is_counted_from_the_last_day() -> None:
    gone = pupil("a", ends=TODAY - timedelta(days=10))
    assert stands(gone, graced(10)) == (State.LEAVING, True, True)
    assert stands(gone, graced(9)) == (State.LEFT, False, True)


def test_missing_is_not_left_until_it_was_often_enough() -> None:
    assert [stands(pupil("a"), absences=times) for times in (1, 2, 3)] == [
        (State.MISSING, True, False),
        (State.MISSING, True, False),
        (State.LEFT, False, False),
    ]


def test_somebody_missing_whose_date_has_passed_is_an_expected_leaver() -> None:
    assert stands(pupil("a", ends=YESTERDAY), absences=1) == (State.LEFT, False, True)


@pytest.mark.parametrize(
    ("year", "today", "expected"),
    [
        ("Year 11", "2026-07-24", True),
        ("Year 13", "2026-08-20", True),
        ("Year 8", "2026-07-24", False),
        ("Year 11", "2026-02-10", False),
    ],
)
def test_the_end_of_the_final_year_is_expected_in_summer_alone(year: str, today: str, expected: bool) -> None:
    person = pupil("a", year=year, status=Status.LEFT)
    assert stands(person, today=day(today)) == (State.LEFT, False, expected)
    assert stands(pupil("a", year=year), today=day(today), absences=3) == (State.LEFT, False, expected)


def test_somebody_added_by_hand_is_not_missed_by_the_mis() -> None:
    assert stands(teacher("governor"), absences=9, source="manual") == (State.ACTIVE, True, False)


def test_a_role_that_gets_no_accounts_gets_none() -> None:
    rules = school()
    rules = replace(rules, staff=replace(rules.staff, provision=False))
    assert stands(teacher("s"), rules) == (State.EXCLUDED, False, False)


def test_accounts_can_wait_until_some_days_before_the_first() -> None:
    rules = school()
    rules = replace(rules, students=replace(rules.students, early=14))
    person = pupil("a", status=Status.FUTURE, starts=TODAY + timedelta(days=30))
    identity = Identity(IdentityId("id"), SCHOOL, person.role, person, State.FUTURE)
    assert standing(identity, TODAY, rules).early
    assert not standing(identity, TODAY + timedelta(days=16), rules).early
