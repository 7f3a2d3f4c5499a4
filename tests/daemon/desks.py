"""A school with a desk that is at work, and somebody who asks it for things."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from command import Command, milton_park
from onroll_connectors.sandbox.directory import forget, open_directory
from onroll_core.store.requests import Request
from onroll_daemon import settings as configuration
from onroll_daemon.desk.desk import Desk
from onroll_daemon.desk.tray import Tray
from onroll_daemon.wiring import now, open_store

SCHOOL = "milton-park"
BASE = "OU=Milton Park,DC=school,DC=test"


def until(true: Callable[[], Any], seconds: float = 60) -> Any:
    """What `true` gives once it gives something."""
    pause = threading.Event()
    for _ in range(int(seconds / 0.02)):
        found = true()
        if found:
            return found
        pause.wait(0.02)
    raise AssertionError(f"it never came true: {true}")


class Office:
    """Settings, store and desk of one folder; `ask` waits for the answer."""

    def __init__(self, folder: Path, onroll: Command | None = None) -> None:
        self.onroll = onroll or milton_park(folder)
        self.path = folder / "onroll.toml"
        self.load()
        self.store = open_store(self.settings)
        self.counted: list[Any] = []
        self.desk = self.new_desk()

    def load(self) -> None:
        """Read the configuration as it is now."""
        self.settings = configuration.load(self.path)

    def new_desk(self, **more: Any) -> Desk:
        return Desk(
            self.settings, self.store, now, Tray(), count=lambda night, seconds: self.counted.append(night), **more
        )

    def send(self, kind: str, by: str = "pat", school: str = SCHOOL, **asked: Any) -> int:
        number = self.store.requests.ask(school, kind, asked, by, now())
        self.desk.wake()
        return number

    def ask(self, kind: str, by: str = "pat", school: str = SCHOOL, **asked: Any) -> Request:
        return self.ended(self.send(kind, by, school, **asked))

    def get(self, number: int) -> Request:
        found = self.store.requests.get(number)
        assert found is not None
        return found

    def ended(self, number: int) -> Request:
        return until(lambda: (found := self.get(number)).over and found)

    def put_off(self, number: int) -> Request:
        """A request once the desk has tried it and found that it must wait, or has done it all the same."""
        until(lambda: number in self.desk._later or self.get(number).over)
        return self.get(number)

    def done(self, kind: str, **asked: Any) -> Any:
        """The result of a request that has to be done."""
        found = self.ask(kind, **asked)
        assert found.status == "done", (found.status, found.result)
        return found.result

    def person(self, username: str) -> Any:
        (found,) = [each for each in self.store.identities(SCHOOL) if each.username == username]
        return found

    def directory(self) -> Any:
        return open_directory(self.name, BASE).directory

    @property
    def name(self) -> str:
        return str(self.onroll.folder / "directory.json")

    def close(self) -> None:
        self.desk.stop()
        self.store.close()
        forget(self.name)
