"""Makes the Debian package: onroll and everything it stands on in /opt/onroll, from uv.lock by hash. The same tree gives the same bytes.

    build.py [--out DIR] [--version VERSION]

It has to be built with the Python that the package will run on: /usr/bin/python3 of that Debian release.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
UV = ROOT / ".cache" / "tools" / "bin" / "uv"
PYTHON = "/usr/bin/python3"
SCRIPTS = ("postinst", "prerm", "postrm")
EPOCH = "1577836800"  # the first of January 2020: no file in the package is newer
# Written by the installer about itself: paths and times of the machine that built.
STRAY = ("direct_url.json", "uv_cache.json", "uv_build.json", "REQUESTED", "INSTALLER")
STORE = (
    'url = "sqlite:///onroll.db"            # a file beside this one;',
    'url = "sqlite:////var/lib/onroll/onroll.db"    # a file;',
)


class Unbuilt(Exception):
    """Says in a sentence why there is no package."""


def main() -> None:
    """Build, and say where it is."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--out", type=Path, default=ROOT / "dist")
    asked.add_argument("--version", default=None, help="default: that of pyproject.toml")
    told = asked.parse_args()
    try:
        print(build(told.out, told.version))
    except Unbuilt as why:
        sys.exit(str(why))


def build(out: Path, version: str | None = None) -> Path:
    """The package's path. Raises Unbuilt with a sentence."""
    for program in (str(UV), PYTHON, "dpkg-deb"):
        if shutil.which(program) is None:
            raise Unbuilt(f"{program} is missing. On Debian 12: make .venv/.run, and apt-get install python3 dpkg")
    version = version or tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="onroll-deb-") as name:
        stage = Path(name) / "stage"
        environment(Path(name), stage)
        files(stage)
        control(stage, version)
        tidy(stage)
        package = out / f"onroll_{version}_{architecture()}.deb"
        run("dpkg-deb", "--root-owner-group", "-Zxz", "-z1", "--threads-max=1", "--build", str(stage), str(package))
    return package


def environment(work: Path, stage: Path) -> None:
    """/opt/onroll: an environment of its own, which knows nothing of where it was made."""
    place = stage / "opt" / "onroll"
    locked = work / "locked.txt"
    project = ("--project", str(ROOT))
    run(UV, "export", *project, "--quiet", "--frozen", "--no-dev", "--extra", "postgresql", "--extra", "mssql", "--no-emit-project", "-o", locked)  # fmt: skip
    run(UV, "build", "--quiet", "--wheel", "--python", PYTHON, "--out-dir", work / "wheel", ROOT)
    run(UV, "venv", "--quiet", "--no-project", "--relocatable", "--python", PYTHON, place)
    into = ("--quiet", "--python", place / "bin" / "python", "--no-config", "--link-mode", "copy")
    run(UV, "pip", "install", *into, "--require-hashes", "--only-binary", ":all:", "-r", locked)
    (wheel,) = (work / "wheel").glob("onroll-*.whl")
    run(UV, "pip", "install", *into, "--no-deps", wheel)
    for each in [path for path in place.rglob("*") if path.name in STRAY and path.parent.name.endswith(".dist-info")]:
        each.unlink()
        listed = each.with_name("RECORD")
        kept = [row for row in listed.read_text(encoding="utf-8").splitlines(True) if not row.startswith(f"{each.parent.name}/{each.name},")]  # fmt: skip
        listed.write_text("".join(kept), encoding="utf-8")
    # Of the commands only ours; activation is for people who try things.
    for each in (place / "bin").iterdir():
        if each.name not in ("onroll", "python", "python3"):
            each.unlink()
    (place / ".gitignore").unlink(missing_ok=True)
    (place / "CACHEDIR.TAG").unlink(missing_ok=True)
    (place / ".lock").unlink(missing_ok=True)


def files(stage: Path) -> None:
    """What lies outside /opt: the command, the unit, the first configuration, the guide."""
    (stage / "usr/bin").mkdir(parents=True)
    (stage / "usr/bin/onroll").symlink_to("../../opt/onroll/bin/onroll")
    put(HERE.parent / "systemd" / "onroll.service", stage / "usr/lib/systemd/system/onroll.service")
    sample = (ROOT / "config" / "onroll.toml").read_text(encoding="utf-8")
    if sample.count(STORE[0]) != 1:
        raise Unbuilt("config/onroll.toml no longer says where the store is as packaging/debian/build.py expects it.")
    (stage / "usr/share/onroll").mkdir(parents=True)
    (stage / "usr/share/onroll/onroll.toml").write_text(sample.replace(*STORE), encoding="utf-8")
    documents = stage / "usr/share/doc/onroll"
    for name in ("README.md", "CHANGELOG.md", "SECURITY.md"):
        put(ROOT / name, documents / name)
    put(HERE / "copyright", documents / "copyright")
    shutil.copytree(ROOT / "docs", documents / "docs", ignore=shutil.ignore_patterns("__pycache__"))


def control(stage: Path, version: str) -> None:
    """DEBIAN/: what dpkg reads and runs."""
    place = stage / "DEBIAN"
    place.mkdir()
    major, minor = python_version()
    size = sum(path.stat().st_size for path in stage.rglob("*") if path.is_file() and not path.is_symlink()) // 1024
    told = {
        "VERSION": version,
        "ARCHITECTURE": architecture(),
        "PYTHON": f"{major}.{minor}",
        "NEXT_PYTHON": f"{major}.{minor + 1}",
        "SIZE": str(size),
    }
    text = (HERE / "control.in").read_text(encoding="utf-8")
    (place / "control").write_text(re.sub(r"@(\w+)@", lambda found: told[found[1]], text), encoding="utf-8")
    put(HERE / "templates", place / "templates")
    for name in SCRIPTS:
        put(HERE / name, place / name)
        (place / name).chmod(0o755)


def tidy(stage: Path) -> None:
    """Rights and times that do not depend on who built it, and nothing compiled."""
    for path in sorted(stage.rglob("__pycache__"), reverse=True):
        shutil.rmtree(path)
    for path in [stage, *stage.rglob("*")]:
        if not path.is_symlink():
            runs = path.is_dir() or path.parent.name == "bin" or (path.parent.name == "DEBIAN" and path.name in SCRIPTS)
            path.chmod(0o755 if runs else 0o644)
        os.utime(path, (int(EPOCH), int(EPOCH)), follow_symlinks=False)


def put(source: Path, place: Path) -> None:
    """Copy one file, and make its folder."""
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, place)


def architecture() -> str:
    """Debian's name of this machine's kind."""
    return run("dpkg", "--print-architecture").strip()


def python_version() -> tuple[int, int]:
    """Of the Python that the package will run on."""
    major, minor = run(PYTHON, "-c", "import sys; print(*sys.version_info[:2])").split()
    return int(major), int(minor)


def run(*command: str | Path) -> str:
    """Carry out a command; raises Unbuilt with what it said when it fails."""
    environment = os.environ | {
        "SOURCE_DATE_EPOCH": EPOCH,
        "PYTHONDONTWRITEBYTECODE": "1",
        "LC_ALL": "C.UTF-8",
        "UV_PYTHON_DOWNLOADS": "never",
    }
    done = subprocess.run([str(each) for each in command], capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise Unbuilt(f"{Path(command[0]).name} failed: {done.stderr.strip()[-2000:]}")
    return done.stdout


if __name__ == "__main__":
    main()
