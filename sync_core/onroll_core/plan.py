"""What would be done to one target, in a stable order, with a digest that an approval can name."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, assert_never

from onroll_core.accounts import Account, Anchor, IdentityId
from onroll_core.changes import (
    AddMember,
    Change,
    Conflict,
    Create,
    CreateGroup,
    Disable,
    Enable,
    GivePassword,
    GroupChange,
    Link,
    Move,
    Naming,
    ReleaseLicences,
    RemoveMember,
    Rename,
    ReturnLicences,
    Update,
    UpdateGroup,
    kind,
)
from onroll_core.identities import Bond

# What protects people comes first, so that a window that ends early has done the most urgent part;
# what depends on another change comes after it.
_ORDER = (
    Disable,
    Enable,
    Create,
    Link,
    Rename,
    Update,
    Move,
    GivePassword,
    UpdateGroup,
    CreateGroup,
    AddMember,
    RemoveMember,
    ReturnLicences,
    ReleaseLicences,
)


@dataclass(frozen=True, slots=True)
class Plan:
    """All that would be done to one target for one school. `adopted` are accounts of ours whose making was never recorded
    (a run was cut off), or that carry our identity already; `settled` are bonds that the observation confirms: both are remembered, not written.
    `notices` are worth reading and change nothing. `lost` is how many accounts of people who should have one are no longer to be seen."""

    target: str
    school: str
    changes: Sequence[Change]
    conflicts: Sequence[Conflict] = ()
    adopted: Mapping[IdentityId, Anchor] = field(default_factory=dict)
    settled: Mapping[IdentityId, Bond] = field(default_factory=dict)
    notices: Sequence[str] = ()
    lost: int = 0

    @property
    def digest(self) -> str:
        """The SHA-256 (first 16 hex digits) of target, school and every change: the same if and only if the same would be done."""
        # The reason is left out: "absent from 3 reads" becomes 4 without being another plan.
        facts = [{key: value for key, value in as_json(change).items() if key != "reason"} for change in self.changes]
        document = json.dumps([self.target, self.school, facts], sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(document.encode()).hexdigest()[:16]


def ordered(changes: Sequence[Change]) -> list[Change]:
    """The changes in the order of every plan: by kind as above, then by username, members by group; a group gives up its name before another is given it."""
    found = sorted(changes, key=_rank)
    updates = [each for each in found if isinstance(each, UpdateGroup)]
    if not {each.before for each in updates} & {each.after for each in updates if each.after != each.before}:
        return found
    start = found.index(updates[0])
    return [*found[:start], *_freeing(updates), *found[start + len(updates) :]]


def _freeing(updates: Sequence[UpdateGroup]) -> list[UpdateGroup]:
    """Each after the one that gives up the name it needs; where names go round in a circle, one of them steps aside first."""
    holders = {each.before: each for each in updates}
    steps: list[UpdateGroup] = []
    last: dict[UpdateGroup, UpdateGroup] = {}
    placed: set[UpdateGroup] = set()

    def place(each: UpdateGroup, path: frozenset[UpdateGroup]) -> None:
        if each in placed:
            return
        holder = holders.get(each.after, each)
        if holder in path:
            aside = f"{holder.before} [{holder.key.record.partition(':')[2]}]"
            steps.append(replace(holder, after=aside, archive=None))
            last[holder] = replace(holder, before=aside)
        elif holder.anchor != each.anchor:
            place(holder, path | {each})
        steps.append(last.get(each, each))
        placed.add(each)

    for each in updates:
        place(each, frozenset())
    return steps


def _rank(change: Change) -> tuple[int, str, str, str]:
    match change:
        case CreateGroup(group):
            who, name, identity = "", group.name, group.key.record
        case UpdateGroup(key, _, before):
            who, name, identity = "", before, key.record
        case AddMember(key, _, _, member) | RemoveMember(key, _, _, member):
            # By group: a target that takes several new members in one request finds them side by side.
            who, name, identity = key.record, member.username, member.identity
        case _:
            who, name, identity = change.who.username, "", change.who.identity
    return _ORDER.index(type(change)), who, name, identity


def as_json(change: Change) -> dict[str, Any]:
    """The change in the shape that `plan --json` promises: kind, identity, username, reason, before, after; and the anchor."""
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    match change:
        case Create(_, account):
            after = account_json(account)
        case Link():
            after = {"linked": True}
        case Rename(_, old, new):
            before, after = _naming_json(old), _naming_json(new)
        case Update(_, old_values, new_values):
            before, after = dict(old_values), dict(new_values)
        case Move(_, old_place, new_place):
            before, after = {"place": old_place}, {"place": new_place}
        case Enable(_, _, restore):
            before, after = {"enabled": False, "deleted": restore}, {"enabled": True, "deleted": False}
        case Disable():
            before, after = {"enabled": True}, {"enabled": False}
        case GivePassword():
            after = {"password": "given", "must_change": change.must_change}
        case ReleaseLicences(_, licences):
            before, after = {"licences": list(licences)}, {"licences": []}
        case ReturnLicences(_, licences):
            before, after = {"licences": []}, {"licences": list(licences)}
        case CreateGroup() | UpdateGroup() | AddMember() | RemoveMember():
            before, after = _group_json(change)
        case _:
            assert_never(change)
    head: dict[str, Any] = {
        "kind": kind(change),
        "identity": "",
        "username": "",
        "anchor": None,
        "reason": change.reason,
    }
    if isinstance(change, CreateGroup):
        head |= {"identity": change.group.key.record}
    elif isinstance(change, UpdateGroup):
        head |= {"identity": change.key.record, "anchor": change.anchor}
    else:
        head |= {"identity": change.who.identity, "username": change.who.username, "anchor": change.who.anchor}
    return head | {"before": before, "after": after}


def _group_json(change: GroupChange) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a change of a group says as before and after."""
    match change:
        case CreateGroup(group):
            return {}, {"group": group.name, "kind": group.kind.value, "address": group.address}
        case UpdateGroup(_, _, old, new, _, None):
            return {"group": old}, {"group": new}
        case UpdateGroup(_, _, old, new, _, archive):
            return {"group": old, "archived": not archive}, {"group": new, "archived": archive}
        case AddMember(key, _, name, _, _, owner):
            return {}, {"group": name, "key": key.record, "owner": owner}
        case RemoveMember(key, _, name, _, _, owner):
            return {"group": name, "key": key.record, "owner": owner}, {}
        case _:
            assert_never(change)


def account_json(account: Account) -> dict[str, Any]:
    """An account's told values, aliases sorted."""
    told = {
        "login": account.login,
        "email": account.email,
        "aliases": sorted(account.aliases),
        "display_name": account.display_name,
        "given": account.given,
        "family": account.family,
        "place": account.place,
        "enabled": account.enabled,
        "attributes": dict(sorted(account.attributes.items())),
    }
    return {name: value for name, value in told.items() if value is not None}


def _naming_json(naming: Naming) -> dict[str, Any]:
    return {"login": naming.login, "email": naming.email, "aliases": sorted(naming.aliases)}
