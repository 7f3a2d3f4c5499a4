"""Rows of tables into people and groups, whatever wrote the rows: every row is somebody, or a sentence with table, line and column."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from enum import StrEnum

from onroll_connectors.own_groups import classes, own_groups
from onroll_connectors.sources.csv_rows import Reading, Rows, role_of
from onroll_connectors.sources.csv_table import Row
from onroll_core.errors import Halt
from onroll_core.numbers import normal_upn
from onroll_core.people import Person, Role, Snapshot, SourceKey, Status

__all__ = ["Kind", "People", "Reading", "role_of"]


class Kind(StrEnum):
    """What the rows of a table are: people; pairs of a contact and a pupil; pairs of a pupil and a class."""

    PEOPLE = "people"
    CONTACTS = "contacts"
    CLASSES = "classes"


@dataclass(slots=True)
class _Pair:
    """A row that joins somebody to a class, or a contact to a pupil: resolved when everybody has been read."""

    where: str
    pupil: Mapping[str, str]
    name: str
    teacher: str = ""


class People:
    """Everybody in the tables that were added, and the groups they make. Every method raises Halt with a sentence; nothing is ever left out of a table silently."""

    def __init__(self, reading: Reading) -> None:
        self._reading, self._rows = reading, Rows(reading)
        self._people: dict[SourceKey, Person] = {}
        self._where: dict[SourceKey, str] = {}
        self._known: dict[tuple[Role, str, str], SourceKey | None] = {}
        self._taught: dict[str, set[SourceKey]] = {}
        self._leaders: dict[str, set[SourceKey]] = {}
        self._pairs: list[_Pair] = []
        self._taken_by: set[tuple[str, str]] = set()
        self._contacts: dict[str, tuple[Person, list[_Pair]]] = {}

    def add(
        self,
        name: str,
        columns: Mapping[str, int],
        rows: Iterable[Row],
        kind: Kind = Kind.PEOPLE,
        role: Role | None = None,
        status: Status | None = None,
    ) -> None:
        """The rows of the table called `name`; `columns` are positions of cells by our names of columns (`csv_columns.FIELDS`).

        `role` and `status` are what the rows are where they do not say themselves (a report of leavers).
        """
        for row in rows:
            if kind is Kind.CLASSES:
                self._class_row(name, row, columns)
            elif kind is Kind.CONTACTS:
                self._contact_row(name, row, columns)
            else:
                self._keep(self._rows.person(name, row, columns, role, status), name, row, columns)

    @property
    def keys(self) -> Collection[SourceKey]:
        """Keys of the students and staff who were added so far."""
        return self._people.keys()

    def snapshot(
        self, taken_at: datetime, feed_time: datetime | None = None, academic_year: int | None = None
    ) -> Snapshot:
        """Everybody who was added, their year, registration and house groups, and the classes that the rows name."""
        for pair in self._pairs:
            self._join(pair)
        contacts = [self._with_children(contact, pairs) for contact, pairs in self._contacts.values()]
        school = self._reading.school
        groups = [*own_groups(self._people.values(), school), *classes(self._taught, self._leaders, school)]
        people = [*self._people.values(), *(each for each in contacts if each.children)]
        return Snapshot(school, taken_at, people, groups, feed_time, academic_year)

    def _keep(self, person: Person, name: str, row: Row, columns: Mapping[str, int]) -> None:
        where = self._rows.at(name, row)
        before = self._people.get(person.key)
        elsewhere = before is not None and not self._where[person.key].startswith(f"{name},")
        if before is not None and elsewhere and (before.status is Status.LEFT) is not (person.status is Status.LEFT):
            # Left and came back: one export of leavers and one of pupils both hold the record, and the one that is on roll counts.
            if person.status is Status.LEFT:
                return
            before = None
        if before is not None and not self._reading.merge:
            raise Halt(
                f"{where}: {person.key.record.partition(':')[2]} was already in {self._where[person.key]}. Every record may come once; nothing was read."
                " Where the export has a row for each class of a pupil, say so: merge_rows = true in [school.source]."
            )
        self._people[person.key] = person if before is None else self._merged(before, person, where)
        self._where.setdefault(person.key, where)
        for each, value in self._rows.identifiers(name, row, columns).items():
            self._know(person, each, value)
        if person.role is Role.STAFF and (email := self._rows.cell(row, columns, "email")):
            self._know(person, "email", email.lower())
        into = self._taught if person.role is Role.STUDENT else self._leaders
        names = self._rows.cell(row, columns, "groups").replace(";", ",").split(",")
        group = self._rows.group_name(name, row, columns, "class")
        for each in (*(one.strip() for one in names), group):
            if each:
                into.setdefault(each, set()).add(person.key)
        teacher = self._rows.cell(row, columns, "teacher")
        if group and teacher and (group, teacher) not in self._taken_by:
            self._taken_by.add((group, teacher))
            self._pairs.append(_Pair(where, {}, group, teacher))

    def _know(self, person: Person, what: str, value: str) -> None:
        for place in _places(person.role, what, value):
            # A number that two people share joins nobody to a class.
            self._known[place] = person.key if self._known.get(place, person.key) == person.key else None

    def _merged(self, before: Person, after: Person, where: str) -> Person:
        changes = {}
        for each in fields(Person):
            one, other = getattr(before, each.name), getattr(after, each.name)
            if one == other or other in (None, ""):
                continue
            if one not in (None, ""):
                raise Halt(
                    f"{where}, column {each.name}: {str(other)!r} is not what {self._where[before.key]} says of the same person ({str(one)!r}). Nothing was read."
                )
            changes[each.name] = other
        return replace(before, **changes)

    def _class_row(self, name: str, row: Row, columns: Mapping[str, int]) -> None:
        group = self._rows.group_name(name, row, columns, "class")
        if not group:
            raise self._rows.wrong(name, row, "class", "there is no class. Every row of a class list needs one")
        pupil = self._rows.identifiers(name, row, columns)
        teacher = self._rows.cell(row, columns, "teacher")
        if not pupil and not teacher:
            raise self._rows.wrong(
                name, row, "id", "there is neither a pupil nor a teacher. Every row of a class list needs one"
            )
        self._pairs.append(_Pair(self._rows.at(name, row), pupil, group, teacher))

    def _contact_row(self, name: str, row: Row, columns: Mapping[str, int]) -> None:
        record = self._rows.identifier(name, row, columns, "contact_id")
        if not record:
            raise self._rows.wrong(name, row, "contact_id", "there is no id of the contact. Every row needs one")
        first, last = (self._rows.told(name, row, columns, each) for each in ("contact_first", "contact_last"))
        if not first and not last:
            raise self._rows.wrong(name, row, "contact_last", f"{record} has no name at all. Was the row cut off?")
        pupil = self._rows.identifiers(name, row, columns)
        if not pupil:
            raise self._rows.wrong(name, row, "id", "it does not say whose contact it is")
        key = SourceKey(self._reading.school, f"{Role.CONTACT.value}:{record}")
        contact = Person(key, Role.CONTACT, Status.ON_ROLL, first=first, last=last)
        where = self._rows.at(name, row)
        self._where.setdefault(key, where)
        before = self._contacts.setdefault(record, (contact, []))
        self._contacts[record] = (self._merged(before[0], contact, where), [*before[1], _Pair(where, pupil, "")])

    def _with_children(self, contact: Person, pairs: Iterable[_Pair]) -> Person:
        """With the pupils who were read; an export of contacts may go on naming those who have left."""
        found = (self._found(pair.pupil, Role.STUDENT) for pair in pairs)
        return replace(contact, children=tuple(sorted({key.record for key in found if key is not None})))

    def _join(self, pair: _Pair) -> None:
        taught, led = self._taught.setdefault(pair.name, set()), self._leaders.setdefault(pair.name, set())
        if pair.pupil:
            key = self._found(pair.pupil, Role.STUDENT)
            if key is not None:
                taught.add(key)
            elif self._reading.strays == "refused":
                raise self._stray(pair, f"pupil {next(iter(pair.pupil.values()))}")
        if pair.teacher:
            names = dict.fromkeys(("id", "staff_code"), pair.teacher) | {"email": pair.teacher.lower()}
            key = self._found(names, Role.STAFF)
            if key is not None:
                led.add(key)
            elif self._reading.strays == "refused":
                raise self._stray(pair, f"teacher {pair.teacher}")

    def _found(self, identifiers: Mapping[str, str], role: Role) -> SourceKey | None:
        for what, value in identifiers.items():
            for place in _places(role, what, value):
                key = self._known.get(place)
                if key is not None:
                    return key
        return None

    def _stray(self, pair: _Pair, who: str) -> Halt:
        return Halt(
            f"{pair.where}: the {who} of {pair.name} is not among the people read, so one of the lists is not complete or shows another number. Nothing was read."
            ' Where that is as it should be, say so: strays = "left_out" in [school.source].'
        )


def _places(role: Role, what: str, value: str) -> Iterable[tuple[Role, str, str]]:
    """Where an identifier is looked for: as it is written, then as systems differ in it (capitals, zeros in front of a number)."""
    plain = normal_upn(value)
    yield role, what, plain
    if plain.isdigit():
        yield role, f"{what}, as a number", plain.lstrip("0")
