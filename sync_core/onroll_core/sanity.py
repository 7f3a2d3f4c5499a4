"""A snapshot against the school's own past, before anything else looks at it: a shrunken school is noticed here."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from onroll_core.accounts import IdentityId
from onroll_core.cohorts import wrong_rollover
from onroll_core.identities import Identity, State
from onroll_core.lifecycle import ends_naturally, spoken
from onroll_core.people import Person, Role, Snapshot, SourceKey, Status
from onroll_core.reconcile import RECENT
from onroll_core.rules import Limit, SchoolRules
from onroll_core.usernames import fold

PRESENT = frozenset({State.ACTIVE, State.FUTURE, State.MISSING})
_COLUMNS = (
    "first",
    "last",
    "legal_first",
    "legal_last",
    "year_group",
    "registration_group",
    "upn",
    "admission_number",
    "starts",
)
_SUMMER = (7, 8, 9)
_YEAR_GROUP = 4
"""A year group of so many that is gone to the last pupil was left out, however small the school."""


def profile(snapshot: Snapshot) -> dict[str, Any]:
    """What of a snapshot is worth comparing with later ones: counts by role, year group and kind of group, and how full each column is."""
    people: Counter[str] = Counter()
    years: Counter[str] = Counter()
    filled: Counter[str] = Counter()
    for person in snapshot.people:
        if person.status is Status.LEFT:
            continue
        people[person.role.value] += 1
        if person.role is Role.STUDENT and person.year_group:
            years[person.year_group] += 1
        for column in _COLUMNS:
            if getattr(person, column):
                filled[f"{person.role.value}.{column}"] += 1
    groups = Counter(group.kind.value for group in snapshot.groups)
    members: Counter[str] = Counter()
    for group in snapshot.groups:
        members[group.kind.value] += len(group.members)
    return {
        "people": dict(people),
        "years": dict(years),
        "filled": dict(filled),
        "groups": dict(groups),
        "members": dict(members),
    }


def missing(snapshot: Snapshot, known: Iterable[Identity]) -> frozenset[IdentityId]:
    """People of the MIS whom it no longer mentions."""
    told = {person.key for person in snapshot.people}
    return frozenset(
        each.id
        for each in known
        if each.source == "mis" and each.state in PRESENT and not any(key in told for key in each.keys)
    )


def fingerprint(snapshot: Snapshot) -> str:
    """The SHA-256 (first 16 hex digits) of who is in the snapshot and how they stand: what an approval of a strange snapshot names."""
    digest = hashlib.sha256(snapshot.school.encode())
    for person in sorted(snapshot.people, key=lambda each: each.key):
        digest.update(f"\n{person.key.record}\t{person.status.value}\t{person.ends}\t{person.year_group}".encode())
    return digest.hexdigest()[:16]


def examine(
    snapshot: Snapshot, known: Iterable[Identity], last: Mapping[str, Any] | None, today: date, school: SchoolRules
) -> list[str]:
    """What is wrong with the snapshot, in sentences; empty when it looks like this school.

    `last` is the profile of the last good snapshot, None before the first; those whose absence a person has approved are in its "believed". People who are gone for a reason the school year knows
    (the end of the final year, a leaving date like others) do not count; what counts is measured by role against the larger of a count and a share.
    """
    told = {person.key: person for person in snapshot.people}
    identities = [identity for identity in known if identity.source == "mis"]
    gone = missing(snapshot, identities) - frozenset((last or {}).get("believed", ()))
    found: list[str] = []
    for role in (Role.STUDENT, Role.STAFF):
        ours = [identity for identity in identities if identity.role is role and identity.state in PRESENT]
        if ours:
            found += _lost(ours, gone, role, today, school)
            found += _leaving(ours, told, role, today, school)
    if identities:
        found += _exchanged(identities, told, school)
        found += _joining(identities, snapshot, today, school)
        found += _rolled_over(identities, snapshot, today, school)
    if last is not None:
        looks = profile(snapshot)
        found += _blank(looks, last, school.sanity.blank)
        if today.month not in _SUMMER:
            found += _fewer_groups(looks, last, school.sanity.groups)
    return found


def _rolled_over(identities: Sequence[Identity], snapshot: Snapshot, today: date, school: SchoolRules) -> list[str]:
    wrong = wrong_rollover(snapshot, identities, today, school)
    if wrong is None:
        return []
    times, total, step = wrong
    return [
        f"{times} of {total} pupils have moved {'up' if step > 0 else 'down'} a year group at once, and it is {spoken(today)}: has the MIS been rolled over"
        " on the wrong day? If the school does it now, approve it."
    ]


def _lost(
    ours: Sequence[Identity], gone: Collection[IdentityId], role: Role, today: date, school: SchoolRules
) -> list[str]:
    lost = [
        identity
        for identity in ours
        if identity.id in gone
        and not ends_naturally(identity, today, school)
        and not (identity.person.ends is not None and identity.person.ends < today)
    ]
    found: list[str] = []
    allowed = school.sanity.people.allows(len(ours))
    if len(lost) > allowed:
        found.append(
            f"{len(lost)} of {len(ours)} {_plural(role)} are missing from the MIS's answer with no leaving date"
            f" (at most {allowed} would be believed). The extract is probably incomplete."
        )
    if role is Role.STUDENT and not found:
        totals = Counter(identity.person.year_group for identity in ours)
        left = Counter(identity.person.year_group for identity in lost)
        for year, count in sorted(left.items(), key=lambda item: str(item[0])):
            whole = count == totals[year] >= _YEAR_GROUP
            if year and (whole or count > school.sanity.year_group.allows(totals[year])):
                found.append(
                    f"{'All' if whole else f'{count} of the'} {totals[year]} pupils of year group {year} are missing from the MIS's answer with no"
                    " leaving date. Has the extract been limited to other year groups?"
                )
    return found


def _leaving(
    ours: Sequence[Identity], told: Mapping[SourceKey, Person], role: Role, today: date, school: SchoolRules
) -> list[str]:
    gone = 0
    days: Counter[date] = Counter()
    for identity in ours:
        person = next((told[key] for key in identity.keys if key in told), None)
        if person is None or ends_naturally(identity, person.ends or today, school):
            continue
        if person.status is Status.LEFT or (person.ends is not None and person.ends < today):
            gone += 1
            if person.ends is not None:
                days[person.ends] += 1
    allowed = school.sanity.leaving.allows(len(ours))
    if gone <= allowed:
        return []
    common = f" {days.most_common(1)[0][1]} of them on {spoken(days.most_common(1)[0][0])}." if days else ""
    return [
        (
            f"{gone} of {len(ours)} {_plural(role)} have become leavers at once, outside the end of their final year"
            f" (at most {allowed} would be believed).{common}"
        )
    ]


def _joining(identities: Sequence[Identity], snapshot: Snapshot, today: date, school: SchoolRules) -> list[str]:
    keys = {key for identity in identities for key in identity.keys}
    strangers = [
        person
        for person in snapshot.people
        if person.status is Status.ON_ROLL
        and person.key not in keys
        and not (person.starts is not None and person.starts >= today - RECENT)
    ]
    present = sum(1 for identity in identities if identity.state in PRESENT)
    allowed = school.sanity.joining.allows(present)
    if len(strangers) <= allowed:
        return []
    numbers = {identity.person.upn for identity in identities} - {None, ""}
    renumbered = sum(1 for person in strangers if person.upn in numbers)
    return [
        (
            f"{len(strangers)} people are on roll under MIS records that onroll has never seen, without a recent first day"
            f" (at most {allowed} would be believed){f'; {renumbered} of them have the UPN of somebody known under another record' if renumbered else ''}."
            " Has the school moved to another MIS, or was the MIS restored? If everybody has new records:"
            f" onroll rekey {school.id} --to MIS"
        )
    ]


def _exchanged(identities: Sequence[Identity], told: Mapping[SourceKey, Person], school: SchoolRules) -> list[str]:
    """Records whose people are suddenly others: a system that numbers from one again, read as if it were the old one."""
    ours = [identity for identity in identities if identity.state in PRESENT]
    others = 0
    for identity in ours:
        person = next((told[key] for key in identity.keys if key in told), None)
        others += person is not None and _somebody_else(identity.person, person)
    allowed = school.sanity.exchanged.allows(len(ours))
    if others <= allowed:
        return []
    return [
        (
            f"{others} people have another name and number than before under the same MIS record (at most {allowed} would be believed)."
            f" Has the school moved to another MIS, which numbers its records anew? Then: onroll rekey {school.id} --to MIS"
        )
    ]


def _somebody_else(known: Person, told: Person) -> bool:
    """True when the names are others and no number says that it is the same human; with another UPN, another first name is enough."""
    if known.upn and known.upn == told.upn:
        return False
    firsts = _differ((known.first, known.legal_first), (told.first, told.legal_first))
    lasts = _differ((known.last, known.legal_last), (told.last, told.legal_last))
    return firsts and (lasts or bool(known.upn and told.upn))


def _differ(before: Sequence[str | None], now: Sequence[str | None]) -> bool:
    """True when both are told, and no name of one is a name of the other."""
    names, others = {fold(each) for each in before if each}, {fold(each) for each in now if each}
    return bool(names and others and not names & others)


def _blank(now: Mapping[str, Any], last: Mapping[str, Any], limit: Limit) -> list[str]:
    found: list[str] = []
    for column, filled in sorted(last["filled"].items()):
        role = column.partition(".")[0]
        before, count = last["people"].get(role, 0), now["people"].get(role, 0)
        if not before or not count or filled < before / 2:
            continue
        expected = min(filled / before * count, filled)  # newcomers may well come with less
        blank = expected - now["filled"].get(column, 0)
        if blank > limit.allows(count):
            found.append(
                f"The column {column.partition('.')[2]} of {_plural(Role(role))} was filled for {filled} of {before} and is now filled for"
                f" {now['filled'].get(column, 0)} of {count}. Has a permission or a column of the extract been taken away?"
            )
    return found


def _fewer_groups(now: Mapping[str, Any], last: Mapping[str, Any], limit: Limit) -> list[str]:
    found: list[str] = []
    for kind, before in sorted(last["groups"].items()):
        count = now["groups"].get(kind, 0)
        if before - count > limit.allows(before):
            found.append(f"There were {before} {kind} groups at the last good read and now there are {count}.")
    return found


def _plural(role: Role) -> str:
    return {Role.STUDENT: "pupils", Role.STAFF: "staff"}.get(role, f"{role.value}s")
