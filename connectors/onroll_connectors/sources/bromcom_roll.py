"""People, contacts and classes of Bromcom's rows, alike for its REST API and its SOAP service, so that both tell of one school.

Ids are Bromcom's own numbers of people, which stay through every enrolment.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from hashlib import sha256
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from onroll_connectors.own_groups import classes, own_groups
from onroll_connectors.sources.bromcom_rows import SHAPE, Row, blank, called, number, preferred, text
from onroll_core.contracts import Context
from onroll_core.errors import Halt, Unavailable
from onroll_core.people import Group, Person, Role, Snapshot, SourceKey, Status

ENROLMENTS = {
    "c": "C", "m": "M", "s": "S", "g": "G", "single registration": "C", "main - dual registration": "M",
    "subsidiary - dual registration": "S", "guest": "G", "mn-d": "M",
}  # fmt: skip
_ORDER = (Status.ON_ROLL, Status.FUTURE, Status.LEFT)


class Wanted(BaseModel):
    """The keys that both routes to Bromcom have."""

    model_config = ConfigDict(extra="forbid", strict=True)

    school: int = Field(description="Bromcom's number of the school", ge=1)
    leaver_years: int = Field(2, description="how many years back leavers are read; 0 for none", ge=0, le=20)
    classes: bool = Field(True, description="read teaching classes, who is in them and who takes them")
    house_entity: str | None = Field(
        None, description="the entity whose classes are houses, HouseClasses (its columns are not published)"
    )
    staff_without_code: bool = Field(True, description="read staff who have no staff code; some clients leave them out")
    enrolments: dict[str, str] = Field(
        default_factory=dict, description='enrolment statuses beside the known ones, and what they are: {"DUAL" = "S"}'
    )
    no_tutor_group: list[str] = Field(["NoTutorGrp"], description="tutor groups that say that there is none")
    dates_of_birth: bool = Field(False, description="read dates of birth, for linking")
    contacts: bool = Field(False, description="also read pupils' contacts: their names, and whose they are")

    @model_validator(mode="after")
    def _words(self) -> Wanted:
        strange = sorted({each for each in self.enrolments.values() if each not in ("C", "M", "S", "G", "F", "O")})
        if strange:
            raise ValueError(f"enrolments: {', '.join(strange)} is not one of C, M, S, G, F and O")
        if self.house_entity is not None and not self.house_entity.isalnum():
            raise ValueError("house_entity: is the name of an entity, such as HouseClasses")
        return self


@dataclass(frozen=True, slots=True)
class Days:
    """The day that is asked for, and the first of the days whose leavers are asked for."""

    today: date
    since: date

    @classmethod
    def of(cls, wanted: Wanted, context: Context) -> Days:
        """By the settings, on the context's day."""
        today = context.today or context.now().date()
        year = today.year - wanted.leaver_years
        return cls(today, date(year, today.month, min(today.day, 28)))


def lists(wanted: Wanted) -> Iterator[Status]:
    """The lists to ask for, of pupils and of staff."""
    yield from (Status.ON_ROLL, Status.FUTURE)
    if wanted.leaver_years:
        yield Status.LEFT


