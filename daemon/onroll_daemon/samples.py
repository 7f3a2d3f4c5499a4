"""The configuration that `onroll init` writes: the sample, with the keys of the source that reads the school's MIS, from its own `Settings`."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from onroll_connectors.mis import MISES, find
from onroll_connectors.secrets import Secret
from onroll_daemon.kinds import kinds, settings_of
from onroll_daemon.mistakes import Misconfigured, suggestion

_WIDTH = 38


def chosen(mis: str, route: str | None) -> tuple[str, str | None]:
    """A MIS by the names that people give it, and the source that reads it (None: its own). Raises Misconfigured for what onroll does not have."""
    known = find(mis)
    if known is None and mis not in kinds("sources"):
        raise Misconfigured([f"onroll has no MIS {mis!r}. {suggestion(mis, [*MISES, *kinds('sources')])}"])
    if route is not None and route not in kinds("sources"):
        raise Misconfigured([f"onroll has no source {route!r}. {suggestion(route, kinds('sources'))}"])
    return (known.name if known else mis), route


def sample(mis: str = "csv", route: str | None = None) -> str:
    """The commented onroll.toml for a school whose MIS is `mis` (a name in the catalogue, or a source's), read by `route` where that is not its own."""
    text = files("onroll_daemon").joinpath("onroll.toml").read_text(encoding="utf-8")
    if mis == "csv":
        return text
    known = MISES.get(mis)
    kind = route or (known.route if known else mis)
    text = re.sub(r'^mis = "csv" ( *)#', lambda found: f'mis = "{mis}"'.ljust(len(found[0]) - 1) + "#", text, flags=re.MULTILINE)  # fmt: skip
    if route is not None:
        text = re.sub(r'^# route = "wonde" ', f'route = "{route}" ', text, flags=re.MULTILINE)
    if known is not None:
        text = re.sub(r'^window = "[^"]*"', f'window = "{known.window}"', text, flags=re.MULTILINE)
    before, rest = text.split("[school.source]", 1)
    _, after = rest.split("# [school.moves_to]", 1)
    head = "[school.source]".ljust(_WIDTH) + f" # {kind}: see docs/mis/{kind}.md"
    return f"{before}{head}\n{source_keys(kind)}\n\n# [school.moves_to]{after}"


def source_keys(kind: str) -> str:
    """The lines of a source's own keys: what a school has to fill in, then, as comments, what it may change, with the defaults."""
    fields = settings_of("sources", kind).model_fields
    needed = [name for name, field in fields.items() if field.is_required()]
    lines = [_line(f"{name} = {_blank(kind, name, fields[name])}", fields[name]) for name in needed]
    for name, field in fields.items():
        if name not in needed:
            lines.append(_line(f"# {name} = {_shown(field, kind, name)}", field))
    return "\n".join(lines)


def _line(assignment: str, field: FieldInfo) -> str:
    return f"{assignment.ljust(_WIDTH)} # {field.description}" if field.description else assignment


def _blank(kind: str, name: str, field: FieldInfo) -> str:
    """What stands where a school has to write its own: a reference for a secret, dots for the rest."""
    if "Secret" in str(field.annotation):
        return json.dumps(f"env:ONROLL_{kind}_{name}".upper().replace("ENV:", "env:"))
    return '"..."'


def _shown(field: FieldInfo, kind: str, name: str) -> str:
    default = field.get_default(call_default_factory=True, validated_data={})
    if default in (None, PydanticUndefined):
        return _blank(kind, name, field)
    return toml(default)


def toml(value: Any) -> str:
    """A value as TOML writes it, on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Secret):
        return json.dumps(value.reference)
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(key)} = {toml(each)}" for key, each in value.items()) + " }" if value else "{}"
    if isinstance(value, list | tuple | set | frozenset):
        return "[" + ", ".join(toml(each) for each in value) + "]"
    return str(value) if isinstance(value, int | float) else json.dumps(str(value), ensure_ascii=False)


def _key(name: Any) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", str(name)) else json.dumps(str(name), ensure_ascii=False)
