"""What onroll remembers: people, names, accounts, runs. SQLite or PostgreSQL, the same code and the same constraints."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, and_, delete, insert, select, update

from onroll_core.accounts import IdentityId
from onroll_core.errors import Refused
from onroll_core.identities import Bond, Identity
from onroll_core.plan import Plan
from onroll_core.store import people, runs
from onroll_core.store.engine import open_engine, reading, writing
from onroll_core.store.leases import Busy, Lease, this_process
from onroll_core.store.rows import stamp
from onroll_core.store.runs import Journal
from onroll_core.store.schema import approvals, changes, contacts, identities, memories, names, plans, readings
from onroll_core.store.schema import runs as runs_table

__all__ = ["Busy", "Journal", "Ledger", "Store", "StoreMemory", "this_process"]


class Ledger:
    """Every username and address ever issued, or seen in a target; asked by name, remembered while it lives."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._held: dict[str, str | None] | None = None

    def taken(self, name: str) -> bool:
        """True when anybody ever had this lower-case username or address."""
        return name in self._names()

    def holder(self, name: str) -> IdentityId | None:
        """The identity that the name was issued to; None when it was not issued by us."""
        found = self._names().get(name)
        return None if found is None else IdentityId(found)

    def _names(self) -> dict[str, str | None]:
        if self._held is None:
            with reading(self._engine) as connection:
                self._held = {
                    row.name: row.identity for row in connection.execute(select(names.c.name, names.c.identity))
                }
        return self._held


class StoreMemory:
    """A connector's memory (`contracts.Memory`), kept in the store under the target's name."""

    def __init__(self, engine: Engine, target: str) -> None:
        self._engine, self._target = engine, target

    def get(self, key: str) -> bytes | None:
        """What was put under `key`, or None."""
        with reading(self._engine) as connection:
            found = connection.execute(
                select(memories.c.value).where(memories.c.target == self._target, memories.c.key == key)
            ).scalar()
        return None if found is None else bytes(found)

    def put(self, key: str, value: bytes) -> None:
        """Keep `value` under `key`."""
        with writing(self._engine) as connection:
            mine = and_(memories.c.target == self._target, memories.c.key == key)
            if not connection.execute(update(memories).where(mine).values(value=value)).rowcount:
                connection.execute(insert(memories).values(target=self._target, key=key, value=value))


