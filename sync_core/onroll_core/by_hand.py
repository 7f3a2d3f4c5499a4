"""People whom no MIS knows (governors, visitors, supply staff, exam accounts): made by hand, with names from the same ledger and an end of their own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Protocol

from onroll_core.accounts import IdentityId
from onroll_core.cohorts import Years, year_of_entry_of
from onroll_core.errors import Refused
from onroll_core.identities import Identity, State
from onroll_core.lifecycle import GONE
from onroll_core.naming import name_everyone
from onroll_core.people import Person, Role, SourceKey, Status
from onroll_core.rules import SchoolRules
from onroll_core.usernames import clean_display, fold, problem_with
from onroll_core.years import academic_year


class Ledger(Protocol):
    """Every name ever issued or seen."""

    def taken(self, name: str) -> bool:
        """True when anybody ever had this name."""
        ...

    def holder(self, name: str) -> IdentityId | None:
        """Whose it is, when it was issued by us."""
        ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """Somebody to be added. `username` is None for the school's format; `year` is of a pupil; `where` is for sentences ("line 7")."""

    first: str
    last: str
    role: Role = Role.OTHER
    username: str | None = None
    starts: date | None = None
    ends: date | None = None
    year: str | None = None
    where: str = ""


def added(
    wanted: Iterable[Wanted],
    known: Iterable[Identity],
    school: SchoolRules,
    ledger: Ledger,
    today: date,
    ids: Iterable[IdentityId],
) -> list[Identity]:
    """The identities of those to be added, with their names; all of them or none.

    Raises Refused for a name that is empty, taken or reserved, an end before the beginning, and for somebody of the same name and role who is there
    already (two governors called Ann Lee are told apart by the username that is written for the second).
    """
    there = {(each.role, fold(_name(each.person))): each for each in known if each.state not in GONE}
    given: dict[str, str] = {}
    people: list[Identity] = []
    for each, identity_id in zip(wanted, ids, strict=False):
        person = _person(each, identity_id, school, there, today)
        identity = _in_cohort(
            Identity(identity_id, school.id, each.role, person, State.ACTIVE, source="manual"), school, today
        )
        if each.username is not None:
            identity = _called(identity, each, school, ledger, given)
        there[each.role, fold(_name(person))] = identity
        people.append(identity)
    names = {name for each in people for name in (each.username, each.email) if name}

    class Both:
        def taken(self, name: str) -> bool:
            return name in names or ledger.taken(name)

    named = {each.id: each for each in name_everyone(people, today, school, Both(), ())}
    return [named.get(each.id, each) for each in people]


def _person(
    wanted: Wanted, identity: IdentityId, school: SchoolRules, there: Mapping[tuple[Role, str], Identity], today: date
) -> Person:
    before = f"{wanted.where}: " if wanted.where else ""
    first, last = clean_display(wanted.first), clean_display(wanted.last)
    if not first and not last:
        raise Refused(f"{before}somebody needs a first or a last name. Nobody was added.")
    if school.of(wanted.role) is None or wanted.role is Role.CONTACT:
        raise Refused(f"{before}{wanted.role.value} get no accounts at {school.id}. Nobody was added.")
    if wanted.ends is not None and (wanted.ends < today or (wanted.starts is not None and wanted.ends < wanted.starts)):
        raise Refused(f"{before}the end, {wanted.ends}, is before the beginning or in the past. Nobody was added.")
    namesake = there.get((wanted.role, fold(f"{first} {last}")))
    if wanted.username is None and namesake is not None:
        raise Refused(
            f"{before}{first} {last} is there already{_back(namesake, today)}. If this is somebody else, write a username for them. Nobody was added."
        )
    status = Status.FUTURE if wanted.starts is not None and wanted.starts > today else Status.ON_ROLL
    return Person(
        SourceKey(school.id, f"manual:{identity}"), wanted.role, status, first=first, last=last, starts=wanted.starts, ends=wanted.ends,
        year_group=wanted.year,
    )  # fmt: skip


def _back(namesake: Identity, today: date) -> str:
    """Who that is, and how somebody whose time is over gets the account back."""
    ended = namesake.person.ends
    if namesake.source == "mis" or ended is None or ended >= today:
        return f", as {namesake.role.value} ({namesake.label})"
    return (
        f" ({namesake.label}, until {ended}): the account comes back with onroll users edit {namesake.label} --no-end"
    )


def _called(identity: Identity, wanted: Wanted, school: SchoolRules, ledger: Ledger, given: dict[str, str]) -> Identity:
    """With the names that somebody wrote."""
    before = f"{wanted.where}: " if wanted.where else ""
    username = (wanted.username or "").strip().lower()
    problem = problem_with(username)
    if problem is not None:
        raise Refused(f"{before}{problem} Nobody was added.")
    rules = school.of(identity.role)
    email = f"{username}@{rules.domain if rules else ''}"
    for name in (username, email):
        if name in given or ledger.taken(name):
            raise Refused(f"{before}{name} is taken, and a name is issued once. Nobody was added.")
        given[name] = identity.id
    return replace(identity, username=username, email=email)


def _in_cohort(identity: Identity, school: SchoolRules, today: date) -> Identity:
    """With the Year of Entry that a pupil's year group gives today; no rollover moves it afterwards."""
    now = Years(academic_year(today, school.rollover), today, school.country, school.rollover)
    return replace(identity, year_of_entry=year_of_entry_of(identity, now))


def edited(identity: Identity, told: Mapping[str, str | date | None], school: SchoolRules, today: date) -> Identity:
    """Somebody made by hand with other names or dates; a value that is not among `told` stays. Raises Refused for people of the MIS."""
    if identity.source == "mis":
        raise Refused(
            f"{identity.label} is in the MIS, which has the say: change names and dates there. Nothing was changed."
        )
    cleaned = {name: clean_display(each) if isinstance(each, str) else each for name, each in told.items()}
    person = replace(identity.person, **cleaned)  # type: ignore[arg-type]
    if not (person.first or person.last):
        raise Refused("Somebody needs a first or a last name. Nothing was changed.")
    if person.ends is not None and person.starts is not None and person.ends < person.starts:
        raise Refused(f"The end, {person.ends}, is before the beginning, {person.starts}. Nothing was changed.")
    status = Status.FUTURE if person.starts is not None and person.starts > today else Status.ON_ROLL
    after = replace(identity, person=replace(person, status=status))
    return _in_cohort(after, school, today) if "year_group" in told else after


def _name(person: Person) -> str:
    return f"{person.first or ''} {person.last or ''}"
