"""What is handed out on paper: passwords that policies take and people can read, and files that no spreadsheet runs."""

from __future__ import annotations

import csv
import io
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onroll_core.handout import WORDS, Slip, as_csv, as_html, first_password, safe_cell

KINDS = (str.islower, str.isupper, str.isdigit, lambda each: not each.isalnum())


@pytest.mark.parametrize("style", ["words", "strong"])
@given(seed=st.integers(), names=st.lists(st.text(max_size=20), max_size=4))
def test_every_password_satisfies_the_usual_policies(style, seed: int, names: list[str]) -> None:
    password = first_password(style, random.Random(seed), names)
    assert 12 <= len(password) <= 30
    assert password.isascii()
    assert all(any(map(kind, password)) for kind in KINDS)
    for name in names:
        for part in "".join(each if each.isalnum() else " " for each in name.lower()).split():
            assert len(part) < 3 or part not in password.lower()


def test_words_are_words_a_small_child_can_read_and_there_are_enough_of_them() -> None:
    one, two, digits = first_password("words", random.Random(4), []).split("-")
    assert one.lower() in WORDS
    assert two.lower() in WORDS
    assert len(digits) == 4
    assert len(set(WORDS)) == len(WORDS) >= 190
    assert all(word.isascii() and word.islower() and 3 <= len(word) <= 8 for word in WORDS)


def test_randomness_that_never_changes_is_an_error() -> None:
    class Stuck:
        def choice(self, seq):  # type: ignore[no-untyped-def]
            return seq[0]

    with pytest.raises(ValueError, match="randomness"):
        first_password("words", Stuck(), [WORDS[0]])


SLIPS = [
    Slip("Zoë Zebra", "20zzebra", "20zzebra@school.test", "Tiger-Lamp-4072", "7B"),
    Slip('=HYPERLINK("http://x")', "20x", "20x@school.test", "Goat-Moon-7344", "7A"),
    Slip("<script>alert(1)</script>", "20y", "20y@school.test", "Pear-Sun-6655", "7A"),
]


def test_the_csv_opens_in_a_spreadsheet_without_a_formula() -> None:
    text = as_csv(SLIPS)
    assert text.startswith("\ufeff")
    rows = list(csv.reader(io.StringIO(text[1:])))
    assert rows[0] == ["name", "username", "email", "password", "group"]
    assert [row[4] for row in rows[1:]] == ["7A", "7A", "7B"]
    assert rows[2][0].startswith("'=") or rows[1][0].startswith("'=")


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\t=1", "\r=1"])
def test_what_would_be_a_formula_is_a_text(text: str) -> None:
    assert safe_cell(text) == f"'{text}"


def test_slips_are_grouped_for_cutting_and_no_name_is_markup() -> None:
    page = as_html(SLIPS, "Milton <b>Park</b>")
    assert page.index("<h2>7A</h2>") < page.index("<h2>7B</h2>")
    assert page.count("<article>") == 3
    assert "<script>" not in page
    assert "<b>" not in page
    assert "&lt;script&gt;" in page
    assert "Tiger-Lamp-4072" in page
    assert "http" not in page.replace("http://x", "")
