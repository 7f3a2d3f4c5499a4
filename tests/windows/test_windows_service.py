"""The service on Windows CPython: installed, started, stopped in the middle of a run, going on, and taken away."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from command import CONFIG, HEADER
from wine import Windows

PUPILS = 2500 if os.environ.get("ONROLL_SOAK") else 800


@pytest.fixture
def school(windows: Windows) -> Iterator[Windows]:
    """A school of some size, whose window is now, in %ProgramData%."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    shutil.rmtree(windows.data, ignore_errors=True)
    windows.onroll("service", "install")
    export = windows.data / "export"
    export.mkdir(parents=True)
    names = ("Wiśniewska", "Ó Súilleabháin", "Nguyễn", "Potter")
    rows = (f"{n},Zoë,{names[n % 4]},{7 + n % 5},01/09/2026," for n in range(1, PUPILS + 1))
    (export / "students.csv").write_bytes((HEADER + "".join(f"{row}\n" for row in rows)).replace("\n", "\r\n").encode())
    text = CONFIG.replace("127.0.0.1:0", f"127.0.0.1:{port}").replace(
        'mis = "csv"', 'mis = "csv"\nspread = 0\nwindow = "00:00-23:59"'
    )
    (windows.data / "onroll.toml").write_bytes(
        b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode()
    )  # as Notepad would
    yield windows
    if state(windows) != "NONE":
        windows.onroll("service", "remove")


def state(windows: Windows) -> str:
    """What Windows' own command says, which starts faster than Python does."""
    said = windows.run("sc", "query", "onroll", check=False)
    found = re.search(r"STATE\s*:\s*\d+\s+(\w+)", said.stdout.decode(errors="replace"))
    return found[1] if found else "NONE"


def log(windows: Windows) -> str:
    path = windows.data / "logs" / "onroll.log"
    return path.read_text(encoding="utf-8") if path.exists() else ""


def accounts(windows: Windows) -> int:
    """How many there are in the directory, which has one for each name."""
    lines = (windows.data / "directory.json").read_text(encoding="utf-8").splitlines()
    latest = {each["guid"]: each["values"].get("samaccountname", [None])[0] for each in map(json.loads, lines)}
    names = [name for name in latest.values() if name]
    assert len(set(names)) == len(names)
    return len(names)


def until(windows: Windows, words: str, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while words not in log(windows):
        assert time.monotonic() < end, (words, log(windows))
        time.sleep(0.1)


def runs(windows: Windows) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(windows.onroll("runs", "--json").stdout)["runs"]
    return found


def cut(windows: Windows) -> None:
    """Stop the service while it writes accounts."""
    directory = windows.data / "directory.json"
    end = time.monotonic() + 120
    while not directory.exists() or directory.stat().st_size < 100_000:
        assert time.monotonic() < end, log(windows)
        time.sleep(0.05)
    began = time.monotonic()
    windows.run("net", "stop", "onroll")
    while state(windows) != "STOPPED":
        assert time.monotonic() - began < 60, log(windows)
        time.sleep(0.2)


def test_a_service_is_stopped_in_the_middle_of_a_run_and_goes_on_where_it_was(school: Windows) -> None:
    told = json.loads(school.onroll("service", "status", "--json", check=False).stdout)
    config = "C:\\ProgramData\\onroll\\onroll.toml"
    assert told == {"state": "stopped", "account": "NT SERVICE\\onroll", "process": 0, "config": config}
    school.onroll("service", "start")
    cut(school)
    school.onroll("service", "start")
    until(school, "run 2 ended: done")
    school.onroll("service", "stop")
    second, first = runs(school)
    later = second["summary"]["targets"]["ad"]["created"]
    assert 0 < later < PUPILS, "the run was over before it was stopped: make the school larger"
    assert first["summary"]["targets"]["ad"]["created"] + later == PUPILS
    assert accounts(school) == PUPILS
    assert "Wiśniewska" not in log(school)

    (school.data / "onroll.toml").write_text("[console]\nlistne = 1\n", encoding="utf-8")
    refused = school.onroll("service", "start", check=False)
    assert refused.returncode == 2
    assert b"listne" in refused.stderr
    school.onroll("service", "remove")
    assert state(school) == "NONE"
    assert (school.data / "onroll.db").exists()
