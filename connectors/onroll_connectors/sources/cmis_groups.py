"""CMIS's forms with their tutors, and its teaching groups with pupils and teachers, of one data set.

How a row of TIMETABLE belongs to a teaching group is not published: by default a teacher is taken for a group's only where form and subject leave no
other, so that nobody is given a class that is not theirs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from onroll_connectors.shape import trimmed
from onroll_connectors.sql import Reading
from onroll_connectors.sql_query import Cells, Query
from onroll_core.errors import Halt, Unavailable
from onroll_core.people import Group, GroupKind, Person, SourceKey

_CELLS = Cells("CMIS")
_MODULE = ("ModuleId", "mdId")

Members = dict[str, SourceKey]
"""People by their id in CMIS, in small letters."""


class Wishes(Protocol):
    """The settings that groups are made by; see `cmis.Settings`."""

    @property
    def class_name(self) -> str: ...
    @property
    def module_column(self) -> str: ...
    @property
    def teachers(self) -> str: ...
    @property
    def timetable_column(self) -> str: ...


@dataclass(frozen=True, slots=True)
class People:
    """Who can be in a group: those on roll, and everybody by their id; `strict` refuses an id that is nobody's."""

    there: Collection[SourceKey]
    students: Members
    staff: Members
    strict: bool

    def student(self, record: str, where: str) -> SourceKey | None:
        """A pupil on roll, or None for one who is not."""
        return self._one(self.students, record, where, "STUDENTS")

    def lecturer(self, record: str, where: str) -> SourceKey | None:
        """A lecturer who is there now, or None."""
        return self._one(self.staff, record, where, "LECTURER")

    def _one(self, known: Members, record: str, where: str, table: str) -> SourceKey | None:
        key = known.get(record)
        if key is None and self.strict:
            raise Unavailable(
                f"CMIS's {where} names {record}, whom {table} does not have. The read is not complete, or such rows are left over: then set"
                ' strays = "ignore". Nothing was changed.'
            )
        return key if key in self.there else None


class Described(Protocol):
    """Whatever tells which columns a table has."""

    def columns(self, table: str) -> Collection[str]:
        """Names in small letters; none for a table that cannot be seen."""
        ...


def queries(wishes: Wishes, reading: Described, sets: Sequence[object]) -> dict[str, Query]:
    """What has to be asked, by table; `ModuleId` and `mdId` are two spellings of one column, and the one that is there is asked for."""
    where = {"SetId": sets}
    subject = "{subject" in wishes.class_name
    by_form = wishes.teachers == "form and subject"
    found: dict[str, tuple[str, ...]] = {
        "CLASSGROUP": ("SetId", "ClassGroupId", "Lect1"),
        "TEACHINGGROUPS": ("SetId", "GroupId", "GroupCode"),
        "STUGROUPS": ("SetId", "StudentId", "GroupId"),
    }
    if subject or by_form:
        found["TEACHINGGROUPS"] += (_module(wishes, reading, "TEACHINGGROUPS"),)
    if by_form:
        found["TIMETABLE"] = ("SetId", "LecturerId", "ClassGroupId", _module(wishes, reading, "TIMETABLE"))
    elif wishes.teachers == "column":
        found["TIMETABLE"] = ("SetId", "LecturerId", wishes.timetable_column)
    if subject:
        found["MODULE"] = ("SetId", _module(wishes, reading, "MODULE"), "Name")
    return {table: Query(table, columns, where, distinct=table == "TIMETABLE") for table, columns in found.items()}


def _module(wishes: Wishes, reading: Described, table: str) -> str:
    there = reading.columns(table)
    candidates = (wishes.module_column,) if wishes.module_column else _MODULE
    return next((each for each in candidates if each.casefold() in there), candidates[0])


def led(own: Iterable[Group], reading: Reading, query: Query, people: People) -> Iterator[Group]:
    """The groups that pupils' own values make, the forms with their tutors."""
    tutors: dict[str, set[SourceKey]] = {}
    for _, form, tutor in reading.rows(query):
        name, record = _fold(form), _fold(tutor)
        if record:
            key = people.lecturer(record, f"CLASSGROUP.Lect1 of {name}")
            tutors.setdefault(name, set()).update(() if key is None else (key,))
    for group in own:
        if group.kind is GroupKind.REGISTRATION:
            group = replace(group, leaders=frozenset(tutors.get(group.name.casefold(), ())))
        yield group


