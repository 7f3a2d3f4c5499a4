"""Closed JSON schemas become plain functions once, so that judging a page of 500 users costs milliseconds."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Judge = Callable[[object, str], Iterator[str]]
"""Gives sentences on what is wrong with a value; the text says where the value stands ("users/3/name")."""

_TYPES: Mapping[str, Callable[[object], bool]] = {
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, Mapping),
    "null": lambda value: value is None,
}
# What the slices use. A keyword that is not here is a reason to stop, never one to look away.
_KNOWN = {
    "$ref",
    "type",
    "properties",
    "additionalProperties",
    "items",
    "pattern",
    "maxLength",
    "format",
    "readOnly",
    "enum",
}


@dataclass(slots=True)
class Schemas:
    """The definitions of one file (`$defs`, draft 2020-12), compiled on first use."""

    definitions: Mapping[str, Mapping[str, Any]]
    _compiled: dict[str, Judge] = field(default_factory=dict)

    def wrong(self, name: str, value: object) -> list[str]:
        """What the definition called `name` has against `value`, in sentences; empty when nothing."""
        return list(self._named(name)(value, name))

    def properties(self, name: str) -> Mapping[str, Mapping[str, Any]]:
        """The properties of a definition."""
        found: Mapping[str, Mapping[str, Any]] = self.definitions[name].get("properties", {})
        return found

    def _named(self, name: str) -> Judge:
        judge = self._compiled.get(name)
        if judge is None:
            # Two threads may both compile; they come to the same.
            judge = self._compiled[name] = self._compile(self.definitions[name])
        return judge

    def _compile(self, schema: Mapping[str, Any]) -> Judge:
        unknown = {key for key in schema if not key.startswith("x-")} - _KNOWN
        if unknown:
            raise ValueError(f"the schema keywords {sorted(unknown)} are not known here")
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            return self._named(name)
        told = schema.get("type")
        types = [told] if isinstance(told, str) else list(told or ())
        checks = [_TYPES[name] for name in types]
        text = _text(schema)
        members = self._members(schema)
        item = self._compile(schema["items"]) if "items" in schema else None

        def judge(value: object, where: str) -> Iterator[str]:
            if checks and not any(check(value) for check in checks):
                yield f"{where} is {value!r:.60}, and must be {' or '.join(types)}."
            elif isinstance(value, str):
                yield from text(value, where)
            elif isinstance(value, Mapping):
                yield from members(value, where)
            elif isinstance(value, list) and item is not None:
                for place, each in enumerate(value):
                    yield from item(each, f"{where}/{place}")

        return judge

    def _members(self, schema: Mapping[str, Any]) -> Callable[[Mapping[str, object], str], Iterator[str]]:
        judges = {name: self._compile(each) for name, each in schema.get("properties", {}).items()}
        others = schema.get("additionalProperties", True)
        other = self._compile(others) if isinstance(others, Mapping) else None

        def judge(value: Mapping[str, object], where: str) -> Iterator[str]:
            for name, each in value.items():
                known = judges.get(name, other)
                if known is not None:
                    yield from known(each, f"{where}/{name}")
                elif others is False:
                    yield f"{where} has no property called {name!r}."

        return judge


def _text(schema: Mapping[str, Any]) -> Callable[[str, str], Iterator[str]]:
    pattern = re.compile(schema["pattern"]) if "pattern" in schema else None
    longest = schema.get("maxLength")
    allowed = schema.get("enum")

    def judge(value: str, where: str) -> Iterator[str]:
        if pattern is not None and not pattern.search(value):
            yield f"{where} is {value!r:.60}, which does not match {pattern.pattern}."
        if longest is not None and len(value) > longest:
            yield f"{where} is longer than {longest} characters."
        if allowed is not None and value not in allowed:
            yield f"{where} is {value!r:.60}, and must be one of {', '.join(allowed)}."

    return judge
