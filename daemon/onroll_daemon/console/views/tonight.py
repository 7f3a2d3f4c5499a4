"""What would be done tonight, as it was last worked out: by the last run, or since then because somebody asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from onroll_core.night import Word
from onroll_core.store.browsing import UNANSWERED, PlanHead
from onroll_daemon.console.place import Place
from onroll_daemon.console.views.changes import shown

PAGE = 50
OPEN = (None, "rejected", "deferred", "unsent", "unknown", UNANSWERED)
"""Outcomes of changes that the next run comes to again."""
_RUNS = 50
_KEPT = 3


@dataclass(frozen=True, slots=True)
class Look:
    """A plan that somebody had worked out; `targets` are the objects of `plan --json` by name, `as_of` the day that it is for, None for today."""

    number: int
    school: str
    at: str
    by: str
    as_of: str | None
    error: str
    notices: tuple[str, ...]
    targets: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Worked:
    """One target's plan. `at` is when it was worked out (ISO, UTC): in the run `run`, or in a `look`. `total` and `kinds` count what is still to
    be done, `done` what the run did. `verdict`: cleared, held, failed (then `objections` has why). `plan` is the store's number of it."""

    target: str
    verdict: Word
    digest: str
    objections: tuple[str, ...]
    conflicts: tuple[Mapping[str, Any], ...]
    notices: tuple[str, ...]
    at: str
    run: int | None
    look: Look | None
    plan: int | None = None
    total: int = 0
    done: int = 0
    kinds: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of changes in the shape of `changes.shown`, from `offset` on, and how many fit."""

    rows: tuple[dict[str, Any], ...]
    total: int
    offset: int


def worked_out(place: Place, school: str, chosen: Look | None = None) -> list[Worked]:
    """Each target's plan, in the order of the school's targets: that of the look that was `chosen`, else the newest there is."""
    targets = place.settings.schools[school].targets
    if chosen is not None:
        return [_of_look(chosen, name) for name in targets if name in chosen.targets]
    by_run = last_runs(place, school)
    look = newest_look(place, school)
    found = []
    for name in targets:
        row = by_run.get(name)
        if look is not None and name in look.targets and (row is None or look.at > row["ended"]):
            found.append(_of_look(look, name))
        elif row is not None:
            found.append(_of_run(place, row, name))
    return found


def observed(place: Place, target: str) -> bool:
    """Whether nothing is ever written to a target, as this onroll is configured."""
    found = place.settings.targets.get(target)
    return found is not None and found.rules.observe_only


def last_runs(place: Place, school: str) -> dict[str, dict[str, Any]]:
    """For each target, the newest ended run that brought the whole school into line with it, or tried to."""
    found: dict[str, dict[str, Any]] = {}
    for row in _whole(place, school):
        if row["kind"] in ("sync", "apply") and not row["summary"].get("held"):
            for name in row["summary"].get("targets") or {}:
                found.setdefault(name, row)
    return found


def held_reading(place: Place, school: str) -> dict[str, Any] | None:
    """The newest run that read the school, when what it read is held: then nothing was remembered of it."""
    for row in _whole(place, school):
        if row["kind"] in ("sync", "pull"):
            return row if row["summary"].get("held") else None
    return None


def _whole(place: Place, school: str) -> Iterator[dict[str, Any]]:
    for row in place.store.runs(school, _RUNS):
        if row["status"] in ("done", "held", "failed") and not row["summary"].get("only_people"):
            yield row


def newest_look(place: Place, school: str) -> Look | None:
    """The newest plan for tonight that somebody had worked out and that could be, if only in part."""
    for asked in place.store.browse.asked(school, "plan"):
        if asked.status in ("done", "failed") and not asked.asked.get("as_of"):
            found = look_at(place, school, asked.id)
            if found is not None:
                return found
    return None


def look_at(place: Place, school: str, number: int) -> Look | None:
    """The plan that the request `number` came to; None when there is none of this school. The last few are kept in memory: they do not change."""
    kept: dict[int, Look] = place.extras.setdefault("looks", {})
    found = kept.get(number)
    if found is None:
        request = place.store.requests.get(number)
        if request is None or (request.school, request.kind) != (school, "plan") or not request.ended:
            return None
        result = request.result or {}
        plans = {each["target"]: each for each in result.get("plans", ())}
        if not plans:
            return None
        error, notices = result.get("error") or "", tuple(result.get("notices", ()))
        found = Look(number, school, request.ended, request.by, request.asked.get("as_of"), error, notices, plans)
        kept[number] = found
        for old in sorted(kept)[:-_KEPT]:
            kept.pop(old, None)
    return found if found.school == school else None


def changes(place: Place, worked: Worked, kind: str = "", text: str = "", offset: int = 0, limit: int = PAGE) -> Listed:
    """What is still to be done in a target, of one kind and with every word of `text`."""
    if worked.plan is not None:
        wanted: Collection[str | None] | None = None if worked.verdict == "held" else OPEN
        found = place.store.browse.changes(
            (worked.plan,), kind=kind or None, outcomes=wanted, text=text, limit=limit, offset=offset
        )
        rows = tuple(shown(row["document"]) | {"note": row["note"]} for row in found.rows)
        return Listed(rows, found.total, offset)
    documents: Sequence[Mapping[str, Any]] = worked.look.targets[worked.target]["changes"] if worked.look else ()
    needles = text.casefold()[:200].split()[:8]
    fits = [each for each in documents if (not kind or each["kind"] == kind) and _has(each, needles)]
    rows = tuple(shown(each) | {"note": ""} for each in fits[offset : offset + limit])
    return Listed(rows, len(fits), offset)


def _has(document: Mapping[str, Any], needles: Sequence[str]) -> bool:
    if not needles:
        return True
    told = shown(document)
    text = f"{told['what']} {told['reason']} {' '.join(map(str, told['after'].values()))}".casefold()
    return all(each in text for each in needles)


def _of_look(look: Look, target: str) -> Worked:
    told = look.targets[target]
    kinds = Counter(each["kind"] for each in told["changes"])
    return Worked(
        target,
        told["verdict"],
        told["digest"],
        tuple(told["objections"]),
        tuple(told["conflicts"]),
        tuple(told.get("notices", ())),
        look.at,
        None,
        look,
        total=len(told["changes"]),
        kinds=kinds,
    )


def _of_run(place: Place, row: Mapping[str, Any], target: str) -> Worked:
    told = row["summary"]["targets"][target]
    plan = place.store.browse.plan(row["id"], target)
    if plan is None:
        why = (told["error"],) if told.get("error") else tuple(told.get("objections", ()))
        return Worked(target, told["verdict"], "", why, (), (), row["ended"], row["id"], None)
    return _of_plan(plan, told, row)


def _of_plan(plan: PlanHead, told: Mapping[str, Any], row: Mapping[str, Any]) -> Worked:
    still = None if plan.verdict == "held" else OPEN
    failed = (told["error"],) if told["verdict"] == "failed" and told.get("error") else ()
    return Worked(
        plan.target,
        told["verdict"],
        plan.digest,
        plan.objections or failed,
        plan.conflicts,
        plan.notices,
        row["ended"],
        row["id"],
        None,
        plan.id,
        plan.number(still),
        plan.number(("applied",)),
        plan.kinds(still),
    )
