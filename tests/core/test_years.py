"""Year groups and Years of Entry, by the tables of the four countries and the examples that schools know."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import SCHOOL, pupil, school, snapshot
from onroll_core.accounts import IdentityId
from onroll_core.cohorts import Years, reckon, year_of_entry_of
from onroll_core.identities import Identity, State
from onroll_core.people import Person, Role, Status
from onroll_core.years import (
    ROLLOVERS,
    Country,
    Rollover,
    Stage,
    academic_year,
    parse_stage,
    stage_by_age,
    stage_in,
    year_of_entry,
)

E, W, S, NI = Country.ENGLAND, Country.WALES, Country.SCOTLAND, Country.NORTHERN_IRELAND


@pytest.mark.parametrize(
    ("country", "group", "entry"),
    [
        (E, "N1", 2028), (E, "N2", 2027), (E, "R", 2026), (E, "1", 2025), (E, "7", 2019), (E, "11", 2015), (E, "13", 2013), (E, "14", 2012),
        (W, "R", 2026), (W, "Year 1", 2025),
        (S, "P1", 2025), (S, "P7", 2019), (S, "S1", 2018), (S, "S6", 2013),
        (NI, "Year 1", 2025), (NI, "P1", 2025), (NI, "Year 8", 2018), (NI, "Year 14", 2012),
    ],
)  # fmt: skip
def test_the_year_of_entry_of_every_stage_in_2025(country: Country, group: str, entry: int) -> None:
    stage = parse_stage(group, country)
    assert stage is not None
    assert year_of_entry(stage, 2025) == entry


@pytest.mark.parametrize(("group", "entry"), [("Year 2", 2016), ("Reception", 2018), ("Year 3", 2015)])
def test_the_examples_of_the_faq_in_september_2017(group: str, entry: int) -> None:
    stage = parse_stage(group, E)
    assert stage is not None
    assert year_of_entry(stage, academic_year(date(2017, 9, 4), ROLLOVERS[E])) == entry


@pytest.mark.parametrize(
    "text",
    [
        "Year  7",
        "Year 7",
        "Y7",
        "Yr 7",
        "7",
        "07",
        " year 7 ",
        "YEAR 7",
        "Yr. 7",
        "Y07",
        "Year\u00a07",
        "NC Year 7",
        "Year Group 7",
    ],
)
def test_year_seven_however_it_is_written(text: str) -> None:
    assert parse_stage(text, E) == Stage(7, E)


@pytest.mark.parametrize("text", ["R", "YR", "Reception", "Year  R", "year r", "0"])
def test_reception_however_it_is_written(text: str) -> None:
    assert parse_stage(text, E) == Stage(0, E)


@pytest.mark.parametrize(
    ("text", "n"), [("N1", -2), ("Year  N2", -1), ("N2", -1), ("Nursery", -1), ("-1", -1), ("-2", -2)]
)
def test_the_nursery_years(text: str, n: int) -> None:
    assert parse_stage(text, E) == Stage(n, E)


@pytest.mark.parametrize(
    "text", [None, "", "  ", "X", "SP", "5D", "P4", "S2", "Year 15", "99", "Yearling", "Y", "7A/Ma1"]
)
def test_what_is_no_year_group_in_england_gives_none(text: str | None) -> None:
    assert parse_stage(text, E) is None


def test_a_class_name_is_read_only_where_that_is_asked_for() -> None:
    assert parse_stage("5D", E, from_class=True) == Stage(5, E)
    assert parse_stage("RF", E, from_class=True) == Stage(0, E)
    assert parse_stage("10X1", E, from_class=True) == Stage(10, E)
    assert parse_stage("P4B", S, from_class=True) == Stage(4, S)
    for colour_or_teacher in ("RED", "Robins", "P4B", "15A", "0A", "12/TSA", "5"):
        found = parse_stage(colour_or_teacher, E, from_class=True)
        assert found == (Stage(5, E) if colour_or_teacher == "5" else None)


def test_the_country_decides_what_p1_means() -> None:
    assert parse_stage("P1", S) == Stage(1, S)
    assert parse_stage("S1", S) == Stage(8, S)
    assert parse_stage("P1", NI) == Stage(1, NI)
    assert parse_stage("S1", NI) is None
    assert parse_stage("R", S) is None
    assert parse_stage("Primary 4", S) == parse_stage(" p4 ", S) == Stage(4, S)


@pytest.mark.parametrize("text", ["7", "Year 7", "0", "-1", "S7", "P8", "P0", "S0"])
def test_a_number_says_nothing_in_scotland(text: str) -> None:
    # 1 is P1 in a primary and S1 in a secondary.
    assert parse_stage(text, S) is None


def test_labels_are_what_people_say() -> None:
    stages = [Stage(7, E), Stage(0, E), Stage(-1, E), Stage(-2, E), Stage(4, S), Stage(9, S), Stage(0, S), Stage(8, NI)]
    assert [stage.label for stage in stages] == [
        "Year 7", "Reception", "Nursery 2", "Nursery 1", "P4", "S2", "Nursery", "Year 8",
    ]  # fmt: skip


@given(st.integers(-2, 14), st.sampled_from(list(Country)), st.integers(2000, 2050))
def test_a_label_reads_back_and_years_pass_one_at_a_time(n: int, country: Country, year: int) -> None:
    stage = Stage(n, country)
    entry = year_of_entry(stage, year)
    if (n == -2 and country in (S, NI)) or (n == 14 and country is S):
        assert stage_in(entry, year, country) is None
        return
    assert parse_stage(stage.short, country) == parse_stage(stage.label, country) == stage
    assert stage_in(entry, year, country) == stage
    later = stage_in(entry, year + 1, country)
    assert later is None or later.n == n + 1


@given(st.text(max_size=50), st.sampled_from(list(Country)), st.booleans())
def test_whatever_stands_in_the_year_group_is_a_stage_of_the_country_or_none(
    text: str, country: Country, from_class: bool
) -> None:
    stage = parse_stage(text, country, from_class)
    assert stage is None or (stage.country is country and -2 <= stage.n <= 14)


def test_the_first_and_the_last_stage_have_nothing_beyond_them() -> None:
    assert [stage_in(2012, year, E) for year in (2025, 2026)] == [Stage(14, E), None]
    assert [stage_in(2028, year, E) for year in (2025, 2024)] == [Stage(-2, E), None]
    assert [stage_in(2013, year, S) for year in (2025, 2026)] == [Stage(13, S), None]


def test_whole_cohorts_leave_at_the_ends_of_primary_of_compulsory_schooling_and_of_sixth_form() -> None:
    def finals(country: Country) -> list[str]:
        return [stage.short for stage in (Stage(n, country) for n in range(-2, 15)) if stage.final]

    assert finals(E) == finals(W) == ["6", "11", "13", "14"]
    assert finals(NI) == ["7", "12", "14"]
    assert finals(S) == ["P7", "S4", "S5", "S6"]


@pytest.mark.parametrize(
    ("day", "country", "year"),
    [
        (date(2026, 8, 31), E, 2025), (date(2026, 9, 1), E, 2026), (date(2026, 8, 11), S, 2025), (date(2026, 8, 12), S, 2026),
        (date(2027, 1, 1), NI, 2026),
    ],
)  # fmt: skip
def test_the_academic_year_begins_on_the_countrys_day(day: date, country: Country, year: int) -> None:
    assert academic_year(day, ROLLOVERS[country]) == year


@pytest.mark.parametrize("text", ["9", "13-01", "02-30", "09/01", ""])
def test_a_rollover_that_is_no_day_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="day"):
        Rollover.parse(text)


@pytest.mark.parametrize(
    ("born", "year", "n"), [(date(2008, 9, 1), 2020, 7), (date(2008, 8, 31), 2020, 8), (date(2004, 9, 1), 2020, 11)]
)
def test_the_stage_by_age(born: date, year: int, n: int) -> None:
    # Born on 31 August is one year ahead of born on 1 September.
    assert stage_by_age(born, year, E) == Stage(n, E)


@pytest.mark.parametrize(
    ("born", "country", "n"),
    [
        (date(2021, 2, 28), S, 1), (date(2021, 3, 1), S, 0), (date(2020, 2, 29), S, 2), (date(2020, 3, 1), S, 1),
        (date(2021, 7, 1), NI, 1), (date(2021, 7, 2), NI, 0), (date(2021, 8, 31), W, 0), (date(2021, 9, 1), W, -1),
    ],
)  # fmt: skip
def test_the_other_countries_count_birthdays_from_their_own_days(born: date, country: Country, n: int) -> None:
    assert stage_by_age(born, 2025, country) == Stage(n, country)


def test_a_birthday_that_fits_no_stage_gives_none() -> None:
    assert stage_by_age(date(1970, 1, 1), 2025, E) is None
    assert stage_by_age(date(2025, 1, 1), 2025, S) is None


def test_the_stage_by_age_on_the_last_day_of_a_year_is_the_old_years() -> None:
    year = academic_year(date(2020, 8, 31), ROLLOVERS[E])
    assert [stage_by_age(born, year, E) for born in (date(2008, 9, 1), date(2008, 8, 31))] == [Stage(6, E), Stage(7, E)]


def identity(person: Person, entry: int | None = None) -> Identity:
    return Identity(IdentityId("id"), SCHOOL, Role.STUDENT, person, State.ACTIVE, year_of_entry=entry)


def test_a_future_starter_is_reckoned_in_the_year_of_their_first_day() -> None:
    years = Years(2026, date(2026, 11, 24), E, ROLLOVERS[E])
    coming = pupil("luna", year="R", status=Status.FUTURE, starts=date(2027, 9, 1))
    assert year_of_entry_of(identity(coming), years) == 2028
    soon = pupil("luna", year="7", status=Status.FUTURE, starts=date(2027, 1, 6))
    assert year_of_entry_of(identity(soon), years) == 2020


@pytest.mark.parametrize(("group", "entry"), [("R", 2028), ("7", 2021), ("Year 12", 2016)])
def test_an_intake_typed_in_early_never_gets_this_years_cohort(group: str, entry: int) -> None:
    november = Years(2026, date(2026, 11, 24), E, ROLLOVERS[E])
    first_day = pupil("luna", year=group, status=Status.FUTURE, starts=date(2027, 9, 1))
    assert year_of_entry_of(identity(first_day), november) == entry
    # The same on their first day, when the year group has come to speak of now.
    september = Years(2027, date(2027, 9, 1), E, ROLLOVERS[E])
    assert year_of_entry_of(identity(first_day, entry), september) == entry


def test_an_intake_without_a_first_day_has_no_cohort_yet() -> None:
    years = Years(2026, date(2026, 11, 24), E, ROLLOVERS[E])
    someday = pupil("luna", year="7", status=Status.FUTURE)
    assert year_of_entry_of(identity(someday), years) is None
    assert year_of_entry_of(identity(someday, 2021), years) == 2021


def test_a_pupil_who_resits_joins_the_cohort_behind() -> None:
    years = Years(2026, date(2026, 11, 24), E, ROLLOVERS[E])
    assert year_of_entry_of(identity(pupil("neville", year="Year 11"), 2015), years) == 2016


def test_a_year_group_that_says_nothing_leaves_the_year_of_entry_as_it_was() -> None:
    years = Years(2026, date(2026, 11, 24), E, ROLLOVERS[E])
    for nothing in (None, "", "X", "SP"):
        assert year_of_entry_of(identity(pupil("neville", year=nothing), 2015), years) == 2015


@pytest.mark.parametrize(("day", "promoted"), [(date(2026, 9, 3), 0), (date(2026, 7, 20), 1)])
def test_a_school_that_promotes_late_or_early_keeps_its_cohorts(day: date, promoted: int) -> None:
    # In September the MIS still says last year's groups; in July it says next year's already.
    known = [identity(pupil(f"p{n}"), 2026 - 7) for n in range(30)]
    told = snapshot(*(pupil(f"p{n}", year=f"Year {7 + promoted}") for n in range(30)))
    years = reckon(told, known, day, school())
    assert [year_of_entry_of(identity(person, 2019), years) for person in told.people] == [2019] * 30


def test_a_few_pupils_who_skip_a_year_do_not_move_the_calendar() -> None:
    known = [identity(pupil(f"p{n}"), 2020) for n in range(30)]
    told = snapshot(*(pupil(f"p{n}", year="Year 8" if n < 5 else "Year 7") for n in range(30)))
    assert reckon(told, known, date(2026, 11, 24), school()).current == 2026
