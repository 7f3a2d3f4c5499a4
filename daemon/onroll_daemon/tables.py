"""The tables of onroll.toml as pydantic models: strict, and no key but these."""

from __future__ import annotations

import re
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from onroll_connectors.mis import EVENING, MISES, find
from onroll_connectors.secrets import Secret
from onroll_core.years import Country
from onroll_daemon.alerts.rules import TOPICS, Topic, Weekly


class Table(BaseModel):
    """What every table here has in common."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class StoreTable(Table):
    """[store]"""

    url: str = Field(
        default="sqlite:///onroll.db", description="a file beside this one, or postgresql://user@host/database"
    )
    password: Secret | None = Field(default=None, description="of a PostgreSQL server")

    @field_validator("url")
    @classmethod
    def _reachable(cls, url: str) -> str:
        if not url.startswith(("sqlite:///", "postgresql://", "postgresql+psycopg://")):
            raise ValueError("write sqlite:///onroll.db, or postgresql://onroll@db.school.test/onroll")
        if re.match(r"[^/]*//[^/@]*:[^/@]*@", url):
            raise ValueError(
                'a password is never written here: leave it out of the address and write password = "env:ONROLL_STORE_PASSWORD" below it'
            )
        return url


class OpenIdTable(Table):
    """[console.openid.NAME]: people sign in with Entra ID, Google, or whoever else speaks OpenID Connect."""

    issuer: str
    client_id: str
    client_secret: Secret
    label: str | None = None
    staff: bool = True

    @field_validator("issuer")
    @classmethod
    def _encrypted(cls, issuer: str) -> str:
        own = re.match(r"http://(127\.0\.0\.1|localhost|\[::1\])(:|/|$)", issuer)
        if not issuer.startswith("https://") and not own:
            raise ValueError(
                "write the whole address, as https://login.microsoftonline.com/TENANT/v2.0 or https://accounts.google.com"
            )
        return issuer.rstrip("/")


class ConsoleTable(Table):
    """[console]"""

    listen: str = Field(default="127.0.0.1:8750", description="where the console, health and metrics are served")
    open_to_network: bool = Field(default=False, description="allow an address that other machines can reach")
    address: str | None = Field(default=None, description="what people type to reach it, as https://onroll.school.test")
    tls_certificate: str | None = Field(default=None, description="a PEM file: the certificate and those above it")
    tls_key: str | None = Field(default=None, description="a PEM file: the certificate's private key")
    behind_proxy: bool = Field(default=False, description="a proxy on this machine speaks TLS for it")
    session_minutes: int = Field(default=30, ge=5, le=720)
    openid: dict[str, OpenIdTable] = Field(default_factory=dict)

    @property
    def encrypted(self) -> bool:
        """Whether what people type reaches the console encrypted."""
        return self.tls_certificate is not None or self.behind_proxy


class AlertsTable(Table):
    """[alerts]: `to` are Apprise addresses, which are secrets."""

    to: list[Secret] = Field(default_factory=list)
    about: list[Topic] = Field(default_factory=lambda: list(TOPICS))
    personal_data: bool = False
    digest: str = "Monday 07:30"
    templates: str | None = None
    console_address: str | None = Field(default=None, description="stands in the text; [console] address if left out")

    @field_validator("digest")
    @classmethod
    def _due(cls, digest: str) -> str:
        Weekly.parse(digest)
        return digest


class LimitTable(Table):
    """{ count = 5, percent = 3 }: the larger of the two."""

    count: int = Field(ge=0)
    percent: float = Field(ge=0, le=100)

    @field_validator("percent", mode="before")
    @classmethod
    def _whole(cls, percent: Any) -> Any:
        return float(percent) if isinstance(percent, int) and not isinstance(percent, bool) else percent


class LimitsTable(Table):
    """[school.limits]: what may happen in one night; see `onroll_core.rules.Limits`, where the defaults are."""

    disable: LimitTable | None = None
    create: LimitTable | None = None
    rename: LimitTable | None = None
    update: LimitTable | None = None
    move: LimitTable | None = None
    enable: LimitTable | None = None
    namesake: LimitTable | None = None
    member: LimitTable | None = None
    licence: LimitTable | None = None


class SanityTable(Table):
    """[school.sanity]: how far a reading may fall short of the last good one; see `onroll_core.rules.Sanity`."""

    people: LimitTable | None = None
    year_group: LimitTable | None = None
    groups: LimitTable | None = None
    blank: LimitTable | None = None
    leaving: LimitTable | None = None
    joining: LimitTable | None = None
    exchanged: LimitTable | None = None


class RoleTable(Table):
    """[school.students] and [school.staff]; what is None here has a default that depends on the role."""

    username: str | None = None
    prefix: str = ""
    suffix: str = ""
    email: str | None = None
    domain: str | None = None
    place: str | None = None
    display_name: str = "{first} {last}"
    grace: int = Field(default=0, ge=0, le=366)
    early: int | None = Field(default=None, ge=0)
    leavers_place: str | None = None
    provision: bool = True
    password: Literal["words", "strong"] | None = None
    must_change: bool = True


class OnlyTable(Table):
    """only = { years = ["Year 7"] }: a school begins with some of its people; see `onroll_core.chosen`."""

    roles: list[Literal["students", "staff", "others"]] = Field(default_factory=list)
    years: list[str] = Field(default_factory=list)
    registration_groups: list[str] = Field(default_factory=list)

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        if not (self.roles or self.years or self.registration_groups):
            raise ValueError('names nobody: write only = { years = ["Year 7"] }, or leave it out for everybody')
        return self


class GroupsTable(Table):
    """[school.groups]; see `onroll_core.rules.GroupRules`, where the defaults are."""

    year: str | None = None
    registration: str | None = None
    teaching: str | None = None
    house: str | None = None
    role: str | None = None
    archived: str | None = None
    address: str | None = None
    terms: list[list[str]] = Field(default_factory=list)
    shrink: LimitTable | None = None


def connector(mis: str, route: str | None) -> str:
    """The source module: the route where one is named, else the best one to the MIS; a source's own name is a MIS too."""
    return route or (MISES[mis].route if mis in MISES else mis)


