"""`onroll runs undo`: shown first, done by digest, said in `runs show`, and the night after it waits."""

from __future__ import annotations

from pathlib import Path

import pytest

from command import CONFIG, SECOND, Command, milton_park

EVERYBODY = [f"{n},Ann,Smith{chr(97 + n // 26)}{chr(97 + n % 26)},7,01/09/2026," for n in range(30)]
GONE = [f"{row}20/11/2026" if n < 4 else row for n, row in enumerate(EVERYBODY)]
TWO_TARGETS = CONFIG.replace('targets = ["ad"]', 'targets = ["ad", "ad2"]').replace(
    "[[school]]",
    '[targets.ad2]\nkind = "active_directory"\nserver = "embedded:second.json"\nbase = "OU=Second,DC=school,DC=test"\n[[school]]',
)


@pytest.fixture
def onroll(tmp_path: Path) -> Command:
    """Thirty pupils with accounts, four of whom were disabled by run 2, which somebody approved."""
    command = milton_park(tmp_path)
    command.students(*EVERYBODY)
    command.run("sync", "--today", "2026-11-24")
    command.students(*GONE)
    assert command.json("sync", "--today", "2026-11-25")["targets"]["ad"]["disabled"] == 4
    return command


def test_an_undo_is_shown_done_by_its_digest_and_said_afterwards(onroll: Command) -> None:
    runs = len(onroll.json("runs")["runs"])
    shown = onroll.json("runs", "undo", "2", code=3)
    (plan,) = shown["plans"]
    assert (shown["undoes"], shown["left"], plan["verdict"]) == (2, [], "held")
    assert [each["kind"] for each in plan["changes"]] == ["enable"] * 4
    assert plan["objections"] == ["An undo is shown first, and done when exactly its digest is approved."]
    assert len(onroll.json("runs")["runs"]) == runs
    said = onroll.run("runs", "undo", "2", code=3).out
    assert "Enable 20asmithaa: run 2 is undone." in said
    assert f"If it is right: onroll runs undo 2 --target ad --approve {plan['digest']}" in said

    assert onroll.json("runs", "undo", "2", "--approve", "0123456789abcdef", code=3)["targets"]["ad"]["enabled"] == 0
    done = onroll.run("runs", "undo", "2", "--approve", plan["digest"])
    assert "Run 4 undoes run 2 of milton-park." in done.out
    assert "ad: cleared, 4 enabled" in done.out
    assert "Undone by run 4" in onroll.run("runs", "show", "2").out
    assert "Undone by run 3" not in onroll.run("runs", "show", "2").out
    assert "It undoes run 2." in onroll.run("runs", "show", "4").out
    assert [each["id"] for each in onroll.json("runs", "show", "2")["undone_by"]] == [4]
    assert [each["undoes"] for each in onroll.json("runs")["runs"]][:3] == [2, 2, None]
    assert "run 2; ad: 4 enabled" in onroll.run("runs").out
    assert onroll.run("runs", "undo", "2").out == "ad: nothing to do\nNothing of run 2 is left to undo.\n"
    assert "Enable 20asmithaa: run 2 is undone" in onroll.run("explain", "20asmithaa").out


def test_the_night_after_an_undo_waits_until_it_is_approved_or_the_extract_is_mended(onroll: Command) -> None:
    (plan,) = onroll.json("runs", "undo", "2", code=3)["plans"]
    onroll.run("runs", "undo", "2", "--approve", plan["digest"])
    held = onroll.json("sync", "--today", "2026-11-26", code=3)["targets"]["ad"]
    assert held["objections"][0].startswith("4 of these changes were undone on ")
    assert held["objections"][0].endswith("(run 3): if they are right now, approve.")
    assert onroll.json("plan", "--today", "2026-11-26", code=3)["plans"][0]["digest"] == held["digest"]
    assert onroll.json("apply", "--today", "2026-11-26", "--approve", held["digest"])["targets"]["ad"]["disabled"] == 4
    assert onroll.json("sync", "--today", "2026-11-26")["targets"]["ad"]["verdict"] == "cleared"

    (plan,) = onroll.json("runs", "undo", "5", code=3)["plans"]
    onroll.run("runs", "undo", "5", "--approve", plan["digest"])
    onroll.students(*EVERYBODY)
    mended = onroll.json("sync", "--today", "2026-11-27")["targets"]["ad"]
    assert (mended["verdict"], mended["enabled"], mended["disabled"]) == ("cleared", 0, 0)


def test_one_line_undoes_a_run_in_every_target(tmp_path: Path) -> None:
    onroll = milton_park(tmp_path)
    onroll.configure(TWO_TARGETS)
    onroll.students(*EVERYBODY)
    onroll.run("sync", "--today", "2026-11-24")
    onroll.students(*GONE)
    onroll.run("sync", "--today", "2026-11-25")
    said = onroll.run("runs", "undo", "2", code=3).out
    line = next(each for each in said.splitlines() if each.startswith("All of it at once: onroll "))
    done = onroll.json(*line.removeprefix("All of it at once: onroll ").split())
    assert {name: one["enabled"] for name, one in done["targets"].items()} == {"ad": 4, "ad2": 4}


def test_what_cannot_be_undone_is_a_sentence(onroll: Command) -> None:
    assert "There is no run 77" in onroll.run("runs", "undo", "77", code=1).err
    onroll.run("pull", "--today", "2026-11-25")
    assert "Run 3 (pull of milton-park) wrote nothing" in onroll.run("runs", "undo", "3", code=1).err
    assert "has no target gogle" in onroll.run("runs", "undo", "2", "--target", "gogle", code=2).err


def test_a_run_of_a_school_that_is_no_longer_configured_is_not_undone(onroll: Command) -> None:
    onroll.configure(CONFIG.replace('id = "milton-park"', 'id = "milton"') + SECOND)
    assert "There is no school milton-park" in onroll.run("runs", "undo", "2", code=2).err


def test_a_rename_that_is_undone_gives_the_names_back(onroll: Command) -> None:
    onroll.run("users", "rename", "20asmithaz", "b.smith")
    assert onroll.json("sync", "--today", "2026-11-26")["targets"]["ad"]["renamed"] == 1
    (plan,) = onroll.json("runs", "undo", "3", code=3)["plans"]
    onroll.run("runs", "undo", "3", "--approve", plan["digest"])
    user = onroll.json("users", "show", "b.smith@miltonpark.test")
    assert (user["username"], user["aliases"]) == ("20asmithaz", ["b.smith@miltonpark.test"])
    assert onroll.json("plan", "--today", "2026-11-26")["plans"][0]["changes"] == []
