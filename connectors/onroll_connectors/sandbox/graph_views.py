"""What the Graph simulator shows of its directory: single objects, pages, filters, and delta with tokens that expire."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from onroll_connectors.sandbox.graph_definition import Definition
from onroll_connectors.sandbox.graph_filter import parse
from onroll_connectors.sandbox.graph_rules import (
    DEFAULT_PROPERTIES,
    Refusal,
    absent,
    bad,
)
from onroll_connectors.sandbox.graph_state import EXTENSIONS, Directory, Version, stamp
from onroll_connectors.sandbox.serving import Response

if TYPE_CHECKING:
    from onroll_connectors.sandbox.graph_groups import Groups

TOKEN_LIFE = 7 * 86400.0
PAGE, LONGEST_PAGE = 100, 999
_LISTS = ("businessPhones", "otherMails", "proxyAddresses", "assignedLicenses", "licenseAssignmentStates")


@dataclass(frozen=True, slots=True)
class Call:
    """A request or a part of a batch: `path` is decoded and below /v1.0, `base` is what links begin with."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: Any
    base: str

    def option(self, name: str) -> str | None:
        """A query option's value."""
        return self.query.get(name, [None])[0]

    def select(self, default: Sequence[str]) -> tuple[str, ...]:
        """The properties asked for."""
        told = self.option("$select")
        return tuple(dict.fromkeys(name.strip() for name in told.split(","))) if told else tuple(default)


@dataclass(frozen=True, slots=True)
class _Cursor:
    """What a skip or delta token stands for."""

    issued: float
    items: Sequence[Any] = ()
    select: tuple[str, ...] = ()
    size: int = PAGE
    since: int = 0


