"""Guests of schools, and how a person goes over from one school of a trust to another."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime

from sqlalchemy import Connection, Engine, delete, select, union
from sqlalchemy.dialects import postgresql, sqlite

from onroll_core.accounts import IdentityId
from onroll_core.errors import Refused
from onroll_core.identities import Identity, State
from onroll_core.people import SourceKey
from onroll_core.store import events, people
from onroll_core.store.codec import document, person_document, person_from
from onroll_core.store.engine import reading, writing
from onroll_core.store.lists import listed
from onroll_core.store.schema import guests, identities, memberships, source_keys
from onroll_core.trust import Handover


class Guests:
    """What the store keeps of people at two schools; `still_ours` refuses, in a transaction, what a run without its lease would write."""

    def __init__(self, engine: Engine, still_ours: Callable[[Connection, str], None]) -> None:
        self._engine = engine
        self._still_ours = still_ours

    def of_school(self, school: str) -> list[Identity]:
        """Everybody who is a guest of `school`, as it sees them (see `Identity.host`); whoever is its own by now is not."""
        with reading(self._engine) as connection:
            mine = select(guests.c.identity).where(guests.c.school == school)
            hosts = {each.id: each for each in people.load(connection, mine) if each.school != school}
            rows = connection.execute(select(guests).where(guests.c.school == school).order_by(guests.c.identity))
            return [_seen(hosts[row.identity], school, row.view) for row in rows if row.identity in hosts]

    def of_person(self, identity: Identity) -> list[Identity]:
        """The same person as each school sees them whose guest they are, or were."""
        with reading(self._engine) as connection:
            mine = (guests.c.identity == identity.id) & (guests.c.school != identity.school)
            rows = connection.execute(select(guests).where(mine).order_by(guests.c.school))
            return [_seen(identity, row.school, row.view) for row in rows]

    def former(self, school: str) -> list[Identity]:
        """Everybody of other schools who was once known to `school`: by a record, as a guest, or because onroll put them into one of its groups."""
        traces = union(
            select(source_keys.c.identity).where(source_keys.c.school == school),
            select(memberships.c.identity).where(memberships.c.school == school),
            select(guests.c.identity).where(guests.c.school == school),
        ).subquery()
        theirs = select(identities.c.id).join(traces, traces.c.identity == identities.c.id)
        with reading(self._engine) as connection:
            return people.load(connection, theirs.where(identities.c.school != school))

    def found_by(self, schools: Iterable[str], folded: Iterable[str]) -> list[Identity]:
        """People of `schools` one of whose names or numbers, folded, is among `folded`; nobody else becomes an object, whatever the trust's size."""
        wanted = set(folded)
        if not wanted:
            return []
        with reading(self._engine) as connection:
            names = listed(self._engine, schools)
            query = select(identities.c.id, identities.c.search).join(names, identities.c.school == names.c.value)
            ids = [row.id for row in connection.execute(query) if not wanted.isdisjoint(row.search.split("\n"))]
            return people.load(connection, select(listed(self._engine, ids).c.value)) if ids else []

    def ids_of(self, schools: Iterable[str]) -> frozenset[IdentityId]:
        """The identities that `schools` look after."""
        names = listed(self._engine, schools)
        query = select(identities.c.id).join(names, identities.c.school == names.c.value)
        with reading(self._engine) as connection:
            return frozenset(IdentityId(each) for each in connection.execute(query).scalars())

    def remember(
        self, run: int | None, school: str, called: str, found: Sequence[tuple[Identity, bool]], now: datetime
    ) -> None:
        """Insert or replace guests of `school`, which is `called` so, each with whether it has them on roll."""
        with writing(self._engine) as connection:
            self._still_ours(connection, school)
            _remember(connection, run, found, called, now)

    def forget(self, school: str, identity: IdentityId) -> None:
        """This person is no guest of `school`, and never was."""
        with writing(self._engine) as connection:
            _forget(connection, school, identity)

    def hand_over(self, run: int | None, handover: Handover, now: datetime) -> None:
        """Somebody goes over from one school to another, under the lease of the first. Raises Refused when they are no longer the first one's."""
        before, after = handover.before, handover.after
        with writing(self._engine) as connection:
            self._still_ours(connection, before.school)
            current = connection.execute(select(identities.c.school).where(identities.c.id == before.id)).scalar()
            if current != before.school:
                raise Refused(
                    f"{before.label} is no longer at {before.school}: another run was faster. Nothing was changed."
                )
            people.remember(connection, run, [after], now, moved_from=before.school)
            _forget(connection, after.school, after.id)
            if handover.stays is not None:
                _remember(connection, run, [(handover.stays, handover.keeps)], handover.old, now)
            what = (
                f"{handover.new} looks after the account from now on, in place of {handover.old}."
                " Names, addresses and accounts stay."
            )
            events.note(connection, run, [(before.id, what)], now)


def _seen(host: Identity, school: str, view: str) -> Identity:
    told = json.loads(view)
    person = person_from(json.dumps(told["person"]))
    return replace(
        host,
        school=school,
        host=host.school,
        person=person,
        role=person.role,
        source="mis",
        state=State(told["state"]),
        absences=told["absences"],
        left_on=None if told["left_on"] is None else date.fromisoformat(told["left_on"]),
        year_of_entry=told["year_of_entry"],
        also=tuple(SourceKey(*key) for key in told["also"]),
    )


def _view(guest: Identity) -> str:
    return document(
        {
            "person": json.loads(person_document(guest.person)),
            "state": guest.state.value,
            "absences": guest.absences,
            "left_on": None if guest.left_on is None else guest.left_on.isoformat(),
            "year_of_entry": guest.year_of_entry,
            "also": guest.also,
        }
    )


def _remember(
    connection: Connection, run: int | None, found: Sequence[tuple[Identity, bool]], called: str, now: datetime
) -> None:
    if not found:
        return
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    insert = dialect.insert(guests)
    names = ("record", "called", "present", "view")
    upsert = insert.on_conflict_do_update(
        index_elements=["school", "identity"], set_={name: insert.excluded[name] for name in names}
    )
    kept = select(guests.c.identity, guests.c.present).where(guests.c.school == found[0][0].school)
    before = {row.identity: row.present for row in connection.execute(kept)}
    said: list[tuple[IdentityId, str]] = []
    for guest, present in found:
        row = {
            "school": guest.school,
            "identity": guest.id,
            "record": guest.person.key.record,
            "called": called,
            "present": present,
            "view": _view(guest),
        }
        connection.execute(upsert, row)
        was = before.get(guest.id)
        if was is None:
            said.append((guest.id, f"{called} has them too, in the record {guest.person.key.record}: a guest there."))
        elif was is not present:
            said.append(
                (guest.id, f"They are {'on roll' if present else 'no longer on roll'} at {called}, as a guest.")
            )
    events.note(connection, run, said, now)


def _forget(connection: Connection, school: str, identity: IdentityId) -> None:
    mine = (guests.c.school == school) & (guests.c.identity == identity)
    connection.execute(delete(guests).where(mine))
