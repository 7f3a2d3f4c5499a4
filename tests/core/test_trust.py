"""Two schools of a trust: one human has one account, in the groups of every school that has them on roll, and it follows them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from builders import NOON, FakeTarget, pupil, teacher
from onroll_core import pipeline
from onroll_core.accounts import Observed
from onroll_core.changes import Enable, Who
from onroll_core.errors import Halt, Refused
from onroll_core.lifecycle import standing
from onroll_core.limits import objections
from onroll_core.people import Role, Status
from onroll_core.plan import Plan
from onroll_core.store import Store
from onroll_core.trust import Handover
from trusts import HARRY, LOWER, LUNA, MINERVA, NEVILLE, RON, UPPER, Mis, Trust, rules_of


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


def test_a_number_with_another_name_is_for_a_person_and_makes_no_account(trust: Trust) -> None:
    trust.lower.has(HARRY, "90", first="Barry", last="Trotter")
    night = trust.night()[1]
    (why,) = night.conflicts
    assert "student:90 (Barry Trotter) with the number of 20hpotter of Milton Park (Harry Potter)" in why
    assert "onroll users link 20hpotter student:90 --school lower-park" in why
    assert [each.person.last for each in trust.people() if each.person.last == "Trotter"] == []
    trust.nothing_to_do()


def test_two_records_of_one_number_are_one_guest_and_one_question(trust: Trust) -> None:
    trust.lower.has(HARRY, "90")
    trust.lower.has(HARRY, "91")
    night = trust.night()[1]
    assert [each.person.key.record for each in trust.store.guests.of_school(LOWER)] == ["student:90"]
    (why,) = night.conflicts
    assert "student:91" in why


def test_while_the_old_school_is_at_work_the_move_waits_and_the_account_works(trust: Trust) -> None:
    trust.lower.has(HARRY, "90", registration_group="7L")
    trust.school(LOWER)
    trust.upper.tells(HARRY, status=Status.LEFT, ends=trust.now.date())
    trust.store.remember(None, [replace(trust.who("Potter"), person=trust.upper.people["student:17"])], NOON)
    trust.now += timedelta(days=1)
    with trust.store.lease(UPPER, "a run of Milton Park", trust.now):
        night = trust.school(LOWER)
    assert (
        "20hpotter left Milton Park for Lower Park. Milton Park is being worked on at this moment" in night.notices[0]
    )
    pipeline.apply(trust.line(UPPER))
    assert (trust.who("Potter").school, trust.account("Potter").enabled) == (UPPER, True)
    night = trust.school(UPPER)
    assert night.notices == ["20hpotter went over from Milton Park to Lower Park, with the account."]
    assert (trust.who("Potter").school, trust.account("Potter").enabled) == (LOWER, True)
    trust.school(LOWER)
    trust.nothing_to_do()


def test_a_run_that_read_somebody_before_they_went_over_cannot_write_them_back(trust: Trust) -> None:
    stale = trust.who("Potter")
    trust.lower.has(HARRY, "90", registration_group="7L")
    trust.upper.tells(HARRY, status=Status.LEFT, ends=trust.now.date())
    trust.night()
    trust.night()
    after = trust.who("Potter")
    with pytest.raises(Halt, match="20hpotter has gone over from milton-park to lower-park meanwhile"):
        trust.store.remember(None, [replace(stale, suspended="by an old run")], NOON)
    assert trust.who("Potter") == after
    guests = trust.store.guests.of_school(LOWER)
    with pytest.raises(Refused, match="another run was faster"):
        trust.store.guests.hand_over(None, Handover(stale, replace(stale, school=LOWER), None, False, "A", "B"), NOON)
    assert (trust.who("Potter"), trust.store.guests.of_school(LOWER)) == (after, guests)


def test_the_old_schools_record_of_a_leaver_brings_nobody_back(trust: Trust) -> None:
    trust.upper.tells(HARRY, status=Status.LEFT, ends=trust.now.date())
    trust.lower.has(HARRY, "90", registration_group="7L")
    trust.night()
    trust.upper.tells(HARRY, status=Status.ON_ROLL, ends=trust.now.date())  # as some MISs tell a leaver
    for _ in range(4):
        trust.night()
    assert trust.who("Potter").school == LOWER
    assert trust.store.guests.of_school(UPPER) == []
    trust.nothing_to_do()


def test_the_old_schools_record_is_still_theirs_when_it_tells_no_number(trust: Trust) -> None:
    trust.upper.tells(HARRY, status=Status.LEFT, ends=trust.now.date())
    trust.lower.has(HARRY, "90", registration_group="7L")
    trust.night()
    trust.upper.tells(HARRY, status=Status.ON_ROLL, ends=None, upn="", enrolment="S")
    trust.night()
    trust.night()
    assert trust.who("Potter").school == LOWER
    assert {"Milton Park 7A", "Lower Park 7L"} <= trust.groups("Potter")
    trust.nothing_to_do()


def test_a_school_that_loses_the_record_of_a_guest_waits_as_for_anybody(trust: Trust) -> None:
    trust.lower.has(HARRY, "90", registration_group="7L")
    trust.night()
    trust.lower.loses(HARRY)
    for _ in range(2):
        trust.night()
        assert "Lower Park 7L" in trust.groups("Potter")
    trust.night()
    assert not any(name.startswith("Lower") for name in trust.groups("Potter"))
    trust.nothing_to_do()


def test_a_guest_who_only_visits_is_in_the_groups_and_gets_no_account_from_it(trust: Trust) -> None:
    """Enrolment status G: no registration. When their own school lets go, the account is disabled like any leaver's."""
    trust.lower.has(HARRY, "90", enrolment="G", registration_group="7L")
    trust.night()
    assert "Lower Park 7L" in trust.groups("Potter")
    trust.upper.tells(HARRY, status=Status.LEFT, ends=trust.now.date())
    trust.night()
    trust.night()
    assert (trust.who("Potter").school, trust.account("Potter").enabled, trust.groups("Potter")) == (
        UPPER,
        False,
        set(),
    )
    trust.nothing_to_do()


