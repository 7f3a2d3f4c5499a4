"""Who is probably whom: numbers first, then names; what a person must look at is never likely."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import SCHOOL, pupil, teacher
from onroll_core.accounts import Account, Anchor, IdentityId, Observed
from onroll_core.identities import Identity, State
from onroll_core.linking import Side, Suggestions, side_of, suggest
from onroll_core.linking.links import Lists, lists
from onroll_core.linking.nicknames import called
from onroll_core.people import Person, Role

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

from linking import found as found_lists
from linking import score
from linking_school import STYLES, make

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


def test_a_record_that_may_be_a_second_one_of_somebody_is_shown_and_neither_is_likely() -> None:
    found = suggested(
        [pupil("8", "Ann", "Lee", upn="A1"), pupil("9", "Ann", "Lee")], [pupil("1", "Ann", "Lee", upn="A1")]
    )
    assert not found.likely
    assert [(each.record, each.why) for each in found.possible] == [
        ("new student:8", "name and national number are the same, and somebody else has the same name")
    ]
    assert [each.records for each in found.ambiguous] == [("new student:9",)]


def test_namesakes_whom_national_numbers_tell_apart_are_likely() -> None:
    anns = [pupil("8", "Ann", "Lee", upn="A1"), pupil("9", "Ann", "Lee", upn="A2")]
    found = suggested(anns, [pupil("1", "Ann", "Lee", upn="A1"), pupil("2", "Ann", "Lee", upn="A2")])
    assert {(each.record, each.known) for each in found.likely} == {
        ("new student:8", "student:1"),
        ("new student:9", "student:2"),
    }


def test_twins_are_never_likely() -> None:
    ann, bea = pupil("1", "Ann", "Lee", upn="A1", dob=BORN), pupil("2", "Bea", "Lee", upn="A2", dob=BORN)
    found = suggested(
        [replace(ann, key=ann.key._replace(record="8")), replace(bea, key=bea.key._replace(record="9"))], [ann, bea]
    )
    assert not found.likely
    assert [each.why for each in found.possible] == [
        "name and national number are the same, and somebody else has the same surname and birthday"
    ] * 2


def test_somebody_in_two_roles_is_shown_in_each_and_never_likely() -> None:
    found = suggested(
        [pupil("8", "Ann", "Lee"), teacher("9", "Ann", "Lee")], [pupil("1", "Ann", "Lee"), teacher("2", "Ann", "Lee")]
    )
    assert not found.likely
    assert {(each.record, each.known) for each in found.possible} == {
        ("new student:8", "student:1"),
        ("new staff:9", "staff:2"),
    }
    assert {each.why for each in found.possible} == {
        "the names are the same, and somebody in another role has the same name"
    }


def test_short_names_are_known_both_ways_and_to_no_stranger() -> None:
    assert "william" in called("bill")
    assert "liz" in called("elizabeth")
    assert called("harry") & {"henry", "harold"}
    assert called("xyz") == {"xyz"}


def account(login: str, first: str = "", last: str = "", place: str = "", **told: object) -> Account:
    values: dict[str, object] = {"given": first, "family": last, "display_name": f"{first} {last}".strip()}
    return Account(login, f"{login}@school.test", place=place, **(values | told))  # type: ignore[arg-type]


def seven(people: list[Person], accounts: list[Account], **observed: frozenset[Anchor]) -> Lists:
    """The lists; people are known by their records, accounts by their logins."""
    known = [
        Identity(IdentityId(each.key.record), SCHOOL, each.role, each, State.ACTIVE, year_of_entry=entry(each))
        for each in people
    ]
    return lists(known, Observed({Anchor(each.login): each for each in accounts}, **observed), "ad", {"number": "upn"})  # type: ignore[arg-type]


def entry(person: Person) -> int | None:
    return 2027 - int(person.year_group.removeprefix("Year ")) if person.year_group else None


def where(found: Lists, record: str) -> str:
    """The list that a record is in, and why."""
    for name in ("likely", "possible"):
        for each in getattr(found, name):
            if each.record == record:
                return f"{name} {each.known}: {each.why}"
    return "ambiguous" if any(record in each.records for each in found.ambiguous) else "alone"


@pytest.mark.parametrize(
    ("held", "list_"),
    [
        (account("x1", "DOROTHY ", " SIMPSON"), "likely"),
        (account("x1", display_name="Simpson, Dorothy"), "likely"),
        (account("x1", display_name="Dorothy Simpson 7B"), "likely"),
        (account("x1", "Dorothy", "Simpson (2020)"), "likely"),
        (account("x1", display_name="Ms Dorothy Simpson"), "likely"),
        (account("x1", "Dorothy Rose", "Simpson"), "possible"),
        (account("x1", "Simpson", "Dorothy"), "possible"),
        (account("x1", "Dot", "Simpson"), "possible"),
        (account("x1", "Dorothy", "Simpson-Bouvier"), "possible"),
        (account("x1", "Dorothy", "Simson"), "possible"),
        (account("x1", "Dorothy", "Sipmson"), "possible"),
        (account("x1", "D", "Simpson"), "possible"),
        (account("dsimpson", "", "Simpson"), "possible"),
        (account("simpsond", "Dorothy", ""), "possible"),
        (account("dorothysimpson"), "possible"),
        (account("x1", "Homer", "Simpson"), "alone"),
        (account("x1", "Dorothy", "Flanders"), "alone"),
        (account("x1", "Dorothy", "Simpson", enabled=False), "possible"),
    ],
)  # fmt: skip
def test_how_an_account_is_written_decides_where_it_is_shown(held: Account, list_: str) -> None:
    assert where(seven([pupil("1", "Dorothy", "Simpson")], [held]), "student:1").split()[0] == list_


@pytest.mark.parametrize(
    ("first", "last", "given", "family"),
    [
        ("Jürgen", "Müller", "Juergen", "Mueller"), ("Ayşe", "Şahin", "Ayse", "Shahin"), ("Søren", "Ørsted", "Soeren", "Orsted"), ("Conor", "Mac Carthy", "Conor", "MacCarthy"),
        ("Hassan", "Ali", "Hasan", "Ali"), ("Oluwaseun", "Bello", "Seun", "Bello"), ("Svitlana", "Kovalenko", "Svetlana", "Kovalenko"), ("Ivan", "Khoma", "Ivan", "Homa"),
        ("Seán", "D'Arcy", "Sean", "D Arcy"),
    ],
)  # fmt: skip
def test_names_are_written_one_way_and_another(first: str, last: str, given: str, family: str) -> None:
    found = seven([pupil("1", first, last)], [account("x1", given, family)])
    assert where(found, "student:1").split()[0] in ("likely", "possible")


def crowd() -> tuple[list[Person], list[Account]]:
    """Pupils of two years in two OUs, and their teachers in a third: what a place means can be learned from them."""
    pupils = [pupil(f"{n:02}", f"Ada{word}", f"Under{word}", f"Year {7 + n % 2}") for n, word in enumerate(WORDS)]
    teachers = [teacher(f"{n:02}", f"Uma{word}", f"Over{word}", year_group=None) for n, word in enumerate(WORDS[:12])]
    held = [account(f"p{n}", each.first or "", each.last or "", f"Kids/{entry(each)}") for n, each in enumerate(pupils)]
    held += [account(f"t{n}", each.first or "", each.last or "", "Grown-ups") for n, each in enumerate(teachers)]
    return [*pupils, *teachers], held


WORDS = "brook cliff dale fell glen heath knoll marsh moss peak ridge shaw tarn vale weir wold beck copse dell firth".split()


@pytest.mark.parametrize(
    ("place", "list_", "why"),
    [
        ("Kids/2020", "likely", "and its place fits"), ("Kids/2019", "possible", "its place is that of another year"), ("Grown-ups", "possible", "in another role"),
        ("Elsewhere", "possible", "nothing about the account says its year, as most here do"),
    ],
)  # fmt: skip
def test_where_most_accounts_lie_by_year_a_name_in_another_place_is_not_likely(
    place: str, list_: str, why: str
) -> None:
    """A leaver's account that was never closed, called as a pupil is who has none."""
    people, held = crowd()
    told = where(
        seven([*people, pupil("99", "Ned", "Flanders", "Year 7")], [*held, account("ned", "Ned", "Flanders", place)]),
        "student:99",
    )
    assert told.startswith(f"{list_} ned: ")
    assert why in told


