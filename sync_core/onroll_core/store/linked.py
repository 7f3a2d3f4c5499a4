"""What people said of accounts that were there before us: kept, so that a suggestion turned down stays so and a link can be undone."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, Engine, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from onroll_core.accounts import Anchor, IdentityId
from onroll_core.errors import Halt, Refused
from onroll_core.identities import Identity
from onroll_core.linking.links import Linked, bond_of
from onroll_core.store import events, people
from onroll_core.store.codec import utc
from onroll_core.store.engine import reading, writing
from onroll_core.store.journal import put_bonds
from onroll_core.store.ledger import issue
from onroll_core.store.schema import bonds, identities, links

CONFIRMED, REJECTED, UNDONE = "confirmed", "rejected", "undone"

THE_MIS = "(the MIS)"
"""In place of a target's name: what people said of records of the MIS, whose anchor is the record."""

Pair = tuple[IdentityId, Anchor]


def confirm(engine: Engine, target: str, found: Sequence[Linked], by: str, now: datetime) -> None:
    """Bond each to its account and give them the names that follow from it, all or none."""
    with writing(engine) as connection:
        put_bonds(connection, target, {each.before.id: bond_of(each) for each in found}, now)
        people.remember(connection, None, [each.after for each in found], now)
        wanted = {name: each.before.id for each in found for name in each.held}
        for name, entry in sorted(issue(connection, wanted, now).items()):
            raise Halt(people.clash(name, wanted[name], entry))
        for each in found:
            say(connection, target, (each.before.id, each.anchor), CONFIRMED, each.before, by, now)
        what = [(each.before.id, f"{by} linked the account {each.anchor} of {target}.") for each in found]
        events.note(connection, None, what, now)


def reject(engine: Engine, target: str, who: Identity, anchor: Anchor, by: str, now: datetime) -> None:
    """This account is not this person's, and is not suggested again."""
    with writing(engine) as connection:
        say(connection, target, (who.id, anchor), REJECTED, who, by, now)
        what = f"{by} said that the account {anchor} of {target} is not theirs."
        events.note(connection, None, [(who.id, what)], now)


def undo(engine: Engine, target: str, who: Identity, by: str, now: datetime) -> Identity:
    """Take a link back: the person has the names from before it. Raises Refused when there is no link that somebody confirmed."""
    with writing(engine) as connection:
        query = select(links).where(links.c.target == target, links.c.identity == who.id, links.c.status == CONFIRMED)
        row = connection.execute(query).first()
        if row is None:
            raise Refused(f"{who.label} has no account in {target} that somebody linked, so there is nothing to undo.")
        names = json.loads(row.before)
        after = replace(
            who,
            username=names["username"],
            email=names["email"],
            aliases=frozenset(names["aliases"]),
            bonds={name: bond for name, bond in who.bonds.items() if name != target},
        )
        connection.execute(delete(bonds).where(bonds.c.target == target, bonds.c.identity == who.id))
        people.remember(connection, None, [after], now)
        say(connection, target, (who.id, Anchor(row.anchor)), UNDONE, who, by, now)
        events.note(
            connection, None, [(who.id, f"{by} took the link to the account {row.anchor} of {target} back.")], now
        )
        return after


def let_go(engine: Engine, target: str, who: Identity, by: str, now: datetime) -> Identity:
    """Forget an account that is gone for good, so that another one may be made. One that is there after all, and carries the identity, is adopted again
    by the next run: nobody gets two."""
    with writing(engine) as connection:
        connection.execute(delete(bonds).where(bonds.c.target == target, bonds.c.identity == who.id))
        what = f"{by} said that the account {who.bonds[target].anchor} of {target} is gone for good."
        events.note(connection, None, [(who.id, what)], now)
    return replace(who, bonds={name: bond for name, bond in who.bonds.items() if name != target})


def said(engine: Engine, school: str, target: str, statuses: Iterable[str]) -> frozenset[Pair]:
    """The pairs of a school in a target of which somebody said one of `statuses`."""
    query = select(links.c.identity, links.c.anchor).join(identities, identities.c.id == links.c.identity)
    query = query.where(links.c.target == target, identities.c.school == school, links.c.status.in_(list(statuses)))
    with reading(engine) as connection:
        return frozenset((IdentityId(who), Anchor(anchor)) for who, anchor in connection.execute(query))


def say(connection: Connection, target: str, pair: Pair, status: str, before: Identity, by: str, now: datetime) -> None:
    """Keep what somebody said of a pair, in the caller's transaction."""
    names = {"username": before.username, "email": before.email, "aliases": sorted(before.aliases)}
    row = {
        "target": target, "identity": pair[0], "anchor": pair[1], "status": status, "before": json.dumps(names), "by": by, "at": utc(now),
    }  # fmt: skip
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    insert = dialect.insert(links)
    keep = {name: insert.excluded[name] for name in ("status", "before", "by", "at")}
    if status == UNDONE:
        keep.pop("before")
    connection.execute(insert.on_conflict_do_update(index_elements=["target", "anchor", "identity"], set_=keep), row)
