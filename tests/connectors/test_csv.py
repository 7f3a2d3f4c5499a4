"""CSV as schools' systems write it: read whole in any dialect, or refused with file, line and column."""

from __future__ import annotations

import csv as stdlib_csv
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onroll_connectors.sources import csv
from onroll_connectors.sources.csv_table import parse_date
from onroll_connectors.testing import SourceContract
from onroll_core.contracts import Context, Source
from onroll_core.errors import Halt, OnrollError, Unavailable
from onroll_core.people import GroupKind, Person, Role, Snapshot, Status
from world import Clock, context

STUDENTS = "Adno,Forename,Surname,Year,Reg\n1,Ann,Example,Year  7,7A\n2,Zoë,O'Neil,8,8B\n"


@dataclass
class Folder:
    """A folder that an MIS exports to."""

    path: Path
    clock: Clock = field(default_factory=Clock)
    people: int = 3

    def write(self, name: str, content: str | bytes, age: float = 3600) -> Path:
        file = self.path / name
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        changed = self.clock.now().timestamp() - age
        os.utime(file, (changed, changed))
        return file

    def context(self) -> Context:
        return context("source", self.clock)

    def connect(self, **settings: Any) -> Source:
        return csv.connect(csv.Settings(**({"path": str(self.path)} | settings)), self.context())

    def read(self, **settings: Any) -> Snapshot:
        return self.connect(**settings).read()

    def misbehave(self, how: str) -> bool:
        contents = {
            "garbage": b"\x00\x01\x02\xff" * 50,
            "empty": "Adno,Forename,Surname,Year\n",
            "repeated records": STUDENTS + "1,Ann,Example,7,7A\n",
            "breaks off half way": STUDENTS + '3,"Bob,Ex',
        }
        if how not in contents:
            return False
        self.write("students.csv", contents[how])
        return True


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    yield Folder(tmp_path)


class TestCsv(SourceContract):
    """What every source promises."""

    @pytest.fixture
    def source_world(self, folder: Folder) -> Folder:
        folder.write("students.csv", STUDENTS)
        folder.write("staff.csv", "Staff Code,Forename,Surname\nSN,Sev,Snape\n")
        return folder


def only(snapshot: Snapshot) -> Person:
    (person,) = snapshot.people
    return person


def test_a_folder_of_students_and_staff(folder: Folder) -> None:
    folder.write("students.csv", STUDENTS)
    folder.write("staff.csv", "Staff Code;Chosen Name;Forename;Surname;Start Date\nSN;Sev;Severus;Snape;01/09/2027\n")
    snapshot = folder.read()
    people = {person.key.record: person for person in snapshot.people}
    assert set(people) == {"student:1", "student:2", "staff:SN"}
    assert people["student:1"].year_group == "Year 7"
    assert people["student:2"].first == "Zoë"
    snape = people["staff:SN"]
    assert (snape.first, snape.legal_first, snape.starts, snape.status) == (
        "Sev",
        "Severus",
        date(2027, 9, 1),
        Status.FUTURE,
    )
    assert {(group.kind, group.name) for group in snapshot.groups} == {
        (GroupKind.YEAR, "Year 7"), (GroupKind.YEAR, "8"), (GroupKind.REGISTRATION, "7A"), (GroupKind.REGISTRATION, "8B"),
    }  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_any_usual_dialect(folder: Folder, encoding: str, delimiter: str) -> None:
    text = (
        "Pupil list for Milton Park\n\n"
        + STUDENTS.replace(",", delimiter).replace("\n", "\r\n")
        + delimiter * 4
        + "\r\n"
    )
    folder.write("students.csv", text.encode(encoding))
    assert [person.last for person in folder.read().people] == ["Example", "O'Neil"]


def test_title_lines_blank_rows_padding_and_quoted_newlines(folder: Folder) -> None:
    folder.write(
        "students.csv", 'Report,,\n,,\n"  Adno ", Forename ,Surname\n\n,,\n 7 ,"  Ann\u00a0Marie ","Ex\nample"\n ,  ,\n'
    )
    person = only(folder.read())
    assert (person.key.record, person.first, person.last) == ("student:7", "Ann Marie", "Ex ample")


def test_a_column_that_is_not_there_is_not_told_and_an_empty_cell_is_what_the_school_says(folder: Folder) -> None:
    folder.write("students.csv", "Adno,Forename,Surname,Reg\n1,Ann,Example,\n")
    person = only(folder.read())
    assert (person.registration_group, person.house) == (None, None)
    person = only(folder.read(empty="blank"))
    assert (person.registration_group, person.house) == ("", None)


def test_a_schools_own_captions(folder: Folder) -> None:
    folder.write("pupils.csv", "Ref,Given,Clan\n1,Ann,Example\n")
    columns = {"id": "Ref", "first": "Given", "last": "Clan"}
    assert only(folder.read(columns=columns)).last == "Example"
    with pytest.raises(ValueError, match="Did you mean first"):
        folder.read(columns={"frist": "Given"})


