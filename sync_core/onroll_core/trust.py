"""One human at two schools of a trust: recognised by number and name, in the groups of both, with one account that follows them when they move."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from onroll_core.accounts import IdentityId
from onroll_core.changes import Conflict
from onroll_core.cohorts import Years, year_of_entry_of
from onroll_core.identities import Identity, State
from onroll_core.lifecycle import let_go, standing
from onroll_core.people import Person, Role, SourceKey, Status
from onroll_core.rules import SchoolRules
from onroll_core.same_person import called, names, numbers, same_name


@dataclass(frozen=True, slots=True)
class Sister:
    """Another school of the same configuration that writes to a target of ours."""

    rules: SchoolRules
    targets: frozenset[str]


Sisters = Mapping[str, Sister]
"""By the school's id."""


@dataclass(frozen=True, slots=True)
class Roll:
    """Everybody of whom one school's run has to know something.

    `own` are the identities that the school looks after. `guests` are on its roll and another school looks after them: they are as this school sees
    them, with that school in `host`. `former` were either once; this school may still have them in its groups.
    """

    own: Sequence[Identity]
    guests: Sequence[Identity] = ()
    former: Sequence[Identity] = ()

    @property
    def known(self) -> list[Identity]:
        """Everybody who has a record at this school."""
        return [*self.own, *self.guests]

    @property
    def everybody(self) -> list[Identity]:
        """Everybody who may have something of this school in a target."""
        return [*self.own, *self.guests, *self.former]

    def looked_after(self, target: str, school: str, sisters: Sisters) -> list[Identity]:
        """Those whose accounts in `target` this school minds: its own, and guests whose own school does not write to it.

        Where several schools could, it is the first by id, so that two never do.
        """
        return [*self.own, *(each for each in self.guests if _minds(each, target, school, sisters))]

    def others_than(self, some: Iterable[Identity]) -> list[Identity]:
        """Everybody but these."""
        ids = {each.id for each in some}
        return [each for each in self.everybody if each.id not in ids]

    def abandoned(self, target: str, sisters: Sisters) -> list[Identity]:
        """Those who have moved on to schools none of which writes to `target`, where they still have an account that this school made."""
        return [
            each
            for each in self.former
            if target in each.bonds and not _written_by(target, {each.school, *each.elsewhere}, sisters)
        ]


def _minds(guest: Identity, target: str, school: str, sisters: Sisters) -> bool:
    if _written_by(target, {guest.host}, sisters):
        return False
    others = set(guest.elsewhere) - {school}
    return not any(other < school for other in others if _written_by(target, {other}, sisters))


def _written_by(target: str, schools: Collection[str], sisters: Sisters) -> bool:
    return any(target in sisters[each].targets for each in schools if each in sisters)


@dataclass(slots=True)
class Abroad:
    """Recognises people of this school's MIS among those of the other schools.

    `people` are those of the sisters who may be meant, as the sisters know them; `known` records of this school that are theirs already come first. `apart`
    are pairs of identity and `told_apart(record)` of whom somebody said that they are not the same.
    """

    school: SchoolRules
    sisters: Sisters
    people: Iterable[Identity]
    years: Years
    today: date
    apart: Collection[tuple[IdentityId, str]] = frozenset()
    _by_key: dict[SourceKey, Identity] = field(init=False)
    _by_number: dict[str, list[Identity]] = field(init=False)
    _staff: dict[str, list[Identity]] = field(init=False)
    _come: dict[IdentityId, SourceKey] = field(init=False)

    def __post_init__(self) -> None:
        self._by_key, self._by_number, self._staff, self._come = {}, {}, {}, {}
        for each in self.people:
            for key in each.keys:
                if key.school == self.school.id:
                    self._by_key[key] = each
            if each.role is Role.STUDENT:
                for number in numbers(each.person):
                    self._by_number.setdefault(number, []).append(each)
            elif each.role is Role.STAFF and self._has_or_gets_an_account(each):
                for name in names(each.person):
                    self._staff.setdefault(name, []).append(each)

    def match(self, person: Person) -> tuple[Identity | None, Conflict | None]:
        """Who `person` certainly is, as a guest of this school; or a conflict where a person must decide; or neither.

        A guest who is gone here, or who gets nothing here, is one too: nothing comes of them, and above all no second account.
        """
        before = self._by_key.get(person.key)
        if before is not None:
            return self._guest(before, person), None
        if person.status is Status.LEFT:
            return None, None
        found = self._among(person)
        if not found:
            return None, None
        if person.role is Role.STUDENT:
            same = [each for each in found if same_name(person, each.person)]
            if len(same) == 1 and same[0].id not in self._come:
                self._come[same[0].id] = person.key
                return self._guest(same[0], person), None
            return None, self._doubtful_number(person, (same or found)[0])
        return None, self._namesake(person, found[0])

    def _among(self, person: Person) -> list[Identity]:
        keys: Iterable[str] = ()
        among: Mapping[str, list[Identity]] = {}
        if person.role is Role.STUDENT:
            keys, among = numbers(person), self._by_number
        elif person.role is Role.STAFF:
            keys, among = names(person), self._staff
        found = {each.id: each for key in keys for each in among.get(key, ())}
        apart = told_apart(person.key)
        return [each for each in found.values() if (each.id, apart) not in self.apart and self._may_be_shared(each)]

    def _may_be_shared(self, identity: Identity) -> bool:
        return identity.school in self.sisters and self._has_or_gets_an_account(identity)

    def _has_or_gets_an_account(self, identity: Identity) -> bool:
        """In Link Mode an account is there or nobody makes one, and a guest of such a school would wait for ever."""
        sister = self.sisters.get(identity.school)
        return sister is not None and (sister.rules.mode == "create" or bool(identity.bonds))

    def _guest(self, identity: Identity, person: Person) -> Identity:
        return as_guest(identity, person, self.today, self.school, self.years)

    def _doubtful_number(self, person: Person, other: Identity) -> Conflict:
        return Conflict(
            other.id,
            f"The MIS of {self.school.name} has the pupil record {person.key.record} ({called(person)}) with the number of {other.label} of"
            f" {self._name(other)} ({called(other.person)}). No account was made for it. {_choose(other, person)}",
            other.label,
        )

    def _namesake(self, person: Person, other: Identity) -> Conflict:
        return Conflict(
            other.id,
            f"The MIS of {self.school.name} has the staff record {person.key.record} ({called(person)}), and {self._name(other)} has {other.label} of the"
            f" same name. No account was made for it, because one person should not have two. {_choose(other, person)}",
            other.label,
        )

    def _name(self, identity: Identity) -> str:
        return self.sisters[identity.school].rules.name


