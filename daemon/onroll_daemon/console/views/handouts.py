"""First passwords: who was never given one, what is asked for, and what became of it; the passwords themselves are in the tray alone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from onroll_core.accounts import IdentityId
from onroll_core.errors import Refused
from onroll_core.identities import Identity
from onroll_core.store.requests import Request
from onroll_core.usernames import fold
from onroll_daemon.console.place import Place
from onroll_daemon.console.refusals import Conflict, NoSuch
from onroll_daemon.console.views.cohorts import Cohorts, cohorts, year_of
from onroll_daemon.console.views.linking import ask, name_of
from onroll_daemon.console.visitors import Visitor
from onroll_daemon.desk.tray import HandOut
from onroll_daemon.issuing import Wanted, fitting, takers

PER_PAGE = 200
_PAST, _NAMED = 30, 30


@dataclass(frozen=True, slots=True)
class Filters:
    """What the list is narrowed to; "" stands for any. `again`: also those who were given one before."""

    q: str = ""
    role: str = ""
    year: str = ""
    registration: str = ""
    again: str = ""

    def asked(self) -> dict[str, str]:
        """Those that narrow anything, as an address has them."""
        names = ("q", "role", "year", "registration", "again")
        return {name: getattr(self, name) for name in names if getattr(self, name)}


@dataclass(frozen=True, slots=True)
class Row:
    """Somebody who can be given one. `had` is when (ISO) and by whom they were last; `missing` are targets in which they have no account yet."""

    identity: Identity
    name: str
    year: str
    had: tuple[str, str] | None
    missing: Sequence[str]


@dataclass(frozen=True, slots=True)
class Listing:
    """Those who fit, by year, registration group and name, and what there is to choose from. `digest` names exactly these."""

    rows: Sequence[Row]
    choices: Cohorts

    @property
    def usernames(self) -> list[str]:
        """Of those who fit."""
        return [each.identity.username for each in self.rows if each.identity.username]

    @property
    def digest(self) -> str:
        """The SHA-256 (first 16 hex digits) of who is in the list."""
        return hashlib.sha256(json.dumps(sorted(self.usernames)).encode()).hexdigest()[:16]


def listing(place: Place, school: str, filters: Filters) -> Listing:
    """The people of a school who fit. Raises Refused where no target of it takes passwords."""
    rules, settings = place.rules(school), place.settings.schools[school]
    targets = takers(place.settings, settings)
    everybody, had = place.store.identities(school), place.store.handouts(school)
    able = fitting(everybody, had, rules, Wanted(again=bool(filters.again)), place.clock())
    words = [fold(word) for word in filters.q.split()]
    rows = [
        Row(
            each,
            name_of(each),
            year_of(each, rules),
            had.get(each.id),
            [one for one in targets if one not in each.bonds],
        )
        for each in able
        if _fits(each, year_of(each, rules), filters, words)
    ]
    rows.sort(key=lambda row: (row.year, row.identity.person.registration_group or "", row.name.casefold()))
    return Listing(rows, cohorts(able, rules))


def _fits(identity: Identity, year: str, filters: Filters, words: Sequence[str]) -> bool:
    person = identity.person
    if filters.role not in ("", identity.role.value) or filters.year not in ("", year):
        return False
    if filters.registration not in ("", person.registration_group or ""):
        return False
    texts = [fold(text) for text in (name_of(identity), identity.username or "", identity.email or "")]
    return all(any(word in text for text in texts) for word in words)


def issue(place: Place, school: str, users: Sequence[str], again: bool, looked: datetime, visitor: Visitor) -> int:
    """Ask for first passwords for exactly these; gives the number of the request.

    Raises Refused where nobody is chosen, Conflict where somebody was given one by now and that is not what was asked.
    """
    if not users:
        raise Refused("Nobody is chosen. Tick people first, or issue to all who fit.")
    names = sorted(set(users))
    had = place.store.handouts(school)
    people = {each.username: each for each in place.store.identities(school)}
    if any(name not in people for name in names):
        raise NoSuch("Somebody of them is not there any more, or was renamed. Look again. Nobody was given a password.")
    late = [name for name in names if (given := had.get(people[name].id)) and (not again or datetime.fromisoformat(given[0]) > looked)]  # fmt: skip
    if late:
        by = had[people[late[0]].id][1] or "Somebody"
        raise Conflict(
            f"{by} has given {', '.join(late[:5])}{' and others' if len(late) > 5 else ''} a first password by now. Another would make it useless. Nobody was given one; look again."
        )
    wanted = {"users": names, "again": again, "looked": looked.isoformat()}
    what = f"asked for first passwords for {len(names)} {'person' if len(names) == 1 else 'people'}"
    return ask(place, school, "passwords", wanted, visitor, what, "again" if again else "")


def asked(place: Place, school: str, number: int) -> Request:
    """A request for first passwords of this school. Raises NoSuch."""
    found = place.store.requests.get(number)
    if found is None or found.school != school or found.kind != "passwords":
        raise NoSuch("There is no such hand-out. Requests are forgotten after 30 days.")
    return found


def handout(place: Place, school: str, number: int, visitor: Visitor) -> HandOut:
    """What lies in the tray for the one who asked. Raises NoSuch for everybody else, and when it is gone: nothing tells the two apart."""
    found = _lying(place, asked(place, school, number), visitor)
    if found is None:
        raise NoSuch(
            "There is no hand-out here for you. It lies here for an hour, for the person who asked for it, and is then gone for good."
        )
    return found


def _lying(place: Place, found: Request, visitor: Visitor) -> HandOut | None:
    told: HandOut | None = place.tray.get(found.id, visitor.by, place.clock()) if place.tray is not None else None
    return told


def drop(place: Place, school: str, number: int, visitor: Visitor) -> bool:
    """Throw a hand-out away; False when there was none for this person."""
    found = asked(place, school, number)
    gone = place.tray is not None and bool(place.tray.drop(found.id, visitor.by))
    if gone:
        place.store.console.audit.note(place.clock(), visitor.by, school, "threw a hand-out of first passwords away", f"request {number}")  # fmt: skip
    return gone


def taken(place: Place, school: str, number: int, visitor: Visitor, how: str) -> None:
    """Note that somebody took the passwords out of the tray."""
    place.store.console.audit.note(place.clock(), visitor.by, school, f"{how} a hand-out of first passwords", f"request {number}")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a request. `lies` until when the hand-out is there for this visitor (None: it is not); `mine`: they asked for it."""

    request: Request
    issued: Sequence[str]
    left_out: Sequence[Mapping[str, Any]]
    lies: datetime | None
    mine: bool

    @property
    def there_was(self) -> bool:
        """True when there was a hand-out."""
        return bool((self.request.result or {}).get("tray"))


