"""Hand-outs of first passwords lie in the memory of this process for an hour, for the person who asked, and nowhere else."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta

LIES = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class HandOut:
    """The passwords as a file and as slips to print; in no `repr`."""

    by: str
    until: datetime
    csv: str = field(repr=False)
    html: str = field(repr=False)


class Tray:
    """Hand-outs by the number of their request. Any thread may use it; what is over is gone at the next touch."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[int, HandOut] = {}

    def put(self, number: int, by: str, csv: str, html: str, now: datetime) -> datetime:
        """Lay a hand-out down for `by`; gives the time at which it is gone."""
        until = now + LIES
        with self._lock:
            self._clear(now)
            self._kept[number] = HandOut(by, until, csv, html)
        return until

    def get(self, number: int, by: str, now: datetime) -> HandOut | None:
        """The hand-out of a request, for the person who asked; None for everybody else, and when it is gone."""
        with self._lock:
            self._clear(now)
            found = self._kept.get(number)
        return found if found is not None and found.by == by else None

    def drop(self, number: int, by: str) -> bool:
        """Throw a hand-out away before its hour is over; True when there was one of this person's."""
        with self._lock:
            found = self._kept.get(number)
            if found is None or found.by != by:
                return False
            del self._kept[number]
            return True

    def tidy(self, now: datetime) -> None:
        """Throw away what is over."""
        with self._lock:
            self._clear(now)

    def _clear(self, now: datetime) -> None:
        self._kept = {number: each for number, each in self._kept.items() if now < each.until}

    def __repr__(self) -> str:
        return f"<Tray with {len(self._kept)} hand-outs>"
