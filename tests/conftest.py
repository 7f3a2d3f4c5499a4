"""What every test may rely on: deterministic property tests, and the real servers."""

from __future__ import annotations

import os
import random

from hypothesis import HealthCheck, settings

pytest_plugins = ["samba", "directories"]

settings.register_profile(
    "ci", derandomize=True, database=None, max_examples=60, deadline=None, suppress_health_check=list(HealthCheck)
)
settings.register_profile(
    "soak", database=None, max_examples=5000, deadline=None, suppress_health_check=list(HealthCheck)
)
settings.load_profile("soak" if os.environ.get("ONROLL_SOAK") else "ci")
random.seed(7)
