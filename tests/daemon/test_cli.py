"""The command line as scripts see it: processes, exit codes, one JSON document on standard output."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

CONFIG = """
[console]
listen = "127.0.0.1:{port}"
[targets.ad]
kind = "active_directory"
server = "embedded:{folder}/directory.json"
base = "OU=Milton Park,DC=school,DC=test"
[[school]]
id = "milton-park"
name = "Milton Park School"
domain = "miltonpark.test"
mis = "csv"
targets = ["ad"]
[school.source]
path = "export"
quiet_seconds = 0
"""
HEADER = "Adno,Forename,Surname,Year,DOA,Date of leaving\n"


@dataclass
class Command:
    """onroll in a folder of its own."""

    folder: Path

    def students(self, *rows: str) -> None:
        (self.folder / "export" / "students.csv").write_text(
            HEADER + "".join(f"{row}\n" for row in rows), encoding="utf-8"
        )

    def run(self, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "onroll_daemon", *arguments]
        done = subprocess.run(
            command, cwd=self.folder, capture_output=True, text=True, encoding="utf-8", timeout=60, check=False
        )
        assert done.returncode == code, f"{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        return done

    def json(self, *arguments: str, code: int = 0) -> Any:
        done = self.run(*arguments, "--json", code=code)
        return json.loads(done.stdout)


@pytest.fixture
def onroll(tmp_path: Path) -> Iterator[Command]:
    (tmp_path / "export").mkdir()
    (tmp_path / "onroll.toml").write_text(CONFIG.format(folder=tmp_path.as_posix(), port=0), encoding="utf-8")
    command = Command(tmp_path)
    command.students("1,Harry,Potter,7,01/09/2026,", "2,Hermione,Potter,7,01/09/2026,", "3,Ron,Weasley,8,01/09/2025,")
    yield command


def test_a_school_from_init_to_an_empty_plan(onroll: Command) -> None:
    assert onroll.run("check").stdout.count("ok ") >= 5
    assert onroll.json("pull")["people"]["joiners"] == 3
    plan = onroll.json("plan", "milton-park")
    (one,) = plan["plans"]
    assert {"target", "digest", "verdict", "objections", "changes", "conflicts"} <= one.keys()
    assert [change["kind"] for change in one["changes"]] == ["create"] * 3
    assert {"kind", "identity", "username", "reason", "before", "after"} <= one["changes"][0].keys()
    assert onroll.json("apply")["targets"]["ad"]["created"] == 3
    assert onroll.json("plan")["plans"][0]["changes"] == []
    again = onroll.json("sync")
    assert again["people"] == {"joiners": 0, "movers": 0, "leavers": 0, "returners": 0, "conflicts": 0}
    assert again["targets"]["ad"]["verdict"] == "cleared"
    users = onroll.json("users", "list")["users"]
    assert [user["username"] for user in users] == ["19rweasley", "20hpotter", "20hpotter1"]
    assert users[0] == {
        "identity": users[0]["identity"], "username": "19rweasley", "email": "19rweasley@miltonpark.test", "aliases": [], "display_name": "Ron Weasley",
        "role": "student", "school": "milton-park", "source": "mis", "state": "active", "year_of_entry": 2019, "year_group": "Year 8",
        "registration_group": None,
    }  # fmt: skip


def test_a_rename_by_hand(onroll: Command) -> None:
    onroll.run("sync")
    onroll.run("users", "rename", "20hpotter1", "h.granger")
    assert onroll.json("sync")["targets"]["ad"]["renamed"] == 1
    user = onroll.json("users", "show", "20hpotter1@miltonpark.test")
    assert (user["username"], user["aliases"]) == ("h.granger", ["20hpotter1@miltonpark.test"])
    for new, code in (("19rweasley", 1), ("admin", 2), ("h granger", 2), ("x" * 21, 2)):
        onroll.run("users", "rename", "h.granger", new, code=code)
    onroll.run("users", "rename", "nobody", "somebody", code=1)
    because = onroll.json("explain", "h.granger")["because"]
    assert any("Former addresses" in sentence for sentence in because)
    assert onroll.json("runs")["runs"][0]["status"] == "done"
    assert "renamed" in onroll.run("runs").stdout
    assert "Rename 20hpotter1 to h.granger" in onroll.run("runs", "show", "2").stdout


def test_exit_codes_of_what_goes_wrong(onroll: Command) -> None:
    onroll.run("plan", code=4)
    onroll.run("sync", "other-school", code=2)
    onroll.run("sync", "--today", "yesterday", code=2)
    onroll.run("plan", "--config", "nowhere.toml", code=2)
    (onroll.folder / "export" / "students.csv").unlink()
    done = onroll.run("sync", code=4)
    assert "no CSV file" in done.stderr
    onroll.students(*(f"{n},A{chr(97 + n)},Smith,7,01/09/2026," for n in range(20)))
    onroll.run("sync")
    onroll.students(*(f"{n},A{chr(97 + n)},Smith,7,01/09/2026," for n in range(6)))
    held = onroll.json("sync", code=3)
    assert held["targets"]["ad"]["verdict"] == "held"
    assert onroll.json("sync", "--approve", held["digest"])["people"]["joiners"] == 0


def test_another_day_can_be_rehearsed(onroll: Command) -> None:
    onroll.students("1,Harry,Potter,7,01/09/2026,18/12/2026", "2,Luna,Lovegood,7,01/09/2027,")
    onroll.run("sync", "--today", "2026-11-24")
    plan = onroll.json("plan", "--as-of", "2027-01-05", "--today", "2026-11-24")
    assert [(change["kind"], change["reason"]) for change in plan["plans"][0]["changes"]] == [
        ("disable", "left on 18 December 2026")
    ]
    assert onroll.json("plan", "--today", "2026-11-24")["plans"][0]["changes"] == []
    assert [user["username"] for user in onroll.json("users", "list")["users"]] == ["20hpotter", "21llovegood"]


def test_init_writes_once(tmp_path: Path) -> None:
    command = Command(tmp_path)
    command.run("init", "new")
    assert (tmp_path / "new" / "onroll.db").exists()
    assert "already there" in command.run("init", "new", code=2).stderr


def test_help_loads_none_of_the_sdks() -> None:
    code = "import sys; from onroll_daemon.cli import app\ntry: app(['--help'])\nexcept SystemExit: pass\nprint(sorted({'ldap3','msgraph','googleapiclient','sqlalchemy','pydantic','fastapi'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_check_of_a_csv_school_loads_none_of_the_sdks(onroll: Command) -> None:
    code = "import sys; sys.argv=['onroll','check']; from onroll_daemon.__main__ import main\ntry: main()\nexcept SystemExit: pass\nprint(sorted({'ldap3','msgraph','googleapiclient'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=onroll.folder, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_service_runs_tonights_sync_answers_and_stops(onroll: Command) -> None:
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    text = CONFIG.format(folder=onroll.folder.as_posix(), port=port).replace(
        'mis = "csv"', 'mis = "csv"\nwindow = "00:00-23:59"'
    )
    (onroll.folder / "onroll.toml").write_text(text, encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-m", "onroll_daemon", "serve"], cwd=onroll.folder, stderr=subprocess.PIPE, text=True
    )
    try:
        status = answered(port)
        assert status["schools"]["milton-park"]["word"] in ("fresh", "late")
        assert "onroll_runs" in urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10).read().decode()
    finally:
        process.terminate()
        said = process.communicate(timeout=30)[1]
    assert process.returncode == 0, said
    assert os.path.exists(onroll.folder / "onroll.db")


def answered(port: int) -> Any:
    """The first answer of /healthz."""
    for _ in range(100):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
                return json.loads(answer.read())
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the service does not answer")


def test_a_service_open_to_the_network_says_why_it_refuses(onroll: Command) -> None:
    text = (onroll.folder / "onroll.toml").read_text(encoding="utf-8").replace("127.0.0.1:0", "0.0.0.0:8750")
    (onroll.folder / "onroll.toml").write_text(text, encoding="utf-8")
    assert "open_to_network" in onroll.run("serve", code=2).stderr
