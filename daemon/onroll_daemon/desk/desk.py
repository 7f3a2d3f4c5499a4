"""The desk takes what people asked for, does it once, shows how far it is, and keeps what came of it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime, timedelta

from onroll_core.errors import OnrollError, Refused
from onroll_core.night import Night
from onroll_core.store import Busy, Store
from onroll_core.store.processes import is_dead, signature
from onroll_core.store.requests import CUT_OFF, FAILED, REFUSED, UNDER_WAY, Request
from onroll_daemon.desk.job import Answer, Job
from onroll_daemon.desk.jobs import LOOKS, RUNS, Do
from onroll_daemon.desk.tray import Tray
from onroll_daemon.settings import Settings
from onroll_daemon.wiring import now as the_time

_LOG = logging.getLogger("onroll")

LANES: tuple[Mapping[str, Do], ...] = (RUNS, RUNS, LOOKS)
"""A thread each: two schools may be run at once, and a look never waits for a run."""
POLL, PAUSE, EVERY = 2.0, 2.0, 1.0
"""Seconds: between two looks for requests, before a busy school is tried again, between two words about progress."""
FINISH_TRIES = 20
KEPT = timedelta(days=30)
LOOKED = timedelta(days=1)
"""How long looks are kept, which may be large; the newest of each kind that came to something stays like any other request."""
GIVEN_UP = timedelta(hours=12)
"""A request of another machine's process is believed to be under way for so long."""
_TIDIES = 600.0

GONE = "The service ended while this was under way. What was done until then is recorded under Runs. It does not begin again by itself: look there, then ask again."
STOPPED = (
    "The service was stopped before the end. What was done is recorded; ask again for the rest, once it runs again."
)
UNHANDED = "The service was stopped before the end. Some may have a new password that nobody knows: ask again, also for those who were given one before."
UNFORESEEN = "onroll made a mistake. Its log says where; what was done until then is recorded under Runs. Please report it with those lines."

Alone = Callable[[str], AbstractContextManager[bool]]
"""Holds the right to run a school in this process while its block goes on; gives False when somebody else has it."""


