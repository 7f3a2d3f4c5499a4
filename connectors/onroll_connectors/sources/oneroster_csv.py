"""OneRoster 1.1 and 1.2 as CSV, and Microsoft School Data Sync's files (v1, its UK variant, v2.1): a folder or a zip, whole or refused."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from onroll_connectors.gives import Gives
from onroll_connectors.sources import csv_table
from onroll_connectors.sources.folder_rights import readable
from onroll_connectors.sources.oneroster_files import FORMATS, Tables, detected, ended, fill
from onroll_connectors.sources.oneroster_roster import Roster, Wishes
from onroll_core.contracts import Context, Finding, Report, Source
from onroll_core.errors import Halt, OnrollError
from onroll_core.people import GroupKind, Snapshot

GIVES = Gives(
    leavers=False,
    staff_leavers=False,
    groups=frozenset({GroupKind.YEAR, GroupKind.REGISTRATION, GroupKind.TEACHING}),
    contacts=True,
    untold_students=frozenset({"house"}),
    why="A bulk file lists who is there; houses are not in it. Microsoft's files tell less: docs/mis/oneroster_csv.md.",
)
_LARGEST, _MOST = 200 * 1024 * 1024, 100


class Settings(BaseModel):
    """The keys of [school.source] for route = "oneroster_csv"."""

    model_config = ConfigDict(extra="forbid", strict=True)

    path: str = Field(description="a folder with the files, or the zip that holds them")
    format: Literal["auto", "1.1", "1.2", "sds_v1", "sds_v1_uk", "sds_v2.1"] = Field(
        "auto", description="what the files are; onroll check says what they were taken for"
    )
    school: str | None = Field(
        None,
        description="the sourcedId of the school's org (SDS: its SIS ID or DfE number), where the files have several",
    )
    roles: dict[str, Literal["student", "staff", "contact", "ignore"]] = Field(
        {}, description="what roles beyond the standard's mean"
    )
    grades: dict[str, str] = Field({"KG": "R"}, description="year groups by grade, where the files use other words")
    upn: str = Field("UPN", description="the type of the userId that is the UPN")
    scn: str = Field("SCN", description="the type of the userId that is the Scottish Candidate Number")
    max_age_days: float = Field(4, description="older files are refused: the export has probably stopped; 0 is never")
    quiet_seconds: float = Field(
        2, description="a file changed more recently is waited for, and refused if it still grows", ge=0
    )
    last_line: Literal["ended", "any"] = Field(
        "ended", description="a file whose last line has no end was cut off; any: the export writes it so"
    )
    contacts: bool = Field(False, description="also read guardians: their names, and whose they are")

    @model_validator(mode="after")
    def _known(self) -> Self:
        if self.format != "auto" and self.format not in FORMATS:
            raise ValueError(f"format: is one of auto, {', '.join(FORMATS)}")
        return self


def connect(settings: Settings, context: Context) -> Source:
    """The source; no file is opened before `check` or `read`."""
    return OneRosterFiles(settings, context)


class OneRosterFiles:
    """The files of one school, or of several."""

    def __init__(self, settings: Settings, context: Context) -> None:
        self._settings, self._context = settings, context

    def close(self) -> None:
        """Nothing stays open."""

    def check(self) -> Report:
        """What the files were taken for, and whether everybody can be read."""
        found: list[Finding] = []
        try:
            files, _ = self._files()
            tables = Tables(files, self._settings.format if self._settings.format != "auto" else detected(files))
            found.append(
                Finding("ok", f"The files are taken for {FORMATS[tables.format].title}: {', '.join(sorted(files))}.")
            )
            snapshot = self.read()
            found.append(Finding("ok", f"{len(snapshot.people)} people and {len(snapshot.groups)} groups can be read."))
        except OnrollError as trouble:
            found.append(Finding("problem", str(trouble)))
        return Report(found)

    def read(self) -> Snapshot:
        """Everyone in the files; raises Unavailable while they are being written, Halt with file and line when one is wrong."""
        files, written = self._files()
        told = self._settings
        if told.last_line == "ended":
            for name, body in files.items():
                ended(name, body)
        tables = Tables(files, told.format if told.format != "auto" else detected(files))
        wishes = Wishes(told.school, told.roles, told.grades, told.upn, told.scn, contacts=told.contacts)
        roster = Roster(
            FORMATS[tables.format].title,
            self._context.school,
            self._context.today or self._context.now().date(),
            wishes,
        )
        fill(roster, tables)
        snapshot = roster.snapshot(self._context.now())
        return Snapshot(
            snapshot.school, snapshot.taken_at, snapshot.people, snapshot.groups, written, snapshot.academic_year
        )

    def _files(self) -> tuple[Mapping[str, bytes], datetime]:
        """Every CSV file by its name, and when the oldest was written."""
        path = Path(self._settings.path)
        with readable(path):
            return self._in(path)

    def _in(self, path: Path) -> tuple[Mapping[str, bytes], datetime]:
        if path.is_file():
            return _unzipped(path, self._bytes(path)), _written(path)
        if not path.is_dir():
            raise Halt(f"{path} is not there. Does the export run, and does it write there?")
        paths = sorted(
            each for each in path.iterdir() if each.suffix.lower() == ".csv" and not each.name.startswith((".", "~"))
        )
        if not paths:
            zips = sorted(each for each in path.iterdir() if each.suffix.lower() == ".zip")
            if len(zips) == 1:
                return _unzipped(zips[0], self._bytes(zips[0])), _written(zips[0])
            raise Halt(
                f"There is no CSV file in {path}, and not one zip. Does the export run, and does it write there?"
            )
        return {each.name: self._bytes(each) for each in paths}, min(map(_written, paths))

    def _bytes(self, path: Path) -> bytes:
        return csv_table.read_bytes(path, self._context, self._settings.max_age_days, self._settings.quiet_seconds)


def _written(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _unzipped(path: Path, body: bytes) -> Mapping[str, bytes]:
    """The CSV files of a zip; nothing is written anywhere. A bomb, a name that comes twice and a broken archive are refused."""
    import io

    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            members = [
                each for each in archive.infolist() if not each.is_dir() and each.filename.lower().endswith(".csv")
            ]
            if len(members) > _MOST or sum(each.file_size for each in members) > _LARGEST:
                raise Halt(f"{path.name} unpacks to more than a roster can be. Nothing was read.")
            names = [each.filename.rpartition("/")[2] for each in members]
            doubled = {name for name in names if names.count(name) > 1}
            if doubled:
                raise Halt(f"{path.name} holds {min(doubled)} twice. Nothing was read.")
            found = {}
            for each, name in zip(members, names, strict=True):
                with archive.open(each) as file:
                    found[name] = file.read(_LARGEST + 1)
                if len(found[name]) != each.file_size:
                    raise Halt(f"{path.name}: {name} is not as long as the zip says. Nothing was read.")
            return found
    except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, RuntimeError, OSError, ValueError) as failure:
        raise Halt(
            f"{path.name} is no whole zip ({type(failure).__name__}): it was probably cut off. Export it again; nothing was read."
        ) from None
    except Halt:
        raise
    except Exception as failure:  # zlib and its like raise errors of their own for broken bytes
        raise Halt(
            f"{path.name} cannot be unpacked ({type(failure).__name__}). Export it again; nothing was read."
        ) from None
