"""Groups that a source does not list, made of what it says of each person."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from onroll_core.people import Group, GroupKind, Person, Role, SourceKey, Status


def own_groups(
    people: Iterable[Person], school: str, tutors: Mapping[str, Collection[SourceKey]] | None = None
) -> list[Group]:
    """Year, registration and house groups of the pupils on roll, as their own values make them; `tutors` lead registration groups, by name."""
    found: dict[tuple[GroupKind, str], set[SourceKey]] = {}
    for person in people:
        if person.status is not Status.ON_ROLL or person.role is not Role.STUDENT:
            continue
        kinds = (
            (GroupKind.YEAR, person.year_group),
            (GroupKind.REGISTRATION, person.registration_group),
            (GroupKind.HOUSE, person.house),
        )
        for kind, name in kinds:
            if name:
                found.setdefault((kind, name), set()).add(person.key)
    leaders = {(GroupKind.REGISTRATION, name): frozenset(keys) for name, keys in (tutors or {}).items()}
    return [
        Group(
            SourceKey(school, f"{kind.value}:{name}"),
            kind,
            name,
            frozenset(keys),
            leaders.get((kind, name), frozenset()),
        )
        for (kind, name), keys in sorted(found.items())
    ]


def classes(
    taught: Mapping[str, Collection[SourceKey]], leaders: Mapping[str, Collection[SourceKey]], school: str
) -> list[Group]:
    """Teaching groups by name, from who is in each and who takes it."""
    return [
        Group(
            SourceKey(school, f"teaching:{name}"),
            GroupKind.TEACHING,
            name,
            frozenset(taught.get(name, ())),
            frozenset(leaders.get(name, ())),
        )
        for name in sorted({*taught, *leaders})
    ]
