"""How people are to be named and placed: as the accounts that are there are, where these show a habit."""

from __future__ import annotations

from collections.abc import Sequence

from onroll_core.habits import RoleHabits
from onroll_core.people import Role
from onroll_core.usernames import Format
from onroll_daemon.school_rules import place_of, username_of
from onroll_daemon.setup.answers import Answers
from onroll_daemon.setup.targets import Held, Say
from onroll_daemon.tables import RoleTable

_TITLES = {Role.STUDENT: ("students", "pupils"), Role.STAFF: ("staff", "staff")}
_NOTHING_SAID = RoleTable()
_ORDER = ("active_directory", "google_workspace", "microsoft365")


def settle_names(answers: Answers, held: Sequence[Held], say: Say) -> None:
    """The school's domain, and each role's username, address, OU and display name."""
    by_kind = sorted(held, key=lambda each: _ORDER.index(each.kind))
    _domain(answers, by_kind)
    for role, (table, people) in _TITLES.items():
        found = _best(by_kind, role)
        _tell(found, people, say)
        _role(answers, role, table, people, found)
    leavers = next((each.habits.leavers_place for each in by_kind if each.habits.leavers_place), None)
    if leavers is not None and answers.get("school", "students", "leavers_place") is None:
        answers.put(leavers, "school", "students", "leavers_place")
        say(f"Disabled pupils go to {leavers}, as they do now.")


def _best(held: Sequence[Held], role: Role) -> RoleHabits:
    """The first target that shows how usernames are made; else the one with the most accounts."""
    told = [each.habits.of(role) for each in held]
    return next((each for each in told if each.username), max(told, key=lambda each: each.seen, default=RoleHabits()))


def _domain(answers: Answers, held: Sequence[Held]) -> None:
    domains = [_best(held, role).domain for role in (Role.STAFF, Role.STUDENT)]
    own = next((each.domain for each in held if each.domain), None)
    default = next((each for each in domains if each), own)
    answers.text(("school", "domain"), "The domain of e-mail addresses", default)
    pupils = domains[1]
    if pupils is not None and pupils != answers.get("school", "domain") and not _set(answers, "students", "domain"):
        answers.put(pupils, "school", "students", "domain")


def _tell(found: RoleHabits, people: str, say: Say) -> None:
    habit = found.username
    if habit is not None:
        whole = f"{habit.prefix}{habit.format}{habit.suffix}"
        share = round(100 * habit.fits / habit.seen)
        say(f"{share} % of {habit.seen:,} usernames of {people} are made as {whole}: {habit.example}.")
    elif found.seen:
        say(f"The usernames of {found.seen:,} {people} follow no rule that onroll knows.")


def _role(answers: Answers, role: Role, table: str, people: str, found: RoleHabits) -> None:
    habit, asked = found.username, answers.asker is not None
    guess = habit.format if habit is not None else None
    usual = username_of(_NOTHING_SAID, role) if asked else None

    def wrong(given: str) -> str | None:
        try:
            Format.parse(given, role)
        except ValueError as problem:
            return str(problem)
        return None

    path = ("school", table, "username")
    told = answers.get(*path) is not None
    chosen = answers.text(path, f"How usernames of {people} are made", guess or usual, wrong=wrong, needed=False)
    if habit is not None and chosen == habit.format and not told:
        for key, affix in (("prefix", habit.prefix), ("suffix", habit.suffix)):
            if affix and not _set(answers, table, key):
                answers.put(affix, "school", table, key)
    answers.text(
        ("school", table, "place"),
        f"The OU of {people}, from the base ({{yoe4}} {{year}} {{registration}} ...)",
        found.place or (place_of(_NOTHING_SAID, role) if asked else None),
        needed=False,
    )
    if found.email is not None and not _set(answers, table, "email"):
        answers.put(found.email.format, "school", table, "email")
    if found.display_name not in (None, "{first} {last}") and not _set(answers, table, "display_name"):
        answers.put(found.display_name, "school", table, "display_name")


def _set(answers: Answers, table: str, key: str) -> bool:
    return answers.get("school", table, key) is not None
