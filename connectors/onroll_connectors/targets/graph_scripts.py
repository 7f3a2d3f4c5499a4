"""Each change is a short script: it asks Graph one thing at a time, reads the answer, and ends in an outcome. Pure; no network here."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, assert_never

from onroll_connectors.targets.graph_asks import (
    Answer,
    Ask,
    CreateUser,
    ListGroups,
    ListUsers,
    PatchUser,
    Pause,
    ReadUser,
    Restore,
    RevokeSessions,
)
from onroll_connectors.targets.graph_problems import read_problem
from onroll_connectors.targets.graph_users import (
    Shape,
    addresses,
    anchor,
    holding,
    misfit,
    renamed,
    sign_in_name,
    unverified,
)
from onroll_core.accounts import Anchor, IdentityId
from onroll_core.changes import (
    AddMember,
    Applied,
    Change,
    Create,
    CreateGroup,
    Deferred,
    Disable,
    Enable,
    Link,
    Move,
    Outcome,
    Rejected,
    RemoveMember,
    Rename,
    Update,
    UpdateGroup,
    Who,
)
from onroll_core.errors import Halt

Script = Generator[Ask | Pause, Answer, Outcome]

_LOST = "Microsoft 365 did not answer, so nobody knows whether it was done: the next run looks first."
_MOMENT = 2.0
_AGAIN = (1.0, 8.0, 30.0, 0.0)
"""Seconds to wait before looking again for what a lost answer may have made; what stays hidden longer is left to the next run."""


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


def script(change: Change, known: Known) -> Script:
    """The script of a change. It raises Halt where no other change would fare better."""
    match change:
        case Create():
            return _create(change, known)
        case Link(who=who):
            return _patch(change, who, known.shape.carrying(who.identity), known)
        case Rename():
            return _rename(change, known)
        case Update():
            return _update(change, known)
        case Enable():
            return _enable(change, known)
        case Disable():
            return _disable(change, known)
        case Move():
            return _refuse(change, "Microsoft 365 has no organisational units: there is nowhere to move an account to.")
        case CreateGroup() | UpdateGroup() | AddMember() | RemoveMember():
            return _refuse(change, "onroll does not look after groups in Microsoft 365 yet.")
        case _:
            assert_never(change)


def _refuse(change: Change, why: str) -> Script:
    return Rejected(change, why)
    yield Pause(0)  # makes this a script like the others


def _create(change: Create, known: Known) -> Script:
    account, identity = change.account, change.who.identity
    adopted = _adopt(change, known.carriers.get(identity, []))
    if adopted is not None:
        return adopted
    binned = known.deleted.get(identity)
    if binned is not None:
        return (yield from _undelete(change, anchor(binned), known))
    if not known.creates:
        return Deferred(
            change,
            f"{account.login} is made in Active Directory, and Entra Connect has not brought it to Microsoft 365 yet.",
        )
    password = known.password([account.login.partition("@")[0], account.given or "", account.family or ""])
    body = known.shape.new(account, identity, password, known.usage_location)
    why = misfit(body) or unverified(account.login, known.domains) or unverified(account.email, known.domains)
    if why is not None:
        return Rejected(change, why)
    answer = Answer(0)
    for wait in _AGAIN:
        answer = yield CreateUser(body)
        if answer.done:
            made = Anchor(str(answer.body["id"]))
            known.note(made, body, True)
            return Applied(change, made)
        if not answer.unknown and not read_problem(answer).taken:
            return _judged(change, change.who, answer, known)
        # Either nobody knows what became of it, or the name is taken: perhaps by our own request, of this run or of one that was
        # cut off, whose work is not visible yet.
        if answer.unknown:
            yield Pause(_MOMENT)
        adopted = _adopt(change, (yield from _carriers(identity, account.login, known)))
        if adopted is not None:
            return adopted
        if not answer.unknown:
            holder = yield from _holder(account.login, account.email, known)
            if holder is not None and holder.owner == identity:
                return _adopt(change, [holder.user]) or Deferred(change, _LOST)
            if holder is not None:
                return Rejected(
                    change,
                    f"{account.login} cannot be made: {holder.words}. Give this person another name, or link the account if it is theirs.",
                )
        yield Pause(wait)
    if answer.unknown:
        return Deferred(change, _LOST)
    return Deferred(
        change,
        f"{account.login} is taken in Microsoft 365 by something that cannot be seen: an account made moments ago, which the next run will"
        " find, or a mail contact, which is in the Exchange admin center.",
    )


def _adopt(change: Create, carriers: list[Mapping[str, Any]]) -> Outcome | None:
    if len(carriers) > 1:
        held = ", ".join(sorted(sign_in_name(user) for user in carriers))
        return Rejected(
            change,
            f"{len(carriers)} accounts carry the onroll identity of {change.account.login} ({held}). Take it off the one that was copied.",
        )
    return Applied(change, anchor(carriers[0]), "It was there already and carries the identity.") if carriers else None


def _carriers(identity: IdentityId, login: str, known: Known) -> Generator[Ask, Answer, list[Mapping[str, Any]]]:
    """Everyone who carries the identity: by the index, which is late, and by name, which is less so."""
    shape = known.shape
    listed = yield ListUsers(shape.select, shape.filter([identity]), advanced=shape.advanced)
    found = list(listed.body["value"]) if listed.done else []
    if not found:
        named = yield ReadUser(login, shape.select)
        found = [named.body] if named.done and shape.owner(named.body) == identity else []
    return found


@dataclass(frozen=True, slots=True)
class _Holder:
    """What holds an address, in words; `user` and the identity it carries, where it is one."""

    words: str
    user: Mapping[str, Any] = field(default_factory=dict)
    owner: IdentityId | None = None


def _holder(login: str, email: str, known: Known) -> Generator[Ask, Answer, _Holder | None]:
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
            return _Holder(f"the {kind} {sign_in_name(user)} holds {address}", user, shape.owner(user))
        groups = yield ListGroups(("id", "displayName", "mail"), holding(address, users=False))
        for group in groups.body["value"] if groups.done else ():
            return _Holder(f"the group {group.get('displayName') or group['id']} holds {address}")
    return None


def _rename(change: Rename, known: Known) -> Script:
    after = change.after
    body = renamed(after.login, after.email)
    why = misfit(body) or unverified(after.login, known.domains) or unverified(after.email, known.domains)
    if why is not None:
        return Rejected(change, why)
    outcome = yield from _patch(change, change.who, body, known)
    if isinstance(outcome, Rejected) or not isinstance(outcome, Applied):
        return outcome
    user = yield ReadUser(change.who.object, ("id", "proxyAddresses"))
    there = set(addresses(user.body)) if user.done else set()
    missing = sorted((after.aliases | {change.before.email, after.email}) - there - {""})
    if not missing:
        return outcome
    return Applied(
        change,
        outcome.anchor,
        f"{', '.join(missing)} is not among the addresses yet. Microsoft 365 keeps a former address by itself, some minutes later;"
        " the next run looks again. Any other alias has to be added in the Exchange admin center.",
    )


def _update(change: Update, known: Known) -> Script:
    body = known.shape.changed({name: value for name, value in change.after.items() if name != "aliases"})
    note = (
        "Aliases cannot be written through Graph: add them in the Exchange admin center."
        if "aliases" in change.after
        else ""
    )
    strange = (
        set(body) - {"displayName", "givenName", "surname", "onPremisesExtensionAttributes"} - known.shape.attributes
    )
    if strange:
        return Rejected(
            change,
            f"onroll does not write {', '.join(sorted(strange))} in Microsoft 365: see extra_fields in its settings.",
        )
    why = misfit(body)
    if why is not None:
        return Rejected(change, why)
    if not body:
        return Applied(change, change.who.anchor, note)
    outcome = yield from _patch(change, change.who, body, known)
    return Applied(change, outcome.anchor, note) if isinstance(outcome, Applied) else outcome


def _enable(change: Enable, known: Known) -> Script:
    who = change.who
    if change.restore:
        restored = yield from _undelete(change, who.object, known)
        if not isinstance(restored, Applied):
            return restored
    return (yield from _patch(change, who, {"accountEnabled": True}, known))


def _undelete(change: Create | Enable, deleted: Anchor, known: Known) -> Script:
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
        return _judged(change, change.who, answer, known)
    known.note(deleted, {}, True)
    return Applied(change, deleted, "It had been deleted and was restored, not made again.")


def _disable(change: Disable, known: Known) -> Script:
    # Alone: with anything else in the same PATCH, one missing permission would leave the leaver signed in.
    outcome = yield from _patch(change, change.who, {"accountEnabled": False}, known)
    if not isinstance(outcome, Applied):
        return outcome
    revoked = yield RevokeSessions(change.who.object)
    if revoked.done:
        return outcome
    why = "the service did not answer" if revoked.unknown else read_problem(revoked).sentence
    return Applied(change, outcome.anchor, f"Disabled, but the sessions that are open could not be ended: {why}")


def _patch(change: Change, who: Who, body: dict[str, Any], known: Known) -> Script:
    answer = yield PatchUser(who.object, body)
    if answer.done:
        known.note(who.object, body, False)
        return Applied(change, who.object)
    if not answer.unknown and read_problem(answer).taken:
        wanted = str(body.get("userPrincipalName", "")), str(body.get("mail", ""))
        holder = (yield from _holder(*wanted, known)) if any(wanted) else None
        return Rejected(
            change,
            f"{who.username} cannot be changed: {holder.words}."
            if holder
            else f"{who.username} cannot be changed: one of its addresses is also held by something else in this tenant, which has to be"
            " settled in the Exchange admin center first.",
        )
    return _judged(change, who, answer, known)


def _judged(change: Change, who: Who, answer: Answer, known: Known) -> Outcome:
    """What a refusal, or silence, comes to. Raises Halt where everything else would be refused as well."""
    if answer.unknown or answer.busy:
        return Deferred(change, _LOST if answer.unknown else "Microsoft 365 was too busy to take it in this run.")
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
