"""Classroom courses: what every target that has groups promises, what is special to courses, and how many calls it takes."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from google_classes import School, lesson
from google_world import World, applied, opened
from onroll_connectors.sandbox.google import Workspace
from onroll_connectors.sandbox.google_classroom import Classroom
from onroll_connectors.sandbox.google_quota import Quotas
from onroll_connectors.sandbox.google_state import Course, Lag
from onroll_connectors.sandbox.serving import Faults, Request
from onroll_connectors.targets.google_marks import alias
from onroll_connectors.targets.google_rights import Needs, scopes
from onroll_connectors.targets.google_workspace import Settings
from onroll_connectors.testing_groups import TargetGroupContract
from onroll_core.changes import Deferred, Rejected, UpdateGroup
from onroll_core.groups.courses import course_key
from onroll_core.people import GroupKind, Role
from test_google_workspace import service_account

FOUL = (403, 429, 500, 503)
ALONE = {"classroom": ["teaching"], "classroom_only": True}
STEWARD = {**ALONE, "classroom_owner": "admin@school.test"}


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with opened(monkeypatch) as world:
        world.groups, world.settings = frozenset(GroupKind), STEWARD
        yield world


@pytest.fixture
def school(world: World) -> School:
    """A school whose classes are courses and nothing else, and that names nobody to own one without a teacher."""
    world.settings = ALONE
    school = School(world)
    school.enrol("ada", "ben", "cleo")
    school.enrol("tess", "theo", "tom", role=Role.STAFF)
    return school


def the(world: World, name: str) -> Course:
    """The course that is called `name`."""
    (found,) = (course for course in world.google.state.courses.values() if course.told["name"] == name)
    return found


class TestCourses(TargetGroupContract):
    """No delays, no faults."""


class TestCoursesInFoulWeather(TargetGroupContract):
    """Google's own quotas and delays, and one request in twelve fails, a third of those after the work was done."""

    @pytest.fixture
    def world(self, world: World) -> World:
        world.google.lag = Lag.usual()
        world.google.quotas = Quotas()
        world.google.faults = Faults(rate=0.06, statuses=FOUL, random=random.Random(11))
        world.google.part_faults = Faults(rate=0.08, statuses=FOUL, random=random.Random(12))
        return world


def test_a_class_is_a_course_that_is_on_at_once_with_all_its_teachers(school: School) -> None:
    wanted = lesson("7A/Ma1", ["ada", "ben"], ["tess", "theo"])
    applied(school.night(wanted))
    course = the(school.world, "7A/Ma1")
    assert (course.state, course.aliases) == ("ACTIVE", [alias(course_key(wanted.key))])
    assert course.owner in course.teachers
    assert course.teachers.keys() == {school.anchor("tess"), school.anchor("theo")}
    assert course.students.keys() == {school.anchor("ada"), school.anchor("ben")}
    assert school.world.google.state.groups == {}
    assert school.quiet(wanted)


def test_a_class_may_be_a_group_and_a_course(school: School) -> None:
    school.world.settings = {"classroom": ["teaching"]}
    wanted = [lesson("7A", ["ada"], ["tess"]), lesson("Year 7", ["ada", "ben"], kind=GroupKind.YEAR)]
    applied(school.night(*wanted))
    assert school.seen().keys() == {"7A", "course 7A", "Year 7"}
    assert school.quiet(*wanted)
    # Each is put right for itself.
    the(school.world, "7A").students.clear()
    (outcome,) = applied(school.night(*wanted))
    assert outcome.change.key == course_key(wanted[0].key)  # type: ignore[union-attr]
    assert school.quiet(*wanted)
    over = [lesson("7A", ["ada"], ["tess"], name="7A 2025-26", archived=True), wanted[1]]
    applied(school.night(*over))
    assert school.seen().keys() == {"7A 2025-26", "course 7A 2025-26", "Year 7"}
    assert school.quiet(*over)


