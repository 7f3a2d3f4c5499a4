"""Tokens for scripts: made here, shown once, taken back; and the page that says what a script can ask for."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request, Response

from onroll_daemon.console import operating
from onroll_daemon.console.access import needs
from onroll_daemon.console.pages.operators import roles
from onroll_daemon.console.place import place_of
from onroll_daemon.console.refusals import NoSuch
from onroll_daemon.console.rendering import back, page
from onroll_daemon.console.rights import Right
from onroll_daemon.console.views.operations import operations
from onroll_daemon.console.visitors import Visitor

router = APIRouter()
_ADMINISTRATOR = Annotated[Visitor, Depends(needs(Right.ADMINISTER))]
_TEXT = Annotated[str, Form()]
_MANY = Annotated[list[str], Form(default_factory=list)]
_NEW = {"name": "", "role": "viewer", "schools": None, "days": "90"}


@router.get("/operators/tokens")
def tokens(request: Request, visitor: _ADMINISTRATOR) -> Response:
    """Every token there ever was, without its secret."""
    return _list(request, visitor, _NEW)


@router.post("/operators/tokens")
def make(
    request: Request, visitor: _ADMINISTRATOR, schools: _MANY, name: _TEXT = "", role: _TEXT = "", days: _TEXT = "", whole: _TEXT = ""
) -> Response:  # fmt: skip
    """A new token; its secret is shown once."""
    place = place_of(request)
    of = None if whole == "all" else schools
    wrong = operating.access_objections(role, of, place.settings.schools)
    if not name.strip() or len(name) > 100:
        wrong["name"] = "Say in at most 100 characters what it is for."
    count = int(days) if days.isascii() and days.isdigit() and len(days) < 5 else 0
    if not 1 <= count <= operating.LONGEST_TOKEN:
        wrong["days"] = f"Write a number from 1 to {operating.LONGEST_TOKEN}."
    if wrong:
        return _list(request, visitor, {"name": name, "role": role, "schools": of, "days": days}, wrong)
    secret = operating.new_token(place.store, name, role, of, count, visitor.by, place.clock())
    return page(request, "operators/token.html", visitor, name=name.strip(), secret=secret, days=count)


@router.post("/operators/tokens/{token}/revoke")
def revoke(request: Request, token: int, visitor: _ADMINISTRATOR) -> Response:
    """It is good for nothing from now on."""
    place = place_of(request)
    if not (0 < token < 2**31 and operating.revoke(place.store, token, visitor.by, place.clock())):
        raise NoSuch("There is no such token, or it was taken back already.")
    return back(request, "/operators/tokens", "The token is taken back: it is good for nothing from now on.")


@router.get("/api")
def api(request: Request, visitor: Annotated[Visitor, Depends(needs(Right.SEE))]) -> Response:
    """What a script can ask for, from the definition that the console itself gives."""
    place = place_of(request)
    reached = place.settings.console.address or str(request.base_url).rstrip("/")
    return page(request, "operators/api.html", visitor, groups=operations(request.app.openapi()), reached=reached)


def _list(request: Request, visitor: Visitor, wanted: dict[str, Any], errors: dict[str, str] | None = None) -> Response:
    place = place_of(request)
    now = place.clock().isoformat()
    known = {each: school.rules.name for each, school in place.settings.schools.items()}
    rows = [
        {
            "token": each,
            "state": "taken back" if each.revoked else "over" if each.expires <= now else "valid",
            "schools": "All schools" if each.schools is None else ", ".join(known.get(one, one) for one in sorted(each.schools)),
        }
        for each in place.store.console.tokens.all()
    ]  # fmt: skip
    told: dict[str, Any] = {
        "rows": rows,
        "wanted": wanted,
        "errors": errors or {},
        "roles": roles(),
        "all_schools": list(known.items()),
    }
    return page(request, "operators/tokens.html", visitor, status=400 if errors else 200, **told)
