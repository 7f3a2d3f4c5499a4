"""What tests of SQL sources share: a PostgreSQL with a simulator's tables, a record of every column read, and storms of damaged rows."""

from __future__ import annotations

import random
import re
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import Engine, event

from fuzz import HOSTILE, MUTATIONS, survives
from onroll_connectors.sandbox.sql_file import Table
from onroll_core.people import Snapshot
from postgresql import Cluster

WRONG: tuple[Any, ...] = (None, 0, -1, 1.5, float("inf"), b"\xff\xfe", b"", "x", 2**62)
_GRANT = re.compile(r"GRANT SELECT (?:\(([\w, ]+)\) )?ON ([\w.]+) TO ")
_TYPES = {"datetime": "timestamp", "int": "integer"}


def load(running: Cluster, tables: Sequence[Table], schema: str = "") -> str:
    """A new database with the tables; gives its name. There is a role `reader` that may sign in and read nothing yet."""
    name = running.make()
    if not _has_role(running):
        running.run("CREATE ROLE reader LOGIN")
    before = f'"{schema}".' if schema else ""
    with psycopg.connect(running.url(name), autocommit=True) as connection:
        if schema:
            connection.execute(f'CREATE SCHEMA "{schema}"'.encode())
            connection.execute(f'GRANT USAGE ON SCHEMA "{schema}" TO reader'.encode())
        for table in tables:
            columns = ", ".join(f'"{column}" {_TYPES.get(kind, kind)}' for column, kind in table.columns.items())
            connection.execute(f'CREATE TABLE {before}"{table.name}" ({columns})'.encode())
            with connection.cursor() as cursor:
                marks = ", ".join(["%s"] * len(table.columns))
                cursor.executemany(f'INSERT INTO {before}"{table.name}" VALUES ({marks})'.encode(), table.rows)
    return name


def as_reader(running: Cluster, database: str) -> str:
    """The url of a database, for the login that may only read."""
    return running.url(database).replace("postgres@", "reader@")


def grant(running: Cluster, database: str, said: Iterable[str]) -> None:
    """Run the GRANTs that stand in lines or sentences, for `reader`; a PostgreSQL wants the names of a SQL Server in quotes."""
    for command in (found for each in said for found in _GRANT.findall(each)):
        columns, table = command
        names = f" ({_quoted(columns)})" if columns else ""
        running.run(f"GRANT SELECT{names} ON {_quoted(table)} TO reader", database)


def _quoted(names: str) -> str:
    return re.sub(r"\w+", r'"\g<0>"', names)


def _has_role(running: Cluster) -> bool:
    with psycopg.connect(running.url("postgres")) as connection:
        return connection.execute("SELECT 1 FROM pg_roles WHERE rolname = 'reader'").fetchone() is not None


@contextmanager
def watched(deny: Callable[[str, str], bool] = lambda table, column: False) -> Iterator[set[tuple[str, str]]]:
    """Every (table, column) that SQLite is asked for while the block runs; those that `deny` names are refused, as without a right."""
    seen: set[tuple[str, str]] = set()

    def look(action: int, table: str | None, column: str | None, *_: Any) -> int:
        if action == sqlite3.SQLITE_READ and table and not table.startswith("sqlite_"):
            seen.add((table, column or ""))
            return sqlite3.SQLITE_DENY if deny(table, column or "") else sqlite3.SQLITE_OK
        return sqlite3.SQLITE_OK

    def connected(connection: sqlite3.Connection, _: Any) -> None:
        connection.set_authorizer(look)

    event.listen(Engine, "connect", connected)
    try:
        yield seen
    finally:
        event.remove(Engine, "connect", connected)


def edit(path: Path, *statements: str) -> None:
    """Change a SQLite file by hand."""
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def damage(
    path: Path, chance: random.Random, tables: Sequence[str], kept: Collection[str], spared: Collection[tuple[str, str]]
) -> str:
    """One thing done to a SQLite file that nobody should do; says what. No row of `kept` is deleted: that is a shorter school, which the sanity limits of
    the core look after. `spared` are columns whose other values mean something."""
    how = chance.choice(("value",) * 8 + ("delete", "double", "drop", "rename", "cut"))
    table = chance.choice(tables)
    if how == "cut":
        body = path.read_bytes()
        path.write_bytes(body[: chance.randrange(len(body))])
        return how
    connection = sqlite3.connect(path)
    columns = [row[1] for row in connection.execute(f'PRAGMA table_info("{table}")')]
    column = chance.choice([each for each in columns if (table, each) not in spared])
    rows = [row[0] for row in connection.execute(f'SELECT rowid FROM "{table}"')]
    row, value = chance.choice(rows), chance.choice(chance.choice((WRONG, HOSTILE)))
    if how == "delete" and table in kept:
        how = "double"
    done = {
        "value": (f'UPDATE "{table}" SET "{column}" = ? WHERE rowid = ?', (value, row)),
        "delete": (f'DELETE FROM "{table}" WHERE rowid = ?', (row,)),
        "double": (f'INSERT INTO "{table}" SELECT * FROM "{table}" WHERE rowid = ?', (row,)),
        "drop": (f'DROP TABLE "{table}"', ()),
        "rename": (f'ALTER TABLE "{table}" RENAME COLUMN "{column}" TO "another"', ()),
    }
    connection.execute(*done[how])
    connection.commit()
    connection.close()
    return f"{how} {table}.{column} row {row} {value!r}"


def storm(path: Path, read: Callable[[], Snapshot], what: str, hurt: Callable[[random.Random], str]) -> None:
    """MUTATIONS reads of the file, each with one thing damaged; `what` seeds them, so that a failure can be repeated."""
    good = path.read_bytes()
    whole = read()
    survived = 0
    for number in range(MUTATIONS):
        path.write_bytes(good)
        done = hurt(random.Random(f"{what}/{number}"))
        survived += survives(read, whole, f"{what}, mutation {number}: {done}")
    assert 0 < survived < MUTATIONS
