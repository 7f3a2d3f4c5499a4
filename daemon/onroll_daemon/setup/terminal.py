"""Questions on a terminal, and where the secrets that are typed there are kept."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import typer

from onroll_daemon.ownership import give
from onroll_daemon.session import say
from onroll_daemon.setup.answers import Wrong

_YES, _NO = ("y", "yes"), ("n", "no")


class Terminal:
    """A person at a terminal. `folder` is that of the configuration: secrets are kept below it, or sealed by Windows."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def text(self, question: str, default: str | None, choices: Sequence[str] = (), wrong: Wrong | None = None) -> str:
        """Ask until the answer is one."""
        for number, each in enumerate(choices, 1):
            say(f"  {number:>2}  {each}")
        while True:
            given = str(typer.prompt(question, default=default, show_default=bool(default))).strip()
            if choices and given.isdigit() and 0 < int(given) <= len(choices):
                given = choices[int(given) - 1]
            problem = wrong(given) if wrong is not None and given else None
            if problem is None:
                return given
            say(f"  {problem}")

    def yes(self, question: str, default: bool) -> bool:
        """Ask until it is yes or no."""
        while True:
            given = str(typer.prompt(f"{question} (yes/no)", default="yes" if default else "no")).strip().lower()
            if given in (*_YES, *_NO):
                return given in _YES

    def secret(self, question: str, name: str) -> str:
        """A secret, typed without being shown and kept; or a reference to where it is already."""
        while True:
            given = str(typer.prompt(f"{question} (not shown; or env:NAME, file:PATH)", hide_input=True)).strip()
            if given.partition(":")[0] in ("env", "file", "credential") and ":" in given:
                return given
            if given:
                return keep(self._folder, name, given)

    def file(self, question: str) -> str:
        """The path of a file that has to be there."""
        while True:
            given = str(typer.prompt(question)).strip().removeprefix("file:")
            path = self._folder / Path(given).expanduser()
            if path.is_file():
                return f"file:{given}"
            say(f"  There is no file {path}.")


def keep(folder: Path, name: str, value: str) -> str:
    """Keep a secret for the service and give the reference to it: sealed on Windows, elsewhere in a file that the folder's group may read."""
    if sys.platform == "win32":
        from onroll_daemon.windows_secrets import seal_as

        seal_as(name, value)
        return f"credential:{name}"
    place = folder / "secrets"
    path = place / name
    around = folder.stat()
    if not place.exists():
        place.mkdir(mode=0o750)
        give(place, around)
    partial = path.with_name(f".{name}.new")
    partial.unlink(missing_ok=True)
    shared = os.geteuid() == 0 and around.st_gid != 0
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(value + "\n")
    give(partial, around)
    if shared:
        partial.chmod(0o640)
    partial.replace(path)
    return f"file:secrets/{name}"
