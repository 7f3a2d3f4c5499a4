"""What one connection knows of a Google Workspace: whose each user is, which org units there are, and what is so young that Google may not show it yet."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from onroll_connectors.targets.google_users import JSON, Shape, anchor
from onroll_core.accounts import Anchor, IdentityId
from onroll_core.contracts import Memory

YOUNG = timedelta(minutes=15)
_KEY = "google-recent"
_K = TypeVar("_K", bound=str)


@dataclass(slots=True)
class Book:
    """Filled by observing, and by what is learnt while changes are made. `whole`: every user was listed in this connection.

    `owners`: live users by id, with the identity they carry; `deleted`: users deleted less than 20 days ago that carry one.
    `units`: full paths of org units, case folded, None until they were listed; `refused`: those that could not be made, and why.
    """

    shape: Shape
    whole: bool = False
    owners: dict[Anchor, IdentityId | None] = field(default_factory=dict)
    deleted: dict[Anchor, IdentityId | None] = field(default_factory=dict)
    units: set[str] | None = None
    refused: dict[str, str] = field(default_factory=dict)
    _of: dict[IdentityId, set[Anchor]] = field(default_factory=dict)

    def learn(self, user: JSON) -> None:
        """A live user was seen or made."""
        key, owner = anchor(user), self.shape.owner(user)
        self.own(key, owner)
        self.deleted.pop(key, None)

    def own(self, key: Anchor, owner: IdentityId | None) -> None:
        """A live user carries `owner` now."""
        before = self.owners.get(key)
        if before is not None:
            self._of[before].discard(key)
        self.owners[key] = owner
        if owner is not None:
            self._of.setdefault(owner, set()).add(key)

    def list_all(self, live: Iterable[JSON], deleted: Iterable[JSON]) -> None:
        """Everybody was listed: what was known before is forgotten."""
        self.owners.clear()
        self._of.clear()
        self.deleted = {anchor(user): self.shape.owner(user) for user in deleted}
        for user in live:
            self.learn(user)
        self.whole = True

    def live_of(self, identity: IdentityId) -> list[Anchor]:
        """The live users that carry an identity."""
        return sorted(self._of.get(identity, ()))

    def deleted_of(self, identity: IdentityId) -> list[Anchor]:
        """The deleted users that carry an identity."""
        return sorted(key for key, owner in self.deleted.items() if owner == identity)

    def refusal(self, path: str) -> str | None:
        """Why an org unit, or one above it, could not be made."""
        return next((why for each, why in self.refused.items() if f"{path.casefold()}/".startswith(f"{each}/")), None)

    def missing_units(self, paths: Iterable[str]) -> list[str]:
        """The org units that have to be made for `paths`, parents first."""
        known = self.units or set()
        missing: dict[str, str] = {}
        for path in paths:
            parts = path.strip("/").split("/")
            for depth in range(1, len(parts) + 1):
                above = "/" + "/".join(parts[:depth])
                if parts[0] and above.casefold() not in known and above.casefold() not in self.refused:
                    missing.setdefault(above.casefold(), above)
        return sorted(missing.values(), key=lambda path: (path.count("/"), path))


@dataclass(slots=True)
class Recent:
    """What onroll did in the last quarter of an hour, kept between runs: users made, and the old addresses of users renamed."""

    made: dict[Anchor, datetime] = field(default_factory=dict)
    renamed: dict[Anchor, dict[str, datetime]] = field(default_factory=dict)
    _written: bytes = b""

    @classmethod
    def recall(cls, memory: Memory, now: datetime) -> Recent:
        """From a connector's memory, less what is no longer young; what cannot be read there is no loss."""
        try:
            told = json.loads(memory.get(_KEY) or b"{}")
            made = {Anchor(key): datetime.fromisoformat(when) for key, when in told.get("made", {}).items()}
            renamed = {
                Anchor(key): {address: datetime.fromisoformat(when) for address, when in each.items()}
                for key, each in told.get("renamed", {}).items()
            }
        except (ValueError, AttributeError, TypeError):
            return cls()
        return cls(made, renamed).trimmed(now)

    def trimmed(self, now: datetime) -> Recent:
        """What is still recent: users for as long as they are young, renames for a day."""
        made = _fresh(self.made, now, YOUNG)
        kept = {key: _fresh(each, now, timedelta(days=1)) for key, each in self.renamed.items()}
        return Recent(made, {key: each for key, each in kept.items() if each}, self._written)

    def keep(self, memory: Memory, now: datetime) -> None:
        """Put it into the memory when it has changed."""
        fresh = self.trimmed(now)
        self.made, self.renamed = fresh.made, fresh.renamed
        document = {
            "made": {key: when.isoformat() for key, when in self.made.items()},
            "renamed": {
                key: {name: when.isoformat() for name, when in each.items()} for key, each in self.renamed.items()
            },
        }
        text = json.dumps(document, sort_keys=True).encode()
        if text != self._written and (self.made or self.renamed or self._written):
            memory.put(_KEY, text)
            self._written = text

    def young(self, key: Anchor | None, now: datetime) -> bool:
        """Whether a user was made by us a few minutes ago."""
        when = self.made.get(key) if key is not None else None
        return when is not None and now - when < YOUNG

    def old_addresses(self, key: Anchor, now: datetime, spread: timedelta) -> frozenset[str]:
        """The former addresses of a user that Google is still making aliases of."""
        return frozenset(address for address, when in self.renamed.get(key, {}).items() if now - when < spread)


def _fresh(moments: Mapping[_K, datetime], now: datetime, age: timedelta) -> dict[_K, datetime]:
    return {key: when for key, when in moments.items() if now - when < age}
