"""What Prometheus is told: runs, changes, what is held, what failed, how old the last reading is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from onroll_core.night import TALLIES, Night
from onroll_daemon.freshness import Freshness


class Metrics:
    """Counted from the start of this service; a registry of its own, so that a process may have several."""

    def __init__(self) -> None:
        registry = self._registry = CollectorRegistry()
        told, target = ["school"], ["school", "target"]
        self._runs = Counter(
            "onroll_runs", "Runs of the service, by how they ended", [*told, "status"], registry=registry
        )
        self._changes = Counter(
            "onroll_changes", "Changes, by what became of them", [*target, "outcome"], registry=registry
        )
        self._failures = Counter("onroll_target_failures", "Runs in which a target failed", target, registry=registry)
        self._held = Gauge("onroll_held", "1 while a plan waits for a person", target, registry=registry)
        self._unbelieved = Gauge(
            "onroll_snapshot_held", "1 while a reading waits for a person", told, registry=registry
        )
        self._seconds = Gauge("onroll_last_run_seconds", "How long the last run took", told, registry=registry)
        self._word = Gauge("onroll_freshness", "1 for the word that holds", [*told, "word"], registry=registry)
        self._age = Gauge("onroll_last_read_age_seconds", "Age of the last complete reading", told, registry=registry)
        self._feed = Gauge("onroll_feed_age_seconds", "Age of the MIS's data by its own word", told, registry=registry)

    def count(self, night: Night, seconds: float) -> None:
        """Add one run; one for a single person says nothing of what else is held."""
        self._runs.labels(night.school, night.status).inc()
        whole = night.only_people is None
        if whole:
            self._seconds.labels(night.school).set(seconds)
            self._unbelieved.labels(night.school).set(bool(night.held))
        for name, target in night.targets.items():
            if whole:
                self._held.labels(night.school, name).set(target.verdict == "held" and not night.held)
            self._failures.labels(night.school, name).inc(target.verdict == "failed")
            for outcome in TALLIES:
                self._changes.labels(night.school, name, outcome).inc(target.tally[outcome])

    def text(self, schools: Mapping[str, Freshness], now: datetime) -> bytes:
        """Prometheus's text format, with each school's freshness at `now`."""
        for name, each in schools.items():
            for word in ("fresh", "late", "failing"):
                self._word.labels(name, word).set(each.word == word)
            if each.last_read is not None:
                self._age.labels(name).set((now - each.last_read).total_seconds())
            if each.feed_time is not None:
                self._feed.labels(name).set((now - each.feed_time).total_seconds())
        return generate_latest(self._registry)
