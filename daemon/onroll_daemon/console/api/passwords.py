"""First passwords for scripts: who was never given one, issuing, and the hand-out for the token that asked."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel, Field

from onroll_core.errors import Refused
from onroll_daemon.console.access import needs
from onroll_daemon.console.api.asked import Accepted, accepted
from onroll_daemon.console.place import place_of
from onroll_daemon.console.rights import Right
from onroll_daemon.console.views import handouts as view
from onroll_daemon.console.views.people import clean
from onroll_daemon.console.visitors import Visitor

router = APIRouter(prefix="/api/v1/schools/{school}/passwords", tags=["passwords"])
Issue = Annotated[Visitor, Depends(needs(Right.PASSWORDS))]
Where = Annotated[str, Path(description="The school's id")]
Number = Annotated[int, Path(ge=1, le=2**31 - 1, description="The number of the request")]
Narrow = Annotated[str, Query(max_length=200)]
Short = Annotated[str, Field(max_length=200)]
Names = Annotated[list[Short], Field(max_length=5000)]


class Person(BaseModel):
    """Somebody who can be given a first password. `handed_out` is when they were last, and `by` whom; `missing` are targets without an account of theirs."""

    identity: str
    username: str
    email: str
    name: str
    role: str
    year: str
    registration_group: str
    handed_out: str | None
    by: str | None
    missing: list[str]


class People(BaseModel):
    """A page of those who fit, by year, registration group and name."""

    people: list[Person]
    total: int
    offset: int


class Wanted(BaseModel):
    """Whom to give one: `users` by username, or all whom groups, years and role mean, or `everybody_new`. `again`: also those who were given one before."""

    users: Names = []
    groups: Names = []
    years: Names = []
    role: Literal["student", "staff", "contact", "other"] | None = None
    everybody_new: bool = False
    again: bool = False


class LeftOut(BaseModel):
    """Who was given none and why. `set_in` are targets in which a new password is set all the same, which nobody knows."""

    username: str
    why: str
    set_in: list[str]


class HandOut(BaseModel):
    """How it went. `until` is when the hand-out is gone, for the token that asked; null where there is none for this one."""

    request: int
    status: str
    error: str | None
    issued: list[str]
    left_out: list[LeftOut]
    until: str | None


class Dropped(BaseModel):
    """Whether there was a hand-out of this token's to throw away."""

    dropped: bool


@router.get("/new")
def new(
    request: Request, school: Where, visitor: Issue, q: Narrow = "", role: Narrow = "", year: Narrow = "", registration: Narrow = "", again: bool = False,
    offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0, limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> People:  # fmt: skip
    """Who was never given one."""
    filters = view.Filters(*(clean(each) for each in (q, role, year, registration, "yes" if again else "")))
    rows = view.listing(place_of(request), school, filters).rows
    people = [
        Person(
            identity=row.identity.id, username=row.identity.username or "", email=row.identity.email or "", name=row.name, role=row.identity.role.value,
            year=row.year, registration_group=row.identity.person.registration_group or "", handed_out=row.had[0] if row.had else None,
            by=row.had[1] if row.had else None, missing=[*row.missing],
        )
        for row in rows[offset : offset + limit]
    ]  # fmt: skip
    return People(people=people, total=len(rows), offset=offset)


@router.post("", status_code=202)
def issue(request: Request, school: Where, visitor: Issue, wanted: Wanted) -> Accepted:
    """Set first passwords in every target. What comes of it: /passwords/{number} with the number of the request."""
    place = place_of(request)
    groups, years = ([clean(each) for each in some] for some in (wanted.groups, wanted.years))
    if wanted.users:
        number = view.issue(place, school, [clean(each) for each in wanted.users], wanted.again, place.clock(), visitor)
        return Accepted(request=number, href=f"/api/v1/requests/{number}")
    if not (groups or years or wanted.role or wanted.everybody_new):
        raise Refused("Say whom: users, groups, years, role or everybody_new. Nobody was given a password.")
    told = {"groups": groups, "years": years, "role": wanted.role, "again": wanted.again, "looked": place.clock().isoformat()}  # fmt: skip
    whom = ", ".join([*groups, *years, *([wanted.role] if wanted.role else [])]) or "everybody new"
    return accepted(place, school, "passwords", told, visitor, f"asked for first passwords ({whom})")


@router.get("/{number}")
def outcome(request: Request, school: Where, number: Number, visitor: Issue) -> HandOut:
    """How it went; no password is in it."""
    told = view.outcome(place_of(request), school, number, visitor)
    left = [LeftOut.model_validate(dict(each)) for each in told.left_out]
    return HandOut(
        request=number, status=told.request.status, error=(told.request.result or {}).get("error"), issued=[*told.issued], left_out=left,
        until=told.lies.isoformat() if told.lies else None,
    )  # fmt: skip


@router.get(
    "/{number}/handout.csv",
    response_class=Response,
    responses={200: {"content": {"text/csv": {}}, "description": "The passwords"}},
)
def handout(request: Request, school: Where, number: Number, visitor: Issue) -> Response:
    """The passwords, for the token that asked, for an hour."""
    place = place_of(request)
    found = view.handout(place, school, number, visitor)
    view.taken(place, school, number, visitor, "downloaded")
    return Response(found.csv, media_type="text/csv; charset=utf-8", headers={"Cache-Control": "no-store"})


@router.delete("/{number}")
def drop(request: Request, school: Where, number: Number, visitor: Issue) -> Dropped:
    """Throw the hand-out away before its hour is over."""
    return Dropped(dropped=view.drop(place_of(request), school, number, visitor))
