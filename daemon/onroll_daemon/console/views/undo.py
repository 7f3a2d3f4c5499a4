"""A run is taken back: what that would do, as somebody had it worked out, and a yes to exactly that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from onroll_core.errors import Refused
from onroll_daemon.console.place import Place
from onroll_daemon.console.refusals import Conflict, NoSuch
from onroll_daemon.console.views import decisions
from onroll_daemon.console.views.changes import LABELS, named, shown
from onroll_daemon.console.views.requests import shown as request_shown
from onroll_daemon.console.views.runs import PAGE, run_of, undoable
from onroll_daemon.console.views.today import did
from onroll_daemon.console.views.tonight import observed
from onroll_daemon.console.visitors import Visitor
from onroll_daemon.observing import only_looked_at


def of_undo(place: Place, visitor: Visitor, number: int, request: int | None) -> dict[str, Any]:
    """Everything on the page of an undo: what the request `request` (else the newest) found that would be taken back, if anybody asked."""
    row = run_of(place, number)
    school = row["school"]
    found = _shown(place, row, request)
    plans = (found.result or {}).get("plans", ()) if found and found.kind == "show-undo" else ()
    result = (found.result or {}) if found else {}
    return {
        "labels": LABELS,
        "run": row,
        "did": did(row),
        "undoable": undoable(row),
        "asked": found,
        "error": result.get("error", ""),
        "changed": result.get("changed", ""),
        "left": result.get("left", ()),
        "notices": result.get("notices", ()),
        "plans": [_undo_plan(place, visitor, school, each) for each in plans],
        "at_work": [
            request_shown(each)
            for each in place.store.requests.open(school)
            if each.kind in ("undo", "show-undo") and each.asked.get("run") == number
        ],
    }  # fmt: skip


def _undo_plan(place: Place, visitor: Visitor, school: str, plan: Mapping[str, Any]) -> dict[str, Any]:
    given = place.store.open_approval(plan["digest"], place.clock()) if plan["digest"] else None
    needed = 2 if place.rules(school).second_person else 1
    return {
        "target": plan["target"],
        "digest": plan["digest"],
        "verdict": plan["verdict"],
        "observed": only_looked_at(plan["target"]) if observed(place, plan["target"]) else "",
        "objections": plan["objections"],
        "conflicts": plan["conflicts"],
        "rows": named(place, [shown(each) | {"note": ""} for each in plan["changes"][:PAGE]]),
        "total": len(plan["changes"]),
        "needed": needed,
        "given": given,
        "mine": given is not None and given["by"] == visitor.by,
    }


def _shown(place: Place, row: Mapping[str, Any], request: int | None) -> Any:
    """The request whose answer is shown; of this run, and over."""
    numbers = [request] if request else []
    if not numbers:
        looks = place.store.browse.asked(row["school"], "show-undo", 20)
        # What was looked at before an undo was carried out is no longer what there is to take back.
        since = [
            each.id
            for each in place.store.browse.asked(row["school"], "undo", 20)
            if each.status == "done" and each.asked.get("run") == row["id"]
        ]
        numbers = [
            each.id
            for each in looks
            if each.ended and each.asked.get("run") == row["id"] and each.id > max(since, default=0)
        ][:1]
    for number in numbers:
        found = place.store.requests.get(number)
        right = found is not None and found.school == row["school"] and found.kind in ("undo", "show-undo")
        if found is not None and right and found.asked.get("run") == row["id"] and found.over:
            return found
    if request:
        raise NoSuch("There is no such look at an undo, or it was forgotten. Look again.")
    return None


def ask_to_show(place: Place, visitor: Visitor, number: int) -> int:
    """Ask what would be taken back; gives the number of the request. Raises Refused for a run that wrote nothing."""
    row = run_of(place, number)
    if not undoable(row):
        raise Refused(
            f"Run {number} wrote nothing to any target, or is still at work, so there is nothing to take back."
        )
    asked = place.store.requests.ask(row["school"], "show-undo", {"run": number}, visitor.by, place.clock())
    place.wake()
    return asked


def ask_to_undo(place: Place, visitor: Visitor, number: int, digests: Sequence[str]) -> decisions.Said:
    """A yes to taking back exactly this, done at once when it is complete. Raises Conflict when something else was found since, or it was asked for already."""
    row = run_of(place, number)
    school, wanted = row["school"], list(dict.fromkeys(digests))
    if not wanted:
        raise Refused("Choose at least one target in which the run is taken back. Nothing was done.")
    with decisions.ONE_AT_A_TIME:
        newest = _shown(place, row, None)
        plans = (newest.result or {}).get("plans", ()) if newest else ()
        there = {each["digest"]: each["target"] for each in plans if each["digest"] and each["changes"]}
        if not set(wanted) <= there.keys():
            raise Conflict(
                "What would be taken back is no longer what you were looking at. Nothing was done. Look at it as it is now."
            )
        for digest in wanted:
            decisions.not_observed(place, there[digest], "Nothing was taken back.")
        for each in place.store.requests.open(school):
            if each.kind == "undo" and set(wanted) & set(each.asked.get("approve") or ()):
                raise Conflict("Somebody has asked for this already, and it is being done. Nothing was done twice.")
        complete = [decisions.say_yes(place, visitor, school, each) for each in wanted]
        what = f"taking back run {number} in {' and '.join(there[each] for each in wanted)}"
        place.store.console.audit.note(place.clock(), visitor.by, school, f"approved {what}", f"run {number}")
        if not all(complete):
            return decisions.Said(False, None)
        asked = {"run": number, "targets": [there[each] for each in wanted], "approve": wanted}
        request = place.store.requests.ask(school, "undo", asked, visitor.by, place.clock())
    place.wake()
    return decisions.Said(True, request)
