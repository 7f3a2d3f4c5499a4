"""What to ask a school for, by route: what `onroll setup` prints, and the tables of docs/mis.

Each source has its table beside it, in `sources/<route>_rights.py`: RIGHTS, and `commands(settings)` where a right is had by a command.
`python -m onroll_connectors.source_rights` prints every page's table.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from types import ModuleType
from typing import cast

from pydantic import BaseModel

from onroll_connectors.rights import Right, Rights


def grants(kind: str, settings: BaseModel) -> Sequence[str]:
    """What the school has to grant to the source `kind` under these settings: sentences, and commands to copy, which are indented."""
    module = _module(kind)
    lines = rights(kind).lines(asked(kind, settings))
    made = getattr(module, "commands", None)
    if made is None:
        return lines
    return [*lines[:-1], *(f"    {each}" for each in made(settings)), lines[-1]]


def rights(kind: str) -> Rights:
    """All rights of a source, whatever its settings."""
    return cast("Rights", _module(kind).RIGHTS)


def asked(kind: str, settings: BaseModel) -> Sequence[Right]:
    """The rights that these settings ask for."""
    own = getattr(_module(kind), "asked", None)
    return cast("Sequence[Right]", own(settings)) if own is not None else rights(kind).of(settings)


def table(kind: str) -> str:
    """The rights of a route in Markdown, for its page."""
    rows = [f"| `{each.name}` | {each.purpose} | {each.level} |" for each in rights(kind).table]
    return "\n".join(["| right | for | when |", "| --- | --- | --- |", *rows])


def _module(kind: str) -> ModuleType:
    return import_module(f"onroll_connectors.sources.{kind}_rights")


if __name__ == "__main__":
    import sys
    from pathlib import Path

    for path in sorted((Path(__file__).parent / "sources").glob("*_rights.py")):
        route = path.stem.removesuffix("_rights")
        sys.stdout.write(f"{route}\n\n{table(route)}\n\n")
