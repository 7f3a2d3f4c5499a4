"""One row into a person: cells as offices and spreadsheets write them, and a sentence with table, line and column for what cannot be one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from onroll_connectors.sources import csv_columns
from onroll_connectors.sources.csv_table import Row, parse_date
from onroll_core.errors import Halt
from onroll_core.numbers import normal_scn, normal_upn, problem_with_scn
from onroll_core.people import Person, Role, SourceKey, Status

_STUDENTS = frozenset({"student", "students", "pupil", "pupils", "learner", "learners"})
_STAFF = ("staff", "teach", "employee", "support", "non-teach", "admin")
_STATUSES = {
    Status.ON_ROLL: (
        "on roll", "onroll", "current", "active", "enrolled", "admitted", "c", "m", "s", "g", "single registration",
        "main dual registration", "subsidiary dual registration", "guest", "employed", "in post",
    ),
    Status.FUTURE: (
        "future", "accepted", "pre admission", "preadmission", "offered", "applicant", "starter", "pre admissions", "not yet started",
    ),
    Status.LEFT: ("left", "leaver", "former", "inactive", "ended", "off roll", "offroll", "not on roll"),
}  # fmt: skip
STATUS_WORDS: Mapping[str, Status] = {word: status for status, words in _STATUSES.items() for word in words}
"""What systems write for a status, without case and punctuation."""

IDENTIFIERS = ("id", "admission_number", "upn", "scn", "staff_code")
# What a spreadsheet makes of a long number, of a number that was text, and of a class called 7-1 or 3/4.
_SCIENTIFIC = re.compile(r"\d(?:[.,]\d+)?[eE]\+\d+|\d+[.,]0+")
_MONTHLY = re.compile(
    r"\d{1,2}-(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)|(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)-\d\d"
)
_DATED = re.compile(r"\d{4}-\d\d-\d\d|\d\d?/\d\d?/\d{4}")
_ERRORS = re.compile(r"#(?:N/A|REF!|NAME\?|VALUE!|NUM!|DIV/0!|NULL!|#+)")


@dataclass(frozen=True, slots=True)
class Reading:
    """How rows are read.

    `role` is whose rows they are where nothing else says so. `empty` says what an empty cell means. With `merge` several rows of one person are
    one person who is in all their classes, and must agree in everything else; without it a second row ends the read. `strays` says what happens to
    a class's member who was not read. `statuses` are a school's own words, without case and punctuation. `line` is what a sentence calls a row's place.
    """

    school: str
    today: date
    role: Role | None = None
    empty: Literal["untold", "blank"] = "untold"
    merge: bool = False
    strays: Literal["refused", "left_out"] = "refused"
    statuses: Mapping[str, Status] = field(default_factory=dict)
    dates_of_birth: bool = False
    line: str = "line"


class Rows:
    """Reads cells of rows; `name` is the table's name in sentences, `columns` are positions by our names of columns."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._statuses: dict[str, Status] = {**STATUS_WORDS, **reading.statuses}

    def person(
        self,
        name: str,
        row: Row,
        columns: Mapping[str, int],
        role: Role | None = None,
        status: Status | None = None,
    ) -> Person:
        """One row as a person. A column that is not there is "not told"."""
        key_name = csv_columns.key_column(columns)
        record = self.identifier(name, row, columns, key_name)
        if not record:
            raise self.wrong(name, row, key_name, "there is no id. Every row needs one")
        if key_name == "scn" and not re.fullmatch(r"[0-9]{9}", record):
            raise self.wrong(
                name,
                row,
                key_name,
                f"{record!r} is not the nine digits of a Scottish Candidate Number. Export it as text",
            )
        whose = self._role(name, row, columns, role)
        starts, ends = self._date(name, row, columns, "starts"), self._date(name, row, columns, "ends")
        status = self._status(name, row, columns, status, starts, ends)
        if starts is not None and ends is not None and ends < starts and status is not Status.LEFT:
            ends = None  # the last day of an earlier stay
        told = {each: self.told(name, row, columns, each) for each in ("first", "last", "legal_first", "legal_last")}
        if not any(told.values()):
            raise self.wrong(name, row, "first", f"{record} has no name at all. Was the row cut off?")
        return Person(
            SourceKey(self._reading.school, f"{whose.value}:{record}"),
            whose,
            status,
            # Beside an empty preferred name the legal one is the name.
            first=told["first"] or told["legal_first"] or told["first"],
            last=told["last"] or told["legal_last"] or told["last"],
            legal_first=told["legal_first"],
            legal_last=told["legal_last"],
            starts=starts,
            ends=ends,
            year_group=self.told(name, row, columns, "year_group"),
            registration_group=self.told(name, row, columns, "registration_group"),
            house=self.told(name, row, columns, "house"),
            upn=self.told(name, row, columns, "upn"),
            scn=self.told(name, row, columns, "scn"),
            admission_number=self.told(name, row, columns, "admission_number"),
            staff_code=self.told(name, row, columns, "staff_code"),
            enrolment=self.told(name, row, columns, "enrolment"),
            dob=self._date(name, row, columns, "dob") if self._reading.dates_of_birth else None,
        )

    def identifiers(self, name: str, row: Row, columns: Mapping[str, int]) -> Mapping[str, str]:
        """The numbers by which a row names a pupil, by our names of columns."""
        told = {each: self.identifier(name, row, columns, each) for each in IDENTIFIERS}
        return {each: value for each, value in told.items() if value}

    def identifier(self, name: str, row: Row, columns: Mapping[str, int], column: str) -> str:
        """A number by which somebody is known: text, and never what a spreadsheet makes of one."""
        # Reports of SIMS write an id that a person may have several of as "123,".
        value = self.cell(row, columns, column).rstrip(",")
        if not value:
            return ""
        if _SCIENTIFIC.fullmatch(value) or _ERRORS.fullmatch(value):
            raise self.wrong(
                name,
                row,
                column,
                f"{value!r} is what a spreadsheet made of a number. Let the MIS write the file, and do not save it from Excel",
            )
        if '"' in value:
            raise self.wrong(
                name, row, column, f"{value!r} holds a quotation mark. Are the row's values in the wrong columns?"
            )
        if column == "scn":
            value = normal_scn(value)
            # A spreadsheet strips a leading zero; the check digit says whether it was there.
            lost = len(value) == 8 and value.isdigit() and problem_with_scn(f"0{value}") is None
            return f"0{value}" if lost else value
        return normal_upn(value) if column == "upn" else value

    def group_name(self, name: str, row: Row, columns: Mapping[str, int], column: str) -> str:
        """The name of a class or registration group, never what a spreadsheet makes of one; empty where it is not told."""
        value = self.cell(row, columns, column)
        if value and (_MONTHLY.fullmatch(value) or _ERRORS.fullmatch(value)):
            raise self.wrong(
                name,
                row,
                column,
                f"{value!r} is what a spreadsheet made of a class's name. Let the MIS write the file, and do not save it from Excel",
            )
        return value

    def cell(self, row: Row, columns: Mapping[str, int], column: str) -> str:
        """A cell as it stands; empty where there is no such column."""
        return row.cells[columns[column]] if column in columns else ""

    def told(self, name: str, row: Row, columns: Mapping[str, int], column: str) -> str | None:
        """A cell as a value of a person: None is "not told", an empty cell is what the settings say."""
        if column not in columns:
            return None
        if column in IDENTIFIERS:
            value = self.identifier(name, row, columns, column)
        elif column == "registration_group":
            value = self.group_name(name, row, columns, column)
        else:
            value = row.cells[columns[column]]
        if _DATED.fullmatch(value):
            raise self.wrong(name, row, column, f"{value!r} is a date. Are the row's values in the wrong columns?")
        return value or ("" if self._reading.empty == "blank" else None)

    def _date(self, name: str, row: Row, columns: Mapping[str, int], column: str) -> date | None:
        text = self.cell(row, columns, column)
        if not text:
            return None
        try:
            day = parse_date(text)
            # Two digits of a year are this century's, except of a birthday that has not been yet.
            return day.replace(year=day.year - 100) if column == "dob" and day > self._reading.today else day
        except ValueError as problem:
            raise self.wrong(name, row, column, str(problem)) from None

    def _role(self, name: str, row: Row, columns: Mapping[str, int], otherwise: Role | None) -> Role:
        told = self.cell(row, columns, "role").lower()
        if told in _STUDENTS:
            return Role.STUDENT
        if told.startswith(_STAFF):
            return Role.STAFF
        if otherwise is None and told and role_of(name, {}) is Role.STAFF:
            return Role.STAFF  # a job, such as "Headteacher" or "Student teacher"
        if otherwise is not None:
            return otherwise
        if told:
            raise self.wrong(name, row, "role", f"{told!r} is neither student nor staff")
        if self._reading.role is not None:
            return self._reading.role
        found = role_of(name, columns)
        if found is None:
            raise Halt(
                f"{name}: it does not say whether it lists students or staff. Name the file so, add a role column, or set [school.source] role."
            )
        return found

    def _status(
        self,
        name: str,
        row: Row,
        columns: Mapping[str, int],
        otherwise: Status | None,
        starts: date | None,
        ends: date | None,
    ) -> Status:
        told = self.cell(row, columns, "status")
        if told:
            found = self._statuses.get(csv_columns.plain(told))
            if found is None:
                raise self.wrong(
                    name, row, "status",
                    f"{told!r} is not a status onroll knows (on roll, accepted, left). Say what it is in [school.source] statuses",
                )  # fmt: skip
            if found is not Status.ON_ROLL:
                return found
        elif otherwise is not None:
            return otherwise
        if ends is not None and ends < self._reading.today and (starts is None or starts <= ends):
            return Status.LEFT
        return Status.FUTURE if starts is not None and starts > self._reading.today else Status.ON_ROLL

    def at(self, name: str, row: Row) -> str:
        """Where a row stands, for sentences."""
        return f"{name}, {self._reading.line} {row.line}"

    def wrong(self, name: str, row: Row, column: str, why: str) -> Halt:
        """What ends the read, with its place."""
        return Halt(f"{self.at(name, row)}, column {column}: {why}{'' if why.endswith('?') else '.'} Nothing was read.")


def role_of(name: str, columns: Mapping[str, int]) -> Role | None:
    """Whom a table lists, by its name and by the columns that only pupils or only staff have; None where neither tells."""
    words = name.lower()
    if any(word in words for word in ("student", "pupil", "learner", "leaver", "admission")):
        return Role.STUDENT if "staff" not in words else Role.STAFF
    if any(word in words for word in ("staff", "teacher", "employee")):
        return Role.STAFF
    if {"year_group", "upn", "scn"} & columns.keys():
        return Role.STUDENT
    return Role.STAFF if "staff_code" in columns else None
