"""The database behind the store: how it is opened and brought up to date, and how a transaction begins and ends."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.exc import ArgumentError

from onroll_core.errors import Halt
from onroll_core.store.failures import is_busy, sentences
from onroll_core.store.sqlite_files import keep_before

HEAD = "0007"
"""The newest migration; a test holds it against the folder, so that an up-to-date store is opened without loading Alembic."""

_WRITES = "onroll_writes"


def open_engine(url: str, patience: float, version: str = HEAD) -> Engine:
    """An engine for `sqlite:///FILE` or `postgresql://...`, its schema brought up to date; `version` is an older one only for a copy of an older store.

    `patience` is how many seconds a writer waits for another one. Before an older store in a file is upgraded, a copy of it is put beside it
    (onroll.db.before-0007). Raises Halt or Unavailable with a sentence.
    """
    engine = engine_for(url, patience)
    try:
        with sentences():
            _upgrade(engine, version)
    except BaseException:
        engine.dispose()
        raise
    return engine


def engine_for(url: str, patience: float) -> Engine:
    """An engine for a store as it is; nothing is connected yet."""
    if not url.startswith(("sqlite:", "postgresql:")):
        raise Halt(_UNUSABLE)
    if url.startswith("postgresql://"):
        url = "postgresql+psycopg://" + url.removeprefix("postgresql://")
    try:
        engine = create_engine(url, pool_pre_ping=url.startswith("postgresql"))
    except ModuleNotFoundError:
        raise Halt(
            "The driver of the store's database is missing. For PostgreSQL install onroll[postgresql]."
        ) from None
    except (ArgumentError, ValueError):
        raise Halt(_UNUSABLE) from None
    if engine.dialect.name == "sqlite":
        _prepare_sqlite(engine, patience)
    else:
        _prepare_postgresql(engine, patience)
    return engine


# The url itself stays out: it may hold a password.
_UNUSABLE = "[store] url cannot be used. It reads sqlite:///FILE, or postgresql://USER@HOST/DATABASE."


def _prepare_sqlite(engine: Engine, patience: float) -> None:
    path = engine.url.database
    if not path or path == ":memory:" or path.startswith("file:"):
        raise Halt("The store needs a file to live in: [store] url reads sqlite:///FILE.")
    if not Path(path).parent.is_dir():
        raise Halt(f"The folder of the store, {Path(path).parent}, is not there. Make it, or correct [store] url.")

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # transactions are begun by us, below
        connection.execute(f"PRAGMA busy_timeout={round(patience * 1000)}")
        connection.execute("PRAGMA foreign_keys=ON")
        _use_wal(connection, patience)

    @event.listens_for(engine, "begin")
    def _begun(connection: Connection) -> None:
        # A writer takes the lock at once, so that two of them wait for each other instead of failing at their first write.
        writes = connection.get_execution_options().get(_WRITES)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _use_wal(connection: Any, patience: float) -> None:
    """Readers and the one writer then do not wait for each other. It is a property of the file, set once."""
    for remaining in reversed(range(1 + round(patience / 0.05))):
        try:
            if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
                connection.execute("PRAGMA journal_mode=WAL")
            return
        except Exception as failure:
            # SQLite does not wait here as busy_timeout says it should, when two programs open a new file at the same time.
            if not remaining or not is_busy(failure):
                raise
            time.sleep(0.05)


def _prepare_postgresql(engine: Engine, patience: float) -> None:
    @event.listens_for(engine, "do_connect")
    def _connecting(_: Any, __: Any, ___: Any, arguments: dict[str, Any]) -> None:
        arguments.setdefault("connect_timeout", 10)

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, _: Any) -> None:
        connection.execute(f"SET lock_timeout = {round(patience * 1000)}")
        connection.commit()


@contextmanager
def writing(engine: Engine, durable: bool = True) -> Iterator[Connection]:
    """One transaction: all of it, or nothing. `durable`: it survives a power cut once it is over.

    Intentions, names, people and approvals are durable. Outcomes are not (they survive the program's death, but not a power cut): one flush to the
    disk for each of ten thousand answers would double the time of a night, and an outcome that is lost leaves its intention, which the next run
    answers by looking. They become durable with the next batch's intentions in any case.
    """
    with sentences(), engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.connection.cursor().execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
        connection = connection.execution_options(**{_WRITES: True})
        with connection.begin():
            if not durable and engine.dialect.name == "postgresql":
                connection.execute(text("SET LOCAL synchronous_commit TO off"))
            yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """One moment of the store, however many queries are asked of it; takes no lock and cannot write."""
    with sentences(), engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        yield connection


def _upgrade(engine: Engine, wanted: str) -> None:
    """Bring the schema up to date; quick when it is."""
    with reading(engine) as connection:
        version = version_of(connection)
    if version == wanted:
        return
    from alembic.command import upgrade
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if version is not None and version not in known:
        raise Halt(
            f"The store was made by a newer onroll: its schema is {version}, and this program knows {HEAD}. Install that version again."
            " Nothing was changed."
        )
    if version is not None and engine.dialect.name == "sqlite":
        keep_before(Path(str(engine.url.database)), version, wanted)
    with writing(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(
                text("SELECT pg_advisory_xact_lock(7063711)")
            )  # two programs that start at once take turns
        if version_of(connection) != wanted:
            config.attributes["connection"] = connection
            upgrade(config, wanted)


def version_of(connection: Connection) -> str | None:
    """The schema's revision, or None for an empty database; raises Halt for somebody else's."""
    tables = inspect(connection).get_table_names()
    if "alembic_version" not in tables:
        if tables:
            raise Halt("The database of the store holds other tables and is not onroll's. Look at [store] url.")
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    if found is not None and "identities" not in tables:
        raise Halt("The database of the store belongs to another program that uses Alembic. Look at [store] url.")
    return None if found is None else str(found)
