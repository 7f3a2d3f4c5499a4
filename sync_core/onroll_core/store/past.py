"""The past of people: when the MIS last had them, and forgetting what was known of those who left long ago."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Table, delete, select, text, update

from onroll_core.accounts import IdentityId
from onroll_core.identities import Identity
from onroll_core.people import Person, Status
from onroll_core.same_person import called
from onroll_core.store.codec import document, identity_row, told, utc
from onroll_core.store.engine import reading, writing
from onroll_core.store.events import note
from onroll_core.store.lists import listed
from onroll_core.store.schema import (
    changes,
    events,
    groups,
    guests,
    handouts,
    identities,
    memberships,
    plans,
    readings,
    renames,
    runs,
    undone,
)

SOMEBODY = "somebody who was forgotten"
_NAMES = frozenset({"login", "email", "aliases"})
"""What stays of a change: the names that the ledger keeps too."""
_GONE = (memberships, handouts, renames, undone, events)


class Past:
    """What the store keeps of people's past; `still_ours` refuses, in a transaction, what a run without its lease would write."""

    def __init__(self, engine: Engine, still_ours: Callable[[Connection, str], None]) -> None:
        self._engine = engine
        self._still_ours = still_ours

    def last_seen(self, school: str, absences: int) -> str | None:
        """When (ISO, UTC) the reading was taken that had somebody who has been missing from the last `absences` good ones; None when never, or not missing."""
        if not absences:
            return None
        query = select(readings.c.taken_at).where(readings.c.school == school, readings.c.good)
        with reading(self._engine) as connection:
            return told(connection.execute(query.order_by(readings.c.id.desc()).offset(absences).limit(1)).scalar())

    def heard_of(self, people: Sequence[IdentityId], since: datetime) -> set[IdentityId]:
        """Those of `people` to whom something happened, here or in a target, after `since`."""
        if not people:
            return set()
        column = listed(self._engine, people)
        happened = (
            select(events.c.identity).join(column, events.c.identity == column.c.value).where(events.c.at > utc(since))
        )
        sent = (
            select(changes.c.identity)
            .join(column, changes.c.identity == column.c.value)
            .where(changes.c.answered > utc(since))
        )
        with reading(self._engine) as connection:
            return {IdentityId(each) for query in (happened, sent) for each in connection.execute(query).scalars()}

    def switched(self, target: str, people: Sequence[IdentityId], since: datetime) -> set[IdentityId]:
        """Those of `people` whose account in a target onroll made, or switched on or off, after `since`."""
        if not people:
            return set()
        column = listed(self._engine, people)
        query = (
            select(changes.c.identity)
            .join(column, changes.c.identity == column.c.value)
            .join(plans, changes.c.plan == plans.c.id)
            .where(plans.c.target == target, changes.c.answered > utc(since), changes.c.outcome == "applied")
            .where(changes.c.kind.in_(("create", "enable", "disable")))
        )
        with reading(self._engine) as connection:
            return {IdentityId(each) for each in connection.execute(query).scalars()}

    def forget(
        self, run: int | None, school: str, found: Sequence[tuple[Identity, Identity]], why: str, now: datetime
    ) -> None:
        """Replace each of the first identities by the second, which has nothing personal in it, and take what was personal out of everything else.

        All of them or none. The identity, its MIS records, its accounts and its names stay. What a connector remembers of a target is not touched: it is a
        copy of what is there.
        """
        ids: dict[str, Identity] = {before.id: before for before, _ in found}
        with writing(self._engine) as connection:
            self._still_ours(connection, school)
            if connection.dialect.name == "sqlite":
                connection.execute(text("PRAGMA secure_delete = ON"))  # what was there is overwritten, not only let go
            for _, after in found:
                connection.execute(
                    update(identities).where(identities.c.id == after.id).values(identity_row(after, now))
                )
            for table in _GONE:
                _remove(connection, table, ids)
            shown = _empty_changes(connection, ids)
            _leave_groups(connection, ids)
            _empty_guests(connection, ids)
            _scrub(connection, school, ids, shown)
            note(
                connection,
                run,
                [(IdentityId(each), f"What was known of them was forgotten: {why}.") for each in ids],
                now,
            )


def _remove(connection: Connection, table: Table, ids: Iterable[str]) -> None:
    mine = select(listed(connection.engine, ids).c.value)
    connection.execute(delete(table).where(table.c.identity.in_(mine)))


