"""What goes with a bug report: findings, the shape of the configuration and the last runs, in numbers and in words of our own alone.

Nothing that anybody typed is let through, be it a name, an address, a path or a key: a value is kept when it is one of the words that onroll itself has, or a
number where onroll wants one. A password may be a number too, and so may be what a MIS calls a school.
"""

from __future__ import annotations

import json
import os
import tomllib
import zipfile
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel

from onroll_connectors.mis import MISES
from onroll_core.errors import Halt, OnrollError
from onroll_core.night import TALLIES
from onroll_core.people import GroupKind
from onroll_core.store import copies
from onroll_core.store.engine import HEAD
from onroll_core.years import Country
from onroll_daemon import tables
from onroll_daemon.doctor import Found, packages
from onroll_daemon.kinds import kinds, settings_of
from onroll_daemon.settings import Settings
from onroll_daemon.wiring import open_store, store_address

_WHOSE = frozenset({"school"})
_WORDS = frozenset({"create", "link", "always", "once", "never", "keep", "remove", "words", "strong", "security", "team", "class", "microsoft365",
                    "sync", "pull", "apply", "undo", "done", "held", "failed", "unread", "cut off", "cleared", "mis"})  # fmt: skip


def write_bundle(
    file: Path, found: Sequence[Found], path: Path | None, settings: Settings | None, now: datetime
) -> None:
    """Write the bundle to a new file; raises Halt when it is there already or cannot be written."""
    members = {
        "findings.json": [{"about": each.what, "level": each.level, **each.facts} for each in found],
        "packages.json": packages(),
        "configuration.json": _shape(path),
        "runs.json": _runs(settings),
        "made.json": {"at": now.isoformat(timespec="seconds")},
    }
    try:
        number = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        with os.fdopen(number, "wb") as stream, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, told in members.items():
                archive.writestr(name, json.dumps(told, indent=2))
    except FileExistsError:
        raise Halt(f"{file} is already there. Choose another name.") from None
    except OSError as failure:
        raise Halt(f"{file} cannot be written: {failure.strerror}.") from None


def _known_words() -> frozenset[str]:
    names = {*kinds("sources"), *kinds("targets"), *MISES, *(each.value for each in GroupKind)}
    return _WORDS | names | {each.value for each in Country}


def _fields() -> list[tuple[str, Any]]:
    """Every key that onroll has, wherever in the file, with what it takes."""
    models: list[type[BaseModel]] = [
        each for each in vars(tables).values() if isinstance(each, type) and issubclass(each, BaseModel)
    ]
    models += [settings_of(folder, name) for folder in ("sources", "targets") for name in kinds(folder)]
    inner = [each for model in models for part in model.model_fields.values() for each in get_args(part.annotation)]
    models += [each for each in inner if isinstance(each, type) and issubclass(each, BaseModel)]
    return [(name, field.annotation) for model in models for name, field in model.model_fields.items()]


def _known_keys() -> frozenset[str]:
    return frozenset(name for name, _ in _fields())


def _counting_keys() -> frozenset[str]:
    """Keys that take a number and nothing else in every table that has them, and none that says which school it is."""
    others = {
        name for name, takes in _fields() if not {takes, *get_args(takes)} & {int, float} or str in get_args(takes)
    }
    return _known_keys() - others - _WHOSE


def _shape(path: Path | None) -> Any:
    """The configuration without anything that was typed."""
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8-sig")) if path is not None else {}
    except (OSError, ValueError):
        return "it cannot be read"
    return redacted(told)


def redacted(told: Any) -> Any:
    """A configuration in which every value that anybody typed is left out, and every key that onroll does not have."""
    return _redacted(told, "", _known_keys(), _counting_keys(), _known_words())


def _redacted(told: Any, of: str, keys: frozenset[str], counting: frozenset[str], words: frozenset[str]) -> Any:
    if isinstance(told, Mapping):
        return {
            (key if key in keys else f"name {number}"): _redacted(value, key, keys, counting, words)
            for number, (key, value) in enumerate(told.items(), 1)
        }
    if isinstance(told, list):
        return [_redacted(each, of, keys, counting, words) for each in told]
    if isinstance(told, str):
        scheme = told.partition(":")[0]
        if scheme in ("env", "file", "credential", "embedded"):
            return f"{scheme}:..."
        return told if told in words else "..."
    return told if isinstance(told, bool) or (isinstance(told, int | float) and of in counting) else "..."


def _runs(settings: Settings | None) -> list[dict[str, Any]]:
    """The last runs: numbers, times and outcomes."""
    if settings is None:
        return []
    try:
        address = store_address(settings)
        if copies.schema(address) != HEAD:
            return []
        with closing(open_store(settings)) as store:
            rows = store.runs(None, 50)
    except OnrollError:
        return []
    schools, targets = list(settings.schools), list(settings.targets)
    words = _known_words()
    return [
        {
            "run": row["id"],
            "school": schools.index(row["school"]) + 1 if row["school"] in schools else 0,
            **{name: row[name] if row[name] in words else None for name in ("kind", "status")},
            **{name: row[name] for name in ("started", "ended")},
            "targets": {
                str(targets.index(name) + 1 if name in targets else 0): _tallies(told, words)
                for name, told in ((row["summary"] or {}).get("targets") or {}).items()
            },
        }
        for row in rows
    ]


def _tallies(told: Mapping[str, Any], words: frozenset[str]) -> dict[str, Any]:
    verdict = told.get("verdict")
    return {"verdict": verdict if verdict in words else None} | {
        each: told[each] for each in TALLIES if isinstance(told.get(each), int)
    }
