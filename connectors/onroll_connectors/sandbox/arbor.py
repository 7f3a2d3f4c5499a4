"""A simulator of Arbor in front of Milton Park: a small GraphQL over its entities, with two academic years, pages by number, and errors beside data.

It knows the entities and fields that public clients use, refuses any other as GraphQL does, and answers a field without permission with null and an error.
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from onroll_connectors.sandbox.arbor_query import SyntaxProblem, parsed, strange
from onroll_connectors.sandbox.school import Employee, Pupil, School
from onroll_connectors.sandbox.serving import Request, Response
from onroll_connectors.sandbox.stages import Built

USER, PASSWORD, TOKEN = "onroll-application", "an-application's-password", "a-token-of-the-sandbox"
Row = dict[str, Any]


@dataclass(slots=True)
class Arbor:
    """One school; an application for `serving.serve`. `hidden` are "Entity.field" that the application may not see; `unseen` are entities of which it
    sees nothing at all. `busy_after` answers 429 after so many requests. `fault`: "", "empty", "repeat", "shifts", "dies" or "half"."""

    school: School
    hidden: frozenset[str] = frozenset()
    unseen: frozenset[str] = frozenset()
    fault: str = ""
    busy_after: int | None = None
    asked: list[str] = field(default_factory=list)
    requests: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, request: Request) -> Response:
        """Answer one request."""
        with self.lock:
            self.requests += 1
            basic = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
            if request.headers.get("authorization") not in (basic, f"Bearer {TOKEN}"):
                return _error(401, "Unauthorized")
            if "python" in request.headers.get("user-agent", "python").lower():
                return Response(403, b"<html>Request blocked.</html>", {"Content-Type": "text/html"})
            if self.busy_after is not None and self.requests > self.busy_after:
                self.busy_after = None
                return Response(429, None, {"Retry-After": "10"})
            if request.path != "/graphql/query" or request.method != "POST":
                return _error(404, "Not Found")
            return self._query(request)

    def _query(self, request: Request) -> Response:
        try:
            text = request.json()["query"]
            self.asked.append(text)
            entity, arguments, fields = parsed(text)
        except (ValueError, KeyError, TypeError, SyntaxProblem):
            return Response(400, {"errors": [{"message": "Syntax Error: Unexpected token"}]})
        if entity not in _SHAPES:
            return Response(200, {"errors": [{"message": f'Cannot query field "{entity}" on type "Query".'}]})
        unknown = strange(entity, fields, _SHAPES)
        if unknown:
            return Response(200, {"errors": [{"message": f'Cannot query field "{unknown}" on type "{entity}".'}]})
        rows = [] if entity in self.unseen or self.fault == "empty" else list(self._rows(entity))
        try:
            rows = [row for row in rows if _fits(row, arguments)]
        except KeyError as other:
            return Response(200, {"errors": [{"message": f"Unknown argument {other} on field {entity}."}]})
        size, number = int(arguments.get("page_size", 3000)), int(arguments.get("page_num", 0))
        if self.fault == "dies" and number:
            return _error(500, "Internal Server Error")
        page = rows[number * size : (number + 1) * size]
        if self.fault == "repeat" and number and page:
            page = [rows[number * size - 1], *page[1:]]
        if self.fault == "shifts" and number and entity == "Student" and len(fields) > 1:
            page = page[1:]
        errors: list[Row] = []
        data = [self._shown(entity, row, fields, errors) for row in page]
        return Response(200, {"data": {entity: data}} | ({"errors": errors} if errors else {}))

    def _shown(self, entity: str, row: Row, fields: Mapping[str, Any], errors: list[Row]) -> Row:
        shown: Row = {}
        for name, inner in fields.items():
            value = row.get(name)
            if f"{entity}.{name}" in self.hidden:
                value = None
                message = {"message": f"You do not have access to `{entity}.{name}`."}
                if message not in errors:
                    errors.append(message)
            if inner and isinstance(value, dict):
                value = self._shown(_SHAPES[entity][name], value, inner, errors)
            elif inner and isinstance(value, list):
                value = [self._shown(_SHAPES[entity][name], each, inner, errors) for each in value]
            shown[name] = value
        return shown

    def _rows(self, entity: str) -> Iterator[Row]:
        makers: Mapping[str, Callable[[], Iterator[Row]]] = {
            "Student": self._students, "Staff": self._staff, "Application": self._applications, "AcademicYearEnrolment": self._coming,
            "EducationalInstitutionEnrolment": self._gone, "AcademicYear": self._years, "RegistrationForm": self._forms,
            "HouseMembership": self._houses, "TeachingGroup": lambda: self._groups("teachingGroupName"),
            "AcademicUnit": lambda: self._groups("academicUnitName"),
            "TeachingGroupMembership": lambda: self._members("teachingGroup"), "AcademicUnitEnrolment": lambda: self._members("academicUnit"),
            "TeachingGroupTutor": lambda: self._leads("teachingGroup"), "AcademicUnitLead": lambda: self._leads("academicUnit"),
            "StudentGuardianRelationship": self._guardians,
        }  # fmt: skip
        return makers[entity]()

    @property
    def _today(self) -> date:
        return self.school.today

    @property
    def _began(self) -> date:
        return date(self._today.year if self._today.month >= 9 else self._today.year - 1, 9, 1)

    def _left(self, pupil: Pupil) -> bool:
        return pupil.status == "left" or (pupil.ends is not None and pupil.ends < self._today)

    def _there(self) -> list[Pupil]:
        there = [
            each for _, each in sorted(self.school.pupils.items()) if each.status == "on roll" and not self._left(each)
        ]
        return there[: len(there) // 2] if self.fault == "half" else there

    def _student(self, pupil: Pupil) -> Row:
        there = pupil.status == "on roll" and not self._left(pupil)
        return _names(pupil.first, pupil.last, pupil.legal_first, pupil.legal_last) | {
            "id": str(pupil.number), "currentlyEnrolled": there, "displayName": f"{pupil.first} {pupil.last}", "upn": pupil.upn,
            "studentNumber": pupil.admission_number, "dateOfBirth": f"{pupil.born} 00:00:00", "mostRecentEntryDate": _moment(pupil.starts),
            "leavingDate": None if pupil.ends is None else _moment(pupil.ends),
            "displayAcademicLevel": {"displayName": f"Year {pupil.year}"} if there else None,
            "registrationForm": {"id": self._form_id(pupil.form), "displayName": pupil.form} if there else None,
        }  # fmt: skip

    def _students(self) -> Iterator[Row]:
        there = {each.number for each in self._there()}
        for number, pupil in sorted(self.school.pupils.items()):
            if number in there or self._left(pupil) or pupil.status != "on roll":
                yield self._student(pupil)

    def _staff(self) -> Iterator[Row]:
        for number, person in sorted(self.school.staff.items()):
            here = person.starts <= self._today and (person.ends is None or person.ends >= self._today)
            yield _names(person.first, person.last, person.first, person.last) | {
                "id": str(number), "displayName": f"{person.first} {person.last}", "joiningDate": _moment(person.starts),
                # A date that a contract once had stays where it is: whether somebody works there is another field.
                "leavingDate": None if person.ends is None else _moment(person.ends), "staffNumber": person.code,
                "isActiveInSchool": here, "dateOfBirth": None,
            }  # fmt: skip

    def _applications(self) -> Iterator[Row]:
        for number, pupil in sorted(self.school.pupils.items()):
            if pupil.status == "accepted":
                yield {
                    "id": f"9{number}", "acceptedDatetime": f"{self._today - timedelta(days=30)} 10:00:00", "expectedAdmissionDate": _moment(pupil.starts),
                    "enrolledDatetime": None, "withdrawnDatetime": None, "rejectedDatetime": None,
                    "expectedAcademicLevel": {"displayName": f"Year {pupil.year}"}, "student": self._student(pupil),
                }  # fmt: skip
        nobody = {
            "id": "1",
            "legalFirstName": "Changed",
            "legalLastName": "Minds",
            "preferredFirstName": None,
            "preferredLastName": None,
        }
        for n, what in enumerate(("withdrawnDatetime", "rejectedDatetime", "acceptedDatetime")):
            row = {
                "id": f"8{n}", "acceptedDatetime": f"{self._today} 10:00:00", "expectedAdmissionDate": None, "enrolledDatetime": None,
                "withdrawnDatetime": None, "rejectedDatetime": None, "expectedAcademicLevel": None, "student": nobody,
            }  # fmt: skip
            yield row | {what: None if what == "acceptedDatetime" else f"{self._today} 11:00:00"}

    def _coming(self) -> Iterator[Row]:
        for number, pupil in sorted(self.school.pupils.items()):
            if pupil.status == "accepted":
                yield {
                    "id": f"7{number}",
                    "startDate": _moment(pupil.starts),
                    "endDate": None,
                    "student": self._student(pupil),
                }

    def _gone(self) -> Iterator[Row]:
        for number, pupil in sorted(self.school.pupils.items()):
            if self._left(pupil):
                ends = pupil.ends or self._today - timedelta(days=1)
                yield {
                    "id": f"6{number}",
                    "entryDate": _moment(pupil.starts),
                    "leavingDate": _moment(ends),
                    "student": self._student(pupil),
                }

    def _years(self) -> Iterator[Row]:
        for n, shift in enumerate((-1, 0, 1)):
            first = date(self._began.year + shift, 9, 1)
            last = date(first.year + 1, 8, 31)
            yield {
                "id": str(n + 1), "displayName": f"{first.year}/{last.year}", "code": str(first.year), "startDate": _moment(first), "endDate": _moment(last),
            }  # fmt: skip

    def _form_id(self, form: str, year: int = 2) -> str:
        return f"{year}{sum(ord(letter) * 31**n for n, letter in enumerate(form)):06}"

    def _forms(self) -> Iterator[Row]:
        tutors = [str(each.number) for each in self._working() if each.teaches]
        for year in (1, 2):
            for n, form in enumerate(sorted({each.form for each in self.school.pupils.values()})):
                who = [{"id": tutors[n % len(tutors)]}] if tutors else []
                yield {
                    "id": self._form_id(form, year),
                    "displayName": form,
                    "academicYear": {"id": str(year)},
                    "tutors": who,
                }

    def _working(self) -> list[Employee]:
        return [
            each
            for _, each in sorted(self.school.staff.items())
            if each.starts <= self._today and not (each.ends and each.ends < self._today)
        ]

    def _houses(self) -> Iterator[Row]:
        for pupil in self._there():
            ended = {
                "id": f"4{pupil.number}",
                "startDate": "2020-09-01",
                "endDate": "2021-07-20",
                "student": {"id": str(pupil.number)},
            }
            yield ended | {"house": {"id": "99", "houseName": "Last year's"}}
            yield ended | {
                "id": f"5{pupil.number}", "startDate": _moment(self._began), "endDate": None,
                "house": {"id": pupil.house, "houseName": pupil.house},
            }  # fmt: skip

    def _groups(self, named: str) -> Iterator[Row]:
        for number, lesson in sorted(self.school.classes.items()):
            yield {"id": str(number), named: lesson.name, "academicYear": {"id": "2"}}
            yield {"id": f"1{number}", named: lesson.name, "academicYear": {"id": "1"}}

    def _members(self, called: str) -> Iterator[Row]:
        for number, lesson in sorted(self.school.classes.items()):
            for pupil in lesson.pupils:
                row = {
                    "id": f"{number}-{pupil}",
                    "startDate": _moment(self._began),
                    "endDate": None,
                    "student": {"id": str(pupil)},
                }
                yield row | {called: {"id": str(number)}}
            # Somebody who changed sets in October, and last year's set of the same name.
            other = next(iter(self.school.pupils), 0)
            over = {
                "startDate": _moment(self._began),
                "endDate": _moment(self._began + timedelta(days=30)),
                "student": {"id": str(other)},
            }
            yield over | {"id": f"{number}-was", called: {"id": str(number)}}
            yield over | {"id": f"{number}-old", "endDate": None, called: {"id": f"1{number}"}}

    def _leads(self, called: str) -> Iterator[Row]:
        for number, lesson in sorted(self.school.classes.items()):
            for teacher in lesson.teachers:
                row = {
                    "id": f"{number}-{teacher}",
                    "startDate": _moment(self._began),
                    "endDate": None,
                    "staff": {"id": str(teacher)},
                }
                yield row | {called: {"id": str(number)}}

    def _guardians(self) -> Iterator[Row]:
        for number, contact in sorted(self.school.contacts.items()):
            person = _names(contact.first, contact.last, contact.first, contact.last) | {"id": f"3{number}"}
            for child in contact.children:
                yield {
                    "id": f"{number}-{child}",
                    "student": {"id": str(child)},
                    "guardian": {"id": str(number), "person": person},
                }


_PERSON = ("legalFirstName", "legalLastName", "preferredFirstName", "preferredLastName")
_BRIEF = dict.fromkeys(("id", "upn", "studentNumber", "dateOfBirth", "displayName", *_PERSON), "")
_SHAPES: Mapping[str, Mapping[str, str]] = {
    # The fields of each entity, and the entity that a field leads to ("" for none).
    "Student": _BRIEF | {"mostRecentEntryDate": "", "leavingDate": "", "currentlyEnrolled": "", "displayAcademicLevel": "AcademicLevel", "registrationForm": "RegistrationForm"},
    "Staff": dict.fromkeys(("id", "displayName", "joiningDate", "leavingDate", "staffNumber", "isActiveInSchool", "dateOfBirth", *_PERSON), ""),
    "AcademicLevel": {"id": "", "displayName": ""},
    "Application": dict.fromkeys(("id", "acceptedDatetime", "expectedAdmissionDate", "enrolledDatetime", "withdrawnDatetime", "rejectedDatetime"), "") | {"expectedAcademicLevel": "AcademicLevel", "student": "Student"},
    "AcademicYearEnrolment": {"id": "", "startDate": "", "endDate": "", "student": "Student", "academicYear": "AcademicYear"},
    "EducationalInstitutionEnrolment": {"id": "", "entryDate": "", "leavingDate": "", "student": "Student"},
    "AcademicYear": {"id": "", "displayName": "", "code": "", "startDate": "", "endDate": ""},
    "RegistrationForm": {"id": "", "displayName": "", "academicYear": "AcademicYear", "tutors": "Staff"},
    "House": {"id": "", "houseName": "", "displayName": ""},
    "HouseMembership": {"id": "", "startDate": "", "endDate": "", "student": "Student", "house": "House"},
    "TeachingGroup": {"id": "", "teachingGroupName": "", "academicYear": "AcademicYear"},
    "AcademicUnit": {"id": "", "academicUnitName": "", "academicYear": "AcademicYear"},
    "TeachingGroupMembership": {"id": "", "startDate": "", "endDate": "", "student": "Student", "teachingGroup": "TeachingGroup"},
    "AcademicUnitEnrolment": {"id": "", "startDate": "", "endDate": "", "student": "Student", "academicUnit": "AcademicUnit"},
    "TeachingGroupTutor": {"id": "", "startDate": "", "endDate": "", "staff": "Staff", "teachingGroup": "TeachingGroup"},
    "AcademicUnitLead": {"id": "", "startDate": "", "endDate": "", "staff": "Staff", "academicUnit": "AcademicUnit"},
    "Person": {"id": "", **dict.fromkeys(_PERSON, "")},
    "Guardian": {"id": "", "displayName": "", "person": "Person"},
    "StudentGuardianRelationship": {"id": "", "student": "Student", "guardian": "Guardian"},
}  # fmt: skip


def staged(school: School, folder: Path, preset: str | None) -> Built:
    """Milton Park behind Arbor; see `stages`."""
    return Built(
        lambda url: f'endpoint = "{url}"\ntoken = "env:ONROLL_DEMO_MIS"', Arbor(school), {"ONROLL_DEMO_MIS": TOKEN}
    )


def _fits(row: Row, arguments: Mapping[str, str]) -> bool:
    for name, value in arguments.items():
        if name in ("page_size", "page_num"):
            continue
        plain = name.removesuffix("_after").removesuffix("_before")
        held = row[plain]
        if name.endswith("_after") and not (held is not None and held > value):
            return False
        if name.endswith("_before") and not (held is not None and held < value):
            return False
        if plain == name and str(held).lower() != value.lower():
            return False
    return True


def _names(first: str, last: str, legal_first: str, legal_last: str) -> Row:
    return {
        "legalFirstName": f"{legal_first} ", "legalLastName": legal_last, "preferredFirstName": None if first == legal_first else first,
        "preferredLastName": None if last == legal_last else last,
    }  # fmt: skip


def _moment(day: date) -> str:
    return day.isoformat()


def _error(code: int, reason: str) -> Response:
    return Response(code, {"response": {"code": code, "reason": reason, "errors": []}})
