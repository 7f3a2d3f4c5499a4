"""onroll.toml: found, read, checked to the last key, and turned into what a run works by."""

from __future__ import annotations

import ipaddress
import sys
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from onroll_connectors.mis import MISES, find
from onroll_connectors.secrets import Secret
from onroll_core.people import Role
from onroll_core.rules import SchoolRules, TargetRules
from onroll_daemon.alerts.rules import AlertRules, alert_rules
from onroll_daemon.kinds import Folder, kinds, module_of, settings_of
from onroll_daemon.mistakes import Misconfigured, Mistakes, suggestion
from onroll_daemon.placing import placed
from onroll_daemon.school_rules import ROLES, place_of, school_rules, target_rules
from onroll_daemon.tables import (
    AlertsTable,
    ConsoleTable,
    FileTables,
    MovesToTable,
    RoleTable,
    SchoolTable,
    StoreTable,
    TargetTable,
)
from onroll_daemon.toml_lines import Spot, lines
from onroll_daemon.windows import Window

__all__ = ["Misconfigured", "Route", "SchoolSettings", "Settings", "TargetSettings", "load", "locate"]


@dataclass(frozen=True, slots=True)
class TargetSettings:
    """One target: its connector's module and settings, and what is written to it."""

    name: str
    module: str
    settings: Any
    rules: TargetRules


@dataclass(frozen=True, slots=True)
class Route:
    """What is read and how: `name` is the MIS's, with the route where it is not the MIS's own, for people and for the store."""

    name: str
    module: str
    settings: Any


@dataclass(frozen=True, slots=True)
class SchoolSettings:
    """One school: its rules, its window, what is read, its targets' names.

    `waits` says that a nightly feed is waited for; `moves_to` is the MIS to which it is about to move.
    """

    rules: SchoolRules
    window: Window
    timezone: str
    route: Route
    targets: tuple[str, ...]
    waits: bool = False
    moves_to: Route | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """The configuration, checked. `listen` is host and port. Paths and secrets in files are absolute: taken from the file's own folder."""

    path: Path
    store_url: str
    store_password: Secret | None
    listen: tuple[str, int]
    console: ConsoleTable
    targets: Mapping[str, TargetSettings]
    schools: Mapping[str, SchoolSettings]
    alerts: AlertRules = field(default_factory=AlertRules)


def locate(given: str | None, environment: Mapping[str, str], here: Path = Path()) -> Path:
    """The configuration file: --config, $ONROLL_CONFIG, ./onroll.toml, the platform's place. Raises Misconfigured when there is none."""
    named = given or environment.get("ONROLL_CONFIG")
    if named:
        path = Path(named)
        if path.is_dir():
            path = path / "onroll.toml"
        if not path.is_file():
            told = "" if given else " (ONROLL_CONFIG says to look there)"
            raise Misconfigured(
                [f"There is no configuration at {path}{told}. Write one with: onroll init {path.parent}"]
            )
        return path
    shared = Path("/etc/onroll")
    if sys.platform == "win32":
        shared = Path(environment.get("PROGRAMDATA", "C:/ProgramData")) / "onroll"
    for folder in (here, shared):
        if (folder / "onroll.toml").is_file():
            return folder / "onroll.toml"
    raise Misconfigured(
        [
            f"There is no onroll.toml in this folder, nor in {shared}. Write one with: onroll init, or name it with --config."
        ]
    )


def load(path: Path) -> Settings:
    """Read and check the whole file. Raises Misconfigured with every mistake in it, a sentence each."""
    try:
        text = path.read_text(encoding="utf-8-sig")  # Notepad puts a byte order mark in front, which TOML does not know
        told = tomllib.loads(text)
    except OSError as failure:
        raise Misconfigured([f"{path} cannot be read: {failure.strerror}."]) from None
    except UnicodeDecodeError:
        raise Misconfigured([f"{path} is not UTF-8. Save it with the encoding UTF-8."]) from None
    except tomllib.TOMLDecodeError as failure:
        raise Misconfigured([_not_toml(path, str(failure))]) from None
    tables = told["school"] if isinstance(told.get("school"), list) else []
    names: dict[Spot, str] = {
        ("school", number): each["id"]
        for number, each in enumerate(tables)
        if isinstance(each, dict) and isinstance(each.get("id"), str)
    }
    return _Reading(path, Mistakes(path, lines(text), names if len(tables) > 1 else {})).settings(told)


