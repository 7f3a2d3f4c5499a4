"""When a school is tried, and what follows from how that ended: plain functions of window, time and ending."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from onroll_core.night import Night
from onroll_daemon.windows import Window

FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=2), timedelta(minutes=20)
TARGET_TRIES = 3
"""A target that was away, or put changes off, is tried so many times more in one window; a source until the window ends."""
LAST_CHANCE = timedelta(hours=1)
"""So long before a window closes, a nightly feed that has not come is waited for no more: what there is, is taken."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One start of a school: at `at`, to end by `closes`; `tries` were made before it in the same window."""

    at: datetime
    closes: datetime
    tries: int = 0


class Ending(Enum):
    """How an attempt ended, as far as the timetable cares."""

    DONE = "done"
    UNREAD = "nothing could be read, or the run could not begin"
    UNFINISHED = "a target failed, or changes were put off"


def first(window: Window, school: str, now: datetime, finished: bool) -> Attempt:
    """The next attempt of a school: at once when its place in an open window has passed and this window's run is not `finished`."""
    hours = window.at(now)
    if hours is not None and not finished:
        return Attempt(max(now, window.start(hours, school)), hours.closes)
    return next_window(window, school, now)


def next_window(window: Window, school: str, now: datetime) -> Attempt:
    """The first attempt in the next window that opens."""
    hours = window.next_opening(now)
    return Attempt(window.start(hours, school), hours.closes)


def following(window: Window, school: str, attempt: Attempt, ending: Ending, now: datetime) -> Attempt:
    """The attempt after one that ended at `now`: later in the same window, with growing pauses, or in the next one."""
    again = ending is Ending.UNREAD or (ending is Ending.UNFINISHED and attempt.tries < TARGET_TRIES)
    pause = min(FIRST_PAUSE * 2 ** min(attempt.tries, 16), LONGEST_PAUSE)
    if again and now + pause < attempt.closes:
        return Attempt(now + pause, attempt.closes, attempt.tries + 1)
    return next_window(window, school, now)


def ending_of(night: Night | None) -> Ending:
    """What a night (None: it could not begin) means for the timetable. What waits for a person is done for tonight."""
    if night is None or night.unread:
        return Ending.UNREAD
    unfinished = any(each.verdict == "failed" or each.tally["deferred"] for each in night.targets.values())
    return Ending.UNFINISHED if unfinished else Ending.DONE


def feed_awaited(window: Window, attempt: Attempt) -> datetime | None:
    """From when on a nightly feed's own time counts as tonight's, in this attempt; None when it is waited for no longer."""
    hours = window.at(attempt.at)
    return None if hours is None or attempt.at >= attempt.closes - LAST_CHANCE else hours.opens
