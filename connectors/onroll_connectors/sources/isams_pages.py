"""iSAMS's REST API: signing in with client credentials, and lists read page by page against their own totals."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from onroll_connectors.client_credentials import access_token
from onroll_connectors.http import Client
from onroll_connectors.sources.isams_rest_rights import RIGHTS
from onroll_connectors.sources.isams_rows import SHAPE
from onroll_core.contracts import Context
from onroll_core.errors import Halt, Unavailable

_MOST_PAGES = 10_000
_NUMBER = re.compile(r"/\d+/")


class Rest:
    """One school's REST API. `fixed` gives a token that is not asked for; else `form` gives what signs in at `token_path`."""

    def __init__(
        self,
        endpoint: str,
        context: Context,
        token_path: str,
        form: Callable[[], Mapping[str, str]],
        fixed: Callable[[], str] | None,
    ) -> None:
        self._context, self._path, self._form, self._fixed = context, token_path, form, fixed
        self._door = Client("iSAMS", endpoint, context)
        self._client = Client("iSAMS", endpoint, context, {"Accept": "application/json"}, self._authorised, self._renew)
        self._token: str | None = None

    def close(self) -> None:
        """Let go of the connections."""
        self._door.close()
        self._client.close()

    def pages(self, path: str, key: str, size: int) -> Iterator[Mapping[str, Any]]:
        """Every row of a paged list, held against its totalCount; raises Unavailable when rows and totals disagree."""
        seen = total = 0
        for number in range(1, _MOST_PAGES):
            page = self._object(path, {"page": str(number), "pageSize": str(size)})
            rows = SHAPE.rows(page.get(key), f"{key} of {path}")
            now = SHAPE.number(page.get("totalCount"), f"totalCount of {path}")
            if number > 1 and now != total:
                raise Unavailable(
                    f"iSAMS's list {path} had {total} rows and then {now}, so it changed while it was read. It is tried again later."
                )
            total, seen = now, seen + len(rows)
            yield from rows
            self._context.progress(f"reading {path}", seen, total)
            if number >= SHAPE.number(page.get("totalPages"), f"totalPages of {path}"):
                break
        if seen != total:
            raise Unavailable(
                f"iSAMS counts {total} rows in {path} and sent {seen}. The read is not complete; nothing was changed."
            )

    def rows(self, path: str, key: str) -> list[Mapping[str, Any]]:
        """Every row of a list that has no pages."""
        return SHAPE.rows(self._object(path).get(key), f"{key} of {path}")

    def _object(self, path: str, params: Mapping[str, str] | None = None) -> Mapping[str, Any]:
        answer = self._client.fetch("GET", path, params, good=(200, 401, 403))
        told = SHAPE.table(answer.json(), path)
        message = SHAPE.text(told.get("message"), "a message")
        if answer.status != 200:
            said = (message or str(answer.status)).rstrip(".")
            raise Halt(f"{RIGHTS.missing(_NUMBER.sub('/{}/', path), said)} Nothing was changed.")
        if message:
            raise Unavailable(
                f"iSAMS answered {path} with: {message.rstrip('.')}. Nothing was changed; it is tried again later."
            )
        return told

    def _authorised(self, method: str, url: str) -> Mapping[str, str]:
        if self._token is None:
            self._token = self._fixed() if self._fixed is not None else self._signed_in()
        return {"Authorization": f"Bearer {self._token}"}

    def _renew(self) -> None:
        self._token = None

    def _signed_in(self) -> str:
        return access_token(
            self._door, self._path, self._form(), SHAPE,
            lambda why: f"iSAMS refused the API client ({why}). Look at client_id, client_secret, scope and token_path. Nothing was changed.",
        )  # fmt: skip