@dataclass(slots=True)
class Views:
    """The reading half of the simulator; every method raises Refusal for what it refuses."""

    directory: Directory
    definition: Definition
    breaches: list[str]
    _cursors: dict[str, _Cursor] = field(default_factory=dict)

    def shown(
        self,
        version: Version,
        select: tuple[str, ...] = DEFAULT_PROPERTIES,
        sparse: bool = False,
    ) -> dict[str, Any]:
        """A user's JSON. Each version and selection of it is held against the definition once; `sparse` leaves out what is not set."""
        props = version.props
        told: dict[str, Any] = {}
        for name in ("id", *select):
            value = props.get(name)
            if name == EXTENSIONS:
                told[name] = {
                    f"extensionAttribute{n}": (value or {}).get(f"extensionAttribute{n}") for n in range(1, 16)
                }
            elif value is not None or (name in props if sparse else name != "usageLocation"):
                told[name] = [] if value is None and name in _LISTS else value
        if select not in version.judged:
            version.judged.add(select)
            self.breaches += [f"answer: {text}" for text in self.definition.item("user", told)]
        return told

    def envelope(self, body: Any) -> Any:
        """A page without its items, which were judged one by one; anything else as it is."""
        if isinstance(body, dict) and isinstance(body.get("value"), list) and len(body["value"]) > 1:
            return {**body, "value": body["value"][:1]}
        return body

    def user(self, call: Call, key: str) -> Response:
        """GET /users/{id or UPN}."""
        select = self._user_select(call)
        user = self.directory.find(key)
        return Response(
            200,
            {
                "@odata.context": f"{call.base}/$metadata#users/$entity",
                **self.shown(user.versions[-1], select),
            },
        )

    def users(self, call: Call) -> Response:
        """GET /users: filtered and paged."""
        select = self._user_select(call)
        return self._page(
            call,
            self.directory.listed,
            select,
            lambda item: self.shown(item, select),
        )

    def deleted(self, call: Call) -> Response:
        """GET /directory/deletedItems/graph.user."""
        select = self._user_select(call)
        binned = [user.versions[-1] for user in self.directory.soft_deleted()]
        return self._page(call, lambda: binned, select, lambda item: self.shown(item, select))

    def deleted_item(self, key: str) -> Response:
        """GET /directory/deletedItems/{id}: as a directoryObject."""
        user = self.directory.users.get(key)
        if user is None or user.deleted is None:
            raise absent(key)
        return Response(
            200,
            {
                "@odata.type": "#microsoft.graph.user",
                "id": key,
                "deletedDateTime": stamp(user.deleted),
            },
        )

    def groups(self, call: Call) -> Response:
        """GET /groups."""
        select = call.select(("id", "displayName", "mail"))
        groups = [Version(0.0, group) for group in self.directory.groups.values()]
        return self._page(
            call,
            lambda: groups,
            select,
            lambda item: {name: item.props.get(name) for name in ("id", *select)},
        )

    def organization(self, call: Call, synced: bool) -> Response:
        """GET /organization."""
        domains = [
            {
                "name": name,
                "isDefault": not at,
                "isInitial": ".onmicrosoft." in name,
                "type": kind,
                "capabilities": "Email",
            }
            for at, (name, kind) in enumerate(self.directory.domains.items())
        ]
        school: dict[str, Any] = {
            "id": "7a1e57f0-0000-4000-8000-000000000001",
            "displayName": "A School",
            "verifiedDomains": domains,
        }
        school["onPremisesSyncEnabled"] = True if synced else None
        select = call.select(tuple(school))
        return Response(
            200,
            {"value": [{name: school[name] for name in school if name in ("id", *select)}]},
        )

    def domains(self, call: Call) -> Response:
        """GET /domains."""
        found = [
            {
                "id": name,
                "authenticationType": kind,
                "isVerified": True,
                "isDefault": not at,
            }
            for at, (name, kind) in enumerate(self.directory.domains.items())
        ]
        return Response(200, {"value": found})

    def group_delta(self, call: Call, groups: Groups) -> Response:
        """GET /groups/delta(): every group, then what changed, with who came and who went."""
        page, token = call.option("$skiptoken"), call.option("$deltatoken")
        now = self.directory.seconds()
        if page is not None:
            cursor = self._cursor(page, call)
        else:
            last = self._cursor(token, call) if token else None
            select = last.select if last else call.select(("id", "displayName"))
            until = groups.visible()
            items = list(groups.items(last.since if last else 0, until, select))
            cursor = _Cursor(now, items, select, self._size(call, 100), until)
        shown, rest = list(cursor.items[: cursor.size]), cursor.items[cursor.size :]
        body: dict[str, Any] = {"@odata.context": f"{call.base}/$metadata#groups", "value": shown}
        link = f"{call.base}/groups/delta()?"
        kept = replace(cursor, items=rest, issued=cursor.issued if rest else now)
        name = ("@odata.nextLink", "$skiptoken=") if rest else ("@odata.deltaLink", "$deltatoken=")
        body[name[0]] = link + name[1] + self._keep(kept)
        return Response(200, body)

    def delta(self, call: Call, replay: bool) -> Response:
        """GET /users/delta(): a first round of everyone, then what changed; `replay` repeats an object at the page's end."""
        cursor = self._resumed(call)
        first, rest = list(cursor.items[: cursor.size]), cursor.items[cursor.size :]
        body: dict[str, Any] = {
            "@odata.context": f"{call.base}/$metadata#users",
            "value": first + first[:1] * replay,
        }
        link = f"{call.base}/users/delta()?"
        if rest:
            body["@odata.nextLink"] = (
                link
                + "$skiptoken="
                + self._keep(_Cursor(cursor.issued, rest, cursor.select, cursor.size, cursor.since))
            )
        else:
            now = self.directory.seconds()
            body["@odata.deltaLink"] = (
                link + "$deltatoken=" + self._keep(_Cursor(now, (), cursor.select, cursor.size, cursor.since))
            )
        return Response(200, body)

    def _resumed(self, call: Call) -> _Cursor:
        """What is to be shown now: `items` as JSON, and in `since` the place of the log that the next delta begins at."""
        now, until = self.directory.seconds(), self.directory.visible_log()
        page = call.option("$skiptoken")
        token = call.option("$deltatoken")
        size = self._size(call, 200)
        if page is not None:
            return self._cursor(page, call)
        if token == "latest":
            return _Cursor(now, (), self._user_select(call), size, until)
        if token:
            last = self._cursor(token, call)
            changes = [
                self._changed(key, version, last.select) for key, version in self.directory.changed(last.since, until)
            ]
            items = [item for item in changes if item is not None]
            return _Cursor(now, items, last.select, last.size, until)
        select = self._user_select(call)
        wanted = self._filter(call)
        everyone = [self.shown(item, select, sparse=True) for item in self.directory.listed() if wanted(item.props)]
        return _Cursor(now, everyone, select, size, until)

    def _changed(self, key: str, version: Version | None, select: tuple[str, ...]) -> dict[str, Any] | None:
        if version is None:
            return {"id": key, "@removed": {"reason": "deleted"}}
        if version.gone is not None:
            return {"id": key, "@removed": {"reason": version.gone}}
        return self.shown(version, select, sparse=True)

    def _page(
        self,
        call: Call,
        everything: Callable[[], Iterable[Version]],
        select: tuple[str, ...],
        show: Callable[[Version], dict[str, Any]],
    ) -> Response:
        token = call.option("$skiptoken")
        if token is not None:
            cursor = self._cursor(token, call)
        else:
            wanted = self._filter(call)
            found = [item for item in everything() if wanted(item.props)]
            cursor = _Cursor(self.directory.seconds(), found, select, self._size(call, PAGE))
        body: dict[str, Any] = {"value": [show(item) for item in cursor.items[: cursor.size]]}
        if call.option("$count") == "true" and token is None:
            body["@odata.count"] = len(cursor.items)
        rest = cursor.items[cursor.size :]
        if rest:
            kept = self._keep(_Cursor(cursor.issued, rest, cursor.select, cursor.size))
            body["@odata.nextLink"] = (
                f"{call.base}{quote(call.path)}?$select={','.join(cursor.select)}&$skiptoken={kept}"
            )
        return Response(200, body)

    def _filter(self, call: Call) -> Callable[[Mapping[str, Any]], bool]:
        text = call.option("$filter")
        return parse(text) if text else lambda item: True

    def _size(self, call: Call, default: int) -> int:
        told = call.option("$top")
        for preference in call.headers.get("prefer", "").split(","):
            name, _, value = preference.strip().partition("=")
            if name == "odata.maxpagesize":
                told = value
        if told is None:
            return default
        if not told.isdigit() or not 1 <= int(told) <= LONGEST_PAGE:
            raise bad(f"Invalid page size specified: '{told}'. Must be between 1 and {LONGEST_PAGE} inclusive.")
        return int(told)

    def _user_select(self, call: Call) -> tuple[str, ...]:
        select = call.select(DEFAULT_PROPERTIES)
        known = self.definition.document["components"]["schemas"]["user"]["properties"]
        for name in select:
            if name not in known and not name.startswith("ext"):
                raise Refusal(
                    400,
                    "BadRequest",
                    f"Parsing OData Select and Expand failed: Could not find a property named '{name}'.",
                )
        return select

    def _keep(self, cursor: _Cursor) -> str:
        token = secrets.token_urlsafe(24)
        self._cursors[token] = cursor
        return token

    def _cursor(self, token: str, call: Call) -> _Cursor:
        cursor = self._cursors.get(token)
        if cursor is None or cursor.issued + TOKEN_LIFE < self.directory.seconds():
            again = {"Location": f"{call.base}/users/delta()?$deltatoken="}
            raise Refusal(
                410,
                "syncStateNotFound",
                "The sync state generation is not found; a full sync is needed.",
                headers=again,
            )
        return cursor
