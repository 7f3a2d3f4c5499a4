"""Makes the Windows bundle on Linux: one zip with Python, the locked wheels and onroll, that needs neither Python nor a network on the server.

    build.py [--out DIR] [--python ZIP] [--fetch]

`--fetch` only brings what is needed from outside, so that a build after it needs no network. `--python` takes python.org's own
embeddable zip instead of the pinned package, when a newer Python is wanted. The same inputs give the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CACHE = ROOT / ".cache" / "windows"
UV = ROOT / ".cache" / "tools" / "bin" / "uv"
TOOLS = ROOT / "packaging" / "bootstrap" / "build.txt"
PIP = next((HERE.parent / "bootstrap").glob("pip-*.whl")) / "pip"
MOMENT = (2020, 1, 1, 0, 0, 0)
EPOCH = "1577836800"
# Longer than Windows takes under %ProgramFiles%: read from a zip, where no limit is.
TOO_DEEP = "msgraph"
LONGEST = 260 - len(r"C:\Program Files\onroll\.new\Lib\site-packages" + "\\") - len(".cpython-313.pyc.0000000000")
# A script of Windows is ASCII (PowerShell 5 takes anything else for the machine's own code page) with Windows' newlines.
SCRIPTS = ("install.ps1", "uninstall.ps1", "READ-ME.txt")


class Unbuilt(Exception):
    """Says in a sentence why there is no bundle."""


def main() -> None:
    """Build, and say where it is."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--out", type=Path, default=ROOT / "dist")
    asked.add_argument("--python", type=Path, default=None, help="python.org's python-3.x.y-embed-amd64.zip")
    asked.add_argument("--fetch", action="store_true", help="bring Python and the wheels, and build nothing")
    told = asked.parse_args()
    try:
        if told.fetch:
            site_packages(release_of(embeddable(told.python)))
        else:
            print(build(told.out, told.python))
    except Unbuilt as why:
        sys.exit(str(why))


def build(out: Path, python: Path | None = None) -> Path:
    """The bundle's path. Raises Unbuilt with a sentence."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    interpreter = embeddable(python)
    release = release_of(interpreter)
    payload = dict(interpreter)
    tag = release.replace(".", "")
    sites = f"python{tag}.zip\r\n.\r\nLib\\site-packages\r\nLib\\{TOO_DEEP}.zip\r\nimport site\r\n"
    payload[f"python{tag}._pth"] = sites.encode()
    wheels = site_packages(release)
    with zipfile.ZipFile(wheels) as held:
        payload |= {name: held.read(name) for name in held.namelist()}
    payload |= {f"Lib/site-packages/{name}": content for name, content in onroll_itself().items()}
    payload["onroll.cmd"] = windows_text(HERE / "onroll.cmd")
    long = [name for name in payload if len(name.removeprefix("Lib/site-packages/")) > LONGEST]
    if long:
        raise Unbuilt(f"Windows takes no path as long as {long[0]}: put its package into a zip of its own.")
    packed = packed_up(payload)
    folder = f"onroll-{version}-windows-amd64"
    outer: dict[str, bytes] = {f"{folder}/{name}": windows_text(HERE / name) for name in SCRIPTS}
    outer[f"{folder}/payload.zip"] = packed
    outer[f"{folder}/payload.sha256"] = f"{hashlib.sha256(packed).hexdigest()}\r\n".encode()
    outer[f"{folder}/LICENSE.txt"] = windows_text(ROOT / "LICENSE")
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"{folder}.zip"
    partial = path.with_suffix(f".{os.getpid()}")
    partial.write_bytes(packed_up(outer))
    partial.replace(path)
    return path


def embeddable(given: Path | None) -> Mapping[str, bytes]:
    """CPython for Windows as python.org makes it for embedding: its files by name."""
    if given is not None:
        with zipfile.ZipFile(given) as archive:
            return files_of(archive)
    wanted = (HERE / "python.txt").read_bytes()
    kept = CACHE / f"python-{hashlib.sha256(wanted).hexdigest()[:16]}.tar.gz"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as folder:
            # pip takes a hash among the build tools for a wish that every one of theirs be pinned: it gets the versions alone.
            tools, into = Path(folder, "build.txt"), Path(folder, "fetched")
            tools.write_text("\n".join(re.findall(r"(?m)^\S+==[^\s;]+", TOOLS.read_text(encoding="utf-8"))))
            what = ("--no-deps", "--no-binary", ":all:", "--require-hashes", "--quiet", "--disable-pip-version-check")
            told = ("--build-constraint", tools, "-r", HERE / "python.txt")
            run(sys.executable, PIP, "download", *what, *told, "-d", into)
            (fetched,) = into.iterdir()
            put(kept, fetched.read_bytes())
    with tarfile.open(kept) as outer:
        (inner,) = (name for name in outer.getnames() if name.endswith("/data.zip"))
        member = outer.extractfile(inner)
        assert member is not None
        with zipfile.ZipFile(io.BytesIO(member.read())) as archive:
            return files_of(archive)


def files_of(archive: zipfile.ZipFile) -> dict[str, bytes]:
    """An archive's files, without the one folder that some archives put around them."""
    names = [name for name in archive.namelist() if not name.endswith("/")]
    around = "" if "python.exe" in names else names[0].partition("/")[0] + "/"
    return {name.removeprefix(around): archive.read(name) for name in names if not name.endswith("._pth")}