class Desk:
    """All requests of the schools of one service. `alone` keeps runs apart from those of the schedule, `count` takes what a run came to and its seconds."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        clock: Callable[[], datetime] = the_time,
        tray: Tray | None = None,
        alone: Alone = lambda school: nullcontext(True),
        count: Callable[[Night, float], None] = lambda night, seconds: None,
        lanes: tuple[Mapping[str, Do], ...] = LANES,
    ) -> None:
        self._settings, self._store, self._clock = settings, store, clock
        self.tray = Tray() if tray is None else tray
        self._alone, self._count, self._lanes = alone, count, lanes
        self._over = threading.Event()
        self._woken = [threading.Event() for _ in lanes]
        self._threads: list[threading.Thread] = []
        self._later: dict[int, float] = {}
        self._ours: set[int] = set()
        self._tidied = 0.0

    def start(self) -> None:
        """Say of requests whose process has died that they were cut off, and begin to work."""
        self._tidy()
        for lane, woken in zip(self._lanes, self._woken, strict=True):
            thread = threading.Thread(target=self._work, args=(lane, woken), name="desk", daemon=True)
            self._threads.append(thread)
            thread.start()

    def end(self) -> None:
        """Begin nothing any more, and end what is under way between two batches; returns at once."""
        self._over.set()
        self.wake()

    def stop(self) -> None:
        """`end`, and wait for it. What waits is done after the next start."""
        self.end()
        for thread in self._threads:
            thread.join()
        self._threads.clear()

    def wake(self) -> None:
        """There is a new request: look at once."""
        for each in self._woken:
            each.set()

    @property
    def running(self) -> bool:
        """True while requests are taken."""
        return bool(self._threads) and not self._over.is_set()

    # --- in the threads ---

    def _work(self, lane: Mapping[str, Do], woken: threading.Event) -> None:
        while not self._over.is_set():
            woken.clear()
            try:
                taken = self._take(lane)
                if taken is not None:
                    self._do(taken, lane[taken.kind])
                    continue
                if time.monotonic() - self._tidied > _TIDIES:
                    self._tidy()
            except OnrollError as failure:
                _LOG.warning("The desk cannot look for requests: %s", failure)
            except Exception:
                # A desk that is gone answers nobody any more; the next look may go well.
                _LOG.exception("The desk failed in a way onroll did not expect")
            woken.wait(POLL)

    def _take(self, lane: Mapping[str, Do]) -> Request | None:
        """The oldest request of a lane that may begin now; it is then under way, and this process's."""
        for request in self._store.requests.waiting():
            if request.kind not in {*RUNS, *LOOKS, *lane}:
                if self._store.requests.take(request.id, signature(), self._clock()):
                    self._finish(request, Answer(REFUSED, {"error": f"onroll does not know how to do {request.kind}."}))
            elif request.kind in lane and self._later.get(request.id, 0.0) <= time.monotonic():
                self._ours.add(request.id)
                if self._store.requests.take(request.id, signature(), self._clock()):
                    return request
                self._ours.discard(request.id)
        return None

    def _do(self, request: Request, do: Do) -> None:
        """One request to its end, or back to those that wait when its school is at work."""
        ending = _Ending(self._over)
        try:
            with self._alone(request.school) if request.kind in RUNS else nullcontext(True) as free:
                answer = self._answer(request, do, ending) if free else None
        except Busy:
            answer = None
        try:
            if answer is None:
                self._later[request.id] = time.monotonic() + PAUSE
                self._store.requests.put_back(request.id)
            else:
                self._later.pop(request.id, None)
                self._finish(request, answer)
        except OnrollError as failure:
            _LOG.warning("%s: the request %s cannot wait again: %s", request.school, request.id, failure)
        finally:
            self._ours.discard(request.id)

    def _answer(self, request: Request, do: Do, ending: _Ending) -> Answer:
        """What came of it, whatever that was. Raises Busy alone."""
        school = self._settings.schools.get(request.school)
        if school is None:
            return Answer(REFUSED, {"error": f"There is no school {request.school} in {self._settings.path} any more."})
        _LOG.info("%s: %s was asked for", request.school, request.kind)
        progress = _Telling(self._store, request.id)
        job = Job(request, self._settings, school, self._store, self.tray, self._clock, progress, ending, self._count)
        try:
            answer = do(job)
        except Busy:
            raise
        except Refused as failure:
            answer = Answer(REFUSED, {"error": failure.sentence})
        except OnrollError as failure:
            _LOG.warning("%s: %s: %s", request.school, request.kind, failure)
            answer = Answer(FAILED, {"error": failure.sentence})
        except Exception:
            _LOG.exception("%s: %s failed in a way onroll did not expect", request.school, request.kind)
            answer = Answer(FAILED, {"error": UNFORESEEN})
        if ending.seen:
            told = UNHANDED if request.kind == "passwords" else STOPPED
            return Answer(CUT_OFF, answer.result | {"error": told})
        return answer

    def _finish(self, request: Request, answer: Answer) -> None:
        """Keep what came of it; a store that is busy for a while does not lose it."""
        status, result = answer.status, answer.result
        for _ in range(FINISH_TRIES):
            try:
                self._store.requests.finish(request.id, status, result, self._clock())
                return
            except (TypeError, ValueError):
                _LOG.exception("%s: what came of request %s cannot be kept", request.school, request.id)
                status, result = FAILED, {"error": UNFORESEEN}
            except OnrollError as failure:
                _LOG.warning("%s: what came of request %s is not kept yet: %s", request.school, request.id, failure)
                time.sleep(PAUSE)

    def _tidy(self) -> None:
        """What is over, long ago or because its process is gone."""
        self._tidied = time.monotonic()
        now = self._clock()
        self.tray.tidy(now)
        try:
            self._store.requests.cut_off(is_dead, GONE, now)
            for school in self._settings.schools:
                for each in self._store.requests.open(school):
                    if each.status == UNDER_WAY and each.id not in self._ours and _long_ago(each, now):
                        self._store.requests.finish(each.id, CUT_OFF, {"error": GONE}, now)
            self._store.requests.tidy(now - KEPT)
            self._store.requests.tidy_looks(now - LOOKED, LOOKS)
        except OnrollError as failure:
            _LOG.warning("The desk cannot tidy up: %s", failure)


def _long_ago(request: Request, now: datetime) -> bool:
    return request.began is not None and now - datetime.fromisoformat(request.began) > GIVEN_UP


class _Ending:
    """Whether the service ends, and whether the work has heard of it: then it has not been done to its end."""

    def __init__(self, over: threading.Event) -> None:
        self._over, self.seen = over, False

    def __call__(self) -> bool:
        self.seen = self.seen or self._over.is_set()
        return self.seen


class _Telling:
    """Progress on its way to the store, once a second at most: it must not slow down what it tells of."""

    def __init__(self, store: Store, number: int) -> None:
        self._store, self._number, self._next = store, number, 0.0

    def __call__(self, what: str, done: int, total: int | None) -> None:
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + EVERY
        try:
            self._store.requests.progress(self._number, what, done, total)
        except OnrollError as failure:
            _LOG.debug("Progress of request %s is not kept: %s", self._number, failure)
