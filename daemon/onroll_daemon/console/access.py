"""The one door: every route names the right that it needs, and nobody gets past it without that right in the school that the route is about."""

from __future__ import annotations

import hmac
from datetime import timedelta
from typing import Any

from fastapi import Request
from fastapi.concurrency import run_in_threadpool

from onroll_core.accounts import IdentityId
from onroll_daemon.console.place import Place, place_of
from onroll_daemon.console.refusals import Forbidden, NoSuch, NotSignedIn
from onroll_daemon.console.rights import Right
from onroll_daemon.console.visitors import Visitor, behind_cookie, behind_token

COOKIE = "onroll"
SAFE_COOKIE = "__Host-onroll"
"""Where the connection is encrypted: a browser takes it over TLS alone, and from no other host."""
_READING = frozenset({"GET", "HEAD", "OPTIONS"})


def needs(right: Right) -> Any:
    """A dependency that gives the `Visitor`, or raises NotSignedIn, Forbidden or NoSuch.

    The school of the route is that of its path: `{school}`, or that of the `{identity}`, the `{run}` or the request `{number}`. What is in a school that
    one may not see is told apart from what is not there by nothing.
    """
    return Needs(right)


class Needs:
    """See `needs`; a class, so that tests can ask a route for its right."""

    def __init__(self, right: Right) -> None:
        self.right = right

    async def __call__(self, request: Request) -> Visitor:
        """Let somebody in."""
        place = place_of(request)
        visitor = await run_in_threadpool(visitor_of, request, place)
        if visitor is None:
            raise NotSignedIn
        if visitor.csrf and request.method not in _READING:
            await _meant(request, visitor)
        if not visitor.may(self.right):
            raise Forbidden(
                f"Your role ({visitor.role}) does not let you {self.right}. Ask an administrator of onroll."
            )
        await run_in_threadpool(_in_their_schools, request, place, visitor)
        request.state.visitor = visitor
        return visitor


async def anybody() -> None:
    """The dependency of the few routes that are there before anybody has signed in. They believe no cookie; the guard keeps other sites from sending to them."""


def visitor_of(request: Request, place: Place) -> Visitor | None:
    """Who sends a request; a token goes before a cookie."""
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return behind_token(place.store, secret.strip(), place.clock())
    cookie = cookie_of(request, place)
    if not cookie:
        return None
    idle = timedelta(minutes=place.settings.console.session_minutes)
    return behind_cookie(place.store, cookie, place.clock(), idle)


def cookie_of(request: Request, place: Place) -> str:
    """The session's cookie, or ""."""
    return request.cookies.get(SAFE_COOKIE if place.settings.console.encrypted else COOKIE, "")


async def _meant(request: Request, visitor: Visitor) -> None:
    """A write with a cookie shows that a page of ours sent it."""
    shown = request.headers.get("x-csrf-token", "")
    if not shown and request.headers.get("content-type", "").startswith(
        ("application/x-www-form-urlencoded", "multipart/")
    ):
        told = (await request.form()).get("csrf")
        shown = told if isinstance(told, str) else ""
    if not hmac.compare_digest(shown.encode(), visitor.csrf.encode()):
        raise Forbidden(
            "This page was not sent by the console, or you have signed in anew since. Open the page again. Nothing was changed."
        )


def _in_their_schools(request: Request, place: Place, visitor: Visitor) -> None:
    """Raises NoSuch when the path is about something that is not there, or is in a school they may not see."""
    for what, value in request.path_params.items():
        schools = _schools_of(place, what, str(value))
        if schools is not None and not any(
            school in place.settings.schools and visitor.sees(school) for school in schools
        ):
            raise NoSuch(_NOT_THERE[what])
    asked = request.query_params.get("school")
    if asked and not (asked in place.settings.schools and visitor.sees(asked)):
        raise NoSuch(_NOT_THERE["school"])


_NOT_THERE = {
    "school": "There is no such school, or you may not see it.",
    "identity": "There is no such person, or you may not see them.",
    "run": "There is no such run, or you may not see it.",
    "number": "There is no such request, or you may not see it. Requests are forgotten after 30 days.",
}


def _schools_of(place: Place, what: str, value: str) -> list[str] | None:
    """The schools in which a part of a path is; None for a part that is in no school."""
    store = place.store
    match what:
        case "school":
            return [value]
        case "identity":
            person = store.identity(IdentityId(value))
            return [] if person is None else [person.school, *person.elsewhere]
        case "run":
            school = store.school_of_run(int(value)) if value.isdigit() and len(value) < 10 else None
            return [] if school is None else [school]
        case "number":
            request = store.requests.get(int(value)) if value.isdigit() and len(value) < 10 else None
            return [] if request is None else [request.school]
    return None
