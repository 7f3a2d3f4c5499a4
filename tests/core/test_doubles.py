"""One human, two records: who comes back is asked for or recognised, and nobody gets a second account because the office typed them in twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from builders import TODAY, pupil, school, snapshot, teacher
from nights import Nights
from onroll_core.cohorts import reckon
from onroll_core.people import Person, SourceKey, Status
from onroll_core.reconcile import Reconciliation, reconcile

UPN = "A999400000001"
YESTERDAY = TODAY - timedelta(days=1)


def night(
    *first: Person, then: tuple[Person, ...], apart: frozenset[tuple[str, str]] = frozenset()
) -> tuple[Nights, Reconciliation]:
    """What the second of two readings comes to; `apart` are pairs of a username and a record that somebody parted."""
    nights = Nights()
    nights.read(snapshot(*first))
    nights.apply()
    nights.read(snapshot(*(replace(each, ends=YESTERDAY, status=Status.LEFT) for each in first)))
    told, known = snapshot(*then), list(nights.identities.values())
    parted = {(each.id, record) for each in known for username, record in apart if each.username == username}
    years = reckon(told, known, TODAY, school())
    return nights, reconcile(told, known, TODAY, school(), years, nights.new_id, parted)


def again(person: Person, record: str, **other: object) -> Person:
    return replace(person, key=SourceKey(person.key.school, record), **other)  # type: ignore[arg-type]


def test_a_colleague_of_a_leavers_name_is_asked_about_and_gets_no_second_account() -> None:
    adam = teacher("t1", "Adam", "Smith")
    _, found = night(adam, then=(again(adam, "t2"),))
    assert not found.joiners
    assert (
        "a.smith is a leaver, and the MIS now has a new staff record t2 of the same name (Adam Smith)"
        in found.conflicts[0].why
    )
    assert "onroll users link a.smith t2" in found.conflicts[0].why


def test_a_colleague_who_was_typed_in_again_is_asked_about_and_one_who_is_still_there_is_somebody_else() -> None:
    adam = teacher("t1", "Adam", "Smith")
    nights = Nights()
    nights.read(snapshot(adam))
    nights.apply()
    found = nights.read(snapshot(again(adam, "t2")))
    assert isinstance(found, Reconciliation)
    assert not found.joiners
    assert (
        "a.smith is missing from the MIS, and the MIS now has a new staff record t2 of the same name"
        in found.conflicts[0].why
    )
    found = nights.read(snapshot(adam, again(adam, "t2")))
    assert isinstance(found, Reconciliation)
    assert [each.person.key.record for each in found.joiners] == ["t2"]
    assert not found.conflicts


def test_somebody_who_was_parted_from_the_leaver_joins() -> None:
    adam = teacher("t1", "Adam", "Smith")
    _, found = night(adam, then=(again(adam, "t2"),), apart=frozenset({("a.smith", "t2")}))
    assert len(found.joiners) == 1
    assert not found.conflicts


@pytest.mark.parametrize(
    ("before", "now", "joins"), [(UPN, "B999400000002", True), (UPN, None, False), (None, None, False)]
)
def test_a_pupil_of_a_leavers_name_is_somebody_else_when_the_numbers_say_so(
    before: str | None, now: str | None, joins: bool
) -> None:
    harry = pupil("p1", "Harry", "Potter", upn=before)
    _, found = night(harry, then=(again(harry, "p2", upn=now),))
    assert bool(found.joiners) is joins
    assert bool(found.conflicts) is not joins


@pytest.mark.parametrize("old_record_stays", [True, False])
def test_a_leaver_under_a_new_record_gets_the_account_back_whether_or_not_the_old_record_is_still_there(
    old_record_stays: bool,
) -> None:
    harry = pupil("p1", "Harry", "Potter", upn=UPN)
    old = (replace(harry, ends=YESTERDAY, status=Status.LEFT),) if old_record_stays else ()
    nights, found = night(harry, then=(*old, again(harry, "p2")))
    (known,) = nights.identities
    assert [each.id for each in found.returners] == [known]
    assert not found.joiners
    assert not found.conflicts


def test_of_two_new_records_with_one_number_and_one_name_the_first_gets_an_account() -> None:
    dora = pupil("p1", "Dora", "Double", upn=UPN)
    _, found = night(
        then=(replace(dora, status=Status.FUTURE), again(dora, "p2"), again(dora, "p3", status=Status.LEFT))
    )
    assert [each.person.key.record for each in found.joiners] == ["p2"]
    assert [each.why.partition(". ")[0] for each in found.conflicts] == [
        "The MIS has two new student records of Dora Double with one number: p2 and student:p1"
    ]


def test_two_new_records_with_one_number_and_different_names_are_two_people() -> None:
    _, found = night(then=(pupil("p1", "Dora", "Double", upn=UPN), pupil("p2", "Dina", "Double", upn=UPN)))
    assert len(found.joiners) == 2
