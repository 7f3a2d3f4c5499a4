"""September of a 1,340-person school: seen in May, held and approved once, applied, undone, applied again, and nothing left over."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from onroll_core.changes import kind
from onroll_core.night import Night
from samba import Samba
from school_year import EVERYWHERE, SCHOOL, SchoolYear, school_year

pytestmark = pytest.mark.xdist_group("scenario")

MAY, SEPTEMBER = date(2027, 5, 10), date(2027, 9, 6)
LAST_DAY, FIRST_DAY = date(2027, 7, 21), date(2027, 9, 2)
LEAVERS, JOINERS = 240, 240


def prepared(year: SchoolYear) -> None:
    """Milton Park: a fortnight before they come pupils get accounts, and whoever is missing from the MIS once has left."""
    year.set("school.students", "early = 14")
    year.configure(lambda text: text.replace("[[school]]\n", "[[school]]\nabsences = 1\n"))
    year.groups("year", "registration", "teaching", targets=("ad",))
    # One class a form is what changes 3,000 memberships; six would change 12,000 and tell no more.
    kept = {number: each for number, each in year.school.classes.items() if each.name.endswith("/Ma1")}
    year.school.classes = kept


def planned(night: Night, name: str) -> Counter[str]:
    """How many changes of each kind are planned for a target."""
    plan = night.targets[name].plan
    assert plan is not None
    return Counter(kind(each) for each in plan.changes)


def test_september(samba: Samba, tmp_path: Path) -> None:
    with school_year(tmp_path, 1200, samba) as year:
        prepared(year)
        year.night("the first night")
        year.nothing_to_do()

        # May: the intake is typed in, and the last day of Year 13 is known.
        year.go_to(MAY)
        school = year.school
        for number, pupil in list(school.pupils.items()):
            if pupil.year == 13:
                school.pupils[number] = replace(pupil, ends=LAST_DAY)
        final = sum(pupil.ends == LAST_DAY for pupil in school.pupils.values())
        school.accepts(JOINERS, FIRST_DAY)
        year.night("May")
        year.nothing_to_do()
        told = year.json("plan", SCHOOL, "--as-of", SEPTEMBER.isoformat())
        for plan in told["plans"]:
            kinds = Counter(each["kind"] for each in plan["changes"])
            assert (plan["verdict"], kinds["create"], kinds["disable"]) == ("cleared", JOINERS, final), plan["target"]
            joining = [each["username"] for each in plan["changes"] if each["kind"] == "create"]
            assert all(each.startswith("21") or "@" in each for each in joining), joining[:3]
        year.nothing_to_do()

        # September: the MIS has been rolled over, and 69 more have gone over the summer without anybody entering a date.
        year.go_to(SEPTEMBER)
        school.turns_the_year(SEPTEMBER)
        gone = [number for number, each in school.pupils.items() if each.status == "on roll" and 8 <= each.year <= 11]
        for number in gone[:: len(gone) // (LEAVERS - final)][: LEAVERS - final]:
            del school.pupils[number]
        school.classes = {
            n: replace(each, pupils=tuple(p for p in each.pupils if p in school.pupils))
            for n, each in school.classes.items()
            if each.name.endswith("/Ma1")
        }
        held = year.night("September", code=3)
        print(held.held, [one.objections for one in held.targets.values()], {n: planned(held, n) for n in EVERYWHERE})
        assert {name: one.verdict for name, one in held.targets.items()} == dict.fromkeys(EVERYWHERE, "held")
        done = year.approved(held)
        print(done.sync_json(), year.approvals)
        year.nothing_to_do()
