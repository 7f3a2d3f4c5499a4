"""The exports of eight MISs: each tells of the same school, whatever its captions and habits, or is refused with a sentence."""

from __future__ import annotations

import random
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from fuzz import MUTATIONS, mutate_csv, survives
from onroll_connectors.mis import MISES
from onroll_connectors.sandbox.csv import Export, scn
from onroll_connectors.sandbox.school import School, milton_park, with_comers_and_goers
from onroll_connectors.sandbox.stages import build
from onroll_connectors.sources import csv
from onroll_connectors.sources.csv_columns import plain
from onroll_connectors.sources.csv_presets import PRESETS, detected
from onroll_connectors.testing import SourceContract
from onroll_core.contracts import Report
from onroll_core.errors import Halt
from onroll_core.numbers import problem_with_scn
from onroll_core.people import GroupKind, Person, Role, Snapshot, Status
from onroll_core.years import Country
from same_school import assert_same_school
from world import Clock, DictMemory, context

TODAY = date(2026, 11, 24)
STUDENTS = "Student ID,Forename,Surname,Year Group,Registration Group\n"
TWO = f"{STUDENTS}007,Ann,Example,7,7A\n008,Zoë,O'Neil,8,8B\n"
STAFF = "Staff ID,Staff Code,Forename,Surname\n1,SN,Sev,Snape\n"


