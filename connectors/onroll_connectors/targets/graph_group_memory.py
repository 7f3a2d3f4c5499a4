"""Every group of a tenant as delta told it last, ours with their people, and our own latest writes on top until every view has caught up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from onroll_connectors.group_marks import marked
from onroll_connectors.targets.graph_memory import CATCHING_UP, Tenant, keep_told, load_told
from onroll_core.contracts import Memory

SELECT = ("id", "displayName", "mail", "mailNickname", "proxyAddresses", "description", "members", "owners")
RELATIONS = ("members", "owners")
_RECENT = "groups-recent"


@dataclass(slots=True)
class GroupTenant(Tenant):
    """All groups as last told (`users` holds them by id). Who is in a group is kept of ours alone."""

    def take(self, item: Mapping[str, Any]) -> None:
        """Take in one object of a delta page: a big group comes in several, and people as those who came and those who went."""
        self.changed = True
        key = str(item["id"])
        if "@removed" in item:
            self.users.pop(key, None)
            return
        strange = key in self.users and not _ours(self.users[key])
        group = self.users.setdefault(key, {"id": key})
        group.update({name: value for name, value in item.items() if "@" not in name})
        ours = _ours(group)
        if strange and ours:
            self.full_at = 0.0  # who was in it was not kept: the next run reads everything
        for relation in RELATIONS:
            told = item.get(f"{relation}@delta") if ours else None
            there = dict.fromkeys(group.get(relation) or ())
            for each in told or ():
                if "@removed" in each:
                    there.pop(each["id"], None)
                else:
                    there[each["id"]] = None
            group[relation] = list(there)


def _ours(group: Mapping[str, Any]) -> bool:
    return marked(str(group.get("description") or "")) is not None


@dataclass(slots=True)
class RecentGroups:
    """Our own writes of the last hour: what of a group, and who was put into it or taken out. Times in seconds since 1970."""

    bodies: dict[str, tuple[float, dict[str, Any]]] = field(default_factory=dict)
    people: dict[str, tuple[float, bool]] = field(default_factory=dict)

    def wrote(self, group: str, body: Mapping[str, Any], now: float) -> None:
        """Remember what of a group was written and confirmed."""
        _, before = self.bodies.get(group, (0.0, {}))
        self.bodies[group] = (now, {**before, **body})

    def put(self, group: str, relation: str, person: str, there: bool, now: float) -> None:
        """Remember that somebody was put into a group, or taken out."""
        self.people[f"{group} {relation} {person}"] = (now, there)

    def over(self, groups: Mapping[str, dict[str, Any]], now: float) -> dict[str, dict[str, Any]]:
        """`groups` with our latest writes on top."""
        merged = {key: dict(group) for key, group in groups.items()}
        for key, (at, body) in self.bodies.items():
            if now - at < CATCHING_UP:
                merged[key] = {"members": [], "owners": [], **merged.get(key, {"id": key}), **body}
        for place, (at, there) in self.people.items():
            group, relation, person = place.split(" ")
            if now - at >= CATCHING_UP or group not in merged:
                continue
            others = [each for each in merged[group].get(relation) or () if each != person]
            merged[group][relation] = [*others, person] if there else others
        return merged

    def young(self, group: str, now: float) -> bool:
        """True for a group that was written to in the last hour."""
        return group in self.bodies and now - self.bodies[group][0] < CATCHING_UP


def load_recent_groups(memory: Memory) -> RecentGroups:
    """Our latest writes, as kept."""
    told = load_told(memory, _RECENT) or {}
    return RecentGroups(
        {key: (at, body) for key, (at, body) in told.get("bodies", {}).items()},
        {key: (at, there) for key, (at, there) in told.get("people", {}).items()},
    )


def keep_recent_groups(memory: Memory, recent: RecentGroups, now: float) -> None:
    """Keep those of the last hour for the next run."""
    bodies = {key: each for key, each in recent.bodies.items() if now - each[0] < CATCHING_UP}
    people = {key: each for key, each in recent.people.items() if now - each[0] < CATCHING_UP}
    keep_told(memory, _RECENT, {"bodies": bodies, "people": people})
