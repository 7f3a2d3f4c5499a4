"""Xporter on Demand: signing in, errors inside HTTP 200, and result sets read page by page against their own counts."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from onroll_connectors.http import Client
from onroll_connectors.shape import Shape
from onroll_core.contracts import Context
from onroll_core.errors import Halt, Unavailable

SHAPE = Shape("Xporter")
Row = Mapping[str, Any]
_MOST_PAGES = 10_000


class Xporter:
    """One school's feed. `fixed` gives a token that is not asked for; else `form` is what signs in at `sign_in`."""

    def __init__(
        self,
        endpoint: str,
        sign_in: str,
        context: Context,
        form: Callable[[], Mapping[str, str]],
        fixed: Callable[[], str] | None,
        page_size: int,
    ) -> None:
        self._context, self._form, self._fixed, self._size = context, form, fixed, page_size
        root, _, self._door_path = sign_in.rpartition("/")
        self._door = Client("Xporter", root, context)
        self._client = Client("Xporter", endpoint, context, authorise=self._authorised, renew=self._renew)
        self._token: str | None = None
        self.fed: datetime | None = None
        self.mis: str | None = None

    def close(self) -> None:
        """Let go of the connections."""
        self._door.close()
        self._client.close()

    def one(self, path: str, params: Mapping[str, str] | None = None) -> Mapping[str, Any]:
        """One answer. Raises for what its ExceptionMessage says, which comes with HTTP 200."""
        body = SHAPE.table(self._client.get(path, params), path)
        said = SHAPE.text(body.get("ExceptionMessage"), "an ExceptionMessage")
        if said is not None:
            raise _said(said, path)
        return body

    def rows(self, path: str, key: str, params: Mapping[str, str], *more: str) -> dict[str, list[Row]]:
        """Every row of the result set `key`, and of the further ones `more`, column names in lower case.

        `PageCount` says when to stop: NextPage goes on after the last page. Raises Unavailable when rows and RowCount disagree or a row comes twice.
        """
        found: dict[str, list[Row]] = {name: [] for name in (key, *more)}
        seen: set[str] = set()
        pages = total = 1
        number = 0
        while number < pages:
            number += 1
            body = self.one(path, dict(params) | {"page": str(number), "pageSize": str(self._size)})
            paging = SHAPE.rows(body.get("__pagination__"), f"the pagination of {path}")
            if len(paging) != 1 or number > _MOST_PAGES:
                raise Unavailable(f"Xporter sent {path} without its pagination. Nothing was changed.")
            told = paging[0]
            counts = tuple(SHAPE.number(told.get(name), f"{name} of {path}") for name in ("PageCount", "RowCount"))
            if number > 1 and counts != (pages, total):
                raise Unavailable(f"Xporter's {path} changed while it was read. It is tried again later.")
            pages, total = counts
            for name in found:
                rows = SHAPE.rows(body.get(name), f"{name} of {path}")
                found[name] += [{column.lower(): value for column, value in row.items()} for row in rows]
            for row in found[key][len(seen) :]:
                record = SHAPE.key(row.get("id"), f"an Id of {path}")
                if record in seen:
                    raise Unavailable(
                        f"Xporter sent the record {record} of {path} twice, so its pages shifted while they were read. Nothing was changed."
                    )
                seen.add(record)
            if number == 1:
                self._dated(body.get("meta"), path)
            self._context.progress(f"reading {path.rpartition('/')[2] or path}", len(seen), total)
        if len(seen) != total:
            raise Unavailable(
                f"Xporter counts {total} rows in {path} and sent {len(seen)}. The read is not complete; nothing was changed."
            )
        return found

    def _dated(self, meta: Any, path: str) -> None:
        """The oldest upload behind what was read: meta is on the first page alone."""
        for each in SHAPE.rows([] if meta is None else meta, f"meta of {path}"):
            when = SHAPE.text(each.get("DateTime"), "the time of the feed")
            self.mis = SHAPE.text(each.get("MIS"), "the name of the MIS") or self.mis
            if when is not None:
                at = moment(when, self._context.timezone)
                self.fed = at if self.fed is None else min(self.fed, at)

    def _authorised(self, method: str, url: str) -> Mapping[str, str]:
        if self._token is None:
            self._token = self._fixed() if self._fixed is not None else self._signed_in()
        return {"Authorization": f"Idaas {self._token}"}

    def _renew(self) -> None:
        self._token = None

    def _signed_in(self) -> str:
        body = json.dumps(self._form()).encode()
        answer = self._door.fetch("POST", self._door_path, None, body, {"Content-Type": "application/json"})
        told = SHAPE.table(answer.json(), "the token")
        said = SHAPE.text(told.get("ExceptionMessage"), "an ExceptionMessage")
        if SHAPE.flag(told.get("AuthorisationPaused"), "AuthorisationPaused") or "paused" in (said or "").lower():
            raise _paused()
        if said is not None:
            raise Halt(
                f"Xporter does not let onroll sign in: {said.rstrip('.')}. Look at estab, relying_party and secret, and at the school's authorisation in"
                " Xporter. Nothing was changed."
            )
        return SHAPE.key(told.get("token"), "the token")


def _said(words: str, path: str) -> Halt | Unavailable:
    told = words.lower()
    if "paused" in told:
        return _paused()
    if any(
        each in told for each in ("scope", "not authori", "unauthori", "permission", "token", "not found for estab")
    ):
        return Halt(
            f"Xporter refused {path}: {words.rstrip('.')}. Look at the scopes that the school has authorised. Nothing was changed."
        )
    return Unavailable(
        f"Xporter could not answer {path}: {words.rstrip('.')}. Nothing was changed; it is tried again later."
    )


def _paused() -> Unavailable:
    return Unavailable(
        "The school's authorisation in Xporter is paused while somebody chooses the people of the feed. Nothing was read or changed; it goes on when"
        " they have finished."
    )


def moment(text: str, timezone: str) -> datetime:
    """A time as Xporter writes it: up to seven fractional digits; without a zone it is the school's. Raises Unavailable."""
    plain, dot, rest = text.partition(".")
    digits = rest.rstrip("Zz")
    if dot and not digits.isdigit():
        raise Unavailable(f"Xporter sent {text[:40]!r} where a time should be. Nothing was changed.")
    try:
        at = datetime.fromisoformat(plain.rstrip("Zz"))
        return at.replace(tzinfo=UTC) if text.endswith(("Z", "z")) else at.replace(tzinfo=ZoneInfo(timezone))
    except ValueError:
        raise Unavailable(f"Xporter sent {text[:40]!r} where a time should be. Nothing was changed.") from None
