"""First passwords, set in every target at the moment they are handed out; whoever could not be given one everywhere is left out, with the reason."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from onroll_core import guard
from onroll_core.accounts import IdentityId, Observed
from onroll_core.apply import apply
from onroll_core.changes import Applied, Deferred, GivePassword, Rejected, Who
from onroll_core.identities import Identity
from onroll_core.lifecycle import standing
from onroll_core.line import Line, Reached, reached_by
from onroll_core.night import Night
from onroll_core.plan import Plan, ordered


@dataclass(slots=True)
class Issued:
    """The passwords by identity, which live as long as this object, and why others got none.

    `set_in` are the targets in which somebody who was left out has a new password all the same, which nobody knows: a later target refused it.
    """

    passwords: dict[IdentityId, str] = field(default_factory=dict, repr=False)
    left_out: dict[IdentityId, str] = field(default_factory=dict)
    set_in: dict[IdentityId, list[str]] = field(default_factory=dict)


def issue(
    line: Line,
    chosen: Sequence[Identity],
    draw: Callable[[Identity], str],
    must_change: bool,
    by: str = "",
    targets: Sequence[str] | None = None,
) -> Issued:
    """Give each of `chosen` a password that `draw` makes, in all `targets` (default: the school's) in which they have an account.

    Every target is looked at first: whoever could not sign in there by the names that are handed out (the account is gone, disabled, or a rename
    has not been carried out yet) gets none anywhere, and nobody does while a target cannot be reached. Raises Busy when the school is being
    worked on. Every change is journalled like any other, without the password.
    """
    names = [name for name in line.targets if targets is None or name in targets]
    issued = Issued()
    with line.store.lease(line.school.id, line.holder, line.now()):
        run = line.store.start_run(line.school.id, "passwords", line.now(), by)
        status = "failed"
        try:
            with reached_by(line, names, Night(line.school.id)) as reached:
                people = _ready(line, reached, _able(line, chosen, names, issued), names, issued)
                issued.passwords = {identity.id: draw(identity) for identity in people}
                for name in names:
                    _give(line, run, name, reached, people, issued, must_change)
            issued.passwords = {who: told for who, told in issued.passwords.items() if who not in issued.left_out}
            issued.set_in = {who: told for who, told in issued.set_in.items() if who in issued.left_out}
            line.store.handed_out(run, issued.passwords, by, line.now())
            status = "done"
        finally:
            tally = {"issued": len(issued.passwords), "left out": len(issued.left_out)}
            line.store.end_run(run, status, {"passwords": tally}, line.now())
    return issued


def _able(line: Line, chosen: Sequence[Identity], names: Sequence[str], issued: Issued) -> list[Identity]:
    """Those who can be given one; the others are left out with the reason."""
    able = []
    only, country = line.school.only, line.school.country
    observed = [name for name in names if line.targets[name].rules.observe_only]
    for identity in chosen:
        where = standing(identity, line.today, line.school)
        if observed:
            issued.left_out[identity.id] = (
                f"Nothing is written to {' and '.join(observed)} while it is observe only, so {identity.label} can be given no password there."
            )
        elif only is not None and not only.takes_in(identity, country):
            issued.left_out[identity.id] = (
                f"{identity.label} is not among those whom the school begins with: see only under [[school]]."
            )
        elif not where.access:
            issued.left_out[identity.id] = f"{identity.label} {where.because} and has no account to sign in with."
        elif missing := [name for name in names if name not in identity.bonds]:
            issued.left_out[identity.id] = (
                f"{identity.label} has no account in {' and '.join(missing)} yet: onroll apply {line.school.id} makes it, or says why not."
            )
        else:
            able.append(identity)
    return able


def _ready(
    line: Line, reached: Reached, people: Sequence[Identity], names: Sequence[str], issued: Issued
) -> list[Identity]:
    """Those who could sign in everywhere by the names that are handed out."""
    for name in names if people else ():
        observed = reached.observe(name, people)
        if observed is None:
            why = f"{name}: {reached.night.targets[name].error}"
            issued.left_out |= {each.id: why for each in people if each.id not in issued.left_out}
            return []
        for each in people:
            problem = _unready(line, name, each, observed, reached.target(name).abilities.login == "name")
            if problem:
                issued.left_out.setdefault(each.id, problem)
    return [each for each in people if each.id not in issued.left_out]


def _unready(line: Line, name: str, identity: Identity, observed: Observed, by_name: bool) -> str:
    """Why nobody could sign in to an account with what is printed; "" when they could."""
    anchor = identity.bonds[name].anchor
    seen = observed.accounts.get(anchor)
    if seen is None or anchor in observed.deleted:
        return f"The account of {identity.label} is no longer in {name}: it was deleted, or moved to where onroll may not look."
    if not seen.enabled:
        return f"{identity.label} is disabled in {name}, so no password would let them in."
    login = identity.username if by_name else identity.email
    drives = line.school.mode == "link" and name == line.school.driver
    if seen.login != login and not drives:
        return (
            f"{identity.label} is still called {seen.login} in {name}: the rename has not been carried out there."
            f" onroll apply {line.school.id} does it, or says why it is held."
        )
    return ""


def _give(
    line: Line, run: int, name: str, reached: Reached, people: Sequence[Identity], issued: Issued, must_change: bool
) -> None:
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
    observe_only = line.targets[name].rules.observe_only
    verdict = guard.clear(Plan(name, line.school.id, tuple(ordered(changes))), [], observe_only=observe_only)
    if not isinstance(verdict, guard.Cleared):
        return
    kept = line.store.keep_plan(run, verdict.plan, "cleared", [], line.now())
    journal = line.store.journal(kept, verdict.plan)
    told = partial(line.progress, name)
    for outcome in apply(verdict, reached.target(name), journal, line.stopping, told):
        if not isinstance(outcome.change, GivePassword):
            continue
        who = outcome.change.who.identity
        if isinstance(outcome, Applied):
            issued.set_in.setdefault(who, []).append(name)
        elif isinstance(outcome, Rejected | Deferred):
            issued.left_out[who] = _refused(name, outcome.why, issued.set_in.get(who, ()))
    for change in changes:
        who = change.who.identity
        if name not in issued.set_in.get(who, ()):
            issued.left_out.setdefault(who, _refused(name, "it was not sent any more.", issued.set_in.get(who, ())))


def _refused(name: str, why: str, elsewhere: Sequence[str]) -> str:
    """The reason, and where the password is set all the same."""
    if not elsewhere:
        return f"{name}: {why}"
    return f"{name}: {why} In {' and '.join(elsewhere)} it is set already, and nobody knows it: give another when the cause is gone, with the same command."
