"""How long something is kept, in months, as people write it: "7 years", "18 months"."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date

SHORTEST = 6
"""Months. Whoever comes back after a term abroad must not be a stranger."""
_LONGEST = 1200


@dataclass(frozen=True, slots=True)
class Period:
    """A number of months; made by `parse`."""

    months: int

    @classmethod
    def parse(cls, text: str) -> Period:
        """Reads "7 years" and "18 months"; raises ValueError with a sentence."""
        found = re.fullmatch(r"(\d{1,4}) ?(years?|months?)", text.strip().lower())
        if found is None:
            raise ValueError(f'{text!r} is no length of time; write "7 years", "18 months", or "always".')
        months = int(found[1]) * (12 if found[2].startswith("year") else 1)
        if not SHORTEST <= months <= _LONGEST:
            raise ValueError(f'{text!r} has to be at least {SHORTEST} months and at most 100 years; or write "always".')
        return cls(months)

    def __str__(self) -> str:
        years, months = divmod(self.months, 12)
        return f"{self.months} months" if months else f"{years} year{'s' * (years > 1)}"

    def after(self, day: date) -> date:
        """The day on which the period that began on `day` is over; the last of a month where the month is shorter."""
        month = day.month - 1 + self.months
        year, month = day.year + month // 12, month % 12 + 1
        return date(year, month, min(day.day, monthrange(year, month)[1]))


SEVEN_YEARS = Period(84)
"""How long leavers are kept where a school says nothing: six years are what the law gives people to bring a claim, and the school year they left in."""
