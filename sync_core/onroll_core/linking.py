"""Which records are the same humans as those we know: suggestions with a reason, in lists. Nothing here links anybody; a person does.

Identifiers count first, then role, first and last name (preferred and legal, transliterated, and what people are called). Twins, somebody in two
roles and two records of one human are never likely and always shown (DESIGN 7).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import IntEnum

from onroll_core.nicknames import called
from onroll_core.people import Person, Role
from onroll_core.usernames import fold

NATIONAL = ("upn", "scn")


@dataclass(frozen=True, slots=True)
class Side:
    """Somebody on one side of a match. `names` are folded (first, last) pairs, `numbers` (kind, number) pairs; `role` is None where it is not known."""

    key: str
    role: Role | None
    names: frozenset[tuple[str, str]]
    numbers: frozenset[tuple[str, str]] = frozenset()
    born: date | None = None


class Evidence(IntEnum):
    """How strongly two sides look like one human."""

    NICKNAME = 1
    NUMBER = 2  # a number of theirs agrees, the name does not
    NAME = 3
    BORN = 4  # name and birthday
    LOCAL = 5  # name, and a number that the school gave
    NATIONAL = 6  # name, and a number that the country gave


_WHY = {
    Evidence.NICKNAME: "the names may be short forms of each other",
    Evidence.NUMBER: "a number is the same and the name is not",
    Evidence.NAME: "the names are the same",
    Evidence.BORN: "name and birthday are the same",
    Evidence.LOCAL: "name and the school's number are the same",
    Evidence.NATIONAL: "name and national number are the same",
}


@dataclass(frozen=True, slots=True)
class Match:
    """A record and the known person it may be; `why` is half a sentence."""

    record: str
    known: str
    why: str


@dataclass(frozen=True, slots=True)
class Doubt:
    """Records and known people among whom onroll cannot tell who is who."""

    records: tuple[str, ...]
    known: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True)
class Suggestions:
    """The lists of DESIGN 7 that have to be found; each record and each known person is in exactly one of them."""

    likely: Sequence[Match] = ()
    possible: Sequence[Match] = ()
    ambiguous: Sequence[Doubt] = ()
    records_alone: Sequence[str] = ()
    known_alone: Sequence[str] = ()


def side_of(key: str, person: Person, role: Role | None = None) -> Side:
    """What can be compared of somebody whom a MIS tells of."""
    firsts = {person.first, person.legal_first} - {None, ""}
    lasts = {person.last, person.legal_last} - {None, ""}
    names = frozenset((fold(first or ""), fold(last or "")) for first in firsts for last in lasts)
    told = (
        ("upn", person.upn), ("upn", person.former_upn), ("scn", person.scn), ("admission number", person.admission_number),
        ("staff code", person.staff_code),
    )  # fmt: skip
    numbers = frozenset((kind, number.replace(" ", "").upper()) for kind, number in told if number and number.strip())
    return Side(key, role or person.role, names, numbers, person.dob)


def suggest(
    records: Iterable[Side],
    known: Iterable[Side],
    names_suffice: bool = True,
    rejected: Collection[tuple[str, str]] = frozenset(),
) -> Suggestions:
    """Who is probably whom; pairs of a record and a known person that somebody has `rejected` are never suggested again.

    Likely is what is unique in both directions, in the same role, and rests on a number with the name, on name and birthday, or (where
    `names_suffice`) on the name alone. What is weaker is possible.
    """
    ours, theirs = {each.key: each for each in known}, {each.key: each for each in records}
    found = _Candidates(ours.values())
    evidence = {
        key: {each: strength for each, strength in found.of(side).items() if (key, each) not in rejected}
        for key, side in theirs.items()
    }
    best: dict[str, tuple[Evidence, tuple[str, ...]]] = {}
    for key, candidates in evidence.items():
        if candidates:
            top = max(candidates.values())
            best[key] = top, tuple(sorted(each for each, strength in candidates.items() if strength is top))
    claims: dict[str, list[str]] = {}
    for key, (_, chosen) in best.items():
        for each in chosen:
            claims.setdefault(each, []).append(key)
    twins = _twins(theirs.values()) | _twins(ours.values())
    likely: list[Match] = []
    possible: list[Match] = []
    ambiguous: list[Doubt] = []
    settled_records: set[str] = set()
    settled_known: set[str] = set()
    for key in sorted(best, key=lambda each: (-best[each][0], each)):
        if key in settled_records:
            continue
        top, chosen = best[key]
        rivals = sorted({each for one in chosen for each in claims[one] if best[each][0] == top} - settled_records)
        left = tuple(each for each in chosen if each not in settled_known)
        if not left:
            # Whoever it could be is taken by stronger evidence: two records of one human, or a namesake.
            ambiguous.append(Doubt((key,), chosen, f"{_WHY[top]}, and another record fits better"))
            settled_records.add(key)
            continue
        if len(left) > 1 or len(rivals) > 1:
            people = tuple(sorted({each for one in rivals for each in best[one][1]} | set(left)))
            ambiguous.append(Doubt(tuple(rivals), people, f"{_WHY[top]} for more than one"))
            settled_records.update(rivals)
            settled_known.update(people)
            continue
        (one,) = left
        settled_records.add(key)
        settled_known.add(one)
        why, sure = _judged(theirs[key], ours[one], top, {key, one} & twins, names_suffice)
        (likely if sure else possible).append(Match(key, one, why))
    return Suggestions(
        likely,
        possible,
        ambiguous,
        sorted(theirs.keys() - settled_records),
        sorted(ours.keys() - settled_known),
    )


def _judged(record: Side, known: Side, top: Evidence, twins: set[str], names_suffice: bool) -> tuple[str, bool]:
    why = _WHY[top]
    if record.role is not None and known.role is not None and record.role is not known.role:
        return f"{why}, in another role", False
    if record.born is not None and known.born is not None and record.born != known.born:
        return f"{why}, and the birthdays differ", False
    if twins:
        return f"{why}, and somebody else has the same surname and birthday", False
    differing = sorted({kind for kind, _ in record.numbers & known.numbers} ^ _both(record, known))
    if differing and top < Evidence.NATIONAL:
        return f"{why}, and the {differing[0]} differs", False
    return why, top >= Evidence.BORN or (top is Evidence.NAME and names_suffice)


def _both(record: Side, known: Side) -> set[str]:
    """The kinds of number that both sides have."""
    return {kind for kind, _ in record.numbers} & {kind for kind, _ in known.numbers}


def _twins(sides: Iterable[Side]) -> set[str]:
    """Those who share surname and birthday with somebody else of their side."""
    people = list(sides)
    seen: Counter[tuple[str, date]] = Counter()
    for each in people:
        if each.born is not None:
            seen.update({(last, each.born) for _, last in each.names})
    return {
        each.key
        for each in people
        if each.born is not None and any(seen[last, each.born] > 1 for _, last in each.names)
    }


class _Candidates:
    """Finds those known who may be somebody, without looking at everybody."""

    def __init__(self, known: Iterable[Side]) -> None:
        self._sides: dict[str, Side] = {}
        self._by_number: dict[tuple[str, str], list[Side]] = {}
        self._by_name: dict[tuple[str, str], list[Side]] = {}
        self._by_last: dict[str, list[Side]] = {}
        for side in known:
            self._sides[side.key] = side
            for number in side.numbers:
                self._by_number.setdefault(number, []).append(side)
            for name in side.names:
                self._by_name.setdefault(name, []).append(side)
            for last in {last for _, last in side.names}:
                self._by_last.setdefault(last, []).append(side)

    def of(self, record: Side) -> Mapping[str, Evidence]:
        """Each candidate with the strongest evidence for it."""
        found: dict[str, Evidence] = {}

        def note(side: Side, strength: Evidence) -> None:
            found[side.key] = max(strength, found.get(side.key, strength))

        for name in record.names:
            for side in self._by_name.get(name, ()):
                same = record.born is not None and record.born == side.born
                note(side, Evidence.BORN if same else Evidence.NAME)
        for number in record.numbers:
            for side in self._by_number.get(number, ()):
                agrees = found.get(side.key, Evidence.NUMBER) >= Evidence.NAME or _alike(record, side)
                if agrees:
                    note(side, Evidence.NATIONAL if number[0] in NATIONAL else Evidence.LOCAL)
                elif number[0] in NATIONAL:
                    note(side, Evidence.NUMBER)
        if not found:
            for last in {last for _, last in record.names}:
                for side in self._by_last.get(last, ()):
                    if _alike(record, side):
                        note(side, Evidence.NICKNAME)
        return _in_role(record, found, self._sides)


def _alike(one: Side, other: Side) -> bool:
    """True when a pair of last names is the same and the first names may be short forms of each other."""
    return any(
        last == other_last and (other_first in called(first) or first in called(other_first))
        for first, last in one.names
        for other_first, other_last in other.names
    )


def _in_role(record: Side, found: Mapping[str, Evidence], sides: Mapping[str, Side]) -> Mapping[str, Evidence]:
    """Where somebody in the same role fits, somebody in another one who fits no better is no candidate: a teacher is not her namesake's pupil."""
    same = {key: strength for key, strength in found.items() if sides[key].role in (record.role, None)}
    if not same or record.role is None:
        return found
    top = max(same.values())
    return same | {key: strength for key, strength in found.items() if key not in same and strength > top}
