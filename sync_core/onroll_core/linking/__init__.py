"""Which records are the same humans as those we know: suggestions with a reason, in lists. Nothing here links anybody; a person does.

Identifiers count first, then role, first and last name (preferred and legal, transliterated, and what people are called). Twins, somebody in two
roles and two records of one human are never likely and always shown (DESIGN 7).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from onroll_core.linking.candidates import Known, Pair, far, known_account, near, record
from onroll_core.linking.evidence import NATIONAL, WHY, Evidence, Strength, strength_of, weigh
from onroll_core.linking.marks import Marks, learned
from onroll_core.linking.sides import Side, side_of

__all__ = ["Doubt", "Match", "Side", "Suggestions", "side_of", "suggest"]

_ENOUGH = Strength.NICKNAME
"""Whoever has a candidate as strong as this is not looked for further away, and is shown even when somebody else fits better."""
_HANDFUL = 6
"""Weak evidence among more than these says nothing."""


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


def suggest(
    records: Iterable[Side],
    known: Iterable[Side],
    names_suffice: bool = True,
    rejected: Collection[Pair] = frozenset(),
) -> Suggestions:
    """Who is probably whom; pairs of a record and a known person that somebody has `rejected` are never suggested again.

    Likely is what fits best in both directions, has nothing against it, and rests on a number with the name, on name and birthday, or (where
    `names_suffice`) on the name alone: then nobody else may be a candidate of either, however faint, and where most of the accounts here show the
    year or the role of their people (by where they lie, by their usernames), this one must too. What is weaker is possible.
    """
    round_ = _Round(
        {each.key: record(each) for each in records},
        {each.key: known_account(each) for each in known},
        names_suffice,
        rejected,
    )
    round_.weigh()
    round_.settle()
    return round_.told()


@dataclass(slots=True)
class _Round:
    """One comparison, from candidates to lists."""

    records: Mapping[str, Known]
    known: Mapping[str, Known]
    names_suffice: bool
    rejected: Collection[Pair]
    marks: Marks = field(default_factory=Marks)
    found: dict[Pair, Evidence] = field(default_factory=dict)
    of_record: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    of_known: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    likely: list[Match] = field(default_factory=list)
    possible: list[Match] = field(default_factory=list)
    ambiguous: list[Doubt] = field(default_factory=list)
    settled: set[str] = field(default_factory=set)  # records
    taken: set[str] = field(default_factory=set)  # known

    def weigh(self) -> None:
        """Find the candidates and what speaks for each: by the names alone, from which the marks are learned, then with those."""
        strengths = self._strengths(near(self.records, self.known))
        exact = [pair for pair, strength in strengths.items() if strength >= Strength.NAME]
        ones, others = Counter(one for one, _ in exact), Counter(other for _, other in exact)
        unique = [(one, other) for one, other in exact if ones[one] == others[other] == 1]
        self.marks = learned((self.records[one].side, self.known[other].side) for one, other in unique)
        self._weigh(strengths)
        good = [pair for pair, each in self.found.items() if each.strength >= _ENOUGH and not each.against]
        left = self.records.keys() - {one for one, _ in good}
        left_known = self.known.keys() - {other for _, other in good}
        self._weigh(self._strengths(far(self.records, self.known, left, left_known), strengths))
        for one, other in self.found:
            self.of_record[one].append(other)
            self.of_known[other].append(one)

    def _strengths(self, pairs: Iterable[Pair], but: Collection[Pair] = frozenset()) -> dict[Pair, Strength]:
        found = {}
        for pair in set(pairs):
            if pair not in but and pair not in self.rejected:
                strength = strength_of(self.records[pair[0]], self.known[pair[1]])
                if strength is not None:
                    found[pair] = strength
        return found

    def _weigh(self, strengths: Mapping[Pair, Strength]) -> None:
        for pair, strength in strengths.items():
            each = weigh(self.records[pair[0]], self.known[pair[1]], strength, self.marks)
            if each is not None:
                self.found[pair] = each

    def settle(self) -> None:
        """Put pairs into lists, the strongest first; what is equally strong for several is ambiguous."""
        levels: dict[int, list[Pair]] = defaultdict(list)
        for pair, each in self.found.items():
            levels[each.score].append(pair)
        twice = _not_told_apart(self.records.values())
        twice_known = _not_told_apart(each for each in self.known.values() if each.side.role is not None)
        for score in sorted(levels, reverse=True):
            open_ = [pair for pair in levels[score] if pair[0] not in self.settled and pair[1] not in self.taken]
            for together in _together(open_):
                if len(together) == 1:
                    ((one, other),) = together
                    self._match((one, other), twice.get(one) or twice_known.get(other) or "")
                else:
                    self._doubt(together)
        self._match_by_first_name()
        for one in sorted(self.records.keys() - self.settled):
            strong = [other for other in self.of_record[one] if self.found[one, other].strength >= _ENOUGH]
            if strong:
                top = max(self.found[one, other].strength for other in strong)
                self.ambiguous.append(
                    Doubt((one,), tuple(sorted(strong)), f"{WHY[top]}, and another record fits better")
                )
                self.settled.add(one)
                self.taken.update(strong)

    def _match(self, pair: Pair, twice: str) -> None:
        each = self.found[pair]
        self.settled.add(pair[0])
        self.taken.add(pair[1])
        doubts = [*each.against, *([twice] if twice else [])]
        sure = each.strength >= Strength.LOCAL or each.strength is Strength.BORN
        if not doubts and not sure:
            doubts += [text for text in (self._rival(pair), each.lacking) if text]
            sure = self.names_suffice and each.strength is Strength.NAME
        if doubts:
            self.possible.append(Match(*pair, f"{WHY[each.strength]}, {doubts[0]}"))
        else:
            (self.likely if sure else self.possible).append(Match(*pair, each.why))

    def _rival(self, pair: Pair) -> str:
        """Why a name alone is not enough: somebody else may be meant."""
        one, other = pair
        for found, who in (
            ([(one, each) for each in self.of_record[one] if each != other], "another account"),
            ([(each, other) for each in self.of_known[other] if each != one], "somebody else"),
        ):
            if any(self._counts(each) for each in found):
                return f"and {who} may be meant"
        return ""

    def _counts(self, pair: Pair) -> bool:
        each = self.found[pair]
        return each.strength >= Strength.PART or not each.against

    def _doubt(self, together: Sequence[Pair]) -> None:
        records = tuple(sorted({one for one, _ in together}))
        known = tuple(sorted({other for _, other in together}))
        if len(known) < len(records):  # one of them may have an account of nearly the same name
            nearly = {other for one in records for other in self.of_record[one] if other not in self.taken}
            known = tuple(sorted({*known, *(each for each in nearly if self._best(each) in records)}))
        top = max(self.found[pair].strength for pair in together)
        if top < Strength.INITIAL and len(records) + len(known) > _HANDFUL:
            return
        self.ambiguous.append(Doubt(records, known, f"{WHY[top]} for more than one"))
        self.settled.update(records)
        self.taken.update(known)

    def _best(self, other: str) -> str:
        """The record that fits somebody known best, of those that nobody has yet."""
        return max(
            (one for one in self.of_known[other] if one not in self.settled),
            key=lambda one: (self.found[one, other].score, one),
            default="",
        )

    def _match_by_first_name(self) -> None:
        """Whoever took another last name: of those left, the only ones with a first name in a role (and year) that the account's marks say."""
        groups: dict[tuple[str, str], tuple[list[str], list[str]]] = defaultdict(lambda: ([], []))
        for key in self.records.keys() - self.settled:
            side = self.records[key].side
            for first in {each.first[0] for each in self.records[key].forms if each.first}:
                groups[first, f"{side.role} {side.cohort}"][0].append(key)
        for key in self.known.keys() - self.taken:
            each = self.known[key]
            role, year = self.marks.says(each.side, "role"), self.marks.says(each.side, "year")
            if role is not None and not each.side.unfit:
                for first in {form.first[0] for form in each.forms if form.first and form.last}:
                    groups[first, f"{role[0]} {year and year[0]}"][1].append(key)
        for (first, _), (ours, theirs) in sorted(groups.items()):
            if len(first) == 1 or (len(ours), len(theirs)) != (1, 1) or (ours[0], theirs[0]) in self.rejected:
                continue
            if ours[0] not in self.settled and theirs[0] not in self.taken:
                self.settled.add(ours[0])
                self.taken.add(theirs[0])
                self.possible.append(Match(ours[0], theirs[0], WHY[Strength.FIRST]))

    def told(self) -> Suggestions:
        """The lists."""
        return Suggestions(
            sorted(self.likely, key=_order), sorted(self.possible, key=_order), self.ambiguous,
            sorted(self.records.keys() - self.settled), sorted(self.known.keys() - self.taken),
        )  # fmt: skip


