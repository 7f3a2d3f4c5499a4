"""Known groups, people and the school's rules become the groups that a target should have."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from onroll_core.accounts import DesiredGroup, IdentityId
from onroll_core.groups.known import KnownGroup
from onroll_core.groups.names import academic_year_name, slug
from onroll_core.identities import Identity
from onroll_core.people import GroupKind, Role, SourceKey
from onroll_core.rules import SchoolRules, TargetRules
from onroll_core.years import academic_year, stage_in

_ROLES = {Role.STUDENT: "Students", Role.STAFF: "Staff"}


@dataclass(slots=True)
class _Made:
    """A group while its people are gathered."""

    kind: GroupKind
    facts: dict[str, str]
    members: set[IdentityId] = field(default_factory=set)
    owners: set[IdentityId] = field(default_factory=set)
    archived: bool = False


def project_groups(
    known: Iterable[KnownGroup],
    identities: Iterable[Identity],
    holders: Collection[IdentityId],
    today: date,
    school: SchoolRules,
    target: TargetRules,
) -> Iterator[DesiredGroup]:
    """The groups of the kinds that `target` wants; `holders` have or get an enabled account there.

    Year groups are made of Years of Entry, so that nobody changes group in September; registration and house groups of what the MIS says of each
    pupil, with the tutors it names; roles of what people are. Teaching groups are the MIS's own. Two groups that would have one name get their
    record's number behind it.
    """
    year = academic_year(today, school.rollover)
    groups: dict[SourceKey, _Made] = {}
    wanted = [each for each in identities if each.id in holders]
    for identity in wanted:
        for record, kind, facts in _of_person(identity, year, school):
            if kind in target.groups:
                groups.setdefault(SourceKey(school.id, record), _Made(kind, facts)).members.add(identity.id)
    held = frozenset(holders)
    tutors: dict[tuple[GroupKind, str], frozenset[IdentityId]] = {}
    for group in known:
        if group.kind is GroupKind.TEACHING and group.kind in target.groups:
            facts = {"name": group.name, "kind": "class", "academic_year": academic_year_name(group.year)}
            groups[group.key] = _Made(
                group.kind, facts, set(group.members & held), set(group.leaders & held), group.archived
            )
        elif group.kind in (GroupKind.REGISTRATION, GroupKind.HOUSE) and not group.archived:
            tutors[group.kind, group.name] = group.leaders & held
        if group.kind is GroupKind.TEACHING and not group.archived and GroupKind.ROLE in target.groups:
            teachers = groups.setdefault(
                SourceKey(school.id, "role:teachers"), _Made(GroupKind.ROLE, {"name": "Teachers", "kind": "role"})
            )
            teachers.members |= group.leaders & held
    for made in groups.values():
        made.owners |= tutors.get((made.kind, made.facts["name"]), frozenset())
        made.members -= made.owners
    yield from _named(groups, school)


def _of_person(identity: Identity, year: int, school: SchoolRules) -> Iterator[tuple[str, GroupKind, dict[str, str]]]:
    """The groups that somebody is in by what they are: record, kind and the facts of its name."""
    if identity.role in _ROLES:
        name = _ROLES[identity.role]
        yield f"role:{identity.role.value}", GroupKind.ROLE, {"name": name, "kind": "role"}
    if identity.role is not Role.STUDENT:
        return
    entry = identity.year_of_entry
    if entry is not None:
        stage = stage_in(entry, year, school.country)
        facts = {"name": f"{entry:04}", "kind": "year", "yoe4": f"{entry:04}", "yoe2": f"{entry % 100:02}"}
        yield f"year:{entry:04}", GroupKind.YEAR, facts | ({"year": stage.label} if stage else {})
    person = identity.person
    for kind, told in ((GroupKind.REGISTRATION, person.registration_group), (GroupKind.HOUSE, person.house)):
        if told is not None and told.strip():
            yield f"{kind.value}:{told}", kind, {"name": told, "kind": kind.value}


def _named(groups: Mapping[SourceKey, _Made], school: SchoolRules) -> Iterator[DesiredGroup]:
    around = {"school": school.name, "school_id": school.id}
    taken: dict[str, SourceKey] = {}
    # A class that is over was made first, and keeps the address that it has.
    for key, made in sorted(groups.items(), key=lambda each: (not each[1].archived, each[0])):
        facts = around | made.facts
        name = school.groups.names[made.kind].render(facts)
        address = slug(school.groups.address.render(facts))
        if made.archived:
            name = school.groups.archived.render(facts | {"name": name})
        record = key.record.partition(":")[2] or key.record
        if taken.setdefault(name.lower(), key) != key:
            name = f"{name} [{record}]"
        if taken.setdefault(f"@{address}", key) != key:
            address = slug(f"{address[:40]}-{record}")
        yield DesiredGroup(
            key, made.kind, name, frozenset(made.members), frozenset(made.owners), address, made.archived
        )
