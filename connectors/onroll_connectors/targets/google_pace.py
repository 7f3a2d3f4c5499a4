"""Requests leave as fast as Google's quotas allow, and one gate stops them all when Google says that it is too much."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from onroll_connectors.targets.google_asks import Cost

# Clocks and networks jitter: a window is taken a little longer than Google's, which costs 2 % of the quota and saves refusals.
_MARGIN = 1.02


@dataclass(slots=True)
class Window:
    """At most `most` in any `seconds`."""

    most: int
    seconds: float
    _used: int = 0
    _taken: deque[tuple[float, int]] = field(default_factory=deque)

    def room(self, now: float) -> int:
        """How many may leave at once."""
        while self._taken and self._taken[0][0] + self.seconds <= now:
            self._used -= self._taken.popleft()[1]
        return self.most - self._used

    def opens(self, now: float) -> float:
        """The moment from which at least one may leave."""
        return now if self.room(now) > 0 else self._taken[0][0] + self.seconds

    def take(self, now: float, amount: int) -> None:
        if amount:
            self._taken.append((now, amount))
            self._used += amount


@dataclass(slots=True)
class Pace:
    """When the next requests may leave; all moments are in seconds of one monotonic clock. Used by one thread.

    A night's few changes go at once; a long one settles at 40 queries, 10 new users and one org unit a second.
    """

    queries_per_minute: int
    creates_per_second: int
    gate: float = 0.0
    _windows: Mapping[Cost, Window] = field(init=False)

    def __post_init__(self) -> None:
        a_second = max(1, self.queries_per_minute // 60)
        self._windows = {
            "query": Window(a_second, a_second * 60 / self.queries_per_minute * _MARGIN),
            "create": Window(self.creates_per_second, _MARGIN),
            "unit": Window(1, _MARGIN),
        }

    def room(self, cost: Cost, now: float) -> int:
        """How many requests of one kind may leave now."""
        if now < self.gate:
            return 0
        common = self._windows["query"].room(now)
        return common if cost == "query" else min(common, self._windows[cost].room(now))

    def opens(self, cost: Cost, now: float) -> float:
        """The moment from which at least one of a kind may leave."""
        return max(self.gate, self._windows["query"].opens(now), self._windows[cost].opens(now))

    def take(self, cost: Cost, amount: int, now: float) -> None:
        """Count requests that leave now."""
        self._windows["query"].take(now, amount)
        if cost != "query":
            self._windows[cost].take(now, amount)

    def close_gate(self, until: float) -> None:
        """Nothing leaves before `until`."""
        self.gate = max(self.gate, until)
