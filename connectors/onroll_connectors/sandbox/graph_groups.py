"""Groups, classes and teams of the Graph simulator: who is in them, what the directory refuses, and a delta that tells who came and went."""

from __future__ import annotations

import random
import uuid
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any

from onroll_connectors.sandbox.graph_rules import Refusal, absent, bad, conflict
from onroll_connectors.sandbox.graph_state import Directory
from onroll_connectors.sandbox.graph_views import Call
from onroll_connectors.sandbox.serving import Response

BIND = 20
MOST_OWNERS = 100
_EXISTS = "One or more added object references already exist for the following modified properties: '{0}'."
_NOT_IN = "One or more removed object references do not exist for the following modified properties: '{0}'."
_LAST = "The group must have at least one owner, hence this owner cannot be removed."


@dataclass(frozen=True, slots=True)
class News:
    """Something that happened to a group: to itself when `person` is "", else somebody came or went. `at` in seconds since 1970."""

    at: float
    group: str
    relation: str = ""
    person: str = ""
    there: bool = True


@dataclass(slots=True)
class Crowd:
    """Who is in a group; `created` in seconds since 1970."""

    created: float
    members: dict[str, None] = field(default_factory=dict)
    owners: dict[str, None] = field(default_factory=dict)
    is_class: bool = False
    team: bool = False
    facts: dict[str, Any] = field(default_factory=dict)

    def there(self, relation: str) -> dict[str, None]:
        """The people of one relation."""
        return self.owners if relation == "owners" else self.members


