"""How many changes of which kind a plan has, and why: the part of it that is taken into a meeting."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from onroll_core.changes import (
    AddMember,
    Change,
    Create,
    CreateGroup,
    Move,
    RemoveMember,
    Update,
    UpdateGroup,
    kind,
)

_REASONS = 6
_GROUPED = 3


def totals(changes: Sequence[Change]) -> list[str]:
    """Lines of number, kind and reason, in the plan's order of kinds; the commonest reason of a kind first, and rare ones together. A plan of very few
    changes needs none."""
    if len(changes) <= _GROUPED:
        return []
    lines: list[str] = []
    for each in dict.fromkeys(kind(change) for change in changes):
        lines += _of_kind(each, [change for change in changes if kind(change) == each])
    return lines


def _of_kind(name: str, changes: Sequence[Change]) -> Iterable[str]:
    reasons = Counter(_reason(change) for change in changes)
    common = reasons.most_common(_REASONS)
    for reason, count in common:
        yield f"{count:>6}  {name.replace('_', ' '):<14} {reason}".rstrip()
    rest = len(changes) - sum(count for _, count in common)
    if rest:
        yield f"{rest:>6}  {name.replace('_', ' '):<14} for {len(reasons) - len(common)} other reasons"


def _reason(change: Change) -> str:
    """The reason with what tells changes of one kind apart, but for whose they are."""
    match change:
        case Update(_, _, after):
            return f"{', '.join(sorted(after))}: {change.reason}"
        case Move(_, before, after):
            return f"{before or 'the top'} to {after or 'the top'}: {change.reason}"
        case CreateGroup(group):
            return f"{group.kind.value} groups"
        case UpdateGroup(archive=archive):
            return {True: "archived", False: "held again", None: "another name"}[archive] + f": {change.reason}"
        case AddMember() | RemoveMember():
            return f"{change.key.record.partition(':')[0]} groups: {change.reason}"
        case Create(account=account):
            where = f" in {account.place}" if account.place else ""
            return f"{change.reason}{where}"
        case _:
            return change.reason
