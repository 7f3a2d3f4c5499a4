"""People for scripts: looked for, told, renamed, switched off and on, called otherwise, and added by hand."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from onroll_core.by_hand import Wanted
from onroll_core.identities import Identity
from onroll_core.people import Role
from onroll_core.rules import SchoolRules
from onroll_daemon.console.access import needs
from onroll_daemon.console.place import Place, place_of
from onroll_daemon.console.rights import Right
from onroll_daemon.console.views import manual
from onroll_daemon.console.views.people import Filters, clean, found, rows, today_at
from onroll_daemon.console.views.person import changing, history, person_of, sync_now, to_change
from onroll_daemon.console.visitors import Visitor
from onroll_daemon.operations import by_hand, renaming
from onroll_daemon.operations.explaining import from_here
from onroll_daemon.operations.people import mark, shown

router = APIRouter(prefix="/api/v1", tags=["people"])
See = Annotated[Visitor, Depends(needs(Right.PEOPLE))]
Change = Annotated[Visitor, Depends(needs(Right.CHANGE))]
Run = Annotated[Visitor, Depends(needs(Right.RUN))]
Who = Annotated[str, Path(description="The identity", max_length=16)]
Where = Annotated[str, Path(description="The school's id")]
Narrow = Annotated[str, Query(max_length=200)]


class User(BaseModel):
    """A person, in the shape of `onroll users list --json`."""

    identity: str
    username: str | None
    email: str | None
    aliases: list[str]
    display_name: str
    role: Literal["student", "staff", "contact", "other"]
    school: str
    source: str
    state: Literal["future", "active", "missing", "leaving", "left", "no-show", "excluded"]
    year_of_entry: int | None
    year_group: str | None
    registration_group: str | None
    guest_at: list[str] = []


class Users(BaseModel):
    """A page of those who fit, by surname; `total` is how many fit."""

    users: list[User]
    total: int
    offset: int


class Account(BaseModel):
    """An account; `enabled` is what onroll last made of it, null when it never touched that."""

    model_config = ConfigDict(from_attributes=True)

    target: str
    anchor: str
    enabled: bool | None
    since: str


class Pending(BaseModel):
    """A rename that waits for its day."""

    model_config = ConfigDict(from_attributes=True)

    username: str
    email: str
    keep_alias: bool
    on: date
    by: str


class Person(User):
    """A person and all that is kept of them. `seen` is to be given back with a change: it is refused when somebody changed them meanwhile."""

    records: list[str]
    accounts: list[Account]
    waiting: str | None
    proposal: str | None
    suspended: str
    withheld: list[str]
    pending: Pending | None
    seen: str


class Event(BaseModel):
    """One thing that happened; `target` and `outcome` where something was sent."""

    at: str
    what: str
    run: int | None
    target: str | None
    outcome: str | None


class History(BaseModel):
    """What happened to somebody, oldest first."""

    history: list[Event]


class Seen(BaseModel):
    """What a change may say: the `seen` of the person as they were looked at."""

    model_config = ConfigDict(extra="forbid")

    seen: str | None = Field(None, max_length=64)


class NewNames(Seen):
    """Another username, another address, or both; on a day, or now. `preview` changes nothing."""

    username: str | None = Field(None, min_length=1, max_length=64)
    email: str | None = Field(None, min_length=1, max_length=200)
    keep_alias: bool = True
    on: date | None = None
    preview: bool = False


class Renamed(BaseModel):
    """What a rename comes to; `on` is the day for which it is kept, null when it is done (or would be) at once."""

    identity: str
    before: str | None
    username: str
    email: str
    changes: list[str]
    on: date | None
    done: bool


class Reason(Seen):
    """Why, for the record."""

    why: str = Field("", max_length=200)


class Name(Seen):
    """A display name; "" goes back to the school's form."""

    name: str = Field(max_length=200)


class NewUser(BaseModel):
    """Somebody whom the MIS does not know. Without `username` the school's format gives one; `year_group` is of pupils."""

    model_config = ConfigDict(extra="forbid")

    first: str = Field("", max_length=100)
    last: str = Field("", max_length=100)
    role: Literal["student", "staff", "other"] = "other"
    username: str | None = Field(None, min_length=1, max_length=64)
    starts: date | None = None
    ends: date | None = None
    year_group: str | None = Field(None, max_length=40)


class Asked(BaseModel):
    """The number of a request: see /api/v1/requests/{number}."""

    request: int


@router.get("/users")
def users(
    request: Request, visitor: See,
    q: Narrow = "", school: Narrow = "", role: Narrow = "", year: Narrow = "", registration: Narrow = "", group: Narrow = "",
    source: Narrow = "", state: Narrow = "",
    only: Literal["", "waiting", "disabled"] = "",
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
) -> Users:  # fmt: skip
    """Those who fit. Every word of `q` is part of a name, address or number; `group` is a record of `school`; the others are exact."""
    place = place_of(request)
    told = (clean(each) for each in (q, school, role, year, registration, group, source, state, only))
    page = found(place, visitor, Filters(*told), limit, offset)
    return Users(
        users=[User.model_validate(each) for each in rows(place, page.people)], total=page.total, offset=offset
    )


@router.get("/users/{identity}")
def user(request: Request, identity: Who, visitor: See) -> Person:
    """One person."""
    place = place_of(request)
    who, rules = person_of(place, identity)
    return _person(place, who, rules)


