"""SIMS .net by CommandReporter: reports that it drops in a folder, or that onroll has it run; in XML or CSV, with captions of the school's own choice."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from onroll_connectors.gives import Gives
from onroll_connectors.secrets import Secret
from onroll_connectors.sources import csv_columns, csv_table
from onroll_connectors.sources.csv_layout import Layout, ignored, layout
from onroll_connectors.sources.csv_memory import Looks, same_as_before
from onroll_connectors.sources.csv_people import Kind, People, Reading
from onroll_connectors.sources.csv_presets import PRESETS
from onroll_connectors.sources.folder_rights import readable
from onroll_connectors.sources.sims_reports import Reporter, from_xml
from onroll_connectors.sources.sims_rights import RIGHTS
from onroll_core.contracts import Context, Finding, Report, Source
from onroll_core.errors import Halt, OnrollError, Unavailable
from onroll_core.people import Role, Snapshot, Status

GIVES = Gives(contacts=True, why="What the school's reports have columns for; docs/mis/sims.md says which to tick.")
_SIMS = PRESETS["sims"]
_FILES = {
    "students": "students",
    "pre_admission": "pre-admission",
    "leavers": "leavers",
    "staff": "staff",
    "classes": "classes",
    "contacts": "contacts",
}
"""What the reports are for, and the names of the files that they are written to: a file's name says whose it is."""
_MAY_BE_EMPTY = (Status.FUTURE, Status.LEFT)
_WITHOUT_IDS = (
    "SIMS leaves id columns out when the user who runs the report is not in the group Third Party Reporting. Add that user to it (and tick the person's ID in"
    " the report), or say without_ids = true to key people by their admission number, UPN or staff code"
)


class Settings(BaseModel):
    """The keys of [school.source] for mis = "sims"."""

    model_config = ConfigDict(extra="forbid", strict=True)

    path: str | None = Field(
        None, description="the folder in which CommandReporter drops its reports: students.xml, staff.xml ..."
    )
    command: str | None = Field(
        None,
        description=r"in place of path, CommandReporter.exe itself: 'C:\Program Files (x86)\SIMS\SIMS .net\CommandReporter.exe'",
    )
    user: str | None = Field(
        None, description="the SIMS user; without one it is the Windows login of the service (/TRUSTED)"
    )
    password: Secret | None = Field(None, description="the SIMS user's: env:NAME, file:PATH or credential:NAME")
    server: str | None = Field(None, description=r"HOST\INSTANCE, where connect.ini does not say it")
    database: str | None = Field(None, description="where connect.ini does not say it; nearly always sims")
    reports: dict[str, str] = Field(
        default_factory=lambda: {
            "students": "onroll students", "pre_admission": "onroll pre-admission", "leavers": "onroll leavers", "staff": "onroll staff",
            "classes": "onroll classes",
        },
        description="the names of the reports that are run, by what they are for; contacts is one too, and one that is left out is not run",
    )  # fmt: skip
    format: Literal["xml", "csv"] = Field("xml", description="in which the reports are run")
    timeout_seconds: float = Field(600, description="how long one report may take", gt=0)
    columns: dict[str, str] = Field(
        default_factory=dict,
        description='our names of columns to the reports\' captions, where they are not recognised ("staff.first")',
    )
    without_ids: bool = Field(
        False, description="reports have no id of SIMS: people are keyed by the best other number"
    )
    merge_rows: bool = Field(True, description="a pupil has a row for each class; the rows must agree in all else")
    strays: Literal["refused", "left_out"] = Field(
        "refused", description="members of classes who are in no list of people"
    )
    max_age_days: float = Field(
        4, description="an older file is refused: the scheduled report has probably stopped; 0 is never"
    )
    quiet_seconds: float = Field(
        2, description="a file changed more recently is waited for, and refused if it still grows", ge=0
    )
    dates_of_birth: bool = Field(False, description="read dates of birth, for linking")
    contacts: bool = Field(False, description="also read pupils' contacts: their names, and whose they are")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.path is None) == (self.command is None):
            raise ValueError("path: say either path, for reports that are dropped, or command, for CommandReporter.exe")
        if (self.user is None) != (self.password is None):
            raise ValueError("password: a SIMS user has user and password")
        strange = set(self.reports) - set(_FILES)
        if strange:
            raise ValueError(f"reports: {min(strange)} is none of {', '.join(_FILES)}")
        problem = csv_columns.problem_with_map(self.columns)
        if problem is not None:
            raise ValueError(problem)
        return self


