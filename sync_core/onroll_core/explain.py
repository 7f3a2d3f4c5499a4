"""Why is this account in this state? The rules, the source's words and the runs that made it so, in sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from onroll_core.identities import Identity
from onroll_core.lifecycle import spoken, standing
from onroll_core.people import Role
from onroll_core.rules import SchoolRules


def explain(identity: Identity, today: date, school: SchoolRules, history: Sequence[Mapping[str, Any]]) -> list[str]:
    """Sentences about one person on `today`; `history` is what the store kept of them, oldest first (rows with `at` and `what`)."""
    person = identity.person
    where = standing(identity, today, school)
    name = " ".join(part for part in (person.first or person.legal_first, person.last or person.legal_last) if part)
    told = [
        f"{name or 'Somebody without a name'} is {_article(identity.role)} of {school.name}, known to onroll as {identity.id}."
    ]
    told.append(_record(identity))
    verb = "have a working account" if where.access else "have no working account"
    told.append(
        f"Today they stand as {where.state.value!r} ({where.because}) and {verb if identity.bonds or not where.access else 'should get one'}."
    )
    told.append(_name(identity, school))
    if identity.role is Role.STUDENT:
        told.append(_cohort(identity))
    for target, bond in sorted(identity.bonds.items()):
        last = {
            True: "onroll last enabled it",
            False: "onroll last disabled it",
            None: "onroll never switched it on or off",
        }[bond.enabled]
        told.append(f"In {target} it is the object {bond.anchor}; {last}.")
    if not identity.bonds:
        told.append("There is no account in any target yet.")
    told += [f"{row['at']}: {row['what']}" for row in history]
    return [sentence for sentence in told if sentence]


def _article(role: Role) -> str:
    return {Role.STUDENT: "a pupil", Role.STAFF: "a member of staff", Role.CONTACT: "a contact"}.get(role, "somebody")


def _record(identity: Identity) -> str:
    person = identity.person
    if identity.source != "mis":
        return "They were added by hand, and the MIS has no say in the account."
    dates = []
    if person.starts:
        dates.append(f"first day {spoken(person.starts)}")
    if person.ends:
        dates.append(f"last day {spoken(person.ends)}")
    also = f" (and {', '.join(key.record for key in identity.also)})" if identity.also else ""
    absent = f" The record was missing from the last {identity.absences} complete reads." if identity.absences else ""
    return f"The MIS says {', '.join((person.status.value, *dates))} in the record {person.key.record}{also}.{absent}"


def _name(identity: Identity, school: SchoolRules) -> str:
    if identity.username is None:
        return f"There is no username yet: {identity.waiting or 'it is issued at the next reading'}"
    rules = school.of(identity.role)
    form = f" from the format {rules.username.text}" if rules is not None else ""
    old = f" Former addresses that still reach them: {', '.join(sorted(identity.aliases))}." if identity.aliases else ""
    return f"The username {identity.username} was issued{form}; the address is {identity.email}.{old}"


def _cohort(identity: Identity) -> str:
    group = identity.person.year_group
    if identity.year_of_entry is None:
        return f"There is no Year of Entry, because the MIS's year group is {group!r}."
    return f"The MIS's year group {group!r} makes the Year of Entry {identity.year_of_entry}."
