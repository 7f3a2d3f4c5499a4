"""Admin roles of the simulated customer: who has which privileges, and which operation asks for which."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from onroll_connectors.sandbox.google_rules import FORBIDDEN, Refusal, not_found
from onroll_connectors.sandbox.google_state import State

JSON = dict[str, Any]
_USERS: Mapping[str, str] = {
    "suspended": "USERS_SUSPEND",
    "orgUnitPath": "USERS_MOVE",
    "primaryEmail": "USERS_ALIAS",
    "password": "USERS_RESET_PASSWORD",
    "hashFunction": "USERS_RESET_PASSWORD",
    "changePasswordAtNextLogin": "USERS_FORCE_PASSWORD_CHANGE",
}
"""What a part of "Users, Update" is enough for; everything else of a user asks for the whole of it."""
_OPERATIONS: Mapping[str, str] = {
    "users.list": "USERS_RETRIEVE",
    "users.get": "USERS_RETRIEVE",
    "users.insert": "USERS_CREATE",
    "users.undelete": "USERS_CREATE",
    "users.delete": "USERS_DELETE",
    "users.signOut": "USER_SECURITY_ALL",
    "users.aliases.list": "USERS_RETRIEVE",
    "users.aliases.insert": "USERS_ADD_NICKNAME",
    "users.aliases.delete": "USERS_ADD_NICKNAME",
    "orgunits.list": "ORGANIZATION_UNITS_RETRIEVE",
    "orgunits.get": "ORGANIZATION_UNITS_RETRIEVE",
    "orgunits.insert": "ORGANIZATION_UNITS_CREATE",
    "groups.list": "GROUPS_RETRIEVE",
    "groups.get": "GROUPS_RETRIEVE",
    "groups.insert": "GROUPS_CREATE",
    "groups.update": "GROUPS_UPDATE",
    "groups.patch": "GROUPS_UPDATE",
    "groups.delete": "GROUPS_DELETE",
    "members.list": "GROUPS_RETRIEVE",
    "members.get": "GROUPS_RETRIEVE",
    "members.insert": "GROUPS_UPDATE",
    "members.update": "GROUPS_UPDATE",
    "members.patch": "GROUPS_UPDATE",
    "members.delete": "GROUPS_UPDATE",
    "domains.list": "DOMAIN_MANAGEMENT",
}


@dataclass(slots=True)
class AdminRole:
    """One role and the one who has it: the id of a user, or the unique id of a service account."""

    id: str
    assigned_to: str
    privileges: set[str]

    def allows(self, privilege: str) -> bool:
        """Whether it includes a privilege: itself, or what that is a part of."""
        above = {f"{privilege[: privilege.rindex('_')]}_ALL"}
        if privilege in (*_USERS.values(), "USERS_ADD_NICKNAME"):
            above |= {"USERS_UPDATE", "USERS_ALL"}
        return privilege in self.privileges or bool(above & self.privileges)


@dataclass(slots=True)
class Roles:
    """Who has a role, by the name that a token is for: the address of a user, or of a service account. Whoever has none here may do everything."""

    held: dict[str, AdminRole] = field(default_factory=dict)

    def give(self, who: str, assigned_to: str, *privileges: str) -> AdminRole:
        """A role of its own for somebody, in place of every privilege."""
        self.held[who] = AdminRole(f"38942084610{len(self.held):02}", assigned_to, set(privileges))
        return self.held[who]

    def enforce(self, who: str, operation: str, body: object) -> None:
        """Raise Refusal for what whoever acts may not do. Reading roles asks for none."""
        role = self.held.get(who)
        name = operation.removeprefix("directory.")
        if role is None or name in ("roles.get", "roleAssignments.list"):
            return
        wanted = {_OPERATIONS.get(name, "SUPER_ADMIN")}
        if name in ("users.update", "users.patch"):
            wanted = {_USERS.get(part, "USERS_UPDATE") for part in (body if isinstance(body, Mapping) else ())}
        if not all(role.allows(each) for each in wanted):
            raise FORBIDDEN

    def assignments(self, state: State, query: Mapping[str, list[str]]) -> JSON:
        """roleAssignments.list, of one user or of everybody."""
        key = query.get("userKey", [""])[0].lower()
        ids = {user.id for user in state.live() if key in (user.id, user.email)}
        if key and not ids:
            raise not_found("userKey")
        items = [
            {
                "kind": "admin#directory#roleAssignment",
                "roleAssignmentId": f"9{role.id}",
                "roleId": role.id,
                "assignedTo": role.assigned_to,
                "assigneeType": "user",
                "scopeType": "CUSTOMER",
            }
            for role in self.held.values()
            if not key or role.assigned_to in ids
        ]
        return {"kind": "admin#directory#roleAssignments", "items": items}

    def role(self, key: str) -> JSON:
        """roles.get."""
        found = next((role for role in self.held.values() if role.id == key), None)
        if found is None:
            raise Refusal(404, "notFound", "Resource Not Found: roleId")
        privileges = [{"privilegeName": name, "serviceId": "00haapch16h1ysv"} for name in sorted(found.privileges)]
        told = {"roleId": key, "roleName": "onroll", "isSystemRole": False, "isSuperAdminRole": False}
        return {"kind": "admin#directory#role", **told, "rolePrivileges": privileges}
