"""How each change is carried out in Google Workspace, as a conversation: what is asked first, what an answer means, when to look again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never

from onroll_connectors.targets import google_problems as problems
from onroll_connectors.targets.google_asks import Answer, Ask, Problem, Script
from onroll_connectors.targets.google_creation import create, undeleted
from onroll_connectors.targets.google_talk import Means, add_alias, holder, put, read, settled, stranger
from onroll_connectors.targets.google_users import anchor, needs_reading
from onroll_core.accounts import Anchor
from onroll_core.changes import (
    AccountChange,
    Applied,
    Create,
    Disable,
    Enable,
    GivePassword,
    Link,
    Move,
    Outcome,
    Rejected,
    ReleaseLicences,
    Rename,
    ReturnLicences,
    Update,
)


def script(means: Means, change: AccountChange) -> tuple[str, Script[Outcome]]:
    """The conversation that carries out a change, and the chain it belongs to: one person's changes keep their order."""
    match change:
        case Create():
            talk = create(means, change)
        case Link():
            talk = _link(means, change)
        case Rename():
            talk = _rename(means, change)
        case Update():
            talk = _update(means, change)
        case Move():
            talk = _move(means, change)
        case Enable():
            talk = _enable(means, change)
        case Disable():
            talk = _disable(means, change)
        case GivePassword():
            talk = _give_password(means, change)
        case ReleaseLicences() | ReturnLicences():
            talk = _no_licences(change)
        case _:
            assert_never(change)
    return change.who.identity, talk


def _no_licences(change: ReleaseLicences | ReturnLicences) -> Script[Outcome]:
    return Rejected(change, "onroll does not look after licences in Google Workspace.")
    yield  # makes this a script like the others


def _link(means: Means, change: Link) -> Script[Outcome]:
    """Our identity joins the external ids; other people's stay."""
    key = change.who.object
    user = yield from read(means, change)
    if isinstance(user, Outcome):
        return user
    if means.shape.owner(user) == change.who.identity:
        return Applied(change, key, "it carried its identity already")
    body = {"externalIds": means.shape.linked(change.who.identity, user)}
    outcome = yield from _put(means, change, body)
    if isinstance(outcome, Applied):
        means.book.own(key, change.who.identity)
    return outcome


def _update(means: Means, change: Update) -> Script[Outcome]:
    key = change.who.object
    for name in ("given", "family"):
        if name in change.after and not change.after[name]:
            return Rejected(
                change,
                f"Google Workspace wants a first and a last name, so neither of {change.who.username} can be emptied. Fill it in in the MIS.",
            )
    user = {}
    if needs_reading(change.after):
        found = yield from read(means, change)
        if isinstance(found, Outcome):
            return found
        user = dict(found)
    else:
        foreign = yield from stranger(means, change)
        if foreign is not None:
            return foreign
    body = means.shape.changed(user, change.after)
    if body:
        outcome = yield from _put(means, change, body)
        if not isinstance(outcome, Applied):
            return outcome
    wanted, there = {*change.after.get("aliases", ())}, {*change.before.get("aliases", ())}
    for alias in sorted(wanted - there) if "aliases" in change.after else ():
        refused = yield from add_alias(means, change, key, alias)
        if refused is not None:
            return refused
    for alias in sorted(there - wanted) if "aliases" in change.after else ():
        refused = yield from _drop_alias(change, key, alias)
        if refused is not None:
            return refused
    return Applied(change, key)


def _move(means: Means, change: Move) -> Script[Outcome]:
    path = means.shape.path(change.after)
    why = means.book.refusal(path)
    if why is not None:
        return Rejected(change, why)
    foreign = yield from stranger(means, change)
    if foreign is not None:
        return foreign
    return (yield from _put(means, change, {"orgUnitPath": path}))


def _disable(means: Means, change: Disable) -> Script[Outcome]:
    """Suspending ends every session by itself; nothing else goes along that could be refused."""
    foreign = yield from stranger(means, change)
    if foreign is not None:
        return foreign
    return (yield from _put(means, change, {"suspended": True}))


