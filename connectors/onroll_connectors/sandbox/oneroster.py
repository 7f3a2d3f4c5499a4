"""A simulator of a OneRoster server, 1.1 or 1.2, in front of Milton Park: OAuth 1 and 2, pages with and without totals, booleans that are texts."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from onroll_connectors.sandbox.school import Employee, Pupil, School
from onroll_connectors.sandbox.serving import Request, Response
from onroll_connectors.sandbox.stages import Built

CLIENT, SECRET, TOKEN, KEY = "sas-oneroster-1", "a-client's-secret", "an-access-token", "a-subscription-key"
SCHOOL, OTHER = "s-1", "s-2"
Row = dict[str, Any]
_ROOTS = {"1.1": "/ims/oneroster/v1p1/", "1.2": "/ims/oneroster/rostering/v1p2/"}
_WHEN = "2026-09-01T06:00:00.000Z"


@dataclass(slots=True)
class OneRoster:
    """One server; an application for `serving.serve`. `most` clamps a page; `counts` and `links` are the headers it sends; `oauth1` asks for signatures;
    `form` and `headers` are what else a token and a request need. `district` has a second school beside. `withheld` are collections that the client may not see, `granted` the scope
    that a token is given with, where it is another than was asked for. `fault`: "", "empty", "no staff", "repeat",
    "short page", "grows", "dies" or "dangling"."""

    school: School
    version: str = "1.2"
    most: int = 500
    counts: bool = True
    links: bool = True
    oauth1: bool = False
    district: bool = False
    form: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    withheld: frozenset[str] = frozenset()
    granted: str = ""
    fault: str = ""
    asked: set[str] = field(default_factory=set)
    tokens: int = 0
    requests: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, request: Request) -> Response:
        """Answer one request."""
        with self.lock:
            self.requests += 1
            if request.path == "/oauth/token":
                return self._token(request)
            if not self._signed_in(request) or any(
                request.headers.get(name) != value for name, value in self.headers.items()
            ):
                return _failure(401, "unauthorisedrequest")
            root = _ROOTS[self.version]
            if not request.path.startswith(root):
                return _failure(404, "unknownobject")
            return self._collection(request.path.removeprefix(root), request)

    def _token(self, request: Request) -> Response:
        told = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        scopes = f"https://purl.imsglobal.org/spec/or/v{self.version.replace('.', 'p')}/scope/"
        scope = scopes + ("roster-core.readonly" if "-core" in told.get("scope", "") else "roster.readonly")
        wanted = {
            "grant_type": "client_credentials",
            "client_id": CLIENT,
            "client_secret": SECRET,
            "scope": scope,
        } | dict(self.form)
        if told != wanted:
            return Response(401, {"error": "invalid_client"})
        self.tokens += 1
        scope_told = {"scope": self.granted} if self.granted else {}
        return Response(200, {"access_token": TOKEN, "token_type": "bearer", "expires_in": 3600} | scope_told)

    def _signed_in(self, request: Request) -> bool:
        given = request.headers.get("authorization", "")
        if not self.oauth1:
            return given == f"Bearer {TOKEN}"
        from oauthlib.oauth1 import SIGNATURE_HMAC_SHA256, Client

        told = (
            dict(part.strip().split("=", 1) for part in given.removeprefix("OAuth ").split(","))
            if given.startswith("OAuth ")
            else {}
        )
        plain = {name: value.strip('"') for name, value in told.items()}
        query = "&".join(f"{name}={value}" for name, values in request.query.items() for value in values)
        url = f"http://{request.headers.get('host')}{request.path}" + (f"?{query}" if query else "")
        signer = Client(
            CLIENT,
            client_secret=SECRET,
            signature_method=SIGNATURE_HMAC_SHA256,
            nonce=plain.get("oauth_nonce"),
            timestamp=plain.get("oauth_timestamp"),
        )
        _, headers, _ = signer.sign(url, http_method="GET")
        return bool(plain) and headers["Authorization"] == given

    def _collection(self, name: str, request: Request) -> Response:
        makers: Mapping[str, Callable[[], list[Row]]] = {
            "orgs": self.orgs, "academicSessions": self.sessions, "users": self.users, "classes": self.classes, "enrollments": self.enrolments,
        }  # fmt: skip
        if name not in makers:
            return _failure(404, "unknownobject")
        if name in self.withheld:
            return _failure(403, "forbidden")
        query = {key: values[0] for key, values in request.query.items()}
        rows = makers[name]()
        wanted = [each for each in query.get("fields", "").split(",") if each]
        self.asked |= set(wanted)
        limit, offset = min(int(query.get("limit", "100")), self.most), int(query.get("offset", "0"))
        page = rows[offset : offset + limit]
        total = len(rows)
        if self.fault == "dies" and offset:
            return _failure(500, "internal_server_error")
        if self.fault == "repeat" and offset and page:
            page = [rows[offset - 1], *page[1:]]
        if self.fault == "short page" and name == "users" and offset + limit >= total:
            page = page[:-1]
        if self.fault == "grows" and offset:
            total += 1
        shown = [{key: value for key, value in row.items() if not wanted or key in wanted} for row in page]
        headers = {}
        if self.counts:
            headers["X-Total-Count"] = str(total)
        if self.links:
            url = f"http://{request.headers.get('host')}{request.path}"
            more = f'<{url}?limit={limit}&offset={offset + limit}>; rel="next", ' if offset + limit < total else ""
            headers["Link"] = f'{more}<{url}?limit={limit}&offset=0>; rel="first"'
        return Response(200, {name: shown}, headers)

    def orgs(self) -> list[Row]:
        """The trust and its schools."""
        rows = [_common(SCHOOL) | {"name": self.school.name, "type": "school", "identifier": "9994001"}]
        return [*rows, _common("d-1") | {"name": "The trust", "type": "district"}] + (
            [_common(OTHER) | {"name": "Oakfield", "type": "school"}] if self.district else []
        )

    def sessions(self) -> list[Row]:
        """Two school years."""
        began = self._began
        return [
            _common(f"y-{year}") | {"title": str(year), "type": "schoolYear", "startDate": f"{year}-09-01", "endDate": f"{year + 1}-08-31", "schoolYear": str(year + 1)}
            for year in (began.year - 1, began.year)
        ]  # fmt: skip

    @property
    def _began(self) -> date:
        today = self.school.today
        return date(today.year if today.month >= 9 else today.year - 1, 9, 1)

    def _left(self, each: Pupil | Employee) -> bool:
        gone = each.ends is not None and each.ends < self.school.today
        return gone or (isinstance(each, Pupil) and each.status == "left")

    def users(self) -> list[Row]:
        """Everybody, those who have left as `tobedeleted`."""
        if self.fault == "empty":
            return []
        pupils = [self._pupil(each) for _, each in sorted(self.school.pupils.items())]
        staff = (
            [] if self.fault == "no staff" else [self._employee(each) for _, each in sorted(self.school.staff.items())]
        )
        guardians = [
            self._user(f"c-{each.number}", each.first, each.last, "", "") | self._part("guardian", None, None)
            | {"agents": [_ref(f"p-{child}", "user") for child in each.children]}
            for _, each in sorted(self.school.contacts.items())
        ]  # fmt: skip
        others = []
        if self.district:
            others = [self._user("p-other", "Only", "Oakfield", "", "") | self._part("student", None, None, OTHER)]
        return [*pupils, *staff, *guardians, *others]

    def _user(self, record: str, given: str, family: str, first: str, last: str) -> Row:
        row = _common(record) | {
            "enabledUser": "true",
            "username": record,
            "givenName": f"{given} ",
            "familyName": family,
            "email": f"{record}@school.example",
            "phone": None,
        }
        if self.version == "1.2":
            row |= {
                "preferredFirstName": None if first == given else first,
                "preferredLastName": None if last == family else last,
            }
        return row

    def _part(self, role: str, begins: date | None, ends: date | None, org: str = SCHOOL) -> Row:
        ref = _ref(org, "org")
        if self.version == "1.1":
            return {"role": role, "orgs": [ref]}
        dates = {name: day.isoformat() for name, day in (("beginDate", begins), ("endDate", ends)) if day is not None}
        return {"roles": [{"roleType": "primary", "role": role, "org": ref} | dates], "primaryOrg": ref}

    def _pupil(self, pupil: Pupil) -> Row:
        given, family = (pupil.legal_first, pupil.legal_last) if self.version == "1.2" else (pupil.first, pupil.last)
        row = self._user(f"p-{pupil.number}", given, family, pupil.first, pupil.last) | self._part(
            "student", pupil.starts, pupil.ends
        )
        row |= {
            "userIds": [{"type": "UPN", "identifier": pupil.upn}],
            "identifier": pupil.admission_number,
            "grades": [f"{pupil.year:02}"],
        }
        return row | ({"status": "tobedeleted"} if self._left(pupil) else {})

    def _employee(self, person: Employee) -> Row:
        row = self._user(f"t-{person.number}", person.first, person.last, person.first, person.last)
        row |= self._part("teacher" if person.teaches else "aide", person.starts, person.ends) | {
            "identifier": person.code,
            "userIds": [],
            "grades": [],
        }
        return row | ({"status": "tobedeleted"} if self._left(person) else {})

    def classes(self) -> list[Row]:
        """Forms as homerooms, taught classes, and one of last year."""
        terms = [_ref(f"y-{self._began.year}", "academicSession")]
        forms = [
            _common(f"f-{form}") | {"title": form, "classType": "homeroom", "course": _ref("forms", "course"), "school": _ref(SCHOOL, "org"), "terms": terms}
            for form in sorted({each.form for each in self.there()})
        ]  # fmt: skip
        taught = [
            _common(f"g-{number}") | {"title": each.name, "classType": "scheduled", "course": _ref("c", "course"), "school": _ref(SCHOOL, "org"), "terms": terms}
            for number, each in sorted(self.school.classes.items())
        ]  # fmt: skip
        old = taught[:1] and [
            taught[0] | {"sourcedId": "g-old", "terms": [_ref(f"y-{self._began.year - 1}", "academicSession")]}
        ]
        return [*forms, *taught, *old]

    def there(self) -> list[Pupil]:
        """Pupils on roll."""
        return [
            each for _, each in sorted(self.school.pupils.items()) if each.status == "on roll" and not self._left(each)
        ]

    def enrolments(self) -> list[Row]:
        """Who is in which class, and who takes it."""
        found = [_enrolment(f"p-{each.number}", f"f-{each.form}", "student") for each in self.there()]
        there = {each.number for each in self.there()}
        for number, lesson in sorted(self.school.classes.items()):
            found += [_enrolment(f"p-{each}", f"g-{number}", "student") for each in lesson.pupils if each in there]
            found += [
                _enrolment(f"t-{each}", f"g-{number}", "teacher")
                for each in lesson.teachers
                if each in self.school.staff
            ]
        if self.fault == "dangling":
            found.append(_enrolment("p-nobody", f"g-{next(iter(self.school.classes))}", "student"))
        return found


def staged(school: School, folder: Path, preset: str | None) -> Built:
    """Milton Park behind a OneRoster 1.2 server; see `stages`."""
    return Built(
        lambda url: f'endpoint = "{url}/ims/oneroster/rostering/v1p2"\ntoken = "env:ONROLL_DEMO_MIS"',
        OneRoster(school),
        {"ONROLL_DEMO_MIS": TOKEN},
    )


def _common(record: str) -> Row:
    return {"sourcedId": record, "status": "active", "dateLastModified": _WHEN}


def _ref(record: str, kind: str) -> Row:
    return {"href": f"https://mis.example/{kind}s/{record}", "sourcedId": record, "type": kind}


def _enrolment(user: str, of: str, role: str) -> Row:
    return _common(f"e-{user}-{of}") | {
        "role": role,
        "primary": "false",
        "user": _ref(user, "user"),
        "class": _ref(of, "class"),
        "school": _ref(SCHOOL, "org"),
    }


def _failure(status: int, minor: str) -> Response:
    field = [{"imsx_codeMinorFieldName": "TargetEndSystem", "imsx_codeMinorFieldValue": minor}]
    body = {
        "imsx_codeMajor": "failure",
        "imsx_severity": "error",
        "imsx_description": minor,
        "imsx_CodeMinor": {"imsx_codeMinorField": field},
    }
    return Response(status, body)
