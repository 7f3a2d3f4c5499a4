"""When each school's night begins, is tried again, and must end: the only file that knows APScheduler.

Jobs live in memory and are rebuilt from the configuration at each start; which process may run is decided by the lease in the store.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.date import DateTrigger

from onroll_core.night import Night
from onroll_daemon.windows import Window

RETRY_FIRST, RETRY_MOST = timedelta(minutes=2), timedelta(minutes=20)
_LOG = logging.getLogger("onroll")

Run = Callable[[str, Callable[[], bool]], Night | None]
"""Runs one school's sync; the second argument turns true when it has to end. None when it could not begin (another run has the lease)."""


@dataclass(slots=True)
class Schedule:
    """Every school's next start; `run` does the work, in a thread of its own for each school."""

    windows: Mapping[str, Window]
    run: Run
    now: Callable[[], datetime]
    stopping: threading.Event = field(default_factory=threading.Event)
    scheduler: BackgroundScheduler = field(init=False)
    done: dict[str, datetime] = field(default_factory=dict)
    tries: dict[str, int] = field(default_factory=dict)
    last_read: Callable[[str], datetime | None] = lambda school: None

    def __post_init__(self) -> None:
        defaults = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        self.scheduler = BackgroundScheduler(job_defaults=defaults, timezone="UTC")

    def start(self) -> None:
        """Put every school's next start on the clock, tonight's too when its window is open and nothing was read in it yet."""
        for school in self.windows:
            self._arrange(school)
        self.scheduler.start()

    def stop(self) -> None:
        """End runs between two batches and wait for them."""
        self.stopping.set()
        self.scheduler.shutdown(wait=True)

    def sync_now(self, school: str) -> None:
        """A run that a person asked for, at any time."""
        self.scheduler.add_job(
            partial(self._night, school, None), DateTrigger(self.now()), id=f"{school} by hand", replace_existing=True
        )

    def next_start(self, school: str) -> datetime:
        """When the school's next run begins."""
        window, at = self.windows[school], self.now()
        opened = window.at(at)
        if opened is not None and not self._read_in(school, opened[0]):
            return max(at, window.start(*opened, school))
        return window.start(*window.after(at), school)

    def _read_in(self, school: str, opens: datetime) -> bool:
        read = self.last_read(school) or self.done.get(school)
        return (read is not None and read >= opens) or self.done.get(school, opens - timedelta(1)) >= opens

    def _arrange(self, school: str, start: datetime | None = None) -> None:
        start = start or self.next_start(school)
        window = self.windows[school]
        opened = window.at(start) or window.at(start + timedelta(seconds=1))
        closes = opened[1] if opened is not None else start + timedelta(hours=3)
        self.scheduler.add_job(
            partial(self._night, school, closes), DateTrigger(start), id=school, replace_existing=True
        )

    def _night(self, school: str, closes: datetime | None) -> None:
        """One run, and what follows from how it ended."""
        if self.stopping.is_set():
            return

        def ending() -> bool:
            return self.stopping.is_set() or (closes is not None and self.now() >= closes)

        night: Night | None = None
        try:
            night = self.run(school, ending)
        except Exception:
            # A night that fails in a way nobody foresaw must not end the service; it is logged, and tried again like any other.
            _LOG.exception("the run of %s failed", school)
        if closes is None or self.stopping.is_set():
            return
        if night is not None and not night.unread:
            self.done[school] = self.now()
            self.tries.pop(school, None)
            self._arrange(school)
            return
        tries = self.tries[school] = self.tries.get(school, 0) + 1
        again = self.now() + min(RETRY_FIRST * 2 ** (tries - 1), RETRY_MOST)
        if again < closes:
            self._arrange(school, again)
            return
        self.tries.pop(school, None)
        self.done[school] = self.now()  # this window is over for the school
        self._arrange(school)
