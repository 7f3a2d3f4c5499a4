"""ScholarPack's REST API v1: pupils and staff of a primary school, keyed by UUID; registration groups and years, for there are no teaching groups.

Sign-in, scopes, lists and paging are as ScholarPack documents them; the keys within records are not public and are a map (`scholarpack_fields`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date
from functools import lru_cache
from typing import Any, Literal, Self
from urllib.parse import parse_qsl, urlsplit

from pydantic import BaseModel, ConfigDict, Field, model_validator

from onroll_connectors.gives import Gives
from onroll_connectors.http import Client, is_loopback, safe_endpoint
from onroll_connectors.own_groups import own_groups
from onroll_connectors.secrets import Secret
from onroll_connectors.shape import Shape
from onroll_connectors.sources.scholarpack_fields import LIKELY, Fields, ids, text, value
from onroll_connectors.sources.scholarpack_rights import RIGHTS
from onroll_connectors.sources.scholarpack_sign_in import SignIn
from onroll_core.contracts import Context, Finding, Report, Source
from onroll_core.errors import Halt, OnrollError, Unavailable
from onroll_core.people import GroupKind, Person, Role, Snapshot, SourceKey, Status

GIVES = Gives(
    groups=frozenset({GroupKind.YEAR, GroupKind.REGISTRATION}),
    contacts=True,
    untold_students=frozenset({"house"}),
    why="ScholarPack has no teaching groups, only registration groups and years. The keys of its records are not public: which of them tells what is a setting.",
)
_SHAPE = Shape("ScholarPack")
_SCOPES = {
    "students": "student:read",
    "staff": "staff:read",
    "contacts": "contacts:third-party",
    "school": "school-info:read",
}
_MOST_PAGES = 2_000
_SCHOOL_IDS = ("uuid", "id", "dfe_number", "dfe", "urn")
_ORDER = (Status.ON_ROLL, Status.FUTURE, Status.LEFT)


class Settings(BaseModel):
    """The keys of [school.source] for mis = "scholarpack"."""

    model_config = ConfigDict(extra="forbid", strict=True)

    client_id: str = Field("", description="needed: the application's id, from ScholarPack")
    client_secret: Secret | None = Field(
        None, description="needed: its secret, as env:NAME, file:PATH or credential:NAME"
    )
    code: Secret | None = Field(None, description="where the one-time code of the school's approval stands; onroll check says how it is had")  # fmt: skip
    refresh_token: Secret | None = Field(
        None, description="a refresh token that was had in another way, in place of code"
    )
    redirect_uri: str = Field("https://localhost/", description="as registered with ScholarPack for the application")
    endpoint: str = Field("https://services.scholarpack.co.uk/api/v1", description="another host for a sandbox")
    sign_in: str | None = Field(
        None, description="where authorize/ and token/ are; left out, oauth2 on the endpoint's host"
    )
    credentials_in: Literal["header", "body"] = Field(
        "header", description="how client_id and secret are sent to token/"
    )
    token: Secret | None = Field(None, description="an access token in place of all that, for a simulator on this machine alone")  # fmt: skip
    per_page: int = Field(100, description="records a page", ge=1, le=500)
    students: dict[str, str] = Field(default_factory=dict, description="our names to the keys of a pupil's record, where they are not recognised")  # fmt: skip
    staff: dict[str, str] = Field(default_factory=dict, description="the same for a member of staff")
    contact_fields: dict[str, str] = Field(default_factory=dict, description="the same for a contact")
    more_students: dict[str, Literal["future", "left"]] = Field(
        default_factory=dict, description="further lists of pupils, as path with query, and what pupils there are"
    )
    statuses: dict[str, Literal["on roll", "future", "left"]] = Field(
        default_factory=dict, description="the words under the key of status, and what they mean"
    )
    dates_of_birth: bool = Field(False, description="read dates of birth, for linking")
    contacts: bool = Field(False, description="also read pupils' contacts: their names, and whose they are")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        safe_endpoint(self.endpoint)
        if self.sign_in is not None:
            safe_endpoint(self.sign_in)
        for name, own in (("students", self.students), ("staff", self.staff), ("contacts", self.contact_fields)):
            unknown = own.keys() - LIKELY[name].keys()
            if unknown:
                raise ValueError(
                    f"{name}: onroll reads no {', '.join(sorted(unknown))}. It may be one of {', '.join(LIKELY[name])}."
                )
        if self.token is not None and not is_loopback(self.endpoint):
            raise ValueError("token is for a simulator on this machine alone; name client_id and client_secret")
        if self.token is None and not (self.client_id and self.client_secret):
            raise ValueError("client_id and client_secret are needed, as ScholarPack gave them for onroll")
        return self


def connect(settings: Settings, context: Context) -> Source:
    """The source; nothing is asked before `check` or `read`."""
    return ScholarPack(settings, context)


class ScholarPack:
    """One school's ScholarPack."""

    def __init__(self, settings: Settings, context: Context) -> None:
        self._settings, self._context = settings, context
        self._opened: Client | None = None
        self._sign_in = None if settings.client_secret is None else self._signing_in(settings.client_secret)

    def _signing_in(self, secret: Secret) -> SignIn:
        settings = self._settings
        root = urlsplit(settings.endpoint)
        wanted = ["students", "staff", "school", *(["contacts"] if settings.contacts else [])]
        return SignIn(
            self._context,
            settings.sign_in or f"{root.scheme}://{root.netloc}/oauth2",
            settings.client_id,
            secret,
            settings.code,
            settings.refresh_token,
            settings.redirect_uri,
            " ".join(_SCOPES[each] for each in wanted),
            settings.credentials_in == "body",
        )

    @property
    def _client(self) -> Client:
        if self._opened is None:
            sign_in, token = self._sign_in, self._settings.token
            if token is not None:
                headers = {"Authorization": f"Bearer {token.reveal()}"}
                self._opened = Client("ScholarPack", self._settings.endpoint, self._context, headers)
            else:
                assert sign_in is not None  # the settings have either
                self._opened = Client(
                    "ScholarPack",
                    self._settings.endpoint,
                    self._context,
                    authorise=lambda method, url: sign_in.headers(),
                    renew=sign_in.renew,
                )
        return self._opened

    def close(self) -> None:
        """Let go of the connections."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None
        if self._sign_in is not None:
            self._sign_in.close()

    def check(self) -> Report:
        """Is the approval good, does every scope show something, and which key is taken for what?"""
        found: list[Finding] = []
        try:
            if self._sign_in is not None and self._settings.token is None:
                self._sign_in.headers()
                found.append(Finding("ok", "The school's approval of onroll's access is good."))
        except OnrollError as trouble:
            return Report([Finding("problem", str(trouble))])
        for what in ("students", "staff", *(["contacts"] if self._settings.contacts else [])):
            fields = Fields(what, self._own(what))
            try:
                page, _ = self._page(f"{what}/", 1, what)
                rows = [fields.kept(each) for each in page]
                if not rows:
                    found.append(
                        Finding("problem", f"ScholarPack shows no {what}. Has the school approved {_SCOPES[what]}?")
                    )
                    continue
                chosen = fields.chosen({})
                matched = ", ".join(f"{ours} = {key!r}" for ours, key in chosen.items())
                found.append(Finding("ok", f"ScholarPack shows {what}; {matched}."))
                unused = sorted(fields.seen - {key.partition(".")[0] for key in chosen.values()})
                found.append(Finding("ok", f"Keys of {what} that are not read: {', '.join(unused) or 'none'}."))
            except OnrollError as trouble:
                found.append(Finding("problem", str(trouble)))
        try:
            if self._client.fetch("GET", "school/", good=(200, 403, 404)).status == 403:
                found.append(RIGHTS.finding(_SCOPES["school"], "403"))
        except OnrollError as trouble:
            found.append(Finding("problem", str(trouble)))
        if self._sign_in is not None and any(each.level == "problem" for each in found):
            found.append(Finding("warning", f"To approve again: {self._sign_in.how()}"))
        found.append(
            Finding(
                "ok",
                "ScholarPack has registration groups and years only: onroll makes no teaching groups of it, and leaves those that are there alone.",
            )
        )
        return Report(found)

    def read(self) -> Snapshot:
        """Everyone, complete as far as ScholarPack's pages tell; raises Unavailable or Halt."""
        self._same_school()
        people: dict[SourceKey, Person] = {}
        lists = [
            ("students/", None),
            *((path, Status(status)) for path, status in self._settings.more_students.items()),
        ]
        chosen: dict[str, Mapping[str, str]] = {}
        fields, rows = Fields("students", self._own("students")), []
        for path, status in lists:
            found = [(each, status) for each in self._rows(path, "students", fields)]
            if status is None and not found:
                raise Halt(
                    f"ScholarPack shows no pupil at all. Has the school withdrawn {_SCOPES['students']}? Nothing was changed."
                )
            rows += found
        chosen["students"] = fields.chosen(self._last_time("students"))
        for row, status in rows:
            self._keep(self._person(row, Role.STUDENT, chosen["students"], status), people)
        fields = Fields("staff", self._own("staff"))
        staff = list(self._rows("staff/", "staff", fields))
        if not staff:
            raise Halt(
                f"ScholarPack shows no member of staff at all. Has the school withdrawn {_SCOPES['staff']}? Nothing was changed."
            )
        chosen["staff"] = fields.chosen(self._last_time("staff"))
        for row in staff:
            self._keep(self._person(row, Role.STAFF, chosen["staff"], None), people)
        if self._settings.contacts:
            self._contacts(people, chosen)
        self._remember(chosen)
        groups = own_groups(people.values(), self._context.school)
        return Snapshot(self._context.school, self._context.now(), list(people.values()), groups)

    def _own(self, what: str) -> Mapping[str, str]:
        settings = self._settings
        return {"students": settings.students, "staff": settings.staff, "contacts": settings.contact_fields}[what]

    def _last_time(self, what: str) -> Mapping[str, str]:
        kept = self._context.memory.get("fields")
        found: Mapping[str, str] = {} if kept is None or self._context.moving else json.loads(kept).get(what, {})
        return found

    def _remember(self, chosen: Mapping[str, Mapping[str, str]]) -> None:
        kept = json.loads(self._context.memory.get("fields") or b"{}")
        if not self._context.moving and kept | chosen != kept:
            self._context.memory.put("fields", json.dumps(kept | chosen).encode())

    def _same_school(self) -> None:
        """Another school's approval under the same settings would make everybody somebody else: that is a person's to confirm."""
        answer = self._client.fetch("GET", "school/", good=(200, 403, 404))
        if answer.status != 200:
            return
        told = _SHAPE.table(answer.json(), "school")
        data = told.get("data", told)
        rows = _SHAPE.rows(data if isinstance(data, list) else [data], "school")
        record = {name.lower(): each for name, each in rows[0].items()} if rows else {}
        now = next((f"{name} {text(record, name)}" for name in _SCHOOL_IDS if record.get(name)), None)
        known = self._context.memory.get("school")
        if now is None or self._context.moving:
            return
        if known is not None and known.decode() != now:
            raise Halt(
                f"ScholarPack's school was {known.decode()} and is now {now}. Nothing was read. If that is right, confirm the move"
                f" (onroll rekey {self._context.school} --to scholarpack); else look at whose approval this is."
            )
        if known is None:
            self._context.memory.put("school", now.encode())

    def _page(self, path: str, number: int, what: str) -> tuple[list[Mapping[str, Any]], Mapping[str, Any]]:
        address = urlsplit(path)
        params = dict(parse_qsl(address.query)) | {"page": str(number), "per_page": str(self._settings.per_page)}
        answer = self._client.fetch("GET", address.path, params, good=(200, 403))
        if answer.status == 403:
            raise Halt(f"{RIGHTS.missing(_SCOPES[what], '403')} Nothing was changed.")
        page = _SHAPE.table(answer.json(), what)
        return _SHAPE.rows(page.get("data"), what), page

    def _rows(self, path: str, what: str, fields: Fields) -> Iterator[Mapping[str, Any]]:
        """Every record of a list. There is no total: all pages but the last have to be full, and none may be missing or come twice."""
        pages, size, read = 1, 0, 0
        for number in range(1, _MOST_PAGES):
            rows, page = self._page(path, number, what)
            told = {name: _SHAPE.number(page.get(name), f"{name} of {what}") for name in ("page", "pages", "per_page")}
            more = _SHAPE.flag(page.get("has_next"), f"has_next of {what}")
            if number == 1:
                pages, size = told["pages"], told["per_page"]
            if told != {"page": number, "pages": pages, "per_page": size} or more is None or more != (number < pages):
                raise Unavailable(
                    f"ScholarPack's page {number} of {what} says {told['page']} of {told['pages']}, and {'more to come' if more else 'no more'}, where {pages} were"
                    " expected: it changed while it was read, or is not whole. Nothing was changed."
                )
            if len(rows) > size or (more and len(rows) != size) or (not more and number > 1 and not rows):
                raise Unavailable(
                    f"ScholarPack's page {number} of {what} has {len(rows)} records of {size}. The read is not complete; nothing was changed."
                )
            read += len(rows)
            self._context.progress(f"reading {what}", read, None)
            for row in rows:
                yield fields.kept(row)
            if not more:
                return
        raise Unavailable(
            f"ScholarPack has more than {_MOST_PAGES} pages of {what}, which cannot be right. Nothing was changed."
        )

    def _keep(self, person: Person, people: dict[SourceKey, Person]) -> None:
        before = people.get(person.key)
        if before is not None and before.status is person.status:
            raise Unavailable(
                f"ScholarPack sent the record {person.key.record} twice, so its pages shifted while they were read. Nothing was changed."
            )
        # Left and came back: of two lists, the one that has somebody on roll counts.
        if before is None or _ORDER.index(person.status) < _ORDER.index(before.status):
            people[person.key] = person

    def _person(self, row: Mapping[str, Any], role: Role, keys: Mapping[str, str], status: Status | None) -> Person:
        told = {ours: text(row, keys.get(ours)) for ours in keys if ours not in ("starts", "ends", "dob", "children")}
        record = _SHAPE.key(told.get("id"), f"the id of a record of {role.value}")
        starts, ends = _day(row, keys.get("starts")), _day(row, keys.get("ends"))
        first, last = told.get("preferred_first") or told.get("first"), told.get("preferred_last") or told.get("last")
        if not first and not last:
            raise Unavailable(
                f"ScholarPack sent the {role.value} {record} without a name. Nothing was changed; it is tried again later."
            )
        return Person(
            SourceKey(self._context.school, f"{role.value}:{record}"),
            role,
            self._status(told.get("status"), status, starts, ends, record),
            first=first,
            last=last,
            # Beside a preferred name, the plain one is the legal one.
            legal_first=told.get("legal_first") or (told.get("first") if "preferred_first" in keys else None),
            legal_last=told.get("legal_last") or (told.get("last") if "preferred_last" in keys else None),
            starts=starts,
            ends=ends,
            dob=_day(row, keys.get("dob")) if self._settings.dates_of_birth else None,
            year_group=told.get("year_group"),
            registration_group=told.get("registration_group"),
            upn=told.get("upn"),
            former_upn=told.get("former_upn"),
            admission_number=told.get("admission_number"),
            staff_code=told.get("staff_code"),
            enrolment=told.get("enrolment"),
        )

    def _status(
        self, told: str | None, of_list: Status | None, starts: date | None, ends: date | None, record: str
    ) -> Status:
        today = self._context.today or self._context.now().date()
        if of_list is not None:
            return of_list
        if told is not None:
            found = {word.lower(): each for word, each in self._settings.statuses.items()}.get(told.lower())
            if found is None:
                raise Halt(
                    f"ScholarPack says {told!r} as the status of {record}. Say what that means in [school.source] statuses; nothing was read."
                )
            if found != Status.ON_ROLL.value:
                return Status(found)
        if ends is not None and ends < today:
            return Status.LEFT
        return Status.FUTURE if starts is not None and starts > today else Status.ON_ROLL

    def _contacts(self, people: dict[SourceKey, Person], chosen: dict[str, Mapping[str, str]]) -> None:
        fields = Fields("contacts", self._own("contacts"))
        rows = list(self._rows("contacts/", "contacts", fields))
        if not rows:
            return
        keys = chosen["contacts"] = fields.chosen(self._last_time("contacts"))
        for row in rows:
            person = self._person(row, Role.CONTACT, keys, Status.ON_ROLL)
            records = {f"{Role.STUDENT.value}:{each}" for each in ids(row, keys["children"])}
            children = sorted(each for each in records if SourceKey(self._context.school, each) in people)
            if children:
                self._keep(
                    Person(
                        person.key, Role.CONTACT, Status.ON_ROLL, person.first, person.last, children=tuple(children)
                    ),
                    people,
                )


def _day(row: Mapping[str, Any], key: str | None) -> date | None:
    found = value(row, key)
    return _parsed(found, key or "") if isinstance(found, str) else _SHAPE.day(found, key or "")


@lru_cache(maxsize=2048)
def _parsed(text: str, key: str) -> date | None:
    """A school has few first days, and many pupils on each."""
    return _SHAPE.day(text, key)
