"""A backup is whole whenever it is made, holds no secret, and is restored on this machine or another so that the next night goes on."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import stat
import sys
import threading
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from command import CONFIG, Command, milton_park
from onroll_core.errors import Halt
from onroll_core.store import Store, copies
from onroll_core.store.engine import HEAD, open_engine
from onroll_daemon.backup import back_up
from onroll_daemon.settings import load
from postgresql import Cluster
from postgresql import cluster as a_cluster

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)


@pytest.fixture
def school(tmp_path: Path) -> Command:
    """Three pupils with their accounts, after one night."""
    (tmp_path / "one").mkdir()
    command = milton_park(tmp_path / "one")
    command.run("sync")
    return command


def usernames(command: Command) -> list[str]:
    return sorted(each["username"] for each in command.json("users", "list")["users"])


def rows(file: Path) -> dict[str, int]:
    connection = sqlite3.connect(file)
    try:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in names}
    finally:
        connection.close()


def test_a_backup_brings_every_row_back(school: Command) -> None:
    before, known = rows(school.folder / "onroll.db"), usernames(school)
    said = school.run("backup", str(school.folder / "kept.zip")).out
    assert "3 people, 1 runs" in said
    (school.folder / "onroll.db").unlink()
    said = school.run("restore", str(school.folder / "kept.zip")).out
    assert "3 people, 1 runs" in said and "onroll check" in said
    assert rows(school.folder / "onroll.db") == before
    assert usernames(school) == known
    assert school.json("plan")["plans"][0]["changes"] == []


def test_a_backup_is_never_written_over_a_file_and_is_for_its_owner_alone(school: Command) -> None:
    file = school.folder / "kept.zip"
    file.write_text("somebody's", encoding="utf-8")
    assert "already there" in school.run("backup", str(file), code=1).err
    assert file.read_text(encoding="utf-8") == "somebody's"
    made = Path(school.json("backup", str(school.folder))["file"])
    assert made.name.startswith("onroll-backup-") and made.parent == school.folder
    if sys.platform != "win32":
        assert stat.S_IMODE(made.stat().st_mode) == 0o600
    assert sorted(each.name for each in school.folder.glob("onroll-*")) == [made.name], "nothing else is left behind"


def test_no_secret_is_in_a_backup_and_it_says_what_has_to_be_kept_elsewhere(school: Command, monkeypatch: Any) -> None:
    monkeypatch.setenv("ONROLL_HOOK", "mailto://hush-hush")
    (school.folder / "alert.txt").write_text("very-secret-address", encoding="utf-8")
    school.configure(CONFIG + '[alerts]\nto = ["env:ONROLL_HOOK", "file:alert.txt"]\n')
    beside = school.json("backup", str(school.folder / "kept.zip"))["beside"]
    assert beside == ["alerts.to = env:ONROLL_HOOK", "alerts.to = file:alert.txt"]
    with zipfile.ZipFile(school.folder / "kept.zip") as archive:
        assert sorted(archive.namelist()) == ["manifest.json", "onroll.db", "onroll.toml"]
        everything = b"".join(archive.read(name) for name in archive.namelist())
    assert b"hush-hush" not in everything and b"very-secret" not in everything
    (school.folder / "new").mkdir()
    assert "alerts.to = env:ONROLL_HOOK" in restored_into(Command(school.folder / "new"), school.folder / "kept.zip")


@pytest.fixture
def elsewhere(school: Command, tmp_path: Path) -> Command:
    """Another machine, to which the export and the directory (the world) have come, and nothing of onroll's."""
    there = Command(tmp_path / "two")
    there.folder.mkdir()
    shutil.copytree(school.folder / "export", there.folder / "export")
    shutil.copy(school.folder / "directory.json", there.folder)
    return there


def restored_into(there: Command, file: Path) -> str:
    """`onroll restore --into`, on a machine that has no configuration yet."""
    return there.process("restore", str(file), "--into", str(there.folder)).out


def test_on_another_machine_the_next_night_goes_on(school: Command, elsewhere: Command) -> None:
    school.run("backup", str(school.folder / "kept.zip"))
    said = restored_into(elsewhere, school.folder / "kept.zip")
    assert str(elsewhere.folder / "onroll.db") in said
    elsewhere.students("1,Harry,Potter,7,01/09/2026,", "2,Hermione,Potter,7,01/09/2026,",
                       "3,Ron,Weasley,8,01/09/2025,", "4,Luna,Lovegood,7,01/09/2026,")  # fmt: skip
    night = elsewhere.json("sync")
    assert night["targets"]["ad"]["created"] == 1 and night["people"]["joiners"] == 1
    assert night["run"] == 2
    assert len(usernames(elsewhere)) == 4


