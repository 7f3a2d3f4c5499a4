"""What would be done tonight, what is held, and a person's yes or no to it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request, Response

from onroll_daemon.console.access import needs
from onroll_daemon.console.place import place_of
from onroll_daemon.console.refusals import Conflict
from onroll_daemon.console.rendering import back, page
from onroll_daemon.console.rights import Right
from onroll_daemon.console.views import decisions
from onroll_daemon.console.views import plan as views
from onroll_daemon.console.visitors import Visitor

router = APIRouter()
Text = Annotated[str, Query(max_length=200)]
PageNumber = Annotated[int, Query(ge=1, le=views.FARTHEST, alias="page")]


@router.get("/schools/{school}/plan")
def plan(
    request: Request,
    school: str,
    visitor: Annotated[Visitor, Depends(needs(Right.SEE))],
    target: Text = "",
    kind: Text = "",
    q: Text = "",
    number: PageNumber = 1,
    look: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
) -> Response:
    """The plan; htmx takes the list alone out of it."""
    told = views.shown(place_of(request), visitor, school, target, kind, q, number, look)
    return page(request, "plan/plan.html", visitor, school, **told)


@router.post("/schools/{school}/plan")
def work_out(
    request: Request,
    school: str,
    visitor: Annotated[Visitor, Depends(needs(Right.SEE))],
    as_of: Annotated[str, Form(max_length=40)] = "",
) -> Response:
    """Ask for tonight's plan, or for that of a day."""
    number = views.ask_plan(place_of(request), visitor, school, as_of)
    return back(request, f"/requests/{number}")


@router.post("/schools/{school}/sync")
def sync(request: Request, school: str, visitor: Annotated[Visitor, Depends(needs(Right.RUN))]) -> Response:
    """Ask for a sync."""
    return back(request, f"/requests/{views.ask_sync(place_of(request), visitor, school)}")


@router.post("/schools/{school}/approve")
def approve(
    request: Request,
    school: str,
    visitor: Annotated[Visitor, Depends(needs(Right.APPROVE))],
    digest: Annotated[str, Form(max_length=64)],
    when: Annotated[str, Form(max_length=10)] = "tonight",
) -> Response:
    """A yes to exactly this digest, to be done now or tonight."""
    try:
        said = decisions.approve(place_of(request), visitor, school, digest, when == "now")
    except Conflict as why:
        return _as_it_is(request, school, visitor, why)
    if said.request is not None:
        return back(request, f"/requests/{said.request}")
    told = "Approved: the next run within a day does exactly this."
    if not said.complete:
        told = "Your yes is kept. A second person has to approve it too before anything is done."
    return back(request, f"/schools/{school}/plan", told)


@router.post("/schools/{school}/refuse")
def refuse(
    request: Request,
    school: str,
    visitor: Annotated[Visitor, Depends(needs(Right.APPROVE))],
    digest: Annotated[str, Form(max_length=64)],
    why: Annotated[str, Form(max_length=2000)] = "",
) -> Response:
    """A no to exactly this digest."""
    try:
        decisions.refuse(place_of(request), visitor, school, digest, why)
    except Conflict as changed:
        return _as_it_is(request, school, visitor, changed)
    told = "Refused. It stays held, and nothing of it is done until somebody approves it."
    return back(request, f"/schools/{school}/plan", told)


def _as_it_is(request: Request, school: str, visitor: Visitor, why: Conflict) -> Response:
    """What has changed, above the plan as it is now."""
    told = views.shown(place_of(request), visitor, school, "", "", "", 1, None)
    return page(request, "plan/plan.html", visitor, school, status=409, changed=why.sentence, **told)
