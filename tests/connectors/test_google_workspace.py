"""The Google Workspace target, through Google's own client, against the simulator: what every target promises, and signing in."""

from __future__ import annotations

import functools
import json
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from google_world import World, applied, opened, operations
from onroll_connectors.sandbox.google_quota import Quotas
from onroll_connectors.sandbox.google_state import Lag
from onroll_connectors.sandbox.serving import Faults
from onroll_connectors.targets.google_rights import Needs, scopes
from onroll_connectors.targets.google_workspace import Settings
from onroll_connectors.testing import TargetContract, everything, pupil
from onroll_core.changes import Applied, Create, Disable, Naming, Rejected, Rename
from onroll_core.contracts import Scope
from onroll_core.errors import Halt, Unavailable


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with opened(monkeypatch) as world:
        yield world


class TestInFairWeather(TargetContract):
    """No delays, no faults."""


class TestInFoulWeather(TargetContract):
    """Google's own quotas and delays, and one request in twelve fails, a third of those after the work was done."""

    @pytest.fixture
    def world(self, world: World) -> World:
        world.google.lag = Lag.usual()
        world.google.quotas = Quotas()
        statuses = (403, 429, 500, 503)
        world.google.faults = Faults(rate=0.06, statuses=statuses, random=random.Random(11))
        world.google.part_faults = Faults(rate=0.08, statuses=statuses, random=random.Random(12))
        return world


def test_places_live_below_the_org_unit_of_the_settings(world: World) -> None:
    world.google.add_unit("/Milton Park")
    world.google.add_user("elsewhere@school.test", "Some", "Body", "/Other School")
    target = world.connect(org_unit="/Milton Park")
    (made,) = applied(everything(target, [Create(pupil("maja"), world.account("maja"), "on roll")]))
    assert world.google.state.path(world.google.user("maja@school.test").unit) == "/Milton Park/Students/2019"
    seen = target.observe(Scope("milton-park"))
    assert {account.login: account.place for account in seen.accounts.values()} == {"maja@school.test": "Students/2019"}
    assert seen.names["elsewhere@school.test"].anchor is None
    # A person of ours who was moved out is found wherever they are, in a place that equals no place we could want.
    world.google.user("maja@school.test").unit = world.google.state.unit("/Other School")
    assert made.anchor is not None
    assert target.observe(Scope("milton-park")).accounts[made.anchor].place == "/Other School"


def test_an_org_unit_of_the_settings_that_is_gone_is_no_empty_school(world: World) -> None:
    with pytest.raises(Halt, match="/Milton Park is not in Google Workspace"):
        world.connect(org_unit="/Milton Park").observe(Scope("milton-park"))


def test_everybody_who_holds_a_name_is_in_the_ledger(world: World) -> None:
    world.google.add_group("maths@school.test", "Maths").aliases.append("sums@school.test")
    user = world.google.add_user("ada@school.test", "Ada", "King")
    world.google.writes.add_alias(user.id, {"alias": "lovelace@school.test"})
    gone = world.google.add_user("gone@school.test", "Long", "Gone")
    world.google.writes.delete(gone.id)
    names = world.connect().observe(Scope("milton-park")).names
    assert names["maths@school.test"].what == names["sums@school.test"].what == "the group Maths"
    assert names["lovelace@school.test"].anchor == user.id
    assert names["ada@school.test.test-google-a.com"].anchor == user.id
    assert names["gone@school.test"].what == "the deleted user gone@school.test"


def test_a_school_is_read_in_pages_and_only_whole(world: World) -> None:
    for number in range(1100):
        world.google.add_user(f"p{number}@school.test", "Pat", "Smith")
    seen = world.connect().observe(Scope("milton-park"))
    assert len(seen.accounts) == 1101
    assert operations(world, "users.list") == 4
    world.google.faults = Faults(rate=1.0, statuses=(503,), after=0.0)
    with pytest.raises(Unavailable, match=r"Google Workspace .*\."):
        world.connect().observe(Scope("milton-park"))


def test_a_right_that_was_withdrawn_is_no_empty_school(world: World) -> None:
    for operation, what in (("users.list", "users"), ("groups.list", "groups"), ("orgunits.list", "org units")):
        world.google.denied = {f"directory.{operation}"}
        with pytest.raises(Halt, match=f"read .*{what}"):
            world.connect().observe(Scope("milton-park"))