def test_a_run_that_was_under_way_is_cut_off_and_its_lease_let_go(school: Command, elsewhere: Command) -> None:
    store = Store.open(f"sqlite:///{school.folder / 'onroll.db'}", lambda: datetime.now(UTC))
    now = datetime.now(UTC)
    with store.lease("milton-park", "the old server", now):
        store.start_run("milton-park", "sync", now)
        store.approve("d" * 64, "milton-park", "head", now, now.replace(year=now.year + 1))
        made = school.json("backup", str(school.folder / "kept.zip"))
        assert made["runs"] == 2
        # On the very machine, while it works, a restore is refused.
        assert "Another program has the store" in school.run("restore", str(school.folder / "kept.zip"), code=1).err
        said = restored_into(elsewhere, school.folder / "kept.zip")
    store.close()
    assert "1 run(s) were under way" in said and "1 approval(s)" in said
    assert rows(elsewhere.folder / "onroll.db")["leases"] == 0
    night = elsewhere.json("sync")
    assert night["run"] == 3
    opened = Store.open(f"sqlite:///{elsewhere.folder / 'onroll.db'}", lambda: now)
    assert [row["status"] for row in opened.runs("milton-park")] == ["done", "cut off", "done"]
    assert opened.open_approval("d" * 64, datetime.now(UTC)) is None
    opened.close()


def test_what_was_there_is_kept_aside(school: Command) -> None:
    school.run("backup", str(school.folder / "kept.zip"))
    school.students("1,Harry,Potter,7,01/09/2026,", "9,Neville,Longbottom,8,01/09/2025,", "2,Hermione,Potter,7,01/09/2026,",
                    "3,Ron,Weasley,8,01/09/2025,")  # fmt: skip
    school.run("sync")
    assert len(usernames(school)) == 4
    done = school.json("restore", str(school.folder / "kept.zip"))
    assert len(usernames(school)) == 3
    (aside,) = done["aside"]
    assert rows(Path(aside))["identities"] == 4


def test_a_damaged_store_is_replaced_and_nothing_of_it_is_taken_for_the_new_ones(school: Command) -> None:
    school.run("backup", str(school.folder / "kept.zip"))
    file = school.folder / "onroll.db"
    (school.folder / "onroll.db-wal").write_bytes(b"the remains of a write" * 100)
    file.write_bytes(b"no database at all" + file.read_bytes()[18:])
    assert "restore the file from a backup" in school.run("runs", code=1).err
    damaged = file.read_bytes()
    (aside, *_) = school.json("restore", str(school.folder / "kept.zip"))["aside"][::-1]
    assert Path(aside).read_bytes() == damaged
    assert not (school.folder / "onroll.db-wal").exists()
    assert len(usernames(school)) == 3


def test_a_backup_that_was_changed_or_cut_short_is_refused(school: Command) -> None:
    good = school.folder / "kept.zip"
    school.run("backup", str(good))
    cut = school.folder / "cut.zip"
    cut.write_bytes(good.read_bytes()[:-200])
    assert "not a whole backup" in school.run("restore", str(cut), code=1).err
    other = school.folder / "other.zip"
    with zipfile.ZipFile(good) as old, zipfile.ZipFile(other, "w") as new:
        for name in old.namelist():
            body = old.read(name)
            new.writestr(name, body.replace(b"milton-park", b"milton-pork") if name == "onroll.toml" else body)
    assert "onroll.toml in it is not what was put there" in school.run("restore", str(other), code=1).err
    newer = school.folder / "newer.zip"
    with zipfile.ZipFile(newer, "w") as new:
        new.writestr("manifest.json", json.dumps({"onroll_backup": 2, "version": "9.0"}))
    assert "made by a newer onroll (9.0)" in school.run("restore", str(newer), code=1).err
    assert "There is no file" in school.run("restore", str(school.folder / "none.zip"), code=1).err
    assert len(usernames(school)) == 3


def test_a_configuration_that_differs_is_left_alone_and_said(school: Command) -> None:
    school.run("backup", str(school.folder / "kept.zip"))
    school.configure(CONFIG + "# a word of our own\n")
    said = school.run("restore", str(school.folder / "kept.zip")).out
    assert "was left alone" in said
    assert "a word of our own" in (school.folder / "onroll.toml").read_text(encoding="utf-8")


def test_a_full_disk_leaves_no_backup_and_says_so(school: Command) -> None:
    if sys.platform == "win32":
        return
    import resource

    settings, file = load(school.folder / "onroll.toml"), school.folder / "kept.zip"
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(Halt, match="disk|cannot be written"):
            back_up(settings, file, NOW)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, old)
    assert not file.exists()
    assert not list(school.folder.glob("onroll-*"))


