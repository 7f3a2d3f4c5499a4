"""What every request meets before it reaches a route: a limit to its size, a look at where it comes from, and headers that keep pages to themselves."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from onroll_daemon.console.refusals import Forbidden, TooMuch, Turned

LARGEST = 2 * 1024 * 1024
"""Bytes of one request: the list of a large school is a tenth of that."""
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self';"
    " frame-ancestors 'none'; base-uri 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class Guarded:
    """An ASGI application behind the guard. `encrypted`: browsers are told to come back over TLS alone. `turned` answers what is turned away."""

    def __init__(self, app: ASGIApp, encrypted: bool) -> None:
        self._app, self._encrypted = app, encrypted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        scope.setdefault("state", {})["turned"] = _turned(scope["method"], headers)
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > LARGEST:
                # What is longer than it said: the route gets no more of it, and is told so by the handler of this error.
                raise TooMuch(_too_much())
            return message

        async def headed(message: Message) -> None:
            if message["type"] == "http.response.start":
                _dress(MutableHeaders(scope=message), scope["path"], self._encrypted)
            await send(message)

        await self._app(scope, counted, headed)


def _turned(method: str, headers: Headers) -> Turned | None:
    """Why a request is not answered at all, or None."""
    length = headers.get("content-length", "0")
    if length.isdigit() and int(length) > LARGEST:
        return TooMuch(_too_much())
    if method not in _READING and not _from_here(headers):
        return Forbidden("This was sent by a page of another site. Open the console itself. Nothing was changed.")
    return None


def _from_here(headers: Headers) -> bool:
    """Whether a browser that says where a write comes from says that it comes from us; whoever says nothing is no browser, or has no cookie of ours."""
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == headers.get("host")


def _too_much() -> str:
    return f"A file may have at most {LARGEST // 1024 // 1024} MB here. Is it the right one? A list of everybody in a school is far smaller. Nothing was changed."


def _dress(headers: MutableHeaders, path: str, encrypted: bool) -> None:
    for name, value in _HEADERS.items():
        headers.setdefault(name, value)
    if encrypted:
        headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    # What is on a page is about people, and the machine may be shared.
    headers.setdefault("Cache-Control", "public, max-age=86400" if path.startswith("/static/") else "no-store")
