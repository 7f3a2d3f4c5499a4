"""Google Workspace as the provisioning part of it behaves, Classroom with it: stateful, judged by Google's definitions, with quotas, lag and faults."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from onroll_connectors.sandbox import google_batch, google_fields, google_views
from onroll_connectors.sandbox.google_classroom import Classroom
from onroll_connectors.sandbox.google_definition import CLASSROOM, Definition, Matched, definition
from onroll_connectors.sandbox.google_groups import Groups
from onroll_connectors.sandbox.google_quota import Quotas
from onroll_connectors.sandbox.google_roles import Roles
from onroll_connectors.sandbox.google_rules import FORBIDDEN, Refusal, not_found
from onroll_connectors.sandbox.google_state import Course, Group, Lag, State, User
from onroll_connectors.sandbox.google_tokens import Tokens
from onroll_connectors.sandbox.google_writes import Writes
from onroll_connectors.sandbox.serving import Faults, Request, Response


@dataclass(slots=True)
class Workspace:
    """A customer of Google Workspace behind `/admin/directory/v1`, `/v1/courses`, `/batch` and `/token`: an application for `serve`. Thread safe.

    `now` is the clock; without `quotas` nothing is throttled; `faults` strike whole requests and `part_faults` the parts of a batch.
    `token` is the only access token accepted beside those that `/token` gave (None: any). `denied` are operations that the caller's role
    lacks ("directory.groups.list"); `roles` has admin roles by their privileges, of those who act by tokens of `/token`. `keeps_ids`: deleted users still show their externalIds.
    `breaches` are sentences: whatever the definition refused, of what came in or of what would have gone out. A test asserts that it is empty.
    `calls` has (operation, key, status) of every request and batch part that was answered.
    """

    domains: Mapping[str, bool] = field(default_factory=lambda: {"school.test": True})
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    lag: Lag = field(default_factory=Lag)
    quotas: Quotas | None = None
    faults: Faults = field(default_factory=Faults)
    part_faults: Faults = field(default_factory=Faults)
    token: str | None = None
    denied: set[str] = field(default_factory=set)
    roles: Roles = field(default_factory=Roles)
    keeps_ids: bool = True
    breaches: list[str] = field(default_factory=list)
    calls: list[tuple[str, str, int]] = field(default_factory=list)
    state: State = field(init=False)
    writes: Writes = field(init=False)
    groups: Groups = field(init=False)
    classroom: Classroom = field(init=False)
    tokens: Tokens = field(init=False)
    definition: Definition = field(init=False)
    lessons: Definition = field(init=False)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        self.definition, self.lessons = definition(), definition(CLASSROOM)
        self.state = State(self.now, dict(self.domains), self.lag)
        properties = self.definition.schemas.properties("User")
        self.writes = Writes(self.state, frozenset(name for name, told in properties.items() if told.get("readOnly")))
        self.groups, self.classroom = Groups(self.state), Classroom(self.state)
        self.tokens = Tokens(self.now)
        self.add_user(f"admin@{next(iter(self.domains))}", "Workspace", "Administrator").admin = True

    def forget(self) -> None:
        """Begin again with nobody but the administrator."""
        with self._lock:
            self.state = State(self.now, dict(self.domains), self.lag)
            self.writes.state = self.groups.state = self.classroom.state = self.state
            self.add_user(f"admin@{next(iter(self.domains))}", "Workspace", "Administrator").admin = True

    def add_user(self, email: str, given: str, family: str, unit: str = "/", **told: Any) -> User:
        """A user who was always there and whom onroll did not make; `told` are writable fields of the API."""
        with self._lock:
            body = {
                "primaryEmail": email,
                "name": {"givenName": given, "familyName": family},
                "password": "correct horse 77",
            }
            shown = self.writes.insert(body | {"orgUnitPath": self.add_unit(unit)} | told)
            user = self.state.users[shown["id"]]
            user.age = "old"
            return user

    def add_unit(self, path: str) -> str:
        """Make an org unit with all above it where they are missing; gives the path."""
        with self._lock:
            above = ""
            for name in filter(None, path.split("/")):
                try:
                    self.state.unit(f"{above}/{name}")
                except Refusal:
                    self.writes.insert_unit({"name": name, "parentOrgUnitPath": above or "/"})
                above += f"/{name}"
            return path

    def add_group(self, email: str, name: str = "") -> Group:
        """A group that was always there."""
        with self._lock:
            group = self.state.groups[self.groups.insert({"email": email, "name": name})["id"]]
            group.age = "old"
            return group

    def add_course(self, name: str, owner: str) -> Course:
        """A course that was always there; `owner` is an address."""
        with self._lock:
            made = self.classroom.create({"name": name, "ownerId": owner, "courseState": "ACTIVE"})
            course = self.state.courses[made["id"]]
            course.age = "old"
            return course

    def user(self, email: str) -> User:
        """A live user by primary address, whatever the lag; raises KeyError."""
        with self._lock:
            return next((user for user in self.state.live() if user.email == email), None) or _missing(email)

    def written(self) -> int:
        """How many writes were done so far."""
        reads = (".get", ".list")
        return sum(1 for operation, _, status in self.calls if status < 400 and not operation.endswith(reads))

    def __call__(self, request: Request) -> Response:
        """Answer one HTTP request."""
        with self._lock:
            self.state.lag = self.lag
            self.state.purge()
            if request.path == "/token":
                return self.tokens.answer(request)
            return self._struck(self.faults, request, self._whole)

    def _whole(self, request: Request) -> Response:
        if request.path == "/batch" and request.method == "POST":
            return google_batch.each(request, lambda part: self._struck(self.part_faults, part, self._one))
        return self._one(request)

    def _struck(self, faults: Faults, request: Request, answer: Callable[[Request], Response]) -> Response:
        """A failure now and then: before the work, or after it with the answer lost."""
        fault = faults.draw()
        if fault is None:
            return answer(request)
        status, after = fault
        if after:
            answer(request)
        refusal = _FAULTS.get(status, Refusal(status, "backendError", "Backend Error"))
        return Response(status, refusal.body(), refusal.headers)

    def _one(self, request: Request) -> Response:
        by = self.lessons if request.path.startswith("/v1/") else self.definition
        matched = by.match(request.method, request.path)
        if matched is None:
            self.breaches.append(f"{request.method} {request.path}: the definition has no such method.")
            return _told(Refusal(404, "notFound", "Not Found"))
        operation = matched.operation
        try:
            status, body = self._allowed(by, matched, request)
        except Refusal as refusal:
            status, body = refusal.status, refusal.body()
        key = next((matched.values[name] for name in _KEYS if name in matched.values), "")
        self.calls.append((operation.id, key, status))
        self.breaches += by.answer(operation, status, body)
        return Response(status, body)

    def _allowed(self, by: Definition, matched: Matched, request: Request) -> tuple[int, Any]:
        operation = matched.operation
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        allowed = self.tokens.allows(token, operation.scopes)
        if scheme != "Bearer" or not token or (allowed is None and self.token not in (None, token)):
            raise Refusal(401, "authError", "Invalid Credentials")
        try:
            body = json.loads(request.body) if request.body else None
        except ValueError:
            raise Refusal(400, "parseError", "Parse Error") from None
        if self.quotas is not None:
            domain = str(body.get("primaryEmail", "")).rpartition("@")[2] if isinstance(body, Mapping) else ""
            over = self.quotas.charge(operation.id, domain, self.now().timestamp())
            if over is not None:
                raise over
        if allowed is False:
            raise Refusal(403, "insufficientPermissions", "Request had insufficient authentication scopes.")
        if operation.id in self.denied:
            raise FORBIDDEN
        if by is self.definition:
            self.roles.enforce(self.tokens.who(token), operation.id, body)
        mask, wrong = self._mask(by, matched, request)
        wrong += by.request(operation, request.query, body)
        if wrong:
            self.breaches += wrong
            raise Refusal(400, "badRequest", " ".join(wrong))
        done = self._done(matched, request, body or {})
        if done is None:
            return 204, None
        if request.method == "GET" and "etag" in done and request.headers.get("if-none-match") == done["etag"]:
            return 304, None
        return 200, google_fields.masked(done, mask)

    def _mask(self, by: Definition, matched: Matched, request: Request) -> tuple[google_fields.Mask, list[str]]:
        text = request.query.get("fields", [""])[0]
        if not text or not matched.operation.response:
            return {}, []
        try:
            mask = google_fields.parse(text)
        except ValueError as failure:
            return {}, [f"{matched.operation.id}: {failure}."]
        unknown = google_fields.unknown(mask, by.schemas, matched.operation.response)
        return mask, [f"{matched.operation.id}: Invalid field selection {name}." for name in unknown]

    def _done(self, matched: Matched, request: Request, body: Mapping[str, Any]) -> dict[str, Any] | None:
        """The answer of one operation; None where Google answers nothing."""
        state, values = self.state, matched.values
        if values.get("customer", values.get("customerId", "my_customer")) not in ("my_customer", state.customer):
            raise not_found("customer")
        handler = _HANDLERS.get(matched.operation.id)
        if handler is None:
            raise Refusal(501, "notImplemented", f"The sandbox has no {matched.operation.id}.")
        return handler(self, matched.values, request.query, body)


# A 429 here is the one limit that Google counts for the whole customer; a plain 403 is drawn as one for the user.
_FAULTS = {
    403: Refusal(403, "userRateLimitExceeded", "User Rate Limit Exceeded"),
    429: Refusal(429, "rateLimitExceeded", "Rate Limit Exceeded", {"Retry-After": "1"}),
    500: Refusal(500, "internalError", "Internal Error"),
    503: Refusal(503, "backendError", "Service unavailable. Please try again."),
}


def _told(refusal: Refusal) -> Response:
    return Response(refusal.status, refusal.body(), refusal.headers)


def _missing(email: str) -> User:
    raise KeyError(email)


_KEYS = ("userKey", "groupKey", "orgUnitPath", "courseId", "id")
Values = Mapping[str, str]
Handler = Callable[[Workspace, Values, Mapping[str, list[str]], Mapping[str, Any]], "dict[str, Any] | None"]


def _get_unit(one: Workspace, values: Values) -> dict[str, Any]:
    try:
        return google_views.unit(one.state, one.state.units[one.state.unit(values["orgUnitPath"])])
    except Refusal:
        raise Refusal(404, "notFound", "Org unit not found") from None


_HANDLERS: Mapping[str, Handler] = {
    "directory.users.list": lambda one, values, query, body: google_views.users(one.state, query, one.keeps_ids),
    "directory.users.get": lambda one, values, query, body: google_views.user(
        one.state, one.writes.found(values["userKey"])
    ),
    "directory.users.insert": lambda one, values, query, body: one.writes.insert(body),
    "directory.users.update": lambda one, values, query, body: one.writes.update(values["userKey"], body, clears=True),
    "directory.users.patch": lambda one, values, query, body: one.writes.update(values["userKey"], body, clears=False),
    "directory.users.delete": lambda one, values, query, body: one.writes.delete(values["userKey"]),
    "directory.users.undelete": lambda one, values, query, body: one.writes.undelete(values["userKey"], body),
    "directory.users.signOut": lambda one, values, query, body: one.writes.sign_out(values["userKey"]),
    "directory.users.aliases.list": lambda one, values, query, body: one.writes.aliases(values["userKey"]),
    "directory.users.aliases.insert": lambda one, values, query, body: one.writes.add_alias(values["userKey"], body),
    "directory.users.aliases.delete": lambda one, values, query, body: one.writes.remove_alias(
        values["userKey"], values["alias"]
    ),
    "directory.groups.list": lambda one, values, query, body: google_views.groups(one.state, query),
    "directory.groups.get": lambda one, values, query, body: one.groups.get(values["groupKey"]),
    "directory.groups.insert": lambda one, values, query, body: one.groups.insert(body),
    "directory.groups.update": lambda one, values, query, body: one.groups.update(values["groupKey"], body),
    "directory.groups.patch": lambda one, values, query, body: one.groups.update(values["groupKey"], body),
    "directory.groups.delete": lambda one, values, query, body: one.groups.delete(values["groupKey"]),
    "directory.members.list": lambda one, values, query, body: one.groups.members(values["groupKey"], query),
    "directory.members.get": lambda one, values, query, body: one.groups.member(
        values["groupKey"], values["memberKey"]
    ),
    "directory.members.insert": lambda one, values, query, body: one.groups.add(values["groupKey"], body),
    "directory.members.update": lambda one, values, query, body: one.groups.change(
        values["groupKey"], values["memberKey"], body
    ),
    "directory.members.patch": lambda one, values, query, body: one.groups.change(
        values["groupKey"], values["memberKey"], body
    ),
    "directory.members.delete": lambda one, values, query, body: one.groups.remove(
        values["groupKey"], values["memberKey"]
    ),
    "directory.orgunits.list": lambda one, values, query, body: google_views.units(one.state, query),
    "directory.orgunits.get": lambda one, values, query, body: _get_unit(one, values),
    "directory.orgunits.insert": lambda one, values, query, body: one.writes.insert_unit(body),
    "directory.domains.list": lambda one, values, query, body: google_views.domains(one.state),
    "directory.roleAssignments.list": lambda one, values, query, body: one.roles.assignments(one.state, query),
    "directory.roles.get": lambda one, values, query, body: one.roles.role(values["roleId"]),
    "classroom.courses.create": lambda one, values, query, body: one.classroom.create(body),
    "classroom.courses.get": lambda one, values, query, body: one.classroom.get(values["id"]),
    "classroom.courses.list": lambda one, values, query, body: one.classroom.list(query),
    "classroom.courses.patch": lambda one, values, query, body: one.classroom.patch(values["id"], query, body),
    "classroom.courses.aliases.list": lambda one, values, query, body: one.classroom.aliases(values["courseId"]),
    "classroom.courses.teachers.get": lambda one, values, query, body: one.classroom.person(
        values["courseId"], "teachers", values["userId"]
    ),
    "classroom.courses.students.get": lambda one, values, query, body: one.classroom.person(
        values["courseId"], "students", values["userId"]
    ),
    "classroom.courses.teachers.list": lambda one, values, query, body: one.classroom.roster(
        values["courseId"], "teachers", query
    ),
    "classroom.courses.students.list": lambda one, values, query, body: one.classroom.roster(
        values["courseId"], "students", query
    ),
    "classroom.courses.teachers.create": lambda one, values, query, body: one.classroom.join(
        values["courseId"], "teachers", body
    ),
    "classroom.courses.students.create": lambda one, values, query, body: one.classroom.join(
        values["courseId"], "students", body
    ),
    "classroom.courses.teachers.delete": lambda one, values, query, body: one.classroom.leave(
        values["courseId"], "teachers", values["userId"]
    ),
    "classroom.courses.students.delete": lambda one, values, query, body: one.classroom.leave(
        values["courseId"], "students", values["userId"]
    ),
}
