"""How alike two people's names are: from the same, over short forms and other spellings, to a single letter. Pure, and knows nobody."""

from __future__ import annotations

import re
from enum import IntEnum
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

from onroll_core.linking.nicknames import called
from onroll_core.usernames import fold

_TITLES = frozenset("mr mrs miss ms mx dr prof professor sir rev reverend revd fr canon".split())
_BESIDE = frozenset("staff student pupil teacher governor visitor supply admin leaver left".split())
_FULL, _MOST_WORDS = 2, 5
_AROUND = re.compile(r"\([^)]*\)|\[[^\]]*\]|\S*\d\S*")
"""What directories put beside a name: "(2019)", "[left]", "7A"."""
_YEAR = re.compile(
    r"\b(?:year|yr|class|form|intake)\s+(?:of\s+)?(?:\S*\d\S*|reception|nursery)|\b(?:reception|nursery)\b",
    re.IGNORECASE,
)
_BREAKS = re.compile(r"[\s\-\u2010-\u2015_.,/&]+")
_INITIAL = 1
_SHORTEST_SPELLING = 3


class Form(NamedTuple):
    """One way of writing somebody's name: the words of the first name and of the last, folded; either may be empty, not both."""

    first: tuple[str, ...]
    last: tuple[str, ...]


class Likeness(IntEnum):
    """How alike two names are."""

    NONE = 0
    SURNAME = 1  # one has no first name
    DISTANT = 2  # part of the last name or another spelling of it, and a short form, another spelling or an initial of the first
    INITIAL = 3  # one has only the initial of the first name
    PART = 4  # the first name, and one of two last names
    SPELLING = 5
    SHORT = 6  # a short form, or a middle name
    WORDS = 7  # the same words: further first names, another order
    SAME = 8


@lru_cache(maxsize=65536)
def words(text: str) -> tuple[str, ...]:
    """The words of a name, folded; hyphens part them, apostrophes do not."""
    return tuple(word for part in _BREAKS.split(text) if (word := fold(part)))


def form(first: str, last: str) -> Form | None:
    """The form of a first and a last name, without titles and what stands in brackets or has digits; None when nothing is left."""
    given = tuple(word for word in words(bare(first)) if word not in _TITLES) or words(bare(first))
    family = words(bare(last))
    return Form(given, family) if given or family else None


def bare(text: str) -> str:
    """A name without the year, class or remark that stands beside it."""
    if text.isalpha():
        return text
    return _AROUND.sub(" ", _YEAR.sub(" ", text))


def displayed(text: str | None) -> list[Form]:
    """The forms that a display name may stand for: "Potter, Harry", "Mr H Potter", "Harry James Potter 7A"; more than two words are read every way."""
    if not text or not text.strip():
        return []
    last, comma, first = bare(text).partition(",")
    if comma and words(first) and words(last):
        found = form(first, last)
        return [found] if found else []
    told = [each for word in bare(text).split() if (each := words(word))]
    told = told[1:] if len(told) > 1 and told[0][0] in _TITLES else told
    if len(told) > _FULL and told[-1][0] in _BESIDE:
        told.pop()
    if len(told) < _FULL:  # one word is a surname, if it is anything
        return [Form((), told[0])] if told else []
    cuts = range(1, min(len(told), _MOST_WORDS))
    return [Form(tuple(chain(*told[:at])), tuple(chain(*told[at:]))) for at in cuts]


@lru_cache(maxsize=262144)
def skeleton(word: str) -> str:
    """A word as it sounds, roughly: transliterations and spellings of one name come out the same (Mohammed, Muhamad; Müller, Mueller; Şahin, Shahin)."""
    text = word
    for old, new in (
        ("ph", "f"),
        ("sch", "s"),
        ("sh", "s"),
        ("cz", "c"),
        ("ch", "c"),
        ("zh", "z"),
        ("kh", "h"),
        ("ck", "k"),
        ("th", "t"),
    ):
        text = text.replace(old, new)
    text = text.translate(_SOUNDS)
    head, rest = text[:1], text[1:].replace("h", "")
    text = re.sub(r"[aeiouy]+", "a", head + rest)
    text = re.sub(r"(.)\1+", r"\1", text)
    return text[:-1] if len(text) > 2 and text.endswith("a") else text


_SOUNDS = str.maketrans({"c": "k", "q": "k", "w": "v", "z": "s", "j": "y"})


