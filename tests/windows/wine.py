"""Windows CPython on Wine: one prefix for a test run, with the bundle unpacked where install.ps1 puts it."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
BUILD = ROOT / "packaging" / "windows" / "build.py"


class Windows:
    """A machine with onroll installed. Standard output has to be a pipe: Wine gives Python no handle for a file that is open for writing alone."""

    def __init__(self, prefix: Path) -> None:
        self.prefix = prefix
        self.drive = prefix / "drive_c"
        self.program = self.drive / "Program Files" / "onroll"
        self.data = self.drive / "ProgramData" / "onroll"
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("ONROLL", "PYTHON"))},
            "WINEPREFIX": str(prefix),
            "WINEARCH": "win64",
            "WINEDEBUG": "-all",
            "WINEDLLOVERRIDES": "mscoree,mshtml=",
        }

    def run(
        self,
        *words: str | Path,
        stdin: bytes = b"",
        check: bool = True,
        more: Mapping[str, str] | None = None,
        seconds: float = 300,
    ) -> subprocess.CompletedProcess[bytes]:
        """A program to its end."""
        done = subprocess.run(
            [wine(), *map(str, words)],
            input=stdin,
            capture_output=True,
            env={**self.environment, **(more or {})},
            cwd=self.drive if self.drive.exists() else self.prefix,
            timeout=seconds,
            check=False,
        )
        if check:
            assert done.returncode == 0, (words, done.returncode, done.stdout[-3000:], done.stderr[-3000:])
        return done

    def python(self, *words: str | Path, **how: object) -> subprocess.CompletedProcess[bytes]:
        """The bundle's own Python."""
        return self.run(self.program / "python.exe", *words, **how)  # type: ignore[arg-type]

    def onroll(self, *words: str | Path, **how: object) -> subprocess.CompletedProcess[bytes]:
        """The command, as onroll.cmd starts it."""
        return self.python("-m", "onroll_daemon", *words, **how)

    def alive(self) -> subprocess.Popen[bytes]:
        """Keeps the machine up: Wine's service manager goes when the last program ends."""
        awake = subprocess.Popen(
            [wine(), str(self.program / "python.exe"), "-c", "import time; print('up', flush=True); time.sleep(1800)"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=self.environment,
        )
        assert awake.stdout is not None
        assert awake.stdout.readline().strip() == b"up"
        return awake


def wine() -> str:
    """Wine's own loader."""
    found = shutil.which("wine64") or shutil.which("wine") or "/usr/lib/wine/wine64"
    assert Path(found).exists(), "Wine is not installed: sudo bash tests/servers/install.sh"
    return found


def once(path: Path, make: Callable[[Path], None]) -> Path:
    """Made by whichever worker comes first; the others wait."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            make(path)
    return path


def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of this run have in common."""
    base = tmp_path_factory.getbasetemp()
    return (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "windows"


def build_bundle(folder: Path) -> None:
    """The bundle of this tree, alone in a folder."""
    done = subprocess.run([sys.executable, BUILD, "--out", folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The zip that a school downloads."""
    (path,) = once(shared(tmp_path_factory) / "dist", build_bundle).glob("*.zip")
    return path


def _installed(zipped: Path, prefix: Path) -> None:
    it = Windows(prefix)
    prefix.mkdir()
    it.run("wineboot", "-i", seconds=240)
    it.run("winecfg", "-v", "win10")
    compiler = ["x86_64-w64-mingw32-gcc", "-shared", "-O2", "-o", it.drive / "windows/system32/bcryptprimitives.dll"]
    subprocess.run([*compiler, HERE / "process_prng.c", "-ladvapi32"], check=True)
    with (
        zipfile.ZipFile(zipped) as outer,
        outer.open(next(n for n in outer.namelist() if n.endswith("payload.zip"))) as inner,
    ):
        zipfile.ZipFile(inner).extractall(it.program)
    (it.program / "_wmi.pyd").unlink()  # asks Windows Management Instrumentation, which Wine 8 has not


@pytest.fixture(scope="session")
def windows(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Windows]:
    """A machine with onroll's program on it."""
    folder = shared(tmp_path_factory)

    def make(done: Path) -> None:
        _installed(bundle, folder / "prefix")
        done.touch()

    once(folder / "installed", make)
    it = Windows(folder / "prefix")
    awake = it.alive()
    try:
        yield it
    finally:
        awake.kill()
        awake.communicate()
