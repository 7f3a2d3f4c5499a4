"""Bromcom's SOAP read-only service for third parties: pupils, staff, classes and who takes them, by predicates of T-SQL.

Functions, filters and columns are as public clients send and read them. Dates are put into the filters, not GETDATE(): that has a time of day, and would
count a pupil's last day as gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Self

from pydantic import Field, model_validator

from onroll_connectors.gives import Gives
from onroll_connectors.http import only_here, safe_endpoint
from onroll_connectors.secrets import Secret
from onroll_connectors.sources.bromcom_dataset import Service, Table
from onroll_connectors.sources.bromcom_roll import Days, Roll, Wanted, lists
from onroll_connectors.sources.bromcom_rows import class_name, number, text
from onroll_connectors.sources.bromcom_soap_rights import RIGHTS, asked
from onroll_core.contracts import Context, Finding, Report, Source
from onroll_core.errors import Halt, OnrollError
from onroll_core.people import GroupKind, Person, Role, Snapshot, Status

GIVES = Gives(
    groups=frozenset({GroupKind.YEAR, GroupKind.REGISTRATION, GroupKind.TEACHING}),
    contacts=True,
    untold_students=frozenset({"house", "enrolment"}),
    why="Houses only with `house_entity`: no public document shows how Bromcom tells of them. Enrolment statuses are not among the columns known.",
)
_COLUMNS = {
    "Students": ("StudentID", "FirstName", "LastName", "StartDate", "EndDate", "YearGroup", "TutorGroup"),
    "Staff": ("StaffID", "FirstName", "LastName", "StartDate", "EndDate"),
    "SubjectClasses": ("ClassID", "ClassDescription"),
    "CollectionAssociates": ("PersonID", "CollectionID"),
    "CollectionExecutives": ("StaffID", "CollectionID", "CollectionRoleTypeDescription"),
    "Collections": ("CollectionID", "CollectionName"),
}


class Settings(Wanted):
    """The keys of [school.source] for mis = "bromcom", route = "bromcom_soap"."""

    user: str | None = Field(None, description="the third-party account's name")
    password: Secret | None = Field(None, description="its password: env:NAME, file:PATH or credential:NAME")
    token: Secret | None = Field(None, description="in place of both, for a simulator on this machine alone")
    endpoint: str = Field(
        "https://cloudmis.bromcom.com/Nucleus/WebServices/ThirdParty/TPReadOnlyDataService.asmx",
        description="the service; a hosted Bromcom has its own",
    )
    teacher_roles: list[str] = Field(
        ["Main Teacher", "Teacher", "Additional Teacher"], description="the roles of those who take a class"
    )
    tutors: bool = Field(True, description="read who the tutors of tutor groups are (the entity Collections)")
    tutor_roles: list[str] = Field(["Main Tutor", "Additional Tutor"], description="the roles of tutors")
    preferred_full_names: bool = Field(
        True, description="read staff's preferred names out of PreferredFullName (how it is written is not published)"
    )
    contact_columns: dict[str, str] = Field(
        {"student": "StudentID", "contact": "ContactID", "first": "FirstName", "last": "LastName"},
        description="the columns of StudentContacts (not published)",
    )

    @model_validator(mode="after")
    def _safe(self) -> Self:
        safe_endpoint(self.endpoint)
        only_here(self.token, self.endpoint, "Bromcom takes user and password")
        if self.token is None and (self.user is None or self.password is None):
            raise ValueError("user: say user and password")
        if set(self.contact_columns) != {"student", "contact", "first", "last"}:
            raise ValueError("contact_columns: has the keys student, contact, first and last")
        return self


def connect(settings: Settings, context: Context) -> Source:
    """The source; nothing is asked before `check` or `read`."""
    return BromcomSoap(settings, context)


class BromcomSoap:
    """One school."""

    def __init__(self, settings: Settings, context: Context) -> None:
        self._settings, self._context = settings, context
        self._opened: Service | None = None

    @property
    def _service(self) -> Service:
        if self._opened is None:
            told = self._settings
            bearer = told.token.reveal if told.token is not None else None
            self._opened = Service(told.endpoint, told.school, self._context, self._credentials, bearer)
        return self._opened

    def _credentials(self) -> tuple[str, str]:
        told = self._settings
        secret = told.token or told.password
        return told.user or "onroll", secret.reveal() if secret is not None else ""

    def close(self) -> None:
        """Let go of the connection."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def check(self) -> Report:
        """Is the account good, is everything ticked, has every entity its columns, are there pupils and staff to see?"""
        found: list[Finding] = []
        try:
            ticked = self._service.entities()
        except OnrollError as trouble:
            return Report([Finding("problem", str(trouble))])
        for entity in self._entities():
            if entity.lower() not in ticked:
                found.append(Finding("problem", self._not_ticked([entity])))
                continue
            try:
                found.append(self._checked(entity))
            except OnrollError as trouble:
                found.append(Finding("problem", str(trouble)))
        return Report(found)

    def _checked(self, entity: str) -> Finding:
        """An entity's columns, asked for with a predicate that is never true; of people, those who are there now."""
        people = entity in ("Students", "Staff")
        table = self._service.table(entity, self._where(Status.ON_ROLL) if people else "1=0")
        table.needs(*self._columns(entity))
        if people and not table.rows:
            return Finding("problem", f"Bromcom shows nobody in {entity}. Is it the right school?")
        return Finding(
            "ok",
            f"Bromcom shows {len(table.rows)} rows of {entity}." if people else f"Bromcom lets onroll read {entity}.",
        )

    def _entities(self) -> Iterator[str]:
        told = self._settings
        yield from ("Students", "Staff")
        if told.classes:
            yield "SubjectClasses"
        if told.classes or told.house_entity:
            yield "CollectionAssociates"
        if told.classes or told.tutors:
            yield "CollectionExecutives"
        if told.tutors:
            yield "Collections"
        if told.house_entity:
            yield told.house_entity
        if told.contacts:
            yield "StudentContacts"

    def _columns(self, entity: str) -> Iterable[str]:
        if entity == "StudentContacts":
            return self._settings.contact_columns.values()
        return _COLUMNS.get(entity, _COLUMNS["SubjectClasses"])

    def _not_ticked(self, entities: Iterable[str]) -> str:
        rights = replace(RIGHTS, table=asked(self._settings))
        return f"{' '.join(rights.missing(each, 'it is not ticked') for each in entities)} Nothing was changed."

    def read(self) -> Snapshot:
        """Everyone, complete; raises Unavailable or Halt."""
        ticked = self._service.entities()
        missing = [each for each in self._entities() if each.lower() not in ticked]
        if missing:
            raise Halt(self._not_ticked(missing))
        told = self._settings
        roll = Roll(told, self._context, "Students", "tutorgroup", full_names=told.preferred_full_names)
        for status in lists(told):
            roll.add_pupils(self._table("Students", self._where(status)).rows, status)
        for status in lists(told):
            roll.add_staff(self._table("Staff", self._where(status)).rows, status)
        members = self._members() if told.classes or told.house_entity else {}
        if told.house_entity:
            roll.in_houses(_by_name(self._named(told.house_entity), members))
        executives = self._executives() if told.classes or told.tutors else []
        named = self._named("SubjectClasses") if told.classes else {}
        collections = self._named("Collections", "CollectionID", "CollectionName", dated=False) if told.tutors else {}
        if told.contacts:
            self._contacts(roll)
        return roll.snapshot(
            {name: pupils for name, pupils in _by_name(named, members).items() if pupils},
            _by_name(named, _in_roles(executives, told.teacher_roles)),
            _by_name(collections, _in_roles(executives, told.tutor_roles)),
        )

    def _where(self, status: Status) -> str:
        """The predicate of one list, of a day."""
        days = Days.of(self._settings, self._context)
        today = f"'{days.today:%Y%m%d}'"
        if status is Status.ON_ROLL:
            return f"StartDate <= {today} AND {_not_over(today)}"
        if status is Status.FUTURE:
            return f"StartDate > {today}"
        return f"EndDate < {today} AND EndDate >= '{days.since:%Y%m%d}'"

    def _table(self, entity: str, where: str) -> Table:
        table = self._service.table(entity, where)
        table.needs(*self._columns(entity))
        return table

    def _members(self) -> dict[str, set[str]]:
        """Numbers of people by the number of their collection."""
        found: dict[str, set[str]] = {}
        for row in self._table("CollectionAssociates", self._where(Status.ON_ROLL)).rows:
            person = number(row, "PersonID", "CollectionAssociates")
            found.setdefault(number(row, "CollectionID", "CollectionAssociates"), set()).add(person)
        return found

    def _named(
        self, entity: str, column: str = "ClassID", name: str = "ClassDescription", dated: bool = True
    ) -> dict[str, str]:
        """The names of classes, of houses or of any collections, by their numbers."""
        found = {}
        for row in self._table(entity, self._where(Status.ON_ROLL) if dated else "").rows:
            called = class_name(row.get(name.lower()))
            if called is not None:
                found[number(row, column, entity)] = called
        return found

    def _executives(self) -> list[tuple[str, str, str]]:
        """Collection, member of staff and role of all who lead one now."""
        days = Days.of(self._settings, self._context)
        rows = self._table("CollectionExecutives", _not_over(f"'{days.today:%Y%m%d}'")).rows
        found = []
        for row in rows:
            role = text(row, "collectionroletypedescription")
            if role is not None and text(row, "staffid") is not None:
                collection = number(row, "CollectionID", "CollectionExecutives")
                found.append((collection, number(row, "StaffID", "CollectionExecutives"), role.casefold()))
        return found

    def _contacts(self, roll: Roll) -> None:
        columns = {name: column.lower() for name, column in self._settings.contact_columns.items()}
        for row in self._table("StudentContacts", "").rows:
            pupil = roll.key("student", number(row, columns["student"], "StudentContacts"))
            key = roll.key("contact", number(row, columns["contact"], "StudentContacts"))
            first, last = text(row, columns["first"]), text(row, columns["last"])
            roll.add_contact(
                Person(key, Role.CONTACT, Status.ON_ROLL, first=first, last=last, children=(pupil.record,))
            )


def _not_over(day: str) -> str:
    return f"(EndDate >= {day} OR EndDate IS NULL)"


def _by_name(named: Mapping[str, str], people: Mapping[str, Iterable[str]]) -> dict[str, set[str]]:
    """Numbers of people by the name of their collection, where it is known."""
    found: dict[str, set[str]] = {}
    for collection, name in named.items():
        found.setdefault(name, set()).update(people.get(collection, ()))
    return found


def _in_roles(executives: Iterable[tuple[str, str, str]], roles: Iterable[str]) -> dict[str, set[str]]:
    wanted = {each.casefold() for each in roles}
    found: dict[str, set[str]] = {}
    for collection, person, role in executives:
        if role in wanted:
            found.setdefault(collection, set()).add(person)
    return found
