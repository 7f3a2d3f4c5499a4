"""UPNs and SCNs by their check rules, with the published and computed examples."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onroll_core.numbers import (
    check_letter,
    is_temporary_upn,
    normal_scn,
    normal_upn,
    problem_with_scn,
    problem_with_upn,
)


@pytest.mark.parametrize(
    ("body", "letter"),
    [
        ("201100018042", "R"), ("20110001804V", "T"), ("801200001001", "H"), ("662332011222", "R"), ("205210200010", "Z"), ("674123101121", "R"),
        ("123456789001", "Y"), ("999999500000", "H"), ("823400121001", "M"), ("823400121002", "B"), ("823400120117", "L"), ("823400119254", "W"),
        ("82340012300A", "V"), ("999900012001", "H"), ("999900012002", "X"), ("999900012003", "L"),
    ],
)  # fmt: skip
def test_the_check_letter_of_a_upn(body: str, letter: str) -> None:
    assert check_letter(body) == letter
    assert problem_with_upn(letter + body) is None
    assert is_temporary_upn(letter + body) == body[-1].isalpha()


@pytest.mark.parametrize(
    ("upn", "says"),
    [
        ("A123456789001", "ask for Y"), ("A999999500000", "ask for H"), ("R20110001804", "12 characters"), ("R2011000180421", "14 characters"),
        ("I201100018042", "letter and twelve digits"), ("T20110001804S", "never used"), ("2011000180421", "letter and twelve digits"),
        ("R2011A0018042", "letter and twelve digits"), ("R٢01100018042", "letter and twelve digits"), ("R20110001804²", "letter and twelve digits"),
    ],
)  # fmt: skip
def test_a_wrong_upn_is_explained_without_being_repeated(upn: str, says: str) -> None:
    problem = problem_with_upn(upn)
    assert problem is not None
    assert says in problem
    assert upn not in problem
    assert not is_temporary_upn(upn)


@pytest.mark.parametrize("text", ["r201100018042", " R201 100018042 ", "R\u00a0201100018042\n"])
def test_a_upn_is_compared_without_spaces_and_in_capitals(text: str) -> None:
    assert normal_upn(text) == "R201100018042"
    assert problem_with_upn(text) is None


def test_a_blank_number_is_no_problem() -> None:
    assert problem_with_upn("  ") is None
    assert problem_with_scn("") is None
    assert not is_temporary_upn("")


@given(st.from_regex(r"[0-9]{11}[0-9A-HJ-NP-RT-Z]", fullmatch=True), st.sampled_from("ABCDEFGHJKLMNPQRTUVWXYZ"))
def test_one_letter_fits_and_twenty_two_do_not(body: str, letter: str) -> None:
    assert (problem_with_upn(letter + body) is None) == (letter == check_letter(body))


@pytest.mark.parametrize(
    "scn", ["051234561", "110000014", "123456785", "010000009", "152403178", "160522887", " 051 234 561 "]
)
def test_a_good_scn(scn: str) -> None:
    assert problem_with_scn(scn) is None


@pytest.mark.parametrize(
    ("scn", "says"),
    [
        ("051234562", "last digit"), ("51234561", "leading zero"), ("51234562", "nine digits"), ("05123456", "nine digits"), ("0512345611", "nine digits"),
        ("05123456A", "nine digits"), ("٠51234561", "nine digits"), *((f"09000123{last}", "never issued") for last in range(10)),
    ],
)  # fmt: skip
def test_a_wrong_scn_is_explained_without_being_repeated(scn: str, says: str) -> None:
    problem = problem_with_scn(scn)
    assert problem is not None
    assert says in problem
    assert scn not in problem


def test_an_scn_keeps_its_leading_zero() -> None:
    assert normal_scn(" 0512 34561") == "051234561"


@given(st.text(max_size=20))
def test_anything_at_all_gets_an_answer(text: str) -> None:
    for problem in (problem_with_upn(text), problem_with_scn(text)):
        assert problem is None or problem.endswith(".")
