"""The keys of a target with kind = "active_directory"."""

from __future__ import annotations

import re
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from onroll_connectors.secrets import Secret

_OWN = frozenset(
    {
        "objectclass", "objectguid", "objectsid", "objectcategory", "cn", "name", "distinguishedname", "samaccountname", "userprincipalname", "mail",
        "proxyaddresses", "displayname", "givenname", "sn", "useraccountcontrol", "unicodepwd", "userpassword", "pwdlastset", "accountexpires",
        "lockouttime", "memberof", "primarygroupid", "admincount", "ntsecuritydescriptor", "serviceprincipalname", "sidhistory",
        "msds-allowedtodelegateto", "member",
    }
)  # fmt: skip
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]*\Z")


class Settings(BaseModel):
    """How to reach the directory, where onroll works in it, and which attributes carry what."""

    model_config = ConfigDict(extra="forbid", strict=True)

    server: str = Field(
        description="ldaps://dc1.school.test, ldap://... (StartTLS), or embedded:NAME for the demo's own directory"
    )
    base: str = Field(description="the OU under which onroll makes OUs and users")
    user: str = Field("", description="the service account, as name@domain")
    password: Secret | None = Field(None, description="its password: env:NAME, file:PATH or credential:NAME")
    kerberos: bool = Field(False, description="sign in with the machine's Kerberos ticket instead of a password")
    ca_file: str | None = Field(
        None, description="the certificate authority of the domain controllers; default: the machine's own list"
    )
    identity_attribute: str = Field(
        "employeeID", description="holds onroll's identity of the person, at most 16 characters"
    )
    note_attribute: str = Field(
        "info", description="holds the note why an account is disabled; what people wrote there stays"
    )
    groups_place: str = Field("Groups", description='the OU below base in which groups are made; "" is base itself')
    group_attribute: str = Field(
        "adminDescription", description="holds what a group was made for; onroll knows its groups by it"
    )
    names_base: str | None = Field(None, description="where names must be free; default: the whole domain")
    upn_suffix: str | None = Field(None, description="userPrincipalName is username@this; default: the e-mail address")
    write: list[str] = Field(default_factory=list, description="further attributes that this target may write")
    timeout: int = Field(60, description="seconds to wait for an answer", gt=0)

    @field_validator("identity_attribute", "note_attribute", "group_attribute", "write")
    @classmethod
    def _not_what_carries_the_account(cls, given: str | list[str]) -> str | list[str]:
        for name in [given] if isinstance(given, str) else given:
            if not _NAME.match(name):
                raise ValueError(f"{name!r} is not the name of an attribute")
            if name.lower() in _OWN:
                raise ValueError(
                    f"{name} carries the account itself: onroll writes it where its rules say so, and never as an extra attribute"
                )
        return given

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if "=" not in self.base:
            raise ValueError("base is a distinguished name, such as OU=Milton Park,DC=school,DC=test")
        if self.identity_attribute.lower() in (self.note_attribute.lower(), *(each.lower() for each in self.write)):
            raise ValueError(f"{self.identity_attribute} holds onroll's identity and can hold nothing else")
        if self.server.startswith("embedded:"):
            return self
        if not self.server.startswith(("ldaps://", "ldap://")) or not self.host:
            raise ValueError("server begins with ldaps:// (or ldap://, which is then encrypted with StartTLS)")
        if not self.kerberos and (not self.user or self.password is None):
            raise ValueError("user and password are needed, or kerberos = true")
        return self

    @property
    def encrypted_from_the_start(self) -> bool:
        """LDAPS; otherwise StartTLS."""
        return self.server.startswith("ldaps://")

    @property
    def host(self) -> str:
        """The domain controller's name or address."""
        return self._place[0]

    @property
    def port(self) -> int:
        """Its port."""
        return int(self._place[1] or (636 if self.encrypted_from_the_start else 389))

    @property
    def _place(self) -> tuple[str, str]:
        place = self.server.partition("://")[2].rstrip("/")
        if place.startswith("["):  # [::1]:636
            host, _, port = place[1:].partition("]")
            return host, port.removeprefix(":")
        host, _, port = place.partition(":")
        return host, port
