"""A user is made once: ours is looked for first, a lost answer is looked up, a deleted one is restored, a taken address is somebody's."""

from __future__ import annotations

from onroll_connectors.targets import google_problems as problems
from onroll_connectors.targets.google_asks import Answer, Ask, Pause, Problem, Script
from onroll_connectors.targets.google_talk import WAIT_SECONDS, WAITS, Held, Means, add_alias, get, holder, put, settled
from onroll_connectors.targets.google_users import FIELDS, OWNER, anchor, unfit
from onroll_core.accounts import Anchor
from onroll_core.changes import Applied, Create, Deferred, Enable, Outcome, Rejected


def create(means: Means, change: Create) -> Script[Outcome]:
    """Carry out a Create. Everybody must have been listed: whether our identity is there already is known, not asked."""
    who, account = change.who, change.account
    why = unfit(account) or means.book.refusal(means.shape.path(account.place))
    if why is not None:
        return Rejected(change, why)
    there = means.book.live_of(who.identity)
    if len(there) > 1:
        return Rejected(
            change,
            f"{len(there)} users in Google Workspace carry the onroll identity {who.identity} of {who.username}. Take it off the one that was copied.",
        )
    if there:
        return Applied(change, there[0], "it was there already")
    deleted = means.book.deleted_of(who.identity)
    if deleted:
        return (yield from _restore(means, change, deleted[-1]))
    key = yield from _insert(means, change)
    if not isinstance(key, str):
        return key
    means.book.own(key, who.identity)
    notes: list[str] = []
    for alias in sorted(account.aliases - {account.email}):
        outcome = yield from add_alias(means, change, key, alias)
        if outcome is not None and not isinstance(outcome, Applied):
            notes.append(outcome.why)
    return Applied(change, key, " ".join(notes))


def _insert(means: Means, change: Create) -> Script[Anchor | Outcome]:
    """The id of the user made, or found to be ours after an answer was lost."""
    who, account = change.who, change.account
    password = means.password((account.login.partition("@")[0], account.given or "", account.family or ""))
    body = means.shape.creation(who.identity, account, password)
    ask = Ask("users", "insert", {"body": body, "fields": OWNER}, repeat=False)
    lost = False
    problem = Problem(0, "", "")
    for turn in range(WAITS + 1):
        reply = yield ask
        if isinstance(reply, Answer):
            key = anchor(reply.body)
            means.recent.made[key] = means.now()
            return key
        problem = reply
        if not (problem.taken or problem.passing):
            return problems.verdict(change, problem)
        lost = lost or problem.passing
        if problem.passing:
            yield Pause(min(30.0, 2.0**turn))
        found = yield from _who_has_it(means, change, patient=problem.taken and lost)
        if found is not None:
            return found
        if problem.taken and not lost:
            return problems.unknown_holder(change, account.email)
    return problems.verdict(change, problem) if not problem.taken else _not_shown(change)


def _who_has_it(means: Means, change: Create, patient: bool) -> Script[Anchor | Outcome | None]:
    """Who has the address that was to be given: our own user, somebody else, or (None) nobody who shows."""
    address = change.account.email
    for turn in range(WAITS if patient else 1):
        if turn:
            # It was made, and Google's other servers have not heard of it yet.
            yield Pause(WAIT_SECONDS)
        held = yield from holder(address)
        if isinstance(held, Problem):
            return problems.verdict(change, held)
        if held.how != "nobody":
            return _verdict(means, change, held)
    return None


def _verdict(means: Means, change: Create, held: Held) -> Anchor | Outcome:
    if held.how == "primary" and means.shape.owner(held.user) == change.who.identity:
        key = anchor(held.user)
        means.recent.made[key] = means.now()
        return key
    return problems.held(change, change.account.email, held.words)


def _not_shown(change: Create) -> Outcome:
    return Deferred(
        change,
        f"Google Workspace lost an answer while {change.who.username} was made and does not show the account yet; onroll looks for it at its next run.",
    )


def _restore(means: Means, change: Create, key: Anchor) -> Script[Outcome]:
    """Give somebody the account back that was deleted less than 20 days ago, and make it what is wanted now."""
    restored = yield from undeleted(means, change, key, means.shape.path(change.account.place))
    if restored is not None:
        return restored
    reply = yield from settled(means, change, key, get(key, FIELDS))
    if not isinstance(reply, Answer):
        return reply
    body = means.shape.restored(change.who.identity, change.account, reply.body)
    reply = yield from settled(means, change, key, put(key, body))
    if not isinstance(reply, Answer):
        return reply
    return Applied(change, key, "restored from the deleted users")


def undeleted(means: Means, change: Create | Enable, key: Anchor, path: str) -> Script[Outcome | None]:
    """Take a user out of the deleted ones; None when it is live again. Afterwards it is as young as a new one."""
    reply = yield Ask("users", "undelete", {"userKey": key, "body": {"orgUnitPath": path}})
    if isinstance(reply, Problem):
        if reply.taken:
            return Rejected(
                change,
                f"{change.who.username} cannot be restored: the address has been given to somebody else since. Look under deleted users in the Admin console.",
            )
        # A second undelete after a lost answer finds nobody deleted under that id: is the user live again?
        again = yield get(key)
        if not isinstance(again, Answer):
            return problems.verdict(change, reply)
    means.recent.made[key] = means.now()
    means.book.own(key, change.who.identity)
    means.book.deleted.pop(key, None)
    return None
