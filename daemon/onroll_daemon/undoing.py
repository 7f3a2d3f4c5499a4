"""`onroll runs undo`: what a run did is taken back; shown first, done in the targets whose plan is approved by its digest."""

from __future__ import annotations

from collections.abc import Sequence

import typer

from onroll_core import pipeline
from onroll_core.night import Night
from onroll_daemon.bars import watching
from onroll_daemon.mistakes import suggestion
from onroll_daemon.nights import who
from onroll_daemon.observing import in_vain
from onroll_daemon.session import FAILED, USAGE, Session, document, say, say_error, session, stop
from onroll_daemon.settings import SchoolSettings
from onroll_daemon.stops import told_to_stop
from onroll_daemon.telling import tell_at_once, tell_plan, tell_targets
from onroll_daemon.wiring import line


def runs_undo(
    config: str | None, number: int, only: Sequence[str] | None, approve: Sequence[str], as_json: bool
) -> None:
    """`onroll runs undo`"""
    with session(config) as opened:
        school = _school(opened, number, only)
        with told_to_stop(lambda: say_error("Ending after the batch in hand; once more ends it now.")) as over:
            with watching() as progress:
                it = line(opened.settings, school, opened.store, None, over.is_set, progress)
                if approve:
                    night = pipeline.undo(it, number, only, approve, who())
                else:
                    night = pipeline.show_undo(it, number, only)
            stopped = over.is_set()
    for each in in_vain(night, approve):
        say_error(each)
    if as_json:
        document(shape(night, number))
    else:
        _tell(night, number)
    if stopped:
        stop(
            FAILED, f"Stopped before the end. What was done is recorded; the rest, once more: onroll runs undo {number}"
        )
    raise typer.Exit(night.exit_code)


def _school(opened: Session, number: int, only: Sequence[str] | None) -> SchoolSettings:
    """The school of a run; ends the command when there is none, or when it has no such target."""
    row = opened.store.run(number)
    if row is None:
        stop(FAILED, f"There is no run {number}. Look at the last ones with: onroll runs")
    school = opened.schools(row["school"])[0]
    for name in only or ():
        if name not in school.targets:
            stop(USAGE, f"{school.rules.id} has no target {name}. {suggestion(name, school.targets)}")
    return school


def shape(night: Night, number: int) -> dict[str, object]:
    """The document: that of `plan --json` for what is shown, that of `sync --json` for what was done, with the run that is undone."""
    shape = night.plan_json() if night.run is None else night.sync_json()
    left = [conflict.why for conflict in pipeline.unsettled(night)]
    return shape | {"undoes": number, "left": left, "notices": [*night.notices, *_notices(night)]}


def _notices(night: Night) -> list[str]:
    """What stays, each once whatever the number of targets."""
    found = (notice for one in night.targets.values() if one.plan for notice in one.plan.notices)
    return list(dict.fromkeys(found))


def _tell(night: Night, number: int) -> None:
    command = f"onroll runs undo {number}"
    if night.run is not None:
        say(f"Run {night.run} undoes run {number} of {night.school}.")
        tell_targets(night, command, command)
        for notice in _notices(night):
            say(f"  note: {notice}")
        return
    tell_plan(night, command)
    for notice in night.notices:
        say(f"  note: {notice}")
    tell_at_once(night, command)
    if not any(one.verdict == "held" for one in night.targets.values()) and night.exit_code == 0:
        say(f"Nothing of run {number} is left to undo.")
