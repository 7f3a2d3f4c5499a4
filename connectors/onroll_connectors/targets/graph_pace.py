"""Writes are paced by Microsoft's own windows, and one gate stops everything when Graph says that it is too much."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

WRITES_SECONDS = 150.0
UNITS_SECONDS = 10.0
MOMENT = 5.0
UNITS = 3400  # of the 3,500 that the smallest tenant is given


@dataclass(slots=True)
class _Window:
    most: int
    seconds: float
    used: int = 0
    taken: deque[tuple[float, int]] = field(default_factory=deque)

    def free_at(self, now: float, amount: int) -> float:
        """The moment from which `amount` more fits into any window's length."""
        while self.taken and self.taken[0][0] <= now - self.seconds:
            self.used -= self.taken.popleft()[1]
        over = self.used + min(amount, self.most) - self.most
        at = now
        for when, units in self.taken:
            if over <= 0:
                break
            over -= units
            at = when + self.seconds
        return at

    def take(self, now: float, amount: int) -> None:
        if amount:
            self.taken.append((now, amount))
            self.used += amount


@dataclass(slots=True)
class Pace:
    """When the next requests may leave. A night's few changes go at once; a long one settles at the quota.

    `writes` is the number allowed in any 150 s. `monotonic` and `sleep` are in seconds; `stopping` ends a long wait.
    """

    writes: int
    monotonic: Callable[[], float]
    sleep: Callable[[float], None]
    stopping: Callable[[], bool]
    gate: float = 0.0
    _writes: _Window = field(init=False)
    _units: _Window = field(init=False)

    def __post_init__(self) -> None:
        self._writes = _Window(self.writes, WRITES_SECONDS)
        self._units = _Window(UNITS, UNITS_SECONDS)

    def close_gate(self, seconds: float) -> None:
        """Nothing leaves for `seconds` from now."""
        self.gate = max(self.gate, self.monotonic() + seconds)

    def enter(self, writes: int, units: int) -> bool:
        """Wait until this many may leave and count them; False when the run has to end before that."""
        while True:
            now = self.monotonic()
            at = max(self.gate, self._writes.free_at(now, writes), self._units.free_at(now, units))
            if at <= now:
                break
            if not self.wait(at - now):
                return False
        self._writes.take(now, writes)
        self._units.take(now, units)
        return True

    def wait(self, seconds: float) -> bool:
        """Sleep; False, early, when the run has to end and more than a moment is left: what has begun is finished first."""
        until = self.monotonic() + seconds
        while (left := until - self.monotonic()) > 0:
            if left > MOMENT and self.stopping():
                return False
            self.sleep(min(left, 1.0))
        return True
