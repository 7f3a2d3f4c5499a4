"""What one person is called: another username or address, now or on a day, and which former addresses still reach them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from onroll_core.errors import Refused
from onroll_core.identities import Identity
from onroll_core.renames import Pending, Preview, Renaming, Wish, preview
from onroll_core.rules import SchoolRules
from onroll_core.store import Store
from onroll_core.usernames import problem_with


@dataclass(frozen=True, slots=True)
class Names:
    """Another username, another address, or both; None leaves it. `on` is the day, None for now."""

    username: str | None = None
    email: str | None = None
    keep_alias: bool = True
    on: date | None = None


@dataclass(frozen=True, slots=True)
class Renamed:
    """What became of a wish; `day` is when it will be done, None when it was done."""

    after: Identity
    wanted: Renaming
    day: date | None


def look(store: Store, before: Identity, rules: SchoolRules, names: Names) -> Preview:
    """What the wish comes to, with its one renaming; changes nothing. Raises Refused when it cannot be done."""
    new = names.username
    if new is None and names.email is None:
        raise Refused("Say the new username, the new address, or both. Nothing was changed.")
    problem = problem_with(new) if new is not None else None
    if problem is not None:
        raise Refused(problem)
    if rules.of(before.role) is None:
        raise Refused(f"{before.label} gets no account here, and so no username.")
    if before.username is None and new is None:
        raise Refused(f"{before.label} has no username yet: give one, and the address follows.")
    shown = preview([Wish(before, new, names.email)], rules, store.ledger(before.school))
    if not shown.renamings:
        raise Refused(f"{new or names.email} is the {'username' if new else 'address'} of {before.label} already.")
    (wanted,) = shown.renamings
    if wanted.problem:
        raise Refused(wanted.problem)
    return shown


def rename(
    store: Store, before: Identity, rules: SchoolRules, names: Names, today: date, by: str, now: datetime
) -> Renamed:
    """Give somebody other names, at once or, where the day is after `today`, on that day. Raises Refused as `look` does, and when somebody was faster."""
    (wanted,) = look(store, before, rules, names).renamings
    if names.on is not None and names.on > today:
        store.put_off_renames([Pending(before.id, wanted.username, wanted.email, names.keep_alias, names.on, by)], now)
        return Renamed(before, wanted, names.on)
    return Renamed(store.rename(before.id, wanted.username, wanted.email, names.keep_alias, now, by), wanted, None)


def pending(store: Store, identity: Identity) -> Pending | None:
    """The rename that waits for its day, or None."""
    return next((each for each in store.pending_renames(identity.school) if each.identity == identity.id), None)


def cancel(store: Store, identity: Identity) -> None:
    """Take back the rename that waits for its day; raises Refused when there is none."""
    if not store.drop_rename(identity.id):
        raise Refused(f"No rename of {identity.label} waits for its day.")


def withheld(store: Store, identity: Identity) -> frozenset[str]:
    """The former addresses that must not follow somebody."""
    return store.former.withheld(identity.school).get(identity.id, frozenset())


def follow(store: Store, identity: Identity, address: str, follows: bool, by: str, now: datetime) -> Identity:
    """Say whether mail to a former address still reaches somebody; gives them as they are then. Raises Refused when it is no such address."""
    address = address.strip().lower()
    if address == identity.email:
        raise Refused(f"{address} is the present address of {identity.label}: rename them first.")
    if follows:
        if address not in withheld(store, identity):
            raise Refused(f"{address} is not withheld from {identity.label}.")
        return store.former.give_back(identity, address, by, now)
    if address not in identity.aliases:
        raise Refused(f"{address} is no former address of {identity.label} that onroll keeps.")
    return store.former.withhold(identity, address, by, now)
