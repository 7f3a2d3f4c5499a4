"""A folder of CSV files, or one file, as any MIS can export: read whole, or refused with file, line and column."""

from __future__ import annotations

import csv as stdlib_csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from onroll_connectors.gives import Gives
from onroll_connectors.sources import csv_columns, csv_table
from onroll_connectors.sources.csv_layout import Layout, ignored, layout, twins
from onroll_connectors.sources.csv_memory import Looks, same_as_before
from onroll_connectors.sources.csv_people import Kind, People, Reading
from onroll_connectors.sources.csv_presets import PLAIN, PRESETS, Preset, detected
from onroll_connectors.sources.folder_rights import readable
from onroll_core.contracts import Context, Finding, Report, Source
from onroll_core.errors import Halt, OnrollError
from onroll_core.people import Role, Snapshot, Status

GIVES = Gives(contacts=True, why="What the export holds; the captions are the usual ones, or the school names them.")
PRESET_GIVES: Mapping[str, Gives] = MappingProxyType(
    {name: replace(GIVES, why=preset.known) for name, preset in PRESETS.items()}
    | {
        "seemis": replace(
            GIVES,
            untold_students=frozenset({"upn", "admission_number", "legal_last"}),
            why=f"{PRESETS['seemis'].known} Scotland has no UPN.",
        )
    }
)
"""What an export tells that has the columns of docs/mis/csv.md, by preset."""

_SUFFIXES = (".csv", ".txt", ".tsv")
_STATUSES = {status.value: status for status in Status}


class Settings(BaseModel):
    """The keys of [school.source] for a CSV export."""

    model_config = ConfigDict(extra="forbid", strict=True)

    path: str = Field(description="a file, or a folder with files such as students.csv, staff.csv and classes.csv")
    preset: str | None = Field(None, description="whose captions the files have; left out, it is the MIS's own, or told by the captions")  # fmt: skip
    columns: dict[str, str] = Field(
        default_factory=dict,
        description='our names of columns to the file\'s captions, where they are not recognised; "staff.first" is for staff alone, "" is no column',
    )
    role: Literal["student", "staff"] | None = Field(None, description="whom a single file without a role column lists")
    statuses: dict[str, Literal["on roll", "future", "left"]] = Field(
        default_factory=dict, description="the school's own words for a status, and what they mean"
    )
    merge_rows: bool = Field(False, description="a pupil has a row for each class; the rows must agree in all else")
    fill_down: bool = Field(
        False, description="a grouped report leaves repeated cells empty: they are what stands above"
    )
    strays: Literal["refused", "left_out"] = Field(
        "refused", description="members of classes who are in no list of people"
    )
    last_line: Literal["as_before", "any"] = Field(
        "as_before",
        description="a file whose last line used to have an end and has none was cut off; any: it is taken all the same",
    )
    max_age_days: float | None = Field(4, description="an older file is refused; 0 or less is never")
    quiet_seconds: float = Field(
        2, description="a file changed more recently is waited for, and refused if it still grows", ge=0
    )
    empty: Literal["untold", "blank"] = Field(
        "untold", description="an empty cell leaves a value as it is, or clears it"
    )
    dates_of_birth: bool = Field(False, description="read dates of birth, for linking")
    contacts: bool = Field(False, description="also read pupils' contacts: their names, and whose they are")

    @model_validator(mode="after")
    def _known(self) -> Self:
        problem = csv_columns.problem_with_map(self.columns)
        if problem is not None:
            raise ValueError(problem)
        if self.preset is not None and self.preset not in PRESETS:
            raise ValueError(
                f"preset: onroll has no captions of {self.preset!r}. It may be one of {', '.join(PRESETS)}."
            )
        return self


def connect(settings: Settings, context: Context) -> Source:
    """The source; no file is opened before `check` or `read`."""
    return CsvFolder(settings, context)


@dataclass(frozen=True, slots=True)
class _File:
    """One file of the export, understood; `written` is when it was last changed."""

    table: csv_table.Table
    layout: Layout
    written: datetime

    @property
    def name(self) -> str:
        return self.table.path.name


