"""Classes, forms and licences in Microsoft 365 from the first night to the next September, beside a directory and Google."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from math import ceil
from pathlib import Path
from typing import Any

from onroll_connectors.sandbox.graph_groups import Crowd
from onroll_core import pipeline
from onroll_core.night import Night
from school_year import SchoolYear, school_year

SEPTEMBER = date(2027, 9, 6)
A3 = "4b590615-0888-425a-a965-b3bf7789848d"


def few_classes(year: SchoolYear) -> None:
    """Mathematics alone: what is shown does not need the other subjects."""
    classes = year.school.classes
    year.school.classes = {number: each for number, each in classes.items() if each.name.endswith("/Ma1")}


def found(year: SchoolYear, name: str) -> tuple[dict[str, Any], Crowd]:
    """A group of the tenant by its name, and who is in it."""
    graph = year.world.graph
    (group,) = (each for each in graph.directory.groups.values() if each["displayName"] == name)
    return group, graph.groups.crowd(group["id"])


def writes(year: SchoolYear) -> int:
    """How many requests about groups were anything but a look."""
    calls = year.world.graph.calls
    return sum(method != "GET" and not path.startswith("/users") for method, path, _ in calls)


def fewest(year: SchoolYear) -> int:
    """The fewest requests with which the tenant's groups can have been made and filled from nothing."""
    crowds = list(year.world.graph.groups.crowds.values())
    made = sum(1 + ceil(len(each.members) / 20) + len(each.owners) for each in crowds)
    return made + sum(2 for each in crowds if each.team)  # a team, and the note that it was asked for


def test_classes_with_teams_follow_the_school_into_the_next_year(tmp_path: Path) -> None:
    with school_year(tmp_path, 200) as year:
        few_classes(year)
        year.groups("year", "registration", "teaching", "role", targets=("m365",))
        year.set("targets.m365", 'groups_as = { registration = "microsoft365", teaching = "team" }')
        year.night("first night")
        assert writes(year) <= 1.1 * fewest(year), (writes(year), fewest(year))
        year.nothing_to_do()

        number, lesson = next((key, each) for key, each in year.school.classes.items() if each.pupils)
        name = f"Milton Park School {lesson.name}"
        group, crowd = found(year, name)
        assert (crowd.is_class, crowd.team, len(crowd.owners)) == (True, True, len(lesson.teachers))
        assert len(crowd.members) == len(lesson.pupils) + len(lesson.teachers)
        assert found(year, "Milton Park School Year 2020")[0]["mailEnabled"] is False
        assert (
            found(year, f"Milton Park School {next(iter(year.school.pupils.values())).form}")[0]["mailEnabled"] is True
        )

        new = year.school.is_employed("Hedwig", "Nightjar")
        year.school.classes[number] = replace(lesson, teachers=(new.number,))
        year.night("the class has another teacher")
        hedwig = year.person("Hedwig", "Nightjar").bonds["m365"].anchor
        assert list(crowd.owners) == [hedwig]
        assert (hedwig in crowd.members, len(crowd.members)) == (True, len(lesson.pupils) + 1)
        year.nothing_to_do()

        year.school.turns_the_year(SEPTEMBER)
        few_classes(year)
        year.go_to(SEPTEMBER)
        year.approved(year.world.night("September"))
        over, people = found(year, f"{name} 2026-27")
        assert over["id"] == group["id"]
        assert len(people.members) == len(lesson.pupils) + 1
        assert not any(each["displayName"] == name and each["id"] == group["id"] for each in _groups(year))
        year.nothing_to_do()


def _groups(year: SchoolYear) -> list[dict[str, Any]]:
    return list(year.world.graph.directory.groups.values())


def night(year: SchoolYear, day: date) -> Night:
    """A night of a day, with the clock at that day too."""
    year.world.day = year.school.today = day
    year.world.stage.refresh()
    at = datetime(day.year, day.month, day.day, 19, 30, tzinfo=UTC)
    line = replace(year._line(), now=lambda: at)
    found = pipeline.sync(line)
    assert found.exit_code == 0, year.troubles(found)
    plan = pipeline.plan(line)
    assert not any(one.plan.changes for one in plan.targets.values() if one.plan)
    return found


def test_a_leavers_licence_is_released_ninety_days_after_the_account_was_disabled(tmp_path: Path) -> None:
    with school_year(tmp_path) as year:
        year.set("targets.m365", "release_licences_after = 90")
        graph, first = year.world.graph, date(2027, 1, 11)
        night(year, first)
        for user in graph.directory.users.values():
            graph.licences.give(user, A3)
        leaver = min(year.school.pupils)
        pupil = year.school.pupils[leaver]
        name = year.person(pupil.first, pupil.last).username or ""
        user = graph.user(year.address(name))
        licensed = sum(bool(graph.licences.direct(each)) for each in graph.directory.users.values())

        year.school.leaves(leaver, first)
        told = night(year, first + timedelta(days=1))
        assert {one.tally["disabled"] for one in told.targets.values()} == {1}
        told = night(year, first + timedelta(days=90))
        assert told.targets["m365"].tally["licences"] == 0
        assert graph.licences.direct(user) == [A3]
        told = night(year, first + timedelta(days=92))
        assert {name: one.tally["licences"] for name, one in told.targets.items()} == {"ad": 0, "m365": 1, "google": 0}
        assert graph.licences.direct(user) == []
        assert sum(bool(graph.licences.direct(each)) for each in graph.directory.users.values()) == licensed - 1
        told = night(year, first + timedelta(days=93))
        assert not any(sum(one.tally.values()) for one in told.targets.values())


def test_a_target_without_licences_says_that_the_setting_is_not_for_it(tmp_path: Path) -> None:
    with school_year(tmp_path) as year:
        year.set("targets.google", "release_licences_after = 90")
        told = year.night("first night", code=1)
        assert told.targets["google"].error.startswith("onroll looks after no licences in google")
        assert told.targets["m365"].verdict == "cleared"
