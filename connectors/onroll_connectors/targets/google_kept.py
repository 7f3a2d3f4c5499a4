"""What one connection knows of the groups and courses that onroll keeps: which is whose, who is in it, and which names people have given to theirs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from onroll_connectors import group_marks
from onroll_connectors.targets import google_marks as marks
from onroll_connectors.targets.google_talk import Means
from onroll_connectors.targets.google_users import JSON
from onroll_core.accounts import Anchor
from onroll_core.changes import AddMember, RemoveMember, Who
from onroll_core.groups.courses import course_name, is_course
from onroll_core.people import GroupKind, SourceKey

OWNER, MANAGER, MEMBER = "OWNER", "MANAGER", "MEMBER"
TEACHER, STUDENT = "TEACHER", "STUDENT"


def marked_group(group: JSON) -> tuple[SourceKey, bool] | None:
    """What a Google Group was made for by onroll, and whether its class is over. Anybody can make a group and describe it like ours, but not as an
    administrator."""
    return group_marks.marked(group.get("description") or "") if group.get("adminCreated") else None


@dataclass(slots=True)
class Kept:
    """Filled by observing, and by what is learnt while changes are made.

    `anchors` and `keys` say which group or course was made for what, of whatever school; `gone` are those that a change names and that are not
    there or not ours, with a sentence; `unmade` those that could not be made in this connection, with a sentence and whether that passes. `roles`
    has who is in each, everybody where it is in `whole`; `joined` is whom this connection put into it, `leaving` whom the changes in hand take out.
    `owners` are the owners of courses; `young` was made in this connection.
    `listed` is ours as it was listed, until it is written. `groups` and `courses` are the names of those that people made, in lower case, None until they were listed.
    """

    anchors: dict[SourceKey, Anchor] = field(default_factory=dict)
    keys: dict[Anchor, SourceKey] = field(default_factory=dict)
    gone: dict[Anchor, str] = field(default_factory=dict)
    unmade: dict[SourceKey, tuple[str, bool]] = field(default_factory=dict)
    roles: dict[Anchor, dict[Anchor, str]] = field(default_factory=dict)
    whole: set[Anchor] = field(default_factory=set)
    joined: set[tuple[Anchor, Anchor]] = field(default_factory=set)
    leaving: set[tuple[SourceKey, Anchor]] = field(default_factory=set)
    owners: dict[Anchor, Anchor] = field(default_factory=dict)
    young: set[Anchor] = field(default_factory=set)
    listed: dict[Anchor, JSON] = field(default_factory=dict)
    groups: dict[str, str] | None = None
    courses: dict[str, str] | None = None

    def list_groups(self, told: Iterable[JSON]) -> None:
        """All groups were listed."""
        self._forget(courses=False)
        self.groups = {}
        for group in told:
            found = marked_group(group)
            if found is not None:
                self.own(Anchor(group["id"]), found[0])
                self.listed[Anchor(group["id"])] = group
            else:
                name = group.get("name") or ""
                self.groups.setdefault(name.casefold(), f"the group {name} ({group['email']})")

    def list_courses(self, told: Iterable[JSON]) -> None:
        """All courses were listed. One that is over holds no name."""
        self._forget(courses=True)
        self.courses = {}
        for course in told:
            anchor, name = marks.course_anchor(course["id"]), course.get("name") or ""
            found = group_marks.marked(course.get("descriptionHeading") or "")
            if found is not None:
                self.own(anchor, found[0])
                self.listed[anchor] = course
                self.owners[anchor] = Anchor(course.get("ownerId") or "")
            elif course.get("courseState") in ("ACTIVE", "PROVISIONED"):
                self.courses.setdefault(name.casefold(), f"the course {name}")

    def others_names(self) -> dict[str, str]:
        """What the groups and courses of other people are called, each with whose it is."""
        courses = {course_name(name): words for name, words in (self.courses or {}).items()}
        return (self.groups or {}) | courses

    def own(self, anchor: Anchor, key: SourceKey) -> None:
        """A group or course carries `key`; of two that carry the same, the first counts."""
        self.keys[anchor] = key
        first = self.anchors.get(key)
        if first is None or anchor < first:
            self.anchors[key] = anchor

    def made(self, anchor: Anchor, key: SourceKey, found: bool = False) -> None:
        """It was made, or `found` to be ours: an answer was lost, or a run that was cut off made it, maybe a moment ago."""
        self.own(anchor, key)
        self.unmade.pop(key, None)
        self.young.add(anchor)
        if not found:
            self.know(anchor, {})

    def know(self, anchor: Anchor, roles: Mapping[Anchor, str]) -> None:
        """Everybody who is in a group or course, with their role in it."""
        self.roles[anchor] = dict(roles)
        self.whole.add(anchor)

    def at(self, change: AddMember | RemoveMember) -> Anchor | None:
        """The group or course that a change of membership is about."""
        return change.group_anchor or self.anchors.get(change.key)

    def role(self, group: Anchor, person: Anchor) -> str | None:
        """What somebody is in a group or course, as far as is known."""
        return self.roles.get(group, {}).get(person)

    def let(self, group: Anchor, person: Anchor, role: str | None) -> None:
        """Somebody is something in it now, or nothing."""
        there = self.roles.setdefault(group, {})
        if role is None:
            there.pop(person, None)
        else:
            there[person] = role

    def _forget(self, courses: bool) -> None:
        for anchor in [each for each in self.keys if marks.is_course_anchor(each) is courses]:
            key = self.keys.pop(anchor)
            if self.anchors.get(key) == anchor:
                del self.anchors[key]
            self.roles.pop(anchor, None)
            self.whole.discard(anchor)
            self.owners.pop(anchor, None)
            self.listed.pop(anchor, None)


@dataclass(slots=True)
class Circle:
    """What the conversations about groups and courses work with. `steward` is the id, or failing that the address, of the account that owns courses
    without a teacher; `courses` are the kinds made as courses, `alone` that they are no groups beside that."""

    means: Means
    kept: Kept
    domain: str
    steward: str
    courses: frozenset[GroupKind]
    alone: bool

    def as_course(self, key: SourceKey, kind: GroupKind) -> bool:
        """Whether a group that is to be made is made as a course."""
        return is_course(key) or (self.alone and kind in self.courses)

    def person(self, who: Who) -> Anchor | None:
        """The account of somebody, who may have got it a moment ago."""
        if who.anchor is not None:
            return who.anchor
        there = self.means.book.live_of(who.identity)
        return there[0] if there else None

    def is_young(self, *anchors: Anchor) -> bool:
        """Whether one of these was made a moment ago, so that Google may not know it everywhere yet."""
        now = self.means.now()
        return any(each in self.kept.young or self.means.recent.young(each, now) for each in anchors)
