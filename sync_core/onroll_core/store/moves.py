"""Moves of a school to another MIS: at most one is under way; what was confirmed is kept, so that it can be taken back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine, insert, select, update

from onroll_core.accounts import IdentityId
from onroll_core.errors import Refused
from onroll_core.identities import Identity
from onroll_core.rekey import key_space
from onroll_core.store import events, people
from onroll_core.store.codec import utc
from onroll_core.store.engine import reading, writing
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


def newest(engine: Engine, school: str) -> Move | None:
    """The newest move of a school, or None."""
    query = select(moves).where(moves.c.school == school).order_by(moves.c.id.desc()).limit(1)
    with reading(engine) as connection:
        row = connection.execute(query).first()
    return None if row is None else Move(row.id, row.school, row.to, row.status, json.loads(row.pairs))


def space_of(engine: Engine, school: str, mis: str) -> str:
    """The key space of what is read from `mis`: of the newest move to it that was confirmed, or "" where none was."""
    query = select(moves.c.id).where(moves.c.school == school, moves.c.to == mis, moves.c.status.in_((CONFIRMED, DONE)))
    with reading(engine) as connection:
        number = connection.execute(query.order_by(moves.c.id.desc()).limit(1)).scalar()
    return "" if number is None else key_space(number)


def begin(engine: Engine, school: str, to: str, by: str, now: datetime) -> None:
    """A move is looked at: from now on nobody becomes a leaver."""
    row = {"school": school, "to": to, "status": OPEN, "pairs": "{}", "by": by, "at": utc(now)}
    with writing(engine) as connection:
        connection.execute(insert(moves).values(row))


def confirm(engine: Engine, move: Move, changed: Sequence[Identity], pairs: Mapping[IdentityId, str], by: str, now: datetime) -> None:  # fmt: skip
    """Keep everybody's further record, and what was confirmed."""
    with writing(engine) as connection:
        people.remember(connection, None, changed, now)
        what = [(who, f"The record {record} of {move.to} is this person's too. {by} confirmed it.") for who, record in pairs.items()]  # fmt: skip
        events.note(connection, None, what, now)
        _becomes(connection, move, CONFIRMED, {**move.pairs, **pairs})


def take_back(engine: Engine, move: Move, changed: Sequence[Identity], by: str, now: datetime) -> None:
    """Take the records of a move away again."""
    with writing(engine) as connection:
        people.remember(connection, None, changed, now)
        what = [(each.id, f"The move to {move.to} was taken back by {by}.") for each in changed]
        events.note(connection, None, what, now)
        _becomes(connection, move, TAKEN_BACK, move.pairs)


def done(engine: Engine, move: Move) -> None:
    """The new MIS was read well: leavers count again."""
    with writing(engine) as connection:
        _becomes(connection, move, DONE, move.pairs)


def _becomes(connection: Connection, move: Move, status: str, pairs: Mapping[IdentityId, str]) -> None:
    """Change a move that nobody else has changed since it was read."""
    mine = moves.c.id == move.number, moves.c.status == move.status
    told = connection.execute(update(moves).where(*mine).values(status=status, pairs=json.dumps(pairs)))
    if told.rowcount != 1:
        raise Refused(f"Somebody else has just worked on the move of {move.school}. Nothing was changed; look again.")