def _empty_changes(connection: Connection, ids: Iterable[str]) -> set[str]:
    """What was done to their accounts stays, without what was written; gives the names under which they were shown."""
    shown: set[str] = set()
    column = listed(connection.engine, ids)
    query = select(changes.c.plan, changes.c.position, changes.c.kind, changes.c.username, changes.c.document)
    for row in connection.execute(query.join(column, changes.c.identity == column.c.value)).all():
        change = json.loads(row.document)
        shown |= {each for when in ("before", "after") for each in _shown(change[when])}
        kept = {name: _emptied(each) if name in ("before", "after") else each for name, each in change.items()}
        words = row.kind.replace("_", " ")
        connection.execute(
            update(changes)
            .where(changes.c.plan == row.plan, changes.c.position == row.position)
            .values(
                document=document(kept | {"reason": ""}),
                sentence=f"{words[0].upper()}{words[1:]} {row.username}: the details were forgotten.",
                note=None,
            )
        )
    return shown


def _shown(values: Mapping[str, Any]) -> set[str]:
    return {str(values.get("display_name") or ""), f"{values.get('given') or ''} {values.get('family') or ''}".strip()}


def _emptied(values: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in values.items():
        if name in _NAMES or isinstance(value, bool):
            found[name] = value
        else:
            found[name] = {} if isinstance(value, dict) else [] if isinstance(value, list) else ""
    return found


def _leave_groups(connection: Connection, ids: Mapping[str, Identity]) -> None:
    schools = {key.school for each in ids.values() for key in each.keys} | {each.school for each in ids.values()}
    query = select(groups.c.school, groups.c.record, groups.c.people).where(groups.c.school.in_(sorted(schools)))
    for row in connection.execute(query).all():
        people = json.loads(row.people)
        left = {name: [each for each in members if each not in ids] for name, members in people.items()}
        if left != people:
            mine = (groups.c.school == row.school) & (groups.c.record == row.record)
            connection.execute(update(groups).where(mine).values(people=document(left)))


def _empty_guests(connection: Connection, ids: Iterable[str]) -> None:
    """Other schools of a trust know the record as well, and what it said."""
    column = listed(connection.engine, ids)
    query = select(guests.c.school, guests.c.identity, guests.c.view)
    for row in connection.execute(query.join(column, guests.c.identity == column.c.value)).all():
        view = json.loads(row.view)
        person = json.loads(row.view)["person"] | {"status": Status.LEFT.value}
        kept = {name: person[name] for name in ("key", "role", "status")}
        mine = (guests.c.school == row.school) & (guests.c.identity == row.identity)
        emptied = document(view | {"person": kept, "year_of_entry": None})
        connection.execute(update(guests).where(mine).values(view=emptied))


def _scrub(connection: Connection, school: str, ids: Mapping[str, Identity], shown: Iterable[str]) -> None:
    """Their names go out of what was said of others: conflicts, notices, the sentences of nights."""
    spoken = {*shown, *(name for each in ids.values() for name in _spoken(each))}
    # As they stand inside a JSON text. A first or last name alone may be anybody's.
    names = {json.dumps(name)[1:-1] for name in spoken if " " in name}
    either = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    pattern = re.compile(rf"(?<!\w)(?:{either or '(?!)'})(?!\w)")
    told_in_plans = select(plans.c.id, plans.c.conflicts, plans.c.notices, plans.c.objections).where(
        plans.c.school == school
    )
    for row in connection.execute(told_in_plans).all():
        conflicts = [each | {"why": ""} if each["identity"] in ids else each for each in json.loads(row.conflicts)]
        kept = {"conflicts": conflicts, "notices": json.loads(row.notices), "objections": json.loads(row.objections)}
        values = {name: _without(document(value), pattern) for name, value in kept.items()}
        if values != {name: getattr(row, name) for name in values}:
            connection.execute(update(plans).where(plans.c.id == row.id).values(values))
    _scrub_nights(connection, school, pattern)


def _scrub_nights(connection: Connection, school: str, pattern: re.Pattern[str]) -> None:
    query = select(runs.c.id, runs.c.summary).where(runs.c.school == school, runs.c.summary.is_not(None))
    for row in connection.execute(query).all():
        summary = _without(row.summary, pattern)
        if summary != row.summary:
            connection.execute(update(runs).where(runs.c.id == row.id).values(summary=summary))


def _without(kept: str, pattern: re.Pattern[str]) -> str:
    return pattern.sub(SOMEBODY, kept)


def _spoken(identity: Identity) -> set[str]:
    """The full names of a person, as they are used and as the law has them."""
    person = identity.person
    first, last = person.legal_first or person.first, person.legal_last or person.last
    legal = Person(person.key, person.role, person.status, first, last)
    return {called(person), called(legal), identity.chosen_display_name or ""}
