"""Is it working? /healthz for whoever watches machines, /metrics for whoever draws them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Protocol

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from onroll_core.errors import OnrollError
from onroll_daemon.freshness import Freshness
from onroll_daemon.metrics import Metrics


class Watched(Protocol):
    """What the pages look at."""

    @property
    def metrics(self) -> Metrics:
        """What was counted."""
        ...

    @property
    def clock(self) -> Callable[[], datetime]:
        """The time, aware."""
        ...

    def freshness(self) -> Mapping[str, Freshness]:
        """Each school's, now; raises OnrollError when the store does not answer."""
        ...

    def schedule_runs(self) -> bool:
        """True while schools will be tried."""
        ...

    def next_start(self, school: str) -> datetime:
        """When a school is tried next."""
        ...


def health_routes(watched: Watched) -> APIRouter:
    """What stands beside the console; it tells no name of anybody, and nobody has to sign in."""
    app = APIRouter()

    @app.get("/healthz")
    def healthz() -> Response:
        """200 while store and schedule work and no school is failing (late is not failing); 503 otherwise, with the reason."""
        runs = watched.schedule_runs()
        shown: dict[str, Any] = {
            "status": "ok" if runs else "failing",
            "store": "ok",
            "schedule": "running" if runs else "stopped",
            "schools": {},
        }
        try:
            found = watched.freshness()
        except OnrollError as failure:
            return JSONResponse(shown | {"status": "failing", "store": failure.sentence}, 503)
        shown["schools"] = {
            name: each.as_json() | {"next_start": watched.next_start(name).isoformat(timespec="seconds")}
            for name, each in found.items()
        }
        if any(each.word == "failing" for each in found.values()):
            shown["status"] = "failing"
        return JSONResponse(shown, 200 if shown["status"] == "ok" else 503)

    @app.get("/metrics")
    def metrics() -> Response:
        """Prometheus's text format; 503 when the store does not answer, so that a gap is a gap."""
        try:
            found = watched.freshness()
        except OnrollError as failure:
            return Response(f"{failure.sentence}\n", 503, media_type="text/plain; charset=utf-8")
        text = watched.metrics.text(found, watched.clock())
        return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")

    return app
