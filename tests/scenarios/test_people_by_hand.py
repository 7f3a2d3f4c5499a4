"""People whom the MIS does not know, names that staff choose, and records that are one person, on a real domain controller and on both clouds."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from onroll_connectors.sandbox.school import Contact
from onroll_core.night import Night
from samba import Samba
from school_year import EVERYWHERE, SCHOOL, SchoolYear, school_year


def done(night: Night, **counts: int) -> None:
    """Every target did exactly this."""
    assert {name: dict(one.tally) for name, one in night.targets.items()} == dict.fromkeys(EVERYWHERE, counts)


def shown(year: SchoolYear, username: str) -> dict[str, str]:
    """The display name, asked of each target's own data."""
    address = year.address(username)
    name = year.world.google.user(address).name
    return {
        "ad": year.ad.value(username, "displayName")[0],
        "m365": str(year.entra(address)["displayName"]),
        "google": name.get("displayName") or f"{name['givenName']} {name['familyName']}",
    }


def record_of(year: SchoolYear, first: str, last: str, role: str) -> str:
    """A record of the MIS, as its own conflicts write it."""
    source = year._line().source()
    try:
        found = [each for each in source.read().people if (each.first, each.last, each.role) == (first, last, role)]
    finally:
        source.close()
    assert len(found) == 1, found
    return found[0].key.record


def test_governors_visitors_and_supply_come_and_go_and_no_feed_touches_them(samba: Samba, tmp_path: Path) -> None:
    with school_year(tmp_path, 8, samba) as year:
        year.night("the first night")
        (gwen,) = year.json("users", "add", "--first", "Gwen", "--last", "Vernor")["users"]
        assert (gwen["username"], gwen["role"], gwen["source"]) == ("g.vernor", "other", "manual")
        file = tmp_path / "visitors.csv"
        file.write_bytes(
            "Role;Last;First;End;Year\nother;Sitor;Vi;31/12/2026;\nstaff;Müller;Sam;;\nstudent;01;Exam;;Year 11\n".encode("cp1252")
        )  # fmt: skip
        told = year.json("users", "add", "--csv", str(file))["users"]
        assert [each["username"] for each in told] == ["v.sitor", "s.muller", "16e"]
        done(year.night("four by hand"), created=4)
        assert set(year.enabled("g.vernor").values()) == {True}
        year.nothing_to_do()
        for n in range(4):
            done(year.night(f"a feed without them, {n}"))

        # Their names come from the same ledger: a teacher of the same initial and name gets the next one.
        year.school.is_employed("Gareth", "Vernor")
        done(year.night("a namesake"), created=1)
        assert year.world.username("Gareth", "Vernor") == "g.vernor1"
        year.nothing_to_do()

        # The end has come; then it is put off.
        year.go_to(date(2027, 1, 1))
        done(year.night("the end has come"), disabled=1)
        assert set(year.enabled("v.sitor").values()) == {False}
        year.nothing_to_do()
        file.write_text("username,end\nv.sitor,2027-03-31\ns.muller,2027-02-12\n", encoding="utf-8")
        year.json("users", "edit", "--csv", str(file))
        done(year.night("put off"), enabled=1)
        year.nothing_to_do()
        year.go_to(date(2027, 4, 1))
        done(year.night("and over"), disabled=2)
        year.nothing_to_do()

        # Another name is shown, and the username stays.
        year.onroll("users", "edit", "g.vernor", "--last", "Vernor-Smythe")
        done(year.night("another name"), updated=1)
        assert set(shown(year, "g.vernor").values()) == {"Gwen Vernor-Smythe"}
        year.nothing_to_do()
        told_no = year.onroll("users", "edit", year.world.username("Gareth", "Vernor"), "--last", "X", code=1).err
        assert "is in the MIS, which has the say" in told_no


@pytest.mark.parametrize("same", [True, False])
def test_somebody_by_hand_who_turns_up_in_the_mis(samba: Samba, tmp_path: Path, same: bool) -> None:
    with school_year(tmp_path, 8, samba) as year:
        year.night("the first night")
        year.onroll("users", "add", "--first", "Sam", "--last", "Supply", "--role", "staff")
        done(year.night("a supply teacher"), created=1)
        year.school.is_employed("Sam", "Supply")
        night = year.night("employed")
        done(night)
        (offer,) = night.conflicts
        record = record_of(year, "Sam", "Supply", "staff")
        assert f"onroll users link s.supply {record}" in offer
        assert f"onroll users apart s.supply {record}" in offer
        year.onroll("users", "link" if same else "apart", "s.supply", record)
        night = year.night("settled")
        assert night.conflicts == []
        assert {one.tally["created"] for one in night.targets.values()} == {0 if same else 1}
        names = {each.username: each.source for each in year.world.store.find(SCHOOL, "Supply")}
        assert names == ({"s.supply": "mis"} if same else {"s.supply": "manual", "s.supply1": "mis"})
        year.nothing_to_do()


def test_staff_are_called_what_they_choose_and_pupils_what_the_mis_says(samba: Samba, tmp_path: Path) -> None:
    with school_year(tmp_path, 8, samba) as year:
        year.night("the first night")
        number = min(year.school.staff)
        person = year.school.staff[number]
        username = year.world.username(person.first, person.last)
        year.onroll("users", "display-name", username, "  Dr\tKit   Smith ")
        done(year.night("a name of her own"), updated=1)
        assert set(shown(year, username).values()) == {"Dr Kit Smith"}
        year.nothing_to_do()
        year.school.marries(number, "Featherstone")
        year.night("a marriage")
        assert set(shown(year, username).values()) == {"Dr Kit Smith"}
        year.nothing_to_do()
        pupil = next(each["username"] for each in year.json("users", "list")["users"] if each["role"] == "student")
        assert "pupils' display names follow the MIS" in year.onroll("users", "display-name", pupil, "Boss", code=1).err
        year.onroll("users", "display-name", username, "")
        year.night("back to the school's form")
        assert set(shown(year, username).values()) == {f"{person.first} Featherstone"}
        year.nothing_to_do()


def test_staff_who_are_parents_and_a_pupil_who_becomes_staff(samba: Samba, tmp_path: Path) -> None:
    with school_year(tmp_path, 14, samba) as year:
        year.night("the first night")
        count = year.ad.count()

        # A teacher has a child at the school: the record of a parent is no account, and no doubt.
        teacher, child = year.school.staff[min(year.school.staff)], max(year.school.pupils)
        parent = Contact(99_001, teacher.first, teacher.last, teacher.title, (child,))
        year.school.contacts[parent.number] = parent
        night = year.night("a parent")
        done(night)
        assert night.conflicts == []
        year.nothing_to_do()

        # A pupil of Year 13 stays as a teaching assistant: one person, one account, from one role to the other.
        number = next(n for n, each in year.school.pupils.items() if each.year == 13)
        pupil = year.school.pupils[number]
        username = year.world.username(pupil.first, pupil.last)
        year.school.is_employed(pupil.first, pupil.last, starts=year.school.today)
        record = record_of(year, pupil.first, pupil.last, "staff")
        year.onroll("users", "link", username, record)
        year.school.leaves(number, year.school.today - timedelta(days=2))
        night = year.night("a pupil becomes staff")
        assert {(one.tally["created"], one.tally["disabled"]) for one in night.targets.values()} == {(0, 0)}
        assert year.json("users", "show", username)["role"] == "staff"
        assert "OU=Staff" in year.ad.value(username, "dn")[0]
        assert set(year.enabled(username).values()) == {True}
        assert year.ad.count() == count
        year.nothing_to_do()
