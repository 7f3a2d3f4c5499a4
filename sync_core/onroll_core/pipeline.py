"""The line, step by step, as DESIGN 1 draws it: read, examine, reconcile, remember, project, observe, diff, clear, apply.

Data goes in one direction. What is pure lives in the modules named; this one only carries values from step to step, and keeps a target that fails
or is held from stopping another.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import date, timedelta
from functools import partial

from onroll_core import guard
from onroll_core.accounts import IdentityId
from onroll_core.apply import apply as carry_out
from onroll_core.changes import Conflict
from onroll_core.chosen import among
from onroll_core.foresight import foreseen
from onroll_core.identities import Bond
from onroll_core.line import Line, Reached, reached_by
from onroll_core.night import Night
from onroll_core.planning import measure, plan_target
from onroll_core.pulling import take_in
from onroll_core.retention import forget_long_gone
from onroll_core.sisters import roll
from onroll_core.trust import Roll
from onroll_core.undoing import asked_to_undo, carry_out_undo, plan_undo, settle

APPROVAL_LASTS = timedelta(hours=24)


def sync(line: Line, approve: Sequence[str] = (), by: str = "") -> Night:
    """One night, now: everything from the read to the last change. Raises only when the run could not begin."""
    with _run(line, "sync", by) as night, reached_by(line, None, night) as reached:
        _approve(line, approve, by)
        if take_in(line, night, reached):
            _bring_into_line(line, night, reached)
            forget_long_gone(line, night)
    return night


def pull(line: Line, approve: Sequence[str] = (), by: str = "") -> Night:
    """Read the MIS, reconcile, remember. Targets are only looked at, for the names that are taken there."""
    with _run(line, "pull", by) as night, reached_by(line, None, night) as reached:
        _approve(line, approve, by)
        take_in(line, night, reached)
        for name, one in night.targets.items():
            if one.verdict == "failed":
                night.notices.append(f"The names taken in {name} could not be looked at: {one.error}")
        night.targets.clear()
    return night


def plan(line: Line, only: Sequence[str] | None = None, as_of: date | None = None) -> Night:
    """What `apply` would do, and why; on the day `as_of`, as far as the MIS tells of it today. Writes nothing anywhere."""
    night = Night(line.school.id)
    there = roll(line)
    if as_of is not None:
        line, there, night.notices = foreseen(line, there, as_of)
    if not there.known:
        night.unread = _never_read(line)
        return night
    with reached_by(line, only, night) as reached:
        for name, observed in reached.all(there.everybody):
            plan_target(line, night, name, there, observed, reached)
    return night


def apply(
    line: Line,
    only: Sequence[str] | None = None,
    approve: Sequence[str] = (),
    by: str = "",
    people: Collection[IdentityId] | None = None,
) -> Night:
    """Bring targets into line with what was last read; with `people`, only their accounts, and the night says so (it stands for no whole one)."""
    with _run(line, "apply", by) as night, reached_by(line, only, night) as reached:
        night.only_people = None if people is None else sorted(people)
        _approve(line, approve, by)
        if not roll(line, former=False).known:
            night.unread = _never_read(line)
        else:
            _bring_into_line(line, night, reached, people)
    return night


def undo(line: Line, run: int, only: Sequence[str] | None = None, approve: Sequence[str] = (), by: str = "") -> Night:
    """Take a past run back in every target of which `approve` has the digest of the plan that does so; the others are held."""
    row = asked_to_undo(line, run)
    with _run(line, "undo", by, run) as night, reached_by(line, only, night) as reached:
        planned = plan_undo(line, night, reached, row, partial(measure, line), approve, by)
        carry_out_undo(line, night, reached, night.id, planned, by)
    return night


def show_undo(line: Line, run: int, only: Sequence[str] | None = None) -> Night:
    """What `undo` would do, and with which digests. Writes nothing anywhere."""
    row, night = asked_to_undo(line, run), Night(line.school.id)
    with reached_by(line, only, night) as reached:
        plan_undo(line, night, reached, row, partial(measure, line))
    return night


def _never_read(line: Line) -> str:
    return f"Nothing has been read for {line.school.id} yet. Run: onroll pull {line.school.id}"


def _approve(line: Line, digests: Sequence[str], by: str) -> None:
    """Keep a person's yes to exactly these digests."""
    for digest in digests:
        needed = 2 if line.school.second_person else 1
        line.store.approve(digest, line.school.id, by, line.now(), line.now() + APPROVAL_LASTS, needed)


@contextmanager
def _run(line: Line, kind: str, by: str, undoes: int | None = None) -> Iterator[Night]:
    """One run under the school's lease, with a row that says how it ended whatever happens."""
    with line.store.lease(line.school.id, line.holder, line.now()):
        night = Night(line.school.id, line.store.start_run(line.school.id, kind, line.now(), by, undoes))
        try:
            yield night
        except BaseException as failure:
            # The row is a courtesy; it must never hide what really happened (the store itself may be what failed).
            with suppress(Exception):
                line.store.end_run(
                    night.id, "failed", night.sync_json() | {"error": type(failure).__name__}, line.now()
                )
            raise
        line.store.end_run(night.id, night.status, night.sync_json(), line.now())


def _bring_into_line(line: Line, night: Night, reached: Reached, people: Collection[IdentityId] | None = None) -> None:
    """Each target in turn: observed, planned, and written when its plan is cleared."""
    there = roll(line)
    for name, observed in reached.all(there.everybody):
        line.store.absorb(name, observed.names, line.now())
        one, verdict = plan_target(line, night, name, there, observed, reached, people)
        current = verdict.plan
        bonds = {identity: Bond(anchor) for identity, anchor in current.adopted.items()} | dict(current.settled)
        line.store.bond_all(name, bonds, line.now())
        kept = line.store.keep_plan(night.id, current, one.verdict, one.objections, line.now())
        settle(line, current, isinstance(verdict, guard.Cleared), _settled(line, there, people))
        if not isinstance(verdict, guard.Cleared):
            continue
        journal = line.store.journal(kept, current)
        told = partial(line.progress, f"writing to {name}")
        outcomes = carry_out(verdict, reached.target(name), journal, line.stopping, told)
        for outcome in outcomes:
            one.count(outcome)


def _settled(line: Line, there: Roll, people: Collection[IdentityId] | None) -> Collection[IdentityId] | None:
    """Those of whom a plan says anything; None for everybody."""
    chosen = among(line.school.only, line.school.country, there.everybody)
    if chosen is None or people is None:
        return chosen if people is None else people
    return chosen & frozenset(people)


def unsettled(night: Night) -> list[Conflict]:
    """Every conflict of a night, each once, whatever the number of targets that show it."""
    found: dict[tuple[str | None, str], Conflict] = {}
    for one in night.targets.values():
        for conflict in one.plan.conflicts if one.plan else ():
            found.setdefault((conflict.identity, conflict.why), conflict)
    return list(found.values())