def _give_password(means: Means, change: GivePassword) -> Script[Outcome]:
    foreign = yield from stranger(means, change)
    if foreign is not None:
        return foreign
    body = {"password": change.password, "changePasswordAtNextLogin": change.must_change}
    return (yield from _put(means, change, body))


def _enable(means: Means, change: Enable) -> Script[Outcome]:
    key = change.who.object
    if change.restore and key not in means.book.owners:
        owner = means.book.deleted.get(key)
        if owner is not None and owner != change.who.identity:
            return problems.foreign(change, owner)
        outcome = yield from undeleted(means, change, key, means.shape.path(None))
        if outcome is not None:
            return outcome
    user = yield from read(means, change)
    if isinstance(user, Outcome):
        return user
    body = {name: False for name in ("suspended", "archived") if user.get(name)}
    if not body:
        return Applied(change, key)
    return (yield from _put(means, change, body))


def _rename(means: Means, change: Rename) -> Script[Outcome]:
    """The old address becomes an alias by itself, within ten minutes; that is confirmed by looking at a later run. One that must not stay is
    taken away at once, and again at a later run where Google made an alias of it all the same."""
    key, new, old = change.who.object, change.after.email, change.before.email
    foreign = yield from stranger(means, change)
    if foreign is not None:
        return foreign
    if means.sign_out:
        outcome = yield from settled(means, change, key, Ask("users", "signOut", {"userKey": key}))
        if not isinstance(outcome, Answer):
            return outcome
    reply = yield from _give_address(means, change)
    if not isinstance(reply, Answer):
        return reply
    stays = old in change.after.aliases and old != new
    if stays:
        means.recent.renamed.setdefault(key, {})[old] = means.now()
    for alias in sorted((change.before.aliases | {old}) - change.after.aliases - {new, ""}):
        refused = yield from _drop_alias(change, key, alias)
        if refused is not None:
            return refused
    for alias in sorted(change.after.aliases - change.before.aliases - {old, new}):
        refused = yield from add_alias(means, change, key, alias)
        if refused is not None:
            return refused
    note = f"{old} becomes an alias by itself within ten minutes" if stays else ""
    return Applied(change, key, note)


def _give_address(means: Means, change: Rename) -> Script[Answer | Outcome]:
    """Set the main address; one of the person's own aliases has to be let go first, where Google insists."""
    key, new = change.who.object, change.after.email
    reply: Answer | Problem = yield put(key, {"primaryEmail": new})
    if isinstance(reply, Answer):
        return reply
    if not reply.taken:
        # Unfinished, young, refused: the common turns. Setting the same address again does no harm.
        return (yield from settled(means, change, key, put(key, {"primaryEmail": new})))
    held = yield from holder(new)
    if isinstance(held, Problem):
        return problems.verdict(change, held)
    if held.how == "nobody":
        return problems.unknown_holder(change, new)
    if not held.user or anchor(held.user) != key:
        return problems.held(change, new, held.words)
    if held.how == "primary":
        return Answer(held.user)
    refused = yield from _drop_alias(change, key, new)
    if refused is not None:
        return refused
    return (yield from settled(means, change, key, put(key, {"primaryEmail": new})))


def _drop_alias(change: Rename | Update, key: Anchor, alias: str) -> Script[Outcome | None]:
    """Take an alias away; None when it is gone."""
    reply = yield Ask("users.aliases", "delete", {"userKey": key, "alias": alias})
    if isinstance(reply, Problem) and not (reply.gone or "resource_id" in reply.message):
        return problems.verdict(change, reply)
    return None


def _put(means: Means, change: AccountChange, body: Mapping[str, object]) -> Script[Outcome]:
    key: Anchor = change.who.object
    reply = yield from settled(means, change, key, put(key, body))
    return Applied(change, key) if isinstance(reply, Answer) else reply
