"""Random temporary passwords that nobody will ever know: an account needs one to exist, and its owner gets another."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

LENGTH = 24
"""Characters; more than 100 bits of chance. Google takes 8 to 100, Windows and Entra up to 256."""

_LETTERS = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ"
_DIGITS = "23456789"
_MARKS = "!+-.:=?@_~"
"""Without what a shell, a file, a form or a spreadsheet takes for its own: quotes, backslash, space, angle brackets, &, %, $, `, comma, semicolon."""
_ATTEMPTS = 1000


class Chooser(Protocol):
    """Where randomness comes from: random.SystemRandom in life, a seeded random.Random in tests."""

    def choice(self, seq: str, /) -> str:
        """One character of `seq`."""
        ...


def temporary(random: Chooser, forbidden: Iterable[str]) -> str:
    """A password of 24 ASCII characters from all four classes, which begins with a letter and holds none of the words of `forbidden`.

    `forbidden` are usernames and names as they come. Windows' complexity rule refuses a password that holds the username or a part of the full
    name of three characters or more, whatever the case. No three letters stand in a row here, so that no part of a name can, nor any word at all.
    Raises ValueError when `random` is not random.
    """
    words = {part for word in forbidden for part in _parts(word) if len(part) >= 3}
    for _ in range(_ATTEMPTS):
        password = _drawn(random)
        low = password.lower()
        if _has_all_classes(password) and not any(word in low for word in words):
            return password
    raise ValueError(
        "No password could be made in 1,000 attempts: the source of randomness gives the same again and again."
    )


def _drawn(random: Chooser) -> str:
    drawn = random.choice(_LETTERS)
    while len(drawn) < LENGTH:
        ends_in_two_letters = drawn[-2:].isalpha() and len(drawn) > 1
        drawn += random.choice(_DIGITS + _MARKS if ends_in_two_letters else _LETTERS + _DIGITS + _MARKS)
    return drawn


def _has_all_classes(password: str) -> bool:
    return (
        any(each.islower() for each in password)
        and any(each.isupper() for each in password)
        and any(each.isdigit() for each in password)
        and any(each in _MARKS for each in password)
    )


def _parts(text: str) -> list[str]:
    """The text whole and its parts, as Windows takes a name apart: at everything that is neither letter nor digit."""
    low = text.lower()
    return [low, *"".join(each if each.isalnum() else " " for each in low).split()]