def _order(match: Match) -> Pair:
    return match.record, match.known


def _together(pairs: Iterable[Pair]) -> list[list[Pair]]:
    """The pairs in groups that hang together by a record or by somebody known, in a stable order."""
    ordered = sorted(pairs)
    by_record, by_known = defaultdict(list), defaultdict(list)
    for pair in ordered:
        by_record[pair[0]].append(pair)
        by_known[pair[1]].append(pair)
    seen: set[Pair] = set()
    found = []
    for start in ordered:
        if start in seen:
            continue
        seen.add(start)
        group, waiting = [], [start]
        while waiting:
            pair = waiting.pop()
            group.append(pair)
            fresh = [each for each in (*by_record.pop(pair[0], ()), *by_known.pop(pair[1], ())) if each not in seen]
            seen.update(fresh)
            waiting += fresh
        found.append(group)
    return found


def _not_told_apart(people: Iterable[Known]) -> dict[str, str]:
    """Those of one side who share surname and birthday, or a name that neither birthdays nor national numbers tell apart, with half a sentence each."""
    born: dict[tuple[str, date], set[str]] = defaultdict(set)
    named: dict[tuple[str, str], list[Side]] = defaultdict(list)
    for each in people:
        for first, last in {("".join(one.first), "".join(one.last)) for one in each.forms}:
            named[first, last].append(each.side)
            if each.side.born is not None:
                born[last, each.side.born].add(each.side.key)
    found: dict[str, str] = {}
    for keys in born.values():
        if len(keys) > 1:
            found |= dict.fromkeys(keys, "and somebody else has the same surname and birthday")
    for namesakes in named.values():
        for side in namesakes if len(namesakes) > 1 else ():
            others = [one for one in namesakes if one is not side and not _told_apart(one, side)]
            if others and side.key not in found:
                elsewhere = any(one.role is not side.role for one in others)
                found[side.key] = f"and somebody {'in another role' if elsewhere else 'else'} has the same name"
    return found


def _told_apart(one: Side, other: Side) -> bool:
    """Whether two of one name are two humans beyond doubt: not by year or role, which two records of one human may differ in."""
    if one.born is not None and other.born is not None:
        return one.born != other.born
    both = {kind for kind, _ in one.numbers} & {kind for kind, _ in other.numbers} & set(NATIONAL)
    return bool(both) and not any(number in other.numbers for number in one.numbers if number[0] in both)
