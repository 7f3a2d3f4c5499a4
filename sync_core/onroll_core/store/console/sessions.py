"""Who is signed in at the console, until when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine, delete, insert, select, update

from onroll_core.accounts import IdentityId
from onroll_core.store.codec import utc
from onroll_core.store.console.keys import digest
from onroll_core.store.console_schema import console_sessions
from onroll_core.store.engine import reading, writing

_SEEN_AGAIN = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody signed in: an operator, or a member of staff with their own profile alone."""

    key: str
    operator: int | None
    identity: IdentityId | None
    csrf: str


class Sessions:
    """Sessions by their cookie, which the store does not have."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def begin(
        self, cookie: str, csrf: str, operator: int | None, identity: IdentityId | None, now: datetime, lasts: timedelta
    ) -> None:
        """Somebody has signed in, and is signed out after `lasts` at the latest."""
        row = {
            "key": digest(cookie), "operator": operator, "identity": identity, "csrf": csrf, "made": utc(now), "seen": utc(now),
            "expires": utc(now + lasts),
        }  # fmt: skip
        with writing(self._engine) as connection:
            connection.execute(delete(console_sessions).where(console_sessions.c.expires < utc(now)))
            connection.execute(insert(console_sessions).values(row))

    def find(self, cookie: str, now: datetime, idle: timedelta) -> Session | None:
        """The session of a cookie, unless it is over or nobody was seen for `idle`; it is then seen."""
        key = digest(cookie)
        with reading(self._engine) as connection:
            row = connection.execute(select(console_sessions).where(console_sessions.c.key == key)).one_or_none()
        if row is None or row.expires <= utc(now) or row.seen <= utc(now - idle):
            return None
        if row.seen <= utc(now - _SEEN_AGAIN):  # not at every click: a read stays a read
            with writing(self._engine, durable=False) as connection:
                mine = update(console_sessions).where(console_sessions.c.key == key)
                connection.execute(mine.values(seen=utc(now)))
        return Session(key, row.operator, row.identity and IdentityId(row.identity), row.csrf)

    def end(self, cookie: str) -> None:
        """Somebody signs out."""
        with writing(self._engine) as connection:
            connection.execute(delete(console_sessions).where(console_sessions.c.key == digest(cookie)))

    def end_others(self, operator: int, cookie: str) -> None:
        """Somebody signs out everywhere else."""
        others = (console_sessions.c.operator == operator) & (console_sessions.c.key != digest(cookie))
        with writing(self._engine) as connection:
            connection.execute(delete(console_sessions).where(others))
