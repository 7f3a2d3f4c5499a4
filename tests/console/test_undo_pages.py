"""A run is taken back from its page: shown first, and done when exactly what was shown is approved."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evenings import audited, catch_up, desk_does, digest_of, disabled, forms, held_plan, night, pupils, words
from morning import MINE, OTHER, Browser, Morning, morning
from onroll_daemon.console.rights import Role


@pytest.fixture
def wrong(tmp_path: Path) -> Iterator[Morning]:
    """Eight accounts were disabled, which was wrong."""
    with morning(tmp_path, *pupils()) as made:
        catch_up(made)
        digest = digest_of(held_plan(made))
        made.store.approve(digest, MINE, "ann", made.clock(), made.clock().replace(year=made.clock().year + 1))
        night(made)
        assert disabled(made) == 8
        yield made


def run_of(world: Morning) -> int:
    return int(world.store.runs(MINE, 1)[0]["id"])


def operator(world: Morning, name: str = "ann", role: Role = Role.OPERATOR) -> Browser:
    return world.as_(world.operator(role, MINE, name=name))


def looked(world: Morning, who: Browser, run: int) -> str:
    """Somebody has it shown; gives the digest of it."""
    sent = who.post(f"/runs/{run}/undo/look")
    assert sent.status_code == 303
    (done,) = desk_does(world)
    assert (done.kind, done.status, sent.headers["location"]) == ("show-undo", "done", f"/requests/{done.id}")
    (plan,) = done.result["plans"]
    return str(plan["digest"])


def test_nothing_is_shown_before_somebody_asks(wrong: Morning) -> None:
    page = operator(wrong).get(f"/runs/{run_of(wrong)}/undo")
    assert "Show what would be taken back" in page.text
    assert not forms(page.text, f"/runs/{run_of(wrong)}/undo")
    assert f'href="/runs/{run_of(wrong)}/undo"' in operator(wrong).get(f"/runs/{run_of(wrong)}").text


def test_what_would_be_taken_back_is_shown_and_then_exactly_that_is_done(wrong: Morning) -> None:
    run, ann = run_of(wrong), operator(wrong)
    digest = looked(wrong, ann, run)
    page = ann.get(f"/runs/{run}/undo")
    assert "8 changes would take it back." in words(page.text)
    assert "Enable 20pnumberb (Pupil Numberb)" in words(page.text)
    assert [each["approve"] for each in forms(page.text, f"/runs/{run}/undo")] == [digest]
    ann.post(f"/runs/{run}/undo", {"approve": digest})
    (done,) = desk_does(wrong)
    assert (done.kind, done.status, done.asked) == (
        "undo",
        "done",
        {"approve": [digest], "run": run, "targets": ["ad"]},
    )
    assert disabled(wrong) == 0
    assert audited(wrong)[0] == f"approved taking back run {run} in ad"
    told = words(ann.get(f"/runs/{done.result['run']}").text)
    assert f"Takes back run {run}" in told
    assert f"Taken back by run {done.result['run']}" in words(ann.get(f"/runs/{run}").text)


def test_what_was_taken_back_is_not_taken_back_again(wrong: Morning) -> None:
    run, ann = run_of(wrong), operator(wrong)
    digest = looked(wrong, ann, run)
    ann.post(f"/runs/{run}/undo", {"approve": digest})
    assert operator(wrong, "ben").post(f"/runs/{run}/undo", {"approve": digest}).status_code == 409
    desk_does(wrong)
    again = ann.post(f"/runs/{run}/undo", {"approve": digest})
    assert again.status_code == 409
    assert "no longer what you were looking at" in words(again.text)
    assert not wrong.store.requests.open(MINE)


def test_a_digest_that_nobody_was_shown_is_refused_in_a_sentence(wrong: Morning) -> None:
    run, ann = run_of(wrong), operator(wrong)
    assert ann.post(f"/runs/{run}/undo", {"approve": "0123456789abcdef"}).status_code == 409
    looked(wrong, ann, run)
    answer = ann.post(f"/runs/{run}/undo", {"approve": "0123456789abcdef"})
    assert answer.status_code == 409
    assert "What would be taken back is no longer what you were looking at. Nothing was done." in words(answer.text)
    assert "Choose at least one target" in words(ann.post(f"/runs/{run}/undo").text)
    assert not wrong.store.requests.open(MINE)


def test_what_changed_between_the_look_and_the_undo_is_not_taken_back(wrong: Morning) -> None:
    run, ann = run_of(wrong), operator(wrong)
    digest = looked(wrong, ann, run)
    wrong.command.students(*pupils()[7:])
    night(wrong)  # one of them is back, and enabled
    ann.post(f"/runs/{run}/undo", {"approve": digest})
    (done,) = desk_does(wrong)
    assert done.status == "held"
    assert disabled(wrong) == 7
    assert "The plan has changed since you looked at it" in words(ann.get(f"/runs/{done.result['run']}").text)


def test_where_two_have_to_the_second_is_somebody_else(wrong: Morning) -> None:
    schools: Any = wrong.settings.schools
    schools[MINE] = replace(schools[MINE], rules=replace(schools[MINE].rules, second_person=True))
    run, ann, ben = run_of(wrong), operator(wrong), operator(wrong, "ben")
    digest = looked(wrong, ann, run)
    ann.post(f"/runs/{run}/undo", {"approve": digest})
    assert not wrong.store.requests.open(MINE)
    assert ann.post(f"/runs/{run}/undo", {"approve": digest}).status_code == 409
    assert not forms(ann.get(f"/runs/{run}/undo").text, f"/runs/{run}/undo")
    assert "ann approved it on" in words(ben.get(f"/runs/{run}/undo").text)
    ben.post(f"/runs/{run}/undo", {"approve": digest})
    (done,) = desk_does(wrong)
    assert done.status == "done"
    assert disabled(wrong) == 0


def test_a_run_that_wrote_nothing_has_nothing_to_take_back(wrong: Morning) -> None:
    quiet = run_of(wrong) - 2
    ann = operator(wrong)
    assert "there is nothing to take back" in words(ann.get(f"/runs/{quiet}/undo").text)
    assert ann.post(f"/runs/{quiet}/undo/look").status_code == 409
    assert not wrong.store.requests.open(MINE)


def test_who_may_not_undo_or_see_the_school_does_not(wrong: Morning) -> None:
    run = run_of(wrong)
    viewer, other = operator(wrong, "vic", Role.VIEWER), wrong.as_(wrong.operator(Role.OPERATOR, OTHER))
    for path in (f"/runs/{run}/undo", f"/runs/{run}/undo/look"):
        assert viewer.post(path).status_code == 403
        assert other.post(path).status_code == 404
    assert f"/runs/{run}/undo" not in viewer.get(f"/runs/{run}").text


def test_a_look_at_another_run_is_not_this_one_s(wrong: Morning) -> None:
    run, ann = run_of(wrong), operator(wrong)
    looked(wrong, ann, run)
    shown = wrong.store.requests.latest(MINE, "show-undo")[0].id
    assert ann.get(f"/runs/{run}/undo?shown={shown}").status_code == 200
    assert ann.get(f"/runs/1/undo?shown={shown}").status_code == 404


def test_scripts_look_and_undo(wrong: Morning) -> None:
    run = run_of(wrong)
    headers = {"Authorization": f"Bearer {wrong.token(Role.OPERATOR, MINE)}"}
    begun = wrong.client.post(f"/api/v1/runs/{run}/undo/look", headers=headers)
    assert begun.status_code == 202
    (done,) = desk_does(wrong)
    body = {"approve": [done.result["plans"][0]["digest"]]}
    sent = wrong.client.post(f"/api/v1/runs/{run}/undo", json=body, headers=headers)
    assert (sent.status_code, sent.json()["complete"]) == (202, True)
    desk_does(wrong)
    assert disabled(wrong) == 0
    assert wrong.client.post(f"/api/v1/runs/{run}/undo", json=body, headers=headers).status_code == 409
    assert wrong.client.post(f"/api/v1/runs/{run}/undo", json={"approve": []}, headers=headers).status_code == 422
