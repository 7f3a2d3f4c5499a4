"""The configuration as people read it: its keys as they are written, without a secret in them, and what is wrong with the file as it is now."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from onroll_connectors.gives import Gives
from onroll_connectors.mis import MISES, gives
from onroll_connectors.mis_table import untold
from onroll_connectors.secrets import Secret
from onroll_daemon.mistakes import Misconfigured
from onroll_daemon.settings import Route, Settings, load
from onroll_daemon.toml_lines import lines

TARGETS: Mapping[str, str] = {
    "active_directory": "Active Directory",
    "microsoft365": "Microsoft 365",
    "google_workspace": "Google Workspace",
}
_PATHS = ("path", "ca_file")
_SIGNED_IN = re.compile(r"//[^/@\s]*@")
_ASKED = re.compile(r"(https?://[^\s?#]*)[?#]\S*")
_OF = re.compile(r"\(of ([^()\s]+)\)")


@dataclass(frozen=True, slots=True)
class Key:
    """One key as the file has it. Of a `secret` only the reference is told; `why` is what the key is for, or ""."""

    name: str
    told: Any
    why: str
    secret: bool


@dataclass(frozen=True, slots=True)
class Reads:
    """What a route to a MIS tells: `mis` and `route` as people call them, `yes` and `no` in words, `untold` what it never says of pupils and of staff."""

    mis: str
    route: str
    yes: tuple[str, ...]
    no: tuple[str, ...]
    untold: Mapping[str, str]
    why: str


@dataclass(frozen=True, slots=True)
class Now:
    """The file as it is on disk. `mistakes` are sentences; without any, `changed` names the parts that are not as they run: "school ID", "target NAME" and so on."""

    mistakes: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()


def kind(module: str) -> str:
    """A connector's name in the file."""
    return module.rpartition(".")[2]


def folder_of(settings: Settings) -> Path:
    """Where paths of the file are taken from."""
    return settings.path.resolve().parent


def keys(model: BaseModel, folder: Path) -> list[Key]:
    """The keys of a connector that the file sets, in the connector's order."""
    found = []
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        if name in model.model_fields_set and value is not None:
            found.append(Key(name, _plain(name, value, folder), field.description or "", isinstance(value, Secret)))
    return found


def _plain(name: str, value: Any, folder: Path) -> Any:
    if isinstance(value, Secret):
        return as_written(value.reference, folder)
    if isinstance(value, str):
        placed = name in _PATHS or value.startswith("embedded:")
        return _ASKED.sub(r"\1?...", _SIGNED_IN.sub("//...@", as_written(value, folder) if placed else value))
    if isinstance(value, Mapping):
        return {key: _plain(str(key), each, folder) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(name, each, folder) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def as_written(text: str, folder: Path) -> str:
    """A path, or a reference with one in it, as the file has it: what was taken from `folder` or from the home without that."""
    scheme, colon, name = text.partition(":")
    if not colon or scheme not in ("file", "embedded"):
        scheme, colon, name = "", "", text
    path = Path(name)
    if path.is_relative_to(folder):
        name = path.relative_to(folder).as_posix()
    else:
        home = Path("~").expanduser()
        name = f"~/{path.relative_to(home).as_posix()}" if home.is_absolute() and path.is_relative_to(home) else name
    return f"{scheme}{colon}{name}"


def without_folder(sentence: str, folder: Path) -> str:
    """A sentence in which files of the configuration's folder have their names alone."""
    for each in {f"{folder}{sep}" for sep in ("/", "\\")} | {f"{folder.as_posix()}/"}:
        sentence = sentence.replace(each, "")
    return sentence


def reads(route: Route) -> Reads:
    """What the MIS tells by the way it is read."""
    told: Gives = gives(kind(route.module), getattr(route.settings, "preset", None))
    groups = {each.value for each in told.groups}
    words = {
        "pupils on roll": True, "pupils who start later": told.future, "pupils who have left": told.leavers,
        "staff": told.staff, "staff who start later": told.staff and told.future_staff, "staff who have left": told.staff and told.staff_leavers,
        **{f"{each} groups": each in groups for each in ("year", "registration", "teaching", "house")},
        "pupils' contacts, where they are asked for": told.contacts,
    }  # fmt: skip
    name = route.name.partition(" over ")[0]
    missing = {"pupils": untold(told.untold_students), "staff": untold(told.untold_staff) if told.staff else ""}
    return Reads(
        MISES[name].title if name in MISES else name,
        kind(route.module),
        tuple(each for each, there in words.items() if there),
        tuple(each for each, there in words.items() if not there),
        {who: each for who, each in missing.items() if each},
        told.why.replace("`", ""),
    )


def now(running: Settings) -> Now:
    """The file read again, beside what runs."""
    try:
        read = load(running.path)
    except Misconfigured as wrong:
        return Now(mistakes=tuple(wrong.sentences))
    changed = [
        what
        for what, same in {
            "[store]": (read.store_url, read.store_password) == (running.store_url, running.store_password),
            "[console]": (read.console, read.listen) == (running.console, running.listen),
            "[alerts]": read.alerts == running.alerts,
        }.items()
        if not same
    ]
    changed += [f"target {each}" for each in _differ(read.targets, running.targets)]
    changed += [f"school {each}" for each in _differ(read.schools, running.schools)]
    return Now(changed=tuple(changed))


def _differ(read: Mapping[str, Any], running: Mapping[str, Any]) -> list[str]:
    return [each for each in {**running, **read} if read.get(each) != running.get(each)]


def mentions(sentence: str, schools: list[str]) -> set[str]:
    """The ids of schools in a sentence about the file: those of `schools`, and whichever the sentence says it is of."""
    named = {each for each in schools if re.search(rf"(?<![\w-]){re.escape(each)}(?![\w-])", sentence)}
    return named | set(_OF.findall(sentence))


def line_of(settings: Settings, school: str) -> int | None:
    """The line (from 1) on which a school's [[school]] stands in the file as it is now; None where it cannot be found."""
    try:
        text = settings.path.read_text(encoding="utf-8-sig")
        tables = tomllib.loads(text).get("school")
    except (OSError, ValueError):
        return None
    for number, table in enumerate(tables if isinstance(tables, list) else ()):
        if isinstance(table, dict) and table.get("id") == school:
            return lines(text).get(("school", number))
    return None