@dataclass
class World:
    """A folder that an MIS exports to, night after night."""

    folder: Path
    preset: str | None = None
    school: School = field(default_factory=lambda: milton_park(TODAY, 120, 12))
    memory: DictMemory = field(default_factory=DictMemory)
    clock: Clock = field(default_factory=Clock)

    @property
    def people(self) -> int:
        return len(self.school.pupils) + len(self.school.staff)

    @property
    def place(self) -> Path:
        return self.folder / "export"

    def export(self) -> None:
        build("csv", self.school, self.folder, self.preset).refresh()

    def write(self, **files: str | bytes) -> None:
        """Files of this content, and no others."""
        self.place.mkdir(exist_ok=True)
        for old in self.place.iterdir():
            old.unlink()
        for name, content in files.items():
            (self.place / f"{name}.csv").write_bytes(content.encode() if isinstance(content, str) else content)

    def connect(self, moving: bool = False, **settings: Any) -> csv.CsvFolder:
        built = build("csv", self.school, self.folder, self.preset)
        told = tomllib.loads(built.source("")) | settings
        told = {name: value for name, value in told.items() if value is not None}
        surroundings = replace(context("source", self.clock, memory=self.memory), moving=moving)
        return csv.CsvFolder(csv.Settings(**told), surroundings)

    def read(self, **settings: Any) -> Snapshot:
        return self.connect(**settings).read()

    def check(self, **settings: Any) -> Report:
        return self.connect(**settings).check()

    def misbehave(self, how: str) -> bool:
        self.export()
        students = next(self.place.glob("students.*"))
        raw = students.read_bytes()
        lines = raw.splitlines(keepends=True)
        odd = {
            "garbage": b"\x00\x01\x02\xff" * 50,
            "breaks off half way": raw[: len(raw) // 2 + 1],
            "empty": b"".join(lines[:1]),
        }
        if how in odd:
            students.write_bytes(odd[how])
        elif how == "shows nothing of one kind":
            next(self.place.glob("staff.*")).unlink()
        elif how == "repeated records":
            students.write_bytes(raw + lines[1])
        elif how == "totals do not match":
            students.write_bytes(b"".join([*lines[:3], *lines[4:]]))
        else:
            return False
        return True


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    yield World(tmp_path)


class TestExport(SourceContract):
    """What every source promises, of an export that prints its total."""

    @pytest.fixture
    def source_world(self, world: World) -> World:
        world.preset = "cloud_school"
        world.export()
        world.read()
        return world


def student(snapshot: Snapshot, record: str) -> Person:
    return next(each for each in snapshot.people if each.key.record == f"student:{record}")


@pytest.mark.parametrize("preset", [None, *PRESETS])
@pytest.mark.parametrize("told", [True, False])
def test_the_school_is_the_same_by_every_export(world: World, preset: str | None, told: bool) -> None:
    world.preset = preset
    with_comers_and_goers(world.school)
    world.export()
    country = Country(build("csv", world.school, world.folder, preset).country)
    snapshot = world.read() if told else world.read(preset=None)
    assert_same_school(snapshot, world.school, csv.PRESET_GIVES.get(preset or "", csv.GIVES), country)


@pytest.mark.parametrize("preset", [each for each in PRESETS if each not in ("plain", "cloud_school")])
def test_whose_captions_they_are_is_told_by_the_captions_and_shown(world: World, preset: str) -> None:
    world.preset = preset
    world.export()
    said = world.check(preset=None).findings[0].sentence
    assert f"look like {PRESETS[preset].title}'s" in said
    assert PRESETS[preset].known in said


def test_every_preset_of_the_catalogue_is_there_with_what_it_gives() -> None:
    assert {mis.preset for mis in MISES.values()} == set(PRESETS) == set(csv.PRESET_GIVES)
    assert all(gives.why for gives in csv.PRESET_GIVES.values())


def test_one_caption_alone_speaks_for_nobody() -> None:
    assert detected(["Adno", "Forename", "Surname"]) == "plain"
    assert detected(["Firstname", "Pupil ID", "Known Name", "Current Class"]) == "plain"  # two speak alike


@pytest.mark.parametrize("preset", PRESETS)
def test_captions_of_a_preset_are_of_names_that_onroll_reads(preset: str) -> None:
    for table in ("students", "staff", "contacts", "classes"):
        captions = PRESETS[preset].captions(table)
        assert captions.keys() <= set(csv.csv_columns.FIELDS)
        assert all(plain(caption) for each in captions.values() for caption in each)


@pytest.mark.parametrize("preset", PRESETS)
def test_contacts_are_read_where_the_school_asks(world: World, preset: str) -> None:
    world.preset = preset
    world.export()
    assert {each.role for each in world.read().people} == {Role.STUDENT, Role.STAFF}
    snapshot = world.read(contacts=True)
    told = [each for each in snapshot.people if each.role is Role.CONTACT]
    assert len(told) == len(world.school.contacts)
    records = {each.key.record for each in snapshot.people}
    assert all(each.children and set(each.children) <= records for each in told)


def test_dates_of_birth_are_read_only_where_the_school_asks(world: World) -> None:
    world.export()
    assert {each.dob for each in world.read().people} == {None}
    assert student(world.read(dates_of_birth=True), "10003").dob == world.school.pupils[10_003].born
    world.write(students=STUDENTS.strip() + ",DOB\n7,Ann,Example,7,7A,1/1/15\n", staff=STAFF.strip() + "\n")
    world.memory.clear()
    assert student(world.read(dates_of_birth=True), "7").dob == date(2015, 1, 1)


def test_scotland_has_stages_and_its_own_number_which_a_spreadsheet_robs_of_its_zero(world: World) -> None:
    world.preset = "seemis"
    world.export()
    number = scn(10_000)
    assert problem_with_scn(number) is None
    told = student(world.read(), number)
    assert (told.year_group, told.scn, told.upn) == ("P7", number, None)
    path = world.place / "students.csv"
    path.write_bytes(path.read_bytes().replace(b"\r\n0", b"\r\n"))
    assert student(world.read(), number).scn == number
    path.write_bytes(path.read_bytes().replace(number[1:].encode(), b"1234567"))
    with pytest.raises(Halt, match="'1234567' is not the nine digits"):
        world.read()


@pytest.mark.parametrize("value", ["1.23E+12", "9,99E+11", "1234.0", "#N/A", "#####"])
@pytest.mark.parametrize("column", ["Student ID", "Admission Number", "UPN"])
def test_a_number_that_a_spreadsheet_made_something_else_of_is_refused(world: World, column: str, value: str) -> None:
    rows = {"Student ID": "7", "Admission Number": "000001", "UPN": "H999900012001"} | {column: value}
    world.write(students=f"{';'.join(rows)};Forename;Surname\n{';'.join(rows.values())};Ann;Example\n")
    with pytest.raises(Halt, match=r"students.csv, line 2, column .*do not save it from Excel"):
        world.read()


def test_a_class_that_became_a_date_is_refused(world: World) -> None:
    world.write(students=TWO.replace("8B", "07-Jan"))
    with pytest.raises(Halt, match="line 3, column registration_group: '07-Jan'"):
        world.read()
    world.write(students=TWO, classes="Class,Student ID\nMar-04,007\n")
    with pytest.raises(Halt, match="classes.csv, line 2, column class: 'Mar-04'"):
        world.read()


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ('10"A,Ann,Example,7,7A', "column id: '10\"A' holds a quotation mark"), ("10,Ann,Example,03/09/2026,7A", "column year_group: '03/09/2026' is a date"),
        ("10,Ann,2010-03-05,7,7A", "column last: '2010-03-05' is a date"), ("10Ann,Example,7,7A", "4 values for 5 columns.*'Registration Group'"),
    ],
)  # fmt: skip
def test_a_row_whose_values_are_in_the_wrong_columns_is_nobody(world: World, row: str, says: str) -> None:
    world.write(students=STUDENTS + "".join(f"{n},Ann,Example,7,7A\n" for n in range(6)) + f"{row}\n")
    with pytest.raises(Halt, match=f"students.csv, line 8.*{says}"):
        world.read()