def test_teachers_of_one_name_wait_unless_their_schools_write_to_no_target_together(trust: Trust) -> None:
    trust.lower.has(MINERVA, "9")
    (why,) = trust.night()[1].conflicts
    assert "Milton Park has m.mcgonagall of the same name" in why
    assert "onroll users apart m.mcgonagall staff:9 --school lower-park" in why
    trust.who("McGonagall")
    trust.targets["other"] = FakeTarget(with_groups=True)
    trust.writes[LOWER] = ("other",)
    assert trust.conflicts(trust.night()) == []
    assert trust.account("McGonagall", "other").login == "m.mcgonagall1"


def test_the_teacher_of_a_link_mode_school_without_an_account_keeps_nobody_waiting(trust: Trust) -> None:
    trust.rules[UPPER] = replace(trust.rules[UPPER], mode="link", driver="ad")
    trust.upper.has(teacher("6", "Sybill", "Trelawney"))
    trust.lower.has(teacher("9", "Sybill", "Trelawney"))
    nights = trust.night()
    assert trust.conflicts(nights) == []
    assert trust.account("Trelawney").login == "s.trelawney"


def test_an_account_where_only_the_old_school_writes_is_disabled_and_one_where_only_the_new_one_writes_is_made(
    trust: Trust,
) -> None:
    trust.targets |= {"old": FakeTarget(), "new": FakeTarget()}
    trust.writes = {UPPER: ("ad", "old"), LOWER: ("ad", "new")}
    trust.night()
    trust.lower.has(HARRY, "90", registration_group="7L")
    trust.night()
    assert trust.account("Potter", "new").place == "Lower Park/2020"
    assert trust.account("Potter", "old").enabled
    trust.nothing_to_do()
    trust.upper.tells(HARRY, status=Status.LEFT, ends=trust.now.date())
    trust.night()
    trust.night()
    assert {name: trust.account("Potter", name).enabled for name in trust.targets} == {
        "ad": True, "old": False, "new": True,
    }  # fmt: skip
    trust.nothing_to_do()


