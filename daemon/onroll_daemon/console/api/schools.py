"""Schools for scripts: how fresh each is, and when it is tried next."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel

from onroll_daemon.console.access import needs
from onroll_daemon.console.place import place_of
from onroll_daemon.console.rights import Right
from onroll_daemon.console.views.today import Standing, standings
from onroll_daemon.console.visitors import Visitor

router = APIRouter(prefix="/api/v1", tags=["schools"])


class Opening(BaseModel):
    """One opening of a window."""

    opens: datetime
    closes: datetime


class School(BaseModel):
    """A school at a glance. `why` says what the word means, in a sentence. `held` is how many plans and readings wait for a yes, `waiting` how many people
    and conflicts wait for somebody to settle them. Times are null until it happened."""

    id: str
    name: str
    timezone: str
    word: Literal["fresh", "late", "failing"]
    why: str
    last_contact: datetime | None
    last_read: datetime | None
    feed_time: datetime | None
    last_change: datetime | None
    last_window: Opening
    next_window: Opening
    next_run: datetime
    people: int
    held: int
    waiting: int


@router.get("/schools")
def schools(request: Request, visitor: Annotated[Visitor, Depends(needs(Right.SEE))]) -> list[School]:
    """Every school that you may see, the worst first."""
    place = place_of(request)
    found = standings(place, visitor.among(place.settings.schools))
    return [_school(each, place.settings.schools[each.id].timezone) for each in found]


def _school(told: Standing, zone: str) -> School:
    fresh = told.fresh
    return School(
        id=told.id,
        name=told.name,
        timezone=zone,
        word=fresh.word if fresh else "late",
        why=told.why,
        last_contact=fresh.last_contact if fresh else None,
        last_read=fresh.last_read if fresh else None,
        feed_time=fresh.feed_time if fresh else None,
        last_change=fresh.last_change if fresh else None,
        last_window=Opening(opens=told.last.opens, closes=told.last.closes),
        next_window=Opening(opens=told.next.opens, closes=told.next.closes),
        next_run=told.starts,
        people=told.people,
        held=told.held,
        waiting=told.waiting,
    )
