"""Xporter's groups, and the contacts of pupils: rows joined by ids that may carry a prefix."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date

from onroll_connectors.sources.xporter_api import SHAPE, Row
from onroll_core.people import Group, GroupKind, Person, Role, SourceKey, Status

_PREFIX = re.compile(r"^[A-Z]+-")


def numbered(text: str | None) -> str:
    """An id without the prefix that some answers have: "GC-8811" and "8811" are one group, "PL-9660" and "9660" one pupil."""
    return text if text is not None and text.isdigit() else _PREFIX.sub("", text or "")


def year_names(rows: Iterable[Row]) -> dict[str, str]:
    """Year groups' names by their ids, for pupils to come, whose year is told by its id."""
    found = {}
    for row in rows:
        name = SHAPE.text(row.get("name"), "a name") or SHAPE.text(row.get("code"), "a code")
        if name is not None:
            found[numbered(SHAPE.key(row.get("id"), "an Id"))] = name
    return found


def tutors(
    sets: Mapping[str, list[Row]], school: str, people: Mapping[SourceKey, Person]
) -> dict[str, frozenset[SourceKey]]:
    """The staff of registration groups, by the group's name."""
    leaders = _staff(sets["StaffMembers"], school, people)
    found: dict[str, frozenset[SourceKey]] = {}
    for row in sets["Group"]:
        name = SHAPE.text(row.get("name"), "a name")
        if name is not None:
            found[name] = frozenset(leaders.get(numbered(SHAPE.key(row.get("id"), "an Id")), ()))
    return found


def taught(sets: Mapping[str, list[Row]], school: str, people: Mapping[SourceKey, Person], today: date) -> list[Group]:
    """Teaching groups with whoever is in them today; a group that has nobody is not told of at all."""
    leaders = _staff(sets["StaffMembers"], school, people)
    members: dict[str, set[SourceKey]] = {}
    for row in sets["StudentMembers"]:
        begins, ends = SHAPE.day(row.get("startdate"), "StartDate"), SHAPE.day(row.get("enddate"), "EndDate")
        key = SourceKey(school, f"student:{numbered(SHAPE.key(row.get('studentid'), 'a StudentId'))}")
        now = (begins is None or begins <= today) and (ends is None or ends >= today)
        if now and key in people:
            members.setdefault(numbered(SHAPE.key(row.get("groupid"), "a GroupId")), set()).add(key)
    found = []
    for row in sets["Group"]:
        number = numbered(SHAPE.key(row.get("id"), "an Id"))
        name = SHAPE.text(row.get("name"), "a name") or SHAPE.text(row.get("code"), "a code") or number
        key = SourceKey(school, f"teaching:{number}")
        found.append(
            Group(key, GroupKind.TEACHING, name, frozenset(members.get(number, ())), frozenset(leaders.get(number, ())))
        )
    return found


def _staff(rows: Iterable[Row], school: str, people: Mapping[SourceKey, Person]) -> dict[str, set[SourceKey]]:
    found: dict[str, set[SourceKey]] = {}
    for row in rows:
        key = SourceKey(school, f"staff:{numbered(SHAPE.key(row.get('staffid'), 'a StaffId'))}")
        if key in people:
            found.setdefault(numbered(SHAPE.key(row.get("groupid"), "a GroupId")), set()).add(key)
    return found


def contacts(
    rows: Iterable[Row], links: Iterable[Row], school: str, people: Mapping[SourceKey, Person]
) -> list[Person]:
    """Contacts of pupils who were read, with their children."""
    children: dict[str, set[str]] = {}
    for link in links:
        child = SourceKey(school, f"student:{numbered(SHAPE.key(link.get('studentid'), 'a StudentId'))}")
        if child in people:
            children.setdefault(numbered(SHAPE.key(link.get("contactid"), "a ContactId")), set()).add(child.record)
    found = []
    for row in rows:
        number = SHAPE.key(row.get("id"), "an Id")
        if number in children:
            found.append(
                Person(
                    SourceKey(school, f"contact:{number}"), Role.CONTACT, Status.ON_ROLL,
                    first=SHAPE.text(row.get("forename"), "a name"), last=SHAPE.text(row.get("surname"), "a name"),
                    children=tuple(sorted(children[number])),
                )
            )  # fmt: skip
    return found