def release_of(interpreter: Mapping[str, bytes]) -> str:
    """The Python release, as 3.13."""
    for name in interpreter:
        if found := re.fullmatch(r"python3(\d\d)\.dll", name):
            return f"3.{found[1]}"
    raise Unbuilt("There is no python3xx.dll in it: name python.org's embeddable zip for amd64.")


def site_packages(release: str) -> Path:
    """A zip of what uv.lock names for Windows, each wheel checked by its hash there; made once for a lock and a release."""
    lock = (ROOT / "uv.lock").read_bytes() + Path(__file__).read_bytes() + release.encode()
    kept = CACHE / f"wheels-{hashlib.sha256(lock).hexdigest()[:16]}.zip"
    if kept.exists():
        return kept
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        wanted, site = Path(folder, "wanted.txt"), Path(folder, "site")
        extras = ("--all-extras", "--no-dev", "--no-emit-project", "--format", "requirements-txt")
        run(UV, "export", "--quiet", "--frozen", "--project", ROOT, *extras, "-o", wanted)
        where = ("--target", site, "--python-platform", "x86_64-pc-windows-msvc", "--python-version", release)
        how = ("--no-deps", "--only-binary", ":all:", "--require-hashes", "--link-mode", "copy")
        run(UV, "pip", "install", "--quiet", "--python", sys.executable, *where, *how, "-r", wanted)
        put(kept, packed_up(laid_out(site)))
    return kept


def laid_out(site: Path) -> dict[str, bytes]:
    """What was installed, as it lies on the server: no scripts of this machine, the deepest package zipped, pywin32's parts beside python.exe."""
    found = {path.relative_to(site).as_posix(): path.read_bytes() for path in site.rglob("*") if path.is_file()}
    kept = {
        name: text for name, text in found.items() if not name.startswith(("bin/", ".")) and "/__pycache__/" not in name
    }
    deep = {name: text for name, text in kept.items() if name.startswith(f"{TOO_DEEP}/")}
    laid = {f"Lib/site-packages/{name}": text for name, text in kept.items() if name not in deep}
    for name, text in laid.items():
        if name.endswith(".dist-info/RECORD"):
            lines = sorted(line for line in text.decode().splitlines() if line.partition(",")[0].strip('"') in kept)
            laid[name] = ("\n".join(lines) + "\n").encode()
    laid[f"Lib/{TOO_DEEP}.zip"] = packed_up(deep, folders=True)
    for name, text in kept.items():
        if name.startswith("pywin32_system32/") or name == "win32/pythonservice.exe":
            laid[name.rpartition("/")[2]] = text
    return laid


def onroll_itself() -> dict[str, bytes]:
    """The wheel of this tree, unpacked."""
    with tempfile.TemporaryDirectory() as folder:
        tools = ("--build-constraints", TOOLS, "--require-hashes")
        run(UV, "build", "--quiet", "--wheel", *tools, "--out-dir", folder, "--project", ROOT, ROOT)
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            return {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}


def windows_text(path: Path) -> bytes:
    """A text with Windows' newlines. Raises Unbuilt where it is not ASCII."""
    text = path.read_text(encoding="utf-8")
    if not text.isascii():
        raise Unbuilt(f"{path.name} has letters that are not ASCII, which older PowerShells misread.")
    return text.replace("\n", "\r\n").encode("ascii")


def packed_up(files: Mapping[str, bytes], folders: bool = False) -> bytes:
    """A zip that is the same for the same files: sorted, one moment, no machine's permissions."""
    into = io.BytesIO()
    with zipfile.ZipFile(into, "w") as archive:
        for name in sorted((*files, *(around(files) if folders else ()))):
            entry = zipfile.ZipInfo(name, MOMENT)
            entry.external_attr = 0o40755 << 16 | 0x10 if name.endswith("/") else 0o644 << 16
            stored = name.endswith((".zip", "/"))
            entry.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
            archive.writestr(entry, files.get(name, b""))
    return into.getvalue()


def around(files: Mapping[str, bytes]) -> Iterator[str]:
    """The folders of files: Python looks for them in a zip."""
    yield from {f"{folder.as_posix()}/" for name in files for folder in Path(name).parents if folder != Path()}


def put(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    partial = path.with_suffix(f".{os.getpid()}")
    partial.write_bytes(content)
    partial.replace(path)


def run(*command: object) -> None:
    """Run a command; what it complains about is the reason why there is no bundle."""
    environment = os.environ | {"SOURCE_DATE_EPOCH": EPOCH}
    done = subprocess.run([str(each) for each in command], capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise Unbuilt(f"{Path(str(command[0])).name} failed: {done.stderr.strip()[-2000:]}")


if __name__ == "__main__":
    main()
