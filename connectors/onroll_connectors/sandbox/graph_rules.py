"""What the directory behind Microsoft Graph refuses of a user although the definition allows it, in its own words."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

DEFAULT_PROPERTIES = (
    "businessPhones",
    "displayName",
    "givenName",
    "id",
    "jobTitle",
    "mail",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "surname",
    "userPrincipalName",
)

_UPN = re.compile(r"[A-Za-z0-9'.\-_!#^~]+@[A-Za-z0-9.\-]+")
_NOT_NULLABLE = (
    "displayName",
    "mail",
    "usageLocation",
    "businessPhones",
    "userPrincipalName",
    "mailNickname",
)
_CLOUD_OWNED = frozenset({"usageLocation", "ageGroup", "consentProvidedForMinor", "passwordPolicies"})
_ADMINS_ONLY = frozenset(
    {
        "accountEnabled",
        "userPrincipalName",
        "passwordProfile",
        "otherMails",
        "mobilePhone",
        "businessPhones",
    }
)

SYNCED = (
    "Unable to update the specified properties for on-premises mastered Directory Sync objects or objects currently"
    " undergoing migration."
)
FORMERLY_SYNCED = (
    "Unable to update the specified properties for objects that have originated within an external service."
)
PASSWORD = (
    "The specified password does not comply with password complexity requirements. Please provide a different password."
)


class Refusal(Exception):
    """An answer that is an error: `status`, `code`, and the rest of Graph's error object."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        details: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.details, self.headers = (
            status,
            code,
            details,
            dict(headers or {}),
        )

    def body(self) -> dict[str, Any]:
        """The JSON of it."""
        error: dict[str, Any] = {
            "code": self.code,
            "message": str(self),
            "innerError": {"request-id": "0"},
        }
        if self.details:
            error["details"] = list(self.details)
        return {"error": error}


def bad(message: str, details: Sequence[Mapping[str, str]] = ()) -> Refusal:
    """400 Request_BadRequest."""
    return Refusal(400, "Request_BadRequest", message, details)


def conflict(target: str) -> Refusal:
    """What a taken name is answered with: 400, not 409."""
    return bad(
        f"Another object with the same value for property {target} already exists.",
        [
            {
                "code": "ObjectConflict",
                "target": target,
                "message": f"The {target} is taken.",
            },
            {
                "code": "ConflictingObjects",
                "target": target,
                "message": "Another object holds it.",
            },
        ],
    )


def denied() -> Refusal:
    """403 for want of a permission or a role."""
    return Refusal(
        403,
        "Authorization_RequestDenied",
        "Insufficient privileges to complete the operation.",
    )


def absent(name: str) -> Refusal:
    """404 for an object that is not there, or not yet."""
    return Refusal(
        404,
        "Request_ResourceNotFound",
        f"Resource '{name}' does not exist or one of its queried reference-property objects are not present.",
    )


def check_values(body: Mapping[str, Any], domains: Mapping[str, str]) -> None:
    """Raise Refusal for a value that the directory would not take. `domains` maps each verified domain to its authentication type."""
    for name, value in body.items():
        if value == "":
            raise bad(f"Invalid value specified for property '{name}' of resource 'User'.")
        if value is None and name in _NOT_NULLABLE:
            raise bad(f"Invalid value specified for property '{name}' of resource 'User'.")
        if isinstance(value, dict) and "" in value.values():
            raise bad(f"Invalid value specified for property '{name}' of resource 'User'.")
    upn = body.get("userPrincipalName")
    if upn is not None:
        if not _UPN.fullmatch(upn) or len(upn) > 113 or ".@" in upn:
            raise bad("Property userPrincipalName is invalid.")
        if upn.rpartition("@")[2].lower() not in domains:
            raise bad(
                "The domain portion of the userPrincipalName property is invalid. You must use one of the verified domain"
                " names in your organization."
            )
    mail = body.get("mail")
    if mail is not None and (not mail.isascii() or "@" not in mail or " " in mail):
        raise bad("Invalid value specified for property 'mail' of resource 'User'.")
    nickname = body.get("mailNickname")
    if nickname is not None and (not nickname.isascii() or re.search(r'[@()\\\[\]";:<>, ]', nickname)):
        raise bad("Invalid value specified for property 'mailNickname' of resource 'User'.")
    location = body.get("usageLocation")
    if location is not None and not re.fullmatch(r"[A-Z]{2}", location):
        raise bad("Invalid value specified for property 'usageLocation' of resource 'User'.")


def check_password(body: Mapping[str, Any], user_name: str, creating: bool) -> None:
    """Raise Refusal for a missing or weak password."""
    profile = body.get("passwordProfile")
    password = (profile or {}).get("password")
    if password is None:
        if creating:
            raise bad("A password must be specified to create a new user.")
        return
    kinds = sum(bool(re.search(kind, password)) for kind in ("[a-z]", "[A-Z]", "[0-9]", "[^A-Za-z0-9]"))
    name = user_name.partition("@")[0].lower()
    if not 8 <= len(password) <= 256 or kinds < 3 or (len(name) > 2 and name in password.lower()):
        raise bad(PASSWORD)


def check_mastery(body: Collection[str], synced: bool | None, admin: bool) -> None:
    """Raise Refusal for a write to what Active Directory masters, or to what only a higher role may change of an administrator."""
    if admin and _ADMINS_ONLY & set(body):
        raise denied()
    if synced and set(body) - _CLOUD_OWNED:
        raise bad(SYNCED)
    if synced is False and "onPremisesExtensionAttributes" in body:
        raise bad(FORMERLY_SYNCED)
