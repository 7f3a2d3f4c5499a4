"""Which conversation carries out a change of a group, and which of them must not run side by side."""

from __future__ import annotations

from collections.abc import Iterable

from onroll_connectors.targets import google_course_scripts as courses
from onroll_connectors.targets import google_group_problems as problems
from onroll_connectors.targets import google_group_scripts as groups
from onroll_connectors.targets import google_marks as marks
from onroll_connectors.targets.google_asks import Script
from onroll_connectors.targets.google_kept import Circle
from onroll_core.accounts import IdentityId
from onroll_core.changes import (
    AddMember,
    Applied,
    Change,
    CreateGroup,
    Deferred,
    GroupChange,
    Outcome,
    Rejected,
    RemoveMember,
    UpdateGroup,
)
from onroll_core.groups.courses import is_course
from onroll_core.people import SourceKey

Owners = frozenset[tuple[SourceKey, IdentityId]]


def phase(change: Change) -> int:
    """People, then groups, then who is in them: each may need what came before."""
    return 2 if isinstance(change, AddMember | RemoveMember) else 1 if isinstance(change, GroupChange) else 0


def owners_among(changes: Iterable[Change]) -> Owners:
    """Who comes to own a group or teach a course, or ceases to."""
    return frozenset(
        (change.key, change.who.identity)
        for change in changes
        if isinstance(change, AddMember | RemoveMember) and change.owner
    )


def group_script(circle: Circle, change: GroupChange, owners: Owners) -> tuple[str, Script[Outcome]]:
    """The conversation that carries out a change, and the chain it belongs to.

    What is done to one person in one group keeps its order. So does all that is done to the teachers of one course, for the next owner has to be
    in it before the former can go.
    """
    match change:
        case CreateGroup(group):
            return f"{group.key.record}", _made_once(circle, change)
        case UpdateGroup(key, anchor):
            write = courses.update if marks.is_course_anchor(anchor) else groups.update
            return f"{key.record}", write(circle, change)
        case AddMember(key, _, _, who) | RemoveMember(key, _, _, who):
            teaching = (key, who.identity) in owners and _in_course(circle, change)
            return f"{key.record}" if teaching else f"{key.record} {who.identity}", _member(circle, change)


def _made_once(circle: Circle, change: CreateGroup) -> Script[Outcome]:
    """Make a group or a course. All were listed: whether ours is there already is known, not asked. Why one was not made is told to its members."""
    kept, group = circle.kept, change.group
    mine = kept.anchors.get(group.key)
    if mine is not None:
        return Applied(change, mine, "it was there already, made by a run that was cut off")
    insert = courses.insert if circle.as_course(group.key, group.kind) else groups.insert
    outcome = yield from insert(circle, change)
    if isinstance(outcome, Rejected | Deferred):
        kept.unmade[group.key] = outcome.why, isinstance(outcome, Deferred)
    return outcome


def _member(circle: Circle, change: AddMember | RemoveMember) -> Script[Outcome]:
    kept = circle.kept
    group, person = kept.at(change), circle.person(change.who)
    course = _in_course(circle, change)
    if group is None:
        return problems.nowhere(change, course, kept.unmade.get(change.key))
    if group in kept.gone:
        return Rejected(change, f"Could not {problems.doing(change, course)}: {kept.gone[group]}")
    if person is None:
        return Rejected(
            change,
            f"Could not {problems.doing(change, course)}: {change.who.username} has no account in Google Workspace yet.",
        )
    match change:
        case AddMember():
            add = courses.add if course else groups.add
            return (yield from add(circle, change, group, person))
        case RemoveMember():
            remove = courses.remove if course else groups.remove
            return (yield from remove(circle, change, group, person))


def _in_course(circle: Circle, change: AddMember | RemoveMember) -> bool:
    group = circle.kept.at(change)
    return marks.is_course_anchor(group) if group is not None else is_course(change.key)
