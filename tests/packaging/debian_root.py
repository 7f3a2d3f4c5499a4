"""A clean Debian 12 that boots with its own systemd, in a container of this machine: what a new server is. Needs root, debootstrap and systemd-nspawn."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
BASE = ROOT / ".cache" / "debian" / "bookworm"
# What a small server has; nothing of it is onroll's own dependency but what the package would fetch from Debian.
PACKAGES = "ca-certificates,systemd,systemd-sysv,dbus,python3,adduser,tzdata,debconf,procps,curl"


def can_boot() -> bool:
    """Whether this machine can make and boot one."""
    return (
        os.name == "posix"
        and os.geteuid() == 0
        and all(map(shutil.which, ("debootstrap", "systemd-nspawn", "nsenter")))
    )


def base() -> Path:
    """The clean root, made once."""
    if not (BASE / "made").exists():
        shutil.rmtree(BASE, ignore_errors=True)
        BASE.mkdir(parents=True)
        command = ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", "bookworm", str(BASE / "root")]
        subprocess.run(command, check=True, capture_output=True)
        (BASE / "made").touch()
    return BASE / "root"


@dataclass(frozen=True)
class Said:
    """What a command inside left behind."""

    code: int
    out: str


@dataclass(frozen=True)
class Server:
    """A booted Debian; `root` is its file system as this machine sees it."""

    root: Path
    leader: int

    def run(self, command: str, code: int | None = 0, seconds: float = 300) -> Said:
        """A shell command inside, as root."""
        inside = ["nsenter", "-t", str(self.leader), "-a", "--", "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
                  "LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive", "sh", "-c", command]  # fmt: skip
        done = subprocess.run(inside, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                              text=True, timeout=seconds, check=False)  # fmt: skip
        assert code is None or done.returncode == code, f"{command}: {done.returncode}\n{done.stdout}"
        return Said(done.returncode, done.stdout)

    def install(self, package: Path) -> str:
        """`dpkg -i` of a package of this machine."""
        shutil.copyfile(package, self.root / "var/tmp" / package.name)
        return self.run(f"dpkg -i /var/tmp/{package.name}").out


@contextmanager
def booted(folder: Path, sees_this_machine: bool = False) -> Iterator[Server]:
    """A clean Debian while the block runs; what it writes lies in `folder` and on no other server. It has a network of its own, with nobody else in it,
    or this machine's, so that servers on this machine's loopback addresses are servers to it too."""
    root = folder / "root"
    for name in ("up", "work", "root"):
        (folder / name).mkdir(parents=True)
    options = f"lowerdir={base()},upperdir={folder / 'up'},workdir={folder / 'work'}"
    subprocess.run(["mount", "-t", "overlay", "overlay", "-o", options, str(root)], check=True)
    network = () if sees_this_machine else ("--private-network",)
    command = ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", *network, "--link-journal=no",
               f"--machine=onroll-{os.getpid()}-{folder.name}", "-D", str(root), "--boot"]  # fmt: skip
    with (folder / "boot.log").open("wb") as log:
        machine = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
    try:
        server = Server(root, _leader(machine))
        _ready(server)
        yield server
    finally:
        machine.terminate()
        try:
            machine.wait(30)
        except subprocess.TimeoutExpired:
            machine.kill()
            machine.wait(10)
        subprocess.run(["umount", "--lazy", str(root)], check=False)
        for name in ("up", "work"):  # a whole onroll each; what was said while it booted is kept
            shutil.rmtree(folder / name, ignore_errors=True)


def _leader(machine: subprocess.Popen[bytes]) -> int:
    """The process that is number 1 inside."""
    for _ in range(200):
        assert machine.poll() is None, "systemd-nspawn ended"
        found = Path(f"/proc/{machine.pid}/task/{machine.pid}/children").read_text().split()
        if found:
            return int(found[0])
        time.sleep(0.1)
    raise AssertionError("systemd-nspawn started nothing")


def _ready(server: Server) -> None:
    for _ in range(120):
        state = server.run("systemctl is-system-running 2>/dev/null", code=None).out.strip()
        if state in ("running", "degraded"):
            return
        time.sleep(0.5)
    raise AssertionError(f"Debian did not boot: {state}")
