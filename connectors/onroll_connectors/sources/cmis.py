"""Facility CMIS by its SQL Server database: pupils and lecturers of the data sets around today, keyed by StudentId and LecturerId.

Tables and columns are those that two published Moodle integrations read. Every table holds one copy of everybody for each academic year, the data set:
each is filtered by it. Where nothing published says how a thing is kept, it is a setting.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from onroll_connectors.gives import Gives
from onroll_connectors.own_groups import own_groups
from onroll_connectors.school_years import Year, Years, chosen, first_day
from onroll_connectors.shape import trimmed
from onroll_connectors.sources import cmis_groups
from onroll_connectors.sources.cmis_rights import RIGHTS, SETS, people_queries, whole
from onroll_connectors.sql import Database, Reading
from onroll_connectors.sql_query import Cells, Query
from onroll_connectors.sql_settings import SqlSettings
from onroll_core.contracts import Context, Finding, Report, Source
from onroll_core.errors import Halt, OnrollError, Unavailable
from onroll_core.people import Group, GroupKind, Person, Role, Snapshot, SourceKey, Status

GIVES = Gives(
    groups=frozenset({GroupKind.YEAR, GroupKind.REGISTRATION, GroupKind.TEACHING}),
    untold_students=frozenset({"starts", "ends", "house", "legal_last"}),
    untold_staff=frozenset({"starts", "ends", "staff_code"}),
    why="CMIS keeps everybody once a year: who is in the next data set alone is to come, and who is in the last one alone has left."
    " Its columns for days, houses, contacts and e-mail addresses are not known.",
)
_CELLS = Cells("CMIS")


class Settings(SqlSettings):
    """The keys of [school.source] for mis = "cmis"."""

    table_schema: str = Field("", description="the schema of the tables, where it is not the login's own")
    prefix: str = Field("", description="what stands before every table's name")
    data_set: str = Field("", description="the current data set, in place of the one that the date gives")
    skip_sets: list[str] = Field(
        default_factory=lambda: ["test"], description="data sets with one of these words in their name are left out"
    )
    future: bool = Field(True, description="who is in the next data set and not in this one is to come")
    leavers: bool = Field(True, description="who is in the last data set and not in this one has left")
    year_column: Literal["CourseYear", "CourseId"] = Field(
        "CourseYear", description="the column of STUDENTS with the year group"
    )
    year_groups: dict[str, str] = Field(
        default_factory=dict, description="year groups as CMIS has them, and as they are read elsewhere"
    )
    class_name: str = Field("{code}", description="a teaching group's name; {subject} is there as well")
    module_column: str = Field("", description="ModuleId or mdId, in place of the one that is there")
    teachers: Literal["form and subject", "column", "none"] = Field(
        "form and subject", description="how TIMETABLE tells whose a teaching group is"
    )
    timetable_column: str = Field(
        "GroupId", description='for teachers = "column": the column of TIMETABLE with the GroupId'
    )
    strays: Literal["refuse", "ignore"] = Field(
        "refuse", description="rows that name a person or a group that is not there"
    )
    dates_of_birth: bool = Field(False, description="read dates of birth, for linking")

    @model_validator(mode="after")
    def _names(self) -> Self:
        self.check_names("table_schema", "prefix", "module_column", "timetable_column", class_name=("code", "subject"))
        return self


def connect(settings: Settings, context: Context) -> Source:
    """The source; nothing is asked before `check` or `read`."""
    return Cmis(settings, context)


@dataclass(slots=True)
class _Found:
    """People by role and id, as they are met: the current data set first."""

    people: dict[SourceKey, Person] = field(default_factory=dict)
    students: dict[str, SourceKey] = field(default_factory=dict)
    staff: dict[str, SourceKey] = field(default_factory=dict)


class Cmis:
    """One school's CMIS."""

    def __init__(self, settings: Settings, context: Context) -> None:
        self._settings, self._context = settings, context
        self._database = Database(
            "CMIS", settings, context, settings.table_schema, settings.prefix, RIGHTS, whole(settings)
        )
        self._today = context.today or context.now().date()

    def close(self) -> None:
        """Let go of the connections."""
        self._database.close()

    def check(self) -> Report:
        """May the login read every table and column, and what is in them?"""
        found: list[Finding] = []
        try:
            with self._database.reading() as reading:
                found.append(Finding("ok", f"CMIS lets onroll into {self._database.place}."))
                wanted = cmis_groups.queries(self._settings, reading, ())
            lacking = self._database.lacking([SETS, *people_queries(self._settings, ()), *wanted.values()])
            found += [Finding("problem", sentence) for sentence in lacking]
            if not lacking:
                found += self._looked_at()
        except OnrollError as trouble:
            found.append(Finding("problem", str(trouble)))
        return Report(found)

    def _looked_at(self) -> Iterator[Finding]:
        with self._database.reading() as reading:
            years = self._years(reading.rows(SETS))
        names = [f"{each.name!r} from {each.starts:%d %B %Y}" for each in years.all]
        yield Finding("ok", f"The data set of today is {names[0]}; read with it: {', '.join(names[1:]) or 'no other'}.")
        people = self.read().people
        for role, name in ((Role.STUDENT, "pupils"), (Role.STAFF, "lecturers")):
            counts = [
                sum(1 for each in people if each.role is role and each.status is status)
                for status in (Status.ON_ROLL, Status.FUTURE, Status.LEFT)
            ]
            yield Finding("ok", f"CMIS shows {counts[0]} {name}, {counts[1]} to come and {counts[2]} who have left.")

    def read(self) -> Snapshot:
        """Everyone of the data sets around today, from one transaction; raises Unavailable or Halt."""
        found = _Found()
        with self._database.reading() as reading:
            listed = list(reading.rows(SETS))
            years = self._years(listed)
            self._same_database(years)
            self._known_sets(reading, {_fold(name) for name, _ in listed})
            self._students(reading, years, found)
            self._lecturers(reading, years, found)
            self._somebody(found, years)
            groups = self._groups(reading, years, found)
        return Snapshot(
            self._context.school,
            self._context.now(),
            list(found.people.values()),
            groups,
            academic_year=years.now.starts.year,
        )

    # --- data sets ---

    def _years(self, listed: Iterable[Sequence[Any]]) -> Years:
        years = chosen(
            self._sets(listed), self._today, "CMIS's SETIDDATA", "Leave one out by a word in skip_sets, or name the current one in data_set.",
            self._settings.data_set,
        )  # fmt: skip
        settings = self._settings
        return years.wanted(settings.future, settings.leavers)

    def _sets(self, listed: Iterable[Sequence[Any]]) -> Iterator[Year]:
        seen: dict[str, date] = {}
        for name, begins in listed:
            plain = _CELLS.key(name, "SETIDDATA.setid")
            if any(word.casefold() in plain.casefold() for word in self._settings.skip_sets if word):
                continue
            starts = self._first_day(begins, plain)
            if plain.casefold() in seen:
                if seen[plain.casefold()] != starts:
                    raise Halt(
                        f"CMIS's SETIDDATA has the data set {plain!r} twice, with two first days. Nothing was changed."
                    )
                continue
            seen[plain.casefold()] = starts
            yield Year(str(name).rstrip(), starts)

    def _first_day(self, value: Any, name: str) -> date:
        """SETIDDATA.yearstart: a date, or a year alone, whose first day is then the country's."""
        text = None if isinstance(value, date) else _text(value, "SETIDDATA.yearstart")
        if text is not None and len(text) == 4 and text.isdecimal() and 1900 < int(text) < 2200:
            return first_day(int(text), self._context.country)
        day = _CELLS.day(value if isinstance(value, date) else text, "SETIDDATA.yearstart")
        if day is None:
            raise Halt(
                f"CMIS's SETIDDATA does not say when {name!r} begins. Fill it in, or leave the set out by a word in skip_sets. Nothing was changed."
            )
        return day

    def _same_database(self, years: Years) -> None:
        """A school never loses all its data sets at once: that is another database."""
        known = self._context.memory.get("sets")
        names = {str(each.name).casefold() for each in years.all}
        if known is not None and not self._context.moving and not names & set(known.decode().split("\n")):
            raise Halt(
                f"CMIS has none of the data sets that it had ({known.decode().replace(chr(10), ', ')}), so this is another database. Nothing was changed."
                " Look at server and database in [school.source]."
            )
        if not self._context.moving:
            self._context.memory.put("sets", "\n".join(sorted(names)).encode())

    def _known_sets(self, reading: Reading, listed: set[str]) -> None:
        """People of a data set that nothing lists would be missing without a word."""
        if self._settings.strays == "ignore":
            return
        for table in ("STUDENTS", "LECTURER"):
            for (name,) in reading.rows(Query(table, ("SetId",), distinct=True)):
                if _fold(name) not in listed:
                    raise Halt(
                        f"CMIS's {table} has rows of the data set {_text(name, f'{table}.SetId')!r}, which SETIDDATA does not list. Nothing was changed."
                        ' If they are left over, set strays = "ignore".'
                    )

    # --- people ---

    def _students(self, reading: Reading, years: Years, found: _Found) -> None:
        people, personal, numbers, _ = people_queries(self._settings, [each.name for each in years.all])
        details, upns = self._by_id(reading, personal), self._by_id(reading, numbers)
        rows = self._by_id(reading, people)
        for orphan in (*details, *upns) if self._settings.strays == "refuse" else ():
            if orphan not in rows:
                raise Unavailable(
                    f"CMIS has details of the pupil {orphan[1]} in the data set {orphan[0]!r}, and no row of them in STUDENTS. Nothing was changed."
                    ' If such rows are left over, set strays = "ignore".'
                )
        for year in years.all:
            for (name, plain), row in rows.items():
                if name != _fold(year.name) or plain in found.students:
                    continue
                person = self._student(row, details.get((name, plain)), upns.get((name, plain)), year, years)
                found.students[plain] = person.key
                found.people[person.key] = person

    def _student(
        self, row: Sequence[Any], details: Sequence[Any] | None, number: Sequence[Any] | None, year: Year, years: Years
    ) -> Person:
        record = _CELLS.key(row[1], "STUDENTS.StudentId")
        last, forename = _parted(_text(row[2], "STUDENTS.Name"))
        called = None
        if details is not None:
            last = _text(details[2], "NSTUPERSONAL.Surname") or last
            forename = _text(details[3], "NSTUPERSONAL.Forename") or forename
            called = _text(details[4], "NSTUPERSONAL.CalledName")
        group = _text(row[4], f"STUDENTS.{self._settings.year_column}")
        status = _status(year, years)
        return Person(
            SourceKey(self._context.school, f"student:{record}"),
            Role.STUDENT,
            status,
            first=called or forename,
            last=last,
            legal_first=forename,
            # The first day of a pupil is not known; who comes with the next data set comes in its year, and not before it begins.
            starts=year.starts if status is Status.FUTURE else None,
            year_group=self._settings.year_groups.get(group, group) if group else None,
            registration_group=_text(row[3], "STUDENTS.ClassGroupId"),
            upn=_text(number[2], "UKSTUSTATS.UniqueNum") if number is not None else None,
            admission_number=record,
            dob=_CELLS.day(details[5], "NSTUPERSONAL.DateOfBirth")
            if details is not None and self._settings.dates_of_birth
            else None,
        )

    def _lecturers(self, reading: Reading, years: Years, found: _Found) -> None:
        rows = self._by_id(reading, people_queries(self._settings, [each.name for each in years.all])[3])
        for year in years.all:
            for (name, plain), row in rows.items():
                if name != _fold(year.name) or plain in found.staff:
                    continue
                last, first = _parted(_text(row[2], "LECTURER.Name"))
                key = SourceKey(self._context.school, f"staff:{_CELLS.key(row[1], 'LECTURER.LecturerId')}")
                status = _status(year, years)
                starts = year.starts if status is Status.FUTURE else None
                found.staff[plain] = key
                found.people[key] = Person(key, Role.STAFF, status, first=first, last=last, starts=starts)

    def _by_id(self, reading: Reading, query: Query) -> dict[tuple[str, str], Sequence[Any]]:
        """Rows by data set and id, in small letters, as SQL Server compares them. A row that comes twice counts once, unless the two differ."""
        rows: dict[tuple[str, str], Sequence[Any]] = {}
        for row in reading.rows(query):
            key = (_fold(row[0]), _CELLS.key(row[1], f"{query.table}.{query.columns[1]}").casefold())
            before = rows.setdefault(key, row)
            if before is not row and [_plain(each) for each in before] != [_plain(each) for each in row]:
                raise Halt(
                    f"CMIS's {query.table} has two rows of {query.columns[1]} {trimmed(str(row[1]))} in the data set {trimmed(str(row[0]))!r}, and they"
                    " differ. Nothing was changed. Look for the duplicate in CMIS."
                )
        return rows

    def _somebody(self, found: _Found, years: Years) -> None:
        for role, table in ((Role.STUDENT, "STUDENTS"), (Role.STAFF, "LECTURER")):
            if not any(each.role is role and each.status is Status.ON_ROLL for each in found.people.values()):
                raise Halt(
                    f"CMIS shows nobody in {table} for the data set {years.now.name!r}. Has it been filled, and may the login see its rows? Nothing was changed."
                )

    # --- groups ---

    def _groups(self, reading: Reading, years: Years, found: _Found) -> list[Group]:
        wanted = cmis_groups.queries(self._settings, reading, (years.now.name,))
        there = {key: each for key, each in found.people.items() if each.status is Status.ON_ROLL}
        people = cmis_groups.People(there, found.students, found.staff, self._settings.strays == "refuse")
        own = own_groups(found.people.values(), self._context.school)
        return [
            *cmis_groups.led(own, reading, wanted["CLASSGROUP"], people),
            *cmis_groups.taught(self._settings, reading, wanted, people, there, self._context.school),
        ]


def _status(year: Year, years: Years) -> Status:
    if year is years.now:
        return Status.ON_ROLL
    return Status.FUTURE if year is years.following else Status.LEFT


def _fold(value: object) -> str:
    """A value as SQL Server compares it: blanks at its end and capitals do not count."""
    return trimmed(str(value)).casefold()


def _plain(value: Any) -> Any:
    return trimmed(value) if isinstance(value, str) else value


def _text(value: Any, where: str) -> str | None:
    return _CELLS.text(value, where)


def _parted(name: str | None) -> tuple[str | None, str | None]:
    """ "Surname, Forename" (STUDENTS) or "Surname,Forename" (LECTURER): the last name and the first, parted at the first comma."""
    last, _, first = (name or "").partition(",")
    return trimmed(last) or None, trimmed(first) or None
