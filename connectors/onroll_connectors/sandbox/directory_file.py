"""A file that keeps an embedded directory between commands: a line for each write, the last one for an object counts."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from onroll_core.errors import Halt

Values = dict[str, list[bytes]]
Keep = Callable[[str, str, str, Values], None]
"""Takes what one line says: objectGUID, DN, kept password, values."""


class DirectoryFile:
    """The file, and how much of it has been read. Several processes may share it, as long as they do not write at the same moment."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._read = 0
        self._file = 0

    def catch_up(self, keep: Keep) -> None:
        """Take in what other processes wrote since. Raises Halt when the file cannot be read."""
        try:
            there = self.path.stat()
        except FileNotFoundError:
            return
        if (there.st_ino, there.st_size) == (self._file, self._read):
            return
        if there.st_ino != self._file or there.st_size < self._read:
            self._read = 0
        try:
            with self.path.open("rb") as file:
                file.seek(self._read)
                whole, _, _torn = file.read().rpartition(b"\n")  # a line without an end was cut off in the middle
            for line in whole.splitlines():
                told = json.loads(line)
                values = {name: [base64.b64decode(each) for each in held] for name, held in told["values"].items()}
                keep(told["guid"], told["dn"], told["password"], values)
        except OSError as failure:
            raise Halt(f"The embedded directory cannot be read from {self.path}: {failure.strerror}.") from None
        except (ValueError, KeyError, TypeError, AttributeError):
            raise Halt(
                f"{self.path} is not a file of an embedded directory, or was damaged. Delete it to begin with an empty directory."
            ) from None
        self._file, self._read = there.st_ino, self._read + len(whole) + (1 if whole else 0)

    def append(self, objects: Iterable[tuple[str, str, str, Mapping[str, list[bytes]]]]) -> None:
        """Write objects down as they are now. Raises Halt when that is not possible."""
        lines = b"".join(_line(*each) for each in objects)
        try:
            with self.path.open("r+b" if self.path.exists() else "xb") as file:
                file.truncate(self._read)
                file.seek(self._read)
                file.write(lines)
            there = self.path.stat()
        except OSError as failure:
            raise Halt(f"The embedded directory cannot be kept in {self.path}: {failure.strerror}.") from None
        self._file, self._read = there.st_ino, self._read + len(lines)


def _line(guid: str, dn: str, password: str, values: Mapping[str, list[bytes]]) -> bytes:
    told: dict[str, Any] = {
        "guid": guid,
        "dn": dn,
        "password": password,
        "values": {name: [base64.b64encode(each).decode() for each in held] for name, held in values.items()},
    }
    return json.dumps(told).encode() + b"\n"
