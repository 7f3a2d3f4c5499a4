"""A school's formats as two people who do not exist would meet them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from onroll_core.accounts import IdentityId
from onroll_core.identities import Identity, State
from onroll_core.naming import name_everyone
from onroll_core.people import Person, Role, SourceKey, Status
from onroll_core.rules import RoleRules, SchoolRules
from onroll_core.years import Country, Stage, academic_year, parse_stage, year_of_entry

NAMES = (("Siân", "O'Connor"), ("Laurence", "Llewelyn-Bowen"))
ROLES: Mapping[Role, str] = {Role.STUDENT: "Pupils", Role.STAFF: "Staff", Role.OTHER: "Others"}
_USUAL = {Country.SCOTLAND: "S1"}


class _Nobody:
    """A ledger of a school in which nobody has ever had a name."""

    def taken(self, name: str) -> bool:
        """Every name is free."""
        return False


def formats(rules: SchoolRules, today: date, years: Mapping[str, int]) -> list[dict[str, Any]]:
    """Each role that gets accounts: its formats, and what they make of two names. `years` are the school's year groups with how many people each has."""
    found = []
    for role, title in ROLES.items():
        of = rules.of(role)
        if of is not None:
            found.append(
                {"title": title, "rules": of, "email": _email(of), "people": examples(rules, role, today, years)}
            )
    return found  # fmt: skip


def examples(rules: SchoolRules, role: Role, today: date, years: Mapping[str, int]) -> list[dict[str, Any]]:
    """Two people of a role as they would be called; `waits` says why a person would have to choose. Nothing where the role gets no account."""
    of = rules.of(role)
    if of is None or not of.provision:
        return []
    text, stage = _year(rules, years)
    entry = year_of_entry(stage, academic_year(today, rules.rollover)) if role is Role.STUDENT and stage else None
    made = [
        Identity(
            IdentityId(f"example-{number}"),
            rules.id,
            role,
            Person(
                SourceKey(rules.id, f"example:{number}"), role, Status.ON_ROLL, first, last, first, last, starts=today,
                year_group=text if role is Role.STUDENT else None,
            ),
            State.ACTIVE,
            year_of_entry=entry,
        )
        for number, (first, last) in enumerate(NAMES)
    ]  # fmt: skip
    named = {each.id: each for each in name_everyone(made, today, rules, _Nobody(), ())}
    year = stage.label if stage and role is Role.STUDENT else ""
    return [_told(named.get(each.id, each), of, rules) | {"year": year} for each in made]


def _told(who: Identity, of: RoleRules, rules: SchoolRules) -> dict[str, Any]:
    waits = (who.waiting or "").partition(" Give a name:")[0]
    return {
        "name": f"{who.person.first} {who.person.last}",
        "username": who.username,
        "email": who.email,
        "display_name": of.display_name.render(who, rules.around),
        "place": of.place.render(who, rules.around),
        "waits": waits,
    }


def _email(of: RoleRules) -> str:
    return f"{of.email.text if of.email else '{username}'}@{of.domain}"


def _year(rules: SchoolRules, years: Mapping[str, int]) -> tuple[str, Stage | None]:
    """The year group that most people are in; a usual one where there is none."""
    for text in sorted(years, key=lambda each: (-years[each], each)):
        if (stage := parse_stage(text, rules.country)) is not None:
            return text, stage
    usual = _USUAL.get(rules.country, "Year 7")
    return usual, parse_stage(usual, rules.country)
