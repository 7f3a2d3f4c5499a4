"""Signing in with an identity provider: the whole way, against one on this machine, and everything that it must not be believed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi.testclient import TestClient
from joserfc.jwk import RSAKey

from identity_provider import (
    CLIENT,
    SECRET,
    IdentityProvider,
    identity_provider,
    signed_by_another,
    signed_with_the_public_key,
    unsigned,
)
from morning import MINE, Morning, morning
from onroll_connectors.secrets import Secret
from onroll_core.errors import Refused
from onroll_daemon.console.app import console_app
from onroll_daemon.console.rights import Role
from onroll_daemon.openid import Application, address_in
from onroll_daemon.tables import OpenIdTable

STAFF = "Staff code,Forename,Surname,Start date,End date\nMCG,Minerva,McGonagall,01/09/2020,\n"
ANN = "ann.lee@miltonpark.test"


class Browser:
    """A browser of somebody's, with its own cookies, at a console that knows the provider."""

    def __init__(self, client: TestClient, provider: IdentityProvider) -> None:
        self.client, self.provider = client, provider
        self.cookies: dict[str, str] = {}

    def get(self, path: str) -> Any:
        self.client.cookies.clear()
        header = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = self.client.get(path, headers={"Cookie": header} if header else {}, follow_redirects=False)
        self.cookies |= dict(answer.cookies.items())
        return answer

    def begin(self, next: str = "") -> str:
        """The button on the sign-in page; gives the address of the provider."""
        answer = self.get("/sign-in/openid/entra" + (f"?next={next}" if next else ""))
        assert answer.status_code == 303, answer.text
        return str(answer.headers["location"])

    def back(self, url: str) -> Any:
        """The provider's way back."""
        return self.get(url.removeprefix("http://testserver"))

    def sign_in(self, next: str = "") -> Any:
        """All of it."""
        return self.back(self.provider.sign_in(self.begin(next)))


@pytest.fixture
def provider() -> Iterator[IdentityProvider]:
    with identity_provider() as made:
        yield made


@pytest.fixture
def console(tmp_path: Path, provider: IdentityProvider, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Morning, Callable[[], Browser]]]:  # fmt: skip
    """A console that knows the provider, and new browsers."""
    monkeypatch.setenv("ONROLL_TEST_SECRET", SECRET)
    (tmp_path / "export").mkdir()
    (tmp_path / "export" / "staff.csv").write_text(STAFF, encoding="utf-8")
    with morning(tmp_path) as world:
        table = OpenIdTable(issuer=provider.address, client_id=CLIENT, client_secret=Secret("env:ONROLL_TEST_SECRET"), label="Microsoft")  # fmt: skip
        knows = world.settings.console.model_copy(update={"openid": {"entra": table}, "address": "http://testserver"})
        place = replace(world.place, settings=replace(world.settings, console=knows), extras={})
        provider.now = int(world.clock().timestamp())
        provider.claims = {"email": ANN, "email_verified": True}
        with TestClient(console_app(place), raise_server_exceptions=False) as client:
            yield world, lambda: Browser(client, provider)


def operator(world: Morning, email: str = ANN, role: Role = Role.OPERATOR) -> int:
    made = world.store.console.operators.add(
        email.split("@", maxsplit=1)[0], "Ann Lee", email, role.value, None, "a test", world.clock()
    )
    return made.id


def audit(world: Morning) -> list[tuple[str, str, str]]:
    return [(each.by, each.what, each.about) for each in world.store.console.audit.list(None)]


Console = tuple[Morning, Callable[[], Browser]]


def test_an_operator_signs_in_with_the_school_s_account_and_comes_to_the_page_that_was_wanted(console: Console) -> None:
    world, browser = console
    operator(world)
    ann = browser()
    assert "Sign in with Microsoft" in ann.get("/sign-in").text
    answer = ann.sign_in(next="/operators")
    assert (answer.status_code, answer.headers["location"]) == (303, "/operators")
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert audit(world)[0] == ("ann.lee", "signed in", "with entra")
    assert ann.get("/profile/password").status_code == 200


def test_a_member_of_staff_sees_their_own_profile_and_nothing_else(
    console: Console, provider: IdentityProvider
) -> None:
    world, browser = console
    (minerva,) = [each for each in world.store.find(MINE, "McGonagall") if each.role == "staff"]
    provider.claims["email"] = str(minerva.email).upper()
    somebody = browser()
    answer = somebody.sign_in(next="/operators")
    assert (answer.status_code, answer.headers["location"]) == (303, "/profile")
    assert somebody.get("/operators").status_code == 403
    assert somebody.get(f"/schools/{MINE}/settings").status_code in (403, 404)
    assert somebody.get("/profile/password").status_code == 409


