"""The hours in which a school's sync may start and must stop, in the school's own time, across both changes of the clocks."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

_TEXT = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)\s*-\s*(([01]?\d|2[0-3]):([0-5]\d)|24:00)")


class Hours(NamedTuple):
    """One opening of a window: aware UTC, `opens` is inside and `closes` is not."""

    opens: datetime
    closes: datetime


@dataclass(frozen=True, slots=True)
class Window:
    """From `begins` to `ends` each day, in `zone`; one that does not end after it begins runs over midnight.

    `spread` is how far into the window a school may begin (see `start`).
    """

    begins: time
    ends: time
    zone: ZoneInfo
    spread: timedelta = timedelta(0)

    @classmethod
    def parse(cls, text: str, zone: str, spread: timedelta = timedelta(0)) -> Window:
        """Reads "19:00-22:00", "23:00-06:00" or "00:00-24:00". Raises ValueError with a sentence."""
        try:
            place = ZoneInfo(zone)
        except (OSError, LookupError, ValueError):
            raise ValueError(f"{zone!r} is not a time zone; write Europe/London.") from None
        found = _TEXT.fullmatch(text.strip())
        if found is None:
            raise ValueError(f"{text!r} is not a window; write two times of day as 19:00-22:00.")
        begins = time(int(found[1]), int(found[2]))
        ends = time(0) if found[4] is None else time(int(found[4]), int(found[5]))
        if begins == ends and found[4] is not None:
            raise ValueError(f"{text!r} has no length; for the whole day write 00:00-24:00.")
        return cls(begins, ends, place, spread)

    def on(self, day: date) -> Hours:
        """The opening that begins on `day`.

        A time that the clocks skip in spring is the moment at which they are put forward. Of a time that comes twice in autumn, opening takes the
        first and closing the second, so that a night is never shorter than it looks. A window that lies wholly in the skipped hour opens when
        the clocks go forward and keeps its length: there is one opening every day.
        """
        last = day if self.ends > self.begins else day + timedelta(days=1)
        begins, ends = datetime.combine(day, self.begins), datetime.combine(last, self.ends)
        opens, closes = self._utc(begins, 0), self._utc(ends, 1)
        return Hours(opens, closes if closes > opens else opens + (ends - begins))

    def _utc(self, wall: datetime, fold: int) -> datetime:
        local = wall.replace(tzinfo=self.zone, fold=fold)
        moment = local.astimezone(UTC)
        if moment.astimezone(self.zone).replace(tzinfo=None) == wall:
            return moment
        # No clock ever shows this time: before the change it would be so late, after it so early, and the change lies between.
        late, early = (wall.replace(tzinfo=self.zone, fold=each).astimezone(UTC) for each in (0, 1))
        while late - early > timedelta(seconds=1):
            middle = early + (late - early) / 2
            if middle.astimezone(self.zone).replace(tzinfo=None) < wall:
                early = middle
            else:
                late = middle
        return late.replace(microsecond=0)

    def at(self, moment: datetime) -> Hours | None:
        """The opening that `moment` (aware) lies in, or None."""
        today = moment.astimezone(self.zone).date()
        for day in (today, today - timedelta(days=1)):
            hours = self.on(day)
            if hours.opens <= moment < hours.closes:
                return hours
        return None

    def is_open(self, moment: datetime) -> bool:
        """True while a run may be at work."""
        return self.at(moment) is not None

    def next_opening(self, after: datetime) -> Hours:
        """The first opening that begins later than `after` (aware)."""
        day = after.astimezone(self.zone).date() - timedelta(days=1)
        while (hours := self.on(day)).opens <= after:
            day += timedelta(days=1)
        return hours

    def last_closed(self, before: datetime) -> Hours:
        """The opening that was over last at `before` (aware)."""
        day = before.astimezone(self.zone).date()
        while (hours := self.on(day)).closes > before:
            day -= timedelta(days=1)
        return hours

    def start(self, hours: Hours, school: str) -> datetime:
        """When a school begins: at its own place in the first `spread` of the opening (at most half of it), always the same one, so that many
        schools do not all knock at once."""
        share = int.from_bytes(hashlib.sha256(school.encode()).digest()[:4]) / 2**32
        room = min(self.spread, (hours.closes - hours.opens) / 2)
        return hours.opens + timedelta(seconds=int(room.total_seconds() * share))
