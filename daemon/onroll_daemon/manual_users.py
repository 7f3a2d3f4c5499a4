"""`onroll users add|edit|disable|enable|display-name`: what a person decides of somebody, kept until they decide otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from onroll_core.by_hand import Wanted, edited
from onroll_core.errors import Refused
from onroll_core.identities import Identity
from onroll_core.people import Role
from onroll_daemon.nights import who
from onroll_daemon.operations.by_hand import MORE, NEEDED, add, call, edit, role, switch, told_by, wanted_from
from onroll_daemon.people import found_person, shown
from onroll_daemon.session import FAILED, USAGE, document, say, session, stop
from onroll_daemon.user_files import read_rows
from onroll_daemon.wiring import new_identity, now


@dataclass(frozen=True, slots=True)
class Asked:
    """Somebody to be added, or changed; None leaves a value as it is."""

    first: str | None = None
    last: str | None = None
    role: str | None = None
    username: str | None = None
    starts: date | None = None
    ends: date | None = None
    forever: bool = False
    year: str | None = None
    csv: str | None = None


def users_add(config: str | None, school: str | None, asked: Asked, as_json: bool) -> None:
    """`onroll users add`: one, or a file of them; all or nobody."""
    with session(config) as opened:
        schools = opened.schools(school)
        if len(schools) != 1:
            stop(USAGE, f"Somebody is added to one school: name it with --school {schools[0].rules.id}")
        rules, today = schools[0].rules, now().date()
        wanted = wanted_from(asked.csv, read_rows(asked.csv, NEEDED, MORE)) if asked.csv else [_wanted(asked)]
        people = add(opened.store, rules, wanted, today, new_identity, who(), now())
        _tell(people, "added", as_json, [shown(each, rules, today) for each in people])


def users_edit(config: str | None, username: str | None, asked: Asked, as_json: bool) -> None:
    """`onroll users edit`: names and dates of somebody made by hand, or of all in a file; all or nobody."""
    if (username is None) == (asked.csv is None):
        stop(USAGE, "Say whom: a username, or --csv FILE with the columns username and end (first, last, start, year).")
    if asked.csv is not None:
        _edit_many(config, asked.csv, as_json)
        return
    assert username is not None
    told = {
        "first": asked.first,
        "last": asked.last,
        "starts": asked.starts,
        "ends": asked.ends,
        "year_group": asked.year,
    }
    changes = {name: value for name, value in told.items() if value is not None} | (
        {"ends": None} if asked.forever else {}
    )
    if not changes:
        stop(USAGE, "Say what is to change: --first, --last, --start, --end, --no-end or --year.")
    with session(config) as opened:
        identity, rules = found_person(opened, username)
        today = now().date()
        after = edit(opened.store, rules, identity, changes, today, now())
        _tell([after], "changed", as_json, [shown(after, rules, today)])


def _edit_many(config: str | None, path: str, as_json: bool) -> None:
    """A blank cell leaves a value as it is; "never" in the column end takes the end away."""
    with session(config) as opened:
        today, after, rows = now().date(), [], []
        for each in read_rows(path, ("username", "identity"), ("first", "last", "start", "end", "year")):
            where, cells = f"{path}, line {each.line}", each.cells
            identity, rules = found_person(opened, cells.get("identity") or cells.get("username", ""))
            try:
                edited_one = edited(identity, told_by(cells, where), rules, today)
            except Refused as refused:
                said = refused.sentence
                stop(FAILED, said if said.startswith(where) else f"{where}: {said}")
            after.append(edited_one)
            rows.append(shown(edited_one, rules, today))
        ids = [each.id for each in after]
        doubled = [each.label for each in after if ids.count(each.id) > 1]
        if doubled or not after:
            stop(
                FAILED,
                f"{path} {f'names {doubled[0]} more than once' if doubled else 'has a header and no row'}. Nothing was changed.",
            )
        opened.store.remember(None, after, now())
        _tell(after, "changed", as_json, rows)


def users_switch(config: str | None, username: str, on: bool, why: str, as_json: bool) -> None:
    """`onroll users disable` and `enable`: kept until somebody says otherwise, whatever the MIS tells."""
    with session(config) as opened:
        identity, rules = found_person(opened, username)
        after = switch(opened.store, rules, identity, on, why, who(), now().date(), now())
        if as_json:
            document({"identity": after.id, "username": after.username, "suspended": after.suspended})
        else:
            say(
                f"{after.label} is {'enabled' if on else 'disabled'} from the next sync on, in every target. Now: onroll apply {rules.id}"
            )


def users_display_name(config: str | None, username: str, name: str, as_json: bool) -> None:
    """`onroll users display-name`: what somebody of the staff wants to be called; "" goes back to the school's own form."""
    with session(config) as opened:
        identity, rules = found_person(opened, username)
        try:
            after = call(opened.store, identity, name, now())
        except Refused as why:
            stop(FAILED if identity.role is Role.STUDENT else USAGE, why.sentence)
        row = shown(after, rules, now().date())
        if as_json:
            document(row)
        else:
            say(f"{after.label} is shown as {row['display_name']} from the next sync on.")


def _wanted(asked: Asked) -> Wanted:
    return Wanted(
        asked.first or "",
        asked.last or "",
        role(asked.role or ""),
        asked.username,
        asked.starts,
        asked.ends,
        asked.year,
    )


def _tell(people: Sequence[Identity], done: str, as_json: bool, rows: Sequence[dict[str, object]]) -> None:
    if as_json:
        document({"users": rows})
        return
    for each in people:
        name = f"{each.person.first or ''} {each.person.last or ''}".strip()
        say(f"{name} is {done}: {each.username or each.waiting} {each.email or ''}".rstrip())
    say(f"Accounts follow at the next sync. Now: onroll apply {people[0].school}")
