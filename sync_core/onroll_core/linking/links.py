"""Linking: which account that was there before us is whose. onroll suggests, a person confirms (DESIGN 7), and every doubt is shown before anything is done."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from onroll_core.accounts import Account, Anchor, IdentityId, Observed
from onroll_core.identities import Bond, Identity, State
from onroll_core.linking import Doubt, Match, Side, side_of, suggest
from onroll_core.linking.sides import logins_of, marks_of, names_of, numbers_of
from onroll_core.people import Role

Names = Literal["theirs", "ours"]
"""Whose names count when an account is linked: those it has, or those onroll issued (the account is then renamed, its old address kept)."""

_GONE = frozenset({State.LEFT, State.NO_SHOW, State.EXCLUDED})


@dataclass(frozen=True, slots=True)
class Told:
    """What somebody else says of an account, by its username: a list of the directory's users with names, where the directory's own are blank."""

    first: str = ""
    last: str = ""
    role: Role | None = None
    numbers: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Lists:
    """The seven lists of DESIGN 7. Records are identities' ids (each has an MIS record or was made by hand), known are accounts' anchors."""

    linked: Sequence[Match]
    likely: Sequence[Match]
    possible: Sequence[Match]
    ambiguous: Sequence[Doubt]
    accounts_alone: Sequence[str]
    people_alone: Sequence[str]
    not_in_mis: Sequence[str]


@dataclass(frozen=True, slots=True)
class Linked:
    """What a confirmed link makes of an identity; `before` and `after` differ in names alone. `held` are the names that the account has now: they are
    the person's from then on, whichever they go by."""

    before: Identity
    after: Identity
    anchor: Anchor
    enabled: bool
    held: frozenset[str] = frozenset()


def lists(
    identities: Iterable[Identity],
    observed: Observed,
    target: str,
    numbers: Mapping[str, str],
    rejected: frozenset[tuple[IdentityId, Anchor]] = frozenset(),
    told: Mapping[str, Told] | None = None,
) -> Lists:
    """Compare the people who have no account in `target` with the accounts there that are nobody's.

    `numbers` says which of the target's attributes holds which number ("upn", "scn", "admission number", "staff code"). `rejected` are pairs that a
    person has turned down. People who are gone are left out; who was made by hand is in `not_in_mis` until an account fits.
    """
    known = list(identities)
    ids = {each.id for each in known}
    bonded = {each.bonds[target].anchor: each for each in known if target in each.bonds}
    free = {
        anchor: account
        for anchor, account in observed.accounts.items()
        if anchor not in bonded and observed.owners.get(anchor) not in ids and anchor not in observed.deleted
    }
    open_ = [each for each in known if target not in each.bonds and each.state not in _GONE]
    sides = [side_of(each.id, each.person, each.role, each.year_of_entry) for each in open_]
    accounts = [
        _account_side(anchor, account, numbers, told or {}, _unfit(observed, anchor, account))
        for anchor, account in free.items()
    ]
    found = suggest(sides, accounts, rejected=rejected)
    by_hand = {each.id for each in open_ if each.source != "mis"}
    return Lists(
        [Match(each.id, anchor, "linked") for anchor, each in bonded.items() if anchor in observed.accounts],
        found.likely,
        found.possible,
        found.ambiguous,
        found.known_alone,
        [each for each in found.records_alone if each not in by_hand],
        [each for each in found.records_alone if each in by_hand],
    )


def _account_side(
    anchor: Anchor, account: Account, numbers: Mapping[str, str], told: Mapping[str, Told], unfit: str
) -> Side:
    more = told.get(account.login) or told.get(account.login.partition("@")[0]) or told.get(account.email) or Told()
    names = names_of(account) | ({(more.first, more.last)} if more.first and more.last else set())
    held = [(kind, account.attributes.get(attribute, "")) for attribute, kind in numbers.items()]
    found = numbers_of([*held, *(more.numbers or {}).items()])
    marks = marks_of(account, numbers)
    return Side(anchor, more.role, frozenset(names), found, None, logins_of(account), marks, unfit=unfit)


def _unfit(observed: Observed, anchor: Anchor, account: Account) -> str:
    """Why nobody who is here can be linked to an account as it is."""
    if anchor in observed.protected:
        return "and the account is an administrator's"
    if anchor in observed.owners:
        return "and the account carries another identity"
    return "" if account.enabled else "and the account is disabled"


def problems(
    pairs: Mapping[IdentityId, Anchor], identities: Iterable[Identity], observed: Observed, target: str
) -> list[str]:
    """Why these links may not be made, in sentences; none of them is made while there is one."""
    found = [each for sentences in hindered(pairs, identities, observed, target).values() for each in sentences]
    for anchor, count in Counter(pairs.values()).items():
        if count > 1:
            found.append(f"{_called(observed, anchor)} is to be linked to more than one person.")
    return found


