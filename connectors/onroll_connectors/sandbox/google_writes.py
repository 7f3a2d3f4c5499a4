"""What the Directory API does when it is told to change something, and when it refuses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from onroll_connectors.sandbox import google_rules as rules
from onroll_connectors.sandbox import google_views as views
from onroll_connectors.sandbox.google_rules import FORBIDDEN, UNFINISHED, Refusal, invalid, not_found
from onroll_connectors.sandbox.google_state import State, Unit, User

JSON = dict[str, Any]
# Told by nobody but Google: writing them is silently ignored, and so is every property that the definition calls read-only.
_IGNORED = {"id", "kind", "etag", "hashFunction"}
_LISTS = {
    "addresses",
    "emails",
    "externalIds",
    "ims",
    "keywords",
    "languages",
    "locations",
    "organizations",
    "phones",
    "relations",
}


@dataclass(slots=True)
class Writes:
    """The writing half of the API over one State. `longest` is the length of names, `licences` the ceiling of users (None: none),
    `over_admins` whether the caller may change administrators, `swaps` whether an own alias may become the primary address."""

    state: State
    read_only: frozenset[str]
    longest: int = rules.NAME_LENGTH
    licences: int | None = None
    over_admins: bool = False
    swaps: bool = False

    def insert(self, body: Mapping[str, Any]) -> JSON:
        """users.insert."""
        state = self.state
        email = rules.address(body["primaryEmail"], frozenset(state.domains))
        rules.names(body["name"], self.longest)
        rules.password(body)
        unit = state.unit(body.get("orgUnitPath") or "/")
        if email in state.addresses:
            raise rules.DUPLICATE
        if self.licences is not None and state.slots() >= self.licences:
            raise rules.LICENCES
        name = {key: body["name"][key] for key in ("givenName", "familyName", "displayName") if body["name"].get(key)}
        user = User(state.new_id(), email, name, unit, state.now(), password=body["password"])
        state.hold(email, user.id)
        state.users[user.id] = user
        if body.get("suspended"):
            self._suspend(user)
        self._told(user, body, clears=True)
        return views.user(state, user)

    def update(self, key: str, body: Mapping[str, Any], clears: bool) -> JSON:
        """users.update (`clears`: null empties lists too) and users.patch: what is absent stays."""
        state = self.state
        user = self._writable(key)
        name = user.name | {each: value for each, value in (body.get("name") or {}).items() if each != "fullName"}
        name = {each: value for each, value in name.items() if value}
        if "name" in body:
            rules.names(name, self.longest)
        if "password" in body:
            rules.password(body)
        unit = state.unit(body["orgUnitPath"]) if "orgUnitPath" in body else user.unit
        if body.get("suspended") is False and user.suspended not in ("", "ADMIN"):
            raise Refusal(403, "adminCannotUnsuspend", "Administrators cannot unsuspend this user.")
        if "primaryEmail" in body:
            self._rename(user, rules.address(body["primaryEmail"], frozenset(state.domains)))
        user.name, user.unit = name, unit
        user.password = body.get("password", user.password)
        if body.get("suspended") is True and not user.suspended:
            self._suspend(user)
        elif body.get("suspended") is False:
            user.suspended, user.suspended_at = "", None
        self._told(user, body, clears)
        user.revision += 1
        return views.user(state, user)

    def delete(self, key: str) -> None:
        """users.delete: kept for 20 days, the addresses are free at once."""
        user = self._writable(key)
        if user.on_hold:
            raise Refusal(412, "conditionNotMet", "The user is on a Vault hold and cannot be deleted.")
        for address in (user.email, *user.aliases):
            self.state.addresses.pop(address, None)
        user.deleted_at = self.state.now()
        user.aliases.clear()
        user.revision += 1

    def undelete(self, key: str, body: Mapping[str, Any]) -> None:
        """users.undelete: by id only."""
        user = self.state.users.get(key)
        if user is None or user.deleted_at is None:
            raise not_found("userKey")
        unit = self.state.unit(body.get("orgUnitPath") or "/")
        self.state.hold(user.email, user.id)
        user.unit, user.deleted_at = unit, None
        user.revision += 1

    def sign_out(self, key: str) -> None:
        """users.signOut."""
        self.found(key).sign_outs += 1

    def add_alias(self, key: str, body: Mapping[str, Any]) -> JSON:
        """users.aliases.insert."""
        user = self._writable(key)
        alias = rules.address(body.get("alias"), frozenset(self.state.domains))
        if alias in self.state.addresses:
            raise rules.DUPLICATE
        if len(user.aliases) >= rules.ALIASES:
            raise Refusal(412, "limitExceeded", "The maximum number of aliases for this user has been reached.")
        self.state.hold(alias, user.id)
        user.aliases[alias] = self.state.now()
        user.revision += 1
        return self._alias(user, alias)

    def remove_alias(self, key: str, alias: str) -> None:
        """users.aliases.delete: the address is free at once."""
        user = self._writable(key)
        if alias.lower() not in user.aliases:
            raise invalid("Input: resource_id")
        del user.aliases[alias.lower()]
        del self.state.addresses[alias.lower()]
        user.revision += 1

    def aliases(self, key: str) -> JSON:
        """users.aliases.list."""
        user = self.found(key)
        listed = [self._alias(user, each) for each in sorted(user.aliases) if self.state.answers_to(user, each)]
        page: JSON = {"kind": "admin#directory#aliases", "etag": f'"{self.state.customer}/{user.id}/aliases"'}
        return page | ({"aliases": listed} if listed else {})

    def insert_unit(self, body: Mapping[str, Any]) -> JSON:
        """orgunits.insert: the parent must be there."""
        state = self.state
        name = rules.unit_name(body.get("name"))
        parent = state.unit(body.get("parentOrgUnitId") or body.get("parentOrgUnitPath"))
        path = f"{state.path(parent).rstrip('/')}/{name}"
        if path.count("/") > rules.DEPTH:
            raise rules.NO_SUCH_UNIT
        try:
            state.unit(path)
        except Refusal:
            unit = Unit(f"id:03ph8a2z{state.new_id()[:8]}", name, parent, body.get("description", ""))
            state.units[unit.id] = unit
            return views.unit(state, unit)
        raise invalid("Ou Id")

    def found(self, key: str) -> User:
        """A live user by userKey; an address of another customer's domain is none of the caller's business."""
        domain = key.rpartition("@")[2].lower()
        if "@" in key and domain not in self.state.domains:
            raise FORBIDDEN
        user = self.state.by_key(key)
        if user is None:
            raise not_found("userKey")
        return user

    def _writable(self, key: str) -> User:
        user = self.found(key)
        if user.admin and not self.over_admins:
            raise FORBIDDEN
        if not self.state.complete(user):
            raise UNFINISHED
        return user

    def _rename(self, user: User, email: str) -> None:
        """The old address stays as an alias: held at once, listed when it has spread."""
        state = self.state
        if email == user.email:
            return
        if email in user.aliases and self.swaps:
            del user.aliases[email]
        else:
            state.hold(email, user.id)
        if len(user.aliases) >= rules.ALIASES:
            del state.addresses[email]
            raise Refusal(412, "limitExceeded", "The maximum number of aliases for this user has been reached.")
        user.aliases[user.email] = state.now() + timedelta(seconds=state.lag.alias)
        user.email = email

    def _suspend(self, user: User) -> None:
        user.suspended, user.suspended_at = "ADMIN", self.state.now()

    def _told(self, user: User, body: Mapping[str, Any], clears: bool) -> None:
        own = {"primaryEmail", "name", "password", "orgUnitPath", "suspended", "emails", "changePasswordAtNextLogin"}
        for key, value in body.items():
            if key in own or key in _IGNORED or key in self.read_only:
                continue
            if value is None or value == []:
                if clears or key not in _LISTS:
                    user.told.pop(key, None)
            else:
                user.told[key] = value
        if "changePasswordAtNextLogin" in body:
            user.told["changePasswordAtNextLogin"] = bool(body["changePasswordAtNextLogin"])

    def _alias(self, user: User, alias: str) -> JSON:
        return {
            "kind": "admin#directory#alias",
            "id": user.id,
            "etag": f'"{self.state.customer}/{user.id}/{alias}"',
            "alias": alias,
            "primaryEmail": user.email,
        }
