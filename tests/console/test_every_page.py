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
LOOKED_AT = set(FORMS) if os.environ.get("ONROLL_SOAK") else {"wide-light", "narrow-dark"}
FILES = re.compile(r"\.csv$|\.html$|/slips|/openid/|^/first/|^/me$")
"""What is no page: downloads, ways to somewhere else, and the page of a house without an administrator."""
QUERIES = {"/schools/{school}/groups/show": "?target=ad&record=year:7"}
"""What some pages have to be asked."""
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
    with house(tmp_path_factory.mktemp("pages"), 140, weeks) as made:
        yield made


def pages() -> list[str]:
    """The pages that the application has, by the paths of their routes."""
    app = FastAPI()
    for router in PAGES:
        app.include_router(router)
    return sorted({each.path for each in doors(app) if each.method == "GET" and not FILES.search(each.path)})


def values(found: House) -> dict[str, list[str]]:
    """What names in paths stand for; the first is taken where several would do."""
    store = found.world.store
    people = store.identities(SCHOOL)
    known = {each.username: each.id for each in people}
    runs = [row["id"] for row in store.runs(SCHOOL, 20)]
    operator = store.console.operators.named("demo")
    assert operator is not None
    link = secrets.token_urlsafe(32)
    store.console.links.make(link, operator.id, found.world.clock(), timedelta(days=1))
    groups = [each.key.record for each in store.groups(SCHOOL)]
    asked = [each.id for kind in ("plan", "check", "links") for each in store.requests.latest(SCHOOL, kind, 1)]
    return {
        "school": [SCHOOL], "identity": [known["18zwisniewska"]], "run": [str(runs[-1])], "operator": [str(operator.id)], "secret": [link],
        "number": [str(each) for each in asked], "target": ["ad"], "record": groups[:1], "group": groups[:1], "kind": ["year"],
    }  # fmt: skip


def prepare(found: House, page: Page) -> None:
    """Ask for what pages show the answers of."""
    page.goto(f"/schools/{SCHOOL}/plan")
    csrf = page.locator("input[name=csrf]").first.get_attribute("value")
    for kind, asked in (("plan", {}), ("check", {}), ("links", {"target": "ad"})):
        found.world.store.requests.ask(SCHOOL, kind, asked, "demo", found.world.clock())
    assert csrf
    for _ in range(600):
        if not found.world.store.requests.open(SCHOOL):
            return
        page.wait_for_timeout(100)
    raise AssertionError("the desk does not finish")


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
    for form, (size, scheme) in FORMS.items():
        page.set_viewport_size(size)  # type: ignore[arg-type]
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        photograph(page, f"{name}-{form}")
        if wider(page) > 0:
            wrong.append(f"{form}: wider than the window by {wider(page)}")
        if form in LOOKED_AT:
            wrong += troubles(page, form)
    return wrong


def test_every_page_is_fit_to_be_read(found: House) -> None:
    page = found.sign_in()
    prepare(found, page)
    known, wrong, seen = values(found), {}, 0
    for path in pages():
        here = path
        for name in re.findall(r"{(\w+)[^}]*}", path):
            here = re.sub(rf"{{{name}[^}}]*}}", known[name][0], here)
        where = found.visit() if path in ALONE else page
        answer = where.goto(here + QUERIES.get(path, ""))
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
