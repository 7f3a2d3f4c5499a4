"""The tables of OneRoster CSV and of School Data Sync: which files there are, what their columns are called, and their rows as a roster."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from onroll_connectors.shape import trimmed
from onroll_connectors.sources.csv_table import decoded, parse_date
from onroll_connectors.sources.oneroster_roster import Class, Enrolment, Part, Roster, Session, User
from onroll_core.errors import Halt

_IDS = re.compile(r"\{([^:{}]+):([^{}]*)\}")
_YES, _NO = ("true", "1", "yes"), ("false", "0", "no")
# Spellings that files in the wild have of the standard's names.
_SPELT = {
    "datalastmodified": "datelastmodified",
    "prefferedgivenname": "preferredgivenname",
    "termsourcedid": "termsourcedids",
}


@dataclass(frozen=True, slots=True)
class Format:
    """What a set of files is: the files that have to be there, and by which of their columns it is told apart."""

    title: str
    needed: tuple[str, ...]


FORMATS: Mapping[str, Format] = {
    "1.1": Format("OneRoster 1.1 CSV", ("orgs", "users")),
    "1.2": Format("OneRoster 1.2 CSV", ("orgs", "users", "roles")),
    "sds_v1": Format("School Data Sync v1", ("school", "student", "teacher")),
    "sds_v1_uk": Format("School Data Sync v1 (UK)", ("school", "student", "teacher")),
    "sds_v2.1": Format("School Data Sync v2.1", ("orgs", "users", "roles")),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One row: its place for sentences, and its cells by column name in small letters without blanks."""

    where: str
    cells: Mapping[str, str]

    def get(self, *names: str) -> str:
        """The first of these columns that there is; "" where none is filled."""
        return next((self.cells[name] for name in names if self.cells.get(name)), "")

    def text(self, *names: str) -> str | None:
        """As `get`; None for nothing, which is not told."""
        return self.get(*names) or None

    def key(self, *names: str) -> str:
        """As `get`; raises Halt where there is nothing."""
        found = self.get(*names)
        if not found:
            raise Halt(f"{self.where}: there is no {names[0]}. Every row needs one; nothing was read.")
        return found

    def day(self, name: str) -> date | None:
        """A date; raises Halt for what is none."""
        text = self.get(name)
        try:
            return parse_date(text) if text else None
        except ValueError as problem:
            raise Halt(f"{self.where}, column {name}: {problem}. Nothing was read.") from None

    def flag(self, name: str) -> bool | None:
        """true or false however it is written; None for nothing, Halt for another word."""
        text = self.get(name).lower()
        if text and text not in (*_YES, *_NO):
            raise Halt(f"{self.where}, column {name}: {text[:40]!r} is neither true nor false. Nothing was read.")
        return None if not text else text in _YES

    def several(self, name: str) -> list[str]:
        """A list with commas inside one cell."""
        return [each.strip() for each in self.get(name).split(",") if each.strip()]


def plain(name: str) -> str:
    """A column's or a file's name without case, blanks and the ending."""
    return "".join(name.lower().removesuffix(".csv").split())


def detected(files: Mapping[str, bytes]) -> str:
    """The format that a set of files is in. Raises Halt where it is none."""
    names = {plain(name) for name in files}
    if "manifest" in names:
        manifest = _manifest(files)
        version = manifest.get("oneroster.version", "")
        if version not in ("1.1", "1.2"):
            raise Halt(
                f"manifest.csv says OneRoster {version or 'nothing'}, and onroll reads 1.1 and 1.2. Nothing was read."
            )
        return version
    if {"school", "student"} <= names:
        header = _header(next(body for name, body in files.items() if plain(name) == "student"))
        return "sds_v1_uk" if "schooldfenumber" in header else "sds_v1"
    if {"orgs", "users", "roles"} <= names:
        return "sds_v2.1"
    raise Halt(
        f"The files {', '.join(sorted(files))} are neither OneRoster's (manifest.csv is missing) nor School Data Sync's. Nothing was read; look at the export, or name"
        " its format in [school.source]."
    )


def ended(name: str, body: bytes) -> None:
    """Raises Halt for a file whose last line has no end: it was probably cut off, and whoever came after it is missing."""
    if not body.rstrip(b" \x00").endswith((b"\n", b"\r")):
        raise Halt(
            f'{name} ends in the middle of a line: it was probably cut off. Nothing was read. If the export always writes it so, say so: last_line = "any" in'
            " [school.source]."
        )