def test_a_september_takes_one_call_a_course_and_one_a_membership_but_the_owners(school: School) -> None:
    names = [f"pupil{number}" for number in range(60)]
    school.enrol(*names)
    school.world.settings = {**ALONE, "batch_size": 200, "classroom_per_minute": 60000}
    wanted = [lesson(f"7A/{number}", names[number : number + 25], ["tess", "theo"]) for number in range(30)]
    start = len(school.world.google.calls)
    applied(school.night(*wanted))
    done = Counter(school.calls(start))
    assert done["classroom.courses.create"] == 30
    assert done["classroom.courses.teachers.create"] == 30, "the first teacher came with the course"
    assert done["classroom.courses.students.create"] == 30 * 25
    assert sum(done.values()) <= 1.1 * 30 * 27
    assert school.quiet(*wanted)


def test_classrooms_own_quota_is_kept_and_used(school: School) -> None:
    names = [f"pupil{number}" for number in range(100)]
    school.enrol(*names)
    school.world.settings = {**ALONE, "classroom_per_minute": 300}
    school.world.google.quotas = Quotas(classroom_per_minute=300)
    start = school.world.clock.at
    applied(school.night(*(lesson(f"7A/{number}", names, ["tess"]) for number in range(8))))
    assert school.world.google.quotas.refused == {}
    assert 800 / (school.world.clock.at - start) / 5 >= 0.9


def test_only_our_courses_people_are_read_and_those_of_classes_that_are_over_once(school: School) -> None:
    school.world.google.add_course("Chess club", "tess@school.test")
    live, over = lesson("7A", ["ada"], ["tess"]), lesson("8B", ["ben"], ["theo"], archived=True)
    applied(school.night(live, lesson("8B", ["ben"], ["theo"])))
    applied(school.night(live, over))
    assert the(school.world, "8B").state == "ARCHIVED"
    school.seen()
    start = len(school.world.google.calls)
    seen = school.seen()
    assert seen["course 8B"].archived
    assert seen["course 8B"].members == {school.anchor("ben")}
    assert school.calls(start).count("classroom.courses.students.list") == 1
    applied(school.night(live, lesson("8B", ["ben"], ["theo"])))
    assert the(school.world, "8B").state == "ACTIVE"
    assert school.quiet(live, lesson("8B", ["ben"], ["theo"]))


def test_a_course_outlives_its_owner(school: School) -> None:
    school.world.google.lag = Lag.usual()
    new, old = sorted(("theo", "tom"), key=school.anchor)
    applied(school.night(lesson("7A", ["ada"], ["tess", old])))
    assert the(school.world, "7A").owner == school.anchor("tess")
    school.world.settle()
    after = lesson("7A", ["ada"], [old, new])
    applied(school.night(after))
    course = the(school.world, "7A")
    assert course.owner == school.anchor(old), "who was in it already, and not the one who has just come"
    assert course.teachers.keys() == {school.anchor(old), school.anchor(new)}
    assert school.quiet(after)
    # All teachers change in one night: the new one is in it first.
    last = lesson("7A", ["ada"], ["tess"])
    applied(school.night(last))
    assert (the(school.world, "7A").owner, len(the(school.world, "7A").teachers)) == (school.anchor("tess"), 1)
    assert school.quiet(last)


def test_a_course_changes_hands_once_and_to_somebody_who_stays(school: School) -> None:
    going, coming = sorted(("theo", "tom"), key=school.anchor)
    applied(school.night(lesson("7A", ["ada"], ["tess", going])))
    school.world.settle()
    after = lesson("7A", ["ada"], [coming])
    start = len(school.world.google.calls)
    applied(school.night(after))
    written = [(name, status) for name, _, status in school.world.google.calls[start:] if not name.endswith(".list")]
    assert Counter(written) == {
        ("classroom.courses.teachers.create", 200): 1,
        ("classroom.courses.patch", 200): 1,
        ("classroom.courses.teachers.delete", 200): 2,
    }
    assert school.quiet(after)


