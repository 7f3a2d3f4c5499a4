"""SIMS by CommandReporter: the contract, dropped reports in XML and CSV, and reports that are run."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from fuzz import MUTATIONS, mutate_bytes, survives
from onroll_connectors.sandbox.school import milton_park, with_comers_and_goers
from onroll_connectors.sandbox.sims import PASSWORD, USER, Sims, command_reporter
from onroll_connectors.sources import sims
from onroll_connectors.sources.sims_reports import caption_of
from onroll_connectors.testing import SourceContract
from onroll_core.contracts import Source
from onroll_core.errors import Halt, OnrollError, Unavailable
from onroll_core.people import GroupKind, Role
from same_school import assert_same_school
from source_world import SourceWorld
from world import context

TODAY = date(2026, 11, 24)


@dataclass
class World(SourceWorld):
    """The school, its reports in a folder, and how onroll reaches them."""

    folder: Path

    def connect(self, **settings: Any) -> Source:
        where = {} if "command" in settings else {"path": str(self.folder)}
        told = sims.Settings(**(where | {"quiet_seconds": 0, "max_age_days": 0} | settings))
        return sims.connect(told, context("source", self.clock, memory=self.memory))

    def misbehave(self, how: str) -> bool:
        self.simulator.ids = how != "no permission"
        self.simulator.write()
        students, staff = self.folder / "students.xml", self.folder / "staff.xml"
        body = students.read_bytes()
        if how == "garbage":
            students.write_bytes(b"<html>Down</html>")
        elif how == "empty":
            students.write_bytes(b"<SuperStarReport></SuperStarReport>")
        elif how == "repeated records":
            first = body[body.index(b"  <Record>") : body.index(b"</Record>") + 9]
            students.write_bytes(
                body.replace(
                    b"</SuperStarReport>", first.replace(b"<Forename>", b"<Forename>X") + b"</SuperStarReport>"
                )
            )
        elif how == "breaks off half way":
            students.write_bytes(body[: len(body) // 2])
        elif how == "shows nothing of one kind":
            staff.unlink()
        return how in ("no permission", "garbage", "empty", "breaks off half way", "shows nothing of one kind")


@pytest.fixture
def world(tmp_path: Path) -> World:
    folder = tmp_path / "sims"
    folder.mkdir()
    simulator = Sims(milton_park(TODAY, 120, 12), folder)
    simulator.write()
    return World(simulator, folder)


class TestSims(SourceContract):
    """What every source promises."""

    @pytest.fixture
    def source_world(self, world: World) -> World:
        return world


@pytest.fixture
def installed(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """SIMS .net on this computer: a CommandReporter that has the reports."""
    monkeypatch.setenv("ONROLL_TEST_SIMS", PASSWORD)
    command_reporter(world.folder, tmp_path)
    yield world


def run(world: World, **settings: Any) -> dict[str, Any]:
    command = str(world.folder.parent / "CommandReporter.py")
    return {"command": command, "user": USER, "password": "env:ONROLL_TEST_SIMS"} | settings


@pytest.mark.parametrize("form", ["xml", "csv"])
def test_the_school_is_the_same_by_dropped_reports(world: World, form: str) -> None:
    with_comers_and_goers(world.school)
    world.simulator.form = form
    world.simulator.write()
    assert_same_school(world.read(), world.school, sims.GIVES)


@pytest.mark.parametrize("form", ["xml", "csv"])
def test_the_school_is_the_same_by_reports_that_are_run(installed: World, form: str) -> None:
    with_comers_and_goers(installed.school)
    installed.simulator.form = form
    installed.simulator.write()
    assert_same_school(installed.read(**run(installed, format=form)), installed.school, sims.GIVES)


def test_contacts_are_read_where_the_school_asks(installed: World) -> None:
    assert Role.CONTACT not in {each.role for each in installed.read().people}
    reports = {"students": "onroll students", "staff": "onroll staff", "contacts": "onroll contacts"}
    for settings in ({}, run(installed, reports=reports)):
        told = [each for each in installed.read(contacts=True, **settings).people if each.role is Role.CONTACT]
        assert len(told) == len(installed.school.contacts)


def test_reports_are_run_with_the_switches_that_commandreporter_takes(installed: World) -> None:
    installed.read(**run(installed, server=r"SIMS\SQL", database="sims"))
    asked = (installed.folder.parent / "asked.txt").read_text().splitlines()
    assert set(asked) == {"DATABASENAME OUTPUT QUIET REPORT SERVERNAME USER"}
    assert len(asked) == 5
    command = run(installed)["command"]
    assert installed.read(command=command).people  # by Windows' own login
    assert "TRUSTED" in (installed.folder.parent / "asked.txt").read_text().splitlines()[-1]


@pytest.mark.parametrize(
    ("settings", "kind", "says"),
    [
        ({"reports": {"students": "Not there"}}, Halt, "Report not found: Not there"), ({"user": "another"}, Halt, "Login failed for user another"),
        ({"format": "csv"}, Halt, "wrote nothing for the report 'onroll students'"), ({"command": "/nowhere/CommandReporter.exe"}, Halt, "is not there"),
        ({"timeout_seconds": 0.001}, Unavailable, "did not finish"),
    ],
)  # fmt: skip
def test_a_run_that_fails_says_which_report_and_why(
    installed: World, settings: dict[str, Any], kind: type[Exception], says: str
) -> None:
    with pytest.raises(kind, match=says):
        installed.read(**run(installed) | settings)


def test_the_password_is_in_no_sentence_even_where_commandreporter_says_it(installed: World) -> None:
    source = installed.connect(**run(installed, user="another"))
    with pytest.raises(OnrollError) as caught:
        source.read()
    assert PASSWORD not in f"{caught.value} {source!r} {sims.Settings(**run(installed))!r}"
    assert "***" in str(caught.value)


def test_ids_that_sims_leaves_out_are_explained_and_can_be_done_without(world: World) -> None:
    world.simulator.ids = False
    world.simulator.write()
    with pytest.raises(Halt, match="Third Party Reporting"):
        world.read()
    (world.folder / "classes.xml").unlink()
    snapshot = world.read(without_ids=True)
    assert {each.key.record[:8] for each in snapshot.people if each.role is Role.STUDENT} == {"student:"}
    assert len(snapshot.people) == world.people


def test_nothing_sensitive_is_kept(world: World) -> None:
    assert all(each.dob is None for each in world.read().people)
    assert any(each.dob is not None for each in world.read(dates_of_birth=True).people)


def test_a_report_that_has_stopped_or_still_grows_is_not_read(world: World) -> None:
    old = time.time() - 9 * 86400
    os.utime(world.folder / "staff.xml", (old, old))
    world.clock.start = world.clock.start.fromtimestamp(time.time(), tz=world.clock.start.tzinfo)
    with pytest.raises(Halt, match=r"staff\.xml is 9\.0 days old"):
        world.read(max_age_days=4)
    (world.folder / "staff.xml").write_bytes(b"")
    with pytest.raises(Halt, match="empty"):
        world.read()


def test_a_check_prints_what_was_taken_for_what(world: World) -> None:
    source = world.connect()
    told = " ".join(each.sentence for each in source.check().findings)
    assert "id = 'primary_id'" in told
    assert "students.xml: 120 rows of students" in told


RECORDED = """<?xml version="1.0" encoding="utf-8"?>
<SuperStarReport>
  <Record>
    <primary_id>3116</primary_id><ID>3116</ID>
    <Forename>Albie</Forename><Surname>Example</Surname>
    <Year_x0020_taught_x0020_in_x0020_Code>7</Year_x0020_taught_x0020_in_x0020_Code>
    <Reg>7A</Reg><Start_x0020_date>2024-09-03T00:00:00</Start_x0020_date>
    <Year>Year  7</Year><Year_x0020_of_x0020_entry>2024</Year_x0020_of_x0020_entry><FullName>Albie Example</FullName>
  </Record>
  <Record><primary_id>70217</primary_id><ID>70217</ID><Forename>Zoe</Forename><Surname>O'Sample</Surname><Year>Year  N2</Year></Record>
