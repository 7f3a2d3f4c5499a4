"""WCBS PASS by its SQL Server database PassMain: pupils and staff keyed by name_id, forms, subject sets and, where a school asks, contacts.

Tables, columns and rules are those of a published synchronisation that the administrator of a school with PASS wrote. A pupil has one row a year, so that
pupils, forms and sets are filtered by academic year; codes that each site sets for itself are settings.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, Self

from pydantic import Field, model_validator

from onroll_connectors.gives import Gives
from onroll_connectors.own_groups import own_groups
from onroll_connectors.school_years import Year, Years, chosen
from onroll_connectors.sources import wcbs_forms, wcbs_groups, wcbs_people
from onroll_connectors.sources.wcbs_rights import RIGHTS, queries
from onroll_connectors.sources.wcbs_rows import CALENDAR, CELLS, PUPIL, SCHOOL, YEAR, Codes, fold
from onroll_connectors.sql import Database, Reading
from onroll_connectors.sql_query import Query
from onroll_connectors.sql_settings import SqlSettings
from onroll_core.contracts import Context, Finding, Report, Source
from onroll_core.errors import Halt, OnrollError
from onroll_core.people import GroupKind, Role, Snapshot, Status

GIVES = Gives(
    future_staff=False,
    groups=frozenset({GroupKind.YEAR, GroupKind.REGISTRATION, GroupKind.TEACHING}),
    contacts=True,
    untold_students=frozenset({"starts", "ends", "house", "upn", "legal_first", "legal_last"}),
    untold_staff=frozenset({"starts", "ends"}),
    why="PASS's columns for days, houses, UPNs and legal names are not known; staff are in use or not, and those to come are not told apart.",
)


class Settings(SqlSettings):
    """The keys of [school.source] for mis = "wcbs"."""

    database: str = Field("PassMain", description="the database's name")
    table_schema: str = Field("dbo", description="the schema of the tables")
    schools: list[str] = Field(
        default_factory=list, description="SCHOOL.code of those that belong to this school here; all when empty"
    )
    academic_year: str = Field(
        "", description="YEAR.code of the current year, in place of the one that the calendar gives"
    )
    record_types: list[int] = Field(
        default_factory=lambda: [1], description="PUPIL.record_type of pupils; others are not pupils"
    )
    not_in_use: list[str] = Field(
        default_factory=lambda: ["N"], description='what in_use says, beside Y; "" for nothing'
    )
    staff_categories: list[str] = Field(
        default_factory=lambda: ["TEA001", "SUPPLY", "EARLY", "NON001", "COACH"], description="STAFF.category of staff"
    )
    other_categories: list[str] = Field(default_factory=list, description="STAFF.category of others, who are left out")
    year_column: Literal["age_range", "code"] = Field(
        "age_range", description="the column of FORM_YEAR with the year group"
    )
    year_groups: dict[str, str] = Field(
        default_factory=dict, description="year groups as PASS has them, and as they are read elsewhere"
    )
    class_name: str = Field("{code}", description="a set's name; {description} is there as well")
    future: bool = Field(True, description="who is in the next year and not in this one is to come")
    leavers: bool = Field(True, description="who was in last year and is not in this one has left")
    strays: Literal["refuse", "ignore"] = Field(
        "refuse", description="rows that name a person or a set that is not there"
    )
    dates_of_birth: bool = Field(False, description="read dates of birth, for linking, from birth_column")
    birth_column: str = Field(
        "date_of_birth", description="the column of NAME with the date of birth: look it up, it is not published"
    )
    contacts: bool = Field(False, description="also read pupils' contacts: their names, and whose they are")
    contact_rank: int = Field(2, description="RELATIONSHIP.rank up to which somebody is a main contact", ge=1)
    not_contacts: list[str] = Field(
        default_factory=lambda: ["pupil"], description="RELATIONSHIP_TYPE.to_relation of no contact"
    )
    contacts_need_email: bool = Field(
        True, description="leave out contacts without an e-mail address, which is not read itself"
    )

    @model_validator(mode="after")
    def _names(self) -> Self:
        self.check_names("table_schema", "birth_column", class_name=("code", "description"))
        return self


def connect(settings: Settings, context: Context) -> Source:
    """The source; nothing is asked before `check` or `read`."""
    return Wcbs(settings, context)


class Wcbs:
    """The pupils and staff of one PASS database, or of some of its schools."""

    def __init__(self, settings: Settings, context: Context) -> None:
        self._settings, self._context = settings, context
        self._database = Database("PASS", settings, context, settings.table_schema, rights=RIGHTS)
        self._codes = Codes(settings.not_in_use)
        self._today = context.today or context.now().date()

    def close(self) -> None:
        """Let go of the connections."""
        self._database.close()

    def check(self) -> Report:
        """May the login read every table and column, and what is in them?"""
        found: list[Finding] = []
        try:
            with self._database.reading():
                found.append(Finding("ok", f"PASS lets onroll into {self._database.place}."))
            lacking = self._database.lacking(queries(self._settings))
            found += [Finding("problem", sentence) for sentence in lacking]
            if not lacking:
                found += self._looked_at()
        except OnrollError as trouble:
            found.append(Finding("problem", str(trouble)))
        return Report(found)

    def _looked_at(self) -> Iterator[Finding]:
        with self._database.reading() as reading:
            years = self._years(reading)
            schools = self._schools(reading)
            types = self._record_types(reading, years)
        names = [f"{each.name} from {each.starts:%d %B %Y}" for each in years.all]
        yield Finding(
            "ok", f"The academic year of today is {names[0]}; read with it: {', '.join(names[1:]) or 'no other'}."
        )
        yield Finding(
            "ok",
            f"Schools in PASS: {', '.join(sorted(schools)).upper()}; read: {', '.join(self._settings.schools) or 'all'}.",
        )
        if types:
            yield Finding(
                "ok",
                f"Left out are rows of PUPIL with record_type {', '.join(types)}. If those are pupils, name them in record_types.",
            )
        people = self.read().people
        for role, name in ((Role.STUDENT, "pupils"), (Role.STAFF, "staff"), (Role.CONTACT, "contacts")):
            each_of = [
                sum(each.role is role and each.status is status for each in people)
                for status in (Status.ON_ROLL, Status.FUTURE, Status.LEFT)
            ]
            if any(each_of):
                yield Finding(
                    "ok", f"PASS shows {each_of[0]} {name}, {each_of[1]} to come and {each_of[2]} who have left."
                )
        without = sum(
            each.role is Role.STUDENT and each.status is Status.ON_ROLL and each.year_group is None for each in people
        )
        if without:
            yield Finding(
                "warning",
                f"{without} pupils have no year group: their form is not in FORM, or its year is not in FORM_YEAR.",
            )

    def read(self) -> Snapshot:
        """Everyone, from one transaction; raises Unavailable or Halt."""
        with self._database.reading() as reading:
            years = self._years(reading)
            schools = self._schools(reading)
            self._same_database(schools)
            self._known_years(reading, years)
            forms = wcbs_forms.forms(reading, self._settings, self._codes, years)
            found = wcbs_people.People(self._context.school, self._settings, self._codes, schools)
            found.read(reading, years, forms)
            if self._settings.contacts:
                found.read_contacts(reading, years)
            own = [
                each for each in own_groups(found.people.values(), self._context.school) if each.kind is GroupKind.YEAR
            ]
            groups = [
                *own,
                *wcbs_groups.registration(found, forms, years),
                *wcbs_groups.teaching(reading, found, years),
            ]
        return Snapshot(
            self._context.school,
            self._context.now(),
            list(found.people.values()),
            groups,
            academic_year=years.now.starts.year,
        )

    def _years(self, reading: Reading) -> Years:
        """The years of YEAR that are in use, each with its first day in SCHOOL_CALENDAR (the earliest, where a year has several calendars)."""
        in_use = {fold(code): code for code, used in reading.rows(YEAR) if self._codes.in_use(used, "YEAR.in_use")}
        first: dict[str, Year] = {}
        for code, starts in reading.rows(CALENDAR):
            name = fold(CELLS.key(code, "SCHOOL_CALENDAR.academic_year"))
            day = CELLS.day(starts, "SCHOOL_CALENDAR.year_start")
            if name not in in_use:
                continue
            if day is None:
                raise Halt(
                    f"PASS's SCHOOL_CALENDAR does not say when the year {name} begins. Fill in year_start. Nothing was changed."
                )
            if name not in first or day < first[name].starts:
                raw = in_use[name]
                first[name] = Year(raw.rstrip() if isinstance(raw, str) else int(raw), day)
        settings = self._settings
        wrong = "Correct year_start, or name the current year in academic_year."
        years = chosen(
            first.values(), self._today, "PASS's SCHOOL_CALENDAR (years in use)", wrong, settings.academic_year
        )
        return years.wanted(settings.future, settings.leavers)

    def _schools(self, reading: Reading) -> dict[str, str]:
        """SCHOOL.code by its own small letters, with school_id."""
        found = {
            fold(CELLS.key(code, "SCHOOL.code")): CELLS.key(record, "SCHOOL.school_id")
            for record, code in reading.rows(SCHOOL)
        }
        unknown = [each for each in self._settings.schools if fold(each) not in found]
        if unknown or not found:
            raise Halt(
                f"PASS's SCHOOL has no {' and no '.join(unknown) or 'row'} (it has {', '.join(sorted(found)) or 'none'}). Look at schools in [school.source]."
                " Nothing was changed."
            )
        return found

    def _same_database(self, schools: dict[str, str]) -> None:
        """The schools of a database never all change at once: that is another database."""
        if self._context.moving:
            return
        known = self._context.memory.get("schools")
        records = set(schools.values())
        if known is not None and not records & set(known.decode().split()):
            raise Halt(
                "PASS has other schools than it had (their school_id), so this is another database. Nothing was changed. Look at server and database in"
                " [school.source]."
            )
        self._context.memory.put("schools", " ".join(sorted(records)).encode())

    def _known_years(self, reading: Reading, years: Years) -> None:
        """Pupils of a year that nothing lists, or of one to come that has no calendar, would be missing without a word."""
        if self._settings.strays == "ignore":
            return
        used = {fold(code): self._codes.in_use(each, "YEAR.in_use") for code, each in reading.rows(YEAR)}
        dated = {fold(year) for year, _ in reading.rows(CALENDAR)}
        for year, kind in reading.rows(Query("PUPIL", ("academic_year", "record_type"), distinct=True)):
            name = fold(year)
            if CELLS.number(kind, "PUPIL.record_type") not in self._settings.record_types:
                continue
            undated = used.get(name, False) and name > fold(years.now.name) and name not in dated
            if name not in used or undated:
                table = "SCHOOL_CALENDAR" if undated else "YEAR"
                raise Halt(
                    f"PASS's PUPIL has rows of the academic year {CELLS.text(year, 'PUPIL.academic_year')!r}, which {table} does not have. Nothing was changed."
                    ' If they are left over, set strays = "ignore".'
                )

    def _record_types(self, reading: Reading, years: Years) -> list[str]:
        """The record types that rows of the current year have and that are not pupils' here."""
        query = Query("PUPIL", ("record_type",), {"academic_year": (years.now.name,)}, distinct=True)
        found = {CELLS.number(kind, PUPIL.table) for (kind,) in reading.rows(query)}
        return [str(each) for each in sorted(found - set(self._settings.record_types))]
