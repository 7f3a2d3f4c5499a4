"""Why everything about one person is as it is, from what is known here and what the caller saw of the targets."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

from onroll_core.explain import Explanation, Facts, There, explain, look
from onroll_core.explain.words import Rulebook
from onroll_core.groups.known import KnownGroup
from onroll_core.identities import Identity
from onroll_core.store import Store
from onroll_daemon.operations.records import last_said
from onroll_daemon.settings import Settings


def explained(
    settings: Settings,
    store: Store,
    identity: Identity,
    today: date,
    there: Sequence[There],
    known: Sequence[KnownGroup] | None = None,
) -> Explanation:
    """All there is to say of one person; `there` are the targets of all their schools, each once, and `known` the groups of their own (None: all)."""
    facts = Facts(
        identity,
        today,
        Rulebook(settings.schools[identity.school].rules, written(settings.path, identity.school)),
        store.history(identity.id),
        there,
        store.groups(identity.school) if known is None else known,
        _said(store, identity),
        store.past.last_seen(identity.school, identity.absences) if identity.source == "mis" else None,
        [
            (identity.elsewhere[each.school], each)
            for each in store.guests.of_person(identity)
            if each.school in identity.elsewhere
        ],
    )
    return explain(facts)


def from_here(settings: Settings, store: Store, identity: Identity, today: date) -> Explanation:
    """The same from the store alone, and no more of it than is about this person: quick, and no target is asked."""
    known = store.lookup.groups_about(identity.school, identity.id)
    return explained(settings, store, identity, today, unasked(settings, store, identity), known)


def unasked(settings: Settings, store: Store, identity: Identity) -> list[There]:
    """The targets of all their schools as far as the store tells; nothing is asked, and nobody else's changes are read."""
    schools = [each for each in dict.fromkeys([identity.school, *identity.elsewhere]) if each in settings.schools]
    found: dict[str, There] = {}
    for school in schools:
        rules = [settings.targets[name].rules for name in settings.schools[school].targets]
        for each in look.unasked(store, school, rules, identity.id):
            found.setdefault(each.rules.name, each)
    return list(found.values())


def written(path: Path, school: str) -> frozenset[str] | None:
    """The keys that the configuration itself has, of a school and of every target: "school.students.username"; None when it cannot be read now."""
    try:
        return _written(path, path.stat().st_mtime_ns, school)
    except (OSError, ValueError, KeyError):
        return None


@lru_cache(maxsize=64)
def _written(path: Path, changed: int, school: str) -> frozenset[str]:
    told = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    (own,) = (each for each in told["school"] if each["id"] == school)
    tables = {"school": own, "targets": told.get("targets", {})}
    return frozenset(_paths("", tables))


def _paths(before: str, table: Mapping[str, Any]) -> Iterable[str]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _paths(f"{before}{key}.", value)
        else:
            yield f"{before}{key}"


def _said(store: Store, identity: Identity) -> list[str]:
    """What the last reading left to a person and is about this one."""
    mine = {identity.label, *(key.record for key in identity.keys)}
    return [each for each in last_said(store, identity.school) if mine & set(_words(each))]


def _words(sentence: str) -> list[str]:
    return [each.strip(".,:;()'\"") for each in sentence.split()]
