"""One human with two records: who joins under the name of somebody who is gone is asked about, and two new records of one pupil are one account."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date

from onroll_core.accounts import IdentityId
from onroll_core.changes import Conflict
from onroll_core.identities import Identity
from onroll_core.lifecycle import GONE, is_subsidiary
from onroll_core.people import Person, Status
from onroll_core.same_person import called, names, numbers, same_name


def has_left(person: Person | None, today: date) -> bool:
    """True when a record says that its person has gone, or is no more there to say anything."""
    return person is None or person.status is Status.LEFT or (person.ends is not None and person.ends < today)


class Leavers:
    """Notices that a joiner has the name of somebody who left or is missing, where no number and no birthday says whether they are one: a person is
    asked. Guests are the trust's to recognise."""

    def __init__(self, known: Iterable[Identity], apart: Collection[tuple[IdentityId, str]], today: date) -> None:
        self._apart, self._today = apart, today
        self._by_name: dict[tuple[str, str], list[Identity]] = {}
        for each in known:
            if each.source == "mis" and each.username is not None and not each.host:
                for name in names(each.person):
                    self._by_name.setdefault((each.role.value, name), []).append(each)

    def doubt(self, person: Person, told: Mapping[IdentityId, Person]) -> Conflict | None:
        """The conflict; no account is made for the record until it is settled."""
        if person.status is Status.LEFT:
            return None
        for each in (one for name in sorted(names(person)) for one in self._by_name.get((person.role.value, name), ())):
            settled = (each.id, person.key.record) in self._apart or _are_two(person, each.person)
            if not settled and has_left(told.get(each.id), self._today):
                name, record = called(person), person.key.record
                gone = "a leaver" if each.state in GONE or each.id in told else "missing from the MIS"
                return Conflict(
                    each.id,
                    f"{each.label} is {gone}, and the MIS now has a new {person.role.value} record {record} of the same name ({name}). No account was made"
                    f" for it. If they are back: onroll users link {each.label} {record}. If it is somebody else: onroll users apart {each.label} {record}",
                    each.label,
                )
        return None


def _are_two(one: Person, other: Person) -> bool:
    """True when both have a number, or a birthday, and these differ."""
    mine, theirs = set(numbers(one)), set(numbers(other))
    if mine and theirs and not mine & theirs:
        return True
    return one.dob is not None and other.dob is not None and one.dob != other.dob


class Twice:
    """Notices that two new records are one human: the first to count gets the account, and the other waits for somebody to remove it."""

    def __init__(self) -> None:
        self._first: dict[tuple[str, str], Person] = {}

    def doubt(self, person: Person) -> Conflict | None:
        """The conflict where somebody of the same number and name has joined in the same reading."""
        if person.status is Status.LEFT or is_subsidiary(person):
            return None
        for number in numbers(person):
            first = self._first.setdefault((person.role.value, number), person)
            if first is not person and same_name(first, person):
                return Conflict(
                    None,
                    f"The MIS has two new {person.role.value} records of {called(person)} with one number: {first.key.record} and {person.key.record}. Only the"
                    " first gets an account. Remove the other one in the MIS.",
                )
        return None
