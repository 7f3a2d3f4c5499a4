"""What a script can ask for, read from the OpenAPI definition that the console gives of itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing to ask for. `parameters` are (name, where, whether it is needed, what it is)."""

    method: str
    path: str
    summary: str
    parameters: tuple[tuple[str, str, bool, str], ...]
    takes_body: bool


def operations(definition: Mapping[str, Any]) -> dict[str, list[Operation]]:
    """Operations by their tag, both in the order of the definition."""
    groups: dict[str, list[Operation]] = {}
    for path, methods in definition.get("paths", {}).items():
        for method, told in methods.items():
            tag = (told.get("tags") or ["other"])[0]
            groups.setdefault(tag, []).append(_operation(method, path, told))
    return groups


def _operation(method: str, path: str, told: Mapping[str, Any]) -> Operation:
    parameters = tuple(
        (each["name"], each["in"], bool(each.get("required")), each.get("description") or "")
        for each in told.get("parameters", ())
    )
    summary = (told.get("description") or told.get("summary") or "").split("\n\n")[0].replace("`", "")
    return Operation(method.upper(), path, summary, parameters, "requestBody" in told)
