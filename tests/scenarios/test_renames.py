"""Renames, one or many, on a real domain controller and on both clouds: shown first, followed everywhere, and taken back."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from onroll_core.accounts import IdentityId
from onroll_core.identities import Identity, State
from onroll_core.people import Person, Role, SourceKey, Status
from samba import Samba
from school_year import EVERYWHERE, SCHOOL, SchoolYear, school_year

HOME = r"\\files\staff$\home"


def employee(year: SchoolYear) -> tuple[int, str]:
    """A member of staff: the MIS's number, and the username."""
    number = min(year.school.staff)
    person = year.school.staff[number]
    return number, year.world.username(person.first, person.last)


def reach(year: SchoolYear, username: str) -> dict[str, set[str]]:
    """The addresses by which somebody is reached, asked of each target's own data."""
    address = year.address(username)
    google = year.world.google.user(address)
    return {
        "ad": {each.partition(":")[2] for each in year.ad.value(username, "proxyAddresses")},
        "m365": {each.partition(":")[2] for each in year.entra(address)["proxyAddresses"]},
        "google": {google.email, *google.aliases},
    }


def tally(year: SchoolYear, name: str, code: int = 0) -> dict[str, dict[str, int]]:
    """A night, and what each target did in it."""
    night = year.night(name, code)
    return {target: dict(one.tally) for target, one in night.targets.items()}


def notices(year: SchoolYear, target: str) -> list[str]:
    """What a plan has to say beside its changes."""
    plan = year.plan().targets[target].plan
    assert plan is not None
    return list(plan.notices)


def exchange_says(year: SchoolYear, username: str, *addresses: str) -> None:
    """What Exchange makes of somebody's addresses, whoever asked for others."""
    tenant = year.world.graph.directory
    user = year.world.graph.user(year.address(username))
    user.addresses = [f"SMTP:{addresses[0]}", *(f"smtp:{each}" for each in addresses[1:])]
    tenant._write(user, {"proxyAddresses": list(user.addresses)}, tenant.seconds())


