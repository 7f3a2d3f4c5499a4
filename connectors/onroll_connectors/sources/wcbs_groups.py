"""PASS's registration groups with their tutors, and its subject sets with pupils and up to three tutors, of one academic year."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from onroll_connectors.school_years import Years
from onroll_connectors.shape import trimmed
from onroll_connectors.sources.wcbs_forms import Forms
from onroll_connectors.sources.wcbs_people import People
from onroll_connectors.sources.wcbs_rows import CELLS, fold
from onroll_connectors.sql import Reading
from onroll_connectors.sql_query import Query
from onroll_core.errors import Halt, Unavailable
from onroll_core.people import Group, GroupKind, SourceKey

_SET = ("subject_set_id", "set_code", "description", "school", "tutor", "tutor_2", "tutor_3", "in_use")


def queries(years: Sequence[object]) -> list[Query]:
    """SUBJECT_SET and PUPIL_SET of some years, for what they touch as well as for what they give."""
    sets = Query("SUBJECT_SET", _SET, {"academic_year": years})
    return [
        sets,
        Query(
            "PUPIL_SET",
            ("subject_set_id", "pupil_id"),
            within={"subject_set_id": Query("SUBJECT_SET", ("subject_set_id",), sets.where)},
        ),
    ]


def registration(people: People, forms: Forms, years: Years) -> Iterator[Group]:
    """The forms of this year that are in use, and those that are not but have pupils still."""
    members: dict[str, set[SourceKey]] = {}
    for key, form in people.formed.items():
        members.setdefault(form.record, set()).add(key)
    for form in forms.all_of(fold(years.now.name)):
        there = members.get(form.record, set())
        if there or (form.in_use and people.mine(form.school)):
            leaders = people.tutors([form.tutor], form.school, f"FORM.tutor of {form.code}")
            yield Group(
                people.key("registration", form.record), GroupKind.REGISTRATION, form.code, frozenset(there), leaders
            )


def teaching(reading: Reading, people: People, years: Years) -> Iterator[Group]:
    """The subject sets of this year that are in use."""
    ask, memberships = queries((years.now.name,))
    sets: dict[str, Sequence[Any]] = {}
    for row in reading.rows(ask):
        record = CELLS.key(row[0], "SUBJECT_SET.subject_set_id")
        if sets.setdefault(record, row) != row:
            raise Halt(
                f"PASS's SUBJECT_SET has the set {record} twice, and they differ. Nothing was changed. Look for the duplicate in PASS."
            )
    members: dict[str, set[SourceKey]] = {record: set() for record in sets}
    for subject_set, pupil in reading.rows(memberships):
        record = CELLS.key(subject_set, "PUPIL_SET.subject_set_id")
        key = people.pupil(CELLS.key(pupil, "PUPIL_SET.pupil_id"), record)
        if record not in members:
            raise Unavailable(
                f"PASS's PUPIL_SET names the set {record}, which SUBJECT_SET does not have. Nothing was changed; it is tried again later."
            )
        if key is not None:
            members[record].add(key)
    for record, (_, code, description, school, *tutors, used) in sets.items():
        if not people.codes.in_use(used, "SUBJECT_SET.in_use") or not people.mine(fold(school or "")):
            continue
        told = {
            "code": CELLS.text(code, "SUBJECT_SET.set_code") or "",
            "description": CELLS.text(description, "SUBJECT_SET.description") or "",
        }
        name = trimmed(people.wishes.class_name.format(**told)) or record
        leaders = people.tutors(
            [CELLS.text(each, "SUBJECT_SET.tutor") for each in tutors], fold(school or ""), f"SUBJECT_SET {name}"
        )
        yield Group(people.key("teaching", record), GroupKind.TEACHING, name, frozenset(members[record]), leaders)
