"""From values to pages: navigation, flash messages, and the way back after a form."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any, Literal, NamedTuple
from urllib.parse import urlencode

from fastapi import Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from onroll_daemon.console.place import Place, place_of
from onroll_daemon.console.rights import Right
from onroll_daemon.console.visitors import Visitor

Kind = Literal["done", "note", "warning", "error"]
_FLASH = "onroll_flash"
VERSION = version("onroll")


class Entry(NamedTuple):
    """One line of the navigation; `{school}` in the address is the current school."""

    label: str
    href: str
    right: Right
    icon: str


NAVIGATION = (
    Entry("Today", "/", Right.SEE, "today"),
    Entry("Plan", "/schools/{school}/plan", Right.SEE, "plan"),
    Entry("Runs", "/schools/{school}/runs", Right.SEE, "runs"),
    Entry("Users", "/users", Right.PEOPLE, "users"),
    Entry("Passwords", "/schools/{school}/passwords", Right.PASSWORDS, "passwords"),
    Entry("Link accounts", "/schools/{school}/links", Right.LINK, "links"),
    Entry("Rename", "/schools/{school}/rename", Right.CHANGE, "rename"),
    Entry("Groups", "/schools/{school}/groups", Right.SEE, "groups"),
    Entry("Manual users", "/schools/{school}/manual", Right.PEOPLE, "manual"),
    Entry("School and settings", "/schools/{school}/settings", Right.SEE, "settings"),
    Entry("Audit", "/audit", Right.AUDIT, "audit"),
    Entry("Console users", "/operators", Right.ADMINISTER, "operators"),
    Entry("My profile", "/profile", Right.PROFILE, "profile"),
)


def page(
    request: Request,
    template: str,
    visitor: Visitor | None,
    school: str | None = None,
    status: int = 200,
    **values: Any,
) -> HTMLResponse:
    """A template as a page. `school` is the one that it is about, else (for the links to its other pages) the visitor's first."""
    place = place_of(request)
    theirs = visitor.among(place.settings.schools) if visitor else []
    around = school or (theirs[0] if theirs else None)
    known = {
        "visitor": visitor,
        "nav": navigation(visitor, around, request.url.path),
        "flashes": _flashes(request),
        "school": {"id": school, "name": place.rules(school).name} if school else None,
        "schools": [(each, place.rules(each).name, _there(request, school, each)) for each in theirs],
        "version": VERSION,
        "zone": place.zone(school),
        "may": _may(visitor),
        "Right": Right,
    }
    text = place.templates.get_template(template).render(known | values)
    response = HTMLResponse(text, status)
    if _FLASH in request.cookies:
        response.delete_cookie(_FLASH, httponly=True, samesite="lax")
    return response


def part(request: Request, template: str, visitor: Visitor, school: str | None = None, **values: Any) -> HTMLResponse:
    """A piece of a page, for htmx."""
    place = place_of(request)
    known = {"visitor": visitor, "zone": place.zone(school), "may": _may(visitor), "Right": Right}
    return HTMLResponse(place.templates.get_template(template).render(known | values))


def wants_part(request: Request) -> bool:
    """Whether htmx asks for a piece and not, after the back button, for the whole page."""
    return request.headers.get("hx-request") == "true" and request.headers.get("hx-history-restore-request") != "true"


def back(request: Request, href: str, text: str = "", kind: Kind = "done") -> Response:
    """After a form: on to a page, with a sentence that stands there once. A browser that reloads then sends nothing twice."""
    response: Response
    if request.headers.get("hx-request") == "true":
        response = Response(status_code=204, headers={"HX-Redirect": href})
    else:
        response = RedirectResponse(href, 303)
    if text:
        told = base64.urlsafe_b64encode(json.dumps([kind, text[:1000]]).encode()).decode()
        response.set_cookie(_FLASH, told, max_age=60, httponly=True, samesite="lax", secure=place_of(request).settings.console.encrypted)  # fmt: skip
    return response


def message(request: Request, status: int, title: str, sentence: str, visitor: Visitor | None = None) -> HTMLResponse:
    """A page that says what happened."""
    place = place_of(request)
    known = {"visitor": visitor, "nav": navigation(visitor, _first(place, visitor), ""), "version": VERSION}
    told = {"title": title, "sentence": sentence, "status": status}
    told |= {"link": (_way_in(request), "Sign in")} if status == 401 else {}
    return HTMLResponse(place.templates.get_template("message.html").render(known | told), status)


def _way_in(request: Request) -> str:
    """The sign-in page, which leads back to the page that somebody asked for; a form is not sent again."""
    url = request.url
    wanted = f"{url.path}?{url.query}" if url.query else url.path
    return f"/sign-in?{urlencode({'next': wanted})}" if request.method == "GET" else "/sign-in"


def navigation(visitor: Visitor | None, school: str | None, path: str) -> list[dict[str, Any]]:
    """What somebody may open, with the page that is open marked."""
    if visitor is None:
        return []
    shown = [each for each in NAVIGATION if visitor.may(each.right) and (school or "{school}" not in each.href)]
    hrefs = {each.label: each.href.replace("{school}", school or "") for each in shown}
    current = max((each for each in hrefs.values() if _under(path, each)), key=len, default="")
    return [
        {"href": hrefs[each.label], "label": each.label, "icon": each.icon, "current": hrefs[each.label] == current, "count": 0}
        for each in shown
    ]  # fmt: skip


def _under(path: str, href: str) -> bool:
    return path == href or (href != "/" and path.startswith(f"{href}/"))


def _first(place: Place, visitor: Visitor | None) -> str | None:
    return next(iter(visitor.among(place.settings.schools)), None) if visitor else None


def _there(request: Request, school: str | None, other: str) -> str:
    """The same page of another school; Today where the page is about something of one school alone."""
    parts = request.url.path.split("/")
    if school and parts[1:3] == ["schools", school]:
        return "/".join(["", "schools", other, *parts[3:4]])
    return f"{request.url.path}?school={other}" if request.url.path in ("/users", "/audit") else f"/?school={other}"


def _may(visitor: Visitor | None) -> Any:
    return visitor.may if visitor else (lambda right: False)


def _flashes(request: Request) -> Sequence[tuple[str, str]]:
    """The sentence that the last form left, once. It comes from the browser: whatever is not one of ours is nothing."""
    try:
        kind, text = json.loads(base64.urlsafe_b64decode(request.cookies.get(_FLASH, "").encode()))
    except (ValueError, TypeError):
        return []
    return [(kind, text)] if kind in ("done", "note", "warning", "error") and isinstance(text, str) else []
