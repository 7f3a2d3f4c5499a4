"""Wonde's API v1.0: pupils on roll, to come and gone, staff with their employment, and their groups, keyed by `upi`.

Formats are as recorded in public clients and documentation; where those leave a thing open (the type names of groups), it is a setting.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from onroll_connectors.gives import Gives
from onroll_connectors.http import Client, safe_endpoint
from onroll_connectors.secrets import Secret
from onroll_connectors.shape import Shape
from onroll_connectors.sources.wonde_rights import RIGHTS
from onroll_core.contracts import Context, Finding, Report, Source
from onroll_core.errors import Halt, OnrollError, Unavailable
from onroll_core.people import Group, GroupKind, Person, Role, Snapshot, SourceKey, Status

GIVES = Gives(
    staff_leavers=True,
    contacts=True,
    untold_staff=frozenset({"staff_code"}),
    why="Wonde has no field for staff codes that every MIS fills.",
)
_MOST_PAGES = 10_000
_SHAPE = Shape("Wonde")
_PUPIL = "education_details,year,registration,house"
_NULL = "it is null in every record"
_INCLUDES = {
    "students": _PUPIL,
    "students-pre-admission": _PUPIL,
    "students-leaver": _PUPIL,
    "employees": "employment_details",
    "contacts": "students",
    "groups": "students,employees",
    "classes": "students,employees",
}
"""What is asked for with the records of each list."""


class Settings(BaseModel):
    """The keys of [school.source] for mis = "wonde"."""

    model_config = ConfigDict(extra="forbid", strict=True)

    school: str = Field(description="Wonde's id of the school: A and ten digits")
    token: Secret = Field(description="the application's token: env:NAME, file:PATH or credential:NAME")
    endpoint: str = Field(
        "https://api.wonde.com/v1.0", description="the school's own region; the wrong one gives no data"
    )
    per_page: int = Field(200, description="records a page; 200 is what others use", ge=1, le=500)
    groups: bool = Field(True, description="also read year, registration, house and teaching groups")
    group_types: dict[str, str] = Field(
        default_factory=lambda: {"YEAR": "year", "REGISTRATION": "registration", "HOUSE": "house"},
        description="Wonde's type names of groups, and what they are here",
    )
    dates_of_birth: bool = Field(False, description="read dates of birth, for linking")
    contacts: bool = Field(False, description="also read pupils' contacts: their names, and whose they are")

    @model_validator(mode="after")
    def _safe(self) -> Self:
        safe_endpoint(self.endpoint)
        unknown = set(self.group_types.values()) - {kind.value for kind in GroupKind}
        if unknown:
            raise ValueError(f"group_types: {', '.join(sorted(unknown))} is not a kind of group")
        return self


def connect(settings: Settings, context: Context) -> Source:
    """The source; nothing is asked before `check` or `read`."""
    return Wonde(settings, context)


class Wonde:
    """One school behind Wonde."""

    def __init__(self, settings: Settings, context: Context) -> None:
        self._settings, self._context = settings, context
        self._opened: Client | None = None

    @property
    def _client(self) -> Client:
        if self._opened is None:
            headers = {"Authorization": f"Bearer {self._settings.token.reveal()}"}
            self._opened = Client("Wonde", self._settings.endpoint, self._context, headers)
        return self._opened

    def close(self) -> None:
        """Let go of the connection."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def check(self) -> Report:
        """Is the token good, is this the school, are there pupils to see?"""
        found: list[Finding] = []
        try:
            school = self._school()
            found.append(
                Finding(
                    "ok",
                    f"Wonde knows the school as {school.get('name')!r}, with {school.get('mis') or 'an unnamed MIS'} behind it.",
                )
            )
            for each in RIGHTS.of(self._settings):
                if each.name in _INCLUDES:
                    found += self._looked_at(each.name)
        except OnrollError as trouble:
            found.append(Finding("problem", str(trouble)))
        return Report(found)

    def _looked_at(self, path: str) -> list[Finding]:
        """One list: may it be read, and does every field come that the school was asked for?"""
        params = {"per_page": "50", "include": _INCLUDES[path]}
        try:
            page = self._page(f"schools/{self._settings.school}/{path}/", params, path)
        except Halt as refused:
            return [Finding("problem", str(refused))]
        rows = _SHAPE.rows(page.get("data"), path)
        if not rows and path == "students":
            asks = "Is it the right region (endpoint), and has the school approved the permission?"
            return [Finding("problem", f"Wonde shows no pupil. {asks}")]
        untold = {f"{path}: {name}" for name in _untold(rows)} if rows else set()
        lacking = [
            RIGHTS.finding(each.name, _NULL, sure=False) for each in RIGHTS.of(self._settings) if each.name in untold
        ]
        return lacking or [Finding("ok", f"Wonde lets onroll read {path}.")]

    def read(self) -> Snapshot:
        """Everyone, complete, with the totals that Wonde gives checked; raises Unavailable or Halt."""
        school = self._school()
        self._not_migrating(school)
        people: dict[SourceKey, Person] = {}
        ids: dict[str, SourceKey] = {}
        for path, status in (
            ("students", Status.ON_ROLL),
            ("students-pre-admission", Status.FUTURE),
            ("students-leaver", Status.LEFT),
        ):
            for row in self._rows(path):
                self._keep(self._pupil(row, status), row, people, ids)
        for row in self._rows("employees"):
            self._keep(self._employee(row), row, people, ids)
        self._check_counts(people)
        if self._settings.contacts:
            for row in self._rows("contacts"):
                contact = self._contact(row, ids)
                if contact.children:
                    self._keep(contact, row, people, ids)
        groups = self._groups(ids) if self._settings.groups else []
        return Snapshot(self._context.school, self._context.now(), list(people.values()), groups)

    def _school(self) -> Mapping[str, Any]:
        found = self._client.get(f"schools/{self._settings.school}")
        data = found.get("data") if isinstance(found, dict) else None
        if not isinstance(data, dict):
            raise Halt(
                f"Wonde does not know the school {self._settings.school}. Look at the id, and at the region in endpoint."
            )
        return data

    def _not_migrating(self, school: Mapping[str, Any]) -> None:
        """A change of MIS gives everybody new ids: that is a person's to confirm, never a night's."""
        mis = school.get("mis")
        known = self._context.memory.get("mis")
        if self._context.moving:
            return
        if known is not None and mis and known.decode() != mis:
            raise Halt(
                f"The school's MIS behind Wonde was {known.decode()} and is now {mis}, so its records may all have new ids. Nothing was read."
                f" Confirm the move: onroll rekey {self._context.school} --to wonde"
            )
        if mis:
            self._context.memory.put("mis", str(mis).encode())

    def _page(self, url: str, params: dict[str, str] | None, path: str) -> Mapping[str, Any]:
        answer = self._client.fetch("GET", url, params, good=(200, 403))
        if answer.status == 403:
            raise Halt(f"{RIGHTS.missing(path, '403')} Nothing was changed.")
        return _SHAPE.table(answer.json(), path)

    def _rows(self, path: str) -> Iterator[Mapping[str, Any]]:
        """Every record of a list, by the pages that Wonde itself names; a record that comes twice ends the read, and so does a field that is needed and
        is null in every record, since that is how Wonde shows what a school has not approved."""
        kind = path.partition("-")[0]
        lacking = [each.name for each in RIGHTS.of(self._settings) if each.needed and each.name.startswith(f"{kind}: ")]
        url = f"schools/{self._settings.school}/{path}/"
        params: dict[str, str] | None = {"per_page": str(self._settings.per_page), "include": _INCLUDES[path]}
        seen: set[str] = set()
        urls: set[str] = set()
        for number in range(_MOST_PAGES):
            page = self._page(url, params, path)
            rows = _SHAPE.rows(page.get("data"), path)
            lacking = [each for each in lacking if each.partition(": ")[2] in _untold(rows)]
            for row in rows:
                record = _SHAPE.key(row.get("id"), f"an id in {path}")
                if record in seen:
                    raise Unavailable(
                        f"Wonde sent the record {record} of {path} twice, so its pages shifted while they were read. Nothing was changed."
                    )
                seen.add(record)
                yield row
            self._context.progress(f"reading {path}", len(seen), None)
            meta = _SHAPE.table(page.get("meta") or {}, f"meta of {path}")
            pages = _SHAPE.table(meta.get("pagination") or {}, f"the pagination of {path}")
            following, more = _text(pages.get("next")), _SHAPE.flag(pages.get("more"), f"the pagination of {path}")
            if not following or more is False:
                if not following and (more is True or (more is None and len(rows) >= self._settings.per_page)):
                    raise Unavailable(
                        f"Wonde said that {path} has more pages and named none after page {number + 1}. Nothing was changed."
                    )
                if seen and lacking:
                    raise Halt(
                        f"{' '.join(RIGHTS.missing(each, _NULL, sure=False) for each in lacking)} Nothing was changed."
                    )
                return
            if following in urls:
                raise Unavailable(f"Wonde named a page of {path} twice. Nothing was changed.")
            urls.add(following)
            url, params = following, None
        raise Unavailable(f"Wonde named more than {_MOST_PAGES} pages of {path}. Nothing was changed.")

    def _keep(
        self, person: Person, row: Mapping[str, Any], people: dict[SourceKey, Person], ids: dict[str, SourceKey]
    ) -> None:
        before = people.get(person.key)
        if before is not None:
            # One human under two of Wonde's ids (left and enrolled again): the record that is on roll counts.
            if before.status is person.status:
                raise Halt(
                    f"Wonde gives two {person.role.value} records with the same upi ({row.get('id')} is one). Nothing was changed; ask the school to"
                    " look for a duplicate in the MIS."
                )
            order = (Status.ON_ROLL, Status.FUTURE, Status.LEFT)
            if order.index(before.status) < order.index(person.status):
                ids.setdefault(str(row["id"]), person.key)
                return
        people[person.key] = person
        ids[str(row["id"])] = person.key

    def _key(self, row: Mapping[str, Any], kind: str) -> SourceKey:
        """The upi with the kind of person, since a parent who teaches has one upi for both; the id where there is none."""
        upi = _text(row.get("upi"))
        return SourceKey(self._context.school, f"{kind}:{upi}" if upi else f"{kind}:id:{row['id']}")

    def _pupil(self, row: Mapping[str, Any], status: Status) -> Person:
        details = _one(row, "education_details") or {}
        year = _text(details.get("current_nc_year"))
        if year is None:
            year = _name(_one(row, "year"))
        return Person(
            self._key(row, "student"),
            Role.STUDENT,
            status,
            first=_text(row.get("forename")),
            last=_text(row.get("surname")),
            legal_first=_text(row.get("legal_forename")),
            legal_last=_text(row.get("legal_surname")),
            starts=_day(details.get("admission_date")),
            ends=_day(details.get("leaving_date")),
            year_group=year,
            registration_group=_name(_one(row, "registration")),
            house=_name(_one(row, "house")),
            upn=_text(details.get("upn")),
            former_upn=_text(details.get("former_upn")),
            admission_number=_text(details.get("admission_number")),
            dob=_day(row.get("date_of_birth")) if self._settings.dates_of_birth else None,
        )

    def _employee(self, row: Mapping[str, Any]) -> Person:
        details = _one(row, "employment_details") or {}
        starts, ends = _day(details.get("employment_start_date")), _day(details.get("employment_end_date"))
        today = self._context.today or self._context.now().date()
        status = Status.ON_ROLL
        if starts is not None and starts > today:
            status = Status.FUTURE
        elif _SHAPE.flag(details.get("current"), "current") is False or (ends is not None and ends < today):
            status = Status.LEFT
        return Person(
            self._key(row, "staff"),
            Role.STAFF,
            status,
            first=_text(row.get("forename")),
            last=_text(row.get("surname")),
            legal_first=_text(row.get("legal_forename")),
            legal_last=_text(row.get("legal_surname")),
            starts=starts,
            ends=ends,
            dob=_day(row.get("date_of_birth")) if self._settings.dates_of_birth else None,
        )

    def _contact(self, row: Mapping[str, Any], ids: Mapping[str, SourceKey]) -> Person:
        return Person(
            self._key(row, "contact"),
            Role.CONTACT,
            Status.ON_ROLL,
            first=_text(row.get("forename")),
            last=_text(row.get("surname")),
            children=tuple(sorted(ids[each].record for each in _ids(row, "students") if each in ids)),
        )

    def _check_counts(self, people: Mapping[SourceKey, Person]) -> None:
        """Hold what was read against Wonde's own totals, where it gives them."""
        answer = self._client.get(f"schools/{self._settings.school}/counts", {"include": "students"}, optional=True)
        if answer is None:
            return
        counts = _one(_SHAPE.table(_SHAPE.table(answer, "counts").get("data"), "counts"), "students")
        if counts is None:
            return
        total = _SHAPE.number(counts.get("count"), "the count of students")
        read = sum(1 for person in people.values() if person.role is Role.STUDENT and person.status is Status.ON_ROLL)
        if read != total:
            raise Unavailable(
                f"Wonde counts {total} pupils on roll and sent {read}. The read is not complete; nothing was changed."
            )

    def _groups(self, ids: Mapping[str, SourceKey]) -> list[Group]:
        found: list[Group] = []
        for row in self._rows("groups"):
            kind = self._settings.group_types.get(str(row.get("type") or "").upper())
            if kind is not None:
                found.append(self._group(row, GroupKind(kind), ids))
        return [
            *found,
            *(self._group(row, GroupKind.TEACHING, ids) for row in self._rows("classes")),
        ]

    def _group(self, row: Mapping[str, Any], kind: GroupKind, ids: Mapping[str, SourceKey]) -> Group:
        members = frozenset(ids[each] for each in _ids(row, "students") if each in ids)
        leaders = frozenset(ids[each] for each in _ids(row, "employees") if each in ids)
        name = _text(row.get("name")) or _text(row.get("description")) or str(row["id"])
        return Group(SourceKey(self._context.school, f"{kind.value}:{row['id']}"), kind, name, members, leaders)


