"""Alerts end to end: the store remembers, a loopback server hears, and an address is never shown."""

from __future__ import annotations

import json
import logging
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from command import CONFIG, Command, milton_park
from desks import Office
from onroll_connectors.sandbox.directory import forget
from onroll_connectors.secrets import Secret
from onroll_core.store import Busy, Store
from onroll_daemon import settings as configuration
from onroll_daemon.alerts.remembering import DRAWER, Kept, recall
from onroll_daemon.alerts.rounds import Alerts
from onroll_daemon.alerts.sending import send
from onroll_daemon.alerts.testing import send_test
from onroll_daemon.service import Service
from onroll_daemon.timetable import Attempt

TOKEN = "s3cr3t-t0k3n"
NOW = datetime(2026, 11, 24, 23, 0, tzinfo=UTC)


@dataclass
class Post:
    """A loopback server that takes what Apprise's json:// sends."""

    port: int = 0
    status: int = 200
    heard: list[dict[str, Any]] = field(default_factory=list)
    pause: float = 0

    @property
    def titles(self) -> list[str]:
        return [each["title"] for each in self.heard]

    def address(self) -> str:
        return f"json://porter:{TOKEN}@127.0.0.1:{self.port}/{TOKEN}"


@pytest.fixture
def post() -> Iterator[Post]:
    taken = Post()

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            time.sleep(taken.pause)
            if taken.status == 200:
                taken.heard.append(told)
            self.send_response(taken.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Door) as server:
        taken.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield taken
        server.shutdown()


@dataclass
class Site:
    """A school whose MIS fails, and alerts that live by a clock of our own."""

    command: Command
    at: datetime = NOW

    def __post_init__(self) -> None:
        self.command.configure(f'{CONFIG}[alerts]\nto = ["env:ONROLL_ALERT_ONE", "env:ONROLL_ALERT_TWO"]\n')
        self.settings = configuration.load(self.command.folder / "onroll.toml")
        self.store = Store.open(self.settings.store_url, lambda: self.at)

    def alerts(self) -> Alerts:
        return Alerts(self.settings, self.store, lambda: self.at)

    def round(self, after: timedelta = timedelta(0)) -> int:
        self.at += after
        return self.alerts().round()

    def kept(self) -> Kept:
        return recall(self.store.memory(DRAWER))


