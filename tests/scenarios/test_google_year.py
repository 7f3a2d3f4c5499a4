"""Classes in Google from the first night to the next September: groups and courses, teachers who come and go, classes that are over."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

from onroll_connectors.sandbox.google_state import Course, Group
from school_year import SchoolYear, school_year

SEPTEMBER = date(2027, 9, 6)


def few_classes(year: SchoolYear) -> None:
    """Mathematics alone: what is shown does not need the other subjects."""
    classes = year.school.classes
    year.school.classes = {number: each for number, each in classes.items() if each.name.endswith("/Ma1")}


def course(year: SchoolYear, name: str) -> Course:
    (found,) = (each for each in year.world.google.state.courses.values() if each.told["name"] == name)
    return found


def group(year: SchoolYear, name: str) -> Group:
    (found,) = (each for each in year.world.google.state.groups.values() if each.name == name)
    return found


def test_classes_are_groups_and_courses_and_outlive_their_teachers(tmp_path: Path) -> None:
    with school_year(tmp_path, 40) as year:
        few_classes(year)
        year.groups("year", "registration", "teaching", "role", targets=("google",))
        year.set(
            "targets.google",
            'classroom = ["teaching"]',
            "classroom_per_minute = 60000",
        )
        year.night("first night")
        year.nothing_to_do()
        number, lesson = next((key, each) for key, each in year.school.classes.items() if each.pupils)
        name = f"Milton Park School {lesson.name}"
        assert len(course(year, name).students) == len(lesson.pupils)
        assert len(group(year, name).members) == len(lesson.pupils) + len(lesson.teachers)
        owner = course(year, name).owner

        new = year.school.is_employed("Niamh", "O'Connor")
        year.school.classes[number] = replace(lesson, teachers=(new.number,))
        year.night("the class has another teacher")
        (niamh,) = (year.person("Niamh", "O'Connor").bonds["google"].anchor,)
        assert (course(year, name).owner, list(course(year, name).teachers)) == (niamh, [niamh])
        assert niamh != owner
        assert group(year, name).members[niamh] == "OWNER"
        year.nothing_to_do()

        year.school.turns_the_year(SEPTEMBER)
        few_classes(year)
        year.go_to(SEPTEMBER)
        year.approved(year.world.night("September"))
        over = course(year, f"{name} 2026-27")
        assert (over.state, len(over.students)) == ("ARCHIVED", len(lesson.pupils))
        assert len(group(year, f"{name} 2026-27").members) == len(lesson.pupils) + 1
        assert course(year, name).id != over.id
        year.nothing_to_do()
