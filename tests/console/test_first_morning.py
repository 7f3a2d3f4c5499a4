"""A first morning: sign in, see a held night, read why, approve, watch it run; and what comes after. In Chromium, against the demo's school."""

from __future__ import annotations

import csv
import re
from pathlib import Path

from playwright.sync_api import Page, expect

from chromium import House, elsewhere, house, photograph
from onroll_daemon.demo_console import closing_school

NEW = 33
EVERYWHERE = ("ad", "m365", "google")


def wait_for(page: Page, words: str) -> None:
    """What is asked of the service takes its time."""
    expect(page.get_by_text(words).first).to_be_visible(timeout=60_000)


def approve(page: Page, target: str) -> None:
    """Look at the held plan of a target and say yes."""
    page.goto(f"/schools/milton-park/plan?target={target}")
    card = page.locator(".decision", has=page.get_by_role("heading", name=target))
    card.get_by_text("Approve and do it now", exact=True).click()
    card.get_by_role("button", name="Yes, do it now").click()
    page.wait_for_url("**/runs/*", timeout=90_000)


def test_a_first_morning(tmp_path: Path) -> None:
    with house(tmp_path, 140, closing_school) as found:
        page = found.sign_in()

        # It is said at once that last night is held, and why.
        expect(page.get_by_role("heading", level=1)).to_have_text("Today at Milton Park School")
        expect(page.get_by_text(f"{NEW} pupils would get a new account").first).to_be_visible()
        photograph(page, "morning-1-today")
        page.get_by_role("link", name="Look at it").first.click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Tonight's plan")
        expect(page.get_by_text("the limit is 25").first).to_be_visible()
        photograph(page, "morning-2-held")

        # She says yes to the plan of each target, and sees it done.
        for target in EVERYWHERE:
            approve(page, target)
            wait_for(page, f"{NEW} new accounts")
        photograph(page, "morning-3-done")
        expect_nothing_to_do(found)

        # The new pupils get their first passwords, on slips; the directory lets them in with what is printed there.
        page = found.sign_in()  # a day later she is signed out
        page.goto("/schools/milton-park/passwords")
        first = page.locator("input[name=user]").first
        username = first.get_attribute("value") or ""
        first.check()
        with page.expect_navigation():
            page.get_by_role("button", name="Issue to the chosen").first.click()
        expect(page.get_by_text("The hand-out", exact=True)).to_be_visible(timeout=60_000)
        with page.expect_download() as told:
            page.get_by_role("link", name="Download as CSV").click()
        (slip,) = list(csv.DictReader(Path(told.value.path()).read_text(encoding="utf-8-sig").splitlines()))
        assert slip["username"] == username
        assert len(slip["password"]) >= 10
        photograph(page, "morning-4-handed-out")
        assert slip["password"] not in page.content()

        # A teacher has married: the office wrote it down, and she asks for the name.
        old, new = elsewhere(found.world.marries, "Featherstone")
        elsewhere(found.world.night, "a marriage")
        page = found.sign_in()
        page.goto("/users")
        page.get_by_label("Name, username, address or number").fill("feathersto")
        page.get_by_role("link", name=re.compile("Featherstone")).first.click()
        page.get_by_role("link", name=re.compile("Change.*username|username.*address", re.IGNORECASE)).first.click()
        page.get_by_label("Username", exact=True).fill(new)
        page.get_by_role("button", name="Show what it comes to").click()
        expect(page.get_by_text(f"{old}@miltonpark.test stays as an alias").first).to_be_visible()
        photograph(page, "morning-5-rename")
        page.get_by_role("button", name=f"Rename to {new}").click()
        expect(page.get_by_text(new).first).to_be_visible()
        night = elsewhere(found.world.night, "the name")
        assert {name: one.tally["renamed"] for name, one in night.targets.items()} == dict.fromkeys(EVERYWHERE, 1)
        expect_nothing_to_do(found)

        # It was the wrong name after all: the run is taken back, target by target.
        run, page = night.id, found.sign_in()
        page.goto(f"/runs/{run}/undo")
        with page.expect_navigation():
            page.get_by_role("button", name="Show what would be taken back").click()
        for target in EVERYWHERE:
            page.goto(f"/runs/{run}/undo")
            card = page.get_by_text(f"Take it back in {target}", exact=True)
            expect(card).to_be_visible(timeout=60_000)
            card.click()
            with page.expect_navigation():
                page.locator("details[open]").get_by_role("button", name="Yes, take it back").click()
            await_the_desk(found, page)
            if target != EVERYWHERE[-1]:
                page.goto(f"/runs/{run}/undo")
                with page.expect_navigation():
                    page.get_by_role("button", name=re.compile("Look again|Show what would")).first.click()
                await_the_desk(found, page)
        photograph(page, "morning-6-undone")
        people = {each.person.last: each.username for each in found.world.store.identities("milton-park")}
        assert people["Featherstone"] == old
        expect_nothing_to_do(found)


def await_the_desk(found: House, page: Page) -> None:
    """Until nothing that was asked is left."""
    for _ in range(600):
        if not found.world.store.requests.open("milton-park"):
            return
        page.wait_for_timeout(100)
    raise AssertionError("the desk does not finish")


def expect_nothing_to_do(found: House) -> None:
    """And now there is nothing to do."""
    night = elsewhere(found.world.night, "and now there is nothing to do")
    assert {name: len(one.plan.changes) if one.plan else None for name, one in night.targets.items()} == dict.fromkeys(
        EVERYWHERE, 0
    )
