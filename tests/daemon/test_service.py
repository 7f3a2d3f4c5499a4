"""The service around the line: what it runs, when it thinks a night is finished, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from command import CONFIG, Command, milton_park
from onroll_connectors.sandbox.directory import forget
from onroll_core import pipeline
from onroll_core.store import Store, this_process
from onroll_daemon import settings as configuration
from onroll_daemon.health import Watched
from onroll_daemon.service import Service, serve
from onroll_daemon.stops import told_to_stop
from onroll_daemon.wiring import line, open_store

OPENS = datetime(2026, 11, 24, 19, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@dataclass
class Hand:
    """Alarms that ring when the test says so."""

    alarms: dict[str, tuple[datetime, Callable[[], None]]] = field(default_factory=dict)
    running: bool = False

    def at(self, name: str, when: datetime, call: Callable[[], None]) -> None:
        self.alarms[name] = (when, call)

    def start(self) -> None:
        self.running = True

    def stop(self) -> None:
        self.running = False


@dataclass
class Site:
    """A school with a service that lives by a clock of our own."""

    onroll: Command
    at: datetime = OPENS - MINUTE

    def __post_init__(self) -> None:
        self.onroll.configure(
            CONFIG.replace('mis = "csv"', 'mis = "csv"\nspread = 0').replace("quiet", "max_age_days = 0\nquiet")
        )
        self.settings = configuration.load(self.onroll.folder / "onroll.toml")
        self.store = open_store(self.settings)
        self.start()

    def start(self) -> None:
        self.hand = Hand()
        self.service = Service(self.settings, self.store, lambda: self.at, self.hand)
        self.service.schedule.start()

    @property
    def next(self) -> datetime:
        return self.service.next_start("milton-park")

    def ring(self) -> None:
        when, call = self.hand.alarms["milton-park"]
        self.at = max(self.at, when)
        call()

    def word(self) -> str:
        return self.service.freshness()["milton-park"].word


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(milton_park(tmp_path))
    yield site
    site.store.close()
    forget((tmp_path / "directory.json").as_posix())


def test_an_evening_of_a_service(site: Site) -> None:
    watched: Watched = site.service
    assert (site.next, site.word(), watched.schedule_runs()) == (OPENS, "late", True)
    site.ring()
    assert (site.next, site.word()) == (OPENS + timedelta(days=1), "fresh")
    (run,) = site.store.runs("milton-park")
    assert (run["kind"], run["by"], run["status"], run["summary"]["targets"]["ad"]["created"]) == (
        "sync",
        "service",
        "done",
        3,
    )
    assert b'outcome="created",school="milton-park",target="ad"} 3.0' in watched.metrics.text({}, site.at)


def test_an_mis_that_is_away_makes_the_evening_late_and_the_night_failing(site: Site) -> None:
    site.ring()
    site.at += timedelta(hours=12)
    export = site.onroll.folder / "export" / "students.csv"
    kept = export.read_text(encoding="utf-8")
    export.unlink()
    site.ring()
    assert (site.next, site.word()) == (OPENS + timedelta(days=1, minutes=2), "late")
    while site.next < OPENS + timedelta(days=1, hours=3):
        site.ring()
    site.at = OPENS + timedelta(days=1, hours=3)
    assert site.word() == "failing"
    export.write_text(kept, encoding="utf-8")
    site.ring()
    assert site.word() == "fresh"


def test_a_service_started_again_in_the_window_goes_on_only_with_what_is_not_finished(site: Site) -> None:
    assert not site.service.finished("milton-park", OPENS)
    site.ring()
    site.at = OPENS + 10 * MINUTE
    site.start()
    assert site.next == OPENS + timedelta(days=1)
    stopped = line(
        site.settings, site.settings.schools["milton-park"], site.store, stopping=lambda: True, clock=lambda: site.at
    )
    site.onroll.students(
        "4,Ginny,Weasley,7,01/09/2026,",
        "1,Harry,Potter,7,01/09/2026,",
        "2,Hermione,Potter,7,01/09/2026,",
        "3,Ron,Weasley,8,01/09/2025,",
    )
    site.at = OPENS + timedelta(days=1, minutes=5)
    assert pipeline.sync(stopped).targets["ad"].tally["deferred"] == 1
    site.start()
    assert site.next == site.at, "the rest of a run that was stopped is done as soon as the service is back"
    site.ring()
    assert site.store.runs("milton-park", 1)[0]["summary"]["targets"]["ad"]["created"] == 1


def test_a_school_at_work_elsewhere_is_tried_again(site: Site) -> None:
    with site.store.lease("milton-park", this_process("a person")):
        site.ring()
    assert site.store.runs("milton-park") == []
    assert site.next == OPENS + 2 * MINUTE


def test_a_signal_ends_a_run_between_two_batches_and_the_next_run_does_the_rest(site: Site) -> None:
    site.onroll.students(*(f"{n},{chr(97 + n % 26)}{chr(97 + n // 26)},Smith,7,01/09/2026," for n in range(300)))
    school, told = site.settings.schools["milton-park"], []

    def hit(what: str, done: int, total: int | None) -> None:
        if what == "writing to ad" and done == 100:
            signal.raise_signal(signal.SIGTERM)

    with told_to_stop(lambda: told.append("told")) as over:
        it = line(site.settings, school, site.store, stopping=over.is_set, progress=hit, clock=lambda: site.at)
        night = pipeline.sync(it)
    assert told == ["told"]
    done = night.targets["ad"].tally["created"]
    assert 100 <= done < 300
    assert night.targets["ad"].tally["deferred"] == 300 - done
    rest = pipeline.sync(line(site.settings, school, site.store, clock=lambda: site.at))
    assert rest.targets["ad"].tally["created"] == 300 - done
    assert site.store.unanswered("milton-park", "ad") == []


def test_the_second_signal_ends_it_at_once_and_afterwards_everything_is_as_before() -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), told_to_stop() as over:
        signal.raise_signal(signal.SIGINT)
        assert over.is_set()
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_in_a_thread_the_event_is_somebody_elses_to_set() -> None:
    seen: list[bool] = []
    event = threading.Event()

    def run() -> None:
        with told_to_stop(event=event) as over:
            seen.append(over is event)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert seen == [True]


def test_the_service_answers_and_ends_when_windows_says_so(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    """Windows' service control has no signals: it sets an event, from another thread."""
    caplog.set_level("INFO", "onroll")
    stop, failures = threading.Event(), []

    def run() -> None:
        try:
            serve(site.settings, site.store, stop)
        except BaseException as failure:
            failures.append(failure)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        told = answered(
            lambda: next((r.getMessage().split()[-1] for r in caplog.records if "console at" in r.message), None)
        )
        assert told["schools"]["milton-park"]["word"] in ("fresh", "late")
    finally:
        stop.set()
        thread.join(60)
    assert not thread.is_alive()
    assert failures == []


