"""What two records of the MIS have to share to be one human: numbers and names."""

from __future__ import annotations

from onroll_core.people import Person
from onroll_core.usernames import fold


def numbers(person: Person) -> list[str]:
    """The national numbers of a pupil (UPN, SCN), as they are compared."""
    return [number.replace(" ", "").upper() for number in (person.upn, person.scn) if number and number.strip()]


def first(person: Person) -> str:
    """The first name that is used, "" when none is told."""
    return person.first or person.legal_first or ""


def last(person: Person) -> str:
    """The last name that is used, "" when none is told."""
    return person.last or person.legal_last or ""


def called(person: Person) -> str:
    """First and last name, for people to read."""
    return f"{first(person)} {last(person)}".strip()


def same_name(one: Person, other: Person) -> bool:
    """True when either pair of first and last names agree, accents, case and punctuation apart."""
    return bool(names(one) & names(other))


def names(person: Person) -> set[str]:
    """The used and the legal name, folded; a person without any has none."""
    used = fold(called(person))
    legal = fold(f"{person.legal_first or first(person)} {person.legal_last or last(person)}")
    return {used, legal} - {""}
