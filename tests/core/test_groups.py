"""Groups from night to night: made of the MIS's and of what people are, frozen between terms, held when a class empties, archived in September."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from builders import NOON, SCHOOL, TODAY, pupil, school, snapshot, teacher
from onroll_core.accounts import Anchor, DesiredGroup, IdentityId, Observed
from onroll_core.changes import AddMember, CreateGroup, UpdateGroup, Who
from onroll_core.groups.diff import held_names
from onroll_core.groups.known import KnownGroup, follow
from onroll_core.groups.names import GroupTemplate, academic_year_name, slug
from onroll_core.groups.project import project_groups
from onroll_core.identities import Identity, State
from onroll_core.people import Group, GroupKind, Person, Role, Snapshot, SourceKey
from onroll_core.plan import ordered
from onroll_core.rules import GroupRules, SchoolRules, TargetRules, Term

MATHS = SourceKey(SCHOOL, "teaching:1")
EVERY = TargetRules("ad", groups=frozenset(GroupKind))


def known_as(person: Person, **other: object) -> Identity:
    record = person.key.record.partition(":")[2]
    identity = Identity(
        IdentityId(record), SCHOOL, person.role, person, State.ACTIVE, username=record, year_of_entry=2020
    )
    return replace(identity, **other)  # type: ignore[arg-type]


PUPILS = [pupil(f"p{n:02}", f"First{n}", "Last", "Year 7", registration_group="7A", house="Curie") for n in range(10)]
TEACHER = teacher("tess")
PEOPLE = [known_as(each) for each in (*PUPILS, TEACHER)]


def told(members: list[Person], *more: Group, leaders: tuple[Person, ...] = (TEACHER,)) -> Snapshot:
    keys = frozenset(each.key for each in members)
    maths = Group(MATHS, GroupKind.TEACHING, "7A/Ma1", keys, frozenset(each.key for each in leaders))
    return replace(snapshot(*PUPILS, TEACHER), groups=(maths, *more))


def following(
    snap: Snapshot, known: list[KnownGroup], today: date = TODAY, rules: SchoolRules | None = None, **more: object
):  # type: ignore[no-untyped-def]
    return follow(snap, known, PEOPLE, today, rules or school(), **more)  # type: ignore[arg-type]


def first() -> KnownGroup:
    (group,) = following(told(PUPILS), []).changed
    return group


def test_a_class_is_remembered_by_its_people_and_not_again_when_nothing_changed() -> None:
    group = first()
    assert (group.name, len(group.members), group.leaders, group.year) == ("7A/Ma1", 10, {IdentityId("tess")}, 2026)
    assert following(told(PUPILS), [group]).changed == []


def test_a_few_who_leave_a_class_leave_it() -> None:
    (group,) = following(told(PUPILS[:6]), [first()]).changed
    assert (len(group.members), group.doubt) == (6, "")


def test_a_class_that_empties_in_the_middle_of_the_year_is_kept_until_a_person_says_so() -> None:
    found = following(told(PUPILS[:3]), [first()])
    (group,) = found.changed
    assert len(group.members) == 10
    assert "7 of 10 people out of the class 7A/Ma1" in group.doubt
    digest = found.doubts[MATHS]
    assert digest in group.doubt
    (after,) = following(told(PUPILS[:3]), [group], approved=frozenset({digest})).changed
    assert (len(after.members), after.doubt) == (3, "")
    assert following(told(PUPILS[:2]), [group], approved=frozenset({digest})).doubts, "a yes is to exactly these people"


def test_in_september_a_class_may_change_all_its_people() -> None:
    (group,) = following(told(PUPILS[:1]), [first()], date(2027, 9, 6)).changed
    assert len(group.members) == 1


def test_between_terms_nobody_leaves_a_class() -> None:
    rules = school(
        groups=GroupRules(terms=(Term(date(2026, 9, 2), date(2026, 12, 18)), Term(date(2027, 1, 5), date(2027, 3, 26))))
    )
    assert following(told([]), [first()], date(2026, 12, 25), rules).changed == []
    (group,) = following(told(PUPILS[:6]), [first()], date(2027, 1, 5), rules).changed
    assert len(group.members) == 6


def test_a_class_that_is_told_no_more_stays_and_is_archived_when_the_year_turns() -> None:
    other = Group(SourceKey(SCHOOL, "teaching:2"), GroupKind.TEACHING, "8B/En1")
    without = replace(told(PUPILS), groups=(other,))
    assert [each.key for each in following(without, [first()]).changed] == [other.key]
    (new, old) = following(without, [first()], date(2027, 9, 2)).changed
    assert (new.key, old.archived, len(old.members)) == (other.key, True, 10)
    again = following(told(PUPILS), [replace(old, year=2026)], date(2027, 9, 3)).changed
    assert [each.archived for each in again] == [False], "a class that is told again is held again"


def test_a_mis_without_teaching_groups_leaves_them_alone() -> None:
    registration = Group(SourceKey(SCHOOL, "registration:7A"), GroupKind.REGISTRATION, "7A", frozenset({PUPILS[0].key}))
    found = following(replace(told(PUPILS), groups=(registration,)), [first()], date(2027, 9, 2)).changed
    assert [each.key for each in found] == [registration.key]


def projected(
    known: list[KnownGroup], rules: SchoolRules | None = None, target: TargetRules = EVERY
) -> dict[str, DesiredGroup]:
    everybody = {each.id for each in PEOPLE}
    return {each.name: each for each in project_groups(known, PEOPLE, everybody, TODAY, rules or school(), target)}


def test_groups_of_every_kind_with_the_schools_own_names() -> None:
    groups = projected([first()])
    assert set(groups) == {
        "Milton Park School 7A/Ma1", "Milton Park School 7A", "Milton Park School Curie", "Milton Park School Year 2020", "Milton Park School Students",
        "Milton Park School Staff", "Milton Park School Teachers",
    }  # fmt: skip
    maths = groups["Milton Park School 7A/Ma1"]
    assert (len(maths.members), maths.owners, maths.address) == (10, {IdentityId("tess")}, "milton-park-class-7a-ma1")


def test_only_the_kinds_that_a_target_wants() -> None:
    groups = projected([first()], target=TargetRules("ad", groups=frozenset({GroupKind.HOUSE})))
    assert list(groups) == ["Milton Park School Curie"]


def test_tutors_own_their_registration_group() -> None:
    tutor = KnownGroup(
        SourceKey(SCHOOL, "registration:9"), GroupKind.REGISTRATION, "7A", leaders=frozenset({IdentityId("tess")})
    )
    assert projected([tutor])["Milton Park School 7A"].owners == {IdentityId("tess")}


def test_an_archived_class_makes_room_for_the_next_of_its_name() -> None:
    new = replace(first(), key=SourceKey(SCHOOL, "teaching:2"))
    groups = projected([replace(first(), archived=True, year=2025), new])
    assert groups["Milton Park School 7A/Ma1 2025-26"].archived
    assert groups["Milton Park School 7A/Ma1"].key == new.key


def test_two_classes_of_one_name_are_told_apart_the_same_way_every_night() -> None:
    twice = [first(), replace(first(), key=SourceKey(SCHOOL, "teaching:2"))]
    assert set(projected(twice)) == set(projected(twice[::-1]))
    addresses = [each.address for each in projected(twice).values()]
    assert "Milton Park School 7A/Ma1 [2]" in projected(twice)
    assert len(set(addresses)) == len(addresses)


@pytest.mark.parametrize(
    ("text", "says"),
    [("{school} {nam}", "Did you mean {name}"), ("{school}", "would call every group the same"), ("{name", "cannot be read"), ("{name!r}", "takes nothing")],
)  # fmt: skip
def test_a_wrong_template_is_a_sentence(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        GroupTemplate.parse(text)


@pytest.mark.parametrize(
    ("text", "safe"),
    [("Milton Park 7A/Ma1", "milton-park-7a-ma1"), ("Ysgol Dŵr-y-felin", "ysgol-dwr-y-felin"), ("  ", ""), ("x" * 80, "x" * 60)],
)  # fmt: skip
def test_what_an_address_is_made_of(text: str, safe: str) -> None:
    assert slug(text) == safe


def test_the_name_of_an_academic_year() -> None:
    assert (academic_year_name(2026), academic_year_name(2099)) == ("2026-27", "2099-00")
    assert NOON.year == 2026


def renaming(record: str, before: str, after: str) -> UpdateGroup:
    return UpdateGroup(SourceKey(SCHOOL, f"teaching:{record}"), Anchor(record), before, after, "so the MIS calls it")


def test_a_name_is_given_up_before_another_group_is_given_it() -> None:
    up = [renaming("1", "7A", "8A"), renaming("2", "8A", "9A"), renaming("3", "9A", "9A 2026-27")]
    made = CreateGroup(DesiredGroup(SourceKey(SCHOOL, "teaching:4"), GroupKind.TEACHING, "7A"), "new")
    assert ordered([made, *up]) == [up[2], up[1], up[0], made]


@pytest.mark.parametrize("names", ["AB", "ABC", "ABCD"])
def test_groups_that_exchange_their_names_do_so_with_one_stepping_aside(names: str) -> None:
    round_about = [renaming(old, old, new) for old, new in zip(names, names[1:] + names[:1], strict=True)]
    held = {each.anchor: each.before for each in round_about}
    steps = [each for each in ordered(round_about) if isinstance(each, UpdateGroup)]
    assert ordered(steps) == steps, "what is in order stays so"
    assert len(steps) == len(names) + 1
    for step in steps:
        assert step.after not in held.values(), "the name is free when it is given"
        assert held[step.anchor] == step.before
        held[step.anchor] = step.after
    assert held == {each.anchor: each.after for each in round_about}


@pytest.mark.parametrize(
    ("record", "names"),
    [("teaching:1", {"choir": "the group Choir"}), ("course:teaching:1", {"course:choir": "the group Choir"})],
)
def test_a_name_that_somebody_elses_group_has_is_said_in_the_plan(record: str, names: dict[str, str]) -> None:
    group = DesiredGroup(SourceKey(SCHOOL, record), GroupKind.TEACHING, "Choir")
    add = AddMember(group.key, None, "Choir", Who(IdentityId("p"), "p", Role.STUDENT), "is in it")
    changes = [CreateGroup(group, "new"), add]
    assert held_names(changes, Observed({}), "google") == (changes, [])
    left, (doubt,) = held_names(changes, Observed({}, group_names=names), "google")
    assert left == []
    assert "the name is held by the group Choir, which onroll did not make" in doubt.why
