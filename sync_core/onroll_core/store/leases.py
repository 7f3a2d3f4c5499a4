"""One run per school at a time: a row with a heartbeat, and a holder that has died is replaced."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import count
from threading import Event, Thread

from sqlalchemy import Connection, Engine, delete, insert, select, update

from onroll_core.errors import Halt, OnrollError, Unavailable
from onroll_core.store.codec import utc
from onroll_core.store.engine import writing
from onroll_core.store.failures import Clash
from onroll_core.store.processes import is_dead, signature
from onroll_core.store.schema import leases

LASTS = timedelta(seconds=60)
BEATS = timedelta(seconds=15)

_log = logging.getLogger("onroll")
_numbers = count(1)


class Busy(Unavailable):
    """Somebody else works on this school now."""


class Lease:
    """The right to work on one school. It beats by itself; `renew` beats at once."""

    def __init__(self, engine: Engine, school: str, process: str) -> None:
        self.school = school
        self._engine = engine
        self._process = process

    def renew(self, now: datetime) -> None:
        """Say that we are still here; raises Halt when the lease has become somebody else's."""
        with writing(self._engine, durable=False) as connection:
            ours = (leases.c.school == self.school) & (leases.c.process == self._process)
            if connection.execute(update(leases).where(ours).values(beat=utc(now))).rowcount == 0:
                raise _lost(self.school)

    def assert_held(self, connection: Connection) -> None:
        """In the caller's transaction: raises Halt when the lease has become somebody else's, so that nothing more is written."""
        holder = connection.execute(select(leases.c.process).where(leases.c.school == self.school)).scalar()
        if holder != self._process:
            raise _lost(self.school)


def _lost(school: str) -> Halt:
    return Halt(
        f"Another onroll has taken over {school}, because this one did not answer for more than {LASTS.seconds} seconds (was the machine asleep?)."
        " This run stops here; the other one does the rest."
    )


@contextmanager
def hold(
    engine: Engine, school: str, holder: str, now: datetime, clock: Callable[[], datetime], beats: timedelta = BEATS
) -> Iterator[Lease]:
    """Hold the lease of `school` while the block runs; `holder` is for people. Raises Busy, which says who has it and since when."""
    process = f"{signature()} {next(_numbers)}"
    _take(engine, school, holder, process, now)
    lease = Lease(engine, school, process)
    over = Event()
    heart = Thread(target=_beat, args=(lease, clock, over, beats), name=f"lease of {school}", daemon=True)
    heart.start()
    try:
        yield lease
    finally:
        over.set()
        heart.join()
        _give_back(engine, school, process)


def _take(engine: Engine, school: str, holder: str, process: str, now: datetime) -> None:
    row = {"school": school, "holder": holder, "process": process, "since": utc(now), "beat": utc(now)}
    try:
        with writing(engine) as connection:
            found = connection.execute(select(leases).where(leases.c.school == school).with_for_update()).one_or_none()
            if found is None:
                connection.execute(insert(leases).values(row))
            elif _is_free(found.process, datetime.fromisoformat(found.beat), now):
                _log.warning("%s: the run of %s ended without a word; its lease is taken over", school, found.holder)
                connection.execute(update(leases).where(leases.c.school == school).values(row))
            else:
                since = datetime.fromisoformat(found.since)
                raise Busy(
                    f"{school} is being worked on by {found.holder} since {since:%H:%M} UTC on {since:%d %B %Y}."
                    " Wait until that run is over, then run onroll again."
                )
    except Clash:
        raise Busy(
            f"{school} has just been taken by another onroll. Wait until its run is over, then run onroll again."
        ) from None


def _is_free(process: str, beat: datetime, now: datetime) -> bool:
    """A process of this machine can be asked: while it lives it holds, however slow its heart. Another machine's is believed by its heartbeat."""
    dead = is_dead(process)
    return now - beat > LASTS if dead is None else dead


def _beat(lease: Lease, clock: Callable[[], datetime], over: Event, beats: timedelta) -> None:
    while not over.wait(beats.total_seconds()):
        try:
            lease.renew(clock())
        except Halt as failure:
            _log.error("%s", failure)
        except OnrollError as failure:
            _log.warning("The lease of %s could not be renewed: %s", lease.school, failure)


def _give_back(engine: Engine, school: str, process: str) -> None:
    try:
        with writing(engine, durable=False) as connection:
            connection.execute(delete(leases).where(leases.c.school == school, leases.c.process == process))
    except OnrollError as failure:
        # The run itself is over and has its own outcome; the next one sees that this process is gone.
        _log.warning("The lease of %s could not be given back: %s", school, failure)
