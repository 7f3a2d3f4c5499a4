"""Manual users: people whom no MIS knows, added one by one or from a file, changed, and given a last day."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Annotated, Any

from fastapi import APIRouter, Depends, File, Form, Request, Response, UploadFile

from onroll_core.by_hand import Wanted
from onroll_core.errors import OnrollError, Refused
from onroll_core.people import Role
from onroll_daemon.console.access import needs
from onroll_daemon.console.pages.person import day_of
from onroll_daemon.console.place import place_of
from onroll_daemon.console.rendering import back, page
from onroll_daemon.console.rights import Right
from onroll_daemon.console.views import manual as view
from onroll_daemon.console.views.people import clean, today_at
from onroll_daemon.console.views.person import changing, to_change
from onroll_daemon.console.visitors import Visitor
from onroll_daemon.operations import by_hand
from onroll_daemon.operations.people import mark

router = APIRouter()
See = Annotated[Visitor, Depends(needs(Right.PEOPLE))]
Change = Annotated[Visitor, Depends(needs(Right.CHANGE))]
Text = Annotated[str, Form(max_length=200)]
ROLES = [("other", "Other (governor, visitor)"), ("staff", "Staff"), ("student", "Pupil")]
_EMPTY = {"first": "", "last": "", "role": "other", "username": "", "starts": "", "ends": "", "year": ""}


def _form(
    request: Request, visitor: Visitor, school: str, told: dict[str, Any], wrong: list[str], status: int = 200
) -> Response:
    values = {"told": _EMPTY | told, "wrong": wrong, "roles": ROLES, "school_id": school}
    return page(request, "people/manual_add.html", visitor, school, status, **values)


@router.get("/schools/{school}/manual")
def manual(request: Request, school: str, visitor: See) -> Response:
    """Everybody who was added by hand."""
    place = place_of(request)
    return page(request, "people/manual.html", visitor, school, people=view.listing(place, school), school_id=school)


@router.get("/schools/{school}/manual/add")
def add_form(request: Request, school: str, visitor: Change) -> Response:
    """The forms for one, and for a file."""
    return _form(request, visitor, school, {}, [])


@router.get("/schools/{school}/manual/example.csv")
def example(school: str, visitor: Change) -> Response:
    """A file to fill in."""
    headers = {"Content-Disposition": 'attachment; filename="people.csv"'}
    return Response(f"\ufeff{view.EXAMPLE}", media_type="text/csv; charset=utf-8", headers=headers)


@router.post("/schools/{school}/manual/add")
def add(
    request: Request, school: str, visitor: Change,
    first: Text = "", last: Text = "", role: Text = "other", username: Text = "", starts: Text = "", ends: Text = "", year: Text = "",
) -> Response:  # fmt: skip
    """Add one; what is wrong is said above the form, which keeps what was written."""
    place = place_of(request)
    told = {
        "first": first,
        "last": last,
        "role": role,
        "username": username,
        "starts": starts,
        "ends": ends,
        "year": year,
    }
    told = {name: clean(each) for name, each in told.items()}
    try:
        days = day_of(told["starts"], "The first day"), day_of(told["ends"], "The last day")
        year_group = told["year"] if told["role"] == Role.STUDENT.value else ""
        wanted = Wanted(
            told["first"], told["last"], by_hand.role(told["role"]), told["username"] or None, *days, year_group or None
        )
        (made,) = view.add(place, school, [wanted], visitor.by)
    except Refused as why:
        return _form(request, visitor, school, told, [why.sentence], 409)
    place.store.console.audit.note(place.clock(), visitor.by, school, f"added {made.label} by hand", made.id)
    return back(request, f"/users/{made.id}", f"{told['first']} {told['last']} is added: {made.username or made.waiting}. The account follows at the next sync.")  # fmt: skip


@router.post("/schools/{school}/manual/file")
def add_many(request: Request, school: str, visitor: Change, file: Annotated[UploadFile, File()]) -> Response:
    """Add all in a file, or nobody and every mistake with its line."""
    place = place_of(request)
    name = PurePosixPath(clean(file.filename).replace("\\", "/")).name[:80] or "The file"
    try:
        wanted, wrong = view.from_file(place, school, file.file.read(view.LARGEST + 1), name)
        made = [] if wrong else view.add(place, school, wanted, visitor.by)
    except OnrollError as why:
        if not isinstance(why, Refused):
            raise
        wrong = [why.sentence]
    if wrong:
        return _form(request, visitor, school, {}, wrong, 409)
    people = "1 person" if len(made) == 1 else f"{len(made)} people"
    place.store.console.audit.note(place.clock(), visitor.by, school, f"added {people} by hand from {name}")
    return back(request, f"/schools/{school}/manual", f"{people} added. Accounts follow at the next sync.")


@router.get("/users/{identity}/edit")
def edit_form(request: Request, identity: str, visitor: Change) -> Response:
    """Names and dates of somebody who was added by hand."""
    place = place_of(request)
    who, _ = to_change(place, visitor, identity, None)
    if who.source == "mis":
        raise Refused(f"{who.label} is in the MIS, which has the say: change names and dates there.")
    person = who.person
    told = {
        "first": person.first or "",
        "last": person.last or "",
        "starts": person.starts.isoformat() if person.starts else "",
        "ends": person.ends.isoformat() if person.ends else "",
        "year": person.year_group or "",
    }
    return page(request, "people/manual_edit.html", visitor, who.school, who=who, told=told, mark=mark(who), pupil=who.role is Role.STUDENT)  # fmt: skip


@router.post("/users/{identity}/edit")
def edit(
    request: Request, identity: str, visitor: Change, seen: Annotated[str, Form(max_length=64)],
    first: Text = "", last: Text = "", starts: Text = "", ends: Text = "", year: Text = "",
) -> Response:  # fmt: skip
    """Keep what was written; an empty last day means that they stay."""
    place = place_of(request)
    with changing(place, visitor, identity, seen) as (who, rules):
        told: dict[str, Any] = {
            "first": clean(first),
            "last": clean(last),
            "starts": day_of(starts, "The first day"),
            "ends": day_of(ends, "The last day"),
        }
        if who.role is Role.STUDENT and clean(year):
            told["year_group"] = clean(year)
        by_hand.edit(place.store, rules, who, told, today_at(place, who.school), place.clock())
    place.store.console.audit.note(
        place.clock(), visitor.by, who.school, f"changed names or dates of {who.label}", who.id
    )
    return back(request, f"/users/{who.id}", f"{who.label} is changed. Accounts follow at the next sync.")
