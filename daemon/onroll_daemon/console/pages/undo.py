"""A run is taken back: what that would do is shown first, and exactly that is done when somebody approves it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Path, Query, Request, Response

from onroll_daemon.console.access import needs
from onroll_daemon.console.place import place_of
from onroll_daemon.console.refusals import Conflict
from onroll_daemon.console.rendering import back, page
from onroll_daemon.console.rights import Right
from onroll_daemon.console.views import undo as views
from onroll_daemon.console.visitors import Visitor

router = APIRouter()
Number = Annotated[int, Path(ge=1, le=2**31 - 1)]
Undo = Annotated[Visitor, Depends(needs(Right.UNDO))]


@router.get("/runs/{run}/undo")
def undo(
    request: Request, run: Number, visitor: Undo, shown: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None
) -> Response:
    """What would be taken back, as far as somebody has looked."""
    told = views.of_undo(place_of(request), visitor, run, shown)
    return page(request, "runs/undo.html", visitor, told["run"]["school"], **told)


@router.post("/runs/{run}/undo/look")
def look(request: Request, run: Number, visitor: Undo) -> Response:
    """Ask what would be taken back."""
    return back(request, f"/requests/{views.ask_to_show(place_of(request), visitor, run)}")


@router.post("/runs/{run}/undo")
def carry_out(
    request: Request, run: Number, visitor: Undo, approve: Annotated[list[str] | None, Form(max_length=50)] = None
) -> Response:
    """A yes to exactly these digests."""
    place = place_of(request)
    try:
        said = views.ask_to_undo(place, visitor, run, approve or [])
    except Conflict as why:
        told = views.of_undo(place, visitor, run, None) | {"conflict": why.sentence}
        return page(request, "runs/undo.html", visitor, told["run"]["school"], status=409, **told)
    if said.request is None:
        told_so = "Your yes is kept. A second person has to approve it too before anything is taken back."
        return back(request, f"/runs/{run}/undo", told_so)
    return back(request, f"/requests/{said.request}")
