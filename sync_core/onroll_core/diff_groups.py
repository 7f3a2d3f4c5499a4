"""Groups that should be, minus groups that are: made, renamed, filled. Never deleted, and people's own groups are never touched."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from onroll_core.accounts import Anchor, DesiredGroup, IdentityId, Observed
from onroll_core.changes import AddMember, Change, CreateGroup, RemoveMember, UpdateGroup, Who


def diff_groups(desired: Iterable[DesiredGroup], observed: Observed, people: Mapping[IdentityId, Who]) -> list[Change]:
    """The changes that bring the groups we made into line.

    `people` are those who have an account in the target, or get one in the same plan (then their anchor is None). A group of ours that is no longer
    desired stays as it is; a member whom we do not know was put there by hand and stays too.
    """
    ours = {group.key: (anchor, group) for anchor, group in observed.groups.items()}
    by_anchor = {who.anchor: who for who in people.values() if who.anchor is not None}
    changes: list[Change] = []
    for group in desired:
        anchor, seen = ours.get(group.key, (None, None))
        if seen is None or anchor is None:
            changes.append(CreateGroup(group, f"the MIS has this {group.kind.value} group"))
        elif seen.name != group.name:
            changes.append(UpdateGroup(group.key, anchor, seen.name, group.name, "it has another name in the MIS"))
        for owner, wanted, there in (
            (False, group.members, seen.members if seen else frozenset()),
            (True, group.owners, seen.owners if seen else frozenset()),
        ):
            changes += _joining(group, anchor, wanted, there, people, owner)
            if anchor is not None:
                changes += _leaving(group, anchor, wanted, there, by_anchor, owner)
    return changes


def _joining(
    group: DesiredGroup,
    anchor: Anchor | None,
    wanted: frozenset[IdentityId],
    there: frozenset[Anchor],
    people: Mapping[IdentityId, Who],
    owner: bool,
) -> list[Change]:
    new = [
        people[identity] for identity in sorted(wanted) if identity in people and people[identity].anchor not in there
    ]
    return [
        AddMember(group.key, anchor, group.name, who, f"is in it in the MIS{' as its teacher' * owner}", owner)
        for who in new
    ]


def _leaving(
    group: DesiredGroup,
    anchor: Anchor,
    wanted: frozenset[IdentityId],
    there: frozenset[Anchor],
    by_anchor: Mapping[Anchor, Who],
    owner: bool,
) -> list[Change]:
    gone = [
        by_anchor[member]
        for member in sorted(there)
        if member in by_anchor and by_anchor[member].identity not in wanted
    ]
    return [RemoveMember(group.key, anchor, group.name, who, "is no longer in it in the MIS", owner) for who in gone]
