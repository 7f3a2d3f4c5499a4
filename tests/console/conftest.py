"""The console's tests share a morning: two schools after their first night."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from morning import Morning, morning


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Morning]:
    with morning(tmp_path) as made:
        yield made