def test_empty_cells_at_the_end_of_a_row_may_be_left_out(world: World) -> None:
    world.write(students=STUDENTS + "1,Ann,Example,7,7A\n2,Zoë,O'Neil,8\n3,Bob,Other\n")
    assert [each.registration_group for each in world.read().people] == ["7A", None, None]


def test_zeros_that_were_there_and_are_lost_end_the_read(world: World) -> None:
    world.write(students=TWO)
    world.read()
    world.write(students=TWO.replace("00", ""))
    with pytest.raises(Halt, match="had leading zeros and have lost them"):
        world.read()
    assert len(world.read(moving=True).people) == 2
    world.write(students=TWO + "101,New,Comer,7,7A\n")
    assert len(world.read().people) == 3


def test_another_number_than_the_last_time_is_a_persons_to_confirm(world: World) -> None:
    world.write(students="Adno,Student ID,Forename,Surname\n1,a,Ann,Example\n")
    world.read()
    world.write(students="Adno,Forename,Surname\n1,Ann,Example\n")
    with pytest.raises(
        Halt, match="known by their id and would now be known by their admission_number.*rekey milton-park"
    ):
        world.read()


def test_a_column_that_was_there_and_is_gone_takes_nothing_back(world: World) -> None:
    with_date = "Student ID,Forename,Surname,Leaving Date\n1,Ann,Example,\n2,Zoë,Gone,01/09/2026\n"
    world.write(students=with_date)
    assert student(world.read(), "2").status is Status.LEFT
    without = "Student ID,Forename,Surname\n1,Ann,Example\n2,Zoë,Gone\n"
    world.write(students=without)
    with pytest.raises(Halt, match=r'no longer have a column for ends.*columns = \{ "students.ends" = "" \}'):
        world.read()
    assert len(world.read(columns={"students.ends": ""}).people) == 2


def test_a_list_of_staff_that_is_gone_is_no_school_without_staff(world: World) -> None:
    world.write(students=TWO, staff=STAFF)
    world.read()
    world.write(students=TWO)
    with pytest.raises(Halt, match="had a list of staff and has none now"):
        world.read()


def test_a_file_that_used_to_have_an_end_and_has_none_was_cut_off(world: World) -> None:
    world.write(students=TWO)
    world.read()
    world.write(students=TWO[:-2])
    with pytest.raises(Halt, match="ends in the middle of a line"):
        world.read()
    assert len(world.read(last_line="any").people) == 2
    world.memory.clear()
    assert len(world.read().people) == 2
    world.write(students=TWO + "009,Bob,Oth")
    with pytest.raises(Halt, match="line 4: the file ends in the middle of a row"):
        world.read()


@pytest.mark.parametrize(
    "footer", ["Total: 2", "Total,2", "Total pupils: 2", "2 records", "Grand Total = 2,,,", "Page 1 of 1", "Printed on 24/11/2026 19:00", "End of report", "-----"]
)  # fmt: skip
def test_what_a_report_prints_below_its_rows_is_nobody(world: World, footer: str) -> None:
    world.write(students=f"{TWO}\n{footer}\n")
    assert [each.last for each in world.read().people] == ["Example", "O'Neil"]


def test_a_total_is_held_against_the_rows(world: World) -> None:
    world.write(students=TWO + "Total: 3\n")
    with pytest.raises(Halt, match="says that it has 3 rows and has 2"):
        world.read()
    world.write(students=STUDENTS + TWO.splitlines()[1] + "\nTotal 7A: 1\n" + TWO.splitlines()[2] + "\nTotal 8B: 1\n")
    assert len(world.read().people) == 2


