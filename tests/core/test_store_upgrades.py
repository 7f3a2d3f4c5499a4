"""An older store is kept before it is upgraded, and a power cut in the middle leaves the old one or the new one, with everybody in it."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from builders import NOON
from onroll_core.errors import Halt
from onroll_core.store import Store, copies
from onroll_core.store.engine import HEAD, open_engine
from onroll_core.store.sqlite_files import keep_before, look_over, schema_of

pytestmark = pytest.mark.usefixtures("fresh_store")

OLD = "0004"
PEOPLE = 300

# Dies, as by a power cut, before the statement of that number in the upgrade; says how many there were when it lives.
CUT = """
import os, signal, sys
from sqlalchemy import Engine, event
from onroll_core.store import Store

left = int(sys.argv[2])

@event.listens_for(Engine, "before_cursor_execute")
def count(connection, cursor, statement, *_):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))

Store.open(sys.argv[1], lambda: None).close()
print(int(sys.argv[2]) - left)
"""


def older(file: Path, version: str = OLD) -> Path:
    """A store of an earlier version with people in it."""
    open_engine(f"sqlite:///{file}", 5, version).dispose()
    connection = sqlite3.connect(file)
    columns = {name: kind for _, name, kind, *_ in connection.execute("PRAGMA table_info(identities)")}
    texts = {"school": "milton-park", "role": "student", "state": "active", "source": "mis", "aliases": "[]", "search": "",
             "fingerprint": "", "updated": "2026", "suspended": "", "person": '{"first": "Luna", "last": "Lovegood"}'}  # fmt: skip
    known = {name: texts.get(name, 0) for name in columns if name in texts or name in ("absences", "expected")}
    names = ", ".join(("id", *known))
    marks = ", ".join("?" * (len(known) + 1))
    connection.executemany(
        f"INSERT INTO identities ({names}) VALUES ({marks})", [(f"id{n}", *known.values()) for n in range(PEOPLE)]
    )
    connection.commit()
    connection.close()
    return file


def people(file: Path) -> int:
    connection = sqlite3.connect(file)
    try:
        return int(connection.execute("SELECT count(*) FROM identities").fetchone()[0])
    finally:
        connection.close()


@pytest.fixture(scope="module")
def old_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return older(tmp_path_factory.mktemp("old") / "onroll.db")


@pytest.fixture
def file(old_file: Path, tmp_path: Path) -> Path:
    place = tmp_path / "onroll.db"
    place.write_bytes(old_file.read_bytes())
    place.chmod(0o640)
    return place


def test_the_store_as_it_was_is_kept_beside_it(file: Path) -> None:
    Store.open(f"sqlite:///{file}", lambda: NOON).close()
    kept = file.with_name(f"onroll.db.before-{HEAD}")
    assert (schema_of(file), schema_of(kept)) == (HEAD, OLD)
    assert people(kept) == people(file) == PEOPLE
    assert stat.S_IMODE(kept.stat().st_mode) == 0o640 or sys.platform == "win32"
    assert sorted(each.name for each in file.parent.iterdir()) == ["onroll.db", kept.name]


def test_nothing_is_kept_of_a_new_store_nor_of_one_that_is_up_to_date(tmp_path: Path) -> None:
    for _ in range(2):
        Store.open(f"sqlite:///{tmp_path / 'onroll.db'}", lambda: NOON).close()
    assert [each.name for each in tmp_path.iterdir()] == ["onroll.db"]


def test_an_upgraded_store_is_never_kept_as_the_old_one(file: Path) -> None:
    """Of two programs that start at once, the second may come to copying when the first has upgraded."""
    Store.open(f"sqlite:///{file}", lambda: NOON).close()
    keep_before(file, OLD, HEAD)
    assert schema_of(file.with_name(f"onroll.db.before-{HEAD}")) == OLD
    assert not list(file.parent.glob("*.part*"))


def test_two_programs_that_upgrade_at_once_both_get_the_new_store(file: Path) -> None:
    program = "import sys; from onroll_core.store import Store; Store.open(sys.argv[1], lambda: None).close()"
    command = [sys.executable, "-c", program, f"sqlite:///{file}"]
    started = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    assert [each.communicate()[1] for each in started] == ["", "", ""]
    assert schema_of(file) == HEAD
    assert schema_of(file.with_name(f"onroll.db.before-{HEAD}")) == OLD


def test_without_room_for_the_copy_nothing_is_upgraded(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(source: Path, to: Path) -> None:
        raise Halt("The disk that holds the store is full.")

    monkeypatch.setattr("onroll_core.store.sqlite_files.copy_file", full)
    with pytest.raises(Halt, match=f"disk .* is full.*copied to .*before-{HEAD}.*left as it was"):
        Store.open(f"sqlite:///{file}", lambda: NOON)
    assert schema_of(file) == OLD


def test_a_power_cut_at_any_moment_of_an_upgrade_loses_nothing(old_file: Path, tmp_path: Path) -> None:
    def cut(number: int) -> tuple[Path, subprocess.CompletedProcess[str]]:
        folder = tmp_path / str(number)
        folder.mkdir()
        place = folder / "onroll.db"
        place.write_bytes(old_file.read_bytes())
        command = [sys.executable, "-c", CUT, f"sqlite:///{place}", str(number)]
        return place, subprocess.run(command, capture_output=True, text=True, check=False)

    _, whole = cut(100_000)
    statements = int(whole.stdout)
    assert statements > 20
    for number in sorted({1, 5, *range(8, statements, max(1, statements // 8)), statements}):
        place, died = cut(number)
        assert died.returncode != 0, (number, died.stdout)
        assert schema_of(place) in (OLD, HEAD)
        look_over(place, thorough=True)
        assert people(place) == PEOPLE
        Store.open(f"sqlite:///{place}", lambda: NOON).close()
        assert schema_of(place) == HEAD and people(place) == PEOPLE
        assert schema_of(place.with_name(f"onroll.db.before-{HEAD}")) == OLD


def damage_a_page(file: Path) -> None:
    with file.open("r+b") as stream:
        stream.seek(4096 * 3)
        stream.write(b"\xff" * 4096 * 4)


def not_a_database(file: Path) -> None:
    file.write_bytes(b"a text, in which nobody is\n" * 1000)


@pytest.mark.parametrize(
    ("harm", "words"), [(damage_a_page, "is damaged.*Restore it from a backup"), (not_a_database, "is no database")]
)
def test_a_damaged_store_is_told_before_anything_is_done(file: Path, harm: Callable[[Path], None], words: str) -> None:
    copies.sound(f"sqlite:///{file}")
    harm(file)
    with pytest.raises(Halt, match=words):
        copies.sound(f"sqlite:///{file}")


def test_a_store_that_is_not_there_yet_is_sound_and_looking_makes_none(tmp_path: Path) -> None:
    copies.sound(f"sqlite:///{tmp_path / 'onroll.db'}")
    with pytest.raises(Halt, match="is not there"):
        look_over(tmp_path / "onroll.db")
    assert list(tmp_path.iterdir()) == []
