"""What every test may rely on: deterministic property tests, and the real servers."""

from __future__ import annotations

import os
import random

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["samba", "directories", "made_once"]

settings.register_profile(
    "ci", derandomize=True, database=None, max_examples=60, deadline=None, suppress_health_check=list(HealthCheck)
)
settings.register_profile(
    "soak", database=None, max_examples=5000, deadline=None, suppress_health_check=list(HealthCheck)
)
settings.load_profile("soak" if os.environ.get("ONROLL_SOAK") else "ci")
random.seed(7)

LONG = (
    "tests/windows/test_windows_service.py",
    "tests/windows/test_windows_bundle.py",
    "tests/windows/",
    "tests/console/test_every_page.py",
    "tests/scenarios/test_september.py",
    "tests/scenarios/test_killed.py",
    "tests/scenarios/test_school_weeks.py",
    "tests/console/test_first_morning.py",
    "tests/console/test_signing_in_look.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first: the other process has then something short to take over at the end."""

    def turn(item: pytest.Item) -> int:
        return next((n for n, start in enumerate(LONG) if item.nodeid.startswith(start)), len(LONG))

    items.sort(key=turn)
