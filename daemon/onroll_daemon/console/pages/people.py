"""Users: the list, searched as one types, with its file; and one person on one page."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from onroll_daemon.console.access import needs
from onroll_daemon.console.place import place_of
from onroll_daemon.console.rendering import page, part, wants_part
from onroll_daemon.console.rights import Right
from onroll_daemon.console.views import people as view
from onroll_daemon.console.views.people import Filters, clean
from onroll_daemon.console.views.person import one, person_of
from onroll_daemon.console.visitors import Visitor

router = APIRouter()
See = Annotated[Visitor, Depends(needs(Right.PEOPLE))]


def asked(
    q: str = "",
    school: str = "",
    role: str = "",
    year: str = "",
    registration: str = "",
    group: str = "",
    source: str = "",
    state: str = "",
    only: str = "",
) -> Filters:
    """What the address of a list narrows it to."""
    told = (q, school, role, year, registration, group, source, state, only)
    return Filters(*(clean(each)[:200] for each in told))


Asked = Annotated[Filters, Depends(asked)]
Number = Annotated[int, Query(ge=1, le=1_000_000, alias="page")]


@router.get("/users")
def users(request: Request, filters: Asked, visitor: See, number: Number = 1) -> Response:
    """The list; for htmx the list without what is around it, since that does not change while somebody types."""
    place = place_of(request)
    found = view.listing(place, visitor, filters, number)
    if wants_part(request):
        return part(request, "people/list.html", visitor, filters.school or None, **found)
    chosen = view.choices(place, visitor, filters)
    return page(request, "people/users.html", visitor, filters.school or None, filters=filters, choices=chosen, **found)


@router.get("/users.csv")
def users_file(request: Request, filters: Asked, visitor: See) -> Response:
    """Everybody in the list as a file, and a line in the audit."""
    place = place_of(request)
    text = view.as_csv(place, visitor, filters)
    told = ", ".join(f"{name} {value}" for name, value in filters.asked().items()) or "everybody"
    place.store.console.audit.note(
        place.clock(), visitor.by, filters.school or None, f"downloaded the list of users ({told})"
    )
    headers = {"Content-Disposition": 'attachment; filename="users.csv"', "Cache-Control": "no-store"}
    return Response(text, media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/users/{identity}")
def user(request: Request, identity: str, visitor: See) -> Response:
    """One person."""
    place = place_of(request)
    found, rules = person_of(place, identity)
    return page(request, "people/person.html", visitor, found.school, **one(place, visitor, found, rules))