def test_the_only_teacher_goes_when_there_is_another_or_the_school_names_an_owner(school: School) -> None:
    applied(school.night(lesson("7A", ["ada"], ["tess"])))
    after = lesson("7A", ["ada"])
    (outcome,) = school.night(after)
    assert isinstance(outcome, Deferred)
    assert "nobody else teaches it" in outcome.why
    assert "classroom_owner" in outcome.why
    school.world.settings = STEWARD
    applied(school.night(after))
    course = the(school.world, "7A")
    admin = school.world.google.user("admin@school.test").id
    assert (course.owner, list(course.teachers)) == (admin, [admin])
    assert school.quiet(after)
    following = lesson("7A", ["ada"], ["theo"])
    applied(school.night(following))
    assert school.quiet(following)


def test_a_class_without_a_teacher_waits_or_is_owned_by_the_account_that_is_named(school: School) -> None:
    wanted = lesson("7A", ["ada"])
    created, added = school.night(wanted)
    assert isinstance(created, Deferred)
    assert "no teacher" in created.why
    assert isinstance(added, Deferred)
    school.world.settings = STEWARD
    applied(school.night(wanted))
    assert school.quiet(wanted)


def test_an_owner_by_setting_who_is_a_teacher_is_counted_as_one(school: School) -> None:
    school.world.settings = {**ALONE, "classroom_owner": "tess@school.test"}
    wanted = lesson("7A", ["ada"], ["tess"])
    applied(school.night(wanted))
    assert school.quiet(wanted)


def test_nobody_is_a_teacher_and_a_student(school: School) -> None:
    applied(school.night(lesson("7A", ["ada", "tom"], ["tess", "theo"])))
    after = lesson("7A", ["ada", "tess"], ["tom", "theo"])
    applied(school.night(after))
    course = the(school.world, "7A")
    assert course.teachers.keys() == {school.anchor("tom"), school.anchor("theo")}
    assert course.students.keys() == {school.anchor("ada"), school.anchor("tess")}
    assert school.quiet(after)


def test_somebody_whom_a_teacher_put_in_since_is_found_in_the_right_role(school: School) -> None:
    applied(school.night(lesson("7A", ["ada"], ["tess"])))
    wanted = lesson("7A", ["ada", "ben"], ["tess", "theo"])
    target = school.world.connect()
    changes, _ = school.plan(wanted)
    course = the(school.world, "7A")
    course.students[school.anchor("ben")] = course.students[school.anchor("theo")] = school.world.clock.now()
    applied(list(target.perform(changes)))
    assert school.quiet(wanted)


def test_a_copy_of_a_course_is_a_teachers_own(school: School) -> None:
    wanted = lesson("7A", ["ada"], ["tess"])
    applied(school.night(wanted))
    first = the(school.world, "7A")
    copy = school.world.google.add_course("Copy of 7A", "theo@school.test")
    copy.told |= {"descriptionHeading": first.told["descriptionHeading"]}
    # The copy sorts before ours.
    courses = school.world.google.state.courses
    del courses[copy.id]
    copy.id = "100"
    courses["100"] = copy
    assert school.seen().keys() == {"course 7A"}
    after = lesson("7A", ["ada", "ben"], ["tess"])
    applied(school.night(after))
    assert (len(first.students), len(copy.students)) == (2, 0)
    assert school.quiet(after)


def test_a_course_that_lost_its_line_is_known_by_its_alias_and_gets_it_back(school: School) -> None:
    wanted = lesson("7A", ["ada"], ["tess"])
    applied(school.night(wanted))
    course = the(school.world, "7A")
    line, course.told["name"] = course.told.pop("descriptionHeading"), "Our maths"
    first, *_ = applied(school.night(wanted))
    assert first.note == "it was there already"
    assert course.told["descriptionHeading"] == line
    assert len(school.world.google.state.courses) == 1
    (renamed,) = applied(school.night(wanted))
    assert isinstance(renamed.change, UpdateGroup)
    assert school.quiet(wanted)


def test_a_course_that_a_teacher_made_keeps_its_name_and_one_that_is_over_holds_none(school: School) -> None:
    own = school.world.google.add_course("7A", "theo@school.test")
    created, *added = school.night(lesson("7A", ["ada"], ["tess"]))
    assert isinstance(created, Rejected)
    assert "the course 7A" in created.why
    assert all(isinstance(each, Rejected) for each in added)
    assert own.students == {}
    own.state = "ARCHIVED"
    applied(school.night(lesson("7A", ["ada"], ["tess"])))


