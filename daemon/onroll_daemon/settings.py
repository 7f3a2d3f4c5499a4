"""onroll.toml: read, checked to the last key, and turned into the rules that the core works by."""

from __future__ import annotations

import os
import sys
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from onroll_core.people import Role
from onroll_core.rules import Limit, Limits, Owner, RoleRules, Sanity, SchoolRules, TargetRules
from onroll_core.templates import Place, Template
from onroll_core.usernames import Format, problem_with_address
from onroll_core.years import ROLLOVERS, Rollover
from onroll_daemon.tables import ConsoleTable, File, RoleTable, SchoolTable, mistakes
from onroll_daemon.windows import Window


class Misconfigured(Exception):
    """The configuration cannot be used; `sentences` name file, key and what to do. The start stops with exit code 2."""

    def __init__(self, sentences: Iterable[str]) -> None:
        self.sentences = list(sentences)
        super().__init__("\n".join(self.sentences))


@dataclass(frozen=True, slots=True)
class TargetSettings:
    """One target: its connector's module and settings, and what is written to it."""

    name: str
    module: str
    settings: Any
    rules: TargetRules


@dataclass(frozen=True, slots=True)
class SchoolSettings:
    """One school: its rules, its window, its source's module and settings, its targets' names."""

    rules: SchoolRules
    window: Window
    timezone: str
    module: str
    source: Any
    targets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Settings:
    """The configuration, checked; `folder` is what relative paths in it start from."""

    path: Path
    folder: Path
    store_url: str
    console: ConsoleTable
    targets: Mapping[str, TargetSettings]
    schools: Mapping[str, SchoolSettings]


_COMMON = ("kind", "attributes", "owners")
_STUDENT_FORMAT, _STAFF_FORMAT = "{yoe2}{initial}{last}", "{initial}.{last}"


def locate(given: str | None, environment: Mapping[str, str]) -> Path:
    """The configuration file: --config, $ONROLL_CONFIG, ./onroll.toml, the platform's place. Raises Misconfigured when there is none."""
    named = given or environment.get("ONROLL_CONFIG")
    if named:
        path = Path(named)
        if not path.is_file():
            raise Misconfigured([f"There is no configuration at {path}. Write one with: onroll init {path.parent}"])
        return path
    shared = (
        Path(environment.get("ProgramData", "C:/ProgramData")) / "onroll"
        if sys.platform == "win32"
        else Path("/etc/onroll")
    )
    for path in (Path("onroll.toml"), shared / "onroll.toml"):
        if path.is_file():
            return path
    raise Misconfigured([f"There is no onroll.toml here, nor in {shared}. Write one with: onroll init"])


def load(path: Path) -> Settings:
    """Read and check the whole file. Raises Misconfigured with every mistake in it, a sentence each."""
    try:
        with path.open("rb") as file:
            told = tomllib.load(file)
    except OSError as failure:
        raise Misconfigured([f"{path} cannot be read: {failure.strerror}."]) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as failure:
        raise Misconfigured([f"{path} is not valid TOML: {failure}."]) from None
    try:
        file_settings = File.model_validate(told)
    except ValidationError as failure:
        raise Misconfigured(mistakes(path, failure, File)) from None
    return _Checker(path, path.resolve().parent).settings(file_settings)


