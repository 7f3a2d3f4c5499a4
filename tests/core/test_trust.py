"""Two schools of a trust: one human has one account, in the groups of every school that has them on roll, and it follows them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from builders import NOON
from onroll_core.lifecycle import standing
from onroll_core.people import Status
from onroll_core.store import Store
from trusts import HARRY, LOWER, LUNA, MINERVA, NEVILLE, RON, UPPER, Trust


@pytest.fixture
def trust(tmp_path: Path, migrated_file: Path) -> Iterator[Trust]:
    """Harry and Ron at Milton Park, Luna and Neville at Lower Park; everybody has an account."""
    shutil.copy(migrated_file, tmp_path / "onroll.db")
    world = Trust(Store.open(f"sqlite:///{tmp_path / 'onroll.db'}", lambda: NOON))
    for each in (HARRY, RON, MINERVA):
        world.upper.has(each)
    for each in (LUNA, NEVILLE):
        world.lower.has(each)
    world.night()
    world.nothing_to_do()
    yield world
    world.store.close()


@pytest.mark.parametrize("order", [(UPPER, LOWER), (LOWER, UPPER)])
def test_a_pupil_who_moves_to_a_sister_keeps_the_account_and_changes_place_and_groups(
    trust: Trust, order: tuple[str, str]
) -> None:
    before = trust.who("Potter")
    assert trust.groups("Potter") == {
        "Milton Park 7A", "Milton Park 7A/Ma", "Milton Park Year 2020", "Milton Park Students",
    }  # fmt: skip
    trust.upper.tells(HARRY, status=Status.LEFT, ends=trust.now.date())
    trust.lower.has(HARRY, "90", registration_group="7L", starts=trust.now.date() + timedelta(days=1))
    for _ in range(3):
        trust.night(*order)
        assert trust.account("Potter").enabled
    after = trust.who("Potter")
    assert (after.id, after.school, after.username, after.email) == (before.id, LOWER, "20hpotter", before.email)
    assert [tuple(each) for each in after.keys] == [(LOWER, "student:90"), (UPPER, "student:17")]
    account = trust.account("Potter")
    assert (account.enabled, account.place, account.login) == (True, "Lower Park/2020", "20hpotter")
    assert trust.groups("Potter") == {
        "Lower Park 7L", "Lower Park 7L/Ma", "Lower Park Year 2020", "Lower Park Students",
    }  # fmt: skip
    trust.nothing_to_do()


def test_a_place_at_the_next_school_that_is_told_before_the_last_day_keeps_the_account_working_all_along(
    trust: Trust,
) -> None:
    first_day = trust.now.date() + timedelta(days=30)
    trust.lower.has(HARRY, "90", status=Status.FUTURE, starts=first_day, registration_group=None)
    trust.night()
    assert (trust.who("Potter").school, trust.account("Potter").place) == (UPPER, "Milton Park/2020")
    trust.nothing_to_do()
    trust.upper.tells(HARRY, status=Status.LEFT, ends=trust.now.date())
    writes = len(trust.ad.writes)
    nights = trust.night()
    assert trust.who("Potter").school == LOWER
    assert trust.account("Potter").enabled
    assert not any(one.tally["disabled"] for night in nights for one in night.targets.values()), trust.ad.writes[
        writes:
    ]
    trust.night()
    assert trust.account("Potter").place == "Lower Park/2020"
    trust.nothing_to_do()
    trust.lower.tells(HARRY, status=Status.ON_ROLL, registration_group="7L")
    trust.night(days=30)
    assert "Lower Park 7L" in trust.groups("Potter")
    trust.nothing_to_do()


def test_whoever_is_on_roll_at_both_is_in_the_groups_of_both_and_leaves_only_those_of_the_school_they_leave(
    trust: Trust,
) -> None:
    trust.lower.has(HARRY, "90", enrolment="S", registration_group="7L")
    trust.night()
    both = {"Milton Park 7A", "Milton Park 7A/Ma", "Milton Park Year 2020", "Milton Park Students"}
    here = {"Lower Park 7L", "Lower Park 7L/Ma", "Lower Park Year 2020", "Lower Park Students"}
    assert trust.groups("Potter") == both | here
    assert trust.account("Potter").place == "Milton Park/2020"
    trust.nothing_to_do()
    trust.lower.tells(HARRY, status=Status.LEFT, ends=trust.now.date())
    trust.night()
    assert trust.groups("Potter") == both
    assert trust.who("Potter").school == UPPER
    assert trust.account("Potter").enabled
    trust.nothing_to_do()


@pytest.mark.parametrize("order", [(UPPER, LOWER), (LOWER, UPPER)])
def test_whoever_leaves_the_main_school_goes_over_to_the_other_and_is_never_disabled(
    trust: Trust, order: tuple[str, str]
) -> None:
    trust.lower.has(HARRY, "90", enrolment="S", registration_group="7L")
    trust.night(*order)
    trust.upper.tells(HARRY, status=Status.LEFT, ends=trust.now.date())
    for _ in range(2):
        nights = trust.night(*order)
        assert trust.account("Potter").enabled
        assert not any(one.tally["disabled"] for night in nights for one in night.targets.values())
    assert (trust.who("Potter").school, trust.account("Potter").place) == (LOWER, "Lower Park/2020")
    assert not any(name.startswith("Milton") for name in trust.groups("Potter"))
    trust.nothing_to_do()


def test_while_the_other_school_is_at_work_the_old_one_says_why_the_account_still_works(trust: Trust) -> None:
    trust.lower.has(HARRY, "90", registration_group="7L")
    trust.night()
    trust.upper.tells(HARRY, status=Status.LEFT, ends=trust.now.date())
    trust.now += timedelta(days=1)
    standing_there = trust.store.identity(trust.who("Potter").id)
    assert standing_there is not None and standing_there.elsewhere == {LOWER: "Lower Park"}
    gone = replace(standing_there, person=trust.upper.people["student:17"])
    assert (
        standing(gone, trust.now.date(), trust.rules[UPPER]).because == "left Milton Park, and is on roll at Lower Park"
    )


def test_limbo_is_over_when_a_sister_has_them_months_later(trust: Trust) -> None:
    trust.upper.tells(HARRY, status=Status.LEFT, ends=trust.now.date())
    trust.night()
    assert not trust.account("Potter").enabled
    trust.nothing_to_do()
    trust.now += timedelta(days=90)
    trust.lower.has(HARRY, "90", registration_group="7L", starts=trust.now.date())
    trust.night()
    assert (trust.account("Potter").enabled, trust.account("Potter").place) == (True, "Lower Park/2020")
    assert trust.who("Potter").school == LOWER
    trust.night()
    trust.nothing_to_do()


def test_a_pupil_who_comes_back_to_the_first_school_comes_back_with_the_account(trust: Trust) -> None:
    trust.lower.has(HARRY, "90", registration_group="7L")
    trust.upper.tells(HARRY, status=Status.LEFT, ends=trust.now.date())
    trust.night()
    trust.lower.tells(HARRY, status=Status.LEFT, ends=trust.now.date())
    trust.upper.tells(HARRY, status=Status.ON_ROLL, ends=None)
    for _ in range(3):
        trust.night()
    assert trust.who("Potter").school == UPPER
    assert trust.groups("Potter") == {
        "Milton Park 7A", "Milton Park 7A/Ma", "Milton Park Year 2020", "Milton Park Students",
    }  # fmt: skip
    assert trust.account("Potter").enabled
    trust.nothing_to_do()


def test_when_the_main_registration_moves_the_account_does_and_the_first_school_keeps_a_guest(trust: Trust) -> None:
    trust.lower.has(HARRY, "90", enrolment="S", registration_group="7L")
    trust.night()
    trust.upper.tells(HARRY, enrolment="S")
    trust.lower.tells(HARRY, enrolment="M")
    both = trust.groups("Potter")
    trust.night()
    assert trust.who("Potter").school == LOWER
    trust.night()
    assert trust.account("Potter").enabled
    assert trust.groups("Potter") == both
    trust.nothing_to_do()


def test_a_leaver_of_both_is_disabled_once(trust: Trust) -> None:
    trust.lower.has(HARRY, "90", enrolment="S", registration_group="7L")
    trust.night()
    trust.upper.tells(HARRY, status=Status.LEFT, ends=trust.now.date())
    trust.lower.tells(HARRY, status=Status.LEFT, ends=trust.now.date())
    nights = [*trust.night(), *trust.night(), *trust.night()]
    assert sum(one.tally["disabled"] for night in nights for one in night.targets.values()) == 1
    assert not trust.account("Potter").enabled
    assert trust.groups("Potter") == set()
    trust.nothing_to_do()


def test_somebody_disabled_by_hand_stays_so_wherever_they_go(trust: Trust) -> None:
    trust.store.remember(None, [replace(trust.who("Potter"), suspended="by the office")], NOON)
    trust.lower.has(HARRY, "90", registration_group="7L")
    trust.night()
    trust.upper.tells(HARRY, status=Status.LEFT, ends=trust.now.date())
    trust.night()
    trust.night()
    assert (trust.who("Potter").school, trust.account("Potter").enabled) == (LOWER, False)
    assert trust.groups("Potter") == set()
    trust.nothing_to_do()
