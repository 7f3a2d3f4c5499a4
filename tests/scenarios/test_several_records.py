"""One person with several records at one school: staff who are parents, a pupil who becomes staff, main and subsidiary registration."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from samba import Samba
from trust_days import MILTON, TrustDays, trust_days


@pytest.fixture
def days(tmp_path: Path, samba: Samba) -> Iterator[TrustDays]:
    """Two schools after their first night, on a real domain controller and in both clouds."""
    with trust_days(tmp_path, samba) as world:
        people(world)
        yield world


def people(days: TrustDays) -> None:
    days.milton.admits("17", "H801200001001", "Harry", "Potter", "7", "7A")
    days.milton.admits("18", "H801200001002", "Ron", "Weasley", "13", "13A")
    days.milton.admits("19", "H801200001005", "Cho", "Chang", "13", "13A")
    days.milton.employs("MG", "Minerva", "McGonagall")
    days.lower.admits("17", "H801200001003", "Luna", "Lovegood", "6", "6B")
    days.lower.employs("PS", "Pomona", "Sprout")
    days.night()
    days.nothing_to_do()


def humans(days: TrustDays, last: str) -> list[tuple[str, str | None]]:
    return [(each.role.value, each.username) for each in days.store.identities(MILTON) if each.person.last == last]


def test_a_teacher_whose_child_is_at_the_school_has_one_account_and_the_child_another(days: TrustDays) -> None:
    """The MIS has the teacher a second time, as a contact of the child; parents never get an account."""
    days.settings.path.write_text(
        days.settings.path.read_text(encoding="utf-8").replace(
            'path = "milton-park", quiet_seconds', 'path = "milton-park", contacts = true, quiet_seconds'
        ),
        encoding="utf-8",
    )
    days.reload()
    days.milton.admits("20", "H801200001009", "Mina", "McGonagall", "7", "7A")
    (days.milton.folder / "contacts.csv").write_text(
        "Contact ID,Contact Forename,Contact Surname,Student ID\nC1,Minerva,McGonagall,20\n", encoding="utf-8"
    )
    for row in days.milton.pupils.values():
        row["Student ID"] = row["Adno"]
    nights = days.night()
    assert nights[MILTON].conflicts == []
    assert sorted(humans(days, "McGonagall")) == [("staff", "m.mcgonagall"), ("student", "20mmcgonagall")]
    days.nothing_to_do()


def test_a_pupil_who_becomes_staff_is_joined_by_a_person_and_keeps_the_account(tmp_path: Path, samba: Samba) -> None:
    with trust_days(tmp_path, samba, targets=("ad",)) as days:
        people(days)
        guid = days.ad.value("14rweasley", "objectGUID")
        days.milton.tells("18", Leaving=days.today, Classes="")
        days.night()
        assert not days.ad.enabled("14rweasley")
        days.milton.employs("RW", "Ron", "Weasley")
        days.milton.write()
        days.onroll("users", "link", "14rweasley", "staff:RW")
        days.night()
        assert humans(days, "Weasley") == [("staff", "14rweasley")]
        assert days.ad.value("14rweasley", "objectGUID") == guid
        assert days.ad.enabled("14rweasley")
        assert days.place("14rweasley") == "Milton Park/Staff"
        assert days.groups("14rweasley") == {"Milton Park Staff"}
        days.nothing_to_do()


def test_a_pupil_who_becomes_staff_without_a_word_gets_a_teachers_account_and_the_pupils_stays_disabled(
    days: TrustDays,
) -> None:
    days.milton.tells("18", Leaving=days.today)
    days.night()
    days.milton.employs("RW", "Ron", "Weasley")
    days.night()
    assert sorted(humans(days, "Weasley")) == [("staff", "r.weasley"), ("student", "14rweasley")]
    assert (days.ad.enabled("r.weasley"), days.ad.enabled("14rweasley")) == (True, False)
    days.nothing_to_do()


def test_main_and_subsidiary_registration_at_one_school_are_one_pupil(days: TrustDays) -> None:
    days.milton.tells("17", Enrolment="M")
    days.milton.admits("70", "H801200001001", "Harry", "Potter", "7", "7A", **{"Enrolment Status": "S"})
    nights = days.night()
    assert nights[MILTON].conflicts == []
    assert humans(days, "Potter") == [("student", "20hpotter")]
    (harry,) = (each for each in days.store.identities(MILTON) if each.username == "20hpotter")
    assert [key.record for key in harry.keys] == ["student:17", "student:70"]
    days.nothing_to_do()
    days.milton.tells("70", Leaving=days.today)
    days.night()
    assert days.ad.enabled("20hpotter")
    days.nothing_to_do()