class Store:
    """The open store. Every method is one transaction, and raises Unavailable, Halt or Refused with a sentence."""

    def __init__(self, engine: Engine, now: Callable[[], datetime]) -> None:
        self._engine, self._now = engine, now

    @classmethod
    def open(cls, url: str, now: Callable[[], datetime]) -> Store:
        """Open `sqlite:///FILE` or `postgresql://...`, making or upgrading the schema."""
        return cls(open_engine(url), now)

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def lease(self, school: str, holder: str, now: datetime | None = None) -> Lease:
        """The right to work on a school, for a `with` block; entering raises Busy."""
        return Lease(self._engine, school, holder, self._now if now is None else lambda: max(now, self._now()))

    # --- people ---

    def identities(self, school: str) -> list[Identity]:
        """Everyone we know at a school, by id."""
        with reading(self._engine) as connection:
            return people.load(connection, identities.c.school == school)

    def identity(self, identity: IdentityId) -> Identity | None:
        """One person."""
        with reading(self._engine) as connection:
            return next(iter(people.load(connection, identities.c.id == identity)), None)

    def find(self, school: str | None, text: str) -> list[Identity]:
        """Whoever `text` means: a username, address (present or former), identity id, MIS record, UPN or admission number."""
        condition = people.matching(text)
        if school is not None:
            condition = and_(identities.c.school == school, condition)
        with reading(self._engine) as connection:
            return people.load(connection, condition)

    def remember(self, run: int, changed: Sequence[Identity], now: datetime) -> None:
        """Keep identities, their MIS records and their names: all of them or none."""
        with self._writing(True) as connection:
            people.remember(connection, changed, now)

    def rename(self, identity: IdentityId, username: str, email: str, keep_alias: bool, now: datetime) -> Identity:
        """Give somebody another username and address. Raises Refused when either is taken or there is no such person."""
        with self._writing(True) as connection:
            known = next(iter(people.load(connection, identities.c.id == identity)), None)
            if known is None:
                raise Refused(f"There is nobody with the identity {identity}.")
            people.rename(connection, known, username, email, keep_alias, now)
            return people.load(connection, identities.c.id == identity)[0]

    def bond(self, identity: IdentityId, target: str, value: Bond, now: datetime) -> None:
        """Keep which account is whose."""
        with self._writing(False) as connection:
            people.bond(connection, identity, target, value, now)

    def ledger(self, school: str) -> Ledger:
        """The names of the whole store: schools share domains and directories."""
        return Ledger(self._engine)

    def absorb(self, target: str, seen: Iterable[str], now: datetime) -> int:
        """Enter names seen in a target into the ledger; gives how many were new."""
        with reading(self._engine) as connection:
            known = set(connection.execute(select(names.c.name)).scalars())
        fresh = [name for name in seen if name not in known]
        if not fresh:
            return 0
        with self._writing(True) as connection:
            return people.absorb(connection, target, fresh, now)

    # --- runs ---

    def start_run(self, school: str, kind: str, now: datetime, by: str = "") -> int:
        """A new run; gives its number."""
        with self._writing(True) as connection:
            row = insert(runs_table).values(school=school, kind=kind, by=by, started=stamp(now))
            return int(connection.execute(row).inserted_primary_key[0])  # type: ignore[index]

    def end_run(self, run: int, status: str, summary: Mapping[str, Any], now: datetime) -> None:
        """How a run ended, and what it came to."""
        with self._writing(True) as connection:
            connection.execute(
                update(runs_table)
                .where(runs_table.c.id == run)
                .values(ended=stamp(now), status=status, summary=json.dumps(summary, ensure_ascii=False))
            )

    def runs(self, school: str | None = None, limit: int = 20) -> list[dict[str, Any]]:
        """The last runs, newest first."""
        query = select(runs_table).order_by(runs_table.c.id.desc()).limit(limit)
        if school is not None:
            query = query.where(runs_table.c.school == school)
        with reading(self._engine) as connection:
            return [runs.run_row(row) for row in connection.execute(query).mappings()]

    def run(self, number: int) -> dict[str, Any] | None:
        """One run with its readings, plans, changes and outcomes."""
        with reading(self._engine) as connection:
            return runs.run_detail(connection, number)

    def profile(
        self,
        run: int,
        school: str,
        profile: Mapping[str, Any],
        good: bool,
        taken_at: datetime,
        feed_time: datetime | None,
        now: datetime,
    ) -> None:
        """Keep what a snapshot looked like; a good one also moves the school's freshness."""
        with self._writing(True) as connection:
            connection.execute(
                insert(readings).values(
                    run=run,
                    school=school,
                    taken_at=stamp(taken_at),
                    feed_time=stamp(feed_time) if feed_time else None,
                    good=good,
                    profile=json.dumps(profile, ensure_ascii=False),
                    at=stamp(now),
                )
            )
            if good:
                runs.note_reading(connection, school, now, feed_time)

    def profiles(self, school: str, limit: int = 10) -> list[dict[str, Any]]:
        """The profiles of the last good snapshots, newest first."""
        query = select(readings.c.profile).where(readings.c.school == school, readings.c.good.is_(True))
        with reading(self._engine) as connection:
            rows = connection.execute(query.order_by(readings.c.id.desc()).limit(limit)).scalars()
            return [json.loads(row) for row in rows]

    def approve(self, digest: str, school: str, by: str, now: datetime, expires: datetime) -> None:
        """A person's yes to exactly one digest, good until `expires`."""
        with self._writing(True) as connection:
            connection.execute(
                insert(approvals).values(digest=digest, school=school, by=by, given=stamp(now), expires=stamp(expires))
            )

    def use_approval(self, digest: str, now: datetime) -> bool:
        """True once for each approval of this digest."""
        with self._writing(True) as connection:
            return runs.use_approval(connection, digest, now)

    def keep_plan(self, run: int, plan: Plan, verdict: str, objections: Sequence[str], now: datetime) -> int:
        """Write a plan down; gives its id for `journal`."""
        with self._writing(True) as connection:
            return runs.keep_plan(connection, run, plan, verdict, objections)

    def journal(self, plan_id: int, plan: Plan) -> Journal:
        """Where the intentions and outcomes of a plan that was kept are written."""
        return Journal(self._writing, plan_id, plan, plan.school, self._now)

    def note_contact(self, school: str, now: datetime, problem: str | None) -> None:
        """The MIS was tried; `problem` says why it could not be read."""
        with self._writing(False) as connection:
            runs.note_contact(connection, school, now, problem)

    def freshness(self, school: str) -> dict[str, Any]:
        """The times that freshness is made of: last_contact, last_read, feed_time, last_change, problem, failing_since; all may be None."""
        with reading(self._engine) as connection:
            row = connection.execute(select(contacts).where(contacts.c.school == school)).mappings().first()
        empty = {column.name: None for column in contacts.columns if column.name != "school"}
        return empty if row is None else {name: row[name] for name in empty}

    def history(self, identity: IdentityId) -> list[dict[str, Any]]:
        """What was done to one person's accounts, oldest first: at, what, target, run, outcome."""
        query = (
            select(changes, plans.c.target, plans.c.run, runs_table.c.started)
            .join(plans, plans.c.id == changes.c.plan)
            .join(runs_table, runs_table.c.id == plans.c.run)
            .where(changes.c.identity == identity)
            .order_by(changes.c.id)
        )
        with reading(self._engine) as connection:
            return [
                {
                    "at": row.answered or row.intended or row.started,
                    "run": row.run,
                    "target": row.target,
                    "outcome": row.outcome or ("unknown" if row.intended else "planned"),
                    "what": f"{row.target}, run {row.run}: {row.sentence} ({row.outcome or 'not sent'}{': ' + row.note if row.note else ''})",
                }
                for row in connection.execute(query)
            ]

    def memory(self, target: str) -> StoreMemory:
        """A connector's own memory."""
        return StoreMemory(self._engine, target)

    def forget_memory(self, target: str) -> None:
        """Throw a connector's memory away: its next read is a full one."""
        with self._writing(True) as connection:
            connection.execute(delete(memories).where(memories.c.target == target))

    def _writing(self, durable: bool) -> AbstractContextManager[Connection]:
        return writing(self._engine, durable)
