"""A connector's own small memory between runs, one drawer for each target."""

from __future__ import annotations

from sqlalchemy import Engine, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from onroll_core.store.engine import reading, writing
from onroll_core.store.schema import memories


class StoreMemory:
    """What one target's connector keeps; see `contracts.Memory`."""

    def __init__(self, engine: Engine, target: str) -> None:
        self._engine = engine
        self._target = target

    def get(self, key: str) -> bytes | None:
        """What was put under `key`, or None."""
        query = select(memories.c.value).where(memories.c.target == self._target, memories.c.key == key)
        with reading(self._engine) as connection:
            found = connection.execute(query).scalar()
        return None if found is None else bytes(found)

    def put(self, key: str, value: bytes) -> None:
        """Keep `value` under `key` in place of what was there."""
        dialect = postgresql if self._engine.dialect.name == "postgresql" else sqlite
        row = {"target": self._target, "key": key, "value": value}
        upsert = dialect.insert(memories).on_conflict_do_update(index_elements=["target", "key"], set_={"value": value})
        with writing(self._engine, durable=False) as connection:
            connection.execute(upsert, row)


def forget(engine: Engine, target: str) -> None:
    """Empty a target's drawer: its next read is a full one."""
    with writing(engine) as connection:
        connection.execute(delete(memories).where(memories.c.target == target))
