"""OpenID Connect as the console uses it: the authorisation code with PKCE, and an identity token that is believed only when everything about it is right."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from onroll_core.errors import Refused, Unavailable

_TIMEOUT = 10.0
_LEEWAY = 120
_KNOWN_FOR = timedelta(hours=1)
_SIGNED_BY = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
"""Signatures that need the provider's private key: never "none", and none that the public key could make."""
_MICROSOFT = frozenset({"login.microsoftonline.com", "login.microsoftonline.us", "login.partner.microsoftonline.cn"})
_GOOGLE = "https://accounts.google.com"


@dataclass(frozen=True, slots=True)
class Application:
    """onroll as an identity provider knows it. `label` is what people call the provider; `comes_back_to` is registered there."""

    label: str
    issuer: str
    client_id: str
    secret: Callable[[], str] = field(repr=False)
    comes_back_to: str


@dataclass(frozen=True, slots=True)
class Begun:
    """Where to send a browser, and what must be remembered of it until it is back."""

    url: str
    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)


class Provider:
    """One identity provider. Its description and keys are asked for once an hour, and again when a token is signed by a key that is not among them."""

    def __init__(self, application: Application, clock: Callable[[], datetime]) -> None:
        self._app, self._clock = application, clock
        self._lock = threading.Lock()
        self._described: tuple[datetime, dict[str, Any]] | None = None
        self._keys: tuple[datetime, dict[str, Any]] | None = None

    def begin(self, state: str, nonce: str, verifier: str) -> Begun:
        """The address at which somebody signs in with the provider. Raises Unavailable when it does not answer, Refused when it is not what it says."""
        with self._client() as client:
            url, _ = client.create_authorization_url(
                self._description()["authorization_endpoint"],
                state=state,
                nonce=nonce,
                code_verifier=verifier,
                prompt="select_account",
            )
        return Begun(url, state, nonce, verifier)

    def finish(self, begun: Begun, code: str) -> str:
        """The e-mail address (lower case) of whoever came back with `code`, as far as the provider vouches for it.

        Raises Refused when anything about the answer is not as it should be, Unavailable when the provider does not answer.
        """
        return address_in(self._claims(self._token(begun, code), begun.nonce), self._app)

    def _token(self, begun: Begun, code: str) -> str:
        from authlib.common.errors import AuthlibBaseError

        description = self._description()
        ways = description.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        way = "client_secret_basic" if "client_secret_basic" in ways else "client_secret_post"
        with self._client(way) as client, _answering(self._app.label):
            try:
                told = client.fetch_token(
                    description["token_endpoint"],
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=begun.verifier,
                )
            except AuthlibBaseError as refused:
                raise Refused(
                    f"{self._app.label} did not take back what it had given your browser ({refused.error}). Sign in again. If that goes on, the"
                    " client secret in onroll.toml is wrong or has ended."
                ) from None
            except ValueError:
                raise Unavailable(
                    f"{self._app.label} answered with something that is not JSON. Try again in a moment."
                ) from None
        token = told.get("id_token")
        if not isinstance(token, str):
            raise Refused(f"{self._app.label} did not say who you are. Is onroll registered there for OpenID Connect?")
        return token

    def _claims(self, token: str, nonce: str) -> Mapping[str, Any]:
        """What a token says, once its signature, issuer, audience, times and nonce are right."""
        from authlib.oidc.core import CodeIDToken
        from joserfc import jwt
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet

        def read(afresh: bool) -> Any:
            return jwt.decode(token, KeySet.import_key_set(self._key_set(afresh)), algorithms=list(_SIGNED_BY))

        try:
            try:
                read_token = read(afresh=False)
            except (JoseError, ValueError):
                read_token = read(afresh=True)  # the provider may have changed its keys since
            values = [self._issuer(), _GOOGLE.removeprefix("https://")] if self._issuer() == _GOOGLE else [self._issuer()]  # fmt: skip
            options: Any = {
                "iss": {"essential": True, "values": values},
                "aud": {"essential": True, "value": self._app.client_id},
                "exp": {"essential": True},
                "nonce": {"essential": True, "value": nonce},
            }
            params = {"client_id": self._app.client_id, "nonce": nonce}
            claims = CodeIDToken(read_token.claims, read_token.header, options, params)
            claims.validate(now=int(self._clock().timestamp()), leeway=_LEEWAY)
        except (JoseError, ValueError, TypeError) as wrong:
            raise Refused(
                f"What {self._app.label} sent back cannot be believed ({getattr(wrong, 'error', '') or type(wrong).__name__}). Sign in again. If that goes"
                " on, look at issuer and client_id in onroll.toml, and at the clock of this machine."
            ) from None
        return dict(claims)

    def _issuer(self) -> str:
        return str(self._description()["issuer"])

    def _description(self) -> dict[str, Any]:
        """The provider's own description, whose issuer is the one of the configuration, to the letter."""
        with self._lock:
            if self._described is None or self._clock() - self._described[0] > _KNOWN_FOR:
                told = self._get(f"{self._app.issuer}/.well-known/openid-configuration")
                if str(told.get("issuer", "")).rstrip("/") != self._app.issuer:
                    raise Refused(
                        f"{self._app.issuer} says that it is {str(told.get('issuer'))[:200]}. Write that as issuer in onroll.toml; for Microsoft it has your"
                        ' own tenant\'s id in it, not "common" or "organizations".'
                    )
                self._endpoints(told)
                self._described = (self._clock(), told)
            return self._described[1]

    def _endpoints(self, told: Mapping[str, Any]) -> None:
        scheme = urlsplit(self._app.issuer).scheme
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            if not isinstance(told.get(name), str) or not told[name].startswith((f"{scheme}://", "https://")):
                raise Refused(
                    f"{self._app.label} does not name an encrypted {name}, so nobody can sign in with it. Look at issuer in onroll.toml."
                )

    def _key_set(self, afresh: bool) -> Any:
        description = self._description()
        with self._lock:
            old = self._keys is None or self._clock() - self._keys[0] > _KNOWN_FOR
            # Whoever sends bad tokens does not make us ask more often than once a minute.
            if old or (afresh and self._keys is not None and self._clock() - self._keys[0] > timedelta(minutes=1)):
                self._keys = (self._clock(), self._get(description["jwks_uri"]))
            assert self._keys is not None
            return self._keys[1]

    def _get(self, url: str) -> dict[str, Any]:
        with self._client() as client, _answering(self._app.label):
            answer = client.request("GET", url, withhold_token=True)
            try:
                told = answer.raise_for_status().json()
            except ValueError:
                told = None
        if not isinstance(told, dict):
            raise Unavailable(f"{self._app.label} answered with something that is not JSON. Try again in a moment.")
        return told

    def _client(self, way: str = "client_secret_basic") -> Any:
        from authlib.integrations.httpx_client import OAuth2Client

        return OAuth2Client(
            self._app.client_id,
            self._app.secret(),
            scope="openid email profile",
            redirect_uri=self._app.comes_back_to,
            token_endpoint_auth_method=way,
            code_challenge_method="S256",
            timeout=_TIMEOUT,
            follow_redirects=False,
        )