def downloaded(year: SchoolYear, path: Path) -> list[dict[str, str]]:
    """The list of users, as the office gets it."""
    year.onroll("users", "list", "--csv", str(path))
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def given_back(rows: list[dict[str, str]], path: Path, columns: tuple[str, ...], encoding: str = "utf-8-sig") -> Path:
    """The list as the office gives it back: columns moved, left out and added, in whatever encoding their spreadsheet writes."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, extrasaction="ignore", delimiter=";")
    writer.writeheader()
    writer.writerows(rows)
    path.write_bytes(text.getvalue().encode(encoding))
    return path


def test_a_rename_is_shown_followed_everywhere_and_taken_back(samba: Samba, tmp_path: Path) -> None:
    with school_year(tmp_path, 8, samba) as year:
        year.set("school.staff", "must_change = false")
        year.night("the first night")
        number, old = employee(year)
        before, first = year.address(old), year.school.staff[number].first

        # She marries: her display name follows, her username does not.
        year.school.marries(number, "Featherstone")
        assert tally(year, "a marriage") == dict.fromkeys(EVERYWHERE, {"updated": 1})
        year.nothing_to_do()

        # She is at work with the old name, which whoever renames her is told.
        hand_out = tmp_path / "hand-out.csv"
        year.onroll("passwords", "issue", SCHOOL, "--csv", str(hand_out), "--user", old)
        with hand_out.open(encoding="utf-8-sig", newline="") as file:
            (slip,) = csv.DictReader(file)
        assert year.ad.sign_in(old, slip["password"]) == "ok"
        year.world.google.user(before).told["lastLoginTime"] = datetime.now(UTC).isoformat()
        year.ad.change(old, {"homeDirectory": [HOME]})
        new = f"{first[0].lower()}.featherstone"
        shown = year.json("users", "rename", old, new, "--preview")
        assert set(shown["signed_in"]) == {"ad", "google"}
        today = datetime.now(UTC)
        assert all(today - datetime.fromisoformat(each) < timedelta(days=1) for each in shown["signed_in"].values())
        assert shown["first_password"].startswith(str(today.date()))
        assert f"{before} stays as an alias" in shown["changes"]
        told = " ".join(shown["notes"])
        assert "m365 does not tell who has signed in" in told
        assert "home folder and profile stay" in told
        assert "1 of them have signed in within 30 days" in told
        year.nothing_to_do()  # a preview changes nothing

        # The rename.
        assert f"{before} stays as an alias" in year.onroll("users", "rename", old, new).out
        assert tally(year, "a rename") == dict.fromkeys(EVERYWHERE, {"renamed": 1})
        after = year.address(new)
        assert reach(year, new) == dict.fromkeys(EVERYWHERE, {before, after})
        assert year.ad.value(new, "userPrincipalName") == [after]
        assert year.ad.value(new, "homeDirectory") == [HOME]
        assert year.ad.sign_in(new, slip["password"]) == "ok"
        year.nothing_to_do()

        # Nobody else ever gets the old name.
        year.school.is_employed(first, before.partition(".")[2].partition("@")[0].capitalize())
        year.night("a namesake")
        assert year.ad.value(f"{old}1", "sAMAccountName") == [f"{old}1"]
        year.nothing_to_do()

        # And she has it back; who wrote to the other one meanwhile still reaches her.
        year.onroll("users", "rename", new, old)
        assert tally(year, "taken back") == dict.fromkeys(EVERYWHERE, {"renamed": 1})
        assert reach(year, old) == dict.fromkeys(EVERYWHERE, {before, after})
        year.nothing_to_do()


def test_a_former_name_that_must_not_follow_somebody(samba: Samba, tmp_path: Path) -> None:
    with school_year(tmp_path, 8, samba) as year:
        year.night("the first night")
        _, old = employee(year)
        before = year.address(old)
        year.onroll("users", "rename", old, "a.newname", "--no-alias")
        assert tally(year, "a rename") == dict.fromkeys(EVERYWHERE, {"renamed": 1})
        after = year.address("a.newname")
        assert reach(year, "a.newname") == {"ad": {after}, "m365": {before, after}, "google": {after}}
        # Exchange keeps it by itself, and nobody but its administrators can take it away: that is said until they have.
        assert (
            f"{before} must not follow {after}, and onroll cannot take an alias away in m365"
            in notices(year, "m365")[0]
        )
        assert year.json("users", "show", "a.newname")["withheld"] == [before]
        year.nothing_to_do()

        # It may follow again, and must not after all: that can be said later too.
        year.onroll("users", "alias", "a.newname", before, "--keep")
        assert tally(year, "kept") == {"ad": {"updated": 1}, "m365": {}, "google": {"updated": 1}}
        assert reach(year, "a.newname") == dict.fromkeys(EVERYWHERE, {before, after})
        assert notices(year, "m365") == []
        year.nothing_to_do()
        year.onroll("users", "alias", "a.newname", before, "--withhold")
        assert tally(year, "withheld") == {"ad": {"updated": 1}, "m365": {}, "google": {"updated": 1}}
        assert reach(year, "a.newname") == {"ad": {after}, "m365": {before, after}, "google": {after}}
        year.nothing_to_do()
        told = year.onroll("users", "alias", "a.newname", after, "--withhold", code=1).err
        assert "is the present address" in told


def test_the_old_address_is_read_back_until_it_is_there(samba: Samba, tmp_path: Path) -> None:
    with school_year(tmp_path, 8, samba) as year:
        year.night("the first night")
        _, old = employee(year)
        before = year.address(old)
        year.onroll("users", "rename", old, "a.newname")
        assert tally(year, "a rename") == dict.fromkeys(EVERYWHERE, {"renamed": 1})
        # Somebody takes the alias away in the domain: it is written again. Exchange has not kept it: that is said until it is there.
        after = year.address("a.newname")
        year.ad.change("a.newname", {"proxyAddresses": [f"SMTP:{after}"]})
        exchange_says(year, "a.newname", after)
        night = year.night("read back")
        assert dict(night.targets["ad"].tally) == {"updated": 1}
        told = [f"{before} is not (yet) an alias of {after} in m365."]
        assert night.sync_json()["targets"]["m365"]["notices"] == told
        year.nothing_to_do()
        exchange_says(year, "a.newname", after, before)
        assert notices(year, "m365") == []
        assert before in reach(year, "a.newname")["m365"]
        year.nothing_to_do()


def test_many_renames_from_an_edited_list_on_a_day_and_back(samba: Samba, tmp_path: Path) -> None:
    with school_year(tmp_path, 14, samba) as year:
        year.night("the first night")
        rows = downloaded(year, tmp_path / "before.csv")
        chosen = [each for each in rows if each["role"] == "student"][:3]
        edited = [
            each | {"username": f"pupil.{n}", "display_name": "ignored", "notes": "=1+1"}
            for n, each in enumerate(chosen)
        ]
        columns = ("display_name", "username", "notes", "identity")
        path = given_back(edited, tmp_path / "edited.csv", columns, "utf-16")
        shown = year.json("rename", SCHOOL, "--csv", str(path), code=3)
        assert [each["after"]["username"] for each in shown["renames"]] == ["pupil.0", "pupil.1", "pupil.2"]
        assert not any(each["problem"] for each in shown["renames"])
        year.nothing_to_do()
        on, confirm = date(2027, 1, 4), ("--confirm", shown["digest"])
        year.onroll("rename", SCHOOL, "--csv", str(path), "--on", on.isoformat(), *confirm)
        assert [each["on"] for each in year.json("rename", SCHOOL, "--waiting")["waiting"]] == [on.isoformat()] * 3
        year.nothing_to_do()

        # The names are theirs from now on, and one of them thinks better of it.
        assert "Nobody was added" in year.onroll("users", "add", "--first", "P", "--last", "Q", "--username", "pupil.1", code=1).err  # fmt: skip
        year.onroll("users", "rename", chosen[2]["username"], "--cancel")
        year.go_to(on)
        assert tally(year, "the day") == dict.fromkeys(EVERYWHERE, {"renamed": 2})
        assert reach(year, "pupil.0") == dict.fromkeys(EVERYWHERE, {chosen[0]["email"], "pupil.0@miltonpark.test"})
        year.nothing_to_do()

        # The list from before, given back, is the way back.
        path = given_back(chosen, tmp_path / "back.csv", ("username", "email", "identity"))
        shown = year.json("rename", SCHOOL, "--csv", str(path), code=3)
        assert (len(shown["renames"]), shown["unchanged"]) == (2, 1)
        year.onroll("rename", SCHOOL, "--csv", str(path), "--confirm", shown["digest"])
        assert tally(year, "and back") == dict.fromkeys(EVERYWHERE, {"renamed": 2})
        assert downloaded(year, tmp_path / "after.csv")[0]["username"] == rows[0]["username"]
        year.nothing_to_do()


def test_the_new_format_for_some_and_addresses_alone_for_others(samba: Samba, tmp_path: Path) -> None:
    with school_year(tmp_path, 56, samba) as year:
        year.night("the first night")
        year.configure(lambda text: text.replace('"{yoe2}{initial}{last}"', '"{initial}.{last}.{yoe2}"'))
        year.nothing_to_do()  # a new format is for those who come: nobody is renamed by it
        assert "never given to everybody by accident" in year.onroll("rename", SCHOOL, "--format", code=2).err
        arguments = ("rename", SCHOOL, "--format", "--year", "Year 9", "--no-sign-ins")
        shown = year.json(*arguments, code=3)
        assert len(shown["renames"]) == 8
        assert "8 renames of student are more than the 5" in " ".join(shown["notes"])
        year.onroll(*arguments, "--confirm", shown["digest"])
        held = year.night("Year 9", code=3)
        assert {name: one.verdict for name, one in held.targets.items()} == dict.fromkeys(EVERYWHERE, "held")
        done = year.approved(held)
        assert {name: dict(one.tally) for name, one in done.targets.items()} == dict.fromkeys(
            EVERYWHERE, {"renamed": 8}
        )
        year.nothing_to_do()

        year.set("school.staff", 'email = "{first}.{last}"')
        year.nothing_to_do()
        arguments = ("rename", SCHOOL, "--format", "--emails", "--role", "staff")
        shown = year.json(*arguments, code=3)
        assert all(each["before"]["username"] == each["after"]["username"] for each in shown["renames"])
        count = len(shown["renames"])
        assert count == 6
        year.onroll(*arguments, "--confirm", shown["digest"])
        done = year.approved(year.night("addresses", code=3))
        assert {name: dict(one.tally) for name, one in done.targets.items()} == dict.fromkeys(
            EVERYWHERE, {"renamed": count}
        )
        one = shown["renames"][0]
        assert year.ad.value(one["before"]["username"], "mail") == [one["after"]["email"]]
        assert reach(year, one["before"]["username"]) == dict.fromkeys(EVERYWHERE, {one["before"]["email"], one["after"]["email"]})  # fmt: skip
        year.nothing_to_do()


def somebody_elsewhere() -> Identity:
    """Somebody of another school of the same store."""
    key = SourceKey("other-school", "pupil:1")
    person = Person(key, Role.STUDENT, Status.ON_ROLL, first="Otto", last="Other")
    return Identity(
        IdentityId("ottootherother"), key.school, Role.STUDENT, person, State.ACTIVE, username="20oother",
        email="20oother@other.test",
    )  # fmt: skip


def test_a_rename_that_cannot_be_is_shown_before_anything_is_done(samba: Samba, tmp_path: Path) -> None:
    with school_year(tmp_path, 8, samba) as year:
        year.night("the first night")
        _, old = employee(year)
        year.onroll("users", "rename", old, "a.retired")
        year.onroll("users", "rename", "a.retired", old)
        year.ad.group_by_hand("chess.club", "chess.club")
        year.school.leaves(min(year.school.pupils), year.school.today - timedelta(days=3))
        year.night("a leaver, and a group that somebody made")
        year.world.store.remember(None, [somebody_elsewhere()], datetime.now(UTC))
        rows = downloaded(year, tmp_path / "users.csv")
        mine, *others = [each for each in rows if each["role"] == "student" and each["state"] == "active"]
        left = next(each for each in rows if each["state"] in ("left", "leaving"))

        def said(row: Mapping[str, str], **other: Any) -> str:
            path = given_back([{**row, **other}], tmp_path / "one.csv", ("identity", "username", "email"), "cp1252")
            return year.onroll("rename", SCHOOL, "--csv", str(path), code=1).err

        for name, why in (
            (others[0]["username"], "was issued to somebody else"),
            (left["username"], "was issued to somebody else"),
            ("a.retired", "was issued to somebody else"),
            ("chess.club", "is in use in a directory"),
            ("administrator", "keep for themselves"),
            ("x" * 21, "at most 20"),
            ("señor", "cannot be a username"),
            ("=cmd|' /C calc'!A0", "is a formula"),
        ):
            assert why in said(mine, username=name), name
        assert "keep for themselves" in said(mine, email="postmaster@miltonpark.test")
        assert "is not a domain" in said(mine, email="somebody@miltonpark")
        assert "20oother belongs to other-school" in said({"identity": "20oother", "username": "x"})
        assert "nobody is nobody of milton-park" in said({"identity": "nobody", "username": "x"})
        bad = tmp_path / "bad.csv"
        for text, why in (
            ("username,email\nx,y\n", "has no column identity"),
            (f"identity,username,username\n{mine['identity']},x,y\n", "the column username twice"),
            (f"identity,username\n{mine['identity']},new.name\n{mine['identity']},other\n", "more than once"),
            (f"identity,username\n{mine['identity']},same\n{others[0]['identity']},same\n", "more than one person"),
            (f"identity,username\n{mine['identity']},x,y,z\n", "4 values for 2 columns"),
            (f'identity,username\n{mine["identity"]},"x\n', "cut off"),
        ):
            bad.write_text(text, encoding="utf-8")
            assert why in year.onroll("rename", SCHOOL, "--csv", str(bad), code=1).err, text
        year.nothing_to_do()
