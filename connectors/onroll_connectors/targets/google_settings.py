"""What a network manager says of a Google Workspace in onroll.toml."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from onroll_connectors.secrets import Secret
from onroll_core.people import GroupKind

GOOGLE = "https://admin.googleapis.com"
CLASSROOM = "https://classroom.googleapis.com"
Kind = Literal["year", "registration", "teaching", "house", "role"]


class Settings(BaseModel):
    """A Google Workspace to bring into line.

    `credentials` is the JSON key of a service account; `subject` is the administrator it acts for with domain-wide delegation, and is left
    out when an admin role is assigned to the service account itself. `org_unit` is where places begin: a place "Students/2019"
    becomes the org unit "/Milton Park/Students/2019". `identity_type` names the custom external id that carries onroll's identity.
    `display_names = false` leaves display names alone. `group_addresses` reads the addresses of groups, which share one name space
    with people's. `sign_out` ends a person's sessions before a rename and needs one more scope. The quotas are Google's own; raise
    them when Google has raised yours. `alias_minutes` is how long Google may take to make an old address an alias.
    `classroom` names the kinds of groups that are made as Classroom courses too; with `classroom_only` they are no Google Groups beside that.
    `classroom_owner` is the address of an account that owns a course while it has no teacher. `group_domain` is the domain of groups'
    addresses where it is not that of the school's staff.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    customer: str = Field("my_customer", min_length=1)
    credentials: Secret | None = None
    subject: str | None = None
    endpoint: str = GOOGLE
    token: Secret | None = None
    org_unit: str = "/"
    identity_type: str = Field("onroll", min_length=1, max_length=64)
    display_names: bool = True
    group_addresses: bool = True
    sign_out: bool = False
    group_domain: str | None = None
    classroom: list[Kind] = Field(default_factory=list)
    classroom_only: bool = False
    classroom_owner: str | None = None
    classroom_per_minute: int = Field(1200, ge=60)
    queries_per_minute: int = Field(2400, ge=60)
    creates_per_second: int = Field(10, ge=1)
    units_per_second: int = Field(1, ge=1)
    batch_size: int = Field(40, ge=1, le=1000)
    connections: int = Field(4, ge=1, le=16)
    alias_minutes: int = Field(10, ge=0, le=1440)
    timeout: int = Field(60, ge=5)
    ca_file: str | None = None

    @field_validator("org_unit")
    @classmethod
    def _path(cls, value: str) -> str:
        if not value.startswith("/") or (value != "/" and value.endswith("/")) or "//" in value:
            raise ValueError('an org unit is written from the top, as "/" or "/Milton Park"')
        return value

    @field_validator("endpoint")
    @classmethod
    def _address(cls, value: str) -> str:
        url = urlsplit(value)
        if url.scheme == "https" or (url.scheme == "http" and _loopback(url.hostname)):
            return value.rstrip("/")
        raise ValueError("an endpoint begins with https://; http:// is for a simulator on this machine only")

    @model_validator(mode="after")
    def _signed_in(self) -> Self:
        if self.token is not None and not _loopback(urlsplit(self.endpoint).hostname):
            raise ValueError("token is for a simulator on this machine; with Google itself, give credentials")
        if (self.token is None) is (self.credentials is None):
            raise ValueError('say where the service account\'s key is: credentials = "file:/etc/onroll/google.json"')
        return self

    @model_validator(mode="after")
    def _of_classroom(self) -> Self:
        if not self.classroom and (self.classroom_only or self.classroom_owner):
            raise ValueError(
                'classroom_only and classroom_owner say how courses are kept: name their kinds, as classroom = ["teaching"]'
            )
        if self.classroom and self.credentials is not None and self.subject is None:
            raise ValueError(
                "Classroom knows no admin roles of service accounts: name the administrator to act for, as subject"
            )
        return self

    @property
    def root(self) -> str:
        """`org_unit` without its final slash: "" for the top."""
        return self.org_unit.rstrip("/")


@dataclass(frozen=True, slots=True)
class Uses:
    """What of Google is used beside accounts: Google Groups, Classroom courses."""

    groups: bool
    courses: bool


def uses_of(settings: Settings, kinds: frozenset[GroupKind]) -> Uses:
    """What the kinds of groups that are switched on need."""
    courses = {kind for kind in kinds if kind in settings.classroom}
    return Uses(bool(kinds - courses if settings.classroom_only else kinds), bool(courses))


def _loopback(host: str | None) -> bool:
    if host == "localhost":
        return True
    try:
        return host is not None and ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
