"""Usernames and addresses for those who have none yet, or whose name turned out to be a stranger's before they ever had an account."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Protocol

from onroll_core.accounts import Observed
from onroll_core.identities import Identity
from onroll_core.lifecycle import standing
from onroll_core.rules import RoleRules, SchoolRules
from onroll_core.templates import first_name, last_name
from onroll_core.usernames import Named, Waiting


class Ledger(Protocol):
    """Every username and address ever issued, or seen in a target."""

    def taken(self, name: str) -> bool:
        """True when anybody ever had this lower-case username or address."""
        ...


@dataclass(slots=True)
class _Round:
    """The ledger together with what this round has already given out."""

    ledger: Ledger
    issued: set[str] = field(default_factory=set)
    counters: dict[str, int] = field(default_factory=dict)

    def taken(self, name: str) -> bool:
        return name in self.issued or self.ledger.taken(name)


def name_everyone(
    identities: Iterable[Identity], today: date, school: SchoolRules, ledger: Ledger, observed: Iterable[Observed]
) -> list[Identity]:
    """Those of `identities` who now have another name than before (or a reason to wait), in the order of their MIS records.

    `observed` are the targets that could be looked at: somebody without any account whose username a stranger holds in one of them gets another.
    """
    taken_by_strangers = _strangers(observed)
    nameless = [
        identity
        for identity in identities
        if identity.username is None or (not identity.bonds and _lost(identity, taken_by_strangers))
    ]
    this_round = _Round(ledger)
    found: list[Identity] = []
    for identity in sorted(nameless, key=lambda each: each.person.key):
        rules = school.of(identity.role)
        if rules is None or not standing(identity, today, school).access:
            continue
        named = _name(identity, rules, school, this_round)
        if named != identity:
            found.append(named)
    return found


def _name(identity: Identity, rules: RoleRules, school: SchoolRules, this_round: _Round) -> Identity:
    first = first_name(identity.person, school.preferred_names) or ""
    last = last_name(identity.person, school.preferred_names) or ""

    def taken(username: str) -> bool:
        address = "" if rules.email is not None else f"{username}@{rules.domain}"
        return this_round.taken(username) or (bool(address) and this_round.taken(address))

    proposed = rules.username.propose(first, last, identity.year_of_entry, taken, this_round.counters)
    if isinstance(proposed, Waiting):
        why = f"{proposed.why} Give a name: onroll users rename {identity.id} {proposed.proposal}"
        return replace(identity, username=None, email=None, waiting=why, proposal=proposed.proposal)
    username = proposed.username
    address = f"{username}@{rules.domain}"
    if rules.email is not None:
        local = rules.email.propose(
            first, last, identity.year_of_entry, lambda name: this_round.taken(f"{name}@{rules.domain}"), {}
        )
        address = f"{local.username if isinstance(local, Named) else username}@{rules.domain}"
    this_round.issued |= {username, address}
    return replace(identity, username=username, email=address, waiting=None, proposal=None)


def _strangers(observed: Iterable[Observed]) -> Sequence[tuple[Collection[str], Observed]]:
    return [(each.names.keys(), each) for each in observed]


def _lost(identity: Identity, seen: Sequence[tuple[Collection[str], Observed]]) -> bool:
    """True when a name of somebody without an account is held by an object that is not theirs."""
    for names, observed in seen:
        for name in (identity.username, identity.email):
            if name is not None and name in names:
                anchor = observed.names[name].anchor
                if anchor is None or observed.owners.get(anchor) != identity.id:
                    return True
    return False
