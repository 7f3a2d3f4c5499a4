"""How a change of a Classroom course is carried out, as a conversation: a course always has an owner, and outlives every one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from onroll_connectors import group_marks
from onroll_connectors.targets import google_group_problems as problems
from onroll_connectors.targets import google_marks as marks
from onroll_connectors.targets.google_asks import Answer, Ask, Pause, Problem, Script
from onroll_connectors.targets.google_group_scripts import not_ours
from onroll_connectors.targets.google_kept import STUDENT, TEACHER, Circle
from onroll_connectors.targets.google_reads import pages
from onroll_connectors.targets.google_talk import WAIT_SECONDS, WAITS
from onroll_connectors.targets.google_users import JSON
from onroll_core.accounts import Anchor
from onroll_core.changes import (
    AddMember,
    Applied,
    CreateGroup,
    Deferred,
    GroupChange,
    Outcome,
    Rejected,
    RemoveMember,
    UpdateGroup,
)

COURSE_FIELDS = "id,ownerId,name,courseState,descriptionHeading"
_ROSTERS = {TEACHER: "courses.teachers", STUDENT: "courses.students"}
_TRANSFERRING = "CannotRemoveCourseOwnerTransferIncomplete"


def insert(circle: Circle, change: CreateGroup) -> Script[Outcome]:
    """Make a course with its first owner; the alias makes a second one impossible."""
    kept, group = circle.kept, change.group
    alias, act = marks.alias(group.key), problems.doing(change, True)
    if len(alias) > marks.LONGEST_ALIAS:
        return Rejected(change, f"Could not {act}: the MIS's own id of it is too long for Classroom.")
    namesake = (kept.courses or {}).get(group.name.casefold())
    if namesake is not None:
        return problems.held(change, "the name", namesake, group_marks.mark(group.key), True)
    body = {"id": alias, "name": group.name, "courseState": "ACTIVE", "descriptionHeading": group_marks.mark(group.key)}
    problem: Problem | None = None
    for owner in _owners(circle, change):
        ask = Ask("courses", "create", {"body": {**body, "ownerId": owner}, "fields": COURSE_FIELDS})
        reply = yield from _until(ask, lambda problem, owner=owner: problem.gone and circle.is_young(Anchor(owner)))  # type: ignore[misc]
        if isinstance(reply, Answer):
            return _made(circle, change, reply.body, "")
        if reply.taken:
            return (yield from _found(circle, change, alias))
        if not (reply.gone or reply.reason == "failedPrecondition") or reply.code == "CourseTitleCannotContainUrl":
            return problems.verdict(change, reply, True)
        problem = reply
    if problem is not None:
        return problems.verdict(change, problem, True)
    return Deferred(
        change,
        f"Could not {act}: it has no teacher with an account yet, and Classroom wants an owner. onroll makes it when it has one; to have it at once, name"
        " an account as classroom_owner.",
    )


def _owners(circle: Circle, change: CreateGroup) -> Iterator[str]:
    """Who may own a new course: its teachers, then the account for courses without any."""
    for identity in sorted(change.group.owners):
        yield from circle.means.book.live_of(identity)[:1]
    if circle.steward:
        yield circle.steward


def _found(circle: Circle, change: CreateGroup, alias: str) -> Script[Outcome]:
    """The course that has our alias is ours; an administrator's program alone could give it. A line that somebody took out is put back."""
    reply = yield Ask("courses", "get", {"id": alias, "fields": COURSE_FIELDS})
    if isinstance(reply, Problem):
        return problems.verdict(change, reply, True)
    found = group_marks.marked(reply.body.get("descriptionHeading") or "")
    if (found is None or found[0] != change.group.key) and reply.body.get("courseState") != "ARCHIVED":
        body = {"descriptionHeading": group_marks.mark(change.group.key)}
        mended = yield _patch(marks.course_anchor(reply.body["id"]), body)
        if isinstance(mended, Problem):
            return problems.verdict(change, mended, True)
    return _made(circle, change, reply.body, "it was there already")


def _made(circle: Circle, change: CreateGroup, course: Any, note: str) -> Applied:
    anchor, owner = marks.course_anchor(course["id"]), Anchor(course.get("ownerId") or "")
    circle.kept.made(anchor, change.group.key, found=bool(note))
    circle.kept.owners[anchor] = owner
    if not note:
        circle.kept.let(anchor, owner, TEACHER)
    return Applied(change, anchor, note)


