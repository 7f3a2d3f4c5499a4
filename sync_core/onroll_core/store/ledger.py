"""Every username and address ever issued, or seen in a target: a name is issued once and never given up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from onroll_core.accounts import Anchor, Holder, IdentityId
from onroll_core.store.codec import utc
from onroll_core.store.engine import reading, writing
from onroll_core.store.lists import listed
from onroll_core.store.schema import bonds, names

_FEW = 200
"""So many names are asked for one by one; whoever asks for more gets the whole ledger at once."""


class Ledger:
    """The names as they are when they are asked for. Names are compared in lower case; a username and an address share one space."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._asked = 0
        self._all: dict[str, IdentityId | None] | None = None

    def taken(self, name: str) -> bool:
        """True when anybody ever had this username or address, here or in a target."""
        return self._found(name) is not None

    def holder(self, name: str) -> IdentityId | None:
        """Whom the name was issued to; None when to nobody (it may still have been seen in a target)."""
        found = self._found(name)
        return found[0] if found else None

    def _found(self, name: str) -> tuple[IdentityId | None] | None:
        name = name.lower()
        if self._all is None:
            self._asked += 1
            if self._asked <= _FEW:
                with reading(self._engine) as connection:
                    row = connection.execute(select(names.c.identity).where(names.c.name == name)).one_or_none()
                return None if row is None else (row[0],)
            with reading(self._engine) as connection:
                rows = connection.execute(select(names.c.name, names.c.identity))
                self._all = {each[0]: each[1] for each in rows}
        return (self._all[name],) if name in self._all else None


@dataclass(frozen=True, slots=True)
class Entry:
    """A name in the ledger: issued to `identity`, or only seen in the target `seen_in`, held there by `anchor`."""

    identity: IdentityId | None
    seen_in: str | None
    anchor: str | None


def absorb(engine: Engine, target: str, seen: Iterable[str] | Mapping[str, Holder], now: datetime) -> int:
    """Take in the names seen in a target and give the number of new ones. Nothing is written when there are none.

    With a mapping the ledger also keeps which object held the name, so that its owner may be given the name later.
    """
    # What cannot be printed could never be issued either, and not every database can hold it.
    wanted = {name.lower(): name for name in seen if name and name.isprintable()}
    if not wanted:
        return 0
    with reading(engine) as connection:
        column = listed(engine, wanted)
        known = select(names.c.name).join(column, names.c.name == column.c.value)
        new = wanted.keys() - set(connection.execute(known).scalars())
    if not new:
        return 0
    holders = seen if isinstance(seen, Mapping) else {}
    rows: list[dict[str, Any]] = []
    for name in sorted(new):
        holder = holders.get(wanted[name])
        anchor = holder.anchor if holder else None
        rows.append({"name": name, "seen_in": target, "anchor": anchor, "since": utc(now)})
    dialect = postgresql if engine.dialect.name == "postgresql" else sqlite
    with writing(engine) as connection:
        connection.execute(dialect.insert(names).on_conflict_do_nothing(), rows)
    return len(new)


def entries(connection: Connection, wanted: Iterable[str]) -> dict[str, Entry]:
    """Those of the names that are in the ledger."""
    column = listed(connection.engine, wanted)
    query = select(names.c.name, names.c.identity, names.c.seen_in, names.c.anchor)
    rows = connection.execute(query.join(column, names.c.name == column.c.value))
    return {name: Entry(identity, seen_in, anchor) for name, identity, seen_in, anchor in rows}


def issue(connection: Connection, wanted: Mapping[str, IdentityId], now: datetime) -> dict[str, Entry]:
    """Issue each name to its identity, in the caller's transaction; give those that somebody else has, and then issue none.

    A name that was only seen may be issued to the identity whose own account holds it. Raises Clash when another transaction was faster.
    """
    known = entries(connection, wanted)
    accounts = _accounts(connection, [wanted[name] for name, entry in known.items() if entry.identity is None])
    theirs: list[dict[str, Any]] = []
    clashes: dict[str, Entry] = {}
    for name, entry in known.items():
        if entry.identity is None and (wanted[name], entry.seen_in, entry.anchor) in accounts:
            theirs.append({"theirs": name, "whose": wanted[name]})
        elif entry.identity != wanted[name]:
            clashes[name] = entry
    if clashes:
        return clashes
    for row in theirs:
        connection.execute(update(names).where(names.c.name == row["theirs"]).values(identity=row["whose"]))
    rows = [
        {"name": name, "identity": identity, "since": utc(now)}
        for name, identity in wanted.items()
        if name not in known
    ]
    if rows:
        connection.execute(insert(names), rows)
    return {}


def _accounts(
    connection: Connection, whose: list[IdentityId]
) -> set[tuple[IdentityId, str | None, Anchor | str | None]]:
    if not whose:
        return set()
    column = listed(connection.engine, whose)
    query = select(bonds.c.identity, bonds.c.target, bonds.c.anchor).join(column, bonds.c.identity == column.c.value)
    return {(identity, target, anchor) for identity, target, anchor in connection.execute(query)}
