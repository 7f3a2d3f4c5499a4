"""What is asked of CMIS's tables, and the login that may read exactly that."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol, cast

from onroll_connectors.rights import Right, Rights
from onroll_connectors.sources import cmis_groups
from onroll_connectors.sql_query import Query
from onroll_connectors.sql_rights import KNOWN, grants
from onroll_connectors.sql_rights import asked as needed
from onroll_connectors.sql_settings import SqlSettings

SETS = Query("SETIDDATA", ("setid", "yearstart"))

RIGHTS = Rights(
    "CMIS",
    "table",
    "Whoever looks after the SQL Server makes a login of onroll's own in the CMIS database that may read these tables and nothing else:",
    "Let whoever looks after the server run the GRANTs of docs/mis/cmis.md",
    f"Tables and columns are those that published integrations read; TEACHINGGROUPS, TIMETABLE and MODULE are granted whole, because ModuleId is mdId in some databases"
    f" (module_column names it). {KNOWN}",
    (
        Right("SETIDDATA", "which data set is this year's"),
        Right("STUDENTS", "pupils, their registration group and year group"),
        Right("NSTUPERSONAL", "names of pupils, and with dates_of_birth = true their dates of birth"),
        Right("UKSTUSTATS", "UPNs"),
        Right("LECTURER", "staff"),
        Right("CLASSGROUP", "tutors of registration groups"),
        Right("TEACHINGGROUPS", "teaching groups"),
        Right("STUGROUPS", "who is in a teaching group"),
        Right("TIMETABLE", "who takes a teaching group", words='`teachers` other than "none"'),
        Right("MODULE", "subjects in the names of teaching groups", words="`class_name` that holds {subject}"),
    ),
)


class Wishes(cmis_groups.Wishes, Protocol):
    """The settings that queries are made by; see `cmis.Settings`."""

    @property
    def dates_of_birth(self) -> bool: ...
    @property
    def year_column(self) -> str: ...
    @property
    def table_schema(self) -> str: ...
    @property
    def prefix(self) -> str: ...


class _Unseen:
    """A database that nobody has looked into yet."""

    def columns(self, table: str) -> Collection[str]:
        return ()


def people_queries(wishes: Wishes, sets: Sequence[object]) -> list[Query]:
    """STUDENTS, NSTUPERSONAL, UKSTUSTATS and LECTURER of some data sets."""
    where = {"SetId": sets}
    birth = ("DateOfBirth",) if wishes.dates_of_birth else ()
    return [
        Query("STUDENTS", ("SetId", "StudentId", "Name", "ClassGroupId", wishes.year_column), where),
        Query("NSTUPERSONAL", ("SetId", "StudentId", "Surname", "Forename", "CalledName", *birth), where),
        Query("UKSTUSTATS", ("SetId", "StudentId", "UniqueNum"), where),
        Query("LECTURER", ("SetId", "LecturerId", "Name"), where),
    ]


def asked(settings: Wishes) -> list[Right]:
    """The tables that these settings ask for."""
    return needed(RIGHTS, _queries(settings))


def commands(settings: SqlSettings) -> list[str]:
    """The GRANTs for them; `settings` are `cmis.Settings`."""
    told = cast("Wishes", settings)
    before = f"{told.table_schema}." if told.table_schema else ""
    return grants(settings, _queries(told), lambda table: f"{before}{told.prefix}{table}", whole(told))


def whole(wishes: Wishes) -> Collection[str]:
    """The tables that have the column with two spellings, where nobody has said which it is."""
    return () if wishes.module_column else ("TEACHINGGROUPS", "TIMETABLE", "MODULE")


def _queries(wishes: Wishes) -> list[Query]:
    return [SETS, *people_queries(wishes, ()), *cmis_groups.queries(wishes, _Unseen(), ()).values()]
