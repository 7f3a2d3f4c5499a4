"""The list of users as a file that an office edits and gives back: written safe for spreadsheets, read with a sentence for every mistake."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from onroll_core.errors import OnrollError, Refused
from onroll_core.handout import FORMULA, safe_cell
from onroll_daemon.session import FAILED, USAGE, stop

COLUMNS = (
    "identity", "username", "email", "display_name", "role", "state", "year_group", "registration_group", "year_of_entry", "aliases",
)  # fmt: skip
_FORMULA = ("=", "+", "@")
_WORKBOOK = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the file: its number (counted from 1) and its cells by caption, lower case."""

    line: int
    cells: Mapping[str, str]


def users_csv(rows: Iterable[Mapping[str, Any]]) -> str:
    """People in the shape of `users list --json` as CSV."""
    out = io.StringIO()
    out.write("\ufeff")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow([safe_cell(_text(row[name])) for name in COLUMNS])
    return out.getvalue()


def _text(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(map(str, value))
    return "" if value is None else str(value)


def read_rows(path: str, needed: Sequence[str], more: Sequence[str] = ()) -> list[Row]:
    """The rows of an edited file, as `rows_of` gives them; ends the command with a sentence where that raises, and when the file cannot be read."""
    try:
        return rows_of(Path(path).read_bytes(), path, needed, more)
    except OSError as failure:
        stop(USAGE, f"{path} cannot be read: {failure.strerror}.")
    except OnrollError as trouble:
        stop(FAILED, trouble.sentence)


def rows_of(raw: bytes, name: str, needed: Sequence[str], more: Sequence[str] = ()) -> list[Row]:
    """The rows of a file called `name`. One of `needed` has to be a column of it; columns but these and `more` are not looked at.

    Raises Refused (or Halt) with a sentence when it is no text, names a column twice, or has a formula where a name should be.
    """
    from onroll_connectors.sources.csv_table import decoded

    text = "" if raw.startswith(_WORKBOOK) else decoded(raw, Path(name)).removeprefix("\ufeff")
    if "\x00" in text or raw.startswith(_WORKBOOK):
        raise Refused(
            f"{name} is a workbook, or was cut off, and not a text file. Save it as CSV (UTF-8). Nothing was changed."
        )
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = [caption.strip().lower().replace(" ", "_") for caption in next(lines, [])]
        doubled = [each for each, count in Counter(header).items() if count > 1 and each in (*needed, *more)]
        if doubled:
            raise Refused(f"{name} has the column {doubled[0]} twice. Nothing was changed; leave one of them.")
        if not any(each in header for each in needed):
            raise Refused(
                f"{name} has no column {' or '.join(needed)} in its first line. Download the list anew: onroll users list --csv FILE"
            )
        rows = (cells for cells in lines if any(cell.strip() for cell in cells))
        return [_row(name, lines.line_num, header, cells, (*needed, *more)) for cells in rows]
    except csv.Error as failure:
        raise Refused(f"{name}, line {lines.line_num}: {failure}. Was the file cut off? Nothing was changed.") from None


def _row(name: str, line: int, header: Sequence[str], cells: Sequence[str], wanted: Sequence[str]) -> Row:
    if len(cells) > len(header):
        raise Refused(
            f"{name}, line {line}: there are {len(cells)} values for {len(header)} columns. Nothing was changed."
        )
    told = {}
    for column, cell in zip(header, cells, strict=False):
        if column in wanted:
            text = cell.strip()
            if text.startswith("'") and text[1:].startswith(FORMULA):
                text = text[1:]  # as we write it ourselves, so that no spreadsheet runs it
            elif text.startswith(_FORMULA):
                raise Refused(
                    f"{name}, line {line}, column {column}: {text[:40]!r} is a formula. Write the text itself; nothing was changed."
                )
            told[column] = text
    return Row(line, told)
