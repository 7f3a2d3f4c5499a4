"""Runs, readings, approvals and freshness: what happened that night, what was believed, and who said yes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Row, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from onroll_core.errors import Halt
from onroll_core.store.codec import document, told, utc
from onroll_core.store.console_schema import refusals
from onroll_core.store.engine import reading, writing
from onroll_core.store.plans import of_run
from onroll_core.store.schema import approvals, changes, contacts, plans, readings, runs
from onroll_core.store.undone import undone_by


def start(
    connection: Connection, school: str, kind: str, by: str, now: datetime, alone: bool, undoes: int | None = None
) -> int:
    """A new run, which takes back the run `undoes`. `alone`: the caller holds the lease, so runs of the school that never ended were cut off, and are marked so."""
    if alone:
        unended = (runs.c.school == school) & runs.c.ended.is_(None)
        connection.execute(update(runs).where(unended).values(ended=utc(now), status="cut off"))
    values = {"school": school, "kind": kind, "by": by, "started": utc(now), "undoes": undoes}
    return int(connection.execute(insert(runs).values(values).returning(runs.c.id)).scalar_one())


def end(engine: Engine, run: int, status: str, summary: Mapping[str, Any], now: datetime) -> None:
    """The run is over. Raises Halt when it was over already."""
    with writing(engine) as connection:
        values = {"ended": utc(now), "status": status, "summary": document(summary)}
        if (
            connection.execute(update(runs).where(runs.c.id == run, runs.c.ended.is_(None)).values(values)).rowcount
            == 0
        ):
            raise Halt(f"The run {run} has ended before, or never began: another onroll has taken over its school.")


def latest(engine: Engine, school: str | None, limit: int) -> list[dict[str, Any]]:
    """Runs, newest first."""
    query = select(runs).order_by(runs.c.id.desc()).limit(limit)
    if school is not None:
        query = query.where(runs.c.school == school)
    with reading(engine) as connection:
        return [run_row(row) for row in connection.execute(query)]


def detail(engine: Engine, run: int) -> dict[str, Any] | None:
    """A run with its readings, plans, changes and outcomes; None when there is none of that number."""
    with reading(engine) as connection:
        row = connection.execute(select(runs).where(runs.c.id == run)).one_or_none()
        if row is None:
            return None
        read = connection.execute(select(readings).where(readings.c.run == run).order_by(readings.c.id))
        return run_row(row) | {
            "readings": [reading_row(each) for each in read],
            "plans": of_run(connection, run),
            "undone_by": [each | {"started": told(each["started"])} for each in undone_by(connection, run)],
        }


def school_of(engine: Engine, run: int) -> str | None:
    """The school of a run, or None."""
    with reading(engine) as connection:
        return connection.execute(select(runs.c.school).where(runs.c.id == run)).scalar()


def run_row(row: Row[Any]) -> dict[str, Any]:
    """A row of runs with its summary and times as callers know them."""
    summary = {} if row.summary is None else json.loads(row.summary)
    return row._asdict() | {"started": told(row.started), "ended": told(row.ended), "summary": summary}


def reading_row(row: Row[Any]) -> dict[str, Any]:
    """A row of readings, likewise."""
    times = {"taken_at": told(row.taken_at), "feed_time": told(row.feed_time), "at": told(row.at)}
    return row._asdict() | times | {"profile": json.loads(row.profile)}


def keep_profile(
    engine: Engine,
    run: int,
    school: str,
    profile: Mapping[str, Any],
    good: bool,
    taken_at: datetime,
    feed_time: datetime | None,
    now: datetime,
) -> None:
    """What a snapshot looked like, and whether it was believed."""
    row = {
        "run": run,
        "school": school,
        "taken_at": utc(taken_at),
        "feed_time": None if feed_time is None else utc(feed_time),
        "good": good,
        "profile": document(profile),
        "at": utc(now),
    }
    with writing(engine) as connection:
        connection.execute(insert(readings), row)


def profiles(engine: Engine, school: str, limit: int) -> list[dict[str, Any]]:
    """The profiles of snapshots that were believed, newest first."""
    query = select(readings.c.profile).where(readings.c.school == school, readings.c.good)
    with reading(engine) as connection:
        return [
            json.loads(text) for text in connection.execute(query.order_by(readings.c.id.desc()).limit(limit)).scalars()
        ]


def approve(engine: Engine, digest: str, what: str, by: str, now: datetime, expires: datetime, needed: int = 1) -> None:
    """Keep a person's yes. A second yes to the same, while the first is unused, takes its place; where two people are `needed`, somebody else's completes it."""
    row = {"digest": digest, "what": what, "by": by, "given": utc(now), "expires": utc(expires), "needed": needed}
    still_open = (approvals.c.digest == digest) & approvals.c.used.is_(None)
    with writing(engine) as connection:
        found = connection.execute(select(approvals).where(still_open).with_for_update()).one_or_none()
        if found is None:
            dialect = postgresql if engine.dialect.name == "postgresql" else sqlite
            upsert = dialect.insert(approvals).on_conflict_do_update(
                index_elements=["digest"], index_where=approvals.c.used.is_(None), set_=row
            )
            connection.execute(upsert, row | {"also_by": None})
        elif needed > 1 and found.expires > utc(now) and found.by != by:
            values = {"also_by": by, "expires": utc(expires), "needed": needed}
            connection.execute(update(approvals).where(approvals.c.id == found.id).values(values))
        elif found.by != by or found.also_by is None:
            connection.execute(update(approvals).where(approvals.c.id == found.id).values(row | {"also_by": None}))


def open_approval(engine: Engine, digest: str, now: datetime) -> dict[str, Any] | None:
    """The yes to a digest that has been given and neither used nor expired: by, given, expires, needed, also_by."""
    query = select(approvals).where(approvals.c.digest == digest, approvals.c.used.is_(None))
    with reading(engine) as connection:
        row = connection.execute(query.where(approvals.c.expires > utc(now))).one_or_none()
    return None if row is None else row._asdict() | {"given": told(row.given), "expires": told(row.expires)}


def use_approval(engine: Engine, digest: str, now: datetime) -> bool:
    """True exactly once for an approval that has not expired and is complete, however many ask at the same time."""
    complete = (approvals.c.needed == 1) | approvals.c.also_by.is_not(None)
    unused = (approvals.c.digest == digest) & approvals.c.used.is_(None)
    still_good = unused & (approvals.c.expires > utc(now)) & complete
    with reading(engine) as connection:
        if connection.execute(select(approvals.c.id).where(still_good)).first() is None:
            return False
    with writing(engine) as connection:
        return connection.execute(update(approvals).where(still_good).values(used=utc(now))).rowcount == 1


def refuse(engine: Engine, digest: str, school: str, by: str, why: str, now: datetime) -> None:
    """Keep a person's no; an unused yes to the same is taken back."""
    row = {"digest": digest, "school": school, "by": by, "at": utc(now), "why": why}
    dialect = postgresql if engine.dialect.name == "postgresql" else sqlite
    upsert = dialect.insert(refusals).on_conflict_do_update(index_elements=["digest"], set_=row)
    with writing(engine) as connection:
        connection.execute(upsert, row)
        connection.execute(delete(approvals).where(approvals.c.digest == digest, approvals.c.used.is_(None)))


