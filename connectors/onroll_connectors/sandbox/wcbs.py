"""A simulator of WCBS PASS's database in front of Milton Park: the tables and columns that a public synchronisation reads, in a SQLite file.

Three academic years with the same form codes, several rows of one pupil, an applicant, a service account, a visitor with a category of the site's own, main
and other contacts; padded CHARs; `rank` as a text. The words in FORM_YEAR.age_range are invented (its form is not published), and so are the columns with
SENSITIVE names, which stand where something of their kind does in the real tables: nothing may read them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from onroll_connectors.sandbox.school import Contact, Employee, Lesson, Pupil, School
from onroll_connectors.sandbox.sql_file import Table, write
from onroll_connectors.sandbox.stages import Built
from onroll_core.years import ROLLOVERS, Country, academic_year

SENSITIVE = ("religion", "nationality", "sen_status", "medical_notes", "home_phone", "address_1")
VISITOR = "VIS009"
"""A category of the site's own."""
SCHOOL = "MPS"

_DATED = {"in_use": "char(1)", "last_amend_date": "datetime"}
_COLUMNS: dict[str, dict[str, str]] = {
    "YEAR": {"year_id": "int", "code": "char(4)", "description": "varchar(40)"} | _DATED,
    "SCHOOL_CALENDAR": {"academic_year": "char(4)", "year_start": "datetime", "year_end": "datetime"},
    "SCHOOL": {"school_id": "int", "code": "char(8)", "description": "varchar(60)"} | _DATED,
    "SUBJECT": {"subject_id": "int", "code": "char(12)", "description": "varchar(60)", "school": "char(8)"} | _DATED,
    "SUBJECT_SET": {
        "subject_set_id": "int", "set_code": "char(24)", "description": "varchar(60)", "subject": "char(12)", "school": "char(8)",
        "academic_year": "char(4)", "tutor": "char(10)", "tutor_2": "char(10)", "tutor_3": "char(10)", "room": "char(8)",
    } | _DATED,
    "PUPIL_SET": {"pupil_set_id": "int", "pupil_id": "int", "subject_set_id": "int"},
    "FORM": {
        "form_id": "int", "code": "char(8)", "description": "varchar(40)", "year_code": "char(6)", "academic_year": "char(4)",
        "tutor": "char(10)", "room": "char(8)", "school": "char(8)",
    } | _DATED,
    "FORM_YEAR": {"code": "char(6)", "age_range": "char(12)"},
    "PUPIL": {
        "pupil_id": "int", "name_id": "int", "code": "char(12)", "form": "char(8)", "school": "char(8)", "academic_year": "char(4)",
        "record_type": "int",
    } | _DATED,
    "NAME": {
        "name_id": "int", "name_code": "char(12)", "preferred_name": "char(40)", "surname": "char(40)", "email_address": "varchar(80)",
        "contact_in_use": "char(1)", "amend_date": "datetime", **dict.fromkeys(SENSITIVE, "varchar(60)"),
    },
    "STAFF": {
        "name_id": "int", "code": "char(10)", "school": "char(8)", "internal_email_address": "varchar(80)", "category": "char(8)",
    } | _DATED,
    "RELATIONSHIP": {"from_name_id": "int", "to_name_id": "int", "relation_id": "int", "rank": "char(2)"},
    "RELATIONSHIP_TYPE": {"id": "int", "to_relation": "char(20)"},
    "TIME_PERIOD": {
        "period_id": "int", "time_table_id": "int", "day_number": "int", "period_num": "int", "description": "varchar(40)",
        "school": "char(8)", "in_use": "char(1)",
    },
}  # fmt: skip
_RELATIONS = {"mother": 1, "father": 2, "guardian": 3, "pupil": 4, "grandparent": 5}
_APPLICANT, _SERVICE, _VISITOR, _GRANDPARENT, _UNREACHABLE = 900_001, 900_002, 900_003, 900_004, 900_005
_CHANGED = datetime(2026, 9, 1, 8, 30)  # noqa: DTZ001 - SQL Server's datetime has no zone

_Rows = dict[str, list[tuple[Any, ...]]]


