"""Secrets of the console as the store knows them: by a digest, so that whoever reads the store cannot use them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence


def digest(secret: str) -> str:
    """What is kept of a cookie, a token or a link. They are long and random, so that a plain SHA-256 is enough."""
    return hashlib.sha256(secret.encode()).hexdigest()


def kept(schools: Sequence[str] | None) -> str | None:
    """Schools as the store has them; None are all of them."""
    return None if schools is None else json.dumps(sorted(schools))


def schools(text: str | None) -> frozenset[str] | None:
    """What `kept` wrote."""
    return None if text is None else frozenset(json.loads(text))
