"""One request on its way: what it is done with, what its asker said, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from onroll_core.errors import Refused
from onroll_core.line import Line
from onroll_core.night import Night
from onroll_core.store import Lease, Store, this_process
from onroll_core.store.requests import DONE, FAILED, HELD, Request
from onroll_daemon.desk.tray import Tray
from onroll_daemon.observing import in_vain
from onroll_daemon.settings import SchoolSettings, Settings
from onroll_daemon.wiring import Progress, line

_ENDED = {0: DONE, 1: FAILED, 3: HELD, 4: FAILED}


@dataclass(frozen=True, slots=True)
class Answer:
    """How a request ended (a status of `Request`), and what is kept of it for the page."""

    status: str
    result: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Job:
    """What a request is done with. `stopping` turns true when the service ends; `count` takes the night of a run and the seconds it took."""

    request: Request
    settings: Settings
    school: SchoolSettings
    store: Store
    tray: Tray
    clock: Callable[[], datetime]
    progress: Progress
    stopping: Callable[[], bool]
    count: Callable[[Night, float], None]

    @property
    def by(self) -> str:
        """Who asked."""
        return self.request.by

    def line(self) -> Line:
        """The school's line, with this request's progress and end."""
        return line(
            self.settings,
            self.school,
            self.store,
            stopping=self.stopping,
            progress=self.progress,
            clock=self.clock,
        )

    def alone(self) -> AbstractContextManager[Lease]:
        """The school's lease, for what a run must not meet half-done. Raises Busy, and then the request waits."""
        return self.store.lease(self.school.rules.id, this_process(self.by or "onroll"), self.clock())

    # What was asked comes from a page or from a script: each of these raises Refused where it is not what it should be.

    def text(self, name: str) -> str | None:
        """A text that was asked for, or None."""
        found = self.request.asked.get(name)
        if found is not None and not isinstance(found, str):
            raise Refused(f"{name} has to be a text. Nothing was done.")
        return found or None

    def needed(self, name: str) -> str:
        """A text without which nothing can be done."""
        found = self.text(name)
        if found is None:
            raise Refused(f"The request does not say {name}. Nothing was done.")
        return found

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts, empty where nothing was asked."""
        found = self.request.asked.get(name) or ()
        if isinstance(found, str) or not all(isinstance(each, str) for each in found):
            raise Refused(f"{name} has to be a list of texts. Nothing was done.")
        return tuple(found)

    def flag(self, name: str, otherwise: bool = False) -> bool:
        """Yes or no."""
        found = self.request.asked.get(name, otherwise)
        if not isinstance(found, bool):
            raise Refused(f"{name} has to be true or false. Nothing was done.")
        return found

    def number(self, name: str) -> int:
        """A whole number without which nothing can be done."""
        found = self.request.asked.get(name)
        if not isinstance(found, int) or isinstance(found, bool):
            raise Refused(f"{name} has to be a number. Nothing was done.")
        return found

    def day(self, name: str) -> date | None:
        """A date, or None."""
        found = self.text(name)
        try:
            return None if found is None else date.fromisoformat(found)
        except ValueError:
            raise Refused(f"{found} is no date. Write it like 2026-09-01.") from None

    def moment(self, name: str) -> datetime | None:
        """An aware moment, or None."""
        found = self.text(name)
        try:
            told = None if found is None else datetime.fromisoformat(found)
        except ValueError:
            told = None
        if found is not None and (told is None or told.tzinfo is None):
            raise Refused(f"{name} has to be a time with its zone, like 2026-09-01T07:00:00+00:00. Nothing was done.")
        return told

    def targets(self) -> tuple[str, ...] | None:
        """The targets that were asked for; None is all of them."""
        found = self.texts("targets")
        strange = [each for each in found if each not in self.school.targets]
        if strange:
            raise Refused(f"{self.school.rules.id} has no target {', '.join(strange)}. Nothing was done.")
        return found or None


def answer_of(night: Night, shape: dict[str, Any], approved: tuple[str, ...] = ()) -> Answer:
    """A night as an answer: `shape` is its document; "error" says in a sentence what failed, "changed" that what was approved is no longer the plan."""
    result = dict(shape)
    wrong = _wrong(night)
    if wrong and "error" not in result:
        result["error"] = wrong
    changed = _changed(night, approved)
    if changed:
        result["changed"] = changed
    return Answer(_ENDED[night.exit_code], result)


def _wrong(night: Night) -> str:
    """What failed, in sentences."""
    told = []
    for name, one in night.targets.items():
        if one.verdict == "failed":
            told.append(f"{name} could not be brought into line: {one.error}")
        elif one.tally["failed"]:
            told.append(f"{name} refused {one.tally['failed']} changes: {' '.join(one.troubles[:3])}")
    return " ".join(told)


def _changed(night: Night, approved: tuple[str, ...]) -> str:
    """What to say where something waits although somebody has just said yes."""
    waiting = [one.plan.digest for one in night.targets.values() if one.verdict == "held" and one.plan]
    waiting += [night.snapshot] if night.held and night.snapshot else []
    vain = in_vain(night, approved)
    if vain:
        return " ".join(vain)
    if not approved or not waiting:
        return ""
    if set(waiting) & set(approved):
        return "The approval is kept, and a second person has to give theirs before anything is written."
    there = {one.plan.digest for one in night.targets.values() if one.plan} | set(waiting)
    if set(approved) <= there:
        return ""  # what was approved is done; something else waits
    return "The plan has changed since you looked at it: nothing of it was written. Look at it as it is now, and approve that."
