"""What a run knows of the groups of a tenant: which are ours, what each was made as, and which names others hold."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any, Literal

from onroll_connectors.group_marks import described, marked
from onroll_core.accounts import Anchor, IdentityId, ObservedGroup
from onroll_core.changes import AddMember, Outcome
from onroll_core.people import GroupKind, SourceKey

As = Literal["security", "microsoft365", "class", "team"]
"""What a group is made as: a security group, a Microsoft 365 group, an education class, or one with a team."""

DEFAULTS: Mapping[GroupKind, As] = {GroupKind.TEACHING: "class"}
_MADE_AS = re.compile(r" \[(class|team)\]$")


@dataclass(frozen=True, slots=True)
class Ours:
    """A group of ours: its id, its name, what it was made as ("class", "team", or "" for the plainer ones), and who is in it."""

    anchor: Anchor
    name: str
    made_as: str = ""
    archived: bool = False
    description: str = ""
    members: AbstractSet[str] = frozenset()
    owners: AbstractSet[str] = frozenset()


@dataclass(slots=True)
class Book:
    """`taken` are names and nicknames of groups, each with whose it is; `people` are accounts by identity, as far as this run learned of them.

    `ours` may be asked only after `read`. `put` are those who were made plain members in this run. `told` are outcomes that another change of the
    same group has brought along. `young` and `wrote` and `moved` remember writes until every view has caught up.
    """

    base: str
    made_as: Mapping[GroupKind, As]
    young: Callable[[str], bool]
    wrote: Callable[[str, Mapping[str, Any]], None]
    moved: Callable[[str, str, str, bool], None]
    ours: dict[SourceKey, Ours] = field(default_factory=dict)
    taken: dict[str, tuple[str, str]] = field(default_factory=dict)
    people: dict[IdentityId, Anchor] = field(default_factory=dict)
    put: set[tuple[SourceKey, IdentityId]] = field(default_factory=set)
    together: dict[SourceKey, list[AddMember]] = field(default_factory=dict)
    told: dict[int, Outcome] = field(default_factory=dict)
    read: bool = False

    def learn(self, groups: Iterable[Mapping[str, Any]]) -> None:
        """Take in every group of the tenant."""
        self.read = True
        self.ours, self.taken = {}, {}
        for group in groups:
            key, name = str(group["id"]), str(group.get("displayName") or group["id"])
            for word in (name.casefold(), f"@{group.get('mailNickname') or ''}".lower()):
                self.taken.setdefault(word, (key, f"the group {name}"))
            found = ours_of(group)
            if found is not None:
                self.ours.setdefault(found[0], found[1])

    def others_names(self) -> dict[str, str]:
        """What groups are called that are nobody's of ours, each with whose it is."""
        ours = {each.anchor for each in self.ours.values()}
        return {
            word: words for word, (key, words) in self.taken.items() if key not in ours and not word.startswith("@")
        }

    def kind_of(self, key: SourceKey) -> As:
        """What the school wants groups of this kind made as."""
        kind = key.record.partition(":")[0]
        found = next((each for each in GroupKind if each.value == kind), GroupKind.TEACHING)
        return self.made_as.get(found, DEFAULTS.get(found, "security"))


def ours_of(group: Mapping[str, Any]) -> tuple[SourceKey, Ours] | None:
    """What a group was made for, where it is one of ours."""
    text = str(group.get("description") or "")
    tag = _MADE_AS.search(text)
    told = marked(text[: tag.start()] if tag else text)
    if told is None:
        return None
    key, archived = told
    return key, Ours(
        Anchor(str(group["id"])),
        str(group.get("displayName") or ""),
        tag.group(1) if tag else "",
        archived,
        text,
        frozenset(group.get("members") or ()),
        frozenset(group.get("owners") or ()),
    )


def description(text: str, key: SourceKey, archived: bool, made_as: str) -> str:
    """A group's description with our line at its end, and what it was made as behind that."""
    plain = _MADE_AS.sub("", text)
    return described(plain, key, archived) + (f" [{made_as}]" if made_as in ("class", "team") else "")


def observed_groups(book: Book, school: str, accounts: AbstractSet[Anchor]) -> dict[Anchor, ObservedGroup]:
    """Our groups of one school. Whoever leads one is a member of it too, and is told as its leader alone.

    A class that is to have a team and has none yet is told without leaders, so that it is tried again with the next of them.
    """
    found = {}
    for key, group in book.ours.items():
        if key.school != school:
            continue
        waits = group.made_as == "class" and book.kind_of(key) == "team" and not group.archived
        owners = frozenset(Anchor(each) for each in group.owners)
        members = frozenset(Anchor(each) for each in group.members) - owners
        found[group.anchor] = ObservedGroup(
            key, group.name, members & accounts, frozenset() if waits else owners & accounts, group.archived
        )
    return found
