"""Windows in the school's own time, right across both changes of the clocks."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from onroll_daemon.windows import Window

LONDON = "Europe/London"
SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("window", "day", "opens", "closes"),
    [
        ("19:00-22:00", "2026-11-24", "2026-11-24 19:00", "2026-11-24 22:00"),
        ("19:00-22:00", "2026-07-01", "2026-07-01 18:00", "2026-07-01 21:00"),
        ("23:00-06:00", "2026-11-24", "2026-11-24 23:00", "2026-11-25 06:00"),
        ("22:00-00:00", "2026-11-24", "2026-11-24 22:00", "2026-11-25 00:00"),
        ("19:00-24:00", "2026-11-24", "2026-11-24 19:00", "2026-11-25 00:00"),
        ("00:00-24:00", "2026-11-24", "2026-11-24 00:00", "2026-11-25 00:00"),
        # The clocks go forward at 01:00: 01:00 to 01:59 do not exist on 29 March.
        ("00:00-09:00", "2026-03-29", "2026-03-29 00:00", "2026-03-29 08:00"),
        ("23:00-06:00", "2026-03-28", "2026-03-28 23:00", "2026-03-29 05:00"),
        ("01:30-03:00", "2026-03-29", "2026-03-29 01:00", "2026-03-29 02:00"),
        ("00:00-01:30", "2026-03-29", "2026-03-29 00:00", "2026-03-29 01:00"),
        ("01:10-01:50", "2026-03-29", "2026-03-29 01:00", "2026-03-29 01:40"),
        ("01:00-02:00", "2026-03-29", "2026-03-29 01:00", "2026-03-29 02:00"),
        # They go back at 02:00: 01:00 to 01:59 come twice on 25 October.
        ("00:00-09:00", "2026-10-25", "2026-10-24 23:00", "2026-10-25 09:00"),
        ("23:00-06:00", "2026-10-24", "2026-10-24 22:00", "2026-10-25 06:00"),
        ("01:30-03:00", "2026-10-25", "2026-10-25 00:30", "2026-10-25 03:00"),
        ("23:00-01:30", "2026-10-24", "2026-10-24 22:00", "2026-10-25 01:30"),
        ("00:30-01:00", "2026-10-25", "2026-10-24 23:30", "2026-10-25 01:00"),
    ],
)
def test_when_a_window_opens_and_closes(window: str, day: str, opens: str, closes: str) -> None:
    assert Window.parse(window, LONDON).on(date.fromisoformat(day)) == (utc(opens), utc(closes))


def test_a_zone_whose_clocks_change_by_half_an_hour() -> None:
    """Lord Howe Island goes from 02:00 to 02:30 on 4 October 2026."""
    hours = Window.parse("02:10-04:00", "Australia/Lord_Howe").on(date(2026, 10, 4))
    assert hours == (utc("2026-10-03 15:30"), utc("2026-10-03 17:00"))


texts = st.tuples(st.integers(0, 95), st.integers(0, 95)).filter(lambda pair: pair[0] != pair[1])


def window(pair: tuple[int, int]) -> Window:
    begins, ends = (f"{quarter // 4:02}:{quarter % 4 * 15:02}" for quarter in pair)
    return Window.parse(f"{begins}-{ends}", LONDON, timedelta(minutes=30))


@given(texts, st.dates(date(2025, 1, 1), date(2027, 12, 31)))
@example((5, 7), SPRING)
@example((5, 7), AUTUMN)
@example((0, 95), AUTUMN)
def test_every_day_has_one_opening_and_none_runs_into_the_next(pair: tuple[int, int], day: date) -> None:
    it = window(pair)
    today, tomorrow = it.on(day), it.on(day + timedelta(days=1))
    assert today.opens < today.closes <= tomorrow.opens
    assert today.opens.astimezone(it.zone).date() == day
    length = timedelta(minutes=15 * ((pair[1] - pair[0]) % 96))
    assert abs((today.closes - today.opens) - length) <= timedelta(hours=1)


@given(texts, st.datetimes(datetime(2025, 1, 1), datetime(2027, 12, 31)))
def test_every_moment_is_in_one_opening_or_between_two(pair: tuple[int, int], moment: datetime) -> None:
    it, at = window(pair), moment.replace(tzinfo=UTC)
    inside, coming, gone = it.at(at), it.next_opening(at), it.last_closed(at)
    assert it.is_open(at) is (inside is not None)
    assert gone.closes <= at < coming.opens
    if inside is None:
        assert it.next_opening(gone.opens) == coming
    else:
        assert inside.opens <= at < inside.closes <= coming.opens
        assert it.next_opening(gone.opens) == inside
        assert not it.is_open(inside.closes) or it.next_opening(inside.opens).opens == inside.closes


@given(texts, st.dates(date(2025, 1, 1), date(2027, 12, 31)))
def test_away_from_the_changes_the_clock_on_the_wall_decides(pair: tuple[int, int], day: date) -> None:
    it = window(pair)
    hours = it.on(day)
    for moment, minutes in ((hours.opens, 15 * pair[0]), (hours.closes, 15 * pair[1])):
        wall = moment.astimezone(it.zone)
        if wall.utcoffset() == (moment - timedelta(hours=3)).astimezone(it.zone).utcoffset():
            assert wall.hour * 60 + wall.minute == minutes


@pytest.mark.parametrize(
    "text",
    [
        "19:00",
        "25:00-26:00",
        "19:00-25:00",
        "24:00-06:00",
        "19:00-19:00",
        "7pm-9pm",
        "19:00-22:61",
        "-1:00-2:00",
        "19:00-22:00-23:00",
        "",
    ],
)
def test_what_is_no_window_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="window|length"):
        Window.parse(text, LONDON)


@pytest.mark.parametrize("zone", ["Europe/Lundon", "", "../etc/passwd", "/etc/localtime"])
def test_a_zone_that_is_none_is_refused(zone: str) -> None:
    with pytest.raises(ValueError, match="not a time zone"):
        Window.parse("19:00-22:00", zone)


def test_schools_do_not_all_knock_at_once_and_each_always_at_its_own_time() -> None:
    it = Window.parse("19:00-22:00", LONDON, timedelta(minutes=30))
    hours = it.on(date(2026, 11, 24))
    starts = [it.start(hours, f"school-{n}") for n in range(60)]
    assert len(set(starts)) > 50
    assert hours.opens <= min(starts) < hours.opens + timedelta(minutes=5)
    assert hours.opens + timedelta(minutes=25) < max(starts) < hours.opens + timedelta(minutes=30)
    summer = it.on(date(2026, 7, 1))
    assert [it.start(summer, f"school-{n}") - summer.opens for n in range(60)] == [
        each - hours.opens for each in starts
    ]


def test_a_spread_never_takes_more_than_half_of_a_window() -> None:
    it = Window.parse("19:00-19:30", LONDON, timedelta(hours=2))
    hours = it.on(date(2026, 11, 24))
    assert all(it.start(hours, f"school-{n}") <= hours.opens + timedelta(minutes=15) for n in range(60))
    alone = Window.parse("19:00-19:30", LONDON)
    assert alone.start(hours, "any") == hours.opens
