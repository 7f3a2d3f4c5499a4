"""Signing in with a name and a password, signing out, and the one-time links of those who have no password yet."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request, Response

from onroll_core.store.console import Operator
from onroll_daemon.console import own_passwords, session_cookies
from onroll_daemon.console.access import anybody, needs, visitor_of
from onroll_daemon.console.operating import SIGNED_IN, Wanted, objections
from onroll_daemon.console.place import Place, place_of
from onroll_daemon.console.refusals import NoSuch
from onroll_daemon.console.rendering import back, page
from onroll_daemon.console.rights import Right, Role
from onroll_daemon.console.throttle import Throttle
from onroll_daemon.console.visitors import Visitor

router = APIRouter()
_TEXT = Annotated[str, Form()]
_GONE = "This link does not work any more: it was used, it is too old, or a newer one was made. Ask for a new one; on the server, "


@router.get("/sign-in", dependencies=[Depends(anybody)])
def sign_in_page(request: Request, next: str = "") -> Response:
    """The form; who is signed in already goes on."""
    if visitor_of(request, place_of(request)) is not None:
        return back(request, session_cookies.local(next) or "/profile")
    return _form(request, next)


@router.post("/sign-in", dependencies=[Depends(anybody)])
def sign_in(request: Request, name: _TEXT = "", password: _TEXT = "", next: _TEXT = "") -> Response:
    """A name and a password. What is wrong is not told apart, nor by how long it takes."""
    place, address = place_of(request), client_address(request)
    wait = throttle(place).begin(name, address, place.clock())
    if wait is not None:
        return _form(request, next, name, wait_sentence(wait), 429, wait)
    operator = place.store.console.operators.named(name[:200])
    kept = place.store.console.operators.password(operator.id) if operator is not None else None
    right = own_passwords.matches(password[: 4 * own_passwords.LONGEST], kept)
    if not right or operator is None or operator.disabled:
        note_wrong(place, name, operator.name if operator is not None else None, address)
        sentence = "That name and that password do not belong together, or they may not use this console any more."
        return _form(request, next, name, sentence, 400)
    throttle(place).right(name, address)
    if kept is not None and own_passwords.outgrown(kept):
        place.store.console.operators.rehash(operator.id, own_passwords.hashed(password))
    place.store.console.audit.note(place.clock(), operator.name, None, SIGNED_IN, "with a password")
    return session_cookies.begin(request, next, operator)


@router.post("/sign-out")
def sign_out(request: Request, visitor: Annotated[Visitor, Depends(needs(Right.PROFILE))]) -> Response:
    """The session is over, in this browser."""
    place = place_of(request)
    place.store.console.audit.note(place.clock(), visitor.by, None, "signed out")
    response = back(request, "/sign-in", "You have signed out.")
    session_cookies.end(request, response)
    return response


@router.get("/first/{secret}", dependencies=[Depends(anybody)])
def first_page(request: Request, secret: str) -> Response:
    """The form of whoever administers onroll first."""
    place = place_of(request)
    works, whose = place.store.console.links.look(secret, place.clock())
    if not works or whose is not None or place.store.console.operators.any():
        raise NoSuch(_GONE + "onroll serve logs one when it starts and nobody administers it yet.")
    return page(request, "signing_in/first.html", None, wanted={}, errors={})


@router.post("/first/{secret}", dependencies=[Depends(anybody)])
def first(
    request: Request, secret: str, name: _TEXT = "", display: _TEXT = "", email: _TEXT = "", password: _TEXT = "", again: _TEXT = ""
) -> Response:  # fmt: skip
    """Make the first administrator, once, and sign them in."""
    place = place_of(request)
    works, whose = place.store.console.links.look(secret, place.clock())
    if not works or whose is not None:
        raise NoSuch(_GONE + "onroll serve logs one when it starts and nobody administers it yet.")
    wanted = Wanted(name, display, email or None, Role.ADMINISTRATOR, None)
    wrong = objections(wanted, place.settings.schools)
    if objection := own_passwords.objection(password, again, name):
        wrong["password"] = objection
    if wrong:
        told = {"name": name, "display": display, "email": email}
        return page(request, "signing_in/first.html", None, status=400, wanted=told, errors=wrong)
    now, console = place.clock(), place.store.console
    made = console.first_administrator(secret, name, display, email or None, own_passwords.hashed(password), now)
    operator = console.operators.get(made) if made is not None else None
    if operator is None:
        raise NoSuch("Somebody else was quicker: onroll has its first administrator. Ask them to let you in.")
    console.audit.note(now, operator.name, None, "became the first administrator of the console")
    console.audit.note(now, operator.name, None, SIGNED_IN, "with the first link")
    return session_cookies.begin(request, "", operator)


@router.get("/choose-password/{secret}", dependencies=[Depends(anybody)])
def choose_page(request: Request, secret: str) -> Response:
    """The form of an operator who was given a link."""
    operator = _behind_link(place_of(request), secret)
    return page(request, "signing_in/choose.html", None, operator=operator, error="")


@router.post("/choose-password/{secret}", dependencies=[Depends(anybody)])
def choose(request: Request, secret: str, password: _TEXT = "", again: _TEXT = "") -> Response:
    """Keep the password, and sign them in; they are signed out everywhere else."""
    place = place_of(request)
    operator = _behind_link(place, secret)
    if objection := own_passwords.objection(password, again, operator.name):
        return page(request, "signing_in/choose.html", None, status=400, operator=operator, error=objection)
    hashed, now, console = own_passwords.hashed(password), place.clock(), place.store.console
    if not console.links.use(secret, now):
        raise NoSuch(_GONE + f"it is made with: onroll console link {operator.name}")
    console.operators.set_password(operator.id, hashed)
    console.audit.note(now, operator.name, None, "chose a password", "with a link")
    console.audit.note(now, operator.name, None, SIGNED_IN, "with a link")
    return session_cookies.begin(request, "", operator)


def throttle(place: Place) -> Throttle:
    """The one throttle of a console."""
    found: Throttle = place.extras.setdefault("throttle", Throttle())
    return found


def _behind_link(place: Place, secret: str) -> Operator:
    works, whose = place.store.console.links.look(secret, place.clock())
    operator = place.store.console.operators.get(whose) if works and whose is not None else None
    if operator is None or operator.disabled:
        raise NoSuch(_GONE + "it is made with: onroll console link NAME")
    return operator


def _form(
    request: Request, next: str, name: str = "", error: str = "", status: int = 200, wait: timedelta | None = None
) -> Response:
    place = place_of(request)
    told: dict[str, Any] = {
        "next": session_cookies.local(next),
        "name": name[:200],
        "error": error,
        "providers": [(key, each.label or key) for key, each in place.settings.console.openid.items()],
        "nobody": not place.store.console.operators.any(),
    }
    response = page(request, "signing_in/sign_in.html", None, status=status, **told)
    if wait is not None:
        response.headers["Retry-After"] = str(math.ceil(wait.total_seconds()))
    return response


def wait_sentence(wait: timedelta) -> str:
    """What somebody who has to wait is told."""
    seconds = math.ceil(wait.total_seconds())
    told = f"{seconds} seconds" if seconds < 90 else f"{math.ceil(seconds / 60)} minutes"
    return (
        f"There were too many wrong tries. Wait {told}, then try again. A password is not found any sooner by guessing; an administrator can make you"
        " a link to choose a new one."
    )


def note_wrong(place: Place, name: str, known: str | None, address: str) -> None:
    """The last free try is written down, once. A name that nobody has may be a password in the wrong place: it is not kept."""
    if throttle(place).used_up(name, address):
        who = known or "a name that nobody has"
        place.store.console.audit.note(
            place.clock(), "nobody", None, f"too many wrong passwords for {who}: signing in now has to wait", address
        )


def client_address(request: Request) -> str:
    """Where a request comes from; behind a proxy, where the proxy says that it does."""
    return request.client.host if request.client else ""
