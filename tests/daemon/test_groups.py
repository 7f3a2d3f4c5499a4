"""`onroll groups`: which groups there are, who is in them, and what is kept as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from command import CONFIG, Command, milton_park

GROUPS = CONFIG.replace("base =", 'groups = ["year", "registration", "role"]\nbase =')


@pytest.fixture
def onroll(tmp_path: Path) -> Command:
    command = milton_park(tmp_path)
    command.configure(GROUPS)
    (tmp_path / "export" / "students.csv").write_text(
        "Adno,Forename,Surname,Year,Reg\n1,Harry,Potter,7,7A\n2,Hermione,Potter,7,7A\n3,Ron,Weasley,8,8B\n",
        encoding="utf-8",
    )
    command.run("sync", "--today", "2026-11-24")
    return command


def test_the_groups_that_a_target_should_have_and_who_is_in_them(onroll: Command) -> None:
    rows = onroll.json("groups", "list", "--today", "2026-11-24")["groups"]
    assert {(each["kind"], each["name"], tuple(each["members"])) for each in rows} >= {
        ("registration", "Milton Park School 7A", ("20hpotter", "20hpotter1")),
        ("registration", "Milton Park School 8B", ("19rweasley",)),
        ("year", "Milton Park School Year 2020", ("20hpotter", "20hpotter1")),
    }
    assert all(each["target"] == "ad" and not each["archived"] for each in rows)
    (only,) = onroll.json("groups", "list", "--kind", "registration", "--today", "2026-11-24")["groups"][:1]
    assert only["name"] == "Milton Park School 7A"
    assert "2 members" in onroll.run("groups", "list", "--kind", "registration").out


def test_one_group_by_its_name_or_its_record(onroll: Command) -> None:
    assert "members: 19rweasley" in onroll.run("groups", "show", "milton park school 8b").out
    assert "members: 19rweasley" in onroll.run("groups", "show", "registration:8B").out
    assert "Did you mean Milton Park School 8B?" in onroll.run("groups", "show", "8B", code=1).err


def test_the_last_who_leaves_a_registration_group_leaves_it_too(onroll: Command) -> None:
    path = onroll.folder / "export" / "students.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("8,8B", "8,8C"), encoding="utf-8")
    done = onroll.json("sync", "--today", "2026-11-25")["targets"]["ad"]
    assert (done["groups"], done["members"]) == (1, 2), "into 8C, and out of 8B"
    assert onroll.json("plan", "--today", "2026-11-25")["plans"][0]["changes"] == []


def test_a_target_without_groups_says_where_they_are_switched_on(onroll: Command) -> None:
    onroll.configure(CONFIG)
    assert 'groups = ["year", "teaching"]' in onroll.run("groups", "list").out
