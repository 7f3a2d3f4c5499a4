"""Where a MIS's SQL database is and who may read it: the keys that every such source has, with no password among them."""

from __future__ import annotations

from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, model_validator

from onroll_connectors.secrets import Secret
from onroll_connectors.sql_query import is_name


class SqlSettings(BaseModel):
    """The keys of [school.source] that every MIS with an SQL database has."""

    model_config = ConfigDict(extra="forbid", strict=True)

    server: str = Field("", description="the SQL Server: HOST, or HOST\\INSTANCE")
    port: int = Field(1433, description="its port; an instance is found by its name", ge=1, le=65535)
    database: str = Field("", description="the database's name")
    user: str = Field("", description="a login that may read the tables and nothing else, or DOMAIN\\USER")
    password: Secret | None = Field(None, description="its password: env:NAME, file:PATH or credential:NAME")
    encrypt: bool = Field(True, description="refuse a SQL Server that does not encrypt the connection")
    read_intent: bool = Field(True, description="say ApplicationIntent=ReadOnly, so that a readable replica may answer")
    url: str = Field("", description="in place of server: sqlite:///FILE or a PostgreSQL on this machine, for a trial")
    timeout: int = Field(60, description="seconds for one query", ge=1)
    login_timeout: int = Field(15, description="seconds for signing in", ge=1)

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if self.url:
            parts = urlsplit(self.url)
            here = parts.hostname in (None, "127.0.0.1", "localhost", "::1")
            if parts.scheme not in ("sqlite", "postgresql") or not here:
                raise ValueError(
                    "url is sqlite:///FILE, or postgresql:// on this machine; a SQL Server has server, database, user and password"
                )
            if parts.password:
                raise ValueError("url holds a password: say where it is in password, as env:NAME")
        elif not (self.server and self.database and self.user and self.password):
            raise ValueError("server, database, user and password are needed")
        return self

    def check_names(self, *keys: str, class_name: tuple[str, ...]) -> None:
        """Raises ValueError when one of `keys` is no name of a table or column, or class_name has another part than these."""
        for key in keys:
            value = getattr(self, key)
            if value and not is_name(value):
                raise ValueError(f"{key}: {value!r} cannot be a name")
        try:
            str(getattr(self, "class_name", "")).format(**dict.fromkeys(class_name, ""))
        except (KeyError, IndexError, ValueError):
            parts = " and ".join(f"{{{each}}}" for each in class_name)
            raise ValueError(f"class_name: only {parts} can be used") from None

    @property
    def place(self) -> str:
        """The database, as a sentence calls it; no user and no password in it."""
        if self.url.startswith("sqlite:"):
            return f"the file {Path(self.url.removeprefix('sqlite:///')).name}"
        if self.url:
            return f"the database {urlsplit(self.url).path.lstrip('/')} on this machine"
        return f"the database {self.database} on {self.server}"
