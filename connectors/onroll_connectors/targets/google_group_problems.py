"""Refusals about groups and courses as sentences that a school technician can act on."""

from __future__ import annotations

from onroll_connectors.targets.google_asks import Problem
from onroll_connectors.targets.google_problems import halting
from onroll_core.changes import AddMember, CreateGroup, Deferred, GroupChange, Outcome, Rejected, UpdateGroup

_CLASSROOM = {
    "CannotDirectAddUser": "Classroom does not take that account: it has to be a user of this domain who may use Classroom",
    "ClassroomApiDisabled": "programs may not use Classroom for this administrator; switch Classroom's API access on in the Admin console under Apps,"
    " Google Workspace, Classroom, Data access",
    "ClassroomDisabled": "Classroom is switched off for that account; switch it on in the Admin console under Apps, Google Workspace, Classroom",
    "CourseMemberLimitReached": "the course has as many people as Classroom allows",
    "CourseNotModifiable": "the course was archived, declined or suspended by hand, and Classroom changes nothing in it. Restore it in Classroom",
    "CourseTeacherLimitReached": "the course has as many teachers as Classroom allows (20). Take some out of it in the MIS or in Classroom",
    "CourseTitleCannotContainUrl": "Classroom allows no web address in a course's name. Change it in the MIS, or the names of groups in [school.groups]",
    "InactiveCourseOwner": "the account that owns the course was deleted. Restore it in the Admin console within 20 days, or give the course another owner there",
    "PendingInvitationExists": "somebody was invited to own the course and has not answered. Withdraw the invitation in Classroom",
    "UserCannotOwnCourse": "Classroom lets none of its teachers own a course. Are they teachers there, in an edition with Classroom",
    "UserGroupsMembershipLimitReached": "that account is in as many groups as Google allows. Take it out of old classes",
}  # fmt: skip


def doing(change: GroupChange, course: bool = False) -> str:
    """What a change does, after "Could not"."""
    what = "the course" if course else "the group"
    match change:
        case CreateGroup(group):
            return f"make {what} {group.name}"
        case UpdateGroup(_, _, before, after, _, archive):
            return f"{'archive' if archive else 'rename'} {what} {before}" + ("" if before == after else f" as {after}")
        case AddMember(_, _, name, who):
            return f"put {who.username} into {what} {name}"
        case _:
            return f"take {change.who.username} out of {what} {change.group_name}"


def verdict(change: GroupChange, problem: Problem, course: bool = False) -> Outcome:
    """What became of a change that Google answered with a problem; raises Halt when nothing else would work either."""
    halting(problem)
    act = doing(change, course)
    if problem.for_today:
        return Deferred(change, f"Could not {act}: that account has joined as many courses as Google allows in a day.")
    if problem.busy or problem.passing:
        told = "was too busy" if problem.busy else "did not answer properly"
        return Deferred(change, f"Could not {act}: Google Workspace {told}. onroll looks again at its next run.")
    if problem.code in _CLASSROOM:
        return Rejected(change, f"Could not {act}: {_CLASSROOM[problem.code]}.")
    return Rejected(change, f"Could not {act}: {_because(change, problem, course)}.")


def _because(change: GroupChange, problem: Problem, course: bool) -> str:
    message = problem.message.lower()
    said = f"{problem.message.rstrip('.') or 'no reason given'}, {problem.reason or problem.status}"
    match problem.status:
        case 404 if "domain" in message:
            return (
                "the domain of its address does not belong to this Google Workspace. Add it there, or set group_domain"
            )
        case 404 if "memberkey" in message:
            return "that account is not in Google Workspace any more"
        case 404:
            return f"it is not in {'Classroom' if course else 'Google Workspace'} any more, or the account is not"
        case 403 if course:
            return f"Classroom does not let onroll do that ({said}). The administrator it acts for (subject) has to be a super administrator"
        case 403:
            return f"Google Workspace does not let onroll change groups ({said}). Give its admin role the rights of a Groups Admin"
        case 400 if problem.reason == "failedPrecondition":
            return f"Classroom refuses it ({said}); often the account is suspended"
        case 400 if "name" in message and isinstance(change, CreateGroup | UpdateGroup):
            return "Google does not take the name: at most 75 characters, without < > =. Change the names of groups in [school.groups]"
    return f"Google refused it ({said})"


def held(change: GroupChange, name: str, holder: str, line: str, course: bool = False) -> Rejected:
    """The outcome when people made one of that name or address themselves; `line` is what ours would carry."""
    where = "its description" if not course else "its description heading"
    return Rejected(
        change,
        f"Could not {doing(change, course)}: {name} is held by {holder}, which onroll did not make and leaves alone. Rename that one, or change the names"
        f" of groups in [school.groups]. If onroll made it and somebody emptied {where}, put this line back: {line} .",
    )


def nowhere(change: GroupChange, course: bool, why: tuple[str, bool] | None) -> Outcome:
    """The outcome of a membership whose group is not there; `why` it was not made, and whether that passes."""
    act = doing(change, course)
    if why is None:
        return Rejected(change, f"Could not {act}: it is not there. Why it was not made stands beside it.")
    text, passing = why
    return (
        Deferred(change, f"Could not {act}: it waits for it to be made. {text}")
        if passing
        else Rejected(change, f"Could not {act}. {text}")
    )
