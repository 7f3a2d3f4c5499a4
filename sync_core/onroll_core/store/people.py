"""Identities as they are kept: loaded fast, remembered in one transaction, renamed only when a person asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Select, delete, insert, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from onroll_core.accounts import Anchor, IdentityId
from onroll_core.errors import Halt
from onroll_core.identities import Bond, Identity
from onroll_core.people import SourceKey
from onroll_core.store.codec import exact, identifiers, identity_from, identity_row
from onroll_core.store.engine import reading
from onroll_core.store.events import note, what_changed
from onroll_core.store.ledger import Entry, entries, issue
from onroll_core.store.lists import listed
from onroll_core.store.schema import bonds, guests, identities, source_keys
from onroll_core.usernames import fold

_NOWHERE: Mapping[str, str] = {}
_COLUMNS = [identities.c[name] for name in (
    "id", "school", "role", "state", "source", "username", "email", "aliases", "chosen_display_name", "year_of_entry",
    "waiting", "proposal", "absences", "left_on", "expected", "suspended", "person",
)]  # fmt: skip


def of_school(engine: Engine, school: str) -> list[Identity]:
    """Everybody of a school, by id."""
    with reading(engine) as connection:
        return load(connection, select(identities.c.id).where(identities.c.school == school))


def by_id(engine: Engine, identity: IdentityId) -> Identity | None:
    """One identity, or None."""
    with reading(engine) as connection:
        found = load(connection, select(identities.c.id).where(identities.c.id == identity))
    return found[0] if found else None


def find(engine: Engine, school: str | None, text: str) -> list[Identity]:
    """Those whom `text` names: by username, address, alias, number or id when one of those is exactly it, else by part of a name."""
    folded = fold(text)
    if not folded:
        return []
    some = select(identities.c.id).where(
        or_(
            identities.c.search.contains(folded, autoescape=True),
            identities.c.id == text.strip(),
            identities.c.id.in_(select(guests.c.identity).where(guests.c.record == text.strip())),
        )
    )
    if school is not None:
        some = some.where(identities.c.school == school)
    with reading(engine) as connection:
        found = load(connection, some)
    named = [identity for identity in found if exact(text) in identifiers(identity)]
    return named or found


def load(connection: Connection, which: Select[tuple[Any]]) -> list[Identity]:
    """The identities whose ids `which` selects: four queries, whatever their number."""
    ids = which.scalar_subquery()
    also: dict[str, list[SourceKey]] = {}
    keys = (
        select(source_keys.c.identity, source_keys.c.school, source_keys.c.record)
        .where(source_keys.c.position > 0, source_keys.c.identity.in_(ids))
        .order_by(source_keys.c.identity, source_keys.c.position)
    )
    for identity, school, record in connection.execute(keys):
        also.setdefault(identity, []).append(SourceKey(school, record))
    joined: dict[str, dict[str, Bond]] = {}
    held = select(bonds.c.identity, bonds.c.target, bonds.c.anchor, bonds.c.enabled).where(bonds.c.identity.in_(ids))
    for identity, target, anchor, enabled in connection.execute(held):
        joined.setdefault(identity, {})[target] = Bond(Anchor(anchor), enabled)
    elsewhere: dict[str, dict[str, str]] = {}
    there = (
        select(guests.c.identity, guests.c.school, guests.c.called)
        .join(identities, (identities.c.id == guests.c.identity) & (identities.c.school != guests.c.school))
        .where(guests.c.present, guests.c.identity.in_(ids))
    )
    for identity, school, called in connection.execute(there):
        elsewhere.setdefault(identity, {})[school] = called
    rows = connection.execute(select(*_COLUMNS).where(identities.c.id.in_(ids)).order_by(identities.c.id))
    return [
        identity_from(row, tuple(also.get(row[0], ())), joined.get(row[0], {}), elsewhere.get(row[0], _NOWHERE))
        for row in rows
    ]


def remember(
    connection: Connection, run: int | None, people: Sequence[Identity], now: datetime, moved_from: str = ""
) -> None:
    """Insert or update each in the caller's transaction, with its keys, and issue its names; bonds are not touched.

    Raises Halt, which names the clash, when a name or a record is somebody else's, or when somebody has gone over to another school since they were
    read; only who goes over from `moved_from` now may.
    """
    rows = {identity.id: identity_row(identity, now) for identity in people}
    column = listed(connection.engine, rows)
    kept = select(identities.c.id, identities.c.fingerprint, identities.c.school)
    found = connection.execute(kept.join(column, identities.c.id == column.c.value)).all()
    before = {row.id: row.fingerprint for row in found}
    schools = {row.id: row.school for row in found}
    for each in people:
        there = schools.get(each.id, each.school)
        if there not in (each.school, moved_from):
            raise Halt(
                f"{each.label} has gone over from {each.school} to {there} meanwhile. Nothing of this step was kept. Run it again."
            )
    changed = [identity for identity in people if rows[identity.id]["fingerprint"] != before.get(identity.id)]
    if not changed:
        return
    known = [identity.id for identity in changed if identity.id in before]
    old = {identity.id: identity for identity in load(connection, select(listed(connection.engine, known).c.value))}

    wanted = names_of(changed)
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    upsert = dialect.insert(identities)
    upsert = upsert.on_conflict_do_update(
        index_elements=["id"],
        set_={name: upsert.excluded[name] for name in identities.columns.keys() if name != "id"},  # noqa: SIM118 (a collection of columns, not a dict)
    )
    connection.execute(upsert, [rows[identity.id] for identity in changed])
    if known:
        connection.execute(
            delete(source_keys).where(source_keys.c.identity.in_(select(listed(connection.engine, known).c.value)))
        )
    connection.execute(insert(source_keys), _keys(changed))
    clashes = issue(connection, wanted, now)
    if clashes:
        name, entry = min(clashes.items())
        raise Halt(clash(name, wanted[name], entry))
    note(connection, run, [(identity.id, what_changed(old.get(identity.id), identity)) for identity in changed], now)


def names_of(people: Sequence[Identity]) -> dict[str, IdentityId]:
    """Whom each name is for; raises Halt when two of `people` want the same."""
    wanted: dict[str, IdentityId] = {}
    for identity in people:
        for name in (identity.username, identity.email, *identity.aliases):
            if name and wanted.setdefault(name.lower(), identity.id) != identity.id:
                raise Halt(clash(name, identity.id, Entry(wanted[name.lower()], None, None)))
    return wanted


def _keys(people: Sequence[Identity]) -> list[dict[str, Any]]:
    return [
        {"school": key.school, "record": key.record, "identity": identity.id, "position": position}
        for identity in people
        for position, key in enumerate(identity.keys)
    ]


def clash(name: str, identity: IdentityId, entry: Entry) -> str:
    whose = f"was issued to the identity {entry.identity}" if entry.identity else f"is in use in {entry.seen_in}"
    return f"The name {name} cannot be given to the identity {identity}: it {whose}, and a name is issued once. Nothing of this step was kept."


def why_refused(engine: Engine, people: Sequence[Identity]) -> str:
    """The sentence for a clash that only the database noticed, because another run was faster or a record is known already."""
    wanted: Mapping[str, IdentityId] = names_of(people)
    with reading(engine) as connection:
        for name, entry in sorted(entries(connection, wanted).items()):
            if entry.identity is not None and entry.identity != wanted[name]:
                return clash(name, wanted[name], entry)
        column = listed(engine, [key.record for identity in people for key in identity.keys])
        query = select(source_keys.c.school, source_keys.c.record, source_keys.c.identity)
        known = {
            SourceKey(school, record): identity
            for school, record, identity in connection.execute(
                query.join(column, source_keys.c.record == column.c.value)
            )
        }
    for identity in people:
        for key in identity.keys:
            owner = known.get(key, identity.id)
            if owner != identity.id:
                return (
                    f"The MIS record {key.record} of {key.school} cannot belong to the identity {identity.id}: it belongs to {owner},"
                    " and a record is one person. Nothing of this step was kept."
                )
    return "Two people were to share a name or an MIS record. Nothing of this step was kept. Run onroll again."
