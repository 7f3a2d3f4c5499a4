"""A simulator of iSAMS's REST API in front of Milton Park: client credentials, pages with totals, lists that need none, refusals with a message.

The object of a set, and its teachers, are the defaults of the source: no public document shows real ones.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from onroll_connectors.sandbox.school import Employee, Pupil, School
from onroll_connectors.sandbox.serving import Request, Response
from onroll_connectors.sandbox.stages import Built

CLIENT, SECRET, TOKEN = "onroll", "a-client's-secret", "an-access-token"
_PAGED = {
    "/api/students": "students", "/api/admissions/applicants": "applicants", "/api/alumni": "alumni", "/api/humanresources/employees": "employees",
}  # fmt: skip


@dataclass(slots=True)
class IsamsRest:
    """One school; an application for `serving.serve`. `forbidden` are paths that the client may not read; `ends_after` is how many requests a token
    serves (None: any). `fault`: "", "empty", "repeat", "short page", "grows", "dies", "no staff" or "half"."""

    school: School
    forbidden: frozenset[str] = frozenset()
    ends_after: int | None = None
    fault: str = ""
    requests: int = 0
    tokens: int = 0
    served: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, request: Request) -> Response:
        """Answer one request."""
        with self.lock:
            self.requests += 1
            if request.path in ("/auth/connect/token", "/Main/sso/idp/connect/token"):
                return self._token(request)
            if not self._signed_in(request):
                return Response(401, {"message": "The user is not authorised for this request"})
            if request.method != "GET" or any(request.path.startswith(each) for each in self.forbidden):
                return Response(403, {"message": "The user is not authorised for this request"})
            if request.path in _PAGED:
                return self._page(request, _PAGED[request.path])
            return self._list(request)

    def _token(self, request: Request) -> Response:
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        wanted = {"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": SECRET}
        if {name: form.get(name) for name in wanted} != wanted:
            return Response(400, {"error": "invalid_client"})
        self.tokens, self.served = self.tokens + 1, 0
        return Response(200, {"access_token": f"{TOKEN}-{self.tokens}", "expires_in": 3600, "token_type": "Bearer"})

    def _signed_in(self, request: Request) -> bool:
        self.served += 1
        over = self.ends_after is not None and self.served > self.ends_after
        given = request.headers.get("authorization", "")
        return given == f"Bearer {TOKEN}" or (given == f"Bearer {TOKEN}-{self.tokens}" and not over)

    def _rows(self, key: str) -> list[dict[str, Any]]:
        today = self.school.today
        pupils = [each for _, each in sorted(self.school.pupils.items())]
        gone = [each for each in pupils if each.status == "left" or (each.ends is not None and each.ends < today)]
        if self.fault == "empty" or (self.fault == "no staff" and key == "employees"):
            return []
        if key == "students":
            there = [each for each in pupils if each.status == "on roll" and each not in gone]
            return [_student(each) for each in (there[: len(there) // 2] if self.fault == "half" else there)]
        if key == "applicants":
            asked = {
                "schoolId": "999999999",
                "forename": "Only",
                "surname": "Registered",
                "admissionStatus": "Registered",
            }
            return [asked, *(_applicant(each) for each in pupils if each.status == "accepted")]
        if key == "alumni":
            return [_student(each) | {"yearGroup": None, "formGroup": None} for each in gone]
        service = {"id": 380, "forename": " ", "surname": " ", "preferredName": "test", "systemStatus": "1"}
        return [service, *(_employee(each, today) for _, each in sorted(self.school.staff.items()))]

    def _page(self, request: Request, key: str) -> Response:
        rows = self._rows(key)
        number, size = (
            int((request.query.get(name) or [other])[0]) for name, other in (("page", "1"), ("pageSize", "100"))
        )
        total = len(rows)
        if self.fault == "dies" and number > 1:
            return Response(500, {"message": "An error has occurred."})
        if self.fault == "grows" and number > 1:
            total += 1
        page = rows[(number - 1) * size : number * size]
        if self.fault == "short page":
            page = page[: max(1, len(page) - 1)]
        if self.fault == "repeat" and number > 1 and page:
            page = [rows[(number - 1) * size - 1], *page[1:]]
        return Response(
            200,
            {
                key: page,
                "count": len(page),
                "page": number,
                "pageSize": size,
                "totalCount": total,
                "totalPages": max(1, -(-total // size)),
            },
        )

    def _list(self, request: Request) -> Response:
        if request.path == "/api/school/terms":
            years = range(self.school.today.year - 1, self.school.today.year + 2)
            return Response(200, {"terms": [_term(n, year) for n, year in enumerate(years, start=1)]})
        if request.path == "/api/teaching/sets":
            sets = [
                {"id": each.number, "name": each.name, "setCode": each.name, "hidden": False, "teachers": [{"employeeId": n} for n in each.teachers]}
                for each in self.school.classes.values()
            ]  # fmt: skip
            return Response(200, {"sets": [*sets, {"id": 1, "name": "Old", "hidden": True}]})
        found = re.fullmatch(r"/api/teaching/sets/(\d+)/setList", request.path)
        if found and int(found[1]) in self.school.classes:
            pupils = self.school.classes[int(found[1])].pupils
            return Response(200, {"students": [{"schoolId": _school_id(each)} for each in pupils]})
        found = re.fullmatch(r"/api/students/4733(\d{6})/contacts", request.path)
        if found:
            number = int(found[1])
            contacts = [each for each in self.school.contacts.values() if number in each.children]
            rows = [
                {"id": each.number, "personId": each.number, "forename": each.first, "surname": each.last, "private": False, "deceased": False}
                for each in contacts
            ]  # fmt: skip
            return Response(
                200,
                {
                    "contacts": [
                        *rows,
                        {"id": 1, "personId": 1, "forename": "Late", "surname": "Relative", "deceased": True},
                    ]
                },
            )
        return Response(404, {"message": "No HTTP resource was found."})


def staged(school: School, folder: Path, preset: str | None) -> Built:
    """Milton Park behind iSAMS's REST API; see `stages`."""
    return Built(
        lambda url: f'endpoint = "{url}"\ntoken = "env:ONROLL_DEMO_MIS"', IsamsRest(school), {"ONROLL_DEMO_MIS": TOKEN}
    )