class _Checker:
    """Goes through the file once and gathers every mistake."""

    def __init__(self, path: Path, folder: Path) -> None:
        self._path, self._folder = path, folder
        self._wrong: list[str] = []

    def settings(self, file: File) -> Settings:
        targets = {
            name: found for name, told in file.targets.items() if (found := self._target(name, told)) is not None
        }
        schools: dict[str, SchoolSettings] = {}
        for table in file.school:
            if table.id in schools:
                self._say(f"school.id: two schools are called {table.id}. Give each its own id.")
            school = self._school(table, file.targets)
            if school is not None:
                schools[table.id] = school
        if not file.school:
            self._say("school: there is no [[school]] in it. Every school needs one.")
        if self._wrong:
            raise Misconfigured(self._wrong)
        return Settings(self._path, self._folder, self._store_url(file.store.url), file.console, targets, schools)

    def _say(self, sentence: str) -> None:
        self._wrong.append(f"{self._path}: {sentence}")

    def _store_url(self, url: str) -> str:
        """A relative SQLite file lies beside the configuration."""
        name = url.removeprefix("sqlite:///")
        if name != url and name and not Path(name).is_absolute():
            return f"sqlite:///{(self._folder / name).as_posix()}"
        return url

    def _target(self, name: str, told: Mapping[str, Any]) -> TargetSettings | None:
        kind = told.get("kind")
        if not isinstance(kind, str) or not _is_connector("targets", kind):
            near = get_close_matches(str(kind), _connectors("targets"), n=1)
            hint = f" Did you mean {near[0]}?" if near else f" It may be one of {', '.join(_connectors('targets'))}."
            self._say(f"targets.{name}.kind: {kind!r} is not a kind of target.{hint}")
            return None
        own = {key: value for key, value in told.items() if key not in _COMMON}
        settings = self._own(f"onroll_connectors.targets.{kind}", own, f"targets.{name}", _COMMON)
        rules = self._target_rules(name, told)
        return (
            None
            if settings is None or rules is None
            else TargetSettings(name, f"onroll_connectors.targets.{kind}", settings, rules)
        )

    def _target_rules(self, name: str, told: Mapping[str, Any]) -> TargetRules | None:
        attributes: dict[Role, dict[str, Template]] = {}
        owners: dict[str, Owner] = {}
        before = len(self._wrong)
        roles = {"students": Role.STUDENT, "staff": Role.STAFF}
        for role_name, texts in (told.get("attributes") or {}).items():
            if role_name not in roles or not isinstance(texts, dict):
                self._say(
                    f"targets.{name}.attributes: {role_name} is not known; write [targets.{name}.attributes.students] or .staff."
                )
                continue
            for attribute, text in texts.items():
                try:
                    attributes.setdefault(roles[role_name], {})[attribute] = Template.parse(str(text))
                except ValueError as problem:
                    self._say(f"targets.{name}.attributes.{role_name}.{attribute}: {problem}")
        for value, owner in (told.get("owners") or {}).items():
            if owner not in get_args(Owner):
                self._say(f"targets.{name}.owners.{value}: {owner!r} is not an owner; write always, once or never.")
            else:
                owners[value] = owner
        return TargetRules(name, attributes, owners) if len(self._wrong) == before else None

    def _own(self, module: str, told: Mapping[str, Any], where: str, more: Iterable[str] = ()) -> Any:
        """A connector's own settings, its paths taken from the configuration's folder."""
        model: type[BaseModel] = import_module(module).Settings
        placed = {key: self._placed(key, value) for key, value in told.items()}
        try:
            return model.model_validate(placed)
        except ValidationError as failure:
            self._wrong += mistakes(self._path, failure, model, where, more)
            return None

    def _placed(self, key: str, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        if value.startswith("file:") and not Path(value[5:]).expanduser().is_absolute():
            return f"file:{(self._folder / value[5:]).as_posix()}"
        if key in ("path", "ca_file") and not Path(value).is_absolute():
            return str(self._folder / value)
        return value

    def _school(self, table: SchoolTable, targets: Mapping[str, Any]) -> SchoolSettings | None:
        before = len(self._wrong)
        where = f"school {table.id}"
        if not _is_connector("sources", table.connector):
            near = get_close_matches(table.connector, _connectors("sources"), n=1)
            hint = f" Did you mean {near[0]}?" if near else f" It may be one of {', '.join(_connectors('sources'))}."
            self._say(f"{where}: mis {table.connector!r} is not a source.{hint}")
            return None
        for target in table.targets:
            if target not in targets:
                near = get_close_matches(target, targets, n=1)
                self._say(
                    f"{where}: the target {target} is not in the file.{f' Did you mean {near[0]}?' if near else ''}"
                )
        module = f"onroll_connectors.sources.{table.connector}"
        source = self._own(module, table.source, f"{where}, source")
        rules = self._rules(table, where)
        window = self._try(where, "window", lambda: Window.parse(table.window, table.timezone))
        if len(self._wrong) > before or rules is None or window is None:
            return None
        return SchoolSettings(rules, window, table.timezone, module, source, tuple(table.targets))

    def _try(self, where: str, key: str, make: Any) -> Any:
        try:
            return make()
        except ValueError as problem:
            self._say(f"{where}, {key}: {problem}")
            return None

    def _rules(self, table: SchoolTable, where: str) -> SchoolRules | None:
        students = self._role(
            table.students, Role.STUDENT, table, f"{where}, students", _STUDENT_FORMAT, "Students/{yoe4}"
        )
        staff = self._role(table.staff, Role.STAFF, table, f"{where}, staff", _STAFF_FORMAT, "Staff")
        rollover = ROLLOVERS[table.country]
        if table.rollover is not None:
            rollover = self._try(where, "rollover", lambda: Rollover.parse(table.rollover or ""))
        if students is None or staff is None or rollover is None:
            return None
        return SchoolRules(
            table.id,
            table.name,
            table.country,
            rollover,
            students,
            staff,
            table.preferred_names,
            table.absences,
            frozenset(each.upper() for each in table.enrolments),
            Limits(**_told_limits(table.limits)),
            Sanity(**_told_limits(table.sanity)),
        )

    def _role(
        self, table: RoleTable, role: Role, school: SchoolTable, where: str, default: str, place: str
    ) -> RoleRules | None:
        domain = (table.domain or school.domain).lower()
        problem = problem_with_address(f"a@{domain}")
        if problem is not None:
            self._say(f"{where}, domain: {domain!r} is not a domain.")
        form = self._try(
            where, "username", lambda: Format.parse(table.username or default, role, table.prefix, table.suffix)
        )
        email = None
        if table.email is not None:
            email = self._try(where, "email", lambda: Format.parse(table.email or "", role))
        places = self._try(where, "place", lambda: Place.parse(table.place if table.place is not None else place))
        display = self._try(where, "display_name", lambda: Template.parse(table.display_name))
        leavers = None
        if table.leavers_place is not None:
            leavers = self._try(where, "leavers_place", lambda: Place.parse(table.leavers_place or ""))
        if form is None or places is None or display is None or problem is not None:
            return None
        return RoleRules(form, places, display, domain, email, table.grace, table.early, leavers, table.provision)


def _told_limits(table: BaseModel) -> dict[str, Limit]:
    return {name: value.limit() for name, value in table if value is not None}


def _connectors(folder: str) -> list[str]:
    """The names of the connectors there are: modules with `Settings` and `connect`."""
    spec = find_spec(f"onroll_connectors.{folder}")
    places = list(spec.submodule_search_locations or []) if spec else []
    names = {path.stem for place in places for path in Path(place).glob("*.py")}
    return sorted(name for name in names if _is_connector(folder, name))


def _is_connector(folder: str, name: str) -> bool:
    """True for a module that can be named in the configuration; helpers beside it cannot."""
    if not name.isidentifier() or name.startswith("_"):
        return False
    spec = find_spec(f"onroll_connectors.{folder}.{name}")
    if spec is None or spec.origin is None:
        return False
    return "\ndef connect(" in Path(spec.origin).read_text(encoding="utf-8")


def environment() -> Mapping[str, str]:
    """The process's environment."""
    return os.environ
