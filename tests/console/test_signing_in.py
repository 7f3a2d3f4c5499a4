"""Signing in and out: who gets in, who waits, and that no link, cookie or form works longer, oftener or for others than it should."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from fastapi.testclient import TestClient

from morning import MINE, MORNING, Morning
from onroll_daemon.console import own_passwords
from onroll_daemon.console.app import console_app
from onroll_daemon.console.operating import first_link
from onroll_daemon.console.rights import Role
from onroll_daemon.console.session_cookies import local
from onroll_daemon.console.throttle import FREE_BY_ADDRESS, FREE_BY_NAME, Throttle

GOOD = "otters juggle quietly"


def person(world: Morning, name: str = "minerva", role: Role = Role.OPERATOR, *schools: str) -> int:
    """Somebody with the password GOOD."""
    operators = world.store.console.operators
    made = operators.add(name, name.title(), None, role.value, schools or None, "a test", world.clock())
    operators.set_password(made.id, own_passwords.hashed(GOOD))
    return made.id


def send(world: Morning, name: str, password: str, **more: Any) -> Any:
    world.client.cookies.clear()
    data = {"name": name, "password": password, **more.pop("data", {})}
    return world.client.post("/sign-in", data=data, follow_redirects=False, **more)


def cookie(answer: Any) -> str:
    return str(answer.cookies["onroll"])


def audit(world: Morning) -> list[tuple[str, str]]:
    return [(each.by, each.what) for each in world.store.console.audit.list(None)]


def test_a_name_and_its_password_sign_in_and_the_way_out_ends_it(world: Morning) -> None:
    person(world)
    answer = send(world, " Minerva", GOOD)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    signed_in = cookie(answer)
    session = world.store.console.sessions.find(signed_in, world.clock(), timedelta(minutes=30))
    assert session is not None
    minerva = world.as_(signed_in)
    minerva.csrf = session.csrf
    out = minerva.post("/sign-out")
    assert (out.status_code, out.headers["location"]) == (303, "/sign-in")
    assert minerva.post("/sign-out").status_code == 401
    assert audit(world)[:2] == [("minerva", "signed out"), ("minerva", "signed in")]
