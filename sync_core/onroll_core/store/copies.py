"""A whole store as one file, whatever database it lives in, and such a file as a store again.

The file is always a store on SQLite, so that it can be opened and looked into; PostgreSQL's tables are read in one transaction and poured into one.
Passwords are in no store; people's names are, so a copy is as private as the store itself.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, MetaData, delete, func, insert, select, text, update

from onroll_core.errors import Halt
from onroll_core.store.codec import utc
from onroll_core.store.console_schema import console_sessions, one_time_links, requests
from onroll_core.store.engine import HEAD, engine_for, open_engine, reading, version_of, writing
from onroll_core.store.failures import sentences
from onroll_core.store.schema import approvals, identities, leases, runs
from onroll_core.store.sqlite_files import copy_file, is_open_elsewhere, look_over, schema_of

_PATIENCE = 15.0
_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Copy:
    """What is in a copy: the schema's revision, how many people, and how many runs."""

    schema: str
    people: int
    runs: int


@dataclass(frozen=True, slots=True)
class LetGo:
    """What a restored store gave up: leases of whoever worked when it was copied, runs that were under way, and answers of people that nobody had used."""

    leases: int
    runs: int
    approvals: int


def file_of(url: str) -> Path | None:
    """The file of a store on SQLite; None for a store on PostgreSQL."""
    return Path(url.removeprefix("sqlite:///")) if url.startswith("sqlite:///") else None


def back_up(url: str, to: Path) -> Copy:
    """One moment of the store at `url` as the new file `to`, whoever writes meanwhile; the store is not upgraded. Raises Halt and leaves no file when it fails."""
    file = file_of(url)
    try:
        if file is None:
            _from_server(url, to)
        else:
            copy_file(file, to)
        return examine(to)
    except BaseException:
        to.unlink(missing_ok=True)
        raise


def examine(copy: Path) -> Copy:
    """Open a copy, look it over to the last page and say what is in it. Raises Halt when it is damaged, or no store of ours."""
    look_over(copy, thorough=True)
    schema = schema_of(copy)
    if schema is None:
        raise Halt(f"{copy.name} holds no store of onroll's.")
    with sentences(), closing(sqlite3.connect(copy)) as connection:
        people, done = (
            connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in (identities.name, runs.name)
        )
    return Copy(schema, people, done)


def sound(url: str) -> None:
    """Raises Halt when the file of the store is damaged; quick. A store that is not there yet is sound, and PostgreSQL looks after its own."""
    file = file_of(url)
    if file is not None and file.exists():
        look_over(file)


def schema(url: str) -> str | None:
    """The revision of the store's schema, without upgrading it; None for a store that is not made yet."""
    file = file_of(url)
    if file is not None and not file.exists():
        return None
    with _as_it_is(url) as connection:
        return version_of(connection)


def latest_time(url: str) -> datetime | None:
    """The latest time in a store that is there: when a run began, ended, or last gave a sign of life."""
    columns = (runs.c.started, runs.c.ended, leases.c.beat)
    with _as_it_is(url) as connection:
        found = [connection.scalar(select(func.max(column))) for column in columns]
    return max((datetime.fromisoformat(each) for each in found if each), default=None)


def in_use(url: str) -> bool:
    """Whether another program has the store open, for as long as it stays a file; always False of PostgreSQL, which is only ever filled when empty."""
    file = file_of(url)
    return file is not None and file.exists() and is_open_elsewhere(file)


def make_ready(copy: Path, now: datetime) -> LetGo:
    """Upgrade a copy and let go of what belonged to the machine and the hour it was made in, so that the next run simply goes on."""
    engine = open_engine(f"sqlite:///{copy.as_posix()}", _PATIENCE)
    when = utc(now)
    try:
        with writing(engine) as connection:
            held = connection.execute(delete(leases)).rowcount
            cut = connection.execute(
                update(runs).where(runs.c.ended.is_(None)).values(ended=when, status="cut off")
            ).rowcount
            unused = approvals.c.used.is_(None) & (approvals.c.expires > when)
            dropped = connection.execute(update(approvals).where(unused).values(expires=when)).rowcount
            connection.execute(update(requests).where(requests.c.ended.is_(None)).values(ended=when, status="cut off"))
            connection.execute(delete(console_sessions))
            connection.execute(delete(one_time_links))
    finally:
        engine.dispose()
    if is_open_elsewhere(copy):
        raise Halt(f"Another program has {copy} open. Close it, then restore again.")
    copy.with_name(f"{copy.name}.before-{HEAD}").unlink(missing_ok=True)
    return LetGo(held, cut, dropped)


def fill(url: str, copy: Path) -> None:
    """Pour a copy that was made ready into an empty PostgreSQL database, all of it or nothing. Raises Halt when there is anything in it."""
    with _as_it_is(url) as target:
        if version_of(target) is not None:
            raise Halt(
                "The database of the store is not empty. A backup is only restored into an empty one: make a new database, name it with [store] url,"
                " and restore again."
            )
    target_engine, source_engine = open_engine(url, _PATIENCE), engine_for(f"sqlite:///{copy.as_posix()}", _PATIENCE)
    try:
        with reading(source_engine) as source, writing(target_engine) as target:
            if target.scalar(select(func.count()).select_from(identities)):
                raise Halt("Somebody else has begun to use the database of the store. Nothing was restored.")
            for name in _pour(source, target):
                _go_on_counting(target, name)
    finally:
        source_engine.dispose()
        target_engine.dispose()


@contextmanager
def _as_it_is(url: str) -> Iterator[Connection]:
    """A store to read, without upgrading it."""
    engine = engine_for(url, _PATIENCE)
    try:
        with reading(engine) as connection:
            yield connection
    finally:
        engine.dispose()


def _from_server(url: str, to: Path) -> None:
    with _as_it_is(url) as source:
        version = version_of(source)
        if version is None:
            raise Halt("The database of the store is empty, so there is nothing to copy. Look at [store] url.")
        engine = open_engine(f"sqlite:///{to.as_posix()}", _PATIENCE, version)
        try:
            with writing(engine) as target:
                _pour(source, target)
        finally:
            engine.dispose()
    is_open_elsewhere(to)  # nobody has it open, so this makes it whole without files beside it


def _pour(source: Connection, target: Connection) -> list[str]:
    """Every row of every table, parents first; gives the names of the tables."""
    there, here = MetaData(), MetaData()
    there.reflect(source)
    here.reflect(target)
    tables = [table for table in here.sorted_tables if table.name != "alembic_version"]
    for table in tables:
        columns = [there.tables[table.name].c[column.name] for column in table.columns]
        found = source.execution_options(yield_per=_AT_ONCE).execute(select(*columns))
        for rows in found.mappings().partitions():
            target.execute(insert(table), [dict(row) for row in rows])
    return [table.name for table in tables]


def _go_on_counting(target: Connection, table: str) -> None:
    """PostgreSQL counts for itself, and has to know up to which number a table has been filled."""
    ask = text("SELECT pg_get_serial_sequence(:table, column_name) FROM information_schema.columns"
               " WHERE table_schema = current_schema() AND table_name = :table AND column_name = 'id'")  # fmt: skip
    sequence = target.scalar(ask, {"table": table})
    if sequence is not None:
        target.execute(text(f"SELECT setval('{sequence}', GREATEST(max(id), 1), max(id) IS NOT NULL) FROM {table}"))
