"""A session begins and ends: a new cookie each time, which the browser tells no script, no other site and (where it is encrypted) no other connection."""

from __future__ import annotations

import re
import secrets
from datetime import timedelta

from fastapi import Request, Response

from onroll_core.accounts import IdentityId
from onroll_core.store.console import Operator
from onroll_daemon.console.access import COOKIE, SAFE_COOKIE, cookie_of
from onroll_daemon.console.place import place_of
from onroll_daemon.console.rendering import navigation
from onroll_daemon.console.visitors import behind_cookie

LASTS = timedelta(hours=12)
_LOCAL = re.compile(r"/(?![/\\])[!-\[\]-~]*")
"""A path of ours: no second slash that would name another host, no backslash or blank, which browsers put right in ways of their own."""


def begin(request: Request, wanted: str, operator: Operator | None, identity: IdentityId | None = None) -> Response:
    """Somebody has shown who they are: a new session, and on to the page that they wanted, or to their own first one. What the browser had before is over."""
    from fastapi.responses import RedirectResponse

    place = place_of(request)
    now, sessions = place.clock(), place.store.console.sessions
    if before := cookie_of(request, place):
        sessions.end(before)
    cookie = secrets.token_urlsafe(32)
    number = None if operator is None else operator.id
    sessions.begin(cookie, secrets.token_urlsafe(32), number, identity, now, LASTS)
    response = RedirectResponse(local(wanted) or _first_page(request, cookie), 303)
    encrypted = place.settings.console.encrypted
    response.set_cookie(SAFE_COOKIE if encrypted else COOKIE, cookie, path="/", httponly=True, samesite="lax", secure=encrypted)  # fmt: skip
    return response


def end(request: Request, response: Response) -> None:
    """Somebody signs out in this browser."""
    place = place_of(request)
    place.store.console.sessions.end(cookie_of(request, place))
    encrypted = place.settings.console.encrypted
    response.delete_cookie(SAFE_COOKIE if encrypted else COOKIE, path="/", httponly=True, samesite="lax", secure=encrypted)  # fmt: skip


def local(wanted: str) -> str:
    """`wanted` when it is a page of this console to go to after signing in, else ""."""
    mine = len(wanted) <= 2000 and _LOCAL.fullmatch(wanted) and not wanted.startswith(("/sign-", "/first/", "/choose-"))
    return wanted if mine else ""


def _first_page(request: Request, cookie: str) -> str:
    """The first entry of somebody's own navigation: not everybody may see Today."""
    place = place_of(request)
    idle = timedelta(minutes=place.settings.console.session_minutes)
    visitor = behind_cookie(place.store, cookie, place.clock(), idle)
    if visitor is None:
        return "/"
    theirs = visitor.among(place.settings.schools)
    shown = navigation(visitor, theirs[0] if theirs else None, "")
    return str(shown[0]["href"]) if shown else "/"
