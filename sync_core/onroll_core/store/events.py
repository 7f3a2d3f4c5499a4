"""What happened to one person, in sentences that are kept as it happens."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, insert, select

from onroll_core.accounts import IdentityId
from onroll_core.identities import Identity
from onroll_core.people import Person
from onroll_core.store.codec import told, utc
from onroll_core.store.engine import reading
from onroll_core.store.schema import approvals, changes, events, plans, runs

_KEPT = (
    "state",
    "username",
    "email",
    "aliases",
    "chosen_display_name",
    "year_of_entry",
    "waiting",
    "left_on",
    "role",
    "also",
    "suspended",
)
_TOLD = tuple(field.name for field in fields(Person))


def what_changed(before: Identity | None, after: Identity) -> str:
    """Sentences; for somebody new, what they started with; "" for what is only counted (absences), which would be a line a night."""
    if before is None:
        named = f"the username {after.username} and the address {after.email}" if after.username else "no username yet"
        return f"First known, as {after.state.value}, with {named}."
    mis = [
        _difference(name, getattr(before.person, name), getattr(after.person, name))
        for name in _TOLD
        if getattr(before.person, name) != getattr(after.person, name)
    ]
    kept = [
        _difference(name, getattr(before, name), getattr(after, name))
        for name in _KEPT
        if getattr(before, name) != getattr(after, name)
    ]
    sentences = []
    if mis:
        sentences.append(f"The MIS changed {', '.join(mis)}.")
    if kept:
        sentences.append(f"onroll changed {', '.join(kept)}.")
    return " ".join(sentences)


def _difference(name: str, before: object, after: object) -> str:
    return f"{name.replace('_', ' ')} from {_shown(before)} to {_shown(after)}"


def _shown(value: object) -> str:
    if isinstance(value, tuple | frozenset):
        return ", ".join(sorted(str(each) for each in value)) or "nothing"
    return "nothing" if value in (None, "") else str(value)


def note(connection: Connection, run: int | None, happened: Sequence[tuple[IdentityId, str]], now: datetime) -> None:
    """Keep what happened, in the caller's transaction."""
    at = utc(now)
    rows = [{"identity": identity, "run": run, "at": at, "what": what} for identity, what in happened if what]
    if rows:
        connection.execute(insert(events), rows)


_OUTCOMES = {
    "applied": "done",
    "rejected": "refused",
    "deferred": "put off",
    "unsent": "not sent",
    "unknown": "sent, and the run was cut off before the answer",
    None: "sent, not answered yet",
}


_SENT = ("target", "outcome", "kind", "document", "by", "approved")


def history(engine: Engine, identity: IdentityId) -> list[dict[str, Any]]:
    """What happened to one person, oldest first: `at` (ISO, UTC), `what` (sentences), `run` (its number or None); and for what was sent to a
    target `target`, `outcome`, `kind`, `document` (the shape of `plan --json`), `by` (who started the run) and `approved` (who approved the plan, ""
    when it was not held), which are None for the rest."""
    approved = (
        select(approvals.c.by)
        .where(
            approvals.c.digest == plans.c.digest, approvals.c.used >= runs.c.started, approvals.c.used <= plans.c.made
        )
        .limit(1)
        .scalar_subquery()
    )
    sent = (
        select(changes, plans.c.run, plans.c.target, runs.c.by, approved.label("approved"))
        .join(plans, plans.c.id == changes.c.plan)
        .join(runs, runs.c.id == plans.c.run)
        .where(changes.c.identity == identity, changes.c.intended.is_not(None))
    )
    rows: list[tuple[tuple[str, int, int], dict[str, Any]]] = []
    with reading(engine) as connection:
        for row in connection.execute(select(events).where(events.c.identity == identity)):
            line = {"at": told(row.at), "what": row.what, "run": row.run} | dict.fromkeys(_SENT)
            rows.append(((row.at, 0, row.id), line))
        for row in connection.execute(sent):
            became = _OUTCOMES[row.outcome] + (f": {row.note.rstrip('.')}" if row.note else "")
            at = row.answered or row.intended
            line = {"at": told(at), "what": f"{row.target}: {row.sentence} That was {became}.", "run": row.run}
            sent_there = {
                "target": row.target,
                "outcome": row.outcome,
                "kind": row.kind,
                "document": json.loads(row.document),
                "by": row.by,
                "approved": row.approved or "",
            }
            rows.append(((at, row.plan, row.position), line | sent_there))
    return [line for _, line in sorted(rows, key=lambda each: each[0])]
