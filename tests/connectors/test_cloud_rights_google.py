"""Google Workspace with exactly the rights of its tables: everything works with them, each is needed, a check names each that was taken away."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from google_classes import School, lesson
from google_world import World, applied, opened
from onroll_connectors.sandbox.google_definition import CLASSROOM, definition
from onroll_connectors.sandbox.google_roles import Roles
from onroll_connectors.sandbox.google_rules import Refusal
from onroll_connectors.targets.google_rights import (
    PREFIX,
    PRIVILEGES,
    READ_ROLES,
    SCOPES,
    Needs,
    Right,
    listed,
    privileges,
    scopes,
    table,
)
from onroll_connectors.targets.google_workspace import Settings, grants
from onroll_connectors.testing import TargetContract, everything, pupil
from onroll_connectors.testing_groups import TargetGroupContract
from onroll_core.changes import Create, Naming, Rename
from onroll_core.contracts import Finding
from onroll_core.people import GroupKind
from test_google_workspace import service_account

TARGETS = Path(__file__).parents[2] / "connectors" / "onroll_connectors" / "targets"
PAGE = Path(__file__).parents[2] / "docs" / "targets" / "google-workspace.md"
GROUPS, COURSES = Needs(groups=True), Needs(courses=True)
SUBJECT, ACCOUNT, UNIQUE_ID = "onroll@school.test", "onroll@school.iam.test", "104"


def give(world: World, folder: Path, needs: Needs, *, own: bool, can_look: bool = False) -> None:
    """onroll acts for an administrator with exactly the privileges and scopes, or (`own`) as the service account with exactly the privileges."""
    names = [each.name for each in privileges(needs)]
    signed: dict[str, Any] = service_account(world, folder)
    world.settings = {**signed, "sign_out": needs.sign_out, "subject": "" if own else SUBJECT}
    world.groups = frozenset(GroupKind) if needs.groups else frozenset()
    if own:
        world.google.roles.give(ACCOUNT, UNIQUE_ID, *names)
        world.google.tokens.delegated = frozenset()
        return
    user = world.google.add_user(SUBJECT, "On", "Roll")
    user.delegated = True
    world.google.roles.give(SUBJECT, user.id, *names)
    world.google.tokens.delegated = frozenset({*scopes(needs), *([READ_ROLES] if can_look else [])})


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with opened(monkeypatch) as world:
        yield world


@pytest.mark.parametrize("own", [False, True], ids=["delegation", "own role"])
class TestAccountsWithExactlyTheirRights(TargetContract):
    """The simulator answers 403 to whatever neither scopes nor privileges allow."""

    @pytest.fixture
    def world(self, fresh: World, tmp_path: Path, own: bool) -> World:
        give(fresh, tmp_path, Needs(), own=own)
        return fresh


class TestGroupsWithExactlyTheirRights(TargetGroupContract):
    """The same of Google Groups."""

    @pytest.fixture
    def world(self, fresh: World, tmp_path: Path) -> World:
        give(fresh, tmp_path, GROUPS, own=False)
        return fresh


def test_a_rename_that_signs_out_and_a_restored_user_work_with_exactly_their_rights(
    fresh: World, tmp_path: Path
) -> None:
    give(fresh, tmp_path, Needs(sign_out=True), own=False)
    fresh.google.writes.delete(fresh.made("nora"))
    anchor = fresh.made("maja")
    one, two = Naming("maja@school.test", "maja@school.test"), Naming("m@school.test", "m@school.test")
    again = Create(pupil("nora"), fresh.account("nora", place="Staff/New"), "came back")
    applied(everything(fresh.connect(), [again, Rename(pupil("maja", anchor), one, two, "asked for")]))
    assert fresh.google.user("nora@school.test")


def test_a_service_account_acts_for_itself_as_its_role_lets_it_and_delegation_says_nothing_of_it(
    fresh: World, tmp_path: Path
) -> None:
    give(fresh, tmp_path, Needs(), own=True)
    assert fresh.connect().check().good
    fresh.settings["subject"] = SUBJECT
    fresh.google.add_user(SUBJECT, "On", "Roll")
    (finding,) = fresh.connect().check().findings
    assert "does not let the service account act" in finding.sentence


# --- every call has its scope and its privilege ---


def calls() -> set[str]:
    """Every operation that the target's modules ask for, as the definitions call it."""
    found: set[str] = set()
    for path in TARGETS.glob("google_*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Ask")
                or len(node.args) < 2
            ):
                continue
            resource, method = node.args[:2]
            if isinstance(method, ast.Constant):
                found |= {f"{each}.{method.value}" for each in _resources(resource)}
    return found


