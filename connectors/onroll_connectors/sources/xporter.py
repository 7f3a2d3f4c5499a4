"""Groupcall's Xporter on Demand (now Community Brands'): what a school's MIS uploads at night, for SIMS, CMIS, SEEMiS, Arbor, Integris and others.

Formats are those of recorded answers of the real server and of its own description of itself. People whom the school keeps out of the feed for data
protection are not leavers: who was there before and is on that list stays as they are.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from onroll_connectors.gives import Gives
from onroll_connectors.http import only_here, safe_endpoint
from onroll_connectors.own_groups import own_groups
from onroll_connectors.secrets import Secret
from onroll_connectors.sources.xporter_api import SHAPE, Row, Xporter
from onroll_connectors.sources.xporter_groups import contacts, numbered, taught, tutors, year_names
from onroll_connectors.sources.xporter_rights import RIGHTS
from onroll_core.contracts import Context, Finding, Report, Source
from onroll_core.errors import Halt, OnrollError, Unavailable
from onroll_core.people import Person, Role, Snapshot, SourceKey, Status

GIVES = Gives(contacts=True)
_STUDENT = {
    "StudentLite": ("Id", "Forename", "Surname", "RegGroup", "YearGroup", "HouseGroup", "StudentStatus"),
    "Student": ("AdmissionNo", "PreAdmissionYearGroup"),
    "StudentExtended": ("LegalForename", "LegalSurname", "EntryDate", "LeavingDate", "EnrolmentStatus"),
    "UPN": ("UPN", "FormerUPN"),
}
_STAFF = {
    "StaffLite": ("Id", "StaffCode", "StaffStatus", "Forename", "Surname"),
    "StaffExtended": ("LegalForename", "LegalSurname"),
    "StaffEmployment": ("EmploymentStart", "EmploymentEnd"),
}
_STATUSES = {"onroll": Status.ON_ROLL, "preadmission": Status.FUTURE, "leaver": Status.LEFT}
_EMPLOYED = {"current": Status.ON_ROLL, "future": Status.FUTURE, "previous": Status.LEFT}
_SLOT = "people"


class Settings(BaseModel):
    """The keys of [school.source] for route = "xporter"."""

    model_config = ConfigDict(extra="forbid", strict=True)

    estab: str = Field(description="the school's DfE number, seven digits", pattern=r"^\w{7}$")
    relying_party: str | None = Field(None, description="onroll's name at Xporter, as it was registered")
    secret: Secret | None = Field(
        None, description="the school's secret for it: env:NAME, file:PATH or credential:NAME"
    )
    token: Secret | None = Field(None, description="in place of both, for a simulator on this machine alone")
    endpoint: str = Field("https://xporter.groupcall.com/api/v1", description="the address of the data")
    sign_in: str = Field("", description="the address of GetToken; default: /api/oauth/GetToken at the same host")
    page_size: int = Field(500, description="rows a page", ge=10, le=5000)
    max_age_days: float = Field(
        4, description="an older upload is refused: the school's Xporter service is probably off; 0 is never"
    )
    subsidiary: bool = Field(False, description="also read pupils whose main registration is elsewhere")
    guests: bool = Field(False, description="also read guest pupils")
    groups: bool = Field(True, description="read teaching groups and tutors")
    dates_of_birth: bool = Field(False, description="read dates of birth, for linking")
    contacts: bool = Field(False, description="also read pupils' contacts: their names, and whose they are")

    @model_validator(mode="after")
    def _safe(self) -> Self:
        safe_endpoint(self.endpoint)
        if self.sign_in:
            safe_endpoint(self.sign_in)
        only_here(self.token, self.endpoint, "Xporter takes relying_party and secret")
        if self.token is None and (self.relying_party is None or self.secret is None):
            raise ValueError("relying_party: say relying_party and secret")
        return self


def connect(settings: Settings, context: Context) -> Source:
    """The source; nothing is asked before `check` or `read`."""
    return XporterFeed(settings, context)


class XporterFeed:
    """One school's feed."""

    def __init__(self, settings: Settings, context: Context) -> None:
        self._settings, self._context = settings, context
        self._opened: Xporter | None = None

    @property
    def _api(self) -> Xporter:
        if self._opened is None:
            told = self._settings
            door = told.sign_in or f"{told.endpoint.rstrip('/').removesuffix('/v1')}/oauth/GetToken"
            fixed = told.token.reveal if told.token is not None else None
            self._opened = Xporter(told.endpoint, door, self._context, self._form, fixed, told.page_size)
        return self._opened

    def _form(self) -> Mapping[str, str]:
        secret = self._settings.secret.reveal() if self._settings.secret is not None else ""
        party = self._settings.relying_party or ""
        return {
            "estab": self._settings.estab,
            "relyingParty": party,
            "password": secret,
            "thirdPartyId": "XporterOnDemand",
        }

    def close(self) -> None:
        """Let go of the connection."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def check(self) -> Report:
        """Is the token good, which scopes has the school authorised, how old is its upload, and does it show people?"""
        found: list[Finding] = []
        try:
            scopes = self._scopes()
            found.append(
                Finding(
                    "ok",
                    f"Xporter knows onroll for {self._settings.estab}, with the scopes {', '.join(sorted(scopes))}.",
                )
            )
            found += [RIGHTS.finding(each) for each in self._lacking(scopes, needed=False)]
            if "Student" not in scopes:
                found.append(
                    Finding("warning", f"With the scope StudentLite Xporter tells no admission numbers. {RIGHTS.give}.")
                )
            people = len(self.read().people)
            fed = f", uploaded {self._api.fed:%d %B %Y, %H:%M}" if self._api.fed else ""
            found.append(Finding("ok", f"{people} people can be read from {self._api.mis or 'an unnamed MIS'}{fed}."))
        except OnrollError as trouble:
            found.append(Finding("problem", str(trouble)))
        return Report(found)

    def read(self) -> Snapshot:
        """Everyone whom the school lets into the feed, each list against its own count; raises Unavailable or Halt."""
        scopes = self._scopes()
        info = self._school()
        years = year_names(self._rows("Groups", "Group", {"type": "YearGrp", "options": ""})["Group"])
        people: dict[SourceKey, Person] = {}
        for status, option in (
            ("OnRoll", self._on_roll()),
            ("PreAdmission", "includePreAdmissions"),
            ("Leaver", "includeLeavers"),
        ):
            rows = self._rows(
                "Students",
                "Students",
                self._asked(_student_columns(scopes, self._settings.dates_of_birth, self._scottish), option)
                | {"studentStatus": status},
            )
            self._keep((self._pupil(row, _STATUSES[status.lower()], years) for row in rows["Students"]), people)
            if status == "OnRoll" and not people:
                raise Halt(
                    "Xporter shows no pupil on roll. Look at the school's authorisation and its selection of people. Nothing was changed."
                )
        count = len(people)
        for status, option in (("Current", ""), ("Future", "includeFuture"), ("Previous", "includePrevious")):
            rows = self._rows(
                "Staff",
                "Staff",
                self._asked(_columns(_STAFF, scopes, self._settings.dates_of_birth), option) | {"staffStatus": status},
            )
            self._keep((self._employee(row, _EMPLOYED[status.lower()]) for row in rows["Staff"]), people)
            if status == "Current" and len(people) == count:
                raise Halt(
                    "Xporter shows no member of staff. Look at the school's authorisation and its selection of people. Nothing was changed."
                )
        self._fresh()
        people |= self._kept_out(people)
        if self._settings.contacts:
            pages = self._rows("Contacts", "Contacts", {"select": "Id,Forename,Surname"})["Contacts"]
            links = self._rows("StudentContacts", "StudentContacts", {"select": "Id,StudentId,ContactId"})[
                "StudentContacts"
            ]
            people |= {each.key: each for each in contacts(pages, links, self._context.school, people)}
        led, classes = {}, []
        if self._settings.groups and scopes & {"School", "SchoolLite"}:
            options = {"options": "includeStaffMembers,includeStudentMembers"}
            forms = self._rows("Groups", "Group", {"type": "RegGrp"} | options, "StaffMembers", "StudentMembers")
            led = tutors(forms, self._context.school, people)
            rows = self._rows("Groups", "Group", {"type": "TeachingGrp"} | options, "StaffMembers", "StudentMembers")
            classes = taught(rows, self._context.school, people, self._today)
        self._remember(people)
        return Snapshot(
            self._context.school,
            self._context.now(),
            list(people.values()),
            [*own_groups(people.values(), self._context.school, led), *classes],
            self._api.fed,
            SHAPE.number(info, "CurrentAcademicYear") if info else None,
        )

    @property
    def _scottish(self) -> bool:
        return self._context.country == "scotland"

    @property
    def _today(self) -> date:
        return self._context.today or self._context.now().date()

    def _rows(self, path: str, key: str, params: Mapping[str, str], *more: str) -> dict[str, list[Row]]:
        asked = {name: value for name, value in params.items() if value}
        return self._api.rows(f"School/{self._settings.estab}/{path}/", key, asked, *more)

    def _on_roll(self) -> str:
        told = self._settings
        return ",".join(
            name for name, on in (("includeSubsidiary", told.subsidiary), ("includeGuests", told.guests)) if on
        )

    @staticmethod
    def _asked(columns: Iterable[str], option: str) -> dict[str, str]:
        return {"select": ",".join(columns), "options": option}

    def _scopes(self) -> frozenset[str]:
        told = self._api.one("TokenDetails")
        estab = SHAPE.text(told.get("Estab"), "the estab")
        if estab != self._settings.estab:
            raise Halt(
                f"Xporter's token is for the school {estab}, not for {self._settings.estab}. Nothing was read; look at estab and secret."
            )
        listed = told.get("Scopes")
        if not isinstance(listed, list):
            raise Unavailable("Xporter sent no list of scopes. Nothing was changed.")
        scopes = frozenset(SHAPE.key(each, "a scope") for each in listed)
        lacking = self._lacking(scopes, needed=True)
        if lacking:
            raise Halt(
                f"{' '.join(RIGHTS.missing(each, 'the scope is not authorised') for each in lacking)} Nothing was changed."
            )
        return scopes

    def _lacking(self, scopes: frozenset[str], needed: bool) -> list[str]:
        """The scopes that are asked for and that the token has neither whole nor in their smaller form."""
        wanted = [each.name for each in RIGHTS.of(self._settings) if each.needed is needed]
        return [each for each in wanted if not scopes & {each, f"{each}Lite"}]

    def _school(self) -> str | None:
        """The starting year of the current academic year, as text."""
        rows = SHAPE.rows(self._api.one(f"School/{self._settings.estab}/SchoolInfo").get("SchoolInfo"), "SchoolInfo")
        return SHAPE.text(rows[0].get("CurrentAcademicYear"), "CurrentAcademicYear") if rows else None

    def _keep(self, found: Iterable[Person], people: dict[SourceKey, Person]) -> None:
        """On roll goes before coming before left: somebody who left and came back is in two lists."""
        for person in found:
            people.setdefault(person.key, person)

    def _pupil(self, row: Row, status: Status, years: Mapping[str, str]) -> Person:
        self._status(row, "studentstatus", _STATUSES, status)
        year = _text(row, "yeargroup")
        if status is Status.FUTURE:
            # The year in which they will start; YearGroup may be the present intake's (as other products have learnt).
            group = _text(row, "preadmissionyeargroup")
            year = years.get(numbered(group)) if group is not None else year
        return Person(
            SourceKey(self._context.school, f"student:{SHAPE.key(row.get('id'), 'an Id')}"),
            Role.STUDENT,
            status,
            first=_text(row, "forename"),
            last=_text(row, "surname"),
            legal_first=_text(row, "legalforename"),
            legal_last=_text(row, "legalsurname"),
            starts=_day(row, "entrydate"),
            ends=_day(row, "leavingdate"),
            year_group=year,
            registration_group=_text(row, "reggroup"),
            house=_text(row, "housegroup"),
            upn=_text(row, "upn"),
            former_upn=_text(row, "formerupn"),
            scn=_text(row, "candidateno"),
            admission_number=_text(row, "admissionno"),
            enrolment=_text(row, "enrolmentstatus"),
            dob=_day(row, "dateofbirth") if self._settings.dates_of_birth else None,
        )

    def _employee(self, row: Row, status: Status) -> Person:
        self._status(row, "staffstatus", _EMPLOYED, status)
        return Person(
            SourceKey(self._context.school, f"staff:{SHAPE.key(row.get('id'), 'an Id')}"),
            Role.STAFF,
            status,
            first=_text(row, "forename"),
            last=_text(row, "surname"),
            legal_first=_text(row, "legalforename"),
            legal_last=_text(row, "legalsurname"),
            starts=_day(row, "employmentstart"),
            ends=_day(row, "employmentend"),
            staff_code=_text(row, "staffcode"),
            dob=_day(row, "dateofbirth") if self._settings.dates_of_birth else None,
        )

    def _status(self, row: Row, column: str, known: Mapping[str, Status], wanted: Status) -> None:
        told = SHAPE.key(row.get(column), "a status")
        if known.get(told.lower()) is not wanted:
            raise Unavailable(f"Xporter sent somebody with the status {told!r} among others. Nothing was changed.")

    def _fresh(self) -> None:
        """A feed that has stopped must not look like a school where nothing happens."""
        fed, most = self._api.fed, self._settings.max_age_days
        if fed is not None and most > 0 and self._context.now() - fed > timedelta(days=most):
            raise Halt(
                f"The school last uploaded its data to Xporter on {fed:%d %B %Y}, more than {most:g} days ago. Nothing was read: look whether the Xporter service at the"
                " school is running."
            )

    # --- people kept out for data protection ---

    def _kept_out(self, people: Mapping[SourceKey, Person]) -> dict[SourceKey, Person]:
        """Those whom onroll has read before and whom the school's data-protection list keeps out now: told nothing of, and so left as they are."""
        known = json.loads(self._context.memory.get(_SLOT) or b"{}")
        found: dict[SourceKey, Person] = {}
        rows = SHAPE.rows(self._api.one("GDPRIDs").get("GDPR"), "GDPR")
        for row in rows:
            opted_in = SHAPE.flag(row.get("IsOptIn"), "IsOptIn")
            for column, role in (("StudentIds", Role.STUDENT), ("StaffIds", Role.STAFF)):
                listed = row.get(column)
                if listed is not None and not isinstance(listed, list):
                    raise Unavailable(f"Xporter sent {column} that is no list. Nothing was changed.")
                named = {SHAPE.key(each, column) for each in listed or ()}
                before = set(known.get(role.value, ()))
                if not named:
                    continue  # nobody is chosen: everybody is in the feed
                for record in sorted(before - named if opted_in else before & named):
                    key = SourceKey(self._context.school, f"{role.value}:{record}")
                    if key not in people:
                        found[key] = Person(key, role, Status.ON_ROLL)
        return found

    def _remember(self, people: Mapping[SourceKey, Person]) -> None:
        """Whom the feed has told of, so that somebody who is taken out of it later is known."""
        kept: dict[str, list[str]] = {"student": [], "staff": []}
        for key, person in people.items():
            if person.status is not Status.LEFT and person.role.value in kept:
                kept[person.role.value].append(key.record.partition(":")[2])
        if not self._context.moving:
            self._context.memory.put(_SLOT, json.dumps(kept).encode())


def _columns(by_scope: Mapping[str, tuple[str, ...]], scopes: frozenset[str], born: bool) -> list[str]:
    lite = next(iter(by_scope))
    granted = scopes | {lite}
    found = [column for scope, columns in by_scope.items() if scope in granted for column in columns]
    return [*found, "DateOfBirth"] if born else found


def _student_columns(scopes: frozenset[str], born: bool, scottish: bool) -> list[str]:
    return _columns(_STUDENT, scopes, born) + (["CandidateNo"] if scottish else [])


def _text(row: Row, name: str) -> str | None:
    return SHAPE.text(row.get(name), name)


def _day(row: Row, name: str) -> date | None:
    return SHAPE.day(row.get(name), name)
