"""The onroll.toml that setup writes: only what was answered or found, each key with what it is for; checked before it replaces anything."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from onroll_daemon.kinds import kinds, settings_of
from onroll_daemon.mistakes import Misconfigured
from onroll_daemon.ownership import give
from onroll_daemon.samples import toml
from onroll_daemon.settings import Settings, load
from onroll_daemon.tables import connector

_WIDTH = 52
_WHY = {
    "observe_only": "plans are made and shown, nothing is written; take it out when they are as you want them",
    "username": "{first} {last} {initial}, and of pupils {yoe4} {yoe2}",
    "place": "the OU, from the target's base",
    "leavers_place": "where disabled accounts go",
    "targets": "which of the targets above this school writes to",
    "create": "false: another system brings every account",
}
_FIRST = ("id", "name", "country", "domain", "mis", "route", "targets")
_INLINE = ("only", "limits", "sanity", "attributes", "owners", "link_by")


def document(told: Mapping[str, Any], today: date) -> str:
    """The text of the file; `told` as `answers.Answers` keeps it."""
    lines = [
        f"# onroll's configuration, as onroll setup wrote it on {today.day} {today:%B %Y}: what was answered, and what was found by looking.",
        "# Everything else has its default. A file with every key there is, each explained: onroll init FOLDER",
    ]
    for name in ("store", "console", "alerts"):
        if told.get(name):
            lines += ["", f"[{name}]", *_keys(told[name], {})]
    for name, table in (told.get("targets") or {}).items():
        lines += ["", f"[targets.{name}]", *_keys(table, _explained("targets", table.get("kind")))]
    school = dict(told.get("school") or {})
    inner = {key: school.pop(key) for key in [*school] if isinstance(school[key], dict) and key not in _INLINE}
    ordered = {key: school[key] for key in _FIRST if key in school} | school
    lines += ["", "[[school]]", *_keys(ordered, {})]
    kind = connector(str(school.get("mis")), school.get("route"))
    for name in ("source", *(each for each in inner if each != "source")):
        if inner.get(name):
            why = _explained("sources", kind) if name == "source" else {}
            lines += ["", f"[school.{name}]", *_keys(inner[name], why)]
    return "\n".join(lines) + "\n"


def _keys(table: Mapping[str, Any], why: Mapping[str, str]) -> list[str]:
    lines = []
    for key, value in table.items():
        assignment = f"{key} = {toml(value)}"
        reason = why.get(key) or _WHY.get(key)
        lines.append(f"{assignment.ljust(_WIDTH)} # {reason}" if reason else assignment)
    return lines


def _explained(folder: Any, kind: Any) -> dict[str, str]:
    if kind not in kinds(folder):
        return {}
    fields = settings_of(folder, kind).model_fields
    return {name: each.description for name, each in fields.items() if each.description}


def as_installed(path: Path) -> dict[str, Any]:
    """The tables [store], [console] and [alerts] of a file that is there and has not been set up yet; {} where there is none.

    Raises Misconfigured when it names a target: somebody has worked on it, and it is not replaced.
    """
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as failure:
        raise Misconfigured([f"{path} is there and cannot be read ({failure}). Move it away first."]) from None
    if told.get("targets"):
        raise Misconfigured(
            [
                f"{path} is set up already: it has targets. Change it there, or set up another folder: onroll setup FOLDER"
            ]
        )
    return {name: told[name] for name in ("store", "console", "alerts") if told.get(name)}


def put(path: Path, text: str, source: str) -> tuple[Settings, Path | None]:
    """Check the text and make it the file at `path`; gives the settings and where what was there before is kept, if anything was.

    Raises Misconfigured, with `source` in place of the file's name, before anything has changed.
    """
    partial = path.with_name("onroll.toml.new")
    try:
        partial.write_text(text, encoding="utf-8", newline="\n")
        try:
            load(partial)
        except Misconfigured as wrong:
            told = [
                re.sub(rf"{re.escape(str(partial))}(, line \d+)?", lambda _: source, each) for each in wrong.sentences
            ]
            raise Misconfigured(told) from None
        kept = None
        if path.exists():
            around = path.stat()
            kept = path.with_name("onroll.toml.before-setup")
            kept.write_bytes(path.read_bytes())
            for each in (partial, kept):
                each.chmod(around.st_mode & 0o777)
                give(each, around)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return load(path), kept
