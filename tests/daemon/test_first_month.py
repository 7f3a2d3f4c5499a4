"""The first month, as a network manager types it: a week of looking, then one year group, then everybody."""

from __future__ import annotations

from pathlib import Path

import pytest

from command import CONFIG, Command, milton_park

WATCHED = CONFIG.replace("[[school]]", "observe_only = true\n[[school]]")
SEVEN = CONFIG.replace('targets = ["ad"]', 'targets = ["ad"]\nonly = { years = ["Year 7"] }')


@pytest.fixture
def school(tmp_path: Path) -> Command:
    return milton_park(tmp_path)


def test_a_month_from_looking_to_everybody(school: Command) -> None:
    school.configure(WATCHED)
    night = school.json("sync")
    assert night["targets"]["ad"]["verdict"] == "held" and night["targets"]["ad"]["observe_only"]
    (plan,) = school.json("plan")["plans"]
    assert [each["kind"] for each in plan["changes"]] == ["create"] * 3
    assert "Observe only: nothing is written to ad" in plan["objections"][0]
    assert school.json("sync", "milton-park", "--approve", plan["digest"])["targets"]["ad"]["created"] == 0
    told = school.run("apply", "milton-park", "--approve", plan["digest"])
    assert f"The approval of {plan['digest']} does nothing. ad is only observed" in told.err
    assert "--approve" not in told.out
    assert "ad: held, 3 changes would be made, if it were not only observed" in told.out
    assert [each["sentence"] for each in school.json("doctor")["findings"] if each["where"] == "milton-park"][
        0
    ].startswith("fresh")
    school.configure(SEVEN)
    assert school.json("sync")["targets"]["ad"]["created"] == 2
    assert school.json("plan")["plans"][0]["changes"] == []
    school.configure(CONFIG)
    assert school.json("sync")["targets"]["ad"]["created"] == 1


def test_what_cannot_be_understood_is_told(school: Command) -> None:
    school.configure(SEVEN.replace('{ years = ["Year 7"] }', "{}"))
    assert "only: names nobody" in school.run("check", code=2).err
    school.configure(SEVEN.replace("years", "yeers"))
    assert "Did you mean years?" in school.run("check", code=2).err