def _choose(other: Identity, person: Person) -> str:
    words = f"{other.label} {person.key.record} --school {person.key.school}"
    return f"If they are one person: onroll users link {words}. If not: onroll users apart {words}"


def told_apart(key: SourceKey) -> str:
    """How a record of one school is written where somebody said that it is not a person of another: records of two schools may be alike."""
    return f"{key.school} {key.record}"


def as_guest(identity: Identity, person: Person, today: date, school: SchoolRules, years: Years) -> Identity:
    """Somebody of another school, as `school` sees them by its record `person`."""
    guest = replace(
        identity, school=school.id, host=identity.school, role=person.role, person=person, source="mis", also=(), absences=0, left_on=None,
        state=State.ACTIVE,
    )  # fmt: skip
    guest = replace(guest, year_of_entry=year_of_entry_of(guest, years))
    where = standing(guest, today, school)
    return replace(guest, state=where.state, left_on=where.left_on)


def has_let_go(identity: Identity, today: date, school: SchoolRules) -> bool:
    """True when the school that looks after `identity` would give no account any more, were they not on roll elsewhere."""
    return let_go(standing(replace(identity, elsewhere={}, suspended=""), today, school))


def taken_over(identity: Identity, guest: Identity) -> Identity:
    """The same human, looked after from now on by the school of `guest`: the names, addresses and accounts stay, the MIS's say is that school's."""
    others = (key for key in (*guest.also, *identity.keys) if key != guest.person.key)
    return replace(
        identity,
        school=guest.school,
        role=guest.role,
        person=guest.person,
        state=guest.state,
        source="mis",
        year_of_entry=guest.year_of_entry,
        absences=guest.absences,
        left_on=guest.left_on,
        also=tuple(dict.fromkeys(others)),
        elsewhere={each: name for each, name in identity.elsewhere.items() if each != guest.school},
    )


def stays_as_guest(identity: Identity, now_at: str, today: date, school: SchoolRules) -> Identity | None:
    """What the former school keeps of somebody who was taken over by `now_at`: a guest, when its MIS has them on roll still (as subsidiary, say)."""
    guest = replace(identity, host=now_at, also=tuple(key for key in identity.also if key.school == school.id))
    where = standing(guest, today, school)
    return None if let_go(where) else replace(guest, state=where.state, left_on=where.left_on)


@dataclass(frozen=True, slots=True)
class Handover:
    """Somebody goes over from the school of `before` to that of `after`; `stays` is the guest whom the first one has from then on, on roll where it `keeps` them.

    `old` and `new` are what the schools are called.
    """

    before: Identity
    after: Identity
    stays: Identity | None
    keeps: bool
    old: str
    new: str


def sharing(targets: Iterable[str], schools: Mapping[str, Sister], own: str) -> dict[str, Sister]:
    """The schools other than `own` that write to one of `targets`."""
    wanted = frozenset(targets)
    return {name: each for name, each in schools.items() if name != own and each.targets & wanted}


Recogniser = Callable[[Person], tuple[Identity | None, Conflict | None]]
"""See `Abroad.match`."""


def nobody(person: Person) -> tuple[Identity | None, Conflict | None]:
    """A school without sisters recognises nobody."""
    return None, None