def test_a_name_is_not_likely_where_another_account_may_be_meant() -> None:
    """The account called Ken Flanders may be a stranger's, and Kenneth's own may be the other one."""
    found = seven(
        [pupil("1", "Ken", "Flanders")], [account("x1", "Ken", "Flanders"), account("x2", "Kenneth", "Flanders")]
    )
    assert where(found, "student:1") == "possible x1: the names are the same, and another account may be meant"
    assert found.accounts_alone == ["x2"]


def test_namesakes_are_told_apart_by_the_years_of_their_places_and_still_not_likely() -> None:
    people, held = crowd()
    neds = [pupil("98", "Ned", "Flanders", "Year 7"), pupil("99", "Ned", "Flanders", "Year 8")]
    found = seven(
        [*people, *neds],
        [*held, account("n0", "Ned", "Flanders", "Kids/2020"), account("n9", "Ned", "Flanders", "Kids/2019")],
    )
    assert where(found, "student:98").startswith("possible n0")
    assert where(found, "student:99").startswith("possible n9")


def test_whoever_took_another_last_name_is_found_by_the_first_among_those_left() -> None:
    people, held = crowd()
    found = seven(
        [*people, teacher("99", "Selma", "Terwilliger")], [*held, account("sb", "Selma", "Bouvier", "Grown-ups")]
    )
    assert where(found, "staff:99") == "possible sb: the first name is the same, and neither fits anybody else"


def test_an_account_that_cannot_be_linked_is_never_likely() -> None:
    ned = Anchor("ned")
    one, held = [pupil("1", "Ned", "Flanders")], [account("ned", "Ned", "Flanders")]
    assert where(seven(one, held), "student:1").startswith("likely")
    assert where(seven(one, held, protected=frozenset({ned})), "student:1").endswith(
        "and the account is an administrator's"
    )


def test_a_number_in_a_username_finds_an_account_without_names() -> None:
    found = seven(
        [pupil("1", "Ned", "Flanders", admission_number="004711"), pupil("2", "Tod", "Flanders")], [account("s004711")]
    )
    assert where(found, "student:1").startswith("possible s004711")


@pytest.mark.parametrize("numbered", [0.0, 0.6])
@pytest.mark.parametrize("style", STYLES)
def test_in_a_made_up_school_no_wrong_pair_is_likely_and_nearly_all_true_ones_are_shown(
    style: str, numbered: float
) -> None:
    made = make(7, style, numbered=numbered)
    assert len(made.accounts) == 1340
    assert (len(made.strangers), len(made.twins)) == (30, 12)
    got = score(made, found_lists(made, numbered > 0))
    assert got.wrong == []
    assert got.twins_likely == 0
    assert got.recall >= 0.97, got.unseen


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
