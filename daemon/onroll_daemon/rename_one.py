"""`onroll users rename` and `onroll users alias`: what one person is called, and which former addresses still reach them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from onroll_core.identities import Identity
from onroll_core.renames import Preview, Renaming
from onroll_core.usernames import problem_with
from onroll_daemon.nights import who
from onroll_daemon.operations.rename_looks import notes, row
from onroll_daemon.operations.renaming import Names, cancel, follow, rename, withheld
from onroll_daemon.operations.renaming import look as look_at
from onroll_daemon.people import found_person
from onroll_daemon.rename_preview import look, sentence
from onroll_daemon.session import USAGE, Session, document, say, session, stop
from onroll_daemon.wiring import now


@dataclass(frozen=True, slots=True)
class One:
    """What is asked for: another username, another address, or both; `show` changes nothing, `cancel` takes back what waits for its day."""

    new: str | None = None
    email: str | None = None
    keep_alias: bool = True
    on: date | None = None
    show: bool = False
    cancel: bool = False


def users_rename(config: str | None, username: str, one: One, as_json: bool) -> None:
    """`onroll users rename`; gives a first name to somebody who waits for one."""
    if one.cancel:
        _cancel(config, username, as_json)
        return
    if one.new is None and one.email is None:
        stop(USAGE, "Say the new username, or --email ADDRESS for another address alone.")
    new = one.new.strip().lower() if one.new is not None else None
    problem = problem_with(new) if new is not None else None
    if problem is not None:
        stop(USAGE, problem)
    names = Names(new, one.email, one.keep_alias, one.on)
    with session(config) as opened:
        before, rules = found_person(opened, username)
        if before.username is None and new is None and rules.of(before.role) is not None:
            stop(USAGE, f"{before.label} has no username yet: give one, and the address follows.")
        if one.show:
            _show(opened, look_at(opened.store, before, rules, names), one, as_json)
            return
        done = rename(opened.store, before, rules, names, now().date(), who(), now())
    after, wanted, day = done.after, done.wanted, done.day
    if as_json:
        document(
            {
                "identity": before.id,
                "before": before.username,
                "username": wanted.username,
                "email": wanted.email,
                "aliases": sorted(after.aliases),
                "on": day.isoformat() if day else None,
            }
        )
        return
    _said(before, after, wanted, day)


def _show(opened: Session, shown: Preview, one: One, as_json: bool) -> None:
    (wanted,) = shown.renamings
    found = look(opened, opened.settings.schools[wanted.identity.school], shown, True)
    if as_json:
        document(row(wanted, found, one.keep_alias) | {"notes": [*notes(shown, found, now())]})
        return
    say(sentence(wanted, found, one.keep_alias))
    for each in notes(shown, found, now()):
        say(each)


def _said(before: Identity, after: Identity, wanted: Renaming, day: date | None) -> None:
    if day is not None:
        say(
            f"{before.label} will be {wanted.username} ({wanted.email}) on {day:%d %B %Y}, and nobody else gets that name. Take it back with:"
            f" onroll users rename {before.label} --cancel"
        )
        return
    if before.username is None:
        say(
            f"{after.username} it is, with the address {after.email}. The account is made at the next sync; now: onroll apply {before.school}"
        )
        return
    kept = f"; {before.email} stays as an alias" if before.email in after.aliases else ""
    say(
        f"{before.username} is {after.username} ({after.email}) from the next sync on, in every target{kept}. Now: onroll apply {before.school}"
    )


def _cancel(config: str | None, username: str, as_json: bool) -> None:
    with session(config) as opened:
        identity, _ = found_person(opened, username)
        cancel(opened.store, identity)
    if as_json:
        document({"identity": identity.id, "username": identity.username, "waiting": None})
    else:
        say(f"{identity.label} keeps the name. The one that was asked for stays theirs, and nobody else gets it.")


def users_alias(config: str | None, username: str, address: str, withhold: bool, as_json: bool) -> None:
    """`onroll users alias`: whether mail to a former address still reaches somebody."""
    address = address.strip().lower()
    with session(config) as opened:
        identity, _ = found_person(opened, username)
        after = follow(opened.store, identity, address, not withhold, who(), now())
        gone = withheld(opened.store, after)
    if as_json:
        document(
            {
                "identity": after.id,
                "username": after.username,
                "aliases": sorted(after.aliases),
                "withheld": sorted(gone),
            }
        )
    elif withhold:
        say(
            f"{address} no longer follows {after.label}: it is taken away at the next sync where the target lets onroll do that, and told where not."
            " Nobody else ever gets it."
        )
    else:
        say(f"{address} follows {after.label} again from the next sync on.")
