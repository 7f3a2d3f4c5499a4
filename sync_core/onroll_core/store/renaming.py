"""Renames: many in one transaction, or none; those that wait for their day; and former addresses that must not follow somebody."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime

from sqlalchemy import Connection, Engine, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from onroll_core.accounts import Anchor, IdentityId
from onroll_core.errors import Refused
from onroll_core.identities import Identity
from onroll_core.renames import Pending
from onroll_core.store import linked
from onroll_core.store.codec import exact, identity_row
from onroll_core.store.engine import reading, writing
from onroll_core.store.events import note, what_changed
from onroll_core.store.failures import Clash
from onroll_core.store.ledger import issue
from onroll_core.store.people import clash, load, names_of, remember
from onroll_core.store.schema import identities, links, renames

THE_ADDRESSES = "(the addresses)"
"""In place of a target's name: what people said of former addresses, whose anchor is the address. Turned down means: it must not follow the person."""


def rename_all(engine: Engine, wanted: Sequence[Pending], now: datetime) -> list[Identity]:
    """Give people other usernames and addresses, all of them or none; where `keep_alias`, the old address becomes an alias, else it is withheld.

    An address that nobody could ever write to, because its holder has no account yet, is neither. Raises Refused when a name is somebody else's, or a
    person is not known.
    """
    try:
        with writing(engine) as connection:
            return [_renamed(connection, each, now) for each in wanted]
    except Clash:
        raise Refused(
            "One of these names has just been issued to somebody else. Nobody was renamed; look again."
        ) from None


def _renamed(connection: Connection, wanted: Pending, now: datetime) -> Identity:
    username, email = exact(wanted.username), exact(wanted.email)
    found = load(connection, select(identities.c.id).where(identities.c.id == wanted.identity))
    if not found:
        raise Refused(f"There is no identity {wanted.identity}. Look for it with: onroll users list")
    before = found[0]
    former = {before.email} - {email} if before.email and before.bonds else set()
    aliases = before.aliases | (former if wanted.keep_alias else set())
    after = replace(
        before, username=username, email=email, aliases=frozenset(aliases - {email}), waiting=None, proposal=None
    )
    clashes = issue(connection, names_of([after]), now)
    if clashes:
        name, entry = min(clashes.items())
        raise Refused(f"{clash(name, wanted.identity, entry)} Choose another name.")
    connection.execute(update(identities).where(identities.c.id == wanted.identity).values(identity_row(after, now)))
    connection.execute(delete(renames).where(renames.c.identity == wanted.identity))
    asked = f"{what_changed(before, after)} {wanted.by or 'Somebody'} asked for it."
    note(connection, None, [(wanted.identity, asked)], now)
    _forget(connection, before, email)
    if not wanted.keep_alias:
        _withhold(connection, before, former, wanted.by, now)
    return after


class Former:
    """Former addresses, and which of them must not follow whom."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def withheld(self, school: str) -> dict[IdentityId, frozenset[str]]:
        """The addresses that must not follow people of a school."""
        found: dict[IdentityId, frozenset[str]] = {}
        for identity, address in linked.said(self._engine, school, THE_ADDRESSES, (linked.REJECTED,)):
            found[identity] = found.get(identity, frozenset()) | {str(address)}
        return found

    def withhold(self, who: Identity, address: str, by: str, now: datetime) -> Identity:
        """A former address must not follow somebody any more: gives them without it."""
        after = replace(who, aliases=who.aliases - {address})
        with writing(self._engine) as connection:
            remember(connection, None, [after], now)
            _withhold(connection, who, {address}, by, now)
            note(connection, None, [(who.id, f"{by or 'Somebody'} said that {address} must not follow them.")], now)
        return after

    def give_back(self, who: Identity, address: str, by: str, now: datetime) -> Identity:
        """An address that was withheld follows somebody again: gives them with it."""
        after = replace(who, aliases=who.aliases | {address})
        with writing(self._engine) as connection:
            remember(connection, None, [after], now)
            _forget(connection, who, address)
            note(connection, None, [(who.id, f"{by or 'Somebody'} said that {address} follows them again.")], now)
        return after


def _withhold(connection: Connection, who: Identity, addresses: Iterable[str], by: str, now: datetime) -> None:
    for address in addresses:
        linked.say(connection, THE_ADDRESSES, (who.id, Anchor(address)), linked.REJECTED, who, by, now)


def _forget(connection: Connection, who: Identity, address: str) -> None:
    connection.execute(
        delete(links).where(links.c.target == THE_ADDRESSES, links.c.identity == who.id, links.c.anchor == address)
    )


def put_off(engine: Engine, wanted: Sequence[Pending], now: datetime) -> None:
    """Keep renames for their day, in place of what was kept for the same people; the names are theirs from now on.

    Raises Refused when one is somebody else's.
    """
    with writing(engine) as connection:
        names = {exact(name): each.identity for each in wanted for name in (each.username, each.email)}
        for name, entry in sorted(issue(connection, names, now).items()):
            raise Refused(f"{clash(name, names[name], entry)} Choose another name.")
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        insert = dialect.insert(renames)
        values = ("username", "email", "keep_alias", "day", "by")
        upsert = insert.on_conflict_do_update(
            index_elements=["identity"], set_={name: insert.excluded[name] for name in values}
        )
        for each in wanted:
            row = {
                "identity": each.identity,
                "username": exact(each.username),
                "email": exact(each.email),
                "keep_alias": each.keep_alias,
                "day": each.on.isoformat(),
                "by": each.by,
            }
            connection.execute(upsert, row)
            what = f"To be renamed to {each.username} on {each.on.isoformat()}: {each.by or 'somebody'} asked for it."
            note(connection, None, [(each.identity, what)], now)


def pending(engine: Engine, school: str) -> list[Pending]:
    """Renames of a school that wait for their day, the first day first."""
    query = (
        select(renames)
        .join(identities, identities.c.id == renames.c.identity)
        .where(identities.c.school == school)
        .order_by(renames.c.day, renames.c.identity)
    )
    with reading(engine) as connection:
        return [
            Pending(
                IdentityId(row.identity), row.username, row.email, row.keep_alias, date.fromisoformat(row.day), row.by
            )
            for row in connection.execute(query)
        ]


def drop(engine: Engine, identity: IdentityId) -> bool:
    """Forget the rename that waits for a person; True when there was one."""
    with writing(engine) as connection:
        return connection.execute(delete(renames).where(renames.c.identity == identity)).rowcount > 0
