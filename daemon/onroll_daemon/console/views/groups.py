"""Groups: which there are in each target, what is doubtful or over, and who is in one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from onroll_core.accounts import IdentityId
from onroll_core.identities import Identity
from onroll_core.templates import FIELDS
from onroll_core.usernames import fold
from onroll_daemon.console.place import Place
from onroll_daemon.console.refusals import NoSuch
from onroll_daemon.console.views.linking import name_of
from onroll_daemon.console.views.people import today_at
from onroll_daemon.operations.groups import Groups, Shown, groups_of

KINDS: Mapping[str, str] = {
    "year": "Year groups",
    "registration": "Registration groups",
    "teaching": "Classes",
    "house": "Houses",
    "role": "Roles",
}
PER_PAGE = 100


@dataclass(frozen=True, slots=True)
class Filters:
    """What the list is narrowed to; "" stands for any. `only`: "doubt" (a person has to settle it) or "archived"."""

    target: str = ""
    kind: str = ""
    q: str = ""
    only: str = ""

    def asked(self) -> dict[str, str]:
        """Those that narrow anything, as an address has them."""
        told = {"target": self.target, "kind": self.kind, "q": self.q, "only": self.only}
        return {name: value for name, value in told.items() if value}


@dataclass(frozen=True, slots=True)
class Listing:
    """The groups that fit, by kind and name, how many there are of each kind in the targets that are meant, and how many of a target wait for a person."""

    rows: Sequence[Shown]
    kinds: Mapping[str, int]
    doubts: int
    archived: int


def groups(place: Place, school: str) -> Groups:
    """The groups of a school, today."""
    return groups_of(place.settings, place.store, place.settings.schools[school], today_at(place, school))


def listing(found: Groups, filters: Filters) -> Listing:
    """Those who fit."""
    here = [row for row in found.rows if filters.target in ("", row.target)]
    words = [fold(word) for word in filters.q.split()]
    kept = [row for row in here if _fits(row, filters, words)]
    kept.sort(key=lambda row: ([*KINDS].index(row.kind), row.group.name.casefold(), row.target, row.course))
    return Listing(
        kept, Counter(row.kind for row in here), sum(bool(row.doubt) for row in here), sum(row.group.archived for row in here)
    )  # fmt: skip


def _fits(row: Shown, filters: Filters, words: Iterable[str]) -> bool:
    if filters.kind not in ("", row.kind):
        return False
    if (filters.only == "doubt" and not row.doubt) or (filters.only == "archived" and not row.group.archived):
        return False
    texts = [fold(text) for text in (row.group.name, row.group.address or "", row.record)]
    return all(any(word in text for text in texts) for word in words)


def one(found: Groups, target: str, record: str) -> Shown:
    """One group in one target. Raises NoSuch."""
    for row in found.rows:
        if row.target == target and row.record == record:
            return row
    raise NoSuch("There is no such group in this target today. It may have been renamed, or be over.")


def people(place: Place, school: str, found: Groups, who: Iterable[IdentityId]) -> list[dict[str, Any]]:
    """People of a group, by surname."""
    around = place.rules(school).around
    known = [found.people[each] for each in who if each in found.people]
    known.sort(key=_surname)
    return [
        {
            "identity": each.id,
            "name": name_of(each),
            "username": each.username,
            "role": each.role.value,
            "year": FIELDS["year"](each, around) or "",
            "registration_group": each.person.registration_group or "",
        }
        for each in known
    ]


def _surname(identity: Identity) -> tuple[str, str]:
    person = identity.person
    return (person.last or person.legal_last or "").casefold(), name_of(identity).casefold()
