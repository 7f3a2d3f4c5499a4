"""The hours in which a school's sync may start and must stop, in the school's own time, across both changes of the clocks."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


@dataclass(frozen=True, slots=True)
class Window:
    """From `begins` to `ends` each day, in `zone`; one that ends before it begins runs over midnight."""

    begins: time
    ends: time
    zone: ZoneInfo

    @classmethod
    def parse(cls, text: str, zone: str) -> Window:
        """Reads "19:00-22:00" or "23:00-06:00". Raises ValueError with a sentence."""
        found = re.fullmatch(r"(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})", text.strip())
        try:
            place = ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError(f"{zone!r} is not a time zone; write Europe/London.") from None
        if found is None:
            raise ValueError(f"{text!r} is not a window; write 19:00-22:00.")
        try:
            begins, ends = time(int(found[1]), int(found[2])), time(int(found[3]) % 24, int(found[4]))
        except ValueError:
            raise ValueError(f"{text!r} is not a window; hours go from 00 to 23 and minutes to 59.") from None
        if begins == ends:
            raise ValueError(f"{text!r} has no length.")
        return cls(begins, ends, place)

    def on(self, day: date) -> tuple[datetime, datetime]:
        """When the window that begins on `day` opens and closes, in UTC.

        A time that the clocks skip in spring is reckoned as if they had not been changed yet; of an hour that comes twice in autumn, opening takes the
        first and closing the second, so that a window is never shorter than it looks.
        """
        last = day if self.ends > self.begins else day + timedelta(days=1)
        opens = datetime.combine(day, self.begins, self.zone).replace(fold=0).astimezone(UTC)
        closes = max(datetime.combine(last, self.ends, self.zone).replace(fold=fold).astimezone(UTC) for fold in (0, 1))
        return opens, closes

    def at(self, moment: datetime) -> tuple[datetime, datetime] | None:
        """The window that is open at `moment` (aware), or None."""
        today = moment.astimezone(self.zone).date()
        for day in (today - timedelta(days=1), today):
            opens, closes = self.on(day)
            if opens <= moment < closes:
                return opens, closes
        return None

    def after(self, moment: datetime) -> tuple[datetime, datetime]:
        """The first window that opens after `moment`."""
        day = moment.astimezone(self.zone).date() - timedelta(days=1)
        while True:
            opens, closes = self.on(day)
            if opens > moment and closes > opens:
                return opens, closes
            day += timedelta(days=1)

    def start(self, opens: datetime, closes: datetime, school: str) -> datetime:
        """When a school begins inside its window: spread over the first third, always at the same place, so that many schools do not
        knock at once."""
        share = zlib.crc32(school.encode()) / 2**32
        return opens + (closes - opens) / 3 * share
