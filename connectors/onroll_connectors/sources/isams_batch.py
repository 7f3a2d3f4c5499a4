"""Asking iSAMS's Batch API 1.0: a key or a secured key, a filter document, and errors that are documents of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from email.utils import parsedate_to_datetime
from xml.sax.saxutils import escape

from onroll_connectors.client_credentials import access_token
from onroll_connectors.http import Answer, Client
from onroll_connectors.safe_xml import parse
from onroll_connectors.shape import trimmed
from onroll_connectors.sources.isams_rights import RIGHTS
from onroll_connectors.sources.isams_rows import SHAPE, Row, lists, without_declaration
from onroll_core.contracts import Context
from onroll_core.errors import Halt, OnrollError, Unavailable

TRIES = 5
_PASSING = ("deadlocked", "lock request time out")


def filters(methods: Sequence[str]) -> bytes:
    """The filter document that runs these methods and no others."""
    named = "".join(f"<Method>{escape(each)}</Method>" for each in methods)
    return f'<?xml version="1.0" encoding="utf-8" ?><Filters><MethodsToRun>{named}</MethodsToRun></Filters>'.encode()


class Batch:
    """One key. `key` gives the API key; with `secret` it is the client id of a secured key, which signs in first."""

    def __init__(
        self,
        endpoint: str,
        context: Context,
        key: Callable[[], str],
        secret: Callable[[], str] | None,
        scope: str,
        as_json: bool,
    ) -> None:
        self._context, self._key, self._secret, self._scope, self._as_json = context, key, secret, scope, as_json
        self._client = Client("iSAMS", endpoint, context)
        self._token: str | None = None
        self.dated: datetime | None = None

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()

    def run(self, methods: Sequence[str]) -> Iterator[tuple[str, str, Iterable[Row]]]:
        """The document of these methods, as `lists` gives it. Raises Unavailable or Halt; `dated` is when the document was made, where iSAMS tells."""
        for attempt in range(TRIES):
            answer = self._once(methods)
            told = _message(answer.body)
            if answer.status == 200 and told is None:
                self.dated = _day_of(answer)
                return lists(answer.body, self._as_json)
            if answer.status == 401 and self._token is not None and not attempt:
                self._token = None  # it ended meanwhile
                continue
            trouble, again = _trouble(answer.status, told)
            if not again:
                raise trouble
            self._context.sleep(min(2.0**attempt, 30.0))
        raise Unavailable("iSAMS's database was too busy to answer, five times. It is tried again later.")

    def _once(self, methods: Sequence[str]) -> Answer:
        headers = {"Content-Type": "application/xml"}
        if self._secret is not None:
            headers["Authorization"] = f"Bearer {self._signed_in()}"
        path = f"api/batch/1.0/{'json' if self._as_json else 'xml'}.ashx"
        good = (200, 400, 401, 403, 500)
        return self._client.fetch("POST", path, {"apiKey": self._key()}, filters(methods), headers, good)

    def _signed_in(self) -> str:
        if self._token is None:
            form = {
                "grant_type": "client_credentials", "client_id": self._key(), "client_secret": self._secret() if self._secret else "",
                "scope": self._scope,
            }  # fmt: skip
            self._token = access_token(
                self._client, "auth/connect/token", form, SHAPE,
                lambda why: f"iSAMS refused the secured Batch key ({why}). Look at client_id and client_secret.",
            )  # fmt: skip
        return self._token


def _trouble(status: int, told: tuple[str, str] | None) -> tuple[OnrollError, bool]:
    """What an answer that is no document means, and whether to ask again at once."""
    if told is None:
        if status in (401, 403):
            return Halt(
                "iSAMS refused onroll's key: it is wrong, or bound to another address. Nothing was changed; ask the administrator of iSAMS."
            ), False
        if status == 500:
            return Unavailable("iSAMS answered 500."), True
        return Halt(
            f"iSAMS answered {status} to the Batch request, which onroll did not expect. Nothing was changed."
        ), False
    name, words = told
    if name == "InvalidApiKey":
        return Halt(
            "iSAMS does not know the Batch API key. Nothing was changed; look at api_key, or ask the administrator of iSAMS for it."
        ), False
    if name == "MethodsNotAllocatedToKeyException":
        # iSAMS repeats the methods in small letters.
        known = {each.name.lower(): each.name for each in RIGHTS.table}
        methods = [each.strip().lower() for each in words.rpartition(":")[2].split(",")]
        lacking = " ".join(RIGHTS.missing(known.get(each, each or words)) for each in methods)
        return Halt(f"{lacking} Nothing was changed."), False
    if name == "UnhandledException":
        passing = any(each in words.lower() for each in _PASSING)
        return Unavailable(
            f"iSAMS failed ({words.rstrip('.')}). Nothing was changed; it is tried again later."
        ), passing
    return Halt(f"iSAMS refused the Batch request ({name}: {words.rstrip('.')}). Nothing was changed."), False


def _message(body: bytes) -> tuple[str, str] | None:
    """MessageId and Description of an error document, or None; only such a one is read for it."""
    if b"Message" not in body[:400].replace(b"\0", b""):
        return None
    try:
        root = parse(without_declaration(body), "iSAMS")
    except OnrollError:
        return None
    if root.tag != "Message":
        return None
    return trimmed(root.findtext("MessageId") or ""), trimmed(root.findtext("Description") or "")


def _day_of(answer: Answer) -> datetime | None:
    """When the cached dump was made, where a Last-Modified says so; None otherwise (iSAMS's documentation promises none)."""
    try:
        found = parsedate_to_datetime(answer.headers.get("last-modified", ""))
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo is not None else None
