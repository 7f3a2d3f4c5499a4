"""A simulator of Wonde's API v1.0 in front of Milton Park, with the habits that its public clients have met.

Permissions not given show as null; pagination appears only when it is needed or asked for; `meta.includes` lists what an endpoint knows, not
what was asked; the wrong region answers with nothing. `fault` makes it misbehave, `asked` remembers every include.
"""

from __future__ import annotations

import base64
import threading
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from onroll_connectors.sandbox.school import Contact, Employee, Lesson, Pupil, School, upi
from onroll_connectors.sandbox.serving import Faults, Request, Response
from onroll_connectors.sandbox.stages import Built

TOKEN = "0123456789abcdef0123456789abcdef01234567"
SCHOOL_ID = "A1930499544"
_INCLUDES = {
    "students": [
        "classes",
        "education_details",
        "contact_details",
        "extended_details",
        "contacts",
        "year",
        "house",
        "registration",
        "groups",
    ],
    "employees": ["contact_details", "employment_details", "extended_details", "roles", "classes", "groups"],
    "contacts": ["contact_details", "students", "students.contact_details"],
    "groups": ["students", "employees"],
    "classes": ["subject", "students", "employees", "lessons"],
}


@dataclass(slots=True)
class Wonde:
    """One school behind Wonde; an application for `serving.serve`.

    `fault`: "" or one of "401", "403", "422", "short page", "repeat", "dies", "garbage", "redirect", "wrong region", "empty", "half", "no counts".
    `hidden` are fields that the school has not permitted, `withheld` lists ("contacts") and fields of one list ("students: year"). That a list which
    is withheld answers 403 is inferred; that a field is null then is documented.
    """

    school: School
    mis: str = "SIMS"
    fault: str = ""
    faults: Faults = field(default_factory=Faults)
    hidden: frozenset[str] = frozenset({"date_of_birth", "gender"})
    withheld: frozenset[str] = frozenset()
    token: str = TOKEN
    school_id: str = SCHOOL_ID
    reenrolled: dict[int, int] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)
    requests: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, request: Request) -> Response:
        """Answer one request."""
        with self.lock:
            self.requests += 1
            refusal = self._refusal(request)
            return refusal if refusal is not None else self._answer(request)

    def _refusal(self, request: Request) -> Response | None:
        basic = "Basic " + base64.b64encode(f"{self.token}:".encode()).decode()
        if request.headers.get("authorization") not in (f"Bearer {self.token}", basic) or self.fault == "401":
            return Response(401, {"error": "Unauthorized"})
        if self.fault in ("403", "422"):
            return Response(int(self.fault), {"error": "Not permitted"})
        if self.fault == "garbage":
            return Response(200, b"<html>Down for maintenance</html>")
        if self.fault == "redirect":
            return Response(302, None, {"Location": "http://elsewhere.test/v1.0/schools"})
        drawn = self.faults.draw()
        if drawn is not None:
            return Response(drawn[0], {"error": "busy"}, {"Retry-After": str(self.faults.retry_after)})
        return None

    def _answer(self, request: Request) -> Response:
        parts = [part for part in request.path.split("/") if part][1:]
        if parts[:2] != ["schools", self.school_id] or request.method != "GET":
            return Response(404, {"error": "not found"})
        rest = parts[2] if len(parts) > 2 else ""
        if rest == "":
            return Response(
                200,
                {
                    "data": {
                        "id": self.school_id,
                        "name": self.school.name,
                        "mis": self.mis,
                        "timezone": "Europe/London",
                    }
                },
            )
        if rest == "counts" and self.fault == "no counts":
            return Response(404, {"error": "not found"})
        if rest == "counts":
            return Response(200, {"data": {"students": {"data": {"count": len(self._listed("students"))}}}})
        if rest not in (
            "students",
            "students-pre-admission",
            "students-leaver",
            "employees",
            "contacts",
            "groups",
            "classes",
            "deletions",
        ):
            return Response(404, {"error": "not found"})
        if rest in self.withheld:
            return Response(403, {"error": "Not permitted"})
        includes = {each for text in request.query.get("include", []) for each in text.split(",") if each}
        self.asked |= includes
        return self._page(request, rest, includes)

    def _listed(self, what: str) -> list[Any]:
        if self.fault in ("wrong region", "empty"):
            return []
        today = self.school.today
        pupils = sorted(self.school.pupils.values(), key=lambda each: each.number)
        gone = [each for each in pupils if each.status == "left" or (each.ends is not None and each.ends < today)]
        if what == "students-leaver":
            return gone
        if what == "students-pre-admission":
            return [each for each in pupils if each.status == "accepted"]
        if what == "students":
            there = [each for each in pupils if each not in gone and each.status == "on roll"]
            return there[: len(there) // 2] if self.fault == "half" else there
        if what == "employees":
            return sorted(self.school.staff.values(), key=lambda each: each.number)
        if what == "contacts":
            return sorted(self.school.contacts.values(), key=lambda each: each.number)
        if what == "classes":
            return sorted(self.school.classes.values(), key=lambda each: each.number)
        return self._groups() if what == "groups" else []

    def _page(self, request: Request, what: str, includes: set[str]) -> Response:
        rows = self._listed(what)
        per_page = int(request.query.get("per_page", ["50"])[0])
        number = int(request.query.get("page", ["1"])[0])
        start = (number - 1) * per_page
        page = rows[start : start + per_page]
        more = start + per_page < len(rows)
        if self.fault == "dies" and number > 1:
            return Response(500, {"error": "server error"})
        if self.fault == "repeat" and number > 1:
            page = [rows[start - 1], *page[1:]]
        if self.fault == "short page" and more:
            page, more = page[: len(page) // 2], False
        body: dict[str, Any] = {"data": [self._shown(row, what, includes) for row in page]}
        kind = what.partition("-")[0]
        meta: dict[str, Any] = {"includes": _INCLUDES.get(kind, [])}
        if len(rows) > 50 or "per_page" in request.query:
            query = {name: values[0] for name, values in request.query.items()} | {"page": str(number + 1)}
            root = f"http://{request.headers.get('host', '127.0.0.1')}{request.path}"
            meta["pagination"] = {
                "next": f"{root}?{urlencode(query)}" if more else None,
                "previous": None,
                "more": more,
                "per_page": per_page,
                "current_page": number,
            }
        return Response(200, body | {"meta": meta})

    def _shown(self, row: Any, what: str, includes: set[str]) -> dict[str, Any]:
        if isinstance(row, Pupil):
            shown = self._pupil(row, includes)
        elif isinstance(row, Employee):
            shown = self._employee(row, includes)
        elif isinstance(row, Contact):
            shown = self._contact(row, includes)
        elif isinstance(row, Lesson):
            shown = self._lesson(row, includes)
        else:
            shown = self._group(row, includes)
        kind = what.partition("-")[0]
        hidden = {name for name in shown if name in self.hidden or f"{kind}: {name}" in self.withheld}
        return {name: None if name in hidden else value for name, value in shown.items()}

    def _id(self, number: int) -> str:
        """Wonde's own id, another after a re-enrolment while the upi stays."""
        return f"A{1_000_000_000 + number + 500_000_000 * self.reenrolled.get(number, 0)}"

    def _pupil(self, pupil: Pupil, includes: set[str]) -> dict[str, Any]:
        row: dict[str, Any] = {
            "id": self._id(pupil.number),
            "upi": upi(self.school_id, "person", pupil.number),
            "mis_id": str(pupil.number),
            "initials": pupil.first[:1] + pupil.last[:1],
            "surname": pupil.last,
            "forename": pupil.first,
            "middle_names": None,
            "legal_surname": pupil.legal_last,
            "legal_forename": pupil.legal_first,
            "gender": None,
            "date_of_birth": _moment(pupil.born),
            "restored_at": None,
            "created_at": _moment(pupil.starts, "UTC"),
            "updated_at": _moment(self.school.today, "UTC"),
        }
        if "education_details" in includes:
            row["education_details"] = {
                "data": {
                    "admission_number": pupil.admission_number,
                    "upn": pupil.upn,
                    "local_upn": None,
                    "former_upn": None,
                    "learner_number": None,
                    "current_nc_year": str(pupil.year),
                    "admission_date": _moment(pupil.starts),
                    "leaving_date": None if pupil.ends is None else _moment(pupil.ends),
                }
            }
        for name, value in (("year", f"Year {pupil.year}"), ("registration", pupil.form), ("house", pupil.house)):
            if name in includes:
                row[name] = {"data": {"id": f"A2{_number(name + value):09}", "code": value, "name": value}}
        return row

    def _employee(self, person: Employee, includes: set[str]) -> dict[str, Any]:
        today = self.school.today
        current = person.starts <= today and (person.ends is None or person.ends >= today)
        row: dict[str, Any] = {
            "id": self._id(person.number),
            "upi": upi(self.school_id, "person", person.number),
            "mis_id": str(person.number),
            "initials": person.code,
            "title": person.title,
            "surname": person.last,
            "forename": person.first,
            "middle_names": None,
            "legal_surname": None,
            "legal_forename": None,
            "gender": None,
            "date_of_birth": None,
            "restored_at": None,
            "created_at": _moment(person.starts, "UTC"),
            "updated_at": _moment(today, "UTC"),
        }
        if "employment_details" in includes:
            row["employment_details"] = {
                "data": {
                    "current": current,
                    "teaching_staff": person.teaches,
                    "employment_start_date": _moment(person.starts),
                    "employment_end_date": None if person.ends is None else _moment(person.ends),
                    "role_text": "Teacher" if person.teaches else "Support staff",
                }
            }
        return row

    def _contact(self, contact: Contact, includes: set[str]) -> dict[str, Any]:
        row: dict[str, Any] = {
            "id": self._id(contact.number),
            "upi": upi(self.school_id, "person", contact.number),
            "mis_id": str(contact.number),
            "title": contact.title,
            "initials": contact.first[:1] + contact.last[:1],
            "surname": contact.last,
            "forename": contact.first,
            "middle_names": None,
            "gender": None,
            "date_of_birth": None,
            "created_at": _moment(self.school.today, "UTC"),
            "updated_at": _moment(self.school.today, "UTC"),
        }
        if "contact_details" in includes:
            row["contact_details"] = {"data": {"emails": {"email": f"parent{contact.number}@example.org"}}}
        return row | self._people(includes, contact.children, ())

    def _lesson(self, lesson: Lesson, includes: set[str]) -> dict[str, Any]:
        row: dict[str, Any] = {
            "id": f"A{3_000_000_000 + lesson.number}",
            "mis_id": str(lesson.number),
            "name": lesson.name,
            "code": None,
            "description": lesson.name,
            "subject": f"A{4_000_000_000 + lesson.number % 10}",
            "alternative": None,
            "priority": None,
            "meta": None,
        }
        there = {each.number for each in self._listed("students")}
        return row | self._people(includes, (each for each in lesson.pupils if each in there), lesson.teachers)

    def _groups(self) -> list[tuple[str, str, list[int]]]:
        found: dict[tuple[str, str], list[int]] = {}
        for pupil in self._listed("students"):
            for kind, name in (("YEAR", f"Year {pupil.year}"), ("REGISTRATION", pupil.form), ("HOUSE", pupil.house)):
                found.setdefault((kind, name), []).append(pupil.number)
        return [(kind, name, members) for (kind, name), members in sorted(found.items())]

    def _group(self, group: tuple[str, str, list[int]], includes: set[str]) -> dict[str, Any]:
        kind, name, members = group
        number = _number(kind + name)
        row: dict[str, Any] = {
            "id": f"A5{number:09}",
            "mis_id": str(number),
            "name": name,
            "code": None,
            "description": name,
            "type": kind,
            "notes": None,
        }
        return row | self._people(includes, members, ())

    def _people(self, includes: set[str], pupils: Iterable[int], staff: Iterable[int]) -> dict[str, Any]:
        shown: dict[str, Any] = {}
        rows: tuple[tuple[str, Iterable[int], Mapping[int, Any], Callable[[Any, set[str]], dict[str, Any]]], ...] = (
            ("students", pupils, self.school.pupils, self._pupil),
            ("employees", staff, self.school.staff, self._employee),
        )
        for name, numbers, known, show in rows:
            if name in includes:
                shown[name] = {"data": [show(known[number], set()) for number in numbers if number in known]}
        return shown


def staged(school: School, folder: Path, preset: str | None) -> Built:
    """Milton Park behind Wonde; see `stages`."""
    return Built(
        lambda url: f'school = "{SCHOOL_ID}"\ntoken = "env:ONROLL_DEMO_MIS"\nendpoint = "{url}/v1.0"',
        Wonde(school),
        {"ONROLL_DEMO_MIS": TOKEN},
    )


def _number(text: str) -> int:
    """A number of nine digits that is the same for the same text in every process."""
    return zlib.crc32(text.encode()) % 10**9


def _moment(day: date, zone: str = "Europe/London") -> dict[str, Any]:
    """A PHP DateTime object, as Wonde writes every time."""
    return {"date": f"{day.isoformat()} 00:00:00.000000", "timezone_type": 3, "timezone": zone}
