"""Moves of a school to another MIS: at most one is under way; what was confirmed is kept, so that it can be taken back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine, insert, select, update

from onroll_core.accounts import IdentityId
from onroll_core.errors import Halt, Refused
from onroll_core.identities import Identity
from onroll_core.rekey import key_space
from onroll_core.store import events, people
from onroll_core.store.codec import utc
from onroll_core.store.engine import reading, writing
from onroll_core.store.failures import Clash
from onroll_core.store.schema import moves

OPEN, CONFIRMED, DONE, TAKEN_BACK = "open", "confirmed", "done", "taken back"
_UNDER_WAY = (OPEN, CONFIRMED)


@dataclass(frozen=True, slots=True)
class Move:
    """One school's move to the MIS `to`. While it is `under_way` nobody of the school becomes a leaver; `pairs` were confirmed."""

    number: int
    school: str
    to: str
    status: str
    pairs: Mapping[IdentityId, str]

    @property
    def under_way(self) -> bool:
        """True from the first look until the new MIS has been read well, or it was taken back."""
        return self.status in _UNDER_WAY


class Moves:
    """Moves of schools to another MIS. May raise Halt where a record is somebody else's."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def newest(self, school: str) -> Move | None:
        """The newest move of a school, or None."""
        query = select(moves).where(moves.c.school == school).order_by(moves.c.id.desc()).limit(1)
        with reading(self._engine) as connection:
            row = connection.execute(query).first()
        return None if row is None else Move(row.id, row.school, row.to, row.status, json.loads(row.pairs))

    def key_space(self, school: str, mis: str) -> str:
        """What stands before the records of `mis` (see `rekey.key_space`): of the newest move to it that was confirmed, or "" where none was."""
        to_it = (moves.c.school == school) & (moves.c.to == mis) & moves.c.status.in_((CONFIRMED, DONE))
        with reading(self._engine) as connection:
            number = connection.execute(select(moves.c.id).where(to_it).order_by(moves.c.id.desc()).limit(1)).scalar()
        return "" if number is None else key_space(number)

    def begin(self, school: str, to: str, by: str, now: datetime) -> Move:
        """A move is looked at: nobody becomes a leaver until it is done or taken back. One that is under way to the same MIS is given again."""
        found = self.newest(school)
        if found is None or not found.under_way:
            row = {"school": school, "to": to, "status": OPEN, "pairs": "{}", "by": by, "at": utc(now)}
            with writing(self._engine) as connection:
                connection.execute(insert(moves).values(row))
            return self.begin(school, to, by, now)
        if found.to != to:
            raise Refused(
                f"{school} is already moving to {found.to}. Take that back first: onroll rekey {school} --undo"
            )
        return found

    def confirm(
        self, move: Move, changed: Sequence[Identity], pairs: Mapping[IdentityId, str], by: str, now: datetime
    ) -> None:
        """Keep everybody's further record, and what was confirmed. Raises Refused when somebody else was faster, Halt when a record is somebody else's."""
        what = [(who, f"The record {record} of {move.to} is this person's too. {by} confirmed it.") for who, record in pairs.items()]  # fmt: skip
        try:
            with writing(self._engine) as connection:
                people.remember(connection, None, changed, now)
                events.note(connection, None, what, now)
                _becomes(connection, move, CONFIRMED, {**move.pairs, **pairs})
        except Clash:
            raise Halt(people.why_refused(self._engine, changed)) from None

    def take_back(self, move: Move, changed: Sequence[Identity], by: str, now: datetime) -> None:
        """Take the records of a move away again."""
        with writing(self._engine) as connection:
            people.remember(connection, None, changed, now)
            what = [(each.id, f"The move to {move.to} was taken back by {by}.") for each in changed]
            events.note(connection, None, what, now)
            _becomes(connection, move, TAKEN_BACK, move.pairs)

    def finish(self, move: Move) -> None:
        """The new MIS was read well: leavers count again."""
        with writing(self._engine) as connection:
            _becomes(connection, move, DONE, move.pairs)


def _becomes(connection: Connection, move: Move, status: str, pairs: Mapping[IdentityId, str]) -> None:
    """Change a move that nobody else has changed since it was read."""
    mine = moves.c.id == move.number, moves.c.status == move.status
    told = connection.execute(update(moves).where(*mine).values(status=status, pairs=json.dumps(pairs)))
    if told.rowcount != 1:
        raise Refused(f"Somebody else has just worked on the move of {move.school}. Nothing was changed; look again.")
