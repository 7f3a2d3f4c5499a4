"""Is it working? /healthz for whoever watches machines, /metrics for whoever draws them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from onroll_core.errors import OnrollError
from onroll_core.night import TALLIES, Night
from onroll_daemon.freshness import Freshness


@dataclass(slots=True)
class Metrics:
    """What is counted; one registry for each service, so that tests may have several."""

    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    runs: Counter = field(init=False)
    changes: Counter = field(init=False)
    held: Gauge = field(init=False)
    seconds: Gauge = field(init=False)
    fresh: Gauge = field(init=False)
    read_at: Gauge = field(init=False)

    def __post_init__(self) -> None:
        self.runs = Counter("onroll_runs", "Runs by how they ended", ["school", "status"], registry=self.registry)
        self.changes = Counter(
            "onroll_changes", "Changes by outcome", ["school", "target", "outcome"], registry=self.registry
        )
        self.held = Gauge(
            "onroll_held", "1 while a plan waits for a person", ["school", "target"], registry=self.registry
        )
        self.seconds = Gauge("onroll_run_seconds", "How long the last run took", ["school"], registry=self.registry)
        self.fresh = Gauge("onroll_fresh", "1 fresh, 0 late or failing", ["school"], registry=self.registry)
        self.read_at = Gauge(
            "onroll_last_read_timestamp_seconds", "The last complete read", ["school"], registry=self.registry
        )

    def count(self, night: Night, seconds: float) -> None:
        """Add one run."""
        self.runs.labels(night.school, night.status).inc()
        self.seconds.labels(night.school).set(seconds)
        for name, target in night.targets.items():
            self.held.labels(night.school, name).set(target.verdict == "held")
            for outcome in TALLIES:
                if target.tally[outcome]:
                    self.changes.labels(night.school, name, outcome).inc(target.tally[outcome])


def health_app(
    schools: Callable[[], dict[str, Freshness]], next_start: Callable[[str], datetime], metrics: Metrics
) -> FastAPI:
    """The service's pages. `schools` gives each school's freshness and raises when the store does not answer."""
    app = FastAPI(title="onroll", docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/healthz")
    def healthz() -> Response:
        """200 while the service works and every school is fresh or merely late; 503 with the reason otherwise."""
        try:
            found = schools()
        except OnrollError as failure:
            return JSONResponse({"status": "failing", "why": str(failure)}, 503)
        shown: dict[str, Any] = {
            name: each.as_json() | {"next_start": next_start(name).isoformat()} for name, each in found.items()
        }
        failing = [name for name, each in found.items() if each.word == "failing"]
        return JSONResponse({"status": "failing" if failing else "ok", "schools": shown}, 503 if failing else 200)

    @app.get("/metrics")
    def exposed() -> Response:
        """Prometheus's text format."""
        for name, each in schools().items():
            metrics.fresh.labels(name).set(each.word == "fresh")
            if each.last_read is not None:
                metrics.read_at.labels(name).set(each.last_read.timestamp())
        return PlainTextResponse(generate_latest(metrics.registry), media_type="text/plain; version=0.0.4")

    return app
