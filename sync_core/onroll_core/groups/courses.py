"""A group that is also held as a course is two things in a target: each has a key, and who is in it, of its own."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from onroll_core.accounts import DesiredGroup
from onroll_core.people import GroupKind, SourceKey

_COURSE = "course:"


def course_key(key: SourceKey) -> SourceKey:
    """The key of the course that is made for the group `key`."""
    return SourceKey(key.school, _COURSE + key.record)


def is_course(key: SourceKey) -> bool:
    """Whether `course_key` made it."""
    return key.record.startswith(_COURSE)


def course_name(name: str) -> str:
    """How the name of a course is told apart from the same name of a group, in lower case."""
    return _COURSE + name.casefold()


def with_courses(
    groups: Iterable[DesiredGroup], courses: Collection[GroupKind], alone: bool = False
) -> Iterator[DesiredGroup]:
    """The groups, with a course for each of a kind that is among `courses`: beside the group or, when `alone`, in its place."""
    for group in groups:
        if group.kind not in courses or not alone:
            yield group
        if group.kind in courses:
            yield replace(group, key=course_key(group.key))
