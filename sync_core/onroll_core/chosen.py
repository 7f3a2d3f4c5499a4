"""A school that begins with some of its people: everybody else is known and named, and nothing is done to any account or group of theirs."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from onroll_core.accounts import IdentityId
from onroll_core.changes import AddMember, Change, CreateGroup, UpdateGroup
from onroll_core.identities import Identity
from onroll_core.people import Role, SourceKey
from onroll_core.plan import Plan
from onroll_core.years import Country, parse_stage


@dataclass(frozen=True, slots=True)
class Only:
    """Whoever has one of the roles, or is a pupil of one of the years or registration groups. Years are as the MIS or people write them: "Year 7" is "7"."""

    roles: frozenset[Role] = frozenset()
    years: frozenset[str] = frozenset()
    registration_groups: frozenset[str] = frozenset()

    def takes_in(self, identity: Identity, country: Country) -> bool:
        """Whether somebody is among them. Leavers are, when they were: their year and class are the last that the MIS told."""
        if identity.role in self.roles:
            return True
        if identity.role is not Role.STUDENT:
            return False
        person = identity.person
        own = parse_stage(person.year_group, country)
        return any(
            _folded(person.year_group) == _folded(each) or (own is not None and own == parse_stage(each, country))
            for each in self.years
            if person.year_group
        ) or bool(
            person.registration_group and _folded(person.registration_group) in map(_folded, self.registration_groups)
        )


def among(only: Only | None, country: Country, everybody: Iterable[Identity]) -> frozenset[IdentityId] | None:
    """The ids of those whom a school begins with; None where that is everybody."""
    if only is None:
        return None
    return frozenset(each.id for each in everybody if only.takes_in(each, country))


def within(plan: Plan, chosen: Collection[IdentityId]) -> Plan:
    """`plan` with what is done to `chosen` alone, and the conflicts about them. A group is made when one of them joins it; none is renamed or archived, since
    others may be in it."""
    joined = {each.key for each in plan.changes if isinstance(each, AddMember) and each.who.identity in chosen}
    changes = tuple(each for each in plan.changes if _is_theirs(each, chosen, joined))
    conflicts = tuple(each for each in plan.conflicts if each.identity is None or each.identity in chosen)
    return replace(plan, changes=changes, conflicts=conflicts)


def _is_theirs(change: Change, chosen: Collection[IdentityId], joined: Collection[SourceKey]) -> bool:
    match change:
        case CreateGroup(group):
            return group.key in joined
        case UpdateGroup():
            return False
        case _:
            return change.who.identity in chosen


def _folded(text: str | None) -> str:
    return " ".join((text or "").casefold().split())
