"""Google Groups: what every target that has groups promises, what is special to Google's, and how many calls it takes."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from google_world import World, opened
from onroll_connectors.sandbox.google_quota import Quotas
from onroll_connectors.sandbox.google_state import Lag
from onroll_connectors.sandbox.serving import Faults
from onroll_connectors.testing import TargetContract
from onroll_connectors.testing_groups import TargetGroupContract
from onroll_core.people import GroupKind


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with opened(monkeypatch) as world:
        world.groups = frozenset(GroupKind)
        yield world


class TestGroups(TargetGroupContract):
    """No delays, no faults."""


class TestGroupsInFoulWeather(TargetGroupContract):
    """Google's own quotas and delays, and one request in twelve fails, a third of those after the work was done."""

    @pytest.fixture
    def world(self, world: World) -> World:
        world.google.lag = Lag.usual()
        world.google.quotas = Quotas()
        statuses = (403, 429, 500, 503)
        world.google.faults = Faults(rate=0.06, statuses=statuses, random=random.Random(11))
        world.google.part_faults = Faults(rate=0.08, statuses=statuses, random=random.Random(12))
        return world


class TestAccountsBesideGroups(TargetContract):
    """People are kept as ever where groups are switched on."""
