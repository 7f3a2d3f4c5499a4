"""The first page: is it working, what did it do, what will it do tonight."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from onroll_daemon.console.access import needs
from onroll_daemon.console.place import place_of
from onroll_daemon.console.rendering import back, message, navigation, page
from onroll_daemon.console.rights import Right
from onroll_daemon.console.views import today as views
from onroll_daemon.console.visitors import Visitor

router = APIRouter()


@router.get("/")
def today(
    request: Request,
    visitor: Annotated[Visitor, Depends(needs(Right.PROFILE))],
    school: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    """One school, or all of the visitor's with the worst first. Whoever may not see schools goes on to the first page that is theirs."""
    place = place_of(request)
    theirs = visitor.among(place.settings.schools)
    if not visitor.may(Right.SEE):
        entries = navigation(visitor, next(iter(theirs), None), "/")
        return back(request, next(each["href"] for each in entries))
    if not theirs:
        return message(request, 403, "There is no school for you", "The schools that you may see are not configured any more. Ask an administrator of onroll.", visitor)  # fmt: skip
    if not school and len(theirs) > 1:
        return page(request, "today/schools.html", visitor, schools_told=views.standings(place, theirs))
    one = school or theirs[0]
    return page(request, "today/school.html", visitor, one, **views.of_one(place, visitor, one))
