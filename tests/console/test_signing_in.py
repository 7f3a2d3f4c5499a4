"""Signing in and out: who gets in, who waits, and that no link, cookie or form works longer, oftener or for others than it should."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from morning import MORNING, Browser, Morning
from onroll_daemon.console import own_passwords
from onroll_daemon.console.app import console_app
from onroll_daemon.console.operating import first_link, new_link
from onroll_daemon.console.rights import Role
from onroll_daemon.console.session_cookies import local
from onroll_daemon.console.throttle import FREE_BY_ADDRESS, FREE_BY_NAME, Throttle

GOOD, BETTER = "otters juggle quietly", "walnuts whistle at dawn"


def person(world: Morning, name: str = "minerva", role: Role = Role.OPERATOR, *schools: str) -> int:
    """Somebody with the password GOOD."""
    operators = world.store.console.operators
    made = operators.add(name, name.title(), None, role.value, schools or None, "a test", world.clock())
    operators.set_password(made.id, own_passwords.hashed(GOOD))
    return made.id


def send(world: Morning, name: str, password: str, path: str = "/sign-in", **more: Any) -> Any:
    world.client.cookies.clear()
    return world.client.post(path, data={"name": name, "password": password, **more}, follow_redirects=False)


def browser(world: Morning, answer: Any) -> Browser:
    """The browser that was just signed in."""
    cookie = str(answer.cookies["onroll"])
    session = world.store.console.sessions.find(cookie, world.clock(), timedelta(minutes=30))
    assert session is not None
    return Browser(world.client, cookie, session.csrf)


def audit(world: Morning) -> list[tuple[str, str]]:
    return [(each.by, each.what) for each in world.store.console.audit.list(None)]


def test_a_name_and_its_password_sign_in_and_the_way_out_ends_it(world: Morning) -> None:
    person(world)
    answer = send(world, " Minerva", GOOD)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    flags = answer.headers["set-cookie"]
    assert "HttpOnly" in flags
    assert "SameSite=lax" in flags
    minerva = browser(world, answer)
    out = minerva.post("/sign-out")
    assert (out.status_code, out.headers["location"]) == (303, "/sign-in")
    assert minerva.post("/sign-out").status_code == 401
    assert audit(world)[:2] == [("minerva", "signed out"), ("minerva", "signed in")]


def test_where_it_is_encrypted_the_cookie_goes_over_tls_and_to_this_host_alone(world: Morning) -> None:
    person(world)
    encrypted = world.settings.console.model_copy(update={"behind_proxy": True})
    place = replace(world.place, settings=replace(world.settings, console=encrypted), extras={})
    with TestClient(console_app(place)) as client:
        answer = client.post("/sign-in", data={"name": "minerva", "password": GOOD}, follow_redirects=False)
    told = answer.headers["set-cookie"]
    assert told.startswith("__Host-onroll=")
    assert {"Secure", "HttpOnly", "Path=/"} <= set(told.split("; "))
    assert "Domain" not in told


def test_what_was_wrong_is_not_told_apart(world: Morning) -> None:
    number = person(world)
    person(world, "filius")
    operators = world.store.console.operators
    world.operator(Role.ADMINISTRATOR)
    operators.change(number, "Minerva", None, "operator", None, disabled=True)
    nothing = operators.add("pomona", "Pomona", None, "viewer", None, "a test", world.clock())
    assert not nothing.has_password
    answers = [
        send(world, *each) for each in (("filius", "wrong"), ("nobody", GOOD), ("minerva", GOOD), ("pomona", GOOD))
    ]
    assert {each.status_code for each in answers} == {400}
    texts = {each.text.replace(f'value="{name}"', "") for each, name in zip(answers, ("filius", "nobody", "minerva", "pomona"), strict=True)}  # fmt: skip
    assert len(texts) == 1
    assert "do not belong together" in texts.pop()


def test_a_name_that_nobody_has_costs_a_hash_too(monkeypatch: pytest.MonkeyPatch) -> None:
    verified = []
    hasher = own_passwords._hasher()
    monkeypatch.setattr(own_passwords, "_hasher", lambda: hasher)

    class Counting:
        def verify(self, kept: str, password: str) -> bool:
            verified.append(kept)
            return hasher.verify(kept, password)

    monkeypatch.setattr(own_passwords, "_nobodys", lambda: hasher.hash("nobody"))
    monkeypatch.setattr(own_passwords, "_hasher", Counting)
    assert not own_passwords.matches("nobody", None)
    assert not own_passwords.matches("nobody", hasher.hash("somebody"))
    assert [each[:9] for each in verified] == ["$argon2id"] * 2


def test_nobody_brings_a_session_of_their_own_choice(world: Morning) -> None:
    person(world)
    world.client.cookies.clear()
    chosen = {"Cookie": "onroll=chosen-by-somebody-else"}
    data = {"name": "minerva", "password": GOOD}
    answer = world.client.post("/sign-in", data=data, headers=chosen, follow_redirects=False)
    assert browser(world, answer).cookie != "chosen-by-somebody-else"
    assert world.store.console.sessions.find("chosen-by-somebody-else", world.clock(), timedelta(minutes=30)) is None


def test_signing_in_again_ends_the_session_that_the_browser_had(world: Morning) -> None:
    person(world)
    first = browser(world, send(world, "minerva", GOOD))
    data = {"name": "minerva", "password": GOOD}
    headers = {"Cookie": f"onroll={first.cookie}"}
    world.client.post("/sign-in", data=data, headers=headers, follow_redirects=False)
    assert first.get("/profile/password").status_code == 401


def test_a_session_ends_after_half_a_day_however_busy(world: Morning) -> None:
    person(world)
    minerva = browser(world, send(world, "minerva", GOOD))
    for _ in range(24):
        assert minerva.get("/profile/password").status_code == 200
        world.later(minutes=30, seconds=-1)
    world.later(minutes=1)
    assert minerva.get("/profile/password").status_code == 401


def test_after_signing_in_one_comes_to_the_page_that_was_wanted(world: Morning) -> None:
    person(world)
    page = world.client.get("/profile/password?x=1")
    assert page.status_code == 401
    assert "/sign-in?next=%2Fprofile%2Fpassword%3Fx%3D1" in page.text
    assert send(world, "minerva", GOOD, next="/profile/password?x=1").headers["location"] == "/profile/password?x=1"


@pytest.mark.parametrize(
    "wanted",
    ["//evil.test", "/\\evil.test", "https://evil.test", "evil.test", "javascript:alert(1)", "/\t/evil.test", "/ok\r\nX: y", "/a b",
     "/sign-out", "/first/x", "/%", "", "/x" * 1001],
)  # fmt: skip
def test_no_other_site_is_the_page_that_was_wanted(wanted: str) -> None:
    assert local(wanted) in ("", "/%")


def test_whoever_may_not_see_today_begins_with_their_own_first_page(world: Morning) -> None:
    person(world, "argus", Role.ISSUER)
    assert send(world, "argus", GOOD).headers["location"] == "/users"


def test_a_form_without_its_token_or_with_another_s_does_nothing(world: Morning) -> None:
    person(world)
    minerva = browser(world, send(world, "minerva", GOOD))
    for answer in (minerva.post("/sign-out", csrf=False), minerva.post("/sign-out", {"csrf": "guessed"}, csrf=False)):
        assert answer.status_code == 403
        assert "Nothing was changed." in answer.text
    assert minerva.get("/profile/password").status_code == 200


def test_another_site_cannot_send_the_sign_in_form(world: Morning) -> None:
    person(world)
    data = {"name": "minerva", "password": GOOD}
    for headers in ({"Origin": "https://evil.test"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = world.client.post("/sign-in", data=data, headers=headers, follow_redirects=False)
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers


def test_a_form_that_was_open_when_the_session_ended_is_answered_with_a_sentence(world: Morning) -> None:
    person(world)
    minerva = browser(world, send(world, "minerva", GOOD))
    world.later(minutes=31)
    answer = minerva.post("/profile/password", {"old": GOOD, "password": BETTER, "again": BETTER})
    assert answer.status_code == 401
    assert "nothing was changed" in answer.text
    assert send(world, "minerva", GOOD).status_code == 303


def test_who_guesses_waits_and_the_right_password_is_not_tried_meanwhile(world: Morning) -> None:
    person(world)
    for _ in range(FREE_BY_NAME):
        assert send(world, "minerva", "a guess").status_code == 400
    answer = send(world, "minerva", GOOD)
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "30"
    assert "Wait 30 seconds" in answer.text
    assert audit(world)[0] == ("nobody", "too many wrong passwords for minerva: signing in now has to wait")
    world.later(seconds=31)
    assert send(world, "minerva", GOOD).status_code == 303


def test_a_password_typed_as_the_name_is_not_written_down(world: Morning) -> None:
    for _ in range(FREE_BY_NAME + 1):
        send(world, GOOD, "x")
    assert [each for each in world.store.console.audit.list(None) if GOOD in f"{each.what}{each.about}{each.by}"] == []
    assert "a name that nobody has" in audit(world)[0][1]


def test_the_wait_grows_and_is_forgotten() -> None:
    throttle, now, waits = Throttle(), MORNING, []
    for _ in range(FREE_BY_NAME + 8):
        wait = throttle.begin("minerva", "10.0.0.1", now)
        if wait is not None:
            waits.append(wait)
            now += wait
            assert throttle.begin("minerva", "10.0.0.1", now) is None
    assert waits[:4] == [timedelta(seconds=30 * 2**each) for each in range(4)]
    assert max(waits) == timedelta(minutes=15)
    assert throttle.begin("minerva", "10.0.0.1", now + timedelta(minutes=15)) is None


def test_an_address_has_its_own_count_that_one_right_password_does_not_forgive() -> None:
    throttle = Throttle()
    for each in range(FREE_BY_ADDRESS):
        assert throttle.begin(f"name{each}", "2001:db8::1", MORNING) is None
    throttle.right("name0", "2001:db8::1")
    assert throttle.begin("name0", "2001:db8::2", MORNING) is None  # the same network: the twentieth again
    assert throttle.begin("another", "2001:db8::3", MORNING) is not None
    assert throttle.begin("another", "2001:db8:0:1::3", MORNING) is None


def test_a_hundred_tries_at_once_are_not_a_hundred_free_ones() -> None:
    throttle = Throttle()
    with ThreadPoolExecutor(16) as pool:
        tries = list(pool.map(lambda _: throttle.begin("minerva", "10.0.0.1", MORNING), range(100)))
    assert tries.count(None) == FREE_BY_NAME


def test_the_throttle_remembers_so_many_and_no_more() -> None:
    throttle = Throttle()
    for each in range(12_000):
        throttle.begin(f"name{each}", f"10.0.{each // 250}.{each % 250}", MORNING)
    assert max(len(throttle._names), len(throttle._addresses)) <= 5000


def test_a_cost_that_has_gone_up_is_paid_at_the_next_sign_in(world: Morning) -> None:
    from argon2 import PasswordHasher

    number = person(world)
    operators = world.store.console.operators
    operators.set_password(number, PasswordHasher(time_cost=1, memory_cost=8192).hash(GOOD))
    assert send(world, "minerva", GOOD).status_code == 303
    kept = operators.password(number)
    assert kept is not None
    assert not own_passwords.outgrown(kept)
    assert send(world, "minerva", GOOD).status_code == 303


@pytest.mark.parametrize(
    ("password", "again", "why"),
    [
        ("short", "short", "at least 12"),
        (GOOD, BETTER, "not the same"),
        ("minerva12345", "minerva12345", "sign-in name"),
        ("Password2026!", "Password2026!", "first that anybody"),
        ("1234567890123", "1234567890123", "first that anybody"),
        ("aaaaaaaaaaaabc", "aaaaaaaaaaaabc", "first that anybody"),
        ("x" * 201, "x" * 201, "at most 200"),
    ],
)
def test_a_password_that_is_easily_guessed_is_not_taken(password: str, again: str, why: str) -> None:
    assert why in own_passwords.objection(password, again, "minerva")
    assert own_passwords.objection(GOOD, GOOD, "minerva") == ""


def test_the_first_administrator_is_made_once_by_whichever_browser_is_quicker(world: Morning) -> None:
    links = [first_link(world.store, world.clock()) for _ in range(2)]
    assert all(links)
    pages = [world.client.get(f"/first/{link}") for link in links]
    assert [each.status_code for each in pages] == [200, 200]

    def sent(number: int) -> Any:
        name = f"head{number}"
        with TestClient(world.client.app) as client:
            data = {"name": name, "display": "The Head", "password": GOOD, "again": GOOD}
            return client.post(f"/first/{links[number % 2]}", data=data, follow_redirects=False)

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(sent, range(4)))
    assert sorted(each.status_code for each in answers) == [303, 404, 404, 404]
    (made,) = world.store.console.operators.all()
    assert (made.role, made.schools) == ("administrator", None)
    assert first_link(world.store, world.clock()) is None
    assert world.client.get(f"/first/{links[0]}").status_code == 404
    assert [who for who, what in audit(world) if what.startswith("became")] == [made.name]


def test_a_first_link_is_good_for_nothing_once_somebody_administers_it(world: Morning) -> None:
    link = first_link(world.store, world.clock())
    world.operator(Role.ADMINISTRATOR)
    answer = send(world, "second", GOOD, f"/first/{link}", again=GOOD)
    assert answer.status_code == 404
    assert "Somebody else was quicker" in answer.text
    assert world.store.console.operators.named("second") is None


def test_a_first_form_that_is_wrong_says_where_and_can_be_sent_again(world: Morning) -> None:
    link = first_link(world.store, world.clock())
    wrong = {"name": "the head", "email": "not one", "password": "x", "again": "x"}
    answer = world.client.post(f"/first/{link}", data=wrong)
    assert answer.status_code == 400
    for sentence in ("without a space", "not an e-mail address", "at least 12 characters"):
        assert sentence in answer.text
    assert 'value="the head"' in answer.text
    assert world.store.console.operators.all() == []
    right = {"name": "head", "password": GOOD, "again": GOOD}
    assert world.client.post(f"/first/{link}", data=right, follow_redirects=False).status_code == 303


def test_a_link_ends(world: Morning) -> None:
    link = first_link(world.store, world.clock())
    world.later(hours=25)
    assert world.client.get(f"/first/{link}").status_code == 404
    number = person(world)
    minerva = world.store.console.operators.get(number)
    assert minerva is not None
    earlier = new_link(world.store, minerva, "a test", world.clock())
    later = new_link(world.store, minerva, "a test", world.clock())
    assert world.client.get(f"/choose-password/{earlier}").status_code == 404
    assert world.client.get(f"/choose-password/{later}").status_code == 200
    assert world.client.get(f"/first/{later}").status_code == 404
    world.later(days=3)
    assert world.client.get(f"/choose-password/{later}").status_code == 404


def test_a_password_is_chosen_with_a_link_once_and_ends_all_sessions(world: Morning) -> None:
    number = person(world)
    before = browser(world, send(world, "minerva", GOOD))
    minerva = world.store.console.operators.get(number)
    assert minerva is not None
    link = new_link(world.store, minerva, "a test", world.clock())
    path = f"/choose-password/{link}"
    assert send(world, "", "short", path, again="short").status_code == 400
    assert send(world, "", BETTER, path, again=BETTER).status_code == 303
    assert send(world, "", GOOD, path, again=GOOD).status_code == 404
    assert before.get("/profile/password").status_code == 401
    assert (send(world, "minerva", GOOD).status_code, send(world, "minerva", BETTER).status_code) == (400, 303)


def test_a_link_of_somebody_who_was_disabled_since_is_good_for_nothing(world: Morning) -> None:
    number = person(world)
    minerva = world.store.console.operators.get(number)
    assert minerva is not None
    link = new_link(world.store, minerva, "a test", world.clock())
    world.operator(Role.ADMINISTRATOR)
    world.store.console.operators.change(number, "M", None, "operator", None, disabled=True)
    assert send(world, "", BETTER, f"/choose-password/{link}", again=BETTER).status_code == 404


def test_one_changes_one_s_own_password_knowing_the_old_one(world: Morning) -> None:
    person(world)
    here, there = (browser(world, send(world, "minerva", GOOD)) for _ in range(2))
    wrong = here.post("/profile/password", {"old": "a guess", "password": BETTER, "again": BETTER})
    assert wrong.status_code == 400
    assert "not your present password" in wrong.text
    done = here.post("/profile/password", {"old": GOOD, "password": BETTER, "again": BETTER})
    assert done.status_code == 303
    assert "Your password is changed" in browser(world, done).get(done.headers["location"]).text
    assert here.get("/profile/password").status_code == there.get("/profile/password").status_code == 401
    assert send(world, "minerva", BETTER).status_code == 303


def test_whoever_found_an_open_browser_cannot_guess_the_password_in_it(world: Morning) -> None:
    person(world)
    minerva = browser(world, send(world, "minerva", GOOD))
    for _ in range(FREE_BY_NAME):
        minerva.post("/profile/password", {"old": "a guess", "password": BETTER, "again": BETTER})
    answer = minerva.post("/profile/password", {"old": GOOD, "password": BETTER, "again": BETTER})
    assert answer.status_code == 429
    assert "Wait 30 seconds" in answer.text


def test_one_signs_out_everywhere_else(world: Morning) -> None:
    person(world)
    here, there = (browser(world, send(world, "minerva", GOOD)) for _ in range(2))
    assert here.post("/profile/sign-out-elsewhere").status_code == 303
    assert (here.get("/profile/password").status_code, there.get("/profile/password").status_code) == (200, 401)


def test_markup_in_what_was_typed_is_only_text(world: Morning) -> None:
    answer = send(world, '"><script>alert(1)</script>', "x")
    assert "<script>alert" not in answer.text