@contextmanager
def _answering(label: str) -> Iterator[None]:
    """Turns what goes wrong on the way to a provider into Unavailable, with a sentence."""
    import httpx2

    try:
        yield
    except httpx2.HTTPStatusError as failure:
        raise Unavailable(_away(label, f"answered {failure.response.status_code}")) from None
    except (httpx2.HTTPError, httpx2.InvalidURL) as failure:
        raise Unavailable(_away(label, f"cannot be reached ({type(failure).__name__})")) from None


def _away(label: str, what: str) -> str:
    return f"{label} {what}, so nobody can sign in with it just now. Try again in a moment, or sign in with a name and a password."


def address_in(claims: Mapping[str, Any], application: Application) -> str:
    """The address that the provider vouches for, in lower case. Raises Refused when there is none.

    Microsoft vouches for the sign-in name of people in its own tenant, and for nobody's e-mail attribute, which its administrators may fill with any address; a
    guest's name is another tenant's. Google vouches for addresses of a Workspace (`hd`) and of Gmail; of others it once saw a letter arrive. Everybody else
    says so: `email_verified`.
    """
    if urlsplit(application.issuer).hostname in _MICROSOFT:
        tenant = str(claims.get("tid", ""))
        if not tenant or tenant not in urlsplit(application.issuer).path.split("/"):
            raise Refused("Your account belongs to another Microsoft tenant than the school's. Nobody was signed in.")
        if claims.get("idp", claims["iss"]) != claims["iss"]:
            raise Refused("Guests of the school's Microsoft tenant cannot sign in here. Nobody was signed in.")
        address, sure = claims.get("preferred_username") or claims.get("upn"), True
    else:
        address, sure = claims.get("email"), claims.get("email_verified") is True
        if application.issuer == _GOOGLE:
            sure = sure and (bool(claims.get("hd")) or str(address).lower().endswith("@gmail.com"))
    if not isinstance(address, str) or "@" not in address:
        raise Refused(f"{application.label} did not say what your address is, so nobody was signed in.")
    if not sure:
        raise Refused(
            f"{application.label} does not vouch for the address {address[:200]}, so nobody was signed in. Use the account that the school gave you."
        )
    return address.strip().lower()
