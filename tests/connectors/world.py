"""The context that tests give to connectors: a clock that sleeping moves, counted passwords, a memory in a dict."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from onroll_core.contracts import Context
from onroll_core.passwords import temporary


@dataclass
class Clock:
    """Time that passes when somebody sleeps."""

    at: float = 0.0
    start: datetime = datetime(2026, 11, 24, 19, 0, tzinfo=UTC)
    slept: list[float] = field(default_factory=list)

    def monotonic(self) -> float:
        return self.at

    def now(self) -> datetime:
        return self.start + timedelta(seconds=self.at)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += seconds


class DictMemory(dict[str, bytes]):
    """A connector's memory for the length of a test."""

    def put(self, key: str, value: bytes) -> None:
        self[key] = value


@dataclass
class Passwords:
    """Real temporary passwords, remembered by what they must not hold, so that a test can sign in."""

    made: dict[str, str] = field(default_factory=dict)
    random: random.Random = field(default_factory=lambda: random.Random(3))

    def __call__(self, forbidden: Iterable[str]) -> str:
        words = list(forbidden)
        password = temporary(self.random, words)
        if words:
            self.made[words[0]] = password
        return password


def context(
    name: str = "target",
    clock: Clock | None = None,
    passwords: Passwords | None = None,
    memory: DictMemory | None = None,
) -> Context:
    """A connector's surroundings in a test."""
    clock = clock or Clock()
    return Context(
        name,
        clock.now,
        clock.monotonic,
        clock.sleep,
        passwords or Passwords(),
        DictMemory() if memory is None else memory,  # type: ignore[arg-type]
        school="milton-park",
        today=clock.now().date(),
    )