def test_a_header_that_is_printed_on_each_page_is_nobody(world: World) -> None:
    first, second = TWO.splitlines()[1:]
    world.write(students=f"{STUDENTS}{first}\nPage 1 of 2\n{STUDENTS}{second}\nPage 2 of 2\n")
    assert len(world.read().people) == 2


def test_two_columns_of_one_caption_agree_or_are_refused(world: World) -> None:
    world.write(students="Student ID,Forename,Surname,Surname\n1,Ann,Example,Example\n2,Zoë,O'Neil,\n")
    assert len(world.read().people) == 2
    world.write(students="Student ID,Forename,Surname,Surname\n1,Ann,Example,Mother\n")
    with pytest.raises(Halt, match="line 2: two columns are called 'Surname' and differ"):
        world.read()


def test_a_row_for_each_class_is_one_pupil_where_the_school_says_so(world: World) -> None:
    rows = "Student ID,Forename,Surname,Form,Class\n1,Ann,Example,7A,7A/Ma1\n1,Ann,Example,7A,7A/En1\n2,Zoë,O'Neil,7A,7A/En1\n"
    world.write(students=rows)
    with pytest.raises(Halt, match="merge_rows = true"):
        world.read()
    snapshot = world.read(merge_rows=True)
    taught = {each.name: len(each.members) for each in snapshot.groups if each.kind is GroupKind.TEACHING}
    assert taught == {"7A/Ma1": 1, "7A/En1": 2}
    assert len(snapshot.people) == 2
    world.write(students=rows.replace("7A,7A/En1\n2", "7B,7A/En1\n2"))
    with pytest.raises(Halt, match="line 3, column registration_group: '7B' is not what students.csv, line 2 says"):
        world.read(merge_rows=True)


def test_a_grouped_report_is_filled_down(world: World) -> None:
    grouped = "Student ID,Forename,Surname,Form,Class\n1,Ann,Example,7A,7A/Ma1\n,,,,7A/En1\n2,Zoë,O'Neil,7A,7A/En1\n"
    world.write(students=grouped)
    with pytest.raises(Halt, match="there is no id"):
        world.read(merge_rows=True)
    snapshot = world.read(merge_rows=True, fill_down=True)
    assert len(snapshot.people) == 2
    assert {len(each.members) for each in snapshot.groups if each.name == "7A/En1"} == {2}


def test_classes_are_matched_by_any_number_and_strangers_in_them_are_refused(world: World) -> None:
    students = "Student ID,UPN,Adno,Forename,Surname\n1,H999900012001,000001,Ann,Example\n"
    for key, value in (("UPN", "h9999 00012001"), ("Adno", "1"), ("Student ID", "1")):
        world.write(students=students, staff=STAFF, classes=f"Class,{key},Teacher\n7A/Ma1,{value},sn\n")
        (group,) = (each for each in world.read().groups if each.kind is GroupKind.TEACHING)
        assert (len(group.members), len(group.leaders)) == (1, 1)
    for wrong, who in (("9,SN", "pupil 9"), ("1,XX", "teacher XX")):
        world.write(students=students, staff=STAFF, classes=f"Class,Student ID,Teacher\n7A/Ma1,{wrong}\n")
        with pytest.raises(Halt, match=f"classes.csv, line 2: the {who} of 7A/Ma1 is not among the people read"):
            world.read()
        assert len(world.read(strays="left_out").groups) == 1


def test_a_number_that_two_people_share_joins_nobody_to_a_class(world: World) -> None:
    students = "Student ID,Adno,Forename,Surname\n1,5,Ann,Example\n2,005,Zoë,O'Neil\n"
    world.write(students=students, classes="Class,Adno\n7A/Ma1,05\n")
    with pytest.raises(Halt, match="not among the people read"):
        world.read()
    world.write(students=students, classes="Class,Adno\n7A/Ma1,005\n")
    (group,) = world.read().groups
    assert {each.record for each in group.members} == {"student:2"}


def test_leavers_and_those_to_come_are_known_by_the_names_of_their_files(world: World) -> None:
    row = "{n},Ann,Example,7,7A\n"
    world.write(
        **{
            "students": STUDENTS + row.format(n=1),
            "Leavers 2026": STUDENTS + row.format(n=2) + row.format(n=1),
            "Pre-Admission": STUDENTS + row.format(n=3),
        }  # fmt: skip
    )
    states = {each.key.record: each.status for each in world.read().people}
    # Somebody who left and came back is in both lists, and on roll.
    assert states == {"student:1": Status.ON_ROLL, "student:2": Status.LEFT, "student:3": Status.FUTURE}
    assert any("all left by its name" in each.sentence for each in world.check().findings)


