"""How to reach a tenant of Microsoft 365, as the configuration tells it: strict, and with secrets as references only."""

from __future__ import annotations

import ipaddress
import re
from typing import ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from onroll_connectors.secrets import Secret
from onroll_connectors.targets.graph_group_book import As
from onroll_connectors.targets.graph_target import known_fields

Kind = Literal["year", "registration", "teaching", "house", "role"]
_EXTENSION = re.compile(r"extension_[0-9a-f]{32}_[A-Za-z0-9_]+", re.IGNORECASE)


class Settings(BaseModel):
    """How to reach a tenant, and what is ours to do in it. Needs `tenant`, `client_id` and `certificate` (or `client_secret`), or `token` for a sandbox."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    places: ClassVar[bool] = False  # a tenant has no OUs, so that two schools' places there never meet

    tenant: str = Field(default="", description="The tenant's id or its .onmicrosoft.com domain")
    client_id: str = Field(default="", description="The application (client) id of the app registration")
    certificate: Secret | None = Field(default=None, description="The app's certificate with its private key, as PEM")
    client_secret: Secret | None = Field(default=None, description="The app's secret, where there is no certificate")
    endpoint: str = Field(
        default="https://graph.microsoft.com", description="Graph's base URL; a sandbox's, for practice"
    )
    authority: str = Field(default="https://login.microsoftonline.com", description="Where tokens come from")
    token: Secret | None = Field(default=None, description="A sandbox's token, for a loopback endpoint only")
    create: bool = Field(
        default=True,
        description="false where Entra Connect brings every account from Active Directory: then none is made here",
    )
    identity: str = Field(default="employeeId", description="The property that carries onroll's identity of a person")
    usage_location: str | None = Field(
        default="GB", pattern="^[A-Z]{2}$", description="Given to new accounts; licences need it"
    )
    extra_fields: list[str] = Field(default_factory=list, description="Properties to write beyond the usual ones")
    domain: str | None = Field(default=None, description="A domain that `onroll check` insists on being verified")
    groups_as: dict[Kind, As] = Field(
        default_factory=dict,
        description='What groups are made as, by kind: "security", "microsoft365", "class" (the default for teaching), "team"',
    )
    writes_per_window: int = Field(
        default=2950, ge=1, le=18000, description="Writes in any 150 s; Microsoft allows an app 3,000"
    )

    @field_validator("identity")
    @classmethod
    def _identity(cls, name: str) -> str:
        numbered = name.startswith("extensionAttribute") and name in known_fields()
        if name == "employeeId" or numbered or _EXTENSION.fullmatch(name):
            return name
        raise ValueError(
            "identity is employeeId, one of extensionAttribute1 to 15, or a directory extension (extension_<app id without dashes>_<name>)"
        )

    @field_validator("extra_fields")
    @classmethod
    def _fields(cls, names: list[str]) -> list[str]:
        for name in names:
            if name not in known_fields() and not _EXTENSION.fullmatch(name):
                raise ValueError(
                    f"{name} is not a property that onroll can write; there are {', '.join(sorted(known_fields()))}"
                )
        return names

    @model_validator(mode="after")
    def _reachable(self) -> Settings:
        url = urlsplit(self.endpoint)
        if url.scheme not in ("https", "http") or not url.hostname or url.query or url.fragment:
            raise ValueError(f"endpoint is a URL such as https://graph.microsoft.com, not {self.endpoint!r}")
        if self.token is not None:
            if not self.loopback:
                raise ValueError(
                    "token is for a sandbox on this machine (a loopback endpoint); give tenant, client_id and certificate instead"
                )
            return self
        if url.scheme != "https" and not self.loopback:
            raise ValueError("endpoint must begin with https:// unless it is a sandbox on this machine")
        missing = [name for name in ("tenant", "client_id") if not getattr(self, name)]
        if missing:
            raise ValueError(f"{' and '.join(missing)} must be given")
        if (self.certificate is None) == (self.client_secret is None):
            raise ValueError("give either certificate or client_secret")
        return self

    @property
    def loopback(self) -> bool:
        """True when the endpoint is on this machine."""
        host = urlsplit(self.endpoint).hostname or ""
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"

    @property
    def base(self) -> str:
        """The endpoint with Graph's version."""
        trimmed = self.endpoint.rstrip("/")
        return trimmed if trimmed.endswith(("/v1.0", "/beta")) else f"{trimmed}/v1.0"