def test_where_staff_may_not_sign_in_only_operators_do(console: Console, provider: IdentityProvider) -> None:
    world, browser = console
    (minerva,) = [each for each in world.store.find(MINE, "McGonagall") if each.role == "staff"]
    provider.claims["email"] = minerva.email
    somebody = browser()
    place = somebody.client.app.state.place  # type: ignore[attr-defined]
    place.settings.console.openid["entra"] = place.settings.console.openid["entra"].model_copy(update={"staff": False})
    assert "may use this console" in somebody.sign_in().text


def test_pupils_and_strangers_are_told_that_they_may_not(console: Console, provider: IdentityProvider) -> None:
    world, browser = console
    (harry,) = world.store.find(MINE, "Harry Potter")
    for address in (harry.email, "stranger@elsewhere.test"):
        provider.claims["email"] = address
        somebody = browser()
        answer = somebody.sign_in()
        assert answer.status_code == 403
        assert f"Nobody with the address {address} may use this console" in answer.text
        assert "onroll" not in somebody.cookies


def test_an_operator_who_is_disabled_does_not_come_in_as_staff_either(
    console: Console, provider: IdentityProvider
) -> None:
    world, browser = console
    (minerva,) = [each for each in world.store.find(MINE, "McGonagall") if each.role == "staff"]
    world.operator(Role.ADMINISTRATOR)
    number = operator(world, str(minerva.email))
    world.store.console.operators.change(number, "M", minerva.email, "operator", None, disabled=True)
    provider.claims["email"] = minerva.email
    assert browser().sign_in().status_code == 403


def test_leavers_and_those_disabled_by_hand_stay_out(console: Console, provider: IdentityProvider) -> None:
    world, browser = console
    (minerva,) = [each for each in world.store.find(MINE, "McGonagall") if each.role == "staff"]
    provider.claims["email"] = minerva.email
    world.command.run("users", "disable", str(minerva.username))
    assert browser().sign_in().status_code == 403


WRONG: tuple[dict[str, Any], ...] = (
    {"nonce": "another"},
    {"nonce": None},
    {"aud": "another application"},
    {"aud": ["another application", CLIENT], "azp": "another application"},
    {"aud": "another application", "azp": CLIENT},
    {"aud": None},
    {"iss": "https://login.example.test"},
    {"iss": None},
    {"exp": 1},
    {"exp": None},
    {"iat": 4102444800},
    {"sub": None},
)


def test_a_token_that_says_anything_wrong_signs_nobody_in(console: Console, provider: IdentityProvider) -> None:
    world, browser = console
    operator(world)
    for provider.twist in WRONG:
        ann = browser()
        answer = ann.sign_in()
        assert answer.status_code == 403, provider.twist
        assert "cannot be believed" in answer.text, provider.twist
        assert "onroll" not in ann.cookies
    assert audit(world) == []
    provider.twist = {}
    assert browser().sign_in().status_code == 303


def test_a_token_that_the_provider_did_not_sign_signs_nobody_in(console: Console, provider: IdentityProvider) -> None:
    world, browser = console
    operator(world)
    for provider.forge in (unsigned, signed_with_the_public_key, signed_by_another, lambda provider, claims: "a.b.c"):
        answer = browser().sign_in()
        assert answer.status_code == 403
        assert "cannot be believed" in answer.text
    provider.forge = None
    assert browser().sign_in().status_code == 303


def test_an_address_that_the_provider_does_not_vouch_for_signs_nobody_in(
    console: Console, provider: IdentityProvider
) -> None:
    world, browser = console
    operator(world)
    for sure in (False, None, "true"):
        provider.claims["email_verified"] = sure
        answer = browser().sign_in()
        assert answer.status_code == 403
        assert "does not vouch for the address" in answer.text


def test_the_way_back_works_once(console: Console, provider: IdentityProvider) -> None:
    world, browser = console
    operator(world)
    ann = browser()
    url = provider.sign_in(ann.begin())
    assert ann.back(url).status_code == 303
    again = ann.back(url)
    assert again.status_code == 403
    assert "does not work any more" in again.text


def test_the_way_back_works_in_the_browser_that_went_there_alone(console: Console, provider: IdentityProvider) -> None:
    world, browser = console
    operator(world)
    ann, victim = browser(), browser()
    url = provider.sign_in(ann.begin())
    victim.begin()
    assert victim.back(url).status_code == 403
    assert "onroll" not in victim.cookies
    assert ann.back(url).status_code == 303


