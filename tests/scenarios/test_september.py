"""September of a school (of 1,340 people in the long run): seen in May, held and approved once, applied, undone, applied again, and nothing left over."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from onroll_core.changes import AddMember, Disable, kind
from onroll_core.night import Night
from onroll_core.plan import Plan
from samba import Samba
from school_year import EVERYWHERE, SCHOOL, SchoolYear, school_year

MAY, SEPTEMBER = date(2027, 5, 10), date(2027, 9, 6)
LAST_DAY, FIRST_DAY = date(2027, 7, 21), date(2027, 9, 2)
WHOLE = 1200
PUPILS = int(os.environ.get("ONROLL_PUPILS") or (WHOLE if os.environ.get("ONROLL_SOAK") else 240))
"""The whole school in `make soak`, a fifth of it in `make test`."""
LEAVERS = JOINERS = PUPILS // 5
BIND = 20
"""Graph takes so many members in one PATCH."""
AIM = 1.1


def prepared(year: SchoolYear) -> None:
    """Milton Park: a fortnight before they come pupils get accounts, and whoever is missing from the MIS once has left."""
    year.set("school.students", "early = 14")
    year.configure(lambda text: text.replace("[[school]]\n", "[[school]]\nabsences = 1\n"))
    year.groups("year", "registration", "teaching", targets=EVERYWHERE)
    maths_alone(year)


def maths_alone(year: SchoolYear) -> None:
    """One class a form is what changes some 3,000 memberships; six would change 12,000 and tell no more."""
    school = year.school
    school.classes = {
        number: replace(each, pupils=tuple(one for one in each.pupils if one in school.pupils))
        for number, each in school.classes.items()
        if each.name.endswith("/Ma1")
    }


def typed_in(year: SchoolYear) -> int:
    """May: the intake, and the last day of Year 13; how many those are who go."""
    school = year.school
    final = [number for number, pupil in school.pupils.items() if pupil.year == 13]
    for number in final:
        school.pupils[number] = replace(school.pupils[number], ends=LAST_DAY)
    school.accepts(JOINERS, FIRST_DAY)
    return len(final)


def rolled_over(year: SchoolYear, unexpected: int) -> None:
    """September: the office has rolled the MIS over, and some more have gone over the summer without anybody entering a date."""
    school = year.school
    school.turns_the_year(SEPTEMBER)
    there = [number for number, each in school.pupils.items() if each.status == "on roll" and 8 <= each.year <= 11]
    for number in there[:: len(there) // unexpected][:unexpected]:
        del school.pupils[number]
    maths_alone(year)


def planned(night: Night, name: str) -> Plan:
    plan = night.targets[name].plan
    assert plan is not None
    return plan


def fewest_of_graph(plan: Plan) -> int:
    """The fewest requests that do a plan in Microsoft 365: members twenty at a time, a leaver's sessions ended too, anything else one by one."""
    counts = Counter(type(each) for each in plan.changes)
    joining = Counter((each.key, each.owner) for each in plan.changes if isinstance(each, AddMember))
    adding = sum(-(-count // BIND) if not owner else count for (_, owner), count in joining.items())
    return len(plan.changes) - counts[AddMember] + adding + counts[Disable]


def fewest_of_google(plan: Plan) -> int:
    """The fewest requests that do a plan in Google Workspace: each change one."""
    return len(plan.changes)


def state(year: SchoolYear) -> dict[str, Any]:
    """Who may sign in where, and who is in which group, as each target says itself; groups that are empty or over do not count."""
    said = {}
    for name in EVERYWHERE:
        it = year.observe(name)
        enabled = {anchor for anchor, account in it.accounts.items() if account.enabled and anchor in it.owners}
        groups = {group.key: group.members & enabled for group in it.groups.values() if not group.archived}
        said[name] = (enabled, {key: members for key, members in groups.items() if members})
    return said


@contextmanager
def counted(year: SchoolYear, told: dict[str, float], plans: dict[str, Plan]) -> Iterator[None]:
    """The requests of a block in both clouds, against the fewest that do the plans; the one reading that a night begins with counts too."""
    clouds = {"m365": year.world.graph.calls, "google": year.world.google.calls}
    before = {name: len(calls) for name, calls in clouds.items()}
    yield
    fewest: dict[str, Callable[[Plan], int]] = {"m365": fewest_of_graph, "google": fewest_of_google}
    for name, calls in clouds.items():
        mine = [what for what, _, status in calls[before[name] :] if status < 400]
        reads = sum(what == "GET" or what.endswith((".get", ".list")) for what in mine)
        told[name] = (len(mine) - reads) / fewest[name](plans[name])
        told[f"{name}, with what is read"] = len(mine) / fewest[name](plans[name])


def test_september(samba: Samba, tmp_path: Path) -> None:
    ratios: dict[str, float] = {}
    with school_year(tmp_path, PUPILS, samba) as year:
        prepared(year)
        year.night("the first night")
        year.nothing_to_do()

        year.go_to(MAY)
        final = typed_in(year)
        year.night("May")
        year.nothing_to_do()
        for plan in year.json("plan", SCHOOL, "--as-of", SEPTEMBER.isoformat())["plans"]:
            kinds = Counter(each["kind"] for each in plan["changes"])
            assert (plan["verdict"], kinds["create"], kinds["disable"]) == ("cleared", JOINERS, final), plan["target"]
            joining = [each["username"] for each in plan["changes"] if each["kind"] == "create"]
            assert all(each.startswith("21") for each in joining), "the intake of 2027 entered Year 1 in 2021"
        year.nothing_to_do()
        before = state(year)

        year.go_to(SEPTEMBER)
        rolled_over(year, LEAVERS - final)
        held = year.night("September", code=3)
        assert {name: one.verdict for name, one in held.targets.items()} == dict.fromkeys(EVERYWHERE, "held")
        for name in EVERYWHERE:
            (objection,) = held.targets[name].objections
            assert objection.startswith(f"{LEAVERS - final} pupils would be disabled for a reason that the school year")
            plan = planned(held, name)
            kinds = Counter(kind(each) for each in plan.changes)
            assert (kinds["create"], kinds["disable"]) == (JOINERS, LEAVERS)
            assert kinds["add_member"] + kinds["remove_member"] > 2.5 * PUPILS
        with counted(year, ratios, {name: planned(held, name) for name in EVERYWHERE}):
            year.approved(held)
        year.nothing_to_do()
        after = state(year)
        assert after != before

        # It was the wrong day: everything is taken back, and the next night asks before it does the same again.
        run = max(each["id"] for each in year.json("runs", "--limit", "50")["runs"] if wrote(year, each["id"]))
        shown = year.json("runs", "undo", str(run), code=3)
        approvals = [word for each in shown["plans"] for word in ("--approve", each["digest"])]
        year.onroll("runs", "undo", str(run), *approvals)
        assert state(year) == before
        again = year.night("the night after", code=3)
        for one in again.targets.values():
            assert any("undone" in each for each in one.objections), one.objections
        year.approved(again)
        assert state(year) == after
        year.nothing_to_do()
    print({name: round(ratio, 3) for name, ratio in ratios.items()})
    # What is read does not grow with what is done: in a small school it weighs more.
    writes = {name: ratio for name, ratio in ratios.items() if "read" not in name}
    assert max((ratios if PUPILS >= WHOLE else writes).values()) <= AIM, ratios


def wrote(year: SchoolYear, run: int) -> bool:
    """True for a run that wrote to a target."""
    told = year.json("runs", "show", str(run))
    return any(each["outcome"] == "applied" for plan in told["plans"] for each in plan["changes"])
