"""A user as the Directory API writes it becomes an Account, and what an Account wants becomes a body for the API. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from onroll_core.accounts import Account, Anchor, IdentityId
from onroll_core.changes import Value

JSON = Mapping[str, Any]

_ORGANISATION = {"department": "department", "title": "title", "costCenter": "costCenter"}
ATTRIBUTES = frozenset({*_ORGANISATION, "employeeId", "recoveryEmail"})
"""Beside names: parts of the main organisation, the employee id that the Admin console shows, and the recovery address."""

FIELDS = (
    "id,primaryEmail,name(givenName,familyName,fullName,displayName),aliases,nonEditableAliases,suspended,archived,orgUnitPath,"
    "externalIds,organizations(department,title,costCenter,primary),recoveryEmail,isAdmin,isDelegatedAdmin"
)
"""What an observation reads of each user: nothing that the job does not need."""

OWNER = "id,primaryEmail,externalIds"
"""Enough to tell whose a user is."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How this school writes accounts: the kind of external id that carries our identity, the org unit below which places
    live ("" is the root, else "/Milton Park"), and whether display names are kept apart from given and family name."""

    identity_type: str
    root: str
    display_names: bool

    def owner(self, user: JSON) -> IdentityId | None:
        """The identity that a user carries."""
        for each in user.get("externalIds") or ():
            if self._ours(each) and each.get("value"):
                return IdentityId(each["value"])
        return None

    def account(self, user: JSON, deleted: bool = False) -> Account:
        """The account as it is. A place outside the root keeps its leading slash, so that it equals no place that is wanted."""
        name = user.get("name") or {}
        given, family = name.get("givenName", ""), name.get("familyName", "")
        shown = name.get("displayName") or name.get("fullName") or f"{given} {family}".strip()
        return Account(
            login=user["primaryEmail"].lower(),
            email=user["primaryEmail"].lower(),
            aliases=frozenset(alias.lower() for alias in user.get("aliases") or ()),
            display_name=shown if self.display_names else None,
            given=given,
            family=family,
            place=self.place(user.get("orgUnitPath") or "/"),
            enabled=not (deleted or user.get("suspended") or user.get("archived")),
            attributes=attributes(user),
        )

    def place(self, path: str) -> str:
        """An org unit's path from the root of places."""
        if path.casefold() == (self.root or "/").casefold():
            return ""
        inside = path.casefold().startswith(f"{self.root}/".casefold())
        return path[len(self.root) + 1 :] if inside else path

    def path(self, place: str | None) -> str:
        """The full path of a place; None is the root of places."""
        if not place:
            return self.root or "/"
        return place if place.startswith("/") else f"{self.root}/{place}"

    def creation(self, identity: IdentityId, account: Account, password: str) -> dict[str, Any]:
        """The body of users.insert."""
        body = self.changed({}, {name: value for name, value in account.attributes.items() if value})
        others = [each for each in body.get("externalIds", ()) if not self._ours(each)]
        return body | {
            "primaryEmail": account.email,
            "name": self._name(account),
            "password": password,
            "changePasswordAtNextLogin": True,
            "orgUnitPath": self.path(account.place),
            "externalIds": [*others, self._id(identity)],
        }

    def restored(self, identity: IdentityId, account: Account, user: JSON) -> dict[str, Any]:
        """The body that brings a user just restored from the deleted ones to what is wanted."""
        return {
            "primaryEmail": account.email,
            "name": self._name(account),
            "orgUnitPath": self.path(account.place),
            "suspended": False,
            "externalIds": self.linked(identity, user),
        }

    def linked(self, identity: IdentityId, user: JSON) -> list[JSON]:
        """The user's external ids with ours among them. Google replaces the list whole, so everybody else's go along."""
        return [*(each for each in user.get("externalIds") or () if not self._ours(each)), self._id(identity)]

    def changed(self, user: JSON, after: Mapping[str, Value]) -> dict[str, Any]:
        """The body for values that an Update sets; `user` is as it is now, for lists are replaced whole. Aliases are not a body's."""
        name: dict[str, Any] = {}
        body: dict[str, Any] = {}
        organisation: dict[str, str] = {}
        for key, value in after.items():
            if key in _NAMES:
                if key != "display_name" or self.display_names:
                    name[_NAMES[key]] = value
            elif key in _ORGANISATION:
                organisation[_ORGANISATION[key]] = str(value)
            elif key == "employeeId":
                others = [each for each in user.get("externalIds") or () if each.get("type") != "organization"]
                body["externalIds"] = [*others, *([{"type": "organization", "value": str(value)}] if value else [])]
            elif key == "recoveryEmail":
                body["recoveryEmail"] = value
        if name:
            body["name"] = name
        if organisation:
            body["organizations"] = _organisations(user, organisation)
        return body

    def _name(self, account: Account) -> dict[str, str]:
        name = {"givenName": account.given or "", "familyName": account.family or ""}
        if account.display_name and self.display_names:
            name["displayName"] = account.display_name
        return name

    def _ours(self, external: JSON) -> bool:
        return external.get("type") == "custom" and external.get("customType") == self.identity_type

    def _id(self, identity: IdentityId) -> JSON:
        return {"type": "custom", "customType": self.identity_type, "value": identity}


_NAMES = {"given": "givenName", "family": "familyName", "display_name": "displayName"}


def needs_reading(after: Mapping[str, Value]) -> bool:
    """True when values live in lists that Google replaces whole."""
    return any(name in _ORGANISATION or name == "employeeId" for name in after)


def attributes(user: JSON) -> dict[str, str]:
    """The extra attributes of a user that have a value."""
    main = _main(user.get("organizations") or ())
    found = {name: main.get(key, "") for name, key in _ORGANISATION.items()}
    found["recoveryEmail"] = user.get("recoveryEmail") or ""
    for each in user.get("externalIds") or ():
        if each.get("type") == "organization":
            found["employeeId"] = each.get("value", "")
    return {name: value for name, value in found.items() if value}


def unfit(account: Account) -> str | None:
    """Why Google could not take an account however often it is asked, in a sentence; None when it could."""
    if not (account.given or "").strip() or not (account.family or "").strip():
        return (
            f"Google Workspace wants a first and a last name, and {account.login} has only one of them."
            " Fill in the other one in the MIS."
        )
    return None


def anchor(user: JSON) -> Anchor:
    """The immutable id of a user."""
    return Anchor(user["id"])


def _main(organisations: Sequence[JSON]) -> JSON:
    return next((each for each in organisations if each.get("primary")), organisations[0] if organisations else {})


def _organisations(user: JSON, after: Mapping[str, str]) -> list[JSON]:
    """All organisations of a user, the main one with new values; an emptied value is left out."""
    there = list(user.get("organizations") or ())
    main = _main(there)
    others = [each for each in there if each is not main]
    new = {key: value for key, value in {"primary": True, **main, **after}.items() if value != ""}
    return [new, *others]
