"""Windows in the school's own time, right across both changes of the clocks; and what freshness makes of them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onroll_daemon.freshness import freshness
from onroll_daemon.windows import Window

LONDON = "Europe/London"


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("window", "day", "opens", "closes"),
    [
        ("19:00-22:00", "2026-11-24", "2026-11-24 19:00", "2026-11-24 22:00"),
        ("19:00-22:00", "2026-07-01", "2026-07-01 18:00", "2026-07-01 21:00"),
        ("23:00-06:00", "2026-11-24", "2026-11-24 23:00", "2026-11-25 06:00"),
        ("00:00-09:00", "2026-03-29", "2026-03-29 00:00", "2026-03-29 08:00"),
        ("00:00-09:00", "2026-10-25", "2026-10-24 23:00", "2026-10-25 09:00"),
        ("01:30-01:45", "2026-03-29", "2026-03-29 01:30", "2026-03-29 01:45"),
        ("01:15-01:45", "2026-10-25", "2026-10-25 00:15", "2026-10-25 01:45"),
        ("22:00-00:00", "2026-11-24", "2026-11-24 22:00", "2026-11-25 00:00"),
    ],
)
def test_when_a_window_opens_and_closes(window: str, day: str, opens: str, closes: str) -> None:
    assert Window.parse(window, LONDON).on(date.fromisoformat(day)) == (utc(opens), utc(closes))


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)),
    st.sampled_from(["19:00-22:00", "00:00-09:00", "23:00-06:00", "01:00-02:00", "00:30-01:30"]),
)
def test_every_moment_is_inside_a_window_or_before_the_next(moment: datetime, text: str) -> None:
    window, at = Window.parse(text, LONDON), moment.replace(tzinfo=UTC)
    opened = window.at(at)
    opens, closes = window.after(at)
    assert at < opens < closes <= at + timedelta(days=2, hours=12)
    assert opens - at <= timedelta(days=1, hours=1)
    if opened is not None:
        assert opened[0] <= at < opened[1]
        assert window.at(opened[1]) is None or window.at(opened[1])[0] >= opened[1]  # type: ignore[index]
        assert opened[0] <= window.start(*opened, "milton-park") < opened[1]


@pytest.mark.parametrize("text", ["19:00", "25:00-26:00", "19:00-19:00", "7pm-9pm", "19:00-22:61", ""])
def test_what_is_no_window_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="window|length"):
        Window.parse(text, LONDON)


def test_a_zone_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="not a time zone"):
        Window.parse("19:00-22:00", "Europe/Lundon")


def test_schools_do_not_all_knock_at_once() -> None:
    window = Window.parse("19:00-22:00", LONDON)
    opens, closes = window.on(date(2026, 11, 24))
    starts = {window.start(opens, closes, f"school-{n}") for n in range(50)}
    assert len(starts) == 50
    assert max(starts) < opens + timedelta(hours=1)


WINDOW = Window.parse("19:00-22:00", LONDON)
NOW = utc("2026-11-24 23:00")


@pytest.mark.parametrize(
    ("known", "word", "why"),
    [
        ({}, "late", "nothing has been read"),
        ({"last_read": "2026-11-24T19:30:00+00:00"}, "fresh", "nothing needed changing"),
        ({"last_read": "2026-11-24T19:30:00+00:00", "last_change": "2026-10-01T19:30:00+00:00"}, "fresh", "1 October"),
        ({"last_read": "2026-11-22T19:30:00+00:00"}, "late", "22 November"),
        (
            {"last_read": "2026-11-24T19:30:00+00:00", "feed_time": "2026-11-10T00:00:00+00:00"},
            "late",
            "its own data is from 10 November",
        ),
        ({"last_read": "2026-11-23T19:30:00+00:00", "problem": "Wonde refused onroll."}, "failing", "Wonde refused"),
    ],
)
def test_one_word_with_a_reason(known: dict[str, str], word: str, why: str) -> None:
    found = freshness(known, WINDOW, NOW)
    assert found.word == word
    assert why in found.why
    assert found.next_expected == utc("2026-11-25 22:00")
