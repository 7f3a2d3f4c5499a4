"""The lock: every package that onroll needs on Windows is there as a wheel for it, for each Python, by the lock's own file names."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from packaging.markers import Marker
from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import parse_wheel_filename

from wine import ROOT

RELEASES = [(3, 11), (3, 12), (3, 13), (3, 14)]


def wanted(packages: list[dict[str, Any]], release: tuple[int, int]) -> list[dict[str, Any]]:
    """What onroll needs on 64-bit Windows, with every extra."""
    version = ".".join(map(str, release))
    machine = {
        "sys_platform": "win32",
        "platform_system": "Windows",
        "os_name": "nt",
        "platform_machine": "AMD64",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "python_version": version,
        "python_full_version": f"{version}.0",
    }
    named = {(each["name"], each["version"]): each for each in packages}
    newest = {each["name"]: each for each in packages}
    (ours,) = (each for each in packages if each["name"] == "onroll")
    todo: list[tuple[dict[str, Any], tuple[str, ...]]] = [(ours, tuple(ours["optional-dependencies"]))]
    done: set[tuple[str, tuple[str, ...]]] = set()
    found: dict[str, dict[str, Any]] = {}
    while todo:
        package, extras = todo.pop()
        if (package["name"], extras) in done:
            continue
        done.add((package["name"], extras))
        found[package["name"]] = package
        needs = list(package.get("dependencies", []))
        for extra in extras:
            needs += package.get("optional-dependencies", {}).get(extra, [])
        for need in needs:
            if "marker" not in need or Marker(need["marker"]).evaluate({**machine, "extra": ""}):
                there = named[need["name"], need["version"]] if "version" in need else newest[need["name"]]
                todo.append((there, tuple(need.get("extra", ()))))
    del found["onroll"]
    return list(found.values())


def fits(package: dict[str, Any], tags: frozenset[Tag]) -> bool:
    names = (wheel["url"].rpartition("/")[2] for wheel in package.get("wheels", []))
    return any(parse_wheel_filename(name)[3] & tags for name in names)


@pytest.mark.parametrize("release", RELEASES, ids=lambda release: ".".join(map(str, release)))
def test_every_dependency_has_a_wheel_for_windows(release: tuple[int, int]) -> None:
    packages = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))["package"]
    tags = frozenset(cpython_tags(release, platforms=["win_amd64"])) | frozenset(
        compatible_tags(release, f"cp{release[0]}{release[1]}", ["win_amd64"])
    )
    needed = wanted(packages, release)
    names = {each["name"] for each in needed}
    assert {"pywin32", "tzdata", "winkerberos", "pymssql", "psycopg-binary", "pydantic-core", "cryptography"} <= names
    assert not {"gssapi", "pytest", "uvloop"} & names
    assert [each["name"] for each in needed if not fits(each, tags)] == []
