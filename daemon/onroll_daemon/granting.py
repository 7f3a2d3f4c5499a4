"""What a school has to grant so that onroll can work: to its accounts in every target, and in the MIS; by each connector's own table of rights."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import NamedTuple

from onroll_connectors.source_rights import grants as source_grants
from onroll_daemon.configured import kind
from onroll_daemon.settings import SchoolSettings, Settings


class Grants(NamedTuple):
    """What to grant for one source or target; `lines` are for people, commands indented."""

    where: str
    lines: Sequence[str]


def what_to_grant(settings: Settings, schools: Sequence[SchoolSettings]) -> list[Grants]:
    """Everything, schools first; a target that several schools share once."""
    found = []
    targets: dict[str, None] = {}
    for school in schools:
        route = kind(school.route.module)
        found.append(Grants(f"{school.rules.id}, {route}", source_grants(route, school.route.settings)))
        targets |= dict.fromkeys(school.targets)
    for name in targets:
        target = settings.targets[name]
        groups = tuple(each.value for each in target.rules.groups)
        licences = target.rules.release_licences_after is not None
        found.append(Grants(name, import_module(target.module).grants(target.settings, groups, licences)))
    return found


def as_text(grants: Sequence[Grants]) -> str:
    """All of it as a text file."""
    return "\n\n".join("\n".join([f"== {each.where} ==", *each.lines]) for each in grants) + "\n"
