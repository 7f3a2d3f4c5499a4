"""Changes that were undone, until a person says that they are right after all or no plan has them any more; and what runs did since."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, delete, insert, select

from onroll_core.plan import as_json
from onroll_core.store.codec import utc
from onroll_core.store.engine import reading, writing
from onroll_core.store.schema import changes, plans, runs, undone
from onroll_core.traces import Aspect, Trace, aspects, traces
from onroll_core.undo import Undo


@dataclass(frozen=True, slots=True)
class Mark:
    """One change that the undo `run` took back, when (aware, UTC) and by whom."""

    trace: Trace
    run: int
    by: str
    at: datetime


def remember(connection: Connection, run: int, found: Undo, by: str, now: datetime) -> None:
    """Keep what the undo `run` takes back, and forget what it does again thereby, in the caller's transaction."""
    plan = found.plan
    again = {trace for change in plan.changes for trace in traces(as_json(change))}
    _forget(connection, plan.school, plan.target, again | found.traces)
    head = {"school": plan.school, "target": plan.target, "run": run, "by": by, "at": utc(now)}
    rows = [head | trace._asdict() for trace in sorted(found.traces)]
    if rows:
        connection.execute(insert(undone), rows)


def of_target(engine: Engine, school: str, target: str) -> list[Mark]:
    """What was undone in a target and is not forgotten."""
    query = select(undone).where(undone.c.school == school, undone.c.target == target)
    with reading(engine) as connection:
        return [
            Mark(Trace(row.kind, row.identity, row.about), row.run, row.by, datetime.fromisoformat(row.at))
            for row in connection.execute(query.order_by(undone.c.run, undone.c.kind, undone.c.identity))
        ]


def forget(engine: Engine, school: str, target: str, found: Iterable[Trace]) -> None:
    """They may be done again."""
    with writing(engine) as connection:
        _forget(connection, school, target, found)


def _forget(connection: Connection, school: str, target: str, found: Iterable[Trace]) -> None:
    table = undone.c
    for trace in found:
        same = [getattr(table, name) == value for name, value in trace._asdict().items()]
        connection.execute(delete(undone).where(table.school == school, table.target == target, *same))


def changed_since(engine: Engine, school: str, target: str, run: int) -> dict[Aspect, int]:
    """What was changed in a target by runs after `run`, with the last of them."""
    later = (plans.c.school == school) & (plans.c.target == target) & (plans.c.run > run)
    query = select(plans.c.run, changes.c.document).join(plans, plans.c.id == changes.c.plan)
    with reading(engine) as connection:
        rows = connection.execute(query.where(later, changes.c.outcome == "applied").order_by(plans.c.run))
        return {each: run for run, text in rows for each in aspects(json.loads(text))}


def undone_by(connection: Connection, run: int) -> list[dict[str, Any]]:
    """The undo runs that took back something of `run`: id, by and started (ISO, UTC), the first one first."""
    did = select(plans.c.run).join(changes, changes.c.plan == plans.c.id).where(changes.c.outcome == "applied")
    query = select(runs.c.id, runs.c.by, runs.c.started).where(runs.c.undoes == run, runs.c.id.in_(did))
    return [row._asdict() for row in connection.execute(query.order_by(runs.c.id))]
