"""Classes that are held as courses too: what is wanted of a target then."""

from __future__ import annotations

from onroll_core.accounts import Anchor, DesiredGroup, IdentityId
from onroll_core.changes import AddMember, CreateGroup, UpdateGroup, Who, sentence
from onroll_core.groups.courses import course_key, is_course, with_courses
from onroll_core.people import GroupKind, Role, SourceKey

CLASS = DesiredGroup(SourceKey("s", "7a"), GroupKind.TEACHING, "7A/Ma1", frozenset({IdentityId("ada")}))
YEAR = DesiredGroup(SourceKey("s", "year:2019"), GroupKind.YEAR, "2019")


def test_a_course_is_a_second_thing_beside_its_group() -> None:
    wanted = list(with_courses([CLASS, YEAR], {GroupKind.TEACHING}))
    assert [each.key for each in wanted] == [CLASS.key, course_key(CLASS.key), YEAR.key]
    assert [is_course(each.key) for each in wanted] == [False, True, False]
    assert wanted[1].members == CLASS.members


def test_a_course_may_stand_in_the_place_of_its_group() -> None:
    wanted = list(with_courses([CLASS, YEAR], {GroupKind.TEACHING}, alone=True))
    assert [each.key for each in wanted] == [course_key(CLASS.key), YEAR.key]


def test_a_target_without_courses_has_groups_alone() -> None:
    assert list(with_courses([CLASS, YEAR], ())) == [CLASS, YEAR]


def test_a_plan_says_which_of_the_two_it_means() -> None:
    key, ada = course_key(CLASS.key), Who(IdentityId("ada"), "ada", Role.STUDENT)
    assert sentence(CreateGroup(CLASS, "")) == "Create the group 7A/Ma1."
    (_, course) = with_courses([CLASS], {GroupKind.TEACHING})
    assert sentence(CreateGroup(course, "")) == "Create the course 7A/Ma1."
    assert sentence(UpdateGroup(key, Anchor("1"), "7A", "7B", "")) == "Rename the course 7A to 7B."
    assert sentence(AddMember(key, None, "7A", ada, "")) == "Add ada to the course 7A."
    assert sentence(AddMember(CLASS.key, None, "7A", ada, "")) == "Add ada to 7A."