@pytest.fixture
def site(tmp_path: Path, post: Post, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    for name in ("ONE", "TWO"):
        monkeypatch.setenv(f"ONROLL_ALERT_{name}", post.address())
    site = Site(milton_park(tmp_path))
    site.store.note_contact("milton-park", NOW - timedelta(hours=3), "The file of Potter is not there.")
    yield site
    site.store.close()


FAILING = "Milton Park School: failing"


def test_a_failing_feed_is_told_once_whatever_restarts(site: Site, post: Post) -> None:
    assert site.round() == 0, "it has to last"
    assert site.round(timedelta(minutes=20)) == 2
    assert post.titles == [FAILING, FAILING]
    assert "Potter" not in json.dumps(post.heard)
    assert site.round() == 0
    assert site.round(timedelta(hours=5)) == 0
    assert site.kept().letters == ()
    assert site.round(timedelta(hours=19)) == 2
    assert post.titles[2:] == ["Milton Park School: still failing"] * 2


def test_an_address_that_does_not_take_it_is_tried_again_with_growing_pauses_and_the_others_are_not_told_twice(
    site: Site, post: Post, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("ONROLL_ALERT_TWO", f"json://porter:{TOKEN}@127.0.0.1:9/{TOKEN}")
    site.round()
    assert site.round(timedelta(minutes=20)) == 1
    pauses = []
    for _ in range(5):
        pause = site.kept().pauses["env:ONROLL_ALERT_TWO"]
        pauses.append(round((pause.until - site.at).total_seconds() / 60))
        assert site.round(timedelta(minutes=1)) == 0
        assert site.kept().pauses["env:ONROLL_ALERT_TWO"] == pause, "not tried before the pause is over"
        assert site.round(pause.until - site.at) == 0
    assert pauses == [5, 10, 20, 40, 80]
    assert post.titles == [FAILING]
    monkeypatch.setenv("ONROLL_ALERT_TWO", post.address())
    assert site.round(timedelta(hours=4)) == 1
    assert (site.kept().letters, site.kept().pauses) == ((), {})
    assert "An alert could not be sent, and is tried again in 5 minutes: JSON did not take it" in caplog.text
    assert TOKEN not in caplog.text


def test_what_cannot_be_sent_for_two_days_is_given_up(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("ONROLL_ALERT_TWO")
    site.round()
    site.round(timedelta(minutes=20))
    assert "The environment variable ONROLL_ALERT_TWO is not set" in caplog.text
    assert [letter.to for letter in site.kept().letters] == [("env:ONROLL_ALERT_TWO",)]
    site.round(timedelta(days=2))
    assert f'The alert "{FAILING}" could not be sent in two days and is given up.' in caplog.text
    assert [letter.title for letter in site.kept().letters] == ["Milton Park School: still failing"]


def test_two_processes_tell_it_once(site: Site, post: Post) -> None:
    site.round()
    site.at += timedelta(minutes=20)
    post.pause = 0.3
    other = Store.open(site.settings.store_url, lambda: site.at)
    one, two = site.alerts(), Alerts(site.settings, other, lambda: site.at)
    refused: list[Busy] = []

    def one_round(alerts: Alerts) -> None:
        try:
            alerts.round()
        except Busy as busy:
            refused.append(busy)

    threads = [threading.Thread(target=one_round, args=(each,)) for each in (one, two)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    two.round()
    other.close()
    assert post.titles == [FAILING, FAILING], "two addresses, one letter each"
    assert len(refused) <= 1


def test_a_crash_between_deciding_and_sending_loses_nothing(
    site: Site, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    from onroll_daemon.alerts import sending

    def dies(*_: Any) -> None:
        raise KeyboardInterrupt

    site.round()
    with monkeypatch.context() as patched:
        patched.setattr(sending, "send", dies)
        with pytest.raises(KeyboardInterrupt):
            site.round(timedelta(minutes=20))
    assert site.round() == 2
    assert post.titles == [FAILING, FAILING]


def test_what_was_kept_and_cannot_be_understood_is_begun_anew(site: Site, post: Post) -> None:
    site.store.memory(DRAWER).put("told", b'{"told": {"milton-park": {"colour": "blue"}}}')
    assert site.kept() == Kept()
    site.round()
    assert site.round(timedelta(minutes=20)) == 2


def test_the_rounds_of_a_service_send_and_its_stop_waits_for_no_address(site: Site, post: Post) -> None:
    site.round()
    site.at += timedelta(minutes=20)
    alerts = site.alerts()
    alerts.start()
    until = time.monotonic() + 20
    while len(post.heard) < 2 and time.monotonic() < until:
        time.sleep(0.01)
    assert post.titles == [FAILING, FAILING]
    site.at += timedelta(days=1)
    alerts.nudge()
    while len(post.heard) < 4 and time.monotonic() < until:
        time.sleep(0.01)
    assert len(post.heard) == 4
    began = time.monotonic()
    alerts.stop()
    assert time.monotonic() - began < 2
    assert not any(thread.name == "alerts" for thread in threading.enumerate())


def test_rounds_survive_a_store_that_does_not_answer(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from onroll_core.errors import Unavailable

    alerts = site.alerts()

    def away() -> int:
        raise Unavailable("The store is locked.")

    monkeypatch.setattr(alerts, "round", away)
    alerts.start()
    until = time.monotonic() + 10
    while "The store is locked." not in caplog.text and time.monotonic() < until:
        time.sleep(0.01)
    assert any(thread.name == "alerts" for thread in threading.enumerate())
    alerts.stop()
    assert "Alerts could not be looked at, and will be in 5 minutes: The store is locked." in caplog.text


@pytest.mark.parametrize(
    "address",
    [
        f"json://porter:{TOKEN}@127.0.0.1:9/{TOKEN}?key={TOKEN}",
        f"mailto://porter:{TOKEN}@127.0.0.1:9?from=onroll@school.test&to=it@school.test",
        f"workflows://{TOKEN}",
        f"nonsense://{TOKEN}",
        f"slack://{TOKEN}",
        f"http://[{TOKEN}",
        TOKEN,
    ],
)
def test_an_address_is_in_no_sentence_and_no_log(
    address: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.NOTSET)
    monkeypatch.setenv("ONROLL_ALERT_ONE", address)
    secret = Secret("env:ONROLL_ALERT_ONE")
    sent = send(secret, "title", "text", bad=True)
    assert not sent.ok
    assert "ONROLL_ALERT_ONE" in sent.sentence
    out, err = capfd.readouterr()
    assert TOKEN not in f"{sent!r} {secret!r} {caplog.text} {out} {err}"


def test_what_a_service_raises_is_not_shown(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    import apprise

    def raises(address: str, **_: Any) -> None:
        raise RuntimeError(f"no idea about {address}")

    monkeypatch.setattr(apprise.Apprise, "instantiate", raises)
    monkeypatch.setenv("ONROLL_ALERT_ONE", f"json://{TOKEN}")
    sent = send(Secret("env:ONROLL_ALERT_ONE"), "title", "text")
    assert (sent.ok, sent.sentence) == (False, "The address in env:ONROLL_ALERT_ONE failed: RuntimeError.")
    assert TOKEN not in caplog.text


def test_a_refusal_says_its_number(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    post.status = 404
    monkeypatch.setenv("ONROLL_ALERT_ONE", post.address())
    sent = send(Secret("env:ONROLL_ALERT_ONE"), "title", "text")
    assert sent.sentence == (
        "JSON did not take it (it answered with HTTP 404). Look at the address in env:ONROLL_ALERT_ONE."
    )


class _Mail(socketserver.StreamRequestHandler):
    """As little SMTP as one letter needs."""

    letters: list[str] = []

    def handle(self) -> None:
        self.wfile.write(b"220 mail.school.test\r\n")
        for line in self.rfile:
            word = line[:4].upper()
            if word == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                text = b"".join(iter(self.rfile.readline, b".\r\n"))
                self.letters.append(text.decode())
            self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 ok\r\n")
            if word == b"QUIT":
                return


@contextmanager
def mail() -> Iterator[int]:
    _Mail.letters.clear()
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Mail) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def test_a_letter_goes_out_by_smtp(monkeypatch: pytest.MonkeyPatch) -> None:
    with mail() as port:
        monkeypatch.setenv("ONROLL_ALERT_ONE", f"mailto://127.0.0.1:{port}?from=onroll@school.test&to=it@school.test")
        sent = send(Secret("env:ONROLL_ALERT_ONE"), "Milton Park School: late", "A line.\n<b>Another</b>.")
    assert (sent.where, sent.ok) == ("e-mail", True)
    (letter,) = _Mail.letters
    assert "Subject: Milton Park School: late" in letter
    assert 'Content-Type: text/plain; charset="utf-8"' in letter, letter
    assert "<b>Another</b>." in letter.splitlines()


def test_the_test_button_names_services_and_no_address(site: Site, post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONROLL_ALERT_TWO", f"nonsense://{TOKEN}")
    answers = send_test(site.settings, "Harriet Porter")
    assert [(where, ok) for where, ok, _ in answers] == [("JSON", True), ("env:ONROLL_ALERT_TWO", False)]
    assert post.titles == ["onroll: a test"]
    assert "Harriet" not in json.dumps(post.heard)
    assert TOKEN not in repr(answers)


def test_the_commands(site: Site, post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    assert site.command.run("alerts", "show").out == "There is nothing to tell now.\n"
    site.round()
    site.at = datetime.now(UTC) - timedelta(hours=1)
    site.store.memory(DRAWER).put("told", site.store.memory(DRAWER).get("told") or b"")
    shown = site.command.json("alerts", "show")
    assert [(each["kind"], each["title"]) for each in shown["alerts"]] == [("failing", FAILING)]
    assert (shown["to_send"], post.heard) == ([], [])
    done = site.command.run("alerts", "test")
    assert done.out.splitlines() == [
        "ok  Sent by JSON to the address in env:ONROLL_ALERT_ONE.",
        "ok  Sent by JSON to the address in env:ONROLL_ALERT_TWO.",
    ]
    monkeypatch.setenv("ONROLL_ALERT_TWO", f"nonsense://{TOKEN}")
    told = site.command.json("alerts", "test", code=1)
    assert [each["ok"] for each in told] == [True, False]
    assert TOKEN not in json.dumps(told)
    site.command.configure(CONFIG)
    assert "There is nobody to tell" in site.command.run("alerts", "test", code=2).err
    assert "There is nobody to tell" in site.command.run("alerts", "show", code=2).err


def test_a_real_night_that_is_held_is_told_by_the_service_with_the_digest_that_approves_it(
    site: Site, post: Post
) -> None:
    site.at = datetime.now(UTC)
    pupils = [f"{n},Pupil{n},Name{n},7,01/09/2024," for n in range(40)]
    site.command.students(*pupils)
    site.command.run("sync")
    service = Service(site.settings, site.store, lambda: site.at)
    site.command.students(*pupils[:3])
    service.alerts.round()
    assert post.heard == []
    service.run("milton-park", lambda: False, Attempt(site.at, site.at + timedelta(hours=3)))
    assert service.alerts._nudged.is_set()
    service.alerts.round()
    assert post.titles == ["Milton Park School: what the MIS told waits for a person"] * 2
    said = post.heard[0]["message"]
    assert "- 37 of 40 pupils are missing from what the MIS told." in said
    digest = site.store.runs("milton-park")[0]["summary"]["digest"]
    assert f"(digest {digest})" in said
    assert "Pupil" not in said
    assert service.alerts.round() == 0
    forget((site.command.folder / "directory.json").as_posix())


def test_the_desk_does_the_test_that_the_console_asks_for(
    site: Site, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONROLL_ALERT_TWO", f"nonsense://{TOKEN}")
    office = Office(site.command.folder, site.command)
    office.desk.start()
    try:
        done = office.ask("alert-test")
        assert done.status == "done"
        assert done.result is not None
        assert [(each["where"], each["ok"]) for each in done.result["sent"]] == [
            ("JSON", True),
            ("env:ONROLL_ALERT_TWO", False),
        ]
        assert (done.result["failed"], TOKEN in json.dumps(done.result)) == (1, False)
    finally:
        office.desk.stop()
        office.store.close()


def test_apprise_is_not_loaded_before_there_is_something_to_send(tmp_path: Path) -> None:
    command = milton_park(tmp_path)
    command.configure(f'{CONFIG}[alerts]\nto = ["env:ONROLL_ALERT_ONE"]\n')
    script = (
        "import sys; from pathlib import Path; from onroll_daemon import settings, service, cli;"
        "from onroll_daemon.wiring import open_store, now; from onroll_daemon.alerts.rounds import Alerts;"
        "it = settings.load(Path('onroll.toml')); store = open_store(it);"
        "print(Alerts(it, store, now).round(), 'apprise' in sys.modules)"
    )
    import subprocess
    import sys

    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "0 False", done.stderr
