"""A simulator of Facility CMIS's database in front of Milton Park: the tables and columns that public integrations read, in a SQLite file.

Three data sets with everybody once in each, and a test set beside them; padded CHARs; both forms of names; both forms of birthdays. Columns with SENSITIVE
names stand beside the known ones, as something of their kind does in the real tables: nothing may read them. Their names are invented.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from onroll_connectors.sandbox.school import Employee, Lesson, Pupil, School
from onroll_connectors.sandbox.sql_file import Table, write
from onroll_connectors.sandbox.stages import Built
from onroll_core.years import ROLLOVERS, Country, academic_year

SENSITIVE = ("Ethnicity", "Religion", "SenStatus", "FreeMeals", "HomePhone", "Address1", "Medical")

_SET = {"SetId": "char(12)"}
_COLUMNS: dict[str, dict[str, str]] = {
    "SETIDDATA": {"setid": "char(12)", "yearstart": "datetime"},
    "STUDENTS": {"StudentId": "char(10)", "Name": "char(60)", "ClassGroupId": "char(8)", "CourseId": "char(8)", "CourseYear": "int"} | _SET,
    "NSTUPERSONAL": {
        "StudentId": "char(10)", "StuTitle": "char(8)", "Surname": "char(40)", "Forename": "char(40)", "Forename2": "char(40)",
        "CalledName": "char(40)", "DateOfBirth": "char(10)", "StuSex": "char(1)", **dict.fromkeys(SENSITIVE, "varchar(60)"),
    } | _SET,
    "UKSTUSTATS": {"StudentId": "char(10)", "UniqueNum": "char(13)"} | _SET,
    "CLASSGROUP": {"ClassGroupId": "char(8)", "Lect1": "char(8)"} | _SET,
    "LECTURER": {"LecturerId": "char(8)", "Name": "char(60)"} | _SET,
    "TEACHINGGROUPS": {"GroupId": "char(10)", "GroupCode": "char(24)", "ModuleId": "char(12)", "CrsYear": "int"} | _SET,
    "STUGROUPS": {"StudentId": "char(10)", "GroupId": "char(10)"} | _SET,
    "MODULE": {"ModuleId": "char(12)", "Name": "char(40)"} | _SET,
    "TIMETABLE": {"LecturerId": "char(8)", "ClassGroupId": "char(8)", "ModuleId": "char(12)"} | _SET,
    "NSTURESULTS": {"StudentId": "char(10)", "ExamId": "char(10)", "Result": "char(4)"} | _SET,
}  # fmt: skip

_Rows = dict[str, list[tuple[Any, ...]]]


@dataclass(slots=True)
class Cmis:
    """One school's database. `unnumbered` are pupils without a row in UKSTUSTATS, `impersonal` those without one in NSTUPERSONAL.

    `module` is the spelling of ModuleId in this database. `fault`: "" or one of "empty", "no staff", "stale", "twice", "stray".
    """

    school: School
    path: Path
    fault: str = ""
    module: str = "ModuleId"
    unnumbered: set[int] = field(default_factory=set)
    impersonal: set[int] = field(default_factory=set)

    @property
    def year(self) -> int:
        """The calendar year in which the current data set began."""
        return academic_year(self.school.today, ROLLOVERS[Country.ENGLAND]) - (2 if self.fault == "stale" else 0)

    def refresh(self) -> None:
        """Write the file again, as the school is now."""
        write(self.path, self.tables())

    def tables(self) -> list[Table]:
        """Every table, as the school is now."""
        rows: _Rows = {name: [] for name in _COLUMNS}
        sets = [self.year + step for step in ((-1, 0) if self.fault == "stale" else (-1, 0, 1))]
        rows["SETIDDATA"] = [(_name(year), datetime(year, 9, 1)) for year in sets]  # noqa: DTZ001 - SQL Server's datetime has no zone
        rows["SETIDDATA"].append(("Test 2011", datetime(2011, 9, 1)))  # noqa: DTZ001
        for year in sets:
            self._fill(rows, _name(year), year - self.year)
        for table in ("STUDENTS", "LECTURER"):
            rows[table].append(_fake(table))
        if self.fault == "twice":
            first = next(row for row in rows["STUDENTS"] if row[-1] == _name(self.year))
            rows["STUDENTS"].append((first[0], "Somebody, Else", *first[2:]))
        if self.fault == "stray":
            rows["STUGROUPS"].append(("999999", rows["TEACHINGGROUPS"][-1][0], _name(self.year)))
        spelt = {"ModuleId": self.module}
        return [
            Table(name, {spelt.get(column, column): kind for column, kind in columns.items()}, rows[name])
            for name, columns in _COLUMNS.items()
        ]

    def _fill(self, rows: _Rows, name: str, step: int) -> None:
        """One data set: the last (-1), the current (0) or the next (1)."""
        pupils = {} if self.fault == "empty" else {each.number: (each, year) for each, year in self._pupils(step)}
        for each, year in pupils.values():
            self._pupil(rows, each, year, name)
        staff = [] if self.fault in ("empty", "no staff") else list(self._staff(step))
        rows["LECTURER"] += [(str(each.number), f"{each.last},{each.first}", name) for each in staff]
        tutors = [str(each.number) for each in staff if each.teaches]
        forms = sorted({_form(each, year) for each, year in pupils.values()})
        for place, form in enumerate(forms):
            tutor = tutors[place % len(tutors)] if tutors else None
            rows["CLASSGROUP"].append((form, tutor, name))
            if tutor is not None:
                rows["TIMETABLE"].append((tutor, form, "REG", name))
        there = {each.number for each in staff}
        for lesson in self.school.classes.values():
            self._lesson(rows, lesson, [each for each in lesson.pupils if each in pupils], there, name)
        rows["MODULE"] += [
            (module, module.title(), name)
            for module in sorted({_module(each) for each in self.school.classes.values()})
        ]

    def _pupils(self, step: int) -> Iterator[tuple[Pupil, int]]:
        """Who is in a data set, and in which year there. Where CMIS keeps somebody who joins and leaves within one year is not known: here it is the
        older set, the only place that those who have left are known to be in."""
        for each in self.school.pupils.values():
            gone = each.status == "left" or (each.ends is not None and each.ends < self.school.today)
            there = each.status == "on roll" and not gone
            if step == -1 and (gone or (there and each.year > 7)):
                yield each, each.year if gone else each.year - 1
            elif (step == 0 and there) or (step == 1 and each.status == "accepted"):
                yield each, each.year
            elif step == 1 and there and each.year < 13:
                yield each, each.year + 1

    def _staff(self, step: int) -> Iterator[Employee]:
        today = self.school.today
        for each in self.school.staff.values():
            gone = each.ends is not None and each.ends < today
            to_come = each.starts > today
            if {-1: not to_come, 0: not gone and not to_come, 1: not gone}[step]:
                yield each

    def _pupil(self, rows: _Rows, pupil: Pupil, year: int, name: str) -> None:
        record = pupil.admission_number
        rows["STUDENTS"].append(
            (
                record,
                f"{pupil.last}, {pupil.legal_first}",
                _form(pupil, year),
                "KS3" if year < 10 else "KS4",
                year,
                name,
            )
        )
        if pupil.number not in self.impersonal:
            born = f"{pupil.born:%Y%m%d}" if pupil.number % 2 else pupil.born.isoformat()
            called = pupil.first if pupil.first != pupil.legal_first else None
            secret = ["private"] * len(SENSITIVE)
            rows["NSTUPERSONAL"].append(
                (record, "Miss", pupil.last, pupil.legal_first, None, called, born, "F", *secret, name)
            )
        if pupil.number not in self.unnumbered:
            rows["UKSTUSTATS"].append((record, pupil.upn, name))
        rows["NSTURESULTS"].append((record, "KS2MAT", "4", name))

    def _lesson(self, rows: _Rows, lesson: Lesson, pupils: list[int], staff: set[int], name: str) -> None:
        record, form = str(lesson.number), lesson.name.partition("/")[0]
        rows["TEACHINGGROUPS"].append((record, lesson.name, _module(lesson), int(form[:-1]), name))
        rows["STUGROUPS"] += [(self.school.pupils[each].admission_number, record, name) for each in pupils]
        rows["TIMETABLE"] += [(str(each), form, _module(lesson), name) for each in lesson.teachers if each in staff]


def staged(school: School, folder: Path, preset: str | None) -> Built:
    """Milton Park in CMIS; see `stages`."""
    database = Cmis(school, folder / "cmis.db")
    return Built(lambda url: f'url = "sqlite:///{database.path.as_posix()}"', refresh=database.refresh)


def _name(year: int) -> str:
    return f"{year}/{year + 1}"


def _form(pupil: Pupil, year: int) -> str:
    return f"{year}{pupil.form[-1]}"


def _module(lesson: Lesson) -> str:
    return lesson.name.partition("/")[2].rstrip("0123456789").upper()[:12]


def _fake(table: str) -> tuple[Any, ...]:
    """Somebody of the test set, whom no read may bring."""
    return (
        ("T1", "Pupil, Test", "7T", "KS3", 7, "Test 2011")
        if table == "STUDENTS"
        else ("TL1", "Lecturer,Test", "Test 2011")
    )
