"""What can go wrong with a database ends in one of three errors with a sentence, and nothing half done."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import event, text

from builders import DOMAIN, NOON, SCHOOL, pupil
from onroll_core.accounts import IdentityId
from onroll_core.errors import Halt, OnrollError, Unavailable
from onroll_core.identities import Identity, State
from onroll_core.store import Store
from onroll_core.store.engine import writing
from postgresql import Cluster


def people(count: int, start: int = 0) -> list[Identity]:
    return [
        Identity(
            IdentityId(f"id{number}"), SCHOOL, person.role, person, State.ACTIVE,
            username=f"user{number}", email=f"user{number}@{DOMAIN}",
        )
        for number in range(start, start + count)
        for person in [pupil(f"p{number}")]
    ]  # fmt: skip


def set_on_connect(store: Store, statement: str) -> Callable[[], None]:
    """Every connection of the store from now on begins with `statement`; gives what ends that."""

    def connected(connection: Any, _: Any) -> None:
        connection.execute(statement)

    event.listen(store._engine, "connect", connected)
    store.close()

    def over() -> None:
        event.remove(store._engine, "connect", connected)
        store.close()

    return over


@pytest.fixture
def file(migrated_file: Path, tmp_path: Path) -> Path:
    """A migrated SQLite file."""
    path = tmp_path / "onroll.db"
    path.write_bytes(migrated_file.read_bytes())
    return path


@pytest.fixture
def small(file: Path) -> Iterator[Store]:
    """A store on SQLite with one person, which does not wait long for others."""
    opened = Store.open(f"sqlite:///{file}", lambda: NOON, patience=0.1)
    opened.remember(None, people(1), NOON)
    yield opened
    opened.close()


def untouched(store: Store) -> bool:
    """Nothing of the step that failed is there."""
    return store.identities(SCHOOL) == people(1) and not store.ledger(SCHOOL).taken("user2")


def test_a_full_disk_halts_and_keeps_nothing_of_the_step(small: Store) -> None:
    over = set_on_connect(small, "PRAGMA max_page_count=120")
    with pytest.raises(Halt, match="disk that holds the store is full.*Make room"):
        small.remember(None, people(2000, 1), NOON)
    assert untouched(small)
    over()
    small.remember(None, people(2000, 1), NOON)
    assert len(small.identities(SCHOOL)) == 2001


FILLED = """
import resource, signal, sys
from datetime import UTC, datetime
from onroll_core.errors import Halt
from onroll_core.store import Store
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), -1))
try:
    store = Store.open(sys.argv[1], lambda: datetime.now(UTC))
    for number in range(100):
        store.absorb("ad", [f"name{number}.{each}" for each in range(1000)], datetime.now(UTC))
except Halt as halt:
    print(halt)
