"""The database behind the store: how it is opened, brought up to date, and how its failures become sentences."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import SQLAlchemyError as AnyFailure

from onroll_core.errors import Halt, OnrollError, Unavailable

HEAD = "0001"
"""The newest migration; `tests/core/test_store_migrations.py` holds it against the folder."""


def open_engine(url: str) -> Engine:
    """An engine for `sqlite:///path` or `postgresql://...`, its schema brought up to date. Raises Halt or Unavailable with a sentence."""
    if url.startswith("postgresql://"):
        url = "postgresql+psycopg://" + url.removeprefix("postgresql://")
    with sentences():
        try:
            engine = create_engine(url)
        except (AnyFailure, ModuleNotFoundError) as failure:
            raise Halt(
                f"The store's url cannot be used: {type(failure).__name__}. It reads sqlite:///FILE, or postgresql://USER@HOST/DATABASE with the"
                " extra onroll[postgresql] installed."
            ) from None
        if engine.dialect.name == "sqlite":
            _prepare_sqlite(engine, url)
        elif engine.dialect.name != "postgresql":
            raise Halt(f"The store can be SQLite or PostgreSQL, not {engine.dialect.name}.")
        _upgrade(engine)
    return engine


def _prepare_sqlite(engine: Engine, url: str) -> None:
    path = engine.url.database
    if path and path != ":memory:" and not Path(path).parent.is_dir():
        raise Halt(f"The folder of the store, {Path(path).parent}, is not there. Make it, or correct [store] url.")

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # transactions are begun by us, below
        cursor = connection.cursor()
        for pragma in ("busy_timeout=15000", "journal_mode=WAL", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begun(connection: Connection) -> None:
        # A writer takes the lock at once, so that two of them wait for each other instead of failing at their first write.
        connection.exec_driver_sql("BEGIN IMMEDIATE")


@contextmanager
def writing(engine: Engine, durable: bool = True) -> Iterator[Connection]:
    """One transaction. `durable` survives a power cut when it returns; without it only a crash of the program (SQLite in WAL: no fsync).

    What may be lost in a power cut is an outcome, which the next run observes anyway; never a name issued or an intention.
    """
    with sentences(), engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            level = "FULL" if durable else "NORMAL"
            connection.connection.driver_connection.execute(f"PRAGMA synchronous={level}")  # type: ignore[union-attr]
        with connection.begin():
            yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection that only reads and takes no lock."""
    with sentences(), engine.connect() as connection:
        yield connection.execution_options(isolation_level="AUTOCOMMIT")


@contextmanager
def sentences() -> Iterator[None]:
    """Turn what the database raises into our errors. A constraint that is broken stays an IntegrityError for who knows what it means."""
    try:
        yield
    except (OnrollError, IntegrityError):
        raise
    except DBAPIError as failure:
        raise _sentence(failure) from None


_SQLITE: dict[str, tuple[type[OnrollError], str]] = {
    "SQLITE_FULL": (
        Halt,
        "The disk that holds the store is full. Nothing of this step was kept. Make room, then run onroll again.",
    ),
    "SQLITE_BUSY": (
        Unavailable,
        "The store is locked by another program. Close whatever has the file open, then run onroll again.",
    ),
    "SQLITE_LOCKED": (
        Unavailable,
        "The store is locked by another program. Close whatever has the file open, then run onroll again.",
    ),
    "SQLITE_READONLY": (
        Halt,
        "The store may not be written: the file or its folder is read-only for this user. Give it the right to write there.",
    ),
    "SQLITE_CANTOPEN": (
        Halt,
        "The store cannot be opened: its folder is not there or may not be entered. Look at [store] url.",
    ),
    "SQLITE_NOTADB": (
        Halt,
        "The store's file is not an onroll database. Look at [store] url, or restore the file from a backup.",
    ),
    "SQLITE_CORRUPT": (
        Halt,
        "The store's file is damaged. Restore it from a backup; nothing was written to any target.",
    ),
    "SQLITE_IOERR": (Halt, "The disk that holds the store gave an error. Look at the disk, then run onroll again."),
}


def _sentence(failure: DBAPIError) -> OnrollError:
    code = getattr(failure.orig, "sqlite_errorname", None)
    if code is not None:
        for start, (kind, words) in _SQLITE.items():
            if code.startswith(start):
                return kind(words)
        return Halt(f"The store refused a step ({code}: {failure.orig}). Nothing of that step was kept.")
    if failure.connection_invalidated or type(failure.orig).__name__ in ("OperationalError", "InterfaceError"):
        return Unavailable(
            "The store's PostgreSQL server does not answer or refuses us. Look at the server and at [store] url."
        )
    return Halt(f"The store refused a step ({type(failure.orig).__name__}). Nothing of that step was kept.")


def _upgrade(engine: Engine) -> None:
    """Bring the schema up to date; quick when it is."""
    with reading(engine) as connection:
        version = _version(connection)
    if version == HEAD:
        return
    from alembic.command import upgrade
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if version is not None and version not in known:
        raise Halt(
            f"The store was made by a newer onroll (its schema is {version}, this program knows {HEAD}). Install that version again;"
            " nothing was changed."
        )
    with writing(engine) as connection:
        config.attributes["connection"] = connection
        if engine.dialect.name == "postgresql":
            connection.execute(
                text("SELECT pg_advisory_xact_lock(7063711)")
            )  # two programs that start at once take turns
        if _version(connection) != HEAD:
            upgrade(config, "head")


def _version(connection: Connection) -> str | None:
    """The schema's revision, or None for an empty database; raises Halt for somebody else's."""
    tables = set(engine_tables(connection))
    if "alembic_version" not in tables:
        if tables:
            raise Halt("The store's database holds other tables and is not onroll's. Look at [store] url.")
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if found is None else str(found)


def engine_tables(connection: Connection) -> list[str]:
    """The names of the tables that are there."""
    from sqlalchemy import inspect

    return inspect(connection).get_table_names()
