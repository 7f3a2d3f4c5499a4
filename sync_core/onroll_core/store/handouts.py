"""Who was handed a first password, when and by whom; the passwords themselves are kept nowhere."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, Engine, select
from sqlalchemy.dialects import postgresql, sqlite

from onroll_core.accounts import IdentityId
from onroll_core.store import events
from onroll_core.store.codec import told, utc
from onroll_core.store.engine import reading
from onroll_core.store.schema import handouts, identities


def note(connection: Connection, run: int, given: Iterable[IdentityId], by: str, now: datetime) -> None:
    """These people were handed a first password, in the caller's transaction."""
    rows = [{"identity": identity, "at": utc(now), "by": by} for identity in given]
    if not rows:
        return
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    insert = dialect.insert(handouts)
    upsert = insert.on_conflict_do_update(
        index_elements=["identity"], set_={"at": insert.excluded.at, "by": insert.excluded.by}
    )
    connection.execute(upsert, rows)
    what = f"A first password was handed out{f' by {by}' if by else ''}."
    events.note(connection, run, [(row["identity"], what) for row in rows], now)  # type: ignore[misc]


def of_school(engine: Engine, school: str) -> dict[IdentityId, tuple[str, str]]:
    """When (ISO, UTC) and by whom people of a school were last handed one."""
    query = select(handouts.c.identity, handouts.c.at, handouts.c.by).join(
        identities, identities.c.id == handouts.c.identity
    )
    with reading(engine) as connection:
        rows = connection.execute(query.where(identities.c.school == school))
        return {IdentityId(identity): (told(at) or "", by) for identity, at, by in rows}