</SuperStarReport>"""
RECORDED_STAFF = """<SuperStarReport><Record><multiple_id>123,</multiple_id><ID>9</ID><Preferred_x0020_Surname>Sample</Preferred_x0020_Surname>
<Preferred_x0020_Forename>Tess</Preferred_x0020_Forename><Full_x0020_Name>Mrs T Sample</Full_x0020_Name><Title_x0020_Code>Mrs</Title_x0020_Code>
<Staff_x0020_Code>TS</Staff_x0020_Code><Employment_x0020_Start_x0020_Date>2020-09-01T00:00:00</Employment_x0020_Start_x0020_Date>
<Role_x0020_Text>Teacher</Role_x0020_Text></Record></SuperStarReport>"""


def test_reports_as_public_tools_read_them(tmp_path: Path) -> None:
    """Captions, escapes and absent columns are real ones; the people are invented. An id may pass 65,535."""
    (tmp_path / "students.xml").write_text(RECORDED, encoding="utf-8")
    (tmp_path / "staff.xml").write_text(RECORDED_STAFF, encoding="utf-8")
    settings = sims.Settings(path=str(tmp_path), quiet_seconds=0, max_age_days=0)
    tess, albie, zoe = sims.connect(settings, context("source")).read().people
    assert (albie.key.record, albie.first, albie.last, albie.year_group, albie.registration_group) == (
        "student:3116",
        "Albie",
        "Example",
        "Year 7",
        "7A",
    )
    assert albie.starts == date(2024, 9, 3)
    assert (zoe.key.record, zoe.last, zoe.year_group, zoe.registration_group) == (
        "student:70217",
        "O'Sample",
        "Year N2",
        None,
    )
    assert (tess.first, tess.last, tess.staff_code, tess.starts) == ("Tess", "Sample", "TS", date(2020, 9, 1))


def test_a_failure_of_commandreporter_in_the_file_itself_is_one(world: World) -> None:
    (world.folder / "students.xml").write_text(
        "<CommandReporterError>The report could not be run</CommandReporterError>", encoding="utf-8"
    )
    with pytest.raises(Halt, match="The report could not be run"):
        world.read()
    (world.folder / "students.xml").write_text('<!DOCTYPE a [<!ENTITY b "x">]><SuperStarReport/>', encoding="utf-8")
    with pytest.raises(Halt, match="DTD"):
        world.read()


def test_any_escaped_letter_of_a_caption_is_read() -> None:
    assert caption_of("Middle_x0020_Name_x0028_s_x0029_") == "Middle Name(s)"
    assert caption_of("Adno") == "Adno"


def test_classes_have_their_teachers(world: World) -> None:
    taught = [each for each in world.read().groups if each.kind is GroupKind.TEACHING]
    assert all(each.leaders and each.members for each in taught)


def test_settings_say_how_reports_come() -> None:
    for wrong, says in (
        ({}, "either path"), ({"path": "x", "command": "y"}, "either path"), ({"path": "x", "user": "u"}, "user and password"),
        ({"path": "x", "reports": {"pupils": "x"}}, "none of"), ({"path": "x", "columns": {"frist": "x"}}, "Did you mean first"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=says):
            sims.Settings(**wrong)  # type: ignore[arg-type]


def test_a_mutated_report_never_makes_a_shorter_school(tmp_path: Path) -> None:
    folder = tmp_path / "sims"
    folder.mkdir()
    world = World(Sims(with_comers_and_goers(milton_park(TODAY, 28, 8)), folder), folder)
    world.simulator.write()
    whole = world.read()
    files = {path: path.read_bytes() for path in sorted(folder.glob("*.xml"))}
    survived = 0
    for number in range(MUTATIONS):
        chance = random.Random(f"sims/{number}")
        path = chance.choice(list(files))
        path.write_bytes(mutate_bytes(files[path], chance))
        fresh = World(world.simulator, folder)
        survived += survives(fresh.read, whole, f"mutation {number} of {path.name}")
        path.write_bytes(files[path])
    assert 0 < survived < MUTATIONS
