"""Disasters that an MIS has sent, each noticed before anything else looks at them; and ordinary nights, which are not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import pytest

from builders import day, pupil, school, snapshot, teacher
from nights import Nights
from onroll_core.people import Group, GroupKind, Person, SourceKey, Status

NOVEMBER, AUGUST, SEPTEMBER = day("2026-11-24"), day("2026-08-20"), day("2026-09-04")


def everyone(size: int = 200, staff: int = 30) -> list[Person]:
    people = [
        pupil(f"p{n:04}", f"First{n}", f"Last{n}", f"Year {7 + n % 7}", upn=f"U{n}", registration_group=f"{n % 9}")
        for n in range(size)
    ]
    return people + [teacher(f"t{n:02}", f"Teacher{n}", "Jones") for n in range(staff)]


def night(second: Sequence[Person], today: date = NOVEMBER, first: Sequence[Person] | None = None) -> list[str]:
    """What is said of `second`, the night after a good one."""
    nights = Nights(today=today)
    nights.read(snapshot(*(first or everyone())))
    nights.apply()
    nights.today = today + timedelta(days=1)
    found = nights.read(snapshot(*second))
    return found if isinstance(found, list) else []


def test_an_ordinary_night_is_fine() -> None:
    people = everyone()
    people[3] = replace(people[3], last="Changed")
    people[4] = replace(people[4], ends=NOVEMBER)
    assert night([*people[:7], *people[8:], pupil("new", starts=NOVEMBER)]) == []


@pytest.mark.parametrize("lost", [slice(0, 100), slice(0, 200), slice(200, 230), slice(0, 215)])
def test_a_half_extract(lost: slice) -> None:
    people = everyone()
    del people[lost]
    assert "missing from the MIS's answer" in night(people or [pupil("p0000")])[0]


def test_one_whole_year_group_gone() -> None:
    people = [person for person in everyone(140) if person.year_group != "Year 9"]
    assert "missing from the MIS's answer" in night(people, first=everyone(140))[0]


def test_a_whole_year_group_of_a_village_school_gone() -> None:
    """Four of twenty-eight: few enough for every limit, and yet no four families move on one day."""
    people = [person for person in everyone(28, 4) if person.year_group != "Year 9"]
    (told,) = night(people, first=everyone(28, 4))
    assert "All 4 pupils of year group Year 9 are missing from the MIS's answer with no leaving date" in told
    assert night([*people, everyone(28, 4)[2]], first=everyone(28, 4)) == []


def test_the_final_years_gone_in_summer_is_the_school_year() -> None:
    people = [person for person in everyone() if person.year_group not in ("Year 11", "Year 13")]
    assert night(people, AUGUST) == []
    assert night(people, NOVEMBER) != []


def test_leaving_dates_set_for_everybody() -> None:
    people = [replace(person, ends=NOVEMBER - timedelta(days=3)) for person in everyone()]
    assert "have become leavers at once" in night(people)[0]


def test_everybody_marked_as_left() -> None:
    assert "have become leavers at once" in night([replace(person, status=Status.LEFT) for person in everyone()])[0]


def test_another_mis_with_other_records() -> None:
    people = [replace(person, key=SourceKey(person.key.school, person.key.record + "-arbor")) for person in everyone()]
    found = night(people)
    assert any("under MIS records that onroll has never seen" in each for each in found)


def test_an_intake_of_sixty_in_september_is_fine() -> None:
    intake = [pupil(f"new{n}", year="Year 7", starts=day("2026-09-03")) for n in range(60)]
    assert night([*everyone(), *intake], SEPTEMBER) == []


@pytest.mark.parametrize("column", ["upn", "year_group", "last", "registration_group"])
def test_a_column_that_emptied(column: str) -> None:
    people = [replace(person, **{column: None}) for person in everyone()]  # type: ignore[arg-type]
    assert any(f"The column {column} of pupils was filled" in each for each in night(people))


def test_a_small_school_is_guarded_too() -> None:
    small = everyone(30, 4)
    assert night(small[:15] + small[30:], first=small)
    assert night(small[:28] + small[30:], first=small) == []


def test_groups_that_vanish_in_term_time() -> None:
    people = everyone()
    groups = [Group(SourceKey(people[0].key.school, f"g{n}"), GroupKind.TEACHING, f"7A/{n}") for n in range(40)]
    nights = Nights(today=NOVEMBER)
    nights.read(replace(snapshot(*people), groups=groups))
    found = nights.read(snapshot(*people))
    assert isinstance(found, list)
    assert "40 teaching groups" in found[0]
    nights.today = AUGUST
    assert not isinstance(nights.read(snapshot(*people)), list), "timetables end in summer"


def test_a_slow_bleed_is_noticed_when_it_has_become_a_wound() -> None:
    nights = Nights(today=NOVEMBER, rules=school(absences=30))
    people = everyone()
    nights.read(snapshot(*people))
    nights.apply()
    held = []
    for n in range(1, 8):
        nights.today += timedelta(days=1)
        found = nights.read(snapshot(*people[n * 8 :]))
        held.append(isinstance(found, list))
    assert held[0] is False
    assert held[-1] is True


def test_records_that_are_suddenly_other_people() -> None:
    """Another MIS that numbers from one, read as if it were the old one: nobody is missing, nobody is new, and everybody is somebody else."""
    people = everyone()
    turned = [
        replace(person, key=other.key) for person, other in zip(people[:200], reversed(people[:200]), strict=True)
    ]
    (said,) = night([*turned, *people[200:]])
    assert "200 people have another name and number than before under the same MIS record" in said
    assert "onroll rekey milton-park" in said


def test_everybody_under_new_records_is_told_by_their_upn() -> None:
    people = [replace(person, key=SourceKey(person.key.school, f"{person.key.record}-new")) for person in everyone()]
    assert any("200 of them have the UPN of somebody known under another record" in said for said in night(people))


def test_a_wedding_season_is_no_exchange() -> None:
    people = [replace(person, last=f"Married{n}") for n, person in enumerate(everyone())]
    assert night(people) == []


@pytest.mark.parametrize(
    ("today", "step", "told"),
    [
        ("2027-02-09", 1, "up a year group at once, and it is 10 February 2027"),
        ("2027-02-09", -1, "down a year group at once, and it is 10 February 2027"),
        (
            "2026-09-04",
            1,
            "up a year group at once, and it is 5 September 2026",
        ),  # a second time: everybody moved days ago
        ("2027-07-20", 1, ""),
        ("2026-09-04", -1, ""),  # taken back for a while
    ],
)
def test_a_whole_school_that_moves_up_on_the_wrong_night(today: str, step: int, told: str) -> None:
    people = [pupil(f"p{n:04}", f"First{n}", f"Last{n}", f"Year {8 + n % 5}") for n in range(60)]
    moved = [replace(each, year_group=f"Year {8 + n % 5 + step}") for n, each in enumerate(people)]
    assert [told in each for each in night(moved, day(today), people)] == ([True] if told else [])


def test_some_who_skip_a_year_are_no_false_rollover() -> None:
    people = [pupil(f"p{n:04}", f"First{n}", f"Last{n}", f"Year {8 + n % 5}") for n in range(60)]
    moved = [replace(each, year_group=f"Year {9 + n % 5}") if n < 20 else each for n, each in enumerate(people)]
    assert night(moved, day("2027-02-09"), people) == []