def test_the_way_back_ends_after_ten_minutes(console: Console, provider: IdentityProvider) -> None:
    world, browser = console
    operator(world)
    ann = browser()
    url = provider.sign_in(ann.begin())
    world.later(minutes=11)
    assert ann.back(url).status_code == 403


def test_a_code_that_was_used_or_made_up_is_refused_by_the_provider_in_a_sentence(
    console: Console, provider: IdentityProvider
) -> None:
    world, browser = console
    operator(world)
    ann = browser()
    state = parse_qs(urlsplit(ann.begin()).query)["state"][0]
    answer = ann.get(f"/sign-in/openid/entra/done?code=made-up&state={state}")
    assert answer.status_code == 403
    assert "invalid_grant" in answer.text


def test_somebody_who_calls_it_off_is_told_so(console: Console, provider: IdentityProvider) -> None:
    _, browser = console
    ann = browser()
    state = parse_qs(urlsplit(ann.begin()).query)["state"][0]
    answer = ann.get(f"/sign-in/openid/entra/done?error=access_denied&error_description=%3Cb%3E&state={state}")
    assert answer.status_code == 403
    assert "called off" in answer.text
    assert "<b>" not in answer.text


def test_a_provider_that_is_away_is_a_sentence(console: Console, provider: IdentityProvider) -> None:
    _, browser = console
    provider.status = 503
    answer = browser().get("/sign-in/openid/entra")
    assert answer.status_code == 503
    assert "Microsoft answered 503, so nobody can sign in with it just now" in answer.text


def test_a_provider_that_says_it_is_another_is_refused(console: Console, provider: IdentityProvider) -> None:
    _, browser = console
    provider.describes = {"issuer": "https://login.microsoftonline.com/{tenantid}/v2.0"}
    answer = browser().get("/sign-in/openid/entra")
    assert answer.status_code == 409
    assert "organizations" in answer.text


def test_a_wrong_client_secret_is_a_sentence_without_the_secret(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, browser = console
    operator(world)
    monkeypatch.setenv("ONROLL_TEST_SECRET", "outdated")
    answer = browser().sign_in()
    assert answer.status_code == 403
    assert "client secret in onroll.toml" in answer.text
    assert "outdated" not in answer.text


def test_keys_that_the_provider_changed_are_fetched_again(console: Console, provider: IdentityProvider) -> None:
    world, browser = console
    operator(world)
    assert browser().sign_in().status_code == 303
    provider.key = RSAKey.generate_key(2048, {"kid": "two", "use": "sig"})
    world.later(minutes=2)
    assert browser().sign_in().status_code == 303
    assert provider.asked.count("/keys") == 2


def test_a_provider_that_nobody_set_up_is_not_there(console: Console) -> None:
    _, browser = console
    assert browser().get("/sign-in/openid/okta").status_code == 404
    assert browser().get("/sign-in/openid/okta/done?state=x&code=y").status_code == 404


def application(issuer: str) -> Application:
    return Application("It", issuer, CLIENT, lambda: SECRET, "http://testserver/done")


ENTRA = "https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0"
TENANT = "11111111-2222-3333-4444-555555555555"


def test_microsoft_vouches_for_sign_in_names_of_its_own_tenant_and_for_no_e_mail_attribute() -> None:
    claims = {
        "iss": ENTRA,
        "tid": TENANT,
        "preferred_username": "Ann.Lee@miltonpark.test",
        "email": "head@miltonpark.test",
    }
    assert address_in(claims, application(ENTRA)) == ANN
    for wrong in (
        {**claims, "tid": "99999999-2222-3333-4444-555555555555"},
        {**claims, "tid": None},
        {**claims, "idp": "https://sts.windows.net/99999999-2222-3333-4444-555555555555/"},
        {**claims, "preferred_username": None},
    ):
        with pytest.raises(Refused):
            address_in(wrong, application(ENTRA))


def test_google_vouches_for_workspaces_and_gmail_alone() -> None:
    google = application("https://accounts.google.com")
    claims: dict[str, Any] = {"email": ANN, "email_verified": True, "hd": "miltonpark.test"}
    assert address_in(claims, google) == ANN
    assert address_in({"email": "Ann@gmail.com", "email_verified": True}, google) == "ann@gmail.com"
    for wrong in ({**claims, "hd": None}, {**claims, "email_verified": False}, {**claims, "email": None}):
        with pytest.raises(Refused):
            address_in(wrong, google)