def answered(address: Callable[[], str | None]) -> Any:
    """The first answer of /healthz, once the service has said where it is."""
    pause = threading.Event()
    for _ in range(600):
        found = address()
        if found is not None:
            try:
                with urllib.request.urlopen(f"{found}healthz", timeout=30) as answer:
                    return json.loads(answer.read())
            except urllib.error.URLError:
                pass
        pause.wait(0.05)
    raise AssertionError("the service does not answer")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_as_a_process_it_ends_by_a_signal_with_exit_code_0(tmp_path: Path, number: signal.Signals) -> None:
    onroll = milton_park(tmp_path)
    onroll.configure(CONFIG.replace('mis = "csv"', 'mis = "csv"\nwindow = "00:00-24:00"'))
    log = tmp_path / "log"
    with log.open("w", encoding="utf-8") as file:
        process = onroll.start("serve", stderr=file)

    def address() -> str | None:
        assert process.poll() is None, log.read_text(encoding="utf-8")
        said = [each for each in log.read_text(encoding="utf-8").splitlines() if "console at" in each]
        return said[0].split()[-1] if said else None

    try:
        told = answered(address)
        assert told["schedule"] == "running"
    finally:
        os.kill(process.pid, number)
        out, _ = process.communicate(timeout=60)
    said = log.read_text(encoding="utf-8")
    assert (process.returncode, out) == (0, ""), said
    assert said.rstrip().endswith("stopped")
    assert "Traceback" not in said
    assert "potter" not in said.lower()


def test_a_port_that_is_taken_is_a_sentence(tmp_path: Path) -> None:
    onroll = milton_park(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        onroll.configure(CONFIG.replace("127.0.0.1:0", f"127.0.0.1:{port}"))
        assert f"cannot listen on 127.0.0.1:{port}" in onroll.run("serve", code=1).err


def test_an_address_that_others_can_reach_is_refused_unless_it_is_meant(tmp_path: Path) -> None:
    onroll = milton_park(tmp_path)
    onroll.configure(CONFIG.replace("127.0.0.1:0", "0.0.0.0:0"))
    assert "open_to_network = true" in onroll.run("serve", code=2).err
    onroll.configure(CONFIG.replace('"127.0.0.1:0"', '"0.0.0.0:0"\nopen_to_network = true'))
    assert "in clear" in onroll.run("serve", code=2).err
    onroll.configure(CONFIG.replace('"127.0.0.1:0"', '"0.0.0.0:0"\nopen_to_network = true\nbehind_proxy = true'))
    assert configuration.load(tmp_path / "onroll.toml").listen == ("0.0.0.0", 0)


def test_a_password_of_the_store_is_not_in_the_configuration_nor_in_what_is_shown_of_it(tmp_path: Path) -> None:
    onroll = milton_park(tmp_path)
    secret = tmp_path / "secret"
    secret.write_text("p@ss/word\n", encoding="utf-8")
    onroll.configure('[store]\nurl = "postgresql://onroll@127.0.0.1:1/onroll"\npassword = "file:secret"\n' + CONFIG)
    settings = configuration.load(tmp_path / "onroll.toml")
    assert "p@ss" not in repr(settings)
    done = onroll.run("sync", code=1)
    assert "word" not in done.err.replace("password", "")
    assert Store.__name__ not in done.err
