"""Groups as the MIS told them last, and whom we put into which group of which target."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Engine, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from onroll_core.accounts import IdentityId
from onroll_core.changes import AddMember, RemoveMember
from onroll_core.groups.known import KnownGroup
from onroll_core.people import GroupKind, SourceKey
from onroll_core.store.codec import document
from onroll_core.store.engine import reading
from onroll_core.store.schema import groups, memberships

Membership = tuple[SourceKey, IdentityId]


def of_school(engine: Engine, school: str) -> list[KnownGroup]:
    """Every group ever told of a school, archived ones too."""
    with reading(engine) as connection:
        rows = connection.execute(select(groups).where(groups.c.school == school).order_by(groups.c.record))
        return [known_group(row) for row in rows.mappings()]


def known_group(told: Mapping[Any, Any]) -> KnownGroup:
    """The group of a row, its columns by name."""
    people = json.loads(told["people"])
    return KnownGroup(
        SourceKey(told["school"], told["record"]),
        GroupKind(told["kind"]),
        told["name"],
        frozenset(IdentityId(each) for each in people["members"]),
        frozenset(IdentityId(each) for each in people["leaders"]),
        told["year"],
        told["archived"],
        told["doubt"],
    )


def remember(connection: Connection, found: Sequence[KnownGroup]) -> None:
    """Insert or replace each group, in the caller's transaction."""
    if not found:
        return
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    insert = dialect.insert(groups)
    values = ("kind", "name", "people", "year", "archived", "doubt")
    upsert = insert.on_conflict_do_update(
        index_elements=["school", "record"], set_={name: insert.excluded[name] for name in values}
    )
    rows = [
        {
            "school": group.key.school,
            "record": group.key.record,
            "kind": group.kind.value,
            "name": group.name,
            "people": document({"members": sorted(group.members), "leaders": sorted(group.leaders)}),
            "year": group.year,
            "archived": group.archived,
            "doubt": group.doubt,
        }
        for group in found
    ]
    connection.execute(upsert, rows)


def put_by_us(engine: Engine, target: str, school: str) -> frozenset[Membership]:
    """Pairs of group and identity: whom we put into the groups of a school in a target."""
    query = select(memberships.c.record, memberships.c.identity)
    with reading(engine) as connection:
        rows = connection.execute(query.where(memberships.c.target == target, memberships.c.school == school))
        return frozenset((SourceKey(school, record), IdentityId(identity)) for record, identity in rows)


def note(connection: Connection, target: str, change: AddMember | RemoveMember) -> None:
    """A change of membership was carried out, in the caller's transaction."""
    row = {
        "target": target,
        "school": change.key.school,
        "record": change.key.record,
        "identity": change.who.identity,
        "owner": change.owner,
    }
    if isinstance(change, AddMember):
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        connection.execute(dialect.insert(memberships).on_conflict_do_nothing(), row)
        return
    table = memberships.c
    same = [table[name] == value for name, value in row.items()]
    connection.execute(delete(memberships).where(*same))
