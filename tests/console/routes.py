"""Every route of the console with the right that it needs, as the application itself tells it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from onroll_daemon.console.access import Needs
from onroll_daemon.console.rights import Right


@dataclass(frozen=True)
class Door:
    """One method of one route; `right` None means that anybody may."""

    method: str
    path: str
    right: Right | None

    @property
    def names(self) -> list[str]:
        """The names in the path: school, identity, run, number ..."""
        return [
            part.strip("{}").partition(":")[0].partition(".")[0].rstrip("}")
            for part in self.path.split("/")
            if part.startswith("{")
        ]

    def at(self, values: dict[str, str]) -> str:
        """The path with values in place of names; raises KeyError for a name nobody thought of."""
        found = self.path
        for name in self.names:
            found = found.replace(f"{{{name}}}", values[name])
        return found


def doors(app: FastAPI) -> Iterator[Door]:
    """All of them but the static files."""
    for route in _routes(app.routes):
        right = next(iter(_needed(route.dependant)), None)
        for method in sorted(route.methods - {"HEAD", "OPTIONS"}):
            yield Door(method, route.path, right)


def _routes(found: Iterable[Any]) -> Iterator[APIRoute]:
    """Those of included routers too, which FastAPI keeps as they are."""
    for route in found:
        if isinstance(route, APIRoute):
            yield route
        elif (inner := getattr(route, "original_router", None)) is not None:
            yield from _routes(inner.routes)


def _needed(dependant: Dependant) -> Iterator[Right]:
    if isinstance(dependant.call, Needs):
        yield dependant.call.right
    for each in dependant.dependencies:
        yield from _needed(each)


def sentence(answer: Any) -> str:
    """What an answer says, whichever kind it is."""
    return (
        str(json.loads(answer.text).get("sentence", ""))
        if answer.headers["content-type"].startswith("application/json")
        else str(answer.text)
    )
