"""Who was in the groups and courses whose class is over, kept between runs, so that years of them need not be read every night.

That is sound because nobody is put into an archived group or taken out of one: what is planned does not depend on it. One that is held again is read
afresh from the next observation on, and what had changed by hand meanwhile is put right then.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from onroll_core.accounts import Anchor
from onroll_core.contracts import Memory

Roles = Mapping[Anchor, str]


@dataclass(slots=True)
class Archive:
    """Roles of everybody in each archived group or course of a school, by its anchor. `used` are those that were seen in this run."""

    school: str
    there: dict[Anchor, Roles] = field(default_factory=dict)
    used: dict[Anchor, Roles] = field(default_factory=dict)
    _written: bytes = b""

    @classmethod
    def recall(cls, memory: Memory, school: str) -> Archive:
        """From a connector's memory; what cannot be read there is read from Google again."""
        written = memory.get(_key(school)) or b""
        try:
            told = json.loads(written or b"{}")
            there: dict[Anchor, Roles] = {
                Anchor(group): {Anchor(person): str(role) for person, role in roles.items()}
                for group, roles in told.items()
            }
        except (ValueError, AttributeError, TypeError):
            return cls(school)
        return cls(school, there, {}, written)

    def keep(self, anchor: Anchor, roles: Roles) -> None:
        """It is archived, and these are in it."""
        self.used[anchor] = roles

    def put(self, memory: Memory) -> None:
        """Into the memory, when anything has changed; what was not asked for is archived no more."""
        text = json.dumps(self.used, sort_keys=True).encode() if self.used else b""
        if text != self._written:
            memory.put(_key(self.school), text)
            self._written = text


def _key(school: str) -> str:
    return f"google-archive:{school}"
