"""Microsoft's throttling limits of the identity service, as documented in 2026: writes and resource units in sliding windows."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(slots=True)
class Window:
    """At most `most` units in any `seconds`."""

    most: int
    seconds: float
    used: int = 0
    _taken: deque[tuple[float, int]] = field(default_factory=deque)

    def wait(self, now: float, units: int) -> float:
        """Seconds until `units` more would fit; 0 when they do now. `now` in seconds."""
        self._forget(now)
        over = self.used + units - self.most
        if over <= 0:
            return 0.0
        for at, taken in self._taken:
            over -= taken
            if over <= 0:
                return at + self.seconds - now
        return self.seconds

    def take(self, now: float, units: int) -> None:
        """Count `units` used at `now`."""
        self._taken.append((now, units))
        self.used += units

    def share(self) -> float:
        """The part of the window that is used, 0 to 1."""
        return self.used / self.most

    def _forget(self, now: float) -> None:
        while self._taken and self._taken[0][0] <= now - self.seconds:
            self.used -= self._taken.popleft()[1]


@dataclass(slots=True)
class Quotas:
    """The limits of one app in one tenant: 3,000 writes in 150 s, and resource units in 10 s by the tenant's size (3,500 small)."""

    writes: Window = field(default_factory=lambda: Window(3000, 150.0))
    units: Window = field(default_factory=lambda: Window(3500, 10.0))
    refused: int = 0

    def charge(self, now: float, method: str, units: int) -> tuple[int, dict[str, str]] | None:
        """Count a request, or give (seconds, headers) when it is one too many."""
        wait, window, name = max(
            (
                self.writes.wait(now, 1) if method != "GET" else 0.0,
                self.writes,
                "Write",
            ),
            (self.units.wait(now, units), self.units, "ResourceUnit"),
            key=lambda each: each[0],
        )
        if wait > 0:
            self.refused += 1
            seconds = max(1, math.ceil(wait))
            return seconds, {
                "Retry-After": str(seconds),
                "x-ms-throttle-scope": "Tenant_Application/ReadWrite/onroll/sandbox",
                "x-ms-throttle-information": f"{name}LimitExceeded",
                "x-ms-throttle-limit-percentage": f"{window.share():.2f}",
            }
        if method != "GET":
            self.writes.take(now, 1)
        self.units.take(now, units)
        return None

    def headers(self, units: int) -> dict[str, str]:
        """What an answer tells of the limits."""
        told = {"x-ms-resource-unit": str(units)}
        share = max(self.writes.share(), self.units.share())
        if share >= 0.8:
            told["x-ms-throttle-limit-percentage"] = f"{share:.2f}"
        return told


def cost(method: str, query: Mapping[str, list[str]]) -> int:
    """Resource units of one request: a GET costs 2, less one with $select and one with a $top below 20, more one with $expand."""
    if method != "GET":
        return 1
    units = 2 - ("$select" in query) + ("$expand" in query)
    top = query.get("$top", ["999"])[0]
    return max(1, units - (top.isdigit() and int(top) < 20))
