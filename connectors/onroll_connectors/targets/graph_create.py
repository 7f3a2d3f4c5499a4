"""Making an account in Microsoft 365: looked for first, restored where it was deleted, and never sent twice without a look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from onroll_connectors.targets.graph_asks import Answer, CreateUser, Pause
from onroll_connectors.targets.graph_problems import read_problem
from onroll_connectors.targets.graph_steps import LOST, Known, Script, carriers, holder, judged, patch, undelete
from onroll_connectors.targets.graph_users import anchor, misfit, sign_in_name, unverified
from onroll_core.accounts import Anchor
from onroll_core.changes import Applied, Create, Deferred, Outcome, Rejected

_MOMENT = 2.0
_AGAIN = (1.0, 8.0, 30.0, 0.0)
"""Seconds to wait before looking again for what a lost answer may have made; what stays hidden longer is left to the next run."""


def create(change: Create, known: Known) -> Script:
    """Make the account, or adopt the one that carries its identity."""
    account, identity = change.account, change.who.identity
    adopted = _adopt(change, known.carriers.get(identity, []))
    if adopted is not None:
        return adopted
    binned = known.deleted.get(identity)
    if binned is not None:
        restored = yield from undelete(change, anchor(binned), known)
        if not isinstance(restored, Applied):
            return restored
        # It comes back as it was deleted, perhaps disabled; what was asked for is an account that works.
        enabled = yield from patch(change, replace(change.who, anchor=anchor(binned)), {"accountEnabled": True}, known)
        return restored if isinstance(enabled, Applied) else enabled
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
    return (yield from _make(change, body, known))


def _make(change: Create, body: Mapping[str, Any], known: Known) -> Script:
    """Send the create, and look each time before it is sent again."""
    account, identity = change.account, change.who.identity
    answer = Answer(0)
    for wait in _AGAIN:
        answer = yield CreateUser(body)
        if answer.done:
            made = Anchor(str(answer.body["id"]))
            known.note(made, body, True)
            return Applied(change, made)
        if not answer.unknown and not read_problem(answer).taken:
            return judged(change, change.who, answer, known)
        # Either nobody knows what became of it, or the name is taken: perhaps by our own request, of this run or of one that was
        # cut off, whose work is not visible yet.
        if answer.unknown:
            yield Pause(_MOMENT)
        adopted = _adopt(change, (yield from carriers(identity, account.login, known)))
        if adopted is not None:
            return adopted
        if not answer.unknown:
            held = yield from holder(account.login, account.email, known)
            if held is not None and held.owner == identity:
                return _adopt(change, [held.user]) or Deferred(change, LOST)
            if held is not None:
                return Rejected(
                    change,
                    f"{account.login} cannot be made: {held.words}. Give this person another name, or link the account if it is theirs.",
                )
        yield Pause(wait)
    if answer.unknown:
        return Deferred(change, LOST)
    return Deferred(
        change,
        f"{account.login} is taken in Microsoft 365 by something that cannot be seen: an account made moments ago, which the next run will"
        " find, or a mail contact, which is in the Exchange admin center.",
    )


def _adopt(change: Create, found: list[Mapping[str, Any]]) -> Outcome | None:
    if len(found) > 1:
        held = ", ".join(sorted(sign_in_name(user) for user in found))
        return Rejected(
            change,
            f"{len(found)} accounts carry the onroll identity of {change.account.login} ({held}). Take it off the one that was copied.",
        )
    return Applied(change, anchor(found[0]), "It was there already and carries the identity.") if found else None
