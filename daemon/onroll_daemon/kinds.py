"""Which connectors there are: a module in sources/ or targets/ with a `connect` is one, and its file name is its name in onroll.toml."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from pydantic import BaseModel

Folder = Literal["sources", "targets"]

_CONNECT = re.compile(r"^def connect\(", re.MULTILINE)


@lru_cache(maxsize=2)
def kinds(folder: Folder) -> tuple[str, ...]:
    """The names of all sources or targets, found without importing them."""
    spec = find_spec(f"onroll_connectors.{folder}")
    places = list(spec.submodule_search_locations or []) if spec else []
    found = (path for place in places for path in Path(place).glob("*.py"))
    return tuple(sorted(path.stem for path in found if _CONNECT.search(path.read_text(encoding="utf-8"))))


def module_of(folder: Folder, name: str) -> str:
    """The module of a connector."""
    return f"onroll_connectors.{folder}.{name}"


def settings_of(folder: Folder, name: str) -> type[BaseModel]:
    """A connector's own `Settings`; imports its module, and no SDK with it."""
    model: type[BaseModel] = import_module(module_of(folder, name)).Settings
    return model
