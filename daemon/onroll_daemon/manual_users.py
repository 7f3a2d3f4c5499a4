"""`onroll users add|edit|disable|enable|display-name`: what a person decides of somebody, kept until they decide otherwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from onroll_core.by_hand import Wanted, added, edited
from onroll_core.errors import Refused
from onroll_core.identities import Identity
from onroll_core.people import Role
from onroll_core.usernames import clean_display
from onroll_daemon.nights import who
from onroll_daemon.people import found_person, shown
from onroll_daemon.session import FAILED, USAGE, document, say, session, stop
from onroll_daemon.user_files import Row, read_rows
from onroll_daemon.wiring import new_identity, now

_ROLES = {"student": Role.STUDENT, "pupil": Role.STUDENT, "staff": Role.STAFF, "other": Role.OTHER, "": Role.OTHER}


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
        wanted = _from_file(asked.csv) if asked.csv else [_wanted(asked)]
        with opened.store.lease(rules.id, f"users add by {who()}", now()):
            known, ledger = opened.store.identities(rules.id), opened.store.ledger(rules.id)
            people = added(wanted, known, rules, ledger, today, [new_identity() for _ in wanted])
            opened.store.remember(None, people, now())
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
        after = edited(identity, changes, rules, today)
        opened.store.remember(None, [after], now())
        _tell([after], "changed", as_json, [shown(after, rules, today)])


def _edit_many(config: str | None, path: str, as_json: bool) -> None:
    """A blank cell leaves a value as it is; "never" in the column end takes the end away."""
    with session(config) as opened:
        today, after, rows = now().date(), [], []
        for each in read_rows(path, ("username", "identity"), ("first", "last", "start", "end", "year")):
            where, cells = f"{path}, line {each.line}", each.cells
            identity, rules = found_person(opened, cells.get("identity") or cells.get("username", ""))
            try:
                edited_one = edited(identity, _cells(cells, where), rules, today)
            except Refused as refused:
                stop(FAILED, f"{where}: {refused}")
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


def _cells(cells: Mapping[str, str], where: str) -> dict[str, str | date | None]:
    told: dict[str, str | date | None] = {name: cells[name] for name in ("first", "last") if cells.get(name)}
    if cells.get("year"):
        told["year_group"] = cells["year"]
    if cells.get("start"):
        told["starts"] = _date(cells["start"], where)
    if cells.get("end"):
        told["ends"] = None if cells["end"].lower() == "never" else _date(cells["end"], where)
    return told


def users_switch(config: str | None, username: str, on: bool, why: str, as_json: bool) -> None:
    """`onroll users disable` and `enable`: kept until somebody says otherwise, whatever the MIS tells."""
    with session(config) as opened:
        identity, rules = found_person(opened, username)
        if rules.mode == "link":
            stop(FAILED, f"{rules.id} is in Link Mode: {rules.driver} says who may sign in. Switch the account there.")
        if on is (identity.suspended == ""):
            stop(
                FAILED,
                f"{identity.label} was not disabled by hand."
                if on
                else f"{identity.label} is disabled by hand already ({identity.suspended}).",
            )
        reason = "" if on else f"by {who() or 'somebody'} on {now().date()}{f': {why}' if why else ''}"
        after = replace(identity, suspended=reason)
        opened.store.remember(None, [after], now())
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
        if identity.role is Role.STUDENT:
            stop(
                FAILED,
                f"{identity.label} is a pupil, and pupils' display names follow the MIS. Change the preferred name there.",
            )
        chosen = clean_display(name)
        if name.strip() and not chosen:
            stop(USAGE, f"{name!r} has nothing in it that can be shown.")
        if len(chosen) > 64:
            stop(USAGE, f"A display name has at most 64 characters; this one has {len(chosen)}.")
        after = replace(identity, chosen_display_name=chosen or None)
        opened.store.remember(None, [after], now())
        row = shown(after, rules, now().date())
        if as_json:
            document(row)
        else:
            say(f"{after.label} is shown as {row['display_name']} from the next sync on.")


def _wanted(asked: Asked) -> Wanted:
    return Wanted(
        asked.first or "",
        asked.last or "",
        _role(asked.role or "", ""),
        asked.username,
        asked.starts,
        asked.ends,
        asked.year,
    )


def _from_file(path: str) -> list[Wanted]:
    rows = read_rows(path, ("last", "first"), ("role", "username", "start", "end", "year"))
    if not rows:
        stop(FAILED, f"{path} has a header and no row. Nobody was added.")
    return [_of_row(path, row) for row in rows]


def _of_row(path: str, row: Row) -> Wanted:
    where, cells = f"{path}, line {row.line}", row.cells
    return Wanted(
        cells.get("first", ""), cells.get("last", ""), _role(cells.get("role", ""), where), cells.get("username") or None,
        _date(cells.get("start", ""), where), _date(cells.get("end", ""), where), cells.get("year") or None, where,
    )  # fmt: skip


def _role(text: str, where: str) -> Role:
    found = _ROLES.get(text.strip().lower())
    if found is None:
        stop(
            FAILED,
            f"{f'{where}: ' if where else ''}{text!r} is no role: write student, staff or other. Nobody was added.",
        )
    return found


def _date(text: str, where: str) -> date | None:
    from onroll_connectors.sources.csv_table import parse_date

    try:
        return parse_date(text) if text.strip() else None
    except ValueError as problem:
        stop(FAILED, f"{where}: {problem}. Nothing was changed.")


def _tell(people: Sequence[Identity], done: str, as_json: bool, rows: Sequence[dict[str, object]]) -> None:
    if as_json:
        document({"users": rows})
        return
    for each in people:
        name = f"{each.person.first or ''} {each.person.last or ''}".strip()
        say(f"{name} is {done}: {each.username or each.waiting} {each.email or ''}".rstrip())
    say(f"Accounts follow at the next sync. Now: onroll apply {people[0].school}")
