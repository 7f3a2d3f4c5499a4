"""Requests for scripts: how far one is, and what came of it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request
from pydantic import BaseModel

from onroll_daemon.console.access import needs
from onroll_daemon.console.place import place_of
from onroll_daemon.console.refusals import NoSuch
from onroll_daemon.console.rights import Right
from onroll_daemon.console.views.settings import findings
from onroll_daemon.console.visitors import Visitor

router = APIRouter(prefix="/api/v1", tags=["requests"])


class Progress(BaseModel):
    """How far it is; `total` is null where nobody knows it."""

    what: str
    done: int
    total: int | None


class Asked(BaseModel):
    """A request. `status` is waiting, under way, done, held, failed, refused or cut off; `result` depends on `kind`, and has `error` when it failed.

    That of a check counts what is about schools that the asker may not see as `hidden`, and tells nothing else of it.
    """

    id: int
    school: str
    kind: str
    asked: dict[str, Any]
    by: str
    at: str
    began: str | None
    ended: str | None
    status: str
    progress: Progress | None
    result: dict[str, Any] | None


@router.get("/requests/{number}")
def one_request(
    request: Request,
    number: Annotated[int, Path(ge=1, le=2**31 - 1)],
    visitor: Annotated[Visitor, Depends(needs(Right.SEE))],
) -> Asked:
    """One request and its result."""
    place = place_of(request)
    found = place.store.requests.get(number)
    if found is None:
        raise NoSuch("There is no such request. Requests are forgotten after 30 days.")
    told = Asked.model_validate(found, from_attributes=True)
    if found.kind == "check" and told.result is not None and "findings" in told.result:
        rows, hidden = findings(place, visitor, told.result["findings"])
        problems = sum(each["level"] == "problem" for each in rows)
        told.result = told.result | {"findings": rows, "problems": problems, "hidden": hidden}
    return told
