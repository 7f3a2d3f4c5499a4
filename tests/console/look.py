"""Photographs the look of the console: a sample page with every part, a message and a sign-in page, in light and dark, wide and narrow; and asks axe.

    python tests/console/look.py FOLDER

A folder of pictures, and on standard output what axe finds. Needs Chromium; nothing of the service runs.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime, timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import product
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from chromium import chromium
from onroll_daemon.console.pictures import Day, weeks
from onroll_daemon.console.templating import STATIC, environment

NOW = datetime(2026, 11, 26, 4, 40, tzinfo=UTC)
CSP = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'"
HOSTILE = 'O\'Neill <b>& Sons</b> "x"'
SMALL = """[...document.querySelectorAll("a, button, summary, select, input:not([type=hidden], [type=checkbox], [type=radio]), label:has(input)")]
  .filter(one => { const box = one.getBoundingClientRect(); return box.width > 1 && (box.height < 23.5 || box.width < 23.5) && getComputedStyle(one).display !== "inline"; })
  .map(one => one.outerHTML.slice(0, 120))"""
"""Targets too small to hit; links within a sentence may be as high as their line."""
CUT = """[...document.querySelectorAll(".card-body")].filter(one => one.scrollWidth > one.clientWidth).map(one => one.innerHTML.slice(0, 120))"""
"""Cards whose content is wider than they are."""


def days() -> list[Day]:
    """Three weeks with a quiet half-term, a big night that was held, and one that failed."""
    joined = [3, 0, 1, 0, 2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 41, 6, 2, 0, 0, 1, 0]
    left = [0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 12, 0]
    other = [12, 8, 4, 9, 30, 0, 0, 2, 1, 0, 3, 1, 0, 0, 22, 15, 9, 6, 4, 18, 2]
    first = date(2026, 11, 5)
    states = {14: "held", 19: "held", 12: "failing"}
    return [
        Day(first + timedelta(days=index), *told, state=states.get(index, ""))  # type: ignore[arg-type]
        for index, told in enumerate(zip(joined, left, other, strict=True))
    ]


def pages() -> dict[str, str]:
    """Name -> HTML."""
    made = environment(ZoneInfo("Europe/London"), lambda: NOW)
    visitor = {"name": "Ann Lee", "role": "administrator", "csrf": "token", "schools": ["milton-park"]}
    names = [
        "today",
        "plan",
        "runs",
        "users",
        "passwords",
        "links",
        "rename",
        "groups",
        "manual",
        "settings",
        "alerts",
        "audit",
    ]
    labels = "Today,Plan,Runs,Users,New users and passwords,Link accounts,Rename,Groups,Manual users,Schools and settings,Alerts,Audit"
    nav = [
        {
            "href": f"/{name}",
            "label": label,
            "current": name == "today",
            "count": {"plan": 3, "links": 1204}.get(name, 0),
            "icon": name,
        }
        for name, label in zip(names, labels.split(","), strict=True)
    ]
    people = [
        ("Eve Abara", "24eabara", "e.abara@miltonparkschool.co.uk", 31, "active"),
        (HOSTILE, "oneill", "a.very.long.address.indeed.for.one.person@students.miltonparkschool.co.uk", 1340, "held"),
        ("Zoë Żak", "19zzak", None, 0, "left"),
    ]
    shared: dict[str, Any] = {
        "visitor": visitor,
        "nav": nav,
        "school": {"id": "milton-park", "name": "Milton Park School"},
        "schools": [("milton-park", "Milton Park School"), ("st-bede", "St Bede's Catholic Primary School")],
        "version": "0.1.0",
    }
    flashes = [("done", "Eve Abara was renamed."), ("warning", "A plan waits for a second person."), ("error", HOSTILE)]
    text = (Path(__file__).parent / "sample.html").read_text(encoding="utf-8")
    picture = weeks("Milton Park School", days())
    return {
        "sample": made.from_string(text).render(shared, flashes=flashes, people=people, picture=picture),
        "message": made.get_template("message.html").render(
            shared,
            title="The plan has changed",
            sentence="Somebody synced since you opened it. Nothing was approved. Look at the new plan.",
            status=409,
            link=("/plan", "Look at the new plan"),
        ),  # fmt: skip
        "sign-in": made.get_template("signing_in/sign_in.html").render(
            next="",
            name="ann.lee",
            error="That name and password do not go together.",
            providers=[("entra", "Microsoft")],
            nobody=False,
        ),
    }


class Served(SimpleHTTPRequestHandler):
    """Our files and the pages, with the console's own content security policy."""

    html: dict[str, str]

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path.startswith("/static/"):
            self.path = path.removeprefix("/static")
            super().do_GET()
            return
        body = self.html.get(path.strip("/"), "").encode()
        self.send_response(200 if body else 404)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Security-Policy", CSP)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""


@contextmanager
def served(html: dict[str, str]) -> Iterator[str]:
    """Their address on the loopback."""
    handler = type("Handler", (Served,), {"html": html})
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(STATIC))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def photograph(folder: Path, browser: Browser) -> list[str]:
    """What is wrong: violations that axe finds, pages wider than the window, and what the console of the browser says."""
    wrong: list[str] = []
    html = pages()
    folder.mkdir(parents=True, exist_ok=True)
    with served(html) as address, closing(browser.new_page(locale="en-GB")) as page:
        page.on("console", lambda told: wrong.append(f"{page.url}: {told.text}"))
        page.route("**/requests/**", lambda route: route.fulfill(status=204))
        for name, scheme, width in product(html, ("light", "dark"), (1280, 360)):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            page.set_viewport_size({"width": width, "height": 800})
            page.goto(f"{address}/{name}")
            page.screenshot(path=folder / f"{name}-{scheme}-{width}.png", full_page=True)
            page.evaluate("document.querySelectorAll('main details').forEach(one => one.open = true)")
            wrong += [f"{name} {scheme} {width}: {told}" for told in judged(page, width)]
            page.screenshot(path=folder / f"{name}-{scheme}-{width}-open.png", full_page=True)
        for width in (1280, 360):
            page.set_viewport_size({"width": width, "height": 800})
            page.goto(f"{address}/message")
            page.locator(".menu summary" if width == 360 else ".side .switcher summary").click()
            wrong += [f"menu {width}: {told}" for told in judged(page, width)]
            page.screenshot(path=folder / f"menu-dark-{width}.png")
    return wrong


def judged(page: Page, width: int) -> list[str]:
    """What is wrong with the page as it stands."""
    wide = page.evaluate("document.documentElement.scrollWidth") > width
    found = Axe().run(page).response["violations"]
    small = page.evaluate(SMALL)
    return [
        *(["wider than the window"] if wide else []),
        *(f"cut off: {one}" for one in page.evaluate(CUT)),
        *(f"smaller than 24 pixels: {one}" for one in small),
        *(f"{one['id']}: {one['nodes'][0]['failureSummary']} {one['nodes'][0]['html'][:200]}" for one in found),
    ]


if __name__ == "__main__":
    with chromium() as found:
        print("\n".join(photograph(Path(sys.argv[1]), found)) or "Nothing is wrong.")
