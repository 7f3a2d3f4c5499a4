"""`onroll rekey`: a school goes from one MIS to another, and everybody keeps their account."""

from __future__ import annotations

from pathlib import Path

import pytest

from command import CONFIG, Command, milton_park

SIMS = "Adno,UPN,Forename,Surname,Year,DOA\n"
ARBOR = "Student ID,UPN,First name,Last name,Year group,Admission date\n"
TWELVE = [
    (n, f"A999400000{n:03}", first, last)
    for n, (first, last) in enumerate(
        (first, last) for last in ("Potter", "Weasley", "Granger") for first in ("Ann", "Ben", "Cat", "Dan")
    )
]
MOVING = (
    CONFIG.replace('mis = "csv"', 'mis = "sims"\nroute = "csv"')
    + """
[school.moves_to]
mis = "arbor"
route = "csv"
[school.moves_to.source]
path = "arbor"
quiet_seconds = 0
columns = { id = "Student ID" }
"""
)
MOVED = CONFIG.replace('mis = "csv"', 'mis = "arbor"\nroute = "csv"').replace(
    'path = "export"', 'path = "arbor"\ncolumns = { id = "Student ID" }'
)


@pytest.fixture
def onroll(tmp_path: Path) -> Command:
    """A school of twelve on SIMS with its accounts made, about to move to Arbor, which numbers the same people the other way round."""
    command = milton_park(tmp_path)
    command.configure(MOVING)
    (tmp_path / "export/students.csv").write_text(
        SIMS + "".join(f"{n},{upn},{first},{last},7,01/09/2026\n" for n, upn, first, last in TWELVE), encoding="utf-8"
    )
    arbor(command, TWELVE)
    command.run("sync")
    return command


def arbor(command: Command, people: list[tuple[int, str, str, str]]) -> None:
    (command.folder / "arbor").mkdir(exist_ok=True)
    (command.folder / "arbor/students.csv").write_text(
        ARBOR + "".join(f"{len(TWELVE) - 1 - n},{upn},{first},{last},7,2026-09-01\n" for n, upn, first, last in people),
        encoding="utf-8",
    )


def accounts(command: Command) -> set[tuple[str, str]]:
    return {(each["username"], each["identity"]) for each in command.json("users", "list")["users"]}


def test_everybody_keeps_their_account_when_the_school_moves(onroll: Command) -> None:
    before = accounts(onroll)
    shown = onroll.json("rekey", "milton-park", "--to", "Arbor", code=3)
    assert (shown["pairs"], shown["done"], shown["to"]) == (12, False, "arbor over csv")
    assert {row["list"] for row in shown["people"]} == {"likely"}
    onroll.run("rekey", "milton-park", "--to", "arbor", "--confirm", shown["digest"])

    onroll.configure(MOVED)
    night = onroll.json("sync")
    assert (night["people"]["joiners"], night["people"]["leavers"]) == (0, 0)
    assert accounts(onroll) == before
    ann = onroll.run("explain", "20apotter").out
    assert "of arbor over csv is this person's too" in ann
    assert (
        onroll.json("sync")["targets"]["ad"] == night["targets"]["ad"] | dict.fromkeys(("updated",), 0)
        or onroll.json("plan")["plans"][0]["changes"] == []
    )  # and now there is nothing to do
    assert onroll.json("plan")["plans"][0]["changes"] == []


def test_without_the_move_the_other_mis_is_held(onroll: Command) -> None:
    """Arbor's pupil 0 is SIMS's pupil 11: read as it is, people would be mixed up."""
    onroll.configure(MOVED)
    before = accounts(onroll)
    held = onroll.json("sync", code=3)
    assert "12 people have another name and number than before under the same MIS record" in held["held"][0]
    assert accounts(onroll) == before