def test_statuses_are_words_and_dates(world: World) -> None:
    head = "Student ID,Forename,Surname,Status,Admission Date,Leaving Date\n"
    rows = [
        "On Roll,01/09/2025,", "On Roll,01/09/2025,01/11/2026", "Current,01/09/2027,", "Accepted,,", "Off roll,,", ",01/09/2027,",
        "On roll,02/11/2026,20/07/2026", "Ausgeschult,,",
    ]  # fmt: skip
    world.write(students=head + "".join(f"{n},Ann,Example,{row}\n" for n, row in enumerate(rows)))
    with pytest.raises(Halt, match="'Ausgeschult' is not a status.*statuses"):
        world.read()
    people = {each.key.record: each for each in world.read(statuses={"ausgeschult": "left"}).people}
    on, future, left = Status.ON_ROLL, Status.FUTURE, Status.LEFT
    assert [people[f"student:{n}"].status for n in range(8)] == [on, left, future, future, left, future, on, left]
    assert people["student:6"].ends is None  # the last day of an earlier stay


def test_a_role_in_a_list_of_staff_is_a_job(world: World) -> None:
    world.write(
        staff="Staff ID,Forename,Surname,Role\n1,Sev,Snape,Head of Potions\n2,Rem,Lupin,Student teacher\n", students=TWO
    )
    assert [each.role for each in world.read().people].count(Role.STAFF) == 2
    world.write(people="ID,Forename,Surname,Role,Staff Code\n1,Sev,Snape,Teacher,SN\n2,Ann,Example,Pupil,\n")
    world.memory.clear()
    told = {each.key.record: each.staff_code for each in world.read().people}
    assert told == {"staff:1": "SN", "student:2": None}


def test_a_table_is_what_its_captions_and_its_name_say(world: World) -> None:
    contacts = "Parent ID,Forename,Surname,Pupil ID\n9,Pat,Example,007\n9,Pat,Example,008\n10,Sam,Nobody,999\n"
    world.write(export1=TWO, export2=contacts, export3="Class,Student ID\n7A/Ma1,007\n")
    (told,) = (each for each in world.read(contacts=True).people if each.role is Role.CONTACT)
    assert (told.key.record, told.children) == ("contact:9", ("student:007", "student:008"))
    assert len(world.read().people) == 2
    world.write(contacts="Parent ID,Forename,Surname,Pupil ID\n9,Pat,Example,007\n")
    with pytest.raises(Halt, match="No file in .* lists people"):
        world.read()


def test_own_captions_may_be_for_one_table_and_a_column_may_be_none(world: World) -> None:
    world.write(
        students="Ref,Given,Clan,Class\n1,Ann,Example,Chess\n", staff="Staff ID,Given,Forename,Surname\n1,x,Sev,Snape\n"
    )
    columns = {"id": "Ref", "students.first": "Given", "last": "Clan", "registration_group": ""}
    people = {each.role: each for each in world.read(columns=columns).people}
    assert (people[Role.STUDENT].first, people[Role.STUDENT].registration_group) == ("Ann", None)
    assert people[Role.STAFF].first == "Sev"
    with pytest.raises(Halt, match="there is no column 'Nowhere'"):
        world.read(columns=columns | {"house": "Nowhere"})
    with pytest.raises(ValueError, match="Before the dot"):
        world.read(columns={"pupils.first": "Given"})
    with pytest.raises(ValueError, match="no captions of 'simz'"):
        world.read(preset="simz")


def test_a_class_list_of_sims_has_only_legal_surnames(world: World) -> None:
    """The captions of a published class list, with its title line."""
    world.write(
        pupils="Class list 7A\n\nLegal Forename,Preferred Forename,Legal Surname,UPN,DOB,Year,Reg Group,SEN\n"
        "Albert,Albie,Example,H999900012001,12/01/2014,Year  7,7A,K\nZoe,,O'Sample,x9999 00012002,20/11/2013,Year  7,7B,\n"
    )
    first, second = world.read(preset="sims").people
    assert (first.first, first.last, first.legal_first, first.year_group) == ("Albie", "Example", "Albert", "Year 7")
    assert (second.first, second.last, second.upn) == ("Zoe", "O'Sample", "X999900012002")