def test_a_school_that_is_no_longer_in_the_configuration_has_let_its_people_go(trust: Trust) -> None:
    trust.lower.has(HARRY, "90", registration_group="7L")
    trust.night()
    del trust.rules[UPPER]
    trust.rules["third"] = replace(rules_of(UPPER), id="third")
    trust.mis["third"], trust.writes["third"] = Mis("third"), ("ad",)
    trust.now += timedelta(days=1)
    trust.school(LOWER)
    assert (trust.store.identities(LOWER)[-1].school, trust.account("Potter").place) == (LOWER, "Lower Park/2020")


def test_forty_pupils_who_come_back_from_limbo_in_their_first_weeks_are_not_held(trust: Trust) -> None:
    many = [pupil(f"4{n:02}", "Jo", f"Pupil{chr(97 + n % 26)}{chr(97 + n // 26)}", upn=f"U{n}") for n in range(40)]
    for each in many:
        trust.upper.has(each, registration_group="7A")
    trust.night()
    for each in many:
        trust.upper.people[each.key.record] = replace(
            trust.upper.people[each.key.record], status=Status.LEFT, ends=trust.now.date()
        )
    trust.night()
    trust.now += timedelta(days=40)
    for each in many:
        trust.lower.has(each, f"9{each.key.record[-3:]}", registration_group="7L", starts=trust.now.date())
    night = trust.night(LOWER)[0]
    assert (night.targets["ad"].tally["enabled"], night.targets["ad"].tally["created"]) == (40, 0)
    trust.night()
    trust.nothing_to_do()
    for each in many:
        trust.lower.tells(each, status=Status.LEFT)
    assert limits_say(trust, [Enable(Who(each.id, each.label, each.role, None), "on roll") for each in trust.people()])


def limits_say(trust: Trust, changes: list[Enable]) -> list[str]:
    """What the limits say of changes that nothing explains: the same number is too many."""
    return objections(
        Plan("ad", LOWER, tuple(changes), (), {}, {}, ()), {Role.STUDENT: 44}, trust.rules[LOWER].limits, Observed({})
    )


def test_namesakes_of_a_sister_do_not_hold_a_first_load(tmp_path: Path, migrated_file: Path) -> None:
    shutil.copy(migrated_file, tmp_path / "onroll.db")
    world = Trust(Store.open(f"sqlite:///{tmp_path / 'onroll.db'}", lambda: NOON))
    for n in range(20):
        name = f"Smith{chr(97 + n)}"
        world.upper.has(pupil(f"{n}", "Jo", name, upn=f"A{n}"))
        world.lower.has(pupil(f"{n}", "Jo", name, upn=f"B{n}"))
    nights = world.night()
    assert [night.targets["ad"].tally["created"] for night in nights] == [20, 20]
    world.nothing_to_do()
    world.store.close()


def test_guests_are_kept_the_same_in_both_databases(store: Store) -> None:
    world = Trust(store)
    world.upper.has(HARRY)
    world.lower.has(NEVILLE)
    world.lower.has(HARRY, "90", registration_group="7L", enrolment="S", house="Curie")
    world.night()
    (guest,) = store.guests.of_school(LOWER)
    assert (guest.school, guest.host, guest.elsewhere) == (LOWER, UPPER, {LOWER: "Lower Park"})
    assert guest.person == world.lower.people["student:90"]
    assert [each.id for each in store.guests.former(LOWER)] == [guest.id]
    assert [each.id for each in store.find(None, "student:90")] == [guest.id]
    assert "Lower Park has them too, in the record student:90: a guest there." in [
        row["what"] for row in store.history(guest.id)
    ]
    world.nothing_to_do()
    store.guests.forget(LOWER, guest.id)
    assert store.guests.of_school(LOWER) == []
