"""A school moves to another MIS: who, under the new MIS's records, is who we know. Nothing changes until a person confirms exactly this."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from onroll_core.accounts import IdentityId
from onroll_core.errors import Refused
from onroll_core.groups.known import KnownGroup
from onroll_core.identities import Identity, State
from onroll_core.linking import Doubt, Match, side_of, suggest
from onroll_core.people import Person, Role, Snapshot, SourceKey, Status


def key_space(move: int) -> str:
    """What stands before every record of the MIS that a school moved to: systems number from one, and `student:17` is somebody else in each."""
    return f"move-{move}/"


def within(snapshot: Snapshot, space: str, known: Iterable[KnownGroup] = (), year: int = 0) -> Snapshot:
    """The snapshot with its records in the key space `space` ("" leaves it).

    A group of the same kind and name as one that was told this academic year is that group: a change of MIS does not end a class.
    """
    if not space:
        return snapshot

    def keyed(key: SourceKey) -> SourceKey:
        return SourceKey(key.school, space + key.record)

    current = {
        (group.kind, group.name): group.key
        for group in known
        if group.year == year and not group.archived and not group.key.record.startswith(space)
    }
    people = [
        replace(
            person,
            key=keyed(person.key),
            children=None if person.children is None else tuple(space + each for each in person.children),
        )
        for person in snapshot.people
    ]
    names = Counter((group.kind, group.name) for group in snapshot.groups)
    groups = [
        replace(
            group,
            key=current.get((group.kind, group.name), keyed(group.key))
            if names[group.kind, group.name] == 1
            else keyed(group.key),
            members=frozenset(map(keyed, group.members)),
            leaders=frozenset(map(keyed, group.leaders)),
        )
        for group in snapshot.groups
    ]
    return replace(snapshot, people=people, groups=groups)


_HERE = frozenset({State.ACTIVE, State.FUTURE, State.MISSING, State.LEAVING, State.EXCLUDED})


@dataclass(frozen=True, slots=True)
class Lists:
    """The seven lists of DESIGN 7. Records are the second parts of source keys of the new MIS, known people are identities' ids.

    `linked`: have the new record already. `unknown`: in the new MIS and nobody we know: they join. `unmatched`: have an account and no new record.
    `not_in_mis`: made by hand, or gone before.
    """

    linked: Sequence[Match]
    likely: Sequence[Match]
    possible: Sequence[Match]
    ambiguous: Sequence[Doubt]
    unmatched: Sequence[str]
    unknown: Sequence[str]
    not_in_mis: Sequence[str]

    def pairs(self, possible: bool, by_hand: Mapping[str, str | None]) -> dict[IdentityId, str]:
        """What is confirmed: identity to record. `by_hand` has a person's own word for some identities (None: not this record, and no other)."""
        matches = [*self.likely, *(self.possible if possible else ())]
        spoken_for = {record for record in by_hand.values() if record is not None}
        found = {
            IdentityId(each.known): each.record
            for each in matches
            if each.known not in by_hand and each.record not in spoken_for
        }
        return found | {IdentityId(who): record for who, record in by_hand.items() if record is not None}


def lists(snapshot: Snapshot, identities: Iterable[Identity]) -> Lists:
    """Compare the new MIS's people with those we know: by UPN (former ones too), SCN, admission number, staff code, name and birthday, and name."""
    known = list(identities)
    records = {each.key: each for each in snapshot.people if each.role in (Role.STUDENT, Role.STAFF)}
    linked = [
        Match(key.record, identity.id, "has this record already")
        for identity in known
        for key in identity.keys
        if key in records
    ]
    done = {each.known for each in linked}
    theirs = {SourceKey(snapshot.school, each.record) for each in linked}
    gone = [
        identity for identity in known if identity.id not in done and (identity.source != "mis" or not _here(identity))
    ]
    left_out = done | {each.id for each in gone}
    ours = [side_of(each.id, each.person, each.role) for each in known if each.id not in left_out]
    new = [side_of(key.record, person) for key, person in records.items() if key not in theirs and _counts(person)]
    found = suggest(new, ours, names_suffice=False)
    return Lists(
        linked,
        found.likely,
        found.possible,
        found.ambiguous,
        found.known_alone,
        found.records_alone,
        sorted(each.id for each in gone),
    )


def _here(identity: Identity) -> bool:
    return identity.state in _HERE


def _counts(person: Person) -> bool:
    """Records of people long gone are nobody's new record."""
    return person.status is not Status.LEFT


def digest(pairs: Mapping[IdentityId, str]) -> str:
    """The SHA-256 (first 16 hex digits) of who gets which record: what a confirmation names."""
    return hashlib.sha256(json.dumps(sorted(pairs.items())).encode()).hexdigest()[:16]


def rekeyed(identities: Iterable[Identity], snapshot: Snapshot, pairs: Mapping[IdentityId, str]) -> list[Identity]:
    """Those who get a further record, with it. Raises Refused for a record that is not there, is another's, or is of another role."""
    known = {each.id: each for each in identities}
    records = {each.key.record: each for each in snapshot.people}
    holders = {key.record: each for each in known.values() for key in each.keys}
    doubled = {record for record, count in Counter(pairs.values()).items() if count > 1}
    found = []
    for who, record in sorted(pairs.items()):
        identity, person = known.get(who), records.get(record)
        if identity is None:
            raise Refused(f"There is no identity {who} at {snapshot.school}. Nothing was changed.")
        if person is None:
            raise Refused(
                f"The new MIS has no record {record}, which is to be {identity.label}'s. Nothing was changed."
            )
        holder = holders.get(record)
        if holder is not None and holder.id != who:
            raise Refused(
                f"The record {record} is already {holder.label}'s, not {identity.label}'s. Nothing was changed."
            )
        if record in doubled:
            raise Refused(f"The record {record} is to be more than one person's. Nothing was changed.")
        if person.role is not identity.role:
            raise Refused(
                f"The record {record} is of a {person.role.value}, and {identity.label} is a {identity.role.value}. Nothing was changed."
            )
        if person.key not in identity.keys:
            found.append(replace(identity, also=(*identity.also, person.key)))
    return found


def taken_back(identities: Iterable[Identity], pairs: Mapping[IdentityId, str]) -> list[Identity]:
    """Those whose record of the move is taken away again; whoever the MIS has told of under it since has their old record back."""
    found = []
    for identity in identities:
        record = pairs.get(identity.id)
        rest = tuple(key for key in identity.keys if key.record != record)
        if record is None or len(rest) == len(identity.keys) or not rest:
            continue
        found.append(replace(identity, person=replace(identity.person, key=rest[0]), also=rest[1:]))
    return found
