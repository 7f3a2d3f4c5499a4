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

    A night's few changes go at once; a long one settles at 40 queries, 10 new users and one org unit a second. Classroom counts apart: 20 a second.
    """

    queries_per_minute: int
    creates_per_second: int
    lessons_per_minute: int = 1200
    units_per_second: int = 1
    gate: float = 0.0
    _windows: Mapping[Cost, Window] = field(init=False)

    def __post_init__(self) -> None:
        self._windows = {
            "query": _a_minute(self.queries_per_minute),
            "lesson": _a_minute(self.lessons_per_minute),
            "create": Window(self.creates_per_second, _MARGIN),
            "unit": Window(self.units_per_second, _MARGIN),
        }

    def room(self, cost: Cost, now: float) -> int:
        """How many requests of one kind may leave now."""
        if now < self.gate:
            return 0
        return min(self._windows[each].room(now) for each in _counted(cost))

    def opens(self, cost: Cost, now: float) -> float:
        """The moment from which at least one of a kind may leave."""
        return max(self.gate, *(self._windows[each].opens(now) for each in _counted(cost)))

    def take(self, cost: Cost, amount: int, now: float) -> None:
        """Count requests that leave now."""
        for each in _counted(cost):
            self._windows[each].take(now, amount)

    def close_gate(self, until: float) -> None:
        """Nothing leaves before `until`."""
        self.gate = max(self.gate, until)


def _a_minute(most: int) -> Window:
    """A limit for a minute, used evenly."""
    a_second = max(1, most // 60)
    return Window(a_second, a_second * 60 / most * _MARGIN)


def _counted(cost: Cost) -> frozenset[Cost]:
    """The windows in which a request counts."""
    return frozenset({cost}) if cost == "lesson" else frozenset({"query", cost})
