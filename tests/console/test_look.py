"""Every part of a page as a browser shows it, in light and dark, wide and narrow; and what the page's little script adds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from chromium import chromium
from look import pages, photograph, served


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with served(pages()) as told:
        yield told


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as told:
        yield told


@pytest.fixture
def sample(address: str, browser: Browser) -> Iterator[Page]:
    page = browser.new_page()
    page.route("**/requests/**", lambda route: route.fulfill(status=204))
    page.goto(f"{address}/sample")
    yield page
    page.close()


def test_axe_finds_nothing_and_no_page_is_wider_than_the_window(tmp_path: Path, browser: Browser) -> None:
    assert photograph(tmp_path, browser) == []


def test_arrows_go_from_row_to_row_and_stay_in_their_column(sample: Page) -> None:
    sample.get_by_label("Choose Eve Abara").focus()
    sample.keyboard.press("ArrowDown")
    sample.keyboard.press("ArrowDown")
    expect(sample.get_by_label("Choose Zoë Żak")).to_be_focused()
    sample.keyboard.press("ArrowDown")
    expect(sample.get_by_label("Choose Zoë Żak")).to_be_focused()
    sample.keyboard.press("ArrowUp")
    expect(sample.get_by_label("Choose O'Neill")).to_be_focused()


def test_a_menu_closes_with_escape_and_its_button_has_the_focus_again(sample: Page) -> None:
    button = sample.locator(".side .switcher summary")
    button.click()
    expect(sample.locator(".side .switcher")).to_have_attribute("open", "")
    sample.keyboard.press("Tab")
    sample.keyboard.press("Escape")
    expect(sample.locator(".side .switcher")).not_to_have_attribute("open", "")
    expect(button).to_be_focused()


def test_a_form_that_is_clicked_twice_is_sent_once(sample: Page) -> None:
    sent: list[str] = []

    def slowly(route: Route) -> None:
        sent.append(route.request.post_data or "")

    sample.route("**/people/1/disable", slowly)
    sample.get_by_text("Disable this account").click()
    button = sample.get_by_role("button", name="Yes, disable it")
    button.evaluate("button => setTimeout(() => button.click(), 200) && button.click()")
    sample.wait_for_timeout(600)
    assert sent == ["csrf=token"]


def test_typing_asks_for_the_list_with_the_other_filters_and_takes_only_the_list(sample: Page) -> None:
    asked: list[str] = []

    def answer(route: Route) -> None:
        asked.append(route.request.url.partition("?")[2])
        route.fulfill(
            body="<html><body><h1>Another page</h1><div id='list'>Nobody</div></body></html>", content_type="text/html"
        )

    sample.route("**/users?*", answer)
    sample.get_by_label("Search", exact=True).press_sequentially("abc", delay=20)
    expect(sample.locator("#list")).to_have_text("Nobody")
    assert asked == ["q=abc&role=staff&state=Any&year="]
    assert sample.url.endswith("/users?q=abc&role=staff&state=Any&year=")
    expect(sample.get_by_role("heading", level=1)).to_have_text("Today")


def test_a_job_is_asked_for_again_and_what_is_new_is_shown(sample: Page) -> None:
    piece = '<div class="progress" id="request-12"><p>Done: 200 accounts.</p></div>'
    sample.unroute("**/requests/**")
    sample.route("**/requests/12", lambda route: route.fulfill(body=piece, content_type="text/html"))
    expect(sample.locator(".watch")).to_have_text("Done: 200 accounts.", timeout=6000)


def test_a_console_that_does_not_answer_is_said_so(sample: Page) -> None:
    sample.unroute("**/requests/**")
    sample.route("**/requests/12", lambda route: route.abort())
    expect(sample.locator("#notice")).to_contain_text("The console does not answer.", timeout=6000)


def test_what_the_console_refuses_is_said_in_its_own_words_until_something_succeeds(sample: Page) -> None:
    page = '<main><div class="message"><h1>No</h1><p class="lead">The plan has <b>changed</b>.</p></div></main>'
    sample.unroute("**/requests/**")
    sample.route("**/requests/12", lambda route: route.fulfill(status=409, body=page, content_type="text/html"))
    expect(sample.locator("#notice")).to_have_text("The plan has changed.", timeout=6000)
    sample.unroute("**/requests/**")
    sample.route("**/requests/12", lambda route: route.fulfill(status=204))
    expect(sample.locator("#notice")).to_have_text("", timeout=6000)


def test_a_session_that_ended_while_a_job_was_watched_leads_to_signing_in(sample: Page, address: str) -> None:
    sample.unroute("**/requests/**")
    sample.route("**/requests/12", lambda route: route.fulfill(status=401, body="", content_type="text/html"))
    with sample.expect_navigation(url=f"{address}/sample", timeout=6000):
        pass
