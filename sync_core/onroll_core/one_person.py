"""A plan cut down to what it would do to some people's own accounts, for a person who wants one account put right now."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from onroll_core.accounts import IdentityId
from onroll_core.changes import AddMember, Change, CreateGroup, UpdateGroup
from onroll_core.plan import Plan


def only_of(plan: Plan, people: Collection[IdentityId]) -> Plan:
    """`plan` with the changes of `people` alone, and the conflicts about them. What is only remembered, and what is out of sight, stays as it was.

    No group is made or renamed for one person; so they join a group that the whole plan would make when that plan is carried out.
    """
    changes = tuple(each for each in plan.changes if _is_of(each, people))
    conflicts = tuple(each for each in plan.conflicts if each.identity in people)
    return replace(plan, changes=changes, conflicts=conflicts, notices=())


def _is_of(change: Change, people: Collection[IdentityId]) -> bool:
    match change:
        case CreateGroup() | UpdateGroup():
            return False
        case AddMember(group_anchor=None):
            return False
        case _:
            return change.who.identity in people