@pytest.fixture
def busy(school: Command) -> Iterator[threading.Event]:
    """Somebody writes to the store all the time: people and their runs, in transactions that belong together."""
    over, begun = threading.Event(), threading.Event()

    def write() -> None:
        connection = sqlite3.connect(school.folder / "onroll.db", isolation_level=None, timeout=30)
        number = 1000
        while not over.is_set():
            connection.execute("BEGIN IMMEDIATE")
            for _ in range(2):  # always two together: a copy with one of them is torn
                number += 1
                connection.execute(
                    "INSERT INTO runs (id, school, kind, by, started) VALUES (?, 'milton-park', 'sync', '', '2026')",
                    (number,),
                )
            connection.execute("COMMIT")
            begun.set()
        connection.close()

    worker = threading.Thread(target=write)
    worker.start()
    assert begun.wait(30)
    yield over
    over.set()
    worker.join()


def test_a_backup_during_a_run_is_of_one_moment(school: Command, busy: threading.Event) -> None:
    for number in range(5):
        school.run("backup", str(school.folder / f"kept{number}.zip"))
        with zipfile.ZipFile(school.folder / f"kept{number}.zip") as archive:
            archive.extract("onroll.db", school.folder / str(number))
        count = rows(school.folder / str(number) / "onroll.db")["runs"]
        assert count > 1 and (count - 1) % 2 == 0


def test_a_service_that_runs_is_backed_up_and_not_restored_over(school: Command) -> None:
    running = school.start("serve", "--config", "onroll.toml")
    try:
        for line in running.stderr or ():
            if "console at" in line:
                break
        school.run("backup", str(school.folder / "kept.zip"))
        assert "stop the service" in school.run("restore", str(school.folder / "kept.zip"), code=1).err
    finally:
        running.send_signal(signal.SIGTERM)
        running.communicate(timeout=60)
    school.run("restore", str(school.folder / "kept.zip"))


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL of this module's own."""
    with a_cluster() as running:
        yield running


def test_from_sqlite_to_postgresql_and_back(school: Command, cluster: Cluster, elsewhere: Command) -> None:
    school.run("backup", str(school.folder / "kept.zip"))
    url = cluster.url(cluster.make())
    elsewhere.configure(f'[store]\nurl = "{url}"\n' + CONFIG)
    elsewhere.run("restore", str(school.folder / "kept.zip"))
    assert usernames(elsewhere) == usernames(school)
    assert elsewhere.json("sync")["run"] == 2, "PostgreSQL goes on counting where SQLite stopped"
    assert "not empty" in elsewhere.run("restore", str(school.folder / "kept.zip"), code=1).err
    back = elsewhere.folder / "back.zip"
    made = elsewhere.json("backup", str(back))
    assert (made["people"], made["runs"]) == (3, 2)
    school.run("restore", str(back))
    assert usernames(school) == usernames(elsewhere) and school.json("sync")["run"] == 3


def test_an_older_store_on_postgresql_is_backed_up_before_any_command_upgrades_it(
    school: Command, cluster: Cluster, elsewhere: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = cluster.url(cluster.make())
    elsewhere.configure(f'[store]\nurl = "{url}"\n' + CONFIG)
    open_engine(url, 5, "0005").dispose()
    monkeypatch.setenv("ONROLL_BACKUPS", str(elsewhere.folder / "gone"))
    refused = elsewhere.run("runs", code=1).err
    assert f"{elsewhere.folder / 'gone'}; it was left as it was. Make room there" in refused
    assert copies.schema(url) == "0005"

    (elsewhere.folder / "state").mkdir()
    monkeypatch.delenv("ONROLL_BACKUPS")
    monkeypatch.setenv("STATE_DIRECTORY", str(elsewhere.folder / "state"))
    for _ in range(2):
        told = elsewhere.run("runs")
    assert told.err == "", "an up-to-date store is not kept again"
    (kept,) = (elsewhere.folder / "state").iterdir()
    assert kept.name.startswith(f"before-{HEAD}-") and stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert json.loads(zipfile.ZipFile(kept).read("manifest.json"))["schema"] == "0005"
    assert copies.schema(url) == HEAD
    school.run("restore", str(kept))
    assert school.json("runs") == {"runs": []}


def test_an_older_store_is_backed_up_without_being_upgraded(school: Command, tmp_path: Path) -> None:
    old = tmp_path / "old.db"
    open_engine(f"sqlite:///{old}", 5, "0005").dispose()
    copied = copies.back_up(f"sqlite:///{old}", tmp_path / "copy.db")
    assert copied.schema == "0005"
    assert copies.examine(old).schema == "0005"
    assert os.path.getsize(tmp_path / "copy.db")
