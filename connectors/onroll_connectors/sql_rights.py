"""The GRANTs that let a login read exactly what a source asks of a SQL database, made from its queries."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from onroll_connectors.rights import Right, Rights
from onroll_connectors.sql_query import Query, is_name, touched
from onroll_connectors.sql_settings import SqlSettings

KNOWN = (
    "The login and the database's user may have been made by whoever looks after the server in another way; the GRANTs are all that onroll uses. Without the last"
    " command a read may make the office wait for a second or two."
)


def asked(rights: Rights, queries: Iterable[Query]) -> list[Right]:
    """The tables of a route that some queries need."""
    tables = touched(queries)
    return [each for each in rights.table if each.name in tables]


def grants(
    settings: SqlSettings, queries: Iterable[Query], named: Callable[[str], str], whole: Collection[str] = ()
) -> list[str]:
    """The commands for an administrator of the database; `named` gives a table's whole name, `whole` are tables of which not every column's name is known.

    A SQLite file has no logins: there is nothing to run.
    """
    if settings.url.startswith("sqlite:"):
        return []
    login = quoted(settings.user or "onroll")
    rights = [
        grant(named(table), () if table in whole else columns, login) + ";"
        for table, columns in touched(queries).items()
    ]
    if settings.url:
        return rights
    made = "FROM WINDOWS" if "\\" in settings.user else "WITH PASSWORD = '...'"
    return [
        f"CREATE LOGIN {login} {made};",
        f"CREATE USER {login} FOR LOGIN {login};",
        *rights,
        "ALTER DATABASE CURRENT SET ALLOW_SNAPSHOT_ISOLATION ON;",
    ]


def grant(table: str, columns: Collection[str], login: str) -> str:
    """The command that lets `login` read some columns, or with none named the whole table."""
    named = f"({', '.join(columns)}) " if columns else ""
    return f"GRANT SELECT {named}ON {table} TO {login}"


def quoted(login: str) -> str:
    """A login's name as a statement has it: DOMAIN\\USER, and what is no plain name, in brackets."""
    return login if is_name(login) else f"[{login.replace(']', ']]')}]"
