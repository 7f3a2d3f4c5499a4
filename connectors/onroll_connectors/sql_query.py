"""What a source asks of a MIS's tables, and the values that come back, held to the shape that was expected."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from onroll_connectors.shape import Shape

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_$#@]*")


def is_name(text: str) -> bool:
    """True for what can be the name of a table, a column or a schema."""
    return _NAME.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Query:
    """`columns` of the rows of `table` in which each column of `where` has one of its values, each of `filled` has a value, and each of `within` has
    a value that the first column of another query has."""

    table: str
    columns: tuple[str, ...]
    where: Mapping[str, Sequence[object]] = field(default_factory=dict)
    within: Mapping[str, Query] = field(default_factory=dict)
    filled: tuple[str, ...] = ()
    distinct: bool = False

    @property
    def touched(self) -> dict[str, tuple[str, ...]]:
        """Every table and column that it needs."""
        found = {self.table: tuple(dict.fromkeys((*self.columns, *self.where, *self.within, *self.filled)))}
        for each in self.within.values():
            for table, columns in each.touched.items():
                found[table] = tuple(dict.fromkeys((*found.get(table, ()), *columns)))
        return found


def touched(queries: Iterable[Query]) -> dict[str, tuple[str, ...]]:
    """Every table and column that some queries need, each once."""
    found: dict[str, tuple[str, ...]] = {}
    for query in queries:
        for table, columns in query.touched.items():
            found[table] = tuple(dict.fromkeys((*found.get(table, ()), *columns)))
    return found


class Cells(Shape):
    """Values as drivers give them (texts, numbers of any type, dates and moments, padding), held to the shape that was expected."""

    def text(self, value: Any, where: str) -> str | None:
        """As `Shape.text`; a NUMERIC that is whole is a number."""
        if isinstance(value, Decimal) and value == value.to_integral_value():
            value = int(value)
        return super().text(value, where)

    def number(self, value: Any, where: str) -> int:
        """As `Shape.number`; a NUMERIC that is whole is a number."""
        if isinstance(value, Decimal) and value == value.to_integral_value():
            return int(value)
        return super().number(value, where)

    def day(self, value: Any, where: str) -> date | None:
        """A date, a moment, or either as a text, also as yyyymmdd; None for null and blank."""
        if isinstance(value, datetime):
            return value.date()
        if isinstance(value, date):
            return value
        text = value.strip() if isinstance(value, str) else value
        if isinstance(text, str) and re.fullmatch(r"\d{8}", text):
            text = f"{text[:4]}-{text[4:6]}-{text[6:]}"
        return super().day(text, where)

    def flag(self, value: Any, where: str) -> bool | None:
        """As `Shape.flag`; blanks are nothing told."""
        return super().flag(value.strip() if isinstance(value, str) else value, where)
