"""iSAMS's REST API: pupils, applicants, alumni, employees and sets, page by page.

Fields of people are as typed clients in public read them; the object of a set is not public, and neither is what an employee's status says: settings.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from itertools import islice
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from onroll_connectors.gives import Gives
from onroll_connectors.http import only_here, safe_endpoint
from onroll_connectors.own_groups import own_groups
from onroll_connectors.secrets import Secret
from onroll_connectors.sources.isams_pages import Rest
from onroll_connectors.sources.isams_rows import NOT_COMING, SHAPE, will_come
from onroll_core.contracts import Context, Finding, Report, Source
from onroll_core.errors import Halt, OnrollError, Unavailable
from onroll_core.people import Group, GroupKind, Person, Role, Snapshot, SourceKey, Status

GIVES = Gives(contacts=True)


class Settings(BaseModel):
    """The keys of [school.source] for route = "isams_rest"."""

    model_config = ConfigDict(extra="forbid", strict=True)

    endpoint: str = Field(description="the school's iSAMS: https://SCHOOL.isams.cloud")
    client_id: str | None = Field(None, description="of the API client that the school made for onroll")
    client_secret: Secret | None = Field(None, description="its secret: env:NAME, file:PATH or credential:NAME")
    token: Secret | None = Field(None, description="in place of both, for a simulator on this machine alone")
    token_path: str = Field(
        "auth/connect/token", description="where it signs in; older versions: Main/sso/idp/connect/token"
    )
    scope: str = Field("restapi", description='what it signs in for; older versions "api", "" for none')
    page_size: int = Field(500, description="rows a page; up to 1000 is used", ge=10, le=1000)
    applicants: bool = Field(True, description="read future pupils")
    alumni: bool = Field(True, description="read leavers")
    sets: bool = Field(True, description="read teaching sets and who is in them: one request a set")
    accepted: list[str] = Field(
        ["Accepted"], description="the admission statuses, in the school's own words, of pupils who will come"
    )
    not_coming: list[str] = Field(
        list(NOT_COMING),
        description="the admission statuses of those who do not, or not yet; one in neither list ends the read",
    )
    staff_left: list[str] = Field(["-1", "Former", "Left"], description="system statuses of employees who have left")
    set_name: list[str] = Field(
        ["name", "setCode"], description="fields of a set that name it, the best first (not published)"
    )
    set_teachers: str = Field("teachers", description="the field of a set that lists its teachers (not published)")
    set_teacher_id: list[str] = Field(
        ["employeeId", "staffId", "id"], description="what a teacher there is known by (not published)"
    )
    admission_number: str = Field("schoolCode", description="the field that is the school's admission number")
    dates_of_birth: bool = Field(False, description="read dates of birth, for linking")
    contacts: bool = Field(False, description="also read pupils' contacts: one request a pupil")

    @model_validator(mode="after")
    def _safe(self) -> Self:
        safe_endpoint(self.endpoint)
        only_here(self.token, self.endpoint, "iSAMS takes client_id and client_secret")
        if self.token is None and (self.client_id is None or self.client_secret is None):
            raise ValueError("client_id: say client_id and client_secret")
        return self


def connect(settings: Settings, context: Context) -> Source:
    """The source; nothing is asked before `check` or `read`."""
    return IsamsRest(settings, context)


class IsamsRest:
    """One school."""

    def __init__(self, settings: Settings, context: Context) -> None:
        self._settings, self._context = settings, context
        self._opened: Rest | None = None

    @property
    def _api(self) -> Rest:
        if self._opened is None:
            told = self._settings
            fixed = told.token.reveal if told.token is not None else None
            self._opened = Rest(told.endpoint, self._context, told.token_path, self._form, fixed)
        return self._opened

    def _form(self) -> Mapping[str, str]:
        told = self._settings
        secret = told.client_secret.reveal() if told.client_secret is not None else ""
        form = {"grant_type": "client_credentials", "client_id": told.client_id or "", "client_secret": secret}
        return form | ({"scope": told.scope} if told.scope else {})

    def close(self) -> None:
        """Let go of the connection."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def check(self) -> Report:
        """May the client read each list that is needed?"""
        found: list[Finding] = []
        for path, key in self._lists():
            try:
                first = next(self._api.pages(path, key, 10), None)
                found.append(
                    Finding("ok", f"iSAMS shows {key} ({path}).")
                    if first is not None or key in ("applicants", "alumni")
                    else Finding(
                        "problem", f"iSAMS shows no {key} at all ({path}). Look at the rights of the API client."
                    )
                )
            except OnrollError as trouble:
                found.append(Finding("problem", str(trouble)))
        looks = {"api/school/terms": self._see_terms}
        if self._settings.sets:
            looks["api/teaching/sets"] = self._see_sets
        if self._settings.contacts:
            looks["api/students/{}/contacts"] = self._see_contacts
        for path, look in looks.items():
            try:
                found.append(Finding("ok", f"iSAMS shows {look()} ({path})."))
            except OnrollError as trouble:
                found.append(Finding("problem", str(trouble)))
        return Report(found)

    def _see_terms(self) -> str:
        return f"{len(self._api.rows('api/school/terms', 'terms'))} terms"

    def _see_sets(self) -> str:
        """Sets, and who is in one of them: that is a right of its own."""
        sets = self._api.rows("api/teaching/sets", "sets")
        for row in sets[:1]:
            self._api.rows(f"api/teaching/sets/{SHAPE.key(row.get('id'), 'the id of a set')}/setList", "students")
        return f"{len(sets)} sets"

    def _see_contacts(self) -> str:
        """The contacts of one pupil."""
        for row in islice(self._api.pages("api/students", "students", 10), 1):
            self._api.rows(f"api/students/{SHAPE.key(row.get('schoolId'), 'a schoolId')}/contacts", "contacts")
        return "contacts"

    def _lists(self) -> Iterator[tuple[str, str]]:
        yield "api/students", "students"
        if self._settings.applicants:
            yield "api/admissions/applicants", "applicants"
        if self._settings.alumni:
            yield "api/alumni", "alumni"
        yield "api/humanresources/employees", "employees"

    def read(self) -> Snapshot:
        """Everyone, complete, each list against its own total; raises Unavailable or Halt."""
        people: dict[SourceKey, Person] = {}
        makers = {
            "students": self._pupil,
            "applicants": self._applicant,
            "alumni": self._leaver,
            "employees": self._employee,
        }
        for path, key in self._lists():
            before = len(people)
            self._keep((makers[key](row) for row in self._api.pages(path, key, self._settings.page_size)), key, people)
            if key in ("students", "employees") and len(people) == before:
                raise Halt(
                    f"iSAMS shows no {key} at all ({path}). Look at the rights of the API client. Nothing was changed."
                )
        if self._settings.contacts:
            people |= self._contacts(people)
        groups = own_groups(people.values(), self._context.school)
        if self._settings.sets:
            groups += self._sets(people)
        return Snapshot(
            self._context.school,
            self._context.now(),
            list(people.values()),
            groups,
            academic_year=self._academic_year(),
        )

    def _keep(self, rows: Iterable[Person | None], what: str, people: dict[SourceKey, Person]) -> None:
        """One person has one record; a pupil who is on roll may still be among the applicants, or be so again."""
        mine: set[SourceKey] = set()
        for person in rows:
            if person is None:
                continue
            if person.key in mine:
                raise Unavailable(
                    f"iSAMS sent {person.key.record.partition(':')[2]} twice among its {what}, so its pages shifted while they were read. Nothing was changed."
                )
            mine.add(person.key)
            people.setdefault(person.key, person)

    def _named(self, row: Mapping[str, Any]) -> Person:
        """What is told alike of students, applicants and alumni; the schoolId stays through all three."""
        record = SHAPE.key(row.get("schoolId"), "a schoolId")
        forename, surname = _text(row, "forename"), _text(row, "surname")
        born = row.get("dob") or row.get("dateOfBirth")
        return Person(
            SourceKey(self._context.school, f"student:{record}"),
            Role.STUDENT,
            Status.ON_ROLL,
            first=_text(row, "preferredName") or forename,
            last=surname,
            legal_first=forename,
            legal_last=surname,
            starts=_day(row, "enrolmentDate"),
            upn=_text(row, "uniquePupilNumber"),
            admission_number=_text(row, self._settings.admission_number),
            dob=SHAPE.day(born, "a date of birth") if self._settings.dates_of_birth else None,
        )

    def _pupil(self, row: Mapping[str, Any]) -> Person:
        ends = _day(row, "leavingDate")
        return replace(
            self._named(row),
            status=Status.LEFT if ends is not None and ends < self._today else Status.ON_ROLL,
            ends=ends,
            year_group=_year(row, "yearGroup"),
            registration_group=_text(row, "formGroup"),
            house=_text(row, "academicHouse"),
        )

    def _applicant(self, row: Mapping[str, Any]) -> Person | None:
        status = SHAPE.key(row.get("admissionStatus"), "an admissionStatus")
        coming = will_come(status, self._settings.accepted, self._settings.not_coming)
        if not coming or _day(row, "withdrawnDate") is not None:
            return None
        return replace(self._named(row), status=Status.FUTURE, year_group=_year(row, "enrolmentSchoolYearGroup"))

    def _leaver(self, row: Mapping[str, Any]) -> Person:
        return replace(self._named(row), status=Status.LEFT, ends=_day(row, "leavingDate"))

    def _employee(self, row: Mapping[str, Any]) -> Person | None:
        record = SHAPE.key(row.get("id"), "the id of an employee")
        forename, surname = _text(row, "forename"), _text(row, "surname")
        if forename is None and surname is None:
            return None  # an account of a service, as the Batch API shows them too
        starts, ends = _day(row, "enrolmentDate"), _day(row, "leavingDate")
        status = Status.ON_ROLL
        if _text(row, "systemStatus") in self._settings.staff_left or (ends is not None and ends < self._today):
            status = Status.LEFT
        elif starts is not None and starts > self._today:
            status = Status.FUTURE
        return Person(
            SourceKey(self._context.school, f"staff:{record}"),
            Role.STAFF,
            status,
            first=_text(row, "preferredName") or forename,
            last=surname,
            legal_first=forename,
            legal_last=surname,
            starts=starts,
            ends=ends,
            staff_code=_text(row, "schoolInitials"),
            dob=SHAPE.day(row.get("dateOfBirth"), "a date of birth") if self._settings.dates_of_birth else None,
        )

    def _contacts(self, people: Mapping[SourceKey, Person]) -> dict[SourceKey, Person]:
        """Whom iSAMS names beside each pupil; nobody who is private or has died."""
        found: dict[SourceKey, Person] = {}
        for key, pupil in people.items():
            if pupil.role is not Role.STUDENT or pupil.status is not Status.ON_ROLL:
                continue
            for row in self._api.rows(f"api/students/{key.record.partition(':')[2]}/contacts", "contacts"):
                if SHAPE.flag(row.get("private"), "private") or SHAPE.flag(row.get("deceased"), "deceased"):
                    continue
                number = SHAPE.key(row.get("personId") or row.get("id"), "the id of a contact")
                contact = SourceKey(self._context.school, f"contact:{number}")
                children = (*(found[contact].children or ()), key.record) if contact in found else (key.record,)
                found[contact] = Person(
                    contact,
                    Role.CONTACT,
                    Status.ON_ROLL,
                    first=_text(row, "forename"),
                    last=_text(row, "surname"),
                    children=children,
                )
        return found

    def _sets(self, people: Mapping[SourceKey, Person]) -> list[Group]:
        found = []
        for row in self._api.rows("api/teaching/sets", "sets"):
            if SHAPE.flag(row.get("hidden"), "hidden"):
                continue
            number = SHAPE.key(row.get("id"), "the id of a set")
            pupils = self._api.rows(f"api/teaching/sets/{number}/setList", "students")
            keys = (
                SourceKey(self._context.school, f"student:{SHAPE.key(each.get('schoolId'), 'a schoolId')}")
                for each in pupils
            )
            names = [name for name in (_text(row, field) for field in self._settings.set_name) if name]
            group = SourceKey(self._context.school, f"teaching:{number}")
            members = frozenset(key for key in keys if key in people)
            found.append(
                Group(group, GroupKind.TEACHING, names[0] if names else number, members, self._teachers(row, people))
            )
        return found

    def _teachers(self, row: Mapping[str, Any], people: Mapping[SourceKey, Person]) -> frozenset[SourceKey]:
        told = row.get(self._settings.set_teachers)
        leaders = set()
        for each in [] if told is None else SHAPE.rows(told, self._settings.set_teachers):
            numbers = [SHAPE.text(each.get(field), field) for field in self._settings.set_teacher_id]
            leaders |= {SourceKey(self._context.school, f"staff:{number}") for number in [n for n in numbers if n][:1]}
        return frozenset(key for key in leaders if key in people)

    def _academic_year(self) -> int | None:
        """The schoolYear of the term that began last."""
        begun: list[tuple[date, int]] = []
        for term in self._api.rows("api/school/terms", "terms"):
            start = _day(term, "startDate")
            if start is not None and start <= self._today:
                begun.append((start, SHAPE.number(term.get("schoolYear"), "schoolYear")))
        return max(begun)[1] if begun else None

    @property
    def _today(self) -> date:
        return self._context.today or self._context.now().date()


def _text(row: Mapping[str, Any], name: str) -> str | None:
    return SHAPE.text(row.get(name), name)


def _day(row: Mapping[str, Any], name: str) -> date | None:
    return SHAPE.day(row.get(name), name)


def _year(row: Mapping[str, Any], name: str) -> str | None:
    return None if row.get(name) is None else str(SHAPE.number(row.get(name), name))
