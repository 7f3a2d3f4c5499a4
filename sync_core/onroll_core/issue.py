"""First passwords, set in every target at the moment they are handed out; whoever could not be given one everywhere is left out, with the reason."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from onroll_core import guard
from onroll_core.accounts import IdentityId
from onroll_core.apply import apply
from onroll_core.changes import Applied, Deferred, GivePassword, Rejected, Who
from onroll_core.errors import OnrollError
from onroll_core.identities import Identity
from onroll_core.lifecycle import standing
from onroll_core.line import Line
from onroll_core.plan import Plan, ordered


@dataclass(slots=True)
class Issued:
    """The passwords by identity, which live as long as this object, and why others got none."""

    passwords: dict[IdentityId, str] = field(default_factory=dict, repr=False)
    left_out: dict[IdentityId, str] = field(default_factory=dict)


def issue(
    line: Line,
    chosen: Sequence[Identity],
    draw: Callable[[Identity], str],
    must_change: bool,
    by: str = "",
    targets: Sequence[str] | None = None,
) -> Issued:
    """Give each of `chosen` a password that `draw` makes, in all `targets` (default: the school's) in which they have an account.

    Raises Busy when the school is being worked on. Every change is journalled like any other, without the password.
    """
    names = [name for name in line.targets if targets is None or name in targets]
    issued = Issued()
    with line.store.lease(line.school.id, line.holder, line.now()):
        run = line.store.start_run(line.school.id, "passwords", line.now(), by)
        status = "failed"
        try:
            people = _able(line, chosen, names, issued)
            issued.passwords = {identity.id: draw(identity) for identity in people}
            for name in names:
                _give(line, run, name, people, issued, must_change)
            issued.passwords = {who: told for who, told in issued.passwords.items() if who not in issued.left_out}
            line.store.handed_out(run, issued.passwords, by, line.now())
            status = "done"
        finally:
            tally = {"issued": len(issued.passwords), "left out": len(issued.left_out)}
            line.store.end_run(run, status, {"passwords": tally}, line.now())
    return issued


def _able(line: Line, chosen: Sequence[Identity], names: Sequence[str], issued: Issued) -> list[Identity]:
    """Those who can be given one; the others are left out with the reason."""
    able = []
    for identity in chosen:
        where = standing(identity, line.today, line.school)
        if not where.access:
            issued.left_out[identity.id] = f"{identity.label} {where.because} and has no account to sign in with."
        elif missing := [name for name in names if name not in identity.bonds]:
            issued.left_out[identity.id] = (
                f"{identity.label} has no account in {' and '.join(missing)} yet: onroll apply {line.school.id} makes it."
            )
        else:
            able.append(identity)
    return able


def _give(line: Line, run: int, name: str, people: Sequence[Identity], issued: Issued, must_change: bool) -> None:
    """Set the passwords in one target; whoever failed in an earlier one is not tried here."""
    changes = [
        GivePassword(
            Who(each.id, each.label, each.role, each.bonds[name].anchor),
            issued.passwords[each.id],
            must_change,
            "handed out on paper",
        )
        for each in people
        if each.id not in issued.left_out
    ]
    if not changes:
        return
    verdict = guard.clear(Plan(name, line.school.id, tuple(ordered(changes))), [])
    if not isinstance(verdict, guard.Cleared):
        return
    kept = line.store.keep_plan(run, verdict.plan, "cleared", [], line.now())
    try:
        target = line.targets[name].connect()
    except OnrollError as failure:
        issued.left_out |= {each.who.identity: f"{name}: {failure}" for each in changes}
        return
    try:
        journal = line.store.journal(kept, verdict.plan)
        done = set()
        for outcome in apply(
            verdict, target, journal, line.stopping, lambda count, total: line.progress(name, count, total)
        ):
            who = outcome.change.who.identity if isinstance(outcome.change, GivePassword) else None
            if isinstance(outcome, Applied) and who is not None:
                done.add(who)
            elif who is not None and isinstance(outcome, Rejected | Deferred):
                issued.left_out[who] = f"{name}: {outcome.why}"
        for change in changes:
            if change.who.identity not in done:
                issued.left_out.setdefault(change.who.identity, f"{name}: it was not sent any more.")
    finally:
        target.close()
