"""When nights begin, are tried again and end; with a clock and alarms of our own, and no waiting."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from onroll_core.changes import Create, Deferred
from onroll_core.night import Night, TargetNight
from onroll_daemon.schedule import Clockwork, Schedule
from onroll_daemon.windows import Window

WINDOW = Window.parse("19:00-22:00", "Europe/London")
OPENS, CLOSES = datetime(2026, 11, 24, 19, 0, tzinfo=UTC), datetime(2026, 11, 24, 22, 0, tzinfo=UTC)
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)


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
class Evening:
    """One school's schedule on a clock of our own; `answer` is what its runs come to, and each run takes `lasts`."""

    at: datetime
    answer: Night | None = field(default_factory=lambda: Night("s"))
    lasts: timedelta = timedelta(0)
    finished: bool = False
    runs: list[tuple[datetime, Callable[[], bool]]] = field(default_factory=list)
    hand: Hand = field(default_factory=Hand)

    def __post_init__(self) -> None:
        self.schedule = Schedule(
            {"s": WINDOW}, self.run, lambda: self.at, lambda school, since: self.finished, self.hand
        )
        self.schedule.start()

    def run(self, school: str, ending: Callable[[], bool], attempt: object) -> Night | None:
        self.runs.append((self.at, ending))
        self.at += self.lasts
        return self.answer

    @property
    def next(self) -> datetime:
        return self.schedule.next_start("s")

    def ring(self, late: timedelta = timedelta(0)) -> None:
        """The school's alarm rings, when it is set to or as much later as the machine slept."""
        when, call = self.hand.alarms["s"]
        self.at = max(self.at, when) + late
        call()


def test_a_night_begins_in_the_window_and_the_next_a_day_later() -> None:
    evening = Evening(OPENS - 5 * MINUTE)
    assert evening.next == OPENS
    evening.ring()
    assert [at for at, _ in evening.runs] == [OPENS]
    assert evening.next == OPENS + DAY


def test_a_machine_that_was_off_catches_up_while_the_window_is_open() -> None:
    assert Evening(OPENS + 119 * MINUTE).next == OPENS + 119 * MINUTE
    assert Evening(CLOSES).next == OPENS + DAY


def test_a_service_started_in_the_window_does_not_repeat_what_is_finished() -> None:
    assert Evening(OPENS + 60 * MINUTE, finished=True).next == OPENS + DAY


def test_a_machine_that_slept_through_the_window_does_not_begin_after_it() -> None:
    evening = Evening(OPENS - DAY / 2)
    evening.ring(late=timedelta(hours=5))
    assert evening.runs == []
    assert evening.next == OPENS + DAY
    evening.ring(late=DAY)  # and wakes in the next one
    assert evening.runs == []
    assert evening.next == OPENS + 2 * DAY
    evening.ring()
    assert len(evening.runs) == 1


def until_the_next_day(evening: Evening) -> list[datetime]:
    while evening.next < CLOSES:
        evening.ring()
    return [at for at, _ in evening.runs]


