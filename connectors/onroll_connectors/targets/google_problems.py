"""Google's refusals as sentences that a school technician can act on, and which of them end a run."""

from __future__ import annotations

from collections.abc import Sequence

from onroll_connectors.targets.google_asks import Problem
from onroll_connectors.targets.google_rights import PREFIX
from onroll_core.changes import AccountChange, Create, Deferred, Move, Outcome, Rejected, Rename, Update
from onroll_core.errors import Halt


def verdict(change: AccountChange, problem: Problem) -> Outcome:
    """What became of a change that Google answered with a problem; raises Halt when nothing else would work either."""
    halting(problem)
    if problem.busy or problem.passing or problem.unfinished:
        return Deferred(change, waiting(change.who.username, problem))
    return Rejected(change, _refused(change, problem))


def halting(problem: Problem) -> None:
    """Raises Halt for what only a person can put right, and what would stop everything else as well."""
    if problem.out_of_licences:
        raise Halt(
            f"Google Workspace has no licence left for another user ({_said(problem)}). Users deleted less than 20 days ago still hold"
            " theirs. Add licences in the Admin console under Billing, then run onroll again."
        )
    if problem.locked_out:
        raise Halt(
            f"Google Workspace does not accept onroll's credentials ({_said(problem)}). Run onroll check: it says which scope or role is missing."
        )


def not_signed_in(told: str, subject: str | None, client: str, scopes: Sequence[str]) -> Halt:
    """The error when Google gives no access token; `told` is what google-auth says, and is never shown as it is."""
    wanted = ", ".join(PREFIX + scope for scope in scopes)
    if "unauthorized_client" in told or "access_denied" in told:
        return Halt(
            "Google does not let the service account act for the administrator: domain-wide delegation is missing, or has other scopes. In the Admin"
            f" console under Security, API controls, Domain-wide delegation, give the client id {client or 'of the key'} exactly these scopes: {wanted}."
        )
    if "invalid_grant" in told:
        return Halt(
            f"Google does not accept the service account's key{f' for {subject}' if subject else ''}: the administrator named as subject does not exist,"
            " the key was deleted, or this machine's clock is wrong. Check subject in onroll.toml, the key in the Google Cloud console, and the clock."
        )
    return Halt(
        "Google does not accept onroll's credentials. Make a new key for the service account, put it where credentials says, and run onroll check."
    )


def waiting(name: str, problem: Problem) -> str:
    """Why something waits for the next run."""
    if problem.unfinished:
        return f"Google has not finished making {name} yet; onroll goes on at its next run."
    if problem.busy:
        return f"Google Workspace was too busy to change {name}; onroll tries again at its next run."
    what = f"answered with an error ({problem.status})" if problem.status else "did not answer"
    return f"Google Workspace {what} when {name} was changed; onroll looks at what became of it at its next run."


def _refused(change: AccountChange, problem: Problem) -> str:
    name = change.who.username
    message = problem.message.lower()
    match problem.reason, problem.status:
        case "adminCannotUnsuspend", _:
            return (
                f"Google itself suspended {name}, and no administrator can undo that here. Look at the user in the Admin console:"
                " it says what to do or whom to ask."
            )
        case _, 404 if "domain" in message:
            return f"The domain of {_address(change)} does not belong to this Google Workspace. Add and verify it in the Admin console, or correct the school's domain."
        case _, 404:
            return f"The account of {name} is no longer in Google Workspace: it was deleted. Restore it in the Admin console within 20 days; onroll makes no second one."
        case _, 403:
            return (
                f"Google Workspace does not let onroll change {name} ({_said(problem)}). Administrators can be changed by super"
                " administrators only; for others, give onroll's role the right to manage users of that org unit."
            )
        case _, 412 if problem.reason == "limitExceeded" or "alias" in message:
            return f"{name} has as many aliases as Google allows (30): {_said(problem)}. Remove old ones in the Admin console."
        case _, 400 if "given name" in message or "family name" in message:
            return f"Google Workspace refuses the name of {name}: each part may have 60 characters (some customers 40) and neither < nor >. Shorten it in the MIS."
        case _, 400 if "ou_id" in message:
            return (
                f"The org unit {_place(change)} for {name} is not there, or Google Workspace does not accept its name."
            )
        case _, 400 if "password" in message:
            return f"Google Workspace refuses the temporary password for {name}: it does not meet the password rules of your Admin console."
        case _, 400 if "email" in message:
            return f"Google Workspace refuses the address {_address(change)}: letters, digits, - _ . and ' only, and no two dots in a row."
    return f"Google Workspace refused the change to {name}: {_said(problem)}."


def held(change: AccountChange, address: str, holder: str) -> Rejected:
    """The outcome when somebody else has an address; `holder` is "the group maths@school.test"."""
    return Rejected(
        change,
        f"The address {address} is held in Google Workspace by {holder}, which is not this person's. Give {change.who.username} another name:"
        f" onroll users rename {change.who.username} NEWNAME",
    )


def unknown_holder(change: AccountChange, address: str) -> Rejected:
    """The outcome when Google says that an address is taken and nobody shows it."""
    return Rejected(
        change,
        f"Google Workspace says that {address} is taken, but no user, alias or group shows it. It may be a personal Google account made"
        " with that address (Admin console: transfer tool for unmanaged users), or somebody's address of a few minutes ago.",
    )


def foreign(change: AccountChange, identity: str) -> Rejected:
    """The outcome when an account carries the identity of somebody else."""
    return Rejected(
        change,
        f"The account that onroll knew as that of {change.who.username} carries the onroll identity {identity}, not {change.who.identity}."
        " Nothing was written. Somebody changed its external id in the Admin console: put it back.",
    )


def elsewhere(change: AccountChange) -> Rejected:
    """The outcome when a key leads to another user: Google's keys can be addresses, and addresses move on."""
    return Rejected(
        change,
        f"What onroll kept as the id of {change.who.username} leads to another user in Google Workspace. Nothing was written;"
        " the account has to be linked again.",
    )


def _said(problem: Problem) -> str:
    return f"{problem.message.rstrip('.') or 'no reason given'}, {problem.reason or problem.status}"


def _address(change: AccountChange) -> str:
    match change:
        case Create(_, account):
            return account.email
        case Rename(_, _, after):
            return after.email
        case Update(_, _, values) if "aliases" in values:
            return ", ".join(values["aliases"])
        case _:
            return change.who.username


def _place(change: AccountChange) -> str:
    match change:
        case Create(_, account):
            return account.place or "/"
        case Move(_, _, after):
            return after or "/"
        case _:
            return ""
