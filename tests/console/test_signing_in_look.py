"""The pages that are shown once or before anybody has signed in, as a browser shows them: axe finds nothing, none is wider than a telephone, no rule of the page is broken."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe

from chromium import NARROW, PICTURES, WIDE, chromium
from morning import MINE, Morning
from onroll_connectors.secrets import Secret
from onroll_daemon.console.app import console_app
from onroll_daemon.console.operating import first_link
from onroll_daemon.tables import OpenIdTable

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
GOOD = "otters juggle quietly"


@contextmanager
def served(world: Morning) -> Iterator[str]:
    """The console on a port of its own, with a provider on its sign-in page."""
    table = OpenIdTable(issuer="http://127.0.0.1:9", client_id="x", client_secret=Secret("env:ONROLL_TEST_SECRET"), label="Microsoft")  # fmt: skip
    knows = world.settings.console.model_copy(update={"openid": {"entra": table}, "address": "http://localhost"})
    place = replace(world.place, settings=replace(world.settings, console=knows), extras={})
    server = uvicorn.Server(uvicorn.Config(console_app(place), port=0, log_config=None, access_log=False))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.02)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


@pytest.mark.parametrize("how", ["wide-light", "narrow-dark"])
def test_from_the_first_link_to_a_token(world: Morning, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONROLL_TEST_SECRET", "x")
    complaints: list[str] = []

    def look(page: Any, name: str) -> None:
        page.wait_for_load_state("networkidle")
        folder = Path(PICTURES) / "signing-in"
        folder.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=folder / f"{name}-{how}.png", full_page=True)
        found = Axe().run(page, options={"runOnly": {"type": "tag", "values": RULES["runOnly"]}}).response["violations"]
        assert [(each["id"], each["nodes"][0]["html"]) for each in found] == [], name
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{name} is {wide} pixels wider than the window"

    link = first_link(world.store, world.clock())
    with served(world) as address, chromium() as browser:
        context = browser.new_context(
            base_url=address,
            viewport=WIDE if how.startswith("wide") else NARROW,
            color_scheme="dark" if how.endswith("dark") else "light",
        )
        page = context.new_page()
        page.on("console", lambda told: told.type == "error" and complaints.append(told.text))
        page.goto("/sign-in")
        look(page, "nobody-yet")
        page.goto(f"/first/{link}")
        page.get_by_label("Sign-in name").fill("head")
        page.get_by_label("Your name").fill("The Head")
        page.get_by_label("Password", exact=True).fill(GOOD)
        page.get_by_label("Password again").fill("something else entirely")
        page.get_by_role("button", name="Begin").click()
        look(page, "first-wrong")
        complaints.clear()  # the browser says that the page was a 400
        page.get_by_label("Password", exact=True).fill(GOOD)
        page.get_by_label("Password again").fill(GOOD)
        page.get_by_role("button", name="Begin").click()
        page.wait_for_url(f"{address}/")
        page.goto("/operators/add")
        look(page, "add")
        page.get_by_label("Sign-in name").fill("pomona.sprout")
        page.get_by_label("Only these:").check()
        page.get_by_label(world.settings.schools[MINE].rules.name).check()
        page.get_by_role("button", name="Add and make a link").click()
        look(page, "link")
        chosen = page.locator("code.secret").inner_text()
        page.goto("/operators/tokens")
        page.get_by_label("What it is for").fill("nightly report")
        page.get_by_role("button", name="Make it").click()
        look(page, "token")
        for path in ("/operators", "/operators/tokens", "/operators/1", "/profile/password", "/api"):
            page.goto(path)
            look(page, path.strip("/").replace("/", "-"))
        page.goto("/operators/tokens")
        page.get_by_text("Take back", exact=True).last.click()
        page.get_by_role("button", name="Take it back").click()
        assert page.get_by_text("it is good for nothing from now on").is_visible()
        other = context.browser.new_context(base_url=address).new_page()
        other.goto("/choose-password/" + chosen.rpartition("/")[2])
        look(other, "choose")
    assert complaints == []
