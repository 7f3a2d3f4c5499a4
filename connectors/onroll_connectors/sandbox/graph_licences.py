"""The licences of the simulated tenant: how many there are, and who has them, directly or by a group."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from onroll_connectors.sandbox.graph_rules import bad
from onroll_connectors.sandbox.graph_state import Directory, User
from onroll_connectors.sandbox.graph_views import Call
from onroll_connectors.sandbox.serving import Response

_STATES = "licenseAssignmentStates"


@dataclass(slots=True)
class Licences:
    """`seats` are those that are bought, by SKU; who has one is in each user's licenseAssignmentStates."""

    directory: Directory
    seats: dict[str, int] = field(default_factory=dict)

    def give(self, user: User, sku: str, group: str | None = None, off: Iterable[str] = ()) -> None:
        """Somebody gives a user a licence, or a group does."""
        self._keep(user, [*_states(user), _state(sku, group, off)])

    def direct(self, user: User) -> list[str]:
        """The SKUs that were given to a user directly."""
        return [each["skuId"] for each in _states(user) if each["assignedByGroup"] is None]

    def assign(self, call: Call, key: str) -> Response:
        """POST /users/{id}/assignLicense: all of it or nothing."""
        user, body = self.directory.find(key), call.body
        if "addLicenses" not in body or "removeLicenses" not in body:
            raise bad("Both addLicenses and removeLicenses have to be given.")
        if body["addLicenses"] and not user.props.get("usageLocation"):
            raise bad("License assignment cannot be done for user with invalid usage location.")
        states = _states(user)
        for sku in body["removeLicenses"]:
            direct = [each for each in states if each["skuId"] == sku and each["assignedByGroup"] is None]
            if not direct:
                inherited = any(each["skuId"] == sku for each in states)
                raise bad(
                    "User license is inherited from a group membership and it cannot be removed directly from the user."
                    if inherited
                    else "User does not have a corresponding license."
                )
            states.remove(direct[0])
        for each in body["addLicenses"]:
            sku = str(each["skuId"])
            mine = [one for one in states if one["skuId"] == sku and one["assignedByGroup"] is None]
            if not mine and self._used(sku) >= self.seats.get(sku, 0):
                raise bad(f"Subscription with SKU {sku} does not have any available licenses.")
            states = [one for one in states if one not in mine] + [_state(sku, None, each.get("disabledPlans", ()))]
        self._keep(user, states)
        return Response(200, {"@odata.context": f"{call.base}/$metadata#users/$entity", "id": user.id})

    def _used(self, sku: str) -> int:
        return sum(any(each["skuId"] == sku for each in _states(user)) for user in self.directory.users.values())

    def _keep(self, user: User, states: list[Mapping[str, Any]]) -> None:
        self.directory.put(user, {_STATES: states})


def _states(user: User) -> list[Mapping[str, Any]]:
    return list(user.props.get(_STATES) or ())


def _state(sku: str, group: str | None, off: Iterable[str]) -> Mapping[str, Any]:
    uuid.UUID(sku)
    return {"skuId": sku, "assignedByGroup": group, "disabledPlans": list(off), "state": "Active", "error": "None"}
