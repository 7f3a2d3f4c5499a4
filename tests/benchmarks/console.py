"""The console with 50,000 people in the store: server time of a search at every letter and of a person's page, and the memory of `onroll serve` idle."""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "core"))

import psutil
from fastapi import FastAPI
from fastapi.responses import HTMLResponse

from builders import pupil, teacher
from onroll_core.accounts import Anchor, IdentityId
from onroll_core.groups.known import KnownGroup
from onroll_core.identities import Bond, Identity, State
from onroll_core.people import GroupKind, SourceKey
from onroll_core.store import Store
from onroll_daemon import settings as configuration
from onroll_daemon.console.app import console_app
from onroll_daemon.console.place import Place
from onroll_daemon.console.templating import environment
from onroll_daemon.wiring import open_store

PEOPLE, GROUPS, TIMES = 50_000, 2_000, 15
SCHOOL, COOKIE = "milton-park", "benchmark"
FIRST = "Harry Hermione Ron Neville Luna Ginny Fred George Draco Hannah Susan Ernie Amira Zoe Charlotte Hashim".split()
LAST = "Potter Granger Weasley Lovegood Abbott Bones Boot Chang Brown Khan Adeyemi Hargreaves Harris Shah Marsh".split()
CONFIG = """
[console]
listen = "127.0.0.1:0"
[targets.ad]
kind = "active_directory"
server = "embedded:directory.json"
base = "OU=Milton Park,DC=school,DC=test"
groups = ["teaching", "registration"]
[[school]]
id = "milton-park"
name = "Milton Park School"
domain = "miltonpark.test"
mis = "csv"
targets = ["ad"]
window = "{window}"
[school.source]
path = "export"
"""


def now() -> datetime:
    return datetime.now(UTC)


def known(number: int) -> Identity:
    first, last = FIRST[number % len(FIRST)], LAST[number // len(FIRST) % len(LAST)]
    group = f"{7 + number % 7}{'ABCDEF'[number % 6]}"
    told = {"upn": f"H{number:012}", "registration_group": group, "admission_number": str(number)}
    of_school = pupil(f"{number:06}", first, last, f"Year {7 + number % 7}", **told)
    person = of_school if number % 12 else teacher(f"{number:06}", first, last, staff_code=f"S{number}")
    name = f"{first[0]}{last}{number}".lower()
    return Identity(
        IdentityId(f"id{number:08}"), SCHOOL, person.role, person, State.ACTIVE if number % 20 else State.LEFT, username=name,
        email=f"{name}@miltonpark.test", year_of_entry=2026 - (7 + number % 7) + 1,
    )  # fmt: skip


def fill(store: Store) -> None:
    """A school of 50,000 with accounts and classes, and somebody who is signed in."""
    people = [known(number) for number in range(PEOPLE)]
    for start in range(0, PEOPLE, 5_000):
        store.remember(None, people[start : start + 5_000], now())
    store.bond_all("ad", {each.id: Bond(Anchor(f"{each.id:0>32}"), True) for each in people}, now())
    groups = [
        KnownGroup(
            SourceKey(SCHOOL, f"teaching:{number}"), GroupKind.TEACHING, f"{7 + number % 7}/{number}",
            frozenset(people[(number * 25 + each) % PEOPLE].id for each in range(28)), year=2026,
        )
        for number in range(GROUPS)
    ]  # fmt: skip
    store.remember_groups(SCHOOL, groups)
    ann = store.console.operators.add("ann", "Ann", None, "administrator", None, "a benchmark", now())
    store.console.sessions.begin(COOKIE, "csrf", ann.id, None, now(), timedelta(hours=1))


def asked(app: Any, path: str) -> tuple[float, int]:
    """Seconds that the application takes for one page, and how many bytes the page has."""
    path, _, query = path.partition("?")
    headers = [(b"host", b"localhost"), (b"cookie", f"onroll={COOKIE}".encode())]
    headers += [(b"hx-request", b"true")] if "typing" in query else []
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http", "path": path,
        "raw_path": path.encode(), "query_string": query.encode(), "root_path": "", "headers": headers, "server": ("localhost", 80),
        "client": ("localhost", 1),
    }  # fmt: skip
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def one() -> float:
        began = time.perf_counter()
        await app(scope, receive, send)
        return time.perf_counter() - began

    took = asyncio.run(one())
    assert sent[0]["status"] == 200, (path, sent[0]["status"])
    return took, sum(len(each.get("body", b"")) for each in sent)


def median(app: Any, *paths: str) -> float:
    """The median of these pages in turn, in milliseconds."""
    return statistics.median(asked(app, path)[0] for _ in range(TIMES) for path in paths) * 1000


def bare() -> FastAPI:
    """The floor: an answer of FastAPI with nothing behind it."""
    app = FastAPI()

    @app.get("/", response_class=HTMLResponse)
    def nothing() -> str:
        return "<p>Nothing</p>"

    return app


@contextmanager
def serving(folder: Path) -> Iterator[tuple[psutil.Process, str]]:
    """`onroll serve` as its own process, and where its console is."""
    command = [sys.executable, "-m", "onroll_daemon", "serve", "--config", str(folder / "onroll.toml")]
    with subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as running:
        try:
            assert running.stderr is not None
            line = next(each for each in running.stderr if "console at " in each)
            yield psutil.Process(running.pid), line.rpartition("console at ")[2].strip().rstrip("/")
        finally:
            running.terminate()
            running.communicate(timeout=30)


def megabytes(process: psutil.Process) -> float:
    return float(process.memory_info().rss / 1024 / 1024)


def memory(folder: Path, fetch: Callable[[str], bytes]) -> tuple[float, float]:
    """Resident memory of the service when nobody has asked anything, and after 100 pages."""
    with serving(folder) as (process, address):
        time.sleep(3)
        idle = megabytes(process)
        for number in range(100):
            fetch(f"{address}/users?q={FIRST[number % len(FIRST)][:3].lower()}")
        return idle, megabytes(process)


def fetch(address: str) -> bytes:
    request = urllib.request.Request(address, headers={"Cookie": f"onroll={COOKIE}"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return bytes(answer.read())


def main() -> None:
    """Print each with its floor."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "export").mkdir()
        later = now() + timedelta(hours=12)
        window = f"{later:%H:00}-{later + timedelta(hours=1):%H:00}"
        (folder / "onroll.toml").write_text(CONFIG.format(window=window), encoding="utf-8")
        settings = configuration.load(folder / "onroll.toml")
        store = open_store(settings)
        fill(store)
        app = console_app(Place(settings, store, now, environment(UTC, now)))
        floor = median(bare(), "/")
        typing = [f"/users?q={text}&typing=1" for text in ("h", "ha", "har", "harg", "hargreaves", "zoe shah", "hp")]
        search, whole = median(app, *typing), median(app, "/users", "/users?q=har&year=Year+9")
        person = median(app, *(f"/users/id{number * 4999:08}" for number in range(1, 8)))
        store.close()
        idle, worked = memory(folder, fetch)
    print(
        f"console, {PEOPLE:,} people: search while typing {search:.1f} ms, the whole page of users {whole:.1f} ms, a person {person:.1f} ms"
        f" (aim: 100 ms; floor, a bare FastAPI answer: {floor:.1f} ms); onroll serve idle {idle:.0f} MB, after 100 searches {worked:.0f} MB (aim: 120 MB)"
    )


if __name__ == "__main__":
    main()
