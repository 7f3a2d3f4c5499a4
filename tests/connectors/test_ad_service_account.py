"""When the service account is locked or disabled, or the domain controller's certificate has expired, a night ends before it begins, in a sentence, and nobody is touched."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from certificates_made import made, shown
from directories import RealDomain
from onroll_connectors.targets.active_directory import Settings, connect
from onroll_core.contracts import Target
from onroll_core.errors import OnrollError
from samba import Samba
from world import context

PASSWORD = "Serv1ce-Account!"
TRIES = 3


@pytest.fixture
def world(samba: Samba) -> RealDomain:
    return RealDomain(samba=samba)


def sentence(world: RealDomain, login: str, password: str) -> str:
    """What is said when onroll tries to sign in with it; "" when it could."""
    file = world.samba.folder / "locked-account"
    file.write_text(password)
    return problems(lambda: world.connect(user=f"{login}@school.test", password=f"file:{file}", names_base=world.base))


def problems(connected: Callable[[], Target]) -> str:
    """What is said by connecting and by `onroll check`, where it is a problem."""
    try:
        target = connected()
    except OnrollError as failure:
        return failure.sentence
    try:
        return " ".join(each.sentence for each in target.check().findings if each.level == "problem")
    except OnrollError as failure:
        return failure.sentence
    finally:
        target.close()


def test_a_locked_and_a_disabled_service_account_are_told(samba: Samba, world: RealDomain) -> None:
    login = "svc-locked"
    samba.samba_tool("user", "create", login, PASSWORD)
    samba.samba_tool("domain", "passwordsettings", "set", f"--account-lockout-threshold={TRIES}")
    try:
        assert "did not let" not in sentence(world, login, PASSWORD)
        for _ in range(TRIES):
            wrong = sentence(world, login, "somebody guesses")
        assert "the user name or the password is wrong" in wrong
        locked = sentence(world, login, PASSWORD)
        assert "Active Directory did not let svc-locked@school.test in: it is locked out" in locked
        assert "Look at [targets] user and password, and at that account" in locked
        assert PASSWORD not in locked
        samba.samba_tool("user", "unlock", login)
        assert "did not let" not in sentence(world, login, PASSWORD)
        samba.samba_tool("user", "disable", login)
        assert "it is disabled" in sentence(world, login, PASSWORD)
    finally:
        samba.samba_tool("domain", "passwordsettings", "set", "--account-lockout-threshold=0")
        samba.samba_tool("user", "delete", login)


def test_an_expired_certificate_of_the_domain_controller_is_told(tmp_path: Path) -> None:
    certificate, key = made(tmp_path, datetime.now(UTC) - timedelta(days=2))
    (tmp_path / "password").write_text(PASSWORD)
    with shown(certificate, key) as port:
        told = {"server": f"ldaps://localhost:{port}", "base": "OU=Ours,DC=school,DC=test", "user": "onroll@school.test",
                "password": f"file:{tmp_path / 'password'}", "ca_file": str(certificate)}  # fmt: skip
        said = problems(lambda: connect(Settings.model_validate(told), context("ad")))
    assert "certificate has expired" in said and "Look at [targets] server and ca_file" in said
    assert PASSWORD not in said
