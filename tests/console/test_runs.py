"""Runs are listed, told change by change, and downloaded, however large a night was; nothing of another school is there."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from evenings import catch_up, desk_does, digest_of, held_plan, held_reading, night, pupils, words
from morning import MINE, OTHER, Browser, Morning, morning
from onroll_core.accounts import Account, IdentityId
from onroll_core.changes import Create, Rejected, Who
from onroll_core.people import Role as Kind
from onroll_core.plan import Plan
from onroll_daemon.console.rights import Role

RUNS = f"/schools/{MINE}/runs"


@pytest.fixture
def sixty(tmp_path: Path) -> Iterator[Morning]:
    with morning(tmp_path, *pupils()) as made:
        catch_up(made)
        yield made


def viewer(world: Morning, *schools: str) -> Browser:
    return world.as_(world.operator(Role.VIEWER, *(schools or (MINE,))))


def big_run(world: Morning, count: int, refused: int = 0, first: str = "Face") -> int:
    """A run that planned as many new accounts, and of which the first were sent and refused."""
    store, now = world.store, world.clock()
    changes = []
    for number in range(count):
        who = Who(IdentityId(f"x{number}"), f"user{number:05}", Kind.STUDENT)
        changes.append(Create(who, Account(who.username, None, display_name=f"{first} {number}"), "on roll"))
    run = store.start_run(MINE, "sync", now, "service")
    plan = Plan("ad", MINE, tuple(changes))
    kept = store.keep_plan(run, plan, "cleared", (), now)
    if refused:
        journal = store.journal(kept, plan)
        journal.intend(changes[:refused])
        for each in changes[:refused]:
            journal.record(Rejected(each, "The name is taken."))
    store.end_run(run, "failed" if refused else "done", {"targets": {"ad": {"verdict": "cleared", "failed": refused}}}, now + timedelta(minutes=1))  # fmt: skip
    return run


def test_runs_are_listed_newest_first_and_filtered(sixty: Morning) -> None:
    held_reading(sixty)
    page = viewer(sixty).get(RUNS)
    told = words(page.text)
    newest, first = (each["id"] for each in sixty.store.runs(MINE))
    assert told.index(f"Sync {newest}") < told.index(f"Sync {first}")
    assert "Held: 40 of 60 pupils are missing" in told
    held = words(viewer(sixty).get(f"{RUNS}?status=held&kind=sync").text)
    assert f"Sync {newest}" in held
    assert f"Sync {first}" not in held
    assert "No run fits." in words(viewer(sixty).get(f"{RUNS}?kind=undo").text)
    assert "1 to 2 of 2" in words(viewer(sixty).get(f"{RUNS}?kind=nonsense").text)


def test_runs_are_paged(sixty: Morning) -> None:
    for _ in range(55):
        run = sixty.store.start_run(MINE, "pull", sixty.clock(), "service")
        sixty.store.end_run(run, "done", {}, sixty.clock())
    told = viewer(sixty).get(RUNS).text
    assert "1 to 50 of 56" in told
    assert f'href="{RUNS}?page=2"' in told
    assert "51 to 56 of 56" in viewer(sixty).get(f"{RUNS}?page=2").text
    going = sixty.store.start_run(MINE, "sync", sixty.clock(), "service")
    assert f"Sync {going}" in words(viewer(sixty).get(f"{RUNS}?status=under+way").text)


def test_a_run_says_who_asked_what_was_read_and_what_was_done(sixty: Morning) -> None:
    told = words(viewer(sixty).get("/runs/1").text)
    assert f"Asked for by {sixty.store.runs(MINE)[0]['by']} Begun" in told
    assert "believed 60 pupils, 0 members of staff and" in told
    assert "ad cleared 60 0 0 0 0" in told
    assert "Create 20pnumberb (Pupil Numberb)" in told
    assert "1 to 50 of 60" in told
    page = viewer(sixty).get("/runs/1?page=2").text
    assert "51 to 60 of 60" in page
    person = sixty.store.find(MINE, "20pnumberj")[0]
    assert f'href="/users/{person.id}"' in viewer(sixty).get("/runs/1?q=20pnumberj").text


def test_a_held_run_says_why_and_shows_the_way_to_the_plan(sixty: Morning) -> None:
    held_plan(sixty)
    number = sixty.store.runs(MINE, 1)[0]["id"]
    page = viewer(sixty).get(f"/runs/{number}")
    told = words(page.text)
    assert "ad held 0 0 0 0 8" in told
    assert "8 pupils would be disabled" in told
    assert f'href="/schools/{MINE}/plan?target=ad"' in page.text
    assert (
        f'href="/runs/{number}/undo"' not in sixty.as_(sixty.operator(Role.OPERATOR, MINE)).get(f"/runs/{number}").text
    )


def test_what_became_of_changes_is_filtered_and_told(sixty: Morning) -> None:
    number = big_run(sixty, 120, refused=3)
    told = words(viewer(sixty).get(f"/runs/{number}?outcome=failed").text)
    assert "1 to 3 of 3" in told
    assert told.count("The name is taken.") == 3
    assert "1 to 50 of 117" in words(viewer(sixty).get(f"/runs/{number}?outcome=not+sent").text)
    assert "Any Failed (3) Not sent (117)" in told
    assert "1 to 50 of 120" in words(viewer(sixty).get(f"/runs/{number}?outcome=nonsense").text)


def test_a_change_that_was_sent_and_not_answered_is_not_known(sixty: Morning) -> None:
    store, now = sixty.store, sixty.clock()
    change = Create(Who(IdentityId("x1"), "lone", Kind.STUDENT), Account("lone", None), "on roll")
    run = store.start_run(MINE, "sync", now, "service")
    plan = Plan("ad", MINE, (change,))
    store.journal(store.keep_plan(run, plan, "cleared", (), now), plan).intend([change])
    told = words(viewer(sixty).get(f"/runs/{run}").text)
    assert "Not known (1)" in told
    assert "It is at work." in told
    headers = {"Authorization": f"Bearer {sixty.token(Role.VIEWER, MINE)}"}
    (row,) = sixty.client.get(f"/api/v1/runs/{run}/changes?outcome=not known", headers=headers).json()["changes"]
    assert (row["username"], row["outcome"], row["answered"]) == ("lone", "not known", None)


def test_a_run_is_downloaded_with_no_formula_in_it(sixty: Morning) -> None:
    number = big_run(sixty, 2105, first="=HYPERLINK()")
    answer = viewer(sixty).get(f"/runs/{number}.csv")
    assert answer.headers["content-disposition"] == f'attachment; filename="run-{number}.csv"'
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert rows[0][:4] == ["run", "target", "kind", "username"]
    assert len(rows) == 2106
    assert [row[3] for row in rows[1:]] == [f"user{each:05}" for each in range(2105)]
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "@", "-"))]
    assert sixty.store.console.audit.list(None)[0].what == f"downloaded the changes of run {number}"


def test_a_note_that_is_a_formula_is_only_text_in_the_file(sixty: Morning) -> None:
    store, now = sixty.store, sixty.clock()
    change = Create(Who(IdentityId("x1"), "=1+1", Kind.STUDENT), Account("x", None), "on roll")
    run = store.start_run(MINE, "sync", now, "service")
    plan = Plan("ad", MINE, (change,))
    journal = store.journal(store.keep_plan(run, plan, "cleared", (), now), plan)
    journal.intend([change])
    journal.record(Rejected(change, "@SUM(A1)"))
    rows = list(csv.reader(io.StringIO(viewer(sixty).get(f"/runs/{run}.csv").text.removeprefix("\ufeff"))))
    assert (rows[1][3], rows[1][7]) == ("'=1+1", "'@SUM(A1)")


def test_a_run_of_another_school_is_not_there(sixty: Morning) -> None:
    other = viewer(sixty, OTHER)
    for path in ("/runs/1", "/runs/1.csv", "/runs/1?page=2", RUNS, "/runs/999", "/runs/999.csv"):
        assert other.get(path).status_code == 404
    headers = {"Authorization": f"Bearer {sixty.token(Role.VIEWER, OTHER)}"}
    for path in ("/runs/1", "/runs/1/changes", f"/schools/{MINE}/runs"):
        assert sixty.client.get(f"/api/v1{path}", headers=headers).status_code == 404


def test_the_page_of_a_large_run_loads_one_page_of_it(sixty: Morning, monkeypatch: Any) -> None:
    number = big_run(sixty, 5000)
    opened = []
    real = type(sixty.store.browse).changes

    def counted(self: Any, *of: Any, **more: Any) -> Any:
        found = real(self, *of, **more)
        opened.append(len(found.rows))
        return found

    monkeypatch.setattr(type(sixty.store.browse), "changes", counted)
    monkeypatch.setattr(type(sixty.store), "run", None)
    assert "1 to 50 of 5,000" in words(viewer(sixty).get(f"/runs/{number}").text)
    assert "1 to 50 of 5,000" in words(viewer(sixty).get(f"/schools/{MINE}/plan").text)
    assert opened
    assert max(opened) <= 50


def test_scripts_read_runs_and_their_changes(sixty: Morning) -> None:
    headers = {"Authorization": f"Bearer {sixty.token(Role.VIEWER, MINE)}"}
    told = sixty.client.get(f"/api/v1/schools/{MINE}/runs?kind=sync&limit=1", headers=headers).json()
    assert (told["total"], told["runs"][0]["id"], told["runs"][0]["status"]) == (1, 1, "done")
    one = sixty.client.get("/api/v1/runs/1", headers=headers).json()
    assert one["plans"][0]["outcomes"] == {"done": 60, "failed": 0, "put off": 0, "not known": 0, "not sent": 0}
    listed = sixty.client.get("/api/v1/runs/1/changes?text=20pnumberj&outcome=done", headers=headers).json()
    assert (listed["total"], listed["changes"][0]["username"]) == (1, "20pnumberj")
    assert sixty.client.get("/api/v1/runs/1/changes?outcome=nonsense", headers=headers).status_code == 422


def test_a_run_for_one_person_says_so_and_is_not_the_school_s_plan(sixty: Morning) -> None:
    digest = digest_of(held_plan(sixty))
    person = sixty.store.find(MINE, "20pnumberbj")[0]
    asked = {"approve": [], "targets": None, "identity": person.id}
    sixty.store.requests.ask(MINE, "apply", asked, "ann", sixty.clock())
    (done,) = desk_does(sixty)
    assert "For 1 person alone" in words(viewer(sixty).get(f"/runs/{done.result['run']}").text)
    assert digest in viewer(sixty).get(f"/schools/{MINE}/plan").text
    night(sixty)
