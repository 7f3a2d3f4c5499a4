"""Microsoft Graph as the account provisioning part of it behaves: stateful, judged by Microsoft's definition, with quotas, lag and faults to switch on."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from onroll_connectors.sandbox.graph_definition import Definition, Route, definition
from onroll_connectors.sandbox.graph_groups import Groups
from onroll_connectors.sandbox.graph_licences import Licences
from onroll_connectors.sandbox.graph_permissions import USER_ADMINISTRATOR, access_token, enforce
from onroll_connectors.sandbox.graph_quota import Quotas, cost
from onroll_connectors.sandbox.graph_rules import Refusal, bad
from onroll_connectors.sandbox.graph_state import Directory, Lag, User
from onroll_connectors.sandbox.graph_views import Call, Views
from onroll_connectors.sandbox.graph_writes import Writes
from onroll_connectors.sandbox.serving import Faults, Request, Response

PERMISSIONS = frozenset(
    {
        *("User.ReadWrite.All", "User-PasswordProfile.ReadWrite.All", "Organization.Read.All"),
        *("LicenseAssignment.ReadWrite.All", "Member.Read.Hidden"),
        *("Group.Read.All", "Group.ReadWrite.All", "EduRoster.ReadWrite.All", "Team.Create"),
    }
)


@dataclass(slots=True)
class Graph:
    """A tenant of Microsoft 365 behind `/v1.0`: an application for `serve`. Thread safe.

    `now` is the clock; without `quotas` nothing is throttled; `faults` strike whole requests and `part_faults` the parts of a batch;
    `replays` is the share of delta pages that repeat an object. `permissions` are what the app was granted (take some away to see 403), `roles` the templates of its Entra roles;
    `token` the only one accepted (None: any), `locked_out` answers 401 to everything.
    `breaches` are sentences: whatever the definition refused, of what came in or of what would have gone out. A test asserts that it is empty.
    `calls` has (method, path, status) of every request and batch part that was answered; `batches` counts the documents of parts.
    """

    domains: Mapping[str, str] = field(
        default_factory=lambda: {
            "school.test": "Managed",
            "school.onmicrosoft.test": "Managed",
        }
    )
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    lag: Lag = field(default_factory=Lag)
    quotas: Quotas | None = None
    faults: Faults = field(default_factory=Faults)
    part_faults: Faults = field(default_factory=Faults)
    replays: float = 0.0
    licensed: bool = True
    synced_tenant: bool = False
    permissions: set[str] = field(default_factory=lambda: set(PERMISSIONS))
    roles: set[str] = field(default_factory=lambda: {USER_ADMINISTRATOR})
    token: str | None = None
    locked_out: bool = False
    breaches: list[str] = field(default_factory=list)
    calls: list[tuple[str, str, int]] = field(default_factory=list)
    batches: int = 0
    directory: Directory = field(init=False)
    views: Views = field(init=False)
    writes: Writes = field(init=False)
    groups: Groups = field(init=False)
    licences: Licences = field(init=False)
    definition: Definition = field(init=False)
    _random: random.Random = field(default_factory=lambda: random.Random(3))
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        self.definition = definition()
        self.directory = Directory(self.now, dict(self.domains), self.lag, self.licensed)
        self.views = Views(self.directory, self.definition, self.breaches)
        self.writes = Writes(self.directory, self.views)
        self.groups = Groups(self.directory, self.permissions)
        self.licences = Licences(self.directory)
        self.add_user(
            f"admin@{next(iter(self.domains))}",
            displayName="Tenant Administrator",
            admin=True,
        )

    def add_user(
        self,
        upn: str,
        admin: bool = False,
        synced: bool | None = None,
        **properties: Any,
    ) -> User:
        """A user who was always there and whom onroll did not make."""
        with self._lock:
            nickname = upn.partition("@")[0]
            body = {
                "userPrincipalName": upn,
                "mailNickname": nickname,
                "displayName": nickname,
                "accountEnabled": True,
            }
            body |= {"passwordProfile": {"password": "Correct-Horse-77"}, **properties}
            user = self.directory.create(body, admin, synced)
            self.directory.age(user)
            return user

    def user(self, upn: str) -> User:
        """A live user by name, whatever the lag; raises KeyError."""
        with self._lock:
            found = self.directory.named(upn)
            if found is None:
                raise KeyError(upn)
            return found

    def written(self) -> int:
        """How many writes were done so far."""
        return sum(1 for method, _, status in self.calls if method != "GET" and status < 400)

    def access_token(self) -> str:
        """A token as Entra would give the app now; it is taken where `token` is None, and what may be done is judged by what is granted at the time."""
        return access_token(self.permissions, self.roles)

    def replayed(self) -> bool:
        """Whether the next page of delta repeats an object."""
        return self._random.random() < self.replays

    def __call__(self, request: Request) -> Response:
        """Answer one HTTP request."""
        with self._lock:
            self.directory.ripen()
            if self.locked_out or not self._known(request.headers.get("authorization", "")):
                return _told(
                    Refusal(
                        401,
                        "InvalidAuthenticationToken",
                        "Access token validation failure.",
                    )
                )
            path = unquote(request.path)
            if not path.startswith("/v1.0/"):
                return _told(Refusal(400, "BadRequest", f"Invalid version: {path.split('/')[1]}"))
            fault = self.faults.draw()
            if fault is not None and not fault[1]:
                return _failed(fault[0], self.faults)
            try:
                body = json.loads(request.body) if request.body else None
            except ValueError:
                return _told(Refusal(400, "BadRequest", "Unable to read JSON request payload."))
            base = f"http://{request.headers.get('host', '127.0.0.1')}/v1.0"
            call = Call(request.method, path[5:], request.query, request.headers, body, base)
            response = self._batch(call) if call.path == "/$batch" else self._one(call)
            return response if fault is None else _failed(fault[0], self.faults)

    def _known(self, authorization: str) -> bool:
        scheme, _, token = authorization.partition(" ")
        return scheme == "Bearer" and bool(token) and self.token in (None, token)

    def _one(self, call: Call) -> Response:
        response = self._answered(call)
        self.calls.append((call.method, call.path, response.status))
        return response

    def _answered(self, call: Call) -> Response:
        route = self.definition.route(call.path)
        if route is None:
            self.breaches.append(f"{call.method} {call.path}: the definition has no such path.")
            return _told(bad(f"Resource not found for the segment '{call.path.split('/')[1]}'."))
        units = cost(call.method, call.query)
        told: dict[str, str] = {}
        if self.quotas is not None:
            over = self.quotas.charge(self.directory.seconds(), call.method, units)
            if over is not None:
                return _told(Refusal(429, "TooManyRequests", "Too many requests", headers=over[1]))
            told = self.quotas.headers(units)
        wrong = self.definition.request(route, call.method, call.query, call.body)
        if wrong:
            self.breaches += wrong
            return _told(bad(" ".join(wrong)))
        try:
            response = self._handled(route, call)
        except Refusal as refusal:
            response = _told(refusal)
        self.breaches += self.definition.answer(route, call.method, response.status, self.views.envelope(response.body))
        return Response(response.status, response.body, {**told, **response.headers})

    def _handled(self, route: Route, call: Call) -> Response:
        handler = _HANDLERS.get((call.method, route.template))
        if handler is None:
            return _told(Refusal(501, "NotImplemented", f"The sandbox has no {call.method} {route.template}."))
        enforce(call.method, route.template, call.body, self.permissions, self.roles)
        return handler(self, call, *route.ids)

    def _batch(self, call: Call) -> Response:
        self.batches += 1
        route = Route("/$batch")
        wrong = self.definition.request(route, call.method, {}, call.body)
        parts: list[Mapping[str, Any]] = [] if wrong else call.body["requests"]
        if not wrong and len({part["id"].lower() for part in parts}) < len(parts):
            wrong = ["POST /$batch: two parts have the same id."]
        if wrong:
            self.breaches += wrong
            return _told(
                Refusal(
                    400,
                    "BadRequest",
                    f"Invalid batch payload format. {' '.join(wrong)}",
                )
            )
        done: dict[str, Response] = {}
        for part in parts:
            done[part["id"]] = self._part(part, call, done)
        answers = [
            {
                "id": key,
                "status": response.status,
                "headers": {"Content-Type": "application/json", **response.headers},
                **({"body": response.body} if response.body is not None else {}),
            }
            for key, response in done.items()
        ]
        self._random.shuffle(answers)
        return Response(200, {"responses": answers})

    def _part(self, part: Mapping[str, Any], whole: Call, done: Mapping[str, Response]) -> Response:
        for needed in part.get("dependsOn", ()):
            if needed not in done or done[needed].status >= 400:
                return _told(Refusal(424, "FailedDependency", "The request it depends on failed."))
        headers = {name.lower(): value for name, value in part.get("headers", {}).items()}
        if "body" in part and "content-type" not in headers:
            self.breaches.append(f"POST /$batch: part {part['id']} has a body and no Content-Type.")
            return _told(
                Refusal(
                    400,
                    "BadRequest",
                    "Write request: Content-Type header is missing or malformed.",
                )
            )
        fault = self.part_faults.draw()
        if fault is not None and not fault[1]:
            return _failed(fault[0], self.part_faults)
        url = urlsplit("/" + part["url"].lstrip("/"))
        query = parse_qs(url.query, keep_blank_values=True)
        call = Call(
            part["method"],
            unquote(url.path),
            query,
            headers,
            part.get("body"),
            whole.base,
        )
        response = self._one(call)
        return response if fault is None else _failed(fault[0], self.part_faults)


def _told(refusal: Refusal) -> Response:
    return Response(refusal.status, refusal.body(), refusal.headers)


def _failed(status: int, faults: Faults) -> Response:
    """What the network says when it failed: no word of what became of the request."""
    codes = {
        429: "TooManyRequests",
        500: "InternalServerError",
        503: "ServiceUnavailable",
        504: "GatewayTimeout",
    }
    headers = {"Retry-After": str(faults.retry_after)} if status in (429, 503) else {}
    return Response(status, Refusal(status, codes.get(status, "UnknownError"), "").body(), headers)


_HANDLERS: dict[tuple[str, str], Callable[..., Response]] = {
    ("GET", "/users"): lambda graph, call: graph.views.users(call),
    ("GET", "/users/delta()"): lambda graph, call: graph.views.delta(call, graph.replayed()),
    ("GET", "/users/{user-id}"): lambda graph, call, key: graph.views.user(call, key),
    ("GET", "/directory/deletedItems/graph.user"): lambda graph, call: graph.views.deleted(call),
    ("GET", "/directory/deletedItems/{directoryObject-id}"): lambda graph, call, key: graph.views.deleted_item(key),
    ("GET", "/groups"): lambda graph, call: graph.views.groups(call),
    ("GET", "/groups/delta()"): lambda graph, call: graph.views.group_delta(call, graph.groups),
    ("POST", "/groups"): lambda graph, call: graph.groups.create(call),
    ("PATCH", "/groups/{group-id}"): lambda graph, call, key: graph.groups.patch(call, key),
    ("POST", "/groups/{group-id}/members/$ref"): lambda graph, call, key: graph.groups.add(call, key, "members"),
    ("POST", "/groups/{group-id}/owners/$ref"): lambda graph, call, key: graph.groups.add(call, key, "owners"),
    ("DELETE", "/groups/{group-id}/members/{directoryObject-id}/$ref"): lambda graph, call, key, who: (
        graph.groups.remove(key, "members", who)
    ),
    ("DELETE", "/groups/{group-id}/owners/{directoryObject-id}/$ref"): lambda graph, call, key, who: (
        graph.groups.remove(key, "owners", who)
    ),
    ("POST", "/education/classes"): lambda graph, call: graph.groups.create_class(call),
    ("POST", "/education/classes/{educationClass-id}/teachers/$ref"): lambda graph, call, key: graph.groups.add(
        call, key, "teachers"
    ),
    (
        "DELETE",
        "/education/classes/{educationClass-id}/teachers/{educationUser-id}/$ref",
    ): lambda graph, call, key, who: graph.groups.remove(key, "teachers", who),
    ("POST", "/teams"): lambda graph, call: graph.groups.create_team(call),
    ("GET", "/organization"): lambda graph, call: graph.views.organization(call, graph.synced_tenant),
    ("GET", "/domains"): lambda graph, call: graph.views.domains(call),
    ("POST", "/users"): lambda graph, call: graph.writes.create(call),
    ("PATCH", "/users/{user-id}"): lambda graph, call, key: graph.writes.patch(call, key),
    ("DELETE", "/users/{user-id}"): lambda graph, call, key: graph.writes.delete(key),
    ("POST", "/users/{user-id}/revokeSignInSessions"): lambda graph, call, key: graph.writes.revoke(key),
    ("POST", "/users/{user-id}/assignLicense"): lambda graph, call, key: graph.licences.assign(call, key),
    ("POST", "/directory/deletedItems/{directoryObject-id}/restore"): lambda graph, call, key: graph.writes.restore(
        call, key
    ),
    ("DELETE", "/directory/deletedItems/{directoryObject-id}"): lambda graph, call, key: graph.writes.purge(key),
}
"""What each method of each path does; the definition has more than the sandbox."""
