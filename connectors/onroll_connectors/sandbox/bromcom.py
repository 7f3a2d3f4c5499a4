"""A simulator of Bromcom's Partner REST API v2 in front of Milton Park: an application with entities ticked, filters, the page in the filter's own value.

Errors' bodies are made up: no public document shows real ones. Columns beyond those that public clients read are left out.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from onroll_connectors.sandbox.bromcom_filter import Refused, compiled
from onroll_connectors.sandbox.bromcom_tables import Row, Tables, moment, padded
from onroll_connectors.sandbox.school import School
from onroll_connectors.sandbox.serving import Request, Response
from onroll_connectors.sandbox.stages import Built

APPLICATION, SECRET, TOKEN, SCHOOL = (
    "5e1f0d2c-0000-4000-8000-00000000b0c0",
    "a-partner's-secret",
    "a-demo-secret",
    20001,
)
_PAGE = re.compile(r"\{page:(\d+)\}$")


@dataclass(slots=True)
class Bromcom:
    """One school; an application for `serving.serve`. `scopes` are the entities ticked for the application; `page_rows` is the size of a page.

    `fault`: "", "empty", "no staff", "not successful", "no data", "deaf" (filters are not heard), "dies" and "shifts" (from the second page on).
    """

    tables: Tables
    scopes: frozenset[str] | None = None
    page_rows: int = 100_000
    fault: str = ""
    upper: bool = False
    asked: list[tuple[str, str]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def school(self) -> School:
        """The school behind it."""
        return self.tables.school

    def __call__(self, request: Request) -> Response:
        """Answer one request."""
        with self.lock:
            return self._answer(request)

    def _answer(self, request: Request) -> Response:
        given = request.headers.get("applicationid"), request.headers.get("applicationsecret")
        if given not in ((APPLICATION, SECRET), ("onroll", TOKEN)):
            return Response(401, {"success": False, "message": "Unauthorized"})
        entity = request.path.removeprefix("/v2/")
        table = self._entities().get(entity)
        if request.method != "GET" or table is None or not request.path.startswith("/v2/"):
            return Response(404, {"success": False, "message": "Not found"})
        if request.query.get("schoolId") != [str(SCHOOL)] or (self.scopes is not None and entity not in self.scopes):
            return Response(403, {"success": False, "message": "Forbidden"})
        whole = (request.query.get("entityFilter") or [""])[0]
        marker = _PAGE.search(whole)
        where, page = whole[: marker.start()] if marker else whole, int(marker[1]) if marker else 0
        self.asked.append((entity, where))
        if self.fault == "not successful":
            return Response(200, {"success": False, "data": None, "message": "The entity could not be read"})
        if self.fault == "no data":
            return Response(200, {"success": True, "data": None})
        return self._page(entity, table, where, page)

    def _page(self, entity: str, table: Callable[[], Iterator[Row]], where: str, page: int) -> Response:
        rows = [] if self.fault == "empty" or (self.fault == "no staff" and entity == "Staff") else list(table())
        try:
            heard = compiled("" if self.fault == "deaf" else where, list(rows[0]) if rows else (), self.school.today)
        except Refused as refusal:
            if rows:
                return Response(200, {"success": False, "data": None, "message": str(refusal)})
            heard = bool
        rows = [row for row in rows if heard(row)]
        if rows and entity in ("StudentFlatView", "Staff", "YearGroupSubjectStudents") and self.page_rows > len(rows):
            rows.append(rows[0])  # rows come twice now and then
        if self.fault == "dies" and page:
            return Response(500, {"success": False})
        start = page * self.page_rows
        if self.fault == "shifts" and page:
            start -= 1
        shown = rows[start : start + self.page_rows]
        return Response(200, {"Success": True, "Data": shown} if self.upper else {"success": True, "data": shown})

    def _entities(self) -> dict[str, Callable[[], Iterator[Row]]]:
        return {
            "StudentFlatView": self._students, "Staff": self._staff, "YearGroupSubjectStudents": self._taught, "HouseClasses": self._houses,
            "CollectionAssociates": self._associates, "CollectionTimetables": self._lessons, "Timetable": self._timetable, "TimeTable": self._timetable,
        }  # fmt: skip

    def _students(self) -> Iterator[Row]:
        contacts = self.tables.contacts()
        for pupil, starts, ends in self.tables.pupils():
            row: Row = {
                "studentId": pupil.number, "preferredFirstName": padded(pupil.first), "preferredLastName": padded(pupil.last),
                "firstName": padded(pupil.legal_first), "lastName": padded(pupil.legal_last), "genderCode": None,
                "dateOfBirth": moment(pupil.born), "studentEmail": "", "upn": padded(pupil.upn), "examNumber": None,
                "admissionNumber": pupil.admission_number, "ethnicityCode": "WBRI", "provisionName": "None", "gntFlag": "No", "everFsm6Flag": "No",
                "inCareFlag": "No", "ealFlag": "No", "premiumPupilFlag": False, "enrolmentStateName": self.tables.status(pupil.number),
                "presentPercentageWithEA": 97.4, "yearGroup": padded(str(pupil.year)), "tutorGroupName": padded(pupil.form),
                "enrolmentStartDate": moment(starts), "enrolmentEndDate": moment(ends),
            }  # fmt: skip
            for place in range(3):
                mine = contacts.get(pupil.number, [])
                row |= _contact(f"contact{place + 1}", mine[place] if place < len(mine) else None)
            yield row

    def _staff(self) -> Iterator[Row]:
        for person, (first, last), code in self.tables.staff():
            yield {
                "staffId": person.number, "title": padded(person.title), "preferredFirstName": padded(first), "preferredLastName": padded(last),
                "firstName": padded(person.first), "lastName": padded(person.last), "workEmail": f"staff{person.number}@example.org",
                "staffCode": padded(code), "jobTitle": "Teacher   " if person.teaches else "Support   ",
                "startDate": moment(person.starts), "endDate": moment(person.ends),
            }  # fmt: skip

    def _taught(self) -> Iterator[Row]:
        for lesson, name, starts, ends in self.tables.lessons():
            for each in lesson.pupils:
                member = self.school.pupils.get(each)
                if member is not None:
                    over = min(ends, member.ends) if member.ends else ends
                    yield {
                        "studentId": each, "className": padded(name), "subjectDescription": "Subject   ",
                        "startDate": moment(max(starts, member.starts)), "endDate": moment(over),
                    }  # fmt: skip

    def _associates(self) -> Iterator[Row]:
        for person, collection, name, starts, ends in self.tables.associates():
            yield {
                "personID": person, "collectionID": collection, "collectionName": padded(name), "startDate": moment(starts), "endDate": moment(ends),
            }  # fmt: skip

    def _lessons(self) -> Iterator[Row]:
        for person, collection, _role, starts, ends in self.tables.leads():
            for period in range(2):
                yield {
                    "collectionID": collection, "employeeID": person, "locationID": 5, "calendarModelID": 100 + period,
                    "startDate": moment(starts), "endDate": moment(ends),
                }  # fmt: skip

    def _timetable(self) -> Iterator[Row]:
        for _lesson, name, person, day, cover in self.tables.timetable():
            yield {
                "staffId": person, "studentId": None, "className": None if cover else padded(name), "locationName": "UNKNOWN", "weekNumber": "1",
                "timetableDay": 1, "periodName": "1", "timetableEntry": padded(name), "periodStartDate": f"{day.isoformat()}T09:00:00",
                "classStaffRoom": f"{name}\nABC\nDEFAULT", "isCover": int(cover),
            }  # fmt: skip

    def _houses(self) -> Iterator[Row]:
        starts, _, _ = self.tables.year()
        for kind, (number, name) in self.tables.collections().items():
            if kind.startswith("house:"):
                yield {
                    "classID": number,
                    "classDescription": padded(name),
                    "startDate": moment(starts),
                    "endDate": None,
                }


def _contact(prefix: str, contact: Any) -> Row:
    known = contact is not None
    return {
        f"{prefix}Name": padded(f"{contact.title} {contact.first} {contact.last}") if known else None,
        f"{prefix}Telephone": "07700 900000" if known else None, f"{prefix}Email": f"parent{contact.number}@example.org" if known else None,
        f"{prefix}Relationship": "Parent" if known else None, f"{prefix}ParentalResponsibility": "Yes" if known else "No",
    }  # fmt: skip


def staged(school: School, folder: Path, preset: str | None) -> Built:
    """Milton Park behind Bromcom's Partner API; see `stages`."""
    return Built(
        lambda url: f'school = {SCHOOL}\ntoken = "env:ONROLL_DEMO_MIS"\nendpoint = "{url}/v2"',
        Bromcom(Tables(school)),
        {"ONROLL_DEMO_MIS": TOKEN},
    )
