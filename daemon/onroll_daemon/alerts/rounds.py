"""The rounds of alerts: look, decide, remember, send; every few minutes and after each run, in a thread that holds up nothing."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from onroll_core.errors import OnrollError
from onroll_core.store import Busy, Store
from onroll_daemon.alerts.deciding import Told, decide
from onroll_daemon.alerts.remembering import DRAWER, Kept, Letter, Pause, keep, recall
from onroll_daemon.alerts.seen import Alert

if TYPE_CHECKING:
    from onroll_daemon.alerts.sending import Sent
    from onroll_daemon.settings import Settings

_LOG = logging.getLogger("onroll")

EVERY = timedelta(minutes=5)
FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=5), timedelta(hours=4)
GIVEN_UP = timedelta(days=2)
_LETTERS = 200
_STOPPING = 5.0
_LEASE = "(alerts)"  # no school can be called so


class Alerts:
    """The alerts of one process. Any number of processes may have them on one store: one at a time looks and sends."""

    def __init__(self, settings: Settings, store: Store, clock: Callable[[], datetime]) -> None:
        self._settings, self._store, self._clock = settings, store, clock
        self._stopping, self._nudged = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin the rounds, where there is somebody to tell."""
        if self._settings.alerts.to:
            self._thread = threading.Thread(target=self._rounds, name="alerts", daemon=True)
            self._thread.start()

    def nudge(self) -> None:
        """Something happened: look now. Returns at once."""
        self._nudged.set()

    def stop(self) -> None:
        """End the rounds; a sending that is under way is waited for some seconds only, and done again by the next process."""
        self._stopping.set()
        self._nudged.set()
        if self._thread is not None:
            self._thread.join(_STOPPING)

    def _rounds(self) -> None:
        while not self._stopping.is_set():
            self._nudged.clear()
            try:
                self.round()
            except Busy:
                pass  # another process is at it
            except OnrollError as failure:
                _LOG.warning(
                    "Alerts could not be looked at, and will be in %s minutes: %s", EVERY.seconds // 60, failure
                )
            except Exception:
                # A mistake here must not end the alerts of the service for good, and must be seen.
                _LOG.exception("A round of alerts failed in a way onroll did not expect")
            self._nudged.wait(EVERY.total_seconds())

    def round(self) -> int:
        """Decide what to tell, remember it, and send what is due; gives how many sendings succeeded. Raises Busy while somebody else does, and OnrollError."""
        if not self._settings.alerts.to:
            return 0
        memory = self._store.memory(DRAWER)
        with self._store.lease(_LEASE, "alerts", self._clock()):
            before = recall(memory)
            found, told = due(self._settings, self._store, before.told, self._clock())
            kept = replace(before, told=told, letters=self._letters(before.letters, found))
            # Remembered before anything is sent: a crash from here on loses no letter, and repeats at most the one in hand.
            if kept != before:
                keep(memory, kept)
            return self._send(kept)

    def _letters(self, waiting: Iterable[Letter], found: Iterable[Alert]) -> tuple[Letter, ...]:
        """What is on its way, without what is too old and whom nobody tells any more."""
        now, to = self._clock(), [each.reference for each in self._settings.alerts.to]
        there = [replace(each, to=tuple(ref for ref in each.to if ref in to)) for each in waiting]
        for each in there:
            if each.to and now - each.since >= GIVEN_UP:
                _LOG.warning('The alert "%s" could not be sent in two days and is given up.', each.title)
        there = [each for each in there if each.to and now - each.since < GIVEN_UP]
        there += [Letter(each.key, each.kind, each.title, each.text, tuple(to), now) for each in found]
        return tuple(there[-_LETTERS:])

    def _send(self, kept: Kept) -> int:
        """Send what is due, and remember each that went; an address that fails is given a pause, longer each time."""
        from onroll_daemon.alerts.sending import send

        memory, sent = self._store.memory(DRAWER), 0
        for letter in kept.letters:
            for to in self._settings.alerts.to:
                if self._stopping.is_set():
                    return sent
                pause = kept.pauses.get(to.reference)
                if to.reference not in letter.to or (pause is not None and self._clock() < pause.until):
                    continue
                answer = send(to, letter.title, letter.text, letter.kind not in ("well", "digest"))
                sent += answer.ok
                kept = self._noted(kept, letter.key, to.reference, answer)
                keep(memory, kept)
        return sent

    def _noted(self, kept: Kept, key: str, reference: str, answer: Sent) -> Kept:
        pauses = {name: each for name, each in kept.pauses.items() if name != reference}
        if answer.ok:
            letters = (
                replace(each, to=tuple(ref for ref in each.to if each.key != key or ref != reference))
                for each in kept.letters
            )
            return replace(kept, letters=tuple(each for each in letters if each.to), pauses=pauses)
        times = kept.pauses[reference].times if reference in kept.pauses else 0
        wait = min(FIRST_PAUSE * 2 ** min(times, 16), LONGEST_PAUSE)
        minutes = int(wait.total_seconds() // 60)
        _LOG.warning("An alert could not be sent, and is tried again in %s minutes: %s", minutes, answer.sentence)
        return replace(kept, pauses=pauses | {reference: Pause(times + 1, self._clock() + wait)})


def due(
    settings: Settings, store: Store, told: Mapping[str, Told], now: datetime
) -> tuple[list[Alert], dict[str, Told]]:
    """What would be told now, and what would be remembered; neither sends nor remembers."""
    from onroll_daemon.alerts.looking import look
    from onroll_daemon.alerts.texts import Texts

    write = Texts(settings.alerts.templates).write
    return decide(told, look(settings, store, now), now, settings.alerts, write)
