"""My profile: what a member of staff is called, and which accounts they have."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response

from onroll_core.identities import Identity
from onroll_core.people import Role
from onroll_daemon.console.access import needs
from onroll_daemon.console.place import Place, place_of
from onroll_daemon.console.refusals import Forbidden
from onroll_daemon.console.rendering import back, page
from onroll_daemon.console.rights import Right
from onroll_daemon.console.views.people import clean, today_at
from onroll_daemon.console.views.person import changing, person_of
from onroll_daemon.console.visitors import Visitor
from onroll_daemon.operations import by_hand
from onroll_daemon.operations.people import mark, shown

router = APIRouter()
Mine = Annotated[Visitor, Depends(needs(Right.PROFILE))]


def myself(place: Place, visitor: Visitor) -> Identity | None:
    """The person of the MIS who is signed in; None for an operator without one. Raises Forbidden for pupils."""
    if visitor.identity is not None:
        found, _ = person_of(place, visitor.identity)
    elif visitor.email:
        there = [each for each in place.store.find(None, visitor.email) if each.email == visitor.email.lower()]
        if not there or there[0].school not in place.settings.schools or not visitor.sees(there[0].school):
            return None
        found = there[0]
    else:
        return None
    if found.role is Role.STUDENT:
        raise Forbidden("Pupils' names follow the school's records. Ask the office to change them there.")
    return found


@router.get("/me")
def me(request: Request, visitor: Mine) -> Response:
    """A short address for the same."""
    return back(request, "/profile")


@router.get("/profile")
def profile(request: Request, visitor: Mine) -> Response:
    """What they are called and have; for an operator who is nobody of the MIS, what they may do here."""
    place = place_of(request)
    who = myself(place, visitor)
    if who is None:
        return page(request, "people/profile.html", visitor, None, who=None, accounts=[], mark="", row=None)
    rules = place.rules(who.school)
    row = shown(who, rules, today_at(place, who.school))
    accounts = place.store.lookup.accounts(who.id)
    return page(
        request, "people/profile.html", visitor, who.school, who=who, row=row, accounts=accounts, mark=mark(who)
    )


@router.post("/profile")
def call_me(
    request: Request,
    visitor: Mine,
    seen: Annotated[str, Form(max_length=64)],
    name: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """Another display name; empty goes back to the school's form."""
    place = place_of(request)
    who = myself(place, visitor)
    if who is None:
        raise Forbidden("You are signed in as somebody who is not in a school's records, and has no display name here.")
    with changing(place, visitor, who.id, seen) as (found, _):
        after = by_hand.call(place.store, found, clean(name), place.clock())
    told = (
        f"You are shown as {after.chosen_display_name}"
        if after.chosen_display_name
        else "You are shown as the school writes it"
    )
    place.store.console.audit.note(place.clock(), visitor.by, who.school, "changed their own display name", who.id)
    return back(request, "/profile", f"{told}. Mail and other services follow after the next sync.")
