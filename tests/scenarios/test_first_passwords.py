"""First passwords, on a real domain controller and on both clouds: nobody knows one until it is handed out, and a slip is never wrong."""

from __future__ import annotations

import csv
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from onroll_core.handout import WORDS
from samba import Samba
from school_year import EVERYWHERE, SCHOOL, SchoolYear, school_year


def slips(path: Path) -> dict[str, dict[str, str]]:
    """The hand-out as somebody reads it, by username."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return {row["username"]: row for row in csv.DictReader(file)}


def lets_in(year: SchoolYear, username: str, password: str) -> dict[str, bool]:
    """Whether a password is somebody's, asked of each target's own data."""
    address = year.address(username)
    return {
        "ad": year.ad.fits(username, password),
        "m365": year.world.graph.user(address).password == password,
        "google": year.world.google.user(address).password == password,
    }


@contextmanager
def policy(samba: Samba, longest: int) -> Iterator[None]:
    """A domain that wants so many characters, for the length of the block."""
    _wants(samba, longest)
    try:
        yield
    finally:
        _wants(samba, 7)


def _wants(samba: Samba, characters: int) -> None:
    change = f"dn: {samba.root}\nchangetype: modify\nreplace: minPwdLength\nminPwdLength: {characters}\n"
    samba.ldap("ldapmodify", stdin=change)


def test_new_people_are_handed_one_and_nobody_knows_it_before_or_after(samba: Samba, tmp_path: Path) -> None:
    with school_year(tmp_path, 14, samba) as year:
        year.night("the first night")
        year.school.joins("@Sum", "Formula", 7)
        zoe = year.school.joins("Zoë", "Wiśniewska", 7)
        year.night("two joiners")

        # Until then a username can be changed, and nobody would notice.
        name = year.world.username("Zoë", "Wiśniewska")
        year.onroll("users", "rename", name, "zoe.w")
        year.night("a rename")
        year.nothing_to_do()

        path, page = tmp_path / "year 7.csv", tmp_path / "year 7.html"
        told = year.json(
            "passwords", "issue", SCHOOL, "--csv", str(path), "--slips", str(page), "--year", "Year 7", "--role", "student"
        )  # fmt: skip
        handed = slips(path)
        assert set(told["issued"]) == set(handed) >= {"zoe.w"}
        assert told["left_out"] == []
        assert not any(row["name"].startswith("@") for row in handed.values())
        for username, row in handed.items():
            one, two, digits = row["password"].split("-")
            assert {one.lower(), two.lower()} < {*WORDS}
            assert digits.isdigit()
            assert lets_in(year, username, row["password"]) == dict.fromkeys(EVERYWHERE, True)
            assert year.ad.sign_in(username, row["password"]) == "must change"
        assert not any(handed["zoe.w"]["password"] in text for text in (str(told), year.onroll("runs").out))
        printed = page.read_text(encoding="utf-8")
        assert re.findall("<h2>(.*?)</h2>", printed) == sorted({row["group"] for row in handed.values()})
        assert zoe.form in printed
        assert all(row["password"] in printed for row in handed.values())
        year.nothing_to_do()

        # Who issued it and when is kept, the password nowhere.
        history = year.json("users", "show", "zoe.w")["history"]
        assert any("A first password was handed out by " in each["what"] for each in history)
        with sqlite3.connect(year.world.settings.path.parent / "onroll.db") as store:
            everything = "\n".join(store.iterdump())
        assert not any(row["password"] in everything for row in handed.values())

        # Staff get stronger ones, which here need not be changed.
        year.set("school.staff", "must_change = false")
        year.onroll("passwords", "issue", SCHOOL, "--csv", str(tmp_path / "staff.csv"), "--role", "staff")
        for username, row in slips(tmp_path / "staff.csv").items():
            assert len(row["password"]) == 14
            assert year.ad.sign_in(username, row["password"]) == "ok"
        year.nothing_to_do()


def test_a_password_that_one_target_refuses_is_on_no_slip(samba: Samba, tmp_path: Path) -> None:
    with school_year(tmp_path, 8, samba) as year:
        year.configure(lambda text: text.replace('["ad", "m365", "google"]', '["m365", "google", "ad"]'))
        year.set("school.students", 'password = "strong"')
        year.night("the first night")
        path = tmp_path / "hand-out.csv"
        with policy(samba, 16):
            told = year.json("passwords", "issue", SCHOOL, "--csv", str(path), "--role", "student", code=1)
        assert told["issued"] == []
        assert not path.exists()
        assert {tuple(each["set_in"]) for each in told["left_out"]} == {("m365", "google")}
        for each in told["left_out"]:
            assert each["why"].startswith("ad: ")
            assert "In m365 and google it is set already, and nobody knows it: give another" in each["why"]
        year.nothing_to_do()
        # The cause is gone: the same command, and everybody has one that works everywhere.
        assert set(year.json("passwords", "issue", SCHOOL, "--csv", str(path), "--role", "student")["issued"]) == {
            each["username"] for each in told["left_out"]
        }
        for username, row in slips(path).items():
            assert lets_in(year, username, row["password"]) == dict.fromkeys(EVERYWHERE, True)
        year.nothing_to_do()


def test_whoever_could_not_sign_in_with_a_slip_gets_none(samba: Samba, tmp_path: Path) -> None:
    with school_year(tmp_path, 21, samba) as year:
        year.night("the first night")
        students = [each for each in year.json("users", "list")["users"] if each["role"] == "student"]
        waits, gone, off, fine, one_name = (each["username"] for each in students[:5])
        del one_name
        # A rename that is held, an account that somebody deleted, one that somebody disabled, one that Google cannot make.
        year.set("school.limits", "rename = { count = 0, percent = 0 }")
        year.onroll("users", "rename", waits, "waits.here")
        year.night("a rename", code=3)
        year.world.google.writes.delete(year.world.google.user(year.address(gone)).id)
        year.ad.change(off, {"userAccountControl": ["514"]})
        number = year.school.joins("Mononym", "", 7).number
        year.school.pupils[number] = replace(year.school.pupils[number], last="", legal_last="")
        year.night("somebody with one name", code=3)
        (alone,) = (each.username for each in year.world.store.identities(SCHOOL) if each.person.first == "Mononym")
        assert alone is not None
        path = tmp_path / "hand-out.csv"
        names = ("waits.here", gone, off, fine, alone)
        told = year.json(
            "passwords", "issue", SCHOOL, "--csv", str(path), *(f"--user={each}" for each in names), code=1
        )
        assert told["issued"] == [fine]
        why = {each["username"]: each["why"] for each in told["left_out"]}
        assert "is still called" in why["waits.here"]
        assert f"onroll apply {SCHOOL} does it, or says why it is held" in why["waits.here"]
        assert f"The account of {gone} is no longer in google" in why[gone]
        assert f"{off} is disabled in ad" in why[off]
        assert "has no account in ad and m365 and google yet" in why[alone]
        assert not any(each["set_in"] for each in told["left_out"])
        assert set(slips(path)) == {fine}

        # Everything is settled, and the rest have theirs.
        year.school.pupils[number] = replace(year.school.pupils[number], last="Name", legal_last="Name")
        year.ad.change(off, {"userAccountControl": ["512"]})
        year.approved(year.night("settled", code=3))
        assert dict(year.night("the restored one goes back to its place").targets["google"].tally) == {"moved": 1}
        year.nothing_to_do()
        rest = year.json("passwords", "issue", SCHOOL, "--csv", str(tmp_path / "rest.csv"), "--role", "student")
        assert {"waits.here", gone, off, year.world.username("Mononym", "Name")} <= {*rest["issued"]}
        assert fine not in rest["issued"]
        for username, row in slips(tmp_path / "rest.csv").items():
            assert lets_in(year, username, row["password"]) == dict.fromkeys(EVERYWHERE, True)
        year.nothing_to_do()


def test_a_target_that_is_away_means_that_nobody_gets_one(samba: Samba, tmp_path: Path) -> None:
    with school_year(tmp_path, 8, samba) as year:
        year.configure(lambda text: text.replace('["ad", "m365", "google"]', '["m365", "google", "ad"]'))
        year.night("the first night")
        username = year.json("users", "list")["users"][0]["username"]
        before = year.world.graph.user(year.address(username)).password
        there = year.world.settings.path.read_text(encoding="utf-8")
        host = samba.env["AD_HOST"]
        year.configure(lambda text: text.replace(f"ldaps://{host}", f"ldaps://{host}:9"))
        path = tmp_path / "hand-out.csv"
        told = year.json("passwords", "issue", SCHOOL, "--csv", str(path), f"--user={username}", code=1)
        assert told["issued"] == []
        assert told["left_out"][0]["why"].startswith("ad: Active Directory does not answer")
        assert year.world.graph.user(year.address(username)).password == before
        assert not path.exists()
        year.configure(lambda _: there)
        year.nothing_to_do()
