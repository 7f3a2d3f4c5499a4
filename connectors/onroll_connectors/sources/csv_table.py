"""A table in a text file as schools' systems really write them: any usual encoding and delimiter, title lines, blank rows, padding."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path

from onroll_connectors.sources.folder_rights import GIVE
from onroll_core.contracts import Context
from onroll_core.errors import Halt, Unavailable

_DELIMITERS = ",;\t|"
_SEARCHED = 30
_ENOUGH = 5
"""So many whole rows say what a whole row is."""
LARGEST = 200 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its line in the file (counted from 1) and its cells, trimmed, by column position."""

    line: int
    cells: Sequence[str]


@dataclass(frozen=True, slots=True)
class Table:
    """A header and rows; `path` is for sentences. `totals` are the numbers of rows that lines such as "Total: 120" told;
    `ended` says whether the last line had an end."""

    path: Path
    header: Sequence[str]
    header_line: int
    rows: Sequence[Row]
    totals: Sequence[int] = ()
    ended: bool = True


def read_bytes(path: Path, context: Context, max_age_days: float | None, quiet: float) -> bytes:
    """The file, whole and at rest.

    A file that was changed in the last `quiet` seconds is waited for, and raises Unavailable when it is still growing then, or changes while it is read. Raises Halt when it
    is not there or older than `max_age_days` (None, 0 or less: of any age).
    """
    try:
        before = path.stat()
        if before.st_size > LARGEST:
            raise Halt(
                f"{path.name} has {before.st_size // 1024 // 1024} MiB, which cannot be a list of people. Look at the export."
            )
        age = context.now().timestamp() - before.st_mtime
        if 0 <= age < quiet:
            context.sleep(quiet - age)
        raw = path.read_bytes()
        after = path.stat()
    except FileNotFoundError:
        raise Halt(f"{path} is not there. Does the MIS's export run, and does it write there?") from None
    except OSError as failure:
        raise Halt(
            f"{path} cannot be read ({failure.strerror}). {GIVE}, as it has to read the folder. Nothing was read."
        ) from None
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or len(raw) != after.st_size:
        raise Unavailable(f"{path.name} is still being written. It is tried again later.")
    days = (context.now().timestamp() - after.st_mtime) / 86400
    if max_age_days is not None and 0 < max_age_days < days:
        raise Halt(
            f"{path.name} is {days:.1f} days old, and the school's settings allow {max_age_days:g}. Nothing was read: does the MIS's export still run?"
        )
    return raw


def decoded(raw: bytes, path: Path, part: bool = False) -> str:
    """The text, by its byte order mark, else UTF-8, else UTF-16 without a mark, else Windows' own code page. `part` is for the beginning of a file,
    which may end within a character."""
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encodings = ["utf-16"]
    elif raw[:3] == b"\xef\xbb\xbf":
        encodings = ["utf-8-sig"]
    elif raw[1:200:2].count(0) > len(raw[1:200:2]) // 2:
        encodings = ["utf-16-le"]
    else:
        encodings = ["utf-8", "cp1252"]
    for encoding in encodings:
        try:
            return raw.decode(encoding, "replace" if part else "strict")
        except UnicodeDecodeError:
            continue
    raise Halt(
        f"{path.name} is no text that onroll can read (tried {', '.join(encodings)}). Export it as CSV in UTF-8."
    )


def parse(path: Path, raw: bytes, is_header: Callable[[Sequence[str]], bool]) -> Table:
    """The table in a file; `is_header` says of a row whether it names the columns. Raises Halt with file and line."""
    text = decoded(raw, path).removeprefix("\ufeff")
    if "\x00" in text:
        raise Halt(
            f"{path.name} holds NUL characters: it was cut off, or is a workbook and not a text file. Export it again, as CSV."
        )
    if not text.strip():
        raise Halt(f"{path.name} is empty. Nothing was changed; look at the MIS's export.")
    delimiter = _delimiter(text, is_header)
    if delimiter is None:
        raise Halt(
            f"{path.name}: none of the first {_SEARCHED} lines names columns that onroll knows. Name them in [school.source] columns."
        )
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    header: list[str] | None = None
    header_line = 0
    rows: list[Row] = []
    totals: list[int] = []
    shorts: dict[int, int] = {}
    line, last, short = 1, 0, False
    try:
        for found in reader:
            begins, line = line, reader.line_num + 1
            last = begins
            cells = [_trimmed(cell) for cell in found]
            if not any(cells):
                continue
            if header is None:
                if is_header(cells):
                    header, header_line = cells, begins
                continue
            if cells == header or _is_footer(cells, totals):
                continue
            rows.append(_row(path, begins, cells, header))
            short = len(cells) < len(header)
            if short:
                shorts[begins] = len(cells)
    except csv.Error as failure:
        raise Halt(
            f"{path.name}, line {line}: {failure}. The file was probably cut off; nothing was read of it."
        ) from None
    if header is None:
        raise Halt(f"{path.name}: no line names columns that onroll knows. Name them in [school.source] columns.")
    ended = text.endswith(("\n", "\r"))
    if rows and short and not ended and rows[-1].line == last:
        raise Halt(
            f"{path.name}, line {rows[-1].line}: the file ends in the middle of a row. It was probably cut off; nothing was read of it."
        )
    _whole(path, header, rows, shorts)
    return Table(path, header, header_line, rows, totals, ended)