class CsvFolder:
    """The files of one school."""

    def __init__(self, settings: Settings, context: Context) -> None:
        self._settings, self._context = settings, context

    def close(self) -> None:
        """Nothing stays open."""

    def check(self) -> Report:
        """Read everything, and say whose captions were taken, and which column for what."""
        found: list[Finding] = []
        try:
            files, preset = self._files()
            found.append(Finding("ok", self._preset_in_words(preset)))
            for each in files:
                table = each.table
                matched = ", ".join(f"{ours} = {table.header[at]!r}" for ours, at in each.layout.columns.items())
                said = f", all {each.layout.status.value} by its name" if each.layout.status else ""
                found.append(
                    Finding("ok", f"{each.name}: {len(table.rows)} rows of {each.layout.table}{said}; {matched}.")
                )
                left = ignored(each.layout, table.header)
                if left:
                    found.append(Finding("warning", f"{each.name}: not used: {', '.join(left)}."))
            people = len(self.read().people)
            found.append(Finding("ok" if people else "problem", f"{people} people can be read."))
        except OnrollError as trouble:
            found.append(Finding("problem", str(trouble)))
        return Report(found)

    def read(self) -> Snapshot:
        """Everyone in the files; raises Unavailable while one is being written, Halt with file, line and column when one is wrong."""
        files, _ = self._files()
        people = People(self._reading())
        looks = Looks()
        for each in files:
            table, columns = each.table, each.layout.columns
            if not table.rows:
                raise Halt(
                    f"{each.name} has a header and no row. An empty list is never believed; look at the MIS's export."
                )
            self._same_twice(each)
            rows = list(_filled(table.rows, columns)) if self._settings.fill_down else table.rows
            before = len(people.keys)
            if each.layout.kind is not Kind.CONTACTS or self._settings.contacts:
                people.add(each.name, columns, rows, each.layout.kind, self._role(each), each.layout.status)
            if each.layout.kind is Kind.PEOPLE and self._settings.contacts and "contact_id" in columns:
                people.add(each.name, columns, rows, Kind.CONTACTS)
            self._counted(each, len(people.keys) - before)
            looks.ended[each.name] = table.ended
            looks.columns.setdefault(each.layout.table, set()).update(columns)
            if each.layout.kind is Kind.PEOPLE:
                key = csv_columns.key_column(columns)
                looks.keys.setdefault((each.layout.table, key), []).extend(row.cells[columns[key]] for row in rows)
        if not people.keys:
            raise Halt(
                f"No file in {self._settings.path} lists people. Does the MIS's export run, and does it write there?"
            )
        absent = {ours for ours, caption in self._settings.columns.items() if not caption}
        snapshot = people.snapshot(self._context.now(), min(each.written for each in files))
        same_as_before(looks, self._context, absent, self._settings.last_line == "any")
        return snapshot

    def _reading(self) -> Reading:
        settings = self._settings
        return Reading(
            self._context.school,
            self._context.today or self._context.now().date(),
            Role(settings.role) if settings.role else None,
            settings.empty,
            settings.merge_rows,
            settings.strays,
            {csv_columns.plain(word): _STATUSES[status] for word, status in settings.statuses.items()},
            settings.dates_of_birth,
        )

    def _role(self, each: _File) -> Role | None:
        """In a list of staff a role is a job."""
        return Role.STAFF if each.layout.table == "staff" and not self._settings.role else None

    def _paths(self) -> list[Path]:
        path = Path(self._settings.path)
        with readable(path):
            return self._in(path)

    @staticmethod
    def _in(path: Path) -> list[Path]:
        if path.is_file():
            return [path]
        if not path.is_dir():
            raise Halt(f"{path} is not there. Does the MIS's export run, and does it write there?")
        found = sorted(
            each for each in path.iterdir() if each.suffix.lower() in _SUFFIXES and not each.name.startswith((".", "~"))
        )
        if not found:
            raise Halt(f"There is no CSV file in {path}. Does the MIS's export run, and does it write there?")
        return found

    def _files(self) -> tuple[list[_File], Preset]:
        """Every file, read and understood, those that list people first; and whose captions they were taken for."""
        raws: list[tuple[Path, bytes, datetime]] = []
        for path in self._paths():
            raw = csv_table.read_bytes(path, self._context, self._settings.max_age_days, self._settings.quiet_seconds)
            raws.append((path, raw, datetime.fromtimestamp(path.stat().st_mtime, UTC)))
        preset = PRESETS[self._settings.preset or detected(_captions(raws))]
        files = [self._file(path, raw, written, preset) for path, raw, written in raws]
        self._own_captions_are_there(files)
        return sorted(files, key=lambda each: (each.layout.kind is not Kind.PEOPLE, each.name)), preset

    def _file(self, path: Path, raw: bytes, written: datetime, preset: Preset) -> _File:
        role = Role(self._settings.role) if self._settings.role else None

        def understood(cells: Sequence[str]) -> Layout | None:
            return layout(path.name, cells, self._settings.columns, preset, role, self._settings.merge_rows)

        table = csv_table.parse(path, raw, lambda cells: understood(cells) is not None)
        found = understood(table.header)
        assert found is not None  # `parse` found this header with it
        return _File(table, found, written)

    def _own_captions_are_there(self, files: Sequence[_File]) -> None:
        captions = {csv_columns.plain(caption) for each in files for caption in each.table.header}
        for ours, caption in self._settings.columns.items():
            if caption and csv_columns.plain(caption) not in captions:
                where = (
                    f"{files[0].name}, line {files[0].table.header_line}" if len(files) == 1 else self._settings.path
                )
                raise Halt(f"{where}: there is no column {caption!r}, which [school.source] columns names for {ours}.")

    def _preset_in_words(self, preset: Preset) -> str:
        if self._settings.preset is not None:
            return f"The captions are taken for those of {preset.title} (preset = {preset.name!r}). {preset.known}"
        if preset.name == PLAIN:
            return "The captions are those of no MIS that onroll knows; they are taken as they usually mean."
        return f"The captions look like {preset.title}'s and are taken for them; preset = {preset.name!r} makes that certain. {preset.known}"

    def _same_twice(self, each: _File) -> None:
        """A caption that comes twice is the same thing twice, or nobody knows which is meant."""
        for ours, at, other in twins(each.layout, each.table.header):
            for row in each.table.rows:
                if row.cells[other] and row.cells[other] != row.cells[at]:
                    raise Halt(
                        f"{each.name}, line {row.line}: two columns are called {each.table.header[at]!r} and differ here, so onroll cannot tell which is the {ours}."
                        " Nothing was read; give one of them another caption in the export."
                    )

    def _counted(self, each: _File, people: int) -> None:
        """A total that the report prints is held against its rows, or its people where they have several rows."""
        totals, rows = each.table.totals, len(each.table.rows)
        if totals and not {rows, people} & {totals[-1], sum(totals)}:
            raise Halt(
                f"{each.name} says that it has {totals[-1]} rows and has {rows}. It is not complete; nothing was read."
            )


def _captions(raws: Sequence[tuple[Path, bytes, datetime]]) -> Iterator[str]:
    """Every cell of the first lines of all files, by any delimiter: what a caption may be."""
    for path, raw, _ in raws:
        for line in csv_table.decoded(raw[:20_000], path, part=True).splitlines()[:30]:
            for delimiter in ",;\t|":
                yield from next(stdlib_csv.reader([line], delimiter=delimiter), [])


def _filled(rows: Sequence[csv_table.Row], columns: Mapping[str, int]) -> Iterator[csv_table.Row]:
    """Rows of a grouped report: where the cells that it groups by are empty, they are those of the row above."""
    above: list[str] | None = None
    used = sorted(columns.values())
    for row in rows:
        cells = list(row.cells)
        for at in used:
            if cells[at] or above is None:
                break
            cells[at] = above[at]
        above = cells
        yield csv_table.Row(row.line, cells)
