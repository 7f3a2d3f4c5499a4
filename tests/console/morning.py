"""A console of its own: a CSV school (and a second one) on the embedded directory, with people of every role signed in or not."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient

from command import CONFIG, POTTERS, SECOND, Command
from onroll_connectors.sandbox.directory import forget
from onroll_core.store import Store
from onroll_daemon import settings as configuration
from onroll_daemon.console.app import console_app
from onroll_daemon.console.place import Place
from onroll_daemon.console.rights import Role
from onroll_daemon.console.templating import environment
from onroll_daemon.service import Service
from onroll_daemon.settings import Settings
from onroll_daemon.wiring import open_store

MORNING = datetime(2026, 11, 26, 8, 10, tzinfo=UTC)
MINE, OTHER = "milton-park", "oakfield"


@dataclass
class Morning:
    """The store and the console of two schools; `now` is the time everywhere, and moves when a test says so."""

    command: Command
    settings: Settings
    store: Store
    service: Service
    place: Place
    client: TestClient
    now: list[datetime] = field(default_factory=lambda: [MORNING])

    def clock(self) -> datetime:
        """The time."""
        return self.now[0]

    def later(self, **ago: float) -> None:
        """Time passes."""
        self.now[0] += timedelta(**ago)

    def operator(self, role: Role, *schools: str, name: str = "") -> str:
        """Somebody of a role (of all schools where none is named), signed in; gives the cookie."""
        name = name or f"{role.name.lower()}-{'-'.join(schools) or 'all'}"
        found = self.store.console.operators.named(name)
        if found is None:
            found = self.store.console.operators.add(name, name.title(), None, role.value, schools or None, "a test", self.now[0])  # fmt: skip
        return self._session(found.id, None)

    def staff(self, identity: Any) -> str:
        """A member of staff, signed in; gives the cookie."""
        return self._session(None, identity)

    def token(self, role: Role, *schools: str) -> str:
        """A script's token."""
        secret = f"onr_{secrets.token_hex(8)}"
        self.store.console.tokens.add(secret, "a script", role.value, schools or None, "a test", self.now[0], timedelta(days=30))  # fmt: skip
        return secret

    def as_(self, cookie: str) -> Browser:
        """The console as somebody sees it."""
        return Browser(self.client, cookie, f"csrf of {cookie}")

    def _session(self, operator: int | None, identity: Any) -> str:
        cookie = secrets.token_hex(8)
        self.store.console.sessions.begin(cookie, f"csrf of {cookie}", operator, identity, self.now[0], timedelta(hours=12))  # fmt: skip
        return cookie


@dataclass
class Browser:
    """One signed-in person's browser, without following redirects."""

    client: TestClient
    cookie: str
    csrf: str

    def get(self, path: str, **more: Any) -> Any:
        """A page."""
        return self._send("GET", path, **more)

    def post(self, path: str, data: dict[str, Any] | None = None, csrf: bool = True, **more: Any) -> Any:
        """A form that is sent."""
        return self._send("POST", path, data={**(data or {}), **({"csrf": self.csrf} if csrf else {})}, **more)

    def _send(self, method: str, path: str, headers: dict[str, str] | None = None, **more: Any) -> Any:
        headers = {"Cookie": f"onroll={self.cookie}", **(headers or {})}
        self.client.cookies.clear()
        return self.client.request(method, path, headers=headers, follow_redirects=False, **more)


@contextmanager
def morning(folder: Path, *rows: str) -> Iterator[Morning]:
    """The console of two schools; `rows` are the pupils of the first, whose first night is over."""
    command = Command(folder)
    command.configure(CONFIG + SECOND)
    command.students(*(rows or POTTERS))
    command.students("1,Ada,Byron,3,01/09/2026,", "2,Charles,Babbage,4,01/09/2026,", folder="oakfield")
    command.run("sync", MINE)
    command.run("sync", OTHER)
    settings = configuration.load(folder / "onroll.toml")
    now = [MORNING]
    store = open_store(settings, lambda: now[0])
    service = Service(settings, store, lambda: now[0])
    place = Place(settings, store, lambda: now[0], environment(settings.schools[MINE].window.zone, lambda: now[0]), freshness=service.freshness)  # fmt: skip
    try:
        with TestClient(console_app(place), raise_server_exceptions=False) as client:
            yield Morning(command, settings, store, service, place, client, now)
    finally:
        store.close()
        forget(str(folder / "directory.json"))
