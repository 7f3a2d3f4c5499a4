"""What people asked the service to do: kept until it is done, so that it survives a reload of the page, and is done once."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, Row, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from onroll_core.store.codec import document, told, utc
from onroll_core.store.console_schema import requests
from onroll_core.store.engine import reading, writing
from onroll_core.store.failures import Clash

WAITING, UNDER_WAY, DONE, HELD, FAILED, REFUSED, CUT_OFF = (
    "waiting", "under way", "done", "held", "failed", "refused", "cut off",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Request:
    """One thing somebody asked for. Times are ISO in UTC; `progress` is {"what", "done", "total"}; `result` depends on the kind, and has "error" when it failed."""

    id: int
    school: str
    kind: str
    asked: Mapping[str, Any]
    by: str
    at: str
    began: str | None
    ended: str | None
    status: str
    progress: Mapping[str, Any] | None
    result: Mapping[str, Any] | None

    @property
    def over(self) -> bool:
        """True once nothing more will happen to it."""
        return self.ended is not None


class Requests:
    """The requests of all schools; several threads and processes may use it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def ask(self, school: str, kind: str, asked: Mapping[str, Any], by: str, now: datetime) -> int:
        """Ask for something; gives its number. The same that is asked and not over yet is not asked again: then that one's number."""
        row = {"school": school, "kind": kind, "asked": document(dict(asked)), "by": by, "at": utc(now)}
        same = (requests.c.school == school) & (requests.c.kind == kind) & (requests.c.asked == row["asked"])
        still_open = select(requests.c.id).where(same, requests.c.ended.is_(None))
        try:
            with writing(self._engine) as connection:
                found = connection.execute(still_open).scalar()
                if found is not None:
                    return int(found)
                asked_now = insert(requests).values(row | {"status": WAITING}).returning(requests.c.id)
                return int(connection.execute(asked_now).scalar_one())
        except (Clash, IntegrityError):
            # PostgreSQL lets two people ask at the same moment; the index decides who was first.
            with reading(self._engine) as connection:
                return int(connection.execute(still_open).scalar_one())

    def get(self, number: int) -> Request | None:
        """A request, or None."""
        with reading(self._engine) as connection:
            row = connection.execute(select(requests).where(requests.c.id == number)).one_or_none()
        return None if row is None else _request(row)

    def latest(self, school: str, kind: str | None = None, limit: int = 20) -> list[Request]:
        """A school's requests, newest first."""
        query = select(requests).where(requests.c.school == school)
        if kind is not None:
            query = query.where(requests.c.kind == kind)
        with reading(self._engine) as connection:
            return [_request(row) for row in connection.execute(query.order_by(requests.c.id.desc()).limit(limit))]

    def open(self, school: str) -> list[Request]:
        """What is waiting or under way at a school, oldest first."""
        query = select(requests).where(requests.c.school == school, requests.c.ended.is_(None)).order_by(requests.c.id)
        with reading(self._engine) as connection:
            return [_request(row) for row in connection.execute(query)]

    def newest_done(self, school: str, kind: str, asked: Mapping[str, Any] | None = None) -> Request | None:
        """The newest of a kind (and for which exactly that was `asked`) that came to an answer ("done" or "held"), or None."""
        mine = (requests.c.school == school) & (requests.c.kind == kind) & requests.c.status.in_((DONE, HELD))
        if asked is not None:
            mine &= requests.c.asked == document(dict(asked))
        with reading(self._engine) as connection:
            row = connection.execute(select(requests).where(mine).order_by(requests.c.id.desc()).limit(1)).first()
        return None if row is None else _request(row)

    # --- for the desk ---

    def waiting(self) -> list[Request]:
        """What nobody has begun yet, oldest first."""
        query = select(requests).where(requests.c.status == WAITING).order_by(requests.c.id)
        with reading(self._engine) as connection:
            return [_request(row) for row in connection.execute(query)]

    def take(self, number: int, process: str, now: datetime) -> bool:
        """Begin a request that waits; False when somebody else was faster."""
        mine = update(requests).where(requests.c.id == number, requests.c.status == WAITING)
        values = {"status": UNDER_WAY, "process": process, "began": utc(now)}
        with writing(self._engine) as connection:
            return connection.execute(mine.values(values)).rowcount == 1

    def put_back(self, number: int) -> None:
        """It could not begin (the school is at work): it waits again."""
        mine = update(requests).where(requests.c.id == number, requests.c.status == UNDER_WAY)
        with writing(self._engine, durable=False) as connection:
            connection.execute(mine.values(status=WAITING, process=None, began=None, progress=None))

    def progress(self, number: int, what: str, done: int, total: int | None) -> None:
        """How far it is."""
        mine = update(requests).where(requests.c.id == number, requests.c.status == UNDER_WAY)
        with writing(self._engine, durable=False) as connection:
            connection.execute(mine.values(progress=document({"what": what, "done": done, "total": total})))

    def finish(self, number: int, status: str, result: Mapping[str, Any], now: datetime) -> None:
        """It is over; a second end is ignored."""
        mine = update(requests).where(requests.c.id == number, requests.c.ended.is_(None))
        with writing(self._engine) as connection:
            connection.execute(mine.values(status=status, result=document(dict(result)), ended=utc(now)))

    def cut_off(self, is_dead: Callable[[str], bool | None], why: str, now: datetime) -> int:
        """End what processes that are gone had begun; gives how many. Nothing is done a second time by itself."""
        query = select(requests.c.id, requests.c.process).where(requests.c.status == UNDER_WAY)
        with reading(self._engine) as connection:
            lost = [row.id for row in connection.execute(query) if is_dead(row.process)]
        for number in lost:
            self.finish(number, CUT_OFF, {"error": why}, now)
        return len(lost)

    def tidy(self, before: datetime) -> int:
        """Forget requests that ended before then; gives how many."""
        old = delete(requests).where(requests.c.ended.is_not(None), requests.c.ended < utc(before))
        with writing(self._engine) as connection:
            return connection.execute(old).rowcount

    def tidy_looks(self, before: datetime, kinds: Collection[str]) -> int:
        """Forget requests of these kinds that ended before then, but for each school's newest of each that came to an answer; gives how many."""
        answered = requests.c.status.in_((DONE, HELD))
        newest = select(func.max(requests.c.id)).where(answered).group_by(requests.c.school, requests.c.kind)
        mine = requests.c.kind.in_(list(kinds)) & requests.c.ended.is_not(None) & (requests.c.ended < utc(before))
        with writing(self._engine) as connection:
            return connection.execute(delete(requests).where(mine, requests.c.id.not_in(newest))).rowcount


def _request(row: Row[Any]) -> Request:
    return Request(
        row.id,
        row.school,
        row.kind,
        json.loads(row.asked),
        row.by,
        told(row.at) or "",
        told(row.began),
        told(row.ended),
        row.status,
        None if row.progress is None else json.loads(row.progress),
        None if row.result is None else json.loads(row.result),
    )
