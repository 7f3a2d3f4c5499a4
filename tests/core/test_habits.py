"""What accounts that are there say of a school's habits: whatever a school issues by a format, that format is found again."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onroll_core.accounts import Account
from onroll_core.habits import common_root, habits
from onroll_core.people import Role
from onroll_core.username_habits import username_habit
from onroll_core.usernames import Format, Named

YEAR = 2026
FIRST = "Olivia Noah Zoë Muhammad Aoife Siân Jean-Luc Harry Priya Mei Kwame Ewa Tomasz Grace Leo Ivy Oscar Freya Arthur Anaya".split()
LAST = "Smith O'Brien Patel Llewellyn Nowak García Okafor Price Featherstone Khan Zhang MacDonald Evans Begum Potter Ramsbottom Wójcik Ali Lee".split()  # fmt: skip
STUDENTS = [
    "{yoe2}{initial}{last}", "{yoe2}{last}{initial}", "{yoe2}.{first}.{last}", "{yoe4}{initial}{last}", "{first}.{last}", "{initial}.{last}",
    "{initial}{last}{yoe2}", "{initial}{last}.{yoe2}", "{last}{initial}{yoe4}", "{first}{last}", "{last}.{first}", "{first}-{last}",
]  # fmt: skip
STAFF = ["{initial}.{last}", "{initial}{last}", "{first}.{last}", "{last}{initial}", "{last}-{first}"]


def issued(form: Format, many: int, seed: int) -> list[tuple[str, str, str, int]]:
    """People with the usernames that onroll itself would issue by a format: first, last, username, Year of Entry."""
    dice, taken, found = random.Random(seed), set(), []
    for _ in range(many):
        first, last, entry = dice.choice(FIRST), dice.choice(LAST), dice.choice(range(YEAR - 6, YEAR + 1))
        named = form.propose(first, last, entry, taken.__contains__)
        if isinstance(named, Named):
            taken.add(named.username)
            found.append((first, last, named.username, entry))
    return found


@settings(max_examples=60, deadline=None)
@given(
    text=st.sampled_from([(each, Role.STUDENT) for each in STUDENTS] + [(each, Role.STAFF) for each in STAFF]),
    affix=st.sampled_from([("", ""), ("", ""), ("n-", ""), ("mp", ""), ("", ".mps"), ("", "stu")]),
    seed=st.integers(0, 10_000),
)
def test_the_format_of_what_was_issued_is_found_again(
    text: tuple[str, Role], affix: tuple[str, str], seed: int
) -> None:
    form = Format.parse(text[0], text[1], *affix)
    people = [each[:3] for each in issued(form, 60, seed)]
    found = username_habit(people, text[1], YEAR)
    assert found is not None
    assert (found.format, found.prefix, found.suffix) == (text[0], *affix)
    assert found.example in {username for _, _, username in people}


def test_usernames_by_no_format_say_nothing() -> None:
    people = [(first, last, f"user{n:05}") for n, (first, last) in enumerate(zip(FIRST, LAST, strict=False))]
    assert username_habit(people, Role.STAFF, YEAR) is None
    assert username_habit([], Role.STAFF, YEAR) is None
    assert username_habit([("Minerva", "Price", "m.price")], Role.STAFF, YEAR) is None, "one account is no habit"


def test_years_of_leaving_are_not_taken_for_years_of_entry() -> None:
    leaving = [
        (first, last, f"{YEAR - 2000 + 3}{first[0].lower()}{last.lower()}")
        for first, last in zip("Ada Bob Cyd Dee".split(), "Lovelace Hope Finch Marlow".split(), strict=True)
    ]
    assert username_habit(leaving, Role.STUDENT, YEAR) is None


@pytest.mark.parametrize(
    ("mixed", "found"), [(0.3, "{yoe2}{initial}{last}"), (0.9, None)], ids=["some others", "nearly all others"]
)
def test_what_explains_less_than_half_is_no_habit(mixed: float, found: str | None) -> None:
    people = [each[:3] for each in issued(Format.parse("{yoe2}{initial}{last}", Role.STUDENT), 100, 7)]
    odd = int(len(people) * mixed)
    people = [(first, last, f"x{n}q") for n, (first, last, _) in enumerate(people[:odd])] + people[odd:]
    told = username_habit(people, Role.STUDENT, YEAR)
    assert (told.format if told else None) == found


def directory(root: str = "Milton Park") -> list[Account]:
    """A school as it is found: pupils by Year of Entry, staff, leavers, and accounts that are nobody's."""
    pupils = issued(Format.parse("{yoe2}{initial}{last}", Role.STUDENT), 120, 1)
    teachers = issued(Format.parse("{initial}.{last}", Role.STAFF), 30, 2)
    found = [
        Account(f"{name}", f"{name}@pupils.miltonpark.test", frozenset(), f"{first} {last}", first, last, f"{root}/Students/{entry}")
        for first, last, name, entry in pupils
    ]  # fmt: skip
    found += [
        Account(name, f"{first.lower().replace('ë', 'e')}.{last.lower()}@miltonpark.test", frozenset(), f"{last}, {first}", first, last, f"{root}/Staff")
        for first, last, name, _ in teachers
    ]  # fmt: skip
    found += [
        Account(f"{n}gone", f"{n}gone@miltonpark.test", frozenset(), "", "Gone", f"Person{n}", f"{root}/Students/Leavers/2020", enabled=False)
        for n in range(5)
    ]  # fmt: skip
    return [*found, Account("svc-print", "", frozenset(), "Printing", "", "", "Services")]


