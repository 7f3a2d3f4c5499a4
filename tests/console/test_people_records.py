"""Whose a record is can be said on somebody's page, and a guest's account is left to the school that looks after it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from morning import MINE, OTHER, Browser, Morning
from onroll_core.identities import Identity
from onroll_core.people import SourceKey
from onroll_daemon.console.rights import Role
from onroll_daemon.operations.people import mark


@pytest.fixture
def back_again(world: Morning) -> Browser:
    """Ron is gone, and there is a new record of his name; the operator of the school is at the console."""
    world.command.students(
        "1,Harry,Potter,7,01/09/2026,", "3,Ron,Weasley,8,01/09/2025,01/11/2026", "9,Ron,Weasley,8,20/11/2026,"
    )
    world.command.run("sync", MINE)
    return world.as_(world.operator(Role.OPERATOR, MINE, name="ann"))


def ron(world: Morning) -> Identity:
    found = world.store.lookup.search([MINE], "19rweasley").people
    assert len(found) == 1
    return found[0]


def said(page: Any) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", page.text.partition("<main")[2].replace("<wbr>", "")).split())


def test_the_page_asks_whose_the_record_is_and_yes_joins_it(world: Morning, back_again: Browser) -> None:
    who = ron(world)
    page = said(back_again.get(f"/users/{who.id}"))
    assert "Is this the same person?" in page and "Yes, the record student:9 is them" in page
    answer = {"number": "student:9", "theirs": "yes", "seen": mark(who)}
    assert back_again.post(f"/users/{who.id}/record", answer).status_code == 303
    assert [key.record for key in ron(world).keys] == ["student:9", "student:3"]
    again = back_again.post(f"/users/{who.id}/record", answer | {"seen": mark(ron(world))})
    assert again.status_code == 409 and "already" in said(again)
    world.command.run("sync", MINE)
    assert ron(world).state == "active"
    page = said(back_again.get(f"/users/{who.id}"))
    assert "Is this the same person?" not in page and "Take student:3 away" in page


def test_no_makes_it_somebody_else(world: Morning, back_again: Browser) -> None:
    who = ron(world)
    assert back_again.post(f"/users/{who.id}/record", {"number": "student:9", "seen": mark(who)}).status_code == 303
    world.command.run("sync", MINE)
    names = [each.username for each in world.store.lookup.search([MINE], "weasley").people]
    assert sorted(filter(None, names)) == ["19rweasley", "19rweasley1"]


def test_only_what_the_reading_asks_is_answered(world: Morning, back_again: Browser) -> None:
    who = ron(world)
    for number in ("student:1", "student:77", "x"):
        page = back_again.post(f"/users/{who.id}/record", {"number": number, "theirs": "yes", "seen": mark(who)})
        assert page.status_code == 409 and "does not ask whose the record" in said(page)
    page = back_again.post(f"/users/{who.id}/apart", {"number": "student:3", "seen": mark(who)})
    assert page.status_code == 409 and "the only record" in said(page)
    assert ron(world) == who


def test_a_joined_record_is_taken_away_again(world: Morning, back_again: Browser) -> None:
    who = ron(world)
    back_again.post(f"/users/{who.id}/record", {"number": "student:9", "theirs": "yes", "seen": mark(who)})
    assert (
        back_again.post(f"/users/{who.id}/apart", {"number": "student:9", "seen": mark(ron(world))}).status_code == 303
    )
    assert [key.record for key in ron(world).keys] == ["student:3"]


def test_a_guest_is_seen_and_left_to_the_school_that_looks_after_them(world: Morning) -> None:
    (ada,) = world.store.lookup.search([OTHER], "ada").people
    there = replace(ada.person, key=SourceKey(MINE, "student:ada"))
    world.store.guests.remember(
        None, MINE, "Milton Park School", [(replace(ada, school=MINE, host=OTHER, person=there), True)], world.clock()
    )
    ann = world.as_(world.operator(Role.OPERATOR, MINE, name="ann"))
    assert "Ada Byron" in said(ann.get("/users?q=ada"))
    page = ann.get(f"/users/{ada.id}")
    assert page.status_code == 200 and f'action="/users/{ada.id}' not in page.text
    assert "Milton Park School" in said(page) and "student:ada" in said(page)
    told = ann.post(f"/users/{ada.id}/disable", {"seen": mark(ada)})
    assert told.status_code == 403 and "Oakfield Primary School looks after the account" in said(told)
    assert ann.post(f"/users/{ada.id}/sync").status_code == 403
    assert world.store.requests.open(OTHER) == []
