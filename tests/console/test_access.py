"""Nobody gets past the door without the right, in the school that the route is about; every route has a door."""

from __future__ import annotations

from morning import MINE, OTHER, Morning
from onroll_daemon.console.rights import Role


def asked(world: Morning, school: str) -> int:
    return world.store.requests.ask(school, "check", {}, "somebody", world.clock())


def test_nobody_sees_a_page_without_signing_in(world: Morning) -> None:
    answer = world.client.get(f"/requests/{asked(world, MINE)}")
    assert answer.status_code == 401
    assert "Sign in to go on." in answer.text


def test_somebody_signed_in_sees_what_their_role_and_schools_let_them(world: Morning) -> None:
    viewer = world.as_(world.operator(Role.VIEWER, MINE))
    assert viewer.get(f"/requests/{asked(world, MINE)}").status_code == 200
    hidden, nothing = viewer.get(f"/requests/{asked(world, OTHER)}"), viewer.get("/requests/999")
    assert (hidden.status_code, hidden.text) == (nothing.status_code, nothing.text)
    assert hidden.status_code == 404


def test_a_session_ends_when_nobody_does_anything_for_a_while(world: Morning) -> None:
    viewer = world.as_(world.operator(Role.VIEWER))
    path = f"/requests/{asked(world, MINE)}"
    for _ in range(3):
        world.later(minutes=29)
        assert viewer.get(path).status_code == 200
    world.later(minutes=31)
    assert viewer.get(path).status_code == 401


def test_a_session_ends_when_its_day_is_over_or_its_operator_is_disabled(world: Morning) -> None:
    viewer = world.as_(world.operator(Role.VIEWER, MINE, name="minerva"))
    path = f"/requests/{asked(world, MINE)}"
    assert viewer.get(path).status_code == 200
    minerva = world.store.console.operators.named("minerva")
    assert minerva is not None
    world.operator(Role.ADMINISTRATOR)
    world.store.console.operators.change(minerva.id, "Minerva", None, "viewer", None, disabled=True)
    assert viewer.get(path).status_code == 401


def test_a_script_has_a_token_with_the_rights_of_a_role(world: Morning) -> None:
    token = world.token(Role.VIEWER, MINE)
    mine, theirs = asked(world, MINE), asked(world, OTHER)
    headers = {"Authorization": f"Bearer {token}"}
    told = world.client.get(f"/api/v1/requests/{mine}", headers=headers)
    assert (told.status_code, told.json()["kind"]) == (200, "check")
    assert world.client.get(f"/api/v1/requests/{theirs}", headers=headers).status_code == 404
    refused = world.client.get(f"/api/v1/requests/{mine}", headers={"Authorization": "Bearer onr_wrong"})
    assert refused.status_code == 401
    assert refused.json().keys() == {"error", "sentence"}
    world.later(days=31)
    assert world.client.get(f"/api/v1/requests/{mine}", headers=headers).status_code == 401


def test_what_is_too_large_is_refused_before_it_is_read(world: Morning) -> None:
    answer = world.client.post("/requests/1", content=b"x" * (3 * 1024 * 1024))
    assert answer.status_code == 413
    assert "at most 2 MB" in answer.text


def test_pages_keep_themselves_to_themselves(world: Morning) -> None:
    headers = world.client.get("/requests/1").headers
    assert "script-src 'self'" in headers["content-security-policy"]
    assert "unsafe-inline" not in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"
    assert headers["x-frame-options"] == "DENY"
