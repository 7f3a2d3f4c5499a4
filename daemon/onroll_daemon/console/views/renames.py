"""Many renames at once: what is asked for, what it comes to, and doing exactly that; no target is asked but for who has signed in."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from onroll_core.accounts import IdentityId
from onroll_core.errors import Refused
from onroll_core.identities import Identity
from onroll_core.lifecycle import GONE
from onroll_core.renames import Preview, Renaming, Wish, preview
from onroll_core.store.requests import Request
from onroll_daemon.console.place import Place
from onroll_daemon.console.refusals import Conflict, NoSuch
from onroll_daemon.console.views.cohorts import Cohorts, cohorts
from onroll_daemon.console.views.linking import name_of
from onroll_daemon.console.views.people import today_at
from onroll_daemon.console.visitors import Visitor
from onroll_daemon.operations import renaming
from onroll_daemon.operations.bulk_renames import Agreed, Whom, by_the_format, do, from_rows
from onroll_daemon.operations.rename_looks import Look, at_hand, notes
from onroll_daemon.user_files import rows_of

SHOWN = 500
"""So many lines are shown of a preview; those that stand in the way are shown first."""


@dataclass(frozen=True, slots=True)
class Told:
    """A preview with what is known of the people; `wishes` make it again."""

    wishes: Sequence[Wish]
    shown: Preview
    found: Look
    notes: Sequence[str]

    @property
    def rows(self) -> list[tuple[Renaming, str]]:
        """The renames with the person's name: those that stand in the way first, then by username."""
        order = sorted(self.shown.renamings, key=lambda each: (not each.problem, each.identity.label))
        return [(each, name_of(each.identity)) for each in order]

    @property
    def packed(self) -> str:
        """The wishes as a form sends them back."""
        return json.dumps([[each.identity.id, each.username, each.email, each.where] for each in self.wishes])


def by_format(place: Place, school: str, whom: Whom, emails: bool) -> list[Wish]:
    """What the present format would call people. Raises Refused."""
    return by_the_format(place.store, place.rules(school), whom, emails)


def from_file(place: Place, school: str, raw: bytes, name: str) -> list[Wish]:
    """What an edited list asks for. Raises Refused (or Halt) with a line for every mistake."""
    rows = rows_of(raw, name, ("identity",), ("username", "email"))
    if not rows:
        raise Refused(f"{name} has no line below its first one. Nobody was renamed.")
    return from_rows(place.store, place.rules(school), rows, name)


def unpacked(place: Place, school: str, text: str) -> list[Wish]:
    """The wishes that a form sent back. Raises Refused for what is none, NoSuch for people of another school."""
    try:
        told = [
            (str(who), _name(username), _name(email), str(where)) for who, username, email, where in json.loads(text)
        ]
    except (ValueError, TypeError):
        raise Refused("The list of renames did not arrive whole. Look at it again. Nobody was renamed.") from None
    return wishes_of(place, school, told)


def wishes_of(place: Place, school: str, told: Iterable[tuple[str, str | None, str | None, str]]) -> list[Wish]:
    """Wishes for people of the school. Raises NoSuch for anybody else."""
    people = {each.id: each for each in place.store.identities(school)}
    wishes = []
    for who, username, email, where in told:
        identity = people.get(IdentityId(who))
        if identity is None:
            raise NoSuch("There is no such person, or you may not see them. Nobody was renamed.")
        wishes.append(Wish(identity, username, email, where))
    return wishes


def _name(told: Any) -> str | None:
    if told is None or (isinstance(told, str) and len(told) <= 300 and "\x00" not in told):
        return told
    raise ValueError


def told(place: Place, school: str, wishes: Sequence[Wish], asked: Request | None = None) -> Told:
    """What the wishes come to; `asked` is a request that asked the targets who has signed in."""
    shown = preview(wishes, place.rules(school), place.store.ledger(school))
    found = at_hand(place.settings, place.store, place.settings.schools[school], shown)
    result = (asked.result or {}) if asked is not None else {}
    found.untold = list(result.get("untold", ()))
    for who, where in result.get("signed_in", {}).items():
        found.signed_in[IdentityId(who)] = {name: datetime.fromisoformat(when) for name, when in where.items()}
    return Told(wishes, shown, found, notes(shown, found, place.clock()) if shown.renamings else [])


def confirm(place: Place, school: str, wishes: Sequence[Wish], agreed: Agreed, visitor: Visitor) -> tuple[int, bool]:
    """Do what was shown: how many are renamed, and whether they wait for their day. Raises Conflict when it is something else by now, Refused."""
    today = today_at(place, school)
    if agreed.on is not None and agreed.on < today:
        raise Refused(f"{agreed.on.day} {agreed.on:%B %Y} is over. Choose a later day, or none. Nobody was renamed.")
    shown = preview(wishes, place.rules(school), place.store.ledger(school))
    if shown.digest != agreed.digest:
        raise Conflict(
            "The renames come to something else by now than what you were shown: somebody may have been faster. Look again. Nobody was renamed."
        )
    if not shown.renamings:
        raise Refused("Nothing would change. Nobody was renamed.")
    later = do(place.store, shown, agreed, today, visitor.by, place.clock())
    count = len(shown.renamings)
    when = f" on {agreed.on}" if later else ""
    what = f"{'will rename' if later else 'renamed'} {count} {'person' if count == 1 else 'people'}{when}"
    place.store.console.audit.note(place.clock(), visitor.by, school, what, agreed.digest)
    return count, later


@dataclass(frozen=True, slots=True)
class Waiting:
    """Somebody whose rename waits for its day."""

    identity: Identity
    name: str
    username: str
    email: str
    on: date
    by: str


def waiting(place: Place, school: str) -> list[Waiting]:
    """Renames that wait for their day, the first day first."""
    people = {each.id: each for each in place.store.identities(school)}
    return [
        Waiting(people[each.identity], name_of(people[each.identity]), each.username, each.email, each.on, each.by)
        for each in place.store.pending_renames(school)
        if each.identity in people
    ]


def cancel(place: Place, school: str, who: str, visitor: Visitor) -> Identity:
    """Take back a rename that waits. Raises NoSuch, Refused when none waits."""
    (wish,) = wishes_of(place, school, [(who, None, None, "")])
    renaming.cancel(place.store, wish.identity)
    what = f"took back the rename of {wish.identity.label}"
    place.store.console.audit.note(place.clock(), visitor.by, school, what, wish.identity.id)
    return wish.identity


def choices(place: Place, school: str) -> Cohorts:
    """What people who can be renamed may be chosen by."""
    people = [each for each in place.store.identities(school) if each.username and each.state not in GONE]
    return cohorts(people, place.rules(school))
