"""A trust's days in three directories: one human has one account wherever they are on roll, and it follows them from school to school."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from samba import Samba
from trust_days import EVERYWHERE, LOWER, MILTON, TrustDays, trust_days

HARRY = ("H801200001001", "Harry", "Potter")
MILTONS = {"Milton Park 7A", "Milton Park 7A-Ma", "Milton Park Year 2020", "Milton Park Students"}
LOWERS = {"Lower Park 7L", "Lower Park 7L-Ma", "Lower Park Year 2020", "Lower Park Students"}


def people(days: TrustDays) -> None:
    """A few people at each school, who have their accounts."""
    days.milton.admits("17", *HARRY, "7", "7A")
    days.milton.admits("18", "H801200001002", "Ron", "Weasley", "7", "7A")
    days.milton.employs("MG", "Minerva", "McGonagall")
    days.lower.employs("PS", "Pomona", "Sprout")
    days.lower.admits("17", "H801200001003", "Luna", "Lovegood", "6", "6B")
    days.lower.admits("19", "H801200001004", "Neville", "Longbottom", "7", "7L")
    days.night()
    days.nothing_to_do()


@pytest.fixture
def days(tmp_path: Path, samba: Samba) -> Iterator[TrustDays]:
    """Both schools after their first night, on a real domain controller and in both clouds."""
    with trust_days(tmp_path, samba) as world:
        people(world)
        yield world


def one_account(days: TrustDays, first: str, last: str) -> None:
    assert days.accounts(first, last) == dict.fromkeys(EVERYWHERE, 1)


def works(days: TrustDays, first: str, last: str) -> bool:
    (answer,) = set(days.enabled(days.person(first, last)).values())
    return answer


def test_a_pupil_changes_school_and_keeps_the_account_on_a_real_domain(tmp_path: Path, samba: Samba) -> None:
    with trust_days(tmp_path, samba) as days:
        people(days)
        before = days.person("Harry", "Potter")
        guid = days.ad.value("20hpotter", "objectGUID")
        assert (days.place("20hpotter"), days.groups("20hpotter")) == ("Milton Park/2020", MILTONS)

        days.milton.tells("17", Leaving=days.today)
        days.lower.admits("90", *HARRY, "7", "7L", DOA=days.today)
        days.night()
        days.night()
        after = days.person("Harry", "Potter")
        assert (after.id, after.username, after.email) == (before.id, "20hpotter", "20hpotter@miltonpark.test")
        assert after.school == LOWER
        assert days.ad.value("20hpotter", "objectGUID") == guid
        assert (days.place("20hpotter"), days.groups("20hpotter")) == ("Lower Park/2020", LOWERS)
        assert works(days, "Harry", "Potter")
        one_account(days, "Harry", "Potter")
        days.nothing_to_do()

        days.milton.pupils.pop("17")  # the old school's MIS forgets its leavers
        for _ in range(4):
            days.night()
        assert works(days, "Harry", "Potter")
        days.nothing_to_do()


def test_main_and_subsidiary_registration_the_groups_of_both_and_then_only_of_one(days: TrustDays) -> None:
    days.lower.admits("90", *HARRY, "7", "7L", **{"Enrolment Status": "S"})
    days.milton.tells("17", Enrolment="M")
    days.night()
    assert days.groups("20hpotter") == MILTONS | LOWERS
    one_account(days, "Harry", "Potter")
    assert days.place("20hpotter") == "Milton Park/2020"
    days.nothing_to_do()

    days.lower.tells("90", Leaving=days.today)
    days.night()
    assert days.groups("20hpotter") == MILTONS
    assert works(days, "Harry", "Potter")
    days.nothing_to_do()

    days.lower.tells("90", Leaving="")
    days.night()
    assert days.groups("20hpotter") == MILTONS | LOWERS
    days.milton.tells("17", Leaving=days.today)
    nights = days.night()
    assert not any(one.tally["disabled"] for night in nights.values() for one in night.targets.values())
    days.night()
    assert (days.person("Harry", "Potter").school, days.groups("20hpotter")) == (LOWER, LOWERS)
    assert works(days, "Harry", "Potter")
    days.nothing_to_do()


def test_limbo_a_leaver_is_disabled_and_has_the_same_account_again_when_a_sister_admits_them(days: TrustDays) -> None:
    days.milton.tells("17", Leaving=days.today)
    days.night()
    assert not works(days, "Harry", "Potter")
    days.nothing_to_do()
    for _ in range(3):
        days.night()
    days.lower.admits("90", *HARRY, "7", "7L", DOA=days.today)
    days.night()
    days.night()
    assert works(days, "Harry", "Potter")
    assert (days.place("20hpotter"), days.groups("20hpotter")) == ("Lower Park/2020", LOWERS)
    one_account(days, "Harry", "Potter")
    days.nothing_to_do()


def test_a_whole_year_group_goes_up_in_september_and_nothing_is_held(tmp_path: Path) -> None:
    """Forty pupils leave Lower Park in July and are Milton Park's from September: known there since May, never without an account."""
    with trust_days(tmp_path, targets=("ad",)) as days:
        for n in range(40):
            upn, last = f"H8012000020{n:02}", f"Pupil{chr(97 + n % 26)}{chr(97 + n // 26)}"
            days.lower.admits(f"{200 + n}", upn, "Jo", last, "6", "6B")
        people(days)
        for number, row in list(days.lower.pupils.items()):
            if row["Forename"] == "Jo":
                days.milton.admits(
                    f"3{number}", row["UPN"], "Jo", row["Surname"], "7", "", DOA="01/09/2027", Classes=""
                )
        days.day = days.day.replace(year=2027, month=5, day=10)
        days.night()
        days.nothing_to_do()
        for row in days.lower.pupils.values():
            if row["Forename"] == "Jo":
                row["Date of leaving"] = "21/07/2027"
        days.day = days.day.replace(month=7, day=21)
        nights = days.night()
        assert not any(one.tally["disabled"] for night in nights.values() for one in night.targets.values())
        days.night()
        assert {each.school for each in days.store.identities(MILTON) if each.person.first == "Jo"} == {MILTON}
        assert len([each for each in days.store.identities(MILTON) if each.person.first == "Jo"]) == 40
        days.nothing_to_do()


