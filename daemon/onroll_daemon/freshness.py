"""How fresh a school's data is, in one word with a reason. Five times stand behind it, and none of them is called "last sync"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from onroll_daemon.windows import Window

Word = Literal["fresh", "late", "failing"]
STALE_FEED = timedelta(days=4)
"""A weekend and a bank holiday."""


@dataclass(frozen=True, slots=True)
class Freshness:
    """`word` and `why`; the times are aware or None: last contact with the MIS (it answered or not), last complete read, the feed's own time,
    the last change made in a target, and when the next read is expected."""

    word: Word
    why: str
    last_contact: datetime | None
    last_read: datetime | None
    feed_time: datetime | None
    last_change: datetime | None
    next_expected: datetime

    def as_json(self) -> dict[str, Any]:
        """The times as ISO text."""
        times = ("last_contact", "last_read", "feed_time", "last_change", "next_expected")
        shown = {name: value.isoformat() if (value := getattr(self, name)) else None for name in times}
        return {"word": self.word, "why": self.why} | shown


def freshness(known: Mapping[str, Any], window: Window, now: datetime) -> Freshness:
    """What the store knows of a school's contacts, judged at `now` by its window."""
    times = {name: _moment(known.get(name)) for name in ("last_contact", "last_read", "feed_time", "last_change")}
    opened = window.at(now)
    closed = opened[0] if opened else _last_closed(window, now)
    expected = opened[1] if opened else window.after(now)[1]
    word: Word = "fresh"
    read, feed, problem = times["last_read"], times["feed_time"], known.get("problem")
    if problem:
        word, why = "failing", f"the MIS could not be read: {problem}"
    elif read is None:
        word, why = "late", "nothing has been read yet"
    elif feed is not None and now - feed > STALE_FEED:
        word, why = "late", f"the MIS answers, but its own data is from {_spoken(feed, window)}"
    elif read < closed - timedelta(days=1):
        word, why = "late", f"the last complete read was on {_spoken(read, window)}, and a window has passed since"
    else:
        changed = times["last_change"]
        changes = (
            f"the last change was made on {_spoken(changed, window)}" if changed else "nothing needed changing yet"
        )
        why = f"everything was read on {_spoken(read, window)}; {changes}"
    return Freshness(word, why, times["last_contact"], read, feed, times["last_change"], expected)


def _last_closed(window: Window, now: datetime) -> datetime:
    """When the window that closed last opened."""
    day = now.astimezone(window.zone).date()
    while True:
        opens, closes = window.on(day)
        if closes <= now:
            return opens
        day -= timedelta(days=1)


def _moment(text: Any) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) else None


def _spoken(moment: datetime, window: Window) -> str:
    local = moment.astimezone(window.zone)
    return f"{local.day} {local:%B} at {local:%H:%M}"
