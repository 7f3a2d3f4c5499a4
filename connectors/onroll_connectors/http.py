"""HTTP to MISs: one client, whose failures are our three errors. Reads only; it never follows a redirect to another host."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

from onroll_core.errors import Halt, Unavailable

TRIES = 5
LARGEST = 64 * 1024 * 1024
_BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})


def is_loopback(url: str) -> bool:
    """True for a server on this machine: a simulator, or recorded answers."""
    return (urlsplit(url).hostname or "") in ("127.0.0.1", "localhost", "::1")


class Client:
    """A connection to one MIS at `endpoint` (its base URL, without a final slash).

    `what` is what a person calls it. Busy answers (408, 425, 429, 5xx) and timeouts are tried again with growing pauses, Retry-After heard; then Unavailable. 401 and
    403 are Halt: only the school can give a permission back. `sleep` is in seconds.
    """

    def __init__(
        self,
        what: str,
        endpoint: str,
        headers: Mapping[str, str],
        sleep: Callable[[float], None],
        timeout: float = 60.0,
    ) -> None:
        import httpx2

        self._http = httpx2
        self._what, self._endpoint, self._sleep = what, endpoint.rstrip("/"), sleep
        self._host = urlsplit(endpoint).netloc
        self._client = httpx2.Client(headers=dict(headers), timeout=timeout, follow_redirects=False)

    def close(self) -> None:
        """Let go of the connection; may be called twice."""
        self._client.close()

    def get(self, path: str, params: Mapping[str, str] | None = None, optional: bool = False) -> Any:
        """The JSON at a path below the endpoint, or at a whole URL on the same host; None where `optional` is not there (404).

        Raises Unavailable or Halt.
        """
        url = path if path.startswith("http") else f"{self._endpoint}/{path.lstrip('/')}"
        if urlsplit(url).netloc != self._host:
            raise Halt(
                f"{self._what} pointed onroll to another host, {urlsplit(url).netloc}. That is never followed: nothing was read."
            )
        trouble = ""
        for attempt in range(TRIES):
            if attempt:
                self._sleep(self._pause)
            self._pause = min(2.0**attempt, 30.0)
            try:
                status, headers, body = self._fetch(url, params)
            except self._http.TimeoutException:
                trouble = "did not answer in time"
            except self._http.TransportError as failure:
                trouble = f"cannot be reached ({type(failure).__name__})"
            else:
                if status == 200:
                    return self._parsed(body)
                if status == 404 and optional:
                    return None
                if status not in _BUSY:
                    raise self._refusal(status, headers, url)
                trouble = f"answered {status}"
                self._pause = _retry_after(headers.get("retry-after"), self._pause)
        raise Unavailable(f"{self._what} {trouble}, {TRIES} times. It is tried again later.")

    _pause: float = 1.0

    def _fetch(self, url: str, params: Mapping[str, str] | None) -> tuple[int, Mapping[str, str], bytes]:
        with self._client.stream("GET", url, params=dict(params) if params else None) as response:
            body = bytearray()
            for part in response.iter_bytes():
                body += part
                if len(body) > LARGEST:
                    raise Halt(
                        f"{self._what} sent more than {LARGEST // 1024 // 1024} MiB for one page, which cannot be right. Nothing was changed."
                    )
            return response.status_code, response.headers, bytes(body)

    def _parsed(self, body: bytes) -> Any:
        try:
            return json.loads(body)
        except ValueError:
            raise Unavailable(
                f"{self._what} answered with something that is not JSON (a proxy's or a maintenance page?)."
            ) from None

    def _refusal(self, status: int, headers: Mapping[str, str], url: str) -> Halt:
        if status in (401, 403):
            return Halt(
                f"{self._what} refused onroll ({status}): the token is wrong, or the school has withdrawn its permission. Nothing was changed; look at"
                f" the token and at the permissions in {self._what}."
            )
        if 300 <= status < 400:
            host = urlsplit(urljoin(url, headers.get("location", ""))).netloc
            return Halt(
                f"{self._what} redirected onroll to {host or 'nowhere'}, which is not followed. Look at the endpoint."
            )
        return Halt(
            f"{self._what} answered {status} to {urlsplit(url).path}, which onroll did not expect. Nothing was changed."
        )


def _retry_after(text: str | None, otherwise: float) -> float:
    try:
        return min(max(float(text or ""), 0.0), 300.0)
    except ValueError:
        return otherwise
