"""The demo school's weeks through each of the twelve MISs and through every source: in the end the same people have the same accounts."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import pytest

from onroll_connectors.mis import MISES
from onroll_daemon.demo import demo, story
from onroll_daemon.kinds import kinds

PUPILS = 42
WAYS = [(name, None) for name in MISES] + [
    (next((name for name, mis in MISES.items() if route in mis.routes), route), route)
    for route in kinds("sources")
    if route not in {mis.route for mis in MISES.values()}
]
"""Each of the twelve by its own route, and every source that is nobody's own."""


@lru_cache(maxsize=1)
def by_wonde() -> dict[str, Any]:
    return told("wonde", None)[1]


def told(mis: str, route: str | None) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The nights of the story and the accounts at its end."""
    with demo(PUPILS, mis=mis, route=route) as world:
        story(world, lambda text="": None)
        return world.nights, world.accounts()


@pytest.mark.parametrize(("mis", "route"), WAYS, ids=[f"{mis}-{route or 'own'}" for mis, route in WAYS])
def test_the_story_ends_with_the_same_accounts(mis: str, route: str | None) -> None:
    nights, accounts = told(mis, route)
    assert accounts == by_wonde()
    assert accounts["count"] > PUPILS
    last = nights[-1]
    assert all(target["verdict"] == "cleared" for target in last["targets"].values())
    assert not any(target["failed"] or target["created"] for target in last["targets"].values())
    half = next(night for night in nights if night["name"] == "half an extract")
    assert all(target["verdict"] == "held" for target in half["targets"].values()) or half.get("error")


def test_every_source_and_every_mis_is_told() -> None:
    assert {mis for mis, _ in WAYS} >= MISES.keys()
    assert {route or MISES[mis].route for mis, route in WAYS} == set(kinds("sources"))
