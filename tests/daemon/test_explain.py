"""`onroll explain` and `onroll users forget` on the command line."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from command import CONFIG, POTTERS, SECOND, Command, milton_park
from onroll_connectors.sandbox.directory import forget, open_directory
from onroll_connectors.targets.ad_wire import Add
from onroll_core.periods import Period
from onroll_daemon.settings import load


@pytest.fixture
def onroll(tmp_path: Path) -> Command:
    """Three pupils with their accounts, in groups, by a configuration that says how they are called."""
    command = milton_park(tmp_path)
    command.configure(
        CONFIG.replace("[[school]]", 'groups = ["year"]\n[[school]]', 1)
        + '[school.students]\nusername = "{yoe2}{initial}{last}"\n'
    )
    command.run("sync")
    return command


def thing(told: dict[str, Any], what: str) -> dict[str, Any]:
    (found,) = [each for each in told["things"] if each["what"] == what]
    return found


def test_the_document_has_record_rule_run_and_reason_for_every_thing(onroll: Command) -> None:
    told = onroll.json("explain", "20hpotter1")
    assert (told["username"], told["state"], told["forgotten"]) == ("20hpotter1", "active", False)
    assert told["because"] == told["sentences"]
    assert {each["what"] for each in told["things"]} == {
        "sign-in", "username", "address", "display name", "Year of Entry", "place", "group",
    }  # fmt: skip
    for each in told["things"]:
        assert set(each) == {"what", "value", "target", "record", "rule", "run", "at", "asked", "because"}
        assert each["rule"] and each["run"] == 1 and each["because"], each
    assert thing(told, "username")["rule"] == '[school.students] username = "{yoe2}{initial}{last}"'
    assert thing(told, "place")["rule"].endswith("(the default)")
    assert thing(told, "sign-in")["record"] == "student:2: on roll, first day 1 September 2026"
    assert told["targets"]["ad"]["enabled"] is True and told["targets"]["ad"]["reached"] is True
    assert told["tonight"] == [
        {"target": "ad", "changes": [], "sentences": [], "conflicts": [], "notices": [], "held": [], "digest": "", "error": ""}
    ]  # fmt: skip


def test_a_network_manager_reads_it_in_ten_seconds(onroll: Command) -> None:
    out = onroll.run("explain", "20hpotter1").out
    lines = out.splitlines()
    assert re.fullmatch(r"20hpotter1: Hermione Potter, a pupil of Milton Park School \(identity \w{13}\)", lines[0])
    assert lines[1] == "ACTIVE: on roll (student:2: on roll, first day 1 September 2026)"
    headings = [line for line in lines if line and not line.startswith(" ")][2:]
    assert headings == ["Sign-in", "Names", "Place and attributes", "Groups", "Tonight", "History"]
    assert "  ad: enabled - on roll" in lines
    assert "  ad: nothing" in lines
    assert max(map(len, lines)) < 320


def test_what_would_change_tonight_and_only_for_them(onroll: Command) -> None:
    onroll.students(*POTTERS[:1], "2,Hermione,Granger,7,01/09/2026,", "3,Ron,Weasley,8,01/09/2025,01/10/2026")
    onroll.run("pull")
    told = onroll.json("explain", "20hpotter1")
    (tonight,) = told["tonight"]
    assert [(each["kind"], each["username"]) for each in tonight["changes"]] == [("update", "20hpotter1")]
    out = onroll.run("explain", "19rweasley").out
    assert "  ad: Disable 19rweasley: left on 1 October 2026." in out
    assert "  ad: enabled - left on 1 October 2026 (expected), and it has not been disabled yet" in out
    assert "Hermione" not in out
    plan = onroll.json("plan")
    assert len(plan["plans"][0]["changes"]) > 1
    assert len(onroll.json("runs")["runs"]) == 2  # explaining is no run


def test_offline_and_out_of_reach(onroll: Command) -> None:
    assert onroll.json("explain", "20hpotter", "--offline")["tonight"][0]["error"] == "not asked"
    assert "  ad: not asked" in onroll.run("explain", "20hpotter", "--offline").out
    (onroll.folder / "directory.json").write_text("not a directory", encoding="utf-8")
    out = onroll.run("explain", "20hpotter").out
    assert "ad: cannot be told, because it could not be looked at: " in out
    assert "username: 20hpotter - made of Harry Potter" in out


def test_an_account_that_was_never_ours(onroll: Command) -> None:
    base = "OU=Milton Park,DC=school,DC=test"
    directory = open_directory(str(onroll.folder / "directory.json"), base).directory
    values = {
        "objectClass": ["top", "person", "organizationalPerson", "user"],
        "sAMAccountName": ["j.smith"],
        "userPrincipalName": ["j.smith@miltonpark.test"],
        "displayName": ["John Smith"],
        "userAccountControl": ["544"],
    }
    assert directory.do(Add(f"CN=John Smith,{base}", values)).done
    forget(str(onroll.folder / "directory.json"))
    told = onroll.json("explain", "j.smith")
    assert told["identity"] is None
    (stranger,) = told["strangers"]
    assert (stranger["target"], stranger["identity"]) == ("ad", None)
    out = onroll.run("explain", "j.smith").out
    assert "Nobody is known by 'j.smith'." in out
    assert "In ad the account j.smith (John Smith" in out and "nobody is linked to it" in out


def test_a_person_who_is_not_found_and_who_may_be_meant(onroll: Command) -> None:
    for text in ("20hpoter", "hermoine potter", "Weasly"):
        assert "Did you mean" in onroll.run("explain", text, code=1).err, text
    assert "19rweasley (Ron Weasley)" in onroll.run("explain", "Weasly", code=1).err
    assert "Look for them with: onroll users list" in onroll.run("explain", "qqqq", code=1).err
    assert "may mean" in onroll.run("explain", "potter", code=1).err


def test_a_school_that_is_alone_of_two_has_its_own_rules(onroll: Command) -> None:
    onroll.configure(CONFIG + SECOND)
    onroll.students("1,Neville,Longbottom,3,01/09/2023,", folder="oakfield")
    onroll.run("sync", "oakfield")
    told = onroll.json("explain", "neville longbottom")
    assert thing(told, "username")["rule"].endswith(', prefix = "o-"')
    assert thing(told, "place")["rule"] == '[school.students] place = "Oakfield/{yoe4}"'


def test_forgetting_by_hand_is_shown_first_and_is_for_leavers_alone(onroll: Command) -> None:
    assert (
        "only somebody who has left can be forgotten"
        in onroll.run("users", "forget", "19rweasley", "--confirm", code=1).err
    )
    onroll.students(*POTTERS[:2], "3,Ron,Weasley,8,01/09/2025,01/10/2026")
    onroll.run("sync")
    assert "Nothing was done yet" in onroll.run("users", "forget", "19rweasley", code=3).out
    assert "Ron" in onroll.run("explain", "19rweasley").out
    assert onroll.json("users", "forget", "19rweasley", "--confirm")["forgotten"] is True
    out = onroll.run("explain", "19rweasley").out
    assert "Ron" not in out and "Weasley" not in out.replace("19rweasley", "")
    assert (
        "LEFT: is a leaver in the MIS, and what was known of them has been forgotten; the username stays taken" in out
    )
    assert "already" in onroll.run("users", "forget", "19rweasley", "--confirm", code=1).err
    text = (onroll.folder / "onroll.db").read_bytes()
    assert b"Ron" not in text and b"Weasley" not in text
    onroll.run("sync")
    assert onroll.json("plan")["plans"][0]["changes"] == []  # and now there is nothing to do


def test_how_long_leavers_are_kept_is_a_setting(onroll: Command) -> None:
    onroll.configure(CONFIG.replace('mis = "csv"', 'mis = "csv"\nkeep_leavers = "3 days"'))
    assert 'write "7 years", "18 months", or "always"' in onroll.run("plan", code=2).err
    for told, kept in (("always", None), ("18 months", Period(18))):
        onroll.configure(CONFIG.replace('mis = "csv"', f'mis = "csv"\nkeep_leavers = "{told}"'))
        assert load(onroll.folder / "onroll.toml").schools["milton-park"].rules.keep_leavers == kept
    onroll.configure(CONFIG)
    assert load(onroll.folder / "onroll.toml").schools["milton-park"].rules.keep_leavers == Period(84)
