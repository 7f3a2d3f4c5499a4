"""What speaks for a record and somebody known being one human, and what against, each in half a sentence."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from onroll_core.linking.candidates import Known
from onroll_core.linking.likeness import Likeness, likeness
from onroll_core.linking.marks import Fact, Marks
from onroll_core.linking.sides import Side, cut, full_logins

NATIONAL = ("upn", "scn")


class Strength(IntEnum):
    """How strongly two sides look like one human."""

    FIRST = 1  # the first name alone, and neither fits anybody else
    LOGIN = 2
    SURNAME = 3
    DISTANT = 4
    INITIAL = 5
    PART = 6
    SPELLING = 7
    NICKNAME = 8
    NUMBER = 9  # a number of theirs agrees, the name does not
    WORDS = 10
    NAME = 11
    BORN = 12  # name and birthday
    LOCAL = 13  # name, and a number that the school gave
    NATIONAL = 14  # name, and a number that the country gave


WHY = {
    Strength.FIRST: "the first name is the same, and neither fits anybody else",
    Strength.LOGIN: "the username fits the name",
    Strength.SURNAME: "the last name is the same, and the account has no first name",
    Strength.DISTANT: "the names may be other spellings or parts of each other",
    Strength.INITIAL: "the last name and the initial are the same",
    Strength.PART: "the first name and part of the last name are the same",
    Strength.SPELLING: "the names may be spellings of each other",
    Strength.NICKNAME: "the names may be short forms of each other",
    Strength.NUMBER: "a number is the same and the name is not",
    Strength.WORDS: "the names are the same words",
    Strength.NAME: "the names are the same",
    Strength.BORN: "name and birthday are the same",
    Strength.LOCAL: "name and the school's number are the same",
    Strength.NATIONAL: "name and national number are the same",
}

_BY_NAME = {
    Likeness.SURNAME: Strength.SURNAME,
    Likeness.DISTANT: Strength.DISTANT,
    Likeness.INITIAL: Strength.INITIAL,
    Likeness.PART: Strength.PART,
    Likeness.SPELLING: Strength.SPELLING,
    Likeness.SHORT: Strength.NICKNAME,
    Likeness.WORDS: Strength.WORDS,
    Likeness.SAME: Strength.NAME,
}

_STEP = 10
_AGAINST = {"role": 45, "year": 35, "birthday": 30, "number": 40, "unfit": 12}
_FOR = {"role": 2, "year": 4, "code": 3, "username": 1}
_LEAST = 20
"""What is weaker than this is no candidate."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What there is for a pair. `against` are half sentences; `lacking` is what most accounts here show of their people and this one does not."""

    strength: Strength
    score: int
    against: tuple[str, ...] = ()
    backed: str = ""
    lacking: str = ""

    @property
    def why(self) -> str:
        """Half a sentence, with the first thing that speaks against it."""
        return WHY[self.strength] + "".join(f", {each}" for each in (self.backed, *self.against[:1]) if each)


def weigh(record: Known, account: Known, strength: Strength, marks: Marks) -> Evidence | None:
    """The evidence for a pair of that strength; None when there is too little to be worth a person's time."""
    against, cost = _against(record.side, account.side, strength)
    score = strength * _STEP - cost
    backed: dict[Fact, str] = {}
    lacking: list[str] = []
    for fact in _FACTS:
        judged = marks.judge(record.side, account.side, fact)
        if judged is None or (not judged[0] and judged[1][0] == _SHAPE):
            # How a username is built says little against anybody: technicians come and go.
            if marks.expected(record.side, fact):
                lacking.append(f"and nothing about the account says its {fact}, as most here do")
            continue
        agrees, (where, _) = judged
        if agrees:
            score += _FOR[fact]
            backed[fact] = _BACKED.get(where, f"and its {where} fits")
        else:
            score -= _AGAINST[fact]
            against.append(_ELSEWHERE[fact].format(where=where))
    if "year" not in backed and marks.expected(record.side, "number") and not account.side.numbers:
        lacking.append("and the account holds no number, as most here do")
    if strength < Strength.NAME and record.spoken & account.spoken:
        score += _FOR["username"]  # of namesakes it says nothing: theirs are the same but for a number
    if record.codes & account.codes:
        score += _FOR["code"]
        backed, lacking = {"number": "and the username holds a number of theirs"}, []
    if score < _LEAST:
        return None
    return Evidence(strength, score, tuple(against), next(iter(backed.values()), ""), next(iter(lacking), ""))


_FACTS: tuple[Fact, ...] = ("year", "role")
_SHAPE = "shape"
_BACKED = {
    "role": "",
    _SHAPE: "and its username is built as theirs are",
    "name": "and what stands beside its name fits",
}
_ELSEWHERE: dict[Fact, str] = {"role": "in another role", "year": "and its {where} is that of another year"}


def _against(record: Side, account: Side, strength: Strength) -> tuple[list[str], int]:
    found, cost = [], 0
    if record.born is not None and account.born is not None and record.born != account.born:
        found.append("and the birthdays differ")
        cost += _AGAINST["birthday"]
    differing = sorted(_kinds(record) & _kinds(account) - {kind for kind, _ in record.numbers & account.numbers})
    if differing and strength < Strength.NATIONAL:
        found.append(f"and the {differing[0]} differs")
        cost += _AGAINST["number"]
    if account.unfit:
        found.append(account.unfit)
        cost += _AGAINST["unfit"]
    return found, cost


def _kinds(side: Side) -> set[str]:
    return {kind for kind, _ in side.numbers}


def strength_of(record: Known, account: Known) -> Strength | None:
    """How strongly names, numbers and usernames speak for a pair, wherever the account lies; None when nothing does."""
    alike = max((likeness(one, other) for one in record.forms for other in account.forms), default=Likeness.NONE)
    named = _BY_NAME.get(alike)
    shared = {kind for kind, _ in record.side.numbers & account.side.numbers}
    if shared:
        national = bool(shared & set(NATIONAL))
        if alike >= Likeness.DISTANT:
            return Strength.NATIONAL if national else Strength.LOCAL
        if national or _same_first(record, account):
            return Strength.NUMBER
    if named is Strength.NAME and record.side.born is not None and record.side.born == account.side.born:
        return Strength.BORN
    if named is not None and named > Strength.INITIAL:
        return named
    return max((each for each in (named, _by_login(record, account, alike)) if each is not None), default=None)


def _same_first(record: Known, account: Known) -> bool:
    return bool({each.first[:1] for each in record.forms} & {each.first[:1] for each in account.forms} - {()})


def _by_login(record: Known, account: Known, alike: Likeness) -> Strength | None:
    """What a username adds where an account's names are missing, or are a surname or an initial."""
    whole = all(each.first and each.last for each in account.forms) and bool(account.forms)
    if whole and alike is Likeness.NONE:
        return None
    if record.codes & account.codes:
        return Strength.PART if alike or _same_first(record, account) else Strength.INITIAL
    if not account.spoken & record.spoken:
        return None
    full = account.spoken & cut(login for each in record.forms for login in full_logins(each))
    if alike >= Likeness.SURNAME:
        return Strength.NICKNAME if full else Strength.INITIAL
    if account.forms and not _same_first(record, account):
        return None
    if account.forms:
        return Strength.NICKNAME if full else Strength.PART
    return Strength.PART if full else Strength.LOGIN
