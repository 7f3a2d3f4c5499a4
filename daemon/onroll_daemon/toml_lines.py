"""On which line of a TOML file a key stands: Python's own reader does not tell."""

from __future__ import annotations

import re
from collections.abc import Mapping

Spot = tuple[str | int, ...]

_HEADER = re.compile(r"\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(#.*)?")
_KEY = re.compile(
    r"""\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*=\s*(.*)"""
)
_PART = re.compile(r"""[A-Za-z0-9_-]+|"[^"]*"|'[^']*'""")


def lines(text: str) -> Mapping[Spot, int]:
    """The line (from 1) of every table and key that begins a line; entries of arrays of tables are counted from 0."""
    found: dict[Spot, int] = {}
    counted: dict[Spot, int] = {}
    table: Spot = ()
    quoted: str | None = None
    for number, line in enumerate(text.splitlines(), 1):
        if quoted is not None:
            quoted = None if line.count(quoted) % 2 else quoted
            continue
        if header := _HEADER.fullmatch(line):
            table = _placed(_parts(header[2]), header[1] == "[[", counted)
            found.setdefault(table, number)
        elif key := _KEY.match(line):
            found.setdefault((*table, *_parts(key[1])), number)
            quoted = next((each for each in ('"""', "'''") if key[2].count(each) % 2), None)
    return found


def nearest(spot: Spot, known: Mapping[Spot, int]) -> int | None:
    """The line of `spot`, or of the innermost table around it; None when neither is known."""
    for length in range(len(spot), 0, -1):
        if spot[:length] in known:
            return known[spot[:length]]
    return None


def _parts(text: str) -> list[str]:
    return [each.strip("\"'") for each in _PART.findall(text)]


def _placed(parts: list[str], new: bool, counted: dict[Spot, int]) -> Spot:
    """The place of a header: the current entry of every array of tables on its way."""
    spot: Spot = ()
    for position, part in enumerate(parts):
        spot = (*spot, part)
        if new and position == len(parts) - 1:
            counted[spot] = counted.get(spot, -1) + 1
        if spot in counted:
            spot = (*spot, counted[spot])
    return spot
