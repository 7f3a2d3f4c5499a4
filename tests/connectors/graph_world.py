"""A tenant of Microsoft 365 to test against: the simulator behind a loopback server, and a school's memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from onroll_connectors.sandbox.graph import Graph
from onroll_connectors.sandbox.serving import Request, Response, serve
from onroll_connectors.targets.graph_target import Microsoft365
from onroll_connectors.targets.microsoft365 import Settings, connect
from onroll_connectors.testing import account_of, everything, pupil
from onroll_core.accounts import Account, Anchor
from onroll_core.changes import (
    Applied,
    Change,
    Create,
    Outcome,
)
from onroll_core.people import GroupKind
from world import Clock, DictMemory, Passwords, context

HOUR = 3600.0


class Watched:
    """The simulator, and how many objects each page of it held."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.pages: list[tuple[str, int]] = []

    def __call__(self, request: Request) -> Response:
        response = self.graph(request)
        if isinstance(response.body, dict) and "value" in response.body:
            self.pages.append((request.path, len(response.body["value"])))
        return response

    def shown(self, path: str) -> list[int]:
        """The number of objects on each page of a path below /v1.0."""
        return [count for where, count in self.pages if where == f"/v1.0{path}"]


class World:
    """A tenant behind a loopback server, and the memory that a school's runs share."""

    domain = "school.test"
    groups: frozenset[GroupKind] = frozenset()
    licences = False

    def __init__(self, url: str, watched: Watched, clock: Clock) -> None:
        self.url, self.graph, self.watched, self.clock = url, watched.graph, watched, clock
        self.memory, self.passwords = DictMemory(), Passwords()
        self.open: list[Microsoft365] = []
        self.stopping = False

    def connect(self, **settings: Any) -> Microsoft365:
        around = context("m365", self.clock, self.passwords, self.memory)
        around = replace(around, stopping=lambda: self.stopping, groups=self.groups, domain=self.domain)
        around = replace(around, licences=self.licences)
        told = {"endpoint": self.url, "token": "env:ONROLL_TEST_TOKEN", **settings}
        target = connect(Settings.model_validate(told), around)
        assert isinstance(target, Microsoft365)
        self.open.append(target)
        return target

    def settle(self) -> None:
        self.clock.sleep(HOUR)

    def stranger(self, login: str) -> None:
        self.graph.add_user(f"{login}@{self.domain}", displayName="Stan Stranger", surname="Stranger")

    def group_by_hand(self, name: str, address: str) -> None:
        self.graph.groups.add_by_hand(name, f"{address}@{self.domain}")

    def join_by_hand(self, group: Anchor, login: str) -> None:
        self.graph.groups.join(group, self.graph.user(f"{login}@{self.domain}").id)

    def fits(self, login: str, password: str) -> bool:
        return self.graph.user(login).password == password

    def enabled(self, login: str) -> bool:
        return self.graph.user(login).props["accountEnabled"] is True

    def wanted(self, name: str, **more: object) -> Account:
        return account_of(self.open[-1] if self.open else self.connect(), self.domain, name, **more)

    def create(self, name: str, **more: object) -> Create:
        return Create(pupil(name), self.wanted(name, **more), "on roll")

    def made(self, name: str, **more: object) -> Anchor:
        (outcome,) = self.do(self.create(name, **more))
        assert isinstance(outcome, Applied), outcome
        assert outcome.anchor is not None
        return outcome.anchor

    def do(self, *changes: Change, **settings: Any) -> list[Outcome]:
        return everything(self.connect(**settings), changes)

    def one(self, change: Change, **settings: Any) -> Outcome:
        (outcome,) = self.do(change, **settings)
        return outcome

    def sent(self, method: str) -> list[str]:
        return [path for verb, path, _ in self.graph.calls if verb == method]


def worlds(kind: type[World] | None = None, **options: Any) -> Iterator[World]:
    clock = Clock()
    graph = Graph(now=clock.now, token="a-sandbox-token", **options)
    watched = Watched(graph)
    with ExitStack() as stack:
        world = (kind or World)(stack.enter_context(serve(watched)), watched, clock)
        try:
            yield world
        finally:
            for target in world.open:
                target.close()
    assert graph.breaches == []
