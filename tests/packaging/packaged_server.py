"""onroll on a booted Debian: packages to install, and what a test asks of the service there. Whatever it says comes from the installed command."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from debian_root import ROOT, Server


def built(folder: Path, version: str) -> Path:
    """A package of this tree."""
    command = [sys.executable, str(ROOT / "packaging/debian/build.py"), "--out", str(folder), "--version", version]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())


def as_service(server: Server, command: str, code: int | None = 0) -> str:
    """A command as the service's own user, where the service works."""
    return server.run(
        f"cd /var/lib/onroll && setpriv --reuid onroll --regid onroll --init-groups env HOME=/var/lib/onroll {command}", code
    ).out  # fmt: skip


def runs(server: Server) -> list[dict[str, Any]]:
    """Every run that its store knows."""
    found: list[dict[str, Any]] = json.loads(server.run("onroll runs --json").out)["runs"]
    return found


def wait_for_run(server: Server, number: int, seconds: float = 60) -> dict[str, Any]:
    """The service's run of that number, when it is over."""
    for _ in range(int(seconds * 2)):
        row = next((each for each in runs(server) if each["id"] == number and each["status"]), None)
        if row is not None:
            return row
        time.sleep(0.5)
    raise AssertionError(server.run("journalctl -u onroll --no-pager | tail -40").out)


def users(server: Server) -> list[dict[str, Any]]:
    """Everybody whom it knows."""
    told: list[dict[str, Any]] = json.loads(server.run("onroll users list --json").out)["users"]
    return told


def usernames(server: Server) -> list[str]:
    return sorted(each["username"] for each in users(server))


def rows(server: Server) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table of its store, which nobody has open."""
    file = server.root / "var/lib/onroll/onroll.db"
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as store:
        names = [name for (name,) in store.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: sorted(store.execute(f'SELECT * FROM "{name}"'), key=repr) for name in names}
