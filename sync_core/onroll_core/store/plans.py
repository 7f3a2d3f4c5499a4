"""Plans as they were made, change by change, and the changes that were sent and never answered."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Row, Select, insert, select, update

from onroll_core.changes import sentence
from onroll_core.plan import Plan, as_json
from onroll_core.store.codec import document, told, utc
from onroll_core.store.engine import reading
from onroll_core.store.schema import changes, plans, runs


def keep(connection: Connection, run: int, plan: Plan, verdict: str, objections: Sequence[str], now: datetime) -> int:
    """Keep a plan and each of its changes, in the caller's transaction; gives its number.

    A new plan was made by looking at the target, so it answers whatever an earlier run sent there and never heard of: that is marked "unknown".
    """
    open_before = select(plans.c.id).where(plans.c.school == plan.school, plans.c.target == plan.target)
    cut_off = changes.c.plan.in_(open_before) & changes.c.intended.is_not(None) & changes.c.outcome.is_(None)
    looked = f"the run was cut off; run {run} looked again"
    connection.execute(update(changes).where(cut_off).values(outcome="unknown", answered=utc(now), note=looked))
    conflicts = [{"identity": each.identity, "username": each.username, "why": each.why} for each in plan.conflicts]
    row = {
        "run": run,
        "school": plan.school,
        "target": plan.target,
        "digest": plan.digest,
        "verdict": verdict,
        "objections": document(list(objections)),
        "conflicts": document(conflicts),
        "notices": document(list(plan.notices)),
        "made": utc(now),
    }
    kept = int(connection.execute(insert(plans).values(row).returning(plans.c.id)).scalar_one())
    rows = []
    for position, change in enumerate(plan.changes):
        shape = as_json(change)
        rows.append(
            {
                "plan": kept,
                "position": position,
                "kind": shape["kind"],
                "identity": shape["identity"],
                "username": shape["username"],
                "document": document(shape),
                "sentence": sentence(change),
            }
        )
    if rows:
        connection.execute(insert(changes), rows)
    return kept


def last(engine: Engine, school: str, target: str) -> dict[str, Any] | None:
    """The newest plan for everybody of a school in a target with its changes, or None."""
    with reading(engine) as connection:
        row = connection.execute(newest(school, target)).one_or_none()
        return None if row is None else _plan(connection, row)


def newest(school: str, target: str) -> Select[Any]:
    """The row of plans that is the newest for everybody of a school in a target.

    Neither an undo's plan nor one that was made for a few people tells what waits for the others: the plan before it does.
    """
    mine = (plans.c.school == school) & (plans.c.target == target) & (runs.c.kind != "undo")
    for_a_few = runs.c.summary.contains('"only_people":', autoescape=True)
    query = select(plans).join(runs, runs.c.id == plans.c.run).where(mine, runs.c.summary.is_(None) | ~for_a_few)
    return query.order_by(plans.c.id.desc()).limit(1)


def of_run(connection: Connection, run: int) -> list[dict[str, Any]]:
    """Every plan of a run with its changes, in the order they were made."""
    rows = connection.execute(select(plans).where(plans.c.run == run).order_by(plans.c.id)).all()
    return [_plan(connection, row) for row in rows]


def unanswered(engine: Engine, school: str, target: str) -> list[dict[str, Any]]:
    """What a run sent to a target, or was about to send, without hearing what became of it."""
    waiting = changes.c.intended.is_not(None) & changes.c.outcome.is_(None)
    ours = (plans.c.school == school) & (plans.c.target == target)
    query = select(changes).join(plans, plans.c.id == changes.c.plan).where(ours, waiting)
    with reading(engine) as connection:
        return [change_row(row) for row in connection.execute(query.order_by(changes.c.plan, changes.c.position))]


def _plan(connection: Connection, row: Row[Any]) -> dict[str, Any]:
    query = select(changes).where(changes.c.plan == row.id).order_by(changes.c.position)
    return row._asdict() | {
        "objections": json.loads(row.objections),
        "conflicts": json.loads(row.conflicts),
        "notices": json.loads(row.notices),
        "made": told(row.made),
        "changes": [change_row(change) for change in connection.execute(query)],
    }


def change_row(row: Row[Any]) -> dict[str, Any]:
    """A row of changes with its document and times as callers know them."""
    times = {"intended": told(row.intended), "answered": told(row.answered)}
    return row._asdict() | {"document": json.loads(row.document), "note": row.note or ""} | times
