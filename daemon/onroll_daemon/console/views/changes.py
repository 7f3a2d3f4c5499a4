"""A change as people read it: what would be done, why, and what the values were and become."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from onroll_core.identities import Identity
from onroll_daemon.console.place import Place
from onroll_daemon.console.templating import value

KINDS: Mapping[str, str] = {
    "disable": "Accounts disabled",
    "enable": "Accounts enabled",
    "create": "New accounts",
    "link": "Accounts linked",
    "rename": "Renames",
    "update": "Changed details",
    "move": "Moves",
    "give_password": "First passwords",
    "update_group": "Changed groups",
    "create_group": "New groups",
    "add_member": "Members added to groups",
    "remove_member": "Members taken out of groups",
    "return_licences": "Licences given again",
    "release_licences": "Licences released",
}
"""In the order of a plan."""
LABELS: Mapping[str, str] = {
    "login": "Username",
    "email": "Address",
    "given": "First name",
    "family": "Last name",
    "place": "Place",
    "enabled": "Can sign in",
    "must_change": "Has to be changed at the first sign-in",
    "attributes": "Further attributes",
}
NO_LONGER_TOLD = frozenset({"display_name", "given", "family"})
"""What somebody was called before is told nowhere."""
GROUPS = frozenset({"create_group", "update_group"})
"""Kinds that are about nobody in particular."""


def words(name: str) -> str:
    """A value's name as it is called on pages: "display name"."""
    return LABELS.get(name, name.replace("_", " ").capitalize())


def shown(document: Mapping[str, Any]) -> dict[str, Any]:
    """A change in the shape of `plan --json`, for a page: kind, what (a short sentence), reason, before, after, username, and identity where it is a person's."""
    before, after = dict(document["before"]), dict(document["after"])
    for name in NO_LONGER_TOLD & before.keys():
        del before[name]
    kind = document["kind"]
    return {
        "kind": kind,
        "what": _what(document),
        "reason": document["reason"],
        "before": before if kind != "create" else {},
        "after": after,
        "username": document["username"],
        "identity": None if kind in GROUPS else document["identity"] or None,
    }


def named(place: Place, rows: Iterable[Mapping[str, Any]]) -> tuple[dict[str, Any], ...]:
    """Rows as `shown` makes them, with the `name` of whoever each is about, where the row does not say it anyway."""
    found = list(rows)
    wanted = {row["identity"] for row in found if row["identity"] and row["kind"] != "create"}
    people = place.store.browse.people(wanted) if wanted else {}
    return tuple(
        {**row, "name": _name(people.get(row["identity"])) if row["identity"] in wanted else ""} for row in found
    )


def _name(who: Identity | None) -> str:
    return " ".join(filter(None, (who.person.first, who.person.last))) if who else ""


def in_order(counts: Mapping[str, int]) -> list[tuple[str, str, int]]:
    """Kinds with their words and numbers, in the order of a plan; those of which there are none are left out."""
    names = [*KINDS, *sorted(counts.keys() - KINDS.keys())]
    return [(each, KINDS.get(each, words(each)), counts[each]) for each in names if counts.get(each)]


def grouped(rows: Iterable[Mapping[str, Any]]) -> list[tuple[str, list[Mapping[str, Any]]]]:
    """Rows that stand side by side and are of one kind, under the words for it."""
    found: list[tuple[str, list[Mapping[str, Any]]]] = []
    for row in rows:
        heading = KINDS.get(row["kind"], words(row["kind"]))
        if not found or found[-1][0] != heading:
            found.append((heading, []))
        found[-1][1].append(row)
    return found


def _what(document: Mapping[str, Any]) -> str:
    """A few words; the values stand beside it."""
    who, before, after = document["username"], document["before"], document["after"]
    group = after.get("group") or before.get("group") or ""
    match document["kind"]:
        case "create":
            return f"Create {who} ({after.get('display_name') or after.get('email') or ''}){_in(after.get('place'))}"
        case "rename":
            return f"Rename {before.get('login')} to {after.get('login')}"
        case "update":
            return f"Change {who}: {', '.join(words(each).lower() for each in sorted(after))}"
        case "move":
            return f"Move {who} to {after.get('place') or 'the top'}"
        case "enable":
            return f"{'Restore' if before.get('deleted') else 'Enable'} {who}"
        case "create_group":
            return f"Create the group {group}"
        case "update_group" if after.get("archived"):
            return f"Archive the group {before.get('group')} as {group}"
        case "update_group":
            return f"Rename the group {before.get('group')} to {group}"
        case "add_member":
            return f"Add {who} to {group}{' as an owner' if after.get('owner') else ''}"
        case "remove_member":
            return f"Take {who} out of {group}"
    return f"{_PLAIN.get(document['kind'], words(document['kind']))} {who}"


_PLAIN = {
    "link": "Link the account of",
    "disable": "Disable",
    "give_password": "Give a first password to",
    "release_licences": "Release licences of",
    "return_licences": "Give licences again to",
}


def _in(place: Any) -> str:
    return f" in {value(place)}" if place else ""
