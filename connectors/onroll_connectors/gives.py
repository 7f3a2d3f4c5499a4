"""What a route to a MIS can tell, as data: the README's table and the test that every route tells of the same school read it."""

from __future__ import annotations

from dataclasses import dataclass, field

from onroll_core.people import GroupKind

_GROUPS = frozenset({GroupKind.YEAR, GroupKind.REGISTRATION, GroupKind.HOUSE, GroupKind.TEACHING})


@dataclass(frozen=True, slots=True)
class Gives:
    """What a source reads. Students and staff who are there now are not named: every source tells of students on roll.

    `untold_students` and `untold_staff` are names of `onroll_core.people.Person`'s fields that this route never fills. `contacts` are read
    only where the school asks for them. `why` says in a sentence, for the documentation, why something is not told.
    """

    future: bool = True
    leavers: bool = True
    staff: bool = True
    future_staff: bool = True
    staff_leavers: bool = True
    groups: frozenset[GroupKind] = _GROUPS
    contacts: bool = False
    untold_students: frozenset[str] = frozenset()
    untold_staff: frozenset[str] = frozenset()
    why: str = field(default="", compare=False)
