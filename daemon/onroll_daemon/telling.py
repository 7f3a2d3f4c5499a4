"""A night and a plan in words, for the person at the keyboard."""

from __future__ import annotations

from collections.abc import Iterable

from onroll_core import pipeline
from onroll_core.changes import Change, kind, sentence
from onroll_core.night import TALLIES, Night, TargetNight
from onroll_daemon.observing import watched
from onroll_daemon.session import say
from onroll_daemon.totals import totals

_SHOWN = 40


def tell_night(night: Night) -> None:
    """What was read, what was done, what is held and how to let it pass."""
    if not night.unread:
        people = night.people.as_json()
        say(f"{night.school}: " + ", ".join(f"{count} {name}" for name, count in people.items()))
    if night.held:
        _listed("held", night.held)
        say(
            f"  Nothing was remembered and nothing written. If it is right: onroll sync {night.school} --approve {night.snapshot}"
        )
        return
    tell_targets(night, f"onroll plan {night.school}", f"onroll apply {night.school}")
    tell_at_once(night, f"onroll apply {night.school}")


def tell_targets(night: Night, look: str, again: str) -> None:
    """What became of each target; `look` and `again` are the commands that show a held plan and let it pass, without target and digest."""
    for name, target in night.targets.items():
        say(f"  {name}: {target.error or (target.verdict + ', ' + _done(name, target))}")
        if target.verdict == "held" and target.plan is not None:
            _listed("held", target.objections, "    ")
            say(f"    Look at it: {look} --target {name}")
            if _waits(name, target):
                say(f"    If it is right: {again} --target {name} --approve {target.plan.digest}")
        _listed("failed", target.troubles, "    ")
        _listed("note", target.plan.notices if target.plan else (), "    ")
    _listed("for a person", [each.why for each in pipeline.unsettled(night)])
    _listed("note", [*night.conflicts, *night.notices])


def tell_at_once(night: Night, command: str) -> None:
    """How everything that is held passes together, where that is more than one target."""
    held = [one.plan.digest for name, one in night.targets.items() if _waits(name, one) and one.plan is not None]
    if len(held) > 1:
        say(f"All of it at once: {command} {' '.join(f'--approve {digest}' for digest in held)}")


def _waits(name: str, target: TargetNight) -> bool:
    """Whether something is held until a person approves it: nothing is where nothing is ever written."""
    return target.verdict == "held" and not watched(name, target)


def _done(name: str, target: TargetNight) -> str:
    done = ", ".join(f"{target.tally[each]} {each}" for each in TALLIES if target.tally[each])
    if target.verdict == "held":
        waiting = (
            "would be made, if it were not only observed"
            if watched(name, target)
            else "wait for a person, nothing was written"
        )
        return f"{len(target.plan.changes) if target.plan else 0} changes {waiting}"
    return done or "nothing to do"


def tell_plan(night: Night, again: str = "") -> None:
    """Each change a sentence, by target and kind; `again` is the command that lets a held plan pass, without target and digest."""
    for name, target in night.targets.items():
        if target.plan is None:
            say(f"{name}: {target.error}")
            continue
        changes = target.plan.changes
        if not changes:
            say(f"{name}: nothing to do")
        else:
            say(f"{name}: {len(changes)} changes, {target.verdict} (digest {target.plan.digest})")
            for each in totals(changes):
                say(f"  {each}")
        _listed("held", target.objections)
        for each in dict.fromkeys(kind(change) for change in changes):
            _of_kind([change for change in changes if kind(change) == each])
        if _waits(name, target):
            command = again or f"onroll apply {night.school}"
            say(f"  If it is right: {command} --target {name} --approve {target.plan.digest}")
        _listed("for a person", [conflict.why for conflict in target.plan.conflicts])
        _listed("note", target.plan.notices)
    _listed("note", night.notices, "")


def _of_kind(changes: list[Change]) -> None:
    for change in changes[:_SHOWN]:
        say(f"  {sentence(change)}")
    if len(changes) > _SHOWN:
        say(f"  ... and {len(changes) - _SHOWN} more of that kind; --json shows all")


def _listed(what: str, said: Iterable[str], margin: str = "  ") -> None:
    lines = list(said)
    for each in lines[:_SHOWN]:
        say(f"{margin}{what}: {each}")
    if len(lines) > _SHOWN:
        say(f"{margin}... and {len(lines) - _SHOWN} more; --json shows all")
