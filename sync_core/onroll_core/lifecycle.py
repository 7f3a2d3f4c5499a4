"""Where a person stands with the school on a day, whether that gives them an account, and why."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta

from onroll_core.identities import Identity, State
from onroll_core.people import Person, Role, Status
from onroll_core.rules import RoleRules, SchoolRules
from onroll_core.years import parse_stage


@dataclass(frozen=True, slots=True)
class Standing:
    """`access`: the account should be enabled. `early`: it need not be made yet. `because` is half a sentence.
    `expected`: the school year explains the leaving (a date passed, the end of the final year). `left_on`: since when gone."""

    state: State
    access: bool
    because: str
    expected: bool = False
    left_on: date | None = None
    early: bool = False


GONE = frozenset({State.LEAVING, State.LEFT, State.NO_SHOW})
SUBSIDIARY = "S"
"""The enrolment status of a pupil whose main registration is at another school."""

ON_ROLL = Standing(State.ACTIVE, True, "on roll")
EMPLOYED = Standing(State.ACTIVE, True, "employed")
BY_HAND = Standing(State.ACTIVE, True, "added by hand")


def standing(identity: Identity, today: date, school: SchoolRules) -> Standing:
    """Where `identity` stands on `today`; an account that somebody disabled by hand stays so until they enable it, whatever the MIS says.

    DESIGN 4.3 and 6: a leaver has a leaving date in the past, or a leaver's status, or has been absent from enough complete reads;
    pupils accepted or admitted and staff whose employment begins later have accounts ahead of their first day; a pupil accepted and
    not arrived by the first day is a no-show. The last day itself still counts as on roll.
    Whoever has left here and is on roll at another school of the trust keeps the account until that school has taken it over.
    """
    where = _standing(identity, today, school)
    if identity.elsewhere and not identity.host and let_go(where):
        where = replace(where, access=True, because=_elsewhere(where, identity, school))
    if identity.suspended and where.access:
        return replace(where, access=False, because=f"was disabled by hand ({identity.suspended})", expected=True)
    return where


def let_go(where: Standing) -> bool:
    """True when a school no longer keeps an account for somebody who stands there so: another school that has them on roll may."""
    return where.state in GONE or where.state is State.EXCLUDED


def present(identity: Identity, today: date, school: SchoolRules) -> bool:
    """True when `school` would keep an account for a guest of its own, were no other school to do so: on roll or soon to be, and registered."""
    where = _standing(identity, today, school)
    return where.access and not where.early and not let_go(where) and _registered(identity.person, school)


def _elsewhere(where: Standing, identity: Identity, school: SchoolRules) -> str:
    others = " and ".join(sorted(identity.elsewhere.values()))
    left = f"left {school.name}" if where.state in GONE else f"gets no account from {school.name}"
    return f"{left}, and is on roll at {others}"


def _standing(identity: Identity, today: date, school: SchoolRules) -> Standing:
    rules = school.of(identity.role)
    person = identity.person
    if rules is None or not rules.provision:
        return Standing(State.EXCLUDED, False, f"{identity.role.value} get no accounts here")
    if identity.absences and identity.source == "mis":
        return _absent(identity, today, school, rules)
    if person.status is Status.ON_ROLL and person.ends is None and (person.starts is None or person.starts <= today):
        if identity.source != "mis":
            return BY_HAND
        if identity.role is Role.STAFF:
            return EMPLOYED
        return ON_ROLL if _enrolled(identity, school) else _guest(person)
    if person.ends is not None and person.ends < today:
        return _gone(person.ends, f"left on {spoken(person.ends)}", True, today, rules)
    if person.status is Status.LEFT:
        since = min(person.ends or identity.left_on or today, today)
        expected = ends_naturally(identity, since, school)
        return _gone(since, "is a leaver in the MIS", expected, today, rules)
    if person.starts is not None and person.starts > today:
        early = rules.early is not None and person.starts > today + timedelta(days=rules.early)
        return Standing(State.FUTURE, True, f"starts on {spoken(person.starts)}", early=early)
    if person.status is Status.FUTURE and identity.role is Role.STUDENT:
        if person.starts is not None and person.starts < today:
            return Standing(State.NO_SHOW, False, f"was to start on {spoken(person.starts)} and has not arrived")
        return Standing(State.FUTURE, True, "is accepted")
    if identity.role is Role.STUDENT and not _enrolled(identity, school):
        return _guest(person)
    if identity.source != "mis":
        return BY_HAND
    return EMPLOYED if identity.role is Role.STAFF else ON_ROLL


def _absent(identity: Identity, today: date, school: SchoolRules, rules: RoleRules) -> Standing:
    """Missing is not left: only after enough complete reads, or once a date that was told before has passed."""
    person = identity.person
    if person.ends is not None and person.ends < today:
        return _gone(person.ends, f"left on {spoken(person.ends)}", True, today, rules)
    if identity.absences < school.absences and identity.left_on is None:
        times = "once" if identity.absences == 1 else f"{identity.absences} times"
        return Standing(
            State.MISSING, True, f"was missing from the MIS {times}, and is kept until it is {school.absences}"
        )
    since = identity.left_on or today
    expected = ends_naturally(identity, since, school)
    return _gone(
        since, f"was missing from the last {identity.absences} complete reads of the MIS", expected, today, rules
    )


def _gone(since: date, because: str, expected: bool, today: date, rules: RoleRules) -> Standing:
    if rules.grace and today <= since + timedelta(days=rules.grace):
        until = spoken(since + timedelta(days=rules.grace))
        return Standing(State.LEAVING, True, f"{because}, with grace until {until}", expected, since)
    return Standing(State.LEFT, False, because, expected, since)


def _enrolled(identity: Identity, school: SchoolRules) -> bool:
    """True when the enrolment status is one with an account, or another school of the trust gives the account or has given it."""
    if identity.host:
        return True
    if any(key.school != school.id for key in identity.also):
        return _registered(identity.person, school)
    return _status(identity.person) in school.enrolments or not _status(identity.person)


def _registered(person: Person, school: SchoolRules) -> bool:
    return _status(person) in {"", SUBSIDIARY, *school.enrolments}


def is_subsidiary(person: Person) -> bool:
    """True when the pupil's main registration is at another school."""
    return _status(person) == SUBSIDIARY


def _status(person: Person) -> str:
    return (person.enrolment or "").strip().upper()


def _guest(person: Person) -> Standing:
    return Standing(State.EXCLUDED, False, f"has the enrolment status {person.enrolment}, which gets no account here")


def ends_naturally(identity: Identity, since: date, school: SchoolRules) -> bool:
    """True when leaving on `since` is the end of the final year: Year 6, 11, 13 (or what the country calls them), in the summer."""
    if identity.role is not Role.STUDENT or since.month not in (6, 7, 8, 9):
        return False
    stage = parse_stage(identity.person.year_group, school.country)
    return stage is not None and stage.final


def spoken(day: date) -> str:
    """A date as it is said: 21 July 2026."""
    return f"{day.day} {day:%B %Y}"
