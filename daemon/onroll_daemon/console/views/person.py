"""One person on one page: who they are, their records, accounts, names and groups, what happened, and why all of that is so."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import Any

from onroll_core.accounts import IdentityId
from onroll_core.errors import Refused
from onroll_core.explain import Explanation, Thing
from onroll_core.explain.words import Discreet
from onroll_core.identities import Identity
from onroll_core.people import Role
from onroll_core.retention import why_not
from onroll_core.rules import SchoolRules
from onroll_daemon.console.place import Place
from onroll_daemon.console.refusals import Conflict, Forbidden, NoSuch
from onroll_daemon.console.views.people import SOURCES, STATES, today_at
from onroll_daemon.console.views.requests import shown as request_shown
from onroll_daemon.console.visitors import Visitor
from onroll_daemon.operations import renaming
from onroll_daemon.operations.explaining import from_here
from onroll_daemon.operations.people import mark, other_schools, shown
from onroll_daemon.operations.records import doubts

_ONE_AT_A_TIME = Lock()
_SWITCHED = re.compile(r"^onroll changed suspended from (?:nothing to (.+)|.+ to (nothing))\.$")
_NAMES = ("username", "address", "alias", "display name", "Year of Entry")
_SECTIONS = (("Sign-in", ("sign-in",)), ("Names", _NAMES), ("Groups", ("group",)))
_REST = "Place and attributes"
_OUTCOMES = {"applied": "good", "rejected": "bad", "deferred": "late", "unsent": "late", "unknown": "bad"}


def person_of(place: Place, identity: str) -> tuple[Identity, SchoolRules]:
    """Somebody and the rules of their own school; raises NoSuch when they are not there, or their school is no longer in the configuration."""
    found = place.store.identity(IdentityId(identity))
    if found is None or found.school not in place.settings.schools:
        raise NoSuch("There is no such person, or you may not see them.")
    return found, place.rules(found.school)


def to_change(place: Place, visitor: Visitor, identity: str, seen: str | None) -> tuple[Identity, SchoolRules]:
    """Somebody who is about to be changed. Raises Forbidden for a guest of the visitor's school, whose own school has the say, and Conflict when
    they are no longer as in `seen` (see `mark`); None is for scripts that do not say what they saw."""
    found, rules = person_of(place, identity)
    if not visitor.sees(found.school):
        raise Forbidden(f"{rules.name} looks after the account of {found.label}. Ask them for the change.")
    if seen is not None and seen != mark(found):
        raise Conflict(
            f"{found.label} has been changed since you opened the page. Look at the page again. Nothing was changed."
        )
    return found, rules


@contextmanager
def changing(place: Place, visitor: Visitor, identity: str, seen: str | None) -> Iterator[tuple[Identity, SchoolRules]]:
    """As `to_change`, and nobody else at this console changes anybody until the block is over: of two who were looking at the same person, one is told."""
    with _ONE_AT_A_TIME:
        yield to_change(place, visitor, identity, seen)


def one(place: Place, visitor: Visitor, identity: Identity, rules: SchoolRules) -> dict[str, Any]:
    """All that the page of somebody shows."""
    store, today = place.store, today_at(place, identity.school)
    told = from_here(place.settings, store, identity, today)
    waits = renaming.pending(store, identity)
    handed = store.lookup.handed_out(identity.id)
    row = shown(identity, rules, today)
    return {
        "row": row,
        "name": row["display_name"] or told.name,
        "mark": mark(identity),
        "sentence": f"{told.name} is {told.who}: {told.because}.",
        "state": told.state,
        "state_words": STATES.get(told.state, told.state),
        "role_words": {"student": "pupil", "staff": "member of staff"}.get(identity.role.value, "other"),
        "source_words": SOURCES.get(identity.source, identity.source),
        "waiting": [each for each in told.waiting if each not in {doubt.why for doubt in doubts(store, identity)}],
        "doubts": doubts(store, identity),
        "sections": sections(told),
        "records": [key.record for key in identity.keys if key.school == identity.school],
        "other_schools": [_elsewhere(place, each) for each in other_schools(store, identity)],
        "accounts": store.lookup.accounts(identity.id),
        "withheld": sorted(renaming.withheld(store, identity)),
        "pending": waits,
        "suspended": identity.suspended,
        "handed": {"at": handed[0], "by": handed[1]} if handed else None,
        "history": [_event(each) for each in reversed(told.history)],
        "chosen": identity.chosen_display_name or "",
        "ends": identity.person.ends,
        "rules": rules,
        "sync": open_request(place, identity),
        "can": _can(place, visitor, identity, rules),
    }


def sections(told: Explanation) -> list[tuple[str, list[Thing]]]:
    """The things of an explanation under headings, in the order in which somebody asks."""
    placed = {each for _, kinds in _SECTIONS for each in kinds}
    found = [(heading, [each for each in told.things if each.what in kinds]) for heading, kinds in _SECTIONS]
    found.insert(2, (_REST, [each for each in told.things if each.what not in placed]))
    return [(heading, things) for heading, things in found if things]


def open_request(place: Place, identity: Identity) -> dict[str, Any] | None:
    """The sync of this person alone that is asked for and not over."""
    for each in place.store.requests.open(identity.school):
        if each.kind == "apply" and each.asked.get("identity") == identity.id:
            return request_shown(each)
    return None


def sync_now(place: Place, identity: Identity, by: str) -> int:
    """Ask the service to bring this person's accounts into line; gives the number of the request."""
    asked: dict[str, Any] = {"approve": [], "targets": None, "identity": identity.id}
    number = place.store.requests.ask(identity.school, "apply", asked, by, place.clock())
    place.wake()
    return number


