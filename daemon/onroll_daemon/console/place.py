"""What every route of one console has at hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any

from fastapi import Request
from jinja2 import Environment

from onroll_core.rules import SchoolRules
from onroll_core.store import Store
from onroll_daemon.freshness import Freshness
from onroll_daemon.settings import Settings


@dataclass(frozen=True, slots=True)
class Place:
    """`wake` tells the desk that there is a request; `tray` holds hand-outs of passwords; `next_start` is when a school is tried next; `extras` is for
    what a part of the console keeps between requests (how often somebody tried to sign in)."""

    settings: Settings
    store: Store
    clock: Callable[[], datetime]
    templates: Environment
    tray: Any = None
    wake: Callable[[], None] = lambda: None
    freshness: Callable[[], dict[str, Freshness]] = dict
    next_start: Callable[[str], datetime | None] = lambda school: None
    extras: dict[str, Any] = field(default_factory=dict)

    def rules(self, school: str) -> SchoolRules:
        """A school's rules."""
        return self.settings.schools[school].rules

    def zone(self, school: str | None = None) -> tzinfo:
        """The zone in which a school's times are told; that of the first school where none is named."""
        schools = self.settings.schools
        return schools[school or next(iter(schools))].window.zone


def place_of(request: Request) -> Place:
    """The place of a request."""
    found: Place = request.app.state.place
    return found
