"""Stores for the tests of the store, on both databases: each test gets a fresh one, copied from one that was migrated once."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from builders import NOON
from onroll_core.store import Store
from postgresql import Cluster, cluster

BOTH = ("sqlite", "postgresql")


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Cluster]:
    """A cluster for this worker, with a migrated database to copy."""
    with cluster() as running:
        running.run("CREATE DATABASE migrated")
        Store.open(running.url("migrated"), lambda: NOON).close()
        yield running


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy."""
    path = tmp_path_factory.mktemp("store") / "migrated.db"
    Store.open(f"sqlite:///{path}", lambda: NOON).close()
    return path


@pytest.fixture(params=BOTH)
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The url of a database in which there is nothing yet."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'onroll.db'}"
    running: Cluster = request.getfixturevalue("postgresql")
    return running.url(running.make())


@pytest.fixture(params=BOTH)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The url of an empty store."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("migrated_file"), tmp_path / "onroll.db")
        return f"sqlite:///{tmp_path / 'onroll.db'}"
    running: Cluster = request.getfixturevalue("postgresql")
    return running.url(running.make("migrated"))


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """An empty store, open; its clock stands at noon."""
    opened = Store.open(url, lambda: NOON)
    yield opened
    opened.close()