def _resources(node: ast.expr) -> list[str]:
    if isinstance(node, ast.Constant):
        return [str(node.value)]
    # _ROSTERS[role], or the name of one of them.
    return ["courses.teachers", "courses.students"] if isinstance(node, ast.Subscript | ast.Name) else []


def test_every_call_is_covered_by_a_scope_and_every_scope_is_needed_for_one() -> None:
    asked = {name: _scopes_of(name) for name in calls()} | {"roles.get": set(), "roleAssignments.list": set()}
    looking = {name for name in asked if name.startswith("role")}
    assert len(asked) > 25 and len(looking) == 2
    whole = Needs(True, True, True, True)
    given = set(scopes(whole))
    assert [name for name, good in asked.items() if name not in looking and not good & given] == []
    for scope in given:
        assert any(good & given == {scope} for good in asked.values()), scope
    reading = {
        name: good for name, good in asked.items() if name.startswith("groups.") and name.endswith((".list", ".get"))
    }
    assert all(good & set(scopes(Needs())) for good in reading.values())
    assert all(_scopes_of(name) >= {READ_ROLES} for name in looking)


def _scopes_of(name: str) -> set[str]:
    document = definition(CLASSROOM) if name.startswith("courses") else definition()
    (found,) = [operation for _, _, operation in document._routes if operation.id.partition(".")[2] == name]  # noqa: SLF001
    return set(found.scopes)


def test_every_call_is_covered_by_a_privilege_and_every_privilege_is_needed_for_one() -> None:
    names = [name for name in calls() if not name.startswith(("courses", "role"))]
    body = {"externalIds": [], "suspended": True, "orgUnitPath": "/", "primaryEmail": "a@b.test", "password": "x"}
    held = [each.name for each in PRIVILEGES]

    def refused(*privileges: str) -> set[str]:
        roles = Roles()
        roles.give("x", "1", *privileges)
        found = set()
        for name in names:
            try:
                roles.enforce("x", f"directory.{name}", body)
            except Refusal:
                found.add(name)
        return found

    # What the check does without is the domains: no role beside that of a super administrator need show them.
    assert refused(*held) == {"domains.list"}
    for each in held:
        assert refused(*(other for other in held if other != each)) > {"domains.list"}, each


# --- what was taken away is named ---


def checked(world: World) -> list[Finding]:
    before = world.google.written()
    world.google.tokens.issued.clear()
    findings = [*world.connect().check().findings]
    assert world.google.written() == before, "a check writes nothing"
    return findings


@pytest.mark.parametrize("needs", [Needs(), Needs(True, False, True, True)], ids=["accounts", "everything"])
def test_a_check_names_each_scope_that_was_taken_away(fresh: World, tmp_path: Path, needs: Needs) -> None:
    give(fresh, tmp_path, needs, own=False, can_look=True)
    assert all(finding.level == "ok" for finding in checked(fresh))
    whole = fresh.google.tokens.delegated or frozenset()
    for right in (each for each in SCOPES if each.asked(needs)):
        fresh.google.tokens.delegated = whole - {right.name}
        (told,) = checked(fresh)
        assert told.sentence == right.scope_sentence(UNIQUE_ID)
        assert PREFIX + right.name in told.sentence and right.purpose in told.sentence and told.level == "problem"


def test_a_check_names_each_scope_of_classroom(fresh: World, tmp_path: Path) -> None:
    fresh.settings = {**service_account(fresh, tmp_path), "classroom": ["teaching"], "classroom_only": True}
    fresh.groups = frozenset({GroupKind.TEACHING})
    fresh.google.tokens.delegated = frozenset(scopes(COURSES))
    assert all(finding.level == "ok" for finding in checked(fresh))
    school = School(fresh)
    school.enrol("ada", "tess")
    applied(school.night(lesson("7A/Ma", ["ada"], ["tess"])))
    for scope in ("classroom.courses", "classroom.rosters"):
        fresh.google.tokens.delegated = frozenset(scopes(COURSES)) - {scope}
        assert [f"{scope} is not given" in finding.sentence for finding in checked(fresh)] == [True]