@dataclass(slots=True)
class Groups:
    """The groups half of the simulator; every method raises Refusal for what the directory refuses.

    Who is in a class is hidden from whoever lacks `Member.Read.Hidden` among the `permissions`.
    """

    directory: Directory
    permissions: AbstractSet[str]
    crowds: dict[str, Crowd] = field(default_factory=dict)
    log: list[News] = field(default_factory=list)
    _random: random.Random = field(default_factory=lambda: random.Random(17))

    def crowd(self, key: str) -> Crowd:
        """Who is in a group; also of one that was always there."""
        return self.crowds.setdefault(key, Crowd(0.0))

    def create(self, call: Call) -> Response:
        """POST /groups."""
        body = _plain(call.body)
        unified = "Unified" in (body.get("groupTypes") or ())
        if bool(body["mailEnabled"]) != unified:
            raise bad("A value is required for property 'mailEnabled' of resource 'Group'.")
        key = self._make(body, unified)
        return Response(201, {"@odata.context": f"{call.base}/$metadata#groups/$entity", **self.directory.groups[key]})

    def create_class(self, call: Call) -> Response:
        """POST /education/classes: a Microsoft 365 group with more to it; no team."""
        body = _plain(call.body)
        if not body.get("displayName") or not body.get("mailNickname"):
            raise bad("A value is required for property 'displayName' of resource 'EducationClass'.")
        shared: dict[str, Any] = {
            name: body[name] for name in ("displayName", "mailNickname", "description") if name in body
        }
        key = self._make(shared | {"mailEnabled": True, "securityEnabled": True, "groupTypes": ["Unified"]}, True)
        crowd = self.crowd(key)
        crowd.is_class, crowd.facts = True, {name: body[name] for name in body if name.startswith("external")}
        told = {"id": key} | shared | crowd.facts
        return Response(201, {"@odata.context": f"{call.base}/$metadata#education/classes/$entity", **told})

    def _make(self, body: Mapping[str, Any], unified: bool) -> str:
        nickname = str(body["mailNickname"])
        self._check_nickname(nickname)
        if body.get("description") == "":
            raise bad("Invalid value specified for property 'description' of resource 'Group'.")
        mail = f"{nickname}@{next(iter(self.directory.domains))}" if unified else None
        if unified and any(
            str(each.get("mail") or "").lower() == str(mail).lower() for each in self.directory.groups.values()
        ):
            raise conflict("mailNickname")
        if mail and self.directory.holds(mail):
            raise conflict("proxyAddresses")
        key = str(uuid.UUID(int=self._random.getrandbits(128), version=4))
        now = self.directory.seconds()
        self.directory.groups[key] = {
            "id": key, "description": None, "groupTypes": [], "mail": mail, "proxyAddresses": [f"SMTP:{mail}"] if mail else [], **body,
        }  # fmt: skip
        self.crowds[key] = Crowd(now)
        self._happened(key)
        return key

    def patch(self, call: Call, key: str) -> Response:
        """PATCH /groups/{id}: properties, or up to twenty new members, all of them or none."""
        crowd = self._find(key)
        bound = call.body.get("members@odata.bind")
        body = _plain(call.body)
        if bound is not None:
            if len(bound) > BIND:
                raise bad("The request is currently not supported on the targeted entity set")
            people = [self._person(each) for each in bound]
            if len(set(people)) < len(people):
                raise bad("The object can only be present once as an add/remove change")
            if any(person in crowd.members for person in people):
                raise bad(_EXISTS.format("members"))
            for person in people:
                self._move(key, "members", person, True)
        for name, value in body.items():
            if value == "" or (value is None and name == "displayName"):
                raise bad(f"Invalid value specified for property '{name}' of resource 'Group'.")
        if body:
            self.change(key, **body)
        return Response(204)

    def add(self, call: Call, key: str, relation: str) -> Response:
        """POST /groups/{id}/members/$ref, owners/$ref, and teachers/$ref of a class."""
        crowd = self._find(key)
        if relation == "teachers" and not crowd.is_class:
            raise absent(key)
        person, where = self._person(call.body["@odata.id"]), "owners" if relation == "teachers" else relation
        if person in crowd.there(where):
            raise bad(_EXISTS.format(relation))
        if where == "owners" and len(crowd.owners) >= MOST_OWNERS:
            raise bad("The group has reached its maximum of owners.")
        self._move(key, where, person, True)
        return Response(204)

    def remove(self, key: str, relation: str, person: str) -> Response:
        """DELETE /groups/{id}/members/{id}/$ref and the like."""
        crowd = self._find(key)
        where = "owners" if relation == "teachers" else relation
        if person not in crowd.there(where):
            raise absent(person)
        if where == "owners" and len(crowd.owners) == 1:
            raise bad(_LAST)
        self._move(key, where, person, False)
        return Response(204)

    def create_team(self, call: Call) -> Response:
        """POST /teams for a group that is there: 202, and the team comes later. It needs an owner."""
        key = str(call.body.get("group@odata.bind", "")).rpartition("('")[2].rstrip("')")
        if "educationClass" not in str(call.body.get("template@odata.bind", "")):
            raise bad("The template of a class team is educationClass.")
        crowd = self._find(key)
        if not crowd.owners:
            raise bad("A team owner must be provided when creating a team in application context.")
        if crowd.team:
            raise Refusal(409, "Conflict", "The group is already provisioned.")
        crowd.team = True
        return Response(202, None, {"Location": f"/teams('{key}')/operations('{uuid.UUID(int=1)}')"})

    def visible(self) -> int:
        """How much of the log delta may show by now."""
        return bisect_right(self.log, self.directory.seconds() - self.directory.lag.index, key=lambda news: news.at)

    def items(self, since: int, until: int, select: tuple[str, ...]) -> Iterator[dict[str, Any]]:
        """What delta tells of the log between two places: each group that is named there, a big one in several pieces."""
        news: dict[str, list[News]] = {}
        for each in self.log[since:until]:
            news.setdefault(each.group, []).append(each)
        for key, told in news.items():
            group = self.directory.groups.get(key)
            if group is None:
                yield {"id": key, "@removed": {"reason": "deleted"}}
                continue
            facts = {"id": key, **{name: group[name] for name in select if group.get(name) is not None}}
            hidden = self.crowd(key).is_class and "Member.Read.Hidden" not in self.permissions
            pieces = list(_pieces(told, tuple(name for name in select if not (hidden and name == "members"))))
            yield {**facts, **(pieces[0] if pieces else {})}
            yield from ({"id": key, **piece} for piece in pieces[1:])

    def change(self, key: str, **properties: Any) -> None:
        """Somebody changes a group by hand."""
        self.directory.groups[key].update(properties)
        self._happened(key)

    def join(self, key: str, person: str, relation: str = "members") -> None:
        """Somebody puts a person into a group by hand."""
        self._move(key, relation, person, True)

    def delete(self, key: str) -> None:
        """Somebody deletes a group."""
        del self.directory.groups[key]
        self.crowds.pop(key, None)
        self._happened(key)

    def add_by_hand(self, name: str, mail: str) -> str:
        """A group that was always there and that onroll did not make; gives its id."""
        key = self.directory.add_group(name, mail)
        self.crowds[key] = Crowd(0.0)
        self.log.insert(0, News(0.0, key))
        return key

    def _find(self, key: str) -> Crowd:
        crowd = self.crowd(key)
        if key not in self.directory.groups or crowd.created + self.directory.lag.reads > self.directory.seconds():
            raise absent(key)
        return crowd

    def _person(self, url: str) -> str:
        key = str(url).rpartition("/")[2]
        user = self.directory.users.get(key)
        if (
            user is None
            or user.deleted is not None
            or user.created + self.directory.lag.reads > self.directory.seconds()
        ):
            raise absent(key)
        return key

    def _move(self, key: str, relation: str, person: str, there: bool) -> None:
        people = self.crowd(key).there(relation)
        if there:
            people[person] = None
        else:
            people.pop(person, None)
        self._happened(key, relation, person, there)

    def _happened(self, key: str, relation: str = "", person: str = "", there: bool = True) -> None:
        self.log.append(News(self.directory.seconds(), key, relation, person, there))

    def _check_nickname(self, nickname: str) -> None:
        if not nickname.isascii() or len(nickname) > 64 or set(nickname) & set('@()\\[]";:<>, '):
            raise bad("Invalid value specified for property 'mailNickname' of resource 'Group'.")


def _pieces(news: Iterable[News], select: tuple[str, ...], most: int = 50) -> Iterator[dict[str, Any]]:
    """What happened to people, the last word on each, in pieces of at most so many."""
    last = {(each.relation, each.person): each.there for each in news if each.relation in select}
    told: list[tuple[str, dict[str, Any]]] = []
    for (relation, person), there in last.items():
        gone = {} if there else {"@removed": {"reason": "deleted"}}
        told.append((relation, {"@odata.type": "#microsoft.graph.user", "id": person} | gone))
    for start in range(0, len(told), most):
        piece: dict[str, Any] = {}
        for relation, each in told[start : start + most]:
            piece.setdefault(f"{relation}@delta", []).append(each)
        yield piece


def _plain(body: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if "@" not in name}
