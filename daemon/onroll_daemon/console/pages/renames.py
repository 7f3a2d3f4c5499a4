"""Rename: many people by the present format or by an edited list, shown before it is done, at once or on a day."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, File, Form, Query, Request, Response, UploadFile

from onroll_core.errors import OnrollError, Refused
from onroll_daemon.console.access import needs
from onroll_daemon.console.place import place_of
from onroll_daemon.console.refusals import NoSuch
from onroll_daemon.console.rendering import back, page
from onroll_daemon.console.rights import Right
from onroll_daemon.console.views import renames as view
from onroll_daemon.console.views.linking import ask
from onroll_daemon.console.views.people import clean, today_at
from onroll_daemon.console.views.requests import shown as request_shown
from onroll_daemon.console.visitors import Visitor
from onroll_daemon.operations.bulk_renames import Agreed, Whom

router = APIRouter()
Change = Annotated[Visitor, Depends(needs(Right.CHANGE))]
Text = Annotated[str, Query(max_length=200)]
Words = Annotated[str, Query(max_length=4000)]
Wishes = Annotated[str, Form(max_length=2_000_000)]
Field = Annotated[str, Form(max_length=200)]


@router.get("/schools/{school}/rename")
def rename(
    request: Request, school: str, visitor: Change, how: Text = "", role: Text = "", year: Text = "", registration: Text = "", users: Words = ""
) -> Response:  # fmt: skip
    """The forms and what waits for its day; once somebody has said whom, what it comes to."""
    place = place_of(request)
    told = {"how": how, "role": clean(role), "year": clean(year), "registration": clean(registration), "users": clean(users)}  # fmt: skip
    if how not in ("format", "addresses"):
        return _forms(request, school, visitor, told)
    groups, years = ([each] if each else [] for each in (told["registration"], told["year"]))
    whom = Whom(told["users"].replace(",", " ").split(), groups, years, told["role"] or None)
    try:
        wishes = view.by_format(place, school, whom, how == "addresses")
    except Refused as why:
        return _forms(request, school, visitor, told, [why.sentence])
    return _preview(request, school, visitor, view.told(place, school, wishes))


@router.post("/schools/{school}/rename/file")
def rename_file(request: Request, school: str, visitor: Change, file: Annotated[UploadFile, File()]) -> Response:
    """What an edited list comes to; nothing is done yet."""
    place = place_of(request)
    raw, name = file.file.read(), (file.filename or "the file")[:80]
    try:
        wishes = view.from_file(place, school, raw, name)
    except OnrollError as why:
        return _forms(request, school, visitor, {"how": "file"}, why.sentence.splitlines(), 422)
    return _preview(request, school, visitor, view.told(place, school, wishes))


@router.post("/schools/{school}/rename/look")
def look(request: Request, school: str, visitor: Change, wishes: Wishes) -> Response:
    """Ask the targets who of them has signed in lately."""
    place = place_of(request)
    told = view.unpacked(place, school, wishes)
    people = [each.identity.id for each in told]
    packed = [[each.identity.id, each.username, each.email, each.where] for each in told]
    what = f"asked who of {len(people)} people has signed in"
    number = ask(place, school, "rename-preview", {"identities": people, "wishes": packed}, visitor, what)
    return back(request, f"/schools/{school}/rename/{number}")


@router.get("/schools/{school}/rename/{number}")
def looked(request: Request, school: str, number: int, visitor: Change) -> Response:
    """The preview with who has signed in, once the targets have answered."""
    place = place_of(request)
    found = place.store.requests.get(number)
    if found is None or found.school != school or found.kind != "rename-preview" or "wishes" not in found.asked:
        raise NoSuch("There is no such preview. Previews are forgotten after 30 days.")
    wishes = view.wishes_of(place, school, [tuple(each) for each in found.asked["wishes"]])
    return _preview(request, school, visitor, view.told(place, school, wishes, found), request_shown(found))


@router.post("/schools/{school}/rename/confirm")
def confirm(
    request: Request, school: str, visitor: Change, wishes: Wishes, digest: Field, keep: Field = "", on: Field = ""
) -> Response:
    """Do what was shown, if it is still that."""
    place = place_of(request)
    agreed = Agreed(digest, bool(keep), _day(on))
    count, later = view.confirm(place, school, view.unpacked(place, school, wishes), agreed, visitor)
    people = "One person" if count == 1 else f"{count} people"
    if later and agreed.on is not None:
        told = f"{people} will be renamed on {agreed.on.day} {agreed.on:%B %Y}, and nobody else gets these names."
    else:
        told = f"{people} {'is' if count == 1 else 'are'} renamed here now. Every target follows at the next sync: Plan shows what it will do."
    return back(request, f"/schools/{school}/rename", told)


@router.post("/schools/{school}/rename/cancel")
def cancel(request: Request, school: str, visitor: Change, who: Field) -> Response:
    """Take back a rename that waits for its day."""
    identity = view.cancel(place_of(request), school, who, visitor)
    return back(request, f"/schools/{school}/rename", f"{identity.label} keeps the name.")


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text.strip() else None
    except ValueError:
        raise Refused(f"The day is written as 2026-11-26; {text!r} is no date. Nobody was renamed.") from None


def _forms(
    request: Request, school: str, visitor: Visitor, asked: dict[str, str], mistakes: list[str] | None = None, status: int = 200
) -> Response:  # fmt: skip
    place = place_of(request)
    asked = {"how": "", "role": "", "year": "", "registration": "", "users": ""} | asked
    return page(
        request, "renames/renames.html", visitor, school, status, asked=asked, mistakes=(mistakes or [])[:100], more=max(0, len(mistakes or []) - 100),
        choices=view.choices(place, school), waiting=view.waiting(place, school), href=f"/schools/{school}/rename", school_id=school,
    )  # fmt: skip


def _preview(
    request: Request, school: str, visitor: Visitor, told: view.Told, asked: dict[str, object] | None = None
) -> Response:
    place = place_of(request)
    return page(
        request, "renames/preview.html", visitor, school, told=told, rows=told.rows[: view.SHOWN], asked=asked, today=today_at(place, school),
        href=f"/schools/{school}/rename",
    )  # fmt: skip
