"""A school's week in numbers, for the digest."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from onroll_daemon.alerts.seen import RunSeen, SchoolSeen, spoken, waiting

WEEK = timedelta(days=7)


def week_of(school: SchoolSeen, until: datetime) -> dict[str, Any]:
    """The values of a digest for the seven days before `until`: counts of people, of nights and of changes by target, and what waits for a person."""
    since = (until.astimezone(school.zone).replace(tzinfo=None) - WEEK).replace(tzinfo=school.zone)
    runs = [run for run in school.runs if since <= run.started < until]
    people = {name: sum(getattr(run, name) for run in runs) for name in ("joiners", "movers", "leavers", "returners")}
    return people | {
        "since": spoken(since, school.zone),
        "until": spoken(until, school.zone),
        "nights": _nights(school, [run for run in runs if run.kind == "sync"]),
        "held_nights": _nights(school, [run for run in runs if run.status == "held"]),
        "unread_nights": _unread(school, runs),
        "targets": _targets(school, runs),
        "waits": _waits(school),
        "conflicts": next((run.conflicts for run in school.runs if run.kind in ("sync", "pull") and not run.held), 0),
    }


def _nights(school: SchoolSeen, runs: Sequence[RunSeen]) -> int:
    return len(_days(school, runs))


def _days(school: SchoolSeen, runs: Sequence[RunSeen]) -> set[object]:
    return {run.started.astimezone(school.zone).date() for run in runs}


def _unread(school: SchoolSeen, runs: Sequence[RunSeen]) -> int:
    """Days on which something was tried and nothing could be read."""
    tried = _days(school, [run for run in runs if run.status == "unread"])
    read = _days(
        school, [run for run in runs if run.kind in ("sync", "pull") and run.status in ("done", "held", "failed")]
    )
    return len(tried - read)


def _targets(school: SchoolSeen, runs: Sequence[RunSeen]) -> list[dict[str, Any]]:
    seen = [target for run in runs for target in run.targets]
    names = [*school.targets, *sorted({each.name for each in seen} - set(school.targets))]
    return [
        {
            "name": name,
            "changes": sum(each.changes for each in seen if each.name == name),
            "failed": sum(each.failed for each in seen if each.name == name),
        }
        for name in names
    ]


def _waits(school: SchoolSeen) -> list[str]:
    return [f"the plan for {each.where}" if each.where else "the reading of the MIS" for each in waiting(school)]
