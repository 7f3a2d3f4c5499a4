"""OneRoster 1.1 and 1.2 over REST: users, classes and enrolments, page by page until the server's own count is reached.

Objects and queries are the standard's; what servers do otherwise (no totals, a Link on the last page, booleans of every kind) is what public clients met.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from onroll_connectors.gives import Gives
from onroll_connectors.http import only_here, safe_endpoint
from onroll_connectors.secrets import Secret
from onroll_connectors.sources.oneroster_pages import SHAPE, Server
from onroll_connectors.sources.oneroster_rights import RIGHTS
from onroll_connectors.sources.oneroster_roster import Class, Enrolment, Part, Roster, Session, User, Wishes
from onroll_core.contracts import Context, Finding, Report, Source
from onroll_core.errors import Halt, OnrollError, Unavailable
from onroll_core.people import GroupKind, Snapshot

GIVES = Gives(
    groups=frozenset({GroupKind.YEAR, GroupKind.REGISTRATION, GroupKind.TEACHING}),
    contacts=True,
    untold_students=frozenset({"house"}),
    why="OneRoster has no houses; 1.1 has no preferred names and no first or last days.",
)
_USER = "sourcedId,status,enabledUser,givenName,familyName,identifier,userIds,grades,agents"
_FIELDS = {"1.1": f"{_USER},role,orgs", "1.2": f"{_USER},preferredFirstName,preferredLastName,roles"}
_STATUSES = {"active": True, "tobedeleted": False, "inactive": False}


class Settings(BaseModel):
    """The keys of [school.source] for route = "oneroster"."""

    model_config = ConfigDict(extra="forbid", strict=True)

    endpoint: str = Field(description="the server's address, up to and with /v1p1 or /rostering/v1p2")
    version: Literal["1.1", "1.2"] = Field("1.2", description="of OneRoster")
    school: str | None = Field(None, description="the sourcedId of the school's org, where the server has several")
    client_id: str | None = Field(
        None, description="of the client that the school made for onroll (OAuth 1: the consumer key)"
    )
    client_secret: Secret | None = Field(None, description="its secret: env:NAME, file:PATH or credential:NAME")
    token: Secret | None = Field(None, description="in place of both, for a simulator on this machine alone")
    oauth: Literal["1", "2"] = Field("2", description="how requests are signed; OAuth 1 is of OneRoster 1.1 alone")
    token_url: str = Field("", description="where OAuth 2 gives tokens")
    scope: str = Field("", description="default: roster.readonly of the version")
    token_form: dict[str, str] = Field(
        {}, description='further fields of the token request, as acr_values = "orgselected:..." of SIMS ID'
    )
    headers: dict[str, Secret] = Field({}, description="further headers, as a subscription key")
    page_size: int = Field(1000, description="rows a page; a server may send fewer", ge=1, le=10000)
    fields: bool = Field(True, description="name the fields that are wanted; false for a server that refuses that")
    roles: dict[str, Literal["student", "staff", "contact", "ignore"]] = Field(
        {}, description="what roles beyond the standard's mean"
    )
    grades: dict[str, str] = Field({"KG": "R"}, description="year groups by grade, where a server uses other words")
    upn: str = Field("UPN", description="the type of the userId that is the UPN")
    scn: str = Field("SCN", description="the type of the userId that is the Scottish Candidate Number")
    contacts: bool = Field(False, description="also read guardians: their names, and whose they are")

    @model_validator(mode="after")
    def _safe(self) -> Self:
        safe_endpoint(self.endpoint)
        if self.token_url:
            safe_endpoint(self.token_url)
        only_here(self.token, self.endpoint, "a server takes client_id and client_secret")
        if self.token is None and (self.client_id is None or self.client_secret is None):
            raise ValueError("client_id: say client_id and client_secret")
        if self.token is None and self.oauth == "2" and not self.token_url:
            raise ValueError("token_url: OAuth 2 needs the address that gives tokens")
        return self


def connect(settings: Settings, context: Context) -> Source:
    """The source; nothing is asked before `check` or `read`."""
    return OneRoster(settings, context)


class OneRoster:
    """One school on one server."""

    def __init__(self, settings: Settings, context: Context) -> None:
        self._settings, self._context = settings, context
        self._opened: Server | None = None

    @property
    def _server(self) -> Server:
        if self._opened is None:
            told = self._settings
            scope = (
                told.scope
                or f"https://purl.imsglobal.org/spec/or/v{told.version.replace('.', 'p')}/scope/roster.readonly"
            )
            form = {"grant_type": "client_credentials", "scope": scope} | told.token_form
            self._opened = Server(
                told.endpoint, self._context, told.token_url, form, told.client_id, told.client_secret, told.token, told.oauth, told.headers,
                told.page_size,
            )  # fmt: skip
        return self._opened

    def close(self) -> None:
        """Let go of the connection."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def check(self) -> Report:
        """Can everybody be read, and of which school?"""
        try:
            snapshot = self.read()
            return Report(
                [
                    Finding(
                        "ok",
                        f"OneRoster {self._settings.version} shows {len(snapshot.people)} people and {len(snapshot.groups)} groups.",
                    )
                ]
            )
        except Halt as refused:
            return Report([Finding("problem", each) for each in self._refused() or [str(refused)]])
        except OnrollError as trouble:
            return Report([Finding("problem", str(trouble))])

    def _refused(self) -> list[str]:
        """What the server says of each collection that it does not show, where it is more than one sentence."""
        found: dict[str, None] = {}
        for right in RIGHTS.table:
            try:
                next(self._rows(right.name, right.name, "sourcedId"), None)
            except OnrollError as trouble:
                found[str(trouble)] = None
        return list(found)

    def read(self) -> Snapshot:
        """Everyone of the school, complete; raises Unavailable or Halt."""
        told = self._settings
        wishes = Wishes(told.school, told.roles, told.grades, told.upn, told.scn, contacts=told.contacts)
        roster = Roster("OneRoster", self._context.school, self._context.today or self._context.now().date(), wishes)
        orgs = (
            (_id(row), _text(row, "name") or "", _text(row, "type") or "")
            for row in self._rows("orgs", "orgs", "sourcedId,status,name,type")
        )
        roster.schools(orgs)
        for row in self._rows("academicSessions", "academicSessions", "sourcedId,status,type,startDate,endDate"):
            if _there(row):
                roster.session(
                    Session(
                        _id(row),
                        _day(row, "startDate"),
                        _day(row, "endDate"),
                        (_text(row, "type") or "").lower() == "schoolyear",
                    )
                )
        for row in self._rows("users", "users", _FIELDS[told.version]):
            roster.user(self._user(row))
        for row in self._rows("classes", "classes", "sourcedId,status,title,classType,school,terms"):
            if _there(row):
                title = _text(row, "title") or _id(row)
                sessions = [_ref(each) for each in _list(row, "terms")]
                school = row.get("school")
                homeroom = (_text(row, "classType") or "").lower() == "homeroom"
                roster.group(Class(_id(row), title, None if school is None else _ref(school), homeroom, sessions))
        for row in self._rows("enrollments", "enrollments", "sourcedId,status,role,user,class,beginDate,endDate"):
            roster.enrolment(
                Enrolment(
                    _ref(row.get("user")), _ref(row.get("class")), SHAPE.key(row.get("role"), "a role"), _day(row, "beginDate"), _day(row, "endDate"), _there(row)
                )
            )  # fmt: skip
        return roster.snapshot(self._context.now())

    def _rows(self, path: str, key: str, fields: str) -> Iterator[Mapping[str, Any]]:
        return self._server.rows(path, key, fields if self._settings.fields else "")

    def _user(self, row: Mapping[str, Any]) -> User:
        enabled = SHAPE.flag(row.get("enabledUser"), "enabledUser")
        if enabled is None:
            raise Unavailable("OneRoster sent a user without enabledUser. Nothing was changed.")
        if self._settings.version == "1.2":
            parts = [
                Part(
                    SHAPE.key(each.get("role"), "a role"),
                    _ref(each.get("org")),
                    _day(each, "beginDate"),
                    _day(each, "endDate"),
                )
                for each in _list(row, "roles")
            ]
        else:
            role = SHAPE.key(row.get("role"), "a role")
            parts = [Part(role, _ref(each)) for each in _list(row, "orgs")]
        if not parts:
            raise Unavailable(f"OneRoster sent the user {_id(row)} without an org or a role. Nothing was changed.")
        numbers = {
            SHAPE.key(each.get("type"), "a type").lower(): SHAPE.text(each.get("identifier"), "an identifier")
            for each in _list(row, "userIds")
        }
        grades = row.get("grades")
        if grades is not None and not isinstance(grades, list):
            raise Unavailable("OneRoster sent grades that are no list. Nothing was changed.")
        return User(
            _id(row),
            parts,
            _text(row, "givenName"),
            _text(row, "familyName"),
            _text(row, "preferredFirstName"),
            _text(row, "preferredLastName"),
            _text(row, "identifier"),
            {kind: number for kind, number in numbers.items() if number is not None},
            SHAPE.text(grades[0], "a grade") if grades else None,
            [_ref(each) for each in _list(row, "agents")],
            _there(row) and enabled,
        )


def _id(row: Mapping[str, Any]) -> str:
    return SHAPE.key(row.get("sourcedId"), "a sourcedId")


def _ref(value: Any) -> str:
    """The sourcedId of a reference."""
    return SHAPE.key(SHAPE.table(value, "a reference").get("sourcedId"), "the sourcedId of a reference")


def _list(row: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    found = row.get(name)
    return [] if found is None else SHAPE.rows(found, name)


def _text(row: Mapping[str, Any], name: str) -> str | None:
    return SHAPE.text(row.get(name), name)


def _day(row: Mapping[str, Any], name: str) -> date | None:
    return SHAPE.day(row.get(name), name)


def _there(row: Mapping[str, Any]) -> bool:
    status = SHAPE.key(row.get("status"), "a status").lower()
    if status not in _STATUSES:
        raise Unavailable(
            f"OneRoster sent the status {status[:40]!r}, which the standard does not have. Nothing was changed."
        )
    return _STATUSES[status]