def test_a_formula_is_only_a_name(folder: Folder) -> None:
    folder.write("students.csv", 'Adno,Forename,Surname\n1,"=cmd|calc",@SUM(1)\n')
    assert only(folder.read()).first == "=cmd|calc"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "is empty"), ("   \n\n", "is empty"), ("a,b,c\n1,2,3\n", "names columns"), ("Adno,Forename,Surname\n", "has a header and no row"),
        (STUDENTS + "1,Bob,Other,7,7A\n", "line 4.*already in students.csv, line 2"), (STUDENTS + ",Bob,Other,7,7A\n", "line 4, column admission_number"),
        (STUDENTS + '3,"Bob,Oth', "line 4"), (STUDENTS + "3,B,O,7,7A,extra\n", "line 4: there are 6 values for 5 columns"),
        ("Adno,Forename,Surname,DOA\n1,A,B,31/02/2026\n", "line 2, column starts"), ("Adno,Forename,Surname,Status\n1,A,B,Zombie\n", "line 2, column status"),
        (b"PK\x03\x04\x00\x00", "NUL"), ("Adno,Forename,Surname,Role\n1,A,B,wizard\n", "line 2, column role"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_refused_with_file_line_and_column(folder: Folder, content: str | bytes, says: str) -> None:
    folder.write("students.csv", content)
    with pytest.raises(Halt, match=says) as refused:
        folder.read()
    assert "students.csv" in str(refused.value)


def test_a_folder_or_a_file_that_is_not_there(folder: Folder) -> None:
    for path in (str(folder.path / "nowhere"), str(folder.path)):
        with pytest.raises(Halt, match="Does the MIS's export run"):
            folder.read(path=path)
    assert not folder.connect(path="nowhere").check().good


def test_a_stale_file_is_refused(folder: Folder) -> None:
    folder.write("students.csv", STUDENTS, age=5 * 86400)
    with pytest.raises(Halt, match=r"is 5\.0 days old"):
        folder.read()
    assert len(folder.read(max_age_days=0).people) == 2


def test_a_file_that_still_grows_is_refused_and_one_that_rests_is_waited_for(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = folder.write("students.csv", STUDENTS, age=0.5)
    assert len(folder.read().people) == 2
    assert folder.clock.slept == [1.5]
    folder.write("students.csv", STUDENTS, age=0.5)

    def grows(seconds: float) -> None:
        file.write_text(STUDENTS + "3,Late,Comer,7,7A\n", encoding="utf-8")

    monkeypatch.setattr(folder.clock, "sleep", grows)
    with pytest.raises(Unavailable, match="still being written"):
        folder.read()


def test_a_check_shows_which_column_was_taken_for_what(folder: Folder) -> None:
    folder.write("students.csv", "Adno,Forename,Surname,SEN\n1,Ann,Example,K\n")
    report = folder.connect().check()
    assert report.good
    said = " ".join(finding.sentence for finding in report.findings)
    assert "admission_number = 'Adno'" in said
    assert "not used: SEN" in said


@pytest.mark.parametrize(
    ("text", "day"),
    [("2026-09-01", (2026, 9, 1)), ("01/09/2026", (2026, 9, 1)), ("1/9/26", (2026, 9, 1)), ("01-Sep-26", (2026, 9, 1)), ("01 September 2026", (2026, 9, 1)),
     ("2026-09-01T00:00:00", (2026, 9, 1)), ("01/09/2026 00:00", (2026, 9, 1))],
)  # fmt: skip
def test_dates_as_they_are_written(text: str, day: tuple[int, int, int]) -> None:
    assert parse_date(text) == date(*day)


@pytest.mark.parametrize("text", ["32/01/2026", "2026-13-01", "soon", "09/2026", "1/1/1/1"])
def test_what_is_no_date(text: str) -> None:
    with pytest.raises(ValueError, match="not a date"):
        parse_date(text)


names = st.text(
    alphabet=st.characters(blacklist_categories=["Cs", "Cc", "Cf", "Zl", "Zp", "Zs"]), min_size=1, max_size=12
)


@given(
    st.lists(st.tuples(names, names), min_size=1, max_size=8),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    st.integers(0, 3),
    st.data(),
)
def test_written_in_any_dialect_it_reads_back_and_mangled_it_reads_the_same_or_is_refused(
    tmp_path_factory: pytest.TempPathFactory,
    people: list[tuple[str, str]],
    delimiter: str,
    encoding: str,
    titles: int,
    data: st.DataObject,
) -> None:
    folder = Folder(tmp_path_factory.mktemp("csv"))
    out = io.StringIO(newline="")
    for n in range(titles):
        out.write(f"title {n}\r\n")
    writer = stdlib_csv.writer(out, delimiter=delimiter)
    writer.writerow(["Adno", "Forename", "Surname"])
    for n, (first, last) in enumerate(people):
        writer.writerow([n, first, last])
    raw = out.getvalue().encode(encoding)
    folder.write("students.csv", raw)
    read = [(person.first, person.last) for person in folder.read().people]
    assert read == people
    cut = data.draw(st.integers(0, len(raw)))
    folder.write("students.csv", raw[:cut])
    try:
        part = [(person.first, person.last) for person in folder.read().people]
    except OnrollError as refused:
        assert str(refused).endswith(".")
    else:
        assert all(person.role is Role.STUDENT for person in folder.read().people)
        assert len(part) <= len(people)
