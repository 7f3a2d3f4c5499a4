"""Which privileges whoever acts in Google Workspace has, by its admin roles: read, where Google lets it be read."""

from __future__ import annotations

from typing import Any

from onroll_connectors.targets.google_asks import Ask, Problem, Script
from onroll_connectors.targets.google_rights import SUPER


def held_by(customer: str, who: str, user: bool) -> Script[frozenset[str] | None]:
    """The privileges of a user (an address or an id) or of a service account (its unique id), all roles together; None when they may not be read."""
    # Service accounts are no users: theirs are looked for among everybody's. What comes by way of a group is told of users only.
    asked: dict[str, Any] = {"userKey": who, "includeIndirectRoleAssignments": True} if user else {}
    fields = "nextPageToken,items(assignedTo,roleId)"
    roles: dict[str, None] = {}
    token: str | None = None
    while True:
        page: dict[str, Any] = {"pageToken": token} if token else {}
        reply = yield Ask("roleAssignments", "list", {"customer": customer, "fields": fields, **asked, **page})
        if isinstance(reply, Problem):
            return None
        # Google may give an empty page with a token: only the token says that there is no more.
        roles |= {
            str(each["roleId"]): None for each in reply.body.get("items") or () if user or each.get("assignedTo") == who
        }
        before, token = token, reply.body.get("nextPageToken")
        if not token or token == before:
            break
    found: set[str] = set()
    for role in roles:
        reply = yield Ask(
            "roles",
            "get",
            {"customer": customer, "roleId": role, "fields": "isSuperAdminRole,rolePrivileges(privilegeName)"},
        )
        if isinstance(reply, Problem):
            return None
        found |= {str(each["privilegeName"]) for each in reply.body.get("rolePrivileges") or ()}
        found |= {SUPER} if reply.body.get("isSuperAdminRole") else set()
    return frozenset(found)
