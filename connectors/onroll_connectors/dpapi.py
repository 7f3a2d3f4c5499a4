"""Secrets on Windows: sealed by DPAPI for this machine and this name, in a folder that only the service and administrators may read."""

from __future__ import annotations

import os
from pathlib import Path

from onroll_core.errors import Halt

# CRYPTPROTECT_UI_FORBIDDEN, so that no service waits for a window; and LOCAL_MACHINE, because an administrator seals what the service's own account opens.
_QUIET, _MACHINE = 0x1, 0x4


def folder() -> Path:
    """Where sealed secrets lie: CREDENTIALS_DIRECTORY, else %ProgramData%\\onroll\\credentials."""
    told = os.environ.get("CREDENTIALS_DIRECTORY")
    return Path(told) if told else Path(os.environ.get("PROGRAMDATA", "C:/ProgramData"), "onroll", "credentials")


def seal(name: str, secret: str) -> bytes:
    """The secret as only this machine can open it, under this name alone."""
    import win32crypt

    sealed: bytes = win32crypt.CryptProtectData(secret.encode(), "onroll", _salt(name), None, None, _QUIET | _MACHINE)
    return sealed


def unseal(name: str, sealed: bytes) -> str:
    """The secret. Raises Halt when it was sealed on another machine or under another name; the message never holds it."""
    import pywintypes
    import win32crypt

    try:
        opened: bytes = win32crypt.CryptUnprotectData(sealed, _salt(name), None, None, _QUIET)[1]
        return opened.decode()
    except (pywintypes.error, UnicodeDecodeError):
        raise Halt(
            f"The secret {name} cannot be opened: it was stored on another machine, or under another name. Store it again with:"
            f" onroll service secret {name}"
        ) from None


def _salt(name: str) -> bytes:
    return f"onroll credential {name}".encode()
