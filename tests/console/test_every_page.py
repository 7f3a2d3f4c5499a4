"""Every page that the application has, photographed in light and dark, wide and at 360 px; axe finds nothing, nothing is wider than the window, no browser complains."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from fastapi import FastAPI
from playwright.sync_api import Page

from chromium import NARROW, WIDE, House, house, photograph
from onroll_daemon.console.app import PAGES
from onroll_daemon.demo import Demo
from onroll_daemon.demo_console import closing_school
from routes import doors

SCHOOL = "milton-park"
AXE = Axe()
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
"""Everything of WCAG 2.2 AA that a program can see, and what axe's authors advise."""
FORMS = {
    "wide-light": (WIDE, "light"),
    "narrow-light": (NARROW, "light"),
    "wide-dark": (WIDE, "dark"),
    "narrow-dark": (NARROW, "dark"),
}
LOOKED_AT = list(FORMS) if os.environ.get("ONROLL_SOAK") else ["wide-light", "narrow-dark"]
"""All four in `make soak`, the two that differ most otherwise."""
FILES = re.compile(r"\.csv$|\.html$|/slips|/openid/|^/first/|^/me$")
"""What is no page: downloads, ways to somewhere else, and the page of a house without an administrator."""
ALONE = {"/sign-in", "/choose-password/{secret}"}


def weeks(world: Demo) -> None:
    """A few nights: a joiner, a leaver, half an extract, a plan that is held; somebody by hand, a rename that waits."""
    zofia = world.joins("Zofia", "Wiśniewska", 9)
    world.night("a joiner")
    world.leaves(zofia)
    world.night("a leaver")
    world.halve(True)
    world.night("half an extract")
    world.halve(False)
    world.night("whole again")
    closing_school(world)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("pages"), 60, weeks) as made:
        yield made


def pages() -> list[str]:
    """The pages that the application has, by the paths of their routes."""
    app = FastAPI()
    for router in PAGES:
        app.include_router(router)
    return sorted({each.path for each in doors(app) if each.method == "GET" and not FILES.search(each.path)})


ANSWERED: dict[str, str] = {}
"""The request whose answer a page shows, by the word in its path."""


def values(found: House) -> dict[str, str]:
    """What names in paths stand for."""
    store = found.world.store
    known = {each.username: each.id for each in store.identities(SCHOOL)}
    operator = store.console.operators.named("demo")
    assert operator is not None
    link = secrets.token_urlsafe(32)
    store.console.links.make(link, operator.id, found.world.clock(), timedelta(days=1))
    return {
        "school": SCHOOL, "identity": known["18zwisniewska"], "run": str(store.runs(SCHOOL, 20)[-1]["id"]), "operator": str(operator.id),
        "secret": link,
    }  # fmt: skip


def address(path: str, known: dict[str, str]) -> str:
    """A route's path with values in place of names."""
    if path.endswith("/users/{identity}/edit"):
        known = known | {"identity": known["visitor"]}
    for name in re.findall(r"{(\w+)[^}]*}", path):
        value = (
            next((ANSWERED[word] for word in ANSWERED if f"/{word}/" in path), "") if name == "number" else known[name]
        )
        path = re.sub(rf"{{{name}[^}}]*}}", value, path)
    return path


def prepare(found: House, page: Page) -> None:
    """Ask for what pages show the answers of: a plan, a check, whose accounts are whose, who has signed in, first passwords."""
    store, now = found.world.store, found.world.clock()
    people = [each for each in store.identities(SCHOOL) if each.username and each.bonds]
    named = {"users": [each.username for each in people[:3]], "again": True}
    asked: dict[str, dict[str, Any]] = {
        "plan": {}, "check": {}, "links": {"target": "ad"}, "passwords": named,
        "rename-preview": {"identities": [each.id for each in people[:5]], "wishes": [[each.id, f"new{n}", None, ""] for n, each in enumerate(people[:5])]},
    }  # fmt: skip
    numbers = {kind: store.requests.ask(SCHOOL, kind, what, "demo", now) for kind, what in asked.items()}
    ANSWERED.update(
        {
            "requests": str(numbers["check"]),
            "rename": str(numbers["rename-preview"]),
            "passwords": str(numbers["passwords"]),
        }
    )
    for _ in range(600):
        if not store.requests.open(SCHOOL):
            assert {each.status for each in store.requests.latest(SCHOOL)} == {"done"}
            return
        page.wait_for_timeout(100)
    raise AssertionError("the desk does not finish")


def governor(page: Page) -> str:
    """Somebody whom the MIS does not know is added, by the form."""
    page.goto(f"/schools/{SCHOOL}/manual/add")
    page.get_by_label("First name").first.fill("Augusta")
    page.get_by_label("Last name").first.fill("Longbottom")
    with page.expect_navigation():
        page.get_by_role("button", name="Add").first.click()
    return "Longbottom"


def wider(page: Page) -> int:
    """By how many pixels the page is wider than its window."""
    told: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return told


def troubles(page: Page, form: str) -> list[str]:
    """What axe finds, in a line each."""
    told: Any = AXE.run(page, options=RULES)
    return [
        f"{form}: {each['id']}: {each['help']}: {each['nodes'][0]['html'][:160]}"
        for each in told.response["violations"]
    ]


def look(page: Page, name: str) -> list[str]:
    """Photographs in every form, and what is wrong in them."""
    wrong = []
    for form in LOOKED_AT:
        size, scheme = FORMS[form]
        page.set_viewport_size(size)  # type: ignore[arg-type]
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        photograph(page, f"{name}-{form}")
        if wider(page) > 0:
            wrong.append(f"{form}: wider than the window by {wider(page)}")
        wrong += troubles(page, form)
    return wrong


def test_every_page_is_fit_to_be_read(found: House) -> None:
    page = found.sign_in()
    last = governor(page)
    prepare(found, page)
    (visitor,) = [each.id for each in found.world.store.identities(SCHOOL) if each.person.last == last]
    page.goto(f"/schools/{SCHOOL}/groups")
    group = page.locator("a[href*='/groups/show']").first.get_attribute("href")
    assert group
    known, wrong, seen = values(found) | {"visitor": visitor}, {}, 0
    for path in pages():
        where = found.visit() if path in ALONE else page
        answer = where.goto(group if path.endswith("/groups/show") else address(path, known))
        assert answer is not None
        if answer.status != 200:
            wrong[path] = [f"status {answer.status}"]
            continue
        where.wait_for_load_state("networkidle")
        name = re.sub(r"\W+", "-", path).strip("-") or "today"
        if told := look(where, name):
            wrong[path] = told
        seen += 1
        if where is not page:
            where.context.close()
    assert wrong == {}
    assert seen == len(pages()) > 25


def test_a_page_that_says_no_is_fit_to_be_read(found: House) -> None:
    page = found.sign_in()
    wrong = {}
    for name, path, status in (("not-there", "/runs/99999", 404), ("no-such-page", "/nowhere", 404)):
        answer = page.goto(path)
        assert answer is not None
        assert answer.status == status
        if told := look(page, name):
            wrong[name] = told
    stranger = found.visit()
    answer = stranger.goto("/users")
    assert answer is not None
    assert answer.status == 401
    if told := look(stranger, "signed-out"):
        wrong["signed-out"] = told
    assert wrong == {}
    found.complaints[:] = [each for each in found.complaints if "the server responded with a status of 40" not in each]
