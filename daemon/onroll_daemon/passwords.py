"""`onroll passwords issue`: first passwords for new people, in every target at that moment, and the hand-out on paper."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from onroll_core.handout import Slip, as_csv, as_html, first_password
from onroll_core.identities import Identity
from onroll_core.issue import Issued, issue
from onroll_core.lifecycle import standing
from onroll_core.people import Role
from onroll_core.rules import SchoolRules
from onroll_core.templates import FIELDS
from onroll_daemon.bars import watching
from onroll_daemon.nights import who
from onroll_daemon.people import shown
from onroll_daemon.session import FAILED, USAGE, Session, document, say, say_error, session, stop
from onroll_daemon.settings import SchoolSettings
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
        chosen = _chosen(opened, told.rules, choice)
        targets = [name for name in told.targets if opened.settings.targets[name].rules.passwords]
        if not chosen:
            stop(
                FAILED,
                "There is nobody to give a first password to: everybody chosen has one already (--again gives another).",
            )
        if not targets:
            stop(FAILED, f"{told.rules.id} has no target that takes passwords.")
        with _reserved(choice.csv) as write_csv, _reserved(choice.slips) as write_slips:
            issued = _issued(opened, told, chosen, targets)
            slips = [_slip(identity, told.rules, issued) for identity in chosen if identity.id in issued.passwords]
            if slips:
                write_csv(as_csv(slips))
                write_slips(as_html(slips, told.rules.name))
    if as_json:
        document(_document(chosen, issued))
    else:
        lists = f"; {choice.csv} lists them. Hand it out, and delete the file" if slips else ", and no file was written"
        say(f"{len(slips)} people have a first password now{lists}.")
        for why in issued.left_out.values():
            say_error(f"left out: {why}")
    raise typer.Exit(FAILED if issued.left_out else 0)


def _issued(opened: Session, told: SchoolSettings, chosen: Sequence[Identity], targets: Sequence[str]) -> Issued:
    """Role by role, as each has its own kind of password."""
    whole = Issued()
    chance = random.SystemRandom()
    for role in Role:
        rules = told.rules.of(role)
        people = [each for each in chosen if each.role is role]
        if rules is None or not people:
            continue

        def draw(identity: Identity, style: Any = rules.password) -> str:
            person = identity.person
            names = (identity.username, person.first, person.last, person.legal_first, person.legal_last)
            return first_password(style, chance, [each for each in names if each])

        with watching() as progress:
            it = line(opened.settings, told, opened.store, progress=progress)
            part = issue(it, people, draw, rules.must_change, who(), targets)
        whole.passwords |= part.passwords
        whole.left_out |= part.left_out
        whole.set_in |= part.set_in
    return whole


def _chosen(opened: Session, rules: SchoolRules, choice: Choice) -> list[Identity]:
    """Those whom the options name, or everybody new; a name that means nobody ends the command."""
    everybody = opened.store.identities(rules.id)
    had = opened.store.handouts(rules.id)
    by_name = {name: each for each in everybody for name in (each.username, each.email) if name}
    unknown = [name for name in choice.users if name.lower() not in by_name]
    if unknown:
        stop(FAILED, f"Nobody of {rules.id} has the username {', '.join(unknown)}. Nobody was given a password.")
    if choice.users:
        return [by_name[name.lower()] for name in dict.fromkeys(choice.users)]
    day = now().date()
    around = rules.around

    def wanted(each: Identity) -> bool:
        if each.username is None or not standing(each, day, rules).access or not each.bonds:
            return False
        if choice.role is not None and each.role.value != choice.role:
            return False
        if choice.groups and (each.person.registration_group or "") not in choice.groups:
            return False
        return not choice.years or (FIELDS["year"](each, around) or "") in choice.years

    return [each for each in everybody if wanted(each) and (choice.again or each.id not in had)]


def _slip(identity: Identity, rules: SchoolRules, issued: Issued) -> Slip:
    row = shown(identity, rules, now().date())
    group = identity.person.registration_group or ("Staff" if identity.role is Role.STAFF else "")
    password = issued.passwords[identity.id]
    return Slip(row["display_name"], identity.username or "", identity.email or "", password, group)


def _document(chosen: Sequence[Identity], issued: Issued) -> dict[str, Any]:
    """Who got one and who did not; the passwords are in the files alone."""
    names = {each.id: each.username for each in chosen}
    return {
        "issued": [names[each] for each in issued.passwords],
        "left_out": [
            {"username": names[each], "why": why, "set_in": issued.set_in.get(each, [])}
            for each, why in issued.left_out.items()
        ],
    }


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