def update(circle: Circle, change: UpdateGroup) -> Script[Outcome]:
    """Another name, archived or held again. Of a course that is archived after all the answer may have been lost, so it is looked at once more."""
    namesake = (circle.kept.courses or {}).get(change.after.casefold())
    if namesake is not None:
        return problems.held(change, "the name", namesake, group_marks.mark(change.key), True)
    problem = Problem(0, "", "")
    for _ in range(2):
        there = circle.kept.listed.pop(change.anchor, None)
        if there is None:
            seen = yield Ask("courses", "get", {"id": marks.course_id(change.anchor), "fields": COURSE_FIELDS})
            if isinstance(seen, Problem):
                return problems.verdict(change, seen, True)
            there = seen.body
        found = group_marks.marked(there.get("descriptionHeading") or "")
        if found is None or found[0] != change.key:
            return not_ours(change, change.before, "description heading")
        refused = yield from _patched(change, there)
        if refused is None:
            return Applied(change, change.anchor)
        problem = refused
        if problem.code != "CourseNotModifiable":
            break
    return problems.verdict(change, problem, True)


def _patched(change: UpdateGroup, course: JSON) -> Script[Problem | None]:
    for body in _steps(change, course):
        reply = yield _patch(change.anchor, body)
        if isinstance(reply, Problem):
            return reply
    return None


def _steps(change: UpdateGroup, course: JSON) -> list[dict[str, str]]:
    """What has to be patched, in order: an archived course takes another name only while it is active for a moment."""
    state = str(course.get("courseState"))
    wanted = state if change.archive is None else "ARCHIVED" if change.archive else "ACTIVE"
    switch = {"courseState": wanted} if wanted != state else {}
    if course.get("name") == change.after:
        return [switch] if switch else []
    if state == wanted == "ARCHIVED":
        return [{"name": change.after, "courseState": "ACTIVE"}, {"courseState": "ARCHIVED"}]
    return [{"name": change.after, **switch}]


def add(circle: Circle, change: AddMember, course: Anchor, person: Anchor) -> Script[Outcome]:
    """Put a teacher or a student in; nobody is both, so the other role is taken away first."""
    kept, role = circle.kept, TEACHER if change.owner else STUDENT
    there = kept.role(course, person)
    if there == role:
        return Applied(change, course, "it was so already")
    note = ""
    if there is not None:
        left = yield from _leave(circle, change, course, person, there)
        if not isinstance(left, Answer):
            return left
    reply = yield from _join(circle, course, person, role)
    if isinstance(reply, Problem) and reply.taken:
        seen = yield Ask(_ROSTERS[role], "get", {**_at(course, person), "fields": "userId"})
        if isinstance(seen, Answer):
            reply, note = seen, "it was so already"
        elif seen.gone:
            other = STUDENT if role == TEACHER else TEACHER
            left = yield from _leave(circle, change, course, person, other)
            if not isinstance(left, Answer):
                return left
            reply = yield from _join(circle, course, person, role)
    if isinstance(reply, Problem):
        return problems.verdict(change, reply, True)
    kept.let(course, person, role)
    kept.joined.add((course, person))
    return Applied(change, course, note)


def remove(circle: Circle, change: RemoveMember, course: Anchor, person: Anchor) -> Script[Outcome]:
    """Take somebody out, unless this connection has just given them the other role. Who owns the course hands it over first."""
    kept, role = circle.kept, TEACHER if change.owner else STUDENT
    if (course, person) in kept.joined and kept.role(course, person) not in (None, role):
        return Applied(change, course, "is in it in another role now")
    reply = yield from _leave(circle, change, course, person, role)
    return Applied(change, course) if isinstance(reply, Answer) else reply


def _leave(circle: Circle, change: GroupChange, course: Anchor, person: Anchor, role: str) -> Script[Answer | Outcome]:
    """Take somebody out of one roster; an Answer when they are not in it any more."""
    kept = circle.kept
    if role == TEACHER and kept.owners.get(course) == person:
        refused = yield from _hand_over(circle, change, course, person)
        if refused is not None:
            return refused
    ask = Ask(_ROSTERS[role], "delete", _at(course, person))
    reply = yield from _until(ask, lambda problem: problem.code == _TRANSFERRING or _unheard(circle, course, problem))
    if isinstance(reply, Problem) and reply.code == "CannotRemoveCourseOwner":
        # The course has another owner than we thought.
        refused = yield from _hand_over(circle, change, course, person)
        if refused is not None:
            return refused
        reply = yield from _until(ask, lambda problem: problem.code == _TRANSFERRING)
    if isinstance(reply, Problem) and reply.code == _TRANSFERRING:
        return Deferred(
            change,
            f"Could not {problems.doing(change, True)}: Google is still handing the course over to its new owner; onroll goes on at its next run.",
        )
    if isinstance(reply, Problem) and not reply.gone:
        return problems.verdict(change, reply, True)
    kept.let(course, person, None)
    return Answer({})


def _hand_over(circle: Circle, change: GroupChange, course: Anchor, person: Anchor) -> Script[Outcome | None]:
    """Give the course to another of its teachers; None when somebody else owns it now."""
    kept = circle.kept
    heir = _heir(circle, course, person)
    if heir is None and course not in kept.whole:
        for each in (yield from pages(roster(course, TEACHER), "teachers of a course")):
            kept.let(course, Anchor(each["userId"]), TEACHER)
        heir = _heir(circle, course, person)
    if heir is None and circle.steward and circle.steward != person:
        heir = Anchor(circle.steward)
        reply = yield from _join(circle, course, heir, TEACHER)
        if isinstance(reply, Problem) and not reply.taken:
            return problems.verdict(change, reply, True)
    if heir is None:
        return Deferred(
            change,
            f"Could not {problems.doing(change, True)}: nobody else teaches it, and Classroom lets no owner go. onroll does it when the course has another"
            " teacher; or name an account as classroom_owner.",
        )
    reply = yield from _until(_patch(course, {"ownerId": heir}), lambda problem: problem.code == "IneligibleOwner")
    if isinstance(reply, Problem):
        return problems.verdict(change, reply, True)
    kept.owners[course] = Anchor(reply.body.get("ownerId") or heir)
    return None


def _heir(circle: Circle, course: Anchor, person: Anchor) -> Anchor | None:
    """Who is to own a course: a teacher who stays, rather one who is there already, for whom Google need not wait."""
    kept = circle.kept
    key = kept.keys.get(course)
    others = [
        each
        for each, role in kept.roles.get(course, {}).items()
        if role == TEACHER and each != person and (key is None or (key, each) not in kept.leaving)
    ]
    return min(others, key=lambda each: (each == circle.steward, (course, each) in kept.joined, each), default=None)


def _join(circle: Circle, course: Anchor, person: Anchor, role: str) -> Script[Answer | Problem]:
    ask = Ask(
        _ROSTERS[role], "create", {"courseId": marks.course_id(course), "body": {"userId": person}, "fields": "userId"}
    )
    # Of an account made a moment ago Classroom says that it cannot be added.
    return (
        yield from _until(
            ask,
            lambda problem: (
                _unheard(circle, course, problem)
                or ((problem.gone or problem.code == "CannotDirectAddUser") and circle.is_young(person))
            ),
        )
    )


def _unheard(circle: Circle, course: Anchor, problem: Problem) -> bool:
    """Whether Classroom may only not have heard of the course yet."""
    return problem.gone and circle.is_young(course)


def _until(ask: Ask, passing: Callable[[Problem], bool]) -> Script[Answer | Problem]:
    """Ask again while Google needs a moment."""
    reply: Answer | Problem = yield ask
    for _ in range(WAITS):
        if isinstance(reply, Answer) or not passing(reply):
            break
        yield Pause(WAIT_SECONDS)
        reply = yield ask
    return reply


def roster(course: Anchor, role: str) -> Ask:
    """The first page of a course's teachers or students."""
    what = _ROSTERS[role]
    fields = f"nextPageToken,{what.rpartition('.')[2]}(userId)"
    return Ask(what, "list", {"courseId": marks.course_id(course), "pageSize": 100, "fields": fields})


def _at(course: Anchor, person: Anchor) -> dict[str, Any]:
    return {"courseId": marks.course_id(course), "userId": person}


def _patch(course: Anchor, body: dict[str, str]) -> Ask:
    arguments = {
        "id": marks.course_id(course),
        "updateMask": ",".join(sorted(body)),
        "body": body,
        "fields": COURSE_FIELDS,
    }
    return Ask("courses", "patch", arguments)
