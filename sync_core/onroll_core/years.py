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
        """True for the years after which whole cohorts leave a school: the ends of primary, of compulsory schooling and of sixth form (S4 to S6 in Scotland)."""
        return self.n in _FINAL[self.country]


_FINAL = {
    Country.ENGLAND: frozenset({6, 11, 13, 14}),
    Country.WALES: frozenset({6, 11, 13, 14}),
    Country.SCOTLAND: frozenset({7, 11, 12, 13}),
    Country.NORTHERN_IRELAND: frozenset({7, 12, 14}),
}
_FIRST = {Country.ENGLAND: -2, Country.WALES: -2, Country.SCOTLAND: -1, Country.NORTHERN_IRELAND: -1}
_LAST = {Country.ENGLAND: 14, Country.WALES: 14, Country.SCOTLAND: 13, Country.NORTHERN_IRELAND: 14}
_NUMBER = re.compile(r"(?:(?:NC ?)?(?:YEAR|YR)(?: GROUP)?|NCY|Y)?\.? ?0*([0-9]{1,2})")
_NURSERY = re.compile(r"(?:YEAR |YR |Y)?N(?:URSERY)? ?([12])?")
_RECEPTION = frozenset({"R", "YR", "Y R", "YRR", "YR R", "YEAR R", "REC", "RECEPTION", "YEAR RECEPTION"})
_PRIMARY = re.compile(r"P(?:RIMARY)? ?([1-7])")
_SECONDARY = re.compile(r"S(?:ECONDARY)? ?([1-6])")
_CLASS = re.compile(r"(?:0?([1-9]|1[0-4])[A-Z]{1,3}|(R)[A-Z]|([PS][1-7])[A-Z]{1,3})[0-9]?")
_LONGEST = 40


def parse_stage(text: str | None, country: Country, from_class: bool = False) -> Stage | None:
    """The stage that an MIS's year group means, or None for blank, X (not following the curriculum), SP (special) and what is not a year group.

    `from_class` also reads it out of a class name (5D, RF, and P4B in Scotland), which is the weakest evidence there is. P4 and S2 are stages in
    Scotland alone, where a bare number is none (7 may be P7 or S1, and 1 both P1 and S1); a Northern Irish P1 is Year 1. iSAMS's integers are 0
    for Reception, -1 and -2 for the nursery years before it.
    """
    if text is None or len(text) > _LONGEST:
        return None
    return _parse(text, country, from_class)


@lru_cache(maxsize=4096)
def _parse(text: str, country: Country, from_class: bool) -> Stage | None:
    words = " ".join(text.upper().split())
    n = _scottish(words) if country is Country.SCOTLAND else _numbered(words, country)
    if n is None and (nursery := _NURSERY.fullmatch(words)) is not None:
        # The later nursery year, N2, is the one before school; where a country has no Reception that is stage 0.
        before_school = -1 if country in (Country.ENGLAND, Country.WALES) else 0
        n = before_school - (nursery[1] == "1")
    if n is not None:
        return _within(n, country)
    if from_class and (named := _CLASS.fullmatch(words.replace(" ", ""))) is not None:
        return _parse(named[1] or named[2] or named[3], country, False)
    return None


def _scottish(words: str) -> int | None:
    if (found := _PRIMARY.fullmatch(words)) is not None:
        return int(found[1])
    if (found := _SECONDARY.fullmatch(words)) is not None:
        return 7 + int(found[1])
    return None


def _numbered(words: str, country: Country) -> int | None:
    if words in ("-1", "-2"):
        return int(words)
    if words in _RECEPTION:
        return 0
    found = _NUMBER.fullmatch(words)
    if found is None and country is Country.NORTHERN_IRELAND:
        found = _PRIMARY.fullmatch(words)
    return None if found is None else int(found[1])


def academic_year(day: date, rollover: Rollover) -> int:
    """The calendar year in which the academic year that holds `day` began."""
    return day.year if (day.month, day.day) >= (rollover.month, rollover.day) else day.year - 1


def year_of_entry(stage: Stage, year: int) -> int:
    """The Year of Entry of a pupil who is in `stage` in the academic year `year`."""
    return year - (stage.n - 1)


def stage_in(entry: int, year: int, country: Country) -> Stage | None:
    """The stage of a pupil with Year of Entry `entry` in the academic year `year`, assuming normal progression; None before nursery and after school."""
    return _within(year - entry + 1, country)


def stage_by_age(born: date, year: int, country: Country) -> Stage | None:
    """The stage that a birthday gives in the academic year `year`; None before nursery and after school.

    A fallback for where the MIS gives no year group: deferral and acceleration make it a guess. England and Wales go by the age on 31 August before
    the year began, less four; Northern Ireland (four by 1 July enters Year 1) and Scotland (five by the end of February enters Primary 1) by their own days.
    """
    match country:
        case Country.ENGLAND | Country.WALES:
            return _within(_age(born, date(year, 8, 31)) - 4, country)
        case Country.NORTHERN_IRELAND:
            return _within(_age(born, date(year, 7, 1)) - 3, country)
        case Country.SCOTLAND:
            # Whoever is born on 29 February is of the February side of the line, in every year.
            return _within(year + 1 - born.year - ((born.month, born.day) >= (3, 1)) - 4, country)


def _within(n: int, country: Country) -> Stage | None:
    return Stage(n, country) if _FIRST[country] <= n <= _LAST[country] else None


def _age(born: date, on: date) -> int:
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))
