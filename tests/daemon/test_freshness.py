"""One word with a reason, and five times that nobody can take for each other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onroll_daemon.freshness import Freshness, freshness
from onroll_daemon.windows import Window

WINDOW = Window.parse("19:00-22:00", "Europe/London")
IN_TIME = "2026-11-24T19:30:00+00:00"
YESTERDAY = "2026-11-23T19:30:00+00:00"
LONG_AGO = "2026-09-01T19:30:00+00:00"
AFTER, DURING = datetime(2026, 11, 24, 23, 0, tzinfo=UTC), datetime(2026, 11, 24, 19, 40, tzinfo=UTC)


def run(kind: str = "sync", status: str = "done", **summary: Any) -> dict[str, Any]:
    return {"kind": kind, "status": status, "summary": summary}


def judged(now: datetime, runs: list[dict[str, Any]], **known: str) -> Freshness:
    return freshness(known, runs, ("ad", "m365"), WINDOW, now)


def test_a_school_that_was_read_tonight_is_fresh() -> None:
    found = judged(AFTER, [run(targets={"ad": {"verdict": "cleared"}})], last_read=IN_TIME, last_change=IN_TIME)
    assert found.word == "fresh"
    assert "everybody was read on 24 November at 19:30" in found.why


def test_an_old_last_change_says_that_nothing_had_to_be_changed() -> None:
    """RM Unify shows this date alone, as "Last sync"."""
    found = judged(AFTER, [run()], last_read=IN_TIME, last_change=LONG_AGO)
    assert found.word == "fresh"
    assert "changed last on 1 September at 20:30, and an older day there only means that nothing had to be" in found.why
    assert "no account has had to be changed" in judged(AFTER, [run()], last_read=IN_TIME).why


@pytest.mark.parametrize(
    ("read", "now", "word"),
    [
        (IN_TIME, AFTER, "fresh"),
        (YESTERDAY, DURING, "fresh"),  # tonight's is not over
        (YESTERDAY, AFTER, "late"),
        ("2026-11-22T19:30:00+00:00", AFTER, "failing"),
        (LONG_AGO, DURING, "failing"),
        ("2026-11-24T12:00:00+00:00", AFTER, "late"),  # by hand at noon, and then not in the window
        ("2026-11-24T12:00:00+00:00", datetime(2026, 11, 24, 18, tzinfo=UTC), "fresh"),
    ],
)
def test_a_window_without_a_reading_is_late_and_two_are_failing(read: str, now: datetime, word: str) -> None:
    found = judged(now, [run()], last_read=read)
    assert found.word == word
    assert word == "fresh" or "nothing was read in the window that closed on" in found.why


def test_a_source_that_cannot_be_read_is_late_while_it_is_tried_again_and_failing_after() -> None:
    told = {"last_read": YESTERDAY, "problem": "Wonde does not answer.", "failing_since": "2026-11-24T19:12:00+00:00"}
    during, after = judged(DURING, [], **told), judged(AFTER, [], **told)
    assert (during.word, after.word) == ("late", "failing")
    assert "it is tried again until 22:00" in during.why
    assert "since 24 November at 19:12: Wonde does not answer. Everybody was read on 23 November" in after.why
    assert judged(DURING, [], **(told | {"failing_since": YESTERDAY})).word == "failing"
    assert judged(DURING, [], **(told | {"last_read": LONG_AGO})).word == "failing"


def test_a_school_that_was_never_read_is_late() -> None:
    found = judged(AFTER, [])
    assert (found.word, found.why) == ("late", "nobody has been read yet")


def test_a_reading_that_is_not_believed_waits_for_a_person() -> None:
    held = run(status="held", held=["602 of 1203 pupils are missing."], targets={"ad": {"verdict": "held"}})
    found = judged(AFTER, [held], last_read=YESTERDAY, last_contact=IN_TIME)
    assert found.word == "late"
    assert "602 of 1203 pupils are missing. Before that, everybody was read on 23 November" in found.why
    believed = judged(AFTER, [run("pull"), held], last_read=IN_TIME)
    assert believed.word == "fresh", "an approved pull has let it in"


def test_what_is_wrong_with_a_target_is_not_hidden_by_a_good_reading() -> None:
    failed = run(status="failed", targets={"m365": {"verdict": "failed", "error": "The certificate has expired."}})
    found = judged(AFTER, [failed], last_read=IN_TIME)
    assert found.word == "failing"
    assert "m365 could not be brought into line: The certificate has expired." in found.why
    held = judged(AFTER, [run(status="held", targets={"ad": {"verdict": "held"}})], last_read=IN_TIME)
    assert held.word == "late"
    assert "the plan for ad waits for a person" in held.why


def test_each_target_counts_by_its_newest_run() -> None:
    failed = run(status="failed", targets={"ad": {"verdict": "failed", "error": "x"}, "m365": {"verdict": "held"}})
    unread = run(status="unread", targets={})
    under_way = {"kind": "sync", "status": None, "summary": None}
    alone = run("apply", targets={"ad": {"verdict": "cleared"}})
    found = judged(AFTER, [under_way, unread, alone, failed], last_read=IN_TIME)
    assert (found.word, "m365" in found.why) == ("late", True)
    retired = freshness({"last_read": IN_TIME}, [failed], (), WINDOW, AFTER)
    assert retired.word == "fresh", "a target that is no longer the school's does not count"


def test_changes_that_wait_are_told_though_the_school_is_fresh() -> None:
    found = judged(AFTER, [run(targets={"ad": {"verdict": "cleared", "failed": 2, "deferred": 3}})], last_read=IN_TIME)
    assert found.word == "fresh"
    assert "5 changes were refused or wait for the next run" in found.why


def test_old_data_behind_a_mis_that_answers_is_late() -> None:
    found = judged(AFTER, [run()], last_read=IN_TIME, feed_time="2026-11-10T00:00:00+00:00")
    assert found.word == "late"
    assert "its data is from 10 November" in found.why
    assert judged(AFTER, [run()], last_read=IN_TIME, feed_time="2026-11-21T00:00:00+00:00").word == "fresh"


def test_when_the_next_reading_is_due() -> None:
    tonight, tomorrow = (datetime(2026, 11, day, 22, tzinfo=UTC) for day in (24, 25))
    assert judged(DURING, [], last_read=YESTERDAY).next_expected == tonight
    assert judged(DURING, [], last_read=IN_TIME).next_expected == tomorrow
    assert judged(AFTER, [], last_read=YESTERDAY).next_expected == tomorrow


def test_the_document_names_every_time() -> None:
    told = judged(AFTER, [run()], last_read=IN_TIME, last_contact=IN_TIME).as_json()
    assert told.keys() == {"word", "why", "last_contact", "last_read", "feed_time", "last_change", "next_expected"}
    assert (told["last_read"], told["last_change"]) == (IN_TIME, None)


@given(st.timedeltas(timedelta(0), timedelta(days=9)), st.timedeltas(timedelta(0), timedelta(days=9)))
def test_a_school_never_gets_fresher_by_waiting(age: timedelta, wait: timedelta) -> None:
    words = ["fresh", "late", "failing"]
    read = (AFTER - age).isoformat()
    before, after = judged(AFTER, [run()], last_read=read), judged(AFTER + wait, [run()], last_read=read)
    assert words.index(before.word) <= words.index(after.word)
