"""What a group or a course of ours carries of what it was made for: a line that is found by listing, and an alias that no second course can have."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

from onroll_core.accounts import Anchor
from onroll_core.people import SourceKey

LONGEST_ALIAS = 256
_COURSE = "course:"
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


def alias(key: SourceKey) -> str:
    """The alias of a course in the domain: letters, digits and a few signs, another one for every key."""
    return "d:onroll-" + quote(f"{key.school}/{key.record}", safe="").replace("_", "%5F").replace("%", "_")


def course_anchor(course: str) -> Anchor:
    """The anchor of a course, which tells it from a group's."""
    return Anchor(_COURSE + course)


def course_id(anchor: Anchor) -> str:
    """The id by which Classroom knows a course."""
    return anchor.removeprefix(_COURSE)


def is_course_anchor(anchor: Anchor) -> bool:
    """Whether an anchor is that of a course."""
    return anchor.startswith(_COURSE)


def _solid(text: str) -> str:
    return quote(text, safe=":@+,;=!()*~'")
