"""Academic years as a database lists them: which one is now, which is next and which was before, chosen by their first days."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from onroll_core.errors import Halt
from onroll_core.years import ROLLOVERS, Country

_LONGEST = timedelta(days=400)
"""No academic year is longer: when the newest began earlier than that, nobody has made the next one, and who is in it has long changed."""


@dataclass(frozen=True, slots=True)
class Year:
    """One academic year: the value that its rows carry, as the database has it, and its first day."""

    name: str | int
    starts: date


@dataclass(frozen=True, slots=True)
class Years:
    """The year that is now, and those beside it where the database has them."""

    now: Year
    following: Year | None = None
    before: Year | None = None

    @property
    def all(self) -> tuple[Year, ...]:
        """Those that there are, the current one first: it decides what somebody is."""
        return tuple(each for each in (self.now, self.following, self.before) if each is not None)

    def wanted(self, following: bool, before: bool) -> Years:
        """Only those years that a school reads."""
        return Years(self.now, self.following if following else None, self.before if before else None)


def chosen(listed: Iterable[Year], today: date, what: str, wrong: str, only: str = "") -> Years:
    """The years around `today`, or around the one that is called `only`.

    `what` is where they are listed and `wrong` what to do when two of them begin together, for sentences. Raises Halt when none has begun, when two
    begin on the same day, or when the newest began too long ago.
    """
    years = sorted(listed, key=lambda each: each.starts)
    if only:
        found = [each for each in years if str(each.name).casefold() == only.casefold()]
        if not found:
            raise Halt(f"{what} has no {only!r}. Look at the name in [school.source]. Nothing was changed.")
        now = found[0]
    else:
        begun = [each for each in years if each.starts <= today]
        if not begun:
            raise Halt(
                f"{what} has no year that has begun by {today:%d %B %Y}. Is it the right database? Nothing was changed."
            )
        now = begun[-1]
        if today - now.starts > _LONGEST:
            raise Halt(
                f"The newest year of {what} that has begun is {now.name}, of {now.starts:%d %B %Y}. Has this year's been made? Nothing was changed."
            )
    later = [each for each in years if each.starts > now.starts]
    earlier = [each for each in years if each.starts < now.starts]
    for one in (now, later[0] if later else None, earlier[-1] if earlier else None):
        same = [each for each in years if one is not None and each.starts == one.starts]
        if len(same) > 1 and not (only and one is now):
            names = " and ".join(repr(str(each.name)) for each in same)
            raise Halt(f"{what} has {names}, which begin on the same day. {wrong} Nothing was changed.")
    return Years(now, later[0] if later else None, earlier[-1] if earlier else None)


def first_day(year: int, country: str) -> date:
    """The first day of the academic year that begins in `year`, where only the year is told."""
    rollover = ROLLOVERS[Country(country)]
    return date(year, rollover.month, rollover.day)
