"""A folder of CSV files, or one file, as any MIS can export: read whole, or refused with file, line and column."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from onroll_connectors.own_groups import classes, own_groups
from onroll_connectors.sources import csv_columns, csv_table
from onroll_core.contracts import Context, Finding, Report, Source
from onroll_core.errors import Halt, OnrollError
from onroll_core.people import Person, Role, Snapshot, SourceKey, Status

_STUDENTS, _STAFF = ("student", "pupil"), ("staff", "teacher", "employee")
_STATUSES = {
    Status.ON_ROLL: {
        "on roll",
        "current",
        "active",
        "enrolled",
        "admitted",
        "on-roll",
        "c",
        "single registration",
        "employed",
    },
    Status.FUTURE: {"future", "accepted", "pre admission", "preadmission", "offered", "applicant", "starter"},
    Status.LEFT: {"left", "leaver", "former", "inactive", "ended", "off roll"},
}


class Settings(BaseModel):
    """The keys of [school.source] for mis = "csv"."""

    model_config = ConfigDict(extra="forbid", strict=True)

    path: str = Field(description="a file, or a folder with files such as students.csv and staff.csv")
    columns: dict[str, str] = Field(
        default_factory=dict, description="our names of columns to the file's captions, where they are not recognised"
    )
    role: Literal["student", "staff"] | None = Field(None, description="whom a single file without a role column lists")
    max_age_days: float | None = Field(4, description="an older file is refused; 0 or less is never")
    quiet_seconds: float = Field(
        2, description="a file changed more recently is waited for, and refused if it still grows", ge=0
    )
    empty: Literal["untold", "blank"] = Field(
        "untold", description="an empty cell leaves a value as it is, or clears it"
    )
    dates_of_birth: bool = Field(False, description="read dates of birth, for linking")

    @model_validator(mode="after")
    def _known(self) -> Self:
        problem = csv_columns.problem_with_map(self.columns)
        if problem is not None:
            raise ValueError(problem)
        return self


def connect(settings: Settings, context: Context) -> Source:
    """The source; no file is opened before `check` or `read`."""
    return CsvFolder(settings, context)


class CsvFolder:
    """The files of one school."""

    def __init__(self, settings: Settings, context: Context) -> None:
        self._settings, self._context = settings, context

    def close(self) -> None:
        """Nothing stays open."""

    def check(self) -> Report:
        """Read everything, and say which column was taken for what."""
        found: list[Finding] = []
        try:
            for path in self._files():
                table, columns = self._table(path)
                matched = ", ".join(f"{ours} = {table.header[position]!r}" for ours, position in columns.items())
                found.append(Finding("ok", f"{path.name}: {len(table.rows)} rows; {matched}."))
                ignored = [
                    caption
                    for position, caption in enumerate(table.header)
                    if caption and position not in columns.values()
                ]
                if ignored:
                    found.append(Finding("warning", f"{path.name}: not used: {', '.join(ignored)}."))
            people = len(self.read().people)
            found.append(Finding("ok" if people else "problem", f"{people} people can be read."))
        except OnrollError as trouble:
            found.append(Finding("problem", str(trouble)))
        return Report(found)

    def read(self) -> Snapshot:
        """Everyone in the files; raises Unavailable while one is being written, Halt with file, line and column when one is wrong."""
        people: dict[SourceKey, Person] = {}
        lines: dict[SourceKey, str] = {}
        taught: dict[str, set[SourceKey]] = {}
        leaders: dict[str, set[SourceKey]] = {}
        for path in self._files():
            table, columns = self._table(path)
            if not table.rows:
                raise Halt(
                    f"{path.name} has a header and no row. An empty list is never believed; look at the MIS's export."
                )
            for row in table.rows:
                person = self._person(path, row, columns)
                where = f"{path.name}, line {row.line}"
                if person.key in people:
                    raise Halt(
                        f"{where}: {person.key.record.partition(':')[2]} was already in {lines[person.key]}. Every record may come once; nothing was read."
                    )
                people[person.key], lines[person.key] = person, where
                into = taught if person.role is Role.STUDENT else leaders
                for name in self._cell(row, columns, "groups").replace(";", ",").split(","):
                    if name.strip():
                        into.setdefault(name.strip(), set()).add(person.key)
        groups = [*own_groups(people.values(), self._context.school), *classes(taught, leaders, self._context.school)]
        return Snapshot(self._context.school, self._context.now(), list(people.values()), groups)

    def _files(self) -> list[Path]:
        path = Path(self._settings.path)
        if path.is_file():
            return [path]
        if not path.is_dir():
            raise Halt(f"{path} is not there. Does the MIS's export run, and does it write there?")
        found = sorted(
            each
            for each in path.iterdir()
            if each.suffix.lower() in (".csv", ".txt", ".tsv") and not each.name.startswith((".", "~"))
        )
        if not found:
            raise Halt(f"There is no CSV file in {path}. Does the MIS's export run, and does it write there?")
        return found

    def _table(self, path: Path) -> tuple[csv_table.Table, dict[str, int]]:
        age = self._settings.max_age_days
        raw = csv_table.read_bytes(
            path,
            lambda: self._context.now().timestamp(),
            self._context.sleep,
            age * 86400 if age and age > 0 else None,
            self._settings.quiet_seconds,
        )
        table = csv_table.parse(path, raw, self._is_header)
        columns = csv_columns.recognise(table.header, self._settings.columns)
        for ours, caption in self._settings.columns.items():
            if ours not in columns and path == self._files()[0] and len(self._files()) == 1:
                raise Halt(
                    f"{path.name}, line {table.header_line}: there is no column {caption!r}, which [school.source] columns names for {ours}."
                )
        return table, columns

    def _is_header(self, cells: Sequence[str]) -> bool:
        return csv_columns.names_people(csv_columns.recognise(cells, self._settings.columns))

    def _cell(self, row: csv_table.Row, columns: dict[str, int], name: str) -> str:
        return row.cells[columns[name]] if name in columns else ""

    def _told(self, row: csv_table.Row, columns: dict[str, int], name: str) -> str | None:
        """A column that is not there is "not told"; an empty cell is what the settings say."""
        if name not in columns:
            return None
        return row.cells[columns[name]] or ("" if self._settings.empty == "blank" else None)

    def _date(self, path: Path, row: csv_table.Row, columns: dict[str, int], name: str) -> date | None:
        text = self._cell(row, columns, name)
        if not text:
            return None
        try:
            return csv_table.parse_date(text)
        except ValueError as problem:
            raise Halt(f"{path.name}, line {row.line}, column {name}: {problem}. Nothing was read.") from None

    def _person(self, path: Path, row: csv_table.Row, columns: dict[str, int]) -> Person:
        key_name = csv_columns.key_column(columns)
        record = self._cell(row, columns, key_name)
        if not record:
            raise Halt(
                f"{path.name}, line {row.line}, column {key_name}: there is no id. Every row needs one; nothing was read."
            )
        role = self._role(path, row, columns)
        starts, ends = self._date(path, row, columns, "starts"), self._date(path, row, columns, "ends")
        return Person(
            SourceKey(self._context.school, f"{role.value}:{record}"),
            role,
            self._status(path, row, columns, starts, ends),
            first=self._told(row, columns, "first"),
            last=self._told(row, columns, "last"),
            legal_first=self._told(row, columns, "legal_first"),
            legal_last=self._told(row, columns, "legal_last"),
            starts=starts,
            ends=ends,
            year_group=self._told(row, columns, "year_group"),
            registration_group=self._told(row, columns, "registration_group"),
            house=self._told(row, columns, "house"),
            upn=self._told(row, columns, "upn"),
            scn=self._told(row, columns, "scn"),
            admission_number=self._told(row, columns, "admission_number"),
            staff_code=self._told(row, columns, "staff_code"),
            enrolment=self._told(row, columns, "enrolment"),
            dob=self._date(path, row, columns, "dob") if self._settings.dates_of_birth else None,
        )

    def _role(self, path: Path, row: csv_table.Row, columns: dict[str, int]) -> Role:
        told = self._cell(row, columns, "role").lower()
        for role, words in ((Role.STUDENT, _STUDENTS), (Role.STAFF, _STAFF)):
            if told.startswith(words):
                return role
        if told:
            raise Halt(
                f"{path.name}, line {row.line}, column role: {told!r} is neither student nor staff. Nothing was read."
            )
        if self._settings.role is not None:
            return Role(self._settings.role)
        name = path.stem.lower()
        if any(word in name for word in _STAFF):
            return Role.STAFF
        if any(word in name for word in _STUDENTS) or "year_group" in columns or "upn" in columns:
            return Role.STUDENT
        raise Halt(
            f"{path.name}: it does not say whether it lists students or staff. Name the file so, add a role column, or set [school.source] role."
        )

    def _status(
        self, path: Path, row: csv_table.Row, columns: dict[str, int], starts: date | None, ends: date | None
    ) -> Status:
        told = csv_columns.plain(self._cell(row, columns, "status"))
        today = self._context.today or self._context.now().date()
        for status, words in _STATUSES.items():
            if told in {csv_columns.plain(each) for each in words}:
                return status
        if told:
            raise Halt(
                f"{path.name}, line {row.line}, column status: {told!r} is not a status onroll knows (on roll, accepted, left). Nothing was read."
            )
        if ends is not None and ends < today:
            return Status.LEFT
        return Status.FUTURE if starts is not None and starts > today else Status.ON_ROLL