def test_a_whole_directory_is_described() -> None:
    told = habits(directory(), YEAR)
    assert told.root == "Milton Park" and told.leavers_place == "Students/Leavers"
    pupils, staff = told.of(Role.STUDENT), told.of(Role.STAFF)
    assert pupils.username is not None and pupils.username.format == "{yoe2}{initial}{last}" and pupils.email is None
    assert (pupils.domain, pupils.place, pupils.display_name) == (
        "pupils.miltonpark.test",
        "Students/{yoe4}",
        "{first} {last}",
    )
    assert staff.username is not None and staff.username.format == "{initial}.{last}"
    assert staff.email is not None and staff.email.format == "{first}.{last}"
    assert (staff.domain, staff.place, staff.display_name) == ("miltonpark.test", "Staff", "{last}, {first}")
    assert pupils.seen > 100 and staff.seen > 20


def test_a_root_that_was_named_leaves_everybody_else_out() -> None:
    both = directory("North") + directory("South")
    told = habits(both, YEAR, "South")
    assert told.root == "South" and told.of(Role.STAFF).seen == habits(directory("South"), YEAR).of(Role.STAFF).seen
    assert habits(both, YEAR).root == "", "two schools side by side have no root but the top"


@pytest.mark.parametrize(
    ("places", "root"),
    [
        (["A/Students/2019"] * 9 + ["A/Staff"] * 3, "A"),
        (["Students/2019"] * 9 + ["Staff"] * 3, ""),
        (["Students/2019"] * 9 + ["Students/2020"] * 3, ""),
        (["A/B/Pupils"] * 9 + ["A/B/Teachers", "A/C"], "A/B"),
        (["A/B/Pupils"] * 9 + ["A/B/Teachers", "A/C", "D"], "A"),
        ([], ""),
    ],
)
def test_the_root_is_where_pupils_and_staff_part(places: list[str], root: str) -> None:
    assert common_root(places) == root


@pytest.mark.parametrize(
    ("place", "template"),
    [
        ("Students/Intake 2021", "Students/Intake {yoe4}"),
        ("Pupils/Year 7/7B", "Pupils/{year}/{registration}"),
        ("Pupils/Y9", "Pupils/Y{stage}"),
        ("Students/19", "Students/{yoe2}"),
        ("Students/Room 2001", "Students/Room 2001"),
    ],
)
def test_what_changes_with_the_year_becomes_a_field(place: str, template: str) -> None:
    people = [Account(f"u{n}", "", frozenset(), None, "Ada", f"Hope{n}", f"School/{place}") for n in range(9)]
    people += [Account(f"t{n}", "", frozenset(), None, "Tom", f"Reed{n}", "School/Staff") for n in range(2)]
    assert habits(people, YEAR).of(Role.STUDENT).place == template
