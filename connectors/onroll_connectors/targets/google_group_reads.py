"""Our groups and courses and who is in them: listed once, and of nobody else's is anybody read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from onroll_connectors.targets import google_marks as marks
from onroll_connectors.targets.google_asks import Answer, Ask, Problem, Script
from onroll_connectors.targets.google_course_scripts import COURSE_FIELDS, roster
from onroll_connectors.targets.google_kept import OWNER, STUDENT, TEACHER, Kept
from onroll_connectors.targets.google_reads import pages, unreadable
from onroll_connectors.targets.google_users import JSON
from onroll_core.accounts import Anchor, ObservedGroup
from onroll_core.changes import AddMember, Change, RemoveMember

Whole = Callable[[Sequence[tuple[str, Script[Any]]]], list[Any]]
"""Runs reads that must all end, and gives their results."""


def courses() -> Ask:
    """The first page of courses.list: an administrator sees those of the whole domain, whatever their state."""
    return Ask("courses", "list", {"pageSize": 500, "fields": f"nextPageToken,courses({COURSE_FIELDS})"})


def all_courses() -> Script[list[JSON]]:
    """Every course of the domain."""
    return pages(courses(), "courses of Classroom")


def our_groups(
    kept: Kept,
    told: Iterable[JSON],
    school: str,
    people: frozenset[Anchor],
    whole: Whole,
) -> dict[Anchor, ObservedGroup]:
    """The Google Groups that we made for a school, as `told` lists all. `people` are the users of the customer: others in a group are not given."""
    kept.list_groups(told)
    ours = [(each, *found) for each in told if (found := _of(each.get("description"), school))]
    rosters = whole([(each["id"], _members(each["id"])) for each, _, _ in ours])
    seen: dict[Anchor, ObservedGroup] = {}
    for (group, key, archived), members in zip(ours, rosters, strict=True):
        if members is None:
            continue  # deleted since it was listed
        anchor = Anchor(group["id"])
        roles = {
            Anchor(each["id"]): each.get("role") or ""
            for each in members
            if each.get("type") == "USER" and "id" in each
        }
        kept.know(anchor, roles)
        owners = frozenset(each for each, role in roles.items() if role == OWNER) & people
        inside = frozenset(roles) & people
        seen[anchor] = ObservedGroup(key, group.get("name") or "", inside - owners, owners, archived)
    return seen


def our_courses(
    kept: Kept,
    told: Iterable[JSON],
    school: str,
    people: frozenset[Anchor],
    steward: str,
    whole: Whole,
) -> dict[Anchor, ObservedGroup]:
    """The courses that we made for a school. `steward` owns courses that have no teacher, and is not counted as one."""
    kept.list_courses(told)
    ours = [(each, found[0]) for each in told if (found := _of(each.get("descriptionHeading"), school))]
    anchors = [marks.course_anchor(each["id"]) for each, _ in ours]
    reads = [(each, _roster(each, role)) for each in anchors for role in (TEACHER, STUDENT)]
    rosters = whole([(f"{anchor} {place}", talk) for place, (anchor, talk) in enumerate(reads)])
    seen: dict[Anchor, ObservedGroup] = {}
    for place, (course, key) in enumerate(ours):
        teachers, students = rosters[2 * place], rosters[2 * place + 1]
        if teachers is None or students is None:
            continue
        anchor = anchors[place]
        kept.know(anchor, dict.fromkeys(students, STUDENT) | dict.fromkeys(teachers, TEACHER))
        owners = frozenset(teachers) & people - {Anchor(steward)}
        archived = course.get("courseState") == "ARCHIVED"
        seen[anchor] = ObservedGroup(key, course.get("name") or "", frozenset(students) & people, owners, archived)
    return seen


def confirm(kept: Kept, changes: Iterable[Change], whole: Whole) -> None:
    """Look whether the groups and courses that changes of membership name are there and still ours, where that is not known."""
    named: Mapping[Anchor, AddMember | RemoveMember] = {
        change.group_anchor: change
        for change in changes
        if isinstance(change, AddMember | RemoveMember) and change.group_anchor is not None
    }
    unknown = [anchor for anchor in named if anchor not in kept.keys and anchor not in kept.gone]
    for anchor, reply in zip(unknown, whole([(each, _once(_get(each))) for each in unknown]), strict=True):
        change = named[anchor]
        course = marks.is_course_anchor(anchor)
        if isinstance(reply, Problem):
            problem = unreadable(reply, "groups")
            if not reply.gone:
                raise problem
            kept.gone[anchor] = (
                f"{change.group_name} is not in {'Classroom' if course else 'Google Workspace'} any more."
            )
            continue
        found = marks.marked(reply.body.get("descriptionHeading" if course else "description") or "")
        if found is None or found[0] != change.key:
            kept.gone[anchor] = f"{change.group_name} no longer carries what onroll made it for, and was not touched."
            continue
        kept.own(anchor, found[0])
        if course:
            kept.owners[anchor] = Anchor(reply.body.get("ownerId") or "")


def _get(anchor: Anchor) -> Ask:
    if marks.is_course_anchor(anchor):
        return Ask("courses", "get", {"id": marks.course_id(anchor), "fields": COURSE_FIELDS})
    return Ask("groups", "get", {"groupKey": anchor, "fields": "id,description"})


def _once(ask: Ask) -> Script[Answer | Problem]:
    return (yield ask)


def _of(text: str | None, school: str) -> Any:
    found = marks.marked(text or "")
    return found if found is not None and found[0].school == school else None


def _members(group: str) -> Script[list[JSON] | None]:
    fields = "nextPageToken,members(id,role,type)"
    return (
        yield from _there(
            Ask("members", "list", {"groupKey": group, "maxResults": 200, "fields": fields}), "members of a group"
        )
    )


def _roster(course: Anchor, role: str) -> Script[list[Anchor] | None]:
    found = yield from _there(roster(course, role), "people of a course")
    return None if found is None else [Anchor(each["userId"]) for each in found]


def _there(first: Ask, what: str) -> Script[list[JSON] | None]:
    """All of a list; None when what it is of was deleted meanwhile."""
    reply = yield first
    if isinstance(reply, Problem) and reply.gone:
        return None
    return (yield from pages(first, what, begun=reply))
