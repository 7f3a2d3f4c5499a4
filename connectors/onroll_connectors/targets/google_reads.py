"""A Google Workspace is read once, whole, by pages, or not at all; everybody who holds a name is in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from onroll_connectors.targets.google_asks import Answer, Ask, Problem, Reply, Script
from onroll_connectors.targets.google_book import Recent
from onroll_connectors.targets.google_problems import halting
from onroll_connectors.targets.google_users import FIELDS, JSON, OWNER, Shape, anchor
from onroll_core.accounts import Account, Anchor, Holder, IdentityId, Observed
from onroll_core.contracts import Scope
from onroll_core.errors import Halt, Unavailable

_GROUP = "id,email,name,description,adminCreated,aliases,nonEditableAliases"


@dataclass(frozen=True, slots=True)
class Seen:
    """All that one look gave: users live and deleted, groups, full paths of org units, as JSON."""

    live: Sequence[JSON]
    deleted: Sequence[JSON]
    groups: Sequence[JSON] = ()


def users(customer: str, fields: str = FIELDS, deleted: bool = False) -> Ask:
    """The first page of users.list."""
    arguments: dict[str, Any] = {"customer": customer, "maxResults": 500, "orderBy": "email"}
    if deleted:
        arguments["showDeleted"] = "true"
    return Ask("users", "list", arguments | {"fields": f"nextPageToken,users({fields})"})


def owners(customer: str, deleted: bool = False) -> Ask:
    """The same with only what tells whose a user is."""
    return users(customer, OWNER, deleted)


LAST_SIGN_IN = "id,lastLoginTime"
"""Enough to tell when somebody last signed in."""


def signed_in(listed: Iterable[JSON]) -> dict[Anchor, datetime]:
    """When each last signed in; Google writes 1970 for never."""
    told = {anchor(user): user.get("lastLoginTime") or "" for user in listed}
    return {key: datetime.fromisoformat(when) for key, when in told.items() if when and not when.startswith("1970-")}


def groups(customer: str) -> Ask:
    """The first page of groups.list."""
    arguments = {"customer": customer, "maxResults": 200, "fields": f"nextPageToken,groups({_GROUP})"}
    return Ask("groups", "list", arguments)


def pages(
    first: Ask, what: str, progress: Callable[[int], None] = lambda count: None, begun: Reply | None = None
) -> Script[list[JSON]]:
    """Everything that a list gives, page after page; raises Unavailable or Halt rather than give a part. `begun` is the first page, where it was asked for."""
    key = first.resource.rpartition(".")[2]
    found: list[JSON] = []
    token: str | None = None
    while True:
        ask = first if token is None else Ask(first.resource, first.method, {**first.arguments, "pageToken": token})
        reply = begun if begun is not None and token is None else (yield ask)
        if isinstance(reply, Problem):
            raise unreadable(reply, what)
        found += reply.body.get(key) or ()
        progress(len(found))
        before, token = token, reply.body.get("nextPageToken")
        if not token:
            return found
        if token == before:
            raise Unavailable(
                f"Google Workspace gave the same page of {what} twice, so the list cannot be trusted. Nothing was changed."
            )


def units(customer: str) -> Script[list[str]]:
    """The full path of every org unit; the root is not among them."""
    fields = "organizationUnits(orgUnitPath)"
    reply = yield Ask("orgunits", "list", {"customerId": customer, "type": "all", "orgUnitPath": "/", "fields": fields})
    if isinstance(reply, Problem):
        raise unreadable(reply, "org units")
    return [unit["orgUnitPath"] for unit in reply.body.get("organizationUnits") or ()]


def make_unit(customer: str, path: str) -> Script[str | None]:
    """Make one org unit whose parent is there; None when it is there, else why not."""
    parent, _, name = path.rpartition("/")
    body = {"name": name, "parentOrgUnitPath": parent or "/"}
    reply = yield Ask("orgunits", "insert", {"customerId": customer, "body": body, "fields": "orgUnitPath"})
    if isinstance(reply, Answer):
        return None
    # Google says "invalid" for one that is there already as it does for a bad name; and an answer may have been lost.
    there = yield Ask(
        "orgunits", "get", {"customerId": customer, "orgUnitPath": path.lstrip("/"), "fields": "orgUnitPath"}
    )
    if isinstance(there, Answer):
        return None
    halting(reply)
    if reply.busy or reply.passing:
        raise Unavailable(
            f"Google Workspace did not make the org unit {path} ({reply.message or reply.status}). onroll tries again at its next run."
        )
    return (
        f"Google Workspace does not make the org unit {path} ({reply.message.rstrip('.') or reply.status}). Make it in the Admin console, or give"
        " onroll's role the right to create org units."
    )


def unreadable(problem: Problem, what: str) -> Halt | Unavailable:
    """The error of a read that was not answered."""
    if problem.busy or problem.passing:
        told = problem.message or f"error {problem.status}"
        return Unavailable(
            f"Google Workspace could not be read ({what}: {told}). Nothing was changed; onroll tries again."
        )
    if problem.status == 404:
        return Halt(
            f"Google Workspace does not know this customer ({what}: {problem.message}). Check customer in onroll.toml; my_customer is usual."
        )
    return Halt(
        f"Google Workspace does not let onroll read {what} ({problem.message}). Give onroll's admin role the right to read {what}, or let it"
        " act for an administrator who has it (subject in onroll.toml). onroll check says what is missing."
    )


def observed(seen: Seen, shape: Shape, recent: Recent, scope: Scope, now: datetime, spread: timedelta) -> Observed:
    """What was seen, in words that all targets share. Accounts are those below our org unit, and those that are ours wherever they are."""
    accounts: dict[Anchor, Account] = {}
    carried: dict[Anchor, IdentityId] = {}
    names: dict[str, Holder] = {}
    gone: set[Anchor] = set()
    administrators: set[Anchor] = set()
    for user in seen.deleted:
        key, owner = anchor(user), shape.owner(user)
        if owner is not None or key in scope.anchors:
            accounts[key] = shape.account(user, deleted=True)
            gone.add(key)
            if owner is not None:
                carried[key] = owner
        _hold(names, [user["primaryEmail"]], key if key in gone else None, f"the deleted user {user['primaryEmail']}")
    for group in seen.groups:
        _hold(names, _addresses(group, group["email"]), None, f"the group {group.get('name') or group['email']}")
    for user in seen.live:
        key, owner = anchor(user), shape.owner(user)
        account = shape.account(user)
        pending = recent.old_addresses(key, now, spread) - {account.email}
        if pending:
            account = _with(account, pending)
        ours = owner is not None or key in scope.anchors or not (account.place or "").startswith("/")
        if ours:
            accounts[key] = account
            if owner is not None:
                carried[key] = owner
            if user.get("isAdmin") or user.get("isDelegatedAdmin"):
                administrators.add(key)
        words = f"the user {account.email}"
        _hold(names, [account.email], key if ours else None, words)
        _hold(names, [*_addresses(user), *pending], key if ours else None, f"{words}, as an alias")
    return Observed(accounts, carried, names, deleted=frozenset(gone), protected=frozenset(administrators))


def _addresses(holder: Mapping[str, Any], *others: str) -> Iterable[str]:
    return (*others, *(holder.get("aliases") or ()), *(holder.get("nonEditableAliases") or ()))


def _hold(names: dict[str, Holder], addresses: Iterable[str], key: Anchor | None, words: str) -> None:
    for address in addresses:
        names[address.lower()] = Holder(key, words)


def _with(account: Account, aliases: frozenset[str]) -> Account:
    """The account with the old addresses that Google has promised and does not list yet."""
    return replace(account, aliases=account.aliases | aliases)
