"""People whom the MIS does not know, accounts that somebody disables by hand, and the name that staff want to be called by."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from command import POTTERS, Command, milton_park

STAFF = "Staff code,Forename,Surname,Employment start\n"


@pytest.fixture
def onroll(tmp_path: Path) -> Command:
    """Three pupils and a teacher, with their accounts."""
    command = milton_park(tmp_path)
    staff(command, "AL,Ann,Lee,01/09/2020")
    command.run("sync")
    return command


def staff(command: Command, *rows: str) -> None:
    (command.folder / "export/staff.csv").write_text(STAFF + "".join(f"{row}\n" for row in rows), encoding="utf-8")


def user(command: Command, username: str) -> dict[str, Any]:
    (found,) = [each for each in command.json("users", "list")["users"] if each["username"] == username]
    return found


def test_a_governor_gets_an_account_and_no_feed_touches_it(onroll: Command) -> None:
    (governor,) = onroll.json("users", "add", "--first", "Gwen", "--last", "Vernor", "--end", "2099-07-21")["users"]
    assert (governor["username"], governor["role"], governor["source"]) == ("g.vernor", "other", "manual")
    night = onroll.json("sync")
    assert night["targets"]["ad"]["created"] == 1
    for _ in range(4):
        assert onroll.json("sync")["targets"]["ad"]["disabled"] == 0
    assert onroll.json("plan")["plans"][0]["changes"] == []  # and now there is nothing to do


def test_an_end_that_has_come_disables_and_a_later_one_gives_the_account_back(onroll: Command) -> None:
    onroll.run("users", "add", "--first", "Sam", "--last", "Supply", "--role", "staff", "--end", "2099-01-31")
    onroll.run("sync")
    assert onroll.json("sync", "--today", "2099-02-01", code=0)["targets"]["ad"]["disabled"] == 1
    onroll.run("users", "edit", "s.supply", "--no-end")
    assert onroll.json("sync")["targets"]["ad"]["enabled"] == 1


def test_many_are_added_from_a_file_or_nobody(onroll: Command) -> None:
    file = onroll.folder / "visitors.csv"
    file.write_text("first,last,role,end\nVi,Sitor,other,31/12/2099\nEx,Am,student,\n", encoding="utf-8")
    added = onroll.json("users", "add", "--csv", str(file))["users"]
    assert [each["username"] for each in added] == ["v.sitor"] + [added[1]["username"]]
    file.write_text("first,last,role\nNew,One,other\n,,other\n", encoding="utf-8")
    assert "line 3: somebody needs a first or a last name" in onroll.run("users", "add", "--csv", str(file), code=1).err
    assert not [each for each in onroll.json("users", "list")["users"] if each["display_name"] == "New One"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--first", "Ann", "--last", "Lee", "--role", "staff"), "Ann Lee is there already"),
        (("--first", "Ann", "--last", "Lee", "--role", "staff", "--username", "a.lee"), "a.lee is taken"),
        (("--first", "A", "--last", "B", "--role", "governor"), "'governor' is no role"),
        (("--first", "A", "--last", "B", "--username", "administrator"), "administrator"),
        (("--first", "A", "--last", "B", "--end", "2001-01-01"), "in the past"), (("--first", " "), "needs a first or a last name"),
    ],
)  # fmt: skip
def test_who_cannot_be_added_is_said(onroll: Command, arguments: tuple[str, ...], says: str) -> None:
    assert says in onroll.run("users", "add", *arguments, code=1).err


def test_a_namesake_gets_the_next_name_when_somebody_writes_one(onroll: Command) -> None:
    onroll.run("users", "add", "--first", "Ann", "--last", "Lee", "--role", "staff", "--username", "ann.lee")
    assert user(onroll, "ann.lee")["source"] == "manual"


def test_somebody_added_by_hand_who_turns_up_in_the_mis_is_offered_and_keeps_the_account(onroll: Command) -> None:
    onroll.run("users", "add", "--first", "Sam", "--last", "Supply", "--role", "staff")
    onroll.run("sync")
    staff(onroll, "AL,Ann,Lee,01/09/2020", "SS,Sam,Supply,01/09/2026")
    night = onroll.json("sync")
    assert night["targets"]["ad"]["created"] == 0
    assert "onroll users link s.supply staff:SS" in night["conflicts"][0]
    assert "has no record staff:XX" in onroll.run("users", "link", "s.supply", "staff:XX", code=1).err
    assert "already" in onroll.run("users", "link", "s.supply", "staff:AL", code=1).err
    onroll.run("users", "link", "s.supply", "staff:SS")
    night = onroll.json("sync")
    assert (night["targets"]["ad"]["created"], night.get("conflicts")) == (0, None)
    assert user(onroll, "s.supply")["source"] == "mis"
    assert onroll.json("plan")["plans"][0]["changes"] == []


def test_two_people_of_one_name_are_kept_apart(onroll: Command) -> None:
    onroll.run("users", "add", "--first", "Sam", "--last", "Supply", "--role", "staff")
    onroll.run("sync")
    staff(onroll, "AL,Ann,Lee,01/09/2020", "SS,Sam,Supply,01/09/2026")
    onroll.run("sync")
    onroll.run("users", "apart", "s.supply", "staff:SS")
    assert onroll.json("sync")["targets"]["ad"]["created"] == 1
    assert {user(onroll, name)["source"] for name in ("s.supply", "s.supply1")} == {"manual", "mis"}


def test_a_pupil_who_becomes_staff_keeps_the_account(onroll: Command) -> None:
    staff(onroll, "AL,Ann,Lee,01/09/2020", "RW,Ron,Weasley,01/09/2026")
    before = user(onroll, "19rweasley")["identity"]
    onroll.run("users", "link", "19rweasley", "staff:RW")
    onroll.students(
        "1,Harry,Potter,7,01/09/2026,", "2,Hermione,Potter,7,01/09/2026,", "3,Ron,Weasley,8,01/09/2025,01/11/2026"
    )
    night = onroll.json("sync")
    assert (night["targets"]["ad"]["created"], night["targets"]["ad"]["disabled"]) == (0, 0)
    ron = user(onroll, "19rweasley")
    assert (ron["identity"], ron["role"], ron["state"]) == (before, "staff", "active")
    assert onroll.json("plan")["plans"][0]["changes"] == []


def test_an_account_that_is_disabled_by_hand_stays_so_until_it_is_enabled(onroll: Command) -> None:
    onroll.run("users", "disable", "20hpotter", "--why", "phone found")
    assert onroll.json("sync")["targets"]["ad"]["disabled"] == 1
    assert onroll.json("sync")["targets"]["ad"]["enabled"] == 0
    assert "was disabled by hand (by " in onroll.run("explain", "20hpotter").out
    assert "disabled by hand already" in onroll.run("users", "disable", "20hpotter", code=1).err
    onroll.run("users", "enable", "20hpotter")
    assert onroll.json("sync")["targets"]["ad"]["enabled"] == 1
    assert "was not disabled" in onroll.run("users", "enable", "20hpotter", code=1).err


def test_staff_are_shown_as_they_wish_and_pupils_as_the_mis_says(onroll: Command) -> None:
    onroll.run("users", "display-name", "a.lee", "Ms Lee")
    assert onroll.json("sync")["targets"]["ad"]["updated"] == 1
    staff(onroll, "AL,Ann,Smith,01/09/2020")
    onroll.run("sync")
    assert user(onroll, "a.lee")["display_name"] == "Ms Lee"
    assert (
        "pupils' display names follow the MIS" in onroll.run("users", "display-name", "20hpotter", "Boss", code=1).err
    )
    onroll.run("users", "display-name", "a.lee", "")
    assert user(onroll, "a.lee")["display_name"] == "Ann Smith"
    assert len(POTTERS) == 3


def test_many_ends_are_changed_from_a_file_or_none(onroll: Command) -> None:
    for first in ("Sam", "Sue"):
        onroll.run(
            "users", "add", "--first", first, "--last", "Supply", "--username", first.lower(), "--end", "2099-01-31"
        )
    file = onroll.folder / "supply.csv"
    file.write_text("username,end,department\nsam,31/07/2099,x\nsue,never,y\n", encoding="utf-16")
    changed = onroll.json("users", "edit", "--csv", str(file))["users"]
    assert [each["username"] for each in changed] == ["sam", "sue"]
    for bad, says in (("sam,never\na.lee,never", "line 3: a.lee is in the MIS"), ("sam,never\nsam,never", "sam more than once"), ("sam,tomorrow", "line 2")):  # fmt: skip
        file.write_text(f"username,end\n{bad}\n", encoding="utf-8")
        assert says in onroll.run("users", "edit", "--csv", str(file), code=1).err
    assert onroll.json("sync", "--today", "2099-07-30")["targets"]["ad"]["disabled"] == 0
    assert onroll.json("sync", "--today", "2099-08-02")["targets"]["ad"]["disabled"] == 1


def test_somebody_whose_time_is_over_is_not_added_twice(onroll: Command) -> None:
    onroll.run("users", "add", "--first", "Gwen", "--last", "Vernor", "--end", "2099-01-31")
    onroll.run("users", "edit", "g.vernor", "--end", "2026-01-31")
    told = onroll.run("users", "add", "--first", "Gwen", "--last", "Vernor", code=1).err
    assert "g.vernor, until 2026-01-31" in told
    assert "onroll users edit g.vernor --no-end" in told


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_a_file_is_read_in_any_usual_encoding_and_an_apostrophe_is_part_of_a_name(
    onroll: Command, encoding: str
) -> None:
    file = onroll.folder / "visitors.csv"
    file.write_bytes("Last;Notes;First\r\n't Hooft;=1+1;Zoë\r\nMüller;;'=André\r\n".encode(encoding))
    added = onroll.json("users", "add", "--csv", str(file))["users"]
    assert [each["display_name"] for each in added] == ["Zoë 't Hooft", "=André Müller"]


def test_a_workbook_is_no_list(onroll: Command) -> None:
    file = onroll.folder / "visitors.csv"
    file.write_bytes(b"PK\x03\x04" + bytes(60))
    assert "is a workbook" in onroll.run("users", "add", "--csv", str(file), code=1).err


def test_a_governor_is_called_what_they_choose(onroll: Command) -> None:
    onroll.run("users", "add", "--first", "Gwen", "--last", "Vernor")
    onroll.run("sync")
    onroll.run("users", "display-name", "g.vernor", "Dr Vernor")
    assert onroll.json("sync")["targets"]["ad"]["updated"] == 1
    assert user(onroll, "g.vernor")["display_name"] == "Dr Vernor"
    assert onroll.json("plan")["plans"][0]["changes"] == []
