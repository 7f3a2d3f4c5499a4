"""What each test would make anew and is the same every time, made once for a process: the command's words, an empty store, the SQL of its statements.

The empty store is made by the migrations, and opened as any other that is there already. Who asks for `fresh_store` gets what a program
of its own does.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer.main
from sqlalchemy import Engine
from sqlalchemy.util import LRUCache

from onroll_core.store import engine as store_engine

_upgrade, _create_engine, _get_command = store_engine._upgrade, store_engine.create_engine, typer.main.get_command
_statements = LRUCache(2000)


@cache
def _template() -> tuple[bytes, Any]:
    """An empty store's file, and the dialect that read it."""
    with tempfile.TemporaryDirectory(prefix="onroll-store-") as folder:
        path = Path(folder, "onroll.db")
        made = _create_engine(f"sqlite:///{path}")
        store_engine._prepare_sqlite(made, 5)
        _upgrade(made, store_engine.HEAD)
        made.dispose()
        return path.read_bytes(), made.dialect


def _upgrade_from_template(engine: Engine, wanted: str) -> None:
    if engine.dialect.name == "sqlite" and wanted == store_engine.HEAD:
        content, _ = _template()
        # Where it is there, or cannot be made, what happens is onroll's affair.
        with suppress(OSError), Path(str(engine.url.database)).open("xb") as file:
            file.write(content)
    _upgrade(engine, wanted)


def _engine_with_statements(url: str, **more: Any) -> Engine:
    if not url.startswith("sqlite:"):
        return _create_engine(url, **more)
    made = _create_engine(url, execution_options={"compiled_cache": _statements}, **more)
    _, made.dialect = _template()  # compiled statements are kept for a dialect
    return made


def pytest_configure() -> None:
    """From the first test on."""
    typer.main.get_command = cache(_get_command)
    store_engine._upgrade = _upgrade_from_template
    store_engine.create_engine = _engine_with_statements


@pytest.fixture
def fresh_store(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Stores are made by the migrations, by engines that share nothing."""
    monkeypatch.setattr(store_engine, "_upgrade", _upgrade)
    monkeypatch.setattr(store_engine, "create_engine", _create_engine)
    yield