def test_nothing_changes_until_it_is_confirmed_and_nobody_leaves_meanwhile(onroll: Command) -> None:
    onroll.json("rekey", "milton-park", "--to", "arbor", code=3)
    export = (onroll.folder / "export/students.csv").read_text(encoding="utf-8")
    (onroll.folder / "export/students.csv").write_text(
        export.replace(",DOA\n", ",DOA,Date of leaving\n").replace("Dan,Granger,7,01/09/2026", "Dan,Granger,7,01/09/2026,01/11/2026"),
        encoding="utf-8",
    )  # fmt: skip
    night = onroll.json("sync")
    assert night["targets"]["ad"]["disabled"] == 0
    assert any("1 leavers wait, because milton-park is moving to arbor" in each for each in night["notices"])
    onroll.run("rekey", "milton-park", "--undo")
    assert onroll.json("sync")["targets"]["ad"]["disabled"] == 1


def test_a_move_is_taken_back_and_the_old_mis_is_read_again(onroll: Command) -> None:
    before = accounts(onroll)
    digest = onroll.json("rekey", "milton-park", "--to", "arbor", code=3)["digest"]
    onroll.run("rekey", "milton-park", "--to", "arbor", "--confirm", digest)
    onroll.configure(MOVED)
    onroll.json("sync")
    assert onroll.json("rekey", "milton-park", "--undo") == {
        "school": "milton-park", "to": "arbor over csv", "taken_back": 12,
    }  # fmt: skip
    onroll.configure(MOVING)
    night = onroll.json("sync")
    assert (night["people"]["joiners"], night["people"]["leavers"]) == (0, 0)
    assert accounts(onroll) == before
    assert "nothing to take back" in onroll.run("rekey", "milton-park", "--undo", code=1).err


def test_a_list_is_written_edited_and_given_back(onroll: Command) -> None:
    people = [(n, "" if n < 2 else upn, first, last) for n, upn, first, last in TWELVE]
    arbor(onroll, people)
    file = onroll.folder / "move.csv"
    shown = onroll.json("rekey", "milton-park", "--to", "arbor", "--export", str(file), code=3)
    assert shown["pairs"] == 10
    assert sum(row["list"] == "possible" for row in shown["people"]) == 2
    text = file.read_text(encoding="utf-8-sig")
    assert text.startswith("username,record,list,name,mis_name,why")
    assert "20apotter,student:11,possible,Ann Potter,Ann Potter" in text
    shown = onroll.json("rekey", "milton-park", "--to", "arbor", "--csv", str(file), code=3)
    assert shown["pairs"] == 12
    file.write_text("username,record\n20apotter,\n20bpotter,10\n", encoding="utf-8")
    shown = onroll.json("rekey", "milton-park", "--to", "arbor", "--csv", str(file), code=3)
    assert shown["pairs"] == 11


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ("20nobody,1", "line 2: nobody of milton-park has the username 20nobody"), ("20apotter,99", "has no record 99"),
        ("20apotter,11\n20apotter,10", "line 3: 20apotter is in it twice"), ("20apotter,student:10\n20bpotter,student:10", "more than one person's"),
        ("20apotter,=1+1", "is a formula"),
    ],
)  # fmt: skip
def test_a_wrong_list_is_refused_with_its_line(onroll: Command, rows: str, says: str) -> None:
    file = onroll.folder / "pairs.csv"
    file.write_text(f"username,record\n{rows}\n", encoding="utf-8")
    assert says in onroll.run("rekey", "milton-park", "--to", "arbor", "--csv", str(file), code=1).err


def test_a_stale_digest_and_an_unknown_mis_are_said(onroll: Command) -> None:
    digest = onroll.json("rekey", "milton-park", "--to", "arbor", code=3)["digest"]
    arbor(onroll, TWELVE[:-1])
    assert "something has changed since" in onroll.run("rekey", "milton-park", "--to", "arbor", "--confirm", digest, code=1).err  # fmt: skip
    assert "Write [school.moves_to]" in onroll.run("rekey", "milton-park", "--to", "bromcom", code=2).err
    assert "--to MIS" in onroll.run("rekey", "milton-park", code=2).err
