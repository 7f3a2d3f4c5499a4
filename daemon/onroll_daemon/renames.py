"""`onroll rename`: many people at once, from an edited list or by the school's present format; shown first, done when exactly that is confirmed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import typer

from onroll_core.renames import Preview, Wish, preview
from onroll_core.rules import SchoolRules
from onroll_daemon.nights import who
from onroll_daemon.operations.bulk_renames import Agreed, Whom, by_the_format, do, from_rows
from onroll_daemon.operations.rename_looks import Look, notes, row
from onroll_daemon.rename_preview import look, sentence
from onroll_daemon.session import FAILED, HELD, USAGE, Session, document, say, say_error, session, stop
from onroll_daemon.user_files import read_rows
from onroll_daemon.wiring import now


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be renamed, and when. `confirm` is the digest of a preview; without it nothing is done.

    `emails`: addresses alone, by the format. `sign_ins`: a preview asks the targets who has signed in. `waiting`: only show what waits for its day.
    """

    csv: str | None = None
    by_format: bool = False
    users: Sequence[str] = ()
    groups: Sequence[str] = ()
    years: Sequence[str] = ()
    role: str | None = None
    on: date | None = None
    keep_alias: bool = True
    confirm: str | None = None
    emails: bool = False
    sign_ins: bool = True
    waiting: bool = False


def rename(config: str | None, school: str | None, asked: Asked, as_json: bool) -> None:
    """`onroll rename`"""
    if not asked.waiting and (asked.csv is None) == (not asked.by_format):
        stop(
            USAGE,
            "Say what to rename: --csv FILE (from onroll users list --csv), or --format with --user, --group, --year or --role.",
        )
    if asked.emails and not asked.by_format:
        stop(USAGE, "--emails goes with --format; in a file, edit the email column and leave the usernames.")
    with session(config) as opened:
        schools = opened.schools(school)
        if len(schools) != 1:
            stop(USAGE, f"Renames are made school by school: onroll rename {schools[0].rules.id} ...")
        rules = schools[0].rules
        if asked.waiting:
            _tell_waiting(opened, rules.id, as_json)
            return
        shown = preview(_wishes(opened, rules, asked), rules, opened.store.ledger(rules.id))
        found = look(opened, schools[0], shown, asked.sign_ins and asked.confirm is None)
        if asked.confirm is not None and not shown.problems:
            agreed = Agreed(asked.confirm, asked.keep_alias, asked.on)
            do(opened.store, shown, agreed, now().date(), who(), now())
    _tell(shown, found, asked, rules.id, as_json)
    if shown.problems:
        raise typer.Exit(FAILED)
    raise typer.Exit(HELD if asked.confirm is None and shown.renamings else 0)


def _wishes(opened: Session, rules: SchoolRules, asked: Asked) -> list[Wish]:
    if asked.csv:
        return from_rows(opened.store, rules, read_rows(asked.csv, ("identity",), ("username", "email")), asked.csv)
    whom = Whom(asked.users, asked.groups, asked.years, asked.role)
    if not whom.said:
        stop(
            USAGE,
            "Say whom: --user, --group, --year or --role. The new format is never given to everybody by accident.",
        )
    return by_the_format(opened.store, rules, whom, asked.emails)


def _tell(shown: Preview, found: Look, asked: Asked, school: str, as_json: bool) -> None:
    done = asked.confirm is not None and not shown.problems
    if as_json:
        rows = [row(each, found, asked.keep_alias) for each in shown.renamings]
        document(
            {
                "digest": shown.digest,
                "done": done,
                "unchanged": shown.unchanged,
                "renames": rows,
                "notes": [*notes(shown, found, now())] if shown.renamings else [],
            }
        )
        return
    for each in shown.renamings:
        say(sentence(each, found, asked.keep_alias))
    for each in shown.problems:
        say_error(each.problem)
    count = len(shown.renamings)
    if shown.problems:
        say_error(f"{len(shown.problems)} of {count} cannot be done, so nobody was renamed.")
    elif not count:
        say(f"Nothing would change ({shown.unchanged} people have these names already).")
    elif not done:
        for note in notes(shown, found, now()):
            say(note)
        say(
            f"{count} people would be renamed, {shown.unchanged} stay as they are. If it is right, the same with: --confirm {shown.digest}"
        )
    elif asked.on is not None and asked.on > now().date():
        say(
            f"{count} people will be renamed on {asked.on:%d %B %Y}, and nobody else gets these names. What waits: onroll rename {school} --waiting"
        )
    else:
        for note in found.many:
            say(note)
        say(f"{count} people are renamed from the next sync on. Now: onroll apply {school}")


def _tell_waiting(opened: Session, school: str, as_json: bool) -> None:
    """Renames that wait for their day."""
    people = {each.id: each for each in opened.store.identities(school)}
    waiting = opened.store.pending_renames(school)
    if as_json:
        rows = [
            {
                "identity": each.identity,
                "username": people[each.identity].username,
                "after": {"username": each.username, "email": each.email},
                "on": each.on.isoformat(),
                "by": each.by,
            }
            for each in waiting
        ]
        document({"waiting": rows})
        return
    for each in waiting:
        say(
            f"{people[each.identity].label:<20} to {each.username} ({each.email}) on {each.on:%d %B %Y}, asked for by {each.by or 'somebody'}"
        )
    say(f"{len(waiting)} renames wait for their day. Take one back: onroll users rename USERNAME --cancel")
