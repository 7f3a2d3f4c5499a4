"""Bromcom's Partner REST API v2: pupils with their enrolment and three contacts, staff, classes and who takes them, a filter for every list.

Filters, paging and fields are as public clients send and read them; what is reasoned from those (the lists of who is to come and who has left, how a
class finds its teacher) is said in docs/mis/bromcom.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Literal, Self
from urllib.parse import quote

from pydantic import Field, model_validator

from onroll_connectors.gives import Gives
from onroll_connectors.http import Client, only_here, safe_endpoint
from onroll_connectors.secrets import Secret
from onroll_connectors.sources.bromcom_rights import RIGHTS, asked
from onroll_connectors.sources.bromcom_roll import Days, Roll, Wanted, lists
from onroll_connectors.sources.bromcom_rows import SHAPE, Row, class_name, lowered, number, text
from onroll_core.contracts import Context, Finding, Report, Source
from onroll_core.errors import Halt, OnrollError, Unavailable
from onroll_core.people import GroupKind, Snapshot, Status

GIVES = Gives(
    groups=frozenset({GroupKind.YEAR, GroupKind.REGISTRATION, GroupKind.TEACHING}),
    contacts=True,
    untold_students=frozenset({"house"}),
    why="Houses only with `house_entity`: no public document shows how Bromcom tells of them.",
)
_MOST_PAGES = 1_000
_AHEAD = 35
_PUPILS = "StudentFlatView"


class Settings(Wanted):
    """The keys of [school.source] for mis = "bromcom"."""

    application_id: str | None = Field(None, description="the partner application's id")
    application_secret: Secret | None = Field(None, description="its secret: env:NAME, file:PATH or credential:NAME")
    token: Secret | None = Field(None, description="in place of both, for a simulator on this machine alone")
    endpoint: str = Field("https://api.bromcomcloud.com/v2", description="where the Partner API is")
    teachers: Literal["collections", "timetable", "none"] = Field(
        "collections", description="what tells who takes a class; the timetable is empty in the summer"
    )
    page_rows: int = Field(100_000, description="rows of a full page, after which there is another", ge=10)

    @model_validator(mode="after")
    def _safe(self) -> Self:
        safe_endpoint(self.endpoint)
        only_here(self.token, self.endpoint, "Bromcom takes application_id and application_secret")
        if self.token is None and (self.application_id is None or self.application_secret is None):
            raise ValueError("application_id: say application_id and application_secret")
        return self


def connect(settings: Settings, context: Context) -> Source:
    """The source; nothing is asked before `check` or `read`."""
    return Bromcom(settings, context)


class Bromcom:
    """One school."""

    def __init__(self, settings: Settings, context: Context) -> None:
        self._settings, self._context = settings, context
        self._opened: Client | None = None

    @property
    def _client(self) -> Client:
        if self._opened is None:
            headers = {"Accept": "application/json"} | self._credentials()
            self._opened = Client("Bromcom", self._settings.endpoint, self._context, headers)
        return self._opened

    def _credentials(self) -> dict[str, str]:
        told = self._settings
        if told.token is not None:
            token = told.token.reveal()
            return {
                "ApplicationId": "onroll",
                "ApplicationSecret": token,
                "Authorization": f"Bearer {token}",
            }
        secret = told.application_secret.reveal() if told.application_secret is not None else ""
        return {"ApplicationId": told.application_id or "", "ApplicationSecret": secret}

    def close(self) -> None:
        """Let go of the connection."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def check(self) -> Report:
        """Are the credentials good, which entities may be read, are there pupils and staff to see?"""
        found: list[Finding] = []
        for entity, prefix, fields in (
            (_PUPILS, "enrolment", ("enrolmentstartdate", "yeargroup", "tutorgroupname", "enrolmentstatename")),
            ("Staff", "", ("startdate", "staffcode")),
        ):
            found += self._checked(entity, prefix, fields)
        for entity, column in self._others():
            try:
                rows = sum(1 for _ in self._rows(entity, f"{column}=0"))
                found.append(
                    Finding("ok", f"Bromcom lets onroll read {entity}." if not rows else f"Bromcom shows {entity}.")
                )
            except OnrollError as trouble:
                found.append(Finding("problem", str(trouble)))
        return Report(found)

    def _checked(self, entity: str, prefix: str, fields: Iterable[str]) -> Iterator[Finding]:
        """One of the two entities of people: who is there now, and which columns no row has."""
        try:
            rows = list(self._rows(entity, self._where(Status.ON_ROLL, prefix)))
        except OnrollError as trouble:
            yield Finding("problem", str(trouble))
            return
        if not rows:
            yield Finding(
                "problem",
                f"Bromcom shows nobody in {entity}. Is it the right school, and is {entity} ticked for the application?",
            )
            return
        yield Finding("ok", f"Bromcom shows {len(rows)} rows of {entity}.")
        for field in fields:
            if not any(field in row for row in rows):
                yield Finding("warning", f"No row of {entity} has the column {field}, so onroll is not told of it.")

    def _others(self) -> Iterator[tuple[str, str]]:
        """The entities beside those of people, each with a column of ids."""
        told = self._settings
        if told.classes:
            yield "YearGroupSubjectStudents", "studentID"
        if told.house_entity or (told.classes and told.teachers == "collections"):
            yield "CollectionAssociates", "personID"
        if told.classes and told.teachers == "collections":
            yield "CollectionTimetables", "collectionID"
        if told.classes and told.teachers == "timetable":
            yield "Timetable", "staffID"
        if told.house_entity:
            yield told.house_entity, "classID"

    def read(self) -> Snapshot:
        """Everyone, complete; raises Unavailable or Halt."""
        roll = Roll(self._settings, self._context, _PUPILS, "tutorgroupname", "enrolment")
        for status in lists(self._settings):
            roll.add_pupils(self._rows(_PUPILS, self._where(status, "enrolment"), "studentID"), status)
        for status in lists(self._settings):
            roll.add_staff(self._rows("Staff", self._where(status, ""), "staffID"), status)
        members, named = self._collections()
        if self._settings.house_entity:
            roll.in_houses(self._houses(self._settings.house_entity, members))
        taught = self._taught() if self._settings.classes else {}
        return roll.snapshot(taught, self._leaders(named) if taught else {}, {})

    def _where(self, status: Status, prefix: str) -> str:
        """The filter of one list, of a day: as public clients write the first."""
        days = Days.of(self._settings, self._context)
        today, starts, ends = days.today.isoformat(), f"{prefix}startDate", f"{prefix}endDate"
        if status is Status.ON_ROLL:
            return f"{starts} <='{today}' and ({ends}>='{today}' or isnull({ends},'')='')"
        if status is Status.FUTURE:
            return f"{starts} >'{today}'"
        return f"{ends} <'{today}' and {ends}>='{days.since.isoformat()}'"

    def _rows(self, entity: str, where: str, person: str | None = None) -> Iterator[Row]:
        """Every row of an entity that `where` lets through. The number of the page follows the filter, in the same value.

        `person` is the column of people's ids where nobody may be on two pages: that shows that rows moved while they were read.
        """
        before: set[str] = set()
        count = 0
        for page in range(_MOST_PAGES):
            rows = self._page(entity, where, page)
            now: set[str] = set()
            for row in lowered(rows, entity):
                if person is not None:
                    now.add(number(row, person, entity))
                yield row
            if before & now:
                raise Unavailable(
                    f"Bromcom sent the same people on two pages of {entity}, so its rows moved while they were read. Nothing was changed."
                )
            before |= now
            count += len(rows)
            self._context.progress(f"reading {entity}", count, None)
            if len(rows) < self._settings.page_rows:
                return
        raise Unavailable(f"Bromcom sent more than {_MOST_PAGES} pages of {entity}. Nothing was changed.")

    def _page(self, entity: str, where: str, page: int) -> list[Mapping[str, object]]:
        query = f"schoolId={self._settings.school}&entityFilter={quote(where, safe='')}%7Bpage:{page}%7D"
        answer = self._client.fetch("GET", f"{entity}?{query}", good=(200, 401, 403, 404))
        if answer.status == 401:
            raise Halt(
                "Bromcom refused onroll (401): application_id or application_secret is wrong or no longer valid. Nothing was changed."
            )
        if answer.status != 200:
            rights = replace(RIGHTS, table=asked(self._settings))
            raise Halt(
                f"{rights.missing(entity, str(answer.status))} It is the school {self._settings.school} that is read. Nothing was changed."
            )
        (told,) = lowered([SHAPE.table(answer.json(), entity)], "an answer")
        if told.get("success") is not True:
            message = told.get("message")
            said = f": {message[:200].rstrip('. ')}" if isinstance(message, str) and message.strip() else ""
            raise Unavailable(f"Bromcom did not succeed in giving {entity}{said}. Nothing was changed.")
        return SHAPE.rows(told.get("data"), entity)

    def _taught(self) -> dict[str, set[str]]:
        """Who is in each class, by its name: Bromcom tells no number of a class here."""
        found: dict[str, set[str]] = {}
        for row in self._rows("YearGroupSubjectStudents", self._where(Status.ON_ROLL, "")):
            pupil, name = number(row, "studentID", "YearGroupSubjectStudents"), class_name(row.get("classname"))
            if name is not None:
                found.setdefault(name, set()).add(pupil)
        return found

    def _collections(self) -> tuple[dict[str, set[str]], dict[str, str]]:
        """Who is in each collection, and its name, by its number; nothing where nothing asks for it."""
        members: dict[str, set[str]] = {}
        named: dict[str, str] = {}
        if "CollectionAssociates" not in dict(self._others()):
            return members, named
        for row in self._rows("CollectionAssociates", self._where(Status.ON_ROLL, "")):
            collection = number(row, "collectionID", "CollectionAssociates")
            members.setdefault(collection, set()).add(number(row, "personID", "CollectionAssociates"))
            if collection not in named and (name := class_name(row.get("collectionname"))) is not None:
                named[collection] = name
        return members, named

    def _houses(self, entity: str, members: Mapping[str, set[str]]) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for row in self._rows(entity, self._where(Status.ON_ROLL, "")):
            name = class_name(row.get("classdescription") or row.get("classname"))
            if name is not None:
                found.setdefault(name, set()).update(members.get(number(row, "classID", entity), ()))
        return found

    def _leaders(self, named: Mapping[str, str]) -> dict[str, set[str]]:
        """Who takes each class, by its name."""
        found: dict[str, set[str]] = {}
        if self._settings.teachers == "collections":
            for row in self._rows("CollectionTimetables", self._where(Status.ON_ROLL, "")):
                name = named.get(number(row, "collectionID", "CollectionTimetables"))
                if name is not None and text(row, "employeeid") is not None:
                    found.setdefault(name, set()).add(number(row, "employeeID", "CollectionTimetables"))
        if self._settings.teachers == "timetable":
            for row in self._rows("Timetable", self._weeks()):
                whole = row.get("classname") or str(row.get("classstaffroom") or "").partition("\n")[0]
                name = class_name(whole)
                if name is not None and text(row, "staffid") is not None:
                    found.setdefault(name, set()).add(number(row, "staffID", "Timetable"))
        return found

    def _weeks(self) -> str:
        """Lessons that are nobody's cover, far enough ahead to see beyond any holiday but the summer's."""
        today: date = Days.of(self._settings, self._context).today
        until = today + timedelta(days=_AHEAD)
        return f"periodStartDate>='{today.isoformat()}' and periodStartDate<'{until.isoformat()}' and isCover=0"
