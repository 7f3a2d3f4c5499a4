"""Today says of each school in one word whether it works, and why; what it did, what it will do, and what waits for a person."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from evenings import catch_up, desk_does, held_plan, held_reading, night, pupils, words
from morning import MINE, OTHER, Browser, Morning, morning
from onroll_core.store import Store
from onroll_daemon.console.rights import Role
from onroll_daemon.console.views import today as views


@pytest.fixture
def sixty(tmp_path: Path) -> Iterator[Morning]:
    with morning(tmp_path, *pupils()) as made:
        catch_up(made)
        yield made


def today(world: Morning, path: str = "/", role: Role = Role.VIEWER, *schools: str) -> str:
    return words(world.as_(world.operator(role, *schools)).get(path).text)


def test_a_school_that_works_is_fresh_and_says_what_it_did(sixty: Morning) -> None:
    told = today(sixty, "/", Role.VIEWER, MINE)
    assert "Today at Milton Park School" in told
    assert "Is it working? fresh Everybody was read on" in told
    assert "ad: 60 new accounts." in told
    assert "As far as is known there is nothing to do" in told
    assert "Time zone Europe/London" in told
    assert "19:00 to 22:00" in told
    assert "People now 60" in told
    assert "60 joiners, 0 leavers and 0 other changes." in told
    assert "Held" not in told.partition("Held night")[0]


def test_a_held_plan_stands_first_with_the_way_to_it(sixty: Morning) -> None:
    held_plan(sixty)
    page = sixty.as_(sixty.operator(Role.VIEWER, MINE)).get("/")
    told = words(page.text)
    assert "8 changes in ad 8 pupils would be disabled" in told
    assert f'href="/schools/{MINE}/plan#held"' in page.text
    assert "Is it working? late" in told
    assert "8 changes are held until somebody approves." in told
    assert told.index("Held: what waits") < told.index("Is it working?")


def test_a_held_reading_is_late_and_the_night_is_marked(sixty: Morning) -> None:
    held_reading(sixty)
    told = today(sixty, "/", Role.VIEWER, MINE)
    assert "The last reading is not believed yet" in told
    assert "Is it working? late What the MIS told last is not believed before a person has looked" in told
    assert "Held: 40 of 60 pupils are missing" in told
    assert "Held on" in told.partition("The last four weeks")[2]


def test_a_source_that_cannot_be_read_is_failing_with_its_reason(sixty: Morning) -> None:
    (sixty.command.folder / "export" / "students.csv").unlink()
    sixty.later(days=1)
    night(sixty)
    told = today(sixty, "/", Role.VIEWER, MINE)
    assert "Is it working? failing The MIS could not be read" in told
    assert "unread" in told


def test_a_target_that_was_not_reached_is_said(sixty: Morning) -> None:
    (sixty.command.folder / "directory.json").write_text("{", encoding="utf-8")
    night(sixty)
    told = today(sixty, "/", Role.VIEWER, MINE)
    assert "Is it working? failing" in told
    assert "ad: not brought into line" in told
    assert "ad could not be reached, and will be tried again." in told


def test_conflicts_need_a_person(sixty: Morning) -> None:
    sixty.command.students(*pupils(), "77,Ann,Lee,7,01/09/2026,")
    night(sixty)
    ann = sixty.store.find(MINE, "Ann")[0]
    sixty.store.remember(None, [replace(ann, username=None, email=None, waiting="No name is free for Ann Lee.")], sixty.clock())  # fmt: skip
    page = sixty.as_(sixty.operator(Role.VIEWER, MINE)).get("/")
    assert "What needs a person" in page.text
    assert "No name is free for Ann Lee." in words(page.text)
    assert f'href="/users/{ann.id}"' in page.text


def test_what_is_at_work_is_watched(sixty: Morning) -> None:
    number = sixty.store.requests.ask(MINE, "sync", {"approve": []}, "ann", sixty.clock())
    check = sixty.store.requests.ask(MINE, "check", {}, "ann", sixty.clock())
    page = sixty.as_(sixty.operator(Role.VIEWER, MINE)).get("/")
    assert f'hx-get="/requests/{number}"' in page.text
    assert "A sync asked for by ann" in words(page.text)
    assert f'href="/requests/{check}"' in page.text
    desk_does(sixty)
    assert "At work now" not in sixty.as_(sixty.operator(Role.VIEWER, MINE)).get("/").text


def test_many_schools_are_a_table_with_the_worst_first(sixty: Morning) -> None:
    administrator = sixty.as_(sixty.operator(Role.ADMINISTRATOR))
    assert _order(administrator) == [MINE, OTHER]
    (sixty.command.folder / "oakfield" / "students.csv").unlink()
    night(sixty, OTHER)
    sixty.later(days=2)
    night(sixty, OTHER)
    held_plan(sixty)
    administrator = sixty.as_(sixty.operator(Role.ADMINISTRATOR))
    assert _order(administrator) == [OTHER, MINE]
    told = words(administrator.get("/").text)
    assert "1 failing 1 late 0 fresh 1 held" in told
    assert "Today at Oakfield Primary School" in words(administrator.get(f"/?school={OTHER}").text)


def _order(who: Browser) -> list[str]:
    return re.findall(r'<th scope=row[^>]*><span class="cell"><a href="/\?school=([a-z-]+)"', who.get("/").text)


def test_only_the_schools_that_one_may_see_are_told_of(sixty: Morning) -> None:
    mine = sixty.as_(sixty.operator(Role.VIEWER, MINE))
    assert "Oakfield" not in mine.get("/").text
    assert mine.get(f"/?school={OTHER}").status_code == 404
    headers = {"Authorization": f"Bearer {sixty.token(Role.VIEWER, MINE)}"}
    told = sixty.client.get("/api/v1/schools", headers=headers).json()
    assert [(each["id"], each["word"], each["held"], each["people"]) for each in told] == [(MINE, "fresh", 0, 60)]
    assert told[0]["next_window"]["opens"] < told[0]["next_run"] < told[0]["next_window"]["closes"]


def test_who_may_not_see_schools_goes_on_to_their_first_page(sixty: Morning) -> None:
    assert sixty.as_(sixty.operator(Role.ISSUER, MINE)).get("/").headers["location"] == "/users"
    person = sixty.store.identities(MINE)[0]
    assert sixty.as_(sixty.staff(person.id)).get("/").headers["location"] == "/profile"
    assert sixty.client.get("/", follow_redirects=False).headers["location"] == "/sign-in"


def test_a_school_that_has_never_run_says_so(sixty: Morning) -> None:
    (sixty.command.folder / "store").mkdir(exist_ok=True)
    empty = Store.open(f"sqlite:///{sixty.command.folder}/store/empty.db", sixty.clock)
    place = replace(sixty.place, store=empty, freshness=dict)
    (told,) = views.standings(place, [MINE])
    assert (told.word, told.held, told.people) == ("late", 0, 0)
    assert told.why == "Nothing is known of it yet."
    assert told.starts - sixty.clock() < timedelta(days=1)
    assert views.tonight([]) == "Nobody has worked out yet what the next run does. The page of the plan can."
    empty.close()
