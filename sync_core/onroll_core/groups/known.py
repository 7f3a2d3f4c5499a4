"""The MIS's groups as we know them from night to night: who is in them, and what becomes of one that the MIS tells otherwise or no more.

Membership is remembered by identity, so that a class keeps its people when the MIS renumbers them, forgets them between terms, or ends.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from onroll_core.accounts import IdentityId
from onroll_core.identities import Identity
from onroll_core.lifecycle import standing
from onroll_core.people import Group, GroupKind, Snapshot, SourceKey
from onroll_core.rules import SchoolRules
from onroll_core.years import academic_year

MOVING_UP = timedelta(days=45)
"""In so many days from its beginning, an academic year explains that classes end, begin and change their people."""
_SMALL = 4


@dataclass(frozen=True, slots=True)
class KnownGroup:
    """One group of the MIS. `year` is the academic year in which it was told last; `archived` says that its class is over. `doubt` is why its members
    were not taken over, in a sentence, with the digest that a person can approve."""

    key: SourceKey
    kind: GroupKind
    name: str
    members: frozenset[IdentityId] = frozenset()
    leaders: frozenset[IdentityId] = frozenset()
    year: int = 0
    archived: bool = False
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class Following:
    """Groups to remember because something about them is new, and digests that a person may approve, by group."""

    changed: Sequence[KnownGroup] = ()
    doubts: Mapping[SourceKey, str] = field(default_factory=dict)


def follow(
    snapshot: Snapshot,
    known: Iterable[KnownGroup],
    identities: Iterable[Identity],
    today: date,
    school: SchoolRules,
    approved: frozenset[str] = frozenset(),
) -> Following:
    """Which groups changed since they were remembered.

    A kind of group of which the MIS tells none at all (ScholarPack has no teaching groups; a permission is missing) is left alone. A group
    that is told no more stays until the academic year turns, and is archived then. Between terms the members of a class are frozen. A class
    that loses most of its people in the middle of a year keeps them until a person approves `digest_of` what is told.
    """
    by_key = {key: identity for identity in identities for key in identity.keys}
    there = {identity.id for identity in by_key.values() if standing(identity, today, school).access}
    year = academic_year(today, school.rollover)
    turning = moving_up(today, school)
    before = {group.key: group for group in known}
    told_kinds = {group.kind for group in snapshot.groups}
    changed: list[KnownGroup] = []
    doubts: dict[SourceKey, str] = {}
    for group in snapshot.groups:
        if group.kind is GroupKind.YEAR:
            continue  # made of people's Years of Entry, which do not move in September
        was = before.pop(group.key, None)
        now = _told(group, by_key, year)
        if was is not None and group.kind is GroupKind.TEACHING and not was.archived:
            now = _kept(was, now, today, school)
            lost = (was.members - now.members) & there
            allowed = school.groups.shrink.allows(len(was.members & there))
            if len(was.members) >= _SMALL and len(lost) > allowed and not turning and not was.archived:
                digest = digest_of(now)
                if digest not in approved:
                    doubts[group.key] = digest
                    now = replace(was, year=year, doubt=_doubt(was, lost, digest))
        if now != was:
            changed.append(now)
    changed += [
        replace(gone, archived=True, doubt="")
        for gone in before.values()
        if gone.kind is GroupKind.TEACHING and gone.kind in told_kinds and not gone.archived and gone.year < year
    ]
    return Following(changed, doubts)


def moving_up(today: date, school: SchoolRules) -> bool:
    """True in the first weeks of the academic year."""
    began = date(academic_year(today, school.rollover), school.rollover.month, school.rollover.day)
    return began <= today <= began + MOVING_UP


def digest_of(group: KnownGroup) -> str:
    """What a person approves: this group with exactly these people."""
    text = "\n".join((group.key.school, group.key.record, *sorted(group.members), "", *sorted(group.leaders)))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _told(group: Group, by_key: Mapping[SourceKey, Identity], year: int) -> KnownGroup:
    members = frozenset(by_key[key].id for key in group.members if key in by_key)
    leaders = frozenset(by_key[key].id for key in group.leaders if key in by_key)
    return KnownGroup(group.key, group.kind, group.name, members, leaders, year)


def _kept(was: KnownGroup, now: KnownGroup, today: date, school: SchoolRules) -> KnownGroup:
    """Between terms a class has the people it had, and whoever is new in it."""
    if school.groups.in_term(today):
        return now
    return replace(now, members=was.members | now.members, leaders=was.leaders | now.leaders)


def _doubt(group: KnownGroup, lost: frozenset[IdentityId], digest: str) -> str:
    return (
        f"The MIS took {len(lost)} of {len(group.members)} people out of the class {group.name} in the middle of the year, so it was left as it was."
        f" If that is right: onroll sync {group.key.school} --approve {digest}"
    )
