"""Paths in the configuration are taken from its own folder, and so are secrets in files."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def placed(folder: Path, told: Any) -> Any:
    """A table of the configuration with its paths as absolute ones; anything that is no table as it is."""
    return {key: _placed(folder, key, value) for key, value in told.items()} if isinstance(told, dict) else told


def _placed(folder: Path, key: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if value.startswith("file:") or (value.startswith("embedded:") and value.endswith(".json")):
        scheme, _, name = value.partition(":")
        return f"{scheme}:{(folder / Path(name).expanduser()).as_posix()}"
    return str(folder / Path(value).expanduser()) if key in ("path", "ca_file") and value else value