# What reports print below or between their rows, in one cell, or a total with its number in the next: no row of anybody has so little.
_TOTAL = re.compile(r"(?:(?:sub|grand)[ -]?)?(?:total|count)s?\b.{0,40}?[:= ]\s*(\d+)", re.IGNORECASE)
_COUNTED = re.compile(
    r"(\d+) (?:records?|rows?|pupils?|students?|learners?|people|staff|entries|contacts?)\b.{0,30}", re.IGNORECASE
)
_REMARK = re.compile(
    r"(?:total|count)s?:?|page \d+(?: of \d+)?|end of (?:report|file|list|data)\.?|(?:report )?(?:printed|generated|produced|exported|run|created)\b.{0,60}|[-*=_]+",
    re.IGNORECASE,
)


def _is_footer(cells: Sequence[str], totals: list[int]) -> bool:
    """True for a line that is no row; the number that a total tells is put into `totals`."""
    if len(cells) - cells.count("") > 2:
        return False
    filled = [cell for cell in cells if cell]
    if len(filled) == 2 and not filled[1].isdigit():
        return False
    words = " ".join(filled)
    found = _TOTAL.fullmatch(words) or _COUNTED.fullmatch(words)
    if found is not None:
        totals.append(int(found[1]))
    return found is not None or (len(filled) == 1 and _REMARK.fullmatch(words) is not None)


def _whole(path: Path, header: Sequence[str], rows: Sequence[Row], shorts: Mapping[int, int]) -> None:
    """A row that stops before a column that every whole row fills has lost a delimiter: its values are in the wrong columns."""
    whole = [row for row in rows if row.line not in shorts]
    if len(whole) < _ENOUGH:
        return
    filled = [all(row.cells[at] for row in whole) for at in range(len(header))]
    for line, length in shorts.items():
        if any(filled[length:]):
            raise Halt(
                f"{path.name}, line {line}: there are {length} values for {len(header)} columns, and every other row has a {header[filled.index(True, length)]!r}."
                " Was a delimiter lost? Nothing was read."
            )


def _row(path: Path, line: int, cells: list[str], header: Sequence[str]) -> Row:
    while len(cells) > len(header) and not cells[-1]:
        cells.pop()
    if len(cells) > len(header):
        raise Halt(
            f"{path.name}, line {line}: there are {len(cells)} values for {len(header)} columns. Is a value with the delimiter in it without quotes?"
        )
    # Spreadsheets leave out empty cells at the end of a row; a row that stops in the middle of its values was cut off.
    return Row(line, cells + [""] * (len(header) - len(cells)))


def _delimiter(text: str, is_header: Callable[[Sequence[str]], bool]) -> str | None:
    """The delimiter with which one of the first lines names the most columns."""
    best: tuple[int, str] | None = None
    for delimiter in _DELIMITERS:
        for line in text.splitlines()[:_SEARCHED]:
            cells = [_trimmed(cell) for cell in next(csv.reader([line], delimiter=delimiter), [])]
            if is_header(cells) and (best is None or len(cells) > best[0]):
                best = (len(cells), delimiter)
    return None if best is None else best[1]


def _trimmed(cell: str) -> str:
    return " ".join(cell.replace("\u00a0", " ").split())


_NUMERIC = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4}|\d{2})")
_WRITTEN = ("%d-%b-%y", "%d-%b-%Y", "%d %b %Y", "%d %B %Y", "%d-%B-%Y")


@lru_cache(maxsize=4096)
def parse_date(text: str) -> date:
    """A date as schools' systems write it: ISO, dd/mm/yyyy, dd-Mon-yy, each with or without a time. Raises ValueError."""
    day = re.sub(r"[T ]\d{1,2}:\d{2}.*$", "", text.strip())
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", day):
            return date.fromisoformat(day)
        found = _NUMERIC.fullmatch(day)
        if found is not None:
            year = int(found[3])
            return date(year if year > 99 else 2000 + year, int(found[2]), int(found[1]))
    except ValueError:
        day = ""
    for form in _WRITTEN:
        try:
            return datetime.strptime(day, form).date()  # noqa: DTZ007 - a day has no zone
        except ValueError:
            continue
    raise ValueError(f"{text!r} is not a date; onroll reads 2026-09-01, 01/09/2026 and 01-Sep-26")
