"""From people's names to usernames, by DESIGN 6's rules: transliterated, letters only, at most 20 characters, unique by a number at the end."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from string import Formatter

from unidecode import unidecode

from onroll_core.people import Role
from onroll_core.wordlists import is_reserved, is_unfortunate

LONGEST = 20
"""sAMAccountName's limit for users on Windows; RM Unify's too."""
LONGEST_PREFIX = 5
_MOST = 100_000  # a name that a hundred thousand people have had is chosen by a person
LONGEST_SUFFIX = 10
_LONGEST_NAME = 200

_ELEMENTS: dict[Role, tuple[str, ...]] = {
    Role.STUDENT: ("initial", "first", "last", "yoe4", "yoe2"),
    Role.STAFF: ("initial", "first", "last"),
}
_PLURAL = {Role.STUDENT: "students", Role.STAFF: "staff"}
_JOINERS = "\u200c\u200d"
_OURS = str.maketrans({"ə": "a", "ә": "a", "ا": "a", "أ": "a", "آ": "a", "ٱ": "a", "إ": "i", "ى": "a", "ة": "a"})
"""Letters that Unidecode makes signs of, or nothing: the schwa of Azerbaijani, Kazakh and Tatar (Əliyev is Aliyev), the Arabic vowels that stand
for themselves. German umlauts stay as Unidecode has them, without an e: Müller is muller, as in every other school system."""
LONGEST_LOCAL_PART = 64
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})+")
_USERNAME = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")
_AFFIX = re.compile(r"(?:[._-]?[a-z0-9])*[._-]?")


@dataclass(frozen=True, slots=True)
class Named:
    """A username that may be issued."""

    username: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """No username can be issued without a person: `why` is a sentence, `proposal` a free username that would do (empty: there is none)."""

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
        elements: list[str] = []
        separators: list[str] = []
        try:
            pieces = list(Formatter().parse(text))
        except ValueError as failure:
            raise ValueError(f"The username format {text!r} cannot be read: {failure}.") from None
        for literal, name, inside, conversion in pieces:
            if literal not in ("", ".", "-") or (literal and (not elements or name is None)):
                raise ValueError(
                    f"The username format {text!r} has {literal!r} in it. Between two elements there may be . or - or nothing;"
                    " what stands at the ends of every username is its prefix or suffix."
                )
            if name is None:
                continue
            _check_element(text, name, bool(inside or conversion), role)
            elements.append(name)
            separators.append(literal)
        if not {"initial", "first", "last"} & set(elements):
            raise ValueError(
                f"The username format {text!r} has no part of a name in it. Use one of {{initial}}, {{first}} and {{last}}."
            )
        prefix, suffix = prefix.lower(), suffix.lower()
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

        `taken` says of a lower-case username whether anybody ever had it; it is asked once for every number tried. The n-th person of one name
        costs n questions, so n of them n squared, unless `counters` is given: a dict that the caller keeps for one round of issuing (and may fill
        beforehand: the bare username to the last number given out), from which counting goes on. Then it is two questions each.
        """
        values = {
            "first": letters(first),
            "initial": letters(first)[:1],
            "last": letters(last),
            "yoe4": "" if year_of_entry is None else f"{year_of_entry:04}",
            "yoe2": "" if year_of_entry is None else f"{year_of_entry % 100:02}",
        }
        body, runs = self._body(values)
        why: str | None = None
        if not runs:
            why = "The name leaves no letters for a username."
        elif self.needs_year and year_of_entry is None:
            why = "The username needs the Year of Entry, and neither the year group nor the first day in the MIS gives one."
        elif is_reserved(self._fit(body, "") or body, body):
            why = f"The username {self._fit(body, '')} is one that systems, or the school's own offices, keep for themselves."
        elif is_unfortunate(runs) or is_unfortunate(self._with_affixes(runs)):
            why = "The username would read as a word that is better not printed."
        else:
            free = self._first_free(body, taken, counters)
            if free is not None:
                return Named(free)
            why = "There is no number left that would make the username unique and leave some of the name in it."
        return Waiting(why, self._proposal(values, body, taken, counters))

    def _body(self, values: Mapping[str, str]) -> tuple[str, list[list[str]]]:
        """The body, and its runs of name parts that stand together, as `is_unfortunate` wants them."""
        body = ""
        runs: list[list[str]] = []
        parted = True
        for separator, element in zip(self.separators, self.elements, strict=True):
            value = values[element]
            if not value:
                continue
            body += (separator if body else "") + value
            if element.startswith("yoe"):
                parted = True
                continue
            if parted or separator:
                runs.append([])
            runs[-1].append(value)
            parted = False
        return body, runs

    def _with_affixes(self, runs: Sequence[Sequence[str]]) -> list[list[str]]:
        """The runs together with prefix and suffix, where those are letters and stand right beside them."""
        found = [list(run) for run in runs]
        if self.prefix.isalpha() and self.elements[0] not in ("yoe2", "yoe4"):
            found[0].insert(0, self.prefix)
        if self.suffix.isalpha() and self.elements[-1] not in ("yoe2", "yoe4"):
            found[-1].append(self.suffix)
        return found

    def _fit(self, body: str, number: str) -> str | None:
        """Prefix, as much of the body as there is room for, suffix, number: at most 20 characters. None when no room is left for any of the body."""
        room = LONGEST - len(self.prefix) - len(self.suffix) - len(number)
        if room < 1:
            return None
        return f"{self.prefix}{body[:room].rstrip('.-')}{self.suffix}{number}"

    def _first_free(self, body: str, taken: Callable[[str], bool], counters: dict[str, int] | None) -> str | None:
        start = self._fit(body, "") or ""
        n = counters.get(start, 0) if counters is not None else 0
        while n < _MOST and (candidate := self._fit(body, str(n) if n else "")) is not None:
            if not is_reserved(candidate) and not taken(candidate):
                if counters is not None:
                    counters[start] = n
                return candidate
            n += 1
        return None

    def _proposal(
        self, values: Mapping[str, str], body: str, taken: Callable[[str], bool], counters: dict[str, int] | None
    ) -> str:
        """A free username that keeps to the format where it can, otherwise says the name in another order; empty when there is none."""
        first, last = values["first"], values["last"]
        year = "".join(values[element] for element in self.elements if element.startswith("yoe"))
        candidates = [(body, self._body(values)[1])]
        for parts in ((first, last), (last, first), (last, values["initial"]), ("user", first or last), ("user",)):
            told = [part for part in parts if part]
            candidates.append((year + ".".join(told), [[part] for part in told]))
        for candidate, runs in candidates:
            fine = runs and not (is_unfortunate(runs) or is_unfortunate(self._with_affixes(runs)))
            if fine and (free := self._first_free(candidate, taken, counters)) is not None:
                return free
        return ""


