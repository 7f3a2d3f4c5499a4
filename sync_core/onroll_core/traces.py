"""By what a change that a run made is known again: in a plan that has the same, and in a run that changed the same otherwise."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

Aspect = tuple[str, ...]
"""What a change is about, whatever it made of it: (enabled, identity), (member, identity, group, owner)..."""


class Trace(NamedTuple):
    """A change as it is known again when a later plan has the same: its kind, whom or which group it changes, and what it comes to."""

    kind: str
    identity: str
    about: str


def traces(document: Mapping[str, Any]) -> frozenset[Trace]:
    """What a later plan would have again if it did the same. An account or a group is made once: doing it again is to enable it, or to hold it again."""
    kind, identity, after = document["kind"], document["identity"], document["after"]
    match kind:
        case "create":
            return frozenset({Trace("enable", identity, "")})
        case "update":
            values = ((name, value) for name, value in after.items() if name != "aliases")
            return frozenset(Trace(kind, identity, _about(name, value)) for name, value in values)
        case "rename":
            return frozenset({Trace(kind, identity, _about(after["login"], after["email"]))})
        case "move":
            return frozenset({Trace(kind, identity, _about(after["place"].casefold()))})
        case "create_group":
            return frozenset({Trace("update_group", identity, _about(after["group"], False))})
        case "update_group":
            return frozenset({Trace(kind, identity, _about(after["group"], after.get("archived")))})
        case "add_member" | "remove_member":
            group = after or document["before"]
            return frozenset({Trace(kind, identity, _about(group["key"], group["owner"]))})
        case "enable" | "disable" | "release_licences" | "return_licences":
            return frozenset({Trace(kind, identity, "")})
        case _:
            return frozenset()


def _about(*facts: object) -> str:
    """Facts as text that any database can hold."""
    return json.dumps(facts)


def aspects(document: Mapping[str, Any]) -> frozenset[Aspect]:
    """What a change is about."""
    kind, identity, after = document["kind"], document["identity"], document["after"]
    match kind:
        case "create" | "enable" | "disable":
            return frozenset({("enabled", identity)})
        case "release_licences" | "return_licences":
            return frozenset({("licences", identity)})
        case "update":
            return frozenset(("value", identity, name) for name in after)
        case "add_member" | "remove_member":
            group = after or document["before"]
            return frozenset({("member", identity, group["key"], str(group["owner"]))})
        case "create_group":
            return frozenset({("update_group", identity)})
        case _:
            return frozenset({(kind, identity)})
