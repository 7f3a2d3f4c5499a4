"""The console as one application: its routes, its errors as pages or as JSON, and health and metrics beside them."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio.to_thread
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.middleware.base import RequestResponseEndpoint

from onroll_core.errors import OnrollError, Refused, Unavailable
from onroll_daemon.console.access import visitor_of
from onroll_daemon.console.api import audit as api_audit
from onroll_daemon.console.api import groups as api_groups
from onroll_daemon.console.api import links as api_links
from onroll_daemon.console.api import passwords as api_passwords
from onroll_daemon.console.api import people as api_people
from onroll_daemon.console.api import plans as api_plans
from onroll_daemon.console.api import renames as api_renames
from onroll_daemon.console.api import requests as api_requests
from onroll_daemon.console.api import runs as api_runs
from onroll_daemon.console.api import schools as api_schools
from onroll_daemon.console.api import settings as api_settings
from onroll_daemon.console.api.problem import PROBLEMS
from onroll_daemon.console.guard import Guarded
from onroll_daemon.console.pages import (
    audit,
    manual,
    openid,
    operators,
    own_password,
    people,
    person,
    plan,
    profile,
    runs,
    settings,
    signing_in,
    today,
    tokens,
    undo,
)
from onroll_daemon.console.pages import groups as groups_pages
from onroll_daemon.console.pages import handouts as handouts_pages
from onroll_daemon.console.pages import links as links_pages
from onroll_daemon.console.pages import renames as renames_pages
from onroll_daemon.console.pages import requests as request_pages
from onroll_daemon.console.place import Place, place_of
from onroll_daemon.console.refusals import NotSignedIn, Turned
from onroll_daemon.console.rendering import VERSION, back, message
from onroll_daemon.console.templating import STATIC

_LOG = logging.getLogger("onroll")
_AT_ONCE = 12
"""Routes that work at the same time; each may hold one of the store's fifteen connections."""

PAGES: tuple[APIRouter, ...] = (
    today.router,
    plan.router,
    runs.router,
    undo.router,
    request_pages.router,
    signing_in.router,
    own_password.router,
    tokens.router,  # before operators, among whose numbers "tokens" would be looked for
    operators.router,
    openid.router,
    people.router,
    person.router,
    manual.router,
    profile.router,
    links_pages.router,
    settings.router,
    audit.router,
    groups_pages.router,
    renames_pages.router,
    handouts_pages.router,
)
API: tuple[APIRouter, ...] = (
    api_schools.router,
    api_plans.router,
    api_runs.router,
    api_requests.router,
    api_people.router,
    api_links.router,
    api_settings.router,
    api_audit.router,
    api_groups.router,
    api_renames.router,
    api_passwords.router,
)


def console_app(place: Place, *beside: APIRouter) -> FastAPI:
    """The console of `place`, with further routes `beside` it (health and metrics)."""
    app = FastAPI(
        title="onroll",
        version=VERSION,
        description="What the console shows and does, for scripts: the same rights, with a token in place of a cookie.",
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
        lifespan=_narrow,
    )
    app.state.place = place
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    for router in (*beside, *PAGES):
        app.include_router(router, include_in_schema=False)
    for router in API:
        app.include_router(router, responses=PROBLEMS)
    app.middleware("http")(_turn_away)
    app.add_middleware(Guarded, encrypted=place.settings.console.encrypted)
    app.add_exception_handler(Turned, _turned)
    app.add_exception_handler(OnrollError, _failed)
    app.add_exception_handler(HTTPException, _plain)
    app.add_exception_handler(RequestValidationError, _not_understood)
    app.add_exception_handler(Exception, _unforeseen)
    return app


@asynccontextmanager
async def _narrow(app: FastAPI) -> AsyncIterator[None]:
    anyio.to_thread.current_default_thread_limiter().total_tokens = _AT_ONCE
    yield


async def _turn_away(request: Request, go_on: RequestResponseEndpoint) -> Response:
    turned = getattr(request.state, "turned", None)
    if turned is not None:
        return _told(request, turned.status, turned.title, turned.sentence)
    return await go_on(request)


def _turned(request: Request, why: Any) -> Response:
    if isinstance(why, NotSignedIn) and not _api(request):
        if request.method in ("GET", "HEAD") and request.url.path == "/":
            return back(request, "/sign-in")
        return _told(request, why.status, why.title, why.sentence)
    return _told(request, why.status, why.title, why.sentence)


def _failed(request: Request, failure: Any) -> Response:
    """What the store or the core could not do."""
    if isinstance(failure, Refused):
        return _told(request, 409, "That cannot be done", failure.sentence)
    _LOG.warning("%s %s: %s", request.method, request.url.path, failure)
    title = "Try again in a moment" if isinstance(failure, Unavailable) else "The store does not work"
    return _told(request, 503, title, failure.sentence)


def _plain(request: Request, why: Any) -> Response:
    sentences = {
        404: "There is no such page. The menu has all that there are.",
        405: "That address cannot be used in this way.",
    }
    title = "That is not there" if why.status_code == 404 else "That cannot be done"
    response = _told(request, why.status_code, title, sentences.get(why.status_code, f"{why.detail}."))
    for name, value in (why.headers or {}).items():
        response.headers[name] = value
    return response


def _not_understood(request: Request, why: Any) -> Response:
    """Values that are missing or of the wrong kind, each named."""
    told = [
        f"{'.'.join(str(each) for each in error['loc'][1:]) or error['loc'][0]}: {error['msg']}"
        for error in why.errors()
    ]
    return _told(
        request,
        422,
        "That was not understood",
        f"Something is missing or wrong: {'; '.join(told[:5])}. Nothing was changed.",
    )


def _unforeseen(request: Request, failure: Exception) -> Response:
    _LOG.error("%s %s failed in a way onroll did not expect", request.method, request.url.path, exc_info=failure)
    sentence = "onroll made a mistake. Its log says where; nothing more was done. Please report it with those lines."
    return _told(request, 500, "A mistake of onroll's", sentence)


def _told(request: Request, status: int, title: str, sentence: str) -> Response:
    if _api(request):
        headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
        return JSONResponse({"error": title, "sentence": sentence}, status, headers)
    return message(request, status, title, sentence, _known(request))


def _known(request: Request) -> Any:
    """Who looks at an error, as far as that can be told: the store may be what failed."""
    visitor = getattr(request.state, "visitor", None)
    try:
        return visitor or visitor_of(request, place_of(request))
    except OnrollError:
        return None


def _api(request: Request) -> bool:
    return request.url.path.startswith("/api/")
