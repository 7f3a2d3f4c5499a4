"""A snapshot against the identities we know: who joined, moved, left or came back, and what a person must decide."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, timedelta

from onroll_core.accounts import IdentityId
from onroll_core.changes import Conflict
from onroll_core.cohorts import Years, year_of_entry_of
from onroll_core.doubles import Leavers, Twice, has_left
from onroll_core.identities import Identity, State
from onroll_core.lifecycle import GONE, is_subsidiary, standing
from onroll_core.people import Person, Snapshot, SourceKey, Status
from onroll_core.rules import SchoolRules
from onroll_core.same_person import called, numbers, same_name
from onroll_core.trust import Recogniser, nobody

RECENT = timedelta(days=60)
"""A joiner whose first day is not longer ago than this is one that the school year explains."""


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """Identities as they are from now on. `joiners` have no names yet; `seen_again` are back after being missed, and `others`
    changed only in what we count (absences, a first Year of Entry). Whoever is in none of them is unchanged."""

    joiners: Sequence[Identity] = ()
    movers: Sequence[Identity] = ()
    leavers: Sequence[Identity] = ()
    returners: Sequence[Identity] = ()
    others: Sequence[Identity] = ()
    conflicts: Sequence[Conflict] = ()

    @property
    def changed(self) -> list[Identity]:
        """Everyone who has to be remembered, joiners first."""
        return [*self.joiners, *self.movers, *self.leavers, *self.returners, *self.others]


def reconcile(
    snapshot: Snapshot,
    known: Iterable[Identity],
    today: date,
    school: SchoolRules,
    years: Years,
    new_id: Callable[[], IdentityId],
    apart: Collection[tuple[IdentityId, str]] = frozenset(),
    abroad: Recogniser = nobody,
) -> Reconciliation:
    """Compare, without deciding anything that a person should.

    `apart` are people and records of whom somebody said that they are not the same. `years` reckons Years of Entry (see `cohorts`). `new_id` is asked once for each joiner. Nobody is dropped: an identity that the snapshot does
    not mention is counted absent once more, and only `lifecycle.standing` says when that means gone. Guests are among `known` like everybody else (see `trust`);
    `abroad` recognises new ones, who are then among the joiners.
    """
    identities = {identity.id: identity for identity in known}
    by_key = {key: identity for identity in identities.values() for key in identity.keys}
    told: dict[IdentityId, Person] = {}
    strangers: list[Person] = []
    for person in snapshot.people:
        match = by_key.get(person.key)
        if match is None:
            strangers.append(person)
        else:
            told[match.id] = _better(told[match.id], person) if match.id in told else person
    joining, adopted, conflicts, guests = _recognised(strangers, identities.values(), told, today, apart, abroad)

    movers: list[Identity] = []
    leavers: list[Identity] = []
    returners: list[Identity] = []
    others: list[Identity] = []
    for identity in identities.values():
        person_told = told.get(identity.id)
        unchanged = person_told is not None and person_told == identity.person and _settled(person_told)
        if unchanged and not identity.absences and identity.state is State.ACTIVE and not years.moved(identity):
            continue  # the everyday case, kept short
        if identity.source != "mis":
            continue
        after = _updated(identity, person_told, adopted.get(identity.id), today, school, years)
        if after == identity or (identity.forgotten and _comes_to_nothing(after)):
            continue  # who was forgotten is not learned again from an MIS that keeps its leavers
        if identity.state in GONE and after.state not in GONE and after.state is not State.EXCLUDED:
            returners.append(replace(after, left_on=None))
        elif after.state in GONE and identity.state not in GONE:
            leavers.append(after)
        else:
            (movers if _tells_anew(identity, after) else others).append(after)

    joiners, nameless = _joiners(joining, new_id, not identities, today, school, years)
    conflicts = [*conflicts, *nameless, *_shared_numbers(snapshot, by_key)]
    return Reconciliation([*joiners, *guests], movers, leavers, returners, others, conflicts)


def _recognised(
    strangers: Iterable[Person],
    known: Iterable[Identity],
    told: dict[IdentityId, Person],
    today: date,
    apart: Collection[tuple[IdentityId, str]],
    abroad: Recogniser,
) -> tuple[list[Person], dict[IdentityId, SourceKey], list[Conflict], list[Identity]]:
    """Sort people under unknown records into those who join, those who certainly come back (added to `told`), the doubtful ones as conflicts, and
    guests."""
    returning, by_hand = _Returning(known, today), _ByHand(known, apart)
    leavers, twice = Leavers(known, apart, today), Twice()
    joining: list[Person] = []
    adopted: dict[IdentityId, SourceKey] = {}
    conflicts: list[Conflict] = []
    guests: list[Identity] = []
    for person in sorted(strangers, key=_weight):
        match, doubt = returning.match(person, told)
        if match is None and doubt is None:
            doubt = by_hand.doubt(person) or leavers.doubt(person, told)
        guest = None
        if match is None and doubt is None:
            guest, doubt = abroad(person)
        if match is None and doubt is None and guest is None:
            doubt = twice.doubt(person)
        if doubt is not None:
            conflicts.append(doubt)
        elif guest is not None:
            if not _comes_to_nothing(guest):
                guests.append(guest)
        elif match is not None and match.id not in adopted:
            told[match.id] = _better(told[match.id], person) if match.id in told else person
            adopted[match.id] = person.key
        else:
            joining.append(person)
    return joining, adopted, conflicts, guests


def _comes_to_nothing(identity: Identity) -> bool:
    """True for records of people whom we never knew and who get nothing: leavers, and kinds without an account."""
    return identity.state in GONE or identity.state is State.EXCLUDED


def _joiners(
    joining: Iterable[Person],
    new_id: Callable[[], IdentityId],
    first_load: bool,
    today: date,
    school: SchoolRules,
    years: Years,
) -> tuple[list[Identity], list[Conflict]]:
    """New identities for those who have something to get; leavers we never knew have not, and nobody without a name can."""
    joiners: list[Identity] = []
    nameless: list[Conflict] = []
    for person in joining:
        identity = _joiner(person, new_id, first_load, today, school, years)
        if _comes_to_nothing(identity):
            continue
        if called(person):
            joiners.append(identity)
        else:
            nameless.append(
                Conflict(None, f"The {person.role.value} {person.key.record} has no name in the MIS. Fill it in there.")
            )
    return joiners, nameless


def merged(told: Person, known: Person) -> Person:
    """What is told, over what was known: None is "not told" and keeps the old value."""
    if told == known:
        return known
    kept = {
        name: getattr(known, name)
        for name in _OPTIONAL
        if getattr(told, name) is None and getattr(known, name) is not None
    }
    # A date is taken back by leaving it out: somebody told to be on roll has no leaving date any more.
    if told.status is not Status.LEFT:
        kept.pop("ends", None)
    return replace(told, **kept) if kept else told


_OPTIONAL = tuple(field.name for field in fields(Person) if field.name not in ("key", "role", "status"))


def _settled(person: Person) -> bool:
    """True when no date of theirs can change where they stand as days go by."""
    return person.status is Status.ON_ROLL and person.ends is None


def _updated(
    identity: Identity, told: Person | None, new_key: SourceKey | None, today: date, school: SchoolRules, years: Years
) -> Identity:
    if told is None:
        after = replace(identity, absences=identity.absences + 1)
    else:
        person = merged(told, identity.person)
        also = identity.also
        if person.key != identity.person.key:
            also = tuple(dict.fromkeys((*(key for key in identity.also if key != person.key), identity.person.key)))
        if new_key is not None and new_key not in (person.key, *also):
            also = (*also, new_key)
        left_on = None if identity.absences else identity.left_on
        after = replace(identity, person=person, role=person.role, also=also, absences=0, left_on=left_on)
        after = replace(after, year_of_entry=year_of_entry_of(after, years))
    where = standing(after, today, school)
    left_on = where.left_on if where.state in GONE else None
    return replace(after, state=where.state, left_on=left_on)


def _tells_anew(before: Identity, after: Identity) -> bool:
    """True when the MIS told something new of a person, apart from their coming and going."""
    return (
        before.person != after.person
        or before.year_of_entry not in (after.year_of_entry, None)
        or before.role is not after.role
    )


def _joiner(
    person: Person, new_id: Callable[[], IdentityId], first_load: bool, today: date, school: SchoolRules, years: Years
) -> Identity:
    recent = person.starts is not None and person.starts >= today - RECENT
    identity = Identity(
        new_id(),
        school.id,
        person.role,
        person,
        State.ACTIVE,
        expected=first_load or recent or person.status is Status.FUTURE,
    )
    identity = replace(identity, year_of_entry=year_of_entry_of(identity, years))
    where = standing(identity, today, school)
    return replace(identity, state=where.state, left_on=where.left_on)


def _better(one: Person, other: Person) -> Person:
    """Of two records of one human, the one that counts."""
    return min(one, other, key=_weight)


def _weight(person: Person) -> tuple[int, int, SourceKey]:
    """What makes one record count before another: on roll before coming before left, then the main registration."""
    rank = {Status.ON_ROLL: 0, Status.FUTURE: 1, Status.LEFT: 2}
    subsidiary = {"C": 0, "M": 0, "": 0, "S": 1, "G": 2}
    return rank[person.status], subsidiary.get((person.enrolment or "").upper(), 3), person.key


class _Returning:
    """Finds people who come back under a new MIS record: the same national number and the same names, in the same role. The main and
    the subsidiary registration of one pupil are one human too."""

    def __init__(self, identities: Iterable[Identity], today: date) -> None:
        self._today = today
        self._by_number: dict[tuple[str, str], list[Identity]] = {}
        for identity in identities:
            for number in numbers(identity.person):
                self._by_number.setdefault((identity.role.value, number), []).append(identity)

    def match(self, person: Person, told: Mapping[IdentityId, Person]) -> tuple[Identity | None, Conflict | None]:
        """The identity that `person` certainly is, or a conflict where that needs a person to decide, or neither."""
        found = {
            identity.id: identity
            for number in numbers(person)
            for identity in self._by_number.get((person.role.value, number), ())
        }
        if not found:
            return None, None
        name = called(person)
        free = [identity for identity in found.values() if has_left(told.get(identity.id), self._today)]
        if len(found) == 1 and len(free) == 1 and same_name(person, free[0].person):
            return free[0], None
        other = next(iter(found.values()))
        if (
            len(found) == 1
            and same_name(person, other.person)
            and (is_subsidiary(person) or is_subsidiary(told[other.id]))
        ):
            return other, None  # the main and the subsidiary registration of one pupil
        if person.status is Status.LEFT:
            return None, None
        return None, Conflict(
            other.id,
            f"The MIS has a new {person.role.value} record {person.key.record} ({name}) with the number of {other.label}"
            f" ({called(other.person)}, record {other.person.key.record}). No account was made for the new record."
            " If they are one person, remove the wrong record in the MIS; if not, correct the number there.",
            other.label,
        )


class _ByHand:
    """Notices that somebody whom a person added by hand has turned up in the MIS: that is offered, never done."""

    def __init__(self, identities: Iterable[Identity], apart: Collection[tuple[IdentityId, str]]) -> None:
        self._people = [each for each in identities if each.source != "mis" and each.state not in GONE]
        self._apart = apart

    def doubt(self, person: Person) -> Conflict | None:
        """The conflict where `person` has the name of somebody added by hand; no account is made for the record until it is settled."""
        if person.status is Status.LEFT:
            return None
        for each in self._people:
            if (each.id, person.key.record) not in self._apart and same_name(person, each.person):
                name, record = called(person), person.key.record
                return Conflict(
                    each.id,
                    f"{each.label} was added by hand, and the MIS now has the {person.role.value} record {record} of the same name ({name}). No account was"
                    f" made for it. If they are one person: onroll users link {each.label} {record}. If not: onroll users apart {each.label} {record}",
                    each.label,
                )
        return None


def _shared_numbers(snapshot: Snapshot, by_key: Mapping[SourceKey, Identity]) -> list[Conflict]:
    """Two current records of different people with one national number: worth saying, and harmless."""
    holders: dict[str, Person] = {}
    found: list[Conflict] = []
    for person in snapshot.people:
        if person.status is Status.LEFT:
            continue
        for number in numbers(person):
            first = holders.setdefault(number, person)
            one, two = by_key.get(first.key), by_key.get(person.key)
            if first is not person and one is not None and two is not None and one.id != two.id:
                found.append(
                    Conflict(
                        two.id,
                        f"{one.label} and {two.label} have the same number {number} in the MIS"
                        f" (records {first.key.record} and {person.key.record}). Correct one of them there.",
                        two.label,
                    )
                )
    return found
