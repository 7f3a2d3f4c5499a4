"""Academic years, year groups and Years of Entry, in England, Wales, Scotland and Northern Ireland.

The arithmetic is DESIGN 6's: the Year of Entry is the academic year in which a pupil enters Year 1 (Primary 1 in Scotland), assuming normal
progression: `academic_year - (n - 1)`, where n counts stages in the source's own country.
"""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import lru_cache


class Country(StrEnum):
    """Whose schools: it decides what a year group is called and when a year begins."""

    ENGLAND = "england"
    WALES = "wales"
    SCOTLAND = "scotland"
    NORTHERN_IRELAND = "northern_ireland"


@dataclass(frozen=True, slots=True)
class Rollover:
    """The day on which a school's academic year begins. Raises ValueError when there is no such day in every year."""

    month: int
    day: int

    def __post_init__(self) -> None:
        if not 1 <= self.month <= 12 or not 1 <= self.day <= monthrange(2023, self.month)[1]:
            raise ValueError(f"{self.month:02}-{self.day:02} is not a day of every year; write month and day as 09-01.")

    @classmethod
    def parse(cls, text: str) -> Rollover:
        """Reads "09-01" (month-day); raises ValueError with a sentence."""
        found = re.fullmatch(r"(\d{1,2})-(\d{1,2})", text.strip())
        if found is None:
            raise ValueError(f"{text!r} is not a day of the year; write month and day as 09-01.")
        return cls(int(found[1]), int(found[2]))


ROLLOVERS = {
    Country.ENGLAND: Rollover(9, 1),
    Country.WALES: Rollover(9, 1),
    Country.SCOTLAND: Rollover(8, 12),
    Country.NORTHERN_IRELAND: Rollover(9, 1),
}
"""When the year begins where a school says nothing else (Scotland's SEEMiS promotes over the summer; the others on 1 September)."""


@dataclass(frozen=True, slots=True, order=True)
class Stage:
    """A year group: `n` counts from 1 = Year 1 or Primary 1 in the country's own system; 0 and below are Reception and nursery."""

    n: int
    country: Country

    @property
    def label(self) -> str:
        """As people say it: "Year 7", "Reception", "Nursery 2", "P4", "S2"."""
        if self.n >= 1:
            if self.country is Country.SCOTLAND:
                return f"P{self.n}" if self.n <= 7 else f"S{self.n - 7}"
            return f"Year {self.n}"
        if self.country in (Country.SCOTLAND, Country.NORTHERN_IRELAND):
            return "Nursery" if self.n == 0 else f"Nursery {2 + self.n}"
        return "Reception" if self.n == 0 else f"Nursery {3 + self.n}"

    @property
    def short(self) -> str:
        """As a code: "7", "R", "N2", "P4"."""
        if self.n >= 1:
            return self.label if self.country is Country.SCOTLAND else str(self.n)
        if self.country in (Country.SCOTLAND, Country.NORTHERN_IRELAND):
            return "N" if self.n == 0 else f"N{2 + self.n}"
        return "R" if self.n == 0 else f"N{3 + self.n}"

    @property
    def final(self) -> bool:
        """True for the years after which pupils commonly leave a school: the ends of primary, of Key Stage 4 and of sixth form."""
        return self.n in _FINAL[self.country]


_FINAL = {
    Country.ENGLAND: frozenset({2, 6, 11, 12, 13, 14}),
    Country.WALES: frozenset({2, 6, 11, 12, 13, 14}),
    Country.SCOTLAND: frozenset({7, 11, 12, 13}),
    Country.NORTHERN_IRELAND: frozenset({7, 12, 13, 14}),
}
_LAST = {Country.SCOTLAND: 13}
_NUMBER = re.compile(r"(?:YEAR|YR|Y|NCY|NC YEAR)?\.? ?0*(\d{1,2})(?: ?YEARS?)?")
_NURSERY = re.compile(r"(?:YEAR|YR|Y)? ?N(?:URSERY)? ?([12])?")
_RECEPTION = frozenset({"R", "YR", "RECEPTION", "YEAR R", "Y R", "REC", "YEAR RECEPTION", "YRR", "YR R"})
_SCOTTISH = re.compile(r"(P|S|PRIMARY|SECONDARY) ?([1-7])")
_NI_PRIMARY = re.compile(r"P(?:RIMARY)? ?([1-7])")
_CLASS = re.compile(r"0?(\d{1,2}|R)[A-Z]{1,3}\d?")


@lru_cache(maxsize=4096)
def parse_stage(text: str | None, country: Country, from_class: bool = False) -> Stage | None:
    """The stage that an MIS's year group means, or None for blank, X (not following the curriculum), SP (special) and what is not a year group.

    `from_class` also reads it out of a class name (5D, RF), which is the weakest evidence there is. "P4" and "S2" are stages in Scotland
    alone; a Northern Irish P1 is Year 1. Source: the parser's list in the MIS facts; iSAMS's integers are 0 for Reception, -1 and -2 for nursery.
    """
    if text is None:
        return None
    words = " ".join(text.upper().split())
    if words in ("-1", "-2", "0", "00"):
        # iSAMS counts Reception as 0 and the nursery years downwards; the nursery year before Reception is -1.
        return Stage(int(words), country)
    if country is Country.SCOTLAND:
        found = _SCOTTISH.fullmatch(words)
        if found is not None:
            n = int(found[2])
            if found[1].startswith("P"):
                return Stage(n, country)
            return Stage(7 + n, country) if n <= 6 else None
    elif country is Country.NORTHERN_IRELAND:
        found = _NI_PRIMARY.fullmatch(words)
        if found is not None:
            return Stage(int(found[1]), country)
    if words in _RECEPTION:
        return None if country is Country.SCOTLAND else Stage(0, country)
    found = _NURSERY.fullmatch(words)
    if found is not None:
        # The later nursery year, N2, is the one before school; where a country has no Reception that is stage 0.
        before_school = -1 if country in (Country.ENGLAND, Country.WALES) else 0
        return Stage(before_school - (found[1] == "1"), country)
    found = _NUMBER.fullmatch(words)
    if found is not None:
        n = int(found[1])
        return Stage(n, country) if 1 <= n <= _LAST.get(country, 14) else None
    if from_class:
        found = _CLASS.fullmatch(words.replace(" ", ""))
        if found is not None:
            return parse_stage(found[1], country)
    return None


def academic_year(day: date, rollover: Rollover) -> int:
    """The calendar year in which the academic year that holds `day` began."""
    return day.year if (day.month, day.day) >= (rollover.month, rollover.day) else day.year - 1


def year_of_entry(stage: Stage, year: int) -> int:
    """The Year of Entry of a pupil who is in `stage` in the academic year `year`."""
    return year - (stage.n - 1)


def stage_in(entry: int, year: int, country: Country) -> Stage:
    """The stage of a pupil with Year of Entry `entry` in the academic year `year`, assuming normal progression."""
    return Stage(year - entry + 1, country)


def stage_by_age(born: date, year: int, country: Country = Country.ENGLAND) -> Stage:
    """The stage that a birthday gives in the academic year `year`, in England and Wales: age in whole years on the 31 August before it began, less four.

    A fallback for where the MIS gives no year group: deferral, acceleration and other countries' cut-off dates make it a guess.
    """
    age = year - born.year - ((born.month, born.day) > (8, 31))
    return Stage(age - 4, country)
