"""A clock that jumps a day, forwards or back, while the service runs or between two runs, costs no night and disables nobody twice."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from command import milton_park
from onroll_core.store import Store
from onroll_daemon import clock
from onroll_daemon.schedule import Schedule
from onroll_daemon.service import Service
from onroll_daemon.settings import load
from onroll_daemon.timetable import Attempt
from onroll_daemon.windows import Window

DAY = timedelta(days=1)
EVENING = datetime(2026, 11, 26, 18, 0, tzinfo=UTC)


class Rings:
    """Alarms that a test rings."""

    def __init__(self) -> None:
        self.set: dict[str, tuple[datetime, Callable[[], None]]] = {}
        self.running = False

    def at(self, name: str, when: datetime, call: Callable[[], None]) -> None:
        self.set[name] = (when, call)

    def start(self) -> None:
        self.running = True

    def stop(self) -> None:
        self.running = False


@pytest.mark.parametrize("jump", [DAY, -DAY, timedelta(hours=1), -timedelta(minutes=10)])
def test_a_clock_that_is_set_is_noticed_once(jump: timedelta) -> None:
    wall, passed = [EVENING], [0.0]
    watch = clock.Steadiness(lambda: wall[0], lambda: passed[0])
    for _ in range(10_000):
        wall[0] += timedelta(seconds=0.5)
        passed[0] += 0.5
        assert watch.moved() is None
    wall[0] += jump
    assert watch.moved() == jump
    assert watch.moved() is None


def test_a_clock_that_drifts_is_noticed_when_it_adds_up() -> None:
    wall, passed = [EVENING], [0.0]
    watch = clock.Steadiness(lambda: wall[0], lambda: passed[0])
    found = []
    for _ in range(400):
        wall[0] += timedelta(seconds=61)
        passed[0] += 60
        found += [watch.moved()]
    assert [each for each in found if each] == [timedelta(seconds=301)]


def test_after_a_clock_was_a_day_ahead_no_night_is_missed() -> None:
    """It rang for tomorrow's window; put right, tonight's comes as if nothing had been."""
    wall, ran, rings = [EVENING], [], Rings()

    def run(school: str, ending: Callable[[], bool], attempt: Attempt) -> None:
        ran.append(wall[0])

    schedule = Schedule({"one": Window.parse("19:00-22:00", "Europe/London")}, run, lambda: wall[0], alarms=rings)
    schedule.start()
    tonight = EVENING.replace(hour=19)
    assert schedule.next_start("one") == tonight
    wall[0] = (
        EVENING + DAY + timedelta(hours=1)
    )  # the clock jumps a day: the alarm of tonight rings at once, in a window that is over
    rings.set["one"][1]()
    schedule.reckon()
    assert schedule.next_start("one") >= wall[0] - timedelta(minutes=1)
    wall[0] = EVENING + timedelta(minutes=1)  # and is put right
    schedule.reckon()
    assert schedule.next_start("one") == tonight
    assert len(ran) <= 1


def test_a_run_that_is_under_way_keeps_its_own_next_start() -> None:
    schedule = Schedule(
        {"one": Window.parse("19:00-22:00", "Europe/London")}, lambda *_: None, lambda: EVENING, alarms=Rings()
    )
    with schedule.alone("one") as free:
        assert free
        schedule.reckon()
        with pytest.raises(KeyError):
            schedule.next_start("one")


@pytest.fixture
def service_at(tmp_path: Path) -> Callable[[datetime], Service]:
    command = milton_park(tmp_path)
    command.run("init", str(tmp_path / "else"))
    settings = load(tmp_path / "onroll.toml")

    def at(moment: datetime) -> Service:
        return Service(settings, Store.open(settings.store_url, lambda: moment), lambda: moment, Rings())

    return at


def night(service: Service) -> object:
    return service.run("milton-park", lambda: False, Attempt(EVENING, EVENING + timedelta(hours=3)))


def test_no_run_is_begun_on_a_clock_that_has_gone_back_a_day(
    service_at: Callable[[datetime], Service], caplog: pytest.LogCaptureFixture
) -> None:
    assert night(service_at(EVENING)) is not None
    with caplog.at_level(logging.INFO, "onroll"):
        assert night(service_at(EVENING - DAY)) is None
    assert "the last run began 24 hours later than that, so no run was begun" in caplog.text
    assert "onroll sync milton-park" in caplog.text
    assert night(service_at(EVENING - timedelta(hours=1))) is not None, "an hour is what a change of clocks may be"


def test_a_person_who_runs_it_by_hand_says_that_the_clock_is_right(
    service_at: Callable[[datetime], Service],
) -> None:
    ahead, right = service_at(EVENING + 365 * DAY), service_at(EVENING)
    assert night(ahead) is not None
    assert night(right) is None
    run = right._store.start_run("milton-park", "sync", EVENING, "head")
    right._store.end_run(run, "done", {}, EVENING)
    assert night(right) is not None


def test_a_night_that_ran_on_a_clock_a_day_ahead_does_not_stand_for_tonights(
    service_at: Callable[[datetime], Service],
) -> None:
    assert night(service_at(EVENING + DAY)) is not None
    assert service_at(EVENING + DAY).finished("milton-park", EVENING + DAY)
    assert not service_at(EVENING).finished("milton-park", EVENING)


def test_the_length_of_a_jump_in_words() -> None:
    told = [clock.in_words(each) for each in (-DAY, timedelta(minutes=7), 3 * DAY)]
    assert told == ["24 hours", "7 minutes", "3 days"]
