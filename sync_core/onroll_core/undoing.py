"""A past run is undone: what it did is taken from the journal, its inverse goes through the gate, and what was undone is not silently done again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from onroll_core import guard
from onroll_core.accounts import IdentityId, Observed
from onroll_core.apply import apply as carry_out
from onroll_core.errors import OnrollError, Refused
from onroll_core.identities import Identity
from onroll_core.line import Line, Reached
from onroll_core.night import Night, TargetNight
from onroll_core.plan import Plan, as_json
from onroll_core.renames import Pending
from onroll_core.sisters import roll
from onroll_core.traces import traces
from onroll_core.undo import Done, Present, Undo, undo

SETTLES = timedelta(hours=1)
"""For so long after an undo a target may still show what was before it: no mark is dropped because a plan lacks the change."""

Objections = Callable[[Plan, Sequence[Identity], Observed], list[str]]


def asked_to_undo(line: Line, run: int) -> dict[str, Any]:
    """The run that is to be undone. Raises Refused when it is none of this school's, or wrote nothing."""
    row = line.store.run(run)
    if row is None or row["school"] != line.school.id:
        raise Refused(f"{line.school.id} has no run {run}. Look at the last ones with: onroll runs")
    if not any(each["intended"] for plan in row["plans"] for each in plan["changes"]):
        raise Refused(
            f"Run {run} ({row['kind']} of {row['school']}) wrote nothing to any target, so it cannot be undone."
        )
    return row


def plan_undo(
    line: Line,
    night: Night,
    reached: Reached,
    row: Mapping[str, Any],
    measure: Objections,
    approved: Collection[str] = (),
    by: str = "",
) -> list[tuple[str, Undo, guard.Verdict]]:
    """Plan the inverse of a run in every target before anything is written, so that the digests are those that were shown.

    Nothing passes but what `approved` names by its digest; such an approval is kept as given by `by`, and used.
    """
    there = roll(line)
    people = {each.id: each for each in there.everybody}
    planned: list[tuple[str, Undo, guard.Verdict]] = []
    for told in row["plans"]:
        name = told["target"]
        done = [
            Done(each["document"], each["sentence"], each["outcome"] == "applied")
            for each in told["changes"]
            if each["intended"] and each["outcome"] in ("applied", "unknown", "deferred", None)
        ]
        if not done or name not in reached.lines:
            if done and name not in line.targets:
                night.notices.append(
                    f"{name} is no longer a target of {line.school.id}; what run {row['id']} did there stays."
                )
            continue
        observed = reached.observe(name, there.everybody)
        if observed is None:
            continue
        minded = there.looked_after(name, line.school.id, line.sisters)
        now = Present(
            observed,
            people | _others(line, done, people),
            {each.id for each in (*minded, *there.abandoned(name, line.sisters))},
            line.store.changed_since(line.school.id, name, row["id"]),
            line.store.ledger(line.school.id).holder,
            reached.target(name).abilities.login == "name",
        )
        found = undo(line.school.id, name, row["id"], done, now)
        verdict = _clear(line, found.plan, measure(found.plan, minded, observed), approved, by)
        objections = verdict.objections if isinstance(verdict, guard.Held) else ()
        night.targets[name] = TargetNight("held" if objections else "cleared", found.plan, objections)
        planned.append((name, found, verdict))
    return planned


def _others(line: Line, done: Sequence[Done], people: Mapping[IdentityId, Identity]) -> dict[IdentityId, Identity]:
    """People of the run who are not this school's any more."""
    missing = {each.document["identity"] for each in done if each.document["username"]} - people.keys()
    found = (line.store.identity(each) for each in missing)
    return {each.id: each for each in found if each is not None}


def _clear(line: Line, plan: Plan, found: list[str], approved: Collection[str], by: str) -> guard.Verdict:
    """An undo is always looked at first, even within the limits."""
    if not plan.changes:
        return guard.clear(plan, ())
    found.append("An undo is shown first, and done when exactly its digest is approved.")
    observe_only = plan.target in line.targets and line.targets[plan.target].rules.observe_only
    if plan.digest not in approved or observe_only:
        return guard.clear(plan, found, observe_only=observe_only)
    needed = 2 if line.school.second_person else 1
    line.store.approve(plan.digest, line.school.id, by, line.now(), line.now() + SETTLES, needed)
    return guard.clear(plan, found, plan.digest if line.store.use_approval(plan.digest, line.now()) else None)


def carry_out_undo(
    line: Line,
    night: Night,
    reached: Reached,
    run: int,
    planned: Sequence[tuple[str, Undo, guard.Verdict]],
    by: str,
) -> None:
    """Write the plans that are cleared, target by target; one that fails does not stop another.

    What is taken back is marked before it is sent: when the run is cut off, the night after it is held rather than silent.
    """
    for name, found, verdict in planned:
        one = night.targets[name]
        kept = line.store.keep_plan(run, found.plan, one.verdict, one.objections, line.now())
        if not isinstance(verdict, guard.Cleared) or not found.plan.changes:
            continue
        line.store.remember_undone(run, found, by, line.now())
        try:
            _name_back(line, found, run, by)
        except OnrollError as failure:
            night.targets[name] = TargetNight("failed", found.plan, error=failure.sentence)
            continue
        journal = line.store.journal(kept, found.plan)
        told = partial(line.progress, f"writing to {name}")
        for outcome in carry_out(verdict, reached.target(name), journal, line.stopping, told):
            one.count(outcome)


def _name_back(line: Line, found: Undo, run: int, by: str) -> None:
    """People get their names back in onroll too, or the next night would rename them again. In Link Mode the driver's accounts say the names."""
    if line.school.mode == "link":
        return
    wanted = []
    for identity, (username, email) in found.names.items():
        person = line.store.identity(identity)
        if (
            person is not None
            and person.school == line.school.id
            and (person.username, person.email) != (username, email)
        ):
            wanted.append(Pending(identity, username, email, True, line.today, by))
    if wanted:
        line.store.rename_all(wanted, line.now())


# --- the nights after ---


def done_again(line: Line, plan: Plan) -> list[str]:
    """Why a plan has to wait: it has changes again that somebody undid. One sentence an undo."""
    marks = {mark.trace: mark for mark in line.store.undone(line.school.id, plan.target)}
    if not marks:
        return []
    found: Counter[tuple[int, str, str]] = Counter()
    for change in plan.changes:
        mark = next((marks[each] for each in sorted(traces(as_json(change))) if each in marks), None)
        if mark is not None:
            found[mark.run, f"{mark.at.day} {mark.at:%B}", mark.by or "somebody"] += 1
    return [
        f"{count} of these changes {'was' if count == 1 else 'were'} undone on {day} by {by} (run {run}): if they are right now, approve."
        for (run, day, by), count in sorted(found.items())
    ]


def settle(line: Line, plan: Plan, cleared: bool, people: Collection[IdentityId] | None = None) -> None:
    """Forget what was undone and is let through now, and what no plan has any more because its cause is gone.

    Somebody of whom the plan has a conflict is only hidden by that. A plan of some `people` alone says nothing of what was undone of others.
    """
    everything = line.store.undone(line.school.id, plan.target)
    marks = [each for each in everything if people is None or each.trace.identity in people]
    if not marks:
        return
    there = frozenset(trace for change in plan.changes for trace in traces(as_json(change)))
    hidden = {conflict.identity for conflict in plan.conflicts}
    over = [
        mark.trace
        for mark in marks
        if (cleared if mark.trace in there else mark.trace.identity not in hidden and line.now() - mark.at >= SETTLES)
    ]
    if over:
        line.store.forget_undone(line.school.id, plan.target, over)
