"""What people of a school can be chosen by: role, year and registration group, in the words that the pages and the command line share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from onroll_core.identities import Identity
from onroll_core.rules import SchoolRules
from onroll_core.templates import FIELDS
from onroll_daemon.console.views.people import ROLES


@dataclass(frozen=True, slots=True)
class Cohorts:
    """What there is to choose from; roles with their word."""

    roles: list[tuple[str, str]]
    years: list[str]
    registrations: list[str]


def cohorts(people: Iterable[Identity], rules: SchoolRules) -> Cohorts:
    """The roles, years and registration groups of some people, in order."""
    roles, years, registrations = set(), set(), set()
    for each in people:
        roles.add(each.role.value)
        years.add(year_of(each, rules))
        registrations.add(each.person.registration_group or "")
    return Cohorts(
        [(each, ROLES.get(each, each.title())) for each in sorted(roles)],
        sorted(years - {""}, key=in_order),
        sorted(registrations - {""}, key=in_order),
    )


def year_of(identity: Identity, rules: SchoolRules) -> str:
    """The year somebody is in ("Year 7"), or ""."""
    return FIELDS["year"](identity, rules.around) or ""


def in_order(text: str) -> tuple[str, int, str]:
    """A key that puts Year 7 before Year 10."""
    letters = text.rstrip("0123456789")
    return letters, int(text[len(letters) :] or 0), text
