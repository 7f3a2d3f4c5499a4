"""What was told, and what is still to be sent, kept in the store as JSON; whoever restarts, or a second process, goes on from there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from onroll_core.contracts import Memory
from onroll_daemon.alerts.deciding import Told

DRAWER = "alerts"
_KEY = "told"


@dataclass(frozen=True, slots=True)
class Letter:
    """An alert on its way: to whom (references of secrets, never addresses) it has not been sent yet."""

    key: str
    kind: str
    title: str
    text: str
    to: tuple[str, ...]
    since: datetime


@dataclass(frozen=True, slots=True)
class Pause:
    """An address that did not take what was sent, so many times; it is tried again at `until`."""

    times: int
    until: datetime


@dataclass(frozen=True, slots=True)
class Kept:
    """Everything that is remembered: by school what was told, what waits to be sent, and by reference who is given a pause."""

    told: Mapping[str, Told] = field(default_factory=dict)
    letters: tuple[Letter, ...] = ()
    pauses: Mapping[str, Pause] = field(default_factory=dict)


def recall(memory: Memory) -> Kept:
    """What was kept; nothing where there was nothing, or where it cannot be understood (then the past is not told again)."""
    found = memory.get(_KEY)
    if found is None:
        return Kept()
    try:
        document = json.loads(found)
        return Kept(
            {name: Told(**_told(each)) for name, each in document["told"].items()},
            tuple(Letter(**_timed(each, "since") | {"to": tuple(each["to"])}) for each in document["letters"]),
            {name: Pause(**_timed(each, "until")) for name, each in document["pauses"].items()},
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        return Kept()


def keep(memory: Memory, kept: Kept) -> None:
    """Keep it in place of what was there."""
    memory.put(_KEY, json.dumps(asdict(kept), default=datetime.isoformat, ensure_ascii=False).encode())


def _told(row: Mapping[str, Any]) -> dict[str, Any]:
    lists = {"held": tuple(row["held"]), "failed": tuple(row["failed"])}
    return _timed(row, "digest_due", "told_at", "seen_since") | lists


def _timed(row: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return dict(row) | {name: None if row[name] is None else datetime.fromisoformat(row[name]) for name in names}
