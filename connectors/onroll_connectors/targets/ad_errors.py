"""What Active Directory's refusals mean: told by result code and the eight hex digits, never by the text, which differs between servers."""

from __future__ import annotations

from onroll_connectors.targets.ad_wire import Answer
from onroll_core.errors import Halt, OnrollError, Refused, Unavailable

# The code after "data" in the message of a refused bind is Microsoft's own.
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
CLIENT_REFUSED = -1
"""Answer's code for what the client library would not even send."""
_BUSY = (3, 51, 52, 85)
_WEAK = "0000052D"


def refused_bind(answer: Answer, user: str) -> OnrollError:
    """Why the service account could not sign in."""
    if answer.code in _BUSY:
        return Unavailable("Active Directory is too busy to let onroll in.")
    why = _BIND.get(answer.message.partition("data ")[2][:3].lower())
    if answer.code == 8:
        why = "the server insists on TLS: use ldaps:// or StartTLS"
    return Halt(
        f"Active Directory did not let {user} in: {why or f'result {answer.code} {answer.hex}'.rstrip()}."
        " Look at [targets] user and password, and at that account."
    )


def refused_ticket(told: str) -> Halt:
    """Why Kerberos did not sign in: the ticket, the clock, or a server that is not named as its ticket is."""
    said = f" ({told.strip().strip('.')})" if told.strip() else ""
    return Halt(
        f"Active Directory did not let onroll in with the machine's Kerberos ticket{said}. Look whether there is a ticket (klist), whether the"
        " clock is right to five minutes, and whether [targets] server is the domain controller's full name, not an address."
    )


def unreadable(base: str, answer: Answer) -> OnrollError:
    """Why something could not be read. What was read until then is not to be used."""
    if answer.code in _BUSY:
        return Unavailable(f"Active Directory was too busy to be read to the end at {base}.")
    if answer.code == 32:
        return Halt(f"{base} is not there, or onroll's account may not see it. Look at [targets] base and names_base.")
    if answer.code == 10:
        return Halt(
            f"{base} lies in another domain (the server answered with a referral). Look at [targets] base, names_base and server."
        )
    return Halt(
        f"Active Directory did not let onroll read {base} (result {answer.code} {answer.hex}".rstrip()
        + "). Look at the rights of its account."
    )


def is_clash(answer: Answer) -> bool:
    """True when something of that name may be there already: which name, and whose, has to be looked up."""
    return answer.code == 68 or (answer.code == 19 and answer.hex in ("0000202F", "000021C8", "000021C7", "00002083"))


def is_weak_password(answer: Answer) -> bool:
    """True when the domain's policy refused a password, or its absence: Samba says 19, Windows 53."""
    return answer.hex == _WEAK and answer.code in (19, 53)


def failure(answer: Answer, doing: str) -> OnrollError:
    """The error for a request that was not carried out; `doing` says what it was ("create h.potter")."""
    code, windows = answer.code, answer.hex
    if is_weak_password(answer):
        return Refused(
            f"Could not {doing}: the domain's password policy refused the password. Look at its length and complexity rules, at"
            " fine-grained policies and at password filters, and let them accept random passwords of 24 characters."
        )
    if code in _BUSY:
        return Unavailable("Active Directory is too busy to answer.")
    halt = _HALTS.get((code, windows)) or _HALTS.get((code, ""))
    if halt is not None:
        return Halt(halt)
    why = _REFUSALS.get((code, windows)) or _REFUSALS.get((code, ""))
    if code == CLIENT_REFUSED:
        why = f"a value cannot be said in LDAP ({answer.message})"
    return Refused(f"Could not {doing}: {why or f'Active Directory answered {code} {windows}'.rstrip()}.")


_HALTS = {
    (8, ""): "Active Directory insists on an encrypted connection. Use ldaps:// or StartTLS.",
    (53, "0000001F"): "Active Directory takes passwords over an encrypted connection alone. Use ldaps:// or StartTLS.",
    (
        10,
        "",
    ): "Active Directory answered with a referral: the base lies in another domain. Look at [targets] base and server.",
    (49, ""): "Active Directory no longer accepts onroll's password. Look at [targets] user and password.",
    (1, "000004DC"): "Active Directory has forgotten that onroll signed in. Look at the domain controller's event log.",
}
_REFUSALS = {
    (50, ""): (
        "onroll's account has no right to do that there. onroll check says which one is missing and how to grant it; where the user is in an administrators' group, Windows keeps"
        " the right from onroll, and the change is yours to make"
    ),
    (68, ""): "an object with that name is already there",
    (19, "0000202F"): "a username or sign-in name is taken by somebody else or is not allowed there",
    (19, "000021C8"): "a sign-in name is taken by somebody else",
    (80, "00000523"): "Windows does not take that username. Give another one",
    (32, ""): "the object, or the OU it should go to, is not there any more. The next run looks again",
    (19, ""): "a value is too long or not allowed",
    (21, ""): "a value is too long or not allowed",
    (34, ""): "a name cannot be part of a distinguished name",
    (16, ""): (
        "the directory's schema has no such attribute. Look at identity_attribute, note_attribute and write in [targets]: onroll check names"
        " the one that is missing"
    ),
}