@dataclass(slots=True)
class Wcbs:
    """One school's database. `unmailed` are pupils without an e-mail address. `fault`: "" or one of "empty", "no staff", "stale", "twice", "stray"."""

    school: School
    path: Path
    fault: str = ""
    unmailed: set[int] = field(default_factory=set)

    @property
    def year(self) -> int:
        """The calendar year in which the current academic year began."""
        return academic_year(self.school.today, ROLLOVERS[Country.ENGLAND]) - (2 if self.fault == "stale" else 0)

    def refresh(self) -> None:
        """Write the file again, as the school is now."""
        write(self.path, self.tables())

    def tables(self) -> list[Table]:
        """Every table, as the school is now."""
        rows: _Rows = {name: [] for name in _COLUMNS}
        used = ("Y", _CHANGED)
        steps = (-1, 0) if self.fault == "stale" else (-1, 0, 1)
        for step in steps:
            year = self.year + step
            rows["YEAR"].append((100 + year, str(year), f"{year}/{year + 1}", *used))
            start, end = datetime(year, 9, 1), datetime(year + 1, 7, 10)  # noqa: DTZ001
            rows["SCHOOL_CALENDAR"].append((str(year), start, end))
        rows["SCHOOL"].append((11, SCHOOL, self.school.name, *used))
        rows["FORM_YEAR"] += [(f"Y{year:02}", f"Year {year}") for year in range(7, 14)]
        rows["RELATIONSHIP_TYPE"] += [(number, name) for name, number in _RELATIONS.items()]
        rows["TIME_PERIOD"].append((1, 43348527, 1, 1, "Period 1", SCHOOL, "Y"))
        for place, subject in enumerate(sorted({_subject(each) for each in self.school.classes.values()})):
            rows["SUBJECT"].append((place, subject, subject.title(), SCHOOL, *used))
        self._staff(rows)
        pupil_sets: list[tuple[int, int]] = []
        for step in steps:
            self._fill(rows, step, pupil_sets)
        rows["PUPIL_SET"] += [(number, *pair) for number, pair in enumerate(pupil_sets)]
        for pupil in self.school.pupils.values():
            email = None if pupil.number in self.unmailed else f"{pupil.number}@school.test"
            rows["NAME"].append(_name(pupil.number, pupil.first, pupil.last, email))
        self._contacts(rows)
        self._others(rows)
        return [Table(name, columns, rows[name]) for name, columns in _COLUMNS.items()]

    def _fill(self, rows: _Rows, step: int, pupil_sets: list[tuple[int, int]]) -> None:
        """One academic year: the last (-1), the current (0) or the next (1)."""
        year = self.year + step
        ids: dict[int, int] = {}
        forms: dict[str, int] = {}
        for pupil, group, used in [] if self.fault == "empty" else self._pupils(step):
            ids[pupil.number] = pupil_id = year % 100 * 10_000_000 + pupil.number
            form = f"{group}{pupil.form[-1]}"
            forms[form] = group
            rows["PUPIL"].append(
                (
                    pupil_id,
                    pupil.number,
                    pupil.admission_number,
                    form,
                    SCHOOL,
                    str(year),
                    1,
                    "Y" if used else "N",
                    _CHANGED,
                )
            )
        tutors = [each.code for each in self._employed() if each.teaches]
        for place, (form, group) in enumerate(sorted(forms.items())):
            tutor = tutors[place % len(tutors)] if tutors else None
            rows["FORM"].append(
                (
                    year * 1000 + place,
                    form,
                    f"Form {form}",
                    f"Y{group:02}",
                    str(year),
                    tutor,
                    "R1",
                    SCHOOL,
                    "Y",
                    _CHANGED,
                )
            )
        codes = {each.number: each.code for each in self._employed()}
        for lesson in self.school.classes.values():
            record = year % 100 * 10_000_000 + lesson.number
            by = [codes[each] for each in lesson.teachers if each in codes][:3]
            told = (record, lesson.name, f"{lesson.name} with us", _subject(lesson), SCHOOL, str(year))
            rows["SUBJECT_SET"].append((*told, *by, *[None] * (3 - len(by)), "R2", "Y", _CHANGED))
            pupil_sets += [(ids[each], record) for each in lesson.pupils if each in ids]
        if step == 0 and ids and self.fault == "stray":
            pupil_sets.append((999_999, rows["SUBJECT_SET"][-1][0]))
        if step == 0 and ids and self.fault == "twice":
            first = next(row for row in rows["PUPIL"] if row[5] == str(year) and row[7] == "Y")
            rows["PUPIL"].append((first[0] + 5_000_000, *first[1:3], "13Z", *first[4:]))

    def _pupils(self, step: int) -> Iterator[tuple[Pupil, int, bool]]:
        """Who has a row in a year, in which year group, and whether it is in use."""
        for each in self.school.pupils.values():
            gone = each.status == "left" or (each.ends is not None and each.ends < self.school.today)
            if each.status == "accepted":
                if step == 1:
                    yield each, each.year, True
            elif step == 0 or (step == -1 and each.year > 7):
                yield each, each.year + step, not gone or step == -1
            elif step == 1 and not gone and each.year < 13:
                yield each, each.year + 1, True

    def _employed(self) -> list[Employee]:
        return (
            []
            if self.fault in ("empty", "no staff")
            else [each for each in self.school.staff.values() if each.starts <= self.school.today]
        )

    def _staff(self, rows: _Rows) -> None:
        """Whoever is still to come is not there: how PASS keeps them is not known."""
        for each in self._employed():
            used = each.ends is None or each.ends >= self.school.today
            category = "TEA001" if each.teaches else "NON001"
            rows["NAME"].append(_name(each.number, each.first, each.last, None))
            rows["STAFF"].append(
                (each.number, each.code, SCHOOL, f"{each.number}@school.test", category, "Y" if used else "N", _CHANGED)
            )

    def _contacts(self, rows: _Rows) -> None:
        for each in self.school.contacts.values():
            rows["NAME"].append(_name(each.number, each.first, each.last, f"{each.number}@home.test", "Y"))
            rows["RELATIONSHIP"] += [
                (child, each.number, self._relation(each), "1")
                for child in each.children
                if child in self.school.pupils
            ]

    def _relation(self, contact: Contact) -> int:
        return _RELATIONS["mother" if contact.title == "Mrs" else "father"]

    def _others(self, rows: _Rows) -> None:
        """Rows that no read may bring: who is no pupil yet, who is no person, who is no staff, and contacts who are not main ones."""
        year = str(self.year)
        rows["NAME"] += [
            _name(_APPLICANT, "Anna", "Applicant", None), _name(_SERVICE, None, "Backup", None), _name(_VISITOR, "Vera", "Visitor", None),
            _name(_GRANDPARENT, "Gran", "Parent", "gran@home.test", "Y"), _name(_UNREACHABLE, "No", "Address", None, "Y"),
        ]  # fmt: skip
        rows["PUPIL"].append((_APPLICANT, _APPLICANT, "A1", None, SCHOOL, year, 2, "Y", _CHANGED))
        rows["STAFF"] += [
            (_SERVICE, "SVC", SCHOOL, None, "SYS", "Y", _CHANGED),
            (_VISITOR, "VIS", SCHOOL, None, VISITOR, "Y", _CHANGED),
        ]
        two = sorted(self.school.pupils)[:2]
        rows["RELATIONSHIP"] += [(each, _GRANDPARENT, _RELATIONS["grandparent"], "10") for each in two]
        rows["RELATIONSHIP"] += [(each, _UNREACHABLE, _RELATIONS["guardian"], "2") for each in two]
        rows["RELATIONSHIP"] += [(one, other, _RELATIONS["pupil"], "1") for one in two for other in two if one != other]


def staged(school: School, folder: Path, preset: str | None) -> Built:
    """Milton Park in PASS, with the site's own category of staff explained; see `stages`."""
    database = Wcbs(school, folder / "pass.db")
    return Built(
        lambda url: f'url = "sqlite:///{database.path.as_posix()}"\nother_categories = ["{VISITOR}"]',
        refresh=database.refresh,
    )


def _name(number: int, first: str | None, last: str, email: str | None, contact: str | None = None) -> tuple[Any, ...]:
    return (number, f"N{number}", first, last, email, contact, _CHANGED, *["private"] * len(SENSITIVE))


def _subject(lesson: Lesson) -> str:
    return lesson.name.partition("/")[2].rstrip("0123456789").upper()[:12]