def test_a_teacher_of_two_schools_waits_for_a_person_and_then_has_one_account(days: TrustDays) -> None:
    days.lower.employs("MMG", "Minerva", "McGonagall")
    nights = days.night()
    (why,) = nights[LOWER].conflicts
    assert "onroll users link m.mcgonagall staff:MMG --school lower-park" in why
    one_account(days, "Minerva", "McGonagall")
    said = days.onroll("users", "link", "m.mcgonagall", "staff:MMG", "--school", "lower-park")
    assert "m.mcgonagall of Milton Park is Minerva McGonagall of the record staff:MMG at Lower Park too" in said
    days.night()
    assert {"Milton Park Staff", "Lower Park Staff"} <= days.groups("m.mcgonagall")
    one_account(days, "Minerva", "McGonagall")
    days.nothing_to_do()
    row = days.json("users", "show", "m.mcgonagall")
    assert row["records"] == ["staff:MG"]
    assert [(each["school"], each["record"], each["state"]) for each in row["other_schools"]] == [
        ("lower-park", "staff:MMG", "active")
    ]
    listed = days.json("users", "list", LOWER)["users"]
    (guest,) = (each for each in listed if each["username"] == "m.mcgonagall")
    assert (guest["school"], guest["guest_at"]) == (MILTON, [LOWER])
    told = days.onroll("explain", "m.mcgonagall")
    assert "Lower Park has them on roll too (staff:MMG: on roll" in told


def test_two_teachers_of_one_name_are_told_apart_once(days: TrustDays) -> None:
    days.lower.employs("MMG", "Minerva", "McGonagall")
    days.night()
    days.onroll("users", "apart", "m.mcgonagall", "staff:MMG", "--school", "lower-park")
    nights = days.night()
    assert nights[LOWER].conflicts == []
    assert days.accounts("Minerva", "McGonagall") == dict.fromkeys(EVERYWHERE, 2)
    days.nothing_to_do()


def test_a_pupil_taken_for_another_is_sent_back(days: TrustDays) -> None:
    """The new school typed in somebody else's number: the wrong pupil had been taken over."""
    days.milton.tells("17", Leaving=days.today)
    days.lower.admits("90", *HARRY, "7", "7L", DOA=days.today)
    days.night()
    assert days.person("Harry", "Potter").school == LOWER
    days.onroll("users", "apart", "20hpotter", "student:90", "--school", "lower-park")
    days.milton.tells("17", Leaving="")
    days.night()
    harrys = [each for name in (MILTON, LOWER) for each in days.store.identities(name) if each.person.last == "Potter"]
    assert [(each.school, each.username) for each in harrys] == [(MILTON, "20hpotter"), (LOWER, "20hpotter1")]
    assert days.groups("20hpotter") == MILTONS
    assert days.groups("20hpotter1") == LOWERS
    days.night()
    days.nothing_to_do()
