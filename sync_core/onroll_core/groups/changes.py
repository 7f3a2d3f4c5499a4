"""What has to be done to the groups of one target, once it is known what is done to its accounts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date

from onroll_core.accounts import DesiredAccount, DesiredGroup, IdentityId, Observed
from onroll_core.changes import Change, Create, Who
from onroll_core.contracts import Abilities
from onroll_core.groups.courses import with_courses
from onroll_core.groups.diff import diff_groups
from onroll_core.groups.known import KnownGroup, moving_up
from onroll_core.groups.project import project_groups
from onroll_core.identities import Identity
from onroll_core.lifecycle import standing
from onroll_core.people import GroupKind, SourceKey
from onroll_core.plan import Plan
from onroll_core.rules import SchoolRules, TargetRules


def group_changes(
    plan: Plan,
    known: Iterable[KnownGroup],
    identities: Sequence[Identity],
    desired: Iterable[DesiredAccount],
    observed: Observed,
    ours: frozenset[tuple[SourceKey, IdentityId]],
    today: date,
    school: SchoolRules,
    target: TargetRules,
    abilities: Abilities,
    others: Sequence[Identity] = (),
) -> list[Change]:
    """The changes to groups that belong to `plan`, which has those to accounts.

    In groups are those who have an account there, or get one in this plan, and may sign in. `ours` are the memberships that onroll made. Whoever
    leaves the school, and everybody in the first weeks of the academic year, leaves groups for a reason. `others` are people of whose accounts another school has the say (see `trust.Roll`): guests, who are in the groups of this one,
    and those who were here once, who are taken out of them. Where a target knows no owners, teachers are members.
    """
    identities = [*identities, *others]
    bonds = {each.id: each.bonds[target.name].anchor for each in identities if target.name in each.bonds}
    anchors = {**bonds, **plan.adopted}
    made = {change.who.identity for change in plan.changes if isinstance(change, Create)}
    enabled = {each.identity for each in desired if each.account.enabled}
    enabled |= {each.id for each in others if each.host and _works_here(each, target.name, observed, today, school)}
    people = {
        each.id: Who(each.id, each.label, each.role, None if each.id in made else anchors[each.id])
        for each in identities
        if each.id in made or anchors.get(each.id) in observed.accounts
    }
    turning = moving_up(today, school)
    projected = [*project_groups(known, identities, enabled & people.keys(), today, school, target)]
    projected += _emptied(projected, observed, school, target)
    wanted: Iterable[DesiredGroup] = with_courses(projected, abilities.courses, abilities.courses_alone)
    if not abilities.owners:
        wanted = (replace(group, members=group.members | group.owners, owners=frozenset()) for group in wanted)
    return diff_groups(
        wanted, observed, people, ours, target.strangers, lambda identity: turning or identity not in enabled
    )


def _emptied(
    wanted: Iterable[DesiredGroup], observed: Observed, school: SchoolRules, target: TargetRules
) -> Iterator[DesiredGroup]:
    """Groups made of what people are, of which nobody is any more: the last one leaves such a group too. A class that is told no more is kept."""
    there = {group.key for group in wanted}
    kinds = {kind.value: kind for kind in target.groups - {GroupKind.TEACHING}}
    for group in observed.groups.values():
        kind = kinds.get(group.key.record.partition(":")[0])
        if kind is not None and group.key.school == school.id and group.key not in there and not group.archived:
            yield DesiredGroup(group.key, kind, group.name)


def _works_here(guest: Identity, target: str, observed: Observed, today: date, school: SchoolRules) -> bool:
    """True when a guest is on roll here and the account, of which another school has the say, may sign in."""
    where = standing(guest, today, school)
    account = observed.accounts.get(guest.bonds[target].anchor) if target in guest.bonds else None
    return where.access and not where.early and account is not None and account.enabled
