"""From [school.groups] to the rules by which groups are called and kept."""

from __future__ import annotations

from datetime import date
from typing import Any

from onroll_core.groups.names import GroupTemplate
from onroll_core.people import GroupKind
from onroll_core.rules import DEFAULT_GROUP_NAMES, GroupRules, Limit, Term
from onroll_daemon.mistakes import Mistakes
from onroll_daemon.tables import GroupsTable
from onroll_daemon.toml_lines import Spot


def group_rules(table: GroupsTable, spot: Spot, mistakes: Mistakes) -> GroupRules:
    """The rules; what cannot be used of them is said, and its default stands in."""
    names = dict(DEFAULT_GROUP_NAMES)
    other: dict[str, Any] = {}
    for key in (*(kind.value for kind in GroupKind), "archived", "address"):
        text = getattr(table, key)
        if text is None:
            continue
        try:
            template = GroupTemplate.parse(text)
        except ValueError as problem:
            mistakes.say((*spot, key), str(problem))
            continue
        if key in ("archived", "address"):
            other[key] = template
        else:
            names[GroupKind(key)] = template
    if table.shrink is not None:
        other["shrink"] = Limit(table.shrink.count, table.shrink.percent)
    return GroupRules(names, terms=_terms(table.terms, (*spot, "terms"), mistakes), **other)


def _terms(told: list[list[str]], spot: Spot, mistakes: Mistakes) -> tuple[Term, ...]:
    found = []
    for pair in told:
        try:
            begins, ends = (date.fromisoformat(each) for each in pair)
        except ValueError:
            mistakes.say(spot, f'{pair!r} is not a term; write its first and last day: ["2026-09-02", "2026-12-18"].')
            continue
        if ends < begins:
            mistakes.say(spot, f"a term cannot end on {ends} when it begins on {begins}.")
        found.append(Term(begins, ends))
    return tuple(sorted(found, key=lambda term: term.begins))