@pytest.mark.parametrize("answer", [None, Night("s", unread="The MIS does not answer.")])
def test_a_source_that_is_not_there_is_tried_again_with_growing_pauses_until_the_window_ends(
    answer: Night | None,
) -> None:
    evening = Evening(OPENS - 60 * MINUTE, answer, lasts=MINUTE)
    tried = until_the_next_day(evening)
    pauses = [(after - before) // MINUTE - 1 for before, after in zip(tried, tried[1:], strict=False)]
    assert pauses == [2, 4, 8, 16, 20, 20, 20, 20, 20, 20]
    assert evening.next == OPENS + DAY
    evening.ring()
    assert evening.next == OPENS + DAY + 3 * MINUTE, "the pauses begin anew each night"


def test_a_source_that_comes_back_is_read_and_that_is_all_for_tonight() -> None:
    evening = Evening(OPENS - MINUTE, Night("s", unread="The MIS does not answer."))
    evening.ring()
    evening.answer = Night("s")
    evening.ring()
    assert evening.next == OPENS + DAY


def away() -> Night:
    return Night("s", targets={"ad": TargetNight("failed", error="dc1 does not answer.")})


def deferred() -> Night:
    night = Night("s", targets={"ad": TargetNight()})
    change = Create.__new__(Create)
    night.targets["ad"].count(Deferred(change, "later"))
    return night


@pytest.mark.parametrize("answer", [away(), deferred()])
def test_a_target_that_is_away_gets_three_more_tries(answer: Night) -> None:
    tried = until_the_next_day(Evening(OPENS - MINUTE, answer))
    assert [(at - OPENS) // MINUTE for at in tried] == [0, 2, 6, 14]


def test_what_waits_for_a_person_is_not_tried_again_tonight() -> None:
    held = Night("s", held=["Half the school is missing."], targets={"ad": TargetNight("held")})
    assert len(until_the_next_day(Evening(OPENS - MINUTE, held))) == 1


def test_a_run_is_told_when_the_window_ends() -> None:
    evening = Evening(OPENS - MINUTE)
    evening.ring()
    _, ending = evening.runs[0]
    evening.at = CLOSES - timedelta(seconds=1)
    assert not ending()
    evening.at = CLOSES
    assert ending()


def test_a_run_that_lasts_into_the_next_morning_is_followed_by_the_next_window() -> None:
    evening = Evening(OPENS - MINUTE, Night("s", unread="The MIS does not answer."), lasts=timedelta(hours=4))
    evening.ring()
    assert evening.next == OPENS + DAY


def test_a_run_is_told_when_the_service_stops_and_no_other_begins() -> None:
    evening = Evening(OPENS - MINUTE)
    evening.ring()
    _, ending = evening.runs[0]
    evening.schedule.stop()
    assert ending()
    assert not evening.schedule.running
    evening.ring()
    assert len(evening.runs) == 1


def test_a_run_that_fails_in_a_way_nobody_foresaw_does_not_end_the_service(caplog: pytest.LogCaptureFixture) -> None:
    evening = Evening(OPENS - MINUTE)
    tried = 0

    def fails(school: str, ending: Callable[[], bool], attempt: object) -> Night | None:
        nonlocal tried
        tried += 1
        raise RuntimeError("a mistake")

    evening.schedule = Schedule({"s": WINDOW}, fails, lambda: evening.at, alarms=evening.hand)
    evening.schedule.start()
    evening.ring()
    assert (tried, evening.next) == (1, OPENS + 2 * MINUTE)
    assert "a mistake" in caplog.text


def test_a_school_is_run_once_at_a_time() -> None:
    evening = Evening(OPENS - MINUTE)
    second: list[bool] = []

    def run(school: str, ending: Callable[[], bool], attempt: object) -> Night | None:
        with evening.schedule.alone("s") as free:
            second.append(free)
        if len(second) == 1:
            evening.hand.alarms["s"][1]()  # an alarm in the middle of a run finds the school at work
        return Night("s")

    evening.schedule = Schedule({"s": WINDOW}, run, lambda: evening.at, alarms=evening.hand)
    evening.schedule.start()
    evening.ring()
    assert second == [False]
    with evening.schedule.alone("s") as free, evening.schedule.alone("t") as other:
        assert (free, other) == (True, True)
        evening.ring()
    assert second == [False], "nor does the window begin while a person's run is at it"


def test_the_real_clockwork_rings_for_what_is_due_even_while_the_last_call_is_ending() -> None:
    clockwork = Clockwork()
    rang: list[int] = []
    over = threading.Event()

    def again() -> None:
        rang.append(1)
        if len(rang) < 3:
            clockwork.at("s", datetime.now(UTC), again)
        else:
            over.set()

    clockwork.at("s", datetime.now(UTC) - DAY, again)
    clockwork.at("t", datetime.now(UTC) + DAY, over.set)
    assert not clockwork.running
    clockwork.start()
    try:
        assert over.wait(30)
        assert len(rang) == 3
        assert clockwork.running
    finally:
        clockwork.stop()
    assert not clockwork.running
    clockwork.stop()


def test_stopping_the_real_clockwork_waits_for_the_run_at_work() -> None:
    began, ended = threading.Event(), threading.Event()

    def run(school: str, ending: Callable[[], bool], attempt: object) -> Night | None:
        began.set()
        while not ending():
            pass
        ended.set()
        return Night(school)

    schedule = Schedule({"s": Window.parse("00:00-24:00", "Europe/London")}, run, lambda: datetime.now(UTC))
    schedule.start()
    assert began.wait(30)
    schedule.stop()
    assert ended.is_set()


def test_a_call_that_sets_another_alarm_while_the_clockwork_stops_does_not_hold_it_up() -> None:
    clockwork = Clockwork()
    began, go = threading.Event(), threading.Event()

    def again() -> None:
        began.set()
        assert go.wait(30)
        clockwork.at("s", datetime.now(UTC) + DAY, again)

    clockwork.start()
    clockwork.at("s", datetime.now(UTC), again)
    assert began.wait(30)
    stopping = threading.Thread(target=clockwork.stop, daemon=True)
    stopping.start()
    while clockwork.running:
        pass
    go.set()
    stopping.join(30)
    assert not stopping.is_alive()
