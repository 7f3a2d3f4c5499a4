"""What is done to one person from their page: each form is one change, shown before it is made where names are given, and noted in the audit."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response

from onroll_core.errors import Refused
from onroll_core.identities import Identity
from onroll_daemon.console.access import needs
from onroll_daemon.console.place import Place, place_of
from onroll_daemon.console.refusals import Conflict
from onroll_daemon.console.rendering import back, page
from onroll_daemon.console.rights import Right
from onroll_daemon.console.views.people import clean, today_at
from onroll_daemon.console.views.person import changing, person_of, preview, sync_now, to_change
from onroll_daemon.console.visitors import Visitor
from onroll_daemon.operations import by_hand, forgetting, records, renaming
from onroll_daemon.operations.people import mark

router = APIRouter()
Change = Annotated[Visitor, Depends(needs(Right.CHANGE))]
Seen = Annotated[str, Form(max_length=64)]
Text = Annotated[str, Form(max_length=200)]
_NEXT = "Every target follows at the next sync."


def day_of(text: str, what: str) -> date | None:
    """The day in a field; raises Refused for what is none."""
    try:
        return date.fromisoformat(text) if text.strip() else None
    except ValueError:
        raise Refused(f"{what} is written as 2026-11-26; {text!r} is no date. Nothing was changed.") from None


def _names(username: str, email: str, keep: bool, on: str) -> renaming.Names:
    """What was written; an empty field leaves a name as it is."""
    new = clean(username).lower() or None
    return renaming.Names(new, clean(email).lower() or None, keep, day_of(on, "The day"))


def _only_new(names: renaming.Names, who: Identity) -> renaming.Names:
    """Without what somebody is called already: the form comes filled in."""
    username = None if names.username == who.username else names.username
    email = None if names.email == who.email else names.email
    return renaming.Names(username, email, names.keep_alias, names.on)


def _done(request: Request, place: Place, visitor: Visitor, who: Identity, what: str, told: str) -> Response:
    place.store.console.audit.note(place.clock(), visitor.by, who.school, what, who.id)
    return back(request, f"/users/{who.id}", told)


@router.get("/users/{identity}/names")
def names_form(
    request: Request, identity: str, visitor: Change, username: str = "", email: str = "", keep: str = "", on: str = "", look: str = ""
) -> Response:  # fmt: skip
    """The form for another username or address; with `look`, what that would come to."""
    place = place_of(request)
    who, rules = to_change(place, visitor, identity, None)
    shown, error = None, ""
    if look:
        try:
            names = _only_new(_names(username, email, bool(keep), on), who)
        except Refused as why:
            error = why.sentence
        else:
            shown = preview(place, who, rules, names) | {"wanted": names}
            error = shown["error"]
    told = {
        "username": username or who.username or "",
        "email": email or ("" if username else who.email or ""),
        "on": on,
    }
    return page(
        request, "people/names.html", visitor, who.school, who=who, told=told, keep=bool(keep) or not look, mark=mark(who),
        shown=None if error else shown, error=error, proposal=who.proposal, waiting=who.waiting,
    )  # fmt: skip


@router.post("/users/{identity}/names")
def give_names(
    request: Request, identity: str, visitor: Change, seen: Seen, digest: Text,
    username: Text = "", email: Text = "", keep: Text = "", on: Text = "",
) -> Response:  # fmt: skip
    """Do what was shown, if it is still that."""
    place = place_of(request)
    names = _names(username, email, bool(keep), on)
    with changing(place, visitor, identity, seen) as (who, rules):
        if renaming.look(place.store, who, rules, names).digest != digest:
            raise Conflict(
                "The names come to something else by now than what you were shown. Look at them again. Nothing was changed."
            )
        done = renaming.rename(place.store, who, rules, names, today_at(place, who.school), visitor.by, place.clock())
    called = f"{done.wanted.username} ({done.wanted.email})"
    if done.day is not None:
        told = f"{who.label} will be {called} on {done.day.day} {done.day:%B %Y}, and nobody else gets that name."
        return _done(request, place, visitor, who, f"will rename {who.label} to {called} on {done.day}", told)
    return _done(
        request, place, visitor, who, f"renamed {who.label} to {called}", f"{who.label} is {called} now. {_NEXT}"
    )


@router.post("/users/{identity}/names/cancel")
def cancel_names(request: Request, identity: str, visitor: Change, seen: Seen) -> Response:
    """Take back a rename that waits for its day."""
    place = place_of(request)
    with changing(place, visitor, identity, seen) as (who, _):
        renaming.cancel(place.store, who)
    return _done(request, place, visitor, who, f"took back the rename of {who.label}", f"{who.label} keeps the name.")


@router.post("/users/{identity}/alias")
def alias(request: Request, identity: str, visitor: Change, seen: Seen, address: Text, follows: Text = "") -> Response:
    """Say whether a former address still reaches somebody."""
    place = place_of(request)
    with changing(place, visitor, identity, seen) as (who, _):
        renaming.follow(place.store, who, address, bool(follows), visitor.by, place.clock())
    what = f"{address} {'follows' if follows else 'must not follow'} {who.label}"
    return _done(
        request, place, visitor, who, f"said that {what}", f"{what} from the next sync on. Nobody else ever gets it."
    )


@router.post("/users/{identity}/display-name")
def display_name(request: Request, identity: str, visitor: Change, seen: Seen, name: Text = "") -> Response:
    """What a member of staff wants to be called."""
    place = place_of(request)
    with changing(place, visitor, identity, seen) as (who, _):
        after = by_hand.call(place.store, who, clean(name), place.clock())
    told = f"{who.label} is shown as {after.chosen_display_name or 'the school writes it'} from the next sync on."
    return _done(request, place, visitor, who, f"set the display name of {who.label}", told)


@router.post("/users/{identity}/disable")
def disable(request: Request, identity: str, visitor: Change, seen: Seen, why: Text = "") -> Response:
    """Take sign-in away until somebody enables it again."""
    return _switch(request, identity, visitor, seen, False, clean(why))


@router.post("/users/{identity}/enable")
def enable(request: Request, identity: str, visitor: Change, seen: Seen) -> Response:
    """Take a disable by hand back."""
    return _switch(request, identity, visitor, seen, True, "")


def _switch(request: Request, identity: str, visitor: Visitor, seen: str, on: bool, why: str) -> Response:
    place = place_of(request)
    with changing(place, visitor, identity, seen) as (who, rules):
        by_hand.switch(place.store, rules, who, on, why, visitor.by, today_at(place, who.school), place.clock())
    done = "enabled" if on else "disabled"
    told = f"{who.label} is {done} from the next sync on, in every target. If it has to be now, use Sync this one now."
    return _done(request, place, visitor, who, f"{done} {who.label}{f': {why}' if why else ''}", told)


@router.post("/users/{identity}/record")
def record(request: Request, identity: str, visitor: Change, seen: Seen, number: Text, theirs: Text = "") -> Response:
    """Answer what the last reading asked: a record is this person too, or somebody else."""
    place = place_of(request)
    with changing(place, visitor, identity, seen) as (who, _):
        school = place.settings.schools[who.school]
        records.settle(place.store, school, who, number, bool(theirs), visitor.by, place.clock())
    what = f"the record {number} is {'' if theirs else 'not '}{who.label}"
    return _done(request, place, visitor, who, f"said that {what}", f"From the next sync on {what}.")


@router.post("/users/{identity}/apart")
def apart(request: Request, identity: str, visitor: Change, seen: Seen, number: Text) -> Response:
    """A record that was joined is somebody else."""
    place = place_of(request)
    with changing(place, visitor, identity, seen) as (who, _):
        records.part(place.store, place.settings.schools[who.school], who, number, visitor.by, place.clock())
    told = f"The record {number} is not {who.label}. Whoever it is gets an account of their own at the next sync."
    return _done(request, place, visitor, who, f"said that the record {number} is not {who.label}", told)


@router.post("/users/{identity}/forget")
def forget(
    request: Request, identity: str, visitor: Annotated[Visitor, Depends(needs(Right.FORGET))], seen: Seen, sure: Text = ""
) -> Response:  # fmt: skip
    """Forget somebody who has left; the box has to be ticked."""
    place = place_of(request)
    if not sure:
        raise Refused("Tick the box that says that it cannot be undone. Nothing was forgotten.")
    with changing(place, visitor, identity, seen) as (who, rules):
        forgetting.forget(place.store, who.id, rules, today_at(place, who.school), visitor.by, place.clock())
    told = f"What was known of {who.label} is forgotten. The username stays taken, and the accounts stay as they are."
    return _done(request, place, visitor, who, f"forgot what was known of {who.label}", told)


@router.post("/users/{identity}/sync")
def sync(request: Request, identity: str, visitor: Annotated[Visitor, Depends(needs(Right.RUN))]) -> Response:
    """Bring this person's accounts into line now; how far that is stands on their page."""
    place = place_of(request)
    who, _ = person_of(place, identity)
    to_change(place, visitor, identity, None)
    sync_now(place, who, visitor.by)
    place.store.console.audit.note(
        place.clock(), visitor.by, who.school, f"asked for a sync of {who.label} alone", who.id
    )
    return back(request, f"/users/{who.id}")