@functools.cache
def private_key() -> str:
    """A key for all tests, which takes a while to make."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pkcs8, clear = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, pkcs8, clear).decode()


def service_account(world: World, folder: Path) -> dict[str, str]:
    told = {
        "type": "service_account",
        "client_id": "104",
        "client_email": "onroll@school.iam.test",
        "private_key_id": "1",
        "private_key": private_key(),
        "token_uri": f"{world.url}/token",
    }
    (folder / "key.json").write_text(json.dumps(told))
    return {"token": "", "credentials": f"file:{folder / 'key.json'}", "subject": "admin@school.test"}


def test_a_service_account_signs_in_and_a_check_says_what_is_missing(world: World, tmp_path: Path) -> None:
    settings = service_account(world, tmp_path)
    report = world.connect(**settings).check()
    assert report.good
    assert [finding.level for finding in report.findings] == ["ok"] * 5
    world.google.denied = {"directory.groups.list", "directory.users.list"}
    world.google.add_user("head@school.test", "Head", "Teacher")
    report = world.connect(**{**settings, "subject": "head@school.test"}, org_unit="/Nowhere").check()
    problems = [finding.sentence for finding in report.findings if finding.level == "problem"]
    assert [
        any(word in problem for problem in problems)
        for word in ("read users", "groups", "/Nowhere", "no administrator")
    ] == [True] * 4
    world.google.tokens.delegated = frozenset({"admin.directory.user"})
    sentences = [finding.sentence for finding in world.connect(**settings).check().findings]
    missing = [scope for scope in scopes(Needs()) if scope != "admin.directory.user"]
    assert [f"auth/{scope} is not given" in told for scope, told in zip(missing, sentences, strict=True)] == [True] * 3
    assert all("client id 104" in told for told in sentences)
    world.google.tokens.delegated = frozenset()
    (finding,) = world.connect(**settings).check().findings
    assert all(scope in finding.sentence for scope in (*scopes(Needs()), "client id 104"))
    world.google.tokens.delegated = None
    world.google.tokens.admins = frozenset({"nobody@school.test"})
    (finding,) = world.connect(**settings).check().findings
    assert "admin@school.test" in finding.sentence


def test_the_scopes_that_a_check_names_are_enough_for_everything(world: World, tmp_path: Path) -> None:
    settings = service_account(world, tmp_path)
    world.google.tokens.delegated = frozenset(scopes(Needs(sign_out=True)))
    world.google.add_group("maths@school.test")
    anchor = world.made("maja", aliases=frozenset({"m@school.test"}))
    world.google.writes.delete(world.made("nora"))
    who = pupil("maja", anchor)
    one, two = Naming("maja@school.test", "maja@school.test"), Naming("m@school.test", "m@school.test")
    outcomes = world.do(
        Create(pupil("nora"), world.account("nora", place="Staff/New"), "came back"),
        Create(pupil("maths"), world.account("maths"), "joined"),
        Rename(who, one, two, "asked for"),
        Disable(who, "left"),
        **settings,
        sign_out=True,
    )
    assert [type(outcome) for outcome in outcomes] == [Applied, Rejected, Applied, Applied]
    assert world.connect(**settings).observe(Scope("milton-park")).accounts[anchor].login == "m@school.test"


def test_a_token_that_ends_in_the_night_is_replaced(world: World, tmp_path: Path) -> None:
    target = world.connect(**service_account(world, tmp_path))
    target.observe(Scope("milton-park"))
    world.google.tokens.issued.clear()
    applied(everything(target, [Create(pupil(name), world.account(name), "x") for name in ("ada", "bea", "cy")]))
    assert len(world.google.tokens.issued) >= 1


def test_a_key_file_that_is_none_is_not_quoted(world: World, tmp_path: Path) -> None:
    (tmp_path / "key.json").write_text('{"private_key": "very secret"}')
    (finding,) = world.connect(token="", credentials=f"file:{tmp_path / 'key.json'}").check().findings
    assert finding.level == "problem"
    assert "JSON key of a service account" in finding.sentence
    assert "very secret" not in finding.sentence


def test_secrets_are_in_no_repr(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    world.google.part_faults = Faults(rate=0.5, statuses=(403, 500), random=random.Random(2))
    world.do(*(Create(pupil(name), world.account(name), "x") for name in ("ada", "bea", "cy")))
    for secret in ("a-token-of-the-sandbox", *world.passwords.made.values()):
        assert secret not in caplog.text
        assert secret not in repr(world.open[-1]._settings)  # noqa: SLF001


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"token": "env:T"},
        {"credentials": "file:x", "endpoint": "http://google.example"},
        {"credentials": "file:x", "token": "env:T", "endpoint": "http://127.0.0.1:1"},
        {"credentials": "file:x", "org_unit": "Students"},
        {"credentials": "file:x", "surprise": 1},
        {"credentials": "the secret itself"},
    ],
)
def test_settings_that_cannot_work_are_refused(told: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate(told)


def test_googles_client_is_loaded_when_it_is_used_and_not_before() -> None:
    code = (
        "import sys, onroll_connectors.targets.google_workspace;"
        "print([name for name in sys.modules if name.startswith(('googleapiclient', 'google.', 'httplib2'))])"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )
