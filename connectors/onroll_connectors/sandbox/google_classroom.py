"""What the Classroom API does with courses, their teachers and their students, in the eyes of a domain's administrator."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from onroll_connectors.sandbox.google_rules import Refusal
from onroll_connectors.sandbox.google_state import Course, State, User

JSON = dict[str, Any]
Query = Mapping[str, list[str]]

_URL = re.compile(r"https?://|www\.", re.IGNORECASE)
_FIELDS = {"courseState", "description", "descriptionHeading", "name", "ownerId", "room", "section", "subject"}
_TOLD = _FIELDS - {"courseState", "ownerId"}


def precondition(code: str, words: str) -> Refusal:
    """400 with one of Classroom's own codes ("CourseNotModifiable")."""
    return Refusal(400, "failedPrecondition", f"@{code} {words}", label="FAILED_PRECONDITION")


NOT_FOUND = Refusal(404, "notFound", "Requested entity was not found.", label="NOT_FOUND")
EXISTS = Refusal(409, "alreadyExists", "Requested entity already exists", label="ALREADY_EXISTS")
DISABLED = Refusal(400, "failedPrecondition", "Precondition check failed.", label="FAILED_PRECONDITION")
NO_DIRECT_ADD = Refusal(
    403,
    "forbidden",
    "@CannotDirectAddUser Unable to directly add the user to the course. Please check that the user account exists"
    " and is within the course admin's domain.",
    label="PERMISSION_DENIED",
)
TIRED = Refusal(
    429,
    "rateLimitExceeded",
    "@UserCourseJoinRateLimitReached The user has joined too many courses today.",
    label="RESOURCE_EXHAUSTED",
)
LOCKED = precondition("CourseNotModifiable", "The course cannot be modified in its current state.")
OWNER_STAYS = precondition("CannotRemoveCourseOwner", "Course owner may not be removed.")
TRANSFERRING = precondition("CannotRemoveCourseOwnerTransferIncomplete", "The ownership transfer is still in progress.")
INELIGIBLE = precondition("IneligibleOwner", "Only a co-teacher can be invited as owner of the course")
INACTIVE = precondition("InactiveCourseOwner", "The course owner is not active.")
CANNOT_OWN = precondition("UserCannotOwnCourse", "The user cannot own a course.")
TEACHERS_FULL = precondition("CourseTeacherLimitReached", "The course has too many teachers.")
FULL = precondition("CourseMemberLimitReached", "The course has too many members.")
TITLE = precondition("CourseTitleCannotContainUrl", "The course title cannot contain a URL.")


def malformed(words: str) -> Refusal:
    """400 INVALID_ARGUMENT."""
    return Refusal(400, "badRequest", words, label="INVALID_ARGUMENT")


