"""The service has a desk: what a person asks for and what the window does never meet, and both are counted."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from command import CONFIG
from desks import SCHOOL, Office, until
from onroll_core.night import Night
from onroll_daemon.schedule import Alarms, Schedule
from onroll_daemon.service import Service, serve
from onroll_daemon.timetable import Attempt
from onroll_daemon.windows import Window
from onroll_daemon.wiring import now


class Quiet:
    """Alarms that never ring."""

    running = True

    def at(self, name: str, when: datetime, call: Callable[[], None]) -> None:
        pass

    def start(self) -> None:
        pass

    def stop(self) -> None:
        pass


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    office = Office(tmp_path)
    yield office
    office.close()


def test_a_sync_by_a_person_is_counted_like_one_of_the_window(office: Office) -> None:
    alarms: Alarms = Quiet()
    service = Service(office.settings, office.store, now, alarms)
    office.desk = service.desk
    service.desk.start()
    assert service.desk.running
    assert office.done("sync")["targets"]["ad"]["created"] == 3
    assert b'outcome="created",school="milton-park",target="ad"} 3.0' in service.metrics.text({}, now())
    place = service.place()
    assert place.tray is service.desk.tray
    place.wake()
    service.desk.stop()
    assert not service.desk.running


def test_one_person_put_right_does_not_hide_what_is_held(office: Office) -> None:
    office.onroll.configure(
        CONFIG.replace("quiet_seconds = 0", "quiet_seconds = 0\n[school.limits]\nupdate = { count = 0, percent = 0 }")
    )
    office.onroll.run("sync")
    office.onroll.students(
        "1,Harry,Evans,7,01/09/2026,", "2,Hermione,Potter,7,01/09/2026,", "3,Ron,Weasley,8,01/09/2025,"
    )
    office.load()
    service = Service(office.settings, office.store, now, Quiet())
    office.desk = service.desk
    service.desk.start()
    assert office.ask("sync").status == "held"
    assert office.ask("apply", identity=office.person("19rweasley").id).status == "done"
    assert b'onroll_held{school="milton-park",target="ad"} 1.0' in service.metrics.text({}, now())
    fresh = service.freshness()[SCHOOL]
    assert (fresh.word, "waits for a person" in fresh.why) == ("late", True)


def test_a_run_of_the_window_and_one_of_a_person_never_meet(office: Office) -> None:
    begun, go_on = threading.Event(), threading.Event()
    began = 0

    def run(school: str, stopping: Callable[[], bool], attempt: Attempt) -> Night | None:
        nonlocal began
        began += 1
        begun.set()
        assert go_on.wait(60)
        return None

    windows = {SCHOOL: Window.parse("00:00-24:00", "Europe/London")}
    schedule = Schedule(windows, run, now)
    office.desk = office.new_desk(alone=schedule.alone)
    office.desk.start()
    schedule.start()
    assert begun.wait(60)
    number = office.send("sync")
    assert not office.put_off(number).over
    assert office.done("check")["problems"] == 0
    go_on.set()
    assert office.ended(number).status == "done"
    schedule.stop()
    assert began == 1


def test_serve_does_what_is_asked_and_ends_its_desk(office: Office) -> None:
    stop = threading.Event()
    thread = threading.Thread(target=serve, args=(office.settings, office.store, stop))
    thread.start()
    try:
        number = office.send("sync")
        until(lambda: office.get(number).over or not thread.is_alive())
        assert office.get(number).status == "done"
    finally:
        stop.set()
        thread.join(60)
    assert not thread.is_alive()
    late = office.send("check")
    until(lambda: office.get(late).status == "waiting")


def test_a_test_of_the_alerts_says_that_there_is_nobody_to_tell(office: Office) -> None:
    office.desk.start()
    found = office.ask("alert-test")
    assert (found.status, "There is nobody to tell" in (found.result or {})["error"]) == ("refused", True)
