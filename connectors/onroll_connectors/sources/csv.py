"""A folder of CSV files, or one file, as any MIS can export: read whole, or refused with file, line and column."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from onroll_connectors.sources import csv_columns, csv_table
from onroll_connectors.sources.csv_people import People, Reading
from onroll_core.contracts import Context, Finding, Report, Source
from onroll_core.errors import Halt, OnrollError
from onroll_core.people import Role, Snapshot


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
        people = self._people()
        for path in self._files():
            table, columns = self._table(path)
            if not table.rows:
                raise Halt(
                    f"{path.name} has a header and no row. An empty list is never believed; look at the MIS's export."
                )
            people.add(path.name, columns, table.rows)
        return people.snapshot(self._context.now())

    def _people(self) -> People:
        settings = self._settings
        return People(
            Reading(
                self._context.school,
                self._context.today or self._context.now().date(),
                Role(settings.role) if settings.role else None,
                settings.empty,
                dates_of_birth=settings.dates_of_birth,
            )
        )

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
