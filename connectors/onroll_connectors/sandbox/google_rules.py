"""What Google refuses, in its own words, statuses and reasons."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

NAME_LENGTH = 60
ALIASES = 30
DEPTH = 35


@dataclass(frozen=True, slots=True)
class Refusal(Exception):
    """An error answer: HTTP status, Google's reason ("duplicate") and its message; `label` is what newer APIs add ("NOT_FOUND")."""

    status: int
    reason: str
    message: str
    headers: Mapping[str, str] = field(default_factory=dict)
    label: str = ""

    def body(self) -> dict[str, Any]:
        """The answer as both APIs shape it."""
        one = {"message": self.message, "domain": "global", "reason": self.reason}
        more = {"status": self.label} if self.label else {}
        return {"error": {"code": self.status, "message": self.message, "errors": [one], **more}}


def not_found(what: str) -> Refusal:
    """404; `what` is "userKey", "groupKey"..."""
    return Refusal(404, "notFound", f"Resource Not Found: {what}")


def invalid(what: str) -> Refusal:
    """400; `what` is the field that Google names."""
    return Refusal(400, "invalid", f"Invalid {what}")


EXHAUSTED = Refusal(429, "rateLimitExceeded", "Quota exceeded for quota metric 'Queries'.", label="RESOURCE_EXHAUSTED")
DUPLICATE = Refusal(409, "duplicate", "Entity already exists.")
NO_SUCH_DOMAIN = Refusal(404, "notFound", "Domain not found.")
FORBIDDEN = Refusal(403, "forbidden", "Not Authorized to access this resource/api")
UNFINISHED = Refusal(412, "conditionNotMet", "User creation is not complete.")
LICENCES = Refusal(412, "limitExceeded", "Domain user limit reached. Start paid subscription.")
NO_SUCH_UNIT = invalid("Input: INVALID_OU_ID")


def address(text: object, domains: frozenset[str]) -> str:
    """A user's, alias' or group's address in lower case; refuses what is not one, and domains of somebody else."""
    if not isinstance(text, str) or text.count("@") != 1:
        raise invalid("Input: primary_user_email")
    local, _, domain = text.lower().partition("@")
    if not re.fullmatch(r"[a-z0-9'_.-]{1,64}", local) or ".." in local or local.startswith(".") or local.endswith("."):
        raise invalid("Input: primary_user_email")
    if domain not in domains:
        raise NO_SUCH_DOMAIN
    return f"{local}@{domain}"


def names(told: Mapping[str, Any], longest: int) -> None:
    """Given and family names: both there, neither too long, no control characters or angle brackets."""
    for key, words in (("givenName", "Given Name"), ("familyName", "Family Name")):
        value = told.get(key)
        if (
            not isinstance(value, str)
            or not value.strip()
            or len(value) > longest
            or re.search(r"[<>=\x00-\x1f]", value)
        ):
            raise invalid(f"{words}: {key.upper()}")
    if len(told.get("displayName") or "") > 256:
        raise invalid("Input: name.displayName")


def password(told: Mapping[str, Any]) -> None:
    """A clear password has 8 to 100 printable ASCII characters; a hash is taken as it is."""
    value = told.get("password")
    hashing = told.get("hashFunction")
    if hashing not in (None, "MD5", "SHA-1", "crypt"):
        raise invalid("Input: hashFunction")
    if hashing is None and not (isinstance(value, str) and re.fullmatch(r"[\x20-\x7e]{8,100}", value)):
        raise invalid("Password")


def unit_name(text: object) -> str:
    """The name of an org unit: one part of a path."""
    if not isinstance(text, str) or not text.strip() or text != text.strip() or "/" in text or len(text) > 256:
        raise invalid("Input: INVALID_OU_ID")
    return text
