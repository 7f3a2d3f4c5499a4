"""iSAMS's Batch API 1.0, which serves IRIS Ed:gen too: one document with everybody, made once a day by iSAMS and cached by it.

Nodes of pupils, staff, forms, terms and sets are as published; how the document names applicants and alumni, and which of their fields say that
somebody is accepted, is not public and is a setting.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from onroll_connectors.gives import Gives
from onroll_connectors.http import is_loopback, safe_endpoint
from onroll_connectors.own_groups import own_groups
from onroll_connectors.secrets import Secret
from onroll_connectors.sources.isams_batch import Batch
from onroll_connectors.sources.isams_rows import SHAPE, Row
from onroll_core.contracts import Context, Finding, Report, Source
from onroll_core.errors import Halt, OnrollError, Unavailable
from onroll_core.people import Group, GroupKind, Person, Role, Snapshot, SourceKey, Status

GIVES = Gives(
    future_staff=False,
    staff_leavers=False,
    untold_staff=frozenset({"starts", "ends"}),
    why="The Batch API lists current staff alone, without the dates of their employment.",
)


class Settings(BaseModel):
    """The keys of [school.source] for route = "isams"."""

    model_config = ConfigDict(extra="forbid", strict=True)

    endpoint: str = Field(description="the school's iSAMS: https://SCHOOL.isams.cloud (Ed:gen: its own address)")
    api_key: Secret | None = Field(None, description="a Batch API key: env:NAME, file:PATH or credential:NAME")
    client_id: str | None = Field(None, description="of a secured Batch key, in place of api_key")
    client_secret: Secret | None = Field(None, description="of a secured Batch key")
    token: Secret | None = Field(None, description="in place of a key, for a simulator on this machine alone")
    scope: str = Field("apiv1", description="what a secured key signs in for")
    format: Literal["xml", "json"] = Field("xml", description="of the document")
    applicants: bool = Field(True, description="read future pupils (Pupil_GetApplicants, which a key need not have)")
    alumni: bool = Field(True, description="read leavers (Pupil_GetAlumni, which a key need not have)")
    sets: bool = Field(True, description="read teaching sets and who is in them")
    applicants_node: str = Field(
        "Applicants", description="the node below PupilManager that holds applicants (not published)"
    )
    alumni_node: str = Field("Alumni", description="the node below PupilManager that holds leavers (not published)")
    status_field: str = Field("AdmissionStatus", description="what says that an applicant is accepted (not published)")
    accepted: list[str] = Field(
        ["Accepted"], description="the admission statuses, in the school's own words, of pupils who will come"
    )
    not_coming: list[str] = Field(
        [
            "Enquiry",
            "Prospectus",
            "Registered",
            "Waiting List",
            "Offered",
            "Declined",
            "Denied",
            "Rejected",
            "Withdrawn",
            "Cancelled",
        ],
        description="the admission statuses of those who do not, or not yet; one in neither list ends the read",
    )
    future_year_field: str = Field(
        "EnrolmentSchoolYearGroup", description="the year group in which an applicant will start (not published)"
    )
    leaving_field: str = Field("LeavingDate", description="the last day of a leaver (not published)")
    admission_number: str = Field("SchoolCode", description="the field that is the school's admission number")
    staff_code: str = Field("Initials", description="the field of staff that is their code")
    dates_of_birth: bool = Field(False, description="read dates of birth, for linking")

    @model_validator(mode="after")
    def _safe(self) -> Self:
        safe_endpoint(self.endpoint)
        if self.token is not None and not is_loopback(self.endpoint):
            raise ValueError("token: is for a simulator on this machine alone; iSAMS takes api_key")
        keys = [self.api_key is not None, self.client_id is not None, self.token is not None]
        if sum(keys) != 1:
            raise ValueError("api_key: say one of api_key, or client_id with client_secret")
        if (self.client_id is None) is not (self.client_secret is None):
            raise ValueError("client_secret: a secured key has client_id and client_secret")
        return self


def connect(settings: Settings, context: Context) -> Source:
    """The source; nothing is asked before `check` or `read`."""
    return Isams(settings, context)


class Isams:
    """One school behind a Batch key."""

    def __init__(self, settings: Settings, context: Context) -> None:
        self._settings, self._context = settings, context
        self._opened: Batch | None = None

    @property
    def _batch(self) -> Batch:
        if self._opened is None:
            told = self._settings
            key = told.api_key or told.token
            secret = told.client_secret.reveal if told.client_secret is not None else None
            self._opened = Batch(
                told.endpoint, self._context, key.reveal if key is not None else lambda: told.client_id or "", secret, told.scope,
                told.format == "json",
            )  # fmt: skip
        return self._opened

    def close(self) -> None:
        """Let go of the connection."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def check(self) -> Report:
        """Which methods may the key run, and do they show anybody?"""
        found: list[Finding] = []
        for what, methods in self._methods().items():
            try:
                self._batch.run(methods)
                found.append(Finding("ok", f"iSAMS gives {what} ({', '.join(methods)})."))
            except OnrollError as trouble:
                found.append(Finding("problem", f"{what}: {trouble}"))
                if "does not know" in str(trouble):
                    return Report(found)
        if all(each.level == "ok" for each in found):
            try:
                snapshot = self.read()
                found.append(
                    Finding("ok", f"{len(snapshot.people)} people and {len(snapshot.groups)} groups can be read.")
                )
            except OnrollError as trouble:
                found.append(Finding("problem", str(trouble)))
        return Report(found)

    def read(self) -> Snapshot:
        """Everyone, in one document; raises Unavailable or Halt."""
        methods = [method for each in self._methods().values() for method in each]
        self._context.progress("reading iSAMS", 0, None)
        root = self._batch.run(methods)
        if self._context.stopping():
            raise Unavailable("The window ended while the MIS was being read. Nothing was changed.")
        pupils = self._section(root, "PupilManager", "Pupil_GetCurrentPupils")
        staff_rows = self._section(root, "HRManager", "HumanResources_GetCurrentStaff")
        people: dict[SourceKey, Person] = {}
        numbers: dict[str, SourceKey] = {}
        current = self._list(pupils, "CurrentPupils", "Pupil_GetCurrentPupils", "Pupil")
        self._keep(((self._pupil(row), row) for row in current), people, numbers)
        if not people:
            raise Halt(
                "iSAMS shows no current pupil. Look at the filters on the key, and at Pupil_GetCurrentPupils. Nothing was changed."
            )
        if self._settings.applicants:
            rows = self._list(pupils, self._settings.applicants_node, "Pupil_GetApplicants")
            coming = [(self._applicant(row), row) for row in rows if self._will_come(row)]
            self._keep(((p, row) for p, row in coming if p.key not in people), people, numbers)
        if self._settings.alumni:
            rows = self._list(pupils, self._settings.alumni_node, "Pupil_GetAlumni")
            gone = [(self._leaver(row), row) for row in rows]
            self._keep(((p, row) for p, row in gone if p.key not in people), people, numbers)
        staff = self._staff(self._list(staff_rows, "CurrentStaff", "HumanResources_GetCurrentStaff", "StaffMember"))
        if not staff:
            raise Halt(
                "iSAMS shows no current member of staff. Look at HumanResources_GetCurrentStaff on the key. Nothing was changed."
            )
        people |= {person.key: person for person in staff.values()}
        groups = self._groups(root, people, numbers, {number: person.key for number, person in staff.items()})
        return Snapshot(
            self._context.school,
            self._context.now(),
            list(people.values()),
            groups,
            self._batch.dated,
            self._academic_year(root),
        )

    def _methods(self) -> Mapping[str, tuple[str, ...]]:
        """What is asked for, by what it is for."""
        told = self._settings
        wanted = {
            "current pupils": ("Pupil_GetCurrentPupils",),
            "current staff": ("HumanResources_GetCurrentStaff",),
            "forms and terms": ("School_GetSchoolForms", "School_GetSchoolTerms"),
        }
        if told.applicants:
            wanted["applicants"] = ("Pupil_GetApplicants",)
        if told.alumni:
            wanted["alumni"] = ("Pupil_GetAlumni",)
        if told.sets:
            wanted["teaching sets"] = ("Teaching_GetTeachingSets", "Teaching_GetTeachingSetLists")
        return wanted

    def _section(self, root: Row, name: str, method: str) -> Row:
        found = root.child(name)
        if found is None:
            raise Halt(
                f"iSAMS's document has no {name}, which {method} gives. Look at the key's methods. Nothing was changed."
            )
        return found

    def _list(self, section: Row, name: str, method: str, row: str | None = None) -> list[Row]:
        """The rows of a list; one that is not there at all was not given, which is not the same as an empty one."""
        if not section.has(name):
            raise Halt(
                f"iSAMS's document has no {name}, which {method} gives. Look at the key's methods. Nothing was changed."
            )
        found = section.child(name)
        if found is None:
            return []
        rows = list(found.rows())
        named = rows if row is None else list(found.rows(row))
        if len(named) != len(rows):
            raise Unavailable(f"iSAMS sent something else than {row} in {name}. Nothing was changed.")
        return named

    def _keep(
        self, found: Iterable[tuple[Person, Row]], people: dict[SourceKey, Person], numbers: dict[str, SourceKey]
    ) -> None:
        for person, row in found:
            if person.key in people:
                raise Halt(
                    f"iSAMS sent the pupil {person.key.record.partition(':')[2]} twice, so its answer cannot be trusted. Nothing was changed."
                )
            people[person.key] = person
            for number in (row.attribute("Id"), f"school:{row.text('SchoolId')}"):
                if number is not None:
                    numbers.setdefault(number, person.key)

    def _named(self, row: Row) -> Person:
        """What iSAMS tells alike of applicants, pupils and alumni; the SchoolId stays with a pupil through all three."""
        record = SHAPE.key(row.text("SchoolId"), "a SchoolId")
        forename, surname = row.text("Forename"), row.text("Surname")
        return Person(
            SourceKey(self._context.school, f"student:{record}"),
            Role.STUDENT,
            Status.ON_ROLL,
            first=row.text("Preferredname") or forename,
            last=surname,
            legal_first=forename,
            legal_last=surname,
            starts=_day(row.text("EnrolmentDate")),
            upn=row.text("UPN"),
            admission_number=row.text(self._settings.admission_number),
            dob=_day(row.text("DOB")) if self._settings.dates_of_birth else None,
        )

    def _pupil(self, row: Row) -> Person:
        year = row.text("NCYear")
        return replace(
            self._named(row),
            year_group=None if year is None else str(SHAPE.number(year, "NCYear")),
            registration_group=row.text("Form"),
            house=row.text("AcademicHouse"),
        )

    def _will_come(self, row: Row) -> bool:
        status = row.text(self._settings.status_field)
        if status is None:
            raise Halt(
                f"iSAMS's applicants have no {self._settings.status_field}, so that nobody can tell who is accepted. Name the field in [school.source]"
                " status_field, or set applicants = false. Nothing was changed."
            )
        if status.casefold() in {each.casefold() for each in self._settings.accepted}:
            return True
        if status.casefold() not in {each.casefold() for each in self._settings.not_coming}:
            raise Halt(
                f"iSAMS has an applicant with the admission status {status!r}. Put it into accepted or into not_coming, in [school.source]. Nothing was"
                " changed."
            )
        return False

    def _applicant(self, row: Row) -> Person:
        year = row.text(self._settings.future_year_field)
        return replace(
            self._named(row),
            status=Status.FUTURE,
            year_group=None if year is None else str(SHAPE.number(year, self._settings.future_year_field)),
        )

    def _leaver(self, row: Row) -> Person:
        return replace(self._named(row), status=Status.LEFT, ends=_day(row.text(self._settings.leaving_field)))

    def _staff(self, rows: Iterable[Row]) -> dict[str, Person]:
        """By iSAMS's number. Rows without either name are real: they are accounts of services."""
        found: dict[str, Person] = {}
        for row in rows:
            number = SHAPE.key(row.attribute("Id"), "the Id of a StaffMember")
            if number in found:
                raise Halt(
                    f"iSAMS sent the member of staff {number} twice, so its answer cannot be trusted. Nothing was changed."
                )
            forename, surname = row.text("Forename"), row.text("Surname")
            if forename is None and surname is None:
                continue
            ends = _day(row.text("LeavingDate"))
            today = self._context.today or self._context.now().date()
            found[number] = Person(
                SourceKey(self._context.school, f"staff:{number}"),
                Role.STAFF,
                Status.LEFT if ends is not None and ends < today else Status.ON_ROLL,
                first=row.text("PreferredName") or forename,
                last=surname,
                legal_first=forename,
                legal_last=surname,
                ends=ends,
                staff_code=row.text(self._settings.staff_code),
                dob=_day(row.text("DOB")) if self._settings.dates_of_birth else None,
            )
        return found

    def _groups(
        self,
        root: Row,
        people: Mapping[SourceKey, Person],
        numbers: Mapping[str, SourceKey],
        staff: Mapping[str, SourceKey],
    ) -> list[Group]:
        school = self._section(root, "SchoolManager", "School_GetSchoolForms")
        tutors: dict[str, set[SourceKey]] = {}
        for form in self._list(school, "Forms", "School_GetSchoolForms", "Form"):
            ids = (form.attribute(each) for each in ("TutorId", "AssistantTutorId", "SecondAssistantTutorId"))
            name = form.text("Form") or SHAPE.key(form.attribute("Id"), "the Id of a Form")
            tutors.setdefault(name, set()).update(staff[each] for each in ids if each is not None and each in staff)
        groups = [
            replace(group, leaders=frozenset(tutors.get(group.name, ())))
            if group.kind is GroupKind.REGISTRATION
            else group
            for group in own_groups(people.values(), self._context.school)
        ]
        return groups + (self._sets(root, numbers, staff) if self._settings.sets else [])

    def _sets(self, root: Row, numbers: Mapping[str, SourceKey], staff: Mapping[str, SourceKey]) -> list[Group]:
        teaching = self._section(root, "TeachingManager", "Teaching_GetTeachingSets")
        members: dict[str, set[SourceKey]] = {}
        for row in self._list(teaching, "SetLists", "Teaching_GetTeachingSetLists", "SetList"):
            number = SHAPE.key(row.attribute("SetId") or row.text("SetId"), "the SetId of a SetList")
            pupil = row.attribute("PupilId")
            key = numbers.get(pupil) if pupil is not None else numbers.get(f"school:{row.text('SchoolId')}")
            if pupil is None and row.text("SchoolId") is None:
                raise Unavailable("iSAMS sent a SetList without a pupil. Nothing was changed.")
            if key is not None:  # a set keeps pupils who have left
                members.setdefault(number, set()).add(key)
        found = []
        for row in self._list(teaching, "Sets", "Teaching_GetTeachingSets", "Set"):
            number = SHAPE.key(row.attribute("Id"), "the Id of a Set")
            teachers = row.child("Teachers")
            ids = [each.attribute("StaffId") for each in teachers.rows("Teacher")] if teachers is not None else []
            name = row.text("Name") or row.text("SetCode") or number
            leaders = frozenset(staff[each] for each in ids if each is not None and each in staff)
            key = SourceKey(self._context.school, f"teaching:{number}")
            found.append(Group(key, GroupKind.TEACHING, name, frozenset(members.pop(number, ())), leaders))
        if members:
            raise Unavailable(
                f"iSAMS sent pupils of the set {min(members)} and not the set itself. Nothing was changed."
            )
        return found

    def _academic_year(self, root: Row) -> int | None:
        """The SchoolYear of the term that began last."""
        school = self._section(root, "SchoolManager", "School_GetSchoolTerms")
        today = self._context.today or self._context.now().date()
        begun: list[tuple[date, int]] = []
        for term in self._list(school, "Terms", "School_GetSchoolTerms", "Term"):
            start, year = _day(term.text("StartDate")), term.text("SchoolYear")
            if start is not None and year is not None and start <= today:
                begun.append((start, SHAPE.number(year, "SchoolYear")))
        return max(begun)[1] if begun else None


def _day(value: Any) -> date | None:
    return SHAPE.day(value, "a date")