@dataclass(slots=True)
class _Class:
    """A teaching group as its rows are met."""

    record: str
    code: str
    module: str = ""
    members: set[SourceKey] = field(default_factory=set)
    leaders: set[SourceKey] = field(default_factory=set)


def taught(
    wishes: Wishes,
    reading: Reading,
    wanted: Mapping[str, Query],
    people: People,
    pupils: Mapping[SourceKey, Person],
    school: str,
) -> list[Group]:
    """Teaching groups, by GroupId."""
    classes = _classes(reading, wanted["TEACHINGGROUPS"])
    for _, student, group in reading.rows(wanted["STUGROUPS"]):
        found = classes.get(_key(group, "STUGROUPS.GroupId"))
        if found is None:
            if people.strict:
                raise Unavailable(
                    f"CMIS's STUGROUPS names the group {_fold(group)}, which TEACHINGGROUPS does not have. The read is not complete, or such rows are left"
                    ' over: then set strays = "ignore". Nothing was changed.'
                )
            continue
        key = people.student(_key(student, "STUGROUPS.StudentId"), "STUGROUPS")
        if key is not None:
            found.members.add(key)
    if wishes.teachers == "form and subject":
        _by_form(reading, wanted["TIMETABLE"], classes, people, pupils)
    elif wishes.teachers == "column":
        for _, lecturer, group in reading.rows(wanted["TIMETABLE"]):
            _add(classes.get(_fold(group)), _fold(lecturer), people)
    subjects = {}
    if "MODULE" in wanted:
        subjects = {
            _key(module, "MODULE's id"): _CELLS.text(name, "MODULE.Name")
            for _, module, name in reading.rows(wanted["MODULE"])
        }
    return [
        Group(
            SourceKey(school, f"teaching:{each.record}"),
            GroupKind.TEACHING,
            trimmed(wishes.class_name.format(code=each.code, subject=subjects.get(each.module) or "")) or each.record,
            frozenset(each.members),
            frozenset(each.leaders),
        )
        for each in classes.values()
    ]


def _classes(reading: Reading, query: Query) -> dict[str, _Class]:
    classes: dict[str, _Class] = {}
    for _, group, code, *module in reading.rows(query):
        record = _CELLS.key(group, "TEACHINGGROUPS.GroupId")
        made = _Class(
            record, _CELLS.text(code, "TEACHINGGROUPS.GroupCode") or record, _fold(module[0]) if module else ""
        )
        if classes.setdefault(record.casefold(), made) != made:
            raise Halt(
                f"CMIS's TEACHINGGROUPS has the group {record} twice in one data set, and they differ. Nothing was changed. Look for the duplicate in CMIS."
            )
    return classes


def _by_form(
    reading: Reading, query: Query, classes: Mapping[str, _Class], people: People, pupils: Mapping[SourceKey, Person]
) -> None:
    """Whoever teaches a subject to a form has the group of that subject that is of that form alone, where there is one such group."""
    groups: dict[tuple[str, str], list[_Class]] = {}
    for each in classes.values():
        for form in {(pupils[key].registration_group or "").casefold() for key in each.members}:
            groups.setdefault((each.module, form), []).append(each)
    spread: dict[int, int] = {}
    for members in groups.values():
        for each in members:
            spread[id(each)] = spread.get(id(each), 0) + 1
    for _, lecturer, form, module in reading.rows(query):
        found = groups.get((_fold(module), _fold(form)), [])
        if len(found) == 1 and spread[id(found[0])] == 1:
            _add(found[0], _fold(lecturer), people)


def _add(group: _Class | None, lecturer: str, people: People) -> None:
    key = people.lecturer(lecturer, "TIMETABLE.LecturerId") if lecturer else None
    if group is not None and key is not None:
        group.leaders.add(key)


def _key(value: Any, where: str) -> str:
    return _CELLS.key(value, where).casefold()


def _fold(value: Any) -> str:
    return (_CELLS.text(value, "a code of CMIS") or "").casefold()
