"""What the tests of every source share: the fictional school behind its simulator, how onroll reaches it, and what a network can do to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import Any

from onroll_connectors.sandbox.school import School
from onroll_connectors.sandbox.unruly import Unruly
from onroll_core.contracts import Report, Source
from onroll_core.people import Snapshot
from sql_world import edit
from world import Clock, DictMemory

NETWORK = {
    "garbage": "garbage",
    "redirected elsewhere": "redirect",
    "too busy": "too busy",
    "server error": "server error",
    "drips": "drip",
    "breaks off half way": "cut off",
}
"""What every source's contract asks of a network, in the words of Unruly."""


@dataclass
class SourceWorld:
    """The school's `simulator`, and how onroll reaches it: a test's own world says how to `connect`."""

    simulator: Any
    _: KW_ONLY
    clock: Clock = field(default_factory=Clock)
    memory: DictMemory = field(default_factory=DictMemory)

    @property
    def school(self) -> School:
        return self.simulator.school

    @property
    def people(self) -> int:
        return len(self.school.pupils) + len(self.school.staff)

    def connect(self, **settings: Any) -> Source:
        raise AssertionError(f"{type(self)} does not say how it is reached by {settings}")

    def read(self, **settings: Any) -> Snapshot:
        source = self.connect(**settings)
        try:
            return source.read()
        finally:
            source.close()

    def check(self, **settings: Any) -> Report:
        source = self.connect(**settings)
        try:
            return source.check()
        finally:
            source.close()

    def problems(self, **settings: Any) -> list[str]:
        """What a check says is wrong; there is something."""
        report = self.check(**settings)
        assert not report.good
        return [each.sentence for each in report.findings if each.level == "problem"]


@dataclass
class HttpWorld(SourceWorld):
    """A simulator at `url`, behind a network that can fail."""

    unruly: Unruly
    url: str

    def misbehaves(
        self, how: str, own: Mapping[str, str], network: Mapping[str, str] = NETWORK, drip: int = 30
    ) -> bool:
        """Begin a fault of the network or the simulator's `own`, or end all; True when `how` is one of them."""
        self.unruly.dripped = lambda: self.clock.sleep(drip)
        self.unruly.begin(network.get(how, ""))
        self.simulator.fault = own.get(how, "")
        return how in network or how in own


@dataclass
class SqlWorld(SourceWorld):
    """A simulator that is tables in a SQLite file; `needed` is the table whose absence is a right that is missing."""

    needed: str = ""

    @property
    def path(self) -> Path:
        return self.simulator.path

    def misbehave(self, how: str) -> bool:
        faults = {
            "empty": "empty",
            "repeated records": "twice",
            "stale": "stale",
            "shows nothing of one kind": "no staff",
        }
        self.simulator.fault = faults.get(how, "")
        self.simulator.refresh()
        if how == "garbage":
            self.path.write_bytes(b"<html>Down for maintenance</html>" * 200)
        elif how == "breaks off half way":
            self.path.write_bytes(self.path.read_bytes()[:50_000])
        elif how == "server error":
            self.path.unlink()
        elif how == "no permission":
            edit(self.path, f"DROP TABLE {self.needed}")
        return how in faults or how in ("garbage", "breaks off half way", "server error", "no permission")
