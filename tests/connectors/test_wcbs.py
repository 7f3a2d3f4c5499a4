"""WCBS PASS: the contract, and what is special to it, against its tables in a SQLite file and in a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from onroll_connectors import source_rights
from onroll_connectors.sandbox.school import milton_park, with_comers_and_goers
from onroll_connectors.sandbox.wcbs import SENSITIVE, VISITOR, Wcbs
from onroll_connectors.sources import wcbs
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
READ = ("YEAR", "SCHOOL_CALENDAR", "SCHOOL", "PUPIL", "NAME", "STAFF", "FORM", "FORM_YEAR", "SUBJECT_SET", "PUPIL_SET")
OF_CONTACTS = ("RELATIONSHIP", "RELATIONSHIP_TYPE")


@dataclass
class World(SqlWorld):
    """The school, its PASS in a file, and how onroll reaches it."""

    needed: str = "STAFF"

    def connect(self, **settings: Any) -> Source:
        told = {"url": f"sqlite:///{self.path}", "other_categories": [VISITOR]} | settings
        return wcbs.connect(wcbs.Settings(**told), context("source", self.clock, memory=self.memory))


@pytest.fixture
def world(tmp_path: Path) -> World:
    simulator = Wcbs(milton_park(TODAY, 120, 12), tmp_path / "pass.db")
    simulator.refresh()
    return World(simulator)


class TestWcbs(SourceContract):
    """What every source promises."""

    @pytest.fixture
    def source_world(self, world: World) -> World:
        return world


def one(snapshot: Snapshot, record: str) -> Person:
    (found,) = (each for each in snapshot.people if each.key.record == record)
    return found


def test_the_school_is_the_same_by_this_route(world: World) -> None:
    with_comers_and_goers(world.school)
    world.simulator.refresh()
    assert_same_school(world.read(), world.school, wcbs.GIVES)


def test_a_pupil_of_two_years_is_one_person_by_name_id(world: World) -> None:
    known = next(each for each in world.school.pupils.values() if each.year == 9)
    told = one(world.read(), f"student:{known.number}")
    assert (told.first, told.last, told.admission_number) == (known.first, known.last, known.admission_number)
    assert (told.year_group, told.registration_group) == ("Year 9", known.form)
    assert (told.status, told.starts, told.upn) == (Status.ON_ROLL, None, None)


def test_who_has_a_row_of_the_next_year_alone_is_to_come_from_its_first_day(world: World) -> None:
    with_comers_and_goers(world.school)
    world.simulator.refresh()
    snapshot = world.read()
    students = [each for each in snapshot.people if each.role is Role.STUDENT]
    assert [(each.starts, each.year_group) for each in students if each.status is Status.FUTURE] == [
        (date(2027, 9, 1), "Year 7")
    ] * 2
    assert sum(each.status is Status.LEFT for each in students) == 2
    assert snapshot.academic_year == 2026
    assert not [each for each in world.read(future=False).people if each.status is Status.FUTURE]


def test_who_was_in_last_year_alone_has_left(world: World) -> None:
    known = next(each for each in world.school.pupils.values() if each.year == 9)
    edit(world.path, f"DELETE FROM PUPIL WHERE name_id = {known.number} AND academic_year > '2025'")
    with pytest.raises(Unavailable, match="PUPIL has no such row in this year"):
        world.read()  # the sets of this year still name the row
    assert one(world.read(strays="ignore"), f"student:{known.number}").status is Status.LEFT
    assert not [
        each
        for each in world.read(strays="ignore", leavers=False).people
        if each.key.record == f"student:{known.number}"
    ]


def test_applicants_service_accounts_and_visitors_are_nobody(world: World) -> None:
    told = {each.last for each in world.read().people}
    assert not told & {"Applicant", "Backup", "Visitor"}
    assert "Applicant" in {each.last for each in world.read(record_types=[1, 2]).people}
    assert "Visitor" in {each.last for each in world.read(staff_categories=["TEA001", "NON001", VISITOR]).people}


def test_a_category_that_nobody_has_explained_ends_the_read_and_is_named(world: World) -> None:
    with pytest.raises(Halt, match=r"VIS009 \(1\)"):
        world.read(other_categories=[])
    (sentence,) = world.problems(other_categories=[])
    assert "staff_categories or in other_categories" in sentence


@pytest.mark.parametrize(
    ("table", "column"),
    [("PUPIL", "in_use"), ("STAFF", "in_use"), ("YEAR", "in_use"), ("FORM", "in_use"), ("SUBJECT_SET", "in_use")],
)
@pytest.mark.parametrize("code", ["'X'", "NULL", "0"])
def test_codes_of_use_are_strict(world: World, table: str, column: str, code: str) -> None:
    now = " AND academic_year = '2026'" if table in ("PUPIL", "FORM", "SUBJECT_SET") else ""
    row = f"(SELECT min(rowid) FROM {table} WHERE {column} = 'Y'{now})"
    edit(world.path, f"UPDATE {table} SET {column} = {code} WHERE rowid = {row}")
    with pytest.raises(Halt, match=f"in {table}.{column}"):
        world.read()
    assert world.read(not_in_use=["N", "X", "", "0"])


def test_a_record_type_is_a_number(world: World) -> None:
    edit(world.path, "UPDATE PUPIL SET record_type = 'one' WHERE rowid = 200")
    with pytest.raises(Unavailable, match="'one' where a whole number"):
        world.read()


def test_a_name_that_changes_is_seen_although_the_pupils_row_did_not_change(world: World) -> None:
    number = next(iter(world.school.pupils))
    edit(world.path, f"UPDATE NAME SET surname = 'Newname', amend_date = '2026-11-23' WHERE name_id = {number}")
    assert one(world.read(), f"student:{number}").last == "Newname"


def test_forms_of_the_same_code_in_two_years_do_not_multiply_pupils(world: World) -> None:
    groups = [each for each in world.read().groups if each.kind is GroupKind.REGISTRATION]
    assert sum(len(each.members) for each in groups) == len(world.school.pupils)
    assert len({each.name for each in groups}) == len(groups)
    assert all(len(each.leaders) == 1 for each in groups)


def test_a_set_has_up_to_three_tutors(world: World) -> None:
    number, lesson = next(iter(world.school.classes.items()))
    world.school.classes[number] = replace(lesson, teachers=(1000, 1001, 1002))
    world.simulator.refresh()
    (told,) = (each for each in world.read().groups if each.name == lesson.name)
    assert {key.record for key in told.leaders} == {"staff:1000", "staff:1001", "staff:1002"}


def test_a_tutor_who_has_left_or_is_no_staff_is_left_out_and_an_unknown_one_refused(world: World) -> None:
    last = "(SELECT max(rowid) FROM SUBJECT_SET WHERE academic_year = '2026')"
    edit(world.path, f"UPDATE SUBJECT_SET SET tutor_2 = 'SVC' WHERE rowid = {last}")
    assert len(world.read().people) == world.people
    edit(world.path, f"UPDATE SUBJECT_SET SET tutor_2 = 'NOBODY' WHERE rowid = {last}")
    with pytest.raises(Unavailable, match="names the tutor NOBODY"):
        world.read()
    assert len(world.read(strays="ignore").people) == world.people


def test_rows_that_come_twice_count_once_unless_they_differ(world: World) -> None:
    for table in ("PUPIL", "NAME", "STAFF", "PUPIL_SET", "SUBJECT_SET", "FORM", "FORM_YEAR", "SCHOOL_CALENDAR", "YEAR"):
        edit(world.path, f"INSERT INTO {table} SELECT * FROM {table}")
    assert len(world.read().people) == world.people
    edit(world.path, "UPDATE NAME SET surname = 'Other' WHERE rowid = 20")
    with pytest.raises(Halt, match="NAME has name_id .* twice"):
        world.read()


def test_one_school_of_several_is_read_alone(world: World) -> None:
    edit(
        world.path, "INSERT INTO SCHOOL VALUES (12, 'PREP', 'Prep', 'Y', NULL)", "UPDATE PUPIL SET school = 'PREP' WHERE form LIKE '7%'",
        "INSERT INTO FORM SELECT form_id + 500, code, description, year_code, academic_year, NULL, room, 'PREP', in_use, NULL FROM FORM"
        " WHERE code LIKE '7%' AND academic_year = '2026'",
    )  # fmt: skip
    snapshot = world.read(schools=["MPS"])
    in_prep = sum(each.year == 7 for each in world.school.pupils.values())
    assert (
        sum(each.role is Role.STUDENT and each.status is Status.ON_ROLL for each in snapshot.people)
        == len(world.school.pupils) - in_prep
    )
    assert len(world.read().people) == world.people
    with pytest.raises(Halt, match="no SENIOR"):
        world.read(schools=["SENIOR"])


def test_another_database_is_never_read_as_this_school(world: World) -> None:
    world.read()
    edit(world.path, "UPDATE SCHOOL SET school_id = 99")
    with pytest.raises(Halt, match="another database"):
        world.read()


def test_contacts_are_read_where_the_school_asks_with_the_children_that_are_there(world: World) -> None:
    assert {each.role for each in world.read().people} == {Role.STUDENT, Role.STAFF}
    number, known = next(iter(world.school.contacts.items()))
    world.school.contacts[number] = replace(known, children=(*known.children, max(world.school.pupils)))
    world.simulator.refresh()
    told = {each.key.record: each for each in world.read(contacts=True).people if each.role is Role.CONTACT}
    assert set(told) == {f"contact:{each}" for each in world.school.contacts}
    assert any(len(each.children or ()) > 1 for each in told.values())
    for number, known in world.school.contacts.items():
        assert told[f"contact:{number}"].children == tuple(sorted(f"student:{each}" for each in known.children))


def test_whose_contact_somebody_is_can_be_set_by_rank_relation_and_address(world: World) -> None:
    def extra(**settings: Any) -> set[str | None]:
        return {
            each.first for each in world.read(contacts=True, **settings).people if each.last in ("Parent", "Address")
        }

    assert extra() == set()
    assert extra(contact_rank=10) == {"Gran"}  # ten is more than two, also as a text
    assert extra(contacts_need_email=False) == {"No"}
    assert extra(contact_rank=10, not_contacts=["pupil", "Grandparent"]) == set()
    edit(world.path, "UPDATE NAME SET contact_in_use = 'N' WHERE surname = 'Address'")
    assert extra(contacts_need_email=False) == set()


def test_nothing_sensitive_is_read_and_no_contact_unless_it_is_asked_for(world: World) -> None:
    with watched() as seen:
        world.read()
        source = world.connect()
        source.check()
        source.close()
    columns = {column for _, column in seen}
    assert "name_id" in columns
    assert not columns & {
        *SENSITIVE,
        "email_address",
        "internal_email_address",
        "room",
        "contact_in_use",
        "last_amend_date",
    }
    assert not {table for table, _ in seen} - set(READ)
    with watched() as seen:
        world.read(contacts=True)
    assert not {column for _, column in seen} & set(SENSITIVE)


def test_pupils_forms_and_sets_are_read_by_their_year(world: World) -> None:
    with watched() as seen:
        world.read()
    for table in ("PUPIL", "FORM", "SUBJECT_SET"):
        assert (table, "academic_year") in seen


def test_a_birthday_is_read_from_the_column_that_the_school_names(world: World) -> None:
    assert any(
        "NAME of the file pass.db has no column date_of_birth" in each for each in world.problems(dates_of_birth=True)
    )
    edit(world.path, "ALTER TABLE NAME ADD COLUMN birth TEXT", "UPDATE NAME SET birth = '2012-03-04 00:00:00'")
    told = world.read(dates_of_birth=True, birth_column="birth").people
    assert {each.dob for each in told} == {date(2012, 3, 4)}


@pytest.mark.parametrize(
    ("fault", "kind", "says"),
    [
        ("empty", Halt, "nobody in use in PUPIL"), ("no staff", Halt, "nobody in use in STAFF"), ("stale", Halt, "this year's been made"),
        ("twice", Halt, "two rows of PUPIL in use"), ("stray", Unavailable, "pupil_id 999999"),
    ],
)  # fmt: skip
def test_what_goes_wrong_is_told_apart(world: World, fault: str, kind: type[Exception], says: str) -> None:
    world.simulator.fault = fault
    world.simulator.refresh()
    with pytest.raises(kind, match=says):
        world.read()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("UPDATE YEAR SET code = '2030' WHERE code = '2026'", "this year's been made"),
        ("UPDATE SCHOOL_CALENDAR SET year_start = NULL WHERE academic_year = '2026'", "does not say when the year 2026 begins"),
        ("DELETE FROM SCHOOL_CALENDAR WHERE academic_year = '2027'", "which SCHOOL_CALENDAR does not have"),
        ("UPDATE PUPIL SET academic_year = '20Z6' WHERE rowid = 200", "'20Z6', which YEAR does not have"),
        ("UPDATE SCHOOL SET code = 'OTHER'", "row of the school MPS"),
        ("DELETE FROM SCHOOL", "SCHOOL has no row"),
        ("DELETE FROM NAME WHERE rowid = 30", "whom NAME does not have"),
        ("DELETE FROM FORM", "no row of FORM"),
        ("UPDATE STAFF SET code = (SELECT code FROM STAFF WHERE rowid = 1) WHERE rowid = 2", "for two people who are in use"),
        ("DROP TABLE FORM_YEAR", "has no table FORM_YEAR"),
        ("ALTER TABLE NAME RENAME COLUMN preferred_name TO given", "NAME of the file pass.db has no column preferred_name"),
    ],
)  # fmt: skip
def test_a_database_that_is_not_as_it_should_be_is_refused_with_table_and_column(
    world: World, change: str, says: str
) -> None:
    edit(world.path, change)
    with pytest.raises((Halt, Unavailable), match=says):
        world.read(strays="refuse")
    assert any(says in each for each in world.problems())


def test_a_year_can_be_named_and_year_groups_translated(world: World) -> None:
    told = world.read(academic_year="2026", year_column="code", year_groups={"Y07": "7"})
    assert "7" in {each.year_group for each in told.people}
    with pytest.raises(Halt, match="has no '1999'"):
        world.read(academic_year="1999")


# --- on a real server ---


@pytest.fixture(scope="module")
def server() -> Iterator[Cluster]:
    with cluster() as running:
        yield running


@pytest.fixture
def database(server: Cluster, world: World) -> str:
    with_comers_and_goers(world.school)
    return load(server, world.simulator.tables(), "dbo")


def test_a_server_tells_of_the_same_school(server: Cluster, database: str, world: World) -> None:
    assert_same_school(world.read(url=server.url(database), contacts=True), world.school, wcbs.GIVES)


def test_each_right_that_is_missing_is_named_by_check_and_by_a_read(
    server: Cluster, database: str, world: World
) -> None:
    url = as_reader(server, database)
    grant(server, database, source_rights.grants("wcbs", wcbs.Settings(url=url)))
    assert_same_school(world.read(url=url), world.school, wcbs.GIVES)
    for table in OF_CONTACTS:
        assert any(f" ON dbo.{table} TO" in each for each in world.problems(url=url, contacts=True))
    for table in READ:
        server.run(f'REVOKE SELECT ON dbo."{table}" FROM reader', database)
        (sentence,) = world.problems(url=url)
        assert f"may not read the table dbo.{table} of" in sentence
        with pytest.raises(Halt, match=f"may not read the table dbo.{table} of"):
            world.read(url=url)
        grant(server, database, [sentence])
    grant(server, database, source_rights.grants("wcbs", wcbs.Settings(url=url, contacts=True)))
    assert world.check(url=url, contacts=True).good


def test_a_mutated_database_never_makes_a_shorter_school(tmp_path: Path) -> None:
    simulator = Wcbs(with_comers_and_goers(milton_park(TODAY, 28, 8)), tmp_path / "pass.db")
    simulator.refresh()
    # Another record_type is an applicant or a former pupil, and nobody without a preferred name is staff: the published rules say so.
    spared = (("PUPIL", "record_type"), ("NAME", "preferred_name"))
    storm(
        simulator.path, lambda: World(simulator, memory=DictMemory()).read(timeout=1), "wcbs",
        lambda chance: damage(simulator.path, chance, READ, ("PUPIL", "STAFF"), spared),
    )  # fmt: skip
