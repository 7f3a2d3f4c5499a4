"""What is held, and a person's yes or no to it: bound to the digest that they saw, asked for once, and written into the audit."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from onroll_core.errors import Refused
from onroll_daemon.console.place import Place
from onroll_daemon.console.refusals import Conflict, Forbidden
from onroll_daemon.console.views.tonight import Look, Worked, held_reading, observed, worked_out
from onroll_daemon.console.visitors import Visitor
from onroll_daemon.observing import only_looked_at

LASTS = timedelta(hours=24)
ONE_AT_A_TIME = threading.Lock()
"""The console is one process: whoever says yes second sees that the first has."""
CHANGED = (
    "What is held is no longer what you were looking at: the plan was worked out anew since, or was let through. Nothing was approved or refused."
    " Look at it as it is now."
)


@dataclass(frozen=True, slots=True)
class Decision:
    """Something that waits for a yes. `target` None is a reading; `objections` are sentences; `approval` and `refusal` are what people said of the digest
    until now, as the store gives them; `doing` is the number of the request that is about to do it. `readings` are its profile and that of the last good one."""

    digest: str
    target: str | None
    objections: Sequence[str]
    at: str
    run: int | None
    look: int | None
    needed: int
    approval: Mapping[str, Any] | None
    refusal: Mapping[str, Any] | None
    doing: int | None
    worked: Worked | None = None
    readings: Sequence[tuple[str, int, int]] = field(default=())

    @property
    def complete(self) -> bool:
        """Whether everybody who has to has said yes."""
        return self.approval is not None and (self.needed == 1 or self.approval["also_by"] is not None)


@dataclass(frozen=True, slots=True)
class Said:
    """What came of a yes: whether it is `complete` or a second person is needed, and the `request` that does it now."""

    complete: bool
    request: int | None


def decisions(place: Place, school: str, plans: Sequence[Worked] | None = None) -> list[Decision]:
    """What is held at a school now, a reading before plans; a target that is only observed waits for nobody. `plans` are those of `worked_out`, where known."""
    found = []
    row = held_reading(place, school)
    if row is not None:
        told = row["summary"]
        numbers = _numbers(place, school, row["id"])
        found.append(
            _decision(place, school, told["digest"], None, told["held"], row["ended"], row["id"], None, numbers)
        )
    waiting = worked_out(place, school) if plans is None else plans
    held = [each for each in waiting if each.verdict == "held" and not observed(place, each.target)]
    return [
        *found,
        *(_of_plan(place, school, each) for each in held if each.digest and not (each.look and each.look.as_of)),
    ]


def approve(place: Place, visitor: Visitor, school: str, digest: str, now: bool, target: str | None = None) -> Said:
    """A person's yes to a digest that is held: `now`, or when the next run comes to it within a day. `target`, where it is told, has to be the digest's.

    Raises Conflict when that is not held (any more), or was approved already; Forbidden when it needs a second person who is none.
    """
    with ONE_AT_A_TIME:
        held = _held(place, school, digest)
        if target not in (None, held.target):
            raise Conflict(CHANGED)
        what = "the last reading" if held.target is None else f"the plan for {held.target}"
        if held.doing is not None:
            raise Conflict("Somebody has approved this already, and it is being done. Nothing was approved twice.")
        if not held.complete:
            complete = say_yes(place, visitor, school, digest)
            place.store.console.audit.note(place.clock(), visitor.by, school, f"approved {what}", digest)
        elif not now:
            raise Conflict(f"{_by(held.approval)} approved this already, for tonight. Nothing was approved twice.")
        else:
            complete = True
        if not (now and complete):
            return Said(complete, None)
        asked: dict[str, Any] = {"approve": [digest]}
        if held.target is not None:
            asked |= {"targets": [held.target], "identity": None}
        kind = "sync" if held.target is None else "apply"
        number = place.store.requests.ask(school, kind, asked, visitor.by, place.clock())
    place.store.console.audit.note(place.clock(), visitor.by, school, f"asked for {what} to be done now", digest)
    place.wake()
    return Said(True, number)


def say_yes(place: Place, visitor: Visitor, school: str, digest: str) -> bool:
    """Keep somebody's yes; True when it is complete. Raises Conflict or Forbidden when theirs cannot be the second one."""
    needed, at = 2 if place.rules(school).second_person else 1, place.clock()
    if needed > 1:
        if visitor.operator is None:
            raise Forbidden(
                f"{place.rules(school).name} wants two people to approve what is held, and a script is no person."
            )
        given = place.store.open_approval(digest, at)
        if given is not None and given["also_by"] is None and given["by"] == visitor.by:
            raise Conflict("You have approved this already. A second person has to approve it before anything is done.")
    place.store.approve(digest, school, visitor.by, at, at + LASTS, needed)
    given = place.store.open_approval(digest, at)
    return given is not None and (needed == 1 or given["also_by"] is not None)


