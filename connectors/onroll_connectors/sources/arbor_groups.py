"""Forms, houses and teaching groups of Arbor's current academic year, with whoever is in them today."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from onroll_connectors.sources.arbor_graphql import SHAPE, GraphQL, selection
from onroll_connectors.sources.arbor_rights import NONE, RIGHTS
from onroll_core.errors import Halt, Unavailable
from onroll_core.people import Group, GroupKind, SourceKey

# What a teaching group may be: the entity, what names it, who is in it, who takes it, and what both call it.
_KINDS = {
    "teaching_groups": (
        "TeachingGroup",
        "teachingGroupName",
        "TeachingGroupMembership",
        "TeachingGroupTutor",
        "teachingGroup",
    ),
    "academic_units": ("AcademicUnit", "academicUnitName", "AcademicUnitEnrolment", "AcademicUnitLead", "academicUnit"),
}


@dataclass(frozen=True, slots=True)
class Groups:
    """`houses` by pupil's id, `tutors` by the form's name; the year is the calendar year in which the academic year began."""

    houses: Mapping[str, str]
    tutors: Mapping[str, frozenset[SourceKey]]
    taught: tuple[Group, ...]
    academic_year: int | None

    def __len__(self) -> int:
        """How many groups there are, for people."""
        return len(self.taught) + len(self.tutors) + len(set(self.houses.values()))

    @classmethod
    def read(
        cls,
        graphql: GraphQL,
        school: str,
        today: date,
        houses: bool,
        classes: Literal["teaching_groups", "academic_units", "none"],
        omit: frozenset[str],
        pupils: Mapping[str, SourceKey],
        staff: Mapping[str, SourceKey],
    ) -> Groups:
        """Ask for all of them; `pupils` and `staff` are those who were read, by Arbor's ids."""
        years = [row for row in graphql.rows("AcademicYear", "id displayName startDate endDate") if _within(row, today)]
        if not years and not graphql.shows("AcademicYear"):
            raise Halt(f"{RIGHTS.missing('AcademicYear', NONE, sure=False)} Nothing was changed.")
        if len(years) != 1:
            raise Unavailable(
                f"Arbor has {len(years)} academic years that {today} is in, so nobody can tell this year's groups. Look at the dates of the academic years in"
                " Arbor. Nothing was changed."
            )
        year = _ref(years[0])
        began = _day(years[0], "startDate")
        tutors: dict[str, frozenset[SourceKey]] = {}
        for row in graphql.rows(
            "RegistrationForm", selection("id displayName academicYear { id } tutors { id }", omit)
        ):
            if _nested(row, "academicYear") == year:
                name = SHAPE.key(row.get("displayName"), "the name of a form")
                leaders = SHAPE.rows(row.get("tutors") or [], "tutors")
                tutors[name] = frozenset(staff[_ref(each)] for each in leaders if _ref(each) in staff)
        in_houses: dict[str, str] = {}
        if houses:
            fields = "id startDate endDate student { id } house { id houseName }"
            for row in _current(graphql, "HouseMembership", fields, today):
                house = SHAPE.table(row.get("house"), "a house")
                in_houses[_nested(row, "student") or ""] = SHAPE.key(house.get("houseName"), "the name of a house")
        taught: list[Group] = [] if classes == "none" else _taught(graphql, school, today, year, classes, pupils, staff)
        return cls(in_houses, tutors, tuple(taught), None if began is None else began.year)


def _taught(
    graphql: GraphQL,
    school: str,
    today: date,
    year: str,
    classes: str,
    pupils: Mapping[str, SourceKey],
    staff: Mapping[str, SourceKey],
) -> list[Group]:
    entity, named, memberships, leads, called = _KINDS[classes]
    names = {}
    for row in graphql.rows(entity, f"id {named} academicYear {{ id }}"):
        if _nested(row, "academicYear") == year:
            names[_ref(row)] = SHAPE.key(row.get(named), f"the name of a {entity}")
    members: dict[str, set[SourceKey]] = {}
    leaders: dict[str, set[SourceKey]] = {}
    for people, of, who, into in ((pupils, memberships, "student", members), (staff, leads, "staff", leaders)):
        if names and who == "student" and not graphql.shows(of):
            # Groups without anybody, this year or any other, would empty them everywhere.
            raise Halt(f"{RIGHTS.missing(of, NONE, sure=False)} Nothing was changed.")
        for row in _current(graphql, of, f"id startDate endDate {called} {{ id }} {who} {{ id }}", today):
            group, person = _nested(row, called) or "", _nested(row, who) or ""
            if group in names and person in people:
                into.setdefault(group, set()).add(people[person])
    return [
        Group(
            SourceKey(school, f"teaching:{number}"), GroupKind.TEACHING, name, frozenset(members.get(number, ())),
            frozenset(leaders.get(number, ())),
        )
        for number, name in names.items()
    ]  # fmt: skip


def _current(graphql: GraphQL, entity: str, fields: str, today: date) -> Iterator[Mapping[str, Any]]:
    """Memberships that hold today; Arbor keeps those of every year."""
    return (row for row in graphql.rows(entity, fields) if _within(row, today))


def _within(row: Mapping[str, Any], today: date) -> bool:
    begins, ends = _day(row, "startDate"), _day(row, "endDate")
    return (begins is None or begins <= today) and (ends is None or ends >= today)


def _day(row: Mapping[str, Any], name: str) -> date | None:
    found = row.get(name)
    return SHAPE.day(found.get("date") if isinstance(found, dict) else found, name)


def _ref(row: Mapping[str, Any]) -> str:
    return SHAPE.key(row.get("id"), "an id")


def _nested(row: Mapping[str, Any], name: str) -> str | None:
    found = row.get(name)
    return None if found is None else _ref(SHAPE.table(found, name))
