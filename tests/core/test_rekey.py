"""A school moves to another MIS: the same numbers are other people there, and nobody is taken for somebody else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from builders import SCHOOL, pupil, snapshot, teacher
from onroll_core.accounts import IdentityId
from onroll_core.errors import Refused
from onroll_core.groups.known import KnownGroup
from onroll_core.identities import Identity, State
from onroll_core.people import Group, GroupKind, Person, Role, SourceKey, Status
from onroll_core.rekey import digest, key_space, lists, rekeyed, taken_back, within

SPACE = key_space(1)


def known(name: str, person: Person, **told: object) -> Identity:
    return Identity(IdentityId(name), SCHOOL, person.role, person, State.ACTIVE, username=name, **told)  # type: ignore[arg-type]


ANN, BOB = known("ann", pupil("1", "Ann", "Lee", upn="A1")), known("bob", pupil("2", "Bob", "Ray", upn="A2"))


def test_the_same_number_in_another_mis_is_another_person() -> None:
    """Both systems count from one: there, pupil 1 is Bob."""
    new = within(snapshot(pupil("1", "Bob", "Ray", upn="A2"), pupil("2", "Ann", "Lee", upn="A1")), SPACE)
    found = lists(new, [ANN, BOB])
    assert not found.linked
    assert found.pairs(possible=False, by_hand={}) == {"ann": f"{SPACE}student:2", "bob": f"{SPACE}student:1"}


def test_whoever_has_the_new_record_is_linked_already() -> None:
    new = within(snapshot(pupil("9", "Ann", "Lee", upn="A1")), SPACE)
    (ann,) = rekeyed([ANN], new, {ANN.id: f"{SPACE}student:9"})
    assert ann.keys == (ANN.person.key, SourceKey(SCHOOL, f"{SPACE}student:9"))
    assert [each.known for each in lists(new, [ann]).linked] == ["ann"]
    assert rekeyed([ann], new, {ANN.id: f"{SPACE}student:9"}) == []


def test_the_seven_lists() -> None:
    governor = known("gov", replace(teacher("g", "Gail", "Vernon"), role=Role.OTHER), source="manual")
    gone = replace(known("gone", pupil("7", "Gone", "Away", upn="A7")), state=State.LEFT)
    twice = [known("cal1", pupil("3", "Cal", "May")), known("cal2", pupil("4", "Cal", "May"))]
    new = within(
        snapshot(
            pupil("11", "Ann", "Lee", upn="A1"), pupil("12", "Bobby", "Ray"), pupil("13", "Cal", "May"), pupil("14", "New", "Here"),
            pupil("15", "Long", "Gone", status=Status.LEFT),
        ),
        SPACE,
    )  # fmt: skip
    found = lists(new, [ANN, BOB, governor, gone, *twice, known("dan", pupil("5", "Dan", "Fox"))])
    assert [each.known for each in found.likely] == ["ann"]
    assert [each.known for each in found.possible] == ["bob"]
    assert [each.known for each in found.ambiguous] == [("cal1", "cal2")]
    assert found.unmatched == ["dan"]
    assert found.unknown == [f"{SPACE}student:14"]
    assert found.not_in_mis == ["gone", "gov"]


def test_a_persons_own_word_goes_before_a_suggestion() -> None:
    new = within(snapshot(pupil("11", "Ann", "Lee", upn="A1"), pupil("12", "Robert", "Ray")), SPACE)
    found = lists(new, [ANN, BOB])
    assert found.pairs(False, {"ann": None}) == {}
    assert found.pairs(False, {"bob": f"{SPACE}student:11"}) == {"bob": f"{SPACE}student:11"}
    assert found.pairs(True, {}).keys() == {"ann", "bob"}
    assert digest(found.pairs(True, {})) != digest(found.pairs(False, {}))


@pytest.mark.parametrize(
    ("pairs", "says"),
    [
        ({"zed": "student:1"}, "no identity zed"), ({"ann": "student:8"}, "no record student:8"), ({"ann": "staff:5"}, "of a staff"),
        ({"ann": "student:1", "bob": "student:1"}, "more than one person's"), ({"bob": "student:9"}, "already carl's"),
    ],
)  # fmt: skip
def test_a_pair_that_cannot_be_is_refused_whole(pairs: dict[IdentityId, str], says: str) -> None:
    told = snapshot(pupil("1", "Ann", "Lee"), teacher("5"), pupil("9", "Carl", "Orr"))
    carl = known("carl", pupil("9", "Carl", "Orr"))
    with pytest.raises(Refused, match=says):
        rekeyed([ANN, BOB, carl], told, pairs)


def test_taken_back_everybody_has_the_old_record_even_after_the_new_mis_was_read() -> None:
    record = f"{SPACE}student:9"
    read_since = replace(
        ANN,
        person=replace(ANN.person, key=SourceKey(SCHOOL, record), first="Anna"),
        also=(ANN.person.key,),
    )
    (ann,) = taken_back([read_since, BOB], {ANN.id: record})
    assert ann.keys == (ANN.person.key,)
    assert ann.person.first == "Anna"
    assert taken_back([ann, BOB], {ANN.id: record}) == []


def test_a_class_goes_on_in_the_new_mis_within_its_year_and_under_its_name_alone() -> None:
    old = KnownGroup(SourceKey(SCHOOL, "teaching:5"), GroupKind.TEACHING, "7A/Ma1", year=2026)
    last_year = KnownGroup(SourceKey(SCHOOL, "teaching:6"), GroupKind.TEACHING, "7A/En1", year=2025)
    members = frozenset({SourceKey(SCHOOL, "student:1")})
    told = replace(
        snapshot(pupil("1")),
        groups=[
            Group(SourceKey(SCHOOL, f"teaching:{record}"), GroupKind.TEACHING, name, members)
            for record, name in (("77", "7A/Ma1"), ("78", "7A/En1"))
        ],
    )
    maths, english = within(told, SPACE, [old, last_year], 2026).groups
    assert (maths.key, english.key.record) == (old.key, f"{SPACE}teaching:78")
    assert maths.members == frozenset({SourceKey(SCHOOL, f"{SPACE}student:1")})


def test_contacts_keep_their_children() -> None:
    parent = Person(SourceKey(SCHOOL, "contact:1"), Role.CONTACT, Status.ON_ROLL, children=("student:1",))
    moved = within(snapshot(pupil("1"), parent), SPACE)
    assert moved.people[1].children == (f"{SPACE}student:1",)
    assert within(snapshot(parent), "").people == (parent,)
