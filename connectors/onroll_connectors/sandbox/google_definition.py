"""Every request to the Google simulator, and every answer of it, is judged by Google's own definitions of the Directory and Classroom APIs."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any
from urllib.parse import unquote

from onroll_connectors.sandbox.google_schema import Schemas

NAME = "google-admin.directory_v1"
CLASSROOM = "google-classroom.v1"


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of the API: `id` as the discovery document calls it ("directory.users.insert"), schema names or ""."""

    id: str
    method: str
    request: str
    response: str
    parameters: Mapping[str, Mapping[str, Any]]
    scopes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Matched:
    """A request that the definition knows, with the values that stood in its path, decoded."""

    operation: Operation
    values: Mapping[str, str]


@dataclass(slots=True)
class Definition:
    """The part of the discovery document that account provisioning uses, and its schemas, closed."""

    document: Mapping[str, Any]
    schemas: Schemas
    _routes: list[tuple[str, re.Pattern[str], Operation]] = field(default_factory=list)

    def __post_init__(self) -> None:
        common = self.document["parameters"]
        for told in _methods(self.document):
            operation = Operation(
                told["id"],
                told["httpMethod"],
                told.get("request", {}).get("$ref", ""),
                told.get("response", {}).get("$ref", ""),
                {**common, **told.get("parameters", {})},
                frozenset(scope.rpartition("/")[2] for scope in told.get("scopes", ())),
            )
            self._routes.append((operation.method, _pattern(told["path"]), operation))

    def match(self, method: str, path: str) -> Matched | None:
        """The operation of a still encoded path, or None when the definition has none with that method."""
        for known, pattern, operation in self._routes:
            if known == method and (found := pattern.fullmatch(path)):
                return Matched(operation, {name: unquote(value) for name, value in found.groupdict().items()})
        return None

    def request(self, operation: Operation, query: Mapping[str, list[str]], body: object) -> list[str]:
        """What the definition has against a request, in sentences; `body` is None when there is none."""
        wrong = [text for name, values in query.items() for text in _parameter(operation, name, values)]
        if operation.request:
            wrong += (
                self.schemas.wrong(operation.request, body)
                if body is not None
                else [f"{operation.id} needs a {operation.request}."]
            )
            if operation.id.endswith(".insert") and isinstance(body, Mapping):
                wrong += [f"{operation.id} needs {name}." for name in self._needed(operation.request, body)]
        elif body is not None:
            wrong.append(f"{operation.id} takes no body.")
        return [text if text.startswith(operation.id) else f"{operation.id}: {text}" for text in wrong]

    def answer(self, operation: Operation, status: int, body: object) -> list[str]:
        """What the definition has against an answer. Errors are not in the document, so only their shape is looked at."""
        if status == 304:
            return []
        if status >= 400:
            error = body.get("error") if isinstance(body, Mapping) else None
            whole = isinstance(error, Mapping) and error.get("code") == status and error.get("errors")
            return [] if whole else [f"{operation.id} answered {status} with an error of another shape."]
        if not operation.response:
            return [f"{operation.id} answers nothing, but this was sent: {body!r:.60}."] if body else []
        return [f"{operation.id} answered: {text}" for text in self.schemas.wrong(operation.response, body)]

    def _needed(self, schema: str, body: Mapping[str, Any]) -> list[str]:
        return [name for name in self.schemas.definitions[schema].get("x-required-on-insert", ()) if not body.get(name)]


@functools.cache
def definition(name: str = NAME) -> Definition:
    """One of the definitions that ship with the package, read once."""
    folder = files("onroll_connectors.sandbox").joinpath("definitions")
    document = json.loads(folder.joinpath(f"{name}.slice.json").read_text(encoding="utf-8"))
    schemas = json.loads(folder.joinpath(f"{name}.schemas.json").read_text(encoding="utf-8"))
    return Definition(document, Schemas(schemas["$defs"]))


def _methods(resource: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from resource.get("methods", {}).values()
    for inner in resource.get("resources", {}).values():
        yield from _methods(inner)


def _pattern(path: str) -> re.Pattern[str]:
    """A URI template as a pattern: {name} is one segment, {+name} may hold slashes."""
    pieces = re.split(r"(\{\+?\w+\})", path)
    return re.compile(
        "/"
        + "".join(
            (f"(?P<{piece[2:-1]}>.+)" if piece[1] == "+" else f"(?P<{piece[1:-1]}>[^/]+)")
            if piece.startswith("{")
            else re.escape(piece)
            for piece in pieces
        )
    )


def _parameter(operation: Operation, name: str, values: list[str]) -> Iterator[str]:
    known = operation.parameters.get(name)
    if known is None or known["location"] != "query":
        yield f"the query parameter {name} is not known there."
        return
    if len(values) > 1 and not known.get("repeated"):
        yield f"the query parameter {name} was given {len(values)} times."
    for value in values:
        if "enum" in known and value not in known["enum"]:
            yield f"the query parameter {name} must be one of {', '.join(known['enum'])}."
        elif known.get("type") == "integer":
            if not re.fullmatch(r"-?\d+", value):
                yield f"the query parameter {name} must be a whole number."
            elif not int(known.get("minimum", value)) <= int(value) <= int(known.get("maximum", value)):
                yield f"the query parameter {name} must be from {known.get('minimum')} to {known.get('maximum')}."
        elif known.get("type") == "boolean" and value not in ("true", "false"):
            yield f"the query parameter {name} must be true or false."
