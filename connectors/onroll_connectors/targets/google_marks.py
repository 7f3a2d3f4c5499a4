"""What tells a course of ours in Google Classroom: an alias that no second course can have, and an anchor unlike a group's."""

from __future__ import annotations

from urllib.parse import quote

from onroll_core.accounts import Anchor
from onroll_core.people import SourceKey

LONGEST_ALIAS = 256
_COURSE = "course:"


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
