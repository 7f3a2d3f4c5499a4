"""Who did what at the console, and when. Rows are added and never changed."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, func, insert, or_, select

from onroll_core.store.codec import told, utc
from onroll_core.store.console_schema import audit
from onroll_core.store.engine import reading, writing


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing somebody did. `about` is what it was done to (an identity, a digest, a run), or ""; `school` None is the whole installation."""

    id: int
    at: str
    by: str
    school: str | None
    what: str
    about: str


class Audit:
    """The audit of one installation."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def note(self, at: datetime, by: str, school: str | None, what: str, about: str = "") -> None:
        """Keep what somebody did."""
        row = {"at": utc(at), "by": by, "school": school, "what": what, "about": about}
        with writing(self._engine) as connection:
            connection.execute(insert(audit).values(row))

    def list(
        self, schools: Collection[str] | None, limit: int = 100, before: int | None = None, text: str = ""
    ) -> list[Entry]:
        """The newest first: of these schools, or (None) of everything; those with `text` in them, older than the entry `before`."""
        query = select(audit).order_by(audit.c.id.desc()).limit(limit)
        if schools is not None:
            query = query.where(audit.c.school.in_(schools))
        if before is not None:
            query = query.where(audit.c.id < before)
        if text:
            columns = (audit.c.what, audit.c.by, audit.c.about)
            query = query.where(or_(*(each.icontains(text, autoescape=True) for each in columns)))
        with reading(self._engine) as connection:
            return [Entry(row.id, told(row.at) or "", row.by, row.school, row.what, row.about) for row in connection.execute(query)]  # fmt: skip

    def last(self, what: str) -> dict[str, str]:
        """When each person last did exactly `what`."""
        query = select(audit.c.by, func.max(audit.c.at)).where(audit.c.what == what).group_by(audit.c.by)
        with reading(self._engine) as connection:
            return {by: told(at) or "" for by, at in connection.execute(query)}
