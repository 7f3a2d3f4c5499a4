"""A partial answer has the fields that were asked for and no others: `fields=nextPageToken,users(id,name/givenName)`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from onroll_connectors.sandbox.google_schema import Schemas

Mask = dict[str, "Mask"]
"""Names to what is wanted of them; an empty mask wants everything."""


def parse(text: str) -> Mask:
    """The mask that `text` writes; raises ValueError when it is not one."""
    tokens = re.findall(r"[A-Za-z_*][\w*-]*|[(),/]", text)
    if "".join(tokens) != text.replace(" ", ""):
        raise ValueError(f"Invalid field selection {text}")
    mask, rest = _list(tokens, 0)
    if rest != len(tokens):
        raise ValueError(f"Invalid field selection {text}")
    return mask


def _list(tokens: list[str], at: int) -> tuple[Mask, int]:
    mask: Mask = {}
    while True:
        at = _path(tokens, at, mask)
        if at >= len(tokens) or tokens[at] != ",":
            return mask, at
        at += 1


def _path(tokens: list[str], at: int, mask: Mask) -> int:
    if at >= len(tokens) or tokens[at] in "(),/":
        raise ValueError("Invalid field selection")
    name = tokens[at]
    inner = mask.setdefault(name, {})
    at += 1
    if at < len(tokens) and tokens[at] == "/":
        return _path(tokens, at + 1, inner)
    if at < len(tokens) and tokens[at] == "(":
        found, at = _list(tokens, at + 1)
        if at >= len(tokens) or tokens[at] != ")":
            raise ValueError("Invalid field selection")
        inner.update(found)
        at += 1
    return at


def unknown(mask: Mask, schemas: Schemas, name: str) -> list[str]:
    """The fields of a mask that the definition called `name` does not have."""
    properties = schemas.properties(name)
    wrong: list[str] = []
    for field, inner in mask.items():
        if field == "*":
            continue
        if field not in properties:
            wrong.append(field)
            continue
        told = properties[field]
        target = told.get("$ref") or told.get("items", {}).get("$ref")
        if inner and target:
            wrong += [f"{field}/{each}" for each in unknown(inner, schemas, target.rpartition("/")[2])]
    return wrong


def masked(value: Any, mask: Mask) -> Any:
    """`value` with only what the mask wants."""
    if not mask or "*" in mask:
        return value
    if isinstance(value, list):
        return [masked(each, mask) for each in value]
    if isinstance(value, Mapping):
        return {name: masked(value[name], inner) for name, inner in mask.items() if name in value}
    return value
