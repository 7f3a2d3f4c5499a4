"""A school whose directory was there long before onroll: linked list by list, enriched by the MIS, and its life cycle left where it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from onroll_core.usernames import letters
from samba import Samba
from school_year import EVERYWHERE, SCHOOL, SchoolYear, school_year

DOMAIN = "miltonpark.test"
SEVEN = (
    "linked",
    "likely",
    "possible",
    "ambiguous",
    "account without MIS record",
    "MIS record without account",
    "not in the MIS",
)


@pytest.fixture
def year(tmp_path: Path, samba: Samba) -> Iterator[SchoolYear]:
    """An old school in Link Mode, with a real domain controller."""
    with school_year(tmp_path, 14, samba) as it:
        old_school(it)
        yield it


def old_school(year: SchoolYear) -> None:
    """Everybody has an account that a technician made: OUs for pupils and staff, usernames after a scheme of their own."""
    year.configure(lambda text: text.replace("[[school]]\n", '[[school]]\nmode = "link"\n'))
    year.set("school.source", "dates_of_birth = true")
    year.set(
        "targets.ad",
        'write = ["employeeNumber"]',
        'link_by = { employeeNumber = "admission number" }',
        'groups = ["registration"]',
    )
    year.set("targets.ad.attributes.students", 'employeeNumber = "{admission_number}"')
    year.ad.settings(write=["employeeNumber"])  # where it is delegated to onroll's account
    for name in ("Kids", "Grown-ups"):
        year.ad.raw(f"OU={name}", {"objectClass": ["top", "organizationalUnit"], "ou": [name]})
    for pupil in year.school.pupils.values():
        by_hand(year, f"k{letters(pupil.first)[:4]}{letters(pupil.last)[:12]}", pupil.first, pupil.last, "Kids")
    for one in year.school.staff.values():
        by_hand(year, f"g{letters(one.first)[:4]}{letters(one.last)[:12]}", one.first, one.last, "Grown-ups")


def by_hand(year: SchoolYear, login: str, first: str, last: str, unit: str = "Kids", **more: str) -> str:
    """An account as another administrator makes one; gives its username."""
    values = {
        "objectClass": ["top", "person", "organizationalPerson", "user"], "sAMAccountName": [login], "userPrincipalName": [f"{login}@{DOMAIN}"],
        "mail": [f"{login}@{DOMAIN}"], "userAccountControl": ["544"],
    } | ({"givenName": [first]} if first else {}) | ({"sn": [last], "displayName": [f"{first} {last}".strip()]} if last else {}) | {name: [value] for name, value in more.items()}  # fmt: skip
    year.ad.raw(f"CN={login},OU={unit}", values)
    return login


def rows(year: SchoolYear, *arguments: str) -> dict[str, list[dict[str, Any]]]:
    """The lists, by their names."""
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in SEVEN}
    for row in year.json("links", "list", *arguments)["people"]:
        found[row["list"]].append(row)
    return found


def accounts(rows: list[dict[str, Any]]) -> set[str]:
    return {row["account"] for row in rows}


def confirm(year: SchoolYear, *arguments: str) -> list[dict[str, Any]]:
    """Confirm a list by the digest that was shown; gives its links."""
    digest = year.json("links", "confirm", *arguments, code=3)["digest"]
    links: list[dict[str, Any]] = year.json("links", "confirm", *arguments, "--digest", digest)["links"]
    return links


def everybody_linked(year: SchoolYear) -> None:
    """Pull, and confirm whoever is likely or possible."""
    year.world.stage.refresh()
    year.onroll("pull", SCHOOL)
    confirm(year, "--list", "likely")
    if rows(year)["possible"]:
        confirm(year, "--list", "possible")
    year.night("the first night")


def twins(year: SchoolYear) -> None:
    """Ada and Ida were born on one day; each has an account."""
    for first in ("Ada", "Ida"):
        pupil = year.school.joins(first, "Lovelace", 9)
        year.school.pupils[pupil.number] = replace(pupil, born=date(2012, 12, 10))
        by_hand(year, f"k{first.lower()}lovelace", first, "Lovelace")


def test_an_old_school_is_linked_list_by_list_on_a_real_domain(samba: Samba, tmp_path: Path) -> None:
    with school_year(tmp_path, 14, samba) as year:
        old_school(year)
        twins(year)
        year.school.joins("Grace", "Hopper", 8)
        by_hand(year, "kgrahopper", "Grace", "Hopper", employeeNumber="999999")  # of another school, once
        edsger = year.school.joins("Edsger", "Dijkstra", 8)
        by_hand(year, "old17", "", "", description="no names")
        alan = year.school.joins("Alan", "Turing", 7)
        by_hand(year, "svc.scan", "", "Scanner", "Grown-ups")
        by_hand(year, "boss", "Ad", "Ministrator", "Grown-ups")
        year.world.stage.refresh()
        year.onroll("pull", SCHOOL)
        year.onroll(
            "users", "add", "--first", "Gwen", "--last", "Governor", "--role", "other", "--username", "gwen.governor"
        )

        told = year.onroll("links", "list").out
        assert all(f"\n{name} (" in told for name in SEVEN)
        found = rows(year)
        assert all(row["why"] for name in ("likely", "possible", "ambiguous") for row in found[name])
        assert {"kadalovelace", "kidalovelace"} <= accounts(found["possible"])  # always shown, never likely
        assert not {"kadalovelace", "kidalovelace", "kgrahopper"} & accounts(found["likely"])
        assert {"svc.scan", "boss", "old17"} <= accounts(found["account without MIS record"])
        assert {row["name"] for row in found["MIS record without account"]} == {"Edsger Dijkstra", "Alan Turing"}
        assert [row["name"] for row in found["not in the MIS"]] == ["Gwen Governor"]

        first = confirm(year, "--list", "likely", "--role", "staff")
        assert len(first) == len(year.school.staff)
        pupils = confirm(year, "--list", "likely")
        assert {each["account"] for each in pupils}.isdisjoint({each["account"] for each in first})
        year.onroll("links", "reject", "Grace", "kgrahopper", code=1)  # a person is a number, a record or a username
        grace = next(row for row in found["possible"] if row["account"] == "kgrahopper")
        year.onroll("links", "reject", grace["identity"], "kgrahopper")
        assert "kgrahopper" not in accounts(rows(year)["possible"])
        file = tmp_path / "links.csv"
        file.write_text(
            f"username,mis_id\nold17,{edsger.admission_number}\nboss,{alan.admission_number}\n", encoding="utf-8"
        )
        assert len(year.json("links", "import", str(file))["links"]) == 2
        year.onroll("links", "undo", "boss")
        found = rows(year)
        assert "old17" in accounts(found["linked"])
        assert "boss" in accounts(found["account without MIS record"])
        for row in [row for row in found["possible"] if row["name"].endswith("Lovelace")]:
            year.onroll("links", "confirm", row["identity"], row["account"])

        year.night("the first night")
        assert year.ad.value("old17", "givenName") == ["Edsger"]
        assert year.ad.value("old17", "sn") == ["Dijkstra"]
        assert year.ad.value("old17", "employeeNumber") == [edsger.admission_number]
        assert year.ad.value("old17", "employeeID")
        assert any("8" in each for each in year.ad.value("old17", "memberOf"))
        assert year.ad.value("old17", "userPrincipalName") == [f"old17@{DOMAIN}"]
        assert year.ad.value("boss", "employeeID") == []
        assert year.ad.value("kgrahopper", "employeeNumber") == ["999999"]
        assert set(year.enabled("old17").values()) == {True}
        year.nothing_to_do()


def test_active_directory_keeps_the_life_cycle_in_link_mode(samba: Samba, tmp_path: Path) -> None:
    with school_year(tmp_path, 14, samba) as year:
        old_school(year)
        zofia = year.school.joins("Zofia", "Wisniewska", 9)
        by_hand(year, "kzofi", "Zofia", "Wisniewska")
        year.school.joins("Harry", "Potter", 8)
        by_hand(year, "kharr", "Harry", "Potter")
        everybody_linked(year)
        year.nothing_to_do()
        assert set(year.enabled("kzofi").values()) == {True}

        year.school.leaves(zofia.number, year.world.day)
        night = year.night("a leaver")
        assert night.people.leavers == 1
        (told,) = [row for row in year.json("users", "list")["users"] if row["username"] == "kzofi"]
        assert told["state"] == "left"
        assert set(year.enabled("kzofi").values()) == {True}  # AD says who may sign in
        year.nothing_to_do()

        year.ad.change("kharr", {"userAccountControl": ["546"]})
        year.night("disabled in AD")
        assert year.enabled("kharr") == {"ad": False, "m365": False, "google": False}
        year.nothing_to_do()
        year.ad.change("kharr", {"userAccountControl": ["544"]})
        year.night("enabled in AD")
        assert set(year.enabled("kharr").values()) == {True}
        year.nothing_to_do()


def test_from_link_to_create_nobody_who_is_linked_is_created_and_back(year: SchoolYear) -> None:
    everybody_linked(year)
    year.nothing_to_do()
    year.configure(lambda text: text.replace('mode = "link"', 'mode = "create"'))
    plan = year.json("plan", SCHOOL)
    kinds = {change["kind"] for one in plan["plans"] for change in one["changes"]}
    assert kinds <= {"move", "update"}, plan
    assert [each for one in plan["plans"] for each in one["conflicts"]] == []
    night = year.night("the switch")
    assert night.targets["ad"].tally["moved"] == len(year.school.pupils) + len(year.school.staff)
    assert not any(one.tally["created"] for one in night.targets.values())
    year.nothing_to_do()
    year.school.joins("Zofia", "Wisniewska", 9)
    assert year.night("a joiner").targets["ad"].tally["created"] == 1
    year.nothing_to_do()
    year.configure(lambda text: text.replace('mode = "create"', 'mode = "link"'))
    year.nothing_to_do()


def test_accounts_are_found_in_a_cloud_and_by_a_list_of_names(year: SchoolYear, tmp_path: Path) -> None:
    pupil = year.school.joins("Zofia", "Wisniewska", 9)
    year.world.graph.directory.create(
        {"accountEnabled": True, "displayName": "Zofia Wisniewska", "givenName": "Zofia", "surname": "Wisniewska", "mailNickname": "zofia",
         "userPrincipalName": f"zofia@{DOMAIN}", "passwordProfile": {"password": "Known-4-A-Moment!"}}
    )  # fmt: skip
    year.world.google.add_user(f"zw1@{DOMAIN}", "Zofia", "Wisniewska")
    by_hand(year, "x9", "", "")
    year.world.stage.refresh()
    year.onroll("pull", SCHOOL)
    found = rows(year, "--target", "m365")
    assert [(row["account"], row["name"]) for row in found["likely"]] == [(f"zofia@{DOMAIN}", "Zofia Wisniewska")]
    assert [row["account"] for row in rows(year, "--target", "google")["likely"]] == [f"zw1@{DOMAIN}"]
    names = tmp_path / "names.csv"
    names.write_text(
        f"username,first,last,role,admission_number\nx9,Zofia,Wisniewska,pupil,{pupil.admission_number}\n",
        encoding="utf-8",
    )
    assert "x9" in accounts(rows(year)["account without MIS record"])
    (row,) = [row for row in rows(year, "--names", str(names))["likely"] if row["account"] == "x9"]
    assert row["why"].startswith("name and the school's number are the same")

    who = row["identity"]
    year.onroll("links", "confirm", who, "x9", "--names", str(names))
    year.onroll("links", "confirm", who, f"zofia@{DOMAIN}", "--target", "m365")
    year.onroll("links", "confirm", who, f"zw1@{DOMAIN}", "--target", "google")
    year.night("the first night")
    year.nothing_to_do()
    assert set(year.enabled("x9").values()) == {True}
    live = [
        each.props["userPrincipalName"] for each in year.world.graph.directory.users.values() if each.deleted is None
    ]
    assert [each for each in live if "zofia" in each or "x9" in each] == [
        f"x9@{DOMAIN}"
    ]  # one account, now called as in AD


@pytest.mark.parametrize("target", EVERYWHERE)
def test_a_target_that_the_school_has_shows_its_lists(year: SchoolYear, target: str) -> None:
    year.world.stage.refresh()
    year.onroll("pull", SCHOOL)
    people = len(year.school.pupils) + len(year.school.staff)
    found = rows(year, "--target", target)
    shown = {row["identity"] for name in SEVEN for row in found[name] if row["identity"]}
    assert len(shown) == people


def test_links_that_may_not_be_are_said_and_nothing_is_linked(year: SchoolYear, tmp_path: Path) -> None:
    year.school.joins("Zofia", "Wisniewska", 9)
    by_hand(year, "kzofi", "Zofia", "Wisniewska", userAccountControl="546")
    year.school.joins("Ad", "Ministrator", 9)
    by_hand(year, "admin.am", "Ad", "Ministrator", adminCount="1")
    harry = year.school.joins("Harry", "Potter", 8)
    by_hand(year, "kharr", "Harry", "Potter")
    year.world.stage.refresh()
    year.onroll("pull", SCHOOL)
    possible = {row["account"]: row for row in rows(year)["possible"]}
    assert possible["kzofi"]["why"] == "the names are the same, and the account is disabled"
    assert possible["admin.am"]["why"] == "the names are the same, and the account is an administrator's"
    refused = year.onroll("links", "confirm", possible["kzofi"]["identity"], "kzofi", code=1).err
    assert "kzofi is disabled in ad" in refused
    assert "so nothing was linked" in refused
    refused = year.onroll("links", "confirm", possible["admin.am"]["identity"], "admin.am", code=1).err
    assert "an administrator's account, which onroll never touches" in refused
    shown = year.onroll("links", "confirm", "--list", "possible", code=3 if len(possible) > 2 else 0)
    assert "Zofia Wisniewska is left out: kzofi is disabled in ad" in shown.err
    assert "Ad Ministrator is left out: admin.am is an administrator's account" in shown.err

    confirm(year, "--list", "likely")
    refused = year.onroll("links", "confirm", possible["kzofi"]["identity"], "kharr", code=1).err
    assert "kharr is already linked to kharr" in refused
    file = tmp_path / "links.csv"
    file.write_text(f"username,mis_id\nkharr,{harry.admission_number}\nkzofi,nobody\n", encoding="utf-8")
    assert "line 3: 'nobody' is nobody of milton-park" in year.onroll("links", "import", str(file), code=1).err
    assert (
        "is not that of this list" in year.onroll("links", "confirm", "--list", "likely", "--digest", "0", code=1).err
    )
    assert "has no target nowhere" in year.onroll("links", "list", "--target", "nowhere", code=2).err
    assert accounts(rows(year)["linked"]).isdisjoint({"kzofi", "admin.am"})
    year.night("the first night")
    year.nothing_to_do()
