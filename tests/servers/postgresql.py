"""A throw-away PostgreSQL: a cluster in a temporary folder, reached by a Unix socket in that folder and by nothing else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import psycopg

_SETTINGS = (
    "listen_addresses=",  # the socket only, so that no port can be taken twice
    "fsync=off",  # nothing here has to outlive the machine
    "synchronous_commit=off",
    "full_page_writes=off",
    "shared_buffers=32MB",
    "max_connections=40",
    "autovacuum=off",
)


@dataclass(slots=True)
class Cluster:
    """A running server; every database it makes is a copy of `template1` or of the one named."""

    folder: Path
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def url(self, database: str) -> str:
        """The address of a database, for SQLAlchemy and psycopg alike."""
        return f"postgresql://postgres@/{database}?host={self.folder}"

    def make(self, template: str = "template1") -> str:
        """A new database; gives its name."""
        name = f"test{next(self._numbers)}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def run(self, statement: str, database: str = "postgres") -> None:
        """Carry out one statement as the superuser."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            connection.execute(statement.encode())


@contextmanager
def cluster() -> Iterator[Cluster]:
    """A cluster while the block runs. PostgreSQL refuses to run as root, which then starts it as the user postgres or nobody."""
    programs = _programs()
    folder = Path(tempfile.mkdtemp(prefix="onroll-pg-"))
    data = folder / "data"
    owner = _owner()
    if owner is not None:
        shutil.chown(folder, owner)
    server: subprocess.Popen[bytes] | None = None
    try:
        made = [
            programs / "initdb",
            "-D",
            data,
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C",
            "--no-sync",
        ]
        subprocess.run(made, check=True, user=owner, cwd=folder, stdout=subprocess.DEVNULL)
        options = [word for setting in (*_SETTINGS, f"unix_socket_directories={folder}") for word in ("-c", setting)]
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [programs / "postgres", "-D", data, *options], user=owner, cwd=folder, stdout=log, stderr=log
            )
        running = Cluster(folder)
        _wait(running, server)
        yield running
    finally:
        if server is not None:
            server.terminate() if server.poll() is None else None
            try:
                server.wait(5)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda each: int(each.parts[-3]))
    on_path = shutil.which("initdb")
    if found:
        return found[-1].parent
    if on_path:
        return Path(on_path).resolve().parent
    sys.exit("PostgreSQL is not installed. Run: sudo bash tests/servers/install.sh")


def _owner() -> str | None:
    if os.geteuid() != 0:
        return None
    import pwd

    names = {each.pw_name for each in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _wait(running: Cluster, server: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        try:
            running.run("SELECT 1")
            return
        except psycopg.OperationalError:
            if server.poll() is not None:
                break
            time.sleep(0.05)
    raise RuntimeError((running.folder / "log").read_text())
