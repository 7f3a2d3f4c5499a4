"""The plan of a school as a page and as a document: what waits for a decision, and what would be done tonight, a target and a page at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from onroll_core.errors import Refused
from onroll_daemon.console.place import Place
from onroll_daemon.console.refusals import NoSuch
from onroll_daemon.console.views.changes import LABELS, grouped, in_order, named
from onroll_daemon.console.views.decisions import Decision, decisions
from onroll_daemon.console.views.requests import shown as request_shown
from onroll_daemon.console.views.tonight import PAGE, Look, Worked, changes, look_at, observed, worked_out
from onroll_daemon.console.visitors import Visitor
from onroll_daemon.observing import only_looked_at

_SHOWN = 20
FARTHEST = 100_000
"""Pages; nobody asks for one that is farther away but a script gone wrong."""


def looked(place: Place, school: str, number: int | None) -> Look | None:
    """The plan that the request `number` came to, None where none was named. Raises NoSuch."""
    if number is None:
        return None
    found = look_at(place, school, number)
    if found is None:
        raise NoSuch("There is no such plan, or it was forgotten: a plan that was only looked at is kept for a day.")
    return found


def shown(
    place: Place, visitor: Visitor, school: str, target: str, kind: str, text: str, page: int, look: int | None
) -> dict[str, Any]:
    """Everything on the page of a plan. `target` and `kind` may be anything: what is not there is not shown."""
    chosen = looked(place, school, look)
    plans = worked_out(place, school, chosen)
    one = chosen_of(plans, target)
    listed = changes(place, one, kind, text, (page - 1) * PAGE) if one else None
    held = [] if chosen is not None else decisions(place, school, plans)
    return {
        "look": chosen,
        "labels": LABELS,
        "plans": plans,
        "one": one,
        "observed": only_looked_at(one.target) if one and observed(place, one.target) else "",
        "asked": {"target": one.target if one else "", "kind": kind, "q": text, "page": page, "look": look or ""},
        "kinds": in_order(one.kinds) if one else [],
        "groups": grouped(named(place, listed.rows)) if listed else [],
        "paging": paging(page, PAGE, listed.total if listed else 0),
        "decisions": [card(place, visitor, each) for each in held],
        "at_work": [request_shown(each) for each in place.store.requests.open(school) if each.kind in AT_WORK],
        "missing": [name for name in place.settings.schools[school].targets if name not in {each.target for each in plans}],
    }  # fmt: skip


AT_WORK = frozenset({"sync", "apply", "plan", "undo"})
"""Requests that change or work out plans."""


def chosen_of(plans: Sequence[Worked], target: str) -> Worked | None:
    """The plan of a target; else the one that is looked at first: held, else with the most to do."""
    named = [each for each in plans if each.target == target]
    ranked = sorted(plans, key=lambda each: (each.verdict == "held", each.total), reverse=True)
    return next(iter(named or ranked), None)


def card(place: Place, visitor: Visitor, held: Decision) -> dict[str, Any]:
    """A decision with those whom it is about, and what this visitor can say to it."""
    people = changes(place, held.worked, limit=_SHOWN) if held.worked is not None else None
    given = held.approval
    mine = given is not None and given["by"] == visitor.by
    return {
        "held": held,
        "kinds": in_order(held.worked.kinds) if held.worked else [],
        "people": named(place, people.rows) if people else (),
        "more": max(0, people.total - _SHOWN) if people else 0,
        "may_say_yes": held.doing is None and (held.complete or not (mine and held.needed > 1)),
        "waits_for_second": given is not None and not held.complete,
        "mine": mine,
    }


def paging(page: int, size: int, total: int) -> dict[str, Any]:
    """The words between "Previous" and "Next", and the pages they lead to."""
    first, last = (page - 1) * size + 1, min(page * size, total)
    words = f"{first:,} to {last:,} of {total:,}" if first <= last else f"nothing here; there are {total:,}"
    return {
        "words": words,
        "previous": page - 1 if page > 1 else None,
        "next": page + 1 if last < total else None,
        "total": total,
        "size": size,
    }


def ask_plan(place: Place, visitor: Visitor, school: str, as_of: str) -> int:
    """Ask for a plan to be worked out, of today or as it would be on a day (ISO); gives the number of the request. Raises Refused for what is no day."""
    asked: Mapping[str, Any] = {"as_of": _day(as_of)}
    number = place.store.requests.ask(school, "plan", asked, visitor.by, place.clock())
    place.wake()
    return number


def ask_sync(place: Place, visitor: Visitor, school: str) -> int:
    """Ask for a sync; gives the number of the request, which is that of the one that is asked for already where there is one."""
    before = {each.id for each in place.store.requests.open(school)}
    number = place.store.requests.ask(school, "sync", {"approve": []}, visitor.by, place.clock())
    if number not in before:
        place.store.console.audit.note(place.clock(), visitor.by, school, "asked for a sync", f"request {number}")
    place.wake()
    return number


def _day(text: str) -> str | None:
    if not text.strip():
        return None
    try:
        return date.fromisoformat(text.strip()).isoformat()
    except ValueError:
        raise Refused(f"{text.strip()[:40]} is no day. Write it like 2026-09-01.") from None
