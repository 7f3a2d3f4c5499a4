"""What an export looked like the last time: the number that records are known by, its zeros, its columns, and whether its files had an end."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from onroll_core.contracts import Context
from onroll_core.errors import Halt

_SLOT = "export"


@dataclass(slots=True)
class Looks:
    """One reading of an export. `keys` are the numbers of its records, by kind of table and column; `columns` are what each kind of table tells;
    `ended` says of each file whether its last line had an end."""

    keys: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    columns: dict[str, set[str]] = field(default_factory=dict)
    ended: dict[str, bool] = field(default_factory=dict)


def same_as_before(now: Looks, context: Context, absent: Collection[str], any_end: bool) -> None:
    """Raises Halt where the export looks otherwise than the last time in a way that makes everybody somebody else, or takes something back; else remembers it.

    `absent` are our names of columns that the school says are not there. While a move is looked at, nothing is compared and nothing remembered.
    """
    if context.moving:
        return
    before: dict[str, Any] = json.loads(context.memory.get(_SLOT) or b"{}")
    widths = {table: {"key": key, "width": _width(values)} for (table, key), values in sorted(now.keys.items())}
    for (table, key), values in now.keys.items():
        known = before.get("keys", {}).get(table)
        if known is not None:
            _same_number(table, key, values, known, context.school)
    for table in ("people", "students", "staff"):
        if table in before.get("columns", {}) and table not in now.columns:
            raise Halt(
                f"The export had a list of {table} and has none now. Nothing was read, so that nobody is missed. If it is to be so, confirm the move"
                f" (onroll rekey {context.school} --to, and the present MIS); else look at the MIS's export."
            )
    for table, columns in now.columns.items():
        told = set(before.get("columns", {}).get(table, ()))
        if table in ("classes", "contacts"):
            told &= {"teacher"}  # whose class it is may be told by any number
        _nothing_taken_back(table, told - columns, absent)
    for name, ended in now.ended.items():
        if before.get("ended", {}).get(name) and not ended and not any_end:
            raise Halt(
                f"{name} ends in the middle of a line, which it did not the last time: it was probably cut off. Nothing was read."
                ' If the export writes it so from now on, say so: last_line = "any" in [school.source].'
            )
    after = {
        "keys": before.get("keys", {}) | widths,
        "columns": before.get("columns", {}) | {table: sorted(columns) for table, columns in now.columns.items()},
        "ended": before.get("ended", {}) | now.ended,
    }
    if after != before:
        context.memory.put(_SLOT, json.dumps(after).encode())


def _width(values: Sequence[str]) -> int:
    """How long all numbers are where some begin with zero; 0 where nothing can be said of that."""
    lengths = {len(value) for value in values}
    return lengths.pop() if len(lengths) == 1 and any(value.startswith("0") for value in values) else 0


def _same_number(table: str, key: str, values: Sequence[str], known: Mapping[str, Any], school: str) -> None:
    if known["key"] != key:
        raise Halt(
            f"The {table} were known by their {known['key']} and would now be known by their {key}, so everybody would be somebody new. Nothing was read."
            f" If that is right, confirm the move (onroll rekey {school} --to, and the present MIS); else put the column back into the export."
        )
    zeros = any(value.startswith("0") for value in values)
    if known["width"] and not zeros and min(map(len, values)) < known["width"]:
        raise Halt(
            f"The numbers of the {table} had leading zeros and have lost them, as happens when a spreadsheet saves the file. Nothing was read:"
            " let the MIS write the file, and do not save it from Excel."
        )


def _nothing_taken_back(table: str, gone: Collection[str], absent: Collection[str]) -> None:
    """A leaving date that is no longer told would bring leavers back."""
    missing = sorted(each for each in gone if each not in absent and f"{table}.{each}" not in absent)
    if missing:
        raise Halt(
            f"The export's {table} no longer have a column for {', '.join(missing)}. Nothing was read, so that nothing is taken back: put it into the export again."
            f' If it is to stay away, say so: columns = {{ "{table}.{missing[0]}" = "" }} in [school.source].'
        )
