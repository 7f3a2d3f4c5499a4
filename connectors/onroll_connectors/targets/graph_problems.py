"""What Graph's refusals mean, as sentences that a school technician can act on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from onroll_connectors.targets.graph_asks import Answer
from onroll_core.errors import Halt

_CONFLICT = re.compile(
    r"another object with the same value for property (\w+) already exists|a conflicting object with one or more of the specified",
    re.IGNORECASE,
)
_SYNCED = re.compile(r"on-premises mastered|originated within an external service", re.IGNORECASE)
_PASSWORD = re.compile(r"password complexity|password must be specified|does not comply with password", re.IGNORECASE)
_NOT_YET = re.compile(r"not a valid reference update|one or more property values specified are invalid", re.IGNORECASE)
_DOMAIN = re.compile(r"domain portion of the userprincipalname", re.IGNORECASE)
_FULL = re.compile(r"quota limit|limit reached|insufficient licen[cs]es|no available licen[cs]es", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Problem:
    """A refusal, read whatever shape it had: `message` may come as text or as {"value": ...}, `details` as a list or one object."""

    status: int
    code: str
    message: str
    targets: tuple[str, ...] = ()
    conflicting: bool = False

    @property
    def gone(self) -> bool:
        """The object is not there, or not there yet."""
        return self.status == 404

    @property
    def taken(self) -> bool:
        """A name or address is held by something else. Graph says 400 for it, and 409 is taken too."""
        return self.conflicting or self.status == 409 or bool(_CONFLICT.search(self.message))

    @property
    def denied(self) -> bool:
        """The app lacks a permission, or the user has a role that outranks it."""
        return self.status == 403 and not self.full

    @property
    def full(self) -> bool:
        """The tenant's object quota or a licence ceiling is reached: no create will work until somebody makes room."""
        return self.code == "Directory_QuotaExceeded" or (
            self.status in (400, 403) and bool(_FULL.search(self.message))
        )

    @property
    def mastered(self) -> bool:
        """Active Directory masters the user."""
        return bool(_SYNCED.search(self.message))

    @property
    def not_yet(self) -> bool:
        """What an object says that is so new that not every part of the service knows it."""
        return self.status == 404 or (self.status == 400 and bool(_NOT_YET.search(self.message)))

    @property
    def sentence(self) -> str:
        """What it means, for a person."""
        if _PASSWORD.search(self.message):
            return "The tenant's password policy refused the temporary password. Look at the banned passwords in Entra."
        if _DOMAIN.search(self.message):
            return "The address has a domain that is not verified in this tenant. Verify it in the Microsoft 365 admin center."
        if self.mastered:
            return "The account is mastered by Active Directory and synchronised by Entra Connect: it can only be changed there."
        if self.full:
            return f"Microsoft 365 takes no more accounts: {_ended(self.message)} Make room or ask Microsoft for a higher quota."
        if self.denied:
            return (
                "Microsoft 365 does not allow it: the user has an administrator's role, which an app may not change without a"
                " higher role of its own, or the app lacks a permission (onroll check says which)."
            )
        return f"Microsoft 365 refused it ({self.status} {self.code}): {_ended(self.message)}"


def read_problem(answer: Answer) -> Problem:
    """The problem that a refusal tells."""
    body = answer.body if isinstance(answer.body, Mapping) else {}
    error = body.get("error")
    if not isinstance(error, Mapping):
        return Problem(answer.status, str(error or "Error"), _text(answer.body) or "no reason was given")
    details = error.get("details") or ()
    rows = [row for row in ([details] if isinstance(details, Mapping) else details) if isinstance(row, Mapping)]
    return Problem(
        answer.status,
        _text(error.get("code")) or "Error",
        _text(error.get("message")) or "no reason was given",
        tuple(str(row["target"]) for row in rows if row.get("target")),
        any(row.get("code") == "ObjectConflict" for row in rows),
    )


def refused_list(answer: Answer) -> Halt:
    """What stops a run when a list is refused: that is never an empty one."""
    problem = read_problem(answer)
    if problem.status == 403:
        return Halt(
            "The app may not read the users of this tenant: grant it User.Read.All (or User.ReadWrite.All) in Entra and consent"
            " as an administrator."
        )
    return Halt(f"Microsoft 365 refused to list its users ({problem.status} {problem.code}): {problem.message}")


_SIGN_IN = {
    "AADSTS7000215": "the client secret is wrong (its value is needed, not its id)",
    "AADSTS7000222": "the client secret has expired: make a new one in Entra",
    "AADSTS700016": "there is no app with this client id in the tenant",
    "AADSTS90002": "there is no such tenant",
    "AADSTS700027": "the certificate is not one of the app's: upload its public part in Entra, or it has expired",
    "AADSTS7000229": "the app has no service principal in the tenant: an administrator must consent to it first",
    "AADSTS53003": "a conditional access policy blocks the app",
}


def sign_in_problem(message: str, client_id: str) -> str:
    """What Entra's refusal of a token means, in a sentence; `message` is Entra's own and is not repeated as a whole."""
    code = re.search(r"AADSTS\d+", message)
    known = _SIGN_IN.get(code.group()) if code else None
    why = known or "Entra refused to give it a token"
    return f"The app {client_id} cannot sign in to Microsoft 365: {why}{f' ({code.group()})' if code else ''}."


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return _text(value.get("value"))
    return " ".join(str(value or "").split())[:300]


def _ended(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."
