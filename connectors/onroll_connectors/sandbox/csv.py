"""Milton Park's exports as files, with each preset's captions and with what such files are known for.

No export of Cloud School, Integris, Juniper Horizons or SEEMiS has been seen: their files hold the labels of those systems' screens where those are
known, and the usual captions for the rest. Nothing here shows what a real export of theirs looks like.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from onroll_connectors.sandbox.school import Employee, Pupil, School
from onroll_connectors.sandbox.stages import Built
from onroll_connectors.sources.csv_presets import PLAIN, PRESETS
from onroll_core.numbers import problem_with_scn

_USUAL = {
    "students": {
        "id": "Student ID", "admission_number": "Admission Number", "upn": "UPN", "scn": "SCN", "first": "Preferred Forename", "last": "Preferred Surname",
        "legal_first": "Legal Forename", "legal_last": "Legal Surname", "year_group": "Year Group", "registration_group": "Registration Group", "house": "House",
        "starts": "Admission Date", "ends": "Leaving Date", "dob": "Date of Birth", "status": "Status", "groups": "Teaching Groups",
    },
    "staff": {
        "id": "Staff ID", "staff_code": "Staff Code", "first": "Preferred Forename", "last": "Preferred Surname", "starts": "Start Date", "ends": "End Date",
        "email": "Work Email", "role": "Role", "groups": "Teaching Groups",
    },
    "contacts": {"contact_id": "Contact ID", "contact_first": "Forename", "contact_last": "Surname", "id": "Student ID", "scn": "SCN"},
    "classes": {"class": "Class", "id": "Student ID", "scn": "SCN", "teacher": "Staff Code"},
}  # fmt: skip
_STUDENT = (
    "id", "admission_number", "upn", "first", "last", "legal_first", "legal_last", "year_group", "registration_group", "house", "starts", "ends", "dob",
)  # fmt: skip
_STAFF = ("id", "staff_code", "first", "last", "starts", "ends")


@dataclass(frozen=True, slots=True)
class _Habits:
    """How an export is written: `classes` is "file", "column" or "rows"; `populations` has a file for each, as reports of SIMS do."""

    delimiter: str = ","
    encoding: str = "utf-8"
    suffix: str = ".csv"
    title: str = ""
    footer: str = ""
    classes: str = "file"
    populations: bool = False
    status: bool = False
    iso: bool = False
    untidy: bool = False
    year: str = "{n}"
    quoting: Any = csv.QUOTE_MINIMAL


_HABITS: Mapping[str, _Habits] = {
    PLAIN: _Habits(status=True, iso=True),
    "cloud_school": _Habits(encoding="utf-8-sig", footer="Total: {count}", year="Year {n}"),
    "sims": _Habits(title="Milton Park School", encoding="utf-8-sig", populations=True, untidy=True, year="Year  {n}"),
    "integris": _Habits(delimiter=";", encoding="cp1252", year="Year {n}", footer="{count} records"),
    "juniper_horizons": _Habits(delimiter="\t", encoding="utf-16", suffix=".txt"),
    "seemis": _Habits(encoding="cp1252"),
    "arbor": _Habits(quoting=csv.QUOTE_ALL, classes="column", year="Year {n}"),
    "bromcom": _Habits(delimiter=";", encoding="utf-8-sig", classes="rows"),
}


@dataclass(slots=True)
class Export:
    """The export of one school into `folder` by the captions of `preset`; `write` writes it anew."""

    school: School
    folder: Path
    preset: str = PLAIN

    def write(self) -> None:
        """Every file, in place of the last night's."""
        self.folder.mkdir(parents=True, exist_ok=True)
        habits = _HABITS[self.preset]
        pupils = [each for _, each in sorted(self.school.pupils.items())]
        if habits.populations:
            for name, kind in (("students", "On roll"), ("pre-admission", "Accepted"), ("leavers", "Left")):
                self._students(name, [each for each in pupils if self._status(each) == kind])
        else:
            self._students("students", pupils)
        self._staff()
        if habits.classes == "file":
            self._classes()
        self._contacts()

    @property
    def scottish(self) -> bool:
        """Whether pupils have a Scottish Candidate Number in place of everything else."""
        return self.preset == "seemis"

    def _status(self, pupil: Pupil) -> str:
        gone = pupil.status == "left" or (pupil.ends is not None and pupil.ends < self.school.today)
        return "Left" if gone else "Accepted" if pupil.status == "accepted" else "On roll"

    def _students(self, name: str, pupils: Sequence[Pupil]) -> None:
        habits = _HABITS[self.preset]
        columns = ["scn", *_STUDENT[3:]] if self.scottish else list(_STUDENT)
        if self.scottish:
            columns.remove("legal_last")  # only one surname is known there
        columns += ["status"] if habits.status else []
        taught = self._taught()
        if habits.classes == "column":
            columns.append("groups")
        rows = [[self._pupil(each, column, taught) for column in columns] for each in pupils]
        if habits.classes == "rows":
            columns += ["class", "teacher"]
            emails = self._emails()
            doubled: list[list[str]] = []
            for pupil, row in zip(pupils, rows, strict=True):
                for lesson in taught.get(pupil.number, []) or [("", ())]:
                    teachers = [emails[each] for each in lesson[1] if each in emails]
                    doubled += [[*row, lesson[0], teacher] for teacher in teachers or [""]]
            rows = doubled
        self._save(name, "students", columns, rows)

    def _pupil(self, pupil: Pupil, column: str, taught: Mapping[int, list[tuple[str, tuple[int, ...]]]]) -> str:
        habits = _HABITS[self.preset]
        there = self._status(pupil) == "On roll"
        untidy = habits.untidy and pupil.number % 17 == 0
        told: Mapping[str, Callable[[], str]] = {
            "id": lambda: f"{pupil.number},"[: None if untidy else -1],
            "admission_number": lambda: pupil.admission_number,
            "upn": lambda: f"{pupil.upn[:4]} {pupil.upn[4:]}".lower() if untidy else pupil.upn,
            "scn": lambda: scn(pupil.number),
            "first": lambda: pupil.first,
            "last": lambda: f"  {pupil.last} " if untidy else pupil.last,
            "legal_first": lambda: pupil.legal_first,
            "legal_last": lambda: pupil.legal_last,
            "year_group": lambda: _stage(pupil.year) if self.scottish else habits.year.format(n=pupil.year),
            "registration_group": lambda: pupil.form,
            "house": lambda: pupil.house,
            "starts": lambda: self._day(pupil.starts, untidy),
            "ends": lambda: self._day(pupil.ends, untidy),
            "dob": lambda: self._day(pupil.born, untidy),
            "status": lambda: self._status(pupil),
            "groups": lambda: "; ".join(name for name, _ in taught.get(pupil.number, [])) if there else "",
        }
        return told[column]()

    def _staff(self) -> None:
        habits = _HABITS[self.preset]
        columns = list(_STAFF)
        columns += ["role"] if self.preset == "integris" else []
        columns += ["email"] if habits.classes == "rows" else []
        columns += ["groups"] if habits.classes == "column" else []
        emails, leads = self._emails(), self._leads()
        rows = []
        for number, person in sorted(self.school.staff.items()):
            told = {
                "id": str(number), "staff_code": person.code, "first": person.first, "last": person.last, "starts": self._day(person.starts),
                "ends": self._day(person.ends), "role": "Teacher" if person.teaches else "Midday Supervisor",
                "email": emails.get(number, ""), "groups": "; ".join(leads.get(number, [])),
            }  # fmt: skip
            rows.append([told[column] for column in columns])
        self._save("staff", "staff", columns, rows)

    def _classes(self) -> None:
        key = "scn" if self.scottish else "id"
        rows: list[list[str]] = []
        for lesson in self.school.classes.values():
            codes = [self.school.staff[each].code for each in lesson.teachers if self._employed(each)]
            pupils = [each for each in lesson.pupils if self._there(each)]
            # One row a pupil; a second teacher, or one without pupils, has a row alone.
            first = codes[0] if codes else ""
            rows += [[lesson.name, scn(each) if self.scottish else str(each), first] for each in pupils]
            rows += [[lesson.name, "", code] for code in (codes[1:] if pupils else codes)]
        if rows:
            self._save("classes", "classes", ["class", key, "teacher"], rows)

    def _contacts(self) -> None:
        key = "scn" if self.scottish else "id"
        rows = [
            [str(contact.number), contact.first, contact.last, scn(child) if self.scottish else str(child)]
            for _, contact in sorted(self.school.contacts.items())
            for child in contact.children
        ]
        if rows:
            self._save("contacts", "contacts", ["contact_id", "contact_first", "contact_last", key], rows)

    def _taught(self) -> dict[int, list[tuple[str, tuple[int, ...]]]]:
        """Classes, with who takes them, of each pupil on roll."""
        found: dict[int, list[tuple[str, tuple[int, ...]]]] = {}
        for lesson in self.school.classes.values():
            for each in lesson.pupils:
                if self._there(each):
                    found.setdefault(each, []).append((lesson.name, lesson.teachers))
        return found

    def _leads(self) -> dict[int, list[str]]:
        found: dict[int, list[str]] = {}
        for lesson in self.school.classes.values():
            for each in lesson.teachers:
                if self._employed(each):
                    found.setdefault(each, []).append(lesson.name)
        return found

    def _emails(self) -> dict[int, str]:
        employed = (each for each in self.school.staff.values() if self._employed(each.number))
        return {each.number: f"{each.code}@miltonpark.test" for each in employed}

    def _there(self, number: int) -> bool:
        return number in self.school.pupils and self._status(self.school.pupils[number]) == "On roll"

    def _employed(self, number: int) -> bool:
        person: Employee | None = self.school.staff.get(number)
        today = self.school.today
        return person is not None and person.starts <= today and (person.ends is None or person.ends >= today)

    def _day(self, day: date | None, otherwise: bool = False) -> str:
        if day is None:
            return ""
        return day.isoformat() if _HABITS[self.preset].iso is not otherwise else f"{day:%d/%m/%Y}"

    def _save(self, name: str, table: str, columns: Iterable[str], rows: Sequence[Sequence[str]]) -> None:
        habits = _HABITS[self.preset]
        path = self.folder / f"{name}{habits.suffix}"
        if not rows:
            path.unlink(missing_ok=True)
            return
        known = PRESETS[self.preset].captions(table)
        out = io.StringIO(newline="")
        if habits.title:
            out.write(f"{habits.title}\r\n\r\n")
        writer = csv.writer(out, delimiter=habits.delimiter, quoting=habits.quoting)
        head = [known.get(column, (_USUAL[table].get(column, ""),))[0] for column in columns]
        writer.writerow(head)
        writer.writerows(rows)
        if habits.untidy:
            writer.writerows([[""] * len(head)] * 2)
        if habits.footer:
            writer.writerow([habits.footer.format(count=len(rows))])
        path.write_bytes(_encoded(out.getvalue(), habits.encoding))