@pytest.mark.parametrize("own", [False, True], ids=["delegation", "own role"])
def test_a_check_names_each_privilege_that_was_taken_away(fresh: World, tmp_path: Path, own: bool) -> None:
    needs = Needs(True, False, True, True)
    give(fresh, tmp_path, needs, own=own, can_look=True)
    assert all(finding.level == "ok" for finding in checked(fresh))
    role = fresh.google.roles.held[ACCOUNT if own else SUBJECT]
    for right in privileges(needs):
        role.privileges.remove(right.name)
        told = [finding.sentence for finding in checked(fresh) if finding.level == "problem"]
        assert [sentence for sentence in told if "onroll's admin role lacks" in sentence] == [right.privilege_sentence]
        assert right.name in right.privilege_sentence and right.purpose in right.privilege_sentence
        role.privileges.add(right.name)
    role.privileges.clear()
    role.privileges |= {"USERS_ALL", "ORGANIZATION_UNITS_ALL", "GROUPS_ALL", "USER_SECURITY_ALL"}
    assert all(finding.level == "ok" for finding in checked(fresh)), "wider privileges count"


def test_where_the_role_may_not_be_read_the_check_says_what_it_cannot_tell(fresh: World, tmp_path: Path) -> None:
    give(fresh, tmp_path, Needs(), own=False)
    (warning,) = [finding for finding in checked(fresh) if finding.level != "ok"]
    assert (
        warning.level == "warning"
        and listed(privileges(Needs())) in warning.sentence
        and READ_ROLES in warning.sentence
    )
    # What reading can tell is told all the same.
    role = fresh.google.roles.held[SUBJECT]
    for privilege, what in (
        ("GROUPS_RETRIEVE", "groups"),
        ("ORGANIZATION_UNITS_RETRIEVE", "org units"),
        ("USERS_RETRIEVE", "users"),
    ):
        role.privileges.remove(privilege)
        assert any(f"read {what}" in finding.sentence for finding in checked(fresh) if finding.level == "problem"), (
            privilege
        )
        role.privileges.add(privilege)
    fresh.google.tokens.delegated = frozenset({*scopes(Needs()), READ_ROLES})
    fresh.google.denied = {"directory.roleAssignments.list"}
    assert [finding.level for finding in checked(fresh) if finding.level != "ok"] == ["warning"]


# --- what is printed and written of them ---


def printed(groups: tuple[str, ...] = (), **told: Any) -> str:
    given = {"credentials": "file:/etc/onroll/google.json", "subject": SUBJECT, **told}
    return "\n".join(grants(Settings.model_validate({k: v for k, v in given.items() if v is not None}), groups))


def test_setup_prints_the_scopes_and_privileges_that_these_settings_ask_for() -> None:
    def line(*names: str) -> str:
        return "\n    " + ",".join(PREFIX + name for name in names) + "\n"

    def shown(text: str) -> list[Right]:
        return [each for each in PRIVILEGES if f"    {each.console} ({each.name}): {each.purpose}" in text]

    assert line(*scopes(Needs())) in printed() and shown(printed()) == [*privileges(Needs())]
    assert line(*scopes(Needs(names=False))) in printed(group_addresses=False)
    some = printed(("year", "teaching"), sign_out=True)
    assert line(*scopes(Needs(True, False, True, True))) in some and shown(some) == [*PRIVILEGES]
    courses = printed(("teaching",), classroom=["teaching"], classroom_only=True)
    assert (
        line(*scopes(COURSES)) in courses
        and "super administrator: Classroom" in courses
        and "classroom.googleapis.com" in courses
    )
    assert shown(courses) == [], "a super administrator has them all"
    own = printed(("year",), subject=None)
    assert "Assign service accounts" in own and "domain-wide delegation to set up" in own and PREFIX not in own
    assert shown(own) == [*privileges(GROUPS)]
    assert "file:/etc/onroll/google.json refers to" in own
    assert grants(Settings.model_validate({"token": "env:T", "endpoint": "http://127.0.0.1:1"})) == [
        "A sandbox asks nobody for rights."
    ]


@pytest.mark.parametrize("rights", [SCOPES, PRIVILEGES], ids=["scopes", "privileges"])
def test_the_page_has_the_tables(rights: tuple[Right, ...]) -> None:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    told = table(rights)
    start = lines.index(told[0])
    assert lines[start : start + len(told)] == told
    assert lines[start + len(told)] == ""
