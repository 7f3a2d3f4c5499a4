"""What scripts show at the JSON API: a role, schools and an end, like a person's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine, Row, insert, select, update

from onroll_core.store.codec import told, utc
from onroll_core.store.console.keys import digest, kept, schools
from onroll_core.store.console_schema import tokens
from onroll_core.store.engine import reading, writing


@dataclass(frozen=True, slots=True)
class Token:
    """A token as people see it; the secret itself was shown once."""

    id: int
    name: str
    role: str
    schools: frozenset[str] | None
    made: str
    by: str
    expires: str
    used: str | None
    revoked: str | None


class Tokens:
    """Tokens by their secret, which the store does not have."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, secret: str, name: str, role: str, of: Sequence[str] | None, by: str, now: datetime, lasts: timedelta) -> int:  # fmt: skip
        """A new token, which ends after `lasts`; gives its number."""
        row = {
            "key": digest(secret), "name": name, "role": role, "schools": kept(of), "made": utc(now), "by": by,
            "expires": utc(now + lasts),
        }  # fmt: skip
        with writing(self._engine) as connection:
            return int(connection.execute(insert(tokens).values(row).returning(tokens.c.id)).scalar_one())

    def find(self, secret: str, now: datetime) -> Token | None:
        """The token of a secret, unless it is over or was taken back."""
        query = select(tokens).where(tokens.c.key == digest(secret), tokens.c.revoked.is_(None))
        with reading(self._engine) as connection:
            row = connection.execute(query.where(tokens.c.expires > utc(now))).one_or_none()
        if row is None:
            return None
        if row.used is None or row.used < utc(now - timedelta(hours=1)):
            with writing(self._engine, durable=False) as connection:
                connection.execute(update(tokens).where(tokens.c.id == row.id).values(used=utc(now)))
        return _token(row)

    def all(self) -> list[Token]:
        """Every token there ever was, newest first."""
        with reading(self._engine) as connection:
            return [_token(row) for row in connection.execute(select(tokens).order_by(tokens.c.id.desc()))]

    def revoke(self, number: int, now: datetime) -> bool:
        """It is good for nothing from now on; False when it was so already."""
        mine = update(tokens).where(tokens.c.id == number, tokens.c.revoked.is_(None))
        with writing(self._engine) as connection:
            return connection.execute(mine.values(revoked=utc(now))).rowcount == 1


def _token(row: Row[Any]) -> Token:
    return Token(
        row.id, row.name, row.role, schools(row.schools), told(row.made) or "", row.by, told(row.expires) or "", told(row.used),
        told(row.revoked),
    )  # fmt: skip
