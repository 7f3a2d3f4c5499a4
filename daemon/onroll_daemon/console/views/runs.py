"""Runs as people see them: who asked, what was read, and what was done, refused and put off in each target."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, get_args

from onroll_core.handout import safe_cell
from onroll_core.store.browsing import UNANSWERED, UNDER_WAY, PlanHead
from onroll_daemon.console.place import Place
from onroll_daemon.console.refusals import NoSuch
from onroll_daemon.console.templating import plural
from onroll_daemon.console.views.changes import GROUPS, KINDS, LABELS, grouped, in_order
from onroll_daemon.console.views.decisions import compared
from onroll_daemon.console.views.plan import paging
from onroll_daemon.console.views.today import did

PAGE = 50
_CHUNK = 2000
RUN_KINDS = ("sync", "apply", "pull", "undo")
STATUSES = ("done", "held", "failed", "unread", "cut off", UNDER_WAY)
Became = Literal["done", "failed", "put off", "not known", "not sent"]
OUTCOMES: Mapping[Became, tuple[str | None, ...]] = {
    "done": ("applied",),
    "failed": ("rejected",),
    "put off": ("deferred", "unsent"),
    "not known": ("unknown", UNANSWERED),
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
    became = next((each for each in get_args(Became) if each == outcome), None)
    wanted = OUTCOMES[became] if became else None
    found = place.store.browse.changes(
        [each.id for each in heads], kind=kind or None, outcomes=wanted, text=text, limit=PAGE, offset=(page - 1) * PAGE
    )
    kinds: dict[str, int] = {}
    for head in heads:
        for name, count in head.kinds(wanted).items():
            kinds[name] = kinds.get(name, 0) + count
    rows = [told(each) for each in found.rows]
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
            "target": target, "outcome": became or "", "kind": kind, "q": text, "page": page
        },
        "paging": paging(page, PAGE, found.total),
    }  # fmt: skip


def told(change: Mapping[str, Any]) -> dict[str, Any]:
    """A change of a run with what became of it in words."""
    return {
        "target": change["target"],
        "kind": change["kind"],
        "username": change["username"],
        "identity": "" if change["kind"] in GROUPS else change["identity"],
        "sentence": change["sentence"],
        "outcome": _OUTCOME.get(change["outcome"], "not known"),
        "note": change["note"],
        "sent": change["intended"],
        "answered": change["answered"],
    }


def _target(row: Mapping[str, Any], name: str) -> dict[str, Any]:
    summary = row["summary"]["targets"][name]
    head = next((each for each in row["plans"] if each.target == name), None)
    numbers = {words: head.number(of) if head else 0 for words, of in OUTCOMES.items()}
    return {
        "name": name,
        "verdict": summary.get("verdict", ""),
        "digest": head.digest if head else "",
        "error": summary.get("error", ""),
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
    words = [
        plural(people.get("student", 0), "pupil"),
        plural(people.get("staff", 0), "member of staff", "members of staff"),
    ]
    others = sum(count for role, count in people.items() if role not in ("student", "staff"))
    words += [plural(others, "other person", "other people")] if others else []
    words += [plural(groups, "group")] if groups else []
    return {
        "words": f"{', '.join(words[:-1])} and {words[-1]}.",
        "good": bool(last["good"]),
        "taken_at": last["taken_at"],
        "feed_time": last["feed_time"],
        "numbers": compared({}, profile),
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
    return row["status"] is not None and any(
        head.number(("applied", "unknown", UNANSWERED, "deferred")) for head in row["plans"]
    )


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
    row = told(change)
    kind = KINDS.get(row["kind"], row["kind"])
    names = ("outcome", "note", "sent", "answered")
    return (
        str(number),
        row["target"],
        kind,
        row["username"],
        row["identity"],
        row["sentence"],
        *(row[name] or "" for name in names),
    )


def _line(cells: Sequence[str]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow([safe_cell(each) for each in cells])
    return out.getvalue()
