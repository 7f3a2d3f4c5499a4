"""The service: windows, runs, health; ended by SIGTERM, Ctrl-C or Windows' stop between two batches."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from onroll_core import pipeline
from onroll_core.errors import Halt, OnrollError
from onroll_core.night import Night
from onroll_core.store import Store
from onroll_daemon import clock as clocks
from onroll_daemon.alerts.rounds import Alerts
from onroll_daemon.desk.desk import Desk
from onroll_daemon.freshness import Freshness, freshness
from onroll_daemon.metrics import Metrics
from onroll_daemon.schedule import Alarms, Schedule
from onroll_daemon.settings import Settings
from onroll_daemon.stops import told_to_stop
from onroll_daemon.supervisor import Supervisor
from onroll_daemon.timetable import Attempt, feed_awaited
from onroll_daemon.wiring import line, now

if TYPE_CHECKING:
    from onroll_daemon.console.place import Place

_LOG = logging.getLogger("onroll")
_CLOCK_MAY_BE_BEHIND = timedelta(hours=2)


class Service:
    """Everything that runs between start and stop; `serve` is the process around it."""

    def __init__(
        self, settings: Settings, store: Store, clock: Callable[[], datetime] = now, alarms: Alarms | None = None
    ) -> None:
        self._settings, self._store, self.clock = settings, store, clock
        self.metrics = Metrics()
        windows = {name: school.window for name, school in settings.schools.items()}
        self.alerts = Alerts(settings, store, clock)
        self.schedule = Schedule(windows, self.run, clock, self.finished, alarms)
        self.desk = Desk(settings, store, clock, alone=self.schedule.alone, count=self._count)

    def run(self, school: str, stopping: Callable[[], bool], attempt: Attempt) -> Night | None:
        """One school's sync in an attempt of its window; None when somebody else is at work on it or the store does not answer.

        The nightly feed behind some MISs is waited for; a person who asks the desk gets what there is.
        """
        began = time.monotonic()
        try:
            if late := self._behind(school):
                _LOG.error("%s: %s", school, late)
                return None
            _LOG.info("%s: a run begins", school)
            told = self._settings.schools[school]
            it = line(self._settings, told, self._store, stopping=stopping, clock=self.clock)
            if told.waits:
                it = replace(it, feed_after=feed_awaited(told.window, attempt))
            night = pipeline.sync(it, by="service")
        except OnrollError as failure:
            _LOG.warning("%s: %s", school, failure)
            return None
        self._count(night, time.monotonic() - began)
        return night

    def _count(self, night: Night, seconds: float) -> None:
        """A run is over, whoever asked for it."""
        self.metrics.count(night, seconds)
        _told(night)
        self.alerts.nudge()

    def finished(self, school: str, since: datetime) -> bool:
        """True when a sync that began since then has left nothing to be tried again: read, and no target failed or put anything off."""
        now = self.clock()  # a run of later than now is of a clock that was ahead
        return any(
            row["kind"] == "sync" and since <= datetime.fromisoformat(row["started"]) <= now and _complete(row)
            for row in self._store.runs(school, 20)
        )

    def _behind(self, school: str) -> str:
        """Why a night cannot be begun on a clock that is before the last run, or ""; a person who runs onroll by hand says by that that the clock is right."""
        last = next(iter(self._store.runs(school, 1)), None)
        late = None if last is None else clocks.behind(self.clock(), [datetime.fromisoformat(last["started"])])
        if last is None or late is None or late < _CLOCK_MAY_BE_BEHIND:
            return ""
        return (
            f"the clock says {self.clock():%d %B %Y %H:%M} UTC, and the last run began {clocks.in_words(late)} later than that, so no run was begun: leavers"
            f" and their dates go by the clock. Put it right. If it is right now and was ahead before, run once by hand: onroll sync {school}"
        )

    def freshness(self) -> dict[str, Freshness]:
        """Each school's, now."""
        found: dict[str, Freshness] = {}
        for name, school in self._settings.schools.items():
            runs = self._store.runs(name, 20)
            found[name] = freshness(self._store.freshness(name), runs, school.targets, school.window, self.clock())
        return found

    def schedule_runs(self) -> bool:
        """True while schools will be tried."""
        return self.schedule.running

    def next_start(self, school: str) -> datetime:
        """When a school is tried next."""
        return self.schedule.next_start(school)

    def place(self) -> Place:
        """What the console has at hand."""
        from onroll_daemon.console.place import Place
        from onroll_daemon.console.templating import environment

        zone = next(iter(self._settings.schools.values())).window.zone
        return Place(
            self._settings,
            self._store,
            self.clock,
            environment(zone, self.clock),
            tray=self.desk.tray,
            wake=self.desk.wake,
            freshness=self.freshness,
            next_start=self.next_start,
        )