def test_an_archived_course_gets_another_name_and_stays_archived(school: School) -> None:
    over = lesson("7A", ["ada"], ["tess"], archived=True)
    applied(school.night(lesson("7A", ["ada"], ["tess"])))
    applied(school.night(over))
    again = lesson("7A", ["ada"], ["tess"], name="7A (2025-26)", archived=True)
    applied(school.night(again))
    assert the(school.world, "7A (2025-26)").state == "ARCHIVED"
    assert school.quiet(again)


def test_a_teacher_who_may_own_no_course_does_not_stop_it(school: School) -> None:
    school.world.google.classroom.barred.add(school.anchor("tess"))
    wanted = lesson("7A", ["ada"], ["tess", "theo"])
    applied(school.night(wanted))
    assert the(school.world, "7A").owner == school.anchor("theo")
    assert school.quiet(wanted)
    alone = lesson("8B", ["ada"], ["tess"])
    created, *_ = school.night(wanted, alone)
    assert isinstance(created, Rejected)
    assert "own a course" in created.why


def test_what_classroom_refuses_is_said_in_sentences(school: School) -> None:
    created, *_ = school.night(lesson("www.maths.test", ["ada"], ["tess"]))
    assert isinstance(created, Rejected)
    assert "web address" in created.why
    classroom: Classroom = school.world.google.classroom
    applied(school.night(lesson("7A", [], ["tess"])))
    wanted = lesson("7A", ["ada", "ben"], ["tess"])
    classroom.tired.add(school.anchor("ada"))
    tired, done = school.night(wanted)
    assert isinstance(tired, Deferred)
    assert "in a day" in tired.why
    applied([done])
    classroom.tired.clear()
    classroom.people = 2
    (full,) = school.night(wanted)
    assert isinstance(full, Rejected)
    assert "as many people" in full.why
    classroom.people = 1000
    school.world.google.user("ada@school.test").suspended = "ADMIN"
    (refused,) = school.night(wanted)
    assert isinstance(refused, Rejected)
    assert "suspended" in refused.why
    the(school.world, "7A").state = "SUSPENDED"
    (locked,) = school.night(wanted)
    assert isinstance(locked, Rejected)
    assert "by hand" in locked.why


def test_a_year_of_courses_is_made_once_whatever_google_answers(school: School) -> None:
    school.world.google.lag = Lag.usual()
    school.world.google.part_faults = Faults(rate=0.3, statuses=FOUL, after=0.5, random=random.Random(4))
    wanted = [lesson(f"7A/{number}", ["ada", "ben", "cleo"], ["tess", "theo"]) for number in range(25)]
    applied(school.night(*wanted))
    assert len(school.world.google.state.courses) == 25
    school.world.google.part_faults = Faults()
    assert school.quiet(*wanted)


def test_no_scope_is_asked_for_that_is_not_used() -> None:
    base = {"admin.directory.user", "admin.directory.orgunit", "admin.directory.domain.readonly"}
    reading, writing = base | {"admin.directory.group.readonly"}, base | {"admin.directory.group"}
    classroom = {"classroom.courses", "classroom.rosters"}
    assert set(scopes(Needs())) == reading
    assert set(scopes(Needs(groups=True))) == writing
    assert set(scopes(Needs(courses=True))) == reading | classroom
    assert set(scopes(Needs(names=False))) == base
    assert set(scopes(Needs(True, True, True, True))) == writing | classroom | {"admin.directory.user.security"}


