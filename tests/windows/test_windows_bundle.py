"""The bundle: what is in the zip, that it is the same every time, and that Windows gives the accounts that Linux gives."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path, PureWindowsPath

import pytest

from wine import BUILD, ROOT, Windows

PUPILS = "140" if os.environ.get("ONROLL_SOAK") else "12"


def inside(bundle: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(bundle) as archive:
        return {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def payload(bundle: Path) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(inside(bundle)["payload.zip"]))


def test_the_zip_holds_an_installer_and_one_payload_whose_hash_is_beside_it(bundle: Path) -> None:
    files = inside(bundle)
    assert set(files) == {
        *("install.ps1", "uninstall.ps1", "READ-ME.txt", "LICENSE.txt"),
        *("payload.zip", "payload.sha256"),
    }
    assert files["payload.sha256"].decode() == hashlib.sha256(files["payload.zip"]).hexdigest() + "\r\n"
    for name in ("install.ps1", "uninstall.ps1", "READ-ME.txt"):
        assert files[name].isascii()
        assert files[name].count(b"\n") == files[name].count(b"\r\n") > 10


def test_it_needs_no_python_and_every_path_is_short_enough_for_windows(payload: zipfile.ZipFile) -> None:
    names = payload.namelist()
    service = {"python.exe", "python313.dll", "pythonservice.exe", "pywintypes313.dll", "onroll.cmd", "LICENSE.txt"}
    assert service <= set(names)
    assert {
        "Lib/msgraph.zip",
        "Lib/site-packages/onroll_daemon/cli.py",
        "Lib/site-packages/win32/win32service.pyd",
    } <= set(names)
    program = PureWindowsPath(r"C:\Program Files\onroll")
    longest = max(
        len(
            str(
                (program / name).with_suffix("").parent
                / "__pycache__"
                / f"{Path(name).stem}.cpython-313.pyc.140000000000"
            )
        )
        for name in names
    )
    assert longest < 260
    assert not [
        name for name in names if name.startswith(("/", "..")) or "__pycache__" in name or name.endswith(".pyc")
    ]
    assert {each.date_time for each in payload.infolist()} == {(2020, 1, 1, 0, 0, 0)}
    assert names == sorted(names)


def test_nothing_of_the_machine_that_built_it_is_in_it(payload: zipfile.ZipFile) -> None:
    here = (str(ROOT).encode(), sys.prefix.encode())
    texts = (
        name for name in payload.namelist() if name.endswith((".py", "RECORD", "INSTALLER", ".json", "_pth", ".cmd"))
    )
    assert [name for name in texts if ".json" not in name and any(each in payload.read(name) for each in here)] == []


def test_the_same_tree_gives_the_same_bytes(bundle: Path, tmp_path: Path) -> None:
    again = subprocess.run([sys.executable, BUILD, "--out", tmp_path], capture_output=True, text=True, check=True)
    assert (
        hashlib.sha256(Path(again.stdout.strip()).read_bytes()).digest() == hashlib.sha256(bundle.read_bytes()).digest()
    )


def test_the_demo_makes_the_accounts_on_windows_that_it_makes_on_linux(windows: Windows) -> None:
    told = ("demo", "--once", "--json", "--pupils", PUPILS)
    there = json.loads(windows.onroll(*told).stdout)["accounts"]
    here = subprocess.run([ROOT / ".venv/bin/onroll", *told], capture_output=True, check=True).stdout
    assert there == json.loads(here)["accounts"]
    assert there["count"] > int(PUPILS)
    if PUPILS == "140":
        assert there == {"count": 159, "digest": "d8df1267848b7a0b42b4b8bd647c1ecbd533ecca97b49e81e11f0a2dab6fec63"}
