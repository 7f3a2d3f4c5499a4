"""SQL databases of MISs: how a SQL Server is asked and reached, what its errors mean, and that nothing but a question is ever sent."""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from typing import Any

import pymssql
import pytest
from sqlalchemy import event, text
from sqlalchemy.dialects.mssql.pymssql import dialect
from sqlalchemy.exc import DBAPIError

from onroll_connectors.sources import cmis, wcbs
from onroll_connectors.sql import Database, engine, statement
from onroll_connectors.sql_failures import Kind, kind
from onroll_connectors.sql_query import Cells, Query
from onroll_connectors.sql_settings import SqlSettings
from onroll_core.errors import Halt, OnrollError, Unavailable
from sql_world import edit
from world import context

PASSWORD = "hunter2-not-in-any-sentence"


def settings(**told: Any) -> SqlSettings:
    known = {
        "server": "127.0.0.1",
        "database": "PassMain",
        "user": "onroll",
        "password": "env:ONROLL_TEST_SQL",
        "login_timeout": 2,
    }
    return SqlSettings(**(known | told))


def words(query: Query, schema: str = "", prefix: str = "") -> str:
    compiled = statement(query, schema, prefix).compile(dialect=dialect(paramstyle="pyformat"))
    return " ".join(str(compiled).split())


def test_a_query_as_sql_server_reads_it() -> None:
    assert words(Query("PUPIL", ("name_id", "in_use"), {"academic_year": ("2026", "2027")}), "dbo") == (
        "SELECT dbo.[PUPIL].name_id, dbo.[PUPIL].in_use FROM dbo.[PUPIL]"
        " WHERE dbo.[PUPIL].academic_year = %(academic_year_1)s OR dbo.[PUPIL].academic_year = %(academic_year_2)s"
    )
    assert words(Query("STUDENTS", ("StudentId",), {"SetId": ("2026/2027",)}), prefix="cm_") == (
        "SELECT [cm_STUDENTS].[StudentId] FROM [cm_STUDENTS] WHERE [cm_STUDENTS].[SetId] = %(SetId_1)s"
    )
    inner = Query("PUPIL", ("name_id",), {"academic_year": ("2026",)})
    assert words(
        Query("NAME", ("surname",), within={"name_id": inner}, filled=("email_address",), distinct=True), "dbo"
    ) == (
        "SELECT DISTINCT dbo.[NAME].surname FROM dbo.[NAME] WHERE dbo.[NAME].email_address IS NOT NULL AND dbo.[NAME].name_id IN"
        " (SELECT dbo.[PUPIL].name_id FROM dbo.[PUPIL] WHERE dbo.[PUPIL].academic_year = %(academic_year_1)s)"
    )


@pytest.mark.parametrize("value", ["'; DROP TABLE PUPIL; --", "2026/2027"])
def test_a_value_is_never_part_of_the_words(value: str) -> None:
    compiled = statement(Query("STUDENTS", ("StudentId",), {"SetId": (value,)})).compile(
        dialect=dialect(paramstyle="pyformat")
    )
    assert value not in str(compiled)
    assert compiled.params == {"SetId_1": value}


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({}, {"host": "127.0.0.1:1433", "encryption": "require", "read_only": True}),
        ({"port": 1444, "encrypt": False}, {"host": "127.0.0.1:1444", "encryption": "request", "read_only": True}),
        (
            {"server": "SRV\\PASS", "read_intent": False},
            {"host": "SRV\\PASS", "encryption": "require", "read_only": False},
        ),
    ],
)
def test_a_sql_server_is_reached_encrypted_for_reading_with_a_password_at_the_last_moment(
    monkeypatch: pytest.MonkeyPatch, told: dict[str, Any], expected: dict[str, Any]
) -> None:
    monkeypatch.setenv("ONROLL_TEST_SQL", PASSWORD)
    given: dict[str, Any] = {}
    made = engine("PASS", settings(**told))

    def connecting(dialect: Any, record: Any, args: Any, arguments: dict[str, Any]) -> None:
        given.update(arguments)
        raise pymssql.OperationalError((20009, b"not today"))

    event.listen(made, "do_connect", connecting)
    with pytest.raises(DBAPIError):
        made.connect()
    assert given == expected | {
        "database": "PassMain", "user": "onroll", "password": PASSWORD, "timeout": 60, "login_timeout": 2, "appname": "onroll",
    }  # fmt: skip
    assert PASSWORD not in f"{made!r} {made.url!r}"


def closed_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.mark.parametrize("source", [cmis, wcbs])
def test_a_sql_server_that_is_not_there_is_unavailable_in_a_sentence_without_the_password(
    monkeypatch: pytest.MonkeyPatch, source: Any
) -> None:
    monkeypatch.setenv("ONROLL_TEST_SQL", PASSWORD)
    told = {
        "server": "127.0.0.1", "port": closed_port(), "database": "Mis", "user": "onroll", "password": "env:ONROLL_TEST_SQL", "login_timeout": 2,
    }  # fmt: skip
    reached = source.connect(source.Settings(**told), context("source"))
    with pytest.raises(Unavailable, match=r"the database Mis on 127\.0\.0\.1 cannot be reached") as found:
        reached.read()
    assert PASSWORD not in f"{found.value!r} {reached!r} {reached.check()!r} {source.Settings(**told)!r}"
    assert found.value.__suppress_context__
    reached.close()


