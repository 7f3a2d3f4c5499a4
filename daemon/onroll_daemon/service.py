"""The service: windows, runs, health; ended by SIGTERM, Ctrl-C or Windows' stop between two batches."""

from __future__ import annotations

import ipaddress
import logging
import signal
import time
from collections.abc import Callable
from contextlib import nullcontext
from datetime import datetime
from threading import Event
from types import FrameType

from onroll_core import pipeline
from onroll_core.errors import OnrollError
from onroll_core.night import Night
from onroll_core.store import Store
from onroll_daemon.freshness import Freshness, freshness
from onroll_daemon.health import Metrics, health_app
from onroll_daemon.schedule import Schedule
from onroll_daemon.settings import Misconfigured, Settings
from onroll_daemon.tables import ConsoleTable
from onroll_daemon.wiring import line, now

_LOG = logging.getLogger("onroll")


class Service:
    """Everything that runs between start and stop; `serve` is the process around it."""

    def __init__(self, settings: Settings, store: Store, clock: Callable[[], datetime] = now) -> None:
        self._settings, self._store, self._clock = settings, store, clock
        self.metrics = Metrics()
        self.schedule = Schedule({name: school.window for name, school in settings.schools.items()}, self.run, clock)
        self.schedule.last_read = self._last_read

    def run(self, school: str, stopping: Callable[[], bool]) -> Night | None:
        """One school's sync; None when another process has the lease or the store does not answer."""
        began = time.monotonic()
        try:
            night = pipeline.sync(
                line(self._settings, self._settings.schools[school], self._store, None, stopping), by="service"
            )
        except OnrollError as failure:
            _LOG.warning("%s: %s", school, failure)
            return None
        self.metrics.count(night, time.monotonic() - began)
        _LOG.info(
            "%s: run %s ended, %s%s", school, night.run, night.status, f": {night.unread}" if night.unread else ""
        )
        return night

    def freshness(self) -> dict[str, Freshness]:
        """Each school's, now."""
        return {
            name: freshness(self._store.freshness(name), school.window, self._clock())
            for name, school in self._settings.schools.items()
        }

    def _last_read(self, school: str) -> datetime | None:
        try:
            told = self._store.freshness(school)["last_read"]
        except OnrollError:
            return None
        return None if told is None else datetime.fromisoformat(told)


def address(console: ConsoleTable) -> tuple[str, int]:
    """Where to listen; raises Misconfigured for what is not this machine's own unless the configuration says so."""
    host, _, port = console.listen.rpartition(":")
    host = host.strip("[]")
    try:
        number, own = int(port), host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        raise Misconfigured(
            [f"[console] listen: {console.listen!r} is not an address and a port; write 127.0.0.1:8750."]
        ) from None
    if not own and not console.open_to_network:
        raise Misconfigured(
            [
                f"[console] listen: {console.listen} can be reached from the network. Set open_to_network = true if that is meant, and protect it."
            ]
        )
    return host, number


def serve(settings: Settings, store: Store) -> None:
    """Run until told to stop."""
    import uvicorn

    host, port = address(settings.console)
    service = Service(settings, store)
    app = health_app(service.freshness, service.schedule.next_start, service.metrics)
    server = uvicorn.Server(uvicorn.Config(app, host=host, port=port, log_level="warning"))
    # uvicorn would take the signals for itself and raise them again at its end; the service minds them.
    server.capture_signals = nullcontext  # type: ignore[method-assign,assignment]
    over = Event()

    def stop(number: int, frame: FrameType | None) -> None:
        over.set()
        server.should_exit = True
        service.schedule.stopping.set()

    service.schedule.start()
    for name in settings.schools:
        _LOG.info("%s: next run at %s", name, service.schedule.next_start(name).isoformat())
    _LOG.info("listening on http://%s:%s/healthz", host, port)
    before = {each: signal.signal(each, stop) for each in (signal.SIGTERM, signal.SIGINT)}
    try:
        server.run()
    finally:
        service.schedule.stop()
        for each, handler in before.items():
            signal.signal(each, handler)
