"""Links that work once: to make the first administrator, and to choose a password."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Engine, insert, select, update

from onroll_core.store.codec import utc
from onroll_core.store.console.keys import digest
from onroll_core.store.console_schema import one_time_links
from onroll_core.store.engine import reading, writing


class Links:
    """One-time links by their secret, which the store does not have."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def make(self, secret: str, operator: int | None, now: datetime, lasts: timedelta) -> None:
        """A new link for an operator; earlier ones for the same stop working. For whoever becomes the first (None) all work until one of them was used."""
        row = {"key": digest(secret), "operator": operator, "made": utc(now), "expires": utc(now + lasts)}
        with writing(self._engine) as connection:
            if operator is not None:
                same = (one_time_links.c.operator == operator) & one_time_links.c.used.is_(None)
                connection.execute(update(one_time_links).where(same).values(used=utc(now)))
            connection.execute(insert(one_time_links).values(row))

    def look(self, secret: str, now: datetime) -> tuple[bool, int | None]:
        """Whether a link still works, and for whom."""
        mine = (one_time_links.c.key == digest(secret)) & one_time_links.c.used.is_(None)
        query = select(one_time_links.c.operator).where(mine, one_time_links.c.expires > utc(now))
        with reading(self._engine) as connection:
            row = connection.execute(query).one_or_none()
        return (False, None) if row is None else (True, row.operator)

    def use(self, secret: str, now: datetime) -> bool:
        """True exactly once for a link that still works."""
        mine = (one_time_links.c.key == digest(secret)) & one_time_links.c.used.is_(None)
        used = update(one_time_links).where(mine, one_time_links.c.expires > utc(now)).values(used=utc(now))
        with writing(self._engine) as connection:
            return connection.execute(used).rowcount == 1
