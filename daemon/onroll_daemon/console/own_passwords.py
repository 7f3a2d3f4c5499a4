"""Passwords of the console's local accounts: argon2 with its own defaults, the same time for a wrong one as for nobody's, and none that is easily guessed."""

from __future__ import annotations

import threading
import unicodedata
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SHORTEST, LONGEST = 12, 200
_AT_ONCE = threading.BoundedSemaphore(2)
"""One hash takes 64 MB for as long as it lasts: a hundred people who sign in at once wait for each other instead."""

_USUAL = frozenset(
    """
    password passw0rd p@ssw0rd p@ssword passwort passphrase mypassword newpassword welcome welcometo letmein letmeinplease changeme changethis
    changemenow administrator admin root onroll onrollonroll school myschool secret topsecret default temporary temppassword qwerty qwertyuiop
    qwertyuiopasdf qwerty123qwerty asdfghjkl zxcvbnm qazwsxedcrfv 1qaz2wsx3edc 1q2w3e4r5t6y abc abcdefghijkl iloveyou football liverpool chelsea
    arsenal manchester everton rangers celtic sunshine princess dragon monkey superman batman pokemon hogwarts harrypotter winter spring summer
    autumn september monday england scotland london computer internet trustno spiderman correcthorsebatterystaple
    """.split()
)
"""What is left of the passwords that people choose first, once the digits and signs around them are taken away."""


def hashed(password: str) -> str:
    """argon2's text of a password, to be kept."""
    with _AT_ONCE:
        return _hasher().hash(_plain(password))


def matches(password: str, kept: str | None) -> bool:
    """Whether a password is the one that is kept. Takes as long where nothing is kept (None), so that nobody learns from it who has an account."""
    from argon2.exceptions import InvalidHashError, VerificationError

    with _AT_ONCE:
        try:
            _hasher().verify(kept or _nobodys(), _plain(password))
        except (VerificationError, InvalidHashError):
            return False
    return kept is not None


def outgrown(kept: str) -> bool:
    """Whether argon2 costs more by now than when this was kept, so that it should be hashed anew."""
    return _hasher().check_needs_rehash(kept)


def objection(password: str, again: str, name: str) -> str:
    """Why a new password of `name` cannot be taken, in a sentence; "" when it can."""
    plain = _plain(password)
    folded = plain.casefold()
    if len(plain) < SHORTEST:
        return f"Write at least {SHORTEST} characters. Three or four words that do not belong together are easy to remember and hard to guess."
    if len(plain) > LONGEST:
        return f"Write at most {LONGEST} characters."
    if plain != _plain(again):
        return "The two are not the same. Write the password twice."
    if name and len(folded.replace(name.strip().casefold(), "")) < SHORTEST - 4:
        return "The sign-in name is most of it. Choose a password without it."
    if folded.strip("0123456789!?.,-_#*@$£&+ ") in _USUAL | {""} or len(set(folded)) < 5:
        return "That is among the first that anybody would try. Choose another one."
    return ""


@cache
def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher

    return PasswordHasher()


@cache
def _nobodys() -> str:
    return _hasher().hash("nobody has this password")


def _plain(password: str) -> str:
    """The same characters, however a keyboard composes them."""
    return unicodedata.normalize("NFKC", password)
