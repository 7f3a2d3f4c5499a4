"""A simulator of iSAMS's Batch API 1.0 in front of Milton Park: one key, the methods ticked on it, XML or JSON, errors in documents that lie about
their encoding.

Names of nodes for applicants and alumni, and their fields, are the defaults of the source: no public document shows real ones.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs
from xml.etree.ElementTree import Element, SubElement, tostring

from onroll_connectors.safe_xml import parse
from onroll_connectors.sandbox.school import Employee, Pupil, School
from onroll_connectors.sandbox.serving import Request, Response
from onroll_connectors.sandbox.stages import Built
from onroll_core.errors import OnrollError

KEY = "0b1c2d3e-4f50-4617-8293-a4b5c6d7e8f9"
SECRET = "a-secured-key's-secret"
TOKEN = "an-access-token"
_UTF16 = '<?xml version="1.0" encoding="utf-16"?>'

CORE = (
    "HumanResources_GetCurrentStaff", "Pupil_GetCurrentPupils", "School_GetSchoolForms", "School_GetSchoolTerms", "School_GetAllYears",
    "School_GetAcademicHouses",
)  # fmt: skip
ALL = (*CORE, "Pupil_GetApplicants", "Pupil_GetAlumni", "Teaching_GetTeachingSets", "Teaching_GetTeachingSetLists")


@dataclass(slots=True)
class Isams:
    """One key of one school; an application for `serving.serve`. `methods` are those ticked on the key; `secured` asks for an OAuth token first.

    `fault`: "", "deadlock" (of the next `deadlocks` requests), "unhandled", "empty", "repeat", "no staff" or "half". `legacy`: pupils of set lists by
    their Legacy SchoolId alone, as older versions have them.
    """

    school: School
    methods: frozenset[str] = frozenset(ALL)
    secured: bool = False
    fault: str = ""
    deadlocks: int = 0
    legacy: bool = False
    asked: set[str] = field(default_factory=set)
    requests: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, request: Request) -> Response:
        """Answer one request."""
        with self.lock:
            self.requests += 1
            if request.path == "/auth/connect/token":
                return self._token(request)
            if request.path not in ("/api/batch/1.0/xml.ashx", "/api/batch/1.0/json.ashx"):
                return Response(404, b"<html>Not found</html>", {"Content-Type": "text/html"})
            return self._batch(request)

    def _token(self, request: Request) -> Response:
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        good = {"grant_type": "client_credentials", "client_id": KEY, "client_secret": SECRET, "scope": "apiv1"}
        if form != good:
            return Response(400, {"error": "invalid_client"})
        return Response(200, {"access_token": TOKEN, "expires_in": 3600, "token_type": "Bearer"})

    def _batch(self, request: Request) -> Response:
        key = (request.query.get("apiKey") or [""])[0].strip("{}")
        if not key:
            return _message(
                400,
                "MissingParameter",
                "Missing Field: apiKey",
                'A required field "apiKey" was not supplied or was in an incorrect format.',
            )
        if key != KEY or (self.secured and request.headers.get("authorization") != f"Bearer {TOKEN}"):
            return _message(
                401,
                "InvalidApiKey",
                "Invalid API Key",
                "The API key is invalid. Please contact your iSAMS administrator.",
            )
        if self.deadlocks:
            self.deadlocks -= 1
            return _message(500, "UnhandledException", "Unknown Error", "Transaction (Process ID 118) was deadlocked on lock resources with another process"
                            " and has been chosen as the deadlock victim. Rerun the transaction.")  # fmt: skip
        if self.fault == "unhandled":
            return _message(
                500, "UnhandledException", "Unknown Error", "Data at the root level is invalid. Line 1, position 1."
            )
        methods = self._filtered(request.body)
        if methods is None:
            return _message(
                500, "UnhandledException", "Unknown Error", "Data at the root level is invalid. Line 1, position 1."
            )
        self.asked |= set(methods)
        strange = [each.lower() for each in methods if each not in self.methods]
        if strange:
            return _message(403, "MethodsNotAllocatedToKeyException", "Methods Not Allocated To Key",
                            f"The following methods specified in the MethodsToRun filter are not allocated to the requested key: {', '.join(strange)}")  # fmt: skip
        root = self._document(methods)
        if request.path.endswith("json.ashx"):
            return Response(200, {"iSAMS": _json(root)})
        return Response(200, tostring(root, "unicode").encode(), {"Content-Type": "text/xml; charset=utf-8"})

    def _filtered(self, body: bytes) -> list[str] | None:
        """The methods of a filter document; all that are ticked where there is none; None for what is no filter document."""
        if not body:
            return sorted(self.methods)
        try:
            root = parse(body, "a client")
        except OnrollError:
            return None
        return None if root.tag != "Filters" else [each.text or "" for each in root.findall("MethodsToRun/Method")]

    def _document(self, methods: Iterable[str]) -> Element:
        root = Element("iSAMS")
        writers: Mapping[str, Callable[[Element], None]] = {
            "Pupil_GetCurrentPupils": self._pupils, "Pupil_GetApplicants": self._applicants, "Pupil_GetAlumni": self._alumni,
            "HumanResources_GetCurrentStaff": self._staff, "School_GetSchoolForms": self._forms, "School_GetSchoolTerms": self._terms,
            "Teaching_GetTeachingSets": self._sets, "Teaching_GetTeachingSetLists": self._set_lists,
        }  # fmt: skip
        for method in methods:
            if method in writers:
                writers[method](root)
        return root

    def _there(self) -> list[Pupil]:
        today = self.school.today
        there = [
            each
            for _, each in sorted(self.school.pupils.items())
            if each.status == "on roll" and not (each.ends and each.ends < today)
        ]
        if self.fault == "empty":
            return []
        return there[: len(there) // 2] if self.fault == "half" else there

    def _person(self, into: Element, pupil: Pupil) -> None:
        _texts(
            into, UPN=pupil.upn, SchoolCode=pupil.admission_number, SchoolId=_school_id(pupil.number), Title="", Forename=f"{pupil.legal_first} ",
            Surname=pupil.last, Middlename="", Initials=f"{pupil.first[:1]}{pupil.last[:1]}", Preferredname=pupil.first,
            Fullname=f"{pupil.first} {pupil.last}", Gender="X", DOB=_moment(pupil.born), FamilyId=str(pupil.number // 2), Ethnicity="Not stated",
        )  # fmt: skip

    def _pupils(self, root: Element) -> None:
        found = SubElement(_section(root, "PupilManager"), "CurrentPupils")
        there = self._there()
        for pupil in [*there, *there[:1]] if self.fault == "repeat" else there:
            row = SubElement(found, "Pupil", _ids(pupil.number))
            self._person(row, pupil)
            _texts(
                row, AcademicHouse=pupil.house, BoardingHouse="", Form=pupil.form, NCYear=str(pupil.year), DivisionName="Senior School",
                PupilType="Day", EnrolmentDate=_moment(pupil.starts), EnrolmentTerm="Term 1", EnrolmentSchoolYear=str(pupil.starts.year),
                Tutor="TXS1616126505196816", SomethingNew="that nobody announced",
            )  # fmt: skip

    def _applicants(self, root: Element) -> None:
        found = SubElement(_section(root, "PupilManager"), "Applicants")
        for pupil in self.school.pupils.values():
            if pupil.status == "accepted":
                row = SubElement(found, "Pupil", _ids(pupil.number))
                self._person(row, pupil)
                _texts(
                    row,
                    AdmissionStatus="Accepted",
                    EnrolmentDate=_moment(pupil.starts),
                    EnrolmentSchoolYearGroup=str(pupil.year),
                )
        enquiry = SubElement(found, "Pupil", _ids(99_999))
        _texts(enquiry, SchoolId="999999999", Forename="Only", Surname="Enquired", AdmissionStatus="Enquiry")

    def _alumni(self, root: Element) -> None:
        found = SubElement(_section(root, "PupilManager"), "Alumni")
        today = self.school.today
        for pupil in self.school.pupils.values():
            if pupil.status == "left" or (pupil.ends is not None and pupil.ends < today):
                row = SubElement(found, "Pupil", _ids(pupil.number))
                self._person(row, pupil)
                _texts(
                    row,
                    EnrolmentDate=_moment(pupil.starts),
                    LeavingDate="" if pupil.ends is None else _moment(pupil.ends),
                )

    def _current_staff(self) -> list[Employee]:
        today = self.school.today
        return [
            each
            for _, each in sorted(self.school.staff.items())
            if each.starts <= today and (each.ends is None or each.ends >= today)
        ]

    def _staff(self, root: Element) -> None:
        found = SubElement(_section(root, "HRManager"), "CurrentStaff")
        service = SubElement(found, "StaffMember", {"Id": "380", "PersonId": "3041"})
        _texts(service, Initials=" ", UserCode="AXE28529081319808003", Title="", Forename=" ", Surname=" ", FullName="   ", PreferredName="test",
               TeachingStaff="1")  # fmt: skip
        for person in [] if self.fault in ("empty", "no staff") else self._current_staff():
            row = SubElement(found, "StaffMember", _ids(person.number))
            _texts(
                row, Initials=person.code, UserCode=f"{person.first[:1]}X{person.number}", Title=person.title, Forename=person.first,
                MiddleNames="", Surname=f" {person.last}", FullName=f"{person.first} {person.last}", PreferredName="", Salutation="",
                TeachingStaff="1" if person.teaches else "0",
            )  # fmt: skip

    def _forms(self, root: Element) -> None:
        found = SubElement(_section(root, "SchoolManager"), "Forms")
        tutors = [each.number for each in self._current_staff() if each.teaches]
        for n, form in enumerate(sorted({each.form for each in self.school.pupils.values()})):
            row = SubElement(found, "Form", {"Id": form, "YearId": form[:-1]})
            if tutors:
                row.set("TutorId", str(tutors[n % len(tutors)]))
            _legacy(row, "Tutor", "TXS12070597600217613")
            _legacy(row, "NationalCurriculumYear", form[:-1])
            _texts(row, Form=form, EmailAddress=f"{form}@school.example")

    def _terms(self, root: Element) -> None:
        found = SubElement(_section(root, "SchoolManager"), "Terms")
        today = self.school.today
        for n, year in enumerate(range(today.year - 2, today.year + 2), start=1):
            row = SubElement(found, "Term", {"Id": str(n), "AuthorId": "1"})
            _legacy(row, "Author", "ADMIN379195924992")
            _texts(
                row,
                SchoolYear=str(year),
                Name="Autumn",
                StartDate=_moment(date(year, 9, 1)),
                FinishDate=_moment(date(year, 12, 19)),
            )

    def _sets(self, root: Element) -> None:
        found = SubElement(_section(root, "TeachingManager"), "Sets")
        for lesson in self.school.classes.values():
            row = SubElement(found, "Set", {"Id": str(lesson.number), "SubjectId": "1", "YearId": "7"})
            _legacy(row, "Teacher", "TessSample65163237490240")
            _texts(row, SetNumber="1", Block="A", SetCode=lesson.name, Name=lesson.name)
            teachers = SubElement(row, "Teachers")
            for n, number in enumerate(lesson.teachers, start=1):
                SubElement(
                    teachers,
                    "Teacher",
                    {"Id": str(n), "StaffId": str(number), "PrimaryTeacher": "True" if n == 1 else "False"},
                )

    def _set_lists(self, root: Element) -> None:
        found = SubElement(_section(root, "TeachingManager"), "SetLists")
        number = 0
        for lesson in self.school.classes.values():
            for pupil in lesson.pupils:
                number += 1
                row = SubElement(found, "SetList", {"Id": str(number)})
                if not self.legacy:
                    row.set("SetId", str(lesson.number))
                    row.set("PupilId", str(pupil))
                _legacy(row, "SetId", str(lesson.number))
                # In one published document the legacy SchoolId of two pupils is the same: it counts only where there is nothing else.
                _legacy(row, "SchoolId", _school_id(pupil) if self.legacy else "1359077297161")


def staged(school: School, folder: Path, preset: str | None) -> Built:
    """Milton Park behind iSAMS; see `stages`."""
    return Built(
        lambda url: f'endpoint = "{url}"\ntoken = "env:ONROLL_DEMO_MIS"', Isams(school), {"ONROLL_DEMO_MIS": KEY}
    )


def _message(status: int, name: str, title: str, words: str) -> Response:
    body = f"{_UTF16}<Message><MessageId>{name}</MessageId><MessageName>{name}</MessageName><Title>{title}</Title><Description>{words}</Description></Message>"
    return Response(status, body.encode(), {"Content-Type": "text/xml"})


def _section(root: Element, name: str) -> Element:
    found = root.find(name)
    return SubElement(root, name) if found is None else found


def _texts(into: Element, **texts: str) -> None:
    for name, text in texts.items():
        SubElement(into, name).text = text or None


def _legacy(into: Element, name: str, text: str) -> None:
    SubElement(into, name, {"Legacy": "True"}).text = text


def _ids(number: int) -> dict[str, str]:
    return {"Id": str(number), "PersonId": str(400_000 + number), "PersonGuid": f"00000000-0000-4000-8000-{number:012}"}


def _school_id(number: int) -> str:
    return f"4733{number:06}"


def _moment(day: date) -> str:
    return f"{day.isoformat()}T00:00:00"


def _json(element: Element) -> Any:
    """An element as it becomes in JSON: attributes with @, one child as an object, several as a list, nothing as null."""
    found: dict[str, Any] = {f"@{name}": value for name, value in element.attrib.items()}
    for child in element:
        value = _json(child)
        if child.tag not in found:
            found[child.tag] = value
        elif isinstance(found[child.tag], list):
            found[child.tag].append(value)
        else:
            found[child.tag] = [found[child.tag], value]
    if not found:
        return element.text
    if element.text and element.text.strip():
        found["#text"] = element.text
    return found
