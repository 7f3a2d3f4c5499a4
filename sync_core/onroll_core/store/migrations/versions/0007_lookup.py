"""What people are listed and counted by has columns of its own, and indices that hold all of it."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

from onroll_core.store.codec import LISTED_AS, listed_as

revision = "0007"
down_revision = "0006"

_AT_ONCE = 5_000


def upgrade() -> None:
    """Make the columns, fill them from what is known, and make the indices."""
    for name in LISTED_AS:
        op.add_column("identities", sa.Column(name, sa.Text, nullable=False, server_default=sa.text("''")))
    connection = op.get_bind()
    people = sa.table("identities", sa.column("id"), sa.column("person"), *(sa.column(name) for name in LISTED_AS))
    fill = people.update().where(people.c.id == sa.bindparam("whose"))
    kept = connection.execute(sa.select(people.c.id, people.c.person)).all()
    rows = [{"whose": each.id, **listed_as(json.loads(each.person))} for each in kept]
    for start in range(0, len(rows), _AT_ONCE):
        connection.execute(fill, rows[start : start + _AT_ONCE])
    kinds = ("school", "role", "state", "source", "year_group", "registration_group")
    op.create_index("people_by_kind", "identities", kinds)
    op.create_index("names_that_wait", "identities", ["school"], sqlite_where=_WAITING, postgresql_where=_WAITING)
    if connection.dialect.name == "sqlite":
        op.create_index("people_listed", "identities", ["school", "sort_name", "id", "search", *kinds[1:]])


_WAITING = sa.text("waiting IS NOT NULL")
