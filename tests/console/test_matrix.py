"""The access matrix: every route, every role, one's own school and another; generated from the application, so that a new route is in it."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from morning import MINE, OTHER, Browser, Morning
from onroll_core.people import Role as Person
from onroll_daemon.console.app import API, PAGES
from onroll_daemon.console.rights import GIVEN, RIGHTS, WHOLE, Right, Role
from routes import Door, doors

OPEN = {
    "/healthz", "/metrics", "/sign-in", "/first/{secret}", "/choose-password/{secret}",
    "/sign-in/openid/{name}", "/sign-in/openid/{name}/done",
}  # fmt: skip
"""What anybody may open: it tells nothing of anybody, or is how one signs in."""


@dataclass
class Places:
    """What the names in paths stand for, in one school."""

    school: str
    identity: str
    run: str
    number: str

    def values(self) -> dict[str, str]:
        """By the names that routes use."""
        return {
            "school": self.school, "identity": self.identity, "run": self.run, "number": self.number, "target": "ad", "digest": "0" * 16,
            "operator": "999", "token": "999", "record": "1", "name": "nobody", "secret": "nothing", "group": "nothing", "kind": "year",
            "address": "nobody@miltonpark.test",
        }  # fmt: skip


def places(world: Morning, school: str) -> Places:
    person = next(each for each in world.store.identities(school) if each.username)
    number = world.store.requests.ask(school, "check", {}, "somebody", world.clock())
    return Places(school, person.id, str(world.store.runs(school, 1)[0]["id"]), str(number))


def all_doors(world: Morning) -> list[Door]:
    return list(doors(world.client.app))  # type: ignore[arg-type]


def test_every_route_has_a_door_or_is_known_to_need_none(world: Morning) -> None:
    found = all_doors(world)
    assert len(found) >= len(PAGES) + len(API)
    assert {each.path for each in found if each.right is None} <= OPEN
    assert {each.path for each in found if each.right is not None} & OPEN == set()


def knock(browser: Browser, door: Door, path: str, csrf: bool = True) -> int:
    """The status of the answer. A form without its fields is not understood (422), which comes after the door."""
    if door.method == "GET":
        return int(browser.get(path).status_code)
    headers = {"X-CSRF-Token": browser.csrf} if csrf else {}
    return int(browser._send(door.method, path, headers).status_code)


TURNED_AWAY = {401, 403, 404}


@pytest.mark.parametrize("role", [*GIVEN, Role.STAFF])
def test_a_role_gets_through_the_doors_of_its_rights_in_its_own_school(world: Morning, role: Role) -> None:
    mine, theirs = places(world, MINE).values(), places(world, OTHER).values()
    wrong = []
    for door in all_doors(world):
        if door.right is None:
            continue
        browser = somebody(world, role, MINE)
        may = door.right in RIGHTS[role] and door.right not in WHOLE
        got = knock(browser, door, door.at(mine))
        if may is (got in (401, 403)) or got >= 500:
            wrong.append((door.method, door.path, "own school", got))
        if door.names and set(door.names) & {"school", "identity", "run", "number"}:
            got = knock(browser, door, door.at(theirs))
            if got != (404 if may else 403):
                wrong.append((door.method, door.path, "other school", got))
        elif door.method == "GET":
            got = knock(
                browser, door, f"{door.path}?school={OTHER}" if not door.names else f"{door.at(mine)}?school={OTHER}"
            )
            if got != (404 if may else 403):
                wrong.append((door.method, door.path, "asks for other school", got))
    assert wrong == []


def test_an_administrator_of_everything_gets_through_every_door(world: Morning) -> None:
    for school in (MINE, OTHER):
        values = places(world, school).values()
        turned = []
        for door in all_doors(world):
            browser = world.as_(world.operator(Role.ADMINISTRATOR))
            if door.right is not None and knock(browser, door, door.at(values)) in (401, 403):
                turned.append((door.method, door.path))
        assert turned == []


def test_nobody_gets_through_any_door_without_signing_in(world: Morning) -> None:
    values = places(world, MINE).values()
    nobody = Browser(world.client, "nothing", "nothing")
    through = []
    for door in all_doors(world):
        expected = {401, 303} if door.path == "/" else {401}
        if door.right is not None and knock(nobody, door, door.at(values)) not in expected:
            through.append((door.method, door.path))
    assert through == []


def test_no_write_with_a_cookie_goes_through_without_the_token_of_its_form(world: Morning) -> None:
    values = places(world, MINE).values()
    before = world.store.requests.latest(MINE), world.store.console.audit.list(None)
    through = []
    for door in all_doors(world):
        browser = world.as_(world.operator(Role.ADMINISTRATOR))
        if door.right is not None and door.method != "GET" and knock(browser, door, door.at(values), csrf=False) != 403:
            through.append((door.method, door.path))
    assert through == []
    assert (world.store.requests.latest(MINE), world.store.console.audit.list(None)) == before


def test_no_write_that_another_site_sends_goes_through(world: Morning) -> None:
    values = places(world, MINE).values()
    for door in all_doors(world):
        if door.method == "GET":
            continue
        for headers in ({"Origin": "https://evil.test"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}):
            answer = world.client.request(door.method, door.at(values), headers=headers)
            assert answer.status_code == 403, (door, headers)


def test_the_rights_of_the_roles_grow_from_viewer_to_administrator() -> None:
    assert RIGHTS[Role.VIEWER] < RIGHTS[Role.OPERATOR] < RIGHTS[Role.ADMINISTRATOR]
    assert RIGHTS[Role.STAFF] == {Right.PROFILE}
    assert Right.CHANGE not in RIGHTS[Role.ISSUER]


def somebody(world: Morning, role: Role, school: str) -> Browser:
    if role is Role.STAFF:
        return world.as_(world.staff(teacher(world, school)))
    return world.as_(world.operator(role, school))


def teacher(world: Morning, school: str) -> str:
    """A member of staff of a school."""
    there = [each.id for each in world.store.identities(school) if each.role is Person.STAFF]
    if not there:
        world.command.run(
            "users", "add", "--school", school, "--first", "Minerva", "--last", "McGonagall", "--role", "staff"
        )
        return teacher(world, school)
    return there[0]