def _not_toml(path: Path, words: str) -> str:
    hint = ""
    if "\\" in words or "escape" in words:
        hint = r" In a path, write / or put it in single quotation marks: 'C:\Exports\pupils.csv'."
    elif "Invalid value" in words:
        hint = ' Texts stand in quotation marks, as name = "Milton Park School"; true, false and numbers without.'
    return f"{path} cannot be understood: {words}.{hint}"


class _Reading:
    """One reading of a file, which gathers every mistake before it gives up."""

    def __init__(self, path: Path, mistakes: Mistakes) -> None:
        self._path, self._folder, self._mistakes = path, path.resolve().parent, mistakes

    def settings(self, told: dict[str, Any]) -> Settings:
        for key in told.keys() - FileTables.model_fields.keys():
            self._mistakes.say((key,), f"there is no such table. {suggestion(key, FileTables.model_fields)}")
        store = self._mistakes.model(StoreTable, placed(self._folder, told.get("store", {})), ("store",))
        console = self._mistakes.model(ConsoleTable, self._placed_console(told.get("console", {})), ("console",))
        listen = self._listen(console) if console is not None else ("", 0)
        alerts = self._mistakes.model(AlertsTable, told.get("alerts", {}), ("alerts",)) or AlertsTable()
        alerting = alert_rules(alerts, self._folder, self._mistakes, (console or ConsoleTable()).address)
        raw_targets = told.get("targets", {})
        if not isinstance(raw_targets, dict):
            self._mistakes.say(("targets",), "targets have names: write [targets.ad], and its keys below.")
            raw_targets = {}
        targets = {name: self._target(name, each) for name, each in raw_targets.items()}
        raw_schools = told.get("school", [])
        if not isinstance(raw_schools, list) or not all(isinstance(each, dict) for each in raw_schools):
            self._mistakes.say(("school",), "there may be several: write [[school]], with two brackets on either side.")
            raw_schools = []
        elif not raw_schools:
            self._mistakes.say((), "there is no school in it. Begin one with [[school]].")
        tables = [self._mistakes.model(SchoolTable, each, ("school", n)) for n, each in enumerate(raw_schools)]
        schools = [self._school(n, table, targets) for n, table in enumerate(tables) if table is not None]
        for n, table in enumerate(tables):
            if table is None:
                self._source_alone(n, raw_schools[n])
        self._doubles(tables, schools, targets)
        if self._mistakes.sentences or store is None or console is None:
            raise Misconfigured(self._mistakes.sentences)
        return Settings(
            self._path,
            self._store_url(store.url),
            store.password,
            listen,
            console,
            {name: each for name, each in targets.items() if each is not None},
            {each.rules.id: each for each in schools if each is not None},
            alerting,
        )

    def _target(self, name: str, told: Any) -> TargetSettings | None:
        spot: Spot = ("targets", name)
        if not isinstance(told, dict):
            self._mistakes.say(spot, f"is a table: write [targets.{name}], and its keys below.")
            return None
        common = {key: value for key, value in told.items() if key in TargetTable.model_fields}
        table = self._mistakes.model(TargetTable, common, spot)
        kind = self._kind("targets", told.get("kind"), (*spot, "kind"))
        own = {key: value for key, value in told.items() if key not in common}
        settings = None if kind is None else self._own("targets", kind, own, spot, TargetTable.model_fields)
        if table is None or kind is None:
            return None
        return TargetSettings(
            name, module_of("targets", kind), settings, target_rules(name, table, spot, self._mistakes)
        )

    def _kind(self, folder: Folder, name: Any, spot: Spot) -> str | None:
        if isinstance(name, str) and name not in kinds(folder):
            what = {"sources": "source", "targets": "kind of target"}[folder]
            self._mistakes.say(spot, f"onroll has no {what} {name!r}. {suggestion(name, kinds(folder))}")
        return name if isinstance(name, str) and name in kinds(folder) else None

    def _own(self, folder: Folder, kind: str, told: Any, spot: Spot, more: Any = ()) -> BaseModel | None:
        """A connector's own settings."""
        return self._mistakes.model(settings_of(folder, kind), placed(self._folder, told), spot, more)

    def _school(
        self, number: int, table: SchoolTable, targets: Mapping[str, TargetSettings | None]
    ) -> SchoolSettings | None:
        spot: Spot = ("school", number)
        route = self._route(table, spot)
        moves_to = self._route(table.moves_to, (*spot, "moves_to")) if table.moves_to is not None else None
        for name in table.targets:
            if name not in targets:
                self._mistakes.say(
                    (*spot, "targets"), f"there is no [targets.{name}] in the file. {suggestion(name, targets)}"
                )
        for name in {each for each in table.targets if table.targets.count(each) > 1}:
            self._mistakes.say((*spot, "targets"), f"{name} is named twice.")
        if table.life_cycle is not None and table.life_cycle not in table.targets:
            self._mistakes.say((*spot, "life_cycle"), f"{table.life_cycle} is not among the school's targets.")
        if table.mode == "link" and not table.targets:
            self._mistakes.say((*spot, "targets"), "link mode needs a target whose accounts are linked.")
        rules = school_rules(table, spot, self._mistakes)
        try:
            window = Window.parse(table.hours, table.timezone, timedelta(minutes=table.spread))
        except ValueError as problem:
            self._mistakes.say((*spot, "timezone" if "time zone" in str(problem) else "window"), str(problem))
            return None
        if rules is None or route is None:
            return None
        waits = table.mis in MISES and MISES[table.mis].waits
        return SchoolSettings(rules, window, table.timezone, route, tuple(table.targets), waits, moves_to)

    def _route(self, table: SchoolTable | MovesToTable, spot: Spot) -> Route | None:
        kind = self._source_of(table, spot)
        if kind is None:
            return None
        source = self._own("sources", kind, self._with_preset(table, kind), (*spot, "source"))
        own = table.mis == kind or (table.mis in MISES and MISES[table.mis].route == kind)
        name = table.mis if own else f"{table.mis} over {kind}"
        return None if source is None else Route(name, module_of("sources", kind), source)

    def _source_of(self, table: SchoolTable | MovesToTable, spot: Spot) -> str | None:
        """The source that reads the school, or None with what is wrong about its name."""
        if table.route is not None:
            return self._kind("sources", table.route, (*spot, "route"))
        if table.mis in MISES or table.mis in kinds("sources"):
            return self._kind("sources", table.connector, (*spot, "mis"))
        known = [*MISES, *kinds("sources")]
        self._mistakes.say((*spot, "mis"), f"onroll has no MIS {table.mis!r}. {suggestion(table.mis, known)}")
        return None

    def _with_preset(self, table: SchoolTable | MovesToTable, kind: str) -> dict[str, Any]:
        """A CSV export is read with its MIS's captions, where the school names none."""
        preset = MISES[table.mis].preset if table.mis in MISES else None
        takes_one = "preset" in settings_of("sources", kind).model_fields
        return {"preset": preset} | table.source if preset and takes_one else table.source

    def _source_alone(self, number: int, told: Mapping[str, Any]) -> None:
        """Of a school whose own keys are wrong, what its source's keys say is told as well."""
        name, spot = told.get("route") or told.get("mis"), ("school", number)
        found = find(name) if isinstance(name, str) and told.get("route") is None else None
        name = name if found is None else found.route
        if isinstance(name, str) and name in kinds("sources") and isinstance(told.get("source", {}), dict):
            self._own("sources", name, told.get("source", {}), (*spot, "source"))

    def _doubles(
        self,
        tables: list[SchoolTable | None],
        schools: list[SchoolSettings | None],
        targets: Mapping[str, TargetSettings | None],
    ) -> None:
        """What two schools cannot share: an id, a source, a place in the same target."""
        there = [(n, table) for n, table in enumerate(tables) if table is not None]
        with_places = {name for name, each in targets.items() if each and getattr(each.settings, "places", True)}
        sources = {each.rules.id: (each.route.module, each.route.settings) for each in schools if each is not None}
        for position, (n, table) in enumerate(there):
            for _, other in there[:position]:
                if table.id == other.id:
                    self._mistakes.say(("school", n, "id"), f"two schools are called {table.id}. Give each its own id.")
                    continue
                if table.id in sources and sources[table.id] == sources.get(other.id):
                    self._mistakes.say(
                        ("school", n, "source"),
                        f"{table.id} is read from the same source as {other.id}, so everybody would get two accounts. Give each its own.",
                    )
                self._same_place(n, table, other, with_places)

    def _same_place(self, n: int, table: SchoolTable, other: SchoolTable, with_places: Collection[str]) -> None:
        shared = [name for name in table.targets if name in other.targets and name in with_places]
        for key, role in ROLES.items() if shared else ():
            text = place_of(_of(table, role), role)
            if text == place_of(_of(other, role), role) and "{school}" not in text and "{school_id}" not in text:
                self._mistakes.say(
                    ("school", n, key, "place"),
                    f"{table.id} and {other.id} put their {key} into the same place of {shared[0]}, {text!r}. Tell them apart,"
                    f' for example with place = "{{school_id}}/{text}".',
                )

    def _listen(self, console: ConsoleTable) -> tuple[str, int]:
        spot: Spot = ("console", "listen")
        host, _, port = console.listen.rpartition(":")
        host = host.strip("[]")
        try:
            number, own = int(port), host == "localhost" or ipaddress.ip_address(host).is_loopback
        except ValueError:
            number, own = -1, True
        if not 0 <= number <= 65535:
            self._mistakes.say(spot, f"{console.listen!r} is not an address and a port; write 127.0.0.1:8750.")
        if not own and not (console.open_to_network and console.encrypted):
            self._mistakes.say(
                spot,
                f"other machines could reach {console.listen}, and passwords would cross the network in clear. Write 127.0.0.1:8750; or say"
                " open_to_network = true, with tls_certificate and tls_key, or with behind_proxy = true where a proxy in front speaks TLS.",
            )
        if (console.tls_certificate is None) != (console.tls_key is None):
            self._mistakes.say(
                ("console", "tls_certificate"), "tls_certificate and tls_key go together: name both files."
            )
        if console.openid and console.address is None:
            self._mistakes.say(
                ("console", "openid"),
                'the identity provider has to know where to send people back to: write address = "https://..." under [console].',
            )
        return host, number

    def _store_url(self, url: str) -> str:
        """A relative SQLite file lies beside the configuration."""
        name = url.removeprefix("sqlite:///")
        if name != url and name:
            return f"sqlite:///{(self._folder / name).as_posix()}"
        return url

    def _placed_console(self, told: Any) -> Any:
        """Files of the console lie beside the configuration, like all others."""
        if not isinstance(told, dict):
            return told
        files: dict[str, Any] = {
            key: str(self._folder / told[key])
            for key in ("tls_certificate", "tls_key")
            if isinstance(told.get(key), str)
        }
        openid = told.get("openid")
        if isinstance(openid, dict):
            files["openid"] = {name: placed(self._folder, each) for name, each in openid.items()}
        return told | files


def _of(table: SchoolTable, role: Role) -> RoleTable:
    return table.students if role is Role.STUDENT else table.staff