def _header(body: bytes) -> set[str]:
    text = decoded(body, Path("Student.csv")).removeprefix("\ufeff")
    return {plain(cell) for cell in next(csv.reader(io.StringIO(text, newline="")), [])}


def _manifest(files: Mapping[str, bytes]) -> Mapping[str, str]:
    name = next(each for each in files if plain(each) == "manifest")
    return {line.get("propertyname"): line.get("value") for line in _lines(name, files[name])}


class Tables:
    """The files as tables. Raises Halt for a file that is missing, a delta, or one that the manifest denies."""

    def __init__(self, files: Mapping[str, bytes], form: str) -> None:
        self.format = form
        self._files = {plain(name): (name, body) for name, body in files.items()}
        missing = [name for name in FORMATS[form].needed if name not in self._files]
        if missing:
            raise Halt(
                f"{FORMATS[form].title} has no file {missing[0]}.csv. The export is not complete; nothing was read."
            )
        if form in ("1.1", "1.2"):
            self._held_to_the_manifest(_manifest(files))

    def _held_to_the_manifest(self, told: Mapping[str, str]) -> None:
        for key, word in told.items():
            name = plain(key.removeprefix("file."))
            if not key.startswith("file.") or name not in (
                "orgs",
                "users",
                "roles",
                "classes",
                "enrollments",
                "academicsessions",
            ):
                continue
            if word == "delta":
                raise Halt(
                    f"manifest.csv says that {key.removeprefix('file.')} holds changes alone. onroll reads everybody: have the export made in bulk. Nothing was read."
                )
            if word not in ("bulk", "absent"):
                raise Halt(
                    f"manifest.csv says {word!r} of {key.removeprefix('file.')}, which is neither bulk nor absent. Nothing was read."
                )
            if (word == "bulk") is not (name in self._files):
                raise Halt(
                    f"manifest.csv says that {key.removeprefix('file.')} is {word}, and it is {'there' if name in self._files else 'missing'}. Nothing was read."
                )

    def rows(self, name: str) -> Iterator[Line]:
        """The rows of a file; none where it is not there."""
        found = self._files.get(name)
        return iter(()) if found is None else _lines(*found)

    def has(self, name: str) -> bool:
        """Whether there is such a file."""
        return name in self._files


def _lines(name: str, body: bytes) -> Iterator[Line]:
    text = decoded(body, Path(name)).removeprefix("\ufeff")
    if "\x00" in text:
        raise Halt(f"{name} holds NUL characters: it was cut off or is not a text file. Export it again.")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [_SPELT.get(plain(cell), plain(cell)) for cell in next(reader, [])]
        if not any(header):
            raise Halt(f"{name} is empty, without even a header. Nothing was read.")
        doubled = {cell for cell in header if cell and header.count(cell) > 1}
        if doubled:
            raise Halt(f"{name} has the column {min(doubled)} twice. Nothing was read.")
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            where = f"{name}, line {reader.line_num}"
            if len(cells) > len(header) or len(cells) < len(header) // 2:
                raise Halt(
                    f"{where}: there are {len(cells)} values for {len(header)} columns. Was the file cut off? Nothing was read."
                )
            yield Line(where, {column: trimmed(cell) for column, cell in zip(header, cells, strict=False)})
    except csv.Error as failure:
        raise Halt(
            f"{name}, line {reader.line_num}: {failure}. The file was probably cut off; nothing was read of it."
        ) from None


