"""The tables of onroll.toml as they may be written: every key, its kind and its default."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from onroll_core.rules import Limit
from onroll_core.years import Country


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class StoreTable(_Strict):
    """[store]"""

    url: str = "sqlite:///onroll.db"


class ConsoleTable(_Strict):
    """[console]: `open_to_network` allows an address that is not this machine's own."""

    listen: str = "127.0.0.1:8750"
    open_to_network: bool = False


class LimitTable(_Strict):
    """{ count = 5, percent = 3 }"""

    count: int = Field(ge=0)
    percent: float = Field(ge=0, le=100)

    def limit(self) -> Limit:
        return Limit(self.count, self.percent)


class LimitsTable(_Strict):
    """[school.limits]"""

    disable: LimitTable | None = None
    create: LimitTable | None = None
    rename: LimitTable | None = None
    update: LimitTable | None = None
    move: LimitTable | None = None
    enable: LimitTable | None = None
    namesake: LimitTable | None = None


class SanityTable(_Strict):
    """[school.sanity]"""

    people: LimitTable | None = None
    year_group: LimitTable | None = None
    groups: LimitTable | None = None
    blank: LimitTable | None = None
    leaving: LimitTable | None = None
    joining: LimitTable | None = None


class RoleTable(_Strict):
    """[school.students] and [school.staff]"""

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


class SchoolTable(_Strict):
    """[[school]]"""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")
    name: str
    domain: str
    mis: str
    country: Country = Field(default=Country.ENGLAND, strict=False)
    mode: Literal["create"] = "create"
    route: str | None = None
    window: str = "19:00-22:00"
    timezone: str = "Europe/London"
    targets: list[str] = Field(default_factory=list)
    preferred_names: bool = True
    absences: int = Field(default=3, ge=1, le=30)
    enrolments: list[str] = Field(default_factory=lambda: ["C", "M"])
    rollover: str | None = None
    source: dict[str, Any] = Field(default_factory=dict)
    students: RoleTable = Field(default_factory=RoleTable)
    staff: RoleTable = Field(default_factory=RoleTable)
    limits: LimitsTable = Field(default_factory=LimitsTable)
    sanity: SanityTable = Field(default_factory=SanityTable)

    @property
    def connector(self) -> str:
        """The source module that reads this school."""
        return self.route or self.mis


class File(_Strict):
    """The whole file; each target's own keys are checked by its connector."""

    store: StoreTable = Field(default_factory=StoreTable)
    console: ConsoleTable = Field(default_factory=ConsoleTable)
    targets: dict[str, dict[str, Any]] = Field(default_factory=dict)
    school: list[SchoolTable] = Field(default_factory=list)


def mistakes(
    path: Path, failure: ValidationError, model: type[BaseModel], where: str = "", more: Iterable[str] = ()
) -> list[str]:
    """A sentence for each mistake that pydantic found, with the nearest known key for an unknown one."""
    found: list[str] = []
    for error in failure.errors(include_url=False, include_input=False):
        spot = [str(part) for part in error["loc"]]
        key = ".".join(filter(None, [where, *spot]))
        if error["type"] == "extra_forbidden":
            known = [*_keys(model, spot[:-1]), *more]
            near = get_close_matches(spot[-1], known, n=1)
            hint = f"Did you mean {near[0]}?" if near else f"Known here: {', '.join(sorted(known))}."
            found.append(f"{path}: {key} is not a key that onroll knows. {hint}")
        elif error["type"] == "missing":
            found.append(f"{path}: {key} is missing, and onroll cannot run without it.")
        else:
            words = str(error["msg"]).removeprefix("Value error, ")
            found.append(f"{path}: {key or 'the file'}: {words[:1].lower() + words[1:]}.".replace("..", "."))
    return found


def _keys(model: type[BaseModel], spot: list[str]) -> list[str]:
    """The keys known at a place inside a model."""
    current: Any = model
    for part in spot:
        if part.isdigit():
            continue
        field = current.model_fields.get(part) if isinstance(current, type) and issubclass(current, BaseModel) else None
        if field is None:
            return []
        inner = [
            each
            for each in (field.annotation, *get_args(field.annotation))
            if isinstance(each, type) and issubclass(each, BaseModel)
        ]
        if not inner:
            return []
        current = inner[0]
    return list(current.model_fields)
