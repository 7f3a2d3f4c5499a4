"""Every request to the Graph simulator, and every answer of it, is judged by Microsoft's own definition."""

from __future__ import annotations

import functools
import json
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

FILE = "msgraph-v1.0.slice.json"


@dataclass(frozen=True, slots=True)
class Route:
    """A path of the definition that a request was recognised as, and the ids that stood in it, decoded."""

    template: str
    ids: tuple[str, ...] = ()


@dataclass(slots=True)
class Definition:
    """The part of the vendor's OpenAPI file that account provisioning uses; schemas are closed. Validators are compiled once."""

    document: Mapping[str, Any]
    _routes: list[tuple[re.Pattern[str], str]] = field(init=False)
    _validators: dict[str, Any] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        # Paths without a placeholder first: /users/delta() is not a user called "delta()".
        templates = sorted(self.document["paths"], key=lambda path: ("{" in path, path))
        self._routes = [(_pattern(template), template) for template in templates]

    def route(self, path: str) -> Route | None:
        """The route of a decoded path below /v1.0, or None when the definition has none; OData casts may be written long."""
        path = path.replace("/microsoft.graph.", "/graph.").removesuffix("/")
        path = re.sub(r"/(graph\.)?delta(\(\))?$", "/delta()", path)
        for pattern, template in self._routes:
            found = pattern.fullmatch(path)
            if found is not None:
                return Route(template, found.groups())
        return None

    def request(self, route: Route, method: str, query: Mapping[str, list[str]], body: object) -> list[str]:
        """What the definition has against a request, in sentences; `body` is None when there is none."""
        where = f"{method} {route.template}"
        operation = self.document["paths"][route.template].get(method.lower())
        if operation is None:
            return [f"{where}: the definition has no such method."]
        allowed = operation.get("x-query-options", ["$select", "$expand"] if method == "GET" else [])
        wrong = [
            f"{where}: the query option {name} is not known there."
            for name in query
            if name.startswith("$") and name not in (*allowed, "$skiptoken", "$deltatoken")
        ]
        content = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if content is None:
            return wrong + ([f"{where}: takes no body."] if body not in (None, {}) and "restore" not in where else [])
        if body is None:
            return [*wrong, f"{where}: needs a body."]
        schema = content["schema"]
        wrong += [f"{where}: {text}" for text in self._wrong(where, schema, body)]
        return wrong + [f"{where}: {name} is read-only." for name in self._read_only(schema, body)]

    def answer(self, route: Route, method: str, status: int, body: object) -> list[str]:
        """What the definition has against an answer, in sentences. 5xx are the network's and are not judged."""
        if status >= 500 or status == 410:
            return []
        where = f"{method} {route.template} answered {status}"
        responses = self.document["paths"][route.template].get(method.lower(), {}).get("responses", {})
        told = responses.get(str(status)) or responses.get(f"{status // 100}XX")
        if told is None:
            # An answer to what the definition does not know is an error of the common kind.
            schema = {"$ref": "#/components/schemas/odata.error"}
            return [f"{where}: {text}" for text in self._wrong("error", schema, body)] if status >= 400 else [where]
        content = told.get("content", {}).get("application/json")
        if content is None or "x-sdk-type" in content["schema"]:
            return []
        return [f"{where}: {text}" for text in self._wrong(where, content["schema"], body)]

    def item(self, schema: str, value: object) -> list[str]:
        """What the schema called `schema` has against one object."""
        return [f"{schema}: {text}" for text in self._wrong(schema, {"$ref": f"#/components/schemas/{schema}"}, value)]

    def _wrong(self, key: str, schema: Mapping[str, Any], value: object) -> list[str]:
        from jsonschema import Draft202012Validator

        with self._lock:
            validator = self._validators.get(key)
            if validator is None:
                validator = Draft202012Validator({"components": self.document["components"], **schema})
                self._validators[key] = validator
        return [f"{_place(error)}{error.message[:300]}" for error in validator.iter_errors(value)]

    def _read_only(self, schema: Mapping[str, Any], body: object) -> list[str]:
        if not isinstance(body, Mapping):
            return []
        names: list[str] = []
        for part in (schema, *schema.get("allOf", ())):
            reference = part.get("$ref")
            resolved = self.document["components"]["schemas"][reference.rpartition("/")[2]] if reference else part
            properties = resolved.get("properties", {})
            names += [name for name in body if properties.get(name, {}).get("readOnly")]
        return names


@functools.cache
def definition() -> Definition:
    """The definition that ships with the package, read once."""
    text = files("onroll_connectors.sandbox").joinpath("definitions", FILE).read_text(encoding="utf-8")
    return Definition(json.loads(text))


def _pattern(template: str) -> re.Pattern[str]:
    parts = re.split(r"(\{[^}]+\})", template)
    return re.compile("".join(r"([^/]+)" if part.startswith("{") else re.escape(part) for part in parts))


def _place(error: Any) -> str:
    path = "/".join(str(step) for step in error.absolute_path)
    return f"{path}: " if path else ""