def fill(roster: Roster, tables: Tables) -> None:
    """Everything in the tables into the roster."""
    if tables.format in ("sds_v1", "sds_v1_uk"):
        _sds_v1(roster, tables)
        return
    roster.schools((line.key("sourcedid"), line.get("name"), line.get("type")) for line in tables.rows("orgs"))
    for line in tables.rows("academicsessions"):
        if _there(line):
            whole = line.get("type").lower() == "schoolyear"
            roster.session(Session(line.key("sourcedid"), line.day("startdate"), line.day("enddate"), whole))
    parts = _parts(tables) if tables.has("roles") else None
    related: dict[str, list[str]] = {}
    for line in tables.rows("relationships"):
        related.setdefault(line.key("usersourcedid"), []).append(line.key("relationshipusersourcedid"))
    grades = {line.key("usersourcedid"): line.text("grade") for line in tables.rows("roles") if line.get("grade")}
    for line in tables.rows("users"):
        roster.user(_user(line, parts, grades, related))
    for line in tables.rows("classes"):
        if _there(line):
            record = line.key("sourcedid")
            homeroom = line.get("classtype").lower() == "homeroom"
            school = line.text("schoolsourcedid", "orgsourcedid")
            sessions = line.several("termsourcedids") or line.several("sessionsourcedids")
            roster.group(Class(record, line.get("title") or record, school, homeroom, sessions))
    for line in tables.rows("enrollments"):
        user, of = line.key("usersourcedid"), line.key("classsourcedid")
        roster.enrolment(
            Enrolment(user, of, line.key("role"), line.day("begindate"), line.day("enddate"), _there(line))
        )


def _there(line: Line) -> bool:
    status = line.get("status").lower()
    if status not in ("", "active", "tobedeleted", "inactive"):
        raise Halt(f"{line.where}, column status: {status[:40]!r} is not a status of OneRoster. Nothing was read.")
    return status in ("", "active")


def _parts(tables: Tables) -> Mapping[str, list[Part]]:
    found: dict[str, list[Part]] = {}
    for line in tables.rows("roles"):
        if _there(line):
            begins, ends = (
                line.day("begindate") or line.day("rolestartdate"),
                line.day("enddate") or line.day("roleenddate"),
            )
            found.setdefault(line.key("usersourcedid"), []).append(
                Part(line.key("role"), line.key("orgsourcedid"), begins, ends)
            )
    return found


def _user(
    line: Line,
    parts: Mapping[str, list[Part]] | None,
    grades: Mapping[str, str | None],
    related: Mapping[str, Sequence[str]],
) -> User:
    record = line.key("sourcedid")
    if parts is None:
        own = [Part(line.key("role"), org) for org in line.several("orgsourcedids")]
    else:
        own = list(parts.get(record, ()))
    if not own:
        raise Halt(
            f"{line.where}: the user {record} has no role at any org. The export is not complete; nothing was read."
        )
    enabled = line.flag("enableduser")
    grade = next(iter(line.several("grades")), None) or grades.get(record)
    numbers = {
        kind.strip().lower(): number.strip() for kind, number in _IDS.findall(line.get("userids")) if number.strip()
    }
    return User(
        record, own, line.text("givenname"), line.text("familyname"), line.text("preferredgivenname", "preferredfirstname"),
        line.text("preferredfamilyname", "preferredlastname"), line.text("identifier"), numbers, grade,
        [*line.several("agentsourcedids"), *related.get(record, ())], _there(line) and enabled is not False,
    )  # fmt: skip


def _sds_v1(roster: Roster, tables: Tables) -> None:
    """Microsoft's first format, and its UK variant, whose ids have other names."""
    school = ("schoolsisid", "schooldfenumber")
    roster.schools((line.key("sisid", "dfenumber"), line.get("name"), "school") for line in tables.rows("school"))
    for name, role in (("student", "student"), ("teacher", "teacher")):
        for line in tables.rows(name):
            status = line.get("status").lower()
            if status not in ("", "active", "inactive", "deleted"):
                raise Halt(
                    f"{line.where}, column status: {status[:40]!r} is not a status of School Data Sync. Nothing was read."
                )
            # Ids of pupils and of teachers are apart in these files, and may be equal.
            roster.user(
                User(
                    f"{name}-{line.key('sisid', 'id')}", [Part(role, line.key(*school))], line.text("firstname"), line.text("lastname"),
                    identifier=line.text("studentnumber", "teachernumber"), numbers={"upn": upn} if (upn := line.get("stateid")) and role == "student" else {},
                    grade=line.text("grade"), there=status in ("", "active"),
                )
            )  # fmt: skip
    for line in tables.rows("section"):
        record = line.key("sisid", "id")
        roster.group(Class(record, line.get("sectionname") or record, line.text(*school)))
    for name, role in (("studentenrollment", "student"), ("teacherroster", "teacher")):
        for line in tables.rows(name):
            roster.enrolment(
                Enrolment(f"{role}-{line.key('sisid', 'id')}", line.key("sectionsisid", "sectionid"), role)
            )
