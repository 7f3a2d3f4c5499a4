"""The past of people: when the MIS last had them, and forgetting what was known of those who left long ago."""

from __future__ import annotations

from sqlalchemy import Engine, select

from onroll_core.store.codec import told
from onroll_core.store.engine import reading
from onroll_core.store.schema import readings


class Past:
    """What the store keeps of people's past."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def last_seen(self, school: str, absences: int) -> str | None:
        """When (ISO, UTC) the reading was taken that had somebody who has been missing from the last `absences` good ones; None when never, or not missing."""
        if not absences:
            return None
        query = select(readings.c.taken_at).where(readings.c.school == school, readings.c.good)
        with reading(self._engine) as connection:
            return told(connection.execute(query.order_by(readings.c.id.desc()).offset(absences).limit(1)).scalar())
