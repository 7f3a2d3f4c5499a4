"""New users and passwords: who is new, issuing, and the hand-out for the one who asked; no password is on any page but the slips."""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import HTMLResponse

from onroll_core.errors import Refused
from onroll_core.handout import STYLE
from onroll_daemon.console.access import needs
from onroll_daemon.console.place import place_of
from onroll_daemon.console.refusals import Conflict
from onroll_daemon.console.rendering import back, page
from onroll_daemon.console.rights import Right
from onroll_daemon.console.views import handouts as view
from onroll_daemon.console.views.people import clean
from onroll_daemon.console.views.requests import shown
from onroll_daemon.console.visitors import Visitor

router = APIRouter()
Issue = Annotated[Visitor, Depends(needs(Right.PASSWORDS))]
Text = Annotated[str, Query(max_length=200)]
Field = Annotated[str, Form(max_length=200)]
Lines = Annotated[list[str], Form(default_factory=list)]
Number = Annotated[int, Query(ge=1, le=1_000_000, alias="page")]
_ONLY_STYLE = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
SLIPS_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_ONLY_STYLE}'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
)
"""Slips bring their one style with them, as the file of the command line does; it is allowed by its digest, and nothing else is."""


def asked(q: Text = "", role: Text = "", year: Text = "", registration: Text = "", again: Text = "") -> view.Filters:
    """What the address narrows the list to."""
    return view.Filters(*(clean(each) for each in (q, role, year, registration, again)))


Asked = Annotated[view.Filters, Depends(asked)]


@router.get("/schools/{school}/passwords")
def passwords(request: Request, school: str, visitor: Issue, filters: Asked, number: Number = 1) -> Response:
    """Who was never given a password, and the hand-outs of the past."""
    place = place_of(request)
    found = view.listing(place, school, filters)
    first = (number - 1) * view.PER_PAGE
    return page(
        request, "passwords/passwords.html", visitor, school, found=found, rows=found.rows[first : first + view.PER_PAGE], filters=filters,
        asked=filters.asked(), total=len(found.rows), first=first, number=number, per_page=view.PER_PAGE, looked=place.clock().isoformat(),
        past=view.past(place, school), going=[shown(each) for each in view.going(place, school)], href=f"/schools/{school}/passwords",
    )  # fmt: skip


@router.post("/schools/{school}/passwords")
def issue(request: Request, school: str, visitor: Issue, filters: Asked, looked: Field, user: Lines) -> Response:
    """Issue to those who are ticked."""
    number = view.issue(place_of(request), school, user, bool(filters.again), _moment(looked), visitor)
    return back(request, f"/schools/{school}/passwords/{number}")


@router.post("/schools/{school}/passwords/all")
def issue_all(request: Request, school: str, visitor: Issue, filters: Asked, looked: Field, digest: Field) -> Response:
    """Issue to all who fit the filter, if they are those who were shown."""
    place = place_of(request)
    found = view.listing(place, school, filters)
    if found.digest != digest:
        raise Conflict("The list has changed since you looked at it. Look again. Nobody was given a password.")
    number = view.issue(place, school, found.usernames, bool(filters.again), _moment(looked), visitor)
    return back(request, f"/schools/{school}/passwords/{number}")


@router.get("/schools/{school}/passwords/{number}")
def handout(request: Request, school: str, number: int, visitor: Issue) -> Response:
    """How it went, and what can be done with the hand-out."""
    place = place_of(request)
    told = view.outcome(place, school, number, visitor)
    return page(
        request, "passwords/handout.html", visitor, school, told=told, asked=shown(told.request), href=f"/schools/{school}/passwords",
        here=f"/schools/{school}/passwords/{number}",
    )  # fmt: skip


@router.get("/schools/{school}/passwords/{number}/handout.csv")
def handout_file(request: Request, school: str, number: int, visitor: Issue) -> Response:
    """The passwords as a file, for the one who asked."""
    place = place_of(request)
    found = view.handout(place, school, number, visitor)
    view.taken(place, school, number, visitor, "downloaded")
    headers = {"Content-Disposition": f'attachment; filename="first-passwords-{number}.csv"', "Cache-Control": "no-store"}  # fmt: skip
    return Response(found.csv, media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/schools/{school}/passwords/{number}/slips")
def slips(request: Request, school: str, number: int, visitor: Issue) -> Response:
    """The passwords as slips to print and cut, for the one who asked."""
    place = place_of(request)
    found = view.handout(place, school, number, visitor)
    view.taken(place, school, number, visitor, "opened the slips of")
    return HTMLResponse(found.html, headers={"Content-Security-Policy": SLIPS_POLICY, "Cache-Control": "no-store"})


@router.post("/schools/{school}/passwords/{number}/drop")
def drop(request: Request, school: str, number: int, visitor: Issue) -> Response:
    """Throw the hand-out away before its hour is over."""
    gone = view.drop(place_of(request), school, number, visitor)
    told = "The hand-out is thrown away. The passwords themselves go on working." if gone else "There was no hand-out of yours any more."  # fmt: skip
    return back(request, f"/schools/{school}/passwords/{number}", told, "done" if gone else "note")


def _moment(text: str) -> datetime:
    try:
        told = datetime.fromisoformat(text)
    except ValueError:
        told = None
    if told is None or told.tzinfo is None:
        raise Refused("The page did not arrive whole. Open it again. Nobody was given a password.")
    return told