def test_scopes_are_asked_for_what_is_switched_on_and_are_enough_for_it(school: School, tmp_path: Path) -> None:
    world = school.world
    signed = service_account(world, tmp_path)
    kinds: list[tuple[frozenset[GroupKind], dict[str, Any], tuple[bool, bool]]] = [
        (frozenset(), {}, (False, False)),
        (frozenset(GroupKind), {}, (True, False)),
        (frozenset({GroupKind.TEACHING}), ALONE, (False, True)),
        (frozenset(GroupKind), {"classroom": ["teaching"]}, (True, True)),
        (frozenset({GroupKind.YEAR}), {"classroom": ["teaching"]}, (True, False)),
    ]
    for switched, settings, (groups, courses) in kinds:
        world.groups, world.settings = switched, {**settings, **signed}
        world.google.tokens.delegated = frozenset(scopes(Needs(groups, courses)))
        wanted = [
            lesson(f"Class {len(switched)}{groups}{courses}", ["ada"], ["tess"], kind=kind)
            for kind in sorted(switched)[-1:]
        ]
        applied(school.night(*wanted))
        assert school.quiet(*wanted)
        assert world.connect().check().good
        world.google.tokens.delegated = frozenset(scopes(Needs(groups, courses))[:-1])
        world.google.tokens.issued.clear()
        (finding,) = world.connect().check().findings
        assert scopes(Needs(groups, courses))[-1] in finding.sentence


def test_a_check_says_what_classroom_lacks(school: School) -> None:
    world = school.world
    world.settings = {"classroom": ["teaching", "house"], "classroom_owner": "nobody@school.test"}
    world.groups = frozenset({GroupKind.TEACHING})
    world.google.denied = {"classroom.courses.list"}
    findings = world.connect().check().findings
    problems = [each.sentence for each in findings if each.level == "problem"]
    assert any("Classroom does not let onroll read" in each for each in problems)
    assert any("nobody@school.test" in each and "not there" in each for each in problems)
    (warning,) = (each.sentence for each in findings if each.level == "warning")
    assert "house" in warning
    world.google.denied = set()
    world.settings = {"classroom": ["teaching"], "classroom_owner": "tess@school.test"}
    assert world.connect().check().good


@pytest.mark.parametrize(
    "told",
    [
        {"classroom": ["lessons"]},
        {"classroom_only": True},
        {"classroom_owner": "a@school.test"},
        {"classroom": ["teaching"], "token": None, "credentials": "file:x"},
        {"classroom": "teaching"},
    ],
)
def test_settings_of_classroom_that_cannot_work_are_refused(told: Mapping[str, Any]) -> None:
    base = {"endpoint": "http://127.0.0.1:1", "token": "env:T"}
    Settings.model_validate(base)
    with pytest.raises(ValidationError):
        Settings.model_validate({name: value for name, value in {**base, **told}.items() if value is not None})


def test_the_simulator_refuses_what_classrooms_definition_refuses() -> None:
    google = Workspace()
    owner = google.user("admin@school.test").id

    def ask(method: str, path: str, body: object = None, **query: str) -> tuple[int, Any]:
        payload = b"" if body is None else json.dumps(body).encode()
        values = {name: [value] for name, value in query.items()}
        answer = google(Request(method, f"/v1/{path}", values, {"authorization": "Bearer any"}, payload))
        return answer.status, answer.body

    course = {"name": "7A", "ownerId": owner, "id": "d:a", "courseState": "ACTIVE"}
    assert ask("POST", "courses", {**course, "nmae": "x"})[0] == 400
    assert ask("POST", "courses", {**course, "courseState": "OPEN"})[0] == 400
    assert ask("GET", "courses", None, teacher="x")[0] == 400
    assert ask("GET", "classes")[0] == 404
    assert len(google.breaches) == 4
    status, made = ask("POST", "courses", course)
    assert status == 200
    status, again = ask("POST", "courses", course)
    assert (status, again["error"]["status"]) == (409, "ALREADY_EXISTS")
    assert ask("PATCH", f"courses/{made['id']}", {"name": "7B"})[0] == 400, "no update mask"
    status, refused = ask("DELETE", f"courses/{made['id']}/teachers/{owner}")
    assert (status, refused["error"]["message"].split()[0]) == (400, "@CannotRemoveCourseOwner")
    assert ask("PATCH", "courses/d%3Aa", {"courseState": "ARCHIVED"}, updateMask="courseState")[0] == 200
    status, refused = ask("POST", f"courses/{made['id']}/students", {"userId": owner})
    assert (status, refused["error"]["message"].split()[0]) == (400, "@CourseNotModifiable")
    assert len(google.breaches) == 4
