"""Google's token service: a service account's signed assertion becomes an access token for exactly the scopes that were delegated to it."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

from onroll_connectors.sandbox.serving import Request, Response

LIFE = timedelta(hours=1)
_PREFIX = "https://www.googleapis.com/auth/"


@dataclass(frozen=True, slots=True)
class Token:
    """An access token: until when, for which scopes (their last parts), and who acts with it: an administrator, or the service account itself."""

    until: datetime
    scopes: frozenset[str]
    who: str = ""


@dataclass(slots=True)
class Tokens:
    """`delegated`: the scopes that the Admin console grants to the service account (None: any), for acting for somebody; it may always act for
    itself, for what its admin role allows. `admins`: addresses it may act for (None: any).

    The signature is not looked at: nobody here has Google's side of the key.
    """

    now: Callable[[], datetime]
    delegated: frozenset[str] | None = None
    admins: frozenset[str] | None = None
    issued: dict[str, Token] = field(default_factory=dict)

    def answer(self, request: Request) -> Response:
        """POST /token."""
        form = parse_qs(request.body.decode())
        try:
            claims: dict[str, Any] = json.loads(_part(form["assertion"][0].split(".")[1]))
        except (KeyError, IndexError, ValueError, binascii.Error):
            return _refused(400, "invalid_grant", "Invalid JWT Signature.")
        scopes = frozenset(scope.removeprefix(_PREFIX) for scope in str(claims.get("scope", "")).split())
        subject = claims.get("sub")
        if subject is not None and self.delegated is not None and not scopes <= self.delegated:
            return _refused(
                401,
                "unauthorized_client",
                "Client is unauthorized to retrieve access tokens using this method, or client not authorized for any of the scopes requested.",
            )
        if self.admins is not None and subject is not None and subject not in self.admins:
            return _refused(400, "invalid_grant", "Invalid email or User ID")
        token = f"sandbox-token-{len(self.issued) + 1}"
        self.issued[token] = Token(self.now() + LIFE, scopes, str(subject or claims.get("iss", "")))
        return Response(200, {"access_token": token, "expires_in": int(LIFE.total_seconds()), "token_type": "Bearer"})

    def who(self, token: str) -> str:
        """Who acts with a token; nobody for one that was not issued here."""
        known = self.issued.get(token)
        return known.who if known is not None else ""

    def allows(self, token: str, scopes: frozenset[str]) -> bool | None:
        """Whether a token is good for one of `scopes`; None when it is unknown or over."""
        known = self.issued.get(token)
        if known is None or known.until <= self.now():
            return None
        return bool(known.scopes & scopes)


def _part(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _refused(status: int, error: str, description: str) -> Response:
    return Response(status, {"error": error, "error_description": description})
