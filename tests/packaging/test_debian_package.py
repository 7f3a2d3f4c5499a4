"""The Debian package's parts say what they should, and the unit may do little; what a whole Debian makes of it is in `test_debian_server`."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DEBIAN = ROOT / "packaging" / "debian"
UNIT = ROOT / "packaging" / "systemd" / "onroll.service"


@pytest.mark.parametrize("name", ["postinst", "prerm", "postrm"])
def test_a_script_of_the_package_is_a_shell_script_that_stops_at_a_failure(name: str) -> None:
    script = DEBIAN / name
    subprocess.run(["sh", "-n", str(script)], check=True)
    text = script.read_text(encoding="utf-8")
    assert text.startswith("#!/bin/sh\n") and re.search(r"^set -e$", text, re.MULTILINE)
    assert "[[" not in text and "function " not in text and "<<<" not in text, "Debian's sh is no bash"
    assert script.stat().st_mode & 0o111


def fields() -> dict[str, str]:
    """The fields of the control file, each with its whole text."""
    found: dict[str, str] = {}
    name = ""
    for line in (DEBIAN / "control.in").read_text(encoding="utf-8").splitlines():
        assert len(line) <= 200 and line == line.rstrip()
        if line.startswith(" "):
            found[name] += f"\n{line}"
        else:
            name, _, value = line.partition(": ")
            assert name not in found
            found[name] = value
    return found


def test_the_control_file_has_what_dpkg_asks_for() -> None:
    told = fields()
    assert {"Package", "Version", "Architecture", "Maintainer", "Description", "Depends"} <= told.keys()
    assert re.fullmatch(r"[^<>]+ <[^<>@ ]+@[^<>@ ]+>", told["Maintainer"])
    synopsis, *rest = told["Description"].split("\n")
    assert len(synopsis) <= 80 and not synopsis.endswith(".") and all(line.startswith(" ") for line in rest)
    for wanted in ("python3 (>= ", "python3 (<< ", "adduser", "debconf", "tzdata"):
        assert wanted in told["Depends"]


def test_whether_the_data_goes_is_asked_and_the_answer_is_no_unless_somebody_says_yes() -> None:
    text = (DEBIAN / "templates").read_text(encoding="utf-8")
    assert re.search(r"^Template: onroll/purge-data$", text, re.MULTILINE) and "Default: false" in text
    script = (DEBIAN / "postrm").read_text(encoding="utf-8")
    assert (
        script.index("answer=false")
        < script.index("db_get")
        < script.index('if [ "$answer" = true ]')
        < script.index("rm -rf /var/lib/onroll")
    )


def test_the_store_is_backed_up_before_the_new_program_touches_it() -> None:
    script = (DEBIAN / "postinst").read_text(encoding="utf-8")
    assert script.index("onroll backup") < script.index("onroll runs") < script.index("systemctl start")


def keys() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in UNIT.read_text(encoding="utf-8").splitlines():
        if line and line[0] not in "#[":
            key, _, value = line.partition("=")
            found.setdefault(key, []).append(value)
    return found


def test_the_unit_runs_as_its_own_user_tells_systemd_how_it_is_and_is_started_again() -> None:
    told = keys()
    assert told["Type"] == ["notify"] and told["User"] == ["onroll"] and told["Restart"] == ["on-failure"]
    assert 30 <= int(told["WatchdogSec"][0]) <= 300
    assert int(told["TimeoutStopSec"][0]) > 60
    assert told["RestartPreventExitStatus"] == ["2"], "a mistake in the configuration is no reason to try again"


def test_systemd_understands_the_unit_and_finds_it_locked_down(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:  # another Linux, or Windows
        assert keys()["ProtectSystem"] == ["strict"]
        return
    there = tmp_path / "onroll.service"
    text = UNIT.read_text(encoding="utf-8")
    there.write_text(text.replace("/opt/onroll/bin/python", "/bin/true"), encoding="utf-8")
    verified = subprocess.run([analyze, "verify", str(there)], capture_output=True, text=True, check=False)
    about_ours = [line for line in verified.stderr.splitlines() if "onroll" in line and "Documentation" not in line]
    assert about_ours == []
    judged = subprocess.run(
        [analyze, "security", "--offline=true", str(there)], capture_output=True, text=True, check=False
    )
    found = re.search(r"exposure level for onroll.service: ([0-9.]+)", judged.stdout)
    assert found is not None, judged.stdout + judged.stderr
    assert float(found[1]) <= 2.0


def test_the_build_finds_where_the_sample_names_the_store() -> None:
    build = (DEBIAN / "build.py").read_text(encoding="utf-8")
    sample = (ROOT / "config" / "onroll.toml").read_text(encoding="utf-8")
    old = re.search(r"""'(url = "sqlite:///onroll\.db"[^']*)'""", build)
    new = re.search(r"""'(url = "sqlite:////var[^']*)'""", build)
    assert old is not None and new is not None and sample.count(old[1]) == 1
    assert tomllib.loads(sample.replace(old[1], new[1]))["store"]["url"] == "sqlite:////var/lib/onroll/onroll.db"
