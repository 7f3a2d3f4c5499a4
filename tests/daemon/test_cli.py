"""The command line as scripts see it: exit codes, one JSON document on standard output, sentences on standard error."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from command import CONFIG, POTTERS, SECOND, Command, milton_park


@pytest.fixture
def onroll(tmp_path: Path) -> Command:
    return milton_park(tmp_path)


def smiths(count: int) -> list[str]:
    return [f"{n},A{chr(97 + n)},Smith,7,01/09/2026," for n in range(count)]


def test_a_school_from_its_first_reading_to_an_empty_plan(onroll: Command) -> None:
    assert onroll.json("pull")["people"]["joiners"] == 3
    plan = onroll.json("plan", "milton-park")
    assert plan.keys() == {"school", "plans"}
    (one,) = plan["plans"]
    assert {"target", "digest", "verdict", "objections", "changes", "conflicts"} <= one.keys()
    assert [change["kind"] for change in one["changes"]] == ["create"] * 3
    assert {"kind", "identity", "username", "reason", "before", "after"} <= one["changes"][0].keys()
    applied = onroll.json("apply")
    assert {
        "verdict",
        "created",
        "updated",
        "renamed",
        "moved",
        "disabled",
        "enabled",
        "failed",
        "deferred",
    } <= applied["targets"]["ad"].keys()
    assert applied["targets"]["ad"]["created"] == 3
    assert onroll.json("plan")["plans"][0]["changes"] == []
    again = onroll.json("sync")
    assert again["people"] == {"joiners": 0, "movers": 0, "leavers": 0, "returners": 0, "conflicts": 0}
    assert again["targets"]["ad"]["verdict"] == "cleared"
    users = onroll.json("users", "list")["users"]
    assert [user["username"] for user in users] == ["19rweasley", "20hpotter", "20hpotter1"]
    assert users[0] == {
        "identity": users[0]["identity"], "username": "19rweasley", "email": "19rweasley@miltonpark.test", "aliases": [], "display_name": "Ron Weasley",
        "role": "student", "school": "milton-park", "source": "mis", "state": "active", "year_of_entry": 2019, "year_group": "Year 8",
        "registration_group": None,
    }  # fmt: skip
    assert re.fullmatch(r"[a-z2-7]{13}", users[0]["identity"])


def test_in_words_for_people(onroll: Command) -> None:
    assert "3 joiners" in onroll.run("pull").out
    assert "ad: 3 changes, cleared (digest" in onroll.run("plan").out
    assert "Create 20hpotter" in onroll.run("plan").out
    assert "ad: cleared, 3 created" in onroll.run("apply").out
    assert onroll.run("plan").out == "ad: nothing to do\n"
    assert "3 people" in onroll.run("users", "list").out
    assert "ad: 3 created" in onroll.run("runs").out
    assert "Run 2: apply of milton-park" in onroll.run("runs", "show", "2").out
    assert "applied   Create 20hpotter" in onroll.run("runs", "show", "2").out
    assert "20hpotter@miltonpark.test" in onroll.run("users", "show", "20hpotter").out


def test_a_rename_by_hand_keeps_the_old_address(onroll: Command) -> None:
    onroll.run("sync")
    assert (
        "20hpotter1@miltonpark.test stays as an alias" in onroll.run("users", "rename", "20hpotter1", "H.Granger").out
    )
    assert onroll.json("sync")["targets"]["ad"]["renamed"] == 1
    user = onroll.json("users", "show", "20hpotter1@miltonpark.test")
    assert (user["username"], user["email"], user["aliases"]) == (
        "h.granger",
        "h.granger@miltonpark.test",
        ["20hpotter1@miltonpark.test"],
    )
    assert any("Former addresses" in sentence for sentence in onroll.json("explain", "h.granger")["because"])
    assert onroll.json("users", "rename", "19rweasley", "ron", "--no-alias")["aliases"] == []


@pytest.mark.parametrize(
    ("who", "new", "code", "says"),
    [
        ("20hpotter", "19rweasley", 1, "Choose another name"),
        ("20hpotter", "20hpotter", 1, "already"),
        ("20hpotter", "admin", 2, "keep for themselves"),
        ("20hpotter", "h potter", 2, "cannot be a username"),
        ("20hpotter", "x" * 21, 2, "at most 20"),
        ("nobody", "somebody", 1, "onroll users list"),
        ("potter", "somebody", 1, "may mean"),
    ],
)
def test_a_rename_that_cannot_be(onroll: Command, who: str, new: str, code: int, says: str) -> None:
    onroll.run("pull")
    assert says in onroll.run("users", "rename", who, new, code=code).err
    assert [each["username"] for each in onroll.json("users", "list")["users"]] == [
        "19rweasley",
        "20hpotter",
        "20hpotter1",
    ]


def test_somebody_who_waits_for_a_name_is_given_one(onroll: Command) -> None:
    onroll.students("1,李,明,7,01/09/2026,", "2,,Administrator,7,01/09/2026,", "3,!!!,???,7,01/09/2026,")
    onroll.run("sync")
    waiting = next(each for each in onroll.json("users", "list")["users"] if each["username"] is None)
    assert any(waiting["identity"] in conflict["why"] for conflict in onroll.json("plan")["plans"][0]["conflicts"])
    assert "20guest" in onroll.run("users", "rename", waiting["identity"], "20guest").out
    assert onroll.json("apply")["targets"]["ad"]["created"] == 1


def test_an_address_with_a_format_of_its_own_follows_the_name_not_the_username(onroll: Command) -> None:
    onroll.configure(CONFIG + '[school.students]\nemail = "{first}.{last}"\n')
    onroll.run("sync")
    told = onroll.json("users", "rename", "20hpotter1", "h.granger")
    assert (told["email"], told["aliases"]) == ("hermione.potter@miltonpark.test", [])
    onroll.students(*POTTERS[:1], "2,Hermione,Granger,7,01/09/2026,", *POTTERS[2:])
    onroll.run("pull")
    told = onroll.json("users", "rename", "h.granger", "hgranger")
    assert (told["email"], told["aliases"]) == ("hermione.granger@miltonpark.test", ["hermione.potter@miltonpark.test"])


def test_exit_code_2_is_usage_or_configuration(onroll: Command) -> None:
    onroll.run("sync", "miltonpark", code=2)
    assert "Did you mean milton-park?" in onroll.run("sync", "miltonpark", code=2).err
    assert "Did you mean ad?" in onroll.run("plan", "--target", "adx", code=2).err
    assert "2026-09-01" in onroll.run("sync", "--today", "yesterday", code=2).err
    assert "onroll init" in onroll.run("plan", "--config", "nowhere.toml", code=2).err
    onroll.run("frobnicate", code=2)
    onroll.configure(CONFIG.replace("name =", "nam =").replace("listen", "lisen"))
    err = onroll.run("check", code=2).err
    assert "onroll.toml, line 10: school.nam: there is no such key. Did you mean name?" in err
    assert "onroll.toml, line 3: console.lisen: there is no such key. Did you mean listen?" in err


def test_exit_code_4_is_nothing_could_be_read(onroll: Command) -> None:
    assert "onroll pull milton-park" in onroll.run("plan", code=4).err
    (onroll.folder / "export" / "students.csv").unlink()
    done = onroll.run("sync", "--json", code=4)
    assert "no CSV file" in done.err
    assert json.loads(done.out)["error"] in done.err
    onroll.students()
    assert "a header and no row" in onroll.run("pull", code=4).err


def test_exit_code_3_is_held_and_the_digest_lets_it_pass_once(onroll: Command) -> None:
    onroll.students(*smiths(20))
    onroll.run("sync")
    onroll.students(*smiths(6))
    done = onroll.run("sync", code=3)
    digest = re.search(r"onroll sync milton-park --approve (\S+)", done.out)
    assert digest, done.out
    held = onroll.json("sync", code=3)
    assert (held["targets"]["ad"]["verdict"], held["digest"]) == ("held", digest[1])
    assert onroll.json("sync", "--approve", "0" * 16, code=3)["held"]
    assert onroll.json("pull", "--approve", digest[1])["people"]["joiners"] == 0


def test_a_held_plan_says_how_to_let_it_pass(onroll: Command) -> None:
    onroll.configure(CONFIG + "[school.limits]\ncreate = { count = 1, percent = 0 }\n")
    onroll.students(*(f"{n},A{chr(97 + n)},Smith,7,01/09/2019," for n in range(3)))
    onroll.run("pull", "--today", "2026-11-20")
    onroll.students(*(f"{n},A{chr(97 + n)},Smith,7,01/09/2019," for n in range(9)))
    done = onroll.run("sync", "--today", "2026-11-24", code=3)
    digest = re.search(r"onroll apply milton-park --target ad --approve (\S+)", done.out)
    assert digest, done.out
    assert f"digest {digest[1]}" in onroll.run("plan", "--today", "2026-11-24", code=3).out
    day = ("--today", "2026-11-24")
    assert onroll.json("apply", "--target", "ad", "--approve", digest[1], *day)["targets"]["ad"]["created"] >= 6
    assert onroll.json("apply", *day)["targets"]["ad"]["created"] == 0


def test_exit_code_1_is_failed_and_other_targets_go_on(onroll: Command) -> None:
    broken = (
        '[targets.m365]\nkind = "microsoft365"\nendpoint = "http://127.0.0.1:1"\ntoken = "env:ONROLL_NOT_SET_AT_ALL"\n'
    )
    onroll.configure(broken + CONFIG.replace('["ad"]', '["m365", "ad"]'))
    told = onroll.json("sync", code=1)
    assert told["targets"]["m365"]["verdict"] == "failed"
    assert "ONROLL_NOT_SET_AT_ALL" in told["targets"]["m365"]["error"]
    assert told["targets"]["ad"]["created"] == 3


def test_an_attribute_that_a_target_cannot_write_is_said_before_anything_is_written(onroll: Command) -> None:
    onroll.configure(
        CONFIG.replace("[[school]]", '[targets.ad.attributes.students]\ndepartment = "{year}"\n[[school]]')
    )
    assert "department cannot be written to ad" in onroll.run("check", code=1).out
    told = onroll.json("sync", code=1)
    assert (told["targets"]["ad"]["created"], "department" in told["targets"]["ad"]["error"]) == (0, True)


def test_another_day_can_be_rehearsed(onroll: Command) -> None:
    onroll.students("1,Harry,Potter,7,01/09/2026,18/12/2026", "2,Luna,Lovegood,7,01/09/2027,")
    onroll.run("sync", "--today", "2026-11-24")
    plan = onroll.json("plan", "--as-of", "2027-01-05", "--today", "2026-11-24")
    assert [(change["kind"], change["reason"]) for change in plan["plans"][0]["changes"]] == [
        ("disable", "left on 18 December 2026")
    ]
    assert onroll.json("plan", "--today", "2026-11-24")["plans"][0]["changes"] == []
    states = {
        each["username"]: each["state"] for each in onroll.json("users", "list", "--today", "2027-01-05")["users"]
    }
    assert states == {"20hpotter": "left", "21llovegood": "future"}


def test_several_schools_are_run_in_turn_and_one_document_lists_them(onroll: Command) -> None:
    onroll.configure(CONFIG + SECOND)
    onroll.students("1,Neville,Longbottom,3,01/09/2023,", folder="oakfield")
    told = onroll.json("sync")
    assert [(each["school"], each["targets"]["ad"]["created"]) for each in told] == [
        ("milton-park", 3),
        ("oakfield", 1),
    ]
    assert onroll.json("plan", "oakfield")["school"] == "oakfield"
    assert {each["school"] for each in onroll.json("users", "list")["users"]} == {"milton-park", "oakfield"}
    (onroll.folder / "export" / "students.csv").unlink()
    worst = onroll.json("sync", code=4)
    assert ("error" in worst[0], worst[1]["targets"]["ad"]["verdict"]) == (True, "cleared")
    assert "name it" in onroll.run("sync", "--approve", "0" * 16, code=2).err


def test_a_school_that_somebody_else_works_on_does_not_keep_the_others_waiting(onroll: Command) -> None:
    from onroll_core.store import Store, this_process
    from onroll_daemon.wiring import now

    onroll.configure(CONFIG + SECOND)
    onroll.students("1,Neville,Longbottom,3,01/09/2023,", folder="oakfield")
    store = Store.open(f"sqlite:///{(onroll.folder / 'onroll.db').as_posix()}", now)
    try:
        with store.lease("milton-park", this_process("a test")):
            told = onroll.json("sync", code=1)
            assert "a test" in told[0]["error"]
            assert told[1]["targets"]["ad"]["created"] == 1
            assert "a test" in onroll.run("sync", "milton-park", code=1).err
    finally:
        store.close()


def test_check_says_a_sentence_about_everything(onroll: Command) -> None:
    done = onroll.run("check")
    for each in (
        "settings:",
        "store:",
        "milton-park: nothing has been read yet",
        "the service next begins on",
        "milton-park, csv:",
        "ad:",
    ):
        assert each in done.out
    assert all(line.split()[0] in ("ok", "warning", "problem") for line in done.out.splitlines())
    onroll.run("sync")
    assert "milton-park: fresh: everybody was read on" in onroll.run("check").out
    (onroll.folder / "export" / "students.csv").unlink()
    findings = onroll.json("check", code=1)["findings"]
    assert {each["level"] for each in findings} == {"ok", "problem"}
    assert all(each["sentence"].endswith((".", "?")) for each in findings)


def test_a_store_that_is_none_is_a_finding_and_elsewhere_a_sentence(onroll: Command) -> None:
    (onroll.folder / "onroll.db").write_text("this is a letter to parents" * 99, encoding="utf-8")
    assert "problem  store:" in onroll.run("check", code=1).out
    assert "no database" in onroll.run("sync", code=1).err


def test_init_writes_once_and_what_it_writes_can_be_checked(tmp_path: Path) -> None:
    command = Command(tmp_path)
    command.run("init", str(tmp_path / "new"))
    assert (tmp_path / "new" / "onroll.db").exists()
    assert "already there" in command.run("init", str(tmp_path / "new"), code=2).err
    assert "export" in command.run("check", "--config", str(tmp_path / "new"), code=1).out
    (tmp_path / "file").write_text("x", encoding="utf-8")
    assert "is a file" in command.run("init", str(tmp_path / "file"), code=2).err


def test_names_of_people_are_not_logged(onroll: Command) -> None:
    onroll.students("1,Harry,Potter,7,01/09/2026,18/12/2026", *POTTERS[1:])
    for arguments in (("sync", "--today", "2026-11-24"), ("sync", "--today", "2027-01-05")):
        err = onroll.run(*arguments, "--json").err.lower()
        assert "potter" not in err
        assert "weasley" not in err


def test_as_a_process_it_speaks_utf_8_on_standard_output(onroll: Command) -> None:
    onroll.students("1,Zoë,Wiśniewska,7,01/09/2026,")
    onroll.run("pull")
    done = onroll.process("users", "list", env={"PATH": "", "PYTHONIOENCODING": "cp1252", "SYSTEMROOT": ""})
    assert "Zoë Wiśniewska" in done.out


def test_what_nobody_foresaw_is_a_sentence_with_a_place_and_no_text(onroll: Command) -> None:
    """ONROLL_DEBUG=1 shows the rest."""
    code = (
        "import sys\nfrom onroll_daemon import cli, __main__\n"
        "def broken():\n    raise RuntimeError('Passw0rd')\n"
        "cli.app.command('broken')(broken)\nsys.argv = ['onroll', 'broken']\n__main__.main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "(RuntimeError," in done.stderr
    assert "Passw0rd" not in done.stderr
    assert "Traceback" not in done.stderr


def test_a_reader_that_has_enough_is_no_failure_worth_a_traceback(onroll: Command) -> None:
    onroll.students(*(f"{n},Anna,Smith{'abcdefghij'[n % 10]},7,01/09/2026," for n in range(3000)))
    onroll.run("pull")
    running = onroll.start("users", "list", "--json")
    assert running.stdout is not None
    assert running.stdout.read(2) == "{\n"
    running.stdout.close()
    assert running.stderr is not None
    assert running.stderr.read() == ""
    running.stderr.close()
    assert running.wait(60) == 1


@pytest.mark.parametrize(
    ("arguments", "also"),
    [
        (["--help"], "pydantic"),
        (["sync", "--help"], "sqlalchemy"),
    ],  # Typer itself uses pydantic for a command's own help
)
def test_help_loads_nothing_heavy(arguments: list[str], also: str) -> None:
    heavy = {"ldap3", "msgraph", "googleapiclient", "sqlalchemy", "fastapi", "rich", "unidecode", "asyncio", also}
    code = f"import sys; from onroll_daemon.cli import app\ntry: app({arguments!r})\nexcept SystemExit: pass\nprint(sorted({heavy!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_sync_of_a_csv_school_loads_none_of_the_sdks(onroll: Command) -> None:
    code = "import sys; sys.argv=['onroll','sync']; from onroll_daemon.__main__ import main\ntry: main()\nexcept SystemExit: pass\nprint(sorted({'ldap3','msgraph','googleapiclient','fastapi','rich'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=onroll.folder, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
