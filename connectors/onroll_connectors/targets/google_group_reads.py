"""Our groups and courses and who is in them: listed once, and of nobody else's is anybody read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from onroll_connectors import group_marks
from onroll_connectors.targets import google_marks as marks
from onroll_connectors.targets.google_archive import Archive
from onroll_connectors.targets.google_asks import Answer, Ask, Problem, Script
from onroll_connectors.targets.google_course_scripts import COURSE_FIELDS, roster
from onroll_connectors.targets.google_kept import OWNER, STUDENT, TEACHER, Kept, marked_group
from onroll_connectors.targets.google_reads import pages, unreadable
from onroll_connectors.targets.google_users import JSON
from onroll_core.accounts import Anchor, ObservedGroup
from onroll_core.changes import AddMember, Change, RemoveMember
from onroll_core.people import SourceKey

Roles = Mapping[Anchor, str]
Whole = Callable[[Sequence[tuple[str, Script[Any]]]], list[Any]]
"""Runs reads that must all end, and gives their results."""


@dataclass(frozen=True, slots=True)
class Look:
    """One observation of a school's groups: `people` are the users of the customer, and nobody else in a group is given."""

    kept: Kept
    archive: Archive
    school: str
    people: frozenset[Anchor]
    whole: Whole

    def who(self, anchor: Anchor, read: Roles | None, archived: bool) -> Roles | None:
        """Who is in a group, as it was read now or, of an archived one, before; None when it was deleted since it was listed."""
        roles = self.archive.there.get(anchor) if read is None and archived else read
        if roles is not None:
            self.kept.know(anchor, roles)
            if archived:
                self.archive.keep(anchor, roles)
        return roles


def courses() -> Ask:
    """The first page of courses.list: an administrator sees those of the whole domain, whatever their state."""
    return Ask("courses", "list", {"pageSize": 500, "fields": f"nextPageToken,courses({COURSE_FIELDS})"})


def all_courses() -> Script[list[JSON]]:
    """Every course of the domain."""
    return pages(courses(), "courses of Classroom")


def our_groups(look: Look, told: Iterable[JSON]) -> dict[Anchor, ObservedGroup]:
    """The Google Groups that we made for a school, as `told` lists all."""
    look.kept.list_groups(told)
    ours = {
        Anchor(each["id"]): (each.get("name") or "", *found)
        for each in told
        if (found := marked_group(each)) is not None and found[0].school == look.school
    }
    unread = [anchor for anchor, (_, _, archived) in ours.items() if not (archived and anchor in look.archive.there)]
    read = dict(zip(unread, look.whole([(each, _members(each)) for each in unread]), strict=True))
    seen: dict[Anchor, ObservedGroup] = {}
    for anchor, (name, key, archived) in ours.items():
        roles = look.who(anchor, read.get(anchor), archived)
        if roles is not None:
            owners = frozenset(each for each, role in roles.items() if role == OWNER) & look.people
            seen[anchor] = ObservedGroup(key, name, frozenset(roles) & look.people - owners, owners, archived)
    return seen


def our_courses(look: Look, told: Iterable[JSON], steward: str) -> dict[Anchor, ObservedGroup]:
    """The courses that we made for a school. `steward` owns courses that have no teacher, and is not counted as one."""
    kept = look.kept
    kept.list_courses(told)
    listed = {marks.course_anchor(each["id"]): each for each in told}
    ours = _without_copies(look, {anchor: key for anchor, key in kept.keys.items() if anchor in listed})
    archived = {anchor for anchor in ours if listed[anchor].get("courseState") == "ARCHIVED"}
    unread = [anchor for anchor in ours if anchor not in archived or anchor not in look.archive.there]
    read = dict(zip(unread, look.whole([(each, _rosters(each)) for each in unread]), strict=True))
    seen: dict[Anchor, ObservedGroup] = {}
    for anchor, key in ours.items():
        roles = look.who(anchor, read.get(anchor), anchor in archived)
        if roles is not None:
            owners = frozenset(each for each, role in roles.items() if role == TEACHER)
            students = frozenset(roles) & look.people - owners
            teachers = owners & look.people - {Anchor(steward)}
            name = listed[anchor].get("name") or ""
            seen[anchor] = ObservedGroup(key, name, students, teachers, anchor in archived)
    return seen


def _without_copies(look: Look, ours: Mapping[Anchor, SourceKey]) -> dict[Anchor, SourceKey]:
    """Our courses of this school. A teacher may have copied one with all that it carries; its alias stays with the first, and tells them apart."""
    many = Counter(ours.values())
    copied = sorted({key for key, count in many.items() if count > 1})
    replies = look.whole([(marks.alias(key), _once(_by_alias(key))) for key in copied])
    for key, reply in zip(copied, replies, strict=True):
        real = (
            marks.course_anchor(reply.body["id"])
            if isinstance(reply, Answer)
            else min(anchor for anchor, each in ours.items() if each == key)
        )
        look.kept.anchors[key] = real
        for anchor in [each for each, one in ours.items() if one == key and each != real]:
            look.kept.keys.pop(anchor, None)
    return {anchor: key for anchor, key in ours.items() if anchor in look.kept.keys and key.school == look.school}


def _by_alias(key: SourceKey) -> Ask:
    return Ask("courses", "get", {"id": marks.alias(key), "fields": "id"})


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
        found = group_marks.marked(reply.body.get("descriptionHeading") or "") if course else marked_group(reply.body)
        if found is None or found[0] != change.key:
            kept.gone[anchor] = f"{change.group_name} no longer carries what onroll made it for, and was not touched."
            continue
        kept.own(anchor, found[0])
        if course:
            kept.owners[anchor] = Anchor(reply.body.get("ownerId") or "")


def _get(anchor: Anchor) -> Ask:
    if marks.is_course_anchor(anchor):
        return Ask("courses", "get", {"id": marks.course_id(anchor), "fields": COURSE_FIELDS})
    return Ask("groups", "get", {"groupKey": anchor, "fields": "id,description,adminCreated"})


def _once(ask: Ask) -> Script[Answer | Problem]:
    return (yield ask)


def _members(group: Anchor) -> Script[Roles | None]:
    """The roles of the people in a group; groups in it, and whoever has no id here, are nobody's account."""
    fields = "nextPageToken,members(id,role,type)"
    ask = Ask("members", "list", {"groupKey": group, "maxResults": 200, "fields": fields})
    found = yield from _there(ask, "members of a group")
    if found is None:
        return None
    return {
        Anchor(each["id"]): each.get("role") or "" for each in found if each.get("type") == "USER" and each.get("id")
    }


def _rosters(course: Anchor) -> Script[Roles | None]:
    """The roles of the people in a course."""
    roles: dict[Anchor, str] = {}
    for role in (STUDENT, TEACHER):
        found = yield from _there(roster(course, role), "people of a course")
        if found is None:
            return None
        roles |= {Anchor(each["userId"]): role for each in found}
    return roles


def _there(first: Ask, what: str) -> Script[list[JSON] | None]:
    """All of a list; None when what it is of was deleted meanwhile."""
    reply = yield first
    if isinstance(reply, Problem) and reply.gone:
        return None
    return (yield from pages(first, what, begun=reply))
