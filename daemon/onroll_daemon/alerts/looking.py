"""Schools as alerts see them, read from the store; whoever may not be told names gets none from here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from onroll_core.night import TALLIES
from onroll_core.store import Store
from onroll_daemon.alerts import safe
from onroll_daemon.alerts.seen import Cause, RunSeen, SchoolSeen, TargetSeen, spoken, waiting
from onroll_daemon.freshness import Freshness, freshness
from onroll_daemon.settings import SchoolSettings, Settings

BACK = timedelta(days=9)
"""A week for the digest, and the days for which it may be late."""
_RUNS = 400
_REASONS = 10


def look(settings: Settings, store: Store, now: datetime) -> list[SchoolSeen]:
    """Every school of the configuration, now. Raises OnrollError when the store does not answer."""
    names = settings.alerts.personal_data
    return [_school(school, store, now, names) for school in settings.schools.values()]


def _school(school: SchoolSettings, store: Store, now: datetime, names: bool) -> SchoolSeen:
    rows = store.runs(school.rules.id, _RUNS)
    known = store.freshness(school.rules.id)
    fresh = freshness(known, rows, school.targets, school.window, now)
    zone = school.window.zone
    runs = tuple(run_seen(row, names) for row in rows if row["ended"] and _moment(row["started"]) >= now - BACK)
    seen = SchoolSeen(
        school.rules.id, school.rules.name, zone, school.targets, fresh.word, "", "fresh", fresh.last_read, runs
    )
    cause = _cause(seen, fresh, known, school.window.last_closed(now).opens)
    reason = f"{fresh.why[0].upper()}{fresh.why[1:]}" if names else _reason(seen, fresh, known, cause)
    return replace(seen, cause=cause, reason=reason if reason.endswith((".", ")", "?")) else f"{reason}.")


def _cause(school: SchoolSeen, fresh: Freshness, known: Mapping[str, str | None], opened: datetime) -> Cause:
    """What `freshness` judged by, in its order; `opened`: when the window opened that was over last."""
    held = waiting(school)
    if fresh.word == "fresh":
        return "fresh"
    if known.get("problem"):
        return "unread"
    if held and not held[0].where:
        return "reading waits"
    if fresh.last_read is None:
        return "never read"
    if fresh.last_read < opened:
        return "not in time"
    if fresh.word == "failing":
        return "target failed"
    return "plan waits" if held else "stale"


def _reason(school: SchoolSeen, fresh: Freshness, known: Mapping[str, str | None], cause: Cause) -> str:
    """Why the word is what it is, in words of ours alone."""
    read = f"everybody was read last on {spoken(fresh.last_read, school.zone)}" if fresh.last_read else ""
    read = read or "nobody has been read yet"
    match cause:
        case "fresh" | "never read":
            return f"{read[0].upper()}{read[1:]}"
        case "unread":
            since = known.get("failing_since")
            when = f" since {spoken(_moment(since), school.zone)}" if since else ""
            return f"The MIS could not be read{when}; {read}"
        case "reading waits":
            return f"What the MIS told last is not believed before a person has looked; {read}"
        case "not in time":
            return f"{read[0].upper()}{read[1:]}, and nothing was read in the window after that"
        case "target failed":
            return f"{' and '.join(_failed_targets(school))} could not be brought into line; {read}"
        case "plan waits":
            where = " and ".join(each.where for each in waiting(school))
            return f"The plan for {where} waits for a person; {read}"
        case "stale":
            feed = spoken(fresh.feed_time, school.zone) if fresh.feed_time else "some days ago"
            return f"{read[0].upper()}{read[1:]}, but the MIS says that its data is from {feed}"


def _failed_targets(school: SchoolSeen) -> list[str]:
    """Targets whose newest run failed."""
    verdicts: dict[str, str] = {}
    for run in school.runs:
        for target in run.targets if not run.held else ():
            verdicts.setdefault(target.name, target.verdict)
    return [name for name in school.targets if verdicts.get(name) == "failed"]


def run_seen(row: Mapping[str, Any], names: bool) -> RunSeen:
    """A row of `Store.runs` that has ended; without `names`, sentences are said again in words of ours."""
    told = row["summary"] or {}
    people = {name: int(count) for name, count in (told.get("people") or {}).items()}
    return RunSeen(
        row["id"],
        row["kind"],
        _moment(row["started"]),
        _moment(row["ended"]),
        row["status"] or "",
        people.get("joiners", 0),
        people.get("movers", 0),
        people.get("leavers", 0),
        people.get("returners", 0),
        people.get("conflicts", 0),
        _objections(told.get("held") or (), names),
        str(told.get("digest", "")),
        tuple(_target(name, each, names) for name, each in (told.get("targets") or {}).items()),
    )


def _target(name: str, told: Mapping[str, Any], names: bool) -> TargetSeen:
    count = {tally: int(told.get(tally, 0)) for tally in TALLIES}
    reasons = Counter(str(each) if names else safe.refusal(str(each)) for each in told.get("problems", ()))
    return TargetSeen(
        name,
        "cleared" if told.get("observe_only") else str(told.get("verdict", "")),  # it waits for nobody
        sum(times for tally, times in count.items() if tally not in ("failed", "deferred")),
        count["failed"],
        count["deferred"],
        str(told.get("digest", "")),
        _objections(told.get("objections", ()), names),
        tuple(reasons.most_common(_REASONS)),
    )


def _objections(told: Any, names: bool) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(each) if names else safe.objection(str(each)) for each in told))


def _moment(text: Any) -> datetime:
    return datetime.fromisoformat(str(text))