def refuse(place: Place, visitor: Visitor, school: str, digest: str, why: str) -> None:
    """A person's no to a digest that is held, with its reason. Raises Conflict as `approve`, Refused without a reason."""
    reason = " ".join(why.split())[:500]
    if not reason:
        raise Refused("Say why it is refused: whoever looks next has to know. Nothing was refused.")
    with ONE_AT_A_TIME:
        held = _held(place, school, digest)
        if held.doing is not None:
            raise Conflict(
                "Somebody has approved this, and it is being done: it cannot be refused any more. Undo the run instead."
            )
        what = "the last reading" if held.target is None else f"the plan for {held.target}"
        place.store.refuse(digest, school, visitor.by, reason, place.clock())
        place.store.console.audit.note(place.clock(), visitor.by, school, f"refused {what}: {reason}", digest)


def not_observed(place: Place, target: str, what: str) -> None:
    """Raises Conflict for a target to which nothing is ever written: there is nothing in it to say yes or no to. `what` was not done."""
    if observed(place, target):
        raise Conflict(f"{only_looked_at(target)} {what}")


def _held(place: Place, school: str, digest: str) -> Decision:
    plans = worked_out(place, school)
    for each in plans:
        if each.digest == digest:
            not_observed(place, each.target, "Nothing was approved or refused.")
    found = next((each for each in decisions(place, school, plans) if each.digest == digest), None)
    if found is None:
        raise Conflict(CHANGED)
    return found


def _by(approval: Mapping[str, Any] | None) -> str:
    given = approval or {}
    return " and ".join(filter(None, (given.get("by"), given.get("also_by")))) or "Somebody"


def _of_plan(place: Place, school: str, plan: Worked) -> Decision:
    look: Look | None = plan.look
    number = None if look is None else look.number
    return _decision(place, school, plan.digest, plan.target, plan.objections, plan.at, plan.run, number, (), plan)


def _decision(
    place: Place,
    school: str,
    digest: str,
    target: str | None,
    objections: Sequence[str],
    at: str,
    run: int | None,
    look: int | None,
    numbers: Sequence[tuple[str, int, int]],
    plan: Worked | None = None,
) -> Decision:
    store = place.store
    doing = [each.id for each in store.requests.open(school) if digest in (each.asked.get("approve") or ())]
    return Decision(
        digest,
        target,
        objections,
        at,
        run,
        look,
        2 if place.rules(school).second_person else 1,
        store.open_approval(digest, place.clock()),
        store.refusal(digest),
        doing[0] if doing else None,
        plan,
        numbers,
    )


def _numbers(place: Place, school: str, run: int) -> list[tuple[str, int, int]]:
    """Of what is held: what was told the last time that it was believed, and now."""
    row = place.store.browse.run(run)
    last = next(iter(place.store.profiles(school, 1)), {})
    now = row["readings"][-1]["profile"] if row and row["readings"] else {}
    return compared(last, now)


def compared(last: Mapping[str, Any], now: Mapping[str, Any]) -> list[tuple[str, int, int]]:
    """Numbers of two readings side by side: people by role, year groups, groups."""
    found = []
    for part, words in (("people", "{}"), ("years", "Year group {}"), ("groups", "{} groups")):
        before, after = last.get(part) or {}, now.get(part) or {}
        for name in sorted({*before, *after}):
            label = {"student": "Pupils", "staff": "Staff"}.get(name, name) if part == "people" else words.format(name)
            found.append((label[:1].upper() + label[1:], before.get(name, 0), after.get(name, 0)))
    return found
