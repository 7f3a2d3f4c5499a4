"""When nights begin, are tried again and end; with a clock of our own and no waiting."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from onroll_core.night import Night
from onroll_daemon.schedule import Schedule
from onroll_daemon.windows import Window

WINDOW = Window.parse("19:00-22:00", "Europe/London")
OPENS = datetime(2026, 11, 24, 19, 0, tzinfo=UTC)


class Bench:
    """A schedule whose jobs are run by hand."""

    def __init__(self, at: datetime) -> None:
        self.at = at
        self.runs: list[tuple[datetime, Callable[[], bool]]] = []
        self.answer: Night | None = Night("s")
        self.schedule = Schedule({"s": WINDOW}, self.run, lambda: self.at)
        self.schedule._arrange("s")

    def run(self, school: str, stopping: Callable[[], bool]) -> Night | None:
        self.runs.append((self.at, stopping))
        return self.answer

    @property
    def next(self) -> datetime:
        (job,) = [job for job in self.schedule.scheduler._pending_jobs if job[0].id == "s"][-1:]
        return job[0].trigger.run_date  # type: ignore[no-any-return]

    def night(self) -> None:
        """Move to the next start and run what is due."""
        job = [job for job in self.schedule.scheduler._pending_jobs if job[0].id == "s"][-1][0]
        self.at = max(self.at, job.trigger.run_date)
        job.func()


def test_a_night_begins_inside_the_window_and_the_next_a_day_later() -> None:
    bench = Bench(OPENS - timedelta(hours=5))
    first = bench.next
    assert OPENS <= first < OPENS + timedelta(hours=1)
    bench.night()
    assert bench.next == first + timedelta(days=1)


def test_a_machine_that_was_off_catches_up_while_the_window_is_open() -> None:
    bench = Bench(OPENS + timedelta(hours=2))
    assert bench.next == OPENS + timedelta(hours=2)
    late = Bench(OPENS + timedelta(hours=4))
    assert late.next > OPENS + timedelta(hours=20)


def test_a_restart_in_the_window_does_not_repeat_what_was_read() -> None:
    bench = Bench(OPENS - timedelta(hours=1))
    bench.schedule.last_read = lambda school: OPENS + timedelta(minutes=20)
    bench.at = OPENS + timedelta(hours=1)
    assert bench.schedule.next_start("s") > OPENS + timedelta(hours=20)


@pytest.mark.parametrize("answer", [None, Night("s", unread="The MIS does not answer.")])
def test_a_source_that_is_not_there_is_tried_again_with_growing_pauses_until_the_window_ends(
    answer: Night | None,
) -> None:
    bench = Bench(OPENS - timedelta(hours=1))
    bench.answer = answer
    for _ in range(40):
        bench.night()
        if bench.next > OPENS + timedelta(hours=12):
            break
    tried = [at for at, _ in bench.runs]
    pauses = [after - before for before, after in zip(tried, tried[1:], strict=False)]
    assert 5 < len(tried) < 20
    assert pauses[0] == timedelta(minutes=2)
    assert max(pauses) == timedelta(minutes=20)
    assert tried[-1] < OPENS + timedelta(hours=3)
    assert bench.next > OPENS + timedelta(hours=20)


def test_a_run_is_told_when_the_window_ends_and_when_the_service_stops() -> None:
    bench = Bench(OPENS - timedelta(hours=1))
    bench.night()
    _, stopping = bench.runs[0]
    assert not stopping()
    bench.at = OPENS + timedelta(hours=3)
    assert stopping()
    other = Bench(OPENS - timedelta(hours=1))
    other.night()
    other.schedule.stopping.set()
    assert other.runs[0][1]()


def test_a_run_that_fails_in_a_way_nobody_foresaw_does_not_end_the_service() -> None:
    bench = Bench(OPENS - timedelta(hours=1))

    def fails(school: str, stopping: Callable[[], bool]) -> Night | None:
        raise RuntimeError("a mistake")

    bench.schedule.run = fails
    bench.night()
    assert bench.next > bench.at


def test_a_sync_by_hand_has_no_end() -> None:
    bench = Bench(OPENS + timedelta(hours=6))
    bench.schedule.sync_now("s")
    job = next(job[0] for job in bench.schedule.scheduler._pending_jobs if job[0].id == "s by hand")
    job.func()
    assert not bench.runs[0][1]()
