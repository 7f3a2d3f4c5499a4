"""Signing in with the school's identity provider: the way there, and the way back, which works once and in the same browser."""

from __future__ import annotations

import hmac
import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from onroll_core.errors import Refused
from onroll_core.identities import Identity, State
from onroll_core.people import Role
from onroll_core.store import Store
from onroll_core.store.console.keys import digest
from onroll_daemon.console import session_cookies
from onroll_daemon.console.access import anybody
from onroll_daemon.console.operating import SIGNED_IN, address
from onroll_daemon.console.place import Place, place_of
from onroll_daemon.console.refusals import Forbidden, NoSuch
from onroll_daemon.console.rendering import message
from onroll_daemon.openid import Application, Begun, Provider

router = APIRouter()
_LASTS = timedelta(minutes=10)
_COOKIE = "onroll_way"
_MOST = 5000


@dataclass(frozen=True, slots=True)
class _OnTheWay:
    """A browser that was sent to a provider. `browser` is the digest of the cookie that it was given."""

    browser: str = field(repr=False)
    provider: str
    begun: Begun
    wanted: str
    until: datetime


class Ways:
    """The browsers that are at a provider just now, each with what only it can bring back; the oldest go first when there are too many."""

    def __init__(self) -> None:
        self._open: OrderedDict[str, _OnTheWay] = OrderedDict()
        self._lock = threading.Lock()
        self.providers: dict[str, Provider] = {}

    def keep(self, way: _OnTheWay) -> None:
        """One more."""
        with self._lock:
            self._open[way.begun.state] = way
            while len(self._open) > _MOST:
                self._open.popitem(last=False)

    def take(self, state: str, provider: str, browser: str, now: datetime) -> _OnTheWay | None:
        """The way that this browser is on, once; None for another's, an old one and one that was taken. Another browser's try does not end it."""
        with self._lock:
            way = self._open.get(state)
            if way is None or way.provider != provider or not hmac.compare_digest(way.browser, digest(browser)):
                return None
            del self._open[state]
        return way if way.until > now else None


@router.get("/sign-in/openid/{name}", dependencies=[Depends(anybody)])
def to_the_provider(request: Request, name: str, next: str = "") -> Response:
    """On to the provider. It is a link and not a form: the pages' own policy keeps forms from leading to another site."""
    place = place_of(request)
    provider, browser = _provider(place, name), secrets.token_urlsafe(32)
    begun = provider.begin(secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(48))
    until = place.clock() + _LASTS
    _ways(place).keep(_OnTheWay(digest(browser), name, begun, session_cookies.local(next), until))
    response = RedirectResponse(begun.url, 303)
    # Lax: the way back is a link of the provider's.
    response.set_cookie(_cookie(place), browser, max_age=int(_LASTS.total_seconds()), path="/", httponly=True, samesite="lax", secure=place.settings.console.encrypted)  # fmt: skip
    return response


@router.get("/sign-in/openid/{name}/done", dependencies=[Depends(anybody)])
def back_from_the_provider(request: Request, name: str, state: str = "", code: str = "", error: str = "") -> Response:
    """Somebody is back: an operator, or a member of staff for their own profile. Everybody else is told so."""
    place = place_of(request)
    provider = _provider(place, name)
    way = _ways(place).take(state, name, request.cookies.get(_cookie(place), ""), place.clock())
    if way is None:
        raise Forbidden(
            "This way back from signing in does not work any more: it was used, took more than ten minutes, or belongs to another browser. Sign in again."
        )
    if error or not code:
        return message(request, 403, "Nobody was signed in", _declined(place, name, error))
    try:
        known = provider.finish(way.begun, code)
    except Refused as refused:
        return message(request, 403, "Nobody was signed in", refused.sentence)
    response = _sign_in(request, place, name, known, way.wanted)
    response.delete_cookie(_cookie(place), path="/", httponly=True, samesite="lax", secure=place.settings.console.encrypted)  # fmt: skip
    return response


def _sign_in(request: Request, place: Place, name: str, known: str, wanted: str) -> Response:
    audit, now = place.store.console.audit, place.clock()
    operator = place.store.console.operators.with_email(known)
    if operator is not None and not operator.disabled:
        audit.note(now, operator.name, None, SIGNED_IN, f"with {name}")
        return session_cookies.begin(request, wanted, operator)
    staff = None
    if operator is None and place.settings.console.openid[name].staff:
        staff = staff_member(place.store, known)
    if staff is None or staff.school not in place.settings.schools:
        return message(
            request,
            403,
            "Nobody was signed in",
            f"Nobody with the address {known[:200]} may use this console. Is it the account that the school gave you? An administrator of onroll can let you in.",
        )
    audit.note(now, staff.label, staff.school, "signed in to their profile", f"with {name}")
    return session_cookies.begin(request, "", None, staff.id)


def staff_member(store: Store, known: str) -> Identity | None:
    """The one member of staff at work whose present address this is; None where there are none or several. Never a pupil."""
    found = [
        each
        for each in store.find(None, known)
        if (each.email or "").lower() == known
        and each.role is Role.STAFF
        and each.state is State.ACTIVE
        and not each.suspended
    ]
    return found[0] if len(found) == 1 else None


def _provider(place: Place, name: str) -> Provider:
    table = place.settings.console.openid.get(name)
    if table is None:
        raise NoSuch("Nobody signs in that way here. Go back to the sign-in page.")
    ways = _ways(place)
    if name not in ways.providers:
        comes_back_to = f"{address(place.settings)}/sign-in/openid/{name}/done"
        application = Application(
            table.label or name, table.issuer, table.client_id, table.client_secret.reveal, comes_back_to
        )
        ways.providers[name] = Provider(application, place.clock)
    return ways.providers[name]


def _declined(place: Place, name: str, error: str) -> str:
    label = place.settings.console.openid[name].label or name
    if error == "access_denied":
        return f"{label} says that signing in was called off, or that its administrator does not let you use onroll."
    return f"{label} sent you back without signing you in{f' ({error[:60]})' if error else ''}. Sign in again."


def _ways(place: Place) -> Ways:
    found: Ways = place.extras.setdefault("ways", Ways())
    return found


def _cookie(place: Place) -> str:
    return f"__Host-{_COOKIE}" if place.settings.console.encrypted else _COOKIE
