"""Between rows and values: people as compact JSON, times and dates as ISO text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, date, datetime
from typing import Any

from onroll_core.accounts import Anchor, IdentityId
from onroll_core.identities import Bond, Identity, State
from onroll_core.people import Person, Role, SourceKey, Status

_TEXTS = tuple(
    field.name for field in fields(Person) if field.name not in ("key", "role", "status", "starts", "ends", "dob")
)
_DATES = ("starts", "ends", "dob")


def stamp(moment: datetime) -> str:
    """An aware datetime as ISO text in UTC, to the second."""
    return moment.astimezone(UTC).replace(microsecond=0).isoformat()


def moment(text: str | None) -> datetime | None:
    """The datetime that `stamp` wrote."""
    return None if text is None else datetime.fromisoformat(text)


def person_text(person: Person) -> str:
    """A person as JSON of what was told; "" and "not told" stay different."""
    told: dict[str, str] = {"key": person.key.record, "status": person.status.value}
    for name in _TEXTS:
        value = getattr(person, name)
        if value is not None:
            told[name] = value
    for name in _DATES:
        day = getattr(person, name)
        if day is not None:
            told[name] = day.isoformat()
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


def person_of(school: str, role: Role, text: str) -> Person:
    """The person that `person_text` wrote."""
    told: dict[str, Any] = json.loads(text)
    for name in _DATES:
        if name in told:
            told[name] = date.fromisoformat(told[name])
    record, status = told.pop("key"), told.pop("status")
    return Person(SourceKey(school, record), role, Status(status), **told)


def identity_row(identity: Identity, now: datetime) -> dict[str, Any]:
    """An identity's own columns."""
    return {
        "id": identity.id,
        "school": identity.school,
        "role": identity.role.value,
        "state": identity.state.value,
        "source": identity.source,
        "username": identity.username,
        "email": identity.email,
        "aliases": "\n".join(sorted(identity.aliases)),
        "chosen_display_name": identity.chosen_display_name,
        "year_of_entry": identity.year_of_entry,
        "waiting": identity.waiting,
        "proposal": identity.proposal,
        "absences": identity.absences,
        "left_on": identity.left_on.isoformat() if identity.left_on else None,
        "expected": identity.expected,
        "person": person_text(identity.person),
        "updated": stamp(now),
    }


_ROLES = {role.value: role for role in Role}
_STATES = {state.value: state for state in State}
_NO_ALIASES: frozenset[str] = frozenset()


def identity_of(row: Any, also: tuple[SourceKey, ...], bonds: Mapping[str, Bond]) -> Identity:
    """The identity of a row of `identities`, with its further keys and its bonds."""
    role = _ROLES[row.role]
    return Identity(
        IdentityId(row.id),
        row.school,
        role,
        person_of(row.school, role, row.person),
        _STATES[row.state],
        row.source,
        row.username,
        row.email,
        frozenset(row.aliases.split("\n")) if row.aliases else _NO_ALIASES,
        row.chosen_display_name,
        row.year_of_entry,
        row.waiting,
        row.proposal,
        row.absences,
        date.fromisoformat(row.left_on) if row.left_on else None,
        row.expected,
        also,
        bonds,
    )


def bond_of(row: Any) -> Bond:
    """The bond of a row of `bonds`."""
    return Bond(Anchor(row.anchor), row.enabled)