def refusal(engine: Engine, digest: str) -> dict[str, Any] | None:
    """A person's no to a digest: by, at, why; None when nobody said so, or somebody said yes since."""
    later_yes = select(approvals.c.id).where(approvals.c.digest == digest, approvals.c.given > refusals.c.at)
    query = select(refusals).where(refusals.c.digest == digest, ~later_yes.exists())
    with reading(engine) as connection:
        row = connection.execute(query).one_or_none()
    return None if row is None else row._asdict() | {"at": told(row.at)}


def note_contact(engine: Engine, school: str, now: datetime, problem: str | None) -> None:
    """The source answered (`problem` is None), or why it could not be read."""
    at = utc(now)
    dialect = postgresql if engine.dialect.name == "postgresql" else sqlite
    upsert = dialect.insert(contacts)
    if problem is None:
        row = {"school": school, "last_contact": at, "problem": None, "failing_since": None}
        news: dict[str, Any] = {"last_contact": at, "problem": None, "failing_since": None}
    else:
        row = {"school": school, "last_contact": None, "problem": problem, "failing_since": at}
        news = {"problem": problem, "failing_since": func.coalesce(contacts.c.failing_since, at)}
    with writing(engine, durable=False) as connection:
        connection.execute(upsert.on_conflict_do_update(index_elements=["school"], set_=news), row)


def freshness(engine: Engine, school: str) -> dict[str, str | None]:
    """How old what we know of a school is."""
    believed = select(readings.c.taken_at, readings.c.feed_time).where(readings.c.school == school, readings.c.good)
    done = (plans.c.school == school) & (changes.c.outcome == "applied")
    newest = select(changes.c.plan).join(plans, plans.c.id == changes.c.plan).where(done)
    with reading(engine) as connection:
        contact = connection.execute(select(contacts).where(contacts.c.school == school)).one_or_none()
        read = connection.execute(believed.order_by(readings.c.id.desc()).limit(1)).one_or_none()
        plan = connection.execute(newest.order_by(plans.c.id.desc()).limit(1)).scalar()
        answered = select(func.max(changes.c.answered)).where(changes.c.plan == plan, changes.c.outcome == "applied")
        change = connection.execute(answered).scalar()
    return {
        "last_contact": told(contact.last_contact) if contact else None,
        "last_read": told(read.taken_at) if read else None,
        "feed_time": told(read.feed_time) if read else None,
        "last_change": told(change),
        "problem": contact.problem if contact else None,
        "failing_since": told(contact.failing_since) if contact else None,
    }
