"""School and settings: the configuration to read, a check of everything, and a test of the alerts."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from onroll_daemon.console.access import needs
from onroll_daemon.console.place import place_of
from onroll_daemon.console.rendering import back, page
from onroll_daemon.console.rights import Right
from onroll_daemon.console.views import settings as views
from onroll_daemon.console.visitors import Visitor

router = APIRouter()
Run = Annotated[Visitor, Depends(needs(Right.RUN))]


@router.get("/schools/{school}/settings")
def settings(request: Request, school: str, visitor: Annotated[Visitor, Depends(needs(Right.SEE))]) -> Response:
    """The settings of a school."""
    return page(
        request, "settings/settings.html", visitor, school, **views.of_school(place_of(request), visitor, school)
    )


@router.post("/schools/{school}/check")
def check(request: Request, school: str, visitor: Run) -> Response:
    """Ask for a check of everything."""
    return back(
        request,
        f"/requests/{views.ask(place_of(request), visitor, school, 'check', 'asked for a check of everything')}",
    )


@router.post("/schools/{school}/alert-test")
def alert_test(request: Request, school: str, visitor: Run) -> Response:
    """Ask for a test message to everybody who would be told."""
    number = views.ask(place_of(request), visitor, school, "alert-test", "sent a test of the alerts")
    return back(request, f"/requests/{number}")
