"""Identities, times and documents as the columns of the store, and back exactly as they were."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import UTC, date, datetime
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from onroll_core.identities import Bond, Identity, State
from onroll_core.people import Person, Role, SourceKey, Status
from onroll_core.usernames import fold

_DATES = ("starts", "ends", "dob")
_TOLD = tuple(field.name for field in fields(Person) if field.name not in ("key", "role", "status"))
_COLUMNS = frozenset(("key", "role", "status", *_TOLD))

# Looking a member up in a dict is three times as fast as calling the enum, and it is done 300,000 times.
_ROLES = {role.value: role for role in Role}
_STATES = {state.value: state for state in State}
_STATUSES = {status.value: status for status in Status}
_NOWHERE: Mapping[str, str] = {}
_NO_ALIASES: frozenset[str] = frozenset()

_day = lru_cache(maxsize=50_000)(date.fromisoformat)


def utc(moment: datetime) -> str:
    """An aware time as text that sorts: UTC, always with microseconds. Raises ValueError for a naive one."""
    if moment.tzinfo is None:
        raise ValueError("a time without a zone cannot be kept")
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def told(kept: str | None) -> str | None:
    """What `utc` wrote, as it is given out: ISO 8601 in UTC, to the second; None stays None."""
    return None if kept is None else f"{kept[:19]}+00:00"


def document(value: object) -> str:
    """JSON in one form: sorted, compact, ASCII (so that any text of a source survives in any database)."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def person_document(person: Person) -> str:
    """What was told and nothing else: "" is there, None is not."""
    words: dict[str, Any] = {"key": person.key, "role": person.role.value, "status": person.status.value}
    for name in _TOLD:
        value = getattr(person, name)
        if value is not None:
            words[name] = value.isoformat() if isinstance(value, date) else value
    return document(words)


def person_from(text: str) -> Person:
    """The person that `person_document` wrote; a field that this program no longer has is dropped."""
    words: dict[str, Any] = json.loads(text)
    if not words.keys() <= _COLUMNS:
        words = {name: value for name, value in words.items() if name in _COLUMNS}
    words["key"] = SourceKey(*words["key"])
    words["role"] = _ROLES[words["role"]]
    words["status"] = _STATUSES[words["status"]]
    for name in _DATES:
        if name in words:
            words[name] = _day(words[name])
    if "children" in words:
        words["children"] = tuple(words["children"])
    return Person(**words)


def identity_row(identity: Identity, now: datetime) -> dict[str, Any]:
    """The columns of an identity; its keys and bonds are rows of their own."""
    row: dict[str, Any] = {
        "id": identity.id,
        "school": identity.school,
        "role": identity.role.value,
        "state": identity.state.value,
        "source": identity.source,
        "username": identity.username,
        "email": identity.email,
        "aliases": document(sorted(identity.aliases)),
        "chosen_display_name": identity.chosen_display_name,
        "year_of_entry": identity.year_of_entry,
        "waiting": identity.waiting,
        "proposal": identity.proposal,
        "absences": identity.absences,
        "left_on": None if identity.left_on is None else identity.left_on.isoformat(),
        "expected": identity.expected,
        "suspended": identity.suspended,
        "person": person_document(identity.person),
    }
    facts = document([row, identity.keys])
    return row | {
        **listed_as(json.loads(row["person"])),
        "search": "\n".join(searched(identity)),
        "fingerprint": blake2b(facts.encode(), digest_size=16).hexdigest(),
        "updated": utc(now),
    }


def identity_from(
    row: Sequence[Any],
    also: tuple[SourceKey, ...],
    bonds: Mapping[str, Bond],
    elsewhere: Mapping[str, str] = _NOWHERE,
) -> Identity:
    """The identity of a row whose columns are in the order of `identity_row`, as far as `person`."""
    return Identity(
        id=row[0],
        school=row[1],
        role=_ROLES[row[2]],
        state=_STATES[row[3]],
        source=row[4],
        username=row[5],
        email=row[6],
        aliases=_NO_ALIASES if row[7] == "[]" else frozenset(json.loads(row[7])),
        chosen_display_name=row[8],
        year_of_entry=row[9],
        waiting=row[10],
        proposal=row[11],
        absences=row[12],
        left_on=None if row[13] is None else _day(row[13]),
        expected=row[14],
        suspended=row[15],
        person=person_from(row[16]),
        also=also,
        bonds=bonds,
        elsewhere=elsewhere,
    )


LISTED_AS = ("sort_name", "year_group", "registration_group")
"""The columns that `listed_as` gives."""
_LONGEST_LISTED = 80  # an index of PostgreSQL has no room for a text of any length


def listed_as(person: Mapping[str, Any]) -> dict[str, str]:
    """What somebody is sorted and counted by, from the document of `person_document`: short texts, "" for what was not told."""
    last = person.get("last") or person.get("legal_last") or ""
    first = person.get("first") or person.get("legal_first") or ""
    row = {"sort_name": f"{fold(last)} {fold(first)}".strip()}
    row |= {name: " ".join((person.get(name) or "").split()) for name in LISTED_AS[1:]}
    return {name: text[:_LONGEST_LISTED] for name, text in row.items()}


def exact(text: str) -> str:
    """A username, address or number as `find` compares it: case and surrounding space do not count."""
    return text.strip().lower()


def identifiers(identity: Identity) -> set[str]:
    """All that names exactly this person, as `exact` writes it."""
    person = identity.person
    names = (identity.id, identity.username, identity.email, *identity.aliases, identity.proposal)
    numbers = (
        person.upn,
        person.scn,
        person.admission_number,
        person.staff_code,
        *(key.record for key in identity.keys),
    )
    return {exact(each) for each in (*names, *numbers) if each}


def searched(identity: Identity) -> list[str]:
    """The folded names and identifiers of a person, each once."""
    person = identity.person
    spoken = (
        identity.chosen_display_name or "",
        f"{person.first or person.legal_first or ''} {person.last or person.legal_last or ''}",
        f"{person.legal_first or person.first or ''} {person.legal_last or person.last or ''}",
    )
    found = dict.fromkeys(fold(each) for each in (*spoken, *sorted(identifiers(identity))))
    return [each for each in found if each]
