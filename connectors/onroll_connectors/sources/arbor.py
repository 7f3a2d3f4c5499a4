"""Arbor by GraphQL: pupils, future pupils, leavers, staff, and the forms, houses and groups of the current academic year.

Fields of people and groups are those that public clients use against live schools. Which list tells of pupils to come and gone is inferred from Arbor's
entities, and is a setting. Memberships are of an academic year and have dates: one that is over, or not yet begun, is none.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from onroll_connectors.gives import Gives
from onroll_connectors.http import Client, only_here, safe_endpoint
from onroll_connectors.own_groups import own_groups
from onroll_connectors.secrets import Secret
from onroll_connectors.sources.arbor_graphql import SHAPE, GraphQL, selection
from onroll_connectors.sources.arbor_groups import Groups
from onroll_connectors.sources.arbor_rights import NONE, RIGHTS
from onroll_core.contracts import Context, Finding, Report, Source
from onroll_core.errors import Halt, OnrollError, Unavailable
from onroll_core.people import Person, Role, Snapshot, SourceKey, Status

GIVES = Gives(contacts=True)

_NAMES = "legalFirstName legalLastName preferredFirstName preferredLastName"
_STUDENT = f"id upn studentNumber {_NAMES} mostRecentEntryDate leavingDate displayAcademicLevel {{ displayName }} registrationForm {{ id displayName }}"
_BRIEF = f"id upn studentNumber {_NAMES}"
_STAFF = f"id {_NAMES} joiningDate leavingDate staffNumber isActiveInSchool"
_ENROLLED = "currentlyEnrolled: true"


class Settings(BaseModel):
    """The keys of [school.source] for mis = "arbor"."""

    model_config = ConfigDict(extra="forbid", strict=True)

    endpoint: str = Field(description="the school's own address: https://SCHOOL.uk.arbor.sc")
    user: str | None = Field(None, description="the application's username, from Arbor's developer portal")
    password: Secret | None = Field(None, description="its password: env:NAME, file:PATH or credential:NAME")
    token: Secret | None = Field(None, description="in place of both, for a simulator on this machine alone")
    application_id: str | None = Field(
        None, description="x-mis-application-id, for Arbor's shared address https://api.uk.arbor.sc"
    )
    page_size: int = Field(1000, description="records a page; Arbor's own default is 3000", ge=10, le=3000)
    future: Literal["application", "enrolment", "none"] = Field(
        "application", description="what tells of pupils to come (inferred)"
    )
    leavers: bool = Field(True, description="read pupils who left, by their enrolments (inferred)")
    leavers_days: int = Field(400, description="how far back leavers are read, in days", ge=1)
    houses: bool = Field(True, description="read houses and who is in them")
    classes: Literal["teaching_groups", "academic_units", "none"] = Field(
        "teaching_groups", description="what a teaching group is at this school"
    )
    staff_code: str = Field("staffNumber", description="the field of staff that is their code")
    omit: list[str] = Field(
        [], description="fields that are not asked for, because the school's Arbor does not know or permit them"
    )
    dates_of_birth: bool = Field(False, description="read dates of birth, for linking")
    contacts: bool = Field(False, description="also read pupils' guardians: their names, and whose they are")

    @model_validator(mode="after")
    def _safe(self) -> Self:
        safe_endpoint(self.endpoint)
        only_here(self.token, self.endpoint, "Arbor takes user and password")
        if self.token is None and (self.user is None or self.password is None):
            raise ValueError("user: say user and password, of the application that the school approved")
        return self


def connect(settings: Settings, context: Context) -> Source:
    """The source; nothing is asked before `check` or `read`."""
    return Arbor(settings, context)


class Arbor:
    """One school."""

    def __init__(self, settings: Settings, context: Context) -> None:
        self._settings, self._context = settings, context
        self._opened: Client | None = None

    @property
    def _graphql(self) -> GraphQL:
        if self._opened is None:
            told = self._settings
            if told.token is not None:
                signed = f"Bearer {told.token.reveal()}"
            else:
                secret = told.password.reveal() if told.password is not None else ""
                signed = "Basic " + base64.b64encode(f"{told.user}:{secret}".encode()).decode()
            headers = {
                "Authorization": signed,
                "Accept": "application/json",
                "User-Agent": "onroll (school identity provisioning)",
            }
            if told.application_id is not None:
                headers["x-mis-application-id"] = told.application_id
            self._opened = Client("Arbor", told.endpoint, self._context, headers)
        return GraphQL(self._opened, self._context, self._settings.page_size)

    def close(self) -> None:
        """Let go of the connection."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def check(self) -> Report:
        """Is each list there, with every field that is asked for?"""
        found: list[Finding] = []
        looks: tuple[tuple[str, Callable[[], Sized]], ...] = (
            ("pupils on roll", self._pupils),
            ("staff", self._employees),
            ("pupils to come", lambda: self._coming({})),
            ("leavers", lambda: self._gone({})),
            ("groups", lambda: self._groups({}, {})),
        )
        for what, read in looks:
            try:
                count = len(read())
                empty = not count and what in ("pupils on roll", "staff")
                found.append(
                    Finding("problem", _nobody(what)) if empty else Finding("ok", f"Arbor shows {count} {what}.")
                )
            except OnrollError as trouble:
                found.append(Finding("problem", str(trouble)))
                if "refused onroll" in str(trouble):
                    return Report(found)
        return Report([*found, *self._unseen()])

    def _unseen(self) -> Iterator[Finding]:
        """The entities that can be done without and of which Arbor shows not one record; a read finds out about the others."""
        for right in RIGHTS.of(self._settings):
            try:
                if not right.needed and not self._graphql.shows(right.name):
                    yield RIGHTS.finding(right.name, NONE, sure=False)
            except OnrollError as trouble:
                yield Finding("problem", str(trouble))

    def read(self) -> Snapshot:
        """Everyone, complete: the ids of pupils and staff are asked again at the end, and have to be the same. Raises Unavailable or Halt."""
        pupils, staff = self._pupils(), self._employees()
        if not pupils:
            raise Halt(_nobody("pupils on roll"))
        if not staff:
            raise Halt(_nobody("staff"))
        people = {person.key: person for person in pupils.values()}
        people |= {person.key: person for person in self._coming(people)}
        people |= {person.key: person for person in self._gone(people)}
        groups = self._groups(pupils, staff)
        houses = groups.houses
        for number, person in pupils.items():
            people[person.key] = replace(person, house=houses.get(number))
        people |= {person.key: person for person in staff.values()}
        if self._settings.contacts:
            people |= {person.key: person for person in self._guardians(people)}
        self._graphql.same("Student", _ENROLLED, pupils)
        self._graphql.same("Staff", "", staff)
        return Snapshot(
            self._context.school,
            self._context.now(),
            list(people.values()),
            [*own_groups(people.values(), self._context.school, groups.tutors), *groups.taught],
            academic_year=groups.academic_year,
        )

    @property
    def _today(self) -> date:
        return self._context.today or self._context.now().date()

    def _ask(self, fields: str) -> str:
        return selection(fields + (" dateOfBirth" if self._settings.dates_of_birth else ""), self._settings.omit)

    def _pupils(self) -> dict[str, Person]:
        """Pupils on roll, by Arbor's id."""
        found = {}
        for row in self._graphql.rows("Student", self._ask(_STUDENT), _ENROLLED):
            ends = _day(row, "leavingDate")
            person = self._person(row, Role.STUDENT, "studentNumber")
            found[_id(row)] = replace(
                person,
                # A date of an earlier stay may still be there; who is enrolled now has not left.
                ends=ends if ends is not None and ends >= self._today else None,
                starts=_day(row, "mostRecentEntryDate"),
                year_group=_shown(row, "displayAcademicLevel"),
                registration_group=_shown(row, "registrationForm"),
                upn=_text(row, "upn"),
            )
        return found

    def _employees(self) -> dict[str, Person]:
        """Everybody who works, worked or will work at the school, by Arbor's id."""
        found = {}
        for row in self._graphql.rows("Staff", self._ask(_STAFF)):
            starts, ends = _day(row, "joiningDate"), _day(row, "leavingDate")
            active = row.get("isActiveInSchool")
            if active is not None and not isinstance(active, bool):
                raise Unavailable(
                    "Arbor sent something else than true or false for isActiveInSchool. Nothing was changed."
                )
            status = Status.ON_ROLL
            if starts is not None and starts > self._today:
                status = Status.FUTURE
            elif active is False or (active is None and ends is not None and ends < self._today):
                status = Status.LEFT
            person = self._person(row, Role.STAFF, self._settings.staff_code)
            found[_id(row)] = replace(person, status=status, starts=starts, ends=ends)
        return found

    def _person(self, row: Mapping[str, Any], role: Role, number: str) -> Person:
        first, last = _text(row, "legalFirstName"), _text(row, "legalLastName")
        student = role is Role.STUDENT
        return Person(
            SourceKey(self._context.school, f"{role.value}:{_id(row)}"),
            role,
            Status.ON_ROLL,
            first=_text(row, "preferredFirstName") or first,
            last=_text(row, "preferredLastName") or last,
            legal_first=first,
            legal_last=last,
            upn=_text(row, "upn") if student else None,
            admission_number=_text(row, number) if student else None,
            staff_code=None if student else _text(row, number),
            dob=_day(row, "dateOfBirth") if self._settings.dates_of_birth else None,
        )

    def _coming(self, known: Mapping[SourceKey, Person]) -> list[Person]:
        """Pupils who are accepted and not there yet."""
        if self._settings.future == "application":
            rows = self._graphql.rows(
                "Application",
                "id acceptedDatetime expectedAdmissionDate enrolledDatetime withdrawnDatetime rejectedDatetime"
                f" expectedAcademicLevel {{ displayName }} student {{ {self._ask(_BRIEF)} }}",
            )
            found = [self._applicant(row) for row in rows]
        elif self._settings.future == "enrolment":
            rows = self._graphql.rows(
                "AcademicYearEnrolment",
                f"id startDate student {{ {self._ask(_BRIEF)} }}",
                f'startDate_after: "{self._today.isoformat()}"',
            )
            found = [self._future(row, _day(row, "startDate"), None) for row in rows]
        else:
            found = []
        unique = {person.key: person for person in found if person is not None and person.key not in known}
        return list(unique.values())

    def _applicant(self, row: Mapping[str, Any]) -> Person | None:
        if _day(row, "acceptedDatetime") is None or any(
            _day(row, name) is not None for name in ("withdrawnDatetime", "rejectedDatetime", "enrolledDatetime")
        ):
            return None
        return self._future(row, _day(row, "expectedAdmissionDate"), _shown(row, "expectedAcademicLevel"))

    def _future(self, row: Mapping[str, Any], starts: date | None, year: str | None) -> Person:
        person = self._person(SHAPE.table(row.get("student"), "a student"), Role.STUDENT, "studentNumber")
        return replace(person, status=Status.FUTURE, starts=starts, year_group=year)

    def _gone(self, known: Mapping[SourceKey, Person]) -> list[Person]:
        """Pupils whose enrolment ended and who are not there, or about to be there, again."""
        if not self._settings.leavers:
            return []
        since = (self._today - timedelta(days=self._settings.leavers_days)).isoformat()
        found: dict[SourceKey, Person] = {}
        for row in self._graphql.rows(
            "EducationalInstitutionEnrolment",
            f"id entryDate leavingDate student {{ {self._ask(_BRIEF)} }}",
            f'leavingDate_after: "{since}", leavingDate_before: "{self._today.isoformat()}"',
        ):
            person = self._person(SHAPE.table(row.get("student"), "a student"), Role.STUDENT, "studentNumber")
            left = replace(person, status=Status.LEFT, starts=_day(row, "entryDate"), ends=_day(row, "leavingDate"))
            before = found.get(person.key)
            if person.key not in known and (before is None or (before.ends or date.min) < (left.ends or date.min)):
                found[person.key] = left
        return list(found.values())

    def _guardians(self, people: Mapping[SourceKey, Person]) -> Iterable[Person]:
        children: dict[SourceKey, list[str]] = {}
        named: dict[SourceKey, Person] = {}
        fields = selection(f"id student {{ id }} guardian {{ id person {{ id {_NAMES} }} }}", self._settings.omit)
        for row in self._graphql.rows("StudentGuardianRelationship", fields):
            child = SourceKey(self._context.school, f"student:{_id(SHAPE.table(row.get('student'), 'a student'))}")
            guardian = SHAPE.table(row.get("guardian"), "a guardian")
            if child not in people:
                continue
            told = SHAPE.table(guardian.get("person"), "a person")
            key = SourceKey(self._context.school, f"contact:{_id(guardian)}")
            children.setdefault(key, []).append(child.record)
            first, last = _text(told, "preferredFirstName"), _text(told, "preferredLastName")
            named[key] = Person(
                key, Role.CONTACT, Status.ON_ROLL,
                first=first or _text(told, "legalFirstName"), last=last or _text(told, "legalLastName"),
            )  # fmt: skip
        return [replace(person, children=tuple(sorted(set(children[key])))) for key, person in named.items()]

    def _groups(self, pupils: Mapping[str, Person], staff: Mapping[str, Person]) -> Groups:
        return Groups.read(
            self._graphql, self._context.school, self._today, self._settings.houses, self._settings.classes, frozenset(self._settings.omit),
            {number: person.key for number, person in pupils.items()}, {number: person.key for number, person in staff.items()},
        )  # fmt: skip


def _nobody(what: str) -> str:
    return f"Arbor shows no {what}. {RIGHTS.missing('Student' if what == 'pupils on roll' else 'Staff', NONE, sure=False)} Nothing was changed."


def _id(row: Mapping[str, Any]) -> str:
    return SHAPE.key(row.get("id"), "an id")


def _text(row: Mapping[str, Any], name: str) -> str | None:
    return SHAPE.text(row.get(name), name)


def _shown(row: Mapping[str, Any], name: str) -> str | None:
    """The displayName of a nested object."""
    found = row.get(name)
    return None if found is None else SHAPE.text(SHAPE.table(found, name).get("displayName"), name)


def _day(row: Mapping[str, Any], name: str) -> date | None:
    """A plain text, or an object of the type date, as Arbor's REST writes it."""
    found = row.get(name)
    return SHAPE.day(found.get("date") if isinstance(found, dict) else found, name)
