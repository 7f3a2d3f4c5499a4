"""Temporary passwords: random, accepted everywhere, and without anything of their owner in them."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onroll_core.passwords import temporary


class Stuck:
    """A source of randomness that is broken."""

    def choice(self, seq: str, /) -> str:
        return seq[0]


@given(st.integers(), st.lists(st.text(max_size=20), max_size=5))
def test_every_system_takes_it(seed: int, names: list[str]) -> None:
    password = temporary(Random(seed), names)
    assert 20 <= len(password) <= 100
    assert password.isascii() and password.isprintable()
    assert not set(password) & set(" '\"\\<>`$%&,;|")
    assert password[0].isalpha()
    for kind in (str.islower, str.isupper, str.isdigit, lambda each: not each.isalnum()):
        assert any(kind(each) for each in password)


def test_no_name_of_any_length_from_three_can_be_in_it() -> None:
    # Fifty thousand letters of a password, and never three in a row: so no part of a name, whoever is called what.
    for seed in range(2000):
        assert not any(
            run.isalpha()
            for run in (password[at : at + 3] for password in [temporary(Random(seed), [])] for at in range(22))
        )


def test_what_holds_a_username_with_digits_is_not_given() -> None:
    without = temporary(Random(7), [])
    for at in range(len(without) - 2):
        held = without[at : at + 3]
        assert held.lower() not in temporary(Random(7), [held.swapcase()]).lower()
        assert held.lower() not in temporary(Random(7), [f"x {held} y"]).lower() or not held.isalnum()


def test_short_and_empty_words_forbid_nothing() -> None:
    assert temporary(Random(1), ["", "a", "Ng", "B C"]) == temporary(Random(1), [])


def test_no_two_are_the_same_but_for_the_same_chance() -> None:
    assert len({temporary(Random(seed), []) for seed in range(1000)}) == 1000
    assert temporary(Random(3), ["Ann"]) == temporary(Random(3), ["Bob"])


def test_a_broken_source_of_randomness_is_said_aloud() -> None:
    with pytest.raises(ValueError, match="randomness"):
        temporary(Stuck(), [])
