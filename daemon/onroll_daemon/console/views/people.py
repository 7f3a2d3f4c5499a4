"""The list of people: those who fit some filters, by surname and by the page; what there is to choose from; and the same as a file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from onroll_core.identities import Identity, State
from onroll_core.people import Role, SourceKey
from onroll_core.store.lookup import Facets, Page
from onroll_daemon.console.place import Place
from onroll_daemon.console.visitors import Visitor
from onroll_daemon.operations.people import shown
from onroll_daemon.user_files import users_csv

PER_PAGE = 50
_CHOICES = 300
"""More groups than that are found by their own page, and not in a list to choose from."""
ROLES = {Role.STUDENT.value: "Pupils", Role.STAFF.value: "Staff", Role.OTHER.value: "Others"}
STATES = {
    State.ACTIVE.value: "With the school",
    State.FUTURE.value: "Starting later",
    State.MISSING.value: "Missing from the MIS",
    State.LEAVING.value: "Leaving, within grace",
    State.LEFT.value: "Left",
    State.NO_SHOW.value: "Did not arrive",
    State.EXCLUDED.value: "Gets no account",
}
SOURCES = {"mis": "In the MIS", "manual": "Added by hand"}


@dataclass(frozen=True, slots=True)
class Filters:
    """What a list is narrowed to; "" stands for any. `group` is a group's record, and counts beside the `school` it belongs to."""

    q: str = ""
    school: str = ""
    role: str = ""
    year: str = ""
    registration: str = ""
    group: str = ""
    source: str = ""
    state: str = ""
    only: str = ""

    def asked(self) -> dict[str, str]:
        """Those that narrow anything, as an address has them."""
        return {name: value for name, value in asdict(self).items() if value}


def clean(text: str | None) -> str:
    """A text of an address as it may be compared: no database takes the character 0."""
    return (text or "").replace("\x00", "").strip()


def schools_of(place: Place, visitor: Visitor, filters: Filters) -> list[str]:
    """The schools that are looked in: the one that was asked for, or all that the visitor may see."""
    theirs = visitor.among(place.settings.schools)
    return [each for each in theirs if filters.school in ("", each)]


def found(place: Place, visitor: Visitor, filters: Filters, limit: int | None = PER_PAGE, offset: int = 0) -> Page:
    """Those who fit."""
    schools = schools_of(place, visitor, filters)
    one = schools[0] if len(schools) == 1 else None
    return place.store.lookup.search(
        schools,
        filters.q,
        role=filters.role,
        year_group=filters.year,
        registration=filters.registration,
        group=SourceKey(one, filters.group) if one and filters.group else None,
        source=filters.source,
        state=filters.state,
        waiting=filters.only == "waiting",
        by_hand=filters.only == "disabled",
        limit=limit,
        offset=offset,
    )


def rows(place: Place, people: Sequence[Identity]) -> Iterator[dict[str, Any]]:
    """People in the shape of `users list --json`, with why a name waits and who disabled the account."""
    days: dict[str, date] = {}
    for each in people:
        school = place.settings.schools.get(each.school)
        if school is None:
            continue
        today = days.get(each.school) or days.setdefault(each.school, today_at(place, each.school))
        yield shown(each, school.rules, today) | {"waiting": each.waiting, "suspended": each.suspended}


def today_at(place: Place, school: str) -> date:
    """The day that it is at a school."""
    return place.clock().astimezone(place.zone(school)).date()


def listing(place: Place, visitor: Visitor, filters: Filters, page: int) -> dict[str, Any]:
    """One page of the list, with where the pages before and after it are; a page that is not there is the first."""
    offset = max(page - 1, 0) * PER_PAGE
    hits = found(place, visitor, filters, PER_PAGE, offset)
    if offset and not hits.people:
        offset, hits = 0, found(place, visitor, filters)
    last = offset + len(hits.people)
    number = offset // PER_PAGE + 1
    return {
        "people": list(rows(place, hits.people)),
        "total": hits.total,
        "words": f"{offset + 1:,} to {last:,} of {hits.total:,}" if hits.people else "",
        "previous": number - 1 if number > 1 else None,
        "next": number + 1 if last < hits.total else None,
        "asked": filters.asked(),
        "states": STATES,
        "many_schools": len(schools_of(place, visitor, filters)) > 1,
        "names": {each: place.rules(each).name for each in place.settings.schools},
    }


def choices(place: Place, visitor: Visitor, filters: Filters) -> dict[str, list[tuple[str, str]]]:
    """What each filter may be set to, with how many people have it."""
    schools = schools_of(place, visitor, filters)
    facets = place.store.lookup.facets(schools, _CHOICES)
    chosen = {
        "roles": _of("Any role", facets.roles, ROLES),
        "years": _of("Any year", facets.years),
        "registrations": _of("Any registration group", facets.registrations),
        "sources": _of("Any source", facets.sources, SOURCES),
        "states": _of("Any state", facets.states, STATES),
        "schools": [("", "Every school"), *((each, place.rules(each).name) for each in visitor.among(place.settings.schools))],
        "groups": _groups(place, facets, schools[0], filters) if len(schools) == 1 else [],
        "only": [("", "Everybody"), ("waiting", "Whose name waits for a person"), ("disabled", "Disabled by hand")],
    }  # fmt: skip
    # What an address asks for stays to be seen, though nobody has it any more.
    for name, value in (("years", filters.year), ("registrations", filters.registration)):
        if value and value not in dict(chosen[name]):
            chosen[name].append((value, value))
    return chosen


def _of(nothing: str, counts: Mapping[str, int], words: Mapping[str, str] | None = None) -> list[tuple[str, str]]:
    keys = [each for each in words if each in counts] if words else sorted(counts, key=natural)
    return [("", nothing), *((key, f"{words[key] if words else key} ({counts[key]:,})") for key in keys)]


def _groups(place: Place, facets: Facets, school: str, filters: Filters) -> list[tuple[str, str]]:
    there = list(facets.groups)
    if filters.group and filters.group not in {each.key.record for each in there}:
        there += filter(None, [place.store.lookup.group(SourceKey(school, filters.group))])
    chosen = sorted(
        ((each.key.record, f"{each.name} ({each.members:,})") for each in there), key=lambda each: natural(each[1])
    )
    return [("", "Any group"), *chosen] if chosen else []


def natural(text: str) -> list[tuple[int, str]]:
    """A key that sorts Year 9 before Year 10."""
    return [
        (int(each), "") if each.isdecimal() else (-1, each.casefold()) for each in re.split(r"(\d{1,9})", text) if each
    ]


def as_csv(place: Place, visitor: Visitor, filters: Filters) -> str:
    """Everybody who fits as CSV, no cell of which a spreadsheet takes for a formula."""
    return users_csv(rows(place, found(place, visitor, filters, None).people))
