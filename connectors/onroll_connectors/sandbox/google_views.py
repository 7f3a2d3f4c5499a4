"""How the Directory API shows what a customer holds: users, groups, org units, pages and searches."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, TypeVar

from onroll_connectors.sandbox.google_rules import Refusal, invalid, not_found
from onroll_connectors.sandbox.google_state import Group, State, Unit, User

JSON = dict[str, Any]
Query = Mapping[str, list[str]]
Item = TypeVar("Item", User, Group)


def user(state: State, one: User) -> JSON:
    """A live user as admin_view, projection=basic."""
    now = state.now()
    shown: JSON = {
        "kind": "admin#directory#user",
        "id": one.id,
        "etag": f'"{state.customer}/{one.id}.{one.revision}"',
        "primaryEmail": one.email,
        "name": {**one.name, "fullName": f"{one.name['givenName']} {one.name['familyName']}"},
        "isAdmin": one.admin,
        "isDelegatedAdmin": one.delegated,
        "lastLoginTime": "1970-01-01T00:00:00.000Z",
        "creationTime": state.stamp(one.created),
        "agreedToTerms": False,
        "suspended": bool(one.suspended),
        "archived": False,
        "changePasswordAtNextLogin": False,
        "ipWhitelisted": False,
        "customerId": state.customer,
        "orgUnitPath": state.path(one.unit),
        "isMailboxSetup": state.mailbox(one),
        "isEnrolledIn2Sv": False,
        "isEnforcedIn2Sv": False,
        "includeInGlobalAddressList": True,
        **one.told,
    }
    if one.suspended:
        shown["suspensionReason"] = one.suspended
        shown["suspensionTime"] = state.stamp(one.suspended_at or now)
    local, _, domain = one.email.partition("@")
    if state.domains.get(domain):
        shown["nonEditableAliases"] = [f"{local}@{domain}.test-google-a.com"]
    listed = sorted(alias for alias, since in one.aliases.items() if since <= now)
    if listed:
        shown["aliases"] = listed
    shown["emails"] = [{"address": one.email, "primary": True}, *({"address": alias} for alias in listed)]
    return shown


def deleted(state: State, one: User, keep_ids: bool) -> JSON:
    """What is still told of a deleted user."""
    whole = user(state, one)
    told = (
        "kind",
        "id",
        "etag",
        "primaryEmail",
        "name",
        "isAdmin",
        "creationTime",
        "customerId",
        "orgUnitPath",
        "suspended",
    )
    shown = {name: whole[name] for name in told}
    if keep_ids and "externalIds" in whole:
        shown["externalIds"] = whole["externalIds"]
    assert one.deleted_at is not None
    return shown | {"deletionTime": state.stamp(one.deleted_at)}


def group(state: State, one: Group) -> JSON:
    """A group."""
    shown: JSON = {
        "kind": "admin#directory#group",
        "id": one.id,
        "etag": f'"{state.customer}/{one.id}.{one.revision}"',
        "email": one.email,
        "name": one.name,
        "description": one.description,
        "directMembersCount": str(len(one.members)),
        "adminCreated": one.by_admin,
    }
    if one.aliases:
        shown["aliases"] = sorted(one.aliases)
    return shown


def unit(state: State, one: Unit) -> JSON:
    """An org unit; the root has no parent."""
    shown: JSON = {
        "kind": "admin#directory#orgUnit",
        "etag": f'"{state.customer}/{one.id}"',
        "name": one.name or next(iter(state.domains)),
        "description": one.description,
        "orgUnitPath": state.path(one.id),
        "orgUnitId": one.id,
    }
    if one.parent:
        shown |= {"parentOrgUnitPath": state.path(one.parent), "parentOrgUnitId": one.parent}
    return shown


def units(state: State, query: Query) -> JSON:
    """orgunits.list below a path: children, or all of them."""
    top = state.unit(query.get("orgUnitPath", ["/"])[0])
    how = query.get("type", ["children"])[0]
    path = state.path(top).rstrip("/") + "/"
    found = [
        unit(state, one)
        for one in state.units.values()
        if (one.id == top and how == "allIncludingParent")
        or (one.parent == top and how == "children")
        or (one.id != top and how != "children" and state.path(one.id).startswith(path))
    ]
    shown: JSON = {"kind": "admin#directory#orgUnits", "etag": f'"{state.customer}/units"'}
    return shown | ({"organizationUnits": found} if found else {})


def users(state: State, query: Query, keep_ids: bool) -> JSON:
    """users.list: one page of live or of deleted users, by address."""
    _customer(state, query)
    if query.get("showDeleted", ["false"])[0].lower() == "true":
        gone = [one for one in state.users.values() if one.deleted_at is not None]
        found, token = _page(state, sorted(gone, key=lambda one: (one.email, one.id)), query, 100, 500)
        shown = [deleted(state, one, keep_ids) for one in found]
    else:
        wanted = _search(state, query.get("query", [""])[0])
        domain = query.get("domain", [""])[0]
        live = [
            one for one in state.live() if state.visible(one) and one.email.endswith(f"@{domain}" if domain else "")
        ]
        matching = sorted((one for one in live if wanted(one)), key=lambda one: (one.email, one.id))
        found, token = _page(state, matching, query, 100, 500)
        shown = [user(state, one) for one in found]
    return _listed("users", shown, token, f'"{state.customer}/users"')


def groups(state: State, query: Query) -> JSON:
    """groups.list: one page, by address."""
    _customer(state, query)
    shown = [one for one in state.groups.values() if state.older(one, state.lag.group)]
    found, token = _page(state, sorted(shown, key=lambda one: (one.email, one.id)), query, 200, 200)
    return _listed("groups", [group(state, one) for one in found], token, f'"{state.customer}/groups"')


def domains(state: State) -> JSON:
    """domains.list."""
    shown = [
        {
            "kind": "admin#directory#domain",
            "etag": f'"{state.customer}/{name}"',
            "domainName": name,
            "isPrimary": primary,
            "verified": True,
            "creationTime": "1700000000000",
        }
        for name, primary in state.domains.items()
    ]
    return {"kind": "admin#directory#domains", "etag": f'"{state.customer}/domains"', "domains": shown}


def _listed(what: str, shown: list[JSON], token: str, etag: str) -> JSON:
    page: JSON = {"kind": f"admin#directory#{what}", "etag": etag}
    if shown:
        # Google leaves an empty list out altogether.
        page[what] = shown
    if token:
        page["nextPageToken"] = token
    return page


def _customer(state: State, query: Query) -> None:
    if not query.get("customer") and not query.get("domain"):
        raise Refusal(400, "badRequest", "Bad Request")
    if query.get("customer", ["my_customer"])[0] not in ("my_customer", state.customer):
        raise not_found("customer")
    if query.get("domain", [next(iter(state.domains))])[0] not in state.domains:
        raise Refusal(404, "notFound", "Domain not found.")


def _page(state: State, found: Sequence[Item], query: Query, usual: int, most: int) -> tuple[Sequence[Item], str]:
    """A page and the token of the next; a token goes on behind the address it names and is good for three days."""
    size = min(int(query.get("maxResults", [str(usual)])[0]), most)
    if "pageToken" in query:
        try:
            after, until = json.loads(base64.urlsafe_b64decode(query["pageToken"][0]))
        except (ValueError, binascii.Error):
            raise invalid("Input: page_token") from None
        if state.now().timestamp() > until:
            raise invalid("Input: page_token")
        found = [one for one in found if [one.email, one.id] > after]
    page = found[:size]
    if len(found) <= size:
        return page, ""
    until = (state.now() + timedelta(days=3)).timestamp()
    token = json.dumps([[page[-1].email, page[-1].id], until]).encode()
    return page, base64.urlsafe_b64encode(token).decode()


def _search(state: State, text: str) -> Callable[[User], bool]:
    """The search language, as far as it is used here: clauses of email, externalId, orgUnitPath and isSuspended; all must hold."""
    clauses = re.findall(r"(\w+)([=:])('[^']*'|\S+)", text)
    if re.sub(r"(\w+)([=:])('[^']*'|\S+)", "", text).strip():
        raise invalid("Input: query")
    checks = [_clause(state, name, operator, quoted.strip("'").lower()) for name, operator, quoted in clauses]
    return lambda one: all(check(one) for check in checks)


def _clause(state: State, name: str, operator: str, value: str) -> Callable[[User], bool]:
    match name:
        case "email" if operator == ":" and value.endswith("*"):
            return lambda one: any(each.startswith(value[:-1]) for each in (one.email, *one.aliases))
        case "email":
            return lambda one: value in (one.email, *one.aliases)
        case "externalId":
            return lambda one: any(each.get("value", "").lower() == value for each in one.told.get("externalIds") or ())
        case "orgUnitPath":
            top = value.rstrip("/") + "/"
            return lambda one: (state.path(one.unit).lower().rstrip("/") + "/").startswith(top)
        case "isSuspended":
            return lambda one: bool(one.suspended) is (value == "true")
        case _:
            raise invalid("Input: query")
