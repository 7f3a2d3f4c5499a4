"""The filters of Bromcom's two interfaces, evaluated: the short grammar of its REST API, and the T-SQL predicates that its SOAP service hands on."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

Predicate = Callable[[Mapping[str, Any]], bool]
Value = Callable[[Mapping[str, Any]], Any]
_TOKEN = re.compile(r"\s*(?:('(?:[^']|'')*')|(-?\d+)|([A-Za-z_]\w*)|(<=|>=|<>|[=<>(),]))")
_COMPARE = {
    "=": operator.eq, "<>": operator.ne, "<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge,
}  # fmt: skip
_DAY = re.compile(r"(\d{4})-?(\d\d)-?(\d\d)(?:T[\d:.+]+)?$")


class Refused(Exception):
    """It is no filter, or names a column that is not there; the text is what SQL Server would say."""


def compiled(text: str, columns: Sequence[str], today: date, sql: bool = False) -> Predicate:
    """What `text` lets through, of rows with `columns`; everything where it is empty. `sql`: all of T-SQL that clients send, else the REST API's grammar."""
    if not text.strip():
        return lambda row: True
    parser = _Parser(_tokens(text), {each.lower(): each for each in columns}, today, sql)
    predicate = parser.either()
    if parser.rest:
        raise Refused(f"Incorrect syntax near '{parser.rest[0]}'.")
    return predicate


def _tokens(text: str) -> list[str]:
    found, at = [], 0
    text = text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise Refused(f"Incorrect syntax near '{text[at : at + 10]}'.")
        found.append(match[0].strip())
        at = match.end()
    return found


class _Parser:
    """Recursive descent: or, and, a comparison. A comparison with null is never true."""

    def __init__(self, tokens: list[str], columns: Mapping[str, str], today: date, sql: bool) -> None:
        self.rest, self._columns, self._sql = tokens, columns, sql
        self._now = f"{today.isoformat()}T19:00:00"

    def either(self) -> Predicate:
        left = self._both()
        while self._take("or"):
            one, other = left, self._both()
            left = lambda row, one=one, other=other: one(row) or other(row)  # type: ignore[misc]  # noqa: E731
        return left

    def _both(self) -> Predicate:
        left = self._one()
        while self._take("and"):
            one, other = left, self._one()
            left = lambda row, one=one, other=other: one(row) and other(row)  # type: ignore[misc]  # noqa: E731
        return left

    def _one(self) -> Predicate:
        if self._take("("):
            inner = self.either()
            self._expect(")")
            return inner
        left = self._value()
        if self._sql and self._take("is"):
            negated = self._take("not")
            self._expect("null")
            return lambda row: (left(row) is None) != negated
        if self._sql and self._take("between"):
            low = self._value()
            self._expect("and")
            high = self._value()
            return lambda row: _compared(">=", left(row), low(row)) and _compared("<=", left(row), high(row))
        if self._sql and self._take("like"):
            pattern = self._value()
            return lambda row: _like(left(row), pattern(row))
        how = self._next()
        if how not in _COMPARE:
            raise Refused(f"Incorrect syntax near '{how}'.")
        right = self._value()
        return lambda row: _compared(how, left(row), right(row))

    def _value(self) -> Value:
        token = self._next()
        if token.startswith("'"):
            text = token[1:-1].replace("''", "'")
            return lambda row: text
        if token.lstrip("-").isdigit():
            return lambda row: int(token)
        if token.lower() == "isnull":
            self._expect("(")
            value = self._value()
            self._expect(",")
            other = self._value()
            self._expect(")")
            return lambda row: other(row) if value(row) is None else value(row)
        if self._sql and token.lower() == "getdate":
            self._expect("(")
            self._expect(")")
            return lambda row: self._now
        column = self._columns.get(token.lower())
        if column is None:
            raise Refused(f"Invalid column name '{token}'.")
        return lambda row: row.get(column)

    def _next(self) -> str:
        if not self.rest:
            raise Refused("Incorrect syntax near the end.")
        return self.rest.pop(0)

    def _take(self, word: str) -> bool:
        if self.rest and self.rest[0].lower() == word:
            self.rest.pop(0)
            return True
        return False

    def _expect(self, word: str) -> None:
        if not self._take(word):
            raise Refused(f"Incorrect syntax near '{self.rest[0] if self.rest else 'the end'}'.")


def _plain(value: Any) -> Any:
    """A day alone as midnight of it, whichever way it is written; texts without capitals and padding, as SQL Server compares them."""
    if isinstance(value, date):
        return f"{value.isoformat()}T00:00:00"
    if isinstance(value, str):
        found = _DAY.match(value.strip())
        if found is None:
            return value.rstrip().casefold()
        return value.strip()[:19] if "T" in value else f"{found[1]}-{found[2]}-{found[3]}T00:00:00"
    return value


def _compared(how: str, left: Any, right: Any) -> bool:
    if left is None or right is None:
        return False
    one, other = _plain(left), _plain(right)
    if isinstance(one, int) != isinstance(other, int):
        one, other = str(one), str(other)
    return bool(_COMPARE[how](one, other))


def _like(value: Any, pattern: Any) -> bool:
    if value is None or pattern is None:
        return False
    expression = ".*".join(re.escape(part) for part in str(pattern).split("%"))
    return re.fullmatch(expression, str(value).rstrip(), re.IGNORECASE) is not None


def weeks_from(day: date, count: int) -> list[date]:
    """The Mondays of `count` weeks from `day` on."""
    monday = day - timedelta(days=day.weekday())
    return [monday + timedelta(weeks=each) for each in range(count)]
