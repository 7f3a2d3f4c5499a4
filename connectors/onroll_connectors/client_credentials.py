"""OAuth 2 with client credentials (RFC 6749, 4.4), for the MISs that have it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import urlencode

from onroll_connectors.http import Client
from onroll_connectors.shape import Shape
from onroll_core.errors import Halt


def access_token(
    client: Client, path: str, form: Mapping[str, str], shape: Shape, refused: Callable[[str], str]
) -> str:
    """The access token that `path` gives for `form`. Raises Unavailable; Halt with the sentence that `refused` makes of the server's error, or its status."""
    return token_and_scope(client, path, form, shape, refused)[0]


def token_and_scope(
    client: Client, path: str, form: Mapping[str, str], shape: Shape, refused: Callable[[str], str]
) -> tuple[str, str | None]:
    """The same, with the scope that was granted where the server tells: it has to where that is another than was asked for (RFC 6749, 5.1)."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = client.fetch("POST", path, None, urlencode(form).encode(), headers, (200, 400, 401))
    told = shape.table(answer.json(), "the token")
    if answer.status != 200:
        raise Halt(refused(shape.text(told.get("error"), "an error") or str(answer.status)))
    return shape.key(told.get("access_token"), "the access token"), shape.text(told.get("scope"), "the scope")
