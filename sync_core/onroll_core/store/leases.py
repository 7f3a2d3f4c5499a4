"""One run per school at a time: a lease with a heartbeat, taken over from a holder that is dead."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self

import psutil
from sqlalchemy import Connection, Engine, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from onroll_core.errors import OnrollError, Unavailable
from onroll_core.store.engine import writing
from onroll_core.store.rows import moment, stamp
from onroll_core.store.schema import leases

TTL = timedelta(seconds=90)
BEAT_SECONDS = 20.0


class Busy(Unavailable):
    """Another run works on this school."""


def this_process(what: str) -> str:
    """Who holds a lease: what for, on which machine, in which process, since when that process lives."""
    return f"{what} on {socket.gethostname()} pid {os.getpid()} born {psutil.Process().create_time():.2f}"


def is_dead(holder: str) -> bool:
    """True when the holder was a process of this machine that is certainly gone; False when it lives or cannot be known."""
    try:
        rest, born = holder.rsplit(" born ", 1)
        rest, pid = rest.rsplit(" pid ", 1)
        host = rest.rsplit(" on ", 1)[1]
        if host != socket.gethostname():
            return False
        process = psutil.Process(int(pid))
        # A process id is used again sooner or later; the time of birth tells the two apart.
        return abs(process.create_time() - float(born)) > 1 or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
    except (ValueError, IndexError, psutil.Error):
        return False


class Lease:
    """Held from `with` to its end; a thread keeps it fresh."""

    def __init__(self, engine: Engine, school: str, holder: str, now: Callable[[], datetime]) -> None:
        self._engine, self._school, self._holder, self._now = engine, school, holder, now
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, name=f"lease of {school}", daemon=True)

    def __enter__(self) -> Self:
        """Raises Busy, naming who holds it."""
        try:
            with writing(self._engine) as connection:
                self._take(connection)
        except IntegrityError:
            raise Busy(f"Another run has just begun to work on {self._school}. Wait for it to end.") from None
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()
        try:
            with writing(self._engine, durable=False) as connection:
                connection.execute(
                    delete(leases).where(leases.c.school == self._school, leases.c.holder == self._holder)
                )
        except OnrollError:
            # The store failed; what it raised first is the news, and the lease runs out by itself.
            if kind is None:
                raise

    def _take(self, connection: Connection) -> None:
        now = self._now()
        row = connection.execute(select(leases).where(leases.c.school == self._school).with_for_update()).first()
        if row is None:
            values = {"school": self._school, "holder": self._holder, "since": stamp(now), "beat": stamp(now)}
            connection.execute(insert(leases).values(**values))
            return
        beat = moment(row.beat)
        if not is_dead(row.holder) and beat is not None and now - beat < TTL:
            raise Busy(
                f"Another run works on {self._school} since {row.since} ({row.holder.split(' born ')[0]}). Wait for it to end, or stop it."
            )
        connection.execute(
            update(leases)
            .where(leases.c.school == self._school)
            .values(holder=self._holder, since=stamp(now), beat=stamp(now))
        )

    def _beat(self) -> None:
        while not self._ended.wait(BEAT_SECONDS):
            try:
                with writing(self._engine, durable=False) as connection:
                    connection.execute(
                        update(leases)
                        .where(leases.c.school == self._school, leases.c.holder == self._holder)
                        .values(beat=stamp(self._now()))
                    )
            except OnrollError:
                continue  # a store that is busy for a moment is tried again; the lease outlives four missed beats
