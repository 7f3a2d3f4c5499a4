"""The commands that run a school's line: pull, plan, apply, sync; what they print, and their exit codes."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date

import typer

from onroll_core import pipeline
from onroll_core.changes import kind, sentence
from onroll_core.night import TALLIES, Night
from onroll_core.pipeline import Line
from onroll_daemon.session import USAGE, Session, document, say, session, stop
from onroll_daemon.wiring import Progress, line, quiet

_SHOWN = 40


def pull(config: str | None, school: str | None, as_json: bool, today: date | None, approve: str | None) -> None:
    """`onroll pull`"""
    _each(config, school, as_json, today, lambda it: pipeline.pull(it, approve, who()), _tell_night, Night.sync_json)


def sync(config: str | None, school: str | None, as_json: bool, today: date | None, approve: str | None) -> None:
    """`onroll sync`"""
    _each(config, school, as_json, today, lambda it: pipeline.sync(it, approve, who()), _tell_night, Night.sync_json)


def plan(config: str | None, school: str | None, as_json: bool, today: date | None, only: Sequence[str] | None) -> None:
    """`onroll plan`"""
    _each(config, school, as_json, today, lambda it: pipeline.plan(it, _known(it, only)), tell_plan, Night.plan_json)


def apply(
    config: str | None,
    school: str | None,
    as_json: bool,
    today: date | None,
    only: Sequence[str] | None,
    approve: str | None,
) -> None:
    """`onroll apply`"""
    _each(
        config,
        school,
        as_json,
        today,
        lambda it: pipeline.apply(it, _known(it, only), approve, who()),
        _tell_night,
        Night.sync_json,
    )


def who() -> str:
    """The account of the person at the keyboard, for the record of who did what."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""


def _known(it: Line, only: Sequence[str] | None) -> Sequence[str] | None:
    """The targets asked for; one that the school does not have ends the command."""
    for name in only or ():
        if name not in it.targets:
            stop(USAGE, f"{it.school.id} has no target {name}. It has: {', '.join(it.targets) or 'none'}.")
    return only or None


def _each(
    config: str | None,
    named: str | None,
    as_json: bool,
    today: date | None,
    work: Callable[[Line], Night],
    tell: Callable[[Night], None],
    shape: Callable[[Night], object],
) -> None:
    """Run one school or all in turn; the exit code is the worst of theirs."""
    with session(config) as opened:
        nights = [_one(opened, school.rules.id, today, work) for school in opened.schools(named)]
    if as_json:
        shapes = [shape(night) for night in nights]
        document(shapes[0] if len(shapes) == 1 else shapes)
    else:
        for night in nights:
            tell(night)
    for night in nights:
        if night.unread:
            say_error(night.unread)
    code = max((night.exit_code for night in nights), key=(0, 3, 1, 4).index)
    raise typer.Exit(code)


def _one(opened: Session, school: str, today: date | None, work: Callable[[Line], Night]) -> Night:
    with watching() as progress:
        return work(line(opened.settings, opened.settings.schools[school], opened.store, today, progress=progress))


def say_error(text: str) -> None:
    """A sentence on standard error."""
    print(text, file=sys.stderr)  # noqa: T201


@contextmanager
def watching() -> Iterator[Progress]:
    """A progress bar on a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        yield quiet
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("starting", total=None)

        def progress(what: str, done: int, total: int | None) -> None:
            bars.update(task, description=what, completed=done, total=total)

        yield progress


def _tell_night(night: Night) -> None:
    people = night.people.as_json()
    say(f"{night.school}: " + ", ".join(f"{count} {name}" for name, count in people.items()))
    for objection in night.held:
        say(f"  held: {objection}")
    if night.held:
        say(f"  If that is right: onroll sync {night.school} --approve {night.snapshot}")
        return
    for name, target in night.targets.items():
        done = ", ".join(f"{target.tally[each]} {each}" for each in TALLIES if target.tally[each])
        say(f"  {name}: {target.error or (target.verdict + ', ' + (done or 'nothing to do'))}")
        for objection in target.objections:
            say(f"    held: {objection}")
        if target.verdict == "held" and target.plan is not None:
            say(f"    Look at it: onroll plan {night.school} --target {name}")
            say(f"    If it is right: onroll apply {night.school} --target {name} --approve {target.plan.digest}")
        for trouble in target.troubles[:_SHOWN]:
            say(f"    failed: {trouble}")
    for conflict in pipeline.unsettled(night)[:_SHOWN]:
        say(f"  for a person: {conflict.why}")
    for notice in (*night.conflicts, *night.notices)[:_SHOWN]:
        say(f"  note: {notice}")


def tell_plan(night: Night) -> None:
    """A plan for people: each change a sentence, grouped by target and kind."""
    for name, target in night.targets.items():
        if target.error:
            say(f"{name}: {target.error}")
            continue
        current = target.plan
        changes = current.changes if current else ()
        say(f"{name}: {target.verdict}, {len(changes)} changes (digest {current.digest if current else ''})")
        for objection in target.objections:
            say(f"  held: {objection}")
        for each in sorted({kind(change) for change in changes}, key=[kind(change) for change in changes].index):
            of_kind = [change for change in changes if kind(change) == each]
            for change in of_kind[:_SHOWN]:
                say(f"  {sentence(change)}")
            if len(of_kind) > _SHOWN:
                say(f"  ... and {len(of_kind) - _SHOWN} more of that kind; --json shows all")
        for conflict in current.conflicts if current else ():
            say(f"  for a person: {conflict.why}")
        for notice in current.notices if current else ():
            say(f"  note: {notice}")
