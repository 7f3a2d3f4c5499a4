"""Tables of a MIS's SQL Server in a SQLite file, with the padding of CHAR columns: what its simulators write, and a test loads into PostgreSQL."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Table:
    """`columns` are names to SQL Server's types; `rows` have a value for each, in order."""

    name: str
    columns: Mapping[str, str]
    rows: Sequence[Sequence[Any]]

    def stored(self) -> list[tuple[Any, ...]]:
        """The rows as SQL Server would give them: CHAR values filled up with blanks."""
        widths = [_width(kind) for kind in self.columns.values()]
        return [tuple(_filled(value, width) for value, width in zip(row, widths, strict=True)) for row in self.rows]


def write(path: Path, tables: Iterable[Table]) -> None:
    """The tables as a SQLite file, put in place of an older one at once.

    SQL Server ignores blanks at the end when it compares; SQLite does so with the collation RTRIM.
    """
    beside = path.with_name(f"{path.name}.new")
    beside.unlink(missing_ok=True)
    connection = sqlite3.connect(beside)
    try:
        connection.execute("PRAGMA journal_mode=OFF")
        for table in tables:
            columns = ", ".join(f'"{name}" {_sqlite(kind)}' for name, kind in table.columns.items())
            connection.execute(f'CREATE TABLE "{table.name}" ({columns})')
            marks = ", ".join("?" * len(table.columns))
            rows = ([_text(value) for value in row] for row in table.stored())
            connection.executemany(f'INSERT INTO "{table.name}" VALUES ({marks})', rows)
        connection.commit()
    finally:
        connection.close()
    beside.replace(path)


def _width(kind: str) -> int | None:
    found = re.fullmatch(r"char\((\d+)\)", kind)
    return int(found[1]) if found else None


def _filled(value: Any, width: int | None) -> Any:
    return value.ljust(width) if width is not None and isinstance(value, str) else value


def _sqlite(kind: str) -> str:
    return "TEXT COLLATE RTRIM" if "char" in kind else "INTEGER" if kind == "int" else "TEXT"


def _text(value: Any) -> Any:
    """SQLite has no type for days."""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    return value.isoformat() if isinstance(value, date) else value
