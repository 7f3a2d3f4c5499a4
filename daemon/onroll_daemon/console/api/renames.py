"""Renames for scripts: shown first, and done when exactly that is confirmed."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Request
from pydantic import BaseModel, Field

from onroll_core.errors import Refused
from onroll_core.renames import Wish
from onroll_daemon.console.access import needs
from onroll_daemon.console.place import Place, place_of
from onroll_daemon.console.rights import Right
from onroll_daemon.console.views import renames as view
from onroll_daemon.console.views.people import clean
from onroll_daemon.console.visitors import Visitor
from onroll_daemon.operations.bulk_renames import Agreed, Whom
from onroll_daemon.operations.rename_looks import row

router = APIRouter(prefix="/api/v1/schools/{school}/renames", tags=["renames"])
Change = Annotated[Visitor, Depends(needs(Right.CHANGE))]
Where = Annotated[str, Path(description="The school's id")]
Short = Annotated[str, Field(max_length=200)]
Name = Annotated[str, Field(max_length=300)]
Names = Annotated[list[Short], Field(max_length=5000)]


class NewNames(BaseModel):
    """What one person is to be called; null leaves it. An address that is left out follows the username."""

    identity: Short
    username: Name | None = None
    email: Name | None = None


class Wanted(BaseModel):
    """Either `names`, person by person, or people by `users`, `groups`, `years` and `role`, who get the names of the present format (`emails_only`: their
    usernames stay)."""

    names: Annotated[list[NewNames], Field(max_length=5000)] = []
    users: Names = []
    groups: Names = []
    years: Names = []
    role: Literal["student", "staff", "contact", "other"] | None = None
    emails_only: bool = False
    keep_alias: bool = True


class Confirmed(Wanted):
    """The same as was shown, with its digest; `on`: the day on which it is done, else now."""

    digest: Short
    on: date | None = None


class BothNames(BaseModel):
    """Username and address; null where there was none."""

    username: str | None
    email: str | None


class Renaming(BaseModel):
    """One rename, in the shape of `onroll rename --json`. `problem` is what stands in the way, or ""."""

    identity: str
    before: BothNames
    after: BothNames
    problem: str
    changes: list[str]
    signed_in: dict[str, str]
    first_password: str | None


class Preview(BaseModel):
    """What it comes to; `digest` names exactly this."""

    digest: str
    unchanged: int
    renames: list[Renaming]
    notes: list[str]


class Done(BaseModel):
    """How many are renamed, or (`waiting`) will be on their day."""

    renamed: int
    waiting: bool


class Pending(BaseModel):
    """A rename that waits for its day."""

    identity: str
    before: BothNames
    after: BothNames
    on: date
    by: str


class Waiting(BaseModel):
    """Renames that wait for their day, the first day first."""

    waiting: list[Pending]


class TakenBack(BaseModel):
    """Whose rename is taken back."""

    identity: Short


@router.post("/preview")
def preview(request: Request, school: Where, visitor: Change, wanted: Wanted) -> Preview:
    """What it would come to; changes nothing."""
    place = place_of(request)
    told = view.told(place, school, _wishes(place, school, wanted))
    renames = [Renaming.model_validate(row(each, told.found, wanted.keep_alias)) for each, _ in told.rows]
    return Preview(digest=told.shown.digest, unchanged=told.shown.unchanged, renames=renames, notes=[*told.notes])


@router.post("/confirm")
def confirm(request: Request, school: Where, visitor: Change, wanted: Confirmed) -> Done:
    """Do what was shown: all of it, or nothing. Refused (409) when it is something else by now."""
    place = place_of(request)
    agreed = Agreed(wanted.digest, wanted.keep_alias, wanted.on)
    count, later = view.confirm(place, school, _wishes(place, school, wanted), agreed, visitor)
    return Done(renamed=count, waiting=later)


@router.get("/waiting")
def waiting(request: Request, school: Where, visitor: Change) -> Waiting:
    """What waits for its day."""
    rows = [
        Pending(
            identity=each.identity.id, before=BothNames(username=each.identity.username, email=each.identity.email),
            after=BothNames(username=each.username, email=each.email), on=each.on, by=each.by,
        )
        for each in view.waiting(place_of(request), school)
    ]  # fmt: skip
    return Waiting(waiting=rows)


@router.post("/cancel")
def cancel(request: Request, school: Where, visitor: Change, whose: TakenBack) -> Waiting:
    """Take a rename back that waits for its day; gives what still waits."""
    view.cancel(place_of(request), school, clean(whose.identity), visitor)
    return waiting(request, school, visitor)


def _wishes(place: Place, school: str, wanted: Wanted) -> list[Wish]:
    if wanted.names:
        told = [(clean(each.identity), _cleaned(each.username), _cleaned(each.email), "") for each in wanted.names]
        return view.wishes_of(place, school, told)
    users, groups, years = ([clean(each) for each in some] for some in (wanted.users, wanted.groups, wanted.years))
    whom = Whom(users, groups, years, wanted.role)
    if not whom.said:
        raise Refused("Say whom: names, users, groups, years or role. Nobody was renamed.")
    return view.by_format(place, school, whom, wanted.emails_only)


def _cleaned(text: str | None) -> str | None:
    return clean(text) or None
