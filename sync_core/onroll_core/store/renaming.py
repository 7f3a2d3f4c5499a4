"""Renames: many in one transaction, or none; and those that wait for their day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime

from sqlalchemy import Connection, Engine, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from onroll_core.accounts import IdentityId
from onroll_core.errors import Refused
from onroll_core.identities import Identity
from onroll_core.renames import Pending
from onroll_core.store.codec import exact, identity_row
from onroll_core.store.engine import reading, writing
from onroll_core.store.events import note, what_changed
from onroll_core.store.failures import Clash
from onroll_core.store.ledger import issue
from onroll_core.store.people import clash, load, names_of
from onroll_core.store.schema import identities, renames


def rename_all(engine: Engine, wanted: Sequence[Pending], now: datetime) -> list[Identity]:
    """Give people other usernames and addresses, all of them or none; where `keep_alias`, the old address becomes an alias.

    Raises Refused when a name is somebody else's, or a person is not known.
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
    aliases = before.aliases | ({before.email} if wanted.keep_alias and before.email else set())
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
    return after


def put_off(engine: Engine, wanted: Sequence[Pending], now: datetime) -> None:
    """Keep renames for their day, in place of what was kept for the same people."""
    with writing(engine) as connection:
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
