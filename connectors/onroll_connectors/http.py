"""HTTP to MISs: one client, whose failures are our three errors. It never follows a redirect to another host."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from onroll_connectors.secrets import Secret
from onroll_core.contracts import Context
from onroll_core.errors import Halt, Unavailable

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

TRIES = 5
LARGEST = 64 * 1024 * 1024
_BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})


def is_loopback(url: str) -> bool:
    """True for a server on this machine: a simulator, or recorded answers."""
    return (urlsplit(url).hostname or "") in ("127.0.0.1", "localhost", "::1")


def safe_endpoint(url: str) -> str:
    """`url` itself; raises ValueError when it is neither https:// nor on this machine. For the settings of a source."""
    if not url.startswith("https://") and not (url.startswith("http://") and is_loopback(url)):
        raise ValueError("endpoint begins with https:// (http is for a simulator on this machine alone)")
    return url


def only_here(token: Secret | None, endpoint: str, takes: str) -> None:
    """Raises ValueError for a token that would go to another machine than this one; `takes` says what the MIS itself takes. For the settings of a source."""
    if token is not None and not is_loopback(endpoint):
        raise ValueError(f"token: is for a simulator on this machine alone; {takes}")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: `headers` have lower-case names, `what` is the MIS's name for sentences."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    what: str

    def json(self) -> Any:
        """The body as JSON; raises Unavailable when it is not."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise Unavailable(
                f"{self.what} answered with something that is not JSON (a proxy's or a maintenance page?)."
            ) from None

    def xml(self) -> Element:
        """The body as XML; raises Unavailable when it is not, Halt when it declares a DTD or entities."""
        from onroll_connectors.safe_xml import parse

        return parse(self.body, self.what)


class Client:
    """A connection to one MIS at `endpoint` (its base URL, without a final slash).

    `what` is what a person calls it. Busy answers (408, 425, 429, 5xx) and timeouts are tried again with growing pauses, Retry-After heard; then Unavailable. 401 and
    403 are Halt: only the school can give a permission back. `timeout` is the longest silence and `longest` the longest whole answer, in seconds. `authorise` gives the
    headers of one try (method, whole URL); `renew` is called after the first 401 of a call, for a token that ended, and the call is tried again.
    """

    def __init__(
        self,
        what: str,
        endpoint: str,
        context: Context,
        headers: Mapping[str, str] | None = None,
        authorise: Callable[[str, str], Mapping[str, str]] | None = None,
        renew: Callable[[], None] | None = None,
        timeout: float = 60.0,
        longest: float = 600.0,
        largest: int = LARGEST,
    ) -> None:
        import httpx2

        self._http = httpx2
        self._what, self._endpoint, self._context = what, endpoint.rstrip("/"), context
        self._authorise, self._renew, self._longest, self._largest = authorise, renew, longest, largest
        self._host = urlsplit(endpoint).netloc
        self._client = httpx2.Client(
            headers={"User-Agent": "onroll"} | dict(headers or {}), timeout=timeout, follow_redirects=False
        )

    def close(self) -> None:
        """Let go of the connection; may be called twice."""
        self._client.close()

    def get(self, path: str, params: Mapping[str, str] | None = None, optional: bool = False) -> Any:
        """The JSON at a path below the endpoint, or at a whole URL on the same host; None where `optional` is not there (404).

        Raises Unavailable or Halt.
        """
        answer = self.fetch("GET", path, params, good=(200, 404) if optional else (200,))
        return None if answer.status == 404 else answer.json()

    def fetch(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        good: Collection[int] = (200,),
    ) -> Answer:
        """One answer whose status is in `good`; every method is taken for a read that may be sent again. Raises Unavailable or Halt."""
        url = path if path.startswith(("http://", "https://")) else f"{self._endpoint}/{path.lstrip('/')}"
        if urlsplit(url).netloc != self._host:
            raise Halt(
                f"{self._what} pointed onroll to another host, {urlsplit(url).netloc}. That is never followed: nothing was read."
            )
        trouble, pause, renewed = "", 0.0, False
        for attempt in range(TRIES):
            if attempt:
                self._context.sleep(pause)
            if self._context.stopping():
                raise Unavailable("The window ended while the MIS was being read. Nothing was changed.")
            pause = min(2.0**attempt, 30.0)
            try:
                answer = self._once(method, url, params, content, headers)
            except self._http.TimeoutException:
                trouble = "did not answer in time"
                continue
            except self._http.TransportError as failure:
                trouble = f"cannot be reached ({type(failure).__name__})"
                continue
            except (UnicodeError, self._http.InvalidURL):
                raise Unavailable(
                    f"{self._what} sent something (a token, an id or an address) that cannot be put into a request. Nothing was changed."
                ) from None
            except self._http.DecodingError:
                trouble = "sent an answer that cannot be unpacked"
                continue
            if answer.status in good and not (answer.status == 401 and self._renew and not renewed):
                return answer
            if answer.status == 401 and self._renew is not None and not renewed:
                renewed, pause = True, 0.0
                self._renew()
                continue
            if answer.status not in _BUSY:
                raise self._refusal(answer, url)
            trouble = f"answered {answer.status}"
            pause = _retry_after(answer.headers.get("retry-after"), pause)
        raise Unavailable(f"{self._what} {trouble}, {TRIES} times. It is tried again later.")

    def _once(
        self,
        method: str,
        url: str,
        params: Mapping[str, str] | None,
        content: bytes | None,
        headers: Mapping[str, str] | None,
    ) -> Answer:
        request = self._client.build_request(
            method, url, params=dict(params) if params else None, content=content, headers=dict(headers or {})
        )
        if self._authorise is not None:
            request.headers.update(self._authorise(method, str(request.url)))
        until = self._context.monotonic() + self._longest
        response = self._client.send(request, stream=True)
        try:
            body = bytearray()
            for part in response.iter_bytes():
                body += part
                if len(body) > self._largest:
                    raise Halt(
                        f"{self._what} sent more than {self._largest // 1024 // 1024} MiB for one answer, which cannot be right. Nothing was changed."
                    )
                if self._context.monotonic() > until:
                    raise Unavailable(
                        f"{self._what} took more than {self._longest:g} seconds over one answer. Nothing was changed; it is tried again later."
                    )
            return Answer(
                response.status_code,
                {name.lower(): value for name, value in response.headers.items()},
                bytes(body),
                self._what,
            )
        finally:
            response.close()

    def _refusal(self, answer: Answer, url: str) -> Halt:
        if answer.status in (401, 403):
            return Halt(
                f"{self._what} refused onroll ({answer.status}): the token is wrong, or the school has withdrawn its permission. Nothing was changed; look at"
                f" the token and at the permissions in {self._what}."
            )
        if 300 <= answer.status < 400:
            host = urlsplit(urljoin(url, answer.headers.get("location", ""))).netloc
            return Halt(
                f"{self._what} redirected onroll to {host or 'nowhere'}, which is not followed. Look at the endpoint."
            )
        return Halt(
            f"{self._what} answered {answer.status} to {urlsplit(url).path}, which onroll did not expect. Nothing was changed."
        )


def _retry_after(text: str | None, otherwise: float) -> float:
    try:
        return min(max(float(text or ""), 0.0), 300.0)
    except ValueError:
        return otherwise
