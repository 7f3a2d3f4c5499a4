"""Who may be whom: pairs that are worth a look, found without comparing everybody with everybody."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from onroll_core.linking.likeness import Form, skeleton
from onroll_core.linking.nicknames import called
from onroll_core.linking.sides import Side, codes_for, codes_of, cut, forms_of, full_logins, short_logins, spoken

Pair = tuple[str, str]
"""The keys of a record and of somebody known."""

_LEAST = 3  # letters of a word that is worth looking for
_TYPING = 5  # letters of a name in which a slip is looked for
_CROWD = 400
"""So many on one side of a key say nothing of anybody."""


@dataclass(frozen=True, slots=True)
class Known:
    """A side with what is reckoned from it once."""

    side: Side
    forms: tuple[Form, ...]
    spoken: frozenset[str]
    codes: frozenset[str]


def known_account(side: Side) -> Known:
    """Somebody known: an account, or a person we have."""
    return Known(side, forms_of(side), spoken(side), codes_of(side))


def record(side: Side) -> Known:
    """A record; `spoken` are the usernames that would say its names."""
    forms = forms_of(side)
    logins = {login for each in forms for login in (*full_logins(each), *short_logins(each))}
    return Known(side, forms, frozenset(cut(logins)), codes_for(side))


def near(records: Mapping[str, Known], known: Mapping[str, Known]) -> Iterator[Pair]:
    """Pairs with a number in common, or last names that sound the same and a first name, a short form of it or its initial."""
    yield from _joined(records.values(), known.values(), _asked, _answered)


def far(
    records: Mapping[str, Known], known: Mapping[str, Known], left: Iterable[str], left_known: Iterable[str]
) -> Iterator[Pair]:
    """Further pairs of which one is left over: the same last name, a slip in it, usernames, codes."""
    yield from _joined([records[key] for key in left], known.values(), _widely, _widely)
    yield from _joined(records.values(), [known[key] for key in left_known], _widely, _widely)


def _joined(
    records: Iterable[Known],
    known: Iterable[Known],
    asked: Callable[[Known], Iterable[Hashable]],
    answered: Callable[[Known], Iterable[Hashable]],
) -> Iterator[Pair]:
    there: dict[Hashable, list[str]] = defaultdict(list)
    for each in known:
        for key in set(answered(each)):
            there[key].append(each.side.key)
    for one in records:
        for key in set(asked(one)):
            found: Sequence[str] = there.get(key, ())
            if len(found) <= _CROWD:
                for other in found:
                    yield one.side.key, other


def _answered(each: Known) -> Iterator[Hashable]:
    yield from each.side.numbers
    for form in each.forms:
        yield "name", "".join(form.first), "".join(form.last)
        for last in _last_names(form.last):
            for first in form.first:
                yield last, skeleton(first)


def _asked(each: Known) -> Iterator[Hashable]:
    yield from each.side.numbers
    for form in each.forms:
        for one, other in ((form.first, form.last), (form.last, form.first)):
            whole = "".join(one)
            yield "name", whole, "".join(other)
            known_as = {name for first in {*one, whole} for name in called(first)}
            sounds = {skeleton(name) for name in known_as} | {skeleton(name[:1]) for name in known_as}
            for last in _last_names(other):
                for first in sounds:
                    yield last, first


def _last_names(told: tuple[str, ...]) -> set[str]:
    return {skeleton(each) for each in ("".join(told), *told) if len(each) >= _LEAST} or {"".join(told)} - {""}


def _widely(each: Known) -> Iterator[Hashable]:
    for login in each.spoken:
        yield "login", login
    for code in each.codes:
        yield "code", code
    for form in each.forms:
        for last in _last_names(form.last):
            yield "last", last
        whole, letters = "".join(form.last), {name[:1] for name in form.first}
        if len(whole) >= _TYPING:
            for slip in (whole, *(whole[:at] + whole[at + 1 :] for at in range(len(whole)))):
                for letter in letters:
                    yield "slip", slip, letter
        for first in form.first[:1]:
            yield "turned", first, whole[:1]
