"""Who is probably whom: numbers first, then names; what a person must look at is never likely."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import pupil, teacher
from onroll_core.linking import Side, Suggestions, side_of, suggest
from onroll_core.nicknames import called
from onroll_core.people import Person, Role

BORN = date(2014, 5, 6)


def suggested(records: list[Person], known: list[Person], **told: bool) -> Suggestions:
    return suggest(
        [side_of(f"new {each.key.record}", each) for each in records],
        [side_of(each.key.record, each) for each in known],
        **told,
    )


def one(records: list[Person], known: list[Person], **told: bool) -> tuple[str, str]:
    """Of a single pair, the list that it is in and the reason."""
    found = suggested(records, known, **told)
    lists = {"likely": found.likely, "possible": found.possible, "ambiguous": found.ambiguous}
    ((where, rows),) = [(name, rows) for name, rows in lists.items() if rows] or [("none", [])]
    return where, rows[0].why if rows else ""


@pytest.mark.parametrize(
    ("new", "old", "where", "why"),
    [
        (pupil("9", "Ann", "Lee", upn="A1"), pupil("1", "Ann", "Lee", upn="a1 "), "likely", "national"),
        (pupil("9", "Ann", "Lee", former_upn="A1"), pupil("1", "Ann", "Lee", upn="A1"), "likely", "national"),
        (pupil("9", "Ann", "Lee", admission_number="7"), pupil("1", "Ann", "Lee", admission_number="7"), "likely", "school's number"),
        (pupil("9", "Ann", "Lee", dob=BORN), pupil("1", "Ann", "Lee", dob=BORN), "likely", "birthday"),
        (teacher("9", "Ann", "Lee", staff_code="AL"), teacher("1", "Ann", "Lee", staff_code="AL"), "likely", "school's number"),
        (pupil("9", "Zoë", "O'Neil"), pupil("1", "Zoe", "ONeil"), "possible", "names are the same"),
        (pupil("9", "Ann", "Smith", upn="A1"), pupil("1", "Ann", "Lee", upn="A1"), "possible", "the name is not"),
        (pupil("9", "Ann", "Lee", upn="A1"), pupil("1", "Ann", "Lee", upn="A2"), "possible", "the upn differs"),
        (pupil("9", "Ann", "Lee", upn="A1", dob=BORN), pupil("1", "Ann", "Lee", upn="A1", dob=date(2013, 5, 6)), "possible", "birthdays differ"),
        (pupil("9", "Bill", "Lee"), pupil("1", "William", "Lee"), "possible", "short forms"),
        (pupil("9", "Ann", "Lee"), pupil("1", "Anya", "Legal", legal_first="Ann", legal_last="Lee"), "possible", "names are the same"),
        (teacher("9", "Ann", "Lee"), pupil("1", "Ann", "Lee"), "possible", "another role"),
        (pupil("9", "Ann", "Lee", admission_number="7"), pupil("1", "Bob", "Ray", admission_number="7"), "none", ""),
        (pupil("9", "Ann", "Lee"), pupil("1", "Ann", "Leigh"), "none", ""),
    ],
)  # fmt: skip
def test_what_a_pair_rests_on_decides_its_list(new: Person, old: Person, where: str, why: str) -> None:
    assert one([new], [old], names_suffice=False)[0] == where
    assert why in one([new], [old], names_suffice=False)[1]


def test_names_suffice_where_nothing_else_is_to_be_had() -> None:
    assert one([pupil("9", "Ann", "Lee")], [pupil("1", "Ann", "Lee")]) == ("likely", "the names are the same")


def test_namesakes_are_ambiguous_and_all_of_them_are_shown() -> None:
    found = suggested([pupil("9", "Ann", "Lee")], [pupil("1", "Ann", "Lee"), pupil("2", "Ann", "Lee")])
    (doubt,) = found.ambiguous
    assert (doubt.records, doubt.known) == (("new student:9",), ("student:1", "student:2"))
    assert (found.likely, found.possible, found.known_alone) == ([], [], [])


def test_two_records_of_one_person_are_ambiguous() -> None:
    found = suggested([pupil("8", "Ann", "Lee", upn="A1"), pupil("9", "Ann", "Lee", upn="A1")], [pupil("1", "Ann", "Lee", upn="A1")])  # fmt: skip
    (doubt,) = found.ambiguous
    assert doubt.records == ("new student:8", "new student:9")
    assert not found.likely


def test_a_namesake_of_somebody_who_is_certain_is_shown_and_takes_nothing_away() -> None:
    found = suggested(
        [pupil("8", "Ann", "Lee", upn="A1"), pupil("9", "Ann", "Lee")], [pupil("1", "Ann", "Lee", upn="A1")]
    )
    assert [each.record for each in found.likely] == ["new student:8"]
    assert [each.records for each in found.ambiguous] == [("new student:9",)]


def test_twins_are_never_likely() -> None:
    ann, bea = pupil("1", "Ann", "Lee", upn="A1", dob=BORN), pupil("2", "Bea", "Lee", upn="A2", dob=BORN)
    found = suggested(
        [replace(ann, key=ann.key._replace(record="8")), replace(bea, key=bea.key._replace(record="9"))], [ann, bea]
    )
    assert not found.likely
    assert [each.why for each in found.possible] == [
        "name and national number are the same, and somebody else has the same surname and birthday"
    ] * 2


def test_a_pupil_is_the_pupil_even_where_a_teacher_has_the_same_name() -> None:
    found = suggested(
        [pupil("8", "Ann", "Lee"), teacher("9", "Ann", "Lee")], [pupil("1", "Ann", "Lee"), teacher("2", "Ann", "Lee")]
    )
    assert {(each.record, each.known) for each in found.likely} == {
        ("new student:8", "student:1"),
        ("new staff:9", "staff:2"),
    }


def test_short_names_are_known_both_ways_and_to_no_stranger() -> None:
    assert "william" in called("bill")
    assert "liz" in called("elizabeth")
    assert called("harry") & {"henry", "harold"}
    assert called("xyz") == {"xyz"}


NAMES = st.sampled_from(["ann", "bill", "william", "lee", "smith", "o'neil"])
SIDES = st.builds(
    lambda number, first, last, upn, born, role: Side(
        str(number), role, frozenset({(first, last)}), frozenset({("upn", upn)}) if upn else frozenset(), born
    ),
    st.integers(0, 10_000), NAMES, NAMES, st.sampled_from(["", "A1", "A2", "A3"]), st.sampled_from([None, BORN]),
    st.sampled_from([Role.STUDENT, Role.STAFF]),
)  # fmt: skip


@given(
    st.lists(SIDES, max_size=9, unique_by=lambda side: side.key),
    st.lists(SIDES, max_size=9, unique_by=lambda side: side.key),
)
def test_everybody_is_in_exactly_one_list_and_nobody_is_matched_twice(records: list[Side], known: list[Side]) -> None:
    found = suggest(records, known)
    matches = [*found.likely, *found.possible]
    left = [each.record for each in matches] + [r for doubt in found.ambiguous for r in doubt.records]
    assert sorted(left + list(found.records_alone)) == sorted(each.key for each in records)
    right = {each.known for each in matches}
    assert len(right) == len(matches)
    doubted = {who for doubt in found.ambiguous for who in doubt.known}
    assert right | doubted | set(found.known_alone) == {each.key for each in known}
    assert not set(found.known_alone) & (right | doubted)


@given(st.lists(SIDES, max_size=8, unique_by=lambda side: side.key), st.randoms())
def test_the_order_in_which_a_mis_tells_changes_nothing(sides: list[Side], chance) -> None:  # type: ignore[no-untyped-def]
    known = [replace(side, key=f"k{side.key}") for side in sides]
    shuffled = list(known)
    chance.shuffle(shuffled)
    assert suggest(sides, known) == suggest(list(reversed(sides)), shuffled)
