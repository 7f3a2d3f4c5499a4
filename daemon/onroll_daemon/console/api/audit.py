"""The audit for scripts: who did what, newest first."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from onroll_daemon.console.access import needs
from onroll_daemon.console.place import place_of
from onroll_daemon.console.rights import Right
from onroll_daemon.console.views.audit import entries
from onroll_daemon.console.visitors import Visitor

router = APIRouter(prefix="/api/v1", tags=["audit"])


class Done(BaseModel):
    """One thing that somebody did. `school` is null for what concerns the whole installation; `about` is what it was done to, or ""."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    at: str = Field(description="ISO, in UTC")
    by: str
    school: str | None
    what: str
    about: str


class Audit(BaseModel):
    """A page of the audit, newest first; `before` asks for the next one, and is null on the last."""

    entries: list[Done]
    before: int | None


@router.get("/audit")
def read_audit(
    request: Request,
    visitor: Annotated[Visitor, Depends(needs(Right.AUDIT))],
    school: Annotated[str, Query(max_length=200, description="The id of one school; left out: all you may see")] = "",
    q: Annotated[str, Query(max_length=200, description="A text in who, what or about")] = "",
    before: Annotated[int | None, Query(ge=1, le=2**31 - 1, description="Entries older than this one")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> Audit:
    """Who did what."""
    found = entries(place_of(request), visitor, school, q, before, limit + 1)
    shown = [Done.model_validate(each) for each in found[:limit]]
    return Audit(entries=shown, before=shown[-1].id if len(found) > limit else None)
