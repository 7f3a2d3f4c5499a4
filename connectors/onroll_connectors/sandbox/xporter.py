"""A simulator of Xporter on Demand in front of Milton Park: errors inside HTTP 200, the Idaas scheme, columns by scope, and pages whose NextPage never ends.

Answers have the keys and quirks of recorded ones: `Group` for the path Groups, two blanks in "Year  7", meta on the first page alone, seven digits of a
second, flags as numbers or texts, a group that empties and is gone.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from onroll_connectors.sandbox.school import Employee, Lesson, Pupil, School, scn
from onroll_connectors.sandbox.serving import Request, Response
from onroll_connectors.sandbox.stages import Built

ESTAB, PARTY, SECRET, TOKEN = "9994001", "onroll.example", "the-school's-secret", "b3BhcXVl"
SCOPES = frozenset(
    {"School", "Student", "StudentExtended", "UPN", "Staff", "StaffExtended", "StaffEmployment", "Contact"}
)
_NOTHING: dict[str, Any] = {"Message": None, "ExceptionType": None, "ExceptionMessage": None, "InnerException": None}
Row = dict[str, Any]


@dataclass(slots=True)
class Xporter:
    """One school's feed; an application for `serving.serve`. `uploaded` is the time of the last upload (None: this morning), `excluded` are Ids of
    pupils kept out for data protection, `scottish` shows stages and SCNs. `fault`: "", "paused", "empty", "no staff", "repeat", "short page", "grows",
    "error", "no key", "half" or "prefixed" (ids of members with their prefix)."""

    school: School
    scopes: frozenset[str] = SCOPES
    estab: str = ESTAB
    excluded: frozenset[int] = frozenset()
    uploaded: datetime | None = None
    scottish: bool = False
    fault: str = ""
    asked: set[str] = field(default_factory=set)
    requests: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, request: Request) -> Response:
        """Answer one request."""
        with self.lock:
            self.requests += 1
            path = request.path.lower().strip("/")
            if path in ("api/oauth/gettoken", "idaas/sts/sts/gettoken"):
                return self._token(request)
            if request.headers.get("authorization") != f"Idaas {TOKEN}":
                return Response(401, _failed("Authorisation has been denied for this request."))
            if self.fault == "error":
                return Response(200, _failed("Something went wrong"))
            if path == "api/v1/tokendetails":
                told = {
                    "Estab": self.estab,
                    "Expires": f"{self.school.today}T18:55:26.1852229Z",
                    "Name": "onroll",
                    "RelyingParty": PARTY,
                }
                return Response(200, told | {"Scopes": sorted(self.scopes)} | _NOTHING)
            if path == "api/v1/gdprids":
                return Response(200, {"GDPR": [self._gdpr()]} | _NOTHING)
            start = f"api/v1/school/{ESTAB}/"
            if not path.startswith(start):
                return Response(404, _failed("Not found"))
            return self._data(
                path.removeprefix(start), {name.lower(): values[0] for name, values in request.query.items()}
            )

    def _token(self, request: Request) -> Response:
        form = {name.lower(): value for name, value in request.json().items()}
        if self.fault == "paused":
            return Response(200, {"token": None, "expires": "0001-01-01T00:00:00"} | _failed("Authorisation is currently paused while the school finalises the selection of people they wish to include in this feed."))  # fmt: skip
        wanted = {"estab": ESTAB, "relyingparty": PARTY, "password": SECRET, "thirdpartyid": "XporterOnDemand"}
        if form != wanted:
            return Response(
                200,
                {"token": None, "expires": "0001-01-01T00:00:00"}
                | _failed("Relying Party not found for estab or secret not correct"),
            )
        return Response(200, {"token": TOKEN, "expires": f"{self.school.today}T18:55:26.1852229Z"} | _NOTHING)

    def _gdpr(self) -> Row:
        out = sorted(str(each) for each in self.excluded)
        return {
            "IsOptIn": False,
            "Estab": ESTAB,
            "RelyingParty": PARTY,
            "MIS": None,
            "StudentIds": out,
            "StaffIds": [],
            "ContactIds": [],
            "OtherIds": [],
        }

    def _data(self, what: str, query: Mapping[str, str]) -> Response:
        options = set(filter(None, query.get("options", "").lower().split(",")))
        self.asked |= {each.lower() for each in query.get("select", "").split(",") if each}
        makers: Mapping[str, tuple[str, str, Callable[[], dict[str, list[Row]]]]] = {
            "schoolinfo": ("School", "SchoolInfo", lambda: {"SchoolInfo": [self._info()]}),
            "students": ("Student", "Students", lambda: {"Students": self._students(query.get("studentstatus", "OnRoll"), options), "StudentSiblings": []}),
            "staff": ("Staff", "Staff", lambda: {"Staff": self._staff(query.get("staffstatus", "Current"), options)}),
            "groups": ("School", "Group", lambda: self._groups(query.get("type", ""), options)),
            "contacts": ("Contact", "Contacts", lambda: {"Contacts": [_contact(each) for each in self.school.contacts.values()]}),
            "studentcontacts": ("Contact", "StudentContacts", lambda: {"StudentContacts": self._links()}),
        }  # fmt: skip
        if what not in makers:
            return Response(200, _failed("The query was not found"))
        scope, key, make = makers[what]
        if not self.scopes & {scope, f"{scope}Lite"}:
            return Response(200, _failed(f"The token does not have the scope {scope}"))
        return self._page(key, make(), query)

    def _page(self, key: str, sets: dict[str, list[Row]], query: Mapping[str, str]) -> Response:
        meta = [{"Id": 1, "MIS": "simsnet", "Version": "4", "DateTime": self._fed()}]
        if "pagesize" not in query:
            return Response(200, sets | {"meta": meta} | _NOTHING)
        rows, size, number = sets[key], int(query["pagesize"]), int(query.get("page", "1"))
        pages, count = max(1, -(-len(rows) // size)), len(rows)
        if self.fault == "grows" and number > 1:
            count += 1
        page = rows[(number - 1) * size : number * size]
        if self.fault == "short page" and key == "Students":
            page = page[1:]
        if self.fault == "repeat" and number > 1 and page:
            page = [rows[(number - 1) * size - 1], *page[1:]]
        columns = {each.lower() for each in query.get("select", "").split(",") if each}
        shown = [{name: value for name, value in row.items() if not columns or name.lower() in columns} for row in page]
        members = {
            name: [row for row in others if row["GroupId"] in {each["Id"] for each in page}]
            for name, others in sets.items()
            if name.endswith("Members")
        }
        if self.fault == "prefixed":
            members = {name: [_prefixed(row) for row in others] for name, others in members.items()}
        paging = {
            "PageSize": size,
            "PageNumber": number,
            "PageCount": pages,
            "RowCount": count,
            "NextPage": f"?page={number + 1}&pageSize={size}",
        }
        body = {key: shown} | {name: [] for name in sets if name != key} | members
        if self.fault == "no key":
            del body[key]
        return Response(200, body | {"meta": meta if number == 1 else [], "__pagination__": [paging]} | _NOTHING)

    def _fed(self) -> str:
        at = self.uploaded or datetime.combine(self.school.today, time(2, 25, 6))
        return at.isoformat(timespec="milliseconds")

    def _info(self) -> Row:
        today = self.school.today
        year = today.year if today.month >= 9 else today.year - 1
        return {
            "Id": "1",
            "Name": "MILTON PARK SCHOOL",
            "Head": None,
            "EstabId": ESTAB,
            "CurrentAcademicYear": str(year),
            "Phase": "Secondary",
        }

    def _left(self, pupil: Pupil) -> bool:
        return pupil.status == "left" or (pupil.ends is not None and pupil.ends < self.school.today)

    def _is(self, pupil: Pupil) -> str:
        return "Leaver" if self._left(pupil) else "PreAdmission" if pupil.status == "accepted" else "OnRoll"

    def _students(self, status: str, options: set[str]) -> list[Row]:
        needs = {"Leaver": "includeleavers", "PreAdmission": "includepreadmissions"}.get(status)
        if self.fault == "empty" or (needs is not None and needs not in options):
            return []
        found = [
            each
            for number, each in sorted(self.school.pupils.items())
            if self._is(each) == status and number not in self.excluded
        ]
        return [
            self._student(each)
            for each in (found[: len(found) // 2] if self.fault == "half" and status == "OnRoll" else found)
        ]

    def _year(self, pupil: Pupil) -> str:
        if not self.scottish:
            return f"Year  {pupil.year}"
        return f"P{pupil.year}" if pupil.year <= 7 else f"S{pupil.year - 7}"

    def _student(self, pupil: Pupil) -> Row:
        status = self._is(pupil)
        here = status == "OnRoll"
        row: Row = {
            "Id": str(pupil.number), "XID": f"x{pupil.number}", "ExternalId": f"00000000-0000-4000-8000-{pupil.number:012}", "IdaasId": f"PL-{pupil.number}",
            "Forename": f"{pupil.first} ", "Surname": pupil.last, "DisplayName": f"{pupil.first} {pupil.last}", "Gender": "X",
            "RegGroupId": "188" if here else None, "RegGroup": pupil.form if here else None, "YearGroupId": f"{pupil.year}0" if here else None,
            # The present intake's year, of pupils to come as well: their own is told by a group's id.
            "YearGroup": self._year(pupil) if here else None, "HouseGroup": pupil.house if here else None, "WorkEmail": None,
            "StudentStatus": status, "LastUpdated": "2026-06-12T02:07:21.03", "RowHash": f"{pupil.number:040X}",
        }  # fmt: skip
        if "Student" in self.scopes:
            row |= {
                "AdmissionNo": pupil.admission_number,
                "PreAdmissionYearGroup": f"GY-{pupil.year}0" if status == "PreAdmission" else None,
            }
        if "StudentExtended" in self.scopes:
            row |= {
                "DateofBirth": pupil.born.isoformat(), "LegalForename": pupil.legal_first, "LegalSurname": pupil.legal_last, "EnrolmentStatus": "C",
                "EntryDate": pupil.starts.isoformat(), "LeavingDate": None if pupil.ends is None else pupil.ends.isoformat(), "Boarder": 1,
            }  # fmt: skip
        if "UPN" in self.scopes:
            row |= {"UPN": None if self.scottish else pupil.upn, "formerUPN": None}
        return (
            row
            | ({"CandidateNo": scn(pupil.number)} if self.scottish else {})
            | {"SENProvision": "N", "FSMEligible": 0, "ServiceChild": "0"}
        )

    def _staff(self, status: str, options: set[str]) -> list[Row]:
        needs = {"Future": "includefuture", "Previous": "includeprevious"}.get(status)
        if self.fault in ("empty", "no staff") or (needs is not None and needs not in options):
            return []
        return [
            row
            for row in (self._employee(each) for _, each in sorted(self.school.staff.items()))
            if row["StaffStatus"] == status
        ]

    def _employee(self, person: Employee) -> Row:
        today = self.school.today
        status = (
            "Future"
            if person.starts > today
            else "Previous"
            if person.ends is not None and person.ends < today
            else "Current"
        )
        row: Row = {
            "Id": str(person.number), "XID": f"y{person.number}", "IdaasId": f"PWT-{person.number}", "Title": person.title, "StaffCode": person.code,
            "StaffStatus": status, "Forename": person.first, "Surname": person.last, "DisplayName": f"{person.title} {person.first[:1]} {person.last}",
            "WorkEmail": None, "IsTeacher": int(person.teaches), "IsSupport": int(not person.teaches), "RegGroup": None, "RowHash": "88DE",
        }  # fmt: skip
        if "StaffExtended" in self.scopes:
            row |= {"LegalForename": person.first, "LegalSurname": person.last, "DateOfBirth": None, "Gender": "X"}
        if "StaffEmployment" in self.scopes:
            row |= {
                "EmploymentStart": person.starts.isoformat(),
                "EmploymentEnd": None if person.ends is None else person.ends.isoformat(),
                "NINumber": None,
            }
        return row

    def _groups(self, kind: str, options: set[str]) -> dict[str, list[Row]]:
        there = {
            number: each
            for number, each in self.school.pupils.items()
            if self._is(each) == "OnRoll" and number not in self.excluded
        }
        if kind == "TeachingGrp":
            lessons = [(each, [n for n in each.pupils if n in there]) for each in self.school.classes.values()]
            made = [(_lesson(each), pupils, list(each.teachers)) for each, pupils in lessons if pupils or each.teachers]
        elif kind == "YearGrp":
            years = {each.year: self._year(each) for each in self.school.pupils.values()}
            made = [
                (
                    {"Id": f"{year}0", "Type": kind, "Code": str(year), "Name": name},
                    [n for n, each in there.items() if each.year == year],
                    [],
                )
                for year, name in sorted(years.items())
            ]
        else:
            forms = sorted({each.form for each in there.values()})
            tutors = [
                each.number
                for each in self.school.staff.values()
                if each.teaches and each.starts <= self.school.today and not each.ends
            ]
            made = [
                (
                    {"Id": f"5{n}", "Type": kind, "Code": form, "Name": form},
                    [m for m, each in there.items() if each.form == form],
                    tutors[n % len(tutors) :][:1] if tutors else [],
                )
                for n, form in enumerate(forms)
            ]
        groups = [
            row | {"NumStudents": len(pupils), "PrimaryStaffId": None, "RowHash": "078C"}
            for row, pupils, _ in made
            if pupils or _
        ]
        staff = [
            {"Id": f"GC-{row['Id']}.PWT-{who}", "GroupId": row["Id"], "StaffId": str(who), "StaffRole": "Teacher"}
            for row, _, people in made
            for who in people
        ]
        students = [
            {
                "Id": f"GC-{row['Id']}.PL-{who}",
                "GroupId": row["Id"],
                "StudentId": str(who),
                "StartDate": None,
                "EndDate": None,
            }
            for row, pupils, _ in made
            for who in pupils
        ]
        if students:
            over = {
                "StartDate": "2020-09-01",
                "EndDate": (self.school.today - timedelta(days=9)).isoformat(),
                "Id": "over",
            }
            students.append(students[0] | over | {"StudentId": str(next(iter(there), 0))})
        return {
            "Group": groups, "StaffMembers": staff if "includestaffmembers" in options else [],
            "StudentMembers": students if "includestudentmembers" in options else [], "GroupTypes": [],
        }  # fmt: skip

    def _links(self) -> list[Row]:
        return [
            {"Id": f"PL-{child}.PC-{each.number}", "StudentId": str(child), "ContactId": str(each.number), "Relationship": "Mother", "Priority": 1, "ParResp": 1}
            for each in self.school.contacts.values()
            for child in each.children
        ]  # fmt: skip


def staged(school: School, folder: Path, preset: str | None) -> Built:
    """Milton Park behind Xporter; see `stages`."""
    return Built(
        lambda url: f'estab = "{ESTAB}"\ntoken = "env:ONROLL_DEMO_MIS"\nendpoint = "{url}/api/v1"\nmax_age_days = 0',
        Xporter(school),
        {"ONROLL_DEMO_MIS": TOKEN},
    )


def _failed(words: str) -> Row:
    return {"Message": None, "ExceptionType": None, "ExceptionMessage": words, "InnerException": None}


def _contact(contact: Any) -> Row:
    return {
        "Id": str(contact.number),
        "IdaasId": f"PC-{contact.number}",
        "Title": contact.title,
        "Forename": contact.first,
        "Surname": contact.last,
        "HomeEmail": None,
    }


def _lesson(lesson: Lesson) -> Row:
    return {"Id": str(lesson.number), "Type": "TeachingGrp", "Code": lesson.name, "Name": lesson.name}


def _prefixed(row: Row) -> Row:
    told = row | {"GroupId": f"GC-{row['GroupId']}"}
    return told | (
        {"StudentId": f"PL-{row['StudentId']}"} if "StudentId" in row else {"StaffId": f"PWT-{row['StaffId']}"}
    )


def upload(day: date) -> datetime:
    """The nightly upload of a day."""
    return datetime.combine(day, time(2, 25, 6))