def test_a_missing_driver_is_said_with_the_extra_that_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pymssql", None)
    with pytest.raises(Halt, match=r"pip install onroll\[mssql\]"):
        engine("CMIS", settings())


@pytest.mark.parametrize(
    ("number", "means", "error", "says"),
    [
        (18456, Kind.LOGIN, Halt, "login or its password is wrong"), (4060, Kind.DATABASE, Halt, "is not there, or the login may not use it"),
        (208, Kind.SHAPE, Halt, "a table or a column"), (207, Kind.SHAPE, Halt, "a table or a column"), (229, Kind.DENIED, Halt, "may not read"),
        (230, Kind.DENIED, Halt, "may not read"), (1205, Kind.BUSY, Unavailable, "locked"), (1222, Kind.BUSY, Unavailable, "locked"),
        (20003, Kind.SLOW, Unavailable, "within 60 seconds"), (20009, Kind.AWAY, Unavailable, "cannot be reached"),
        (20047, Kind.AWAY, Unavailable, "cannot be reached"), (4711, Kind.UNKNOWN, Unavailable, "does not know"),
    ],
)  # fmt: skip
def test_numbers_of_sql_server_mean_our_errors(number: int, means: Kind, error: type[OnrollError], says: str) -> None:
    original = pymssql.OperationalError(number, b"Cannot open the thing of Maja Nowak")
    assert kind(original) is kind(pymssql.OperationalError((number, b""))) is means
    database = Database("PASS", settings(), context("source"))
    with pytest.raises(error, match=says) as found, database.sentences():
        raise DBAPIError("SELECT 1", {}, original)
    assert str(found.value).endswith(".")
    assert "Maja" not in str(found.value)


def test_nothing_but_a_question_is_ever_sent(tmp_path: Path) -> None:
    path = tmp_path / "mis.db"
    edit(path, "CREATE TABLE people (id INTEGER)", "INSERT INTO people VALUES (1)")
    made = engine("CMIS", SqlSettings(url=f"sqlite:///{path}"))  # type: ignore[call-arg]
    for what in (
        "DELETE FROM people",
        "INSERT INTO people VALUES (2)",
        "PRAGMA query_only=OFF",
        "DROP TABLE people",
        "WITH a AS (SELECT 1) DELETE FROM people",
    ):
        with made.connect() as connection, pytest.raises(Halt, match="only reads"):
            connection.execute(text(what))
    # And if a question were none after all, the file was opened for reading.
    with made.connect() as connection, pytest.raises(Exception, match="readonly|read-only|attempt to write"):
        connection.connection.cursor().execute("DELETE FROM people")
    made.dispose()


def test_a_table_that_changes_while_it_is_read_is_no_read(tmp_path: Path) -> None:
    path = tmp_path / "mis.db"
    edit(path, "CREATE TABLE people (id INTEGER)", "INSERT INTO people VALUES (1), (2)")
    database = Database("CMIS", SqlSettings(url=f"sqlite:///{path}"), context("source"))  # type: ignore[call-arg]
    with database.reading() as reading:
        assert len(list(reading.rows(Query("people", ("id",))))) == 2
        # A server without consistent reads, which counts what came in meanwhile.
        rows = reading.rows(Query("people", ("id",)))
        next(rows)
        reading._connection.execute = lambda *_: type("Counted", (), {"scalar": lambda self: 3})()  # type: ignore[method-assign]
        with pytest.raises(Unavailable, match="sent 2 rows of people and counts 3"):
            list(rows)
    database.close()


def test_settings_hold_no_password_and_reach_no_other_machine_by_url() -> None:
    for told, says in (
        ({}, "server, database, user and password are needed"),
        ({"url": "postgresql://mis.school.test/mis"}, "on this machine"),
        ({"url": "mssql://127.0.0.1/mis"}, "on this machine"),
        ({"url": "postgresql://onroll:secret@127.0.0.1/mis"}, "holds a password"),
        ({"server": "srv", "database": "d", "user": "u", "password": "secret"}, "secret is not written here"),
    ):
        with pytest.raises(ValueError, match=says):
            SqlSettings(**told)  # type: ignore[arg-type]


@pytest.mark.parametrize("source", [cmis, wcbs])
def test_names_of_tables_and_columns_are_names(source: Any) -> None:
    with pytest.raises(ValueError, match="cannot be a name"):
        source.Settings(url="sqlite:///x.db", table_schema="dbo; DROP")
    with pytest.raises(ValueError, match="class_name"):
        source.Settings(url="sqlite:///x.db", class_name="{code.__class__}{other}")


def test_values_are_read_as_every_driver_gives_them() -> None:
    from datetime import date, datetime
    from decimal import Decimal

    cells = Cells("PASS")
    assert [cells.text(each, "x") for each in (Decimal(12), 12, " A  b ", "  ", None)] == [
        "12",
        "12",
        "A b",
        None,
        None,
    ]
    assert [cells.number(each, "x") for each in (Decimal(2), "2 ", 2)] == [2, 2, 2]
    days = (date(2026, 9, 1), datetime(2026, 9, 1, 8), "2026-09-01 00:00:00.000", "20260901", "2026-09-01T00:00:00")
    assert {cells.day(each, "x") for each in days} == {date(2026, 9, 1)}
    for wrong in (Decimal("1.5"), 1.5, b"12"):
        with pytest.raises(Unavailable):
            cells.text(wrong, "x")
    for wrong in ("2026-13-01", "20261301", "1 September", 20260901):
        with pytest.raises(Unavailable):
            cells.day(wrong, "x")
