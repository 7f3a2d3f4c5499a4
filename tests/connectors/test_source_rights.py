"""What a school has to grant to each route: setup's lines, the pages of docs/mis and the databases' GRANTs come of one table."""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from onroll_connectors import source_rights
from onroll_connectors.sandbox.school import milton_park
from onroll_connectors.sandbox.stages import build
from onroll_connectors.sources import cmis, csv, wcbs
from onroll_daemon.kinds import kinds, settings_of
from sql_world import watched
from world import Clock, DictMemory, context

TODAY = date(2026, 11, 24)
PAGES = Path(__file__).parents[2] / "docs" / "mis"
SQL = {"server": "sql.school.test", "database": "Mis", "user": "onroll", "password": "env:ONROLL_TEST_SQL"}


def settings(kind: str, folder: Path, **more: Any) -> Any:
    told = tomllib.loads(build(kind, milton_park(TODAY, 7, 4), folder).source("http://127.0.0.1:1"))
    return settings_of("sources", kind)(**(told | more))


@pytest.mark.parametrize("kind", kinds("sources"))
def test_setup_names_each_right_that_the_settings_ask_for_and_the_page_names_all(kind: str, tmp_path: Path) -> None:
    lines = source_rights.grants(kind, settings(kind, tmp_path))
    said = [line for line in lines if line.startswith("- ")]
    assert said
    assert len(said) == len(source_rights.asked(kind, settings(kind, tmp_path)))
    assert source_rights.table(kind) in (PAGES / f"{kind}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("kind", "more", "asks"),
    [
        ("wonde", {"contacts": True}, "- contacts: students: whose contact somebody is"),
        ("wonde", {"dates_of_birth": True}, "- students: date_of_birth: dates of birth, for linking (optional)"),
        ("bromcom", {"teachers": "timetable"}, "- Timetable: who takes a teaching group"),
        ("bromcom", {"house_entity": "HouseClasses"}, "- HouseClasses: houses"),
        ("bromcom_soap", {"house_entity": "HouseClasses"}, "- HouseClasses: houses"),
        ("arbor", {"classes": "academic_units"}, "- AcademicUnitEnrolment: who is in a teaching group"),
        ("cmis", {"class_name": "{subject}"}, "- MODULE: subjects in the names of teaching groups"),
        ("wcbs", {"contacts": True}, "- RELATIONSHIP: whose contact somebody is"),
    ],
)
def test_what_a_setting_adds_is_asked_for_and_without_it_is_not(
    kind: str, more: dict[str, Any], asks: str, tmp_path: Path
) -> None:
    assert asks in source_rights.grants(kind, settings(kind, tmp_path, **more))
    assert asks not in source_rights.grants(kind, settings(kind, tmp_path))


@pytest.mark.parametrize(
    ("kind", "more"), [("cmis", {}), ("cmis", {"dates_of_birth": True, "class_name": "{subject}"}), ("wcbs", {}), ("wcbs", {"contacts": True})]
)  # fmt: skip
def test_the_grants_of_a_database_are_what_is_read_and_nothing_else(
    kind: str, more: dict[str, Any], tmp_path: Path
) -> None:
    built = build(kind, milton_park(TODAY, 40, 6), tmp_path)
    built.refresh()
    module = {"cmis": cmis, "wcbs": wcbs}[kind]
    told = settings(kind, tmp_path, **more)
    with watched() as seen:
        source = module.connect(told, context("source", Clock(), memory=DictMemory()))
        source.read()
        source.close()
    printed = source_rights.grants(kind, told.model_copy(update=SQL | {"url": ""}))
    granted = {
        (table.rpartition(".")[2], column)
        for line in printed
        if line.startswith("    GRANT")
        for columns, _, table in [line.removeprefix("    GRANT SELECT ").removesuffix(" TO onroll;").rpartition("ON ")]
        for column in columns.strip("() ").split(", ")
    }
    whole = {table for table, column in granted if not column}
    assert {pair for pair in granted if pair[1]} == {pair for pair in seen if pair[1] and pair[0] not in whole}
    assert whole <= {table for table, _ in seen}


@pytest.mark.parametrize(("kind", "more"), [("cmis", {}), ("wcbs", {"contacts": True})])
def test_the_page_has_the_commands_that_setup_prints(kind: str, more: dict[str, Any]) -> None:
    told = {"cmis": cmis, "wcbs": wcbs}[kind].Settings(**(SQL | more))
    printed = [line for line in source_rights.grants(kind, told) if line.startswith("    ")]
    assert "\n".join(["", *printed, ""]) in (PAGES / f"{kind}.md").read_text(encoding="utf-8")


def test_a_login_of_windows_and_a_prefix_are_written_as_the_server_wants_them() -> None:
    told = cmis.Settings(
        **(SQL | {"user": "SCHOOL\\onroll", "table_schema": "dbo", "prefix": "X_", "module_column": "mdId"})
    )
    printed = source_rights.grants("cmis", told)
    assert "    CREATE LOGIN [SCHOOL\\onroll] FROM WINDOWS;" in printed
    assert "    GRANT SELECT (SetId, GroupId, GroupCode, mdId) ON dbo.X_TEACHINGGROUPS TO [SCHOOL\\onroll];" in printed


@pytest.mark.parametrize(
    ("path", "command"),
    [
        (r"C:\Exports\MIS", r'    icacls "C:\Exports\MIS" /grant "NT SERVICE\onroll:(OI)(CI)(RX)"'),
        (r"\\mis\exports\people.csv", r'    icacls "\\mis\exports\people.csv" /grant "NT SERVICE\onroll:(R)"'),
        ("/srv/exports", "    setfacl -R -m u:onroll:rX -m d:u:onroll:rX '/srv/exports'"),
        ("/srv/people.csv", "    setfacl -m u:onroll:r '/srv/people.csv'"),
    ],
)
def test_a_folder_is_opened_to_the_account_of_the_service(path: str, command: str) -> None:
    assert command in source_rights.grants("csv", csv.Settings(path=path))
