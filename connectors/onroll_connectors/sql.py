"""A MIS's SQL database, only ever read: one consistent transaction for a whole read, rows streamed, failures that name table and column.

The one module outside the store that knows SQLAlchemy, imported on use. Sources say what they want as a `Query`; joins are theirs, so that a row
that is missing on one side is seen and never lost in a join.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from onroll_connectors.rights import Rights
from onroll_connectors.sql_failures import Kind, kind
from onroll_connectors.sql_query import Query, touched
from onroll_connectors.sql_rights import grant, quoted
from onroll_connectors.sql_settings import SqlSettings
from onroll_core.contracts import Context
from onroll_core.errors import Halt, OnrollError, Unavailable

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine, Select

_AT_ONCE = 1000


def statement(query: Query, schema: str = "", prefix: str = "") -> Select[Any]:
    """The SELECT of a query, for any database."""
    from sqlalchemy import column, or_, select, table

    names = query.touched[query.table]
    here = table(prefix + query.table, *(column(name) for name in names), schema=schema or None)
    made = select(*(here.c[name] for name in query.columns))
    for name, values in query.where.items():
        made = made.where(or_(*(here.c[name] == value for value in values)))
    for name in query.filled:
        made = made.where(here.c[name].is_not(None))
    for name, inner in query.within.items():
        made = made.where(here.c[name].in_(statement(inner, schema, prefix)))
    return made.distinct() if query.distinct else made


class Reading:
    """One transaction: everything it gives is of one moment, where the server can do that."""

    def __init__(self, database: Database, connection: Connection) -> None:
        self._database, self._connection = database, connection

    def rows(self, query: Query) -> Iterator[Sequence[Any]]:
        """The rows, streamed, and their number held against the database's own. Raises Unavailable or Halt."""
        from sqlalchemy import func, select

        database, found = self._database, 0
        made = database.statement(query)
        with database.sentences(query):
            result = self._connection.execute(made.execution_options(yield_per=_AT_ONCE))
        try:
            while True:
                database.go_on()
                with database.sentences(query):
                    part = result.fetchmany(_AT_ONCE)
                if not part:
                    break
                found += len(part)
                yield from part
                database.progress(query.table, found)
        finally:
            result.close()
        with database.sentences(query):
            total = self._connection.execute(select(func.count()).select_from(made.subquery())).scalar()
        if total != found:
            raise Unavailable(
                f"{database.what} sent {found} rows of {query.table} and counts {total}: somebody changed it while it was read. Nothing was changed."
            )

    def columns(self, table: str) -> frozenset[str]:
        """The names of a table's columns that the login may see, in small letters; none for a table that it may not see."""
        return self._database.columns(self._connection, table)


