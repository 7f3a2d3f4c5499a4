"""Groups: the list of what each target should have, and one group with who is in it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from onroll_daemon.console.access import needs
from onroll_daemon.console.place import place_of
from onroll_daemon.console.rendering import page
from onroll_daemon.console.rights import Right
from onroll_daemon.console.views import groups as view
from onroll_daemon.console.views.people import clean
from onroll_daemon.console.visitors import Visitor

router = APIRouter()
See = Annotated[Visitor, Depends(needs(Right.SEE))]
Text = Annotated[str, Query(max_length=200)]
Number = Annotated[int, Query(ge=1, le=1_000_000, alias="page")]


@router.get("/schools/{school}/groups")
def groups(
    request: Request, school: str, visitor: See, target: Text = "", kind: Text = "", q: Text = "", only: Text = "", number: Number = 1
) -> Response:  # fmt: skip
    """The list."""
    place = place_of(request)
    filters = view.Filters(*(clean(each) for each in (target, kind, q, only)))
    found = view.listing(view.groups(place, school), filters)
    first = (number - 1) * view.PER_PAGE
    return page(
        request, "groups/groups.html", visitor, school, filters=filters, asked=filters.asked(), rows=found.rows[first : first + view.PER_PAGE],
        kinds=[(each, told, found.kinds.get(each, 0)) for each, told in view.KINDS.items()], doubts=found.doubts, archived=found.archived,
        total=len(found.rows), first=first, number=number, per_page=view.PER_PAGE, targets=place.settings.schools[school].targets,
        href=f"/schools/{school}/groups",
    )  # fmt: skip


@router.get("/schools/{school}/groups/show")
def group(request: Request, school: str, visitor: See, target: Text, record: Text) -> Response:
    """One group."""
    place = place_of(request)
    found = view.groups(place, school)
    row = view.one(found, clean(target), clean(record))
    return page(
        request, "groups/group.html", visitor, school, row=row, kind=view.KINDS[row.kind], members=view.people(place, school, found, row.group.members),
        leaders=view.people(place, school, found, row.group.owners), href=f"/schools/{school}/groups",
    )  # fmt: skip
