"""Google's limits, counted as Google counts them: by the moments at which requests came."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from onroll_connectors.sandbox.google_rules import EXHAUSTED, Refusal


@dataclass(slots=True)
class Window:
    """At most `most` in any `seconds`."""

    most: int
    seconds: float
    moments: deque[float] = field(default_factory=deque)

    def admit(self, now: float) -> bool:
        """Count one in, or say that it is one too many. What was refused is not counted."""
        while self.moments and self.moments[0] <= now - self.seconds:
            self.moments.popleft()
        if len(self.moments) >= self.most:
            return False
        self.moments.append(now)
        return True


@dataclass(slots=True)
class Quotas:
    """The limits of the Directory API: queries a minute and user, new users a second and domain, org units a second. And Classroom's, a minute and user.

    `refused` counts the requests that were one too many, by what was exceeded.
    """

    queries_per_minute: int = 2400
    creates_per_second: int = 10
    units_per_second: int = 1
    classroom_per_minute: int = 1200
    refused: dict[str, int] = field(default_factory=dict)
    _queries: Window = field(init=False)
    _creates: dict[str, Window] = field(default_factory=dict)
    _units: Window = field(init=False)
    _classroom: Window = field(init=False)

    def __post_init__(self) -> None:
        self._queries = Window(self.queries_per_minute, 60.0)
        self._units = Window(self.units_per_second, 1.0)
        self._classroom = Window(self.classroom_per_minute, 60.0)

    def charge(self, operation: str, domain: str, now: float) -> Refusal | None:
        """None, or how Google refuses one request of an operation at a moment in seconds; a new user counts against its domain."""
        if operation.startswith("classroom."):
            return None if self._classroom.admit(now) else self._over("classroom", EXHAUSTED)
        if not self._queries.admit(now):
            return self._over("queries", Refusal(403, "userRateLimitExceeded", "User Rate Limit Exceeded"))
        if operation == "directory.users.insert":
            window = self._creates.setdefault(domain, Window(self.creates_per_second, 1.0))
            if not window.admit(now):
                # Google words this in three ways, as the mood takes it.
                times = self.refused.get("creates", 0)
                return self._over("creates", _CREATES[times % len(_CREATES)])
        if operation in _UNITS and not self._units.admit(now):
            return self._over("units", Refusal(403, "quotaExceeded", "Request rate higher than configured."))
        return None

    def _over(self, what: str, refusal: Refusal) -> Refusal:
        self.refused[what] = self.refused.get(what, 0) + 1
        return refusal


_UNITS = ("directory.orgunits.insert", "directory.orgunits.update", "directory.orgunits.patch")
_CREATES = (
    Refusal(403, "quotaExceeded", "Request rate higher than configured."),
    Refusal(503, "backendError", "Quota exceeded for the current request."),
    Refusal(429, "rateLimitExceeded", "Quota exceeded for quota metric 'User creation requests'."),
)
