"""Runs, readings, plans, approvals, intentions and outcomes: what happened that night, and why."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from onroll_core.accounts import IdentityId
from onroll_core.changes import (
    AddMember,
    Applied,
    Change,
    Create,
    CreateGroup,
    Disable,
    Enable,
    Link,
    Move,
    Outcome,
    RemoveMember,
    Rename,
    Update,
    UpdateGroup,
    sentence,
)
from onroll_core.identities import Bond
from onroll_core.plan import Plan, as_json
from onroll_core.store.people import bond
from onroll_core.store.rows import stamp
from onroll_core.store.schema import approvals, changes, contacts, plans, readings, runs

_CHUNK = 500


def keep_plan(connection: Connection, run: int, plan: Plan, verdict: str, objections: Sequence[str]) -> int:
    """Write a plan down with every change of it; gives its id."""
    result = connection.execute(
        insert(plans).values(
            run=run,
            target=plan.target,
            digest=plan.digest,
            verdict=verdict,
            objections=json.dumps(list(objections), ensure_ascii=False),
            conflicts=json.dumps(
                [{"identity": each.identity, "username": each.username, "why": each.why} for each in plan.conflicts],
                ensure_ascii=False,
            ),
            notices=json.dumps(list(plan.notices), ensure_ascii=False),
        )
    )
    plan_id = int(result.inserted_primary_key[0])  # type: ignore[index]
    rows = []
    for position, change in enumerate(plan.changes):
        document = as_json(change)
        rows.append(
            {
                "plan": plan_id,
                "position": position,
                "kind": document["kind"],
                "identity": document["identity"],
                "username": document["username"],
                "document": json.dumps(document, ensure_ascii=False),
                "sentence": sentence(change),
            }
        )
    for start in range(0, len(rows), _CHUNK):
        connection.execute(insert(changes), rows[start : start + _CHUNK])
    return plan_id


class Journal:
    """Intentions and outcomes of one plan that is being applied (`onroll_core.apply.Journal`)."""

    def __init__(
        self,
        begin: Callable[[bool], AbstractContextManager[Connection]],
        plan_id: int,
        plan: Plan,
        school: str,
        now: Callable[[], datetime],
    ) -> None:
        self._begin, self._plan_id, self._target, self._school, self._now = begin, plan_id, plan.target, school, now
        self._positions = {id(change): position for position, change in enumerate(plan.changes)}
        self._changed = False

    def intend(self, batch: Sequence[Change]) -> None:
        """Durable when it returns: these are about to be sent."""
        positions = sorted(self._positions[id(change)] for change in batch)
        with self._begin(True) as connection:
            connection.execute(
                update(changes)
                .where(changes.c.plan == self._plan_id, changes.c.position.between(positions[0], positions[-1]))
                .values(intended=stamp(self._now()))
            )

    def record(self, outcome: Outcome) -> None:
        """What became of one change, and the bond that it made or switched, in one transaction."""
        note = outcome.note if isinstance(outcome, Applied) else outcome.why
        with self._begin(False) as connection:
            connection.execute(
                update(changes)
                .where(changes.c.plan == self._plan_id, changes.c.position == self._positions[id(outcome.change)])
                .values(outcome=type(outcome).__name__.lower(), answered=stamp(self._now()), note=note or None)
            )
            if not isinstance(outcome, Applied):
                return
            made = _bond_made(outcome)
            if made is not None:
                bond(connection, made[0], self._target, made[1], self._now())
            if not self._changed:
                self._changed = True
                note_change(connection, self._school, self._now())


def _bond_made(outcome: Applied) -> tuple[IdentityId, Bond] | None:
    """The account that a change made or switched, if it did."""
    match outcome.change:
        case Create(who) | Enable(who):
            anchor = outcome.anchor or who.anchor
            return None if anchor is None else (who.identity, Bond(anchor, True))
        case Disable(who):
            return who.identity, Bond(who.object, False)
        case Link() | Rename() | Update() | Move() | CreateGroup() | UpdateGroup() | AddMember() | RemoveMember():
            return None


def note_change(connection: Connection, school: str, now: datetime) -> None:
    """Something was changed in a target tonight."""
    _contact(connection, school, {"last_change": stamp(now)})


def note_contact(connection: Connection, school: str, now: datetime, problem: str | None) -> None:
    """The MIS was tried: it answered, or there is a sentence that says why not."""
    values: dict[str, Any] = {"last_contact": stamp(now), "problem": problem}
    if problem is None:
        values["failing_since"] = None
    else:
        since = connection.execute(select(contacts.c.failing_since).where(contacts.c.school == school)).scalar()
        values["failing_since"] = since or stamp(now)
    _contact(connection, school, values)


def note_reading(connection: Connection, school: str, now: datetime, feed_time: datetime | None) -> None:
    """A complete, good reading was remembered."""
    _contact(connection, school, {"last_read": stamp(now), "feed_time": stamp(feed_time) if feed_time else None})


def _contact(connection: Connection, school: str, values: Mapping[str, Any]) -> None:
    if not connection.execute(update(contacts).where(contacts.c.school == school).values(**values)).rowcount:
        connection.execute(insert(contacts).values(school=school, **values))


def use_approval(connection: Connection, digest: str, now: datetime) -> bool:
    """True once for each approval of exactly this digest that has not expired."""
    row = connection.execute(
        select(approvals.c.id)
        .where(approvals.c.digest == digest, approvals.c.used.is_(None), approvals.c.expires > stamp(now))
        .order_by(approvals.c.id.desc())
        .limit(1)
    ).scalar()
    if row is None:
        return False
    used = connection.execute(
        update(approvals).where(approvals.c.id == row, approvals.c.used.is_(None)).values(used=stamp(now))
    )
    return used.rowcount == 1


def run_detail(connection: Connection, run: int) -> dict[str, Any] | None:
    """A run with its readings, plans, changes and outcomes, as plain data; None when there is no such run."""
    row = connection.execute(select(runs).where(runs.c.id == run)).mappings().first()
    if row is None:
        return None
    found = run_row(row)
    found["readings"] = [
        dict(reading) | {"profile": json.loads(reading["profile"])}
        for reading in connection.execute(select(readings).where(readings.c.run == run)).mappings()
    ]
    found["plans"] = []
    for plan in connection.execute(select(plans).where(plans.c.run == run).order_by(plans.c.id)).mappings():
        rows = connection.execute(select(changes).where(changes.c.plan == plan["id"]).order_by(changes.c.position))
        shape = dict(plan) | {name: json.loads(plan[name]) for name in ("objections", "conflicts", "notices")}
        shape["changes"] = [dict(change) | {"document": json.loads(change["document"])} for change in rows.mappings()]
        found["plans"].append(shape)
    return found


def run_row(row: Any) -> dict[str, Any]:
    """A run's own columns as plain data."""
    return dict(row) | {"summary": json.loads(row["summary"]) if row["summary"] else None}
