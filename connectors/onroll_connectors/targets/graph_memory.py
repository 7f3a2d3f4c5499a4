"""What the Microsoft 365 target remembers between runs: the tenant behind its delta link, and its own latest writes."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from onroll_core.accounts import Anchor
from onroll_core.contracts import Memory

FULL_READ_EVERY = 7 * 86400.0
LINK_LIFE = 6.5 * 86400.0  # Microsoft keeps a delta token for 7 days
YOUNG = 15 * 60.0
CATCHING_UP = 3600.0
_TENANT, _LINK, _RECENT = "tenant", "link", "recent"


@dataclass(slots=True)
class Tenant:
    """All live users as last told, and the link that tells what changed since. Times in seconds since 1970."""

    base: str
    select: tuple[str, ...]
    users: dict[str, dict[str, Any]] = field(default_factory=dict)
    link: str = ""
    full_at: float = 0.0
    link_at: float = 0.0
    changed: bool = True

    def usable(self, base: str, select: tuple[str, ...], now: float) -> bool:
        """Whether a delta will do; otherwise everything is read."""
        return (
            bool(self.link)
            and self.base == base
            and self.select == select
            and self.link.startswith(base)
            and 0 <= now - self.full_at < FULL_READ_EVERY
            and 0 <= now - self.link_at < LINK_LIFE
        )

    def take(self, item: Mapping[str, Any]) -> None:
        """Take in one object of a delta page; objects may repeat, and come as a whole or as what changed."""
        self.changed = True
        key = str(item["id"])
        if "@removed" in item:
            self.users.pop(key, None)
        else:
            self.users[key] = {**self.users.get(key, {}), **item}


Kind = TypeVar("Kind", bound=Tenant)


@dataclass(slots=True)
class Recent:
    """Our own writes of the last hour, by anchor: (when, what, whether we made or restored the object). Late views are read with these on top."""

    writes: dict[str, tuple[float, dict[str, Any], bool]] = field(default_factory=dict)
    fresh: set[str] = field(default_factory=set)
    pieces: int = 0

    def note(self, anchor: Anchor, body: Mapping[str, Any], made: bool, now: float) -> None:
        """Remember what was written to `anchor` and confirmed."""
        _, before, was_made = self.writes.get(anchor, (0.0, {}, False))
        kept = {name: value for name, value in body.items() if name != "passwordProfile"}
        nested = {
            name: {**(before.get(name) or {}), **value} for name, value in kept.items() if isinstance(value, dict)
        }
        self.writes[anchor] = (now, {**before, **kept, **nested}, made or was_made)
        self.fresh.add(anchor)

    def young(self, anchor: Anchor, now: float) -> bool:
        """True for an object that we made or restored less than 15 minutes ago."""
        at, _, made = self.writes.get(anchor, (0.0, {}, False))
        return made and now - at < YOUNG

    def over(self, users: Mapping[str, Mapping[str, Any]], gone: set[str], now: float) -> dict[str, Mapping[str, Any]]:
        """`users` with our latest writes on top; those `gone` are left out."""
        merged: dict[str, Mapping[str, Any]] = {key: user for key, user in users.items() if key not in gone}
        for key, (at, body, made) in self.writes.items():
            if key in gone or now - at >= CATCHING_UP or not (made or key in merged):
                continue
            before = merged.get(key, {"id": key})
            nested = {
                name: {**(before.get(name) or {}), **value} for name, value in body.items() if isinstance(value, dict)
            }
            told = {**before, **body, **nested}
            if told.get("userPrincipalName"):
                merged[key] = told
        return merged


def load_tenant(memory: Memory, what: type[Kind], of: str = "") -> Kind | None:
    """The tenant as last kept; None when there is none or it cannot be read. `of` tells groups from users."""
    users, told = load_told(memory, of + _TENANT), load_told(memory, of + _LINK)
    if users is None or told is None:
        return None
    try:
        return what(**{**told, "select": tuple(told["select"]), "users": users, "changed": False})
    except (TypeError, KeyError):
        return None


def keep_tenant(memory: Memory, tenant: Tenant, of: str = "") -> None:
    """Keep the tenant for the next run: its users only when something changed, and before the link.

    A run that is cut off in between hears of the same changes again, which is harmless.
    """
    if tenant.changed:
        keep_told(memory, of + _TENANT, tenant.users)
        tenant.changed = False
    keep_told(
        memory, of + _LINK, {name: getattr(tenant, name) for name in ("base", "select", "link", "full_at", "link_at")}
    )


def load_recent(memory: Memory, now: float) -> Recent:
    """Our latest writes, as kept. They come in pieces, one a batch, so that a long night does not write all of them again and again."""
    index = load_told(memory, _RECENT) or {}
    recent = Recent()
    if now - float(index.get("at", 0.0)) >= CATCHING_UP:
        return recent
    recent.pieces = int(index.get("pieces", 0))
    for number in range(recent.pieces):
        piece = load_told(memory, f"{_RECENT}.{number}") or {}
        recent.writes.update({key: (at, body, made) for key, (at, body, made) in piece.items()})
    return recent


def keep_recent(memory: Memory, recent: Recent, now: float) -> None:
    """Keep what was written since the last call for the next run."""
    if not recent.fresh:
        return
    keep_told(memory, f"{_RECENT}.{recent.pieces}", {key: recent.writes[key] for key in recent.fresh})
    recent.pieces += 1
    recent.fresh.clear()
    keep_told(memory, _RECENT, {"pieces": recent.pieces, "at": now})


def load_told(memory: Memory, key: str) -> dict[str, Any] | None:
    """What `keep_told` kept under `key`; None when there is nothing, or nothing that can be read."""
    kept = memory.get(key)
    if not kept:
        return None
    try:
        told = json.loads(zlib.decompress(kept))
    except (zlib.error, ValueError):
        # Losing it costs a full read, which is always right.
        return None
    return told if isinstance(told, dict) else None


def keep_told(memory: Memory, key: str, told: object) -> None:
    """Keep a JSON object for the next run."""
    memory.put(key, zlib.compress(json.dumps(told, separators=(",", ":")).encode(), 1))
