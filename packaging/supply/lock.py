"""What uv.lock says onroll stands on when it runs: each package once, with its hashes, and what needs what."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Package:
    """One package of the lock. `hashes` are SHA-256 in hexadecimal, of every archive that may be installed."""

    name: str
    version: str
    needs: tuple[str, ...]
    hashes: tuple[str, ...] = field(default=())

    @property
    def purl(self) -> str:
        """The package's address in the words of package-url."""
        return f"pkg:pypi/{self.name}@{self.version}"


def locked(file: Path = ROOT / "uv.lock") -> list[Package]:
    """onroll first, then everything that it needs to run on any system, with all its extras, by name; what only tests need is left out."""
    told = {each["name"]: each for each in tomllib.loads(file.read_text(encoding="utf-8"))["package"]}
    own = told["onroll"]
    wanted = [own["name"]]
    found: dict[str, Package] = {}
    while wanted:
        name = wanted.pop()
        if name in found:
            continue
        found[name] = _package(told[name], _needs(told[name]))
        wanted += found[name].needs
    first = found.pop("onroll")
    return [first, *(found[name] for name in sorted(found))]


def _needs(told: Mapping[str, Any]) -> tuple[str, ...]:
    # All extras that the lock knows: what one of them brings along is on a school's server too.
    extras = [each for some in told.get("optional-dependencies", {}).values() for each in some]
    return tuple(sorted({each["name"] for each in (*told.get("dependencies", ()), *extras)}))


def _package(told: Mapping[str, Any], needs: tuple[str, ...]) -> Package:
    archives = [*told.get("wheels", ()), *([told["sdist"]] if "sdist" in told else [])]
    hashes = sorted(
        {each["hash"].removeprefix("sha256:") for each in archives if each.get("hash", "").startswith("sha256:")}
    )
    return Package(told["name"], told["version"], needs, tuple(hashes))
