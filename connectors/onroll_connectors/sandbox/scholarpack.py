"""A simulator of ScholarPack's REST API v1 in front of Milton Park: approval, tokens, scopes and pages as documented.

The keys of its records are made up. ScholarPack's own are not public, so nothing here shows what a real record looks like; `keys` renames them, as
a school's real ones may be called.
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode

from onroll_connectors.sandbox.school import Employee, Pupil, School, upi
from onroll_connectors.sandbox.serving import Request, Response
from onroll_connectors.sandbox.stages import Built

CLIENT_ID = "onroll-sandbox"
SECRET = "a-client-secret-of-the-sandbox"
TOKEN = "an-access-token-of-the-sandbox"
REDIRECT = "https://localhost/"
SCOPES = frozenset({"student:read", "staff:read", "school-info:read", "contacts:third-party"})
_ROOT = "/api/v1/"
_LISTS = {"students": "student:read", "staff": "staff:read", "contacts": "contacts:third-party"}
_WRITES = {"students/email/": "student-email:write", "staff/email/": "staff-email:write"}
_MOST = 100


@dataclass(slots=True)
class ScholarPack:
    """One school's ScholarPack; an application for `serving.serve`.

    `scopes` are those that the school approved; `keys` renames keys of records. `rotates`: each use of a refresh token replaces it.
    `fault`: "" or one of "dies" (the second page answers 500), "repeat", "short page", "lost page", "no pupils", "no staff", "revoked".
    """

    school: School
    fault: str = ""
    scopes: frozenset[str] = SCOPES
    keys: Mapping[str, str] = field(default_factory=dict)
    rotates: bool = True
    school_id: str = "5f0c1e0a-0000-4000-8000-000000000999"
    written: list[tuple[str, bytes]] = field(default_factory=list)
    refreshed: int = 0
    _codes: dict[str, str] = field(default_factory=dict)
    _refresh: set[str] = field(default_factory=set)
    _access: set[str] = field(default_factory=lambda: {TOKEN})
    _serial: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, request: Request) -> Response:
        """Answer one request."""
        with self._lock:
            if request.path == "/oauth2/authorize/":
                return self._authorize(request)
            if request.path == "/oauth2/token/":
                return self._token(request)
            if not request.path.startswith(_ROOT):
                return Response(404, {"error": "not_found"})
            if request.headers.get("authorization", "").removeprefix("Bearer ") not in self._access:
                return Response(401, {"error": "invalid_token"})
            return self._answer(request, request.path.removeprefix(_ROOT))

    def end_tokens(self) -> None:
        """Every access token ends."""
        self._access.clear()

    def _authorize(self, request: Request) -> Response:
        """The page on which somebody of the school approves; approving is the POST of its form."""
        asked = {name: values[0] for name, values in request.query.items()}
        if (
            asked.get("client_id") != CLIENT_ID
            or asked.get("redirect_uri") != REDIRECT
            or asked.get("response_type") != "code"
        ):
            return Response(400, {"error": "invalid_request"})
        if request.method == "GET":
            page = (
                f"<html><form method='post'>Allow onroll: {asked.get('scope')}? <button>Approve</button></form></html>"
            )
            return Response(200, page.encode(), {"Content-Type": "text/html"})
        code = self._new("code")
        self._codes[code] = asked["redirect_uri"]
        self.scopes = frozenset(asked.get("scope", "").split())
        back = urlencode({"code": code, "state": asked.get("state", "")})
        return Response(302, None, {"Location": f"{REDIRECT}?{back}"})

    def _token(self, request: Request) -> Response:
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        basic = request.headers.get("authorization", "").removeprefix("Basic ")
        pair = base64.b64decode(basic).decode() if basic else f"{form.get('client_id')}:{form.get('client_secret')}"
        if request.method != "POST" or tuple(map(unquote, pair.split(":", 1))) != (CLIENT_ID, SECRET):
            return Response(401, {"error": "invalid_client"})
        if form.get("grant_type") == "authorization_code":
            good = self._codes.pop(form.get("code", ""), None) == form.get("redirect_uri")
        elif form.get("grant_type") == "refresh_token":
            good = form.get("refresh_token") in self._refresh and self.fault != "revoked"
            if good and self.rotates:
                self._refresh.discard(form["refresh_token"])
        else:
            return Response(400, {"error": "unsupported_grant_type"})
        if not good:
            return Response(400, {"error": "invalid_grant"})
        self.refreshed += 1
        access = self._new("access")
        self._access.add(access)
        answer: dict[str, Any] = {"access_token": access, "token_type": "Bearer", "expires_in": 3600}
        if self.rotates or form["grant_type"] == "authorization_code":
            answer["refresh_token"] = self._new("refresh")
            self._refresh.add(answer["refresh_token"])
        return Response(200, answer)

    def _new(self, what: str) -> str:
        self._serial += 1
        return f"{what}-of-the-sandbox-{self._serial}"

    def _answer(self, request: Request, path: str) -> Response:
        if path in _WRITES:
            if _WRITES[path] not in self.scopes:
                return Response(403, {"error": "insufficient_scope"})
            self.written.append((path, request.body))
            return Response(200, {})
        if request.method != "GET":
            return Response(405, {"error": "method_not_allowed"})
        if path == "school/":
            if "school-info:read" not in self.scopes:
                return Response(403, {"error": "insufficient_scope"})
            return Response(200, {"data": [{"uuid": self.school_id, "name": self.school.name}]})
        what = path.rstrip("/")
        if what not in _LISTS or not path.endswith("/"):
            return Response(404, {"error": "not_found"})
        if _LISTS[what] not in self.scopes:
            return Response(403, {"error": "insufficient_scope"})
        return self._paged(request, what)

    def _paged(self, request: Request, what: str) -> Response:
        unknown = request.query.keys() - {"page", "per_page"}
        if unknown:
            return Response(400, {"error": f"unknown {sorted(unknown)}"})
        size = min(int(request.query.get("per_page", ["50"])[0]), _MOST)
        number = int(request.query.get("page", ["1"])[0])
        people = self._people(what)
        pages = max(1, -(-len(people) // size))
        start = (number - 1) * size
        rows = [self._shown(each) for each in people[start : start + size]]
        if number > pages or (self.fault == "dies" and number > 1):
            return Response(404 if number > pages else 500, {"error": "server"})
        if self.fault == "repeat" and number > 1:
            rows[0] = self._shown(people[start - 1])
        if self.fault == "short page" and number < pages:
            rows = rows[:-1]
        if self.fault == "lost page" and number > 1:
            pages -= 1
        more = number < pages
        host = f"http://{request.headers.get('host', '127.0.0.1')}{request.path}"
        link = f"{host}?{urlencode({'page': number + 1, 'per_page': size})}"
        return Response(
            200,
            {
                "has_next": more, "has_prev": number > 1, "next_num": number + 1 if more else None, "prev_num": number - 1 or None, "page": number,
                "pages": pages, "per_page": size, "next_uri": link if more else None, "prev_uri": None, "data": rows,
            },
        )  # fmt: skip

    def _people(self, what: str) -> Sequence[Any]:
        if self.fault == f"no {'pupils' if what == 'students' else what}":
            return []
        lists: Mapping[str, Mapping[int, Any]] = {
            "students": self.school.pupils,
            "staff": self.school.staff,
            "contacts": self.school.contacts,
        }
        known = lists[what]
        return [known[number] for number in sorted(known)]

    def _shown(self, person: Any) -> dict[str, Any]:
        row: dict[str, Any] = {"uuid": _uuid(person.number), "gender": None, "ethnicity": "not for onroll"}
        if isinstance(person, Pupil):
            row |= {
                "forename": person.legal_first, "surname": person.legal_last,
                "preferred_forename": person.first if person.first != person.legal_first else None,
                "preferred_surname": person.last if person.last != person.legal_last else None,
                "date_of_birth": person.born.isoformat(), "upn": person.upn, "admission_number": person.admission_number,
                "year_group": f"Year {person.year}", "registration_group": {"uuid": _uuid(person.year), "name": person.form},
                "admission_date": person.starts.isoformat(), "leaving_date": person.ends and person.ends.isoformat(),
                "sen_status": "not for onroll", "fsm_eligible": None,
            }  # fmt: skip
        elif isinstance(person, Employee):
            row |= {
                "title": person.title, "forename": person.first, "surname": person.last, "staff_code": person.code,
                "start_date": person.starts.isoformat(), "end_date": person.ends and person.ends.isoformat(),
            }  # fmt: skip
        else:
            row |= {
                "title": person.title,
                "forename": person.first,
                "surname": person.last,
                "students": [_uuid(each) for each in person.children],
            }
        return {self.keys.get(name, name): value for name, value in row.items()}


def staged(school: School, folder: Path, preset: str | None) -> Built:
    """Milton Park behind ScholarPack; see `stages`."""
    return Built(
        lambda url: f'endpoint = "{url}/api/v1"\ntoken = "env:ONROLL_DEMO_MIS"',
        ScholarPack(school),
        {"ONROLL_DEMO_MIS": TOKEN},
    )


def _uuid(number: int) -> str:
    text = upi("scholarpack", "person", number)
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
