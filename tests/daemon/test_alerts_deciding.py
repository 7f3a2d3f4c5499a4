"""What is told and when, by a clock of our own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from onroll_daemon.alerts.deciding import Told, decide
from onroll_daemon.alerts.rules import TOPICS, AlertRules, Weekly
from onroll_daemon.alerts.seen import Alert, RunSeen, SchoolSeen, TargetSeen
from onroll_daemon.alerts.texts import Texts

LONDON = ZoneInfo("Europe/London")
STEP = timedelta(minutes=5)
MONDAY = datetime(2026, 11, 16, 0, 0, tzinfo=UTC)
SCHOOL = SchoolSeen("milton-park", "Milton Park School", LONDON, ("ad", "m365"), "fresh", "Everybody was read.")


def write(kind: str, values: Mapping[str, Any]) -> tuple[str, str]:
    return Texts().write(kind, values)


def local(day: int, hour: int, minute: int = 0, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=LONDON).astimezone(UTC)


def run(number: int, at: datetime, *targets: TargetSeen, **more: Any) -> RunSeen:
    told: dict[str, Any] = {"kind": "sync", "status": "done", "ended": at + STEP} | more
    return RunSeen(number, started=at, targets=targets, **told)


def through(
    school: Callable[[datetime], SchoolSeen],
    begins: datetime,
    ends: datetime,
    rules: AlertRules = AlertRules(),
    told: Mapping[str, Told] | None = None,
) -> list[tuple[datetime, Alert]]:
    """Every alert that rounds of five minutes come to."""
    found: list[tuple[datetime, Alert]] = []
    now, told = begins, told or {}
    while now < ends:
        alerts, told = decide(told, [school(now)], now, rules, write)
        found += [(now, alert) for alert in alerts]
        assert decide(told, [school(now)], now, rules, write) == ([], told), "the same moment tells nothing twice"
        now += STEP
    return found


def shown(found: list[tuple[datetime, Alert]]) -> list[tuple[str, str]]:
    return [(at.astimezone(LONDON).strftime("%d %H:%M"), alert.kind) for at, alert in found]


def test_a_fortnight() -> None:
    """Late on Tuesday, failing on Wednesday, well on Thursday; held on Friday and approved on Monday; two digests."""
    held = TargetSeen("ad", "held", digest="aa11", objections=("9 pupils would be disabled.",))
    refused = TargetSeen("m365", "cleared", changes=5, failed=2, reasons=(("a password was not accepted", 2),))

    def school(now: datetime) -> SchoolSeen:
        runs = [run(1, local(16, 19), TargetSeen("ad", "cleared", 4), TargetSeen("m365", "cleared", 4), joiners=3)]
        if now >= local(19, 19, 30):
            runs.insert(0, run(2, local(19, 19, 20), refused, leavers=1))
        if now >= local(20, 19, 30):
            runs.insert(0, run(3, local(20, 19, 20), held, status="held"))
        if now >= local(21, 19, 30):
            runs.insert(0, run(4, local(21, 19, 20), held, status="held"))
        if now >= local(23, 9):
            runs.insert(0, run(5, local(23, 8, 50), TargetSeen("ad", "cleared", 9), kind="apply"))
        known = replace(SCHOOL, runs=tuple(each for each in runs if each.ended <= now))
        if local(17, 19) <= now < local(17, 22):
            return replace(known, word="late", cause="unread", reason="The MIS could not be read.")
        if local(17, 22) <= now < local(19, 19, 25):
            return replace(known, word="failing", cause="unread", reason="The MIS could not be read.")
        if local(20, 19, 30) <= now < local(23, 9):
            return replace(known, word="late", cause="plan waits", reason="The plan for ad waits.")
        return known

    found = through(school, local(16, 18), local(30, 18))
    assert shown(found) == [
        ("17 19:15", "late"),
        ("17 22:15", "failing"),
        ("18 22:15", "failing"),  # a day later, while it stays so
        ("19 19:25", "well"),
        ("19 19:30", "failed changes"),
        ("20 19:30", "held"),
        ("21 19:45", "late"),  # the same plan still waits: a reminder, and not the held plan again
        ("22 19:45", "late"),
        ("23 07:30", "digest"),
        ("23 09:00", "well"),
        ("30 07:30", "digest"),
    ]
    by_kind = {(alert.kind, at.astimezone(LONDON).day): alert for at, alert in found}
    assert by_kind["failing", 17].title == "Milton Park School: failing"
    assert by_kind["failing", 18].title == "Milton Park School: still failing"
    assert "It was failing." in by_kind["well", 19].text
    assert by_kind["failed changes", 19].key == "failed changes:milton-park:run 2"
    assert "m365: 2" in by_kind["failed changes", 19].text
    assert "- 2: a password was not accepted" in by_kind["failed changes", 19].text
    assert by_kind["held", 20].key == "held:milton-park:ad:aa11"
    assert "- 9 pupils would be disabled." in by_kind["held", 20].text
    week = by_kind["digest", 23].text
    for line in ("Joiners: 3", "Leavers: 1", "Changes in ad: 4\n", "Changes in m365: 9, refused: 2", "Nights held: 2"):
        assert line in week, week
    assert "Waits for a person: the plan for ad" in week
    assert "Nothing is held." in by_kind["digest", 30].text
    assert len({alert.key for _, alert in found}) == len(found)


def test_a_first_try_that_the_second_puts_right_is_not_told() -> None:
    def school(now: datetime) -> SchoolSeen:
        bad = local(17, 19) <= now < local(17, 19, 10)
        return replace(SCHOOL, word="late", cause="unread") if bad else SCHOOL

    assert through(school, local(17, 18), local(18, 18)) == []


def test_a_school_that_has_just_been_set_up_has_a_day_before_it_is_late() -> None:
    new = replace(SCHOOL, word="late", cause="never read")
    found = through(lambda now: new, local(17, 9), local(18, 10))
    assert shown(found) == [("18 09:00", "late")]


@pytest.mark.parametrize("topic", TOPICS)
def test_what_nobody_wants_to_hear_of_is_not_told(topic: str) -> None:
    refused = TargetSeen("m365", "cleared", failed=1, reasons=(("for another reason", 1),))

    def school(now: datetime) -> SchoolSeen:
        told = replace(
            SCHOOL, runs=(run(2, local(17, 19), TargetSeen("ad", "held", digest="aa"), refused, status="held"),)
        )
        if now < local(17, 20):
            return SCHOOL
        if now < local(18, 10):
            return replace(told, word="late", cause="not in time")
        return replace(told, word="failing", cause="unread") if now < local(18, 20) else told

    rules = AlertRules(about=frozenset(TOPICS) - {topic}, digest=Weekly.parse("Wednesday 12:00"))
    kinds = Counter(alert.kind for _, alert in through(school, local(17, 18), local(19, 9), rules))
    assert kinds == Counter({"well": 1} | {each: 1 for each in TOPICS if each != topic})


def test_a_held_plan_among_late_feeds_does_not_hide_that_the_feed_is_late() -> None:
    runs = (run(2, local(16, 19), TargetSeen("ad", "held", digest="aa"), status="held"),)
    late = replace(SCHOOL, word="late", cause="not in time", runs=runs)
    assert [kind for _, kind in shown(through(lambda now: late, local(17, 23), local(18, 1)))] == ["held", "late"]


def test_a_reading_that_is_held_is_told_once_for_each_digest_and_its_plans_with_it() -> None:
    def school(now: datetime) -> SchoolSeen:
        digest = "aa" if now < local(18, 12) else "bb"
        held = run(
            2 if digest == "aa" else 3, local(17, 19), TargetSeen("ad", "held"), held=("Too few.",), digest=digest
        )
        return replace(SCHOOL, runs=(replace(held, status="held"),))

    found = through(school, local(17, 20), local(19, 9))
    assert [alert.key for _, alert in found] == ["held:milton-park::aa", "held:milton-park::bb"]
    assert found[0][1].title == "Milton Park School: what the MIS told waits for a person"


def test_what_failed_before_anybody_was_told_anything_stays_untold() -> None:
    refused = TargetSeen("ad", "cleared", failed=1)
    old = replace(SCHOOL, runs=(run(7, local(16, 19), refused),))
    new = replace(SCHOOL, runs=(run(8, local(17, 19), refused), *old.runs))
    found = through(lambda now: old if now < local(17, 20) else new, local(17, 9), local(17, 22))
    assert [alert.key for _, alert in found] == ["failed changes:milton-park:run 8"]


@pytest.mark.parametrize(
    ("month", "monday", "utc"),
    [
        (3, 23, "07:30"),
        (3, 30, "06:30"),
        (10, 19, "06:30"),
        (10, 26, "07:30"),
    ],  # the clocks change on 29 March, 25 October
)
def test_the_digest_comes_at_half_past_seven_whatever_the_clocks_do(month: int, monday: int, utc: str) -> None:
    begins = datetime(2026, month, monday - 1, 12, tzinfo=UTC)
    found = through(lambda now: SCHOOL, begins, begins + timedelta(days=2))
    assert [(at.strftime("%d %H:%M"), alert.kind) for at, alert in found] == [(f"{monday} {utc}", "digest")]
    since = f"{monday - 7:02}".lstrip("0")
    assert f"From Monday {since}" in found[0][1].text
    assert "at 07:30 to Monday" in found[0][1].text


def test_a_digest_that_was_missed_is_sent_once_when_the_service_is_back() -> None:
    told: Mapping[str, Told] = {}
    _, told = decide(told, [SCHOOL], MONDAY - timedelta(days=20), AlertRules(), write)
    found = through(lambda now: SCHOOL, local(17, 9), local(18, 9), told=told)
    assert [(at, alert.key) for at, alert in found] == [(local(17, 9), "digest:milton-park:2026-11-16")]


@pytest.mark.parametrize("text", ["Monday", "07:30", "Moonday 07:30", "Monday 24:00", "Monday 7.30"])
def test_a_moment_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write Monday 07:30"):
        Weekly.parse(text)


def test_schools_have_their_own_zone_and_are_told_apart() -> None:
    rules = AlertRules()
    there = replace(SCHOOL, id="porto", name="Porto", zone=ZoneInfo("Europe/Madrid"))
    _, told = decide({}, [SCHOOL, there], local(23, 6), rules, write)
    alerts, told = decide(told, [SCHOOL, there], local(23, 6, 45), rules, write)
    assert [alert.school for alert in alerts] == ["porto"]
    alerts, told = decide(told, [SCHOOL], local(23, 7, 45), rules, write)
    assert [alert.school for alert in alerts] == ["milton-park"]
    assert told.keys() == {"milton-park"}