class Database:
    """The database of one MIS, which people call `what`. `schema` and `prefix` stand before the names of its tables; `rights` say what each is for,
    and `whole` are those of which not every column's name is known."""

    def __init__(
        self,
        what: str,
        settings: SqlSettings,
        context: Context,
        schema: str = "",
        prefix: str = "",
        rights: Rights | None = None,
        whole: Collection[str] = (),
    ) -> None:
        self.what, self.place, self._rights, self._whole = what, settings.place, rights, whole
        self._login = quoted(settings.user) if settings.user else "the login"
        self._settings, self._context, self._prefix = settings, context, prefix
        self._schema = "" if settings.url.startswith("sqlite:") else schema  # a SQLite file has no schemas
        self._opened: Engine | None = None

    def close(self) -> None:
        """Let go of the connections; may be called twice."""
        if self._opened is not None:
            self._opened.dispose()
            self._opened = None

    def named(self, table: str) -> str:
        """A table's whole name, for sentences."""
        return f"{self._schema}.{self._prefix}{table}" if self._schema else f"{self._prefix}{table}"

    def statement(self, query: Query) -> Select[Any]:
        """The SELECT of a query in this database."""
        return statement(query, self._schema, self._prefix)

    def go_on(self) -> None:
        """Raises Unavailable when the window has ended."""
        if self._context.stopping():
            raise Unavailable("The window ended while the MIS was being read. Nothing was changed.")

    def progress(self, table: str, rows: int) -> None:
        """Tell whoever watches."""
        self._context.progress(f"reading {table}", rows, None)

    @contextmanager
    def reading(self) -> Iterator[Reading]:
        """One read-only transaction for the length of the block. Raises Unavailable or Halt."""
        with self.sentences():
            connection = self._engine.connect()
        try:
            with self.sentences():
                connection.execution_options(**self._isolation(connection))
                connection.begin()
            yield Reading(self, connection)
        finally:
            connection.close()

    def lacking(self, queries: Sequence[Query]) -> list[str]:
        """What a login cannot read of these, a sentence for each table, and nothing when it can read everything."""
        return [
            f"{sentence}{self._purpose(table)}"
            for table, columns in touched(queries).items()
            for sentence in self._lacking(table, columns)
        ]

    def _purpose(self, table: str) -> str:
        right = self._rights.named(table) if self._rights is not None else None
        return f" It is for {right.purpose}, and nothing is read without it." if right is not None else ""

    def columns(self, connection: Connection, table: str) -> frozenset[str]:
        """See `Reading.columns`."""
        from sqlalchemy import inspect
        from sqlalchemy.exc import NoSuchTableError

        try:
            with self.sentences():
                found = inspect(connection).get_columns(self._prefix + table, schema=self._schema or None)
        except NoSuchTableError:
            return frozenset()
        return frozenset(each["name"].casefold() for each in found)

    @contextmanager
    def sentences(self, query: Query | None = None) -> Iterator[None]:
        """Turn what the database raises into our errors; the original, which may show people's data, is not carried along."""
        from sqlalchemy.exc import DBAPIError, NoSuchTableError

        try:
            yield
        except NoSuchTableError:
            raise
        except (DBAPIError, sqlite3.Error) as failure:
            found = kind(failure.orig if isinstance(failure, DBAPIError) else failure)
            raise self._error(found, query) from None
        except (UnicodeError, OverflowError, ValueError):
            raise Unavailable(
                f"{self.what} sent a value that cannot be read{f' from {self.named(query.table)}' if query else ''}. Nothing was changed."
            ) from None

    def _error(self, found: Kind, query: Query | None) -> OnrollError:
        if query is not None and found in (Kind.SHAPE, Kind.DENIED, Kind.UNKNOWN):
            try:
                lacking = self.lacking([query])
            except OnrollError as trouble:
                return trouble
            if lacking:
                return Halt(f"{' '.join(lacking)} Nothing was changed.")
        at = f", while {self.named(query.table)} was read" if query is not None else ""
        place = self.place
        sentences = {
            Kind.LOGIN: f"{self.what} does not let onroll into {place}: the login or its password is wrong, or it is locked or has expired.",
            Kind.DATABASE: f"{self.what}: {place} is not there, or the login may not use it. Look at the name, and make the login a user of it.",
            Kind.SHAPE: f"{self.what}: a table or a column of {place} is not there{at}.",
            Kind.DENIED: f"{self.what}: the login may not read {place}{at}. Grant it SELECT on what docs/mis names.",
            Kind.DAMAGED: f"{self.what}: {place} is damaged, or is no database{at}. Restore it.",
        }
        if found in sentences:
            return Halt(f"{sentences[found]} Nothing was changed.")
        tried = {
            Kind.BUSY: "is locked by another program",
            Kind.SLOW: f"did not answer within {self._settings.timeout} seconds",
            Kind.AWAY: "cannot be reached (is the server up, may this machine reach its port, and does it encrypt connections?)",
        }
        return Unavailable(
            f"{self.what}: {place} {tried.get(found, 'gave an error that onroll does not know')}{at}. It is tried again later."
        )

    def _lacking(self, table: str, columns: tuple[str, ...]) -> list[str]:
        """Tried without asking for a row, since what a login sees of a database's description is not what it may read."""
        found = self._tried(table, columns)
        if found is None:
            return []
        name = self.named(table)
        with self.sentences():
            connection = self._engine.connect()
        with connection:
            known = self.columns(connection, table)
        if known:
            # A SQL Server hides what a login may not read also from what it says of its tables; the failure itself tells the two apart.
            missing = [each for each in columns if each.casefold() not in known] if found is not Kind.DENIED else []
            if missing:
                return [
                    f"{self.what}: the table {name} of {self.place} has no column {' and no column '.join(missing)}."
                ]
            denied = [each for each in columns if self._tried(table, (each,)) is not None]
            if denied and len(denied) < len(columns):
                return [
                    f"{self.what}: the login may not read {', '.join(denied)} of {name}. Run there: {grant(name, denied, self._login)}."
                ]
        if known or found is Kind.DENIED:
            return [
                f"{self.what}: the login may not read the table {name} of {self.place}. Run there: {grant(name, () if table in self._whole else columns, self._login)}."
            ]
        return [f"{self.what}: {self.place} has no table {name}, or hides it from the login. Is it the right database?"]

    def _tried(self, table: str, columns: tuple[str, ...]) -> Kind | None:
        """Why these columns cannot be read, or None when they can."""
        from sqlalchemy import false
        from sqlalchemy.exc import DBAPIError

        with self.sentences():
            connection = self._engine.connect()
        with connection:
            try:
                connection.execute(self.statement(Query(table, columns)).where(false())).close()
            except DBAPIError as failure:
                found = kind(failure.orig)
                if found in (Kind.SHAPE, Kind.DENIED, Kind.UNKNOWN):
                    return found
                raise self._error(found, None) from None
        return None

    @property
    def _engine(self) -> Engine:
        if self._opened is None:
            self._opened = engine(self.what, self._settings)
        return self._opened

    def _isolation(self, connection: Connection) -> dict[str, Any]:
        """How this server gives one moment to several queries: a snapshot, or else locks that are let go when the read ends."""
        if connection.dialect.name == "postgresql":
            return {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        if connection.dialect.name != "mssql":
            return {}
        from sqlalchemy import column, func, select, table

        databases = table("databases", column("name"), column("snapshot_isolation_state"), schema="sys")
        state = connection.execute(
            select(databases.c.snapshot_isolation_state).where(databases.c.name == func.db_name())
        ).scalar()
        connection.rollback()
        return {"isolation_level": "SNAPSHOT" if state == 1 else "REPEATABLE READ"}


def engine(what: str, settings: SqlSettings) -> Engine:
    """The engine for a source's database; nothing is asked of the server yet. Raises Halt when the driver is missing."""
    from sqlalchemy import create_engine, event, make_url
    from sqlalchemy.engine import URL
    from sqlalchemy.pool import NullPool

    try:
        if settings.url.startswith("sqlite:"):
            opened = partial(_open_file, settings.url.removeprefix("sqlite:///"), settings.timeout)
            made = create_engine("sqlite://", creator=opened, poolclass=NullPool, hide_parameters=True)
            event.listen(made, "begin", lambda connection: connection.connection.cursor().execute("BEGIN"))
        elif settings.url:
            options = f"-c statement_timeout={settings.timeout}s -c default_transaction_read_only=on"
            arguments: dict[str, Any] = {"connect_timeout": settings.login_timeout, "options": options}
            made = create_engine(
                make_url(settings.url).set(drivername="postgresql+psycopg"),
                connect_args=arguments,
                hide_parameters=True,
            )
        else:
            by_name = "\\" in settings.server
            url = URL.create(
                "mssql+pymssql",
                settings.user,
                None,
                settings.server,
                None if by_name else settings.port,
                settings.database,
            )
            arguments = {
                "timeout": settings.timeout, "login_timeout": settings.login_timeout, "appname": "onroll",
                "encryption": "require" if settings.encrypt else "request", "read_only": settings.read_intent,
            }  # fmt: skip
            made = create_engine(url, connect_args=arguments, pool_size=1, hide_parameters=True)
    except ModuleNotFoundError:
        extra = "postgresql" if settings.url else "mssql"
        raise Halt(
            f"The driver for {what}'s database is missing. Install it with onroll: pip install onroll[{extra}]."
        ) from None
    if settings.password is not None:
        # Given at the moment of connecting, so that no engine and no URL ever holds it.
        secret = settings.password
        event.listen(made, "do_connect", lambda dialect, record, args, given: given.update(password=secret.reveal()))
    event.listen(made, "before_cursor_execute", _only_reads)
    return made


def _only_reads(connection: Connection, cursor: Any, words: str, parameters: Any, context: Any, many: bool) -> None:
    """The last gate: whatever is not a question never reaches the MIS."""
    allowed = {"sqlite": ("SELECT", "PRAGMA main.table_", "PRAGMA temp.table_"), "postgresql": ("SELECT", "show ")}
    if (
        not words.lstrip()
        .upper()
        .startswith(tuple(each.upper() for each in allowed.get(connection.dialect.name, ("SELECT",))))
    ):
        raise Halt(
            "onroll only reads a MIS, and something asked for more than a SELECT. Nothing was sent; please report this."
        )


def _open_file(path: str, timeout: int) -> sqlite3.Connection:
    """A SQLite file as it is: neither made when it is not there nor written. Transactions are begun by us."""
    connection = sqlite3.connect(
        f"{Path(path).absolute().as_uri()}?mode=ro",
        uri=True,
        isolation_level=None,
        timeout=timeout,
        check_same_thread=False,
    )
    connection.execute("PRAGMA query_only=ON")
    return connection
