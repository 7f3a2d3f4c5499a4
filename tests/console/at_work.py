"""A console whose desk is at work: what is asked for on a page is done in the embedded directory, and tests wait for it."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from fastapi.testclient import TestClient

from command import CONFIG, SECOND, Command
from morning import MINE, MORNING, OTHER, Browser, Morning
from onroll_connectors.sandbox.directory import forget, open_directory
from onroll_connectors.targets.ad_wire import Add, Replace
from onroll_core.store.requests import Request
from onroll_daemon import settings as configuration
from onroll_daemon.console.app import console_app
from onroll_daemon.console.rights import Role
from onroll_daemon.service import Service
from onroll_daemon.wiring import open_store

BASE = "OU=Milton Park,DC=school,DC=test"
LINK = CONFIG.replace('mis = "csv"', 'mis = "csv"\nmode = "link"').replace(
    "[[school]]", '[targets.ad.link_by]\nemployeeNumber = "admission number"\n[[school]]'
).replace("base =", 'write = ["employeeNumber"]\nbase =') + SECOND  # fmt: skip
HOSTILE = '<b>Ann</b> & "Lee"'


class AtWork(Morning):
    """A morning with a desk that works."""

    def ask(self, browser: Browser, path: str, data: dict[str, Any] | None = None, **more: Any) -> Request:
        """Send a form that asks the desk for something, and wait for what comes of it."""
        answer = browser.post(path, data, **more)
        assert answer.status_code == 303, (answer.status_code, answer.text)
        return self.ended(self.number_of(answer))

    def number_of(self, answer: Any) -> int:
        """The number of the request to which a form leads."""
        where = urlsplit(answer.headers["location"])
        told = parse_qs(where.query).get("asked") or [where.path.rpartition("/")[2]]
        return int(told[0])

    def ended(self, number: int) -> Request:
        """A request once it is over."""
        pause = threading.Event()
        for _ in range(3000):
            found = self.store.requests.get(number)
            if found is not None and found.over:
                return found
            pause.wait(0.02)
        raise AssertionError(f"request {number} never ended")

    def operator_at(self, *schools: str, name: str = "", role: Role = Role.OPERATOR) -> Browser:
        """An operator's browser."""
        return self.as_(self.operator(role, *(schools or (MINE,)), name=name))

    def api(self, role: Role, method: str, path: str, *schools: str, **more: Any) -> Any:
        """What a script with a role's token gets."""
        headers = {"Authorization": f"Bearer {self.token(role, *(schools or (MINE,)))}"}
        self.client.cookies.clear()
        return self.client.request(method, f"/api/v1{path}", headers=headers, **more)

    def person(self, record: str, school: str = MINE) -> Any:
        """Who has a record of the MIS."""
        (found,) = [each for each in self.store.identities(school) if each.person.key.record == f"student:{record}"]
        return found


@contextmanager
def at_work(command: Command, *schools: str) -> Iterator[AtWork]:
    """The console and the desk of what `command` has configured; `schools` had their first night."""
    for school in schools:
        command.run("sync", school)
    settings = configuration.load(command.folder / "onroll.toml")
    now = [MORNING]
    store = open_store(settings, lambda: now[0])
    service = Service(settings, store, lambda: now[0])
    place = service.place()
    service.desk.start()
    try:
        with TestClient(console_app(place), raise_server_exceptions=False) as client:
            yield AtWork(command, settings, store, service, place, client, now)
    finally:
        service.desk.stop()
        store.close()
        forget(str(command.folder / "directory.json"))


def with_accounts(folder: Path, pupils: int, text: str = LINK) -> Command:
    """Two schools that have been read; the first has `pupils` and their accounts, which were there before us, and one that is nobody's."""
    command = Command(folder)
    command.configure(text)
    command.students(
        *(f"{number},{first_of(number)},{last_of(number)},7,01/09/2026," for number in range(1, pupils + 1))
    )
    command.students("1,Ada,Byron,3,01/09/2026,", folder="oakfield")
    for number in range(1, pupils + 1):
        account(command, f"old{number}", first_of(number), last_of(number))
    account(command, "stan", "Stan", HOSTILE)
    command.run("pull", MINE)
    command.run("pull", OTHER)
    return command


def first_of(number: int) -> str:
    """A first name for each number."""
    return ("Bill", "Charlie", "Percy", "Fred", "George", "Ron", "Ginny")[number % 7]


def last_of(number: int) -> str:
    """A surname for each number, none like another."""
    begins = ("Ab", "Bro", "Cu", "Dor", "Ei", "Fa", "Gri", "Ho", "Ip", "Jo", "Ka", "Lu", "Mon", "Nor", "Os")
    ends = (
        "bott",
        "cklehurst",
        "ddington",
        "ffley",
        "gworth",
        "hmore",
        "jarvis",
        "kesby",
        "llington",
        "mbury",
        "nstone",
        "pperton",
        "rrick",
        "ssex",
        "ttering",
    )
    return begins[number % 15] + ends[number // 15]


def account(command: Command, login: str, first: str, last: str, **more: str) -> None:
    """An account that was there before us."""
    values = {
        "objectClass": ["top", "person", "organizationalPerson", "user"], "sAMAccountName": [login], "userPrincipalName": [f"{login}@miltonpark.test"],
        "mail": [f"{login}@miltonpark.test"], "userAccountControl": ["544"], "givenName": [first], "sn": [last], "displayName": [f"{first} {last}"],
    } | {name: [text] for name, text in more.items()}  # fmt: skip
    answer = directory(command).do(Add(f"CN={login},{BASE}", values))
    assert answer.done, answer


def switch_off(command: Command, login: str) -> None:
    """Somebody disables an account."""
    assert directory(command).do(Replace(f"CN={login},{BASE}", {"userAccountControl": ["514"]})).done


def directory(command: Command) -> Any:
    """The embedded directory, as another administrator's tool opens it."""
    return open_directory(str(command.folder / "directory.json"), BASE).directory


def hidden(text: str, name: str) -> str:
    """The value of a hidden field of a page."""
    found = re.search(rf'<input type="hidden" name="{name}" value="([^"]*)"', text)
    assert found is not None, f"no hidden field {name}"
    return found[1]
