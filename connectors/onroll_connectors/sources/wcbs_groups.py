"""PASS's forms with their tutors, and its subject sets with pupils and up to three tutors, of one academic year."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from onroll_connectors.school_years import Years
from onroll_connectors.shape import trimmed
from onroll_connectors.sources.wcbs_rows import CELLS, Codes, Wishes, fold
from onroll_connectors.sql import Reading
from onroll_connectors.sql_query import Query
from onroll_core.errors import Halt, Unavailable
from onroll_core.people import Group, GroupKind, SourceKey

if TYPE_CHECKING:
    from onroll_connectors.sources.wcbs_people import People

_SET = ("subject_set_id", "set_code", "description", "school", "tutor", "tutor_2", "tutor_3", "in_use")


@dataclass(frozen=True, slots=True)
class Form:
    """One form of one year."""

    record: str
    code: str
    school: str
    year_group: str | None
    tutor: str | None
    in_use: bool


class Forms:
    """Forms by year and code. FORM.code is the same every year, and may be in two schools of one database."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], list[Form]] = {}

    def add(self, year: str, form: Form) -> None:
        """Keep one; a row that comes twice counts once, unless the two differ."""
        there = self._found.setdefault((year, fold(form.code)), [])
        if form in there:
            return
        if any(each.record == form.record or each.school == form.school for each in there):
            raise Halt(
                f"PASS's FORM has the form {form.code} twice in the year {year}, and they differ. Nothing was changed. Look for the duplicate in PASS."
            )
        there.append(form)

    def of(self, year: str, code: str | None, school: str) -> Form | None:
        """The form of that code, of that school where there are several; None where there is none."""
        there = self._found.get((year, fold(code)), []) if code else []
        if len(there) < 2:
            return there[0] if there else None
        return next((each for each in there if each.school == school), None)

    def all_of(self, year: str) -> list[Form]:
        """Every form of a year."""
        return [form for (name, _), forms in self._found.items() if name == year for form in forms]


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


def form_queries(wishes: Wishes, years: Sequence[object]) -> list[Query]:
    """FORM and FORM_YEAR."""
    columns = ("academic_year", "form_id", "code", "year_code", "school", "tutor", "in_use")
    return [
        Query("FORM", columns, {"academic_year": years}),
        Query("FORM_YEAR", tuple(dict.fromkeys(("code", wishes.year_column)))),
    ]


def forms(reading: Reading, wishes: Wishes, codes: Codes, years: Years) -> Forms:
    """The forms of this year and the next, with their year groups."""
    names = [each.name for each in (years.now, years.following) if each is not None]
    ask, years_of = form_queries(wishes, names)
    groups: dict[str, str | None] = {}
    for code, *told in reading.rows(years_of):
        name = fold(CELLS.key(code, "FORM_YEAR.code"))
        text = CELLS.text(told[0] if told else code, f"FORM_YEAR.{wishes.year_column}")
        if groups.setdefault(name, text) != text:
            raise Halt(
                f"PASS's FORM_YEAR has the year {name} twice, and they differ. Nothing was changed. Look for the duplicate in PASS."
            )
    found = Forms()
    for year, record, code, year_code, school, tutor, used in reading.rows(ask):
        group = groups.get(fold(year_code)) if year_code is not None else None
        form = Form(
            CELLS.key(record, "FORM.form_id"), CELLS.key(code, "FORM.code"), fold(school or ""),
            wishes.year_groups.get(group, group) if group else None, CELLS.text(tutor, "FORM.tutor"), codes.in_use(used, "FORM.in_use"),
        )  # fmt: skip
        found.add(fold(year), form)
    return found


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
