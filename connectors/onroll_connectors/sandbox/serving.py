"""A simulator is a function from request to response; here it is served over loopback HTTP/1.1."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request: `path` is still percent-encoded and has no query; header names are lower case."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body read as JSON; raises ValueError when it is not JSON."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Response:
    """One HTTP answer; a `body` that is not bytes is sent as JSON, None as nothing at all.

    `drip` is called between the parts of a body that is sent a few bytes at a time (None: all at once); `cut` hangs up half way.
    """

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    drip: Callable[[], None] | None = None
    cut: bool = False

    def encoded(self) -> tuple[bytes, str]:
        """The body as bytes and its content type."""
        if self.body is None:
            return b"", ""
        if isinstance(self.body, bytes):
            return self.body, "text/plain; charset=utf-8"
        return json.dumps(self.body).encode(), "application/json; charset=utf-8"


Application = Callable[[Request], Response]


@contextmanager
def serve(application: Application, port: int = 0) -> Iterator[str]:
    """Serve `application` on a loopback port for the length of the block; yields its root URL without a final slash."""
    server = _Server(("127.0.0.1", port), application)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], application: Application) -> None:
        self.application = application
        super().__init__(address, _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up (a killed run) is not the simulator's failure."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    # Headers and body leave in one packet; without this every answer waits for the client's delayed ACK.
    wbufsize = -1
    disable_nagle_algorithm = True

    def _answer(self) -> None:
        url = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        request = Request(
            self.command,
            url.path,
            parse_qs(url.query, keep_blank_values=True),
            {name.lower(): value for name, value in self.headers.items()},
            self.rfile.read(length) if length else b"",
        )
        response = self.server.application(request)
        body, kind = response.encoded()
        self.send_response(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        if kind and not any(name.lower() == "content-type" for name in response.headers):
            self.send_header("Content-Type", kind)
        if response.status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if response.status != 204:
            self._send(body, response)
        self.wfile.flush()

    def _send(self, body: bytes, response: Response) -> None:
        if response.cut:
            body, self.close_connection = body[: len(body) // 2], True
        if response.drip is None:
            self.wfile.write(body)
            return
        for start in range(0, len(body), 16):
            self.wfile.write(body[start : start + 16])
            self.wfile.flush()
            response.drip()

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _answer

    def log_message(self, format: str, *args: Any) -> None:
        """Silence: a simulator's log is what its owner asks of it."""


@dataclass(slots=True)
class Faults:
    """Random transient failures, as a real service has them: `rate` is the share of requests that fail (0 to 1).

    `after` is the share of the failures that strike after the work was done (the answer is lost, the change is not):
    what makes a blind retry of a create wrong.
    """

    rate: float = 0.0
    statuses: tuple[int, ...] = (429, 500, 503)
    after: float = 0.3
    retry_after: int = 1
    random: random.Random = field(default_factory=lambda: random.Random(1))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def draw(self) -> tuple[int, bool] | None:
        """None, or (status, True when the work is to be done before the failure is answered)."""
        with self._lock:
            if self.rate <= 0 or self.random.random() >= self.rate:
                return None
            status = self.random.choice(self.statuses)
            return status, status != 429 and self.random.random() < self.after