def preview(place: Place, identity: Identity, rules: SchoolRules, names: renaming.Names) -> dict[str, Any]:
    """What another name would come to: the sentences of it and its digest, or why it cannot be."""
    try:
        shown_ = renaming.look(place.store, identity, rules, names)
    except Refused as why:
        return {"error": why.sentence}
    (wanted,) = shown_.renamings
    today = today_at(place, identity.school)
    return {
        "error": "",
        "digest": shown_.digest,
        "changes": wanted.changes(names.keep_alias),
        "username": wanted.username,
        "email": wanted.email,
        "day": names.on if names.on is not None and names.on > today else None,
        "later": bool(identity.bonds),
    }


def _can(place: Place, visitor: Visitor, identity: Identity, rules: SchoolRules) -> dict[str, bool]:
    """What may be done to somebody, rights apart: what can only be refused is not offered."""
    ours = visitor.sees(identity.school) and not identity.forgotten
    account = rules.of(identity.role) is not None
    return {
        "change": ours,
        "rename": ours and account,
        "call": ours and identity.role is not Role.STUDENT and account,
        "switch": ours and rules.mode != "link",
        "edit": ours and identity.source == "manual",
        "forget": ours and not why_not(identity, today_at(place, identity.school), rules),
        "apart": ours and len([key for key in identity.keys if key.school == identity.school]) > 1,
    }


def _elsewhere(place: Place, row: Mapping[str, Any]) -> dict[str, Any]:
    known = place.settings.schools.get(row["school"])
    return {
        **row,
        "name": known.rules.name if known else row["school"],
        "state_words": STATES.get(row["state"], row["state"]),
    }


def _event(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "at": row["at"],
        "what": _SWITCHED.sub(
            lambda found: "Sign-in was given back." if found[2] else f"Sign-in was taken away, {found[1]}.", row["what"]
        ),
        "run": row["run"],
        "by": row.get("by") or "",
        "kind": _OUTCOMES.get(row["outcome"] or "", "off") if row["target"] else "note",
    }


def history(place: Place, identity: Identity, rules: SchoolRules) -> Sequence[Mapping[str, Any]]:
    """What happened to somebody, oldest first, without names that they no longer use."""

    told = place.store.history(identity.id)
    discreet = Discreet.of(identity, rules, told)
    return [{**row, "what": discreet.clean(row["what"])} for row in told]
