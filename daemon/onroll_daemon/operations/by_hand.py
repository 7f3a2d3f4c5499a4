"""People whom the MIS does not know, and what a person decides of somebody: added, changed, switched off, called otherwise."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime

from onroll_core.accounts import IdentityId
from onroll_core.by_hand import Wanted, added, edited
from onroll_core.errors import Refused
from onroll_core.identities import Identity
from onroll_core.people import Role
from onroll_core.rules import SchoolRules
from onroll_core.store import Store
from onroll_core.usernames import clean_display
from onroll_daemon.user_files import Row

ROLES = {"student": Role.STUDENT, "pupil": Role.STUDENT, "staff": Role.STAFF, "other": Role.OTHER, "": Role.OTHER}
NEEDED, MORE = ("last", "first"), ("role", "username", "start", "end", "year")
"""The columns of a file of people to be added."""
_LONGEST = 64
_MISTAKES = 20
Told = Mapping[str, str | date | None]


def add(
    store: Store,
    rules: SchoolRules,
    wanted: Sequence[Wanted],
    today: date,
    new_id: Callable[[], IdentityId],
    by: str,
    now: datetime,
) -> list[Identity]:
    """Add people to a school, all or nobody, under its lease. Raises Refused with the line of the first mistake, and Busy during a run."""
    with store.lease(rules.id, f"users add by {by}", now):
        known, ledger = store.identities(rules.id), store.ledger(rules.id)
        people = added(wanted, known, rules, ledger, today, [new_id() for _ in wanted])
        store.remember(None, people, now)
    return people


def mistakes(store: Store, rules: SchoolRules, name: str, rows: Sequence[Row], today: date) -> list[str]:
    """What is wrong with a file of people to be added, a sentence with its line each, in the order of the lines; [] when `add` would take it.
    Changes nothing. After twenty mistakes nobody reads on."""
    found: list[tuple[int, str]] = []
    wanted: dict[str, tuple[int, Wanted]] = {}
    for row in rows:
        try:
            each = _of_row(name, row)
            wanted[each.where] = (row.line, each)
        except Refused as why:
            found.append((row.line, why.sentence))
    known, ledger = store.identities(rules.id), store.ledger(rules.id)
    while wanted and len(found) < _MISTAKES:
        try:
            added([each for _, each in wanted.values()], known, rules, ledger, today, _numbers(len(wanted)))
            break
        except Refused as why:
            where = why.sentence.partition(": ")[0]
            if where not in wanted:
                found.append((0, why.sentence))
                break
            found.append((wanted.pop(where)[0], why.sentence))
    return [sentence for _, sentence in sorted(found)]


def _numbers(count: int) -> list[IdentityId]:
    return [IdentityId(f"new{number}") for number in range(count)]


def edit(store: Store, rules: SchoolRules, identity: Identity, told: Told, today: date, now: datetime) -> Identity:
    """Other names or dates for somebody added by hand; a value that is not among `told` stays. Raises Refused for people of the MIS."""
    after = edited(identity, told, rules, today)
    store.remember(None, [after], now)
    return after


def switch(
    store: Store, rules: SchoolRules, identity: Identity, on: bool, why: str, by: str, today: date, now: datetime
) -> Identity:
    """Take sign-in away until somebody enables it again, whatever the MIS tells; or take that back. Raises Refused when it is so already."""
    if rules.mode == "link":
        raise Refused(f"{rules.id} is in Link Mode: {rules.driver} says who may sign in. Switch the account there.")
    if on is (identity.suspended == ""):
        raise Refused(
            f"{identity.label} was not disabled by hand."
            if on
            else f"{identity.label} is disabled by hand already ({identity.suspended})."
        )
    why = clean_display(why)
    reason = "" if on else f"by {by or 'somebody'} on {today}{f': {why}' if why else ''}"
    after = replace(identity, suspended=reason)
    store.remember(None, [after], now)
    return after


def chosen(identity: Identity, name: str) -> Identity:
    """Somebody of the staff as they want to be called; "" goes back to the school's own form. Raises Refused for pupils and for what cannot be shown."""
    if identity.role is Role.STUDENT:
        raise Refused(
            f"{identity.label} is a pupil, and pupils' display names follow the MIS. Change the preferred name there."
        )
    wanted = clean_display(name)
    if name.strip() and not wanted:
        raise Refused(f"{name!r} has nothing in it that can be shown.")
    if len(wanted) > _LONGEST:
        raise Refused(f"A display name has at most {_LONGEST} characters; this one has {len(wanted)}.")
    return replace(identity, chosen_display_name=wanted or None)


def call(store: Store, identity: Identity, name: str, now: datetime) -> Identity:
    """Keep the display name that a member of staff chose. Raises Refused as `chosen` does."""
    after = chosen(identity, name)
    store.remember(None, [after], now)
    return after


def wanted_from(name: str, rows: Sequence[Row]) -> list[Wanted]:
    """The people of a file called `name`; raises Refused with the line of the first mistake."""
    if not rows:
        raise Refused(f"{name} has a header and no row. Nobody was added.")
    return [_of_row(name, row) for row in rows]


def _of_row(name: str, row: Row) -> Wanted:
    where, cells = f"{name}, line {row.line}", row.cells
    return Wanted(
        cells.get("first", ""), cells.get("last", ""), role(cells.get("role", ""), where), cells.get("username") or None,
        day(cells.get("start", ""), where), day(cells.get("end", ""), where), cells.get("year") or None, where,
    )  # fmt: skip


def role(text: str, where: str = "") -> Role:
    """The role that a person wrote."""
    found = ROLES.get(text.strip().lower())
    if found is None:
        before = f"{where}: " if where else ""
        raise Refused(f"{before}{text!r} is no role: write student, staff or other. Nobody was added.")
    return found


def day(text: str, where: str) -> date | None:
    """A date as offices write it, None for an empty cell."""
    from onroll_connectors.sources.csv_table import parse_date

    try:
        return parse_date(text) if text.strip() else None
    except ValueError as problem:
        raise Refused(f"{where}: {problem}. Nothing was changed.") from None


def told_by(cells: Mapping[str, str], where: str) -> dict[str, str | date | None]:
    """What a line of a file changes: a blank cell leaves a value as it is, "never" in the column end takes the end away."""
    told: dict[str, str | date | None] = {name: cells[name] for name in ("first", "last") if cells.get(name)}
    if cells.get("year"):
        told["year_group"] = cells["year"]
    if cells.get("start"):
        told["starts"] = day(cells["start"], where)
    if cells.get("end"):
        told["ends"] = None if cells["end"].lower() == "never" else day(cells["end"], where)
    return told
