"""What places, years in usernames and other marks mean in this directory, learned from those whose name fits one person alone.

Nobody has to tell which OU holds whom: where nearly everybody in "Students/2019" is a pupil of one year, whoever else is there is probably one too.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from onroll_core.linking.sides import Mark, Side
from onroll_core.people import Role

_FEW = 3
"""Fewer others than these say nothing."""
_NEARLY_ALL = 0.75
_MANY = 10
_USUAL = 0.5

Fact = Literal["role", "year", "number"]
Value = Role | str


@dataclass(slots=True)
class Marks:
    """What is usual here. Of a pair that was learned from, its own word does not count."""

    seen: dict[tuple[Fact, Mark], Counter[Value]] = field(default_factory=lambda: defaultdict(Counter))
    taught: set[tuple[str, str]] = field(default_factory=set)
    usual: set[tuple[Fact, Role | None]] = field(default_factory=set)

    def says(self, account: Side, fact: Fact, leaving_out: Value | None = None) -> tuple[Value, Mark] | None:
        """The role or the year of nearly all who share a mark with an account, and the mark; the closest-knit mark speaks. None when none does."""
        found = []
        for mark in account.marks:
            counts = self.seen.get((fact, mark))
            if counts is None:
                continue
            total = sum(counts.values()) - (leaving_out is not None)
            value, most = max(
                ((each, count - (each == leaving_out)) for each, count in counts.items()),
                key=lambda one: (one[1], str(one[0])),
            )
            if most >= _FEW and most >= total * _NEARLY_ALL:
                found.append((most / total, mark, value))
        if not found:
            return None
        _, mark, value = max(found, key=lambda one: (one[0], one[1]))
        return value, mark

    def judge(self, record: Side, account: Side, fact: Fact) -> tuple[bool, Mark] | None:
        """Whether what an account's marks say is what the record says, and which mark; None when either says nothing."""
        value = _value(record, fact)
        if value is None:
            return None
        if fact == "role" and account.role is not None:
            return account.role is value, ("role", account.role.value)
        own = value if (record.key, account.key) in self.taught else None
        said = self.says(account, fact, own)
        return None if said is None else (said[0] == value, said[1])

    def expected(self, record: Side, fact: Fact) -> bool:
        """Whether most accounts of such people say it here, so that one that does not is strange."""
        return (fact, record.role) in self.usual and (fact == "number" or _value(record, fact) is not None)


def learned(pairs: Iterable[tuple[Side, Side]]) -> Marks:
    """What the marks of accounts mean, from pairs of a record and an account that have nobody else of their name."""
    marks, teachers = Marks(), list(pairs)
    for record, account in teachers:
        marks.taught.add((record.key, account.key))
        for fact in _facts(record):
            value = _value(record, fact)
            for mark in account.marks:
                if value is not None:
                    marks.seen[fact, mark][value] += 1
    told: Counter[tuple[Fact, Role | None]] = Counter()
    right: Counter[tuple[Fact, Role | None]] = Counter()
    for record, account in teachers:
        told["number", record.role] += bool(record.numbers)
        right["number", record.role] += bool(record.numbers & account.numbers)
        for fact in _facts(record):
            told[fact, record.role] += 1
            judged = marks.judge(record, account, fact)
            right[fact, record.role] += judged is not None and judged[0]
    marks.usual = {each for each, count in told.items() if count >= _MANY and right[each] >= count * _USUAL}
    return marks


def _facts(record: Side) -> Iterator[Fact]:
    if record.role is not None:
        yield "role"
    if record.cohort is not None:
        yield "year"


def _value(record: Side, fact: Fact) -> Value | None:
    return record.role if fact == "role" else record.cohort
