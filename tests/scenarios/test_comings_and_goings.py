"""Who comes, who does not, who goes and who is back, through a year, on a real domain controller and on both clouds."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

from onroll_core.identities import State
from onroll_core.night import Night
from samba import Samba
from school_year import EVERYWHERE, SCHOOL, SchoolYear, school_year


def done(night: Night, **counts: int) -> None:
    """Every target did exactly this."""
    assert {name: dict(one.tally) for name, one in night.targets.items()} == dict.fromkeys(EVERYWHERE, counts)


def cohorts(year: SchoolYear) -> dict[str, int | None]:
    """Everybody's Year of Entry."""
    return {each.id: each.year_of_entry for each in year.world.store.identities(SCHOOL)}


def test_somebody_who_never_arrives_and_arrives_after_all(samba: Samba, tmp_path: Path) -> None:
    with school_year(tmp_path, 8, samba) as year:
        year.night("the first night")
        (pupil,) = year.school.accepts(1, date(2026, 12, 7))
        done(year.night("accepted"), created=1)
        username = year.world.username(pupil.first, pupil.last)
        year.go_to(date(2026, 12, 7))
        done(year.night("the first day"))
        assert set(year.enabled(username).values()) == {True}
        done(year.night("not there"), disabled=1)
        assert year.person(pupil.first, pupil.last).state is State.NO_SHOW
        year.nothing_to_do()
        year.school.pupils[pupil.number] = replace(year.school.pupils[pupil.number], status="on roll")
        done(year.night("there after all"), enabled=1)
        assert set(year.enabled(username).values()) == {True}
        year.nothing_to_do()


def test_a_leaver_keeps_the_account_for_the_days_of_grace_and_is_restored_within_them(
    samba: Samba, tmp_path: Path
) -> None:
    with school_year(tmp_path, 8, samba) as year:
        year.set("school.students", "grace = 60")
        year.night("the first night")
        one, two = sorted(year.school.pupils)[:2]
        names = [
            year.world.username(each.first, each.last) for each in (year.school.pupils[one], year.school.pupils[two])
        ]
        last = year.world.day
        for number in (one, two):
            year.school.leaves(number, last)
        done(year.night("the day after"))
        gone = year.school.pupils[one]
        assert year.person(gone.first, gone.last).state is State.LEAVING
        year.nothing_to_do()
        year.go_to(last + timedelta(days=30))
        year.school.returns(one)
        done(year.night("one is back within the grace"))
        year.go_to(last + timedelta(days=60))
        done(year.night("the last day of grace"))
        year.go_to(last + timedelta(days=61))
        done(year.night("and over"), disabled=1)
        assert [set(year.enabled(each).values()) for each in names] == [{True}, {False}]
        year.nothing_to_do()
        year.school.returns(two)
        done(year.night("the other is back too, to the same account"), enabled=1)
        year.nothing_to_do()


def test_the_final_year_is_expected_to_leave_and_nobody_elses_year_of_entry_moves(samba: Samba, tmp_path: Path) -> None:
    with school_year(tmp_path, 56, samba) as year:
        year.night("the first night")
        before = cohorts(year)

        # One night in February every year group has moved by one: somebody rolled the MIS over too early.
        year.go_to(date(2027, 2, 9))
        right = dict(year.school.pupils)
        year.school.pupils = {n: replace(each, year=each.year + 1) for n, each in right.items()}
        held = year.night("a false rollover", code=3)
        assert "pupils have moved up a year group at once, and it is 9 February 2027" in held.held[0]
        assert {one.verdict for one in held.targets.values()} == {"held"}
        assert cohorts(year) == before
        year.school.pupils = right
        year.nothing_to_do()

        # July: eight of Year 13 go on one night, without a date; no limit is in their way.
        year.go_to(date(2027, 7, 22))
        final = [n for n, each in year.school.pupils.items() if each.year == 13]
        for number in final:
            year.school.pupils[number] = replace(year.school.pupils[number], ends=date(2027, 7, 21), status="left")
        done(year.night("the end of the year"), disabled=8)
        year.nothing_to_do()

        # September: everybody moves up, and nobody's Year of Entry, username or place with them.
        names = {each.id: each.username for each in year.world.store.identities(SCHOOL)}
        year.go_to(date(2027, 9, 6))
        year.school.turns_the_year(date(2027, 9, 6))
        night = year.night("September")
        assert not any(one.tally["renamed"] or one.tally["moved"] for one in night.targets.values())
        assert cohorts(year) == before
        assert {each.id: each.username for each in year.world.store.identities(SCHOOL)} == names
        year.nothing_to_do()


def test_a_group_name_that_is_somebody_elses_is_shown_before_anything_is_done(samba: Samba, tmp_path: Path) -> None:
    with school_year(tmp_path, 14, samba) as year:
        year.night("the first night")
        year.ad.group_by_hand("Milton Park School 7A", "7a")
        year.groups("registration")
        shown = year.json("plan", SCHOOL, "--target", "ad")["plans"][0]
        (why,) = [each["why"] for each in shown["conflicts"]]
        assert "Milton Park School 7A" in why
        assert "Milton Park School 7A" not in [each["username"] for each in shown["changes"]]
        year.night("the other groups are made")
        assert year.ad.value("Milton Park School 7A", "member") == []
        year.nothing_to_do()


def test_what_was_known_of_a_leaver_is_forgotten_and_the_account_stays(samba: Samba, tmp_path: Path) -> None:
    with school_year(tmp_path, 8, samba) as year:
        year.night("the first night")
        number = min(year.school.pupils)
        pupil = year.school.pupils[number]
        username = year.world.username(pupil.first, pupil.last)
        identity = year.person(pupil.first, pupil.last).id
        year.school.leaves(number, year.world.day)
        done(year.night("the day after"), disabled=1)
        year.nothing_to_do()

        # Somebody asks for it; otherwise it is done by itself after seven years.
        shown = year.onroll("users", "forget", username, code=3)
        assert "--confirm" in shown.out + shown.err
        year.onroll("users", "forget", username, "--confirm")
        assert f"{pupil.first} {pupil.last}" not in year.onroll("users", "show", username).out
        assert "forgotten" in year.onroll("explain", username).out
        assert set(year.enabled(username).values()) == {False}, "the accounts are still there, and still disabled"
        (kept,) = year.world.store.find(SCHOOL, username)
        assert kept.id == identity
        year.nothing_to_do()

        # The MIS, which has listed the leaver all the time, has them on roll again: the same account, with its name.
        year.school.returns(number)
        night = year.night("back after all")
        assert {one.tally["created"] for one in night.targets.values()} == {0}
        assert set(year.enabled(username).values()) == {True}
        assert year.person(pupil.first, pupil.last).id == identity
        year.nothing_to_do()