def _complete(row: dict[str, Any]) -> bool:
    targets = (row["summary"] or {}).get("targets", {}).values()
    return row["status"] in ("done", "held", "failed") and not any(
        each.get("verdict") == "failed" or each.get("deferred") for each in targets
    )


def _told(night: Night) -> None:
    """A night in the log: counts and sentences of systems, nobody's name."""
    if night.unread:
        _LOG.warning("%s: nothing could be read: %s", night.school, night.unread)
    for objection in night.held:
        _LOG.warning("%s: held: %s", night.school, objection)
    for name, target in night.targets.items():
        done = ", ".join(f"{count} {what}" for what, count in target.tally.items() if count) or "nothing to do"
        if target.verdict == "failed":
            _LOG.warning("%s, %s: %s", night.school, name, target.error)
        elif target.verdict == "held":
            _LOG.warning("%s, %s: the plan waits for a person: onroll plan %s", night.school, name, night.school)
        else:
            _LOG.info("%s, %s: %s", night.school, name, done)
    _LOG.info("%s: run %s ended: %s", night.school, night.run, night.status)


def serve(
    settings: Settings,
    store: Store,
    stop: threading.Event | None = None,
    clock: Callable[[], datetime] = now,
    alarms: Alarms | None = None,
) -> None:
    """Run until told to stop: by a signal, or by `stop` (Windows' service control sets it). Raises Halt when the port is taken.

    `clock` and `alarms` are others than this machine's only where a story is told (the demo).
    """
    import uvicorn

    from onroll_daemon.console.app import console_app
    from onroll_daemon.console_users import announce_first
    from onroll_daemon.health import health_routes

    with closing(_listening(*settings.listen)) as door:
        service = Service(settings, store, clock, alarms)
        app = console_app(service.place(), health_routes(service))
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, **_transport(settings)))
        # In a thread of its own uvicorn leaves the signals alone; the main thread minds them.
        pages = threading.Thread(target=server.run, kwargs={"sockets": [door]}, name="console", daemon=True)
        with told_to_stop(lambda: _LOG.info("told to stop: runs end after the batch in hand"), stop) as over:
            service.schedule.start()
            service.alerts.start()
            service.desk.start()
            pages.start()
            for name in settings.schools:
                _LOG.info("%s: next run at %s", name, service.next_start(name).isoformat(timespec="seconds"))
            host, port = door.getsockname()[:2]
            scheme = "https" if settings.console.tls_certificate else "http"
            served_at = f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"
            _LOG.info("console at %s/", served_at)
            announce_first(settings, store, service.clock(), served_at)
            _certificate_told(settings, service.clock())
            supervisor, steadiness = Supervisor(), clocks.Steadiness(service.clock)
            supervisor.ready(f"console at {served_at}/")
            try:
                while not over.wait(0.5) and pages.is_alive():  # a wait without an end hears no signal on Windows
                    if service.schedule_runs():
                        supervisor.well()
                    if alarms is None and (moved := steadiness.moved()) is not None:
                        _clock_set(moved, service.clock())
                        service.schedule.reckon()
            finally:
                supervisor.stopping()
                service.desk.end()  # both at once: neither waits for the other's run
                service.schedule.stop()
                service.desk.stop()
                service.alerts.stop()
                server.should_exit = True
                pages.join()
        if not over.is_set():
            raise Halt("The console ended by itself, so onroll stopped. The log says why.")
    _LOG.info("stopped")


def _clock_set(moved: timedelta, now: datetime) -> None:
    way = "forwards" if moved > timedelta(0) else "back"
    _LOG.warning(
        "the clock went %s by %s (or the machine was asleep); it says %s UTC now, and the next runs are reckoned anew",
        way,
        clocks.in_words(moved),
        f"{now:%d %B %Y %H:%M}",
    )


def _certificate_told(settings: Settings, now: datetime) -> None:
    """An expired certificate of the console does not stop the nights; it is said."""
    from onroll_daemon.doctor import own_certificate

    for each in own_certificate(settings, now):
        if each.level != "ok":
            _LOG.warning("console: %s", each.sentence)


def _transport(settings: Settings) -> dict[str, Any]:
    """What uvicorn has to know of TLS, here or in front."""
    told = settings.console
    options: dict[str, Any] = {
        "proxy_headers": told.behind_proxy,
        "forwarded_allow_ips": "127.0.0.1,::1",
        "server_header": False,
    }
    if told.tls_certificate is not None:
        options |= {"ssl_certfile": told.tls_certificate, "ssl_keyfile": told.tls_key}
    return options


def _listening(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family)
    except OSError as failure:
        raise Halt(
            f"onroll cannot listen on {host}:{port}: {failure.strerror or failure}. Is another onroll running? Otherwise choose another port"
            " with listen under [console]."
        ) from None
