"""`onroll config migrate`: keys that were renamed are renamed in somebody's file, where every comment and line stays in its place."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from onroll_core.errors import Halt
from onroll_daemon.ownership import give
from onroll_daemon.toml_lines import Spot, lines


@dataclass(frozen=True, slots=True)
class Renamed:
    """The key `old` of a table has been called `new` since `version`. The table is a path without positions, as "school.students"; in "targets.*" the star is any
    name."""

    table: str
    old: str
    new: str
    version: str


RENAMED: Sequence[Renamed] = ()
"""Every key that was ever renamed, the oldest first. None has been so far; whoever renames one adds it here, and its test."""


def migrated(text: str, renamed: Sequence[Renamed] = RENAMED) -> tuple[str, list[str]]:
    """The file as this version wants it, with a sentence for each change. Raises Halt where a file is no TOML, or has a key under both its names."""
    told: list[str] = []
    _parsed(text)
    for each in renamed:
        text = _renamed(text, each, told)
    if told:
        _parsed(text)
    return text, told


def difference(before: str, after: str, name: str) -> str:
    """What changes, as `diff -u` shows it."""
    parts = difflib.unified_diff(
        before.splitlines(), after.splitlines(), f"{name} (now)", f"{name} (then)", lineterm="", n=1
    )
    return "\n".join(parts)


def replace_file(path: Path, text: str) -> Path:
    """Write `text` in place of the file, in one step, and keep the file as it was beside it; gives that one's name. Raises Halt when it cannot."""
    kept = next(
        each for each in (path.with_name(f"{path.name}.before-{n}") for n in range(1, 10_000)) if not each.exists()
    )
    part = path.with_name(f".{path.name}.part")
    try:
        before = path.read_bytes()
        told = path.stat()
        for place, body in ((kept, before), (part, _as_before(before, text))):
            place.write_bytes(body)
            place.chmod(told.st_mode & 0o777)
            give(place, told)
        part.replace(path)
    except OSError as failure:
        part.unlink(missing_ok=True)
        raise Halt(f"{path} cannot be changed: {failure.strerror}. It was left as it was.") from None
    return kept


def _as_before(before: bytes, text: str) -> bytes:
    """With the byte order mark and the ends of lines that the file had: Notepad's stay Notepad's."""
    if b"\r\n" in before:
        text = text.replace("\r\n", "\n").replace("\n", "\r\n")
    mark = b"\xef\xbb\xbf" if before.startswith(b"\xef\xbb\xbf") else b""
    return mark + text.encode()


def _parsed(text: str) -> None:
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError as wrong:
        raise Halt(
            f"The configuration cannot be understood: {wrong}. Correct that first; nothing was changed."
        ) from None


def _renamed(text: str, rename: Renamed, told: list[str]) -> str:
    rows = text.splitlines(keepends=True)
    places = lines(text)
    for spot, number in places.items():
        if not _is(spot, rename.table, rename.old):
            continue
        if (*spot[:-1], rename.new) in places:
            raise Halt(
                f"Line {number}: {rename.old} is now called {rename.new}, and the same table has both. Take one of them out; nothing was changed."
            )
        row, count = re.subn(
            rf"""(^|[.\s])(["']?){re.escape(rename.old)}\2(?=\s*=)""", rf"\g<1>{rename.new}", rows[number - 1], count=1
        )
        if not count:
            raise Halt(
                f"Line {number}: {rename.old} is now called {rename.new}. Change it by hand: it is written in a way onroll does not change."
            )
        rows[number - 1] = row
        told.append(f"Line {number}: {rename.old} is called {rename.new} since version {rename.version}.")
    return "".join(rows)


def _is(spot: Spot, table: str, key: str) -> bool:
    names = [part for part in spot if isinstance(part, str)]
    wanted = [*table.split("."), key] if table else [key]
    return len(names) == len(wanted) and all(one in ("*", two) for one, two in zip(wanted, names, strict=True))
