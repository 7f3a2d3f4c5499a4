"""A first morning: sign in, see a held night, read why, approve, watch it run; and what comes after. In Chromium, against the demo's school."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page, expect

from chromium import House, elsewhere, house, photograph
from onroll_daemon.demo_console import closing_school

NEW = 33


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
        for target in ("ad", "m365", "google"):
            approve(page, target)
            wait_for(page, f"{NEW} new accounts")
        photograph(page, "morning-3-done")
        expect_nothing_to_do(found)


def expect_nothing_to_do(found: House) -> None:
    """And now there is nothing to do."""
    night = elsewhere(found.world.night, "and now there is nothing to do")
    assert {name: len(one.plan.changes) if one.plan else None for name, one in night.targets.items()} == dict.fromkeys(
        ("ad", "m365", "google"), 0
    )
