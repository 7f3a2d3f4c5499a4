"""What is asked of PASS's tables, and the login that may read exactly that."""

from __future__ import annotations

from typing import Protocol, cast

from onroll_connectors.rights import Right, Rights
from onroll_connectors.sources import wcbs_groups, wcbs_people
from onroll_connectors.sources.wcbs_rows import CALENDAR, SCHOOL, YEAR
from onroll_connectors.sources.wcbs_rows import Wishes as Rows
from onroll_connectors.sql_query import Query
from onroll_connectors.sql_rights import KNOWN, grants
from onroll_connectors.sql_rights import asked as needed
from onroll_connectors.sql_settings import SqlSettings

_CONTACTS = ({"contacts": True},)

RIGHTS = Rights(
    "PASS",
    "table",
    "Whoever looks after the SQL Server makes a login of onroll's own in PassMain that may read these tables and nothing else:",
    "Let whoever looks after the server run the GRANTs of docs/mis/wcbs.md",
    f"Tables and columns are those of a published synchronisation; the column with dates of birth (birth_column) is not published: look it up. {KNOWN}",
    (
        Right("YEAR", "which academic years are in use"),
        Right("SCHOOL_CALENDAR", "when an academic year begins"),
        Right("SCHOOL", "which school it is"),
        Right("PUPIL", "pupils"),
        Right("NAME", "names of pupils, staff and contacts, and with dates_of_birth = true dates of birth"),
        Right("STAFF", "staff"),
        Right("FORM", "registration groups and their tutors"),
        Right("FORM_YEAR", "year groups"),
        Right("RELATIONSHIP_TYPE", "who is a contact and who is not", _CONTACTS),
        Right("RELATIONSHIP", "whose contact somebody is", _CONTACTS),
        Right("SUBJECT_SET", "teaching groups and who takes them"),
        Right("PUPIL_SET", "who is in a teaching group"),
    ),
)


class Wishes(Rows, Protocol):
    """The settings that queries are made by; see `wcbs.Settings`."""

    @property
    def table_schema(self) -> str: ...


def queries(wishes: Rows) -> list[Query]:
    """Everything that is asked, of no year in particular."""
    return [YEAR, CALENDAR, SCHOOL, *wcbs_people.queries(wishes, ()), *wcbs_groups.queries(())]


def asked(settings: Rows) -> list[Right]:
    """The tables that these settings ask for."""
    return needed(RIGHTS, queries(settings))


def commands(settings: SqlSettings) -> list[str]:
    """The GRANTs for them; `settings` are `wcbs.Settings`."""
    told = cast("Wishes", settings)
    before = f"{told.table_schema}." if told.table_schema else ""
    return grants(settings, queries(told), lambda table: f"{before}{table}")
