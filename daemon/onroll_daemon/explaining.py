"""`onroll explain`: why one person's account is as it is, and what would change tonight; or who holds a name that was never ours."""

from __future__ import annotations

from datetime import date
from difflib import get_close_matches
from typing import Any

from onroll_core.explain import Explanation
from onroll_core.explain.look import Holding, holders, look, looked, together
from onroll_core.identities import Identity
from onroll_core.usernames import fold
from onroll_daemon.explain_telling import tell
from onroll_daemon.operations.explaining import explained, unasked
from onroll_daemon.people import shown
from onroll_daemon.session import FAILED, Session, document, say, session, stop
from onroll_daemon.wiring import line, now

_NEAREST = 5


def explain_person(config: str | None, text: str, as_json: bool, today: date | None, offline: bool) -> None:
    """`onroll explain`; with `offline` no target is asked."""
    with session(config) as opened:
        found = _meant(opened, text)
        if found is None:
            _stranger(opened, text, as_json, today, offline)
            return
        told = _asked(opened, found, today, offline)
    if as_json:
        document(told.as_json())
    else:
        tell(told)


def _asked(opened: Session, identity: Identity, today: date | None, offline: bool) -> Explanation:
    """All there is to say of one person; at two schools of a trust, in the targets of both."""
    store, settings = opened.store, opened.settings
    schools = [
        settings.schools[each]
        for each in dict.fromkeys([identity.school, *identity.elsewhere])
        if each in settings.schools
    ]
    lines = [line(settings, each, store, today) for each in schools]
    there = unasked(settings, store, identity) if offline else together(each for it in lines for each in look(it))
    return explained(settings, store, identity, lines[0].today, there)


# --- names that are nobody's here ---


def _meant(opened: Session, text: str) -> Identity | None:
    """The one person whom `text` means; None when nobody is known by it, and several end the command."""
    found = [each for each in opened.store.find(None, text) if each.school in opened.settings.schools]
    if len(found) > 1:
        exact = [each for each in found if text.lower() in (each.username, each.email, each.id)]
        if len(exact) != 1:
            stop(FAILED, f"{text!r} may mean {', '.join(each.label for each in found[:10])}. Name one of them.")
        found = exact
    return found[0] if found else None


def _stranger(opened: Session, text: str, as_json: bool, today: date | None, offline: bool) -> None:
    """A name that is no person's here: who holds it in which target, or what it may have been meant to be."""
    schools = list(opened.settings.schools.values())
    seen = {} if offline else looked([line(opened.settings, each, opened.store, today) for each in schools])
    held = holders({name: each for name, each in seen.items() if not isinstance(each, str)}, text)
    failed = {name: each for name, each in seen.items() if isinstance(each, str)}
    told = [f"Nobody is known by {text!r}."]
    told += [f"In {each.target} {each.words} holds that name, and {_whose(opened, each)}." for each in held]
    told += [f"{name} could not be asked: {why}" for name, why in failed.items()]
    if not held and opened.store.ledger(schools[0].rules.id).taken(text):
        told.append("The name was seen in a target once, so onroll issues it to nobody.")
    elif not held:
        near = nearest(opened, text)
        said = f"Did you mean {', '.join(near)}?" if near else "Look for them with: onroll users list"
        stop(FAILED, " ".join([*told, said]))
    if as_json:
        strangers = [{"target": each.target, "what": each.words, "identity": each.identity} for each in held]
        nothing: dict[str, Any] = {"identity": None, "username": None, "things": [], "targets": {}, "tonight": []}
        document(nothing | {"because": told, "sentences": told, "strangers": strangers})
        return
    for each in told:
        say(each)


def _whose(opened: Session, holder: Holding) -> str:
    if holder.identity is None:
        return f"onroll does not look after it: nobody is linked to it (onroll links list --target {holder.target})"
    person = opened.store.identity(holder.identity)
    if person is None:
        return f"it carries the identity {holder.identity}, whom onroll does not know"
    return f"it is that of {person.label}: onroll explain {person.label}"


def nearest(opened: Session, text: str) -> list[str]:
    """People whose username or name is like `text`, the nearest first."""
    people: dict[str, str] = {}
    for school in opened.settings.schools.values():
        for each in opened.store.identities(school.rules.id):
            row = shown(each, school.rules, now().date())
            said = f"{each.label} ({row['display_name']})" if row["display_name"] else each.label
            for name in (
                each.username or "",
                (each.email or "").partition("@")[0],
                row["display_name"],
                *row["display_name"].split(),
            ):
                if name:
                    people.setdefault(fold(name), said)
    near = get_close_matches(fold(text), people, n=_NEAREST * 2, cutoff=0.7)
    return list(dict.fromkeys(people[each] for each in near))[:_NEAREST]
