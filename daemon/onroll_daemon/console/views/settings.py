"""A school as onroll.toml has it, in the school's own words; what is wrong in that file now; what was checked; and who is told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, get_args

from onroll_core.people import GroupKind, Role
from onroll_core.rules import Owner, SchoolRules
from onroll_core.store.requests import DONE, Request
from onroll_core.years import academic_year
from onroll_daemon import configured
from onroll_daemon.alerts.rules import DAYS, TOPICS, AlertRules
from onroll_daemon.alerts.services import service
from onroll_daemon.console.place import Place
from onroll_daemon.console.rights import Right
from onroll_daemon.console.views.allowed import nights, readings
from onroll_daemon.console.views.examples import formats
from onroll_daemon.console.views.people import natural, today_at
from onroll_daemon.console.views.requests import shown
from onroll_daemon.console.visitors import Visitor
from onroll_daemon.settings import SchoolSettings, TargetSettings
from onroll_daemon.windows import Hours

_WINDOWS = 3
_OWNED = {
    "login": "the username", "display_name": "the display name", "given": "the first name", "family": "the last name", "place": "the place",
    "aliases": "former addresses", "enabled": "whether it is enabled",
}  # fmt: skip
OWNERS: Mapping[Owner, str] = {
    "always": "put right every night",
    "once": "set when it is made or empty",
    "never": "left alone",
}
TOPIC: Mapping[str, str] = {
    "late": "a school that is late", "failing": "a school that fails", "held": "a plan that is held",
    "failed changes": "changes that a target refused", "digest": "the digest of the week",
}  # fmt: skip
_ROLES = {Role.STUDENT: "pupils", Role.STAFF: "staff", Role.OTHER: "others"}
LEVELS = {"ok": ("in order", "good"), "warning": ("worth a look", "late"), "problem": ("does not work", "bad")}
"""The three levels of a finding as a word and as a kind of badge."""


def of_school(place: Place, visitor: Visitor, school: str) -> dict[str, Any]:
    """Everything on the page of one school's settings."""
    one = place.settings.schools[school]
    folder = configured.folder_of(place.settings)
    today = today_at(place, school)
    now = place.store.lookup.counts([school])[school].now
    return {
        "file": file_now(place, visitor, school),
        "check": checked(place, visitor, school),
        "one": one,
        "rules": one.rules,
        "only": _only(one.rules),
        "reads": configured.reads(one.route),
        "source": configured.keys(one.route.settings, folder),
        "moves_to": configured.reads(one.moves_to) if one.moves_to else None,
        "windows": openings(place, school),
        "targets": [_target(place.settings.targets[each], one, folder) for each in one.targets],
        "formats": formats(one.rules, today, place.store.lookup.facets([school]).years),
        "nights": nights(one.rules.limits, now),
        "readings": readings(one.rules.sanity, now),
        "groups": _groups(one.rules),
        "calendar": _calendar(one.rules, today),
        "alerts": alerts(place, school),
        "levels": LEVELS,
    }


def file_now(place: Place, visitor: Visitor, school: str) -> dict[str, Any]:
    """What is wrong with the file as it is now, and what of it does not count yet. What is about schools that the visitor does not see is only counted."""
    found = configured.now(place.settings)
    mistakes, others = readable(place, visitor, found.mistakes)
    changed, more = _seen(place, visitor, found.changed)
    whole = visitor.may(Right.ADMINISTER)
    return {
        "name": place.settings.path.name,
        "path": str(configured.folder_of(place.settings) / place.settings.path.name) if whole else "",
        "line": configured.line_of(place.settings, school),
        "mistakes": mistakes,
        "others": others,
        "changed": changed,
        "elsewhere": more,
    }


def readable(place: Place, visitor: Visitor, sentences: Iterable[str]) -> tuple[list[str], int]:
    """Sentences about the file without its folder, and how many more there are that are about schools the visitor does not see."""
    every = list(place.settings.schools)
    folder = configured.folder_of(place.settings)
    told = [configured.without_folder(each, folder) for each in sentences]
    mine = [each for each in told if all(visitor.sees(named) for named in configured.mentions(each, every))]
    return mine, len(told) - len(mine)


def _seen(place: Place, visitor: Visitor, changed: Iterable[str]) -> tuple[list[str], int]:
    """The parts that have changed and are the visitor's to know, and how many more."""
    theirs = {name for each in visitor.among(place.settings.schools) for name in place.settings.schools[each].targets}
    told, more = [], 0
    for each in changed:
        kind, _, name = each.partition(" ")
        hidden = (kind == "school" and not visitor.sees(name)) or (
            kind == "target" and visitor.schools is not None and name not in theirs
        )
        more += hidden
        told += [] if hidden else [each]
    return told, more


def checked(place: Place, visitor: Visitor, school: str) -> dict[str, Any]:
    """What the newest check found, the one that is under way, and why the last one came to nothing."""
    newest = place.store.requests.newest_done(school, "check")
    last = next(iter(place.store.requests.latest(school, "check", 1)), None)
    found, hidden = findings(place, visitor, (newest.result or {}).get("findings", ()) if newest else ())
    rows = [each | {"sentence": _begun(each["sentence"])} for each in found]
    order = list(LEVELS)[::-1]
    rows.sort(key=lambda each: order.index(each["level"]))
    return {
        "at": newest.ended if newest else None,
        "by": newest.by if newest else "",
        "findings": rows,
        "hidden": hidden,
        "going": shown(last) if last and not last.over else None,
        "error": _error(last),
    }


