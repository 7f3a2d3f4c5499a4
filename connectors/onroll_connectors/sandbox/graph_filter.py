"""The part of OData's $filter that the Graph simulator understands: eq, in, any(x:x eq ...), and, or."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from onroll_connectors.sandbox.graph_rules import Refusal

Predicate = Callable[[Mapping[str, Any]], bool]

MOST_CLAUSES = 15
_TOKEN = re.compile(r"\s*(?:(\()|(\))|(,)|(:)|('(?:[^']|'')*')|([A-Za-z_][A-Za-z0-9_./]*))")


def parse(text: str) -> Predicate:
    """The predicate that `text` states of an object's properties; raises Refusal as Graph does for what it does not support."""
    reader = _Reader(_tokens(text))
    predicate = reader.either()
    if reader.rest or reader.clauses > MOST_CLAUSES:
        raise _unsupported(
            f"Too many child clauses specified in search filter expression containing 'OR' operators: {reader.clauses}."
            f" Max allowed: {MOST_CLAUSES}."
            if reader.clauses > MOST_CLAUSES
            else f"Invalid filter clause: {text}"
        )
    return predicate


def _tokens(text: str) -> list[str]:
    found: list[str] = []
    at = 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None:
            raise _unsupported(f"Invalid filter clause: unexpected {text[at:][:20]!r}.")
        found.append(match.group().strip())
        at = match.end()
    return found


def _unsupported(message: str) -> Refusal:
    return Refusal(400, "Request_UnsupportedQuery", message)


@dataclass(slots=True)
class _Reader:
    rest: list[str]
    clauses: int = field(default=0)

    def take(self, expected: str | None = None) -> str:
        if not self.rest or (expected is not None and self.rest[0].lower() != expected):
            raise _unsupported(f"Invalid filter clause: {expected or 'more'} was expected.")
        return self.rest.pop(0)

    def follows(self, word: str) -> bool:
        if self.rest and self.rest[0].lower() == word:
            self.rest.pop(0)
            return True
        return False

    def either(self) -> Predicate:
        parts = [self.both()]
        while self.follows("or"):
            parts.append(self.both())
        return lambda item: any(part(item) for part in parts)

    def both(self) -> Predicate:
        parts = [self.clause()]
        while self.follows("and"):
            parts.append(self.clause())
        return lambda item: all(part(item) for part in parts)

    def clause(self) -> Predicate:
        if self.follows("("):
            inner = self.either()
            self.take(")")
            return inner
        name = self.take()
        self.clauses += 1
        if name.endswith("/any"):
            self.take("(")
            self.take()
            self.take(":")
            self.take()
            self.take("eq")
            wanted = _value(self.take())
            self.take(")")
            collection = name.removesuffix("/any")
            return lambda item: wanted in [_folded(each) for each in item.get(collection) or ()]
        word = self.take().lower()
        if word == "eq":
            value = _value(self.take())
            return lambda item: _folded(_reach(item, name)) == value
        if word == "in":
            self.take("(")
            values = [_value(self.take())]
            while self.follows(","):
                values.append(_value(self.take()))
            self.take(")")
            self.clauses += len(values) - 1
            return lambda item: _folded(_reach(item, name)) in values
        raise _unsupported(f"Unsupported or invalid query filter clause specified for property '{name}'.")


def _value(token: str) -> object:
    if token.startswith("'"):
        return token[1:-1].replace("''", "'").lower()
    return {"true": True, "false": False, "null": None}.get(token.lower(), token)


def _folded(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _reach(item: Mapping[str, Any], name: str) -> object:
    value: object = item
    for step in name.split("/"):
        value = value.get(step) if isinstance(value, Mapping) else None
    return value
