"""Signing in to ScholarPack: a person approves once, and a refresh token stands for that from then on, kept sealed between nights.

Authorisation code flow (RFC 6749, 4.1). ScholarPack documents the address of the approval and the scopes. The address of the token, how long tokens
live, and whether a refresh token is replaced by each use are not public: the address is a setting, and a token that is replaced is kept.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from onroll_connectors.http import Client
from onroll_connectors.secrets import Secret
from onroll_connectors.shape import Shape
from onroll_core.contracts import Context
from onroll_core.errors import Halt

_SHAPE = Shape("ScholarPack")
_SLOT = "refresh token, sealed"


class SignIn:
    """Access tokens of one school. `code` is the approval's one-time code, `refresh` a refresh token that was had in another way."""

    def __init__(
        self,
        context: Context,
        sign_in: str,
        client_id: str,
        secret: Secret,
        code: Secret | None,
        refresh: Secret | None,
        redirect_uri: str,
        scopes: str,
        in_body: bool,
    ) -> None:
        self._context, self._sign_in, self._client_id, self._secret = context, sign_in.rstrip("/"), client_id, secret
        self._code, self._refresh, self._redirect_uri, self._scopes, self._in_body = (
            code,
            refresh,
            redirect_uri,
            scopes,
            in_body,
        )
        self._access: str | None = None
        self._opened: Client | None = None

    def close(self) -> None:
        """Let go of the connection, and of the access token."""
        self._access = None
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def approval(self) -> str:
        """The address that somebody of the school with the roles Admin and System Admin has to open once."""
        asked = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": self._redirect_uri,
            "scope": self._scopes,
            "state": self._context.school,
        }
        return f"{self._sign_in}/authorize/?{urlencode(asked)}"

    def headers(self) -> Mapping[str, str]:
        """What a request is sent with; fetches a token when there is none. Raises Unavailable or Halt."""
        if self._access is None:
            self.renew()
        return {"Authorization": f"Bearer {self._access}"}

    def renew(self) -> None:
        """A new access token in place of one that ended."""
        given, kept = self._given(), self._kept()
        grant: Mapping[str, str]
        if kept is not None:
            grant = {"grant_type": "refresh_token", "refresh_token": kept}
        elif given is None:
            raise Halt(f"Nothing was read: nobody has approved onroll's access to ScholarPack yet. {self.how()}")
        elif self._refresh is None or given != self._refresh.reveal():
            grant = {"grant_type": "authorization_code", "code": given, "redirect_uri": self._redirect_uri}
        else:
            grant = {"grant_type": "refresh_token", "refresh_token": given}
        answer = self._asked(grant)
        self._access = _SHAPE.key(answer.get("access_token"), "the access token")
        following = _SHAPE.text(answer.get("refresh_token"), "the refresh token")
        if following is not None and following != kept:
            self._keep(following)

    def _given(self) -> str | None:
        """The approval that the configuration names: a code where there is one, else a refresh token. A code that is not there is not had yet, or no longer needed."""
        if self._code is not None:
            try:
                code = self._code.reveal().strip()
            except Halt:
                code = ""
            if code:
                return code
        return None if self._refresh is None else self._refresh.reveal()

    def _asked(self, grant: Mapping[str, str]) -> Mapping[str, Any]:
        form, headers = dict(grant), {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        secret = self._secret.reveal()
        if self._in_body:
            form |= {"client_id": self._client_id, "client_secret": secret}
        else:
            pair = f"{quote(self._client_id, safe='')}:{quote(secret, safe='')}".encode()
            headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        if self._opened is None:
            self._opened = Client("ScholarPack's sign-in", self._sign_in, self._context)
        answer = self._opened.fetch(
            "POST", "token/", content=urlencode(form).encode(), headers=headers, good=(200, 400, 401, 403)
        )
        if answer.status == 200:
            return _SHAPE.table(answer.json(), "the token")
        told = _error(answer.body)
        if told == "invalid_client" or answer.status in (401, 403):
            raise Halt(
                "ScholarPack does not know onroll's client_id and client_secret, or no longer. Nothing was read; look at both in [school.source]."
            )
        if told == "invalid_grant":
            raise Halt(
                f"The school's approval of onroll's access to ScholarPack is used up or was taken back, and nothing was read. {self.how()}"
            )
        raise Halt(
            f"ScholarPack's sign-in refused onroll ({told or answer.status}). Nothing was read; look at client_id, redirect_uri and sign_in."
        )

    def how(self) -> str:
        """What a person does to approve, with the address."""
        return (
            "Somebody of the school with the roles Admin and System Admin opens the following address and approves it; the address that the browser is then"
            " sent to ends in code=...; put that code where [school.source] code says, and run onroll check again within minutes."
            f" The address: {self.approval()} ."
        )

    def _key(self, what: str) -> bytes:
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        about = f"onroll {what} {self._context.school} {self._client_id} {self._sign_in}"
        return HKDF(SHA256(), 32, None, about.encode()).derive(self._secret.reveal().encode())

    def _of(self) -> str:
        """The approval that a kept token follows from, as a fingerprint that only the client secret can make: a new approval ends what was kept."""
        return hmac.new(self._key("approval"), (self._given() or "").encode(), hashlib.sha256).hexdigest()

    def _keep(self, token: str) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        # The store is in clear, so the token is in it only under a key that is made of the client secret, which is not.
        nonce = os.urandom(12)
        plain = json.dumps({"of": self._of(), "token": token}).encode()
        self._context.memory.put(_SLOT, nonce + AESGCM(self._key("refresh token")).encrypt(nonce, plain, None))

    def _kept(self) -> str | None:
        """The token of the last time, where it follows from the approval that is configured now; None when the client secret is another."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        sealed = self._context.memory.get(_SLOT)
        if sealed is None or len(sealed) < 28:
            return None
        try:
            plain = AESGCM(self._key("refresh token")).decrypt(sealed[:12], sealed[12:], None)
        except InvalidTag:
            return None
        found = json.loads(plain)
        token: str = found["token"]
        # With the approval's code no longer in the configuration, what was kept stands for itself.
        return token if self._given() is None or hmac.compare_digest(found["of"], self._of()) else None


def _error(body: bytes) -> str | None:
    """The error of RFC 6749, 5.2, or None for what is not one."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    told = found.get("error") if isinstance(found, dict) else None
    return told if isinstance(told, str) and told.isidentifier() else None
