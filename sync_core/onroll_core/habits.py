"""What a directory's accounts say of how a school names and places people: usernames, addresses, display names, OUs; for a first configuration.

Guesses, each with the share of accounts that it explains; a person says yes to them. Nothing here is used by a night.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from onroll_core.accounts import Account
from onroll_core.people import Role
from onroll_core.username_habits import UsernameHabit, username_habit

_MOST = 3000
"""Accounts of a role that are looked at: more say nothing new."""
_LEAVERS = re.compile(r"\b(leavers?|left|former|disabled|archived?|ex-?(students?|pupils?|staff))\b", re.IGNORECASE)
_WORDS: Mapping[Role, re.Pattern[str]] = {
    Role.STUDENT: re.compile(r"\b(students?|pupils?|learners?|intake|cohort)\b", re.IGNORECASE),
    Role.STAFF: re.compile(
        r"\b(staff|teach(ers?|ing)|support|office|admin|leadership|governors?|employees?)\b", re.IGNORECASE
    ),
}
_STAGE = re.compile(r"(year \d{1,2}|reception|nursery|p[1-7]|s[1-6])", re.IGNORECASE)
_SHORT_STAGE = re.compile(r"(?P<before>Y|Yr |)(?P<stage>1[0-3]|[1-9])", re.IGNORECASE)
_REGISTRATION = re.compile(r"1?\d[ -]?[A-Z]{1,3}")
_DISPLAY = ("{first} {last}", "{last}, {first}", "{last} {first}")


@dataclass(frozen=True, slots=True)
class RoleHabits:
    """How accounts of one role are named and placed; None where nothing can be told.

    `seen`: how many accounts. `place`: a template, from `Habits.root`. `email`: how addresses begin, None when as the username.
    """

    seen: int = 0
    username: UsernameHabit | None = None
    email: UsernameHabit | None = None
    domain: str | None = None
    place: str | None = None
    display_name: str | None = None


@dataclass(frozen=True, slots=True)
class Habits:
    """`root`: the place under which nearly everybody is ("" is the top). `leavers_place`: where disabled accounts go, from `root`."""

    root: str = ""
    roles: Mapping[Role, RoleHabits] = field(default_factory=dict)
    leavers_place: str | None = None

    def of(self, role: Role) -> RoleHabits:
        """What is known of a role, which may be nothing."""
        return self.roles.get(role, RoleHabits())


def habits(accounts: Iterable[Account], year: int, root: str | None = None) -> Habits:
    """What the accounts of a directory have in common, as of the calendar year `year`. `root` is given where it is settled already.

    Only accounts with a first and a last name count: services and devices have none.
    """
    people = [each for each in accounts if each.given and each.family and each.place is not None]
    if root is None:
        root = common_root(each.place or "" for each in people)
    inside = [(each, rest) for each in people if (rest := _below(each.place or "", root)) is not None]
    gone = [(each, rest) for each, rest in inside if _LEAVERS.search(rest)]
    there = [(each, rest) for each, rest in inside if not _LEAVERS.search(rest)]
    by_role: dict[Role, list[tuple[Account, str]]] = {Role.STUDENT: [], Role.STAFF: []}
    for account, rest in there:
        role = _role(account, rest, year)
        if role is not None:
            by_role[role].append((account, rest))
    found = {role: _of_role(each, role, year) for role, each in by_role.items() if each}
    return Habits(root, found, _leavers_place(gone))


def common_root(places: Iterable[str]) -> str:
    """The deepest place that holds at least nine tenths of people, above those that are called Students, Staff or the like."""
    paths = [[part for part in each.split("/") if part] for each in places]
    root: list[str] = []
    everybody = len(paths)
    while paths:
        nexts = Counter(path[0] for path in paths if path)
        name, most = nexts.most_common(1)[0] if nexts else ("", 0)
        below = {path[1] for path in paths if len(path) > 1 and path[0] == name}
        if most < 0.9 * everybody or not below or any(word.search(name) for word in _WORDS.values()):
            break
        root.append(name)
        paths = [path[1:] for path in paths if path and path[0] == name]
    return "/".join(root)


def _below(place: str, root: str) -> str | None:
    """The rest of a place from `root`, or None when it lies elsewhere."""
    if not root:
        return place
    if place == root:
        return ""
    return place[len(root) + 1 :] if place.startswith(f"{root}/") else None


def _role(account: Account, place: str, year: int) -> Role | None:
    """Told by the words of the place; where they say nothing, a Year of Entry in the username, or a year in the place, makes a pupil."""
    for role, word in _WORDS.items():
        if word.search(place):
            return role
    if any(_general(part, year) != part for part in place.split("/")):
        return Role.STUDENT
    digits = re.match(r"(?:20)?(\d\d)[a-z]", account.login.partition("@")[0])
    return Role.STUDENT if digits and 0 <= year % 100 + 1 - int(digits[1]) <= 16 else None


def _of_role(there: Sequence[tuple[Account, str]], role: Role, year: int) -> RoleHabits:
    step = max(1, len(there) // _MOST)
    sample = [account for account, _ in there[::step]]
    names = [(each.given or "", each.family or "", each.login.partition("@")[0]) for each in sample]
    username = username_habit(names, role, year)
    with_address = [each for each in sample if "@" in each.email]
    locals_ = [(each.given or "", each.family or "", each.email.partition("@")[0]) for each in with_address]
    same = sum(each.email.partition("@")[0] == each.login.partition("@")[0] for each in with_address)
    email = None if same * 2 >= len(with_address) else username_habit(locals_, role, year)
    return RoleHabits(
        len(there),
        username,
        email if email and not email.prefix and not email.suffix else None,
        _most_common(each.email.partition("@")[2] for each in with_address),
        _most_common(_template(place, year) for account, place in there if account.enabled),
        _display(sample),
    )


def _display(sample: Sequence[Account]) -> str | None:
    def fits(template: str) -> int:
        return sum(
            template.format(first=each.given, last=each.family).casefold() == (each.display_name or "").casefold()
            for each in sample
        )

    best = max(_DISPLAY, key=fits)
    return best if fits(best) * 2 > len(sample) else None


def _template(place: str, year: int) -> str:
    """A place with what differs from year to year as fields: "Students/2019" is "Students/{yoe4}"."""
    return "/".join(_general(part.replace("{", "").replace("}", ""), year) for part in place.split("/") if part)


def _general(part: str, year: int) -> str:
    def entry(found: re.Match[str]) -> str:
        return "{yoe4}" if year - 16 <= int(found[0]) <= year + 1 else found[0]

    general = re.sub(r"(?<!\d)20\d\d(?!\d)", entry, part)
    if general != part:
        return general
    if _STAGE.fullmatch(part):
        return "{year}"
    short = _SHORT_STAGE.fullmatch(part)
    if short:
        return f"{short['before']}{{stage}}"
    if _REGISTRATION.fullmatch(part):
        return "{registration}"
    return "{yoe2}" if re.fullmatch(r"\d\d", part) and 13 < int(part) <= year % 100 + 1 else part


def _leavers_place(gone: Sequence[tuple[Account, str]]) -> str | None:
    """Where disabled accounts lie, up to the part that says so; only where most of those in it are disabled."""
    if len(gone) < 3 or sum(not account.enabled for account, _ in gone) * 2 < len(gone):
        return None
    return _most_common(_cut(place, _LEAVERS.search) for _, place in gone)


def _cut(place: str, says: Callable[[str], object]) -> str:
    parts = place.split("/")
    return "/".join(parts[: next(n for n, part in enumerate(parts) if says(part)) + 1])


def _most_common(texts: Iterable[str]) -> str | None:
    """What at least half of them are; None where there is no such text."""
    counted = Counter(each for each in texts if each)
    total = counted.total()
    text, most = counted.most_common(1)[0] if counted else ("", 0)
    return text if total and most * 2 >= total else None