def outcome(place: Place, school: str, number: int, visitor: Visitor) -> Outcome:
    """How a request for passwords went. Raises NoSuch."""
    found = asked(place, school, number)
    result = found.result or {}
    lying = _lying(place, found, visitor)
    return Outcome(
        found, result.get("issued", ()), result.get("left_out", ()), lying.until if lying else None, found.by == visitor.by
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Past:
    """A hand-out of the past: who was given a password by whom, as far as they have not been given another since; `at` is ISO, to the minute."""

    at: str
    by: str
    count: int
    people: Sequence[tuple[IdentityId, str]]


def past(place: Place, school: str) -> list[Past]:
    """The last hand-outs, newest first."""
    people = {each.id: each for each in place.store.identities(school)}
    found: dict[tuple[str, str], list[IdentityId]] = {}
    for who, (at, by) in place.store.handouts(school).items():
        minute = datetime.fromisoformat(at).replace(second=0, microsecond=0).isoformat()
        found.setdefault((minute, by), []).append(who)
    return [
        Past(at, by, len(who), sorted(((each, name_of(people[each])) for each in who if each in people), key=lambda each: each[1])[:_NAMED])
        for (at, by), who in sorted(found.items(), reverse=True)[:_PAST]
    ]  # fmt: skip


def going(place: Place, school: str) -> list[Request]:
    """Requests for passwords that are not over."""
    return [each for each in place.store.requests.open(school) if each.kind == "passwords"]
