"""First passwords on paper: set at that moment, written for their owners alone, kept nowhere."""

from __future__ import annotations

import csv
import sqlite3
import stat
from pathlib import Path

import pytest

from command import CONFIG, Command, milton_park
from onroll_connectors.sandbox.directory import forget, open_directory

BASE = "OU=Milton Park,DC=school,DC=test"


@pytest.fixture
def onroll(tmp_path: Path) -> Command:
    command = milton_park(tmp_path)
    command.run("sync")
    return command


def sign_in(onroll: Command, username: str, password: str) -> str:
    name = str(onroll.folder / "directory.json")
    try:
        return open_directory(name, BASE).directory.sign_in(username, password)
    finally:
        forget(name)


def handed_out(path: Path) -> dict[str, dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return {row["username"]: row for row in csv.DictReader(file)}


def issued(onroll: Command, name: str, *options: str, code: int = 0) -> dict[str, dict[str, str]]:
    path = onroll.folder / name
    onroll.run("passwords", "issue", "--csv", str(path), *options, code=code)
    return handed_out(path)


def test_new_people_get_words_that_work_and_must_be_changed(onroll: Command) -> None:
    rows = issued(onroll, "first.csv", "--slips", str(onroll.folder / "slips.html"))
    assert set(rows) == {"20hpotter", "20hpotter1", "19rweasley"}
    for username, row in rows.items():
        assert sign_in(onroll, username, row["password"]) == "must change"
        assert row["password"] in (onroll.folder / "slips.html").read_text(encoding="utf-8")
    mode = stat.S_IMODE((onroll.folder / "first.csv").stat().st_mode)
    assert mode & 0o077 == 0
    assert onroll.json("sync")["targets"]["ad"]["updated"] == 0, "and now there is nothing to do"


def test_only_those_who_never_had_one_are_new(onroll: Command) -> None:
    first = issued(onroll, "first.csv")
    assert (
        "everybody chosen has one already"
        in onroll.run("passwords", "issue", "--csv", str(onroll.folder / "second.csv"), code=1).err
    )
    assert not (onroll.folder / "second.csv").exists()
    again = issued(onroll, "again.csv", "--again")
    assert set(again) == set(first)
    assert again["20hpotter"]["password"] != first["20hpotter"]["password"]


def test_one_person_or_one_year(onroll: Command) -> None:
    assert set(issued(onroll, "ron.csv", "--year", "Year 8")) == {"19rweasley"}
    assert set(issued(onroll, "harry.csv", "--user", "20hpotter")) == {"20hpotter"}
    told = onroll.run("passwords", "issue", "--csv", str(onroll.folder / "x.csv"), "--user", "nobody", code=1)
    assert "Nobody of milton-park has the username nobody" in told.err


def test_who_and_when_is_kept_and_the_password_nowhere(onroll: Command) -> None:
    rows = issued(onroll, "first.csv", "--user", "20hpotter")
    history = onroll.json("users", "show", "20hpotter")["history"]
    assert any("first password was handed out" in each["what"].lower() for each in history)
    with sqlite3.connect(onroll.folder / "onroll.db") as store:
        everything = "\n".join(store.iterdump())
    assert "give_password" in everything
    assert rows["20hpotter"]["password"] not in everything


def test_an_account_that_was_deleted_by_hand_is_left_out_with_the_reason(onroll: Command) -> None:
    directory = open_directory(str(onroll.folder / "directory.json"), BASE).directory
    found = directory.find("19rweasley")
    assert found is not None
    found.values["employeeid"] = [b"somebody-else"]
    directory._keep(next(guid for guid, each in directory.objects.items() if each is found), found)
    forget(str(onroll.folder / "directory.json"))
    path = onroll.folder / "first.csv"
    told = onroll.json("passwords", "issue", "--csv", str(path), code=1)
    assert set(told["issued"]) == {"20hpotter", "20hpotter1"} == set(handed_out(path))
    assert told["left_out"][0]["username"] == "19rweasley"
    assert "no longer carries the identity" in told["left_out"][0]["why"]


def test_whoever_is_not_made_yet_is_told_so(onroll: Command) -> None:
    onroll.students(
        "1,Harry,Potter,7,01/09/2026,",
        "2,Hermione,Potter,7,01/09/2026,",
        "3,Ron,Weasley,8,01/09/2025,",
        "4,Ginny,Weasley,7,01/09/2026,",
    )
    onroll.run("pull")
    told = onroll.json("passwords", "issue", "--csv", str(onroll.folder / "g.csv"), "--user", "20gweasley", code=1)
    assert "has no account in ad yet" in told["left_out"][0]["why"]


def test_a_hand_out_is_never_written_over(onroll: Command) -> None:
    path = onroll.folder / "first.csv"
    path.write_text("keep me", encoding="utf-8")
    assert "is there already" in onroll.run("passwords", "issue", "--csv", str(path), code=2).err
    assert path.read_text(encoding="utf-8") == "keep me"
    assert "There is no folder" in onroll.run("passwords", "issue", "--csv", "/nowhere/at/all.csv", code=2).err


def test_a_school_without_a_target_that_takes_passwords_says_so(onroll: Command) -> None:
    onroll.configure(CONFIG.replace('base = "OU', 'passwords = false\nbase = "OU'))
    told = onroll.run("passwords", "issue", "--csv", str(onroll.folder / "x.csv"), code=1)
    assert "no target that takes passwords" in told.err


def test_strong_passwords_where_the_school_wants_them(onroll: Command) -> None:
    onroll.configure(CONFIG + '[school.students]\npassword = "strong"\nmust_change = false\n')
    rows = issued(onroll, "first.csv")
    assert all(len(row["password"]) == 14 for row in rows.values())
    assert sign_in(onroll, "20hpotter", rows["20hpotter"]["password"]) == "ok"


def test_a_file_that_cannot_be_written_is_told_before_anybody_has_a_password(onroll: Command) -> None:
    folder = onroll.folder / "locked"
    folder.mkdir()
    path = folder / ("x" * 300 + ".csv")
    told = onroll.run("passwords", "issue", "--csv", str(path), code=2)
    assert "Nobody was given a password" in told.err
    assert [each["kind"] for each in onroll.json("runs")["runs"]] == ["sync"]


def test_a_governor_gets_one_too(onroll: Command) -> None:
    onroll.run("users", "add", "--first", "Gwen", "--last", "Vernor")
    onroll.run("sync")
    rows = issued(onroll, "governors.csv", "--role", "other")
    assert set(rows) == {"g.vernor"}
    assert len(rows["g.vernor"]["password"]) == 14


def test_a_rename_that_has_not_been_carried_out_keeps_a_slip_from_being_wrong(onroll: Command) -> None:
    onroll.run("users", "rename", "20hpotter", "harry")
    path = onroll.folder / "first.csv"
    told = onroll.json("passwords", "issue", "--csv", str(path), "--user", "harry", code=1)
    (left,) = told["left_out"]
    assert "is still called 20hpotter in ad: the rename has not been carried out there" in left["why"]
    assert left["set_in"] == []
    assert not path.exists()
    onroll.run("apply")
    assert set(issued(onroll, "first.csv", "--user", "harry")) == {"harry"}


def test_an_account_that_is_disabled_there_is_left_out(onroll: Command) -> None:
    onroll.run("users", "disable", "19rweasley")
    onroll.run("apply")
    onroll.run("users", "enable", "19rweasley")
    told = onroll.json("passwords", "issue", "--csv", str(onroll.folder / "a.csv"), code=1)
    assert [each["username"] for each in told["left_out"]] == ["19rweasley"]
    assert "is disabled in ad" in told["left_out"][0]["why"]
