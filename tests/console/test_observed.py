"""A target that is only observed: its plan is shown, nobody is asked to approve it, and whoever does all the same is told why that does nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from evenings import catch_up, desk_does, digest_of, disabled, forms, held_plan, pupils, words
from morning import MINE, Morning, morning
from onroll_daemon.console.rights import Role

PLAN = f"/schools/{MINE}/plan"
SAID = "ad is only observed: plans for it are made and shown, and nothing is written to it, whatever anybody approves."
WHERE = "take observe_only = true out of [targets.ad] in onroll.toml and start onroll again."


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Morning]:
    """A school of sixty in which more would be disabled than may be; then somebody has onroll observe only."""
    with morning(tmp_path, *pupils()) as made:
        catch_up(made)
        yield made


def observe_only(world: Morning) -> None:
    targets: Any = world.settings.targets
    rules = dataclasses.replace(targets["ad"].rules, observe_only=True)
    targets["ad"] = dataclasses.replace(targets["ad"], rules=rules)


def test_nobody_is_asked_to_approve_what_is_only_observed(world: Morning) -> None:
    digest = digest_of(held_plan(world))
    ann = world.as_(world.operator(Role.OPERATOR, MINE))
    assert forms(ann.get(PLAN).text, f"/schools/{MINE}/approve")
    observe_only(world)
    page = ann.get(PLAN)
    told = words(page.text)
    assert SAID in told
    assert WHERE in told
    assert "8 pupils would be disabled" in told
    assert "only observed" in told
    assert not forms(page.text, f"/schools/{MINE}/approve") + forms(page.text, f"/schools/{MINE}/refuse")
    today = words(ann.get(f"/?school={MINE}").text)
    assert "what waits for a decision" not in today
    assert "8 changes would be made in ad, if onroll did not only observe there." in today
    for path, data in (("approve", {"digest": digest, "when": "now"}), ("refuse", {"digest": digest, "why": "No."})):
        answer = ann.post(f"/schools/{MINE}/{path}", data)
        assert answer.status_code == 409
        assert f"{WHERE} Nothing was approved or refused." in words(answer.text)
    assert world.store.open_approval(digest, world.clock()) is None
    assert not world.store.requests.open(MINE)


def test_a_script_is_told_the_same(world: Morning) -> None:
    digest = digest_of(held_plan(world))
    observe_only(world)
    headers = {"Authorization": f"Bearer {world.token(Role.OPERATOR, MINE)}"}
    base = f"/api/v1/schools/{MINE}"
    told = world.client.get(f"{base}/plan", headers=headers).json()
    assert told["held"] == []
    assert told["plans"][0]["observe_only"] is True
    answer = world.client.post(f"{base}/approvals", json={"digest": digest, "now": True}, headers=headers)
    assert answer.status_code == 409
    assert answer.json()["sentence"] == f"{SAID} To have onroll write there, {WHERE} Nothing was approved or refused."


def test_what_was_approved_before_does_nothing_and_says_so(world: Morning) -> None:
    digest = digest_of(held_plan(world))
    observe_only(world)
    asked = {"approve": [digest], "targets": ["ad"], "identity": None}
    world.store.requests.ask(MINE, "apply", asked, "ann", world.clock())
    (done,) = desk_does(world)
    assert done.result["changed"].startswith(f"The approval of {digest} does nothing. {SAID}")
    assert disabled(world) == 0


def test_a_run_is_not_taken_back_where_onroll_only_observes(world: Morning) -> None:
    observe_only(world)
    (run,) = [each["id"] for each in world.store.runs(MINE)]
    ann = world.as_(world.operator(Role.OPERATOR, MINE))
    ann.post(f"/runs/{run}/undo/look")
    (looked,) = desk_does(world)
    (plan,) = looked.result["plans"]
    page = ann.get(f"/runs/{run}/undo")
    assert SAID in words(page.text)
    assert not [each for each in forms(page.text, f"/runs/{run}/undo") if "approve" in each]
    answer = ann.post(f"/runs/{run}/undo", {"approve": [plan["digest"]]})
    assert answer.status_code == 409
    assert f"{WHERE} Nothing was taken back." in words(answer.text)
