"""An identity provider on this machine: it describes itself, signs tokens with a key of its own, and misbehaves when it is told to."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "onroll-at-milton-park", "a client secret: with/odd+characters"


@dataclass
class IdentityProvider:
    """`claims` are what it says of whoever signs in; `twist` changes a token before it is signed, `forge` makes the token in another way altogether."""

    address: str = ""
    claims: dict[str, Any] = field(default_factory=dict)
    now: int = 0
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one", "use": "sig"}))
    describes: dict[str, Any] = field(default_factory=dict)
    twist: dict[str, Any] = field(default_factory=dict)
    forge: Any = None
    status: int = 200
    asked: list[str] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def description(self) -> dict[str, Any]:
        """What it says of itself."""
        told = {
            "issuer": self.address,
            "authorization_endpoint": f"{self.address}/authorise",
            "token_endpoint": f"{self.address}/token",
            "jwks_uri": f"{self.address}/keys",
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        }
        return told | self.describes

    def sign_in(self, url: str) -> str:
        """Somebody signs in at the address that the browser was sent to; gives where they are sent back to."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert asked["response_type"] == "code"
        assert asked["client_id"] == CLIENT
        assert asked["code_challenge_method"] == "S256"
        assert "openid" in asked["scope"].split()
        code = f"code{len(self.codes)}"
        self.codes[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def token(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        """A code for tokens, once, from the registered client that began it."""
        name, _, secret = base64.b64decode(authorization.removeprefix("Basic ")).decode().partition(":")
        if (name, secret) != (CLIENT, SECRET):
            return 401, {"error": "invalid_client"}
        asked = self.codes.pop(form["code"], None)
        challenge = _base64(hashlib.sha256(form["code_verifier"].encode()).digest())
        if asked is None or asked["code_challenge"] != challenge or asked["redirect_uri"] != form["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        claims = {
            "iss": self.address, "aud": CLIENT, "sub": "sub1", "iat": self.now, "exp": self.now + 3600, "nonce": asked["nonce"],
            **self.claims, **self.twist,
        }  # fmt: skip
        claims = {key: value for key, value in claims.items() if value is not None}
        token = (self.forge or signed)(self, claims)
        return 200, {"access_token": "opaque", "token_type": "Bearer", "expires_in": 3600, "id_token": token}


def signed(provider: IdentityProvider, claims: dict[str, Any]) -> str:
    """As it should be."""
    return jwt.encode({"alg": "RS256", "kid": provider.key.kid}, claims, provider.key)


def unsigned(provider: IdentityProvider, claims: dict[str, Any]) -> str:
    """With no signature at all."""
    return f"{_part({'alg': 'none', 'typ': 'JWT'})}.{_part(claims)}."


def signed_with_the_public_key(provider: IdentityProvider, claims: dict[str, Any]) -> str:
    """HS256, the public key being the secret: anybody can do that."""
    text = f"{_part({'alg': 'HS256', 'kid': provider.key.kid})}.{_part(claims)}"
    return f"{text}.{_base64(hmac.digest(provider.key.as_pem(private=False), text.encode(), 'sha256'))}"


def signed_by_another(provider: IdentityProvider, claims: dict[str, Any]) -> str:
    """With a key that the provider never had, under the name of its own."""
    stranger = RSAKey.generate_key(2048, {"kid": provider.key.kid})
    return jwt.encode({"alg": "RS256", "kid": provider.key.kid}, claims, stranger)


def _part(told: dict[str, Any]) -> str:
    return _base64(json.dumps(told).encode())


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@contextmanager
def identity_provider() -> Iterator[IdentityProvider]:
    """It listens on a port of its own until the test is over."""
    provider = IdentityProvider()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            """It says nothing."""

        def do_GET(self) -> None:
            """Its description and its keys."""
            provider.asked.append(self.path)
            known = {
                "/.well-known/openid-configuration": provider.description(),
                "/keys": {"keys": [provider.key.as_dict(private=False)]},
            }
            self._say(provider.status if self.path in known else 404, known.get(self.path, {}))

        def do_POST(self) -> None:
            """Its tokens."""
            text = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(text).items()}
            self._say(*provider.token(form, self.headers["Authorization"]))

        def _say(self, status: int, told: dict[str, Any]) -> None:
            body = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
