"""What the Directory API does with groups and who is in them, and when it refuses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from onroll_connectors.sandbox import google_rules as rules
from onroll_connectors.sandbox import google_views as views
from onroll_connectors.sandbox.google_rules import FORBIDDEN, Refusal, invalid, not_found
from onroll_connectors.sandbox.google_state import Group, State

JSON = dict[str, Any]
ROLES = ("OWNER", "MANAGER", "MEMBER")
LONGEST_NAME = 75
_MEMBER_EXISTS = Refusal(409, "duplicate", "Member already exists.")
_CONFLICT = Refusal(409, "conflict", "The request conflicts with another one that is under way.")


@dataclass(slots=True)
class Groups:
    """Groups and memberships over one State. `conflicts` is how many of the next insertions are answered with a conflict and carried out all the same."""

    state: State
    conflicts: int = 0

    def insert(self, body: Mapping[str, Any]) -> JSON:
        """groups.insert."""
        email = rules.address(body["email"], frozenset(self.state.domains))
        name = _name(body.get("name") or email.partition("@")[0])
        group = Group(f"0{self.state.new_id()[:14]}", email, name, self.state.now(), body.get("description", ""))
        self.state.hold(email, group.id)
        self.state.groups[group.id] = group
        return views.group(self.state, group)

    def get(self, key: str) -> JSON:
        """groups.get."""
        return views.group(self.state, self._found(key))

    def update(self, key: str, body: Mapping[str, Any]) -> JSON:
        """groups.update and groups.patch: what is absent stays."""
        group = self._found(key)
        if "email" in body:
            email = rules.address(body["email"], frozenset(self.state.domains))
            if email != group.email:
                self.state.hold(email, group.id)
                group.aliases.append(group.email)
                group.email = email
        if "name" in body:
            group.name = _name(body["name"])
        group.description = body.get("description", group.description) or ""
        group.revision += 1
        return views.group(self.state, group)

    def delete(self, key: str) -> None:
        """groups.delete: at once, and for good."""
        group = self._found(key)
        for address in (group.email, *group.aliases):
            self.state.addresses.pop(address, None)
        del self.state.groups[group.id]

    def members(self, key: str, query: Mapping[str, list[str]]) -> JSON:
        """members.list: one page."""
        group = self._found(key)
        wanted = {role for role in query.get("roles", [""])[0].split(",") if role}
        if wanted - set(ROLES):
            raise invalid("Input: roles")
        shown = [
            self._shown(group, each)
            for each in sorted(group.members)
            if self._there(each) and (not wanted or group.members[each] in wanted)
        ]
        size = min(int(query.get("maxResults", ["200"])[0]), 200)
        start = int(query.get("pageToken", ["0"])[0])
        page: JSON = {"kind": "admin#directory#members", "etag": f'"{self.state.customer}/{group.id}/members"'}
        if shown[start : start + size]:
            page["members"] = shown[start : start + size]
        if len(shown) > start + size:
            page["nextPageToken"] = str(start + size)
        return page

    def member(self, key: str, member: str) -> JSON:
        """members.get."""
        group = self._found(key)
        return self._shown(group, self._inside(group, member))

    def add(self, key: str, body: Mapping[str, Any]) -> JSON:
        """members.insert."""
        group = self._found(key)
        member = self._anybody(body.get("id") or body.get("email") or "")
        role = _role(body.get("role", "MEMBER"))
        if member == group.id:
            raise Refusal(412, "conditionNotMet", "Cyclic memberships not allowed")
        if member in group.members or member in group.pending:
            raise _MEMBER_EXISTS
        if member in self.state.groups and role != "MEMBER":
            raise invalid("Input: role")
        group.members[member] = role
        group.revision += 1
        if self.conflicts > 0:
            self.conflicts -= 1
            raise _CONFLICT
        return self._shown(group, member)

    def change(self, key: str, member: str, body: Mapping[str, Any]) -> JSON:
        """members.update and members.patch."""
        group = self._found(key)
        inside = self._inside(group, member)
        group.members[inside] = _role(body.get("role", group.members[inside]))
        group.revision += 1
        return self._shown(group, inside)

    def remove(self, key: str, member: str) -> None:
        """members.delete; somebody who only asked to join can be taken out as well."""
        group = self._found(key)
        somebody = self._anybody(member)
        if somebody in group.pending:
            group.pending.discard(somebody)
            return
        del group.members[self._inside(group, member)]
        group.revision += 1

    def _found(self, key: str) -> Group:
        if "@" in key and key.rpartition("@")[2].lower() not in self.state.domains:
            raise FORBIDDEN
        group = self.state.group(key)
        if group is None or not self.state.older(group, self.state.lag.group):
            raise not_found("groupKey")
        return group

    def _anybody(self, key: str) -> str:
        """The id of a user or group of this customer, or the address of somebody elsewhere."""
        user = self.state.by_key(key)
        if user is not None and self.state.visible(user):
            return user.id
        group = self.state.group(key)
        if group is not None:
            return group.id
        domain = key.rpartition("@")[2].lower()
        if "@" in key and domain not in self.state.domains:
            return key.lower()
        raise not_found("memberKey")

    def _inside(self, group: Group, key: str) -> str:
        member = self._anybody(key)
        if member not in group.members:
            raise not_found("memberKey")
        return member

    def _there(self, member: str) -> bool:
        """Whether a member is listed: deleted users and groups are not."""
        user = self.state.users.get(member)
        return "@" in member or member in self.state.groups or (user is not None and user.deleted_at is None)

    def _shown(self, group: Group, member: str) -> JSON:
        shown: JSON = {
            "kind": "admin#directory#member",
            "etag": f'"{self.state.customer}/{group.id}/{member}"',
            "role": group.members[member],
        }
        user, inner = self.state.users.get(member), self.state.groups.get(member)
        if user is not None:
            status = "SUSPENDED" if user.suspended else "ACTIVE"
            return shown | {"id": user.id, "email": user.email, "type": "USER", "status": status}
        if inner is not None:
            return shown | {"id": inner.id, "email": inner.email, "type": "GROUP", "status": "ACTIVE"}
        return shown | {"id": f"9{abs(hash(member)) % 10**20:020}", "email": member, "type": "USER"}


def _name(text: str) -> str:
    if not text.strip() or len(text) > LONGEST_NAME or set(text) & set("<>="):
        raise invalid("Input: name")
    return text


def _role(role: object) -> str:
    if role not in ROLES:
        raise invalid("Input: role")
    return str(role)
