"""The plan of one target: what it should hold, minus what it holds, measured against the limits. Nothing here can write."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial

from onroll_core import guard
from onroll_core.accounts import DesiredAccount, IdentityId, Observed
from onroll_core.chosen import among, within
from onroll_core.contracts import Abilities
from onroll_core.diff import diff
from onroll_core.groups.changes import group_changes
from onroll_core.groups.diff import held_names
from onroll_core.identities import Bond, Identity
from onroll_core.licences import licence_changes
from onroll_core.limits import objections
from onroll_core.line import Line, Reached
from onroll_core.night import Night, TargetNight
from onroll_core.one_person import only_of
from onroll_core.people import Role
from onroll_core.plan import Plan, ordered
from onroll_core.project import project, project_abandoned, project_linked, waiting
from onroll_core.sisters import of_the_sisters
from onroll_core.trust import Roll
from onroll_core.undoing import done_again


def plan_target(
    line: Line,
    night: Night,
    name: str,
    there: Roll,
    observed: Observed,
    reached: Reached,
    people: Collection[IdentityId] | None = None,
) -> tuple[TargetNight, guard.Verdict]:
    """Project, diff and clear for one target; with `people`, only what would be done to them is looked at and cleared."""
    abilities = reached.target(name).abilities
    identities, gone = there.looked_after(name, line.school.id, line.sisters), there.abandoned(name, line.sisters)
    desired = [*_desired(line, name, identities, reached), *project_abandoned(gone, line.school, abilities)]
    bonds = {identity.id: identity.bonds[name] for identity in (*identities, *gone) if name in identity.bonds}
    current = _of_accounts(line, name, desired, observed, bonds, abilities)
    current = _with_groups(line, current, there, identities, desired, observed, abilities)
    current = _with_licences(line, current, desired, observed, bonds, abilities)
    current = replace(current, changes=tuple(ordered(current.changes)))
    nameless = waiting(there.own, line.today, line.school) if line.school.mode == "create" else []
    if nameless:
        current = replace(current, conflicts=(*nameless, *current.conflicts))
    chosen = among(line.school.only, line.school.country, there.everybody)
    if chosen is not None:
        current = within(current, chosen)
    if people is not None:
        current = only_of(current, people)
    verdict = _clear(line, current, identities, observed, night.run is not None)
    one = TargetNight("cleared", current)
    if isinstance(verdict, guard.Held):
        one = TargetNight("held", current, verdict.objections, observe_only=line.targets[name].rules.observe_only)
    night.targets[name] = one
    return one, verdict


def _of_accounts(
    line: Line,
    name: str,
    desired: Sequence[DesiredAccount],
    observed: Observed,
    bonds: Mapping[IdentityId, Bond],
    abilities: Abilities,
) -> Plan:
    ledger = line.store.ledger(line.school.id)
    return diff(
        line.school.id,
        desired,
        observed,
        bonds,
        line.targets[name].rules,
        abilities,
        lambda who, name: ledger.holder(name) == who,
        line.store.former.withheld(line.school.id),
    )


def _with_groups(
    line: Line,
    current: Plan,
    there: Roll,
    identities: Sequence[Identity],
    desired: Sequence[DesiredAccount],
    observed: Observed,
    abilities: Abilities,
) -> Plan:
    """The plan with what is done to groups, where the target has any and the school wants them there."""
    rules = line.targets[current.target].rules
    if not (abilities.groups and rules.groups):
        return current
    known, ours = line.store.groups(line.school.id), line.store.memberships(current.target, line.school.id)
    others = there.others_than(identities)
    found = group_changes(
        current, known, identities, desired, observed, ours, line.today, line.school, rules, abilities, others
    )
    changes, doubts = held_names(found, observed, current.target)
    return replace(current, changes=(*current.changes, *changes), conflicts=(*current.conflicts, *doubts))


def _with_licences(
    line: Line,
    current: Plan,
    desired: Sequence[DesiredAccount],
    observed: Observed,
    bonds: Mapping[IdentityId, Bond],
    abilities: Abilities,
) -> Plan:
    """The plan with the licences that leavers give back."""
    days = line.targets[current.target].rules.release_licences_after
    if not abilities.licences or days is None:
        return current
    switched = partial(line.store.past.switched, current.target, since=line.now() - timedelta(days=days))
    released = licence_changes(desired, observed, bonds, days, line.today, switched)
    return replace(current, changes=(*current.changes, *released))


def _desired(line: Line, name: str, identities: Sequence[Identity], reached: Reached) -> list[DesiredAccount]:
    """The accounts that a target should have, by the mode of the school."""
    rules, abilities = line.targets[name].rules, reached.target(name).abilities
    if line.school.mode == "create":
        return list(project(identities, line.today, line.school, rules, abilities))
    seen = reached.seen[line.school.driver]
    return list(project_linked(identities, line.school.driver, seen, line.school, rules, abilities))


def _clear(
    line: Line, current: Plan, identities: Sequence[Identity], observed: Observed, may_use: bool
) -> guard.Verdict:
    found = [*measure(line, current, identities, observed), *done_again(line, current)]
    approved, observe_only = None, line.targets[current.target].rules.observe_only
    if found and may_use and not observe_only and line.store.use_approval(current.digest, line.now()):
        approved = current.digest
    return guard.clear(current, found, approved, observe_only)


def measure(line: Line, current: Plan, identities: Sequence[Identity], observed: Observed) -> list[str]:
    """Why a plan is too much for one night."""
    population: dict[Role, int] = {}
    chosen = among(line.school.only, line.school.country, identities)
    for identity in identities:
        if chosen is not None and identity.id not in chosen:
            continue
        if current.target in identity.bonds or identity.id in current.adopted:
            population[identity.role] = population.get(identity.role, 0) + 1
    known = {identity.id for identity in identities} | of_the_sisters(line, current)
    return objections(current, population, line.school.limits, observed, known)
