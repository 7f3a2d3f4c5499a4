"""Enough of GraphQL for the simulator of Arbor: one entity with arguments, and the fields of what it leads to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

_WORDS = re.compile(r'"[^"]*"|[A-Za-z_][A-Za-z0-9_]*|-?\d+|[{}():,!$]')


class SyntaxProblem(Exception):
    """The query is none."""


def parsed(text: str) -> tuple[str, dict[str, str], dict[str, Any]]:
    """The entity, its arguments and its fields, of `query { Entity(a: 1) { x y { z } } }`."""
    words = iter(_WORDS.findall(text))
    if next(words, "") != "query" or next(words, "") != "{":
        raise SyntaxProblem
    entity, following = next(words, ""), next(words, "")
    arguments: dict[str, str] = {}
    while following == "(" or following == ",":
        name = next(words, "")
        if next(words, "") != ":":
            raise SyntaxProblem
        arguments[name] = next(words, "").strip('"')
        following = next(words, "")
    if following == ")":
        following = next(words, "")
    if following != "{":
        raise SyntaxProblem
    fields = _fields(words)
    if not entity or not fields or next(words, "") != "}":
        raise SyntaxProblem
    return entity, arguments, fields


def _fields(words: Iterator[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    last = ""
    for word in words:
        if word == "}":
            return found
        if word == "{":
            if not last:
                raise SyntaxProblem
            found[last] = _fields(words)
        else:
            last = word
            found[word] = {}
    raise SyntaxProblem


def strange(entity: str, fields: Mapping[str, Any], shapes: Mapping[str, Mapping[str, str]]) -> str | None:
    """The first field that an entity does not have."""
    for name, inner in fields.items():
        if name not in shapes[entity]:
            return name
        if inner and (found := strange(shapes[entity][name], inner, shapes) if shapes[entity][name] else name):
            return found
    return None