@lru_cache(maxsize=262144)
def close(one: str, other: str) -> bool:
    """True when one letter was left out, added, changed, or exchanged with its neighbour; two in long words."""
    shorter, longer = sorted((one, other), key=len)
    if len(shorter) < _SHORTEST_SPELLING or len(longer) - len(shorter) > 1:
        return False
    if len(shorter) == _SHORTEST_SPELLING and shorter[0] != longer[0]:
        return False
    start = 0
    while start < len(shorter) and shorter[start] == longer[start]:
        start += 1
    if len(shorter) < len(longer):
        return shorter[start:] == longer[start + 1 :]
    rest, other_rest = shorter[start:], longer[start:]
    return rest[1:] == other_rest[1:] or (rest[:2] == other_rest[1::-1] and rest[2:] == other_rest[2:])


@lru_cache(maxsize=262144)
def spelt_alike(one: str, other: str) -> bool:
    """True when two words may be spellings of one name."""
    if one == other:
        return True
    if len(one) < _SHORTEST_SPELLING or len(other) < _SHORTEST_SPELLING:
        return False
    return skeleton(one) == skeleton(other) or close(one, other)


@lru_cache(maxsize=131072)
def likeness(one: Form, other: Form) -> Likeness:
    """How alike two forms are, in either order of first and last name."""
    straight = _likeness(one, other)
    if straight >= Likeness.WORDS or not (one.first and one.last and other.first and other.last):
        return straight
    turned = _likeness(Form(one.last, one.first), other)
    return max(straight, min(turned, Likeness.WORDS))


_EQUAL, _FIRST_OF, _SHORT, _ALIKE, _LETTER, _MISSING, _OTHER = range(7, 0, -1)


def _likeness(one: Form, other: Form) -> Likeness:
    last = _last_names(one.last, other.last)
    if last == _OTHER:
        return Likeness.NONE
    first = _first_names(one.first, other.first)
    if first == _OTHER or last == _MISSING:
        return Likeness.NONE
    if last == _EQUAL:
        return _SAME_LAST[first]
    if first >= _FIRST_OF:
        return Likeness.SPELLING if last == _ALIKE else Likeness.PART
    return Likeness.DISTANT if first >= _LETTER else Likeness.NONE


_SAME_LAST = {
    _EQUAL: Likeness.SAME,
    _FIRST_OF: Likeness.WORDS,
    _SHORT: Likeness.SHORT,
    _ALIKE: Likeness.SPELLING,
    _LETTER: Likeness.INITIAL,
    _MISSING: Likeness.SURNAME,
}


@lru_cache(maxsize=131072)
def _last_names(one: tuple[str, ...], other: tuple[str, ...]) -> int:
    if not one or not other:
        return _MISSING
    whole, other_whole = "".join(one), "".join(other)
    if whole == other_whole:
        return _EQUAL
    if spelt_alike(whole, other_whole):
        return _ALIKE
    few, many = sorted((one, other), key=len)
    shared = [word for word in few if len(word) >= _SHORTEST_SPELLING and any(spelt_alike(word, each) for each in many)]
    if shared and (len(few) < len(many) or sorted(few) == sorted(many)):
        return _SHORT
    joined = {"".join(many[:at]) for at in range(1, len(many))} | {"".join(many[at:]) for at in range(1, len(many))}
    return _SHORT if "".join(few) in {each for each in joined if len(each) >= _SHORTEST_SPELLING} else _OTHER


@lru_cache(maxsize=262144)
def _first_names(one: tuple[str, ...], other: tuple[str, ...]) -> int:
    if not one or not other:
        return _MISSING
    whole, other_whole = "".join(one), "".join(other)
    if whole == other_whole:
        return _EQUAL
    if len(one[0]) == _INITIAL or len(other[0]) == _INITIAL:
        return _LETTER if _initials(one, other) else _OTHER
    if one[0] == other[0] or whole == other[0] or one[0] == other_whole:
        return _FIRST_OF
    shared = {word for word in one if len(word) > _INITIAL} & set(other)
    if shared or _goes_by(one[0], other[0]) or _goes_by(whole, other_whole):
        return _SHORT
    if spelt_alike(whole, other_whole) or spelt_alike(one[0], other[0]):
        return _ALIKE
    return _ALIKE if _spelt_short(one[0], other[0]) else _OTHER


def _initials(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """True when a letter is how the other's first name, or a short form of it, begins."""
    letter, name = (one[0], other[0]) if len(one[0]) == _INITIAL else (other[0], one[0])
    return name.startswith(letter) or any(each.startswith(letter) for each in called(name))


def _goes_by(one: str, other: str) -> bool:
    if one in called(other) or other in called(one):
        return True
    short, long = sorted((one, other), key=len)
    return len(short) >= _SHORTEST_SPELLING and (
        long.startswith(short) or (len(short) > _SHORTEST_SPELLING and long.endswith(short))
    )


def _spelt_short(one: str, other: str) -> bool:
    """True when they are spellings of names that are short forms of each other (Cate and Katherine's Kate)."""
    return any(spelt_alike(one, each) for each in called(other)) or any(
        spelt_alike(other, each) for each in called(one)
    )