def _person(pupil: Pupil) -> dict[str, Any]:
    return {
        "id": pupil.number, "personId": 400_000 + pupil.number, "personGuid": f"00000000-0000-4000-8000-{pupil.number:012}",
        "schoolId": _school_id(pupil.number), "schoolCode": pupil.admission_number, "forename": f"{pupil.legal_first} ", "surname": pupil.last,
        "preferredName": pupil.first, "fullName": f"{pupil.first} {pupil.last}", "uniquePupilNumber": pupil.upn,
        "lastUpdated": "2026-09-01T10:11:12+01:00", "religion": None, "ethnicity": None, "nationalities": [], "homeAddresses": [],
    }  # fmt: skip


def _student(pupil: Pupil) -> dict[str, Any]:
    return _person(pupil) | {
        "dob": pupil.born.isoformat(), "enrolmentDate": f"{pupil.starts.isoformat()}T00:00:00", "leavingDate": None if pupil.ends is None else f"{pupil.ends.isoformat()}T00:00:00",
        "yearGroup": pupil.year, "formGroup": pupil.form, "academicHouse": pupil.house, "systemStatus": "1", "boardingStatus": None,
    }  # fmt: skip


def _applicant(pupil: Pupil) -> dict[str, Any]:
    return _person(pupil) | {
        "dateOfBirth": pupil.born.isoformat(), "admissionStatus": "Accepted", "enrolmentDate": f"{pupil.starts.isoformat()}T00:00:00",
        "enrolmentSchoolYearGroup": pupil.year, "enrolmentSchoolYear": pupil.starts.year, "withdrawnDate": None, "systemStatus": "0",
    }  # fmt: skip


def _employee(person: Employee, today: Any) -> dict[str, Any]:
    gone = person.ends is not None and person.ends < today
    return {
        "id": person.number, "personGuid": f"00000000-0000-4000-9000-{person.number:012}", "title": person.title, "forename": person.first,
        "surname": f" {person.last}", "preferredName": None, "schoolInitials": person.code, "enrolmentDate": person.starts.isoformat(),
        "leavingDate": None if person.ends is None else person.ends.isoformat(), "isTeachingStaff": person.teaches,
        "systemStatus": "-1" if gone else "1", "dateOfBirth": None, "nationalities": [], "personalEmailAddress": None,
    }  # fmt: skip


def _term(number: int, year: int) -> Mapping[str, Any]:
    return {
        "id": number,
        "name": "Autumn",
        "schoolYear": year,
        "startDate": f"{year}-09-01T00:00:00",
        "finishDate": f"{year}-12-19T00:00:00",
    }


def _school_id(number: int) -> str:
    return f"4733{number:06}"