class Roll:
    """The people of one school, each once, whichever lists they are on and however often.

    `pupils` and `staff` are the entities that tell of them, for sentences; `prefix` begins the names of a pupil's dates, `form` is the column of the
    tutor group; `full_names` says that staff have one text for both their preferred names.
    """

    def __init__(
        self, wanted: Wanted, context: Context, pupils: str, form: str, prefix: str = "", full_names: bool = False
    ) -> None:
        self._wanted, self._context, self._days = wanted, context, Days.of(wanted, context)
        self._entity, self._form, self._prefix, self._full_names = pupils, form, prefix, full_names
        self._words = ENROLMENTS | {each.casefold(): code for each, code in wanted.enrolments.items()}
        self._none = frozenset(each.casefold() for each in wanted.no_tutor_group)
        self.people: dict[SourceKey, Person] = {}
        self._contacts: dict[SourceKey, Person] = {}

    def key(self, kind: str, record: str) -> SourceKey:
        """Of somebody by their number; `kind` is student, staff or contact."""
        return SourceKey(self._context.school, f"{kind}:{record}")

    def add_pupils(self, rows: Iterable[Row], status: Status) -> None:
        """Take in one list of pupils. Raises Halt when nobody is on roll."""
        met = False
        for row in rows:
            met = True
            self._of_this_school(row)
            person = self._pupil(row, status)
            self._keep(person)
            if self._wanted.contacts:
                self._three_contacts(row, person.key)
        if status is Status.ON_ROLL and not met:
            raise Halt(
                f"Bromcom shows no pupil on roll ({self._entity}). Is it the right school, and may the account still read {self._entity}? Nothing was changed."
            )

    def add_staff(self, rows: Iterable[Row], status: Status) -> None:
        """Take in one list of staff. Raises Halt when nobody is employed."""
        met = False
        for row in rows:
            met = True
            self._of_this_school(row)
            if self._wanted.staff_without_code or text(row, "staffcode") is not None:
                self._keep(self._employee(row, status))
        if status is Status.ON_ROLL and not met:
            raise Halt(
                "Bromcom shows no member of staff (Staff). Has the permission for Staff been withdrawn? Nothing was changed."
            )

    def add_contact(self, contact: Person) -> None:
        """Somebody of a pupil's; who is named beside several pupils is one contact with several children."""
        before = self._contacts.get(contact.key)
        children = {*(contact.children or ()), *((before.children or ()) if before is not None else ())}
        self._contacts[contact.key] = replace(contact, children=tuple(sorted(children)))

    def in_houses(self, members: Mapping[str, Iterable[str]]) -> None:
        """Put pupils into houses: numbers of pupils by the name of a house."""
        for house, pupils in members.items():
            for each in pupils:
                person = self.people.get(self.key("student", each))
                if person is not None and person.status is not Status.LEFT:
                    self.people[person.key] = replace(person, house=house)

    def snapshot(
        self,
        taught: Mapping[str, Iterable[str]],
        leaders: Mapping[str, Iterable[str]],
        tutors: Mapping[str, Iterable[str]],
    ) -> Snapshot:
        """Everybody, with their groups: numbers of pupils and of staff by the names of classes, numbers of tutors by tutor groups."""
        led = {name: self._known("staff", numbers) for name, numbers in tutors.items()}
        groups = own_groups(self.people.values(), self._context.school, led) + self._classes(taught, leaders)
        contacts = [
            replace(each, children=there) for each in self._contacts.values() if (there := self._children(each))
        ]
        return Snapshot(self._context.school, self._context.now(), [*self.people.values(), *contacts], groups)

    def _children(self, contact: Person) -> tuple[str, ...]:
        mine = ((each, self.people.get(SourceKey(self._context.school, each))) for each in contact.children or ())
        return tuple(each for each, pupil in mine if pupil is not None and pupil.status is not Status.LEFT)

    def _classes(self, taught: Mapping[str, Iterable[str]], leaders: Mapping[str, Iterable[str]]) -> list[Group]:
        """Bromcom tells no totals: many who are in classes and on no list of pupils show that a list was short. One or two are old rows."""
        strays = {each for pupils in taught.values() for each in pupils if self.key("student", each) not in self.people}
        pupils = sum(1 for each in self.people.values() if each.role is Role.STUDENT)
        if self._wanted.leaver_years and len(strays) > max(3, pupils // 50):
            raise Unavailable(
                f"Bromcom has {len(strays)} pupils in classes who are on none of its lists of pupils. The read is not complete; nothing was changed."
            )
        return classes(
            {name: self._known("student", each) for name, each in taught.items()},
            {name: self._known("staff", each) for name, each in leaders.items() if name in taught},
            self._context.school,
        )

    def _known(self, kind: str, numbers: Iterable[str]) -> frozenset[SourceKey]:
        """Those of them who were read: rows of classes outlive people who left long ago."""
        return frozenset(key for key in (self.key(kind, each) for each in numbers) if key in self.people)

    def _of_this_school(self, row: Row) -> None:
        told = row.get("schoolid")
        if told is not None and SHAPE.number(told, "SchoolID") != self._wanted.school:
            raise Halt(
                f"Bromcom sent a record of the school {told}, not of {self._wanted.school}. Look at school in [school.source]. Nothing was changed."
            )

    def _pupil(self, row: Row, status: Status) -> Person:
        starts, ends = SHAPE.day(blank(row, f"{self._prefix}startdate"), "a first day"), self._ends(row, self._prefix)
        form = text(row, self._form)
        return self._person(
            Role.STUDENT,
            row,
            "studentID",
            self._status(status, starts, ends, row),
            starts=starts,
            ends=ends,
            year_group=text(row, "yeargroup"),
            registration_group=None if form is None or form.casefold() in self._none else form,
            upn=text(row, "upn"),
            admission_number=text(row, "admissionnumber"),
            enrolment=self._enrolment(row),
        )

    def _employee(self, row: Row, status: Status) -> Person:
        starts, ends = SHAPE.day(blank(row, "startdate"), "a first day"), self._ends(row, "")
        found = self._person(
            Role.STAFF,
            row,
            "staffID",
            self._status(status, starts, ends, row),
            starts=starts,
            ends=ends,
            staff_code=text(row, "staffcode"),
        )
        full = text(row, "preferredfullname") if self._full_names else None
        if full is None or text(row, "preferredfirstname") or text(row, "preferredlastname"):
            return found
        first, last = preferred(full, found.legal_first, found.legal_last)
        return replace(found, first=first, last=last)

    def _person(self, role: Role, row: Row, column: str, status: Status, **told: Any) -> Person:
        first, last = text(row, "firstname"), text(row, "lastname")
        born = SHAPE.day(blank(row, "dateofbirth"), "a date of birth") if self._wanted.dates_of_birth else None
        return Person(
            self.key(role.value, number(row, column, self._entity if role is Role.STUDENT else "Staff")),
            role,
            status,
            first=text(row, "preferredfirstname") or first,
            last=text(row, "preferredlastname") or last,
            legal_first=first,
            legal_last=last,
            dob=born,
            **told,
        )

    def _ends(self, row: Row, prefix: str) -> date | None:
        return SHAPE.day(blank(row, f"{prefix}enddate"), "a last day")

    def _enrolment(self, row: Row) -> str | None:
        told = text(row, "enrolmentstatename")
        if told is None:
            return None
        if (found := self._words.get(told.casefold())) is None:
            raise Halt(
                f"Bromcom has a pupil with the enrolment status {told[:40]!r}, which onroll does not know. Say what it is in [school.source]:"
                f' enrolments = {{ "{told[:40]}" = "C" }} (C single, M main, S subsidiary, G guest). Nothing was changed.'
            )
        return found

    def _status(self, asked: Status, starts: date | None, ends: date | None, row: Row) -> Status:
        """The list decides, and the dates have to agree: rows of another list show that Bromcom did not hear the filter."""
        today = self._days.today
        if asked is Status.ON_ROLL:
            wrong = (starts is not None and starts > today) or (ends is not None and ends < today)
        elif asked is Status.FUTURE:
            wrong = starts is not None and starts <= today
        else:
            wrong = ends is not None and ends >= today
        if wrong:
            raise Unavailable(
                f"Bromcom was asked for those who are {'to come' if asked is Status.FUTURE else asked.value} and sent somebody from {starts} to {ends},"
                " so it did not hear the dates asked for. Nothing was changed."
            )
        if asked is Status.FUTURE and starts is not None and ends is not None and ends < starts:
            return Status.LEFT  # withdrawn before the first day
        return asked

    def _keep(self, person: Person) -> None:
        """Rows may come twice, and whoever left and came again has a row for each enrolment: the one that counts most is kept."""
        before = self.people.get(person.key)
        if before is None:
            self.people[person.key] = person
            return
        if _who(before) != _who(person):
            raise Halt(
                f"Bromcom gives the record {person.key.record} to two people. Nothing was changed; look for that number in Bromcom, then run onroll again."
            )
        if _weight(person) < _weight(before):
            self.people[person.key] = person

    def _three_contacts(self, row: Row, pupil: SourceKey) -> None:
        """But those of whom Bromcom says that they have no parental responsibility. They have no number of their own: siblings' contacts are one person
        where name and address for mail are."""
        for each in ("contact1", "contact2", "contact3"):
            name, mail = text(row, f"{each}name"), text(row, f"{each}email")
            told = row.get(f"{each}parentalresponsibility")
            if not isinstance(told, str | None):
                raise Unavailable(
                    f"Bromcom sent {str(told)[:20]} where Yes or No should be (parental responsibility). Nothing was changed."
                )
            flag = SHAPE.flag((told or "").strip(), "parental responsibility")
            if flag is False or (name is None and mail is None and text(row, f"{each}relationship") is None):
                continue
            first, last = called(name or "")
            apart = (mail or pupil.record).casefold()
            record = sha256(f"{(name or each).casefold()}\0{apart}".encode()).hexdigest()[:16]
            key = self.key("contact", record)
            self.add_contact(
                Person(key, Role.CONTACT, Status.ON_ROLL, first=first, last=last, children=(pupil.record,))
            )


def _who(person: Person) -> tuple[Any, ...]:
    return person.first, person.last, person.legal_first, person.legal_last, person.upn


def _weight(person: Person) -> tuple[int, bool, int]:
    """Smaller counts more: on roll, to come, gone; no guest; the newest."""
    return _ORDER.index(person.status), person.enrolment in ("S", "G"), -(person.starts or date.min).toordinal()
