"""Random temporary passwords that nobody will ever know."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

_LOWER, _UPPER, _DIGITS = "abcdefghijkmnpqrstuvwxyz", "ABCDEFGHJKLMNPQRSTUVWXYZ", "23456789"
_MARKS = "!#%*+-=?@_"
"""Without quotes, backslash, space and angle brackets, on which one system or another stumbles."""
LENGTH = 24


class Chooser(Protocol):
    """Where randomness comes from: random.SystemRandom in life, a seeded one in tests."""

    def choice(self, seq: str, /) -> str:
        """One character of `seq`."""
        ...

    def shuffle(self, x: list[str], /) -> None:
        """Put a list into a random order."""
        ...


def temporary(random: Chooser, forbidden: Iterable[str]) -> str:
    """A password of 24 characters from all four classes that holds none of the words of `forbidden` (usernames and names).

    Windows' complexity rule refuses a password with the username or a part of the full name of three letters or more in it.
    """
    parts = {part for word in forbidden for part in _words(word) if len(part) >= 3}
    while True:
        letters = [random.choice(each) for each in (_LOWER, _UPPER, _DIGITS, _MARKS)]
        letters += [random.choice(_LOWER + _UPPER + _DIGITS + _MARKS) for _ in range(LENGTH - 4)]
        random.shuffle(letters)
        password = "".join(letters)
        low = password.lower()
        if password[0].isalnum() and not any(part in low for part in parts):
            return password


def _words(text: str) -> list[str]:
    spaced = "".join(each if each.isalnum() else " " for each in text.lower())
    return [text.lower(), *spaced.split()]
