"""Each school's night begins, is tried again and ends by its window; the only file that knows APScheduler.

Jobs live in memory and are made anew from the configuration at each start; which process may run a school is decided by the lease in the store.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import Protocol

from onroll_core.night import Night
from onroll_daemon.timetable import Attempt, ending_of, first, following, next_window
from onroll_daemon.windows import Window

_LOG = logging.getLogger("onroll")

Run = Callable[[str, Callable[[], bool], Attempt], Night | None]
"""Runs one school's sync in an attempt of its window; the second argument turns true when it has to end. None when it could not begin (somebody
else is at work on it)."""


class Alarms(Protocol):
    """Something that calls back at a time; callbacks may come in threads of their own."""

    def at(self, name: str, when: datetime, call: Callable[[], None]) -> None:
        """Call at `when`, or at once when that has passed; an alarm of the same name is replaced."""
        ...

    def start(self) -> None:
        """Begin to call back."""
        ...

    def stop(self) -> None:
        """Call back no more, and wait for the calls that are under way."""
        ...

    @property
    def running(self) -> bool:
        """True between start and stop."""
        ...


class Clockwork:
    """Alarms by APScheduler 3.11. An alarm that the machine slept through rings when it wakes; at most `at_once` calls are under way."""

    def __init__(self, at_once: int = 4) -> None:
        from apscheduler.schedulers.background import BackgroundScheduler

        self._calls = ThreadPoolExecutor(at_once, "night")
        self._scheduler = BackgroundScheduler(
            job_defaults={"coalesce": True, "max_instances": 3, "misfire_grace_time": None}, timezone="UTC"
        )

    def at(self, name: str, when: datetime, call: Callable[[], None]) -> None:
        """See `Alarms`."""
        from apscheduler.triggers.date import DateTrigger

        # APScheduler only rings. It does not run the call: stopping it holds its lock until what it runs is over, and a call that sets the next
        # alarm waits for that lock.
        self._scheduler.add_job(self._ring, DateTrigger(when), [call], id=name, replace_existing=True)

    def start(self) -> None:
        """See `Alarms`."""
        self._scheduler.start()

    def stop(self) -> None:
        """See `Alarms`."""
        if self._scheduler.running:
            # A stop that meets a ring loses it with a traceback; after a pause, and a question that waits for its lock, there is none.
            self._scheduler.pause()
            self._scheduler.get_jobs()
            self._scheduler.shutdown(wait=True)
        self._calls.shutdown(wait=True)

    @property
    def running(self) -> bool:
        """See `Alarms`."""
        return bool(self._scheduler.running)

    def _ring(self, call: Callable[[], None]) -> None:
        self._calls.submit(_logged, call)


def _logged(call: Callable[[], None]) -> None:
    try:
        call()
    except Exception:
        # Nobody asks a future of these what it came to; a mistake here must at least be seen.
        _LOG.exception("An alarm failed in a way onroll did not expect")


class Schedule:
    """All schools of one service. `finished(school, since)` says whether a run since then left nothing to do again tonight."""

    def __init__(
        self,
        windows: Mapping[str, Window],
        run: Run,
        now: Callable[[], datetime],
        finished: Callable[[str, datetime], bool] = lambda school, since: False,
        alarms: Alarms | None = None,
    ) -> None:
        self._windows, self._run, self._now, self._finished = windows, run, now, finished
        self._alarms: Alarms = Clockwork() if alarms is None else alarms
        self._next: dict[str, Attempt] = {}
        self._working = {school: threading.Lock() for school in windows}
        self.stopping = threading.Event()

    def start(self) -> None:
        """Put every school's next attempt on the clock, tonight's too when its window is open and its run has not finished."""
        self.reckon()
        self._alarms.start()

    def reckon(self) -> None:
        """Put every school's next attempt on the clock anew, after it was set; a run that is under way puts its own there when it ends."""
        for school, window in self._windows.items():
            if self._working[school].locked():
                continue
            now = self._now()
            hours = window.at(now)
            finished = hours is not None and self._finished(school, hours.opens)
            self._expect(school, first(window, school, now, finished))

    def stop(self) -> None:
        """End runs between two batches and wait for them."""
        self.stopping.set()
        self._alarms.stop()

    @property
    def running(self) -> bool:
        """True while attempts will be made."""
        return self._alarms.running and not self.stopping.is_set()

    def next_start(self, school: str) -> datetime:
        """When the school's next attempt begins, or began when it is under way."""
        return self._next[school].at

    @contextmanager
    def alone(self, school: str) -> Iterator[bool]:
        """The right to run a school in this process while the block goes on; gives False when it is being worked on already."""
        lock = self._working.setdefault(school, threading.Lock())
        free = lock.acquire(blocking=False)
        try:
            yield free
        finally:
            if free:
                lock.release()

    def _expect(self, school: str, attempt: Attempt) -> None:
        self._next[school] = attempt
        self._alarms.at(school, attempt.at, partial(self._attempt, school, attempt))

    def _attempt(self, school: str, attempt: Attempt) -> None:
        """One attempt, and the next one put on the clock."""
        if self.stopping.is_set():
            return
        window = self._windows[school]
        if self._now() >= attempt.closes:  # the machine slept through the window
            self._expect(school, first(window, school, self._now(), False))
            return
        night = self._once(school, lambda: self.stopping.is_set() or self._now() >= attempt.closes, attempt)
        if self.stopping.is_set():
            return
        now = self._now()
        if now >= attempt.closes:
            self._expect(school, next_window(window, school, now))
        else:
            self._expect(school, following(window, school, attempt, ending_of(night), now))

    def _once(self, school: str, ending: Callable[[], bool], attempt: Attempt) -> Night | None:
        with self.alone(school) as free:
            if not free:
                return None
            try:
                return self._run(school, ending, attempt)
            except Exception:
                # A night that fails in a way nobody foresaw must not end the service; it is logged, and tried again like any other.
                _LOG.exception("The run of %s failed in a way onroll did not expect", school)
                return None
