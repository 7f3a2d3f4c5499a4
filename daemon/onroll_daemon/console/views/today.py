"""What somebody sees in the morning: whether it works, what it did, what it will do tonight, and what waits for a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from markupsafe import Markup

from onroll_core.night import TALLIES
from onroll_core.store.lookup import Day as Told
from onroll_core.store.lookup import Waits
from onroll_daemon.console.pictures import Day, weeks
from onroll_daemon.console.place import Place
from onroll_daemon.console.templating import plural
from onroll_daemon.console.views.changes import LABELS
from onroll_daemon.console.views.decisions import decisions
from onroll_daemon.console.views.plan import AT_WORK, card
from onroll_daemon.console.views.requests import shown as request_shown
from onroll_daemon.console.views.tonight import Worked, observed, worked_out
from onroll_daemon.console.visitors import Visitor
from onroll_daemon.freshness import Freshness
from onroll_daemon.windows import Hours

_WORST = {"failing": 0, "late": 1, "fresh": 2}
_RUNS = 7
_WAITING = 20
_WEEKS = 4
_DONE: Mapping[str, tuple[str, str]] = {
    "created": ("new account", "new accounts"),
    "updated": ("account changed", "accounts changed"),
    "renamed": ("rename", "renames"),
    "moved": ("move", "moves"),
    "disabled": ("account disabled", "accounts disabled"),
    "enabled": ("account enabled", "accounts enabled"),
    "passwords": ("first password", "first passwords"),
    "groups": ("group changed", "groups changed"),
    "members": ("change of members", "changes of members"),
    "licences": ("change of licences", "changes of licences"),
    "failed": ("refused", "refused"),
    "deferred": ("put off", "put off"),
}


@dataclass(frozen=True, slots=True)
class Standing:
    """A school at a glance. `last` and `next` are when its window was or will be open; `starts` is when it is tried next."""

    id: str
    name: str
    fresh: Freshness | None
    last: Hours
    next: Hours
    starts: datetime
    held: int
    waiting: int
    people: int

    @property
    def word(self) -> str:
        """fresh, late or failing."""
        return self.fresh.word if self.fresh else "late"

    @property
    def why(self) -> str:
        """The reason of the word, as a sentence."""
        told = self.fresh.why if self.fresh else "nothing is known of it yet"
        return f"{told[:1].upper()}{told[1:]}".rstrip(".") + "."


def standings(place: Place, schools: Sequence[str]) -> list[Standing]:
    """Each of `schools`, the worst first."""
    fresh = place.freshness()
    counts = place.store.lookup.counts(schools)
    waiting = Counter(each.school for each in place.store.lookup.waiting_for_a_person(schools))
    found = [_standing(place, school, fresh.get(school), waiting[school], counts[school].people) for school in schools]
    return sorted(found, key=lambda each: (_WORST[each.word], -each.held, each.name))


def _standing(place: Place, school: str, fresh: Freshness | None, waiting: int, people: int) -> Standing:
    window, now = place.settings.schools[school].window, place.clock()
    last, following = window.last_closed(now), window.at(now) or window.next_opening(now)
    starts = place.next_start(school) or window.start(window.next_opening(now), school)
    held = len(decisions(place, school))
    name = place.rules(school).name
    return Standing(school, name, fresh, last, following, starts, held, waiting, people)


def of_one(place: Place, visitor: Visitor, school: str) -> dict[str, Any]:
    """Everything on the page of one school."""
    (standing,) = standings(place, [school])
    plans = worked_out(place, school)
    rows = place.store.browse.runs(school, limit=_RUNS).rows
    waits = place.store.lookup.waiting_for_a_person([school])
    return {
        "labels": LABELS,
        "one": standing,
        "decisions": [card(place, visitor, each) for each in decisions(place, school, plans)],
        "plans": plans,
        "tonight": tonight(plans, [each.target for each in plans if observed(place, each.target)]),
        "runs": [{"row": row, "did": did(row)} for row in rows],
        "waits": [_named(each) for each in waits[:_WAITING]],
        "more": max(0, len(waits) - _WAITING),
        "at_work": [request_shown(each) for each in place.store.requests.open(school) if each.kind in AT_WORK],
        "others": [request_shown(each) for each in place.store.requests.open(school) if each.kind not in AT_WORK],
        "picture": picture(place, school),
    }


def tonight(plans: Sequence[Worked], watched: Collection[str] = ()) -> str:
    """What the next window does as far as is known, in a sentence; the targets `watched` are only observed."""
    if not plans:
        return "Nobody has worked out yet what the next run does. The page of the plan can."
    held = sum(each.total for each in plans if each.verdict == "held" and each.target not in watched)
    left = sum(each.total for each in plans if each.verdict == "cleared" and each.target not in watched)
    seen = sum(each.total for each in plans if each.verdict != "failed" and each.target in watched)
    told = []
    if left:
        told.append(f"As far as is known, {plural(left, 'change')} will be made.")
    if held:
        told.append(f"{plural(held, 'change')} {'is' if held == 1 else 'are'} held until somebody approves.")
    if seen:
        told.append(
            f"{plural(seen, 'change')} would be made in {' and '.join(watched)}, if onroll did not only observe there."
        )
    failed = [each.target for each in plans if each.verdict == "failed"]
    if failed:
        told.append(f"{' and '.join(failed)} could not be reached, and will be tried again.")
    return " ".join(told) or "As far as is known there is nothing to do; what the MIS tells until then is done."


def did(row: Mapping[str, Any]) -> str:
    """What a run did, in a few words."""
    told, status = row["summary"], row["status"]
    if status is None:
        return "It is at work."
    if told.get("held"):
        return f"Held: {told['held'][0]}"
    if status == "unread":
        return str(told.get("error") or "Nothing could be read.")
    parts = []
    for name, target in (told.get("targets") or {}).items():
        parts.append(f"{name}: {_target(target)}")
    if not parts:
        return "It ended before it had done anything." if status in ("cut off", "failed") else "Nothing to do."
    return "; ".join(parts) + "."


def _target(told: Mapping[str, Any]) -> str:
    if told.get("verdict") == "failed":
        return f"not brought into line, {str(told.get('error') or 'it failed').rstrip('.')}"
    if told.get("verdict") == "held":
        return "only observed, nothing written" if told.get("observe_only") else "held, nothing written"
    done = [plural(told[name], *_DONE[name]) for name in (*TALLIES, "passwords") if told.get(name)]
    return ", ".join(done) or "nothing to do"


def picture(place: Place, school: str) -> Markup:
    """The last weeks of a school."""
    zone = place.settings.schools[school].window.zone
    until = place.clock().astimezone(zone).date()
    since = until - timedelta(days=7 * _WEEKS - 1)
    days = place.store.lookup.weeks(school, since, until, zone)
    return weeks(place.rules(school).name, [_day(each) for each in days], school)


def _day(told: Told) -> Day:
    """Accounts made and disabled are the joiners' and leavers' own; everything else is the rest."""
    others = sum(count for name, count in told.changes.items() if name not in ("created", "disabled"))
    well = told.runs > told.held + told.failed + told.unread
    if told.held:
        return Day(told.day, told.joiners, told.leavers, others, "held")
    return Day(
        told.day, told.joiners, told.leavers, others, "failing" if told.failed + told.unread and not well else ""
    )


def _named(each: Waits) -> dict[str, Any]:
    what = "name to be decided" if each.what == "name" else "conflict"
    return {"what": what, "why": each.why, "identity": each.identity, "label": each.label, "target": each.target}