def connect(settings: Settings, context: Context) -> Source:
    """The source; no file is opened, and nothing run, before `check` or `read`."""
    return Sims(settings, context)


@dataclass(frozen=True, slots=True)
class _File:
    """One report, understood."""

    name: str
    captions: Sequence[str]
    rows: Sequence[csv_table.Row]
    layout: Layout
    written: datetime
    ended: bool


class Sims:
    """One school's reports."""

    def __init__(self, settings: Settings, context: Context) -> None:
        self._settings, self._context = settings, context

    def close(self) -> None:
        """Nothing stays open."""

    def check(self) -> Report:
        """Read every report, and say which column was taken for what, and what is missing from it."""
        found: list[Finding] = []
        try:
            with self._folder() as folder:
                files = self._files(folder)
                empty = [each.name for each in folder.glob("classes.*") if each.name not in {one.name for one in files}]
            found += [RIGHTS.finding("Class Teacher", f"{each} holds no class") for each in empty]
            for each in files:
                matched = ", ".join(f"{ours} = {each.captions[at]!r}" for ours, at in each.layout.columns.items())
                said = f", all {each.layout.status.value} by its name" if each.layout.status else ""
                found.append(
                    Finding("ok", f"{each.name}: {len(each.rows)} rows of {each.layout.table}{said}; {matched}.")
                )
                left = ignored(each.layout, each.captions)
                if left:
                    found.append(Finding("warning", f"{each.name}: not used: {', '.join(left)}."))
            snapshot = self._snapshot(files)
            found.append(Finding("ok", f"{len(snapshot.people)} people can be read."))
        except OnrollError as trouble:
            found.append(Finding("problem", str(trouble)))
        return Report(found)

    def read(self) -> Snapshot:
        """Everyone in the reports; raises Unavailable while one is being written or cannot be run, Halt with report and record when one is wrong."""
        with self._folder() as folder:
            return self._snapshot(self._files(folder))

    @contextmanager
    def _folder(self) -> Iterator[Path]:
        """Where the reports are: dropped there, or run into a folder that is gone afterwards."""
        if self._settings.path is not None:
            yield Path(self._settings.path)
            return
        with tempfile.TemporaryDirectory(prefix="onroll-sims-") as name:
            self._run_all(Path(name))
            yield Path(name)

    def _run_all(self, folder: Path) -> None:
        told = self._settings
        reporter = Reporter(
            told.command or "", told.user, told.password, told.server, told.database, told.timeout_seconds
        )
        wanted = [(each, name) for each, name in told.reports.items() if name and (each != "contacts" or told.contacts)]
        for done, (each, name) in enumerate(wanted):
            if self._context.stopping():
                raise Unavailable("The window ended while the reports were being run. Nothing was changed.")
            self._context.progress("running reports of SIMS", done, len(wanted))
            reporter.run(name, folder / f"{_FILES[each]}.{told.format}")

    def _files(self, folder: Path) -> list[_File]:
        with readable(folder):
            if not folder.is_dir():
                raise Halt(f"{folder} is not there. Does the scheduled report run, and does it write there?")
            paths = sorted(
                each
                for each in folder.iterdir()
                if each.suffix.lower() in (".xml", ".csv") and not each.name.startswith((".", "~"))
            )
        if not paths:
            raise Halt(f"There is no report in {folder}. Does the scheduled report run, and does it write there?")
        files = [each for each in map(self._file, paths) if each is not None]
        captions = {csv_columns.plain(caption) for each in files for caption in each.captions}
        for ours, caption in self._settings.columns.items():
            if caption and csv_columns.plain(caption) not in captions:
                raise Halt(f"No report has a column {caption!r}, which [school.source] columns names for {ours}.")
        return sorted(files, key=lambda each: (each.layout.kind is not Kind.PEOPLE, each.name))

    def _file(self, path: Path) -> _File | None:
        quiet = self._settings.quiet_seconds if self._settings.path is not None else 0
        raw = csv_table.read_bytes(path, self._context, self._settings.max_age_days, quiet)
        if not raw:
            raise Halt(
                f"{path.name} is empty, as CommandReporter leaves it when it fails. Run the report by hand to see why."
            )
        written = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        if path.suffix.lower() == ".xml" or raw.lstrip(b"\xef\xbb\xbf \r\n")[:1] == b"<":
            report = from_xml(raw, path.name)
            if not report.rows:
                self._believed_empty(path)
                return None
            found = self._layout(path, report.captions)
            if found is None:
                raise Halt(self._not_understood(path, report.captions))
            return _File(path.name, report.captions, report.rows, found, written, True)
        table = csv_table.parse(path, raw, lambda cells: self._layout(path, cells) is not None)
        layout = self._layout(path, table.header)
        assert layout is not None  # `parse` found this header with it
        if not table.rows:
            self._believed_empty(path)
            return None
        return _File(path.name, table.header, table.rows, layout, written, table.ended)

    def _layout(self, path: Path, captions: Sequence[str]) -> Layout | None:
        return layout(path.name, captions, self._settings.columns, _SIMS, None, self._settings.merge_rows)

    def _believed_empty(self, path: Path) -> None:
        """A report without records has no captions either. Of pupils to come, leavers, classes and contacts that may be so."""
        if path.stem in ("students", "staff"):
            raise Halt(f"{path.name} holds nobody. An empty list is never believed; look at the report in SIMS.")

    @staticmethod
    def _not_understood(path: Path, captions: Sequence[str]) -> str:
        return (
            f"{path.name} has the columns {', '.join(captions)}, and onroll cannot tell people, classes or contacts from them. The report needs the person's ID and names;"
            " where captions are others, name them in [school.source] columns. Nothing was read."
        )

    def _snapshot(self, files: Sequence[_File]) -> Snapshot:
        people = People(self._reading())
        looks = Looks()
        for each in files:
            columns = each.layout.columns
            if each.layout.kind is Kind.CONTACTS and not self._settings.contacts:
                continue
            if each.layout.kind is Kind.PEOPLE and "id" not in columns and not self._settings.without_ids:
                raise Halt(f"{each.name} has no column with the id of SIMS. {_WITHOUT_IDS}. Nothing was read.")
            people.add(
                each.name,
                columns,
                each.rows,
                each.layout.kind,
                Role.STAFF if each.layout.table == "staff" else None,
                each.layout.status,
            )
            # In XML a column that is empty everywhere is not there at all: only a CSV report can be held to its columns.
            looks.columns.setdefault(each.layout.table, set()).update(columns if each.name.endswith(".csv") else ())
            looks.ended[each.name] = each.ended
            if each.layout.kind is Kind.PEOPLE:
                key = csv_columns.key_column(columns)
                looks.keys.setdefault((each.layout.table, key), []).extend(row.cells[columns[key]] for row in each.rows)
        roles = {key.record.partition(":")[0] for key in people.keys}
        for role, name in ((Role.STUDENT, "students"), (Role.STAFF, "staff")):
            if role.value not in roles:
                raise Halt(
                    f"No report tells of {name}: one called {name}.xml or {name}.csv is needed. Nothing was read."
                )
        snapshot = people.snapshot(self._context.now(), min(each.written for each in files))
        same_as_before(
            looks, self._context, {ours for ours, caption in self._settings.columns.items() if not caption}, False
        )
        return snapshot

    def _reading(self) -> Reading:
        told = self._settings
        today = self._context.today or self._context.now().date()
        return Reading(
            self._context.school,
            today,
            merge=told.merge_rows,
            strays=told.strays,
            dates_of_birth=told.dates_of_birth,
            line="record",
        )
