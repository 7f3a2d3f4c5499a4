"""Secrets of the service on Windows: typed, piped or taken from a file, sealed at once, and never shown."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path

from onroll_connectors.dpapi import seal
from onroll_connectors.secrets import credential_file
from onroll_core.errors import Halt
from onroll_daemon import windows_rights
from onroll_daemon.windows_service import NAME


def store(name: str, file: str | None) -> Path:
    """Seal a secret and say where it lies. Raises Halt with a sentence; the secret is in none."""
    credential_file(name)  # a name that is none is told before anything is typed
    value = _given(name, file).rstrip("\r\n")
    if not value:
        raise Halt("There was nothing to store.")
    return seal_as(name, value)


def seal_as(name: str, value: str) -> Path:
    """Seal a value and say where it lies. Raises Halt with a sentence; the secret is not in it."""
    path = credential_file(name)
    if not path.parent.exists():
        windows_rights.guard(path.parent, windows_rights.virtual_sid(NAME))
    partial = path.with_name(f"{name}.new")
    try:
        partial.write_bytes(seal(name, value))
        partial.replace(path)
    except OSError as failure:
        raise Halt(f"{path} cannot be written: {failure.strerror}. An administrator may do that.") from None
    return path


def forget(name: str) -> bool:
    """Remove a secret; False when there was none."""
    path = credential_file(name)
    there = path.exists()
    path.unlink(missing_ok=True)
    return there


def _given(name: str, file: str | None) -> str:
    if file is not None:
        try:
            return Path(file).read_text(encoding="utf-8-sig")
        except OSError as failure:
            raise Halt(f"{file} cannot be read: {failure.strerror}.") from None
        except UnicodeDecodeError:
            raise Halt(f"{file} is not plain text.") from None
    if sys.stdin is not None and not sys.stdin.isatty():
        return sys.stdin.buffer.read().decode("utf-8-sig", errors="replace")
    return getpass.getpass(f"The secret {name} (nothing is shown while you type): ")
