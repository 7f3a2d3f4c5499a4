"""Renamed keys are renamed in somebody's own file, and nothing else in it moves."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest

from command import Command, milton_park
from onroll_core.errors import Halt
from onroll_daemon import config_migrate
from onroll_daemon.config_migrate import RENAMED, Renamed, difference, migrated, replace_file
from onroll_daemon.tables import FileTables, SchoolTable

RENAMES = (
    Renamed("school", "hours", "window", "0.2"),
    Renamed("targets.*", "root", "base", "0.2"),
    Renamed("school.students", "naming", "username", "0.3"),
)
OLD = """# our file
[targets.ad]   # the domain
kind = "active_directory"
root = "OU=Milton Park"   # root of it all

[[school]]
id = "one"
  hours   = "19:00-22:00"  # hours that suit us
[school.students]
naming = "{first}"

[[school]]
id = "two"
"hours" = "20:00-21:00"
students = { naming = "{last}" }
"""


def test_each_key_gets_its_new_name_and_comments_and_order_stay() -> None:
    inline = OLD.replace('students = { naming = "{last}" }\n', "")
    after, told = migrated(inline, RENAMES)
    expected = (
        inline.replace("root =", "base =").replace("  hours   =", "  window   =").replace('"hours" =', "window =")
    )
    assert after == expected.replace("naming =", "username =")
    assert told == [
        "Line 8: hours is called window since version 0.2.",
        "Line 14: hours is called window since version 0.2.",
        "Line 4: root is called base since version 0.2.",
        "Line 10: naming is called username since version 0.3.",
    ]
    assert migrated(after, RENAMES) == (after, [])


def test_a_key_of_the_same_name_elsewhere_is_left_alone() -> None:
    text = '[store]\nhours = "1"\n[school_like]\nroot = "x"\n'
    assert migrated(text, RENAMES) == (text, [])


def test_a_table_that_has_both_names_is_for_a_person() -> None:
    with pytest.raises(Halt, match="Line 2: hours is now called window, and the same table has both"):
        migrated('[[school]]\nhours = "1"\nwindow = "2"\n', RENAMES)


def test_a_file_that_is_no_toml_is_left_alone() -> None:
    with pytest.raises(Halt, match="cannot be understood.*nothing was changed"):
        migrated("[[school]\n", RENAMES)


def test_windows_line_ends_and_the_byte_order_mark_stay(tmp_path: Path) -> None:
    path = tmp_path / "onroll.toml"
    before = b"\xef\xbb\xbf" + b'[[school]]\r\nhours = "1"\r\n'
    path.write_bytes(before)
    path.chmod(0o640)
    after, _ = migrated(path.read_text(encoding="utf-8-sig"), RENAMES)
    kept = replace_file(path, after)
    assert path.read_bytes() == b"\xef\xbb\xbf" + b'[[school]]\r\nwindow = "1"\r\n'
    assert kept.read_bytes() == before and kept.name == "onroll.toml.before-1"
    assert replace_file(path, after).name == "onroll.toml.before-2"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640 or sys.platform == "win32"


def test_the_difference_is_shown_as_diff_does() -> None:
    told = difference("a\nold = 1\nb\n", "a\nnew = 1\nb\n", "onroll.toml")
    assert "-old = 1\n+new = 1" in told and told.startswith("--- onroll.toml (now)")


def test_what_was_renamed_is_there_under_its_new_name_alone() -> None:
    known = {"school": SchoolTable, "": FileTables}
    for each in RENAMED:
        if each.table in known:
            assert each.new in known[each.table].model_fields and each.old not in known[each.table].model_fields


def test_the_command_shows_first_and_writes_when_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command: Command = milton_park(tmp_path)
    assert "needs no change" in command.run("config", "migrate").out
    monkeypatch.setattr(config_migrate, "RENAMED", RENAMES)
    monkeypatch.setattr(config_migrate.migrated, "__defaults__", (RENAMES,))
    text = (tmp_path / "onroll.toml").read_text(encoding="utf-8") + 'quiet = "x"\n'
    old = text.replace('quiet = "x"\n', "").replace("base =", "root =")
    command.configure(old)
    said = command.run("config", "migrate").out
    assert "-root =" in said and "+base =" in said and "Nothing was written" in said
    assert (tmp_path / "onroll.toml").read_text(encoding="utf-8") == old
    assert "Wrote" in command.run("config", "migrate", "--write").out
    assert "base =" in (tmp_path / "onroll.toml").read_text(encoding="utf-8")
    assert (tmp_path / "onroll.toml.before-1").read_text(encoding="utf-8") == old
    command.run("sync")
