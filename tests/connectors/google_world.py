"""The Google Workspace that the target's tests share: a customer behind a loopback server, and a school's memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from onroll_connectors.sandbox.google import Workspace
from onroll_connectors.sandbox.serving import serve
from onroll_connectors.targets.google_target import GoogleWorkspace
from onroll_connectors.targets.google_workspace import Settings, connect
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

DAY = 86400.0


class World:
    """A customer behind a loopback server, and the memory that a school's runs share."""

    domain = "school.test"

    def __init__(self, url: str, google: Workspace, clock: Clock) -> None:
        self.url, self.google, self.clock = url, google, clock
        self.memory, self.passwords = DictMemory(), Passwords()
        self.open: list[GoogleWorkspace] = []
        self.stopping: Callable[[], bool] = lambda: False
        self.groups: frozenset[GroupKind] = frozenset()
        self.settings: dict[str, Any] = {}

    def connect(self, **settings: Any) -> GoogleWorkspace:
        around = replace(context("google", self.clock, self.passwords, self.memory), stopping=lambda: self.stopping())
        around = replace(around, groups=self.groups, domain=self.domain)
        told = {"endpoint": self.url, "token": "env:ONROLL_TEST_TOKEN", **self.settings, **settings}
        target = connect(Settings.model_validate({name: value for name, value in told.items() if value}), around)
        self.open.append(target)
        return target

    def settle(self) -> None:
        self.clock.sleep(3600)

    def stranger(self, login: str) -> None:
        self.google.add_user(f"{login}@{self.domain}", "Stan", "Stranger")

    def fits(self, login: str, password: str) -> bool:
        return self.google.user(login).password == password

    def group_by_hand(self, name: str, address: str) -> None:
        if self.settings.get("classroom"):
            self.google.add_course(name, f"admin@{self.domain}")
        else:
            self.google.add_group(f"{address}@{self.domain}", name)

    def join_by_hand(self, group: Anchor, login: str) -> None:
        user = self.google.user(f"{login}@{self.domain}").id
        head, _, course = group.partition("course:")
        if course:
            self.google.state.courses[course].students[user] = self.clock.now()
        else:
            self.google.state.groups[head].members[user] = "MEMBER"

    def enabled(self, login: str) -> bool:
        return not self.google.user(login).suspended

    def account(self, name: str, **other: object) -> Account:
        return account_of(self.open[-1] if self.open else self.connect(), self.domain, name, **other)

    def do(self, *changes: Change, **settings: Any) -> list[Outcome]:
        """One run of changes on a connection of its own, as after a restart."""
        target = self.connect(**settings)
        return everything(target, changes)

    def made(self, name: str, **other: object) -> Anchor:
        (outcome,) = self.do(Create(pupil(name), self.account(name, **other), "on roll"))
        assert isinstance(outcome, Applied), outcome
        assert outcome.anchor is not None
        return outcome.anchor

    def close(self) -> None:
        for target in self.open:
            target.close()
            target.close()


@contextmanager
def opened(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A world for the length of a test, which fails when anything broke the vendor's definition."""
    monkeypatch.setenv("ONROLL_TEST_TOKEN", "a-token-of-the-sandbox")
    clock = Clock()
    google = Workspace(now=clock.now, token="a-token-of-the-sandbox")
    with serve(google) as url:
        world = World(url, google, clock)
        yield world
        world.close()
    assert google.breaches == []


def applied(outcomes: list[Outcome]) -> list[Applied]:
    """The outcomes, all of them Applied."""
    wrong = [outcome for outcome in outcomes if not isinstance(outcome, Applied)]
    assert not wrong, wrong[0]
    return [outcome for outcome in outcomes if isinstance(outcome, Applied)]


def operations(world: World, name: str) -> int:
    """How often an operation was done ("users.insert")."""
    return sum(1 for operation, _, status in world.google.calls if operation == f"directory.{name}" and status < 400)
