"""Groups at the console: which there are, what waits for a person or is over, and who is in one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pytest

from at_work import HOSTILE, AtWork, at_work
from command import CONFIG, SECOND, Command
from morning import MINE, OTHER
from onroll_core.groups.known import KnownGroup
from onroll_core.people import GroupKind, SourceKey
from onroll_daemon.console.rights import Role
from onroll_daemon.operations.groups import groups_of

GROUPS = f"/schools/{MINE}/groups"
HEADER = "Adno,Forename,Surname,Year,Reg\n"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[AtWork]:
    """Three pupils in two registration groups; a class that a person has to settle, and one that is over."""
    command = Command(tmp_path)
    command.configure(CONFIG.replace("base =", 'groups = ["year", "registration", "teaching"]\nbase =') + SECOND)
    (tmp_path / "export").mkdir()
    rows = f'1,Harry,Potter,7,7A\n2,"{HOSTILE.replace(chr(34), "")}",Potter,7,7A\n3,Ron,Weasley,8,8B\n'
    (tmp_path / "export" / "students.csv").write_text(HEADER + rows, encoding="utf-8")
    command.students("1,Ada,Byron,3,01/09/2026,", folder="oakfield")
    with at_work(command, MINE, OTHER) as made:
        ron, harry = made.person("3").id, made.person("1").id
        made.store.remember_groups(
            MINE,
            [
                KnownGroup(SourceKey(MINE, "maths"), GroupKind.TEACHING, "Maths <1>", frozenset({harry}), frozenset({ron}), 2026, doubt="The MIS took 9 of 10 people out of the class."),
                KnownGroup(SourceKey(MINE, "art"), GroupKind.TEACHING, "Art", frozenset({harry}), frozenset(), 2025, archived=True),
            ],
        )  # fmt: skip
        yield made


def test_the_list_has_every_kind_with_its_counts_and_what_a_person_has_to_settle(world: AtWork) -> None:
    text = world.operator_at(role=Role.VIEWER).get(GROUPS).text
    for each in ("Milton Park School 7A", "Milton Park School Year 2020", "Registration groups", "Classes"):
        assert each in text
    assert "1 group lost most of its people in the middle of the year, and was left as it was." in text
    assert "its class is over; whoever was in it stays" in text
    assert "Maths &lt;1&gt;" in text
    assert "Maths <1>" not in text


def test_the_list_is_narrowed_by_kind_text_and_what_waits(world: AtWork) -> None:
    browser = world.operator_at(role=Role.VIEWER)

    def shown(query: str) -> str:
        return str(browser.get(f"{GROUPS}?{query}").text).partition('id="list"')[2]

    kinds = shown("kind=registration")
    assert ("7A" in kinds, "8B" in kinds, "Maths" in kinds) == (True, True, False)
    assert ("7A" in shown("q=8b"), "8B" in shown("q=8b")) == (False, True)
    assert ("Maths" in shown("only=doubt"), "7A" in shown("only=doubt")) == (True, False)
    assert ("Art" in shown("only=archived"), "7A" in shown("only=archived")) == (True, False)
    assert "No group fits" in shown("q=zzz")
    assert "No group fits" in shown("target=nowhere")


def test_a_group_shows_its_people_and_leads_to_them(world: AtWork) -> None:
    browser = world.operator_at(role=Role.VIEWER)
    text = browser.get(f"{GROUPS}/show?target=ad&record=registration:7A").text
    assert "Members (2)" in text
    assert f'<a href="/users/{world.person("1").id}">Harry Potter</a>' in text
    assert "<b>Ann" not in text
    maths = browser.get(f"{GROUPS}/show?target=ad&record=maths").text
    assert "The MIS took 9 of 10 people out of the class." in maths
    assert (maths.index("Ron Weasley") < maths.index("Harry Potter"), "Leaders (1)" in maths) == (True, True)
    assert browser.get(f"{GROUPS}/show?target=ad&record=nothing").status_code == 404
    assert browser.get(f"{GROUPS}/show?target=m365&record=maths").status_code == 404


def test_who_may_not_see_the_school_sees_no_groups(world: AtWork) -> None:
    assert world.operator_at(OTHER).get(GROUPS).status_code == 404
    assert world.operator_at(role=Role.ISSUER).get(GROUPS).status_code == 403


def test_a_script_reads_the_groups(world: AtWork) -> None:
    told = world.api(Role.VIEWER, "GET", f"{GROUPS}?kind=teaching").json()
    rows = sorted((each["record"], each["archived"], bool(each["doubt"]), each["members"]) for each in told["groups"])
    assert (rows, told["total"]) == ([("art", True, False, 1), ("maths", False, True, 1)], 2)
    one = world.api(Role.VIEWER, "GET", f"{GROUPS}/one?target=ad&record=registration:8B").json()
    assert ([each["name"] for each in one["member_list"]], one["leader_list"], one["members"]) == (
        ["Ron Weasley"],
        [],
        1,
    )
    assert world.api(Role.VIEWER, "GET", f"{GROUPS}/one?target=ad&record=x").status_code == 404
    assert world.api(Role.VIEWER, "GET", f"{GROUPS}?limit=0").status_code == 422


@pytest.mark.parametrize(("alone", "expected"), [(False, [False, True]), (True, [True])])
def test_a_group_that_is_a_classroom_course_is_said_to_be_one(world: AtWork, alone: bool, expected: list[bool]) -> None:
    target = replace(
        world.settings.targets["ad"], settings=SimpleNamespace(classroom=["teaching"], classroom_only=alone)
    )
    settings = replace(world.settings, targets={"ad": target})
    found = groups_of(settings, world.store, settings.schools[MINE], date(2026, 11, 26))
    maths = [row for row in found.rows if row.record.endswith("maths")]
    assert [row.course for row in maths] == expected
    assert {row.doubt for row in maths} == {"The MIS took 9 of 10 people out of the class."}
    assert [row.course for row in found.rows if row.kind == "year"] == [False, False]
