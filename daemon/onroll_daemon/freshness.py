"""How fresh a school is, in one word with a reason. Five times stand behind it, each says what it is, and none is called "last sync"."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from onroll_daemon.windows import Window

Word = Literal["fresh", "late", "failing"]
"""fresh: everything was read when it should have been, and every target took it. late: something is due or waits for a person.
failing: something does not work and will not by itself."""

STALE_FEED = timedelta(days=4)
"""A weekend and a bank holiday."""
_TIMES = ("last_contact", "last_read", "feed_time", "last_change")


@dataclass(frozen=True, slots=True)
class Freshness:
    """`word` and `why`. The times are aware, or None until it happened: the MIS answered last; everybody was read and believed last; what the MIS
    itself says its data is from; something was changed in a target last; by when the next complete reading is due."""

    word: Word
    why: str
    last_contact: datetime | None
    last_read: datetime | None
    feed_time: datetime | None
    last_change: datetime | None
    next_expected: datetime

    def as_json(self) -> dict[str, Any]:
        """The times as ISO text."""
        times = {name: getattr(self, name) for name in (*_TIMES, "next_expected")}
        told = {name: None if value is None else value.isoformat(timespec="seconds") for name, value in times.items()}
        return {"word": self.word, "why": self.why} | told


def freshness(
    known: Mapping[str, str | None],
    runs: Iterable[Mapping[str, Any]],
    targets: Iterable[str],
    window: Window,
    now: datetime,
) -> Freshness:
    """What the store knows of a school's readings (`Store.freshness`) and of its last runs (`Store.runs`, newest first), judged at `now`."""
    times = {name: _moment(known.get(name)) for name in _TIMES}
    read = times["last_read"]
    hours = window.at(now)
    if hours is None or (read is not None and read >= hours.opens):
        due = window.next_opening(now).closes
    else:
        due = hours.closes
    word, why = _judged(known, times, _latest(runs, targets), window, now)
    return Freshness(word, why, times["last_contact"], read, times["feed_time"], times["last_change"], due)


def _judged(
    known: Mapping[str, str | None],
    times: Mapping[str, datetime | None],
    night: Mapping[str, Any],
    window: Window,
    now: datetime,
) -> tuple[Word, str]:
    read, feed, changed = times["last_read"], times["feed_time"], times["last_change"]
    closed = window.last_closed(now)
    in_time = read is not None and read >= closed.opens
    last_read = f"everybody was read on {_spoken(read, window)}" if read else "nobody has been read yet"
    if problem := known.get("problem"):
        return _unread(problem, _moment(known.get("failing_since")), last_read, in_time, window, now)
    if held := night.get("held"):
        why = f"what the MIS told last is not believed before a person has looked: {held[0].rstrip('.')}. Before that, {last_read}"
        return "late", why
    if read is None:
        return "late", last_read
    if not in_time:
        word: Word = "late" if read >= window.last_closed(closed.opens).opens else "failing"
        return word, f"{last_read}, and nothing was read in the window that closed on {_spoken(closed.closes, window)}"
    targets: Mapping[str, Mapping[str, Any]] = night.get("targets") or {}
    for name, told in targets.items():
        if told.get("verdict") == "failed":
            return "failing", f"{last_read}, but {name} could not be brought into line: {told.get('error')}"
    waiting = [name for name, told in targets.items() if told.get("verdict") == "held" and not told.get("observe_only")]
    if waiting:
        return "late", f"{last_read}, but the plan for {' and '.join(waiting)} waits for a person (onroll plan)"
    if feed is not None and now - feed > STALE_FEED:
        return "late", f"{last_read}, but the MIS says that its data is from {_spoken(feed, window)}"
    done = (
        f"an account was changed last on {_spoken(changed, window)}, and an older day there only means that nothing had to be"
        if changed
        else "no account has had to be changed yet"
    )
    open_ends = sum(int(told.get(name, 0)) for told in targets.values() for name in ("failed", "deferred"))
    rest = f"; {open_ends} changes were refused or wait for the next run (onroll runs)" if open_ends else ""
    return "fresh", f"{last_read}; {done}{rest}"


def _latest(runs: Iterable[Mapping[str, Any]], names: Iterable[str]) -> Mapping[str, Any]:
    """What the newest reading and each target's newest run came to, whichever runs those were."""
    held: Any = None
    targets: dict[str, Any] = {}
    for row in runs:
        told = row["summary"] or {}
        if row["status"] not in ("done", "held", "failed"):
            continue  # under way, cut off, or nothing could be read
        if told.get("only_people"):
            continue  # one account was put right: that says nothing of the school's plan
        if row["kind"] in ("sync", "pull") and held is None:
            held = told.get("held", [])
        if not told.get("held"):
            targets = dict(told.get("targets") or {}) | targets
    return {"held": held, "targets": {name: targets[name] for name in names if name in targets}}


def _unread(
    problem: str, since: datetime | None, last_read: str, in_time: bool, window: Window, now: datetime
) -> tuple[Word, str]:
    """The MIS was tried and could not be read: late while this window may still put it right, failing after."""
    when = f" since {_spoken(since, window)}" if since else ""
    why = f"the MIS could not be read{when}: {problem} {last_read[0].upper()}{last_read[1:]}"
    hours = window.at(now)
    if hours is not None and in_time and since is not None and since >= hours.opens:
        return "late", f"{why}; it is tried again until {_clock(hours.closes, window)}"
    return "failing", why


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _clock(moment: datetime, window: Window) -> str:
    return f"{moment.astimezone(window.zone):%H:%M}"


def _spoken(moment: datetime, window: Window) -> str:
    local = moment.astimezone(window.zone)
    return f"{local.day} {local:%B} at {local:%H:%M}"