def _untold(rows: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """The fields of which not one of these records tells anything."""
    return frozenset(each.name.partition(": ")[2] for each in RIGHTS.table).difference(
        name for row in rows for name, value in row.items() if value is not None and value != {"data": None}
    )


def _one(row: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    """An included record: {"data": {...}}, {"data": null}, null or absent."""
    found = row.get(name)
    data = None if found is None else _SHAPE.table(found, name).get("data")
    return None if data is None else _SHAPE.table(data, name)


def _many(row: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """Included records; null or absent where there are none, or where they may not be seen."""
    found = row.get(name)
    data = None if found is None else _SHAPE.table(found, name).get("data")
    return [] if data is None else _SHAPE.rows(data, name)


def _ids(row: Mapping[str, Any], name: str) -> list[str]:
    return [_SHAPE.key(each.get("id"), f"an id in {name}") for each in _many(row, name)]


def _text(value: object) -> str | None:
    return _SHAPE.text(value, "a field")


def _name(record: Mapping[str, Any] | None) -> str | None:
    return None if record is None else _text(record.get("name")) or _text(record.get("code"))


def _day(value: object) -> date | None:
    """A PHP DateTime object or an ISO string; the day is taken as it stands, without converting its zone."""
    return _SHAPE.day(value.get("date") if isinstance(value, dict) else value, "a date")
