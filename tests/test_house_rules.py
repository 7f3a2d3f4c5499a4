"""The rules of the house that no linter knows."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOTS = {"sync_core": "onroll_core", "connectors": "onroll_connectors", "daemon": "onroll_daemon"}
SDKS = {
    "ldap3": {"connectors/onroll_connectors/targets/active_directory.py"},
    "msgraph": {"connectors/onroll_connectors/targets/microsoft365.py"},
    "kiota_abstractions": {"connectors/onroll_connectors/targets/microsoft365.py"},
    "azure": {"connectors/onroll_connectors/targets/microsoft365.py"},
    "googleapiclient": {"connectors/onroll_connectors/targets/google_workspace.py"},
    "httplib2": {"connectors/onroll_connectors/targets/google_workspace.py"},
    "apscheduler": {"daemon/onroll_daemon/schedule.py"},
    "apprise": {"daemon/onroll_daemon/alerts/sending.py"},
    "httpx2": {"connectors/onroll_connectors/http.py", "daemon/onroll_daemon/openid.py"},
    "authlib": {"daemon/onroll_daemon/openid.py"},
    "argon2": {"daemon/onroll_daemon/console/own_passwords.py"},
}


def tracked() -> list[Path]:
    """Every file that git has."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def sources() -> list[Path]:
    """Our own modules, without tests."""
    return [path for path in tracked() if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in ROOTS]


def imported(path: Path) -> set[str]:
    """The top-level names of what a file imports, wherever in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name.partition(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


def test_each_source_root_holds_one_package_with_a_name_of_its_own() -> None:
    for root, package in ROOTS.items():
        packages = {path.parent.name for path in (ROOT / root).glob("*/__init__.py")}
        assert packages == {package}
        assert not (ROOT / root / "__init__.py").exists()


def test_packaging_is_no_package() -> None:
    assert not list((ROOT / "packaging").rglob("__init__.py"))


@pytest.mark.parametrize("folder", ["sources", "targets"])
def test_every_connector_has_a_test_of_its_name(folder: str) -> None:
    connectors = [
        path.stem
        for path in (ROOT / "connectors/onroll_connectors" / folder).glob("*.py")
        if re.search(r"^def connect\(", path.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert connectors
    for name in connectors:
        assert (ROOT / "tests/connectors" / f"test_{name}.py").exists(), name


def test_only_the_guard_clears_a_plan() -> None:
    makers = {path.name for path in sources() if re.search(r"\bCleared\(", path.read_text(encoding="utf-8"))}
    assert makers == {"guard.py"}


@pytest.mark.parametrize("sdk", SDKS)
def test_an_sdk_is_imported_by_one_file(sdk: str) -> None:
    importers = {path.relative_to(ROOT).as_posix() for path in sources() if sdk in imported(path)}
    assert importers == SDKS[sdk]


def test_only_the_store_and_the_reader_of_sql_databases_know_sqlalchemy() -> None:
    for path in sources():
        if {"sqlalchemy", "alembic"} & imported(path):
            where = path.relative_to(ROOT).as_posix()
            assert where.startswith("sync_core/onroll_core/store/") or where == "connectors/onroll_connectors/sql.py"


def test_files_are_small() -> None:
    long = {
        path.name: count for path in sources() if (count := len(path.read_text(encoding="utf-8").splitlines())) > 400
    }
    assert long == {}


def test_nothing_is_left_unfinished() -> None:
    marks = re.compile(
        "TO" + "DO|FIX" + "ME|XX" + "X|NotImplemented" + r"Error|mark\.(skip|xfail)|pragma: no " + "cover"
    )
    found = [
        f"{path.name}: {line.strip()}"
        for path in tracked()
        if path.suffix == ".py"
        for line in path.read_text(encoding="utf-8").splitlines()
        if marks.search(line)
    ]
    assert found == []


def test_no_path_of_a_machine_is_in_the_tree() -> None:
    paths = re.compile(r"(^|[^a-zA-Z0-9._-])/(wor" + "k|far" + "m|root|home/[a-z])/")
    for path in tracked():
        if path.suffix in (".py", ".md", ".toml", ".sh", "") and path.name != "LICENSE":
            assert not paths.search(path.read_text(encoding="utf-8")), path


def test_every_dependency_says_why_it_is_there() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    project = tomllib.loads(text)["project"]
    for dependency in project["dependencies"]:
        (line,) = (line for line in text.splitlines() if f'"{dependency}"' in line)
        assert "#" in line, dependency


def test_the_sample_configuration_is_the_one_that_init_writes() -> None:
    shipped = ROOT / "daemon/onroll_daemon/onroll.toml"
    assert (ROOT / "config/onroll.toml").read_text(encoding="utf-8") == shipped.read_text(encoding="utf-8")
