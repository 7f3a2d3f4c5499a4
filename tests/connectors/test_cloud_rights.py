"""Microsoft 365 with exactly the rights of its table: everything works with them, each is needed for something, a check names each that was taken away."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args
from urllib.parse import unquote, urlsplit

import pytest

from graph_world import World, worlds
from onroll_connectors.sandbox.graph import Graph
from onroll_connectors.sandbox.graph_definition import definition
from onroll_connectors.sandbox.graph_permissions import allowed, needed
from onroll_connectors.sandbox.serving import Request
from onroll_connectors.targets import graph_asks as asks
from onroll_connectors.targets.graph_grants import KEY, PUBLIC_PART
from onroll_connectors.targets.graph_rights import RIGHTS, Right, Uses, rights, table, uses
from onroll_connectors.targets.graph_users import FURTHER, USUAL, renamed
from onroll_connectors.targets.microsoft365 import (
    EVERY_KIND,
    OF_GROUPS,
    OF_LICENCES,
    GraphWire,
    Settings,
    _part,
    connect,
    grants,
)
from onroll_connectors.testing import TargetContract
from onroll_connectors.testing_groups import TargetGroupContract
from onroll_core.accounts import Anchor
from onroll_core.contracts import Report
from onroll_core.people import GroupKind
from world import context

PAGE = Path(__file__).parents[2] / "docs" / "targets" / "microsoft-365.md"
ALL = Uses(True, frozenset({"security", "microsoft365", "class", "team"}), True, True)
NO_GROUPS = Uses()
GIVEN = {"tenant": "school.onmicrosoft.test", "client_id": "an-app", "certificate": "file:/etc/onroll/m365.pem"}


def exactly(needs: Uses) -> dict[str, Any]:
    """What the simulator is told so that the app has exactly its rights."""
    asked = rights(needs)
    return {
        "permissions": {each.name for each in asked if not each.role},
        "roles": {each.role for each in asked if each.role},
    }


class School(World):
    """A tenant whose token says what was granted, as Entra's do; `made_as` says what classes are."""

    made_as = "security"
    had: frozenset[str] = frozenset()
    patch: pytest.MonkeyPatch

    def connect(self, **settings: Any):  # type: ignore[no-untyped-def]
        self.patch.setenv("ONROLL_TEST_TOKEN", self.graph.access_token())
        return super().connect(**({"groups_as": {"teaching": self.made_as}} | settings))


def schools(patch: pytest.MonkeyPatch, needs: Uses, made_as: str = "security") -> Iterator[School]:
    for world in worlds(School, **exactly(needs)):
        assert isinstance(world, School)
        world.graph.token = None
        world.patch, world.made_as, world.licences = patch, made_as, needs.licences
        world.groups = frozenset(GroupKind) if needs.made_as else frozenset()
        yield world


