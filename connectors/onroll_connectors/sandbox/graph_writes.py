"""What a client may do to the Graph simulator's directory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from onroll_connectors.sandbox.graph_rules import absent, denied
from onroll_connectors.sandbox.graph_state import Directory, User
from onroll_connectors.sandbox.graph_views import Call, Views
from onroll_connectors.sandbox.serving import Response


@dataclass(slots=True)
class Writes:
    """The writing half of the simulator; every method raises Refusal for what the directory refuses."""

    directory: Directory
    views: Views

    def create(self, call: Call) -> Response:
        """POST /users."""
        user = self.directory.create(_properties(call.body))
        return Response(
            201,
            {
                "@odata.context": f"{call.base}/$metadata#users/$entity",
                **self.views.shown(user.versions[-1]),
            },
        )

    def patch(self, call: Call, key: str) -> Response:
        """PATCH /users/{id}: all of it or nothing."""
        body = _properties(call.body)
        self.directory.patch(self.directory.find(key), body)
        return Response(204)

    def delete(self, key: str) -> Response:
        """DELETE /users/{id}."""
        user = self.directory.find(key)
        if user.admin:
            raise denied()
        self.directory.delete(user)
        return Response(204)

    def revoke(self, key: str) -> Response:
        """POST /users/{id}/revokeSignInSessions."""
        self.directory.find(key).sessions_revoked += 1
        return Response(200, {"value": True})

    def restore(self, call: Call, key: str) -> Response:
        """POST /directory/deletedItems/{id}/restore."""
        user = self._soft_deleted(key)
        self.directory.restore(user, call.body or {})
        return Response(
            200,
            {
                "@odata.type": "#microsoft.graph.user",
                "id": user.id,
                "deletedDateTime": None,
            },
        )

    def purge(self, key: str) -> Response:
        """DELETE /directory/deletedItems/{id}."""
        self.directory.purge(self._soft_deleted(key))
        return Response(204)

    def _soft_deleted(self, key: str) -> User:
        user = self.directory.users.get(key)
        if user is None or user.deleted is None:
            raise absent(key)
        return user


def _properties(body: Mapping[str, Any]) -> dict[str, Any]:
    """A body without OData's annotations, which the SDK adds to each model."""
    return {name: value for name, value in body.items() if not name.startswith("@")}
