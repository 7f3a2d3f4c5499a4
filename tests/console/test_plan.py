"""The page of the plan: what is held and why, and a yes or no that is bound to what was seen, asked for once, by as many people as have to."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from evenings import (
    audited,
    catch_up,
    desk_does,
    digest_of,
    disabled,
    forms,
    held_plan,
    held_reading,
    night,
    pupils,
    words,
)
from morning import MINE, OTHER, Browser, Morning, morning
from onroll_core import pipeline
from onroll_core.store import Store
from onroll_daemon.console.app import console_app
from onroll_daemon.console.rights import Role
from onroll_daemon.wiring import line

PLAN = f"/schools/{MINE}/plan"
APPROVE, REFUSE = f"/schools/{MINE}/approve", f"/schools/{MINE}/refuse"


@pytest.fixture
def sixty(tmp_path: Path) -> Iterator[Morning]:
    with morning(tmp_path, *pupils()) as made:
        catch_up(made)
        yield made


def two_have_to(world: Morning) -> None:
    """The school asks for a second person."""
    schools: Any = world.settings.schools
    schools[MINE] = replace(schools[MINE], rules=replace(schools[MINE].rules, second_person=True))


def operator(world: Morning, name: str = "ann", role: Role = Role.OPERATOR) -> Browser:
    return world.as_(world.operator(role, MINE, name=name))


def test_a_quiet_school_has_nothing_to_do(sixty: Morning) -> None:
    told = words(operator(sixty).get(PLAN).text)
    assert "It wrote 60 changes." in told
    assert "Nothing to do." in told
    assert "Held" not in told


def test_a_held_plan_says_why_whom_it_is_about_and_what_was_not_done(sixty: Morning) -> None:
    digest = digest_of(held_plan(sixty))
    page = operator(sixty).get(PLAN)
    told = words(page.text)
    assert "8 pupils would be disabled for a reason that the school year does not explain" in told
    assert "Nothing of this plan was written." in told
    assert "Disable 20pnumberb (Pupil Numberb) : was missing from the last 3 complete reads of the MIS." in told
    assert digest in told
    assert [each["when"] for each in forms(page.text, APPROVE)] == ["now", "tonight"]
    assert {each["digest"] for each in forms(page.text, APPROVE) + forms(page.text, REFUSE)} == {digest}


def test_a_viewer_sees_what_is_held_and_cannot_answer_it(sixty: Morning) -> None:
    digest = digest_of(held_plan(sixty))
    viewer = operator(sixty, "vic", Role.VIEWER)
    page = viewer.get(PLAN)
    assert digest in page.text
    assert not forms(page.text, APPROVE)
    assert viewer.post(APPROVE, {"digest": digest}).status_code == 403
    assert sixty.store.open_approval(digest, sixty.clock()) is None


def test_approved_now_it_is_asked_for_once_and_exactly_that_is_done(sixty: Morning) -> None:
    digest, ann = digest_of(held_plan(sixty)), operator(sixty)
    sent = ann.post(APPROVE, {"digest": digest, "when": "now"})
    assert sent.status_code == 303
    (done,) = desk_does(sixty)
    assert sent.headers["location"] == f"/requests/{done.id}"
    assert (done.kind, done.status, done.result["targets"]["ad"]["disabled"]) == ("apply", "done", 8)
    assert disabled(sixty) == 8
    assert audited(sixty, MINE) == ["asked for the plan for ad to be done now", "approved the plan for ad"]
    assert "Held" not in words(ann.get(PLAN).text)


def test_approved_for_tonight_nothing_is_done_before_the_next_run(sixty: Morning) -> None:
    digest, ann = digest_of(held_plan(sixty)), operator(sixty)
    assert ann.post(APPROVE, {"digest": digest, "when": "tonight"}).headers["location"] == PLAN
    assert not sixty.store.requests.open(MINE)
    assert "ann approved it on" in words(ann.get(PLAN).text)
    assert disabled(sixty) == 0
    assert night(sixty).targets["ad"].verdict == "cleared"
    assert disabled(sixty) == 8


def test_an_approval_for_tonight_is_over_after_a_day(sixty: Morning) -> None:
    digest = digest_of(held_plan(sixty))
    operator(sixty).post(APPROVE, {"digest": digest})
    sixty.later(hours=25)
    assert night(sixty).targets["ad"].verdict == "held"
    assert disabled(sixty) == 0


def test_what_was_approved_for_tonight_can_be_done_now_after_all(sixty: Morning) -> None:
    digest, ann = digest_of(held_plan(sixty)), operator(sixty)
    ann.post(APPROVE, {"digest": digest})
    assert operator(sixty, "ben").post(APPROVE, {"digest": digest}).status_code == 409
    assert [each["when"] for each in forms(ann.get(PLAN).text, APPROVE)] == ["now"]
    ann.post(APPROVE, {"digest": digest, "when": "now"})
    desk_does(sixty)
    assert disabled(sixty) == 8
    assert audited(sixty).count("approved the plan for ad") == 1


def test_two_who_approve_at_once_have_approved_it_once_and_the_second_is_told(sixty: Morning) -> None:
    digest = digest_of(held_plan(sixty))
    people = [operator(sixty, name) for name in ("ann", "ben", "cat", "dan")]
    answers: list[Any] = []
    start = threading.Barrier(len(people))

    def approve(who: Browser) -> None:
        start.wait()
        answers.append(who.post(APPROVE, {"digest": digest, "when": "now"}))

    threads = [threading.Thread(target=approve, args=(who,)) for who in people]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(each.status_code for each in answers) == [303, 409, 409, 409]
    refused = [each.text for each in answers if each.status_code == 409]
    assert all("Nothing was approved twice." in words(each) for each in refused)
    assert len(sixty.store.requests.open(MINE)) == 1
    assert audited(sixty).count("approved the plan for ad") == 1


def test_a_plan_that_has_changed_is_not_approved_and_the_new_one_is_shown(sixty: Morning) -> None:
    old = digest_of(held_plan(sixty))
    sixty.command.students(*pupils()[9:])
    for _ in range(3):
        new = digest_of(night(sixty))
    assert new != old
    answer = operator(sixty).post(APPROVE, {"digest": old, "when": "now"})
    assert answer.status_code == 409
    assert "What is held is no longer what you were looking at" in words(answer.text)
    assert {each["digest"] for each in forms(answer.text, APPROVE)} == {new}
    assert sixty.store.open_approval(old, sixty.clock()) is None
    assert not sixty.store.requests.open(MINE)


def test_a_plan_that_changes_after_the_yes_is_not_carried_out(sixty: Morning) -> None:
    digest, ann = digest_of(held_plan(sixty)), operator(sixty)
    ann.post(APPROVE, {"digest": digest, "when": "now"})
    sixty.command.students(*pupils()[7:])
    night(sixty)
    (done,) = desk_does(sixty)
    assert done.status == "held"
    assert disabled(sixty) == 0
    told = words(ann.get(f"/runs/{done.result['run']}").text)
    assert "The plan has changed since you looked at it: nothing of it was written." in told


def test_a_refusal_keeps_its_reason_takes_the_yes_back_and_can_be_thought_better_of(sixty: Morning) -> None:
    digest, ann, ben = digest_of(held_plan(sixty)), operator(sixty), operator(sixty, "ben")
    ann.post(APPROVE, {"digest": digest})
    assert ben.post(REFUSE, {"digest": digest, "why": "They are <i>on a trip</i>."}).headers["location"] == PLAN
    assert night(sixty).targets["ad"].verdict == "held"
    page = ann.get(PLAN)
    assert "ben refused it on" in words(page.text)
    assert "They are <i>on a trip</i>." in words(page.text)
    assert "<i>on a trip" not in page.text
    assert audited(sixty)[0] == "refused the plan for ad: They are <i>on a trip</i>."
    ann.post(APPROVE, {"digest": digest, "when": "now"})
    desk_does(sixty)
    assert disabled(sixty) == 8


def test_a_refusal_needs_a_reason(sixty: Morning) -> None:
    digest = digest_of(held_plan(sixty))
    answer = operator(sixty).post(REFUSE, {"digest": digest, "why": "  "})
    assert answer.status_code == 409
    assert "Say why it is refused" in answer.text
    assert sixty.store.refusal(digest) is None


def test_what_is_being_done_is_not_refused_any_more(sixty: Morning) -> None:
    digest, ann = digest_of(held_plan(sixty)), operator(sixty)
    ann.post(APPROVE, {"digest": digest, "when": "now"})
    assert "it is being done" in words(ann.get(PLAN).text)
    assert operator(sixty, "ben").post(REFUSE, {"digest": digest, "why": "No."}).status_code == 409
    desk_does(sixty)
    assert disabled(sixty) == 8


def test_where_two_have_to_the_same_person_is_not_both(sixty: Morning) -> None:
    two_have_to(sixty)
    digest, ann = digest_of(held_plan(sixty)), operator(sixty)
    assert "Two people have to approve it." in words(ann.get(PLAN).text)
    assert ann.post(APPROVE, {"digest": digest, "when": "now"}).headers["location"] == PLAN
    assert not sixty.store.requests.open(MINE)
    assert "You approved it on" in words(ann.get(PLAN).text)
    assert not forms(ann.get(PLAN).text, APPROVE)
    again = ann.post(APPROVE, {"digest": digest, "when": "now"})
    assert again.status_code == 409
    assert "A second person has to approve it" in words(again.text)
    assert night(sixty).targets["ad"].verdict == "held"
    ben = operator(sixty, "ben")
    assert "ann approved it on" in words(ben.get(PLAN).text)
    assert ben.post(APPROVE, {"digest": digest, "when": "now"}).headers["location"].startswith("/requests/")
    desk_does(sixty)
    assert disabled(sixty) == 8


def test_a_script_is_neither_of_two_people(sixty: Morning) -> None:
    two_have_to(sixty)
    digest = digest_of(held_plan(sixty))
    headers = {"Authorization": f"Bearer {sixty.token(Role.OPERATOR, MINE)}"}
    answer = sixty.client.post(f"/api/v1/schools/{MINE}/approvals", json={"digest": digest}, headers=headers)
    assert answer.status_code == 403
    assert "a script is no person" in answer.json()["sentence"]
    assert sixty.store.open_approval(digest, sixty.clock()) is None


def test_a_held_reading_is_told_in_numbers_and_approved_as_it_was_read(sixty: Morning) -> None:
    digest, ann = digest_of(held_reading(sixty)), operator(sixty)
    told = words(ann.get(PLAN).text)
    assert "The last reading is not believed yet" in told
    assert "Pupils 60 20" in told
    ann.post(APPROVE, {"digest": digest, "when": "now"})
    (done,) = desk_does(sixty)
    assert (done.kind, done.asked["approve"]) == ("sync", [digest])
    assert "held" not in done.result
    assert audited(sixty)[-1] == "approved the last reading"


def test_a_plan_is_worked_out_when_somebody_asks_and_stands_there_until_a_run_is_newer(sixty: Morning) -> None:
    held_plan(sixty)
    viewer = operator(sixty, "vic", Role.VIEWER)
    sent = viewer.post(PLAN)
    (done,) = desk_does(sixty)
    assert (sent.headers["location"], done.kind, done.status) == (f"/requests/{done.id}", "plan", "done")
    assert "because vic asked" in words(viewer.get(PLAN).text)
    night(sixty)
    assert "because vic asked" not in words(viewer.get(PLAN).text)


def test_what_a_look_says_is_held_can_be_approved(sixty: Morning) -> None:
    digest, ann = digest_of(held_plan(sixty)), operator(sixty)
    ann.post(PLAN)
    desk_does(sixty)
    assert digest in ann.get(PLAN).text
    ann.post(APPROVE, {"digest": digest, "when": "now"})
    desk_does(sixty)
    assert disabled(sixty) == 8


def test_a_plan_of_another_day_is_shown_apart_and_approves_nothing(sixty: Morning) -> None:
    held_plan(sixty)
    ann = operator(sixty)
    ann.post(PLAN, {"as_of": f"{sixty.clock().year + 1}-09-01"})
    (done,) = desk_does(sixty)
    assert done.status == "done"
    assert "because ann asked" not in words(ann.get(PLAN).text)
    page = ann.get(f"{PLAN}?look={done.id}")
    assert "The plan for 1 September" in words(page.text)
    assert not forms(page.text, APPROVE)
    assert ann.post(PLAN, {"as_of": "the first"}).status_code == 409
    there = world_answer(sixty, ann, done.id)
    assert there == f"{PLAN}?look={done.id}"


def world_answer(world: Morning, who: Browser, number: int) -> str:
    """Where the page of a request goes on to."""
    return str(who.get(f"/requests/{number}", headers={"HX-Request": "true"}).headers["hx-redirect"])


def test_a_look_of_another_school_is_not_shown(sixty: Morning) -> None:
    everybody = sixty.as_(sixty.operator(Role.ADMINISTRATOR))
    everybody.post(f"/schools/{OTHER}/plan")
    (done,) = desk_does(sixty, OTHER)
    assert everybody.get(f"/schools/{OTHER}/plan?look={done.id}").status_code == 200
    assert everybody.get(f"{PLAN}?look={done.id}").status_code == 404
    assert everybody.get(f"{PLAN}?look=9999").status_code == 404


def test_the_changes_of_a_run_are_searched_filtered_and_paged(sixty: Morning) -> None:
    late = [f"9{row.replace('Pupil,Number', 'Zoe,Late')}" for row in pupils(12)]
    sixty.command.students(*pupils(), *late)
    ann = operator(sixty)
    night(sixty)
    number = sixty.store.runs(MINE, 1)[0]["id"]
    whole = words(ann.get(f"/runs/{number}").text)
    assert "New accounts" in whole
    assert "1 to 12 of 12" in whole
    assert "1 to 1 of 1" in words(ann.get(f"/runs/{number}?q=latebc").text)
    assert "No change fits." in words(ann.get(f"/runs/{number}?q=nobody").text)
    assert "No change fits." in words(ann.get(f"/runs/{number}?kind=disable").text)
    assert "nothing here; there are 12" in words(ann.get(f"/runs/{number}?page=9").text)


def test_a_list_of_held_changes_is_searched(sixty: Morning) -> None:
    held_plan(sixty)
    ann = operator(sixty)
    for _ in range(2):  # as a run has it, then as a look has it
        assert "1 to 1 of 1" in words(ann.get(f"{PLAN}?q=numberc+missing").text)
        assert "No change fits." in words(ann.get(f"{PLAN}?q=nobody").text)
        assert "No change fits." in words(ann.get(f"{PLAN}?kind=create").text)
        assert "1 to 8 of 8" in words(ann.get(f"{PLAN}?kind=disable&target=ad").text)
        ann.post(PLAN)
        desk_does(sixty)


def test_a_name_with_markup_in_it_is_text(tmp_path: Path) -> None:
    with morning(tmp_path, *pupils(50)) as world:
        catch_up(world)
        ann = operator(world)
        world.command.students(*pupils(50), f"99,<b>Bo</b>,O'Neill,7,{pupils(1)[0].split(',')[4]},")
        ann.post(f"/schools/{MINE}/sync")
        desk_does(world)
        world.command.students(*pupils(50), f"99,<b>Bob</b>,O'Neill,7,{pupils(1)[0].split(',')[4]},")
        for path in (f"/runs/{world.store.runs(MINE, 1)[0]['id']}", f"/?school={MINE}", PLAN, f"/schools/{MINE}/runs"):
            page = ann.get(path)
            assert page.status_code == 200
            assert "<b>Bo" not in page.text
        assert "&lt;b&gt;Bo" in ann.get(f"/runs/{world.store.runs(MINE, 1)[0]['id']}").text


def test_what_somebody_was_called_before_is_told_nowhere(sixty: Morning) -> None:
    sixty.command.students(pupils(1, "Oldname")[0], *pupils()[1:])
    night(sixty)
    sixty.command.students(pupils(1, "Newname")[0], *pupils()[1:])
    pipeline.pull(line(sixty.settings, sixty.settings.schools[MINE], sixty.store, clock=sixty.clock))
    ann = operator(sixty)
    ann.post(PLAN)
    desk_does(sixty)
    page = ann.get(PLAN)
    assert "Newname Numberb" in words(page.text)
    assert "Oldname" not in page.text
    headers = {"Authorization": f"Bearer {sixty.token(Role.VIEWER, MINE)}"}
    told = sixty.client.get(f"/api/v1/schools/{MINE}/plan/changes?target=ad", headers=headers)
    assert "Newname" in told.text
    assert "Oldname" not in told.text


def test_another_school_s_plan_is_not_there(sixty: Morning) -> None:
    digest, ben = digest_of(held_plan(sixty)), sixty.as_(sixty.operator(Role.OPERATOR, OTHER))
    for answer in (
        ben.get(PLAN), ben.post(PLAN), ben.post(APPROVE, {"digest": digest}), ben.post(REFUSE, {"digest": digest, "why": "x"}),
        ben.post(f"/schools/{MINE}/sync"),
    ):  # fmt: skip
        assert answer.status_code == 404
    assert not sixty.store.requests.open(MINE)
    assert ben.post(f"/schools/{OTHER}/approve", {"digest": digest, "when": "now"}).status_code == 409


def test_a_forged_form_approves_nothing(sixty: Morning) -> None:
    digest, ann = digest_of(held_plan(sixty)), operator(sixty)
    assert ann.post(APPROVE, {"digest": digest}, csrf=False).status_code == 403
    assert sixty.store.open_approval(digest, sixty.clock()) is None


def test_a_store_that_is_locked_is_said_and_nothing_is_approved(sixty: Morning) -> None:
    digest, ann = digest_of(held_plan(sixty)), operator(sixty)
    impatient = Store.open(sixty.settings.store_url, sixty.clock, patience=0.2)
    app = console_app(replace(sixty.place, store=impatient))
    path = sixty.settings.store_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path)) as other, TestClient(app, raise_server_exceptions=False) as client:
        other.execute("BEGIN IMMEDIATE")
        answer = Browser(client, ann.cookie, ann.csrf).post(APPROVE, {"digest": digest})
        other.rollback()
    impatient.close()
    assert answer.status_code == 503
    assert "Try again in a moment" in answer.text
    assert sixty.store.open_approval(digest, sixty.clock()) is None


def test_a_sync_is_asked_for_once_however_many_ask(sixty: Morning) -> None:
    ann, ben = operator(sixty), operator(sixty, "ben")
    one, other = ann.post(f"/schools/{MINE}/sync"), ben.post(f"/schools/{MINE}/sync")
    assert one.headers["location"] == other.headers["location"]
    assert audited(sixty) == ["asked for a sync"]
    (done,) = desk_does(sixty)
    assert (done.kind, done.status, done.by) == ("sync", "done", "ann")
    assert operator(sixty, "vic", Role.VIEWER).post(f"/schools/{MINE}/sync").status_code == 403


def test_a_script_reads_the_plan_and_answers_it(sixty: Morning) -> None:
    digest = digest_of(held_plan(sixty))
    headers = {"Authorization": f"Bearer {sixty.token(Role.OPERATOR, MINE)}"}
    base = f"/api/v1/schools/{MINE}"
    told = sixty.client.get(f"{base}/plan", headers=headers).json()
    (held,) = told["held"]
    assert (held["digest"], held["target"], held["approved"]) == (digest, "ad", None)
    assert told["plans"][0]["kinds"] == {"disable": 8}
    listed = sixty.client.get(f"{base}/plan/changes?target=ad&limit=3&offset=6", headers=headers).json()
    assert (len(listed["changes"]), listed["total"]) == (2, 8)
    wrong = sixty.client.post(f"{base}/approvals", json={"digest": digest, "target": "google"}, headers=headers)
    assert wrong.status_code == 409
    sent = sixty.client.post(f"{base}/refusals", json={"digest": digest, "why": "A trip."}, headers=headers)
    assert sent.status_code == 200
    assert sixty.client.get(f"{base}/plan", headers=headers).json()["held"][0]["refused_because"] == "A trip."
    sent = sixty.client.post(f"{base}/approvals", json={"digest": digest, "target": "ad", "now": True}, headers=headers)
    assert sent.status_code == 202
    (done,) = desk_does(sixty)
    assert sent.json() == {"complete": True, "request": done.id}
    assert disabled(sixty) == 8
    for path, body in (("plan", {"as_of": None}), ("plan", {"as_of": "2027-09-01"}), ("sync", None)):
        begun = sixty.client.post(f"{base}/{path}", json=body, headers=headers)
        assert (begun.status_code, list(begun.json())) == (202, ["request"])


def test_the_page_of_what_is_at_work_survives_a_reload(sixty: Morning) -> None:
    ann = operator(sixty)
    there = ann.post(f"/schools/{MINE}/sync").headers["location"]
    for path in (PLAN, f"/?school={MINE}", there):
        assert f'hx-get="{there}"' in ann.get(path).text
    desk_does(sixty)
    assert world_answer(sixty, ann, int(there.rpartition("/")[2])).startswith("/runs/")
