"""Facility CMIS: the contract, and what is special to it, against its tables in a SQLite file and in a real PostgreSQL."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from onroll_connectors import source_rights
from onroll_connectors.sandbox.cmis import SENSITIVE, Cmis
from onroll_connectors.sandbox.school import milton_park, with_comers_and_goers
from onroll_connectors.sources import cmis
from onroll_connectors.testing import SourceContract
from onroll_core.contracts import Source
from onroll_core.errors import Halt, Unavailable
from onroll_core.people import GroupKind, Person, Role, Snapshot, Status
from postgresql import Cluster, cluster
from same_school import assert_same_school
from source_world import SqlWorld
from sql_world import as_reader, damage, edit, grant, load, storm, watched
from world import DictMemory, context

TODAY = date(2026, 11, 24)
READ = (
    "SETIDDATA",
    "STUDENTS",
    "NSTUPERSONAL",
    "UKSTUSTATS",
    "CLASSGROUP",
    "LECTURER",
    "TEACHINGGROUPS",
    "STUGROUPS",
    "TIMETABLE",
)


@dataclass
class World(SqlWorld):
    """The school, its CMIS in a file, and how onroll reaches it."""

    needed: str = "LECTURER"
    locks: list[sqlite3.Connection] = field(default_factory=list)

    def connect(self, **settings: Any) -> Source:
        told = {"url": f"sqlite:///{self.path}"} | settings
        return cmis.connect(cmis.Settings(**told), context("source", self.clock, memory=self.memory))


@pytest.fixture
def world(tmp_path: Path) -> World:
    simulator = Cmis(milton_park(TODAY, 120, 12), tmp_path / "cmis.db")
    simulator.refresh()
    return World(simulator)


class TestCmis(SourceContract):
    """What every source promises."""

    @pytest.fixture
    def source_world(self, world: World) -> World:
        return world


def pupil(snapshot: Snapshot, number: str) -> Person:
    (found,) = (each for each in snapshot.people if each.key.record == f"student:{number}")
    return found


def test_the_school_is_the_same_by_this_route(world: World) -> None:
    with_comers_and_goers(world.school)
    world.simulator.refresh()
    assert_same_school(world.read(), world.school, cmis.GIVES)


def test_a_pupil_as_cmis_tells_them(world: World) -> None:
    known = next(each for each in world.school.pupils.values() if each.first != each.legal_first)
    told = pupil(world.read(), known.admission_number)
    assert (told.first, told.last, told.legal_first) == (known.first, known.last, known.legal_first)
    assert (told.year_group, told.registration_group, told.upn) == (str(known.year), known.form, known.upn)
    assert (told.status, told.starts, told.ends, told.dob) == (Status.ON_ROLL, None, None, None)


def test_who_is_only_in_the_next_data_set_is_to_come_from_its_first_day_and_who_is_only_in_the_last_has_left(
    world: World,
) -> None:
    with_comers_and_goers(world.school)
    world.simulator.refresh()
    snapshot = world.read()
    students = [each for each in snapshot.people if each.role is Role.STUDENT]
    assert {each.starts for each in students if each.status is Status.FUTURE} == {date(2027, 9, 1)}
    assert sum(each.status is Status.LEFT for each in students) == 2
    assert snapshot.academic_year == 2026
    there = {each.status for each in world.read(future=False, leavers=False).people}
    assert there == {Status.ON_ROLL}


def test_the_test_set_is_nobodys_and_is_read_when_its_name_is_no_longer_left_out(world: World) -> None:
    assert not [each for each in world.read().people if each.first == "Test"]
    world.memory.clear()
    told = world.read(skip_sets=[], data_set="Test 2011", strays="ignore", teachers="none", future=False)
    assert [each.first for each in told.people] == ["Test", "Test"]


def test_a_pupil_without_a_number_or_without_details_is_still_a_pupil(world: World) -> None:
    one, other = list(world.school.pupils.values())[:2]
    world.simulator.unnumbered, world.simulator.impersonal = {one.number}, {other.number}
    world.simulator.refresh()
    snapshot = world.read()
    assert len(snapshot.people) == world.people
    assert pupil(snapshot, one.admission_number).upn is None
    bare = pupil(snapshot, other.admission_number)
    assert (bare.first, bare.last) == (other.legal_first, other.last)  # from STUDENTS.Name, parted at its comma


def test_birthdays_of_both_forms_where_the_school_asks(world: World) -> None:
    told = {
        each.admission_number: each.dob for each in world.read(dates_of_birth=True).people if each.role is Role.STUDENT
    }
    assert told == {each.admission_number: each.born for each in world.school.pupils.values()}


def test_nothing_sensitive_is_read_and_no_birthday_unless_it_is_asked_for(world: World) -> None:
    with watched() as seen:
        world.read()
        source = world.connect()
        source.check()
        source.close()
    columns = {column for _, column in seen}
    assert "StudentId" in columns
    assert not columns & {*SENSITIVE, "DateOfBirth", "StuSex", "StuTitle", "Forename2", "Result", "ExamId"}
    assert not {table for table, _ in seen} - set(READ)


def test_every_table_is_read_by_its_data_set(world: World) -> None:
    with watched() as seen:
        world.read()
    for table in READ[1:]:
        assert (table, "SetId") in seen


def test_forms_have_their_tutors_and_groups_their_teachers(world: World) -> None:
    snapshot = world.read()
    forms = [each for each in snapshot.groups if each.kind is GroupKind.REGISTRATION]
    assert forms
    assert all(len(each.leaders) == 1 for each in forms)
    lesson = next(iter(world.school.classes.values()))
    (taught,) = (each for each in snapshot.groups if each.name == lesson.name)
    assert {key.record for key in taught.leaders} == {f"staff:{each}" for each in lesson.teachers}
    assert not any(each.leaders for each in world.read(teachers="none").groups if each.kind is GroupKind.TEACHING)


def test_a_teacher_is_nobodys_when_form_and_subject_leave_a_choice(world: World) -> None:
    lesson = next(iter(world.school.classes.values()))
    world.school.classes[1] = replace(lesson, number=1, name=f"{lesson.name}2")
    world.simulator.refresh()
    told = {each.name: each.leaders for each in world.read().groups}
    assert (told[lesson.name], told[f"{lesson.name}2"]) == (frozenset(), frozenset())


def test_a_column_of_the_timetable_can_name_the_group(world: World) -> None:
    lesson = next(iter(world.school.classes.values()))
    edit(
        world.path, "ALTER TABLE TIMETABLE ADD COLUMN GroupId TEXT COLLATE RTRIM",
        f"INSERT INTO TIMETABLE (LecturerId, SetId, GroupId) VALUES ('1001', '2026/2027', '{lesson.number}')",
    )  # fmt: skip
    told = {each.name: {key.record for key in each.leaders} for each in world.read(teachers="column").groups}
    assert told[lesson.name] == {"staff:1001"}


def test_both_spellings_of_the_module_are_found(world: World) -> None:
    world.simulator.module = "mdId"
    world.simulator.refresh()
    taught = [each for each in world.read(class_name="{code} {subject}").groups if each.kind is GroupKind.TEACHING]
    assert any(each.leaders for each in taught)
    assert {each.name for each in taught} >= {"7A/En1 En"}


@pytest.mark.parametrize(
    ("fault", "kind", "says"),
    [
        ("empty", Halt, "nobody in STUDENTS"), ("no staff", Halt, "nobody in LECTURER"), ("stale", Halt, "this year's been made"),
        ("twice", Halt, "two rows of StudentId"), ("stray", Unavailable, "names 999999"),
    ],
)  # fmt: skip
def test_what_goes_wrong_is_told_apart(world: World, fault: str, kind: type[Exception], says: str) -> None:
    world.simulator.fault = fault
    world.simulator.refresh()
    with pytest.raises(kind, match=says):
        world.read()


def test_strays_are_left_out_where_the_school_says_so(world: World) -> None:
    world.simulator.fault = "stray"
    world.simulator.refresh()
    assert len(world.read(strays="ignore").people) == world.people


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("INSERT INTO SETIDDATA VALUES ('2026/27 draft', '2026-09-01')", "begin on the same day"),
        ("UPDATE SETIDDATA SET yearstart = NULL WHERE setid = '2027/2028'", "does not say when '2027/2028' begins"),
        ("UPDATE STUDENTS SET SetId = '2026/2O27' WHERE rowid = 300", "which SETIDDATA does not list"),
        ("UPDATE LECTURER SET SetId = NULL WHERE rowid = 20", "which SETIDDATA does not list"),
        ("DELETE FROM SETIDDATA", "no year that has begun"),
        ("DELETE FROM STUDENTS WHERE rowid = 300", "no row of them in STUDENTS"),
        ("DROP TABLE TIMETABLE", "has no table TIMETABLE"),
        ("ALTER TABLE STUDENTS RENAME COLUMN CourseYear TO Jahr", "STUDENTS of the file cmis.db has no column CourseYear"),
        ("ALTER TABLE TEACHINGGROUPS RENAME COLUMN ModuleId TO Fach", "TEACHINGGROUPS of the file cmis.db has no column ModuleId"),
    ],
)  # fmt: skip
def test_a_database_that_is_not_as_it_should_be_is_refused_with_table_and_column(
    world: World, change: str, says: str
) -> None:
    edit(world.path, change)
    with pytest.raises((Halt, Unavailable), match=says):
        world.read()
    assert any(says.partition("'")[0] in each for each in world.problems())


def test_the_year_alone_is_a_first_day_and_a_set_can_be_named(world: World) -> None:
    edit(
        world.path,
        "UPDATE SETIDDATA SET yearstart = substr(yearstart, 1, 4)",
        "INSERT INTO SETIDDATA VALUES ('2026/27 draft', '2026')",
    )
    assert len(world.read(skip_sets=["test", "draft"]).people) == world.people
    assert len(world.read(data_set="2026/2027").people) == world.people
    with pytest.raises(Halt, match="has no '2031/2032'"):
        world.read(data_set="2031/2032")


def test_year_groups_of_the_site_are_translated(world: World) -> None:
    told = world.read(year_column="CourseId", year_groups={"KS3": "7"})
    assert {each.year_group for each in told.people if each.role is Role.STUDENT} == {"7", "KS4"}


def test_another_database_is_never_read_as_this_school(world: World) -> None:
    world.read()
    changes = [
        f"UPDATE {table} SET {'setid' if table == 'SETIDDATA' else 'SetId'} = 'B' || {'setid' if table == 'SETIDDATA' else 'SetId'}"
        for table in READ
    ]
    edit(world.path, *changes)
    with pytest.raises(Halt, match="another database"):
        world.read()


def test_a_locked_file_is_waited_for_and_then_unavailable(world: World) -> None:
    other = sqlite3.connect(world.path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(Unavailable, match="locked by another program"):
        world.read(timeout=1)
    other.close()
    assert len(world.read().people) == world.people


def test_a_window_that_ends_ends_the_read(world: World) -> None:
    told = replace(context("source", world.clock, memory=world.memory), stopping=lambda: True)
    source = cmis.connect(cmis.Settings(url=f"sqlite:///{world.path}"), told)  # type: ignore[call-arg]
    with pytest.raises(Unavailable, match="window ended"):
        source.read()
    source.close()


def test_cmis_as_its_published_queries_have_it(tmp_path: Path) -> None:
    """Rows written out by hand: lower-case names of tables, as one integration writes them, and an empty string where there is nothing."""
    edit(
        tmp_path / "hand.db",
        "CREATE TABLE setiddata (setid TEXT, yearstart INTEGER)", "INSERT INTO setiddata VALUES ('2026/2027', 2026), ('TEST 26', 2026)",
        "CREATE TABLE students (studentid TEXT, name TEXT, classgroupid TEXT, courseid TEXT, courseyear TEXT, setid TEXT)",
        "INSERT INTO students VALUES ('000123', 'O''Neil, Anne Marie', '7A', 'S', '7', '2026/2027')",
        "CREATE TABLE nstupersonal (studentid TEXT, surname TEXT, forename TEXT, calledname TEXT, dateofbirth TEXT, setid TEXT)",
        "INSERT INTO nstupersonal VALUES ('000123', ' O''Neil ', 'Anne Marie', '', '20150305', '2026/2027')",
        "CREATE TABLE ukstustats (studentid TEXT, uniquenum TEXT, setid TEXT)",
        "CREATE TABLE classgroup (classgroupid TEXT, lect1 TEXT, setid TEXT)", "INSERT INTO classgroup VALUES ('7A', 'JSM', '2026/2027')",
        "CREATE TABLE lecturer (lecturerid TEXT, name TEXT, setid TEXT)", "INSERT INTO lecturer VALUES ('JSM', 'Smith,John', '2026/2027')",
        "CREATE TABLE teachinggroups (groupid INTEGER, groupcode TEXT, mdid TEXT, crsyear INTEGER, setid TEXT)",
        "INSERT INTO teachinggroups VALUES (17, '7A/Ma1', 'MA', 7, '2026/2027')",
        "CREATE TABLE stugroups (studentid TEXT, groupid INTEGER, setid TEXT)", "INSERT INTO stugroups VALUES ('000123', 17, '2026/2027')",
        "CREATE TABLE timetable (lecturerid TEXT, classgroupid TEXT, moduleid TEXT, setid TEXT)",
        "INSERT INTO timetable VALUES ('JSM', '7A', 'REG', '2026/2027'), ('JSM', '7A', 'MA', '2026/2027'), ('JSM', '7A', 'MA', '2026/2027')",
    )  # fmt: skip
    source = cmis.connect(
        cmis.Settings(url=f"sqlite:///{tmp_path / 'hand.db'}", dates_of_birth=True), context("source")
    )  # type: ignore[call-arg]
    snapshot = source.read()
    source.close()
    anne, john = snapshot.people
    assert (anne.key.record, anne.first, anne.last, anne.year_group, anne.dob) == (
        "student:000123",
        "Anne Marie",
        "O'Neil",
        "7",
        date(2015, 3, 5),
    )
    assert (john.key.record, john.first, john.last) == ("staff:JSM", "John", "Smith")
    assert {(each.kind.value, each.name, bool(each.leaders)) for each in snapshot.groups} == {
        ("year", "7", False), ("registration", "7A", True), ("teaching", "7A/Ma1", True),
    }  # fmt: skip


# --- on a real server ---


@pytest.fixture(scope="module")
def server() -> Iterator[Cluster]:
    with cluster() as running:
        yield running


@pytest.fixture
def database(server: Cluster, world: World) -> str:
    return load(server, with_those(world).tables())


def with_those(world: World) -> Cmis:
    with_comers_and_goers(world.school)
    return world.simulator


def test_a_server_tells_of_the_same_school(server: Cluster, database: str, world: World) -> None:
    assert_same_school(world.read(url=server.url(database)), world.school, cmis.GIVES)


def test_each_right_that_is_missing_is_named_by_check_and_by_a_read(
    server: Cluster, database: str, world: World
) -> None:
    url = as_reader(server, database)
    grant(server, database, source_rights.grants("cmis", cmis.Settings(url=url)))
    assert_same_school(world.read(url=url), world.school, cmis.GIVES)
    for table in READ:
        server.run(f'REVOKE SELECT ON "{table}" FROM reader', database)
        (sentence,) = world.problems(url=url)
        assert f"may not read the table {table} of" in sentence
        with pytest.raises(Halt, match=f"may not read the table {table} of"):
            world.read(url=url)
        grant(server, database, [sentence])
    assert world.check(url=url).good


def test_a_right_to_some_columns_is_enough_and_a_missing_one_is_named(
    server: Cluster, database: str, world: World
) -> None:
    url = as_reader(server, database)
    grant(server, database, source_rights.grants("cmis", cmis.Settings(url=url)))
    server.run('REVOKE SELECT ("CalledName") ON "NSTUPERSONAL" FROM reader', database)
    (sentence,) = world.problems(url=url)
    assert sentence.startswith(
        "CMIS: the login may not read CalledName of NSTUPERSONAL. Run there: GRANT SELECT (CalledName) ON NSTUPERSONAL TO the login. It is for names of pupils"
    )
    grant(server, database, [sentence])
    assert len(world.read(url=url).people) == world.people


def test_a_mutated_database_never_makes_a_shorter_school(tmp_path: Path) -> None:
    simulator = Cmis(with_comers_and_goers(milton_park(TODAY, 28, 8)), tmp_path / "cmis.db")
    simulator.refresh()
    storm(
        simulator.path, lambda: World(simulator, memory=DictMemory()).read(timeout=1), "cmis",
        lambda chance: damage(simulator.path, chance, READ, ("STUDENTS", "LECTURER"), ()),
    )  # fmt: skip
