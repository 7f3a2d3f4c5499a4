"""Identities, their MIS records, their accounts and their names: what must never be lost or given twice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from onroll_core.accounts import IdentityId
from onroll_core.errors import Halt, Refused
from onroll_core.identities import Bond, Identity
from onroll_core.people import SourceKey
from onroll_core.store.rows import bond_of, identity_of, identity_row, stamp
from onroll_core.store.schema import bonds, identities, names, source_keys

_CHUNK = 500
_NONE: dict[str, Bond] = {}


def load(connection: Connection, condition: Any) -> list[Identity]:
    """Every identity that meets `condition` (an expression on the table identities), by id."""
    wanted = select(identities.c.id).where(condition)
    also: dict[str, tuple[SourceKey, ...]] = {}
    extra = select(source_keys).where(source_keys.c.main.is_(False), source_keys.c.identity.in_(wanted))
    for row in connection.execute(extra.order_by(source_keys.c.record)):
        also[row.identity] = (*also.get(row.identity, ()), SourceKey(row.school, row.record))
    bound: dict[str, dict[str, Bond]] = {}
    for row in connection.execute(select(bonds).where(bonds.c.identity.in_(wanted))):
        bound.setdefault(row.identity, {})[row.target] = bond_of(row)
    rows = connection.execute(select(identities).where(condition).order_by(identities.c.id))
    return [identity_of(row, also.get(row.id, ()), bound.get(row.id, _NONE)) for row in rows]


def matching(text: str) -> Any:
    """The condition for what a person types to mean somebody: username, address, former address, identity, MIS record or number."""
    low = text.strip().lower()
    pattern = "%" + low.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    by_name = select(names.c.identity).where(names.c.name == low)
    by_key = select(source_keys.c.identity).where(source_keys.c.record == text.strip())
    return or_(
        identities.c.id == low,
        identities.c.username == low,
        identities.c.email == low,
        identities.c.id.in_(by_name),
        identities.c.id.in_(by_key),
        identities.c.proposal == low,
        identities.c.person.ilike(f'%"upn":"{pattern[1:-1]}"%', escape="\\"),
        identities.c.person.ilike(f'%"admission_number":"{pattern[1:-1]}"%', escape="\\"),
    )


def remember(connection: Connection, people: Sequence[Identity], now: datetime) -> None:
    """Insert or update identities, their keys and their names. Raises Halt naming the clash; the transaction is the caller's."""
    known = _known(connection, [identity.id for identity in people])
    new = [identity for identity in people if identity.id not in known]
    try:
        for chunk in _chunks([identity_row(identity, now) for identity in new]):
            connection.execute(insert(identities), chunk)
        for identity in people:
            if identity.id in known:
                row = identity_row(identity, now)
                connection.execute(update(identities).where(identities.c.id == row.pop("id")).values(row))
        _keep_keys(connection, people, known)
        for identity in people:
            for name in {identity.username, identity.email, *identity.aliases} - {None}:
                claim(connection, str(name), identity.id, now)
    except IntegrityError as clash:
        raise Halt(
            f"The store refused to keep two people apart ({_constraint(clash)}): a name or an MIS record would belong to two of them."
            " Nothing of this reading was kept. Run onroll again; if it stays, report it with: onroll runs"
        ) from None


def _known(connection: Connection, ids: Sequence[str]) -> set[str]:
    found: set[str] = set()
    for start in range(0, len(ids), _CHUNK):
        part = ids[start : start + _CHUNK]
        found |= set(connection.execute(select(identities.c.id).where(identities.c.id.in_(part))).scalars())
    return found


def _keep_keys(connection: Connection, people: Sequence[Identity], known: set[str]) -> None:
    rows: list[dict[str, Any]] = []
    for identity in people:
        if identity.id in known:
            connection.execute(delete(source_keys).where(source_keys.c.identity == identity.id))
        rows += [
            {"school": key.school, "record": key.record, "identity": identity.id, "main": key == identity.person.key}
            for key in identity.keys
        ]
    for chunk in _chunks(rows):
        connection.execute(insert(source_keys), chunk)


def claim(connection: Connection, name: str, identity: IdentityId, now: datetime) -> None:
    """Issue `name` to `identity`: a name is issued once and its row is never removed.

    A name that was only ever seen in a target may still be issued to the one who holds it there (a linked account); raises Halt when it was
    issued to somebody else.
    """
    row = connection.execute(select(names.c.identity).where(names.c.name == name)).first()
    if row is None:
        connection.execute(insert(names).values(name=name, identity=identity, since=stamp(now)))
    elif row.identity is None:
        connection.execute(update(names).where(names.c.name == name).values(identity=identity))
    elif row.identity != identity:
        raise Halt(
            f"The name {name} was already issued to {row.identity} and cannot be given to {identity} too. Nothing of this step was kept."
        )


def absorb(connection: Connection, target: str, seen: Iterable[str], now: datetime) -> int:
    """Enter names seen in a target into the ledger; gives how many were new."""
    fresh = set(seen) - set(connection.execute(select(names.c.name)).scalars())
    rows = [{"name": name, "seen_in": target, "since": stamp(now)} for name in sorted(fresh) if len(name) <= 320]
    for chunk in _chunks(rows):
        connection.execute(insert(names), chunk)
    return len(rows)


def rename(
    connection: Connection, identity: Identity, username: str, email: str, keep_alias: bool, now: datetime
) -> None:
    """Give an identity another username and address; the old address becomes an alias. Raises Refused when a name is somebody else's."""
    for name in (username, email):
        row = connection.execute(select(names.c.identity, names.c.seen_in).where(names.c.name == name)).first()
        if row is not None and row.identity != identity.id:
            where = f"seen in {row.seen_in}" if row.identity is None else f"issued to {row.identity}"
            raise Refused(f"The name {name} is taken ({where}), and a name is never given twice. Choose another.")
        claim(connection, name, identity.id, now)
    aliases = set(identity.aliases) - {email}
    if keep_alias and identity.email is not None and identity.email != email:
        aliases.add(identity.email)
    connection.execute(
        update(identities)
        .where(identities.c.id == identity.id)
        .values(
            username=username,
            email=email,
            aliases="\n".join(sorted(aliases)),
            waiting=None,
            proposal=None,
            updated=stamp(now),
        )
    )


def bond(connection: Connection, identity: IdentityId, target: str, value: Bond, now: datetime) -> None:
    """Keep which account is an identity's in a target. Raises Halt when that account is already somebody else's."""
    try:
        done = connection.execute(
            update(bonds)
            .where(bonds.c.identity == identity, bonds.c.target == target)
            .values(anchor=value.anchor, enabled=value.enabled)
        )
        if not done.rowcount:
            connection.execute(
                insert(bonds).values(
                    identity=identity, target=target, anchor=value.anchor, enabled=value.enabled, since=stamp(now)
                )
            )
    except IntegrityError:
        raise Halt(
            f"The account {value.anchor} in {target} already belongs to another person than {identity}. Nothing of this step was kept."
        ) from None


def _chunks(rows: Sequence[dict[str, Any]]) -> Iterable[list[dict[str, Any]]]:
    for start in range(0, len(rows), _CHUNK):
        yield list(rows[start : start + _CHUNK])


def _constraint(clash: IntegrityError) -> str:
    return str(clash.orig).splitlines()[0] if clash.orig is not None else "a constraint"
