"""The fictional school as any source must tell it, whatever its keys, captions and formats: what differs is a sentence.

Records have other keys in every system, so people are compared by what they are, and members of groups likewise.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date
from typing import Any

from onroll_connectors.gives import Gives
from onroll_connectors.sandbox.school import Employee, Pupil, School
from onroll_core.people import GroupKind, Person, Role, Snapshot, SourceKey, Status
from onroll_core.years import Country, parse_stage

_STUDENT = (
    "first", "last", "legal_first", "legal_last", "starts", "ends", "registration_group", "house", "upn", "admission_number",
)  # fmt: skip
_STAFF = ("first", "last", "starts", "ends", "staff_code")
_OF_ONE_ON_ROLL = {"registration_group", "house", "legal_first", "legal_last", "admission_number", "upn"}


def differences(snapshot: Snapshot, school: School, gives: Gives, country: Country = Country.ENGLAND) -> list[str]:
    """What `snapshot` says otherwise than `school` is, apart from what `gives` says that this route cannot tell; [] when nothing."""
    known, found = _known(school, gives), _found(snapshot, gives, country)
    wrong = [
        f"{count} x {'missing' if sign > 0 else 'not at the school'}: {dict(each)}"
        for sign, counter in ((1, known - found), (-1, found - known))
        for each, count in counter.items()
    ]
    return sorted(wrong) + _wrong_groups(snapshot, school, gives)


def assert_same_school(snapshot: Snapshot, school: School, gives: Gives, country: Country = Country.ENGLAND) -> None:
    """Fails with the first differences."""
    wrong = differences(snapshot, school, gives, country)
    assert not wrong, "\n".join([f"{len(wrong)} differences", *wrong[:20]])


def _status(each: Pupil | Employee, today: date) -> Status:
    if each.ends is not None and each.ends < today:
        return Status.LEFT
    if isinstance(each, Pupil):
        return {"accepted": Status.FUTURE, "left": Status.LEFT}.get(each.status, Status.ON_ROLL)
    return Status.FUTURE if each.starts > today else Status.ON_ROLL


def _line(role: Role, status: Status, values: Mapping[str, Any], gives: Gives) -> frozenset[tuple[str, Any]]:
    """Somebody as a set of values; of a pupil who is not on roll, only what every system keeps of them."""
    student = role is Role.STUDENT
    untold = gives.untold_students if student else gives.untold_staff
    names = (*_STUDENT, "stage") if student else _STAFF
    left_out = set(untold) | ({"stage"} if "year_group" in untold else set())
    if student and status is not Status.ON_ROLL:
        left_out |= _OF_ONE_ON_ROLL | ({"stage"} if status is Status.LEFT else set())
    return frozenset(
        {("role", role.value), ("status", status.value), *((n, values.get(n)) for n in names if n not in left_out)}
    )


def _known(school: School, gives: Gives) -> Counter[frozenset[tuple[str, Any]]]:
    lines: Counter[frozenset[tuple[str, Any]]] = Counter()
    wanted = (
        {Status.ON_ROLL} | ({Status.FUTURE} if gives.future else set()) | ({Status.LEFT} if gives.leavers else set())
    )
    for pupil in school.pupils.values():
        status = _status(pupil, school.today)
        if status in wanted:
            values = {name: getattr(pupil, name) for name in _STUDENT if hasattr(pupil, name)}
            lines[
                _line(Role.STUDENT, status, values | {"registration_group": pupil.form, "stage": pupil.year}, gives)
            ] += 1
    wanted = {Status.ON_ROLL} | ({Status.FUTURE} if gives.future_staff else set())
    wanted |= {Status.LEFT} if gives.staff_leavers else set()
    for person in school.staff.values() if gives.staff else ():
        status = _status(person, school.today)
        if status in wanted:
            values = {"first": person.first, "last": person.last, "starts": person.starts, "ends": person.ends}
            lines[_line(Role.STAFF, status, values | {"staff_code": person.code}, gives)] += 1
    return lines


def _found(snapshot: Snapshot, gives: Gives, country: Country) -> Counter[frozenset[tuple[str, Any]]]:
    lines: Counter[frozenset[tuple[str, Any]]] = Counter()
    for person in snapshot.people:
        if person.role in (Role.STUDENT, Role.STAFF):
            lines[_line(person.role, person.status, _values(person, country), gives)] += 1
    return lines


def _values(person: Person, country: Country) -> dict[str, Any]:
    stage = parse_stage(person.year_group, country)
    values = {name: getattr(person, name) for name in (*_STUDENT, "staff_code")}
    # The stages of Scotland are one off ours: the same pupil, in the same year of entry, is in P7 there and in Year 7 here.
    return values | {"stage": None if stage is None else stage.n}


def _wrong_groups(snapshot: Snapshot, school: School, gives: Gives) -> list[str]:
    """Groups are held together by their members: kind, members (by name and first day or number), leaders; teaching groups by name as well."""
    there = {each.number for each in school.pupils.values() if _status(each, school.today) is Status.ON_ROLL}
    pupils = {number: _label(school.pupils[number]) for number in there}
    staff = {
        each.number: (each.first, each.last)
        for each in school.staff.values()
        if _status(each, school.today) is Status.ON_ROLL
    }
    known: dict[tuple[GroupKind, str], tuple[list[Any], list[Any]]] = {}
    for number in there:
        pupil = school.pupils[number]
        kinds = (
            (GroupKind.YEAR, str(pupil.year)),
            (GroupKind.REGISTRATION, pupil.form),
            (GroupKind.HOUSE, pupil.house),
        )
        for kind, name in kinds:
            known.setdefault((kind, name), ([], []))[0].append(pupils[number])
    for lesson in school.classes.values():
        members = [pupils[each] for each in lesson.pupils if each in pupils]
        leaders = [staff[each] for each in lesson.teachers if each in staff]
        known[GroupKind.TEACHING, lesson.name] = (members, leaders)
    people = {each.key: each for each in snapshot.people}
    found = {}
    for group in snapshot.groups:
        if group.kind is GroupKind.ROLE or group.kind not in gives.groups:
            continue
        name = group.name
        if group.kind is GroupKind.YEAR:
            stage = parse_stage(name, Country.ENGLAND) or parse_stage(name, Country.SCOTLAND)
            name = str(stage.n) if stage else name
        found[group.kind, name] = (_labels(group.members, people), group.leaders and _staff(group.leaders, people))
    wrong = []
    for key in sorted({*known, *found}, key=str):
        if key[0] not in gives.groups:
            continue
        if key not in found or key not in known:
            wrong.append(f"group {key} is {'missing' if key not in found else 'not at the school'}")
        elif sorted(known[key][0]) != sorted(found[key][0]):
            wrong.append(f"group {key} has {len(found[key][0])} members, not the {len(known[key][0])} of the school")
        elif key[0] is GroupKind.TEACHING and sorted(known[key][1]) != sorted(found[key][1]):
            wrong.append(f"group {key} is led by {found[key][1]}, not by {known[key][1]}")
    return wrong


def _label(pupil: Pupil) -> tuple[str, str]:
    return (pupil.first, pupil.last)


def _labels(keys: frozenset[SourceKey], people: Mapping[SourceKey, Person]) -> list[tuple[str, str]]:
    """Members on roll; a system may also list those who have left."""
    those = (people[key] for key in keys)
    return [(each.first or "", each.last or "") for each in those if each.status is Status.ON_ROLL]


def _staff(keys: frozenset[SourceKey], people: Mapping[SourceKey, Person]) -> list[tuple[str, str]]:
    return [(people[key].first or "", people[key].last or "") for key in keys if people[key].status is Status.ON_ROLL]
