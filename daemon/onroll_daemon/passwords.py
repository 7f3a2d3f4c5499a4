"""`onroll passwords issue`: first passwords for new people, in every target at that moment, and the hand-out on paper."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import typer

from onroll_core.handout import as_csv, as_html
from onroll_daemon import issuing
from onroll_daemon.bars import watching
from onroll_daemon.issuing import Wanted
from onroll_daemon.nights import who
from onroll_daemon.session import FAILED, USAGE, document, say, say_error, session, stop
from onroll_daemon.wiring import line, now


@dataclass(frozen=True, slots=True)
class Choice:
    """Whom to give one, and where to write the hand-out. Without users, groups and years, everybody who never got one."""

    csv: str
    slips: str | None = None
    users: Sequence[str] = ()
    groups: Sequence[str] = ()
    years: Sequence[str] = ()
    role: str | None = None
    again: bool = False


def passwords_issue(config: str | None, school: str | None, choice: Choice, as_json: bool) -> None:
    """`onroll passwords issue`"""
    with session(config) as opened:
        schools = opened.schools(school)
        if len(schools) != 1:
            stop(
                USAGE,
                f"First passwords are handed out school by school: onroll passwords issue {schools[0].rules.id} --csv FILE",
            )
        told = schools[0]
        rules, store = told.rules, opened.store
        wanted = Wanted(choice.users, choice.groups, choice.years, choice.role, choice.again)
        people = issuing.chosen(store, rules, wanted, now())
        targets = issuing.takers(opened.settings, told)
        with _reserved(choice.csv) as write_csv, _reserved(choice.slips) as write_slips:
            with watching() as progress:
                it = line(opened.settings, told, store, progress=progress)
                issued = issuing.give(it, people, targets, who())
            slips = issuing.slips(people, rules, issued, now())
            if slips:
                write_csv(as_csv(slips))
                write_slips(as_html(slips, rules.name))
    if as_json:
        document(issuing.shape(people, issued))
    else:
        lists = f"; {choice.csv} lists them. Hand it out, and delete the file" if slips else ", and no file was written"
        say(f"{len(slips)} people have a first password now{lists}.")
        for why in issued.left_out.values():
            say_error(f"left out: {why}")
    raise typer.Exit(FAILED if issued.left_out else 0)


@contextmanager
def _reserved(path: str | None) -> Iterator[Callable[[str], None]]:
    """A file that only its owner may read, made before the first password is set and gone again when nothing was written to it."""
    if path is None:
        yield lambda text: None
        return
    try:
        out = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8", newline="")
    except FileExistsError:
        stop(USAGE, f"{path} is there already, and a hand-out is never written over. Name another file.")
    except FileNotFoundError:
        stop(USAGE, f"There is no folder {Path(path).absolute().parent}. Nobody was given a password.")
    except OSError as failure:
        stop(USAGE, f"{path} cannot be written: {failure.strerror}. Nobody was given a password.")
    written = False

    def write(text: str) -> None:
        nonlocal written
        written = True
        out.write(text)

    try:
        with out:
            yield write
    finally:
        if not written:
            Path(path).unlink(missing_ok=True)