def hindered(
    pairs: Mapping[IdentityId, Anchor], identities: Iterable[Identity], observed: Observed, target: str
) -> dict[IdentityId, list[str]]:
    """Those of the pairs that cannot be linked as things are, with the reasons in sentences."""
    known = {each.id: each for each in identities}
    holders = {each.bonds[target].anchor: each for each in known.values() if target in each.bonds}
    found = {}
    for who, anchor in sorted(pairs.items()):
        identity, account = known.get(who), observed.accounts.get(anchor)
        if identity is None:
            reasons = [f"There is no identity {who} at this school."]
        elif account is None:
            reasons = [f"{target} has no account {anchor} in what onroll looks after, for {identity.label}."]
        else:
            reasons = _problems(identity, account, anchor, observed, holders, target)
        if reasons:
            found[who] = reasons
    return found


def _problems(
    identity: Identity,
    account: Account,
    anchor: Anchor,
    observed: Observed,
    holders: Mapping[Anchor, Identity],
    target: str,
) -> list[str]:
    called, found = account.login, []
    bond, holder, owner = identity.bonds.get(target), holders.get(anchor), observed.owners.get(anchor)
    if bond is not None and bond.anchor != anchor:
        found.append(f"{identity.label} already has the account {_called(observed, bond.anchor)} in {target}.")
    if holder is not None and holder.id != identity.id:
        found.append(f"{called} is already linked to {holder.label}.")
    elif owner is not None and owner != identity.id:
        found.append(f"{called} carries the identity {owner}, which is not {identity.label}'s.")
    if anchor in observed.protected:
        found.append(f"{called} is an administrator's account, which onroll never touches.")
    if anchor in observed.deleted:
        found.append(f"{called} is deleted in {target}. Restore it there first.")
    elif not account.enabled and identity.state not in _GONE:
        found.append(f"{called} is disabled in {target}, and {identity.label} is on roll. Enable it there first.")
    return found


def _called(observed: Observed, anchor: Anchor) -> str:
    account = observed.accounts.get(anchor)
    return account.login if account is not None else anchor


def linked(
    pairs: Mapping[IdentityId, Anchor], identities: Iterable[Identity], observed: Observed, by_name: bool, names: Names
) -> list[Linked]:
    """What these links make of people. `by_name`: the target signs people in by a short name.

    Somebody without any account takes over the names that the account has; with `names` "ours", or where they have an account elsewhere under other
    names, they keep theirs, and the account's old address becomes an alias.
    """
    known = {each.id: each for each in identities}
    found = []
    for who, anchor in sorted(pairs.items()):
        before, account = known[who], observed.accounts[anchor]
        if before.username is None or (names == "theirs" and not before.bonds):
            username = account.login if by_name else account.login.partition("@")[0]
            email = account.email or before.email or account.login
            after = replace(
                before, username=username, email=email, aliases=before.aliases | account.aliases - {email}, waiting=None,
                proposal=None,
            )  # fmt: skip
        else:
            old = {account.email, *account.aliases} - {before.email or "", ""}
            after = replace(before, aliases=before.aliases | old)
        held = frozenset({account.login, account.email, *account.aliases} - {""})
        found.append(Linked(before, after, anchor, account.enabled, held))
    return found


def differing(found: Iterable[Linked], observed: Observed, by_name: bool) -> list[str]:
    """Which accounts would be renamed by their link, in sentences, so that nobody is surprised."""
    told = []
    for each in found:
        account = observed.accounts[each.anchor]
        login = each.after.username if by_name else each.after.email
        if (login, each.after.email) != (account.login, account.email or each.after.email):
            told.append(
                f"{account.login} ({account.email or 'no address'}) would be renamed to {login} ({each.after.email})."
            )
    return told


def digest(pairs: Mapping[IdentityId, Anchor], names: Names) -> str:
    """The SHA-256 (first 16 hex digits) of who gets which account: what a confirmation of a list names."""
    return hashlib.sha256(json.dumps([names, sorted(pairs.items())]).encode()).hexdigest()[:16]


def bond_of(one: Linked) -> Bond:
    """The bond that a link makes; whether the account is on is what it was, so that nobody's decision is undone."""
    return Bond(one.anchor, one.enabled)


def followed(identities: Iterable[Identity], driver: str, seen: Observed, by_name: bool, domains: Mapping[Role, str]) -> list[Identity]:  # fmt: skip
    """Link Mode: those whose account in the target that drives has other names than we know, with its names; a former address stays an alias."""
    found = []
    for identity in identities:
        bond = identity.bonds.get(driver)
        account = None if bond is None else seen.accounts.get(bond.anchor)
        if account is None:
            continue
        username = account.login if by_name else account.login.partition("@")[0]
        email = account.email or f"{username}@{domains.get(identity.role, '')}"
        if (username, email) != (identity.username, identity.email) and not email.endswith("@"):
            old = {identity.email} - {None, email}
            aliases = frozenset({*(each for each in identity.aliases | old if each is not None)} - {email})
            found.append(
                replace(identity, username=username, email=email, aliases=aliases, waiting=None, proposal=None)
            )
    return found


def severed(observed: Observed, pairs: frozenset[tuple[IdentityId, Anchor]]) -> Observed:
    """The observation without the identities that accounts carry although a person said that they are not theirs."""
    owners = {anchor: who for anchor, who in observed.owners.items() if (who, anchor) not in pairs}
    return observed if len(owners) == len(observed.owners) else replace(observed, owners=owners)
