"""A real browser before a real console: the demo's school with its simulators, served as `onroll serve` does, and Chromium."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from onroll_daemon.demo import Demo, demo
from onroll_daemon.demo_console import ByHand, morning_after
from onroll_daemon.service import serve

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
PICTURES = Path(os.environ.get("ONROLL_PICTURES") or Path(__file__).parents[2] / "build" / "pictures")
"""Where photographs of pages are kept."""
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 360, "height": 740}


@contextmanager
def chromium() -> Iterator[Browser]:
    """The machine's Chromium or Chrome, else Playwright's own."""
    found = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class House:
    """A console that is up: the world behind it, where it is, and how to get in. `complaints` are what browsers complained of: a script's mistake, a broken policy."""

    world: Demo
    address: str
    name: str
    password: str
    browser: Browser
    complaints: list[str] = field(default_factory=list)

    def visit(self, dark: bool = False, narrow: bool = False, scripts: bool = True) -> Page:
        """A new browser of somebody who has not signed in."""
        context = self.browser.new_context(
            base_url=self.address, viewport=NARROW if narrow else WIDE, color_scheme="dark" if dark else "light", java_script_enabled=scripts,
            locale="en-GB", timezone_id="Europe/London", reduced_motion="reduce",
        )  # fmt: skip
        context.set_default_timeout(20_000)
        self._listen(context)
        return context.new_page()

    def sign_in(self, name: str = "", password: str = "", **how: bool) -> Page:
        """A new browser, signed in, on the first page."""
        page = self.visit(**how)
        page.goto("/sign-in")
        page.get_by_label("Name", exact=True).fill(name or self.name)
        page.get_by_label("Password", exact=True).fill(password or self.password)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(lambda url: "/sign-in" not in url)
        return page

    def _listen(self, context: BrowserContext) -> None:
        def heard(page: Page) -> None:
            page.on("pageerror", lambda error: self.complaints.append(f"{page.url}: {error}"))
            page.on(
                "console",
                lambda message: message.type == "error" and self.complaints.append(f"{page.url}: {message.text}"),
            )

        context.on("page", heard)


@contextmanager
def served(world: Demo, browser: Browser) -> Iterator[House]:
    """The console of a world in the morning, until the block ends."""
    name, password = morning_after(world)
    stop = threading.Event()
    thread = threading.Thread(
        target=serve, args=(world.settings, world.store, stop), kwargs={"clock": world.clock, "alarms": ByHand()}, name="served", daemon=True
    )  # fmt: skip
    thread.start()
    host, port = world.settings.listen
    address = f"http://{host}:{port}"
    _await(f"{address}/healthz", thread)
    try:
        yield House(world, address, name, password, browser)
    finally:
        stop.set()
        thread.join(60)
        assert not thread.is_alive(), "the service did not stop"


def elsewhere(call: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """Call it in a thread of its own: Playwright has an event loop in this one, and a target's SDK wants to run another."""
    with ThreadPoolExecutor(1) as other:
        return other.submit(call, *arguments, **named).result()


@contextmanager
def house(
    folder: Path, pupils: int = 60, before: Callable[[Demo], object] = lambda world: None, new: bool = False
) -> Iterator[House]:
    """A school after its first night (unless it is `new`), and after whatever came `before` this morning, with its console and a browser.

    Nothing may have been complained of in the end.
    """
    with demo(pupils, folder, own_time=True) as world:
        if not new:
            world.night("first night")
        before(world)
        with chromium() as browser, served(world, browser) as found:
            yield found
            assert found.complaints == []


def _await(address: str, thread: threading.Thread) -> None:
    pause = threading.Event()
    for _ in range(200):
        assert thread.is_alive(), "the service ended at once"
        try:
            with urlopen(address, timeout=5):
                return
        except OSError:
            pause.wait(0.05)
    raise AssertionError("the console does not answer")


def photograph(page: Page, name: str) -> Path:
    """Keep a picture of the whole page."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    path = PICTURES / f"{name}.png"
    page.screenshot(path=path, full_page=True)
    return path
