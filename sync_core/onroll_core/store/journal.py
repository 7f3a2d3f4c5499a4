"""What is about to be sent, and what became of it: written down before and after, so that a crash leaves a question and never a gap."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, assert_never

from sqlalchemy import Connection, Engine, bindparam, update
from sqlalchemy.dialects import postgresql, sqlite

from onroll_core.accounts import IdentityId
from onroll_core.changes import (
    AddMember,
    Applied,
    Change,
    Create,
    Deferred,
    Disable,
    Enable,
    Link,
    Outcome,
    Rejected,
    RemoveMember,
    Unsent,
)
from onroll_core.errors import Halt
from onroll_core.identities import Bond
from onroll_core.plan import Plan
from onroll_core.store import groups
from onroll_core.store.codec import utc
from onroll_core.store.engine import writing
from onroll_core.store.failures import Clash
from onroll_core.store.schema import bonds, changes

# Built once: it is carried out for every change of every night.
_ANSWER = (
    update(changes)
    .where(
        changes.c.plan == bindparam("of_plan"),
        changes.c.position == bindparam("at_position"),
        changes.c.intended.is_not(None),
        changes.c.outcome.is_(None),
    )
    .values(outcome=bindparam("what"), answered=bindparam("at"), note=bindparam("why"))
)


class Journal:
    """The journal of one plan. Changes are intended in the plan's order, and answered in any."""

    def __init__(
        self,
        engine: Engine,
        kept: int,
        plan: Plan,
        clock: Callable[[], datetime],
        still_ours: Callable[[Connection], None],
    ) -> None:
        self._engine = engine
        self._kept = kept
        self._plan = plan
        self._clock = clock
        self._still_ours = still_ours
        self._next = 0
        self._open: deque[tuple[int, Change]] = deque()

    def intend(self, batch: Sequence[Change]) -> None:
        """Write down, in one transaction that survives a power cut, what is about to be sent.

        Raises Halt when this run no longer holds the school's lease, and ValueError when `batch` is not what comes next in the plan.
        """
        start = self._next
        if any(
            mine is not theirs for mine, theirs in zip(batch, self._plan.changes[start:], strict=False)
        ) or start + len(batch) > len(self._plan.changes):
            raise ValueError("these changes are not the next ones of the plan")
        theirs = (
            (changes.c.plan == self._kept) & (changes.c.position >= start) & (changes.c.position < start + len(batch))
        )
        with writing(self._engine) as connection:
            self._still_ours(connection)
            done = connection.execute(
                update(changes).where(theirs, changes.c.intended.is_(None)).values(intended=utc(self._clock()))
            )
            if done.rowcount != len(batch):
                raise Halt(
                    f"The plan {self._kept} is being applied by somebody else. Nothing more is sent by this run."
                )
        self._open.extend(enumerate(batch, start))
        self._next += len(batch)

    def record(self, outcome: Outcome) -> None:
        """Write down what became of a change, and the account that it made or switched, in one transaction."""
        position = self._take(outcome.change)
        what, why = _words(outcome)
        answer = {"of_plan": self._kept, "at_position": position, "what": what, "at": utc(self._clock()), "why": why}
        try:
            with writing(self._engine, durable=False) as connection:
                if connection.execute(_ANSWER, answer).rowcount != 1:
                    raise Halt(f"A change of plan {self._kept} was answered by somebody else. This run stops here.")
                if isinstance(outcome, Applied):
                    self._bond(connection, outcome)
        except Clash:
            raise Halt(already_bound(self._plan.target)) from None

    def _take(self, change: Change) -> int:
        """The position of an open intention; answers nearly always come in order."""
        for index, (position, intended) in enumerate(self._open):
            if intended is change or intended == change:
                del self._open[index]
                return position
        raise ValueError("a change was answered that was not intended, or was answered twice")

    def _bond(self, connection: Connection, outcome: Applied) -> None:
        match outcome.change:
            case Create(who) | Enable(who):
                anchor = outcome.anchor or who.anchor
                if anchor is not None:  # without one, the next run finds the account by the identity it carries
                    put_bonds(connection, self._plan.target, {who.identity: Bond(anchor, True)}, self._clock())
            case Link(who):
                anchor = outcome.anchor or who.anchor
                if anchor is not None:
                    connection.execute(
                        _JOIN[connection.dialect.name],
                        _bond_row(self._plan.target, who.identity, Bond(anchor), utc(self._clock())),
                    )
            case Disable(who):
                put_bonds(connection, self._plan.target, {who.identity: Bond(who.object, False)}, self._clock())
            case AddMember() | RemoveMember() as change:
                groups.note(connection, self._plan.target, change)
            case _:
                pass


def _words(outcome: Outcome) -> tuple[str, str]:
    match outcome:
        case Applied(_, _, note):
            return "applied", note
        case Rejected(_, why):
            return "rejected", why
        case Deferred(_, why):
            return "deferred", why
        case Unsent(_, why):
            return "unsent", why
        case _:
            assert_never(outcome)


_PUT = {}
_JOIN = {}  # a link says nothing about on or off
for _statement in (sqlite.insert(bonds), postgresql.insert(bonds)):
    _new = {"anchor": _statement.excluded.anchor}
    _name = "sqlite" if isinstance(_statement, sqlite.Insert) else "postgresql"
    _JOIN[_name] = _statement.on_conflict_do_update(index_elements=["identity", "target"], set_=_new)
    _new = _new | {"enabled": _statement.excluded.enabled}
    _PUT[_name] = _statement.on_conflict_do_update(index_elements=["identity", "target"], set_=_new)


def put_bonds(connection: Connection, target: str, found: Mapping[IdentityId, Bond], now: datetime) -> None:
    """Join identities to accounts of one target, in the caller's transaction. Raises Clash when an account is somebody else's."""
    rows = [_bond_row(target, identity, bond, utc(now)) for identity, bond in found.items()]
    if rows:
        connection.execute(_PUT[connection.dialect.name], rows)


def _bond_row(target: str, identity: IdentityId, bond: Bond, at: str) -> dict[str, Any]:
    return {"identity": identity, "target": target, "anchor": bond.anchor, "enabled": bond.enabled, "since": at}


def already_bound(target: str) -> str:
    """The sentence for an account that two identities were to share."""
    return (
        f"An account in {target} was to belong to two people, or to somebody onroll does not know. Nothing of this step was kept."
        f" Look for two accounts in {target} that carry the same identity, then run onroll again."
    )
