"""A school's classes as nights bring them to Google: what should be, against what is, carried out by a connection of its own each night."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from google_world import World
from onroll_connectors.testing import everything
from onroll_core.accounts import Anchor, DesiredGroup, IdentityId, Observed, ObservedGroup
from onroll_core.changes import Change, Outcome, Who
from onroll_core.contracts import Scope
from onroll_core.groups.courses import with_courses
from onroll_core.groups.diff import diff_groups
from onroll_core.people import GroupKind, Role, SourceKey
from onroll_core.plan import ordered

SCHOOL = "milton-park"


def lesson(name: str, /, members: Iterable[str] = (), owners: Iterable[str] = (), **other: object) -> DesiredGroup:
    """The class `name` with these people, by the names of their accounts."""
    local = name.lower().replace("/", "-").replace(" ", "-")
    group = DesiredGroup(
        SourceKey(SCHOOL, f"teaching:{local}"),
        GroupKind.TEACHING,
        name,
        frozenset(IdentityId(f"id-{each}") for each in members),
        frozenset(IdentityId(f"id-{each}") for each in owners),
        f"mp-{local}",
    )
    return replace(group, **other)  # type: ignore[arg-type]


@dataclass
class School:
    """Accounts that are there already, each carrying its identity, and nights of groups."""

    world: World
    people: dict[IdentityId, Who] = field(default_factory=dict)

    def enrol(self, *names: str, role: Role = Role.STUDENT) -> None:
        """Accounts of ours, made long ago."""
        for name in names:
            ids = [{"type": "custom", "customType": "onroll", "value": f"id-{name}"}]
            user = self.world.google.add_user(f"{name}@school.test", name.title(), "Smith", externalIds=ids)
            identity = IdentityId(f"id-{name}")
            self.people[identity] = Who(identity, name, role, Anchor(user.id))

    def anchor(self, name: str) -> Anchor:
        return self.people[IdentityId(f"id-{name}")].object

    def plan(self, *wanted: DesiredGroup) -> tuple[list[Change], Observed]:
        """What a night would do."""
        target = self.world.connect()
        seen = target.observe(Scope(SCHOOL))
        groups = with_courses(wanted, target.abilities.courses, target.abilities.courses_alone)
        return ordered(diff_groups(groups, seen, self.people)), seen

    def night(self, *wanted: DesiredGroup) -> list[Outcome]:
        """One night: observed, compared, carried out by the same connection."""
        target = self.world.connect()
        seen = target.observe(Scope(SCHOOL))
        groups = with_courses(wanted, target.abilities.courses, target.abilities.courses_alone)
        return everything(target, ordered(diff_groups(groups, seen, self.people)))

    def quiet(self, *wanted: DesiredGroup) -> bool:
        """Whether there is nothing to do, and a night writes nothing."""
        self.world.settle()
        changes, _ = self.plan(*wanted)
        before = self.world.google.written()
        return not changes and not self.night(*wanted) and self.world.google.written() == before

    def seen(self) -> dict[str, ObservedGroup]:
        """Our groups by name; a course's has "course " before it."""
        self.world.settle()
        found = self.world.connect().observe(Scope(SCHOOL)).groups
        return {f"{'course ' * anchor.startswith('course:')}{group.name}": group for anchor, group in found.items()}

    def calls(self, since: int) -> Sequence[str]:
        """The operations that were done from the call numbered `since`."""
        return [name for name, _, status in self.world.google.calls[since:] if status < 400]