def findings(place: Place, visitor: Visitor, found: Iterable[Mapping[str, Any]]) -> tuple[list[dict[str, Any]], int]:
    """Findings of a check that are the visitor's to read, and how many more are about schools that they do not see."""
    rows: list[dict[str, Any]] = []
    hidden = 0
    for each in found:
        told, more = readable(place, visitor, [each["sentence"]])
        hidden += more
        rows += [{**each, "sentence": sentence} for sentence in told]
    return rows, hidden


def _begun(sentence: str) -> str:
    """With a capital, but for the name of a file."""
    return sentence if "." in sentence.split(" ", maxsplit=1)[0] else f"{sentence[:1].upper()}{sentence[1:]}"


def _error(last: Request | None) -> str:
    if last is None or not last.over or last.status == DONE:
        return ""
    return str((last.result or {}).get("error") or "It came to no end.")


def openings(place: Place, school: str) -> list[dict[str, Any]]:
    """The next three windows, the one that is open now among them, each with when the school begins in it."""
    window = place.settings.schools[school].window
    now = place.clock()
    hours = window.at(now) or window.next_opening(now)
    found: list[Hours] = []
    while len(found) < _WINDOWS:
        found.append(hours)
        hours = window.next_opening(hours.opens)
    return [{"hours": each, "starts": window.start(each, school), "open": each.opens <= now} for each in found]


def _target(target: TargetSettings, one: SchoolSettings, folder: Any) -> dict[str, Any]:
    """A target: what it is, what is written to it and who minds what, and its keys."""
    rules = target.rules
    kind = configured.kind(target.module)
    extra = {name for each in rules.attributes.values() for name in each}
    owned = [each for each in _OWNED if each != "place" or getattr(target.settings, "places", True)]
    minds = {
        owner: [_OWNED.get(each, each) for each in (*owned, *sorted(extra)) if rules.owner(each) == owner]
        for owner in get_args(Owner)
    }
    return {
        "name": target.name,
        "kind": configured.TARGETS.get(kind, kind),
        "drives": one.rules.mode == "link" and one.rules.driver == target.name,
        "minds": [(OWNERS[owner], values) for owner, values in minds.items() if values],
        "attributes": [
            (_ROLES.get(role, role.value), name, text.text)
            for role, each in rules.attributes.items()
            for name, text in each.items()
        ],
        "groups": [each.value for each in GroupKind if each in rules.groups],
        "rules": rules,
        "settings": configured.keys(target.settings, folder),
    }


def _only(rules: SchoolRules) -> str:
    """With whom of its people a school begins, or ""."""
    if rules.only is None:
        return ""
    whole = [_ROLES.get(role, role.value) for role in _ROLES if role in rules.only.roles]
    parts = [*sorted(rules.only.years, key=natural), *sorted(rules.only.registration_groups, key=natural)]
    return ", ".join([*(f"all {each}" for each in whole), *(f"pupils of {each}" for each in parts)])


def _groups(rules: SchoolRules) -> dict[str, Any]:
    return {
        "names": [(kind.value, rules.groups.names[kind].text) for kind in GroupKind if kind in rules.groups.names],
        "archived": rules.groups.archived.text,
        "address": rules.groups.address.text,
        "shrink": rules.groups.shrink,
    }


def _calendar(rules: SchoolRules, today: date) -> dict[str, Any]:
    year = academic_year(today, rules.rollover)
    return {
        "year": f"{year} to {year + 1}",
        "begins": f"{rules.rollover.day} {date(2023, rules.rollover.month, 1):%B}",
        "terms": rules.groups.terms,
        "in_term": rules.groups.in_term(today),
    }


def alerts(place: Place, school: str) -> dict[str, Any]:
    """Who is told of what: the kind of each service and where its address is kept; and what became of the newest test."""
    rules: AlertRules = place.settings.alerts
    folder = configured.folder_of(place.settings)
    last = next(iter(place.store.requests.latest(school, "alert-test", 1)), None)
    sent = (last.result or {}).get("sent", ()) if last and last.status == DONE else ()
    told = [
        {"where": configured.as_written(each["where"], folder), "ok": each["ok"], "sentence": configured.without_folder(each["sentence"], folder)}
        for each in sent
    ]  # fmt: skip
    return {
        "to": [(service(each), configured.as_written(each.reference, folder)) for each in rules.to],
        "about": [TOPIC[each] for each in TOPICS if each in rules.about],
        "personal": rules.personal_data,
        "digest": f"{DAYS[rules.digest.weekday]} at {rules.digest.at:%H:%M}",
        "own_texts": rules.templates is not None,
        "sent": told,
        "tested": last.ended if last and last.over else None,
        "going": shown(last) if last and not last.over else None,
        "error": configured.without_folder(_error(last), folder),
    }


def ask(place: Place, visitor: Visitor, school: str, kind: str, what: str) -> int:
    """Ask the desk for a check or a test; gives the request's number, which is that of the one that is asked for already where there is one."""
    before = {each.id for each in place.store.requests.open(school)}
    number = place.store.requests.ask(school, kind, {}, visitor.by, place.clock())
    if number not in before:
        place.store.console.audit.note(place.clock(), visitor.by, school, what, f"request {number}")
    place.wake()
    return number
