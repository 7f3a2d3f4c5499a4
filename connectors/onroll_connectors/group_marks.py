"""What a group of ours carries of what it was made for: a line in its description, which is found by listing and which people may write around."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

from onroll_core.people import SourceKey

_WORDS = "onroll keeps this group in step with the MIS and knows it by this line:"
_MARK = re.compile(r"(?:^|\s)onroll(-archived)?:([^/\s]+)/(\S+)")


def mark(key: SourceKey, archived: bool = False) -> str:
    """ "onroll:milton-park/teaching:1", or "onroll-archived:..." when its class is over; without spaces, whatever the key holds."""
    return f"onroll{'-archived' if archived else ''}:{_solid(key.school)}/{_solid(key.record)}"


def marked(text: str) -> tuple[SourceKey, bool] | None:
    """What `mark` wrote somewhere in a text, and whether its class is over; None when nothing of ours is in it."""
    found = _MARK.search(text)
    return (SourceKey(unquote(found[2]), unquote(found[3])), found[1] is not None) if found else None


def described(text: str, key: SourceKey, archived: bool = False) -> str:
    """A group's description with our line as its last; what people wrote in other lines stays."""
    others = [line for line in text.splitlines() if marked(line) is None]
    return "\n".join([*others, f"{_WORDS} {mark(key, archived)}"]).strip()


def _solid(text: str) -> str:
    return quote(text, safe=":@+,;=!()*~'")
