"""Rows as Bromcom's two interfaces give them out: padded texts, ids that are numbers, names of columns in whatever capitals, names of people in one text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from onroll_connectors.shape import Shape
from onroll_core.errors import Unavailable

SHAPE = Shape("Bromcom")
Row = Mapping[str, Any]
"""One row; its column names are in lower case."""

_TITLES = frozenset("br dame dr fr hon lady lord miss mr mrs ms mx prof pstr rev sir sr".split())
_SUFFIX = re.compile(r" ?\(\d\d/\d\d\)$")


def lowered(rows: Iterable[Mapping[str, Any]], where: str) -> Iterator[Row]:
    """Rows by column names in lower case; Bromcom writes personID here and personId there. Raises Unavailable where two names become one."""
    written: list[str] = []
    names: list[str] = []
    for row in rows:
        told = list(row)
        if told != written:  # rows of one answer have the same columns, nearly always
            written, names = told, [name.lower() for name in told]
            if len(set(names)) != len(names):
                raise Unavailable(f"Bromcom sent a row of {where} that has a column twice. Nothing was changed.")
        yield dict(zip(names, row.values(), strict=True))


def number(row: Row, column: str, where: str) -> str:
    """An id, which is a whole number, as text."""
    value = row.get(column.lower())
    if type(value) is int and value >= 0:
        return str(value)
    if isinstance(value, str) and value.isascii() and value.isdecimal():
        return value.lstrip("0") or "0"
    # Nearly all are one of these; what follows is for the others, and slower.
    found = SHAPE.number(value, f"{column} of {where}")
    if found < 0:
        raise Unavailable(f"Bromcom sent {found} where an id should be ({column} of {where}). Nothing was changed.")
    return str(found)


def text(row: Row, column: str) -> str | None:
    """A text without its padding."""
    return SHAPE.text(row.get(column), column)


def class_name(value: Any) -> str | None:
    """The name of a class without the academic year that Bromcom writes after it."""
    return _named(value if isinstance(value, str) else SHAPE.text(value, "the name of a class"))


@lru_cache(maxsize=4096)
def _named(value: str | None) -> str | None:
    told = SHAPE.text(value, "the name of a class")
    return None if told is None else _SUFFIX.sub("", told) or None


def blank(row: Row, column: str) -> Any:
    """A value as it came, None where it is only blanks."""
    found = row.get(column)
    return None if isinstance(found, str) and not found.strip() else found


def called(name: str) -> tuple[str | None, str | None]:
    """First and last name of "Mrs J B Example": without the title, and without further initials."""
    words = name.split()
    if words and words[0].rstrip(".").casefold() in _TITLES:
        words = words[1:]
    if len(words) < 2:
        return None, words[0] if words else None
    rest = 1
    while rest < len(words) - 1 and len(words[rest].rstrip(".")) == 1:
        rest += 1
    return words[0], " ".join(words[rest:])


def preferred(full: str, first: str | None, last: str | None) -> tuple[str | None, str | None]:
    """The preferred first and last name that a full name tells, where either of them is the legal one or there are only two words; else the legal ones."""
    words = full.split()
    if words and words[0].rstrip(".").casefold() in _TITLES:
        words = words[1:]
    plain = " ".join(words)
    found: tuple[str, str] | None = None
    if last and plain.casefold().endswith(f" {last.casefold()}"):
        found = plain[: -len(last)].strip(), plain[-len(last) :]
    elif first and plain.casefold().startswith(f"{first.casefold()} "):
        found = plain[: len(first)], plain[len(first) :].strip()
    elif len(words) == 2 and "," not in plain:
        found = words[0], words[1]
    if found is None or "," in plain or len(found[0].rstrip(".")) < 2:
        return first, last
    return found
