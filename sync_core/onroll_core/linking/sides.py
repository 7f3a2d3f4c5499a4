"""What can be compared of somebody: names as they are written, numbers, sign-in names, and the marks that say where an account belongs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from onroll_core.accounts import Account
from onroll_core.linking.likeness import Form, bare, displayed, form, words
from onroll_core.people import Person, Role
from onroll_core.usernames import LONGEST, letters

Mark = tuple[str, str]
"""Something that an account shares with others: ("place", "Students/2019"), ("username", "19"), ("name", "7A"), or an attribute and its value."""

_DIGITS = re.compile(r"\d+")
_RUN = re.compile(r"\d+|[^\W\d_]+")
_COUNT = re.compile(r"(?<=\D)\d$")
_REMARK = re.compile(r"\(([^)]*)\)|(\S*\d\S*)")
_YEARLY = (2, 4)  # how many digits a year has in a username
_OLD_SYSTEMS = 8  # what some directories cut usernames to
_LEAST_CODE = 5


@dataclass(frozen=True, slots=True)
class Side:
    """Somebody on one side of a match. `names` are (first, last) pairs as they are written, `numbers` (kind, number) pairs; `role` is None where it is not known.

    `logins` are what an account is signed in with. `marks` are an account's; `cohort` is a person's year, in any words that all of one year share.
    `unfit` says in half a sentence why an account can be linked to nobody as it is ("" when it can).
    """

    key: str
    role: Role | None
    names: frozenset[tuple[str, str]]
    numbers: frozenset[tuple[str, str]] = frozenset()
    born: date | None = None
    logins: frozenset[str] = frozenset()
    marks: frozenset[Mark] = frozenset()
    cohort: str | None = None
    unfit: str = ""


def side_of(key: str, person: Person, role: Role | None = None, year_of_entry: int | None = None) -> Side:
    """What can be compared of somebody whom a MIS tells of."""
    firsts = {person.first, person.legal_first} - {None, ""}
    lasts = {person.last, person.legal_last} - {None, ""}
    names = frozenset((first or "", last or "") for first in firsts or {""} for last in lasts or {""})
    told = (
        ("upn", person.upn), ("upn", person.former_upn), ("scn", person.scn), ("admission number", person.admission_number),
        ("staff code", person.staff_code),
    )  # fmt: skip
    cohort = str(year_of_entry) if year_of_entry is not None else person.year_group
    return Side(key, role or person.role, names, numbers_of(told), person.dob, cohort=cohort)


def numbers_of(told: Iterable[tuple[str, str | None]]) -> frozenset[tuple[str, str]]:
    """Numbers in one way of writing, without those that are blank."""
    return frozenset((kind, number.replace(" ", "").upper()) for kind, number in told if number and number.strip())


def names_of(account: Account) -> set[tuple[str, str]]:
    """Every way of reading an account's names; what says only half is left out where something says all."""
    given, family = (account.given or "").strip(), (account.family or "").strip()
    found = {(given, family)} if given and family else set()
    texts = [account.display_name or ""]
    if not found:
        texts += [text for text in (given, family) if len(words(bare(text))) > 1]
        found = {(given, "")} if given else set()
    found |= {(" ".join(each.first), " ".join(each.last)) for text in texts for each in displayed(text) if each.first}
    return found or {(given, family)} - {("", "")} or {("", account.display_name or "")}


def marks_of(account: Account, numbers: Iterable[str]) -> frozenset[Mark]:
    """An account's marks; the attributes `numbers` hold numbers of people and are none."""
    found: set[Mark] = set()
    parts = (account.place or "").split("/") if account.place else []
    found |= {("place", "/".join(parts[: at + 1]).casefold()) for at in range(len(parts))}
    local = account.login.partition("@")[0]
    found |= {("username", run) for run in _DIGITS.findall(local) if len(run) in _YEARLY}
    found.add(("shape", _shape(local)))
    for inside, word in _REMARK.findall(account.display_name or ""):
        found.add(("name", (inside or word).strip("()").casefold()))
    not_marks = set(numbers)
    found |= {(name, value.casefold()) for name, value in account.attributes.items() if value and name not in not_marks}
    return frozenset(found)


def _shape(login: str) -> str:
    """How a username is built: "h.potter" and "s.snape" are alike, and so are "19hpotter" and "20rweasley"; a number that makes it unique is left out."""
    text = _COUNT.sub("", login)
    return _RUN.sub(lambda run: "0" * len(run[0]) if run[0].isdigit() else "x" if len(run[0]) == 1 else "word", text)


def logins_of(account: Account) -> frozenset[str]:
    """What stands before the @ of everything an account signs in or is written to with."""
    return frozenset(each.partition("@")[0] for each in (account.login, account.email) if each)


def forms_of(side: Side) -> tuple[Form, ...]:
    """The forms of a side's names, without those that say nothing."""
    found = {each for first, last in side.names if (each := form(first, last)) is not None}
    return tuple(sorted(found))


def full_logins(each: Form) -> Iterator[str]:
    """The usernames that say both names of somebody."""
    first, last = "".join(each.first), "".join(each.last)
    for one in {first, each.first[0] if each.first else ""}:
        if one and last:
            yield one + last
            yield last + one


def short_logins(each: Form) -> Iterator[str]:
    """The usernames that say one name and the other's initial."""
    if each.first and each.last:
        first, last = each.first[0], "".join(each.last)
        yield first[0] + last
        yield last + first[0]
        yield first + last[0]


def cut(logins: Iterable[str]) -> set[str]:
    """Usernames, also as short as systems cut them."""
    return {login[:length] for login in logins for length in (LONGEST, _OLD_SYSTEMS)}


def spoken(side: Side) -> frozenset[str]:
    """The letters of an account's usernames."""
    return frozenset(said for login in side.logins if (said := letters(login)))


def codes_of(side: Side) -> frozenset[str]:
    """Numbers of people that an account's usernames may be, or hold."""
    found = {login.upper() for login in side.logins}
    found |= {run.lstrip("0") for login in side.logins for run in _DIGITS.findall(login) if len(run) >= _LEAST_CODE}
    return frozenset(found)


def codes_for(side: Side) -> frozenset[str]:
    """What a username would be, or hold, that is made of one of a person's numbers."""
    found = set()
    for _, number in side.numbers:
        found |= {number, number.lstrip("0")} if number.isdigit() and len(number) >= _LEAST_CODE else {number}
    return frozenset(found)
