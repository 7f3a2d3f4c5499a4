"""/healthz and /metrics, asked as ASGI asks them."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi import FastAPI

from onroll_core.errors import Unavailable
from onroll_core.night import Night, TargetNight
from onroll_daemon.freshness import Freshness, Word
from onroll_daemon.health import health_routes
from onroll_daemon.metrics import Metrics

NOW = datetime(2026, 11, 24, 23, 0, tzinfo=UTC)


def one(word: Word) -> Freshness:
    return Freshness(word, f"it is {word}", NOW, NOW - timedelta(hours=1), NOW - timedelta(days=1), None, NOW)


@dataclass
class World:
    """A service as the pages see it."""

    schools: dict[str, Freshness]
    running: bool = True
    away: bool = False
    metrics: Metrics = field(default_factory=Metrics)

    def clock(self) -> datetime:
        return NOW

    def freshness(self) -> dict[str, Freshness]:
        if self.away:
            raise Unavailable("The store does not answer.")
        return self.schools

    def schedule_runs(self) -> bool:
        return self.running

    def next_start(self, school: str) -> datetime:
        return NOW + timedelta(hours=20)

    def get(self, path: str) -> tuple[int, str]:
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "path": path, "raw_path": path.encode(),
                 "query_string": b"", "headers": [], "scheme": "http", "server": ("127.0.0.1", 80), "client": ("127.0.0.1", 1)}  # fmt: skip
        app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
        app.include_router(health_routes(self))
        asyncio.run(app(scope, receive, send))  # type: ignore[arg-type]
        return sent[0]["status"], b"".join(each.get("body", b"") for each in sent[1:]).decode()


def test_a_healthy_service_says_of_each_school_how_it_is() -> None:
    status, body = World({"milton-park": one("fresh"), "oakfield": one("late")}).get("/healthz")
    told = json.loads(body)
    assert (status, told["status"], told["store"], told["schedule"]) == (200, "ok", "ok", "running")
    assert {name: each["word"] for name, each in told["schools"].items()} == {
        "milton-park": "fresh",
        "oakfield": "late",
    }
    assert told["schools"]["oakfield"]["why"] == "it is late"
    assert told["schools"]["oakfield"]["next_start"] == "2026-11-25T19:00:00+00:00"


def test_one_failing_school_is_enough() -> None:
    status, body = World({"milton-park": one("fresh"), "oakfield": one("failing")}).get("/healthz")
    assert (status, json.loads(body)["status"]) == (503, "failing")


def test_a_store_that_is_away_or_a_schedule_that_stands_still_is_failing() -> None:
    status, body = World({}, away=True).get("/healthz")
    assert (status, json.loads(body)["store"]) == (503, "The store does not answer.")
    status, body = World({"milton-park": one("fresh")}, running=False).get("/healthz")
    assert (status, json.loads(body)["schedule"]) == (503, "stopped")
    assert World({}, away=True).get("/metrics")[0] == 503


def lines(world: World) -> dict[str, float]:
    status, body = world.get("/metrics")
    assert status == 200
    told = (line.rsplit(" ", 1) for line in body.splitlines() if line and not line.startswith("#"))
    return {name: float(value) for name, value in told}


def test_metrics_count_runs_and_changes_and_show_what_waits() -> None:
    world = World({"s": one("fresh")})
    first = Night(
        "s",
        targets={"ad": TargetNight("cleared"), "m365": TargetNight("failed", error="x"), "google": TargetNight("held")},
    )
    first.targets["ad"].tally["created"] = 7
    world.metrics.count(first, 12.5)
    told = lines(world)
    assert told['onroll_runs_total{school="s",status="failed"}'] == 1
    assert told['onroll_changes_total{outcome="created",school="s",target="ad"}'] == 7
    assert told['onroll_target_failures_total{school="s",target="m365"}'] == 1
    assert told['onroll_held{school="s",target="google"}'] == 1
    assert told['onroll_last_run_seconds{school="s"}'] == 12.5
    assert told['onroll_last_read_age_seconds{school="s"}'] == 3600
    assert told['onroll_feed_age_seconds{school="s"}'] == 86400
    assert told['onroll_freshness{school="s",word="fresh"}'] == 1
    second = Night("s", held=["half is missing"], targets={"google": TargetNight("cleared")})
    world.metrics.count(second, 1)
    told = lines(world)
    assert told['onroll_held{school="s",target="google"}'] == 0
    assert told['onroll_snapshot_held{school="s"}'] == 1
    assert told['onroll_runs_total{school="s",status="held"}'] == 1


def test_there_is_nothing_else_to_be_seen() -> None:
    world = World({"s": one("fresh")})
    assert [world.get(path)[0] for path in ("/", "/docs", "/openapi.json", "/healthz/../etc")] == [404] * 4
