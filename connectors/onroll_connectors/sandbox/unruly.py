"""What any HTTP system can do wrong, put in front of any simulator."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace

from onroll_connectors.sandbox.serving import Application, Request, Response

FAULTS = ("garbage", "redirect", "too busy", "server error", "drip", "cut off", "refused", "forbidden")


@dataclass(slots=True)
class Unruly:
    """`application`, which fails as `fault` says from the request number `first` to `last` (counted from 1, of those that `only` accepts).

    `fault` is "" or one of FAULTS: an HTML page with 200, a redirect to another host, 429, 500, a body that drips (`dripped` is called
    between its parts, for a test's clock), a connection that breaks off in the body, 401, 403. `mutate` changes the bytes of an answer that would
    have been good. `log` has every request, so that a test can look at what was asked for.
    """

    application: Application
    fault: str = ""
    first: int = 1
    last: int | None = None
    only: Callable[[Request], bool] = lambda request: True
    dripped: Callable[[], None] = lambda: None
    mutate: Callable[[bytes], bytes] | None = None
    log: list[Request] = field(default_factory=list)
    _count: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, request: Request) -> Response:
        """Answer one request."""
        with self._lock:
            self.log.append(request)
            self._count += self.only(request)
            strikes = self.only(request) and self.first <= self._count <= (self.last or self._count)
        if strikes:
            statuses = {"too busy": 429, "server error": 500, "refused": 401, "forbidden": 403}
            if self.fault in statuses:
                return Response(statuses[self.fault], {"error": self.fault})
            if self.fault == "garbage":
                return Response(200, b"<html><body>Down for maintenance<br></html>", {"Content-Type": "text/html"})
            if self.fault == "redirect":
                return Response(302, None, {"Location": "https://elsewhere.test/"})
        response = self.application(request)
        if not strikes:
            return response
        if self.fault == "drip":
            return replace(response, drip=self.dripped)
        if self.fault == "cut off":
            return replace(response, cut=True)
        if self.mutate is not None and response.status == 200:
            body, kind = response.encoded()
            return Response(200, self.mutate(body), {"Content-Type": kind} | dict(response.headers))
        return response

    def begin(self, fault: str = "", first: int = 1, last: int | None = None) -> None:
        """Count requests from 1 again, and fail so from now on."""
        with self._lock:
            self.fault, self.first, self.last, self._count = fault, first, last, 0
            self.log.clear()

    def asked(self, words: Collection[str]) -> set[str]:
        """Which of `words` occur in what was asked for (path, query, body), whatever their case."""
        said = [f"{each.path} {each.query} {each.body!r}".lower() for each in self.log]
        return {word for word in words if any(word.lower() in text for text in said)}
