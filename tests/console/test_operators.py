"""Who may use the console is said by administrators of all schools, and by nobody else; what is secret is shown once."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

import pytest

from morning import MINE, OTHER, Browser, Morning
from onroll_daemon.console.rights import RIGHTS, Right, Role
from onroll_daemon.console.views.operations import operations

DOCS = Path(__file__).parents[2] / "docs" / "console-access.md"


@pytest.fixture
def administrator(world: Morning) -> Browser:
    return world.as_(world.operator(Role.ADMINISTRATOR))


def secret_in(answer: Any) -> str:
    found = re.search(r'<code class="secret">([^<]+)</code>', answer.text)
    assert found, answer.text
    return html.unescape(found[1])


def what(world: Morning) -> list[str]:
    return [each.what for each in world.store.console.audit.list(None)]


def test_somebody_new_gets_a_link_chooses_a_password_and_signs_in(world: Morning, administrator: Browser) -> None:
    told = {"name": "Pomona", "display": "Pomona Sprout", "email": "P.Sprout@miltonpark.test", "role": "operator", "whole": "some", "schools": [MINE]}  # fmt: skip
    answer = administrator.post("/operators/add", told)
    assert answer.status_code == 200
    link = secret_in(answer)
    assert link.startswith("http://testserver/choose-password/")
    made = world.store.console.operators.named("pomona")
    assert made is not None
    assert (made.email, made.role, made.schools) == ("p.sprout@miltonpark.test", "operator", {MINE})
    assert administrator.get("/operators").text.count("nothing yet: make a link") == 1  # the test's own
    world.client.cookies.clear()
    data = {"password": "otters juggle quietly", "again": "otters juggle quietly"}
    signed_in = world.client.post(link.removeprefix("http://testserver"), data=data, follow_redirects=False)
    assert signed_in.status_code == 303
    assert what(world)[:4] == [
        "signed in", "chose a password", "made a link for pomona to choose a password", f"added pomona to the console as operator of {MINE}",
    ]  # fmt: skip
    assert "26 November at 08:10" in administrator.get("/operators").text


def test_what_is_wrong_is_said_beside_the_field_and_nothing_is_made(world: Morning, administrator: Browser) -> None:
    wrong = {"name": "a b", "email": "x", "role": "staff", "whole": "some", "schools": ["hogwarts"]}
    answer = administrator.post("/operators/add", wrong)
    assert answer.status_code == 400
    for sentence in ("without a space", "not an e-mail address", "Choose one of", "There is no school hogwarts"):
        assert sentence in answer.text
    assert administrator.post("/operators/add", {"name": "pomona", "role": "viewer"}).status_code == 400
    assert world.store.console.operators.named("pomona") is None
    twice = {"name": "administrator-all", "role": "viewer", "whole": "all"}
    answer = administrator.post("/operators/add", twice)
    assert answer.status_code == 409
    assert "Somebody else has the name administrator-all already" in answer.text


def test_another_role_holds_at_once(world: Morning, administrator: Browser) -> None:
    pomona = world.as_(world.operator(Role.OPERATOR, name="pomona"))
    number = world.store.console.operators.named("pomona")
    assert number is not None
    assert pomona.get("/api").status_code == 200
    shown = administrator.get(f"/operators/{number.id}")
    assert 'value="operator" checked' in shown.text
    told = {"display": "Pomona", "role": "viewer", "whole": "some", "schools": [OTHER]}
    assert administrator.post(f"/operators/{number.id}", told).status_code == 303
    assert pomona.get("/api").status_code == 401
    changed = world.store.console.operators.get(number.id)
    assert changed is not None
    assert (changed.role, changed.schools) == ("viewer", {OTHER})
    assert administrator.post(f"/operators/{number.id}", {**told, "disabled": "yes"}).status_code == 303
    assert what(world)[0] == "took pomona the console away"
    assert administrator.post(f"/operators/{number.id}/link").status_code == 409


def test_the_last_administrator_of_all_schools_stays(world: Morning, administrator: Browser) -> None:
    me = world.store.console.operators.named("administrator-all")
    assert me is not None
    for told in (
        {"role": "viewer", "whole": "all"},
        {"role": "administrator", "whole": "some", "schools": [MINE]},
        {"role": "administrator", "whole": "all", "disabled": "yes"},
    ):
        answer = administrator.post(f"/operators/{me.id}", told)
        assert answer.status_code == 409
        assert "Somebody has to be able to administer all schools" in answer.text
    assert administrator.get("/operators").status_code == 200


def test_whoever_changes_themselves_signs_in_again(world: Morning, administrator: Browser) -> None:
    world.operator(Role.ADMINISTRATOR, name="deputy")
    me = world.store.console.operators.named("administrator-all")
    assert me is not None
    answer = administrator.post(f"/operators/{me.id}", {"display": "Albus", "role": "administrator", "whole": "all"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")


def test_a_token_is_shown_once_works_and_is_taken_back(world: Morning, administrator: Browser) -> None:
    told = {"name": "nightly report", "role": "viewer", "whole": "some", "schools": [MINE], "days": "30"}
    token = secret_in(administrator.post("/operators/tokens", told))
    assert token.startswith("onr_")
    shown = administrator.get("/operators/tokens")
    assert token not in shown.text
    assert "nightly report" in shown.text
    number = world.store.requests.ask(MINE, "check", {}, "somebody", world.clock())
    headers = {"Authorization": f"Bearer {token}"}
    world.client.cookies.clear()
    assert world.client.get(f"/api/v1/requests/{number}", headers=headers).status_code == 200
    (made,) = world.store.console.tokens.all()
    assert administrator.post(f"/operators/tokens/{made.id}/revoke").status_code == 303
    world.client.cookies.clear()
    assert world.client.get(f"/api/v1/requests/{number}", headers=headers).status_code == 401
    assert administrator.post(f"/operators/tokens/{made.id}/revoke").status_code == 404
    assert what(world)[:2] == [f"took back token {made.id}", "made the token nightly report (viewer, 30 days)"]


def test_a_token_that_is_wrong_is_not_made(world: Morning, administrator: Browser) -> None:
    for days in ("0", "367", "-1", "x", "", "9" * 30, "²"):
        answer = administrator.post("/operators/tokens", {"name": "x", "role": "viewer", "whole": "all", "days": days})
        assert answer.status_code == 400
        assert "a number from 1 to 366" in answer.text
    assert administrator.post("/operators/tokens", {"name": "", "role": "king", "days": "9"}).status_code == 400
    assert world.store.console.tokens.all() == []


def test_nobody_but_an_administrator_of_all_schools_says_who_may_use_it(world: Morning) -> None:
    people = [world.operator(role) for role in Role if role not in (Role.ADMINISTRATOR, Role.STAFF)]
    people.append(world.operator(Role.ADMINISTRATOR, MINE, OTHER))
    for cookie in people:
        somebody = world.as_(cookie)
        for path in ("/operators", "/operators/add", "/operators/1", "/operators/tokens"):
            assert somebody.get(path).status_code == 403, path
        for path in ("/operators/add", "/operators/1", "/operators/1/link", "/operators/tokens", "/operators/tokens/1/revoke"):  # fmt: skip
            assert somebody.post(path).status_code == 403, path
    assert world.store.console.audit.list(None) == []


def test_a_form_of_another_site_makes_nobody(world: Morning, administrator: Browser) -> None:
    told = {"name": "mallory", "role": "administrator", "whole": "all"}
    assert administrator.post("/operators/add", told, csrf=False).status_code == 403
    assert administrator.post("/operators/add", told, headers={"Origin": "https://evil.test"}).status_code == 403
    assert world.store.console.operators.named("mallory") is None


def test_numbers_that_are_nobody_s_are_a_page(administrator: Browser) -> None:
    for number in ("0", "-1", "999", "9" * 30):
        assert administrator.get(f"/operators/{number}").status_code == 404
    assert administrator.get("/operators/x").status_code == 422


def test_scripts_are_told_every_operation_of_the_definition(world: Morning) -> None:
    viewer = world.as_(world.operator(Role.VIEWER))
    text = html.unescape(viewer.get("/api").text)
    app: Any = world.client.app
    paths = app.openapi()["paths"]
    assert paths
    for path, methods in paths.items():
        for method in methods:
            assert f"{method.upper()} {path}" in text
    assert "http://testserver/api/v1/" in text
    assert viewer.get("/api/v1/openapi.json").status_code == 200


def test_operations_are_told_with_their_parameters() -> None:
    told = {
        "paths": {
            "/a/{b}": {
                "get": {
                    "tags": ["t"],
                    "description": "What.\n\nMore.",
                    "parameters": [{"name": "b", "in": "path", "required": True}],
                }
            }  # fmt: skip
        }
    }
    (one,) = operations(told)["t"]
    assert (one.method, one.summary, one.parameters) == ("GET", "What.", (("b", "path", True, ""),))


def test_the_guide_says_who_may_do_what_as_it_is() -> None:
    lines = [line for line in DOCS.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    start = next(number for number, row in enumerate(rows) if row[1:] == [role.value for role in Role])
    table = {row[0].lower(): [cell == "yes" for cell in row[1:]] for row in rows[start + 2 : start + 2 + len(Right)]}
    assert table == {right.value: [right in RIGHTS[role] for role in Role] for right in Right}
