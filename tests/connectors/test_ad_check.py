"""What `onroll check` finds in a directory, on a real domain controller and on the embedded one."""

from __future__ import annotations

from typing import Any

import pytest

from directories import Embedded, RealDomain, Watched, rights_of, wrapped
from onroll_connectors.targets.ad_rights import Places, command, sentence, together
from onroll_connectors.targets.ad_wire import Request, Search
from onroll_connectors.testing import account_of, everything, pupil
from onroll_core.changes import Applied, Create
from onroll_core.contracts import Report
from samba import Samba
from world import context


@pytest.fixture
def world(directory_world: Embedded) -> Embedded:
    return directory_world


def problems(report: Report) -> str:
    return "\n".join(each.sentence for each in report.findings if each.level == "problem")


def checked(world: Embedded, **other: Any) -> Report:
    target = world.connect(**other)
    try:
        return target.check()
    finally:
        target.close()


def test_a_healthy_directory_has_a_good_word_for_each_thing(world: Embedded) -> None:
    world.stranger("stan")
    report = checked(world, write=["department"])
    assert report.good, problems(report)
    told = "\n".join(each.sentence for each in report.findings)
    for word in (
        "Signed in",
        "users and OUs may be made",
        "can be read and written",
        "employeeID, info, department",
        "24 characters",
    ):
        assert word in told
    assert all(each.sentence.endswith(".") for each in report.findings)


def test_a_check_asks_and_writes_nothing(world: Embedded) -> None:
    world.stranger("stan")
    asked: list[Request] = []
    target = wrapped(world.connect(), lambda wire: Watched(wire, asked))
    assert target.check().good
    target.close()
    assert len(asked) > 5
    assert all(isinstance(each, Search) for each in asked)


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ({"identity_attribute": "extensionAttribute1"}, "no attribute extensionAttribute1 (identity_attribute"),
        ({"note_attribute": "msExchNote"}, "no attribute msExchNote (note_attribute"),
        ({"write": ["department", "mailNickname"]}, "no attribute mailNickname (write"),
        ({"identity_attribute": "initials"}, "initials holds 6 characters"),
        ({"identity_attribute": "carLicense"}, "several values"),
        ({"names_base": "OU=Gone,DC=school,DC=test"}, "names_base OU=Gone,DC=school,DC=test is not there"),
    ],
)
def test_what_the_settings_name_and_the_directory_has_not_is_a_problem(
    world: Embedded, other: dict[str, Any], says: str
) -> None:
    assert says in problems(checked(world, **other))


def test_a_policy_that_would_refuse_our_passwords_is_a_problem(world: Embedded) -> None:
    target = world.connect()
    target.context = context("ad", passwords=lambda forbidden: "aB3!x")  # type: ignore[arg-type]
    found = problems(target.check())
    target.close()
    assert "asks for 7 characters; onroll's temporary passwords have 5" in found


def test_a_fine_grained_policy_counts_too(samba: Samba) -> None:
    world = RealDomain(samba=samba)
    samba.samba_tool("domain", "passwordsettings", "pso", "create", "staff", "1", "--min-pwd-length=12")
    try:
        target = world.connect(**world.as_administrator())  # nobody else may see such policies
        target.context = context("ad", passwords=lambda forbidden: "aB3!x6789")  # type: ignore[arg-type]
        assert "fine-grained policy CN=staff" in problems(target.check())
        target.close()
    finally:
        samba.samba_tool("domain", "passwordsettings", "pso", "delete", "staff")
        world.clear()


def test_an_account_without_rights_is_told_what_to_delegate(samba: Samba) -> None:
    world = RealDomain(samba=samba)
    login, password = "reader", "Read3r-Account!"
    samba.samba_tool("user", "create", login, password)
    try:
        world.stranger("stan")
        path = samba.folder / "reader"
        path.write_text(password)
        found = problems(checked(world, user=f"{login}@school.test", password=f"file:{path}")).splitlines()
        table = list(together(each for each in rights_of(world.settings()) if each.where == "base"))
        assert len(found) == len(table)
        for some in table:
            (told,) = (each for each in found if f"may not {sentence(some)} in {world.base}" in each)
            assert told.endswith(command(some, Places.under(world.base, "Groups", ""), f"{login}@school.test"))
    finally:
        samba.samba_tool("user", "delete", login)
        world.clear()


def test_a_base_whose_name_ldap3_would_not_take_as_it_stands_is_worked_in(world: Embedded) -> None:
    world.raw("OU=C# Club", {"objectClass": ["top", "organizationalUnit"]})
    target = world.connect(base=f"OU=C# Club,{world.base}")
    assert target.check().good
    (outcome,) = everything(
        target, [Create(pupil("maja"), account_of(target, world.domain, "maja", place="a#b"), "on roll")]
    )
    assert isinstance(outcome, Applied), outcome
    assert world.value("maja", "dn")[0].replace("\\#", "#").endswith(f"OU=a#b,OU=C# Club,{world.base}")
    target.close()
