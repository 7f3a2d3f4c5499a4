"""What September will do, seen in May: joiners with next year's cohort, leavers by their dates, everybody else a year up."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from command import CONFIG, Command, milton_park

MAY, SEPTEMBER = "2027-05-10", "2027-09-01"
ROWS = (
    *(f"{n},Pupil{chr(96 + n)},Seven,7,01/09/2026," for n in range(1, 6)),
    *(f"{n},Pupil{chr(96 + n)},Eleven,11,01/09/2022," for n in range(6, 10)),
    *(f"{n},Pupil{chr(96 + n)},Thirteen,13,01/09/2020,21/07/2027" for n in range(10, 14)),
    *(f"{n},Pupil{chr(96 + n)},Staying,13,01/09/2020," for n in range(14, 17)),
)
INTAKE = tuple(f"{n},New{chr(80 + n)},Joiner,7,01/09/2027," for n in range(20, 24))


@pytest.fixture
def onroll(tmp_path: Path) -> Command:
    """A school in May 2027, in line; the intake of September is typed in, and most of Year 13 has a last day."""
    command = milton_park(tmp_path)
    command.students(*ROWS, *INTAKE)
    command.configure(configured('early = 14\nplace = "Students/{year}"'))
    command.run("sync", "--today", MAY)
    assert changes(command) == []
    return command


def configured(students: str, target: str = "", groups: str = "") -> str:
    target = CONFIG.replace("[[school]]", f"{target}\n[[school]]", 1) if target else CONFIG
    return f"{target}\n[school.students]\n{students}\n{groups}"


def planned(command: Command, as_of: str | None = None) -> dict[str, Any]:
    told: dict[str, Any] = command.json("plan", "--today", MAY, *(("--as-of", as_of) if as_of else ()))
    return told


def changes(command: Command, as_of: str | None = None, *kinds: str) -> list[dict[str, Any]]:
    (plan,) = planned(command, as_of)["plans"]
    return [each for each in plan["changes"] if not kinds or each["kind"] in kinds]


def names(found: Sequence[dict[str, Any]]) -> list[str]:
    return sorted(each["username"] for each in found)


def test_the_intake_gets_the_year_of_entry_of_its_own_september(onroll: Command) -> None:
    joining = changes(onroll, SEPTEMBER, "create")
    assert len(joining) == 4
    assert all(each["username"].startswith("21n") and each["reason"] == "on roll" for each in joining)
    assert {each["after"]["place"] for each in joining} == {"Students/Year 7"}
    assert changes(onroll, "2027-08-17", "create") == []
    assert len(changes(onroll, "2027-08-18", "create")) == 4  # a fortnight before


def test_final_year_pupils_with_a_date_are_disabled_as_expected_and_the_others_are_told(onroll: Command) -> None:
    told = planned(onroll, SEPTEMBER)
    (plan,) = told["plans"]
    gone = [each for each in plan["changes"] if each["kind"] == "disable"]
    assert {each["reason"] for each in gone} == {"left on 21 July 2027"}
    assert names(gone) == ["14pthirteen", "14pthirteen1", "14pthirteen2", "14pthirteen3"]
    assert (plan["verdict"], plan["objections"]) == ("cleared", [])
    assert told["notices"][0] == (
        "3 pupils of Year 13, the school's last year, have no leaving date in the MIS, and stay enabled on 1 September 2027 unless it is told."
    )
    assert "Classes and registration groups are those of today" in told["notices"][1]
    assert "notices" not in planned(onroll) and "notices" not in planned(onroll, "2027-06-01")


def test_everybody_else_moves_up_a_year_and_the_last_year_does_not(onroll: Command) -> None:
    moved = {(each["before"]["place"], each["after"]["place"]) for each in changes(onroll, SEPTEMBER, "move")}
    assert moved == {("Students/Year 7", "Students/Year 8"), ("Students/Year 11", "Students/Year 12")}
    assert len(changes(onroll, SEPTEMBER, "move")) == 9
    assert changes(onroll, "2027-08-31", "move") == []
    twice = {each["after"]["place"] for each in changes(onroll, "2028-09-01", "move")}
    assert twice == {"Students/Year 9", "Students/Year 13"}
    joining = changes(onroll, "2028-09-01", "create")
    assert {each["after"]["place"] for each in joining} == {"Students/Year 8"}


def test_september_does_then_what_may_said(onroll: Command) -> None:
    told = changes(onroll, SEPTEMBER)
    onroll.students(*(row.replace(",7,01/09/2026", ",8,01/09/2026").replace(",11,", ",12,") for row in ROWS), *INTAKE)
    onroll.run("pull", "--today", SEPTEMBER)
    done: dict[str, Any] = onroll.json("plan", "--today", SEPTEMBER)
    (plan,) = done["plans"]
    assert plan["changes"] == told
    onroll.run("sync", "--today", SEPTEMBER)
    assert onroll.json("plan", "--today", SEPTEMBER)["plans"][0]["changes"] == []  # and now there is nothing to do


def test_an_attribute_with_the_year_moves_up_too(onroll: Command) -> None:
    target = 'write = ["department"]\n[targets.ad.attributes.students]\ndepartment = "{year}"'
    onroll.configure(configured("early = 14", target))
    onroll.run("sync", "--today", MAY)
    updates = changes(onroll, SEPTEMBER, "update")
    assert {(each["before"]["department"], each["after"]["department"]) for each in updates} == {
        ("Year 7", "Year 8"),
        ("Year 11", "Year 12"),
    }
    assert changes(onroll, SEPTEMBER, "move") == [], "a place with the Year of Entry stays"


def test_year_groups_keep_their_name_unless_it_says_the_year(onroll: Command) -> None:
    onroll.configure(configured("early = 14", 'groups = ["year"]'))
    onroll.run("sync", "--today", MAY)
    assert changes(onroll, SEPTEMBER, "update_group") == []
    made = changes(onroll, SEPTEMBER, "create_group")
    assert [each["after"]["group"] for each in made] == ["Milton Park School Year 2021"]
    onroll.configure(configured("early = 14", 'groups = ["year"]', '[school.groups]\nyear = "{school} {year}"'))
    onroll.run("sync", "--today", MAY)
    renamed = {each["before"]["group"]: each["after"]["group"] for each in changes(onroll, SEPTEMBER, "update_group")}
    assert renamed["Milton Park School Year 7"] == "Milton Park School Year 8"
    assert renamed["Milton Park School Year 11"] == "Milton Park School Year 12"


def test_grace_is_counted_from_the_last_day(onroll: Command) -> None:
    onroll.configure(configured('early = 14\nplace = "Students/{year}"\ngrace = 60'))
    assert changes(onroll, SEPTEMBER, "disable") == []
    assert changes(onroll, "2027-09-19", "disable") == []
    assert len(changes(onroll, "2027-09-20", "disable")) == 4


def test_a_rename_that_waits_for_its_day_is_in_the_plan_of_that_day(onroll: Command) -> None:
    people = onroll.folder / "rename.csv"
    (who,) = [each for each in onroll.json("users", "list", "--today", MAY)["users"] if each["username"] == "20pseven"]
    people.write_text(f"identity,username,email\n{who['identity']},p.seven,p.seven@miltonpark.test\n", encoding="utf-8")
    shown = onroll.json("rename", "--csv", str(people), "--on", SEPTEMBER, code=3)
    onroll.run("rename", "--csv", str(people), "--on", SEPTEMBER, "--confirm", shown["digest"])
    assert changes(onroll, "2027-08-31", "rename") == []
    (rename,) = changes(onroll, SEPTEMBER, "rename")
    assert rename["after"]["login"] == "p.seven"
    assert "20pseven@miltonpark.test" in rename["after"]["aliases"]


def test_the_totals_stand_before_the_lines(onroll: Command) -> None:
    out = onroll.run("plan", "--today", MAY, "--as-of", SEPTEMBER).out
    assert [" ".join(each.split()) for each in out.splitlines()[1:5]] == [
        "4 disable left on 21 July 2027",
        "4 create on roll in Students/Year 7",
        "5 move Students/Year 7 to Students/Year 8: on roll",
        "4 move Students/Year 11 to Students/Year 12: on roll",
    ]
    assert out.index("4  create") < out.index("Create 21n")
    assert "note: 3 pupils of Year 13" in out
    assert onroll.run("plan", "--today", MAY).out == "ad: nothing to do\n"


def test_looking_ahead_changes_nothing(onroll: Command) -> None:
    before = onroll.json("users", "list", "--today", MAY)
    planned(onroll, SEPTEMBER)
    assert onroll.json("users", "list", "--today", MAY) == before
    assert changes(onroll) == []
