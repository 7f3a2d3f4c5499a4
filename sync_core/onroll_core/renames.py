"""Renames that people ask for, one or many: what would change, what stands in the way, before anything is done."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from onroll_core.accounts import IdentityId
from onroll_core.identities import Identity
from onroll_core.rules import SchoolRules
from onroll_core.templates import first_name, last_name
from onroll_core.usernames import Named, Waiting, problem_with, problem_with_address
from onroll_core.wordlists import is_reserved


class Ledger(Protocol):
    """Every name ever issued or seen."""

    def taken(self, name: str) -> bool:
        """True when anybody ever had this name."""
        ...

    def holder(self, name: str) -> IdentityId | None:
        """Whose it is, when it was issued by us."""
        ...


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for one person: another username, another address, or both; None leaves it. `where` is for sentences ("line 7")."""

    identity: Identity
    username: str | None = None
    email: str | None = None
    where: str = ""


@dataclass(frozen=True, slots=True)
class Renaming:
    """One person's names before and after, and what stands in the way ("" when nothing)."""

    identity: Identity
    username: str
    email: str
    problem: str = ""

    def changes(self, keep_alias: bool) -> list[str]:
        """What follows from it in the targets, in words."""
        before = self.identity
        told = []
        if before.username != self.username:
            told.append(f"username {before.username or '(none)'} to {self.username}")
        if before.email != self.email:
            told.append(f"address {before.email or '(none)'} to {self.email}")
            if before.email and before.bonds:
                told.append(f"{before.email} {'stays as an alias' if keep_alias else 'must not follow them'}")
        return told


@dataclass(frozen=True, slots=True)
class Preview:
    """Every rename asked for that changes something. `digest` names exactly this; a home folder is never moved."""

    renamings: Sequence[Renaming]
    unchanged: int

    @property
    def problems(self) -> list[Renaming]:
        """Those that cannot be done."""
        return [each for each in self.renamings if each.problem]

    @property
    def digest(self) -> str:
        """The SHA-256 (first 16 hex digits) of who gets which names."""
        facts = sorted((each.identity.id, each.username, each.email) for each in self.renamings)
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Pending:
    """A rename that is to be done on a day."""

    identity: IdentityId
    username: str
    email: str
    keep_alias: bool
    on: date
    by: str


def preview(wishes: Iterable[Wish], school: SchoolRules, ledger: Ledger) -> Preview:
    """What each wish comes to. A name that somebody else has, had, or is given in the same breath is a problem; nothing is changed here."""
    found: list[Renaming] = []
    unchanged = 0
    for wish in wishes:
        identity, rules = wish.identity, school.of(wish.identity.role)
        username = (wish.username or identity.username or "").strip().lower()
        if wish.email is not None:
            email = wish.email.strip().lower()
        elif username == identity.username or rules is None:
            email = identity.email or ""
        else:
            email = address_for(identity, username, school, ledger)
        if (username, email) == (identity.username, identity.email):
            unchanged += 1
            continue
        problem = _problem(identity, username, email, school, ledger)
        found.append(
            Renaming(identity, username, email, f"{wish.where}: {problem}" if problem and wish.where else problem)
        )
    return Preview(_told_apart(found), unchanged)


def addresses_by_format(identities: Iterable[Identity], school: SchoolRules, ledger: Ledger) -> list[Wish]:
    """The addresses alone that the school's present format would give these people; their usernames stay."""
    given: set[str] = set()
    wishes = []
    for identity in sorted(identities, key=lambda each: each.person.key):
        if identity.username is None or school.of(identity.role) is None:
            continue
        address = address_for(identity, identity.username, school, ledger, given)
        given.add(address)
        wishes.append(Wish(identity, None, address))
    return wishes


def by_format(identities: Iterable[Identity], school: SchoolRules, ledger: Ledger) -> list[Wish]:
    """The names that the school's present format would give these people; a name of their own counts as free."""
    given: set[str] = set()
    wishes: list[Wish] = []
    for identity in sorted(identities, key=lambda each: each.person.key):
        rules = school.of(identity.role)
        if rules is None:
            continue

        def taken(name: str, mine: IdentityId = identity.id, domain: str = rules.domain) -> bool:
            names = (name, f"{name}@{domain}")
            return name in given or any(ledger.taken(each) and ledger.holder(each) != mine for each in names)

        first = first_name(identity.person, school.preferred_names) or ""
        last = last_name(identity.person, school.preferred_names) or ""
        proposed = rules.username.propose(first, last, identity.year_of_entry, taken, {})
        if isinstance(proposed, Waiting):
            wishes.append(Wish(identity, proposed.proposal or identity.username))
            continue
        given.add(proposed.username)
        wishes.append(Wish(identity, proposed.username))
    return wishes


def address_for(
    identity: Identity, username: str, school: SchoolRules, ledger: Ledger, given: Collection[str] = ()
) -> str:
    """The address that goes with a username: its own, or what the school's format for addresses makes of the present names; none of `given`."""
    rules = school.of(identity.role)
    if rules is None:
        return identity.email or ""
    if rules.email is not None:

        def taken(local: str) -> bool:
            name = f"{local}@{rules.domain}"
            return name in given or (ledger.taken(name) and ledger.holder(name) != identity.id)

        first = first_name(identity.person, school.preferred_names) or ""
        last = last_name(identity.person, school.preferred_names) or ""
        proposed = rules.email.propose(first, last, identity.year_of_entry, taken)
        if isinstance(proposed, Named):
            return f"{proposed.username}@{rules.domain}"
    return f"{username}@{rules.domain}"


def _problem(identity: Identity, username: str, email: str, school: SchoolRules, ledger: Ledger) -> str:
    if school.of(identity.role) is None:
        return f"{identity.label} gets no account here, and so no username."
    if username != identity.username:
        wrong = problem_with(username)
        if wrong is not None:
            return wrong
    wrong = problem_with_address(email)
    if wrong is None and email != identity.email and is_reserved(email.partition("@")[0]):
        wrong = f"{email} is an address that systems, or the school's own offices, keep for themselves."
    if wrong is not None:
        return wrong
    for name in (username, email):
        holder = ledger.holder(name)
        if ledger.taken(name) and holder != identity.id and name not in (identity.username, identity.email):
            whose = "was issued to somebody else, and a name is issued once" if holder else "is in use in a directory"
            return f"{name} cannot be given to {identity.label}: it {whose}. Choose another name."
    return ""


def _told_apart(found: list[Renaming]) -> list[Renaming]:
    """Two people who are to get one name, and one person who is named twice, are problems of all of them."""
    names = Counter(name for each in found for name in {each.username, each.email})
    people = Counter(each.identity.id for each in found)
    told = []
    for each in found:
        problem = each.problem
        if not problem and people[each.identity.id] > 1:
            problem = f"{each.identity.label} is in it more than once."
        doubled = sorted(name for name in {each.username, each.email} if names[name] > 1)
        if not problem and doubled:
            problem = f"{doubled[0]} is to be given to more than one person."
        told.append(Renaming(each.identity, each.username, each.email, problem))
    return told