def test_a_report_of_sims_as_published_tools_read_it(world: World) -> None:
    world.write(
        students="primary_id,Adno,UPN,Legal Forename,Legal Surname,Preferred Forename,Preferred Surname,DOB,Year,Year taught in,Reg,House,Primary Email,Year of Entry\n"
        "3116,001275,H999900012001,Albert,Example,Albie,Example,12/01/2014,Year  7,Year  7,7A,Red,,2025\n"
        "3217,001336,X999900012002,Zoe,O'Sample,Zoe,O'Sample,20/11/2013,Year  8,Year  7,7B,,,2025\n"
    )
    albie, zoe = world.read().people
    assert (albie.key.record, albie.admission_number, albie.first, albie.legal_first) == (
        "student:3116",
        "001275",
        "Albie",
        "Albert",
    )
    assert (zoe.year_group, zoe.registration_group, zoe.house) == ("Year 8", "7B", None)


def test_a_report_of_bromcom_with_a_row_for_each_class(world: World) -> None:
    """The captions of a published report; its pupils are known by their admission number."""
    world.write(
        students="CLASS,ADMISSION NO.,STUDENT FIRST NAME,STUDENT LAST NAME,STUDENT EMAIL,HOUSE,TEACHER FIRST NAME,TEACHER LAST NAME,CLASS TEACHER EMAIL\n"
        "7A/Ma1,000001,Ann,Example,,Red,Sev,Snape,s.snape@school.test\n7A/En1,000001,Ann,Example,,Red,,,\n",
        staff="Staff ID,FirstName,LastName,Work Email\n1,Sev,Snape,S.Snape@school.test\n",
    )
    snapshot = world.read(preset="bromcom", merge_rows=True)
    groups = {each.name: len(each.leaders) for each in snapshot.groups if each.kind is GroupKind.TEACHING}
    assert groups == {"7A/Ma1": 1, "7A/En1": 0}
    assert student(snapshot, "000001").registration_group is None


def test_every_file_has_to_be_fresh_and_the_oldest_says_how_fresh_the_export_is(world: World) -> None:
    import os

    world.write(students=TWO, staff=STAFF)
    now = world.clock.now().timestamp()
    for name, days in (("students", 0.1), ("staff", 2.0)):
        os.utime(world.place / f"{name}.csv", (now - days * 86400, now - days * 86400))
    assert world.read(max_age_days=4).feed_time == world.clock.now() - timedelta(days=2)
    with pytest.raises(Halt, match="staff.csv is 2.0 days old"):
        world.read(max_age_days=1)


def test_nothing_but_what_is_named_leaves_the_file(world: World) -> None:
    world.write(students=TWO.replace("Registration Group", "Registration Group,SEN,Ethnicity,FSM,Phone").replace("7A", "7A,K,secret1,secret2,secret3").replace("8B", "8B,,,,"))  # fmt: skip
    assert "secret" not in repr(world.read())
    said = " ".join(each.sentence for each in world.check().findings)
    assert "not used: SEN, Ethnicity, FSM, Phone" in said
    assert "secret" not in said


@pytest.mark.parametrize("preset", ["plain", "arbor", "cloud_school"])
def test_a_mutated_export_never_makes_a_shorter_school(tmp_path: Path, preset: str) -> None:
    world = World(tmp_path, preset, with_comers_and_goers(milton_park(TODAY, 28, 8)))
    export = Export(world.school, world.place, preset)
    export.write()
    whole = world.read()
    good = {path: path.read_bytes() for path in sorted(world.place.iterdir())}
    noticed = 0
    for number in range(MUTATIONS):
        chance = random.Random(f"{preset}/{number}")
        path = chance.choice([each for each in good if each.stem != "contacts"])
        path.write_bytes(mutate_csv(good[path], chance))
        noticed += not survives(_reading(world), whole, f"{preset}, mutation {number}, {path.name}")
        path.write_bytes(good[path])
    assert noticed > MUTATIONS // 4


def _reading(world: World) -> Callable[[], Snapshot]:
    memory = DictMemory(world.memory)

    def read() -> Snapshot:
        world.memory = DictMemory(memory)
        try:
            return world.read()
        finally:
            world.memory = memory

    return read
