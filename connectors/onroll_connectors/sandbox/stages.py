"""The fictional school behind any route: its simulator up, or its files written, and the lines of [school.source] that reach it.

Each route's module in this folder, of the route's own name, has a `staged(school, folder, preset)` that gives a `Built`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from onroll_connectors.sandbox.school import School
from onroll_connectors.sandbox.serving import Application, serve


@dataclass(slots=True)
class Stage:
    """`source` is the TOML below [school.source]; `secrets` are the environment variables that it refers to. `refresh` has to be called when
    the school has changed (files are written again; a simulator that is asked over HTTP always tells of the school as it is)."""

    source: str
    secrets: Mapping[str, str]
    country: str = "england"
    refresh: Callable[[], None] = lambda: None
    simulator: Any = None


@dataclass(frozen=True, slots=True)
class Built:
    """How one route is staged: an application and the source's lines for its URL, or lines and what writes the files that they name."""

    source: Callable[[str], str]
    application: Application | None = None
    secrets: Mapping[str, str] = field(default_factory=dict)
    refresh: Callable[[], None] = lambda: None
    country: str = "england"


def build(route: str, school: School, folder: Path, preset: str | None = None) -> Built:
    """`school` made ready behind `route`; `folder` is for files, `preset` the captions of a CSV export. Nothing is served or written yet."""
    built: Built = import_module(f"onroll_connectors.sandbox.{route}").staged(school, folder, preset)
    return built


@contextmanager
def stage(route: str, school: School, folder: Path, preset: str | None = None) -> Iterator[Stage]:
    """`school` behind `route` for the length of the block."""
    built = build(route, school, folder, preset)
    if built.application is None:
        built.refresh()
        yield Stage(built.source(""), built.secrets, built.country, built.refresh)
        return
    with serve(built.application) as url:
        yield Stage(built.source(url), built.secrets, built.country, built.refresh, built.application)
