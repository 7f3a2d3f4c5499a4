"""Why somebody is in the groups that they are in, and in no others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date

from onroll_core.accounts import DesiredGroup
from onroll_core.explain.sign_in import There
from onroll_core.explain.words import Row, Rulebook, Thing, last_change, record_of
from onroll_core.groups.known import KnownGroup
from onroll_core.groups.project import project_groups
from onroll_core.identities import Identity
from onroll_core.lifecycle import Standing
from onroll_core.people import GroupKind, SourceKey

_MOVES = ("add_member", "remove_member")


def memberships(
    identity: Identity,
    where: Standing,
    there: There,
    known: Sequence[KnownGroup],
    today: date,
    book: Rulebook,
    history: Sequence[Row],
) -> Iterator[Thing]:
    """Each group of a target that they are in or should be in; nothing where the target has none."""
    name, kinds = there.rules.name, there.rules.groups
    if not kinds or name not in identity.bonds:
        return
    wanted: dict[SourceKey, DesiredGroup] = {}
    if where.access:
        projected = project_groups(known, [identity], {identity.id}, today, book.school, there.rules)
        wanted = {
            group.key: group
            for group in projected
            if identity.id in group.members | group.owners and not group.archived
        }
    by_key = {group.key: group for group in known}
    listed = book.of(f"targets.{name}", "groups", sorted(kind.value for kind in kinds))
    for key, group in sorted(wanted.items()):
        known_as = by_key.get(key)
        thing = Thing("group", group.name, _because(identity, group, known_as, today, book), target=name)
        template = book.of("school.groups", group.kind.value, book.school.groups.names[group.kind].text)
        thing = replace(
            thing, record=record_of(identity, f"{group.kind.value} {_told(group)}"), rule=f"{listed}; {template}"
        )
        if known_as is not None and known_as.doubt:
            thing = replace(thing, rule=book.of("school.groups", "shrink", "..."), because=known_as.doubt)
        if there.observed is not None and key not in _in(identity, there):
            thing = replace(thing, because=f"{thing.because}; not in it yet")
        yield thing.made_by(last_change(history, name, ("add_member",), lambda told, key=key: _of(told) == key.record))  # type: ignore[misc]
    yield from _others(identity, where, there, wanted, history, listed)
    if not where.access and not _in(identity, there):
        why = f"whoever may not sign in is in no group ({where.because})"
        yield Thing("group", "none", why, rule=listed, target=name).made_by(
            last_change(history, name, ("remove_member",))
        )


def left_as_they_were(identity: Identity, known: Sequence[KnownGroup], today: date, book: Rulebook) -> list[str]:
    """Why a class that the MIS has put them into may not have them yet: frozen between terms, or doubted."""
    said = []
    classes = [each for each in known if each.kind is GroupKind.TEACHING and not each.archived]
    if classes and not book.school.groups.in_term(today):
        said.append(
            "Classes are frozen: outside the terms of [school.groups] terms nobody is taken out of one, and whoever is new in one is added."
        )
    doubted = [each.name for each in classes if each.doubt and identity.id not in each.members | each.leaders]
    if doubted:
        said.append(
            f"{', '.join(doubted[:5])}: left as it was, because the MIS took most of its people out. Whoever is new in it is not in it yet;"
            f" onroll plan {book.school.id} says how to approve it."
        )
    return said


def _others(
    identity: Identity,
    where: Standing,
    there: There,
    wanted: dict[SourceKey, DesiredGroup],
    history: Sequence[Row],
    listed: str,
) -> Iterator[Thing]:
    """Groups of ours that they are in and need not be in."""
    for key, name in sorted(_in(identity, there).items()):
        if key in wanted or key.school != identity.school:
            continue
        row = last_change(history, there.rules.name, _MOVES, lambda told, key=key: _of(told) == key.record)  # type: ignore[misc]
        if row is not None and row["kind"] == "add_member":
            why = f"is no longer in it in the MIS; {'may not sign in' if not where.access else 'is taken out at the next sync'}"
            yield Thing("group", name, why, rule=listed, target=there.rules.name).made_by(row)
        else:
            rule = f'[targets.{there.rules.name}] strangers = "{there.rules.strangers}"'
            yield Thing("group", name, "somebody else put them into it", rule=rule, target=there.rules.name)


def _in(identity: Identity, there: There) -> dict[SourceKey, str]:
    """The groups of ours in which their account is, by what they were made for."""
    if there.observed is None or there.rules.name not in identity.bonds:
        return {}
    anchor = identity.bonds[there.rules.name].anchor
    groups = there.observed.groups.values()
    return {each.key: each.name for each in groups if anchor in each.members | each.owners and not each.archived}


def _because(identity: Identity, group: DesiredGroup, known: KnownGroup | None, today: date, book: Rulebook) -> str:
    match group.kind:
        case GroupKind.YEAR:
            return f"their Year of Entry is {identity.year_of_entry}"
        case GroupKind.ROLE if group.key.record == "role:teachers":
            return "takes a class"
        case GroupKind.ROLE:
            return f"is {'a pupil' if identity.role.value == 'student' else 'one of the staff'}"
        case GroupKind.TEACHING:
            how = "takes this class" if known and identity.id in known.leaders else "has this class in the MIS"
            frozen = not book.school.groups.in_term(today)
            return how + ("; classes are frozen until the term begins" if frozen else "")
        case _:
            tutor = identity.id in group.owners
            return f"is {'the tutor of' if tutor else 'in'} this {group.kind.value} group in the MIS"


def _told(group: DesiredGroup) -> str:
    return group.key.record.partition(":")[2] or group.key.record


def _of(told: Row) -> str:
    group = told["after"] or told["before"]
    return str(group.get("key", ""))
