"""Which application permissions Microsoft Graph asks for, operation by operation, as Microsoft's reference has it (2026): any of several ways is
enough, and a way can need several permissions. The simulator refuses what no way allows; the target's tests hold its table of rights against it."""

from __future__ import annotations

import base64
import json
from collections.abc import Collection, Mapping
from typing import Any

from onroll_connectors.sandbox.graph_rules import denied

Ways = tuple[frozenset[str], ...]
USER_ADMINISTRATOR = "fe930be7-5e62-47db-91af-98c3a49a38b1"
"""The template of the Entra role User Administrator."""


def _any(*permissions: str) -> Ways:
    return tuple(frozenset({each}) for each in permissions)


def _user(least: str) -> Ways:
    return _any(least, "User.ReadWrite.All", "Directory.ReadWrite.All")


_READ_USERS = _any("User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All")
_READ_GROUPS = _any(
    "GroupMember.Read.All", "GroupMember.ReadWrite.All", "Group.Read.All", "Group.ReadWrite.All", "Directory.Read.All"
)
_MEMBERS = _any("GroupMember.ReadWrite.All", "Group.ReadWrite.All", "Directory.ReadWrite.All")
_GROUPS = _any("Group.ReadWrite.All", "Directory.ReadWrite.All")
_CLASSES = _any("EduRoster.ReadWrite.All")
_RESTORE = _user("User.DeleteRestore.All")
_BINNED = "/directory/deletedItems/{directoryObject-id}"
_TEACHERS = "/education/classes/{educationClass-id}/teachers"

OPERATIONS: Mapping[tuple[str, str], Ways] = {
    ("GET", "/users"): _READ_USERS,
    ("GET", "/users/delta()"): _READ_USERS,
    ("GET", "/users/{user-id}"): _READ_USERS,
    ("GET", "/directory/deletedItems/graph.user"): _READ_USERS,
    ("GET", _BINNED): _READ_USERS,
    ("POST", "/users"): _user("User.Create"),
    ("DELETE", "/users/{user-id}"): _RESTORE,
    ("POST", "/users/{user-id}/revokeSignInSessions"): _user("User.RevokeSessions.All"),
    ("POST", "/users/{user-id}/assignLicense"): _any("LicenseAssignment.ReadWrite.All"),
    ("POST", f"{_BINNED}/restore"): _RESTORE,
    ("DELETE", _BINNED): _RESTORE,
    ("GET", "/organization"): _any("Organization.Read.All", "Directory.Read.All"),
    ("GET", "/domains"): _any("Domain.Read.All", "Organization.Read.All", "Directory.Read.All"),
    ("GET", "/groups"): _READ_GROUPS,
    ("GET", "/groups/delta()"): _READ_GROUPS,
    ("POST", "/groups"): _any("Group.Create", "Group.ReadWrite.All", "Directory.ReadWrite.All"),
    ("POST", "/groups/{group-id}/members/$ref"): _MEMBERS,
    ("DELETE", "/groups/{group-id}/members/{directoryObject-id}/$ref"): _MEMBERS,
    ("POST", "/groups/{group-id}/owners/$ref"): _GROUPS,
    ("DELETE", "/groups/{group-id}/owners/{directoryObject-id}/$ref"): _GROUPS,
    ("POST", "/education/classes"): _CLASSES,
    ("POST", f"{_TEACHERS}/$ref"): _CLASSES,
    ("DELETE", f"{_TEACHERS}/{{educationUser-id}}/$ref"): _CLASSES,
    ("POST", "/teams"): _any("Team.Create"),
}
"""Of what asks for the same whatever is sent."""

_UPDATE = _user("User.ReadUpdate.All")
_PHONES = _user("User-Phone.ReadWrite.All")
_USER_PROPERTIES: Mapping[str, Ways] = {
    "accountEnabled": (frozenset({"User.EnableDisableAccount.All", "User.Read.All"}), *_any("User.ReadWrite.All")),
    "passwordProfile": _any("User-PasswordProfile.ReadWrite.All"),
    "mobilePhone": _PHONES,
    "businessPhones": _PHONES,
    "otherMails": _user("User-Mail.ReadWrite.All"),
}
_GROUP_PROPERTIES: Mapping[str, Ways] = {"members@odata.bind": _MEMBERS}


def needed(method: str, template: str, body: object = None) -> list[Ways]:
    """What an operation asks for: one way of each. Raises KeyError for one that the sandbox does not have."""
    properties = (
        [name for name in body if name == "members@odata.bind" or "@" not in name] if isinstance(body, Mapping) else []
    )
    match method, template:
        case "PATCH", "/users/{user-id}":
            return [_USER_PROPERTIES.get(name, _UPDATE) for name in properties] or [_UPDATE]
        case "PATCH", "/groups/{group-id}":
            return [_GROUP_PROPERTIES.get(name, _GROUPS) for name in properties] or [_GROUPS]
    return [OPERATIONS[method, template]]


def allowed(ways: Collection[Ways], permissions: Collection[str]) -> bool:
    """Whether these permissions are enough for all of `needed`."""
    held = set(permissions)
    return all(any(way <= held for way in each) for each in ways)


def enforce(method: str, template: str, body: Any, permissions: Collection[str], roles: Collection[str]) -> None:
    """Raise Refusal for what the app may not do. A password is given to a user by an app with a role only."""
    resets = method == "PATCH" and isinstance(body, Mapping) and "passwordProfile" in body
    if not allowed(needed(method, template, body), permissions) or (resets and USER_ADMINISTRATOR not in roles):
        raise denied()


def access_token(permissions: Collection[str], roles: Collection[str]) -> str:
    """A token that names permissions and Entra roles as Entra's tokens for apps do; nobody has signed it."""
    claims = {"roles": sorted(permissions), "wids": sorted(roles)}
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{payload}.sandbox"