def _check_element(text: str, name: str, adorned: bool, role: Role) -> None:
    allowed = _ELEMENTS.get(role, _ELEMENTS[Role.STAFF])
    if name not in allowed:
        near = get_close_matches(name.lower(), allowed, n=1)
        hint = f" Did you mean {{{near[0]}}}?" if near else ""
        raise ValueError(
            f"The username format {text!r} has {{{name}}} in it, which usernames of {_PLURAL.get(role, 'staff')} cannot have.{hint}"
            f" They are made of {', '.join(f'{{{each}}}' for each in allowed)}."
        )
    if adorned:
        raise ValueError(f"In the username format {text!r} nothing may stand after {name} inside its braces.")


def _check_affix(what: str, text: str, longest: int) -> None:
    if len(text) > longest:
        raise ValueError(f"The {what} {text!r} has {len(text)} characters; at most {longest} fit.")
    if not _AFFIX.fullmatch(text):
        raise ValueError(
            f"The {what} {text!r} may hold letters a to z, digits, and single dots, hyphens or underscores, and nothing else."
        )


def letters(name: str) -> str:
    """The letters a to z of a name in any script: transliterated, everything else (digits too) dropped. Names are read up to 200 characters."""
    return _letters(name[:_LONGEST_NAME])


def fold(name: str) -> str:
    """A name for comparing: without case, accents, spaces and punctuation, as Windows folds accents. Names are read up to 200 characters."""
    return _fold(name[:_LONGEST_NAME])


@lru_cache(maxsize=65536)
def _letters(name: str) -> str:
    return "".join(letter for letter in _transliterated(name) if "a" <= letter <= "z")


@lru_cache(maxsize=65536)
def _fold(name: str) -> str:
    return "".join(letter for letter in _transliterated(name) if letter.isalnum())


def _transliterated(name: str) -> str:
    if name.isascii():
        return name.lower()
    # Lower case first: Unidecode knows not all capitals (Georgian's). Half a surrogate pair is no character, and would make it complain.
    text = unicodedata.normalize("NFC", "".join(each for each in name if not "\ud800" <= each <= "\udfff")).lower()
    return unidecode(text.translate(_OURS)).lower()


def clean_display(text: str) -> str:
    """A name for display: accents kept, white space collapsed, control and direction-changing characters dropped.

    The two joiners stay inside a word, where Persian and the scripts of India need them.
    """
    if text.isprintable() and "  " not in text and (text.isascii() or unicodedata.is_normalized("NFC", text)):
        return text.strip()
    kept = (
        " " if each.isspace() else each
        for each in text
        if each.isspace() or each in _JOINERS or unicodedata.category(each)[0] != "C"
    )
    words = unicodedata.normalize("NFC", "".join(kept)).split()
    return " ".join(filter(None, (word.strip(_JOINERS) for word in words)))


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
    """Why an e-mail address cannot be used in every target, in a sentence; None when it can.

    Narrower than the standards on purpose: what Google, Entra and Active Directory all take. The local part has at most 64 characters.
    """
    local, at, domain = address.partition("@")
    if not at:
        return f"{address!r} cannot be an address: it has no @."
    if not _USERNAME.fullmatch(local) or len(local) > LONGEST_LOCAL_PART:
        return (
            f"{address!r} cannot be an address: before the @ there may be up to {LONGEST_LOCAL_PART} small letters, digits and"
            " single dots, hyphens or underscores."
        )
    if not _DOMAIN.fullmatch(domain) or len(domain) > 253:
        return f"{address!r} cannot be an address: {domain!r} is not a domain."
    return None