@dataclass(slots=True)
class Classroom:
    """Courses over one State. `barred` are ids of users who may not own a course, `tired` of those who have joined
    as many today as they may."""

    state: State
    teachers: int = 20
    people: int = 1000
    barred: set[str] = field(default_factory=set)
    tired: set[str] = field(default_factory=set)

    def create(self, body: Mapping[str, Any]) -> JSON:
        """courses.create."""
        state = self.state
        _title(body.get("name"))
        alias = body.get("id", "")
        if alias and not re.match(r"[dp]:.", alias):
            raise malformed("Invalid course alias.")
        if alias and any(alias in course.aliases for course in state.courses.values()):
            raise EXISTS
        if body.get("courseState", "PROVISIONED") not in ("PROVISIONED", "ACTIVE"):
            raise malformed("A course begins PROVISIONED or ACTIVE.")
        owner = self._owner(body.get("ownerId"))
        course = Course(
            str(600000000000 + len(state.courses)),
            owner.id,
            state.now(),
            body.get("courseState", "PROVISIONED"),
            {name: body[name] for name in _TOLD if body.get(name)},
            [alias] if alias else [],
            {owner.id: state.now()},
        )
        state.courses[course.id] = course
        return self._shown(course)

    def get(self, key: str) -> JSON:
        """courses.get, by id or alias."""
        return self._shown(self._found(key))

    def list(self, query: Query) -> JSON:
        """courses.list: newest first."""
        states = set(query.get("courseStates", []))
        teacher, student = query.get("teacherId", [""])[0], query.get("studentId", [""])[0]
        if teacher and student:
            raise precondition("ListCoursesStudentAndTeacherFilter", "Only one of them can be given.")
        courses = [
            course
            for course in sorted(self.state.courses.values(), key=lambda one: one.id, reverse=True)
            if (not states or course.state in states)
            and (not teacher or self._user(teacher).id in course.teachers)
            and (not student or self._user(student).id in course.students)
        ]
        return _page("courses", [self._shown(course) for course in courses], query, 100, 500)

    def patch(self, key: str, query: Query, body: Mapping[str, Any]) -> JSON:
        """courses.patch: what the mask names; an archived course changes its state and nothing else, unless that in the same request."""
        course = self._found(key)
        mask = {each for text in query.get("updateMask", []) for each in text.split(",") if each}
        if not mask or mask - _FIELDS:
            raise malformed("Invalid update mask.")
        if course.state in ("ARCHIVED", "SUSPENDED", "DECLINED") and "courseState" not in mask:
            raise LOCKED
        if "name" in mask:
            _title(body.get("name"))
        state = body.get("courseState") if "courseState" in mask else course.state
        if state not in ("ACTIVE", "ARCHIVED", course.state):
            raise malformed("Invalid course state.")
        if course.state == "ARCHIVED" and state == "ARCHIVED" and mask - {"courseState"}:
            raise LOCKED
        if "ownerId" in mask:
            self._hand_over(course, self._user(body.get("ownerId")))
        course.state = str(state)
        for name in mask & _TOLD:
            course.told[name] = body.get(name, "")
        return self._shown(course)

    def aliases(self, key: str) -> JSON:
        """courses.aliases.list."""
        return {"aliases": [{"alias": alias} for alias in self._found(key).aliases]}

    def roster(self, key: str, what: str, query: Query) -> JSON:
        """teachers.list and students.list."""
        course = self._found(key)
        there = course.teachers if what == "teachers" else course.students
        return _page(what, [self._person(course, each) for each in sorted(there) if self._live(each)], query, 30, 500)

    def person(self, key: str, what: str, person: str) -> JSON:
        """teachers.get and students.get."""
        course, user = self._found(key), self._user(person)
        if user.id not in (course.teachers if what == "teachers" else course.students):
            raise NOT_FOUND
        return self._person(course, user.id)

    def join(self, key: str, what: str, body: Mapping[str, Any]) -> JSON:
        """teachers.create and students.create, as an administrator adds people of the domain."""
        course = self._found(key, young=False)
        if course.state in ("ARCHIVED", "SUSPENDED", "DECLINED"):
            raise LOCKED
        user = self._user(body.get("userId"), NO_DIRECT_ADD)
        if user.suspended:
            raise DISABLED
        if user.id in course.teachers or user.id in course.students:
            raise EXISTS
        if user.id in self.tired:
            raise TIRED
        if not self._live(course.owner):
            raise INACTIVE
        if what == "teachers" and len(course.teachers) >= self.teachers:
            raise TEACHERS_FULL
        if len(course.teachers) + len(course.students) >= self.people:
            raise FULL
        (course.teachers if what == "teachers" else course.students)[user.id] = self.state.now()
        return self._person(course, user.id)

    def leave(self, key: str, what: str, person: str) -> JSON:
        """teachers.delete and students.delete."""
        course = self._found(key, young=False)
        there = course.teachers if what == "teachers" else course.students
        user = self._user(person)
        if user.id not in there:
            raise NOT_FOUND
        if course.state in ("ARCHIVED", "SUSPENDED", "DECLINED"):
            raise LOCKED
        if user.id == course.owner and what == "teachers":
            raise OWNER_STAYS
        since = course.former.get(user.id)
        if since is not None and what == "teachers":
            if self.state.now() - since < timedelta(seconds=self.state.lag.owner):
                raise TRANSFERRING
            del course.former[user.id]
        del there[user.id]
        return {}

    def _hand_over(self, course: Course, user: User) -> None:
        now, lag = self.state.now(), timedelta(seconds=self.state.lag.owner)
        if not self._live(course.owner):
            raise INACTIVE
        since = course.teachers.get(user.id)
        if since is None or (course.age == "new" and since > course.created and now - since < lag):
            raise INELIGIBLE
        if user.id in self.barred:
            raise CANNOT_OWN
        if user.id != course.owner:
            course.former[course.owner] = now
            course.owner = user.id
            course.former.pop(user.id, None)

    def _owner(self, key: object) -> User:
        if isinstance(key, str) and "@" in key and key.rpartition("@")[2].lower() not in self.state.domains:
            raise CANNOT_OWN
        user = self._user(key)
        if user.id in self.barred:
            raise CANNOT_OWN
        if user.suspended:
            raise DISABLED
        return user

    def _user(self, key: object, missing: Refusal = NOT_FOUND) -> User:
        user = self.state.by_key(key) if isinstance(key, str) else None
        if user is None or not self.state.visible(user):
            raise missing
        return user

    def _live(self, user: str) -> bool:
        found = self.state.users.get(user)
        return found is not None and found.deleted_at is None

    def _found(self, key: str, young: bool = True) -> Course:
        course = self.state.courses.get(key) or next(
            (each for each in self.state.courses.values() if key in each.aliases), None
        )
        if course is None or not (young or self.state.older(course, self.state.lag.course)):
            raise NOT_FOUND
        return course

    def _shown(self, course: Course) -> JSON:
        moment = self.state.stamp(course.created)
        return {
            "id": course.id,
            "ownerId": course.owner,
            "courseState": course.state,
            "creationTime": moment,
            "updateTime": moment,
            "alternateLink": f"https://classroom.google.com/c/{course.id}",
            "guardiansEnabled": False,
            **{name: value for name, value in course.told.items() if value},
        }

    def _person(self, course: Course, user: str) -> JSON:
        one = self.state.users[user]
        name = {
            "givenName": one.name["givenName"],
            "familyName": one.name["familyName"],
            "fullName": one.display_name,
        }
        return {"courseId": course.id, "userId": user, "profile": {"id": user, "name": name}}


def _title(name: object) -> None:
    if not isinstance(name, str) or not name.strip():
        raise malformed("Course name is required.")
    if _URL.search(name):
        raise TITLE


def _page(what: str, shown: list[JSON], query: Query, usual: int, most: int) -> JSON:
    size = min(int(query.get("pageSize", ["0"])[0]) or usual, most)
    start = int(query.get("pageToken", ["0"])[0])
    page: JSON = {what: shown[start : start + size]} if shown[start : start + size] else {}
    return page | ({"nextPageToken": str(start + size)} if len(shown) > start + size else {})
