"""A plan measured against what may happen in one night; what the school year explains does not count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Mapping

from onroll_core.accounts import IdentityId, Observed
from onroll_core.changes import Change, Create, Disable, Enable, Move, ReleaseLicences, RemoveMember, Rename, Update
from onroll_core.people import Role
from onroll_core.plan import Plan
from onroll_core.rules import Limit, Limits
from onroll_core.usernames import fold

LOST = Limit(10, 10)
"""So many accounts of people who should have one may be out of sight before it is the sight that is doubted."""
_NAMES = frozenset({"display_name", "given", "family"})
_WORDS: Mapping[str, str] = {
    "disable": "would be disabled for a reason that the school year does not explain",
    "create": "would get a new account although they are not recent joiners",
    "rename": "would be renamed",
    "update": "would have their names changed",
    "move": "would be moved",
    "enable": "would be enabled again",
    "member": "would be taken out of a group",
    "licence": "would lose their licences, and left for a reason that the school year does not explain",
    "namesake": "would get a new account although somebody of the same name has one that onroll does not know",
}


def objections(
    plan: Plan,
    population: Mapping[Role, int],
    limits: Limits,
    observed: Observed,
    known: Container[IdentityId] = (),
) -> list[str]:
    """Why `plan` must wait for a person, in sentences; empty when it need not.

    `population` is the number of accounts looked after in the target, by role; each limit is the larger of a count and a share of it.
    `known` are the identities of this school's people: an account that carries anything else (a payroll number, say) is nobody's we know.
    """
    counts: Counter[tuple[Role, str]] = Counter()
    out: set[IdentityId] = set()
    for change in plan.changes:
        counted = _counted(change)
        if counted is None or (counted[1] == "member" and change.who.identity in out):  # type: ignore[union-attr]
            continue
        if isinstance(change, RemoveMember):
            out.add(change.who.identity)
        counts[counted] += 1
    for role, times in _namesakes(plan.changes, observed, known).items():
        counts[role, "namesake"] = times
    found = _out_of_sight(plan, sum(population.values()))
    for (role, kind), count in sorted(counts.items()):
        limit: Limit = getattr(limits, kind)
        allowed = limit.allows(population.get(role, 0))
        if count > allowed:
            people = "pupils" if role is Role.STUDENT else role.value
            found.append(
                f"{count} {people} {_WORDS[kind]} in {plan.target}; the limit is {allowed}"
                f" (the larger of {limit.count} and {limit.percent:g} % of {population.get(role, 0)})."
            )
    return found


def _out_of_sight(plan: Plan, population: int) -> list[str]:
    """Scope that was lost is no empty school: neither is anybody made in a place where those who were there are not to be seen."""
    allowed = LOST.allows(population)
    if plan.lost <= allowed:
        return []
    return [
        f"{plan.lost} of the {population} accounts that onroll looks after in {plan.target} are no longer to be seen there (at most {allowed} would be"
        " believed). Does onroll still look at the right place, with all its rights?"
    ]


def _counted(change: Change) -> tuple[Role, str] | None:
    """The limit that a change counts against, or None where it does not count."""
    match change:
        case Create(who, _, _, False):
            return who.role, "create"
        case Disable(who, _, False):
            return who.role, "disable"
        case Move(who, _, _, _, False):
            return who.role, "move"
        case Rename(who):
            return who.role, "rename"
        case RemoveMember(expected=False, who=who):
            return who.role, "member"
        case ReleaseLicences(who, expected=False):
            return who.role, "licence"
        case Enable(who, expected=False):
            return who.role, "enable"
        case Update(who, _, after) if _NAMES & after.keys():
            return who.role, "update"
        case _:
            return None


def _namesakes(changes: Iterable[Change], observed: Observed, known: Container[IdentityId]) -> Counter[Role]:
    """How many accounts would be made beside one that nobody linked and that has the same first and last name."""
    creates = [change for change in changes if isinstance(change, Create)]
    if not creates:
        return Counter()
    strangers = {
        fold(f"{account.given} {account.family}")
        for anchor, account in observed.accounts.items()
        if observed.owners.get(anchor) not in known and account.given and account.family
    }
    return Counter(
        change.who.role
        for change in creates
        if change.account.given and fold(f"{change.account.given} {change.account.family}") in strangers
    )
