"""Runs as people see them: who asked, what was read, what was done, refused and put off in each target, and what can be taken back."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from onroll_core.errors import Refused
from onroll_core.handout import safe_cell
from onroll_core.store.browsing import UNDER_WAY, PlanHead
from onroll_daemon.console.place import Place
from onroll_daemon.console.refusals import Conflict, NoSuch
from onroll_daemon.console.templating import plural
from onroll_daemon.console.views import decisions
from onroll_daemon.console.views.changes import GROUPS, KINDS, LABELS, grouped, in_order, shown
from onroll_daemon.console.views.plan import paging
from onroll_daemon.console.views.requests import shown as request_shown
from onroll_daemon.console.views.today import did
from onroll_daemon.console.visitors import Visitor

PAGE = 50
_CHUNK = 2000
RUN_KINDS = ("sync", "apply", "pull", "undo")
STATUSES = ("done", "held", "failed", "unread", "cut off", UNDER_WAY)
OUTCOMES: Mapping[str, tuple[str | None, ...]] = {
    "done": ("applied",),
    "failed": ("rejected",),
    "put off": ("deferred", "unsent"),
    "not known": ("unknown",),
    "not sent": (None,),
}
_OUTCOME = {outcome: words for words, outcomes in OUTCOMES.items() for outcome in outcomes}
COLUMNS = ("run", "target", "kind", "username", "identity", "change", "outcome", "note", "sent", "answered")


def listed(place: Place, school: str, kind: str, status: str, page: int) -> dict[str, Any]:
    """A page of the runs of a school. What is no kind or status is not asked for."""
    kind, status = kind if kind in RUN_KINDS else "", status if status in STATUSES else ""
    found = place.store.browse.runs(school, kind or None, status or None, PAGE, (page - 1) * PAGE)
    return {
        "runs": [{"row": row, "did": did(row)} for row in found.rows],
        "asked": {"kind": kind, "status": status, "page": page},
        "paging": paging(page, PAGE, found.total),
        "kinds": RUN_KINDS,
        "statuses": STATUSES,
    }


def run_of(place: Place, number: int) -> dict[str, Any]:
    """A run with the heads of its plans. Raises NoSuch."""
    found = place.store.browse.run(number)
    if found is None:
        raise NoSuch("There is no such run, or you may not see it.")
    return found


def of_run(place: Place, number: int, target: str, outcome: str, kind: str, text: str, page: int) -> dict[str, Any]:
    """Everything on the page of a run: its changes of one target, outcome and kind, with every word of `text`."""
    row = run_of(place, number)
    heads: list[PlanHead] = [each for each in row["plans"] if each.target == target] or row["plans"]
    target = heads[0].target if len(heads) == 1 else ""
    wanted = OUTCOMES.get(outcome)
    found = place.store.browse.changes(
        [each.id for each in heads], kind=kind or None, outcomes=wanted, text=text, limit=PAGE, offset=(page - 1) * PAGE
    )
    kinds: dict[str, int] = {}
    for head in heads:
        for name, count in head.kinds(wanted).items():
            kinds[name] = kinds.get(name, 0) + count
    rows = [_row(each) for each in found.rows]
    return {
        "labels": LABELS,
        "run": row,
        "did": did(row),
        "targets": [_target(row, name) for name in row["summary"].get("targets") or {}],
        "reading": reading(place, row),
        "changed": _changed(place, row),
        "undoable": undoable(row),
        "outcomes": {name: sum(head.number(of) for head in heads) for name, of in OUTCOMES.items()},
        "total": sum(head.number() for head in row["plans"]),
        "kinds": in_order(kinds),
        "groups": grouped(rows),
        "asked": {
            "target": target, "outcome": outcome if outcome in OUTCOMES else "", "kind": kind, "q": text, "page": page
        },
        "paging": paging(page, PAGE, found.total),
    }  # fmt: skip


def _row(change: Mapping[str, Any]) -> dict[str, Any]:
    told = shown(change["document"])
    return told | {
        "target": change["target"],
        "sentence": change["sentence"],
        "outcome": _OUTCOME.get(change["outcome"], "not known") if change["intended"] or change["outcome"] else "not sent",
        "note": change["note"],
        "at": change["answered"] or change["intended"],
    }  # fmt: skip


def _target(row: Mapping[str, Any], name: str) -> dict[str, Any]:
    told = row["summary"]["targets"][name]
    head = next((each for each in row["plans"] if each.target == name), None)
    numbers = {words: head.number(of) if head else 0 for words, of in OUTCOMES.items()}
    return {
        "name": name,
        "verdict": told.get("verdict", ""),
        "digest": head.digest if head else "",
        "error": told.get("error", ""),
        "objections": head.objections if head else (),
        "conflicts": head.conflicts if head else (),
        "notices": head.notices if head else (),
        "numbers": numbers,
        "total": head.number() if head else 0,
    }


def reading(place: Place, row: Mapping[str, Any]) -> dict[str, Any] | None:
    """What was read in a run, in words: how many people and groups, and whether that was believed; None when nothing was."""
    if not row["readings"]:
        return None
    last = row["readings"][-1]
    profile = last["profile"]
    people = profile.get("people") or {}
    groups = sum((profile.get("groups") or {}).values())
    told = [
        plural(people.get("student", 0), "pupil"),
        plural(people.get("staff", 0), "member of staff", "members of staff"),
    ]
    others = sum(count for role, count in people.items() if role not in ("student", "staff"))
    told += [plural(others, "other person", "other people")] if others else []
    told += [plural(groups, "group")] if groups else []
    return {
        "words": f"{', '.join(told[:-1])} and {told[-1]}.",
        "good": bool(last["good"]),
        "taken_at": last["taken_at"],
        "feed_time": last["feed_time"],
        "numbers": decisions.compared({}, profile),
    }


def _changed(place: Place, row: Mapping[str, Any]) -> str:
    """What the request that led to a run says of an approval that came to nothing."""
    if row["status"] != "held" or row["kind"] not in ("sync", "apply", "undo"):
        return ""
    for each in place.store.requests.latest(row["school"], row["kind"], 10):
        if (each.result or {}).get("run") == row["id"]:
            return str((each.result or {}).get("changed") or "")
    return ""


def undoable(row: Mapping[str, Any]) -> bool:
    """Whether a run wrote anything that could be taken back."""
    return row["status"] is not None and any(head.number(("applied", "unknown", "deferred")) for head in row["plans"])


def exported(place: Place, number: int) -> Iterator[str]:
    """Every change of a run as CSV, a piece at a time; no cell is a formula."""
    row = run_of(place, number)
    yield "\ufeff" + _line(COLUMNS)
    for head in row["plans"]:
        offset = 0
        while found := place.store.browse.changes((head.id,), limit=_CHUNK, offset=offset, count=False).rows:
            yield "".join(_line(_cells(number, each)) for each in found)
            offset += _CHUNK


def _cells(number: int, change: Mapping[str, Any]) -> Sequence[str]:
    row = _row(change)
    identity = "" if change["kind"] in GROUPS else change["identity"]
    times = (change["intended"] or "", change["answered"] or "")
    kind = KINDS.get(change["kind"], change["kind"])
    return (
        str(number), change["target"], kind, change["username"], identity, change["sentence"], row["outcome"], change["note"], *times
    )  # fmt: skip


def _line(cells: Sequence[str]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow([safe_cell(each) for each in cells])
    return out.getvalue()


# --- undo ---


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
        "objections": plan["objections"],
        "conflicts": plan["conflicts"],
        "rows": [shown(each) | {"note": ""} for each in plan["changes"][:PAGE]],
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
