"""The bundle for a bug report: whatever a configuration holds and whatever is in the store, nothing that anybody typed is in it."""

from __future__ import annotations

import json
import re
import sqlite3
import string
import zipfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from command import Command, milton_park
from onroll_daemon.bundle import redacted


@pytest.fixture
def school(tmp_path: Path) -> Command:
    return milton_park(tmp_path)


def test_the_bundle_holds_no_text_of_the_store(school: Command, tmp_path: Path) -> None:
    school.run("sync")
    school.run("doctor", "--bundle", str(tmp_path / "bundle.zip"))
    with zipfile.ZipFile(tmp_path / "bundle.zip") as archive:
        told = "\n".join(archive.read(name).decode().lower() for name in archive.namelist())
    private = {"identities", "source_keys", "names", "bonds", "memberships", "groups", "one_time_links", "operators"}
    with closing(sqlite3.connect(school.folder / "onroll.db")) as store:
        rows = [row for table in private for row in store.execute(f"SELECT * FROM {table}")]
    texts = {
        each
        for row in rows
        for value in row
        if isinstance(value, str)
        for each in re.findall(r"[\w.@-]{4,}", value.lower())
    }
    ours = {"active", "student", "status", "roll", "issued", "name", "first", "last", "year", "registration"}
    assert {"hermione", "milton-park", "miltonpark.test"} <= {
        part for each in texts for part in (each, each.rpartition("@")[2])
    }
    assert {each for each in texts - ours if each in told and not re.match(r"20\d\d-", each)} == set()


TYPED = st.text(string.ascii_letters + string.digits + "@:/.-", min_size=8, max_size=20).map(lambda each: f"~{each}")
NUMBER = st.integers(10**9, 10**12)
KEYS = st.sampled_from(
    ["password", "server", "school", "client_secret", "client_id", "token", "columns", "only", "years", "to", "name"]
)


@given(
    st.recursive(
        TYPED | NUMBER | TYPED.map(lambda each: f"env:{each}") | TYPED.map(lambda each: f"file:{each}"),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS | TYPED, inner, max_size=4),
        max_leaves=12,
    )
)
def test_nothing_that_was_typed_gets_through(told: Any) -> None:
    kept = json.dumps(redacted(told))
    assert "~" not in kept
    assert not re.search(r"\d{9}", kept)


def test_what_onroll_has_itself_is_kept() -> None:
    told = {
        "kind": "microsoft365",
        "observe_only": True,
        "window": {"spread": 30},
        "country": "england",
        "limits": {"disable": {"count": 5, "percent": 2.5}},
    }
    assert redacted(told) == told
    assert redacted({"school": [{"source": {"school": 12345}}], "password": 12345678}) == {
        "school": [{"source": {"school": "..."}}],
        "password": "...",
    }
