"""Each change is a short script: it asks Graph one thing at a time, reads the answer, and ends in an outcome. Pure; no network here."""

from __future__ import annotations

from typing import assert_never

from onroll_connectors.targets.graph_asks import Pause, ReadUser, RevokeSessions
from onroll_connectors.targets.graph_create import create
from onroll_connectors.targets.graph_licences import relicense
from onroll_connectors.targets.graph_problems import read_problem
from onroll_connectors.targets.graph_steps import Known, Script, patch, undelete
from onroll_connectors.targets.graph_users import addresses, misfit, renamed, unverified
from onroll_core.changes import (
    AccountChange,
    Applied,
    Change,
    Create,
    Disable,
    Enable,
    GivePassword,
    Link,
    Move,
    Rejected,
    ReleaseLicences,
    Rename,
    ReturnLicences,
    Update,
)


def script(change: AccountChange, known: Known) -> Script:
    """The script of a change of an account. It raises Halt where no other change would fare better."""
    match change:
        case Create():
            return create(change, known)
        case Link(who=who):
            return patch(change, who, known.shape.carrying(who.identity), known)
        case Rename():
            return _rename(change, known)
        case Update():
            return _update(change, known)
        case Enable():
            return _enable(change, known)
        case Disable():
            return _disable(change, known)
        case GivePassword():
            # Alone: together with anything else, a permission that is missing for passwords would refuse the whole.
            profile = {"password": change.password, "forceChangePasswordNextSignIn": change.must_change}
            return patch(change, change.who, {"passwordProfile": profile}, known)
        case ReleaseLicences() | ReturnLicences():
            return relicense(change, known)
        case Move():
            return _refuse(change, "Microsoft 365 has no organisational units: there is nowhere to move an account to.")
        case _:
            assert_never(change)


def _refuse(change: Change, why: str) -> Script:
    return Rejected(change, why)
    yield Pause(0)  # makes this a script like the others


def _rename(change: Rename, known: Known) -> Script:
    after = change.after
    body = renamed(after.login, after.email)
    why = misfit(body) or unverified(after.login, known.domains) or unverified(after.email, known.domains)
    if why is not None:
        return Rejected(change, why)
    outcome = yield from patch(change, change.who, body, known)
    if not isinstance(outcome, Applied):
        return outcome
    user = yield ReadUser(change.who.object, ("id", "proxyAddresses"))
    there = set(addresses(user.body)) if user.done else set()
    missing = sorted((after.aliases | {after.email}) - there - {""})
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
    outcome = yield from patch(change, change.who, body, known)
    return Applied(change, outcome.anchor, note) if isinstance(outcome, Applied) else outcome


def _enable(change: Enable, known: Known) -> Script:
    who = change.who
    if change.restore:
        restored = yield from undelete(change, who.object, known)
        if not isinstance(restored, Applied):
            return restored
    return (yield from patch(change, who, {"accountEnabled": True}, known))


def _disable(change: Disable, known: Known) -> Script:
    # Alone: with anything else in the same PATCH, one missing permission would leave the leaver signed in.
    outcome = yield from patch(change, change.who, {"accountEnabled": False}, known)
    if not isinstance(outcome, Applied):
        return outcome
    revoked = yield RevokeSessions(change.who.object)
    if revoked.done:
        return outcome
    why = "the service did not answer" if revoked.unknown else read_problem(revoked).sentence
    return Applied(change, outcome.anchor, f"Disabled, but the sessions that are open could not be ended: {why}")
