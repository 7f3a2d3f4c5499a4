"""The catalogue of the twelve: every route is a source, and a MIS is found by the names people give it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from onroll_connectors import mis_table
from onroll_connectors.mis import EVENING, LATE, MISES, NIGHT, find, gives
from onroll_connectors.sandbox.school import milton_park
from onroll_connectors.sandbox.stages import build
from onroll_daemon.kinds import kinds


def test_there_are_twelve() -> None:
    assert len(MISES) == 12


@pytest.mark.parametrize("mis", MISES.values(), ids=list(MISES))
def test_every_route_is_a_source_that_says_what_it_gives(mis) -> None:
    assert set(mis.routes) <= set(kinds("sources"))
    assert all(gives(route, mis.preset).groups is not None for route in mis.routes)


@pytest.mark.parametrize(
    ("name", "means"),
    [
        ("SIMS", "sims"), ("SIMS.net", "sims"), ("SIMS Connected", "sims"), ("Cloud School", "cloud_school"), ("cloud-school", "cloud_school"),
        ("Ed:gen", "edgen"), ("IRIS Ed:gen", "edgen"), ("Juniper Horizons", "juniper_horizons"), ("juniper", "juniper_horizons"),
        ("SEEMiS Click and Go", "seemis"), ("Facility CMIS", "cmis"), ("iSAMS", "isams"), ("WCBS", "wcbs"), ("RM Integris", "integris"),
        ("ScholarPack", "scholarpack"), ("Arbor", "arbor"), ("Bromcom", "bromcom"),
    ],
)  # fmt: skip
def test_a_mis_is_found_by_what_people_call_it(name: str, means: str) -> None:
    found = find(name)
    assert found is not None
    assert found.name == means


@pytest.mark.parametrize("name", ["", "csv", "wonde", "sim", "arborr"])
def test_what_is_no_mis_is_none(name: str) -> None:
    assert find(name) is None


def test_the_windows_are_those_of_the_faq() -> None:
    """RM Unify's MIS Sync keeps these hours, and schools know them."""
    at_night = {name for name, mis in MISES.items() if mis.window == NIGHT}
    assert at_night == {"arbor", "juniper_horizons", "edgen", "scholarpack"} == {n for n, m in MISES.items() if m.waits}
    assert MISES["integris"].window == LATE
    assert all(mis.window == EVENING for name, mis in MISES.items() if name not in at_night | {"integris"})


def test_the_tables_in_the_documentation_are_the_catalogues() -> None:
    """Written by `python -m onroll_connectors.mis_table`."""
    root = Path(__file__).parents[2]
    assert mis_table.twelve() in (root / "README.md").read_text(encoding="utf-8")
    assert mis_table.routes() in (root / "docs/mis/README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("route", kinds("sources"))
def test_every_source_can_be_staged(route: str, tmp_path: Path) -> None:
    assert build(route, milton_park(date(2026, 11, 24), 7, 4), tmp_path).source("http://127.0.0.1:1")