"""


@pytest.mark.parametrize("room", [40_000, 400_000])
def test_a_disk_that_takes_no_more_leaves_a_store_that_opens_again(tmp_path: Path, room: int) -> None:
    """The operating system itself refuses to write, once while the tables are made and once later."""
    url = f"sqlite:///{tmp_path / 'onroll.db'}"
    said = subprocess.run([sys.executable, "-c", FILLED, url, str(room)], capture_output=True, text=True, check=True)
    assert said.stdout.startswith("The disk that holds the store"), said
    store = Store.open(url, lambda: NOON)
    kept = sum(store.ledger(SCHOOL).taken(f"name{number}.{each}") for number in range(100) for each in (0, 999))
    assert kept % 2 == 0, "a step was kept in part"
    store.remember(None, people(1), NOON)
    store.close()


def test_a_store_that_may_not_be_written_says_so(small: Store) -> None:
    over = set_on_connect(small, "PRAGMA query_only=ON")
    with pytest.raises(Halt, match="may not be written"):
        small.remember(None, people(2), NOON)
    over()
    assert untouched(small)


def test_a_store_that_another_program_has_locked_is_unavailable(small: Store, file: Path) -> None:
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable, match="locked by another program"):
        small.remember(None, people(2, 1), NOON)
    assert untouched(small), "reading goes on"
    other.execute("ROLLBACK")
    other.close()
    small.remember(None, people(2, 1), NOON)


def test_a_new_file_that_another_program_has_locked_is_unavailable(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "new.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(Unavailable, match="locked"):
        Store.open(f"sqlite:///{tmp_path / 'new.db'}", lambda: NOON, patience=0.1)
    other.close()


def test_a_file_that_is_no_database_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("username,mis_id\n" * 500)
    with pytest.raises(Halt, match="is no database"):
        Store.open(f"sqlite:///{path}", lambda: NOON)
    assert path.read_text() == "username,mis_id\n" * 500


def test_a_damaged_file_asks_for_the_backup(small: Store, file: Path) -> None:
    small.remember(None, people(500, 1), NOON)
    with writing(small._engine) as connection:
        connection.execute(text("DELETE FROM source_keys"))
    small.close()
    whole = bytearray(file.read_bytes())
    for page in range(4, len(whole) // 4096):
        whole[page * 4096 : page * 4096 + 2048] = b"\xff" * 2048
    file.write_bytes(whole)
    with pytest.raises(Halt, match="damaged.*backup"):
        Store.open(f"sqlite:///{file}", lambda: NOON).identities(SCHOOL)


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("sqlite://", "needs a file"),
        ("sqlite:///:memory:", "needs a file"),
        ("sqlite:////nowhere/at/all/onroll.db", "/nowhere/at/all, is not there"),
        ("onroll.db", "cannot be used"),
        ("mysql://alice:s3cret@db/onroll", "cannot be used"),
        ("nonsense://alice:s3cret@db/onroll", "cannot be used"),
        ("postgresql://alice:s3cret@db:port/onroll", "cannot be used"),
    ],
)
def test_a_url_that_cannot_be_a_store_is_refused_without_showing_its_password(url: str, sentence: str) -> None:
    with pytest.raises(Halt, match=sentence) as raised:
        Store.open(url, lambda: NOON)
    assert "s3cret" not in str(raised.value)


def test_a_folder_is_no_store(tmp_path: Path) -> None:
    with pytest.raises(Halt, match="cannot be opened"):
        Store.open(f"sqlite:///{tmp_path}", lambda: NOON)


# --- PostgreSQL ---


@pytest.fixture
def database(postgresql: Cluster) -> str:
    return postgresql.make("migrated")


@pytest.fixture
def large(postgresql: Cluster, database: str) -> Iterator[Store]:
    """A store on PostgreSQL with one person, which does not wait long for others."""
    opened = Store.open(postgresql.url(database), lambda: NOON, patience=0.1)
    opened.remember(None, people(1), NOON)
    yield opened
    opened.close()


def test_a_server_that_is_away_is_unavailable_and_its_password_stays_secret(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="PostgreSQL server of the store does not answer") as raised:
        Store.open(f"postgresql://alice:s3cret@/onroll?host={tmp_path}", lambda: NOON)
    assert "s3cret" not in repr(raised.value)
    assert raised.value.__cause__ is None


def test_a_server_that_goes_away_in_the_middle_is_unavailable_and_then_used_again(
    large: Store, postgresql: Cluster, database: str
) -> None:
    end_all = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'"
    with pytest.raises(Unavailable, match="does not answer"), writing(large._engine) as connection:
        connection.execute(text("INSERT INTO names (name, since) VALUES ('user2', 'now')"))
        postgresql.run(end_all)
        connection.execute(text("INSERT INTO names (name, since) VALUES ('user3', 'now')"))
    assert untouched(large)
    postgresql.run(end_all)
    large.remember(None, people(2, 1), NOON)  # a connection that died while nobody used it is not even noticed


@pytest.mark.parametrize(
    ("code", "error", "sentence"),
    [
        ("53100", Halt, "disk .* is full"),
        ("53300", Unavailable, "no room"),
        ("40P01", Unavailable, "locked"),
        ("57P01", Unavailable, "does not answer"),
        ("42501", Halt, "may not be written"),
        ("XX001", Halt, "damaged"),
        ("22003", Halt, "22003"),
    ],
)
def test_what_the_server_refuses_becomes_a_sentence_by_its_code(
    large: Store, postgresql: Cluster, database: str, code: str, error: type[OnrollError], sentence: str
) -> None:
    raising = f"BEGIN RAISE EXCEPTION USING ERRCODE = '{code}', MESSAGE = 'Harry Potter'; END"
    postgresql.run(f"CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $${raising}$$", database)
    postgresql.run("CREATE TRIGGER fails BEFORE INSERT ON events EXECUTE FUNCTION fail()", database)
    with pytest.raises(error, match=sentence) as raised:
        large.remember(None, people(2, 1), NOON)
    assert "Potter" not in str(raised.value)
    assert untouched(large), "the last statement of the step failed, so the first ones are undone"


@contextmanager
def held(postgresql: Cluster, database: str, statement: str) -> Iterator[None]:
    with psycopg.connect(postgresql.url(database)) as connection:
        connection.execute(statement.encode())
        yield


def test_a_table_that_another_program_has_locked_is_unavailable(
    large: Store, postgresql: Cluster, database: str
) -> None:
    with held(postgresql, database, "LOCK TABLE names IN EXCLUSIVE MODE"), pytest.raises(Unavailable, match="locked"):
        large.remember(None, people(2, 1), NOON)
    assert untouched(large)
