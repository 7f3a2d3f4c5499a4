"""The JSON API keeps to its own definition, whatever it is sent: schemathesis makes the requests, with every kind of value that the definition allows and many that it does not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from morning import MINE, OTHER, Morning, morning
from onroll_daemon.console.rights import Role

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
EXAMPLES = 400 if os.environ.get("ONROLL_SOAK") else 12


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Morning]:
    with morning(tmp_path_factory.mktemp("api")) as world:
        yield world


def known(house: Morning) -> dict[str, list[Any]]:
    """Values that are there, so that not every request is about nothing."""
    people = [each.id for school in (MINE, OTHER) for each in house.store.identities(school)]
    runs = [row["id"] for row in house.store.runs(None, 20)]
    numbers = [house.store.requests.ask(MINE, "check", {}, "somebody", house.clock())]
    return {
        "school": [MINE, OTHER, "elsewhere"],
        "identity": people[:4],
        "run": runs,
        "number": numbers,
        "target": ["ad"],
    }


def test_every_operation_answers_as_it_says(house: Morning) -> None:
    """Each with a few hundred cases in `make soak`, with a dozen otherwise."""
    told = known(house)
    tokens = [house.token(Role.ADMINISTRATOR), house.token(Role.ADMINISTRATOR, MINE), house.token(Role.VIEWER)]
    tried: list[str] = []

    def prove(operation: Any) -> None:
        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(), pick=st.integers(0, 11), who=st.sampled_from((0, 0, 0, 1, 2)))
        def one(case: Any, pick: int, who: int) -> None:
            for name in case.path_parameters or {}:
                if name in told and pick:
                    case.path_parameters[name] = told[name][pick % len(told[name])]
            answer = case.call(headers={"Authorization": f"Bearer {tokens[who]}"})
            case.validate_response(answer, checks=CHECKS)
            tried.append(f"{operation.method} {operation.path}")

        one()

    definition = schemathesis.openapi.from_asgi("/api/v1/openapi.json", house.client.app)
    for operation in definition.get_all_operations():
        prove(operation.ok())
    assert len(set(tried)) == definition.statistic.operations.total > 0


def test_the_definition_is_one_that_other_programs_can_read(house: Morning) -> None:
    told = house.client.get("/api/v1/openapi.json").json()
    assert told["openapi"].startswith("3.1")
    operations = [each for path in told["paths"].values() for each in path.values()]
    assert len({each["operationId"] for each in operations}) == len(operations)
    for each in operations:
        assert each["summary"]
        assert {"401", "403", "404", "422", "503"} <= each["responses"].keys()


def test_what_is_not_understood_is_said_in_a_sentence(house: Morning) -> None:
    headers = {"Authorization": f"Bearer {house.token(Role.ADMINISTRATOR)}"}
    assert house.client.get("/api/v1/requests/many", headers=headers).status_code == 404
    answer = house.client.get("/api/v1/users?limit=many", headers=headers)
    assert answer.status_code == 422
    assert "limit" in answer.json()["sentence"]
    assert house.client.get("/api/v1/nothing", headers=headers).json()["error"] == "That is not there"


def test_the_definition_tells_nothing_of_anybody(house: Morning, tmp_path: Path) -> None:
    text = house.client.get("/api/v1/openapi.json").text.lower()
    assert "potter" not in text
    assert "milton" not in text
