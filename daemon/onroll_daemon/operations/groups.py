"""Which groups each target of a school should have, who is in them and leads them, and what is kept as it was; read from the store alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from onroll_core.accounts import DesiredGroup, IdentityId
from onroll_core.groups.courses import is_course, with_courses
from onroll_core.groups.known import moving_up
from onroll_core.groups.project import project_groups
from onroll_core.identities import Identity
from onroll_core.people import GroupKind, SourceKey
from onroll_core.store import Store
from onroll_daemon.settings import SchoolSettings, Settings, TargetSettings


@dataclass(frozen=True, slots=True)
class Shown:
    """One group as one target should have it. `course`: it is held as a Classroom course. `doubt` is why its people were left as they were, for a person to
    settle; `note` says that, or that it is over or frozen, and is "" where there is nothing to say."""

    target: str
    group: DesiredGroup
    course: bool
    doubt: str
    note: str

    @property
    def kind(self) -> str:
        """What kind of group it is."""
        return self.group.kind.value

    @property
    def record(self) -> str:
        """The MIS's own record of it, or what onroll made it of."""
        return self.group.key.record


@dataclass(frozen=True, slots=True)
class Groups:
    """The groups of a school in all its targets, and the people whom they are made of."""

    rows: list[Shown]
    people: Mapping[IdentityId, Identity]

    def labels(self, identities: frozenset[IdentityId]) -> list[str]:
        """What people are called, sorted."""
        return sorted(self.people[each].label for each in identities if each in self.people)


def groups_of(settings: Settings, store: Store, school: SchoolSettings, today: date) -> Groups:
    """A school's groups as they were read last. Asks no target: what is in a target by somebody else's hand is not in it."""
    identities, known = store.identities(school.rules.id), store.groups(school.rules.id)
    doubts = {each.key: each.doubt for each in known}
    frozen = not school.rules.groups.in_term(today) and not moving_up(today, school.rules)
    found = []
    for name in school.targets:
        there = {each.id for each in identities if name in each.bonds and each.bonds[name].enabled is not False}
        made = project_groups(known, identities, there, today, school.rules, settings.targets[name].rules)
        for group in with_courses(made, *_courses(settings.targets[name])):
            doubt = doubts.get(_told(group), "")
            course = is_course(group.key)
            found.append(Shown(name, group, course, doubt, _note(group, doubt, frozen)))
    return Groups(found, {each.id: each for each in identities})


def _courses(target: TargetSettings) -> tuple[frozenset[GroupKind], bool]:
    """Which kinds are held as courses, and whether they are courses alone. Only a target whose settings say `classroom` has any."""
    told = getattr(target.settings, "classroom", ())
    return frozenset(GroupKind(each) for each in told), bool(getattr(target.settings, "classroom_only", False))


def _told(group: DesiredGroup) -> SourceKey:
    """The key under which the MIS tells a group, also for the course that is made of it."""
    return SourceKey(group.key.school, group.key.record.removeprefix("course:"))


def _note(group: DesiredGroup, doubt: str, frozen: bool) -> str:
    if group.archived:
        return "its class is over; whoever was in it stays"
    if frozen and not doubt and group.kind is GroupKind.TEACHING:
        return "between terms nobody is taken out"
    return doubt
