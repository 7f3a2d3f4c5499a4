"""Stories of limits: one that lets a disaster through, one that is in the way every September, and one that stops half way."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from onroll_core import pipeline
from onroll_core.night import Night
from stories import (
    EVERYWHERE,
    SCHOOL,
    SchoolYear,
    done,
    everywhere,
    later,
    said,
    story,
    today,
    untouched,
    vanish,
    verdicts,
)


def gone_for_good(year: SchoolYear, *numbers: int) -> tuple[dict[int, object], Night]:
    """These pupils are missing without a leaving date, for as many complete readings as it takes; the last of those nights is not over."""
    gone = vanish(year, *numbers)
    for _ in range(2):
        with untouched(year):
            assert verdicts(year.night("they are missing")) == dict.fromkeys(
                year.world.settings.schools[SCHOOL].targets, "cleared"
            )
    with untouched(year):
        return gone, year.night("they have gone", code=3)


@pytest.mark.parametrize(
    ("pupils", "believed", "allowed"),
    [(60, 5, "the larger of 5 and 3 % of 60"), (1200, 36, "the larger of 5 and 3 % of 1200")],
)
def test_a_limit_too_high_to_help(tmp_path: Path, pupils: int, believed: int, allowed: str) -> None:
    """Story 2: a limit of 500 let 44 accounts go, administrators among them. Here the limits that nobody touched fit 67 people and 1,340."""
    with story(tmp_path, pupils, targets=("ad",)) as year:
        # As many as are believed are disabled; one more, and not one is.
        some = sorted(number for number, each in year.school.pupils.items() if each.year not in (11, 13))
        gone, night = gone_for_good(year, *some[: believed + 1])
        assert (
            f"{believed + 1} pupils would be disabled for a reason that the school year does not explain in ad"
            in said(night)
        )
        assert f"the limit is {believed} ({allowed})" in said(night)
        assert all(year.ad.enabled(each.username or "") for each in year.world.store.identities(SCHOOL))
        year.school.pupils[some[0]] = gone[some[0]]  # type: ignore[assignment]
        assert done(year.night("one was found again")) == {"ad": {"disabled": believed}}
        year.nothing_to_do()

        # Staff are few, and are measured apart: however many pupils there are, six colleagues are too many.
        staff = sorted(year.school.staff)[:6]
        for number in staff:
            year.school.staff.pop(number)
        for _ in range(2):
            year.night("staff are missing")
        with untouched(year):
            night = year.night("six of the staff", code=3)
        assert (
            "6 staff would be disabled for a reason that the school year does not explain in ad; the limit is 5"
            in said(night)
        )


def test_a_limit_in_the_way_in_september(tmp_path: Path) -> None:
    """Story 3: every September the limit blocked the leavers, so that it was switched off. Here they do not count, and a yes is for one thing, once."""
    with story(tmp_path, 60) as year:
        school = year.school

        # The summer: Year 13 has a last day, most of Year 11 goes without one, and a new Year 7 is accepted.
        year.go_to(date(2027, 7, 20))
        last_day = date(2027, 7, 21)
        finals = [number for number, each in school.pupils.items() if each.year == 13]
        for number in finals:
            school.pupils[number] = replace(school.pupils[number], ends=last_day)
        school.accepts(9, date(2027, 9, 2))
        night = year.night("the intake")
        assert done(night) == dict.fromkeys(EVERYWHERE, {"created": 9})
        year.go_to(date(2027, 9, 6))
        sixteen = [number for number, each in school.pupils.items() if each.year == 11]
        school.turns_the_year(date(2027, 9, 6))
        vanish(year, *sixteen)
        night = year.night("September")
        assert done(night) == {name: {"disabled": len(finals)} for name in EVERYWHERE}
        year.night("September")
        night = year.night("September")
        assert done(night) == {name: {"disabled": len(sixteen)} for name in EVERYWHERE}
        assert len(finals) + len(sixteen) > 15
        assert not said(night)
        year.nothing_to_do()

        # And with all that going on the limit still works: six who are in no final year are six too many.
        gone, night = gone_for_good(year, *[number for number, each in school.pupils.items() if each.year == 9][:6])
        assert verdicts(night) == everywhere("held")
        assert "6 pupils would be disabled for a reason that the school year does not explain" in said(night)
        digests = {name: one.plan.digest for name, one in night.targets.items() if one.plan}

        # A yes to exactly this, given while Microsoft 365 is away, is kept for a day and no longer.
        year.world.graph.locked_out = True
        year.onroll("apply", SCHOOL, *today(year), "--target", "m365", "--approve", digests["m365"], code=1)
        year.world.graph.locked_out = False
        with untouched(year):
            late = pipeline.apply(later(year, timedelta(hours=25)), ["m365"])
        assert verdicts(late) == {"m365": "held"}

        # A yes to something else is none. A yes to this is used once.
        with untouched(year):
            year.onroll("apply", SCHOOL, *today(year), "--target", "ad", "--approve", "0123456789abcdef", code=3)
        year.onroll("apply", SCHOOL, *today(year), "--target", "ad", "--approve", digests["ad"])
        night = year.night("within the day", code=3)
        assert verdicts(night) == {"ad": "cleared", "m365": "cleared", "google": "held"}
        assert done(night) == {"ad": {}, "m365": {"disabled": 6}, "google": {}}
        assert done(year.approved(night))["google"] == {"disabled": 6}
        school.pupils |= gone  # type: ignore[arg-type]
        assert done(year.night("they are back")) == dict.fromkeys(EVERYWHERE, {"enabled": 6})
        year.nothing_to_do()
        vanish(year, *gone)
        for code in (0, 0, 3):
            with untouched(year):
                night = year.night("and the same six again", code=code)
        assert {name: one.plan.digest for name, one in night.targets.items() if one.plan} == digests
        school.pupils |= gone  # type: ignore[arg-type]
        with untouched(year):
            year.night("they are back before anything was done")
        year.nothing_to_do()


def test_half_the_plan_applied_when_a_limit_trips(tmp_path: Path) -> None:
    """Story 4: the limit stopped the disables, and everything else went through. Here a plan is done whole, or not at all, target by target."""
    with story(tmp_path) as year:
        # Google lets nobody in on some of the nights in which people go, three at a time.
        school, google = year.school, year.world.google
        ordinary = sorted(number for number, each in school.pupils.items() if each.year in (8, 9, 10))
        google.token = "another-one"
        for number in ordinary[:3]:
            school.leaves(number, year.world.day)
        first = year.night("three leave", code=1)
        assert done(first) == {"ad": {"disabled": 3}, "m365": {"disabled": 3}, "google": {}}
        google.token = None
        assert done(year.night("and Google follows"))["google"] == {"disabled": 3}
        year.nothing_to_do()
        vanish(year, *ordinary[3:6])
        year.night("three are missing")
        year.night("three are missing")
        google.token = "another-one"
        vanish(year, *ordinary[6:9])
        assert done(year.night("three have gone", code=1)) == {
            "ad": {"disabled": 3},
            "m365": {"disabled": 3},
            "google": {},
        }
        year.night("three more are missing", code=1)

        # On the last night there is also somebody new, a rename that a person asked for, and Google is back: six at once there.
        google.token = None
        year.world.joins("Zofia", "Wiśniewska", 9)
        old, new = year.world.marries("Featherstone")
        year.world.rename(old, new)
        before = {key: replace(user) for key, user in google.state.users.items()}
        written = google.written()
        night = year.night("six at once in Google", code=3)
        assert verdicts(night) == {"ad": "cleared", "m365": "cleared", "google": "held"}
        assert done(night)["ad"] == {"disabled": 3, "created": 1, "renamed": 1, "updated": 1}
        assert done(night)["google"] == {}
        assert (google.written(), {key: replace(user) for key, user in google.state.users.items()}) == (written, before)
        assert (
            "6 pupils would be disabled for a reason that the school year does not explain in google; the limit is 5"
            in said(night)
        )
        shown = year.onroll("plan", SCHOOL, *today(year), "--target", "google", code=3).out
        assert "Create 18zwisniewska" in shown
        assert f"Rename {old}@miltonpark.test to {new}@miltonpark.test" in shown

        # It is right: approved as a whole, it is done as a whole.
        assert done(year.approved(night))["google"] == {"disabled": 6, "created": 1, "renamed": 1, "updated": 1}
        year.nothing_to_do()
