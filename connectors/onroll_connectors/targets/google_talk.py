"""The turns that every conversation about a user is made of: whose is it, is it finished, who holds an address."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from onroll_connectors.targets import google_problems as problems
from onroll_connectors.targets.google_asks import Answer, Ask, Pause, Problem, Script
from onroll_connectors.targets.google_book import Book, Recent
from onroll_connectors.targets.google_users import FIELDS, JSON, OWNER, Shape, anchor
from onroll_core.accounts import Anchor
from onroll_core.changes import AccountChange, Deferred, Outcome, Rejected

# "User creation is not complete" lasts seconds; GAM waits as long as this.
WAITS = 5
WAIT_SECONDS = 5.0


@dataclass(slots=True)
class Means:
    """What the scripts of one connection work with."""

    shape: Shape
    book: Book
    recent: Recent
    now: Callable[[], datetime]
    password: Callable[[Iterable[str]], str]
    sign_out: bool


@dataclass(frozen=True, slots=True)
class Held:
    """Who has an address: a user as the main address or as an alias, a group, or nobody whom one can see."""

    how: Literal["primary", "alias", "group", "nobody"]
    user: JSON
    words: str


def get(key: str, fields: str = OWNER) -> Ask:
    """users.get; `key` is an id or an address."""
    return Ask("users", "get", {"userKey": key, "fields": fields})


def put(key: Anchor, body: Mapping[str, Any]) -> Ask:
    """users.update, which keeps what the body does not name. Setting the same values twice is no more than once."""
    return Ask("users", "update", {"userKey": key, "body": dict(body), "fields": OWNER})


def settled(means: Means, change: AccountChange, key: Anchor, ask: Ask) -> Script[Answer | Outcome]:
    """Ask about a user that may be seconds old, waiting until Google has finished making it; an answer, or what became of the change."""
    problem = Problem(0, "", "")
    for turn in range(WAITS + 1):
        reply = yield ask
        if isinstance(reply, Answer):
            # Each of these asks for the id; an answer without it, or with another, is not one to this question.
            wrong = ask.resource == "users" and "fields" in ask.arguments and reply.body.get("id") != key
            return problems.elsewhere(change) if wrong else reply
        problem = reply
        if not (problem.unfinished or (problem.gone and means.recent.young(key, means.now()))):
            return problems.verdict(change, problem)
        if turn < WAITS:
            yield Pause(WAIT_SECONDS)
    if problem.gone:
        return Deferred(
            change,
            f"Google does not show the new account of {change.who.username} yet; onroll goes on at its next run.",
        )
    return problems.verdict(change, problem)


def stranger(means: Means, change: AccountChange) -> Script[Outcome | None]:
    """None when the object that a change addresses may be written; else why not. Nobody is written to whose identity was not read."""
    key = change.who.object
    if key not in means.book.owners:
        reply = yield from settled(means, change, key, get(key))
        if not isinstance(reply, Answer):
            return reply
        means.book.learn(reply.body)
    return mismatch(means, change, key)


def mismatch(means: Means, change: AccountChange, key: Anchor) -> Rejected | None:
    """A refusal when the user is known to carry somebody else's identity."""
    owner = means.book.owners.get(key)
    if owner is not None and owner != change.who.identity:
        return problems.foreign(change, owner)
    return None


def read(means: Means, change: AccountChange) -> Script[JSON | Outcome]:
    """The user as it is this moment, for changes that must not lose what is there."""
    key = change.who.object
    reply = yield from settled(means, change, key, get(key, f"{FIELDS},suspensionReason"))
    if not isinstance(reply, Answer):
        return reply
    means.book.learn(reply.body)
    return mismatch(means, change, key) or reply.body


def holder(address: str) -> Script[Held | Problem]:
    """Who holds an address; Google's own refusal does not say."""
    reply = yield get(address)
    if isinstance(reply, Answer):
        user = reply.body
        primary = user["primaryEmail"].lower()
        if primary == address:
            return Held("primary", user, f"the user {primary}")
        return Held("alias", user, f"the user {primary}, as an alias")
    if not reply.gone and reply.status != 403:
        return reply
    reply = yield Ask("groups", "get", {"groupKey": address, "fields": "email,name"})
    if isinstance(reply, Answer):
        return Held("group", {}, f"the group {reply.body.get('email', address)}")
    return Held("nobody", {}, "") if reply.gone or reply.status == 403 else reply


def add_alias(means: Means, change: AccountChange, key: Anchor, alias: str) -> Script[Outcome | None]:
    """Give a user an alias; None when it is there, whoever put it there."""
    arguments = {"userKey": key, "body": {"alias": alias}, "fields": "alias"}
    problem: Problem | None = None
    for turn in range(WAITS + 1):
        reply = yield Ask("users.aliases", "insert", arguments)
        if isinstance(reply, Answer):
            return None
        problem = reply
        if problem.taken:
            return (yield from _alias_taken(means, change, key, alias))
        if not (problem.unfinished or (problem.gone and means.recent.young(key, means.now()))):
            break
        if turn < WAITS:
            yield Pause(WAIT_SECONDS)
    assert problem is not None
    return problems.verdict(change, problem)


def _alias_taken(means: Means, change: AccountChange, key: Anchor, alias: str) -> Script[Outcome | None]:
    held = yield from holder(alias)
    if isinstance(held, Problem):
        return problems.verdict(change, held)
    if held.user and anchor(held.user) == key:
        return None
    if held.how == "nobody":
        return Deferred(
            change,
            f"{alias} is not an alias of {change.who.username} yet: Google needs up to ten minutes after a rename. onroll looks again at its next run.",
        )
    return problems.held(change, alias, held.words)