class TestAccountsWithExactlyTheirRights(TargetContract):
    """The simulator answers 403 to whatever the table does not allow."""

    @pytest.fixture
    def world(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
        yield from schools(monkeypatch, NO_GROUPS)


class TestTeamsWithExactlyTheirRights(TargetGroupContract):
    """The same of groups of every kind."""

    @pytest.fixture
    def world(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
        yield from schools(monkeypatch, replace(NO_GROUPS, made_as=frozenset({"security", "team"})), "team")


# --- every request has its right ---

PEOPLE = ("members", "owners", "teachers")
BODIES: list[asks.Ask] = [
    *(asks.PatchUser(Anchor("-"), {name: "x"}) for name in sorted(USUAL | FURTHER | renamed("a@b.test", "a@b.test").keys())),
    *(asks.PatchUser(Anchor("-"), {name: "x"}) for name in ("employeeId", "onPremisesExtensionAttributes", "surname")),
    asks.PatchUser(Anchor("-"), {"accountEnabled": False}),
    asks.PatchUser(Anchor("-"), {"passwordProfile": {}}),
    asks.PatchGroup(Anchor("-"), {"members@odata.bind": []}),
    asks.PatchGroup(Anchor("-"), {"displayName": "x", "description": "x"}),
]  # fmt: skip


@pytest.fixture(scope="module")
def requests() -> list[list[tuple[frozenset[str], ...]]]:
    """What Microsoft's reference asks for, of every request that the connector can send."""
    every = [
        ask for ask in (*EVERY_KIND, *OF_GROUPS, *OF_LICENCES) if not isinstance(ask, asks.PatchUser | asks.PatchGroup)
    ]
    every += [asks.More("http://127.0.0.1:1/v1.0/users?$skiptoken=x"), *BODIES]
    assert {type(ask) for ask in every} == set(get_args(asks.Ask)), "a new kind of request belongs into this list"
    found = []
    patch = pytest.MonkeyPatch()
    patch.setenv("ONROLL_TEST_TOKEN", "a-token")
    wire = GraphWire(Settings.model_validate({"endpoint": "http://127.0.0.1:1", "token": "env:ONROLL_TEST_TOKEN"}))
    try:
        for ask in every:
            part = _part(0, wire._request(ask))  # noqa: SLF001
            path = unquote(urlsplit(part["url"]).path)
            route = definition().route(path.removeprefix("/v1.0"))
            assert route is not None, path
            found.append(needed(part["method"], route.template, getattr(ask, "body", None)))
    finally:
        wire.close()
        patch.undo()
    return found


def test_every_request_is_covered_and_every_right_is_needed_for_one(requests: list[Any]) -> None:
    granted = {each.name for each in rights(ALL)}
    assert [ways for ways in requests if not allowed(ways, granted)] == []
    for right in rights(ALL):
        # A role is beside a permission, and who is hidden is left out of an answer: neither refuses a request by itself.
        if not right.role and right.name != "Member.Read.Hidden":
            assert any(not allowed(ways, granted - {right.name}) for ways in requests), right.name


def test_no_right_includes_another_that_is_asked_for_beside_it() -> None:
    for needs in (NO_GROUPS, ALL):
        asked = rights(needs)
        names = {each.role or each.name for each in asked}
        assert [each.name for each in asked if each.wider & names] == []


# --- what was taken away is named ---


def checked(world: School) -> Report:
    target = world.connect(extra_fields=["mobilePhone"] if "User-Phone.ReadWrite.All" in world.had else [])
    before = world.graph.written()
    report = target.check()
    assert world.graph.written() == before, "a check writes nothing"
    return report


@pytest.mark.parametrize("needs", [NO_GROUPS, ALL], ids=["accounts", "everything"])
def test_a_check_names_each_right_that_was_taken_away_and_what_it_is_for(
    monkeypatch: pytest.MonkeyPatch, needs: Uses
) -> None:
    for world in schools(
        monkeypatch, replace(needs, made_as=needs.made_as and frozenset({"security", "team"})), "team"
    ):
        world.had = frozenset(world.graph.permissions)
        assert [each.level for each in checked(world).findings] == ["ok"] * 3
        for right in rights(needs):
            held, key = (world.graph.roles, right.role) if right.role else (world.graph.permissions, right.name)
            held.remove(key)
            report = checked(world)
            (told,) = [each for each in report.findings if each.level != "ok"]
            assert told.sentence == right.sentence
            assert right.name in told.sentence and right.purpose in told.sentence
            assert told.level == ("warning" if right.without else "problem")
            held.add(key)


def test_a_wider_permission_counts_and_a_token_that_tells_no_roles_is_not_blamed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for world in schools(monkeypatch, NO_GROUPS):
        world.had = frozenset()
        users = {each.name for each in RIGHTS if each.wider & {"User.ReadWrite.All"}}
        world.graph.permissions -= users
        world.graph.permissions |= {"User.ReadWrite.All"}
        world.graph.roles.clear()
        assert [each.sentence for each in checked(world).findings if each.level == "warning"] == [_role().sentence]
        target = world.connect()
        target.entra_roles = lambda: None
        assert all(each.level == "ok" for each in target.check().findings)


def _role() -> Right:
    (found,) = [each for each in RIGHTS if each.role]
    return found


def test_a_password_needs_the_role_beside_the_permission() -> None:
    graph = Graph(**exactly(NO_GROUPS))
    user = graph.add_user("ada@school.test")
    body = {"passwordProfile": {"password": "Blue-Teapot-31", "forceChangePasswordNextSignIn": True}}
    assert _patched(graph, user.id, body) == 204
    graph.roles.clear()
    assert _patched(graph, user.id, body) == 403
    assert _patched(graph, user.id, {"jobTitle": "Head"}) == 204


def _patched(graph: Graph, key: str, body: dict[str, Any]) -> int:
    headers = {"authorization": "Bearer x", "content-type": "application/json"}
    return graph(Request("PATCH", f"/v1.0/users/{key}", {}, headers, json.dumps(body).encode())).status


# --- what is printed and written of them ---


def printed(groups: tuple[str, ...] = (), licences: bool = False, **told: Any) -> str:
    return "\n".join(grants(Settings.model_validate({**GIVEN, **told}), groups, licences))


def test_setup_prints_the_rights_that_these_settings_ask_for() -> None:
    def permissions(text: str) -> set[str]:
        return {found[1] for found in re.finditer(r"^    ([\w.-]+): ", text, re.MULTILINE)}

    assert permissions(printed()) == exactly(NO_GROUPS)["permissions"]
    assert "User.Create: make" not in printed(create=False)
    some = printed(("teaching", "year"), groups_as={"year": "microsoft365", "teaching": "team"})
    assert permissions(some) == exactly(uses(True, ("teaching",), {"teaching": "team"}, False, ()))["permissions"]
    assert permissions(printed((), True, extra_fields=["mobilePhone"])) >= {
        "LicenseAssignment.ReadWrite.All",
        "User-Phone.ReadWrite.All",
    }
    assert "https://login.microsoftonline.com/school.onmicrosoft.test/adminconsent?client_id=an-app" in printed()
    assert "is what file:/etc/onroll/m365.pem refers to" in printed()
    secret = printed(certificate=None, client_secret="env:M365_SECRET")
    assert "env:M365_SECRET" in secret and "openssl" not in secret
    sandbox = Settings.model_validate({"endpoint": "http://127.0.0.1:1", "token": "env:T"})
    assert grants(sandbox) == ["A sandbox asks nobody for rights."]


def test_the_certificate_that_setup_has_one_make_can_be_signed_in_with(tmp_path: Path) -> None:
    for command in (KEY, PUBLIC_PART):
        subprocess.run(
            command.replace("rsa:3072", "rsa:2048"), shell=True, check=True, cwd=tmp_path, capture_output=True
        )
    public = (tmp_path / "onroll.cer").read_text()
    assert "BEGIN CERTIFICATE" in public and "PRIVATE" not in public
    settings = Settings.model_validate({**GIVEN, "certificate": f"file:{tmp_path / 'onroll.pem'}"})
    connect(settings, context("m365")).close()


def test_the_page_has_the_table() -> None:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    start = lines.index(table()[0])
    assert lines[start : start + len(table())] == table()
    assert lines[start + len(table())] == ""
