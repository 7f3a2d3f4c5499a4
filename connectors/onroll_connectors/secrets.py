"""A secret is a reference in the configuration and a value only at the moment of use."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

from onroll_connectors.dpapi import folder, unseal
from onroll_core.errors import Halt


class Secret:
    """A reference to a secret: `env:NAME`, `file:PATH` or `credential:NAME` (systemd's LoadCredential; DPAPI on Windows).

    Anything else is refused, so that no secret is ever written in the configuration. `reveal()` gives the value and raises Halt with a
    sentence when it is not there. Neither repr, str nor an exception ever shows the value.
    """

    __slots__ = ("reference",)

    def __init__(self, reference: str) -> None:
        scheme, colon, rest = reference.partition(":")
        if not colon or scheme not in ("env", "file", "credential") or not rest:
            raise ValueError("a secret is not written here: say where it is, as env:NAME, file:PATH or credential:NAME")
        self.reference = reference

    def reveal(self) -> str:
        """The secret itself, without a final newline; raises Halt when it cannot be had."""
        scheme, _, rest = self.reference.partition(":")
        if scheme == "env":
            value = os.environ.get(rest)
            if value is None:
                raise Halt(
                    f"The environment variable {rest} is not set, and a secret is to be read from it ({self.reference})."
                )
            return value
        path = Path(rest).expanduser() if scheme == "file" else credential_file(rest)
        try:
            if _sealed(scheme):
                return unseal(rest, path.read_bytes()).rstrip("\r\n")
            return path.read_text(encoding="utf-8").rstrip("\r\n")
        except OSError as failure:
            how = f" Store it with: onroll service secret {rest}" if _sealed(scheme) else ""
            raise Halt(f"The secret {self.reference} cannot be read from {path}: {failure.strerror}.{how}") from None
        except UnicodeDecodeError:
            raise Halt(f"The secret {self.reference} in {path} is not plain text.") from None

    def __repr__(self) -> str:
        return f"Secret({self.reference!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other.reference == self.reference

    def __hash__(self) -> int:
        return hash(self.reference)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        from_text = core_schema.no_info_after_validator_function(cls, core_schema.str_schema())
        return core_schema.json_or_python_schema(
            json_schema=from_text,
            python_schema=core_schema.union_schema([core_schema.is_instance_schema(cls), from_text]),
        )


def _sealed(scheme: str) -> bool:
    return scheme == "credential" and sys.platform == "win32"


def credential_file(name: str) -> Path:
    """The file of a credential: systemd's, or sealed by DPAPI on Windows. Raises Halt for a name that is none, or where nobody hands out any."""
    if not re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]*", name):
        raise Halt(f"{name!r} is not the name of a credential: letters, digits, - and _, and a full stop inside.")
    if sys.platform == "win32":
        return folder() / name
    told = os.environ.get("CREDENTIALS_DIRECTORY")
    if told is None:
        raise Halt(
            f"The credential {name} is not there: this process was not started by a service manager that hands out credentials"
            " (CREDENTIALS_DIRECTORY is not set). Start it as the service, or use env: or file: instead."
        )
    return Path(told) / name
