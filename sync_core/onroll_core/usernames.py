"""From people's names to usernames, by DESIGN 6's rules: transliterated, letters only, at most 20 characters, unique by a number at the end."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from string import Formatter
from typing import Literal

from unidecode import unidecode

from onroll_core.people import Role
from onroll_core.wordlists import is_reserved, is_unfortunate

LONGEST = 20
"""sAMAccountName's limit for users on Windows; RM Unify's too."""
LONGEST_PREFIX = 5
LONGEST_SUFFIX = 10
_LONGEST_NAME = 200

Element = Literal["initial", "first", "last", "yoe4", "yoe2"]
_ELEMENTS: dict[Role, tuple[str, ...]] = {
    Role.STUDENT: ("initial", "first", "last", "yoe4", "yoe2"),
    Role.STAFF: ("initial", "first", "last"),
}
_JOINERS = "\u200c\u200d"
_USERNAME = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")
_AFFIX = re.compile(r"[a-z0-9._-]*")


@dataclass(frozen=True, slots=True)
class Named:
    """A username that may be issued."""

    username: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """No username can be issued without a person: `why` is a sentence, `proposal` a username that would do."""

    why: str
    proposal: str


@dataclass(frozen=True, slots=True)
class Format:
    """How usernames are put together; made by `parse`. `separators[i]` stands before `elements[i]`."""

    text: str
    elements: tuple[str, ...]
    separators: tuple[str, ...]
    prefix: str = ""
    suffix: str = ""

    @classmethod
    def parse(cls, text: str, role: Role, prefix: str = "", suffix: str = "") -> Format:
        """Reads a format such as "{yoe2}{initial}{last}" or "{initial}.{last}".

        Students may use initial, first, last, yoe4 and yoe2, staff initial, first and last, parted by ".", "-" or nothing; a prefix has at most 5
        characters, a suffix at most 10. Raises ValueError with a sentence.
        """
        allowed = _ELEMENTS.get(role, _ELEMENTS[Role.STAFF])
        elements: list[str] = []
        separators: list[str] = []
        try:
            pieces = list(Formatter().parse(text))
        except ValueError as failure:
            raise ValueError(f"The username format {text!r} cannot be read: {failure}.") from None
        for literal, name, _, _ in pieces:
            if literal not in ("", ".", "-") or (literal and (not elements or name is None)):
                raise ValueError(
                    f"The username format {text!r} has {literal!r} in it. Between two elements there may be . or - or nothing;"
                    " what stands at the ends of every username is its prefix or suffix."
                )
            if name is None:
                continue
            if name not in allowed:
                near = get_close_matches(name, allowed, n=1)
                hint = (
                    f"Did you mean {{{near[0]}}}?"
                    if near
                    else f"It may be one of {', '.join(f'{{{each}}}' for each in allowed)}."
                )
                raise ValueError(
                    f"The username format {text!r} names {{{name}}}, which {role.value} cannot have. {hint}"
                )
            elements.append(name)
            separators.append(literal)
        if not {"initial", "first", "last"} & set(elements):
            raise ValueError(f"The username format {text!r} has no part of a name in it.")
        _check_affix("prefix", prefix, LONGEST_PREFIX)
        _check_affix("suffix", suffix, LONGEST_SUFFIX)
        if suffix.endswith((".", "-", "_")) or prefix.startswith((".", "-", "_")):
            raise ValueError(
                "A username neither begins nor ends with a dot, a hyphen or an underscore: Windows refuses it."
            )
        return cls(text, tuple(elements), tuple(separators), prefix, suffix)

    @property
    def needs_year(self) -> bool:
        """True when usernames hold the Year of Entry."""
        return "yoe4" in self.elements or "yoe2" in self.elements

    def propose(
        self,
        first: str,
        last: str,
        year_of_entry: int | None,
        taken: Callable[[str], bool],
        counters: dict[str, int] | None = None,
    ) -> Named | Waiting:
        """The first free username for these names, or why a person must choose one.

        `taken` says of a lower-case username whether anybody ever had it. With `counters` (kept by the caller for one round of issuing) a body that
        is common is not counted from 1 again each time, so that n people of one name cost n questions and not n squared.
        """
        values = {
            "first": letters(first),
            "initial": letters(first)[:1],
            "last": letters(last),
            "yoe4": "" if year_of_entry is None else f"{year_of_entry:04}",
            "yoe2": "" if year_of_entry is None else f"{year_of_entry % 100:02}",
        }
        name_letters = "".join(values[each] for each in self.elements if not each.startswith("yoe"))
        if not name_letters:
            stand_in = self._first_free("".join((values["first"], values["last"])) or "user", taken, counters)
            return Waiting("The name leaves no letters for a username.", stand_in)
        if self.needs_year and year_of_entry is None:
            return Waiting(
                "The username needs the Year of Entry, and the MIS tells no year group that gives one.",
                self._first_free(self._body(values), taken, counters),
            )
        body = self._body(values)
        whole = self._fit(body, "")
        if is_reserved(whole):
            return Waiting(
                f"The username {whole} is one that systems keep for themselves.", self._another(values, taken, counters)
            )
        if is_unfortunate(name_letters):
            return Waiting(
                "The username would read as a word that is better not printed.", self._another(values, taken, counters)
            )
        return Named(self._first_free(body, taken, counters))

    def _body(self, values: dict[str, str]) -> str:
        body = ""
        for separator, element in zip(self.separators, self.elements, strict=True):
            value = values[element]
            if value:
                body += (separator if body else "") + value
        return body

    def _fit(self, body: str, number: str) -> str:
        """Prefix, as much of the body as there is room for, suffix, number: at most 20 characters."""
        room = LONGEST - len(self.prefix) - len(self.suffix) - len(number)
        cut = body[: max(room, 0)].rstrip(".-")
        return f"{self.prefix}{cut}{self.suffix}{number}"

    def _first_free(self, body: str, taken: Callable[[str], bool], counters: dict[str, int] | None) -> str:
        start = self._fit(body, "")
        n = counters.get(start, 0) if counters is not None else 0
        candidate = self._fit(body, str(n) if n else "")
        while taken(candidate):
            n += 1
            candidate = self._fit(body, str(n))
        if counters is not None:
            counters[start] = n
        return candidate

    def _another(self, values: dict[str, str], taken: Callable[[str], bool], counters: dict[str, int] | None) -> str:
        """A proposal in another order of the same elements."""
        year = values["yoe2"] if self.needs_year else ""
        for body in (
            f"{year}{values['last']}.{values['first']}",
            f"{year}{values['first']}.{values['last']}",
            f"{year}{values['last']}.x",
        ):
            tidy = body.strip(".")
            if tidy and not is_reserved(tidy) and not is_unfortunate(tidy):
                return self._first_free(tidy, taken, counters)
        return self._first_free(f"{year}user", taken, counters)


def _check_affix(what: str, text: str, longest: int) -> None:
    if len(text) > longest:
        raise ValueError(f"The {what} {text!r} has {len(text)} characters; at most {longest} fit.")
    if not _AFFIX.fullmatch(text):
        raise ValueError(f"The {what} {text!r} may hold small letters, digits, dot, hyphen and underscore only.")


@lru_cache(maxsize=65536)
def letters(name: str) -> str:
    """The letters a to z of a name in any script: transliterated by Unidecode, everything else dropped."""
    text = unicodedata.normalize(
        "NFC", "".join(each for each in name[:_LONGEST_NAME] if not "\ud800" <= each <= "\udfff")
    )
    return "".join(letter for letter in unidecode(text).lower() if "a" <= letter <= "z")


@lru_cache(maxsize=65536)
def fold(name: str) -> str:
    """A name for comparing: without case, accents, spaces and punctuation, as Windows folds accents."""
    text = "".join(each for each in name[:_LONGEST_NAME] if not "\ud800" <= each <= "\udfff")
    return "".join(each for each in unidecode(unicodedata.normalize("NFC", text)).lower() if each.isalnum())


def clean_display(text: str) -> str:
    """A name for display: accents kept, white space collapsed, control and direction-changing characters dropped."""
    if text.isprintable() and "  " not in text and (text.isascii() or unicodedata.is_normalized("NFC", text)):
        return text.strip()
    kept = (
        " " if each.isspace() else each
        for each in text
        if each.isspace() or each in _JOINERS or unicodedata.category(each)[0] != "C"
    )
    return " ".join(unicodedata.normalize("NFC", "".join(kept)).split())


def problem_with(username: str) -> str | None:
    """Why a username that a person chose cannot be used anywhere, in a sentence; None when it can."""
    if len(username) > LONGEST:
        return f"{username} has {len(username)} characters; Windows takes at most {LONGEST}."
    if not _USERNAME.fullmatch(username):
        return (
            f"{username!r} cannot be a username: small letters and digits, with single dots, hyphens or underscores between them,"
            " are what every system takes."
        )
    if is_reserved(username):
        return f"{username} is a name that systems keep for themselves."
    return None


def problem_with_address(address: str) -> str | None:
    """Why an e-mail address cannot be used in every target, in a sentence; None when it can."""
    local, at, domain = address.partition("@")
    if not at or not _USERNAME.fullmatch(local) or len(local) > 64:
        return f"{address!r} cannot be an address: before the @ there may be small letters, digits and single dots, hyphens or underscores."
    if not re.fullmatch(r"[a-z0-9]+(?:-+[a-z0-9]+)*(?:\.[a-z0-9]+(?:-+[a-z0-9]+)*)+", domain):
        return f"{address!r} cannot be an address: {domain!r} is not a domain."
    return None
