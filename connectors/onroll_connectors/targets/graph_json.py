"""What comes back from Graph and Entra as bytes and JSON, read without the SDK. Pure."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from onroll_connectors.targets.graph_asks import Answer


def answer_of(part: Mapping[str, Any] | None) -> Answer:
    """The answer that a part of a batch holds; of unknown end where the part is missing."""
    if part is None:
        return Answer(0, "the batch was answered without this part")
    headers = {str(name).lower(): str(value) for name, value in (part.get("headers") or {}).items()}
    return Answer(int(part.get("status", 0)), part.get("body"), headers)


def read_json(content: bytes) -> Any:
    """JSON, or the beginning of whatever a proxy in between sent instead."""
    if not content:
        return None
    try:
        return json.loads(content)
    except ValueError:
        return content[:200].decode("utf-8", "replace")


def claim(token: str, name: str) -> frozenset[str] | None:
    """The words of a claim of an access token ("roles": its permissions); None when it is not one that tells."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return frozenset(claims[name])
    except (IndexError, KeyError, TypeError, ValueError, binascii.Error):
        return None
