"""The schema is made and upgraded on opening, whole or not at all, and only by a program that knows it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, inspect, text
from sqlalchemy.schema import SchemaItem

import onroll_core.store.engine
from builders import NOON, SCHOOL
from onroll_core.errors import Halt
from onroll_core.store import Store
from onroll_core.store.engine import HEAD
from onroll_core.store.schema import metadata

pytestmark = pytest.mark.usefixtures("fresh_store")


def plain(url: str) -> Engine:
    return create_engine(url.replace("postgresql://", "postgresql+psycopg://"))


def tables(url: str) -> list[str]:
    engine = plain(url)
    try:
        return inspect(engine).get_table_names()
    finally:
        engine.dispose()


def run(url: str, *statements: str) -> None:
    engine = plain(url)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def test_the_migrations_make_exactly_the_tables_that_the_program_uses(url: str, store: Store) -> None:
    here = store._engine.dialect.name

    def ours(thing: SchemaItem, *_: object) -> bool:
        return thing.info.get("only", here) == here  # Alembic does not know an index that is made in one database alone

    asked = {"compare_type": True, "compare_server_default": True, "include_object": ours}
    with store._engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=asked)
        assert compare_metadata(context, metadata) == []


def test_the_constraints_are_those_of_the_schema_too(store: Store) -> None:
    """Alembic compares neither checks nor the conditions of partial indexes."""
    found = inspect(store._engine)
    for table in metadata.sorted_tables:
        checks = {each.name for each in table.constraints if type(each).__name__ == "CheckConstraint"}
        assert {each["name"] for each in found.get_check_constraints(table.name)} == checks
    for name, table in (("one_open_approval_per_digest", "approvals"), ("unanswered_changes", "changes")):
        (index,) = (each for each in found.get_indexes(table) if each["name"] == name)
        options = index.get("dialect_options", {})
        assert any("NULL" in str(value) for key, value in options.items() if key.endswith("_where")), options


def test_the_program_knows_its_own_newest_migration() -> None:
    folder = Path(onroll_core.store.engine.__file__).with_name("migrations")
    config = Config()
    config.set_main_option("script_location", str(folder))
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


def test_a_store_is_made_once_and_opened_without_alembic_afterwards(empty_url: str) -> None:
    assert tables(empty_url) == []
    Store.open(empty_url, lambda: NOON).close()
    assert "names" in tables(empty_url)
    program = (
        "import sys; from onroll_core.store import Store; Store.open(sys.argv[1], lambda: None).close();"
        " print([name for name in sys.modules if name.startswith('alembic')])"
    )
    said = subprocess.run([sys.executable, "-c", program, empty_url], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


def test_two_programs_that_start_at_once_on_nothing_all_get_a_store(empty_url: str) -> None:
    program = (
        "import sys; from onroll_core.store import Store; import alembic.command; print('ready', flush=True); sys.stdin.readline();"
        " store = Store.open(sys.argv[1], lambda: None); print(store.identities('x'), flush=True)"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    started = [subprocess.Popen([sys.executable, "-c", program, empty_url], **pipes) for _ in range(2)]  # type: ignore[call-overload]
    for each in started:
        assert each.stdout.readline() == "ready\n"
    for each in started:
        each.stdin.write("\n")
        each.stdin.flush()
    said = [each.communicate() for each in started]
    assert said == [("[]\n", "")] * 2


def test_a_newer_schema_is_left_alone(url: str) -> None:
    run(url, "UPDATE alembic_version SET version_num = '9001'")
    with pytest.raises(Halt, match=f"newer onroll: its schema is 9001, and this program knows {HEAD}"):
        Store.open(url, lambda: NOON)
    run(url, f"UPDATE alembic_version SET version_num = '{HEAD}'")
    store = Store.open(url, lambda: NOON)
    assert store.identities(SCHOOL) == []
    store.close()


def test_somebody_elses_database_is_left_alone(empty_url: str) -> None:
    run(empty_url, "CREATE TABLE pupils (id INTEGER)")
    with pytest.raises(Halt, match="other tables and is not onroll's"):
        Store.open(empty_url, lambda: NOON)
    run(
        empty_url,
        "CREATE TABLE alembic_version (version_num VARCHAR(32))",
        "INSERT INTO alembic_version VALUES ('abc')",
    )
    with pytest.raises(Halt, match="another program"):
        Store.open(empty_url, lambda: NOON)
    assert sorted(tables(empty_url)) == ["alembic_version", "pupils"]


def test_a_migration_that_fails_leaves_nothing(empty_url: str) -> None:
    """The last table cannot be made, because something of that name is in the way; the first ones are undone."""
    run(empty_url, "CREATE VIEW memories AS SELECT 1 AS one")
    with pytest.raises(Halt):
        Store.open(empty_url, lambda: NOON)
    assert tables(empty_url) == []
    run(empty_url, "DROP VIEW memories")
    Store.open(empty_url, lambda: NOON).close()
