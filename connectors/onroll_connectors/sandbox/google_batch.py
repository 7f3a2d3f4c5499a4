"""A batch is a multipart/mixed document whose parts are whole HTTP requests; the answer is one of whole HTTP answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from email.message import Message
from email.parser import BytesParser
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

from onroll_connectors.sandbox.serving import Request, Response

MOST = 1000
MOST_OF_CLASSROOM = 50
BOUNDARY = "batch_onroll_sandbox"


def opened(request: Request) -> Sequence[tuple[str, Request]]:
    """The parts of a batch with their Content-IDs; raises ValueError when it is none."""
    kind = request.headers.get("content-type", "")
    if not kind.startswith("multipart/mixed"):
        raise ValueError("a batch is multipart/mixed")
    document = BytesParser().parsebytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + request.body)
    parts = document.get_payload()
    if not isinstance(parts, list) or not 0 < len(parts) <= MOST:
        raise ValueError(f"a batch has 1 to {MOST} parts")
    messages = [part for part in parts if isinstance(part, Message)]
    asked = [(str(part["Content-ID"]), _request(part.get_payload(), request)) for part in messages]
    classroom = sum(1 for _, inner in asked if inner.path.startswith("/v1/"))
    if classroom not in (0, len(asked)):
        raise ValueError("all parts of a batch go to one API")
    if classroom > MOST_OF_CLASSROOM:
        raise ValueError(f"a batch of Classroom has at most {MOST_OF_CLASSROOM} parts")
    return asked


def _request(text: object, whole: Request) -> Request:
    if not isinstance(text, str):
        raise ValueError("a part of a batch is an application/http document")
    head, _, body = text.replace("\r\n", "\n").partition("\n\n")
    line, *rest = head.split("\n")
    method, target, _ = line.split(" ", 2)
    headers = {name.lower(): value.strip() for name, _, value in (each.partition(":") for each in rest)}
    url = urlsplit(target)
    # A part without its own token has that of the whole.
    headers.setdefault("authorization", whole.headers.get("authorization", ""))
    return Request(method, url.path, parse_qs(url.query, keep_blank_values=True), headers, body.encode())


def closed(answers: Sequence[tuple[str, Response]]) -> Response:
    """The batch's answer, parts in the order given."""
    lines: list[str] = []
    for part, response in answers:
        body, kind = response.encoded()
        name = part.strip("<>")
        lines += [
            f"--{BOUNDARY}",
            "Content-Type: application/http",
            f"Content-ID: <response-{name}>",
            "",
            f"HTTP/1.1 {response.status} {HTTPStatus(response.status).phrase}",
            *(f"{key}: {value}" for key, value in response.headers.items()),
            *([f"Content-Type: {kind}"] if kind else []),
            f"Content-Length: {len(body)}",
            "",
            body.decode(),
        ]
    lines += [f"--{BOUNDARY}--", ""]
    return Response(200, "\r\n".join(lines).encode(), {"Content-Type": f"multipart/mixed; boundary={BOUNDARY}"})


def each(request: Request, answer: Callable[[Request], Response]) -> Response:
    """Answer a batch part by part."""
    try:
        parts = opened(request)
    except ValueError as failure:
        body = {
            "error": {
                "code": 400,
                "message": str(failure),
                "errors": [{"reason": "badRequest", "message": str(failure)}],
            }
        }
        return Response(400, json.dumps(body).encode(), {"Content-Type": "application/json"})
    return closed([(part, answer(inner)) for part, inner in parts])
