"""What Active Directory's refusals mean: told by result code and the eight hex digits, never by the text, which differs between servers."""

from __future__ import annotations

from onroll_connectors.targets.ad_wire import Answer
from onroll_core.errors import Halt, OnrollError, Refused, Unavailable

_BIND = {
    "52e": "the user name or the password is wrong",
    "525": "there is no such user",
    "530": "it may not sign in at this hour",
    "531": "it may not sign in from this machine",
    "532": "its password has expired",
    "533": "it is disabled",
    "701": "it has expired",
    "773": "it must change its password first",
    "775": "it is locked out",
}


def refused_bind(answer: Answer, user: str) -> Halt:
    """Why the service account could not sign in. The code after "data" in the message is Microsoft's own."""
    after = answer.message.partition("data ")[2][:3].lower()
    why = _BIND.get(after)
    if answer.code == 8:
        why = "the server insists on TLS: use ldaps:// or StartTLS"
    return Halt(
        f"Active Directory did not let {user} in: {why or f'result {answer.code}'}. Look at [targets] user and password, and at that account."
    )


def failure(answer: Answer, doing: str) -> OnrollError:
    """The error for an operation that was not carried out; `doing` says what it was ("create h.potter")."""
    code, windows = answer.code, answer.hex
    if windows == "0000052D" and code in (19, 53):
        return Refused(
            f"Could not {doing}: the domain's password policy refused the temporary password. Look at the policy's length and"
            " complexity (and at a password filter, if there is one)."
        )
    match code, windows:
        case 50, _:
            return Refused(
                f"Could not {doing}: onroll's account has no right to do that there. Delegate it on that OU."
            )
        case 68, _:
            return Refused(f"Could not {doing}: an object with that name is already there.")
        case 19, "0000202F" | "000021C8":
            return Refused(
                f"Could not {doing}: a value is taken by somebody else or is not allowed there (a UPN or a username)."
            )
        case 80, "00000523":
            return Refused(f"Could not {doing}: Windows does not take that username.")
        case 8, _:
            return Halt("Active Directory insists on an encrypted connection. Use ldaps:// or StartTLS.")
        case 53, "0000001F":
            return Halt(
                "Active Directory takes passwords over an encrypted connection alone. Use ldaps:// or StartTLS."
            )
        case 10, _:
            return Halt(
                "Active Directory answered with a referral: the base lies in another domain. Look at [targets] base and server."
            )
        case 32, _:
            return Refused(f"Could not {doing}: the object, or the OU it should go to, is not there any more.")
        case ((19 | 21), _):
            return Refused(f"Could not {doing}: a value is too long or not allowed ({windows or code}).")
        case 16, _:
            return Refused(
                f"Could not {doing}: the directory's schema has no such attribute ({answer.message[:80].strip()})."
            )
        case ((51 | 52 | 3 | 85), _):
            return Unavailable("Active Directory is too busy to answer.")
        case 49, _:
            return Halt("Active Directory no longer accepts onroll's password.")
    return Refused(f"Could not {doing}: Active Directory answered {code} {windows}".rstrip() + ".")
