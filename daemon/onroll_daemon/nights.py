"""The commands that run a school's line: pull, plan, apply, sync; their documents and their exit codes."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date
from threading import Event
from typing import Any

import typer

from onroll_core import pipeline
from onroll_core.errors import OnrollError
from onroll_core.line import Line
from onroll_core.night import Night
from onroll_daemon.bars import watching
from onroll_daemon.mistakes import suggestion
from onroll_daemon.observing import in_vain
from onroll_daemon.session import FAILED, USAGE, Session, document, say_error, session, stop
from onroll_daemon.settings import SchoolSettings
from onroll_daemon.stops import told_to_stop
from onroll_daemon.telling import tell_night, tell_plan
from onroll_daemon.wiring import line


@dataclass(frozen=True, slots=True)
class Ask:
    """What the person at the keyboard asked for."""

    config: str | None = None
    school: str | None = None
    as_json: bool = False
    today: date | None = None
    only: Sequence[str] | None = None
    as_of: date | None = None
    approve: Sequence[str] = ()


def pull(ask: Ask) -> None:
    """`onroll pull`"""
    _each(ask, lambda it: pipeline.pull(it, ask.approve, who()), tell_night, Night.sync_json)


def sync(ask: Ask) -> None:
    """`onroll sync`"""
    _each(ask, lambda it: pipeline.sync(it, ask.approve, who()), tell_night, Night.sync_json, writes=True)


def plan(ask: Ask) -> None:
    """`onroll plan`"""
    _each(ask, lambda it: pipeline.plan(it, ask.only, ask.as_of), tell_plan, Night.plan_json)


def apply(ask: Ask) -> None:
    """`onroll apply`"""
    _each(ask, lambda it: pipeline.apply(it, ask.only, ask.approve, who()), tell_night, Night.sync_json, writes=True)


def who() -> str:
    """The account of the person at the keyboard, for the record of who did what."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""


def _each(
    ask: Ask,
    work: Callable[[Line], Night],
    tell: Callable[[Night], None],
    shape: Callable[[Night], dict[str, Any]],
    writes: bool = False,
) -> None:
    """Run one school, or all in turn; one that cannot begin does not keep the others from theirs. The exit code is the worst of all.

    The document is the school's own when there is one school, and a list of them when there are several.
    """
    shapes: list[dict[str, Any]] = []
    codes = [0]
    with session(ask.config) as opened:
        schools = _asked(opened, ask)
        ending = (
            told_to_stop(lambda: say_error("Ending after the batch in hand; once more ends it now."))
            if writes
            else nullcontext(Event())
        )
        with ending as over:
            for school in schools:
                if over.is_set():
                    break
                try:
                    with watching() as progress:
                        night = work(line(opened.settings, school, opened.store, ask.today, over.is_set, progress))
                except OnrollError as failure:
                    if len(schools) == 1:
                        raise
                    say_error(f"{school.rules.id}: {failure.sentence}")
                    shapes.append({"school": school.rules.id, "error": failure.sentence})
                    codes.append(FAILED)
                    continue
                shapes.append(shape(night))
                codes.append(night.exit_code)
                if not ask.as_json:
                    tell(night)
                for each in in_vain(night, ask.approve):
                    say_error(each)
                if night.unread:
                    say_error(night.unread)
            stopped = over.is_set()
    if ask.as_json:
        document(shapes[0] if len(schools) == 1 and shapes else shapes)
    if stopped:
        stop(FAILED, "Stopped before the end. What was done is recorded; the next run does the rest.")
    raise typer.Exit(max(codes, key=(0, 3, 1, 4).index))


def _asked(opened: Session, ask: Ask) -> Sequence[SchoolSettings]:
    """The schools to run; what does not fit them ends the command with exit code 2."""
    schools = opened.schools(ask.school)
    if ask.approve and len(schools) > 1:
        stop(USAGE, f"An approval is for one school: name it, as in onroll sync {schools[0].rules.id} --approve ...")
    there = {target for school in schools for target in school.targets}
    for name in ask.only or ():
        if name not in there:
            stop(
                USAGE,
                f"{ask.school or 'No school'} has {'no' if ask.school else 'a'} target {name}. {suggestion(name, there)}",
            )
    return schools
