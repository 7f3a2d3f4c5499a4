"""The source that connectors/README.md shows works as it stands."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from onroll_connectors.sandbox.serving import Request, Response, serve
from onroll_core.errors import Halt, Unavailable
from onroll_core.people import GroupKind
from world import context

README = Path(__file__).parents[2] / "connectors/README.md"
PEOPLE = [
    {"id": n, "status": "current", "preferredName": f" First{n} ", "surname": f"Last{n}", "year": f"Year  {7 + n % 5}"}
    for n in range(250)
]


@pytest.fixture
def acme(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    (code,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    module = ModuleType("acme_example")
    monkeypatch.setitem(sys.modules, "acme_example", module)
    monkeypatch.setenv("ONROLL_TEST_ACME", "the-token")
    exec(compile(code, str(README), "exec"), module.__dict__)
    yield module


def read(acme: ModuleType, people: list[dict[str, Any]], total: int | None = None, token: str = "the-token") -> Any:
    def answer(request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {token}":
            return Response(401, {"error": "no"})
        page = int(request.query["page"][0])
        return Response(
            200, {"people": people[page * 100 - 100 : page * 100], "total": len(people) if total is None else total}
        )

    with serve(answer) as url:
        source = acme.connect(acme.Settings(token="env:ONROLL_TEST_ACME", endpoint=url), context("source"))
        try:
            assert source.check().findings
            return source.read()
        finally:
            source.close()


def test_everybody_is_read_page_by_page_with_their_groups(acme: ModuleType) -> None:
    snapshot = read(acme, PEOPLE)
    assert len(snapshot.people) == 250
    assert (snapshot.people[3].first, snapshot.people[3].year_group) == ("First3", "Year 10")
    assert sum(len(group.members) for group in snapshot.groups if group.kind is GroupKind.YEAR) == 250


def test_a_total_that_does_not_match_ends_the_read(acme: ModuleType) -> None:
    with pytest.raises(Unavailable, match="there are 260 people and sent 250"):
        read(acme, PEOPLE, total=260)


def test_what_is_strange_and_what_is_refused_is_a_sentence(acme: ModuleType) -> None:
    with pytest.raises(Unavailable, match="'gone'"):
        read(acme, [PEOPLE[0] | {"status": "gone"}])
    with pytest.raises(Unavailable, match="an id"):
        read(acme, [PEOPLE[0] | {"id": None}])
    with pytest.raises(Halt, match="the token is wrong"):
        read(acme, PEOPLE, token="another")
