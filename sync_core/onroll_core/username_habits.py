"""How usernames that are there were put together: the format, prefix and suffix that explain most of them.

Each account votes for every way in which its username can be read; the way with the most votes is the school's.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from onroll_core.people import Role
from onroll_core.usernames import LONGEST_PREFIX, LONGEST_SUFFIX, Format, letters

_ORDERS = (("initial", "last"), ("first", "last"), ("last", "initial"), ("last", "first"), ("first",), ("last",))
_SEPARATORS = ("", ".", "-")
_BEFORE = re.compile(r"(?P<affix>(?:[a-z]+[._-]?)?)(?P<year>(?:20)?\d\d)?(?P<parted>[.-]?)")
_AFTER = re.compile(r"(?P<parted>[.-]?)(?P<year>(?:20)?\d\d)?(?P<affix>(?:[._-]?[a-z]+)*)(?P<number>\d{0,3})")
_FEWEST, _SHARE = 3, 0.5
_OLDEST = 16


@dataclass(frozen=True, slots=True)
class UsernameHabit:
    """A format with its prefix and suffix, and how many of the usernames it explains: `fits` of `seen`. `example` is one of them."""

    format: str
    prefix: str
    suffix: str
    fits: int
    seen: int
    example: str


_Way = tuple[str, str, str]


def username_habit(people: Sequence[tuple[str, str, str]], role: Role, year: int) -> UsernameHabit | None:
    """The habit behind (first name, last name, username) triples, in the calendar year `year`; None when none explains at least half, and three.

    A number of two digits or more at the end counts half, so that years are not taken for numbers of people who share a name.
    """
    votes: Counter[_Way] = Counter()
    fits: Counter[_Way] = Counter()
    examples: dict[_Way, str] = {}
    seen = 0
    for first, last, username in people:
        given, family, username = letters(first), letters(last), username.lower()
        if not given or not family or not username:
            continue
        seen += 1
        ways: dict[_Way, float] = {}
        for way, weight in _ways(given, family, username, role, year):
            ways[way] = max(weight, ways.get(way, 0))
        for way, weight in ways.items():
            votes[way] += int(weight * 2)
            fits[way] += 1
            examples.setdefault(way, username)
    ranked = sorted(votes, key=lambda way: (-votes[way], len(way[1]) + len(way[2]), len(way[0])))
    for way in ranked[:5]:
        if fits[way] < _FEWEST or fits[way] < seen * _SHARE:
            return None
        try:
            Format.parse(*way[:1], role, way[1], way[2])
        except ValueError:
            continue
        return UsernameHabit(*way, fits[way], seen, examples[way])
    return None


def _ways(first: str, last: str, username: str, role: Role, year: int) -> Iterator[tuple[_Way, float]]:
    """Every way to read one username, with its weight: a half or one."""
    values = {"first": first, "last": last, "initial": first[:1]}
    for order in _ORDERS:
        for separator in _SEPARATORS if len(order) > 1 else ("",):
            body = separator.join(values[each] for each in order)
            shape = separator.join(f"{{{each}}}" for each in order)
            at = username.find(body)
            if at < 0:
                continue
            before, after = _BEFORE.fullmatch(username[:at]), username[at + len(body) :]
            if before is None or len(before["affix"]) > LONGEST_PREFIX:
                continue
            front = _year(before["year"], role, year)
            if (before["year"] and front is None) or (before["parted"] and not before["year"]):
                continue
            head = f"{front}{before['parted']}{shape}" if front else shape
            for parted, back, affix, number in _endings(after, role, year):
                if (front and back) or len(affix) > LONGEST_SUFFIX:
                    continue
                text = f"{head}{parted}{back}" if back else head
                yield (text, before["affix"], affix), (1.0 if len(number) < 2 else 0.5)


def _endings(after: str, role: Role, year: int) -> Iterator[tuple[str, str, str, str]]:
    """What may follow the name: a separator and a year, a suffix, a number; read in every way that makes sense."""
    plain = re.fullmatch(r"(?P<affix>(?:[._-]?[a-z]+)*)(?P<number>\d{0,3})", after)
    if plain is not None:
        yield "", "", plain["affix"], plain["number"]
    for found in (_AFTER.fullmatch(after), re.fullmatch(_AFTER.pattern.replace("(?:20)?", ""), after)):
        back = _year(found["year"], role, year) if found is not None else None
        if found is not None and back is not None:
            yield found["parted"], back, found["affix"], found["number"]


def _year(digits: str | None, role: Role, year: int) -> str | None:
    """The field that such digits are: a Year of Entry of somebody who may be at the school in `year`; else None."""
    if not digits or role is not Role.STUDENT:
        return None
    full = int(digits) if len(digits) == 4 else year - (year - int(digits)) % 100
    if len(digits) == 2 and int(digits) == (year + 1) % 100:
        full = year + 1
    if not year - _OLDEST <= full <= year + 1:
        return None
    return "{yoe4}" if len(digits) == 4 else "{yoe2}"