class MovesToTable(Table):
    """[school.moves_to]: the MIS to which the school is about to move, for `onroll rekey`."""

    mis: str
    route: str | None = None
    source: dict[str, Any] = Field(default_factory=dict)

    @field_validator("mis")
    @classmethod
    def _known(cls, mis: str) -> str:
        found = find(mis)
        return mis if found is None else found.name

    @property
    def connector(self) -> str:
        """The source module that reads it."""
        return connector(self.mis, self.route)


class SchoolTable(Table):
    """[[school]]"""

    id: str
    name: str
    domain: str
    mis: str
    country: Country = Field(default=Country.ENGLAND, strict=False)
    mode: Literal["create", "link"] = "create"
    life_cycle: str | None = None
    route: str | None = None
    window: str | None = None
    spread: int = Field(default=30, ge=0, le=720)
    timezone: str = "Europe/London"
    targets: list[str] = Field(default_factory=list)
    preferred_names: bool = True
    absences: int = Field(default=3, ge=1, le=30)
    enrolments: list[str] = Field(default_factory=lambda: ["C", "M"])
    rollover: str | None = None
    keep_leavers: str = "7 years"
    second_person: bool = False
    only: OnlyTable | None = None
    source: dict[str, Any] = Field(default_factory=dict)
    moves_to: MovesToTable | None = None
    students: RoleTable = Field(default_factory=RoleTable)
    staff: RoleTable = Field(default_factory=RoleTable)
    others: RoleTable = Field(default_factory=RoleTable)
    groups: GroupsTable = Field(default_factory=GroupsTable)
    limits: LimitsTable = Field(default_factory=LimitsTable)
    sanity: SanityTable = Field(default_factory=SanityTable)

    @field_validator("id")
    @classmethod
    def _plain(cls, id: str) -> str:
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,62}", id):
            raise ValueError(
                f"{id!r} cannot be a school's id: small letters, digits and hyphens make one, as milton-park"
            )
        return id

    @field_validator("mis")
    @classmethod
    def _known(cls, mis: str) -> str:
        found = find(mis)
        return mis if found is None else found.name

    @property
    def connector(self) -> str:
        """The source module that reads this school."""
        return connector(self.mis, self.route)

    @property
    def hours(self) -> str:
        """The window, its MIS's where the school says nothing else."""
        return self.window or (MISES[self.mis].window if self.mis in MISES else EVENING)


class TargetTable(Table):
    """What [targets.NAME] holds beside its connector's own keys."""

    kind: str
    attributes: dict[str, dict[str, str]] = Field(default_factory=dict)
    owners: dict[str, str] = Field(default_factory=dict)
    groups: list[str] = Field(default_factory=list)
    observe_only: bool = False
    strangers: Literal["keep", "remove"] = "keep"
    passwords: bool = True
    release_licences_after: int | None = Field(default=None, ge=1, le=3660)
    link_by: dict[str, Literal["upn", "scn", "admission number", "staff code"]] = Field(default_factory=dict)


class FileTables(Table):
    """The whole file. Each target's own keys are its connector's, each school's [school.source] its source's."""

    store: StoreTable = Field(default_factory=StoreTable)
    console: ConsoleTable = Field(default_factory=ConsoleTable)
    alerts: AlertsTable = Field(default_factory=AlertsTable)
    targets: dict[str, dict[str, Any]] = Field(default_factory=dict)
    school: list[SchoolTable] = Field(default_factory=list)
