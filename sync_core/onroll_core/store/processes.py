"""A process as others can name it, on this machine and since when, so that they can tell whether it still lives."""

from __future__ import annotations

import os
import socket
import sys
import uuid
from functools import lru_cache
from pathlib import Path


def this_process(what: str) -> str:
    """Who holds a lease, in words for people: what for, and which process of which machine."""
    return f"{what} (process {os.getpid()} on {socket.gethostname()})"


def signature() -> str:
    """The machine, this process and when it started: no other process ever has the same."""
    pid = os.getpid()
    return f"{_machine()} {pid} {_started(pid)}"


def is_dead(process: str) -> bool | None:
    """Whether the process that `signature` named is gone; None when it ran on another machine or hides from us."""
    machine, pid, started = process.split(" ")[:3]
    if machine != _machine():
        return None
    now = _started(int(pid))
    return None if now is None else now != started


@lru_cache(maxsize=1)
def _machine() -> str:
    """The host, told apart from others of the same name, and on Linux from its own last boot and from other containers."""
    host = socket.gethostname().replace(" ", "-").replace("/", "-") or "this-machine"
    if sys.platform == "linux":
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{host}/{boot}/{Path('/proc/self/ns/pid').readlink()}"
    return f"{host}/{uuid.getnode():012x}"


def _started(pid: int) -> str | None:
    """When the process started, in whatever does not change while it lives; "" when there is none, None when it is hidden from us."""
    if sys.platform == "linux":
        # Not psutil's create_time here: it is reckoned from the wall clock, and moves when somebody sets that.
        try:
            words = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
        except OSError:
            return _hidden_or_gone(pid)
        state, started = words[0], words[19]
        return "" if state in "ZX" else started  # a zombie is dead, only nobody has asked yet
    import psutil

    try:
        return f"{psutil.Process(pid).create_time():.3f}"
    except psutil.NoSuchProcess:
        return ""
    except psutil.AccessDenied:
        return None


def _hidden_or_gone(pid: int) -> str | None:
    """/proc may be mounted so that other users' processes are not shown (hidepid)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        return None
    return ""
