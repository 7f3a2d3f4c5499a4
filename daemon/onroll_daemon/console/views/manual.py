"""People added by hand: who ends soonest first, and what a form or a file makes of them."""

from __future__ import annotations

from datetime import date
from typing import Any

from onroll_core.by_hand import Wanted
from onroll_core.errors import Refused
from onroll_core.identities import Identity
from onroll_core.rules import SchoolRules
from onroll_daemon.console.place import Place
from onroll_daemon.console.refusals import TooMuch
from onroll_daemon.console.views.people import STATES, today_at
from onroll_daemon.operations import by_hand
from onroll_daemon.operations.people import shown
from onroll_daemon.user_files import rows_of
from onroll_daemon.wiring import new_identity

LARGEST = 1024 * 1024
_SOON = 30
EXAMPLE = "first,last,role,start,end,username,year\r\nAnn,Lee,other,,31/08/2027,,\r\n"


def listing(place: Place, school: str) -> list[dict[str, Any]]:
    """Everybody of a school who was added by hand: whose last day is near first, then who has none, then whose has passed."""
    today, rules = today_at(place, school), place.rules(school)
    people = place.store.lookup.search([school], source="manual", limit=None).people
    return sorted((_row(each, rules, today) for each in people), key=lambda row: (row["order"], row["name"]))


def _row(who: Identity, rules: SchoolRules, today: date) -> dict[str, Any]:
    row, ends = shown(who, rules, today), who.person.ends
    over = ends is not None and ends < today
    return {
        "identity": who.id,
        "name": row["display_name"] or who.label,
        "username": who.username,
        "role": {"student": "Pupil", "staff": "Staff"}.get(who.role.value, "Other"),
        "starts": who.person.starts,
        "ends": ends,
        "state": STATES.get(row["state"], row["state"]),
        "over": over,
        "soon": ends is not None and not over and (ends - today).days <= _SOON,
        "suspended": who.suspended,
        "order": (2, -ends.toordinal()) if over and ends else (0, ends.toordinal()) if ends else (1, 0),
    }


def add(place: Place, school: str, wanted: list[Wanted], by: str) -> list[Identity]:
    """Add them, all or nobody; see `by_hand.add`."""
    return by_hand.add(
        place.store, place.rules(school), wanted, today_at(place, school), new_identity, by, place.clock()
    )


def from_file(place: Place, school: str, raw: bytes, name: str) -> tuple[list[Wanted], list[str]]:
    """The people of a file, or what is wrong with it: never both. Raises TooMuch."""
    if len(raw) > LARGEST:
        raise TooMuch("The file is larger than 1 MB, which no list of people added by hand is. Nobody was added.")
    try:
        rows = rows_of(raw, name, by_hand.NEEDED, by_hand.MORE)
        wrong = by_hand.mistakes(place.store, place.rules(school), name, rows, today_at(place, school))
        return ([], wrong) if wrong else (by_hand.wanted_from(name, rows), [])
    except Refused as why:
        return [], [why.sentence]
