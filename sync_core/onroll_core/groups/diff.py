"""Groups that should be, minus groups that are: made, renamed, filled. Never deleted, and people's own groups are never touched."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Literal

from onroll_core.accounts import Anchor, DesiredGroup, IdentityId, Observed, ObservedGroup
from onroll_core.changes import AddMember, Change, Conflict, CreateGroup, RemoveMember, UpdateGroup, Who
from onroll_core.groups.courses import course_name, is_course
from onroll_core.people import SourceKey


def diff_groups(
    desired: Iterable[DesiredGroup],
    observed: Observed,
    people: Mapping[IdentityId, Who],
    ours: frozenset[tuple[SourceKey, IdentityId]] | None = None,
    strangers: Literal["keep", "remove"] = "remove",
    explained: Callable[[IdentityId], bool] = lambda identity: False,
) -> list[Change]:
    """The changes that bring the groups we made into line.

    `people` are those who have an account in the target, or get one in the same plan (then their anchor is None). A group of ours that is no longer
    desired stays as it is; a member whom we do not know was put there by hand and stays too. With `strangers` "keep", so does one of our people whom
    somebody else put there: only `ours`, pairs of group and identity that we put there ourselves, are taken out. `explained` says of whom the
    school year explains that they leave groups.
    """
    found = _ours(observed)
    by_anchor = {who.anchor: who for who in people.values() if who.anchor is not None}
    changes: list[Change] = []
    for group in desired:
        anchor, seen = found.get(group.key, (None, None))
        if seen is None or anchor is None:
            if group.archived or not (group.members or group.owners):
                continue  # nobody needs an empty group, or one whose class is over
            changes.append(CreateGroup(group, f"the MIS has this {group.kind.value} group"))
        elif seen.name != group.name or seen.archived != group.archived:
            why = "the class is over" if group.archived else "so the MIS and the school's rules call it"
            archive = None if seen.archived == group.archived else group.archived
            changes.append(UpdateGroup(group.key, anchor, seen.name, group.name, why, archive))
        if group.archived:
            continue
        for owner, wanted, there in (
            (False, group.members, seen.members if seen else frozenset()),
            (True, group.owners, seen.owners if seen else frozenset()),
        ):
            changes += _joining(group, anchor, wanted, there, people, owner)
            if anchor is not None:
                gone = _leaving(group, anchor, wanted, there, by_anchor, owner)
                changes += [
                    replace(each, expected=explained(each.who.identity))
                    for each in gone
                    if strangers == "remove" or ours is None or (group.key, each.who.identity) in ours
                ]
    return changes


def held_names(changes: Iterable[Change], observed: Observed, target: str) -> tuple[list[Change], list[Conflict]]:
    """The changes without groups whose name an object that is not ours holds in the target, and a conflict for each of those.

    Only where an observation tells whose that is; elsewhere the target refuses. Another group of ours may give its name up in the same plan.
    """
    kept, held = list(changes), {}
    for change in kept:
        match change:
            case CreateGroup(group):
                key, name, doing = group.key, group.name, "made"
            case UpdateGroup(key, _, before, name) if before != name:
                doing = f"renamed from {before}"
            case _:
                continue
        words = _held_by(key, name, observed)
        if words is not None:
            why = f"The {'course' if is_course(key) else 'group'} {name} cannot be {doing} in {target}: the name is held by {words}, which onroll did not make and leaves alone."
            held[key] = (
                change,
                Conflict(None, f"{why} Rename that one, or change the names of groups in onroll.toml."),
            )
    new = {key for key, (change, _) in held.items() if isinstance(change, CreateGroup)}
    without = [each for each in kept if not any(each is change for change, _ in held.values())]
    without = [each for each in without if not (isinstance(each, AddMember) and each.key in new)]
    return without, [doubt for _, doubt in held.values()]


def _held_by(key: SourceKey, name: str, observed: Observed) -> str | None:
    """What of somebody else's has the name, in words."""
    words = observed.group_names.get(course_name(name) if is_course(key) else name.casefold())
    holder = observed.names.get(name.lower())
    if words is None and holder is not None and holder.anchor is not None and holder.anchor not in observed.groups:
        words = holder.what
    return words


def _ours(observed: Observed) -> dict[SourceKey, tuple[Anchor, ObservedGroup]]:
    """Our groups by what they were made for; of two that carry the same (a run was cut off), the first."""
    found: dict[SourceKey, tuple[Anchor, ObservedGroup]] = {}
    for anchor, group in sorted(observed.groups.items()):
        found.setdefault(group.key, (anchor, group))
    return found


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
) -> list[RemoveMember]:
    gone = [
        by_anchor[member]
        for member in sorted(there)
        if member in by_anchor and by_anchor[member].identity not in wanted
    ]
    return [RemoveMember(group.key, anchor, group.name, who, "is no longer in it in the MIS", owner) for who in gone]