@router.get("/users/{identity}/history")
def user_history(request: Request, identity: Who, visitor: See) -> History:
    """What happened to somebody."""
    place = place_of(request)
    who, rules = person_of(place, identity)
    return History(history=[Event.model_validate(each) for each in history(place, who, rules)])


@router.get("/users/{identity}/explanation")
def explanation(request: Request, identity: Who, visitor: See) -> dict[str, Any]:
    """Why everything about somebody is as it is, in the shape of `onroll explain --offline --json`; no target is asked."""
    place = place_of(request)
    who, _ = person_of(place, identity)
    return from_here(place.settings, place.store, who, today_at(place, who.school)).as_json()


@router.post("/users/{identity}/rename")
def rename(request: Request, identity: Who, visitor: Change, names: NewNames) -> Renamed:
    """Give somebody another username or address."""
    place = place_of(request)
    wanted = renaming.Names(
        clean(names.username).lower() or None, clean(names.email).lower() or None, names.keep_alias, names.on
    )
    with changing(place, visitor, identity, names.seen) as (who, rules):
        today = today_at(place, who.school)
        (one,) = renaming.look(place.store, who, rules, wanted).renamings
        day = names.on if names.on is not None and names.on > today else None
        if not names.preview:
            renaming.rename(place.store, who, rules, wanted, today, visitor.by, place.clock())
    told = f"{who.label} to {one.username} ({one.email})"
    if not names.preview:
        _note(place, visitor, who, f"will rename {told} on {day}" if day else f"renamed {told}")
    return Renamed(
        identity=who.id, before=who.username, username=one.username, email=one.email, changes=one.changes(names.keep_alias),
        on=day, done=not names.preview and day is None,
    )  # fmt: skip


@router.delete("/users/{identity}/rename")
def cancel_rename(request: Request, identity: Who, visitor: Change) -> Person:
    """Take back the rename that waits for its day."""
    place = place_of(request)
    with changing(place, visitor, identity, None) as (who, rules):
        renaming.cancel(place.store, who)
    _note(place, visitor, who, f"took back the rename of {who.label}")
    return _person(place, who, rules)


@router.post("/users/{identity}/disable")
def disable(request: Request, identity: Who, visitor: Change, reason: Reason) -> Person:
    """Take sign-in away until somebody enables it again."""
    return _switch(request, identity, visitor, reason.seen, False, clean(reason.why))


@router.post("/users/{identity}/enable")
def enable(request: Request, identity: Who, visitor: Change, seen: Seen) -> Person:
    """Take a disable by hand back."""
    return _switch(request, identity, visitor, seen.seen, True, "")


@router.post("/users/{identity}/display-name")
def display_name(request: Request, identity: Who, visitor: Change, name: Name) -> Person:
    """What a member of staff is called."""
    place = place_of(request)
    with changing(place, visitor, identity, name.seen) as (who, rules):
        after = by_hand.call(place.store, who, clean(name.name), place.clock())
    _note(place, visitor, who, f"set the display name of {who.label}")
    return _person(place, after, rules)


@router.post("/users/{identity}/sync", status_code=202)
def sync(request: Request, identity: Who, visitor: Run) -> Asked:
    """Bring this person's accounts into line now."""
    place = place_of(request)
    who, _ = to_change(place, visitor, identity, None)
    number = sync_now(place, who, visitor.by)
    _note(place, visitor, who, f"asked for a sync of {who.label} alone")
    return Asked(request=number)


@router.post("/schools/{school}/manual", status_code=201)
def add(request: Request, school: Where, visitor: Change, wanted: NewUser) -> Person:
    """Add somebody by hand."""
    place = place_of(request)
    first, last = clean(wanted.first), clean(wanted.last)
    year = clean(wanted.year_group) if wanted.role == Role.STUDENT.value else ""
    one = Wanted(first, last, by_hand.role(wanted.role), wanted.username, wanted.starts, wanted.ends, year or None)
    (made,) = manual.add(place, school, [one], visitor.by)
    _note(place, visitor, made, f"added {made.label} by hand")
    return _person(place, made, place.rules(school))


def _switch(request: Request, identity: str, visitor: Visitor, seen: str | None, on: bool, why: str) -> Person:
    place = place_of(request)
    with changing(place, visitor, identity, seen) as (who, rules):
        today = today_at(place, who.school)
        after = by_hand.switch(place.store, rules, who, on, why, visitor.by, today, place.clock())
    _note(place, visitor, who, f"{'enabled' if on else 'disabled'} {who.label}{f': {why}' if why else ''}")
    return _person(place, after, rules)


def _note(place: Place, visitor: Visitor, who: Identity, what: str) -> None:
    place.store.console.audit.note(place.clock(), visitor.by, who.school, what, who.id)


def _person(place: Place, who: Identity, rules: SchoolRules) -> Person:
    waits = renaming.pending(place.store, who)
    return Person(
        **shown(who, rules, today_at(place, who.school)),
        records=[key.record for key in who.keys if key.school == who.school],
        accounts=[Account.model_validate(each) for each in place.store.lookup.accounts(who.id)],
        waiting=who.waiting,
        proposal=who.proposal,
        suspended=who.suspended,
        withheld=sorted(renaming.withheld(place.store, who)),
        pending=None if waits is None else Pending.model_validate(waits),
        seen=mark(who),
    )
