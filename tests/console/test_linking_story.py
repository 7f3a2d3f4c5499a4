"""A school whose directory was there long before onroll: two hundred accounts are linked in Chromium, before the first night."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Page

from chromium import elsewhere, house, photograph
from onroll_connectors.sandbox.directory import open_directory
from onroll_connectors.targets.ad_wire import Add
from onroll_core import pipeline
from onroll_core.usernames import letters
from onroll_daemon.demo import Demo
from onroll_daemon.wiring import line

SCHOOL, BASE = "milton-park", "OU=Milton Park,DC=miltonpark,DC=test"
PUPILS = 200


def old_directory(world: Demo) -> None:
    """A technician has given every pupil an account, after a scheme of their own; Stan, whom the MIS does not know, has one too."""
    directory = open_directory(f"milton-park demo {world.settings.path.parent.name}", BASE).directory
    named = [
        (each.first, each.last, f"k{number}{letters(each.last)[:10]}") for number, each in world.school.pupils.items()
    ]
    for first, last, login in [*named, ("Stan", "Shunpike", "stan")]:
        values = {
            "objectClass": ["top", "person", "organizationalPerson", "user"], "sAMAccountName": [login], "userPrincipalName": [f"{login}@miltonpark.test"],
            "mail": [f"{login}@miltonpark.test"], "userAccountControl": ["544"], "givenName": [first], "sn": [last], "displayName": [f"{first} {last}"],
        }  # fmt: skip
        assert directory.do(Add(f"CN={login},{BASE}", values)).done
    night = pipeline.pull(
        line(world.settings, world.settings.schools[SCHOOL], world.store, world.day, clock=world.clock)
    )
    assert not night.held


def count(page: Page, tab: str) -> int:
    """The number on a tab."""
    text = page.get_by_role("navigation", name="Lists").get_by_role("link", name=re.compile(f"^{tab}")).inner_text()
    return int(re.sub(r"\D", "", text) or 0)


def seen_again(page: Page, tab: str, expected: int) -> None:
    """The desk has done it, and the page shows it."""
    for _ in range(100):
        page.goto(f"/schools/{SCHOOL}/links?target=ad")
        if page.get_by_role("navigation", name="Lists").count() and count(page, tab) == expected:
            break
        page.wait_for_timeout(300)
    assert count(page, tab) == expected


def test_two_hundred_accounts_are_linked_in_a_few_minutes(tmp_path: Path) -> None:
    with house(tmp_path, PUPILS, old_directory, new=True) as found:
        page = found.sign_in()
        page.get_by_role("link", name="Link accounts").first.click()
        with page.expect_navigation():
            page.get_by_role("button", name="Look now").click()
        seen_again(page, "Account without MIS record", 1)
        likely, doubtful = count(page, "Likely"), count(page, "Possible") + count(page, "Ambiguous")
        assert likely + doubtful >= PUPILS
        assert likely > 0.9 * PUPILS
        photograph(page, "linking-1-likely")

        # One is somebody else's; it is turned down, with the keyboard alone.
        first = page.get_by_role("button", name=re.compile("^Not theirs")).first
        first.focus()
        with page.expect_navigation():
            page.keyboard.press("Enter")
        seen_again(page, "Likely", likely - 1)

        # All others of the list are confirmed at once.
        page.get_by_text(f"Link all {likely - 1} of this list").click()
        with page.expect_navigation():
            page.get_by_role("button", name=f"Link all {likely - 1}").click()
        seen_again(page, "Linked", likely - 1)
        photograph(page, "linking-2-linked")

        # The first night then makes an account in the directory for nobody who has one; in the clouds everybody gets theirs under the name that they have.
        night = elsewhere(found.world.night, "the first night")
        made = night.targets["ad"].tally["created"]
        assert made == 0 or night.targets["ad"].verdict == "held"
        linked = found.world.store.bonds("ad")
        assert len(linked) == likely - 1
