"""One's own password: changed by whoever knows the old one, and signing out everywhere else."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request, Response

from onroll_core.errors import Refused
from onroll_daemon.console import own_passwords
from onroll_daemon.console.access import cookie_of, needs
from onroll_daemon.console.pages.signing_in import client_address, note_wrong, throttle, wait_sentence
from onroll_daemon.console.place import Place, place_of
from onroll_daemon.console.refusals import TooOften
from onroll_daemon.console.rendering import back, page
from onroll_daemon.console.rights import Right
from onroll_daemon.console.session_cookies import begin
from onroll_daemon.console.visitors import Visitor

router = APIRouter()
_SELF = Annotated[Visitor, Depends(needs(Right.PROFILE))]
_TEXT = Annotated[str, Form()]


@router.get("/profile/password")
def password_page(request: Request, visitor: _SELF) -> Response:
    """The form."""
    operator = _operator(visitor)
    return _form(request, visitor, place_of(request).store.console.operators.password(operator) is not None)


@router.post("/profile/password")
def change(request: Request, visitor: _SELF, old: _TEXT = "", password: _TEXT = "", again: _TEXT = "") -> Response:
    """Keep another password. Every other browser is signed out; this one goes on with a new session."""
    place, operator = place_of(request), _operator(visitor)
    console, now = place.store.console, place.clock()
    kept = console.operators.password(operator)
    if kept is None:
        raise Refused("You sign in with the school's account alone. An administrator can make you a link to choose a password.")  # fmt: skip
    if not _knows(request, place, visitor, old, kept):
        return _form(request, visitor, True, {"old": "That is not your present password."})
    if objection := own_passwords.objection(password, again, visitor.by):
        return _form(request, visitor, True, {"password": objection})
    found = console.operators.get(operator)
    console.operators.set_password(operator, own_passwords.hashed(password))
    console.audit.note(now, visitor.by, None, "changed their password")
    return begin(request, "/profile/password?changed=yes", found)


@router.post("/profile/sign-out-elsewhere")
def sign_out_elsewhere(request: Request, visitor: _SELF) -> Response:
    """Every other session of the same person is over."""
    place = place_of(request)
    place.store.console.sessions.end_others(_operator(visitor), cookie_of(request, place))
    place.store.console.audit.note(place.clock(), visitor.by, None, "signed out everywhere else")
    return back(request, "/profile/password", "You are signed out everywhere else.")


def _knows(request: Request, place: Place, visitor: Visitor, old: str, kept: str) -> bool:
    """Whether they know the present password. Whoever found an open browser may not guess it either."""
    where = client_address(request)
    wait = throttle(place).begin(visitor.by, where, place.clock())
    if wait is not None:
        raise TooOften(wait_sentence(wait))
    if own_passwords.matches(old, kept):
        throttle(place).right(visitor.by, where)
        return True
    note_wrong(place, visitor.by, visitor.by, where)
    return False


def _operator(visitor: Visitor) -> int:
    if visitor.operator is None:
        raise Refused("You sign in with the school's account, so there is no password of the console's to change.")
    return visitor.operator


def _form(request: Request, visitor: Visitor, has: bool, errors: dict[str, str] | None = None) -> Response:
    changed = request.query_params.get("changed") == "yes" and not errors
    told: dict[str, Any] = {"has_password": has, "errors": errors or {}, "changed": changed}
    return page(request, "operators/password.html", visitor, status=400 if errors else 200, **told)
