"""PASS's forms, by year and code, with the year group that they are of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from onroll_connectors.school_years import Years
from onroll_connectors.sources.wcbs_rows import CELLS, Codes, Wishes, fold
from onroll_connectors.sql import Reading
from onroll_connectors.sql_query import Query
from onroll_core.errors import Halt


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
