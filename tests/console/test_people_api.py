"""Scripts find, read and change people with a token, with the rights and refusals of the pages."""

from __future__ import annotations

from typing import Any

import pytest

from morning import MINE, OTHER, Morning
from onroll_daemon.console.rights import Role


@pytest.fixture
def script(world: Morning) -> Script:
    """A token of an operator of the first school."""
    return Script(world, world.token(Role.OPERATOR, MINE))


class Script:
    """What a script with a token sees."""

    def __init__(self, world: Morning, token: str) -> None:
        self._client, self._token = world.client, token

    def __call__(self, method: str, path: str, status: int = 200, json: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {self._token}"}
        self._client.cookies.clear()
        answer = self._client.request(method, f"/api/v1{path}", headers=headers, json=json)
        assert answer.status_code == status, answer.text
        return answer.json()


def identity(world: Morning, text: str) -> str:
    (found,) = world.store.lookup.search([MINE, OTHER], text).people
    return found.id


def test_people_are_listed_as_the_command_line_lists_them(world: Morning, script: Script) -> None:
    told = script("GET", "/users?q=potter&limit=1&offset=1")
    assert (told["total"], told["offset"], [each["username"] for each in told["users"]]) == (2, 1, ["20hpotter1"])
    listed = {each["identity"]: each for each in world.command.json("users", "list", MINE)["users"]}
    for each in script("GET", "/users")["users"]:
        assert each == listed[each["identity"]] | {"guest_at": []}
    assert script("GET", f"/users?school={OTHER}", 404)["error"] == "That is not there"
    assert script("GET", "/users?limit=0", 422)["sentence"].endswith("Nothing was changed.")


def test_one_person_is_told_with_history_and_why(world: Morning, script: Script) -> None:
    harry = identity(world, "harry")
    person = script("GET", f"/users/{harry}")
    assert (person["records"], person["suspended"], person["pending"]) == (["student:1"], "", None)
    assert [each["target"] for each in person["accounts"]] == ["ad"]
    assert "First known" in script("GET", f"/users/{harry}/history")["history"][0]["what"]
    assert script("GET", f"/users/{harry}/explanation")["state"] == "active"
    assert (
        script("GET", f"/users/{identity(world, 'ada')}", 404)["sentence"]
        == "There is no such person, or you may not see them."
    )


def test_a_rename_is_previewed_done_put_off_and_taken_back(world: Morning, script: Script) -> None:
    harry = identity(world, "harry")
    seen = script("GET", f"/users/{harry}")["seen"]
    looked = script("POST", f"/users/{harry}/rename", json={"username": "h.potter", "preview": True, "seen": seen})
    assert (looked["done"], looked["username"], looked["email"]) == (False, "h.potter", "h.potter@miltonpark.test")
    assert script("GET", f"/users/{harry}")["username"] == "20hpotter"
    assert script("POST", f"/users/{harry}/rename", json={"username": "h.potter", "seen": seen})["done"] is True
    late = script("POST", f"/users/{harry}/rename", 409, json={"username": "h.p", "seen": seen})
    assert late["error"] == "It has changed since you looked"
    kept = script("POST", f"/users/{harry}/rename", json={"username": "h.p", "on": "2026-12-24"})
    assert (kept["done"], kept["on"]) == (False, "2026-12-24")
    assert script("GET", f"/users/{harry}")["pending"]["username"] == "h.p"
    assert script("DELETE", f"/users/{harry}/rename")["pending"] is None
    assert script("DELETE", f"/users/{harry}/rename", 409)["sentence"] == "No rename of h.potter waits for its day."
    assert "issued once" in script("POST", f"/users/{harry}/rename", 409, json={"username": "19rweasley"})["sentence"]


def test_somebody_is_switched_called_and_synced(world: Morning, script: Script) -> None:
    harry = identity(world, "harry")
    assert script("POST", f"/users/{harry}/disable", json={"why": "Lost"})["suspended"].endswith(": Lost")
    assert script("POST", f"/users/{harry}/disable", 409, json={})["error"] == "That cannot be done"
    assert script("POST", f"/users/{harry}/enable", json={})["suspended"] == ""
    assert (
        "pupils' display names" in script("POST", f"/users/{harry}/display-name", 409, json={"name": "H"})["sentence"]
    )
    number = script("POST", f"/users/{harry}/sync", 202)["request"]
    assert script("GET", f"/requests/{number}")["asked"]["identity"] == harry
    by = {each.by for each in world.store.console.audit.list([MINE])}
    assert by == {"token a script"}


def test_somebody_is_added_by_hand_and_called_as_they_want(world: Morning, script: Script) -> None:
    made = script(
        "POST",
        f"/schools/{MINE}/manual",
        201,
        json={"first": "Ann", "last": "Lee", "role": "staff", "ends": "2027-08-31"},
    )
    assert (made["username"], made["source"], made["role"]) == ("a.lee", "manual", "staff")
    assert (
        script("POST", f"/users/{made['identity']}/display-name", json={"name": "Prof. Lee"})["display_name"]
        == "Prof. Lee"
    )
    assert (
        "there already"
        in script("POST", f"/schools/{MINE}/manual", 409, json={"first": "Ann", "last": "Lee", "role": "staff"})[
            "sentence"
        ]
    )
    assert script("POST", f"/schools/{OTHER}/manual", 404, json={"first": "Ann"})["error"] == "That is not there"
    assert script("POST", f"/schools/{MINE}/manual", 422, json={"frist": "Ann"})["error"] == "That was not understood"


def test_a_viewer_s_token_changes_nothing(world: Morning) -> None:
    viewer, harry = Script(world, world.token(Role.VIEWER, MINE)), identity(world, "harry")
    assert viewer("GET", f"/users/{harry}")["username"] == "20hpotter"
    for path in (
        f"/users/{harry}/rename",
        f"/users/{harry}/disable",
        f"/users/{harry}/sync",
        f"/schools/{MINE}/manual",
    ):
        assert viewer("POST", path, 403, json={"username": "x"})["error"] == "You may not do that"
    assert status_without_token(world, f"/users/{harry}") == 401


def status_without_token(world: Morning, path: str) -> int:
    world.client.cookies.clear()
    return int(world.client.get(f"/api/v1{path}").status_code)
