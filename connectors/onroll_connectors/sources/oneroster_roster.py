"""Users, classes and enrolments of OneRoster, from a server or from files, as one school's people and groups."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from onroll_connectors.own_groups import own_groups
from onroll_core.errors import Halt, Unavailable
from onroll_core.people import Group, GroupKind, Person, Role, Snapshot, SourceKey, Status

ROLES: Mapping[str, Role] = {
    "student": Role.STUDENT,
    **dict.fromkeys(
        ("teacher", "aide", "administrator", "proctor", "counselor", "principal", "districtadministrator", "siteadministrator", "systemadministrator", "staff"),
        Role.STAFF,
    ),
    **dict.fromkeys(("guardian", "parent", "relative"), Role.CONTACT),
}  # fmt: skip
"""The vocabularies of 1.1 and 1.2 (small letters); others are a school's own to say."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a school decides. `school` is an org's sourcedId (None: there is only one); `roles` are its own words for roles, with "ignore" for none;
    `grades` are year groups by grade; `upn`, `scn` are types of userIds."""

    school: str | None = None
    roles: Mapping[str, str] = field(default_factory=dict)
    grades: Mapping[str, str] = field(default_factory=dict)
    upn: str = "UPN"
    scn: str = "SCN"
    contacts: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """What somebody is to one org, and when."""

    role: str
    org: str
    begins: date | None = None
    ends: date | None = None


@dataclass(frozen=True, slots=True)
class User:
    """One user record."""

    record: str
    parts: Sequence[Part]
    given: str | None
    family: str | None
    preferred_given: str | None = None
    preferred_family: str | None = None
    identifier: str | None = None
    numbers: Mapping[str, str] = field(default_factory=dict)
    grade: str | None = None
    agents: Sequence[str] = ()
    there: bool = True


@dataclass(frozen=True, slots=True)
class Class:
    """One class; `sessions` are its terms."""

    record: str
    title: str
    school: str | None
    homeroom: bool = False
    sessions: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Enrolment:
    """Somebody in a class."""

    user: str
    of: str
    role: str
    begins: date | None = None
    ends: date | None = None
    there: bool = True


@dataclass(frozen=True, slots=True)
class Session:
    """An academic session; `year` says that it is a whole school year."""

    record: str
    begins: date | None
    ends: date | None
    year: bool


class Roster:
    """What has been read so far of one school; `what` is whose words these are, for sentences."""

    def __init__(self, what: str, school: str, today: date, wishes: Wishes) -> None:
        self._what, self._school, self._today, self._wishes = what, school, today, wishes
        self._people: dict[SourceKey, Person] = {}
        self._by_record: dict[str, list[SourceKey]] = {}
        self._known: set[str] = set()
        self._family: dict[str, set[str]] = {}
        self._classes: dict[str, Class] = {}
        self._sessions: dict[str, Session] = {}
        self._members: dict[str, set[SourceKey]] = {}
        self._leaders: dict[str, set[SourceKey]] = {}

    def schools(self, orgs: Iterable[tuple[str, str, str]]) -> None:
        """Check the school against the orgs (sourcedId, name, type) that there are. Raises Halt where nobody can tell which is meant."""
        schools = {record: name for record, name, kind in orgs if kind.lower() == "school"}
        wanted = self._wishes.school
        if wanted is not None and schools and wanted not in schools:
            raise Halt(
                f"{self._what} has no school {wanted}. It has {_few(f'{record} ({name})' for record, name in schools.items())}. Nothing was read."
            )
        if wanted is None and len(schools) > 1:
            raise Halt(
                f"{self._what} tells of {len(schools)} schools: {_few(f'{record} ({name})' for record, name in schools.items())}. Say which is meant, as school in"
                " [school.source]. Nothing was read."
            )

    def session(self, session: Session) -> None:
        """One academic session."""
        self._sessions[session.record] = session

    def user(self, user: User) -> None:
        """One user. Raises Unavailable for one that comes twice, Halt for a role nobody knows."""
        if user.record in self._known:
            raise Unavailable(f"{self._what} sent the user {user.record} twice. Nothing was changed.")
        self._known.add(user.record)
        parts: dict[Role, list[Part]] = {}
        for part in user.parts:
            role = self._role(part.role, user.record)
            if role is not None and (self._wishes.school is None or part.org == self._wishes.school):
                parts.setdefault(role, []).append(part)
        # Family is told on either side.
        for agent in user.agents:
            self._family.setdefault(user.record, set()).add(agent)
            self._family.setdefault(agent, set()).add(user.record)
        for role, own in parts.items():
            if role is not Role.CONTACT or self._wishes.contacts:
                person = self._person(user, role, own)
                self._people[person.key] = person
                self._by_record.setdefault(user.record, []).append(person.key)

    def _role(self, word: str, record: str) -> Role | None:
        own = {name.lower(): meant for name, meant in self._wishes.roles.items()}.get(word.lower())
        if own == "ignore":
            return None
        found = Role(own) if own is not None else ROLES.get(word.lower())
        if found is None:
            raise Halt(
                f'{self._what} gives the user {record} the role {word!r}, which onroll does not know. Say what it means, as roles = {{ {word!r} = "staff" }}'
                " (student, staff, contact or ignore), in [school.source]. Nothing was read."
            )
        return found

    def _person(self, user: User, role: Role, parts: Sequence[Part]) -> Person:
        begins = min((part.begins for part in parts if part.begins is not None), default=None)
        ends = (
            None
            if any(part.ends is None for part in parts)
            else max(part.ends for part in parts if part.ends is not None)
        )
        status = Status.ON_ROLL
        if not user.there or (ends is not None and ends < self._today):
            status = Status.LEFT
        elif begins is not None and begins > self._today:
            status = Status.FUTURE
        student = role is Role.STUDENT
        return Person(
            SourceKey(self._school, f"{role.value}:{user.record}"),
            role,
            status,
            first=user.preferred_given or user.given,
            last=user.preferred_family or user.family,
            legal_first=user.given,
            legal_last=user.family,
            starts=begins,
            ends=ends,
            year_group=self._wishes.grades.get(user.grade, user.grade) if student and user.grade is not None else None,
            upn=user.numbers.get(self._wishes.upn.lower()) if student else None,
            scn=user.numbers.get(self._wishes.scn.lower()) if student else None,
            admission_number=user.identifier if student else None,
            staff_code=user.identifier if role is Role.STAFF else None,
        )

    def group(self, each: Class) -> None:
        """One class of this school and of a session that today is in; a class without sessions counts."""
        sessions = [self._sessions[record] for record in each.sessions if record in self._sessions]
        now = not sessions or any(self._within(session.begins, session.ends) for session in sessions)
        if each.record in self._classes:
            raise Unavailable(f"{self._what} sent the class {each.record} twice. Nothing was changed.")
        if now and (self._wishes.school is None or each.school in (None, self._wishes.school)):
            self._classes[each.record] = each

    def enrolment(self, each: Enrolment) -> None:
        """Somebody in a class. Raises Unavailable for a user of whom nobody was told."""
        if not each.there or each.of not in self._classes or not self._within(each.begins, each.ends):
            return
        if each.user not in self._known:
            raise Unavailable(
                f"{self._what} enrols the user {each.user}, of whom it does not tell. The read is not complete; nothing was changed."
            )
        role = self._role(each.role, each.user)
        for key in self._by_record.get(each.user, ()):
            if role is Role.STUDENT and key.record.startswith("student:"):
                self._members.setdefault(each.of, set()).add(key)
            elif role is Role.STAFF and key.record.startswith("staff:"):
                self._leaders.setdefault(each.of, set()).add(key)

    def _within(self, begins: date | None, ends: date | None) -> bool:
        return (begins is None or begins <= self._today) and (ends is None or ends >= self._today)

    def snapshot(self, taken_at: datetime) -> Snapshot:
        """Everybody and their groups. Raises Halt when a school has no pupil or no staff."""
        for role, name in ((Role.STUDENT, "pupil"), (Role.STAFF, "member of staff")):
            if not any(each.role is role and each.status is Status.ON_ROLL for each in self._people.values()):
                raise Halt(
                    f"{self._what} shows no {name} of the school. Look at school, and at what the server lets onroll see. Nothing was changed."
                )
        tutors: dict[str, set[SourceKey]] = {}
        groups: list[Group] = []
        for record, each in self._classes.items():
            members, leaders = self._members.get(record, set()), self._leaders.get(record, set())
            if each.homeroom:
                tutors.setdefault(each.title, set()).update(leaders)
                for key in members:
                    self._people[key] = replace(self._people[key], registration_group=each.title)
            else:
                key = SourceKey(self._school, f"teaching:{record}")
                groups.append(Group(key, GroupKind.TEACHING, each.title, frozenset(members), frozenset(leaders)))
        people = [person for person in map(self._with_children, self._people.values()) if person is not None]
        made = own_groups(people, self._school, tutors)
        return Snapshot(self._school, taken_at, people, [*made, *groups], academic_year=self._academic_year())

    def _with_children(self, person: Person) -> Person | None:
        if person.role is not Role.CONTACT:
            return person
        record = person.key.record.partition(":")[2]
        children = {key for each in self._family.get(record, ()) for key in self._by_record.get(each, ())}
        named = tuple(sorted(key.record for key in children if key.record.startswith("student:")))
        return replace(person, children=named) if named else None

    def _academic_year(self) -> int | None:
        years = [
            session
            for session in self._sessions.values()
            if session.year and self._within(session.begins, session.ends)
        ]
        begun = [session.begins for session in years if session.begins is not None]
        return max(begun).year if begun else None


def _few(texts: Iterable[str]) -> str:
    found = sorted(texts)
    return ", ".join(found[:5]) + (f" and {len(found) - 5} more" if len(found) > 5 else "")
