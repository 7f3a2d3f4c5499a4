"""What a change to Microsoft 365 is made of: what is known, single steps, and what a refusal comes to. Pure; no network here."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any

from onroll_connectors.targets.graph_asks import Answer, Ask, ListGroups, ListUsers, PatchUser, Pause, ReadUser, Restore
from onroll_connectors.targets.graph_problems import read_problem
from onroll_connectors.targets.graph_users import Shape, holding, sign_in_name
from onroll_core.accounts import Anchor, IdentityId
from onroll_core.changes import Applied, Change, Create, Deferred, Enable, Outcome, Rejected, Who
from onroll_core.errors import Halt

Script = Generator[Ask | Pause, Answer, Outcome]

LOST = "Microsoft 365 did not answer, so nobody knows whether it was done: the next run looks first."


@dataclass(slots=True)
class Known:
    """What scripts may know of the tenant and this run.

    `carriers` are the live users found to carry an identity, `deleted` the soft-deleted ones by identity, `domains` the verified ones (None:
    not known). `young(anchor)` is whether we made it so lately that 404 only means "not yet". `note(anchor, body, made)` remembers what was
    written until every view of it has caught up.
    """

    shape: Shape
    creates: bool
    usage_location: str | None
    password: Callable[[list[str]], str]
    young: Callable[[Anchor], bool]
    note: Callable[[Anchor, Mapping[str, Any], bool], None]
    domains: frozenset[str] | None = None
    carriers: dict[IdentityId, list[Mapping[str, Any]]] = field(default_factory=dict)
    deleted: dict[IdentityId, Mapping[str, Any]] = field(default_factory=dict)


def carriers(identity: IdentityId, login: str, known: Known) -> Generator[Ask, Answer, list[Mapping[str, Any]]]:
    """Everyone who carries the identity: by the index, which is late, and by name, which is less so."""
    shape = known.shape
    listed = yield ListUsers(shape.select, shape.filter([identity]), advanced=shape.advanced)
    found = list(listed.body["value"]) if listed.done else []
    if not found:
        named = yield ReadUser(login, shape.select)
        found = [named.body] if named.done and shape.owner(named.body) == identity else []
    return found


@dataclass(frozen=True, slots=True)
class Holding:
    """What holds an address, in words; `user` and the identity it carries, where it is one."""

    words: str
    user: Mapping[str, Any] = field(default_factory=dict)
    owner: IdentityId | None = None


def holder(login: str, email: str, known: Known) -> Generator[Ask, Answer, Holding | None]:
    """Who or what holds one of these addresses, as far as can be seen."""
    shape = known.shape
    for address in dict.fromkeys((login, email)):
        listed = yield ListUsers(shape.select, holding(address))
        users = list(listed.body["value"]) if listed.done else []
        if not users:
            named = yield ReadUser(address, shape.select)
            users = [named.body] if named.done else []
        for user in users:
            kind = "guest" if user.get("userType") == "Guest" else "account"
            return Holding(f"the {kind} {sign_in_name(user)} holds {address}", user, shape.owner(user))
        groups = yield ListGroups(("id", "displayName", "mail"), holding(address, users=False))
        for group in groups.body["value"] if groups.done else ():
            return Holding(f"the group {group.get('displayName') or group['id']} holds {address}")
    return None


def undelete(change: Create | Enable, deleted: Anchor, known: Known) -> Script:
    """Bring a soft-deleted account back, as it was."""
    answer = yield Restore(deleted)
    if answer.status == 404:
        # A restore whose answer was lost, or somebody was quicker: then it is a live user now.
        live = yield ReadUser(deleted, ("id",))
        answer = Answer(200) if live.done else answer
    if not answer.done:
        if read_problem(answer).taken:
            return Rejected(
                change,
                f"The deleted account of {change.who.username} cannot be restored: its address was given to somebody else meanwhile."
                " Free the address, or restore it in the Entra admin center under another name.",
            )
        return judged(change, change.who, answer, known)
    known.note(deleted, {}, True)
    return Applied(change, deleted, "It had been deleted and was restored, not made again.")


def patch(change: Change, who: Who, body: Mapping[str, Any], known: Known) -> Script:
    """Change what `body` names, and nothing else."""
    answer = yield PatchUser(who.object, body)
    if answer.done:
        known.note(who.object, body, False)
        return Applied(change, who.object)
    if not answer.unknown and read_problem(answer).taken:
        wanted = str(body.get("userPrincipalName", "")), str(body.get("mail", ""))
        held = (yield from holder(*wanted, known)) if any(wanted) else None
        return Rejected(
            change,
            f"{who.username} cannot be changed: {held.words}."
            if held
            else f"{who.username} cannot be changed: one of its addresses is also held by something else in this tenant, which has to be"
            " settled in the Exchange admin center first.",
        )
    return judged(change, who, answer, known)


def judged(change: Change, who: Who, answer: Answer, known: Known) -> Outcome:
    """What a refusal, or silence, comes to. Raises Halt where everything else would be refused as well."""
    if answer.unknown or answer.busy:
        return Deferred(change, LOST if answer.unknown else "Microsoft 365 was too busy to take it in this run.")
    problem = read_problem(answer)
    if problem.full or (isinstance(change, Create) and problem.denied):
        raise Halt(
            problem.sentence
            if problem.full
            else "The app may not create users in this tenant: grant it User.Create (or User.ReadWrite.All) and consent as an administrator."
        )
    if problem.not_yet and who.anchor is not None and known.young(who.anchor):
        return Deferred(
            change,
            f"{who.username} was made minutes ago and is not known everywhere in Microsoft 365 yet: the next run does it.",
        )
    if problem.gone:
        return Rejected(
            change,
            f"The account of {who.username} ({who.anchor}) is no longer in Microsoft 365: it was deleted. Restore it there, or unlink it in onroll.",
        )
    return Rejected(change, problem.sentence)
