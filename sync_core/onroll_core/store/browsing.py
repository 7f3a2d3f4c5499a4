"""Runs, plans and changes a page at a time, so that a first night of 50,000 accounts is looked at as quickly as a quiet one."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, case, func, or_, select

from onroll_core.identities import Identity
from onroll_core.store.codec import told
from onroll_core.store.console_schema import requests
from onroll_core.store.engine import reading
from onroll_core.store.lists import listed
from onroll_core.store.people import load
from onroll_core.store.plans import change_row
from onroll_core.store.runs import reading_row, run_row
from onroll_core.store.schema import changes, plans, readings, runs
from onroll_core.store.undone import undone_by

UNDER_WAY = "under way"
"""The status of a run that has not ended; the store has none for it yet."""
UNANSWERED = "unanswered"
"""The outcome of a change that was about to be sent, and of which nothing was heard: its run is at work, or was cut off."""
_OUTCOME = case((changes.c.intended.is_not(None) & changes.c.outcome.is_(None), UNANSWERED), else_=changes.c.outcome)


@dataclass(frozen=True, slots=True)
class Slice:
    """Some of the rows that fit, in order, and how many fit in all."""

    rows: tuple[dict[str, Any], ...]
    total: int


@dataclass(frozen=True, slots=True)
class PlanHead:
    """A plan without its changes: how many there are of each kind and outcome (None: not sent; UNANSWERED). `made` is ISO, UTC."""

    id: int
    run: int
    target: str
    digest: str
    verdict: str
    objections: tuple[str, ...]
    conflicts: tuple[Mapping[str, Any], ...]
    notices: tuple[str, ...]
    made: str
    counts: Mapping[tuple[str, str | None], int] = field(default_factory=dict)

    def number(self, outcomes: Collection[str | None] | None = None) -> int:
        """How many changes there are of these outcomes, or in all."""
        return sum(count for (_, outcome), count in self.counts.items() if outcomes is None or outcome in outcomes)

    def kinds(self, outcomes: Collection[str | None] | None = None) -> dict[str, int]:
        """How many of each kind, of these outcomes or in all, in no order."""
        found: dict[str, int] = {}
        for (kind, outcome), count in self.counts.items():
            if outcomes is None or outcome in outcomes:
                found[kind] = found.get(kind, 0) + count
        return found


@dataclass(frozen=True, slots=True)
class Asked:
    """A request without its result, which may be long."""

    id: int
    kind: str
    asked: Mapping[str, Any]
    by: str
    status: str
    at: str
    ended: str | None


class Browse:
    """What pages about runs and plans ask of the store; never writes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def runs(
        self, school: str, kind: str | None = None, status: str | None = None, limit: int = 50, offset: int = 0
    ) -> Slice:
        """Runs of a school, newest first, of one kind and status (UNDER_WAY too) where named; the shape of `Store.runs`."""
        fits: list[ColumnElement[bool]] = [runs.c.school == school]
        if kind:
            fits.append(runs.c.kind == kind)
        if status:
            fits.append(runs.c.status.is_(None) if status == UNDER_WAY else runs.c.status == status)
        with reading(self._engine) as connection:
            total = connection.execute(select(func.count()).select_from(runs).where(*fits)).scalar_one()
            found = connection.execute(select(runs).where(*fits).order_by(runs.c.id.desc()).limit(limit).offset(offset))
            return Slice(tuple(run_row(row) for row in found), total)

    def run(self, run: int) -> dict[str, Any] | None:
        """A run as `Store.run` gives it, but `plans` are `PlanHead`s; None when there is none of that number."""
        with reading(self._engine) as connection:
            row = connection.execute(select(runs).where(runs.c.id == run)).one_or_none()
            if row is None:
                return None
            read = connection.execute(select(readings).where(readings.c.run == run).order_by(readings.c.id)).all()
            return run_row(row) | {
                "readings": [reading_row(each) for each in read],
                "plans": _heads(connection, (plans.c.run == run,)),
                "undone_by": [each | {"started": told(each["started"])} for each in undone_by(connection, run)],
            }

    def plan(self, run: int, target: str) -> PlanHead | None:
        """The plan of a run for one target, or None."""
        with reading(self._engine) as connection:
            return next(iter(_heads(connection, (plans.c.run == run, plans.c.target == target))), None)

    def changes(
        self,
        of: Collection[int],
        *,
        kind: str | None = None,
        outcomes: Collection[str | None] | None = None,
        text: str = "",
        limit: int = 50,
        offset: int = 0,
        count: bool = True,
    ) -> Slice:
        """Changes of these plans in their order: of one kind, of these outcomes, with `text` in the username or the sentence. The rows have target,
        position, kind, identity, username, document, sentence, outcome (also UNANSWERED), intended, answered and note. Without `count` the total is that of the rows."""
        fits: list[ColumnElement[bool]] = [changes.c.plan.in_(list(of))]
        if kind:
            fits.append(changes.c.kind == kind)
        if outcomes is not None:
            fits.append(_among(outcomes))
        searched = (changes.c.username, changes.c.sentence)
        words = text[:200].replace("\0", " ").split()[:8]
        fits += [or_(*(each.icontains(word, autoescape=True) for each in searched)) for word in words]
        query = (
            select(changes, plans.c.target, _OUTCOME.label("became"))
            .join(plans, plans.c.id == changes.c.plan)
            .where(*fits)
        )
        with reading(self._engine) as connection:
            found = connection.execute(query.order_by(changes.c.plan, changes.c.position).limit(limit).offset(offset))
            rows = tuple(change_row(row) | {"outcome": row.became} for row in found)
            total = len(rows)
            if count:
                total = connection.execute(select(func.count()).select_from(changes).where(*fits)).scalar_one()
        return Slice(rows, total)

    def people(self, ids: Collection[str]) -> dict[str, Identity]:
        """Those of these identities that there are, by id."""
        with reading(self._engine) as connection:
            return {each.id: each for each in load(connection, select(listed(self._engine, ids).c.value))}

    def asked(self, school: str, kind: str, limit: int = 10) -> list[Asked]:
        """Requests of a kind, newest first, without their results."""
        names = ("id", "kind", "asked", "by", "status", "at", "ended")
        query = select(*(requests.c[name] for name in names)).where(
            requests.c.school == school, requests.c.kind == kind
        )
        with reading(self._engine) as connection:
            return [
                Asked(row.id, row.kind, json.loads(row.asked), row.by, row.status, told(row.at) or "", told(row.ended))
                for row in connection.execute(query.order_by(requests.c.id.desc()).limit(limit))
            ]


def _heads(connection: Connection, fits: Iterable[ColumnElement[bool]]) -> list[PlanHead]:
    found = connection.execute(select(plans).where(*fits).order_by(plans.c.id)).all()
    counted: dict[int, dict[tuple[str, str | None], int]] = {row.id: {} for row in found}
    columns = (changes.c.plan, changes.c.kind, _OUTCOME)
    query = select(*columns, func.count()).where(changes.c.plan.in_(list(counted))).group_by(*columns)
    for plan, kind, outcome, count in connection.execute(query) if counted else ():
        counted[plan][kind, outcome] = count
    return [
        PlanHead(
            row.id,
            row.run,
            row.target,
            row.digest,
            row.verdict,
            tuple(json.loads(row.objections)),
            tuple(json.loads(row.conflicts)),
            tuple(json.loads(row.notices)),
            told(row.made) or "",
            counted[row.id],
        )
        for row in found
    ]


def _among(outcomes: Collection[str | None]) -> ColumnElement[bool]:
    named = _OUTCOME.in_([each for each in outcomes if each is not None])
    return or_(named, _OUTCOME.is_(None)) if None in outcomes else named
