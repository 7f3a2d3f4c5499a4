"""Whether this machine's clock can be believed, told from what lies on it: no time server is asked."""

from __future__ import annotations

import ctypes
import sys
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

SLACK = timedelta(minutes=5)
_UNSYNCHRONISED = 5  # TIME_ERROR of adjtimex(2)


def behind(now: datetime, told: Iterable[datetime]) -> timedelta | None:
    """How far `now` lies before the latest time that was written down earlier; None when it does not, but for a few minutes."""
    latest = max(told, default=now)
    return latest - now if latest - now > SLACK else None


def file_times(files: Iterable[Path]) -> list[datetime]:
    """When files were written last; those that are not there are left out."""
    return [datetime.fromtimestamp(each.stat().st_mtime, UTC) for each in files if each.exists()]


def kept_in_step() -> bool | None:
    """Whether the kernel says that something (NTP) keeps the clock in step; None where it does not tell."""
    if sys.platform != "linux":
        return None
    try:
        state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(1024))  # modes 0: only look
    except (OSError, AttributeError):
        return None
    return None if state < 0 else state != _UNSYNCHRONISED


class Steadiness:
    """Notices that the clock was set while the program ran: its time and the time that passed part company. So they do when the machine was asleep."""

    def __init__(self, clock: Callable[[], datetime], passed: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._passed = clock, passed
        self._at, self._then = clock(), passed()

    def moved(self) -> timedelta | None:
        """How far the clock has moved by itself since it was last asked; None for a few minutes or less, which add up."""
        now, then = self._clock(), self._passed()
        moved = now - self._at - timedelta(seconds=then - self._then)
        if abs(moved) <= SLACK:
            return None
        self._at, self._then = now, then
        return moved


def in_words(time: timedelta) -> str:
    """A length of time for a sentence: minutes, hours or days."""
    minutes = abs(time.total_seconds()) / 60
    if minutes >= 48 * 60:
        return f"{minutes / 60 / 24:.0f} days"
    return f"{minutes / 60:.0f} hours" if minutes >= 120 else f"{minutes:.0f} minutes"
