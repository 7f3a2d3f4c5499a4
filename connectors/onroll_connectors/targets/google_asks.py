"""What is asked of Google and what comes back, as data: an `Ask` becomes a request of the SDK, a `Problem` is an error that was understood."""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

Cost = Literal["query", "create", "unit", "lesson"]


@dataclass(frozen=True, slots=True)
class Ask:
    """One call of the Directory or Classroom API: `resource` "users" or "courses.teachers", `method` "insert", `arguments` as the SDK takes them.

    `repeat`: it may be sent again when nobody knows what became of it. The arguments can hold a password and are in no repr.
    """

    resource: str
    method: str
    arguments: Mapping[str, Any] = field(repr=False)
    repeat: bool = True

    @property
    def cost(self) -> Cost:
        """Which of Google's limits it counts against, beside the common one."""
        if self.lesson:
            return "lesson"
        if self.method != "insert":
            return "query"
        return {"users": "create", "orgunits": "unit"}.get(self.resource, "query")  # type: ignore[return-value]

    @property
    def lesson(self) -> bool:
        """Whether it goes to Classroom, which has a quota and batches of its own."""
        return self.resource.startswith("courses")


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait for so many seconds before going on."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Answer:
    """It was done; the JSON that Google answered, {} when nothing."""

    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Problem:
    """It was not done, or nobody knows: `status` 0 is an answer that never came. `retry_after` is in seconds."""

    status: int
    reason: str
    message: str
    retry_after: float | None = None

    @property
    def busy(self) -> bool:
        """Google wants fewer requests. It says so in several ways, the older ones in plain text. A limit for the day is no such wish."""
        return self.code not in _FOR_TODAY and (
            self.status == 429
            or self.reason in _BUSY
            or (self.status in (403, 503) and bool(_TOO_MANY.search(self.message)))
        )

    @property
    def code(self) -> str:
        """Classroom's own word for what is wrong ("CourseNotModifiable"), or ""."""
        found = re.match(r"@(\w+)", self.message)
        return found[1] if found else ""

    @property
    def for_today(self) -> bool:
        """A limit a day is reached."""
        return self.code in _FOR_TODAY

    @property
    def accepted(self) -> bool:
        """A membership collided with another change of its group, and Google carries it out a little later."""
        return self.status == 409 and self.reason == "conflict"

    @property
    def undone(self) -> bool:
        """Busy in a way that means that nothing was done; a 503 promises nothing."""
        return self.busy and self.status < 500

    @property
    def passing(self) -> bool:
        """A fault of the network or of Google's: nobody knows whether it was done."""
        return self.status == 0 or self.status >= 500 or self.reason in _PASSING

    @property
    def unfinished(self) -> bool:
        """The user was inserted a moment ago and cannot be changed yet."""
        return self.status == 412 and "creation is not complete" in self.message.lower()

    @property
    def gone(self) -> bool:
        return self.status == 404

    @property
    def taken(self) -> bool:
        """Some user, alias or group has the address."""
        return self.status == 409 or self.reason == "duplicate"

    @property
    def out_of_licences(self) -> bool:
        return self.status == 412 and bool(
            re.search(r"user limit|paid subscription|licen[cs]e", self.message, re.IGNORECASE)
        )

    @property
    def locked_out(self) -> bool:
        """The credentials are not accepted, or lack a scope: nothing else will work either."""
        return self.status == 401 or self.reason in ("insufficientPermissions", "authError", "domainCannotUseApis")


# The sets are those by which GAM, which has met them all, decides.
_BUSY = {
    "quotaExceeded",
    "rateLimitExceeded",
    "sharingRateLimitExceeded",
    "userRateLimitExceeded",
    "dailyLimitExceeded",
}
_FOR_TODAY = {"UserCourseJoinRateLimitReached", "UserInvitationQuotaExhausted"}
_PASSING = {"backendError", "badGateway", "gatewayTimeout", "internalError", "transientError"}
_TOO_MANY = re.compile(r"request rate higher than configured|quota exceeded", re.IGNORECASE)

Reply = Answer | Problem
Result = TypeVar("Result")
Script = Generator[Ask | Pause, Reply, Result]
"""A conversation with Google: yields what to ask or how long to wait, is sent the reply (an empty Answer after a Pause), returns its result."""
