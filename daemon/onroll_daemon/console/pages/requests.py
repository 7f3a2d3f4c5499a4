"""How far a request is: a page of its own that survives a reload, and the piece of it that htmx asks for again."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from onroll_daemon.console.access import needs
from onroll_daemon.console.place import place_of
from onroll_daemon.console.refusals import NoSuch
from onroll_daemon.console.rendering import page, part, wants_part
from onroll_daemon.console.rights import Right
from onroll_daemon.console.views.requests import shown
from onroll_daemon.console.visitors import Visitor

router = APIRouter()


@router.get("/requests/{number}")
def request(request: Request, number: int, visitor: Annotated[Visitor, Depends(needs(Right.PEOPLE))]) -> Response:
    """One request; the piece alone for htmx, which goes on to the answer's page when there is one."""
    place = place_of(request)
    found = place.store.requests.get(number)
    if found is None:
        raise NoSuch("There is no such request. Requests are forgotten after 30 days.")
    told = shown(found)
    if wants_part(request):
        if found.over and found.status in ("done", "held"):
            return Response(status_code=204, headers={"HX-Redirect": told["answer"]})
        return part(request, "requests/progress.html", visitor, found.school, asked=told)
    return page(request, "requests/request.html", visitor, found.school, asked=told)
