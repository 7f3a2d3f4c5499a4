"""A OneRoster server: OAuth 1 or 2, and collections that end where a page is empty, a Link says so, or the count is reached."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from onroll_connectors.client_credentials import token_and_scope
from onroll_connectors.http import Answer, Client
from onroll_connectors.secrets import Secret
from onroll_connectors.shape import Shape
from onroll_connectors.sources.oneroster_rights import RIGHTS
from onroll_core.contracts import Context
from onroll_core.errors import Halt, Unavailable

SHAPE = Shape("OneRoster")
_MOST_PAGES = 20_000
_STANDARD = "purl.imsglobal.org/spec/or/"
_NEXT = re.compile(r'<([^>]+)>\s*;[^,]*rel="?next"?')


class Server:
    """One server, signed in to as the settings say."""

    def __init__(
        self,
        endpoint: str,
        context: Context,
        token_url: str,
        form: Mapping[str, str],
        client_id: str | None,
        client_secret: Secret | None,
        token: Secret | None,
        oauth: str,
        headers: Mapping[str, Secret],
        page_size: int,
    ) -> None:
        self._context, self._form, self._size, self._fixed = context, form, page_size, token
        self._id, self._secret, self._oauth, self._more = client_id, client_secret, oauth, headers
        root, _, self._door_path = token_url.rpartition("/")
        self._door = Client("OneRoster", root, context) if token_url else None
        renew = self._renew if oauth == "2" and token is None else None
        self._client = Client("OneRoster", endpoint, context, {"Accept": "application/json"}, self._authorised, renew)
        self._token: str | None = None

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()
        if self._door is not None:
            self._door.close()

    def rows(self, path: str, key: str, fields: str) -> Iterator[Mapping[str, Any]]:
        """Every record of a collection. Raises Unavailable when a sourcedId comes twice or the server's own count is not reached."""
        seen: set[str] = set()
        total: int | None = None
        for _ in range(_MOST_PAGES):
            params = {"limit": str(self._size), "offset": str(len(seen))} | ({"fields": fields} if fields else {})
            answer = self._client.fetch("GET", path, params, good=(200, 403))
            if answer.status == 403:
                raise Halt(f"{RIGHTS.missing(path, '403')} Nothing was changed.")
            rows = SHAPE.rows(SHAPE.table(answer.json(), path).get(key), f"{key} of {path}")
            counted = _count(answer)
            if total is not None and counted is not None and counted != total:
                raise Unavailable(
                    f"OneRoster's {path} had {total} records and then {counted}: it changed while it was read. It is tried again later."
                )
            total = counted if counted is not None else total
            for row in rows:
                record = SHAPE.key(row.get("sourcedId"), f"a sourcedId of {path}")
                if record in seen:
                    raise Unavailable(
                        f"OneRoster sent the record {record} of {path} twice, so its pages shifted. Nothing was changed."
                    )
                seen.add(record)
                yield row
            self._context.progress(f"reading {path}", len(seen), total)
            # A server may send fewer than it was asked for; where it neither counts nor links, only an empty page is the end.
            if not rows or (total is not None and len(seen) >= total) or (total is None and _last(answer)):
                break
        if total is not None and len(seen) != total:
            raise Unavailable(
                f"OneRoster counts {total} records of {path} and sent {len(seen)}. The read is not complete; nothing was changed."
            )

    def _authorised(self, method: str, url: str) -> Mapping[str, str]:
        more = {name: secret.reveal() for name, secret in self._more.items()}
        if self._fixed is not None:
            return more | {"Authorization": f"Bearer {self._fixed.reveal()}"}
        if self._oauth == "1":
            from oauthlib.oauth1 import SIGNATURE_HMAC_SHA256
            from oauthlib.oauth1 import Client as Signer

            secret = self._secret.reveal() if self._secret is not None else ""
            signer = Signer(self._id or "", client_secret=secret, signature_method=SIGNATURE_HMAC_SHA256)
            _, headers, _ = signer.sign(url, http_method="POST" if method == "POST" else "GET")
            return more | {"Authorization": headers["Authorization"]}
        if self._token is None:
            self._token = self._signed_in()
        return more | {"Authorization": f"Bearer {self._token}"}

    def _renew(self) -> None:
        self._token = None

    def _signed_in(self) -> str:
        assert self._door is not None  # the settings ask for token_url
        secret = self._secret.reveal() if self._secret is not None else ""
        form = {**self._form, "client_id": self._id or "", "client_secret": secret}
        token, granted = token_and_scope(
            self._door, self._door_path, form, SHAPE,
            lambda why: f"OneRoster refused onroll's client ({why}). Look at client_id, client_secret, token_url and scope. Nothing was changed.",
        )  # fmt: skip
        lacking = lacking_scopes(form.get("scope", ""), granted)
        if lacking:
            raise Halt(
                f"OneRoster has not given onroll the scope {lacking[0]}, but {granted or 'none'}. {RIGHTS.give}. Nothing was changed."
            )
        return token


def lacking_scopes(asked: str, granted: str | None) -> list[str]:
    """The standard's own scopes that were asked for, where neither is granted that shows what is read. A supplier's own may be told in other words."""
    if granted is None:
        return []
    enough = {each.rpartition("/")[2] for each in granted.split() if _STANDARD in each} & {
        "roster.readonly",
        "roster-core.readonly",
    }
    return [] if enough else [each for each in asked.split() if _STANDARD in each]


def _count(answer: Answer) -> int | None:
    told = answer.headers.get("x-total-count")
    return None if told is None else SHAPE.number(told, "X-Total-Count")


def _last(answer: Answer) -> bool:
    """True where the server links its pages and there is no next one."""
    link = answer.headers.get("link")
    return link is not None and _NEXT.search(link) is None