def scn(number: int) -> str:
    """A Scottish Candidate Number whose last digit fits, for a number of the school's; it begins with a zero, which spreadsheets strip."""
    for serial in range(number * 4, number * 4 + 4):
        for check in range(10):
            found = f"{serial:08}{check}"
            if problem_with_scn(found) is None:
                return found
    raise ValueError(f"{number} gives no Scottish Candidate Number")


def staged(school: School, folder: Path, preset: str | None) -> Built:
    """Milton Park's export; see `stages`."""
    place = folder / "export"
    name = preset or PLAIN
    lines = [f"path = {place.as_posix()!r}", "quiet_seconds = 0", "max_age_days = 0"]
    lines += [f'preset = "{preset}"'] if preset else []
    lines += ["merge_rows = true"] if _HABITS[name].classes == "rows" else []
    export = Export(school, place, name)
    return Built(
        lambda url: "\n".join(lines), refresh=export.write, country="scotland" if export.scottish else "england"
    )


def _stage(year: int) -> str:
    """Year 7 in Scotland is P7, Year 8 is S1."""
    return f"P{year}" if year <= 7 else f"S{year - 7}"


def _encoded(text: str, encoding: str) -> bytes:
    """In the code page of old Windows software where the names fit it."""
    try:
        return text.encode(encoding)
    except UnicodeEncodeError:
        return text.encode("utf-8-sig")
