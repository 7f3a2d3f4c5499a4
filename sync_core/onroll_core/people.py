"""What a source says: people, groups, and the snapshot of everyone at one moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple

from onroll_core.errors import Halt


class SourceKey(NamedTuple):
    """The MIS's immutable id for a record, with the school it belongs to."""

    school: str
    record: str


class Role(StrEnum):
    """What a person is to the school."""

    STUDENT = "student"
    STAFF = "staff"
    CONTACT = "contact"
    OTHER = "other"


class Status(StrEnum):
    """What the source says of a record. `FUTURE` is accepted, admitted, or employed from a later day."""

    FUTURE = "future"
    ON_ROLL = "on roll"
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class Person:
    """One record of one person, as the source tells it.

    None means "not told" and never blanks anything; the empty string means "told to be empty".
    `first` and `last` are the preferred names where the source has them; `year_group` is the source's own
    text ("Year  7", "R", "P4"). `dob` is filled only where the school asks for it. `children` are the records of a contact's pupils at this school.
    """

    key: SourceKey
    role: Role
    status: Status
    first: str | None = None
    last: str | None = None
    legal_first: str | None = None
    legal_last: str | None = None
    starts: date | None = None
    ends: date | None = None
    year_group: str | None = None
    registration_group: str | None = None
    house: str | None = None
    upn: str | None = None
    scn: str | None = None
    admission_number: str | None = None
    staff_code: str | None = None
    enrolment: str | None = None
    dob: date | None = None
    former_upn: str | None = None
    children: tuple[str, ...] | None = None


class GroupKind(StrEnum):
    """What holds a group together."""

    YEAR = "year"
    REGISTRATION = "registration"
    TEACHING = "teaching"
    HOUSE = "house"
    ROLE = "role"


@dataclass(frozen=True, slots=True)
class Group:
    """People whom the source puts together; `leaders` are the staff who take it. Members are keys of the snapshot's people."""

    key: SourceKey
    kind: GroupKind
    name: str
    members: frozenset[SourceKey] = frozenset()
    leaders: frozenset[SourceKey] = frozenset()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everyone and every group of one school at one moment: complete, or it cannot be made.

    `taken_at` and `feed_time` are aware datetimes; `feed_time` is the source's own word on how fresh its data is.
    `academic_year` is the calendar year in which the source's current academic year began, where it says so.
    Raises Halt when two records share a key, a group names somebody who is not there, or a record belongs to another school.
    """

    school: str
    taken_at: datetime
    people: Sequence[Person]
    groups: Sequence[Group] = ()
    feed_time: datetime | None = None
    academic_year: int | None = None

    def __post_init__(self) -> None:
        keys: set[SourceKey] = set()
        for person in self.people:
            if person.key in keys:
                raise Halt(
                    f"The MIS gave the record {person.key.record} twice for {self.school}, so its answer cannot be trusted."
                    " Nothing was changed. Look for a duplicate of that record in the MIS, then run onroll again."
                )
            keys.add(person.key)
        group_keys: set[SourceKey] = set()
        for group in self.groups:
            if group.key in group_keys:
                raise Halt(
                    f"The MIS gave the group {group.name!r} ({group.key.record}) twice for {self.school}."
                    " Nothing was changed. Look for the duplicate in the MIS, then run onroll again."
                )
            group_keys.add(group.key)
            if not (group.members <= keys and group.leaders <= keys):
                stray = min((group.members | group.leaders) - keys)
                raise Halt(
                    f"The group {group.name!r} of {self.school} has the member {stray.record}, who is not among the people read."
                    " The read is not complete and nothing was changed. Run onroll again; if it stays, look at that group in the MIS."
                )
        for key in (*keys, *group_keys):
            if key.school != self.school:
                raise Halt(
                    f"The record {key.record} belongs to the school {key.school}, but {self.school} was being read."
                )
