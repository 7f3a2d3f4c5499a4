"""First passwords at the console: issued to those who are new, handed to the one who asked, for an hour, and written nowhere else."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from at_work import AtWork, at_work, directory, hidden
from command import CONFIG, SECOND, Command
from morning import MINE, OTHER, Browser
from onroll_connectors.targets.ad_wire import Replace
from onroll_core.store.requests import Request
from onroll_daemon.console.rights import Role

PASSWORDS = f"/schools/{MINE}/passwords"
PUPILS = (
    "1,Harry,Potter,7,01/09/2026,", '2,"=cmd()|<b>",Granger,7,01/09/2026,', "3,Ron,Weasley,8,01/09/2025,"
)  # fmt: skip


@pytest.fixture
def world(tmp_path: Path) -> Iterator[AtWork]:
    """Three pupils with accounts, never given a password; one of them with a name that is a formula and markup."""
    command = Command(tmp_path)
    command.configure(CONFIG + SECOND)
    command.students(*PUPILS)
    command.students("1,Ada,Byron,3,01/09/2026,", folder="oakfield")
    with at_work(command, MINE, OTHER) as made:
        yield made


def issued(world: AtWork, browser: Browser, query: str = "") -> Request:
    """Issue to all who fit."""
    text = browser.get(f"{PASSWORDS}{query}").text
    form = {"looked": hidden(text, "looked"), "digest": hidden(text, "digest")}
    return world.ask(browser, f"{PASSWORDS}/all{query}", form)


def rows(answer: Any) -> list[dict[str, str]]:
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))


def test_all_who_are_new_are_given_one_and_it_works(world: AtWork) -> None:
    pat = world.operator_at(role=Role.ISSUER, name="pat")
    text = pat.get(PASSWORDS).text
    assert "Issue to all 3 who fit" in text
    done = issued(world, pat)
    assert (done.status, sorted(done.result["issued"])) == (
        "done",
        sorted(each.username for each in world.store.identities(MINE)),
    )  # type: ignore[index]
    here = f"{PASSWORDS}/{done.id}"
    assert "It lies here for you alone until" in pat.get(here).text
    answer = pat.get(f"{here}/handout.csv")
    assert answer.headers["cache-control"] == "no-store"
    assert "attachment" in answer.headers["content-disposition"]
    told = rows(answer)
    assert len(told) == 3
    assert any(row["name"].startswith("'=cmd") for row in told), "a formula is a text in a spreadsheet"
    slips = pat.get(f"{here}/slips")
    assert "<b>" not in slips.text
    assert all(row["password"] in slips.text for row in told)
    after = pat.get(PASSWORDS).text
    assert "Nobody is new" in after
    assert "26 November at 08:10" in after.partition('id="past"')[2]


def test_slips_bring_one_style_that_the_browser_allows_and_nothing_else(world: AtWork) -> None:
    pat = world.operator_at(name="pat")
    slips = pat.get(f"{PASSWORDS}/{issued(world, pat).id}/slips")
    (style,) = re.findall(r"<style>(.*?)</style>", slips.text)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = slips.headers["content-security-policy"]
    assert f"'sha256-{digest}'" in policy
    assert ("unsafe-inline" in policy, "script-src" in policy, "default-src 'none'" in policy) == (False, False, True)
    assert slips.headers["cache-control"] == "no-store"


def test_nobody_else_opens_the_hand_out_and_after_an_hour_nobody_does(world: AtWork) -> None:
    pat, other = world.operator_at(name="pat"), world.operator_at(name="minerva", role=Role.ADMINISTRATOR)
    here = f"{PASSWORDS}/{issued(world, pat).id}"
    for path in (f"{here}/slips", f"{here}/handout.csv"):
        assert pat.get(path).status_code == 200
        theirs, nothing = other.get(path), other.get(path.replace(here, f"{PASSWORDS}/999"))
        assert (theirs.status_code, nothing.status_code) == (404, 404)
    page = other.get(here).text
    assert "The hand-out is for pat alone." in page
    assert "/slips" not in page
    assert other.post(f"{here}/drop").status_code == 303
    assert pat.get(f"{here}/slips").status_code == 200, "nobody else throws it away"
    world.later(minutes=61)
    pat = world.operator_at(name="pat")
    assert pat.get(f"{here}/slips").status_code == 404
    assert pat.get(f"{here}/handout.csv").status_code == 404
    assert "The hand-out is gone: it lay here for an hour" in pat.get(here).text


def test_it_can_be_thrown_away_at_once(world: AtWork) -> None:
    pat = world.operator_at(name="pat")
    here = f"{PASSWORDS}/{issued(world, pat).id}"
    assert pat.post(f"{here}/drop").status_code == 303
    assert pat.get(f"{here}/slips").status_code == 404
    told = [each.what for each in world.store.console.audit.list([MINE])]
    assert told == ["threw a hand-out of first passwords away", "asked for first passwords for 3 people"]


def test_no_password_is_kept_anywhere_but_in_the_tray(world: AtWork, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    pat = world.operator_at(name="pat")
    done = issued(world, pat)
    secrets = [row["password"] for row in rows(pat.get(f"{PASSWORDS}/{done.id}/handout.csv"))]
    pages = pat.get(f"{PASSWORDS}/{done.id}").text + pat.get(PASSWORDS).text + pat.get(f"/requests/{done.id}").text
    kept = b"".join(path.read_bytes() for path in world.command.folder.glob("onroll.db*"))
    assert kept
    for secret in secrets:
        assert secret not in pages
        assert secret not in caplog.text
        assert secret.encode() not in kept
        assert secret not in repr(world.place.tray)


def test_only_those_who_are_ticked_get_one(world: AtWork) -> None:
    pat = world.operator_at(name="pat")
    looked = hidden(pat.get(PASSWORDS).text, "looked")
    name = world.person("3").username
    done = world.ask(pat, PASSWORDS, {"looked": looked, "user": [name]})
    assert done.result is not None
    assert done.result["issued"] == [name]
    nobody = pat.post(PASSWORDS, {"looked": looked})
    assert (nobody.status_code, "Tick people first" in nobody.text) == (409, True)
    assert pat.post(PASSWORDS, {"looked": looked, "user": ["stranger"]}).status_code == 404
    assert pat.post(PASSWORDS, {"looked": "yesterday", "user": [name]}).status_code == 409


def test_a_filter_and_a_list_that_changed(world: AtWork) -> None:
    pat = world.operator_at(name="pat")
    done = issued(world, pat, "?year=Year+7")
    assert done.result is not None
    assert len(done.result["issued"]) == 2
    assert "Issue to all 1 who fit" in pat.get(PASSWORDS).text
    forged = pat.post(f"{PASSWORDS}/all", {"looked": world.clock().isoformat(), "digest": "0" * 16})
    assert (forged.status_code, "has changed since you looked" in forged.text) == (409, True)


def test_two_people_at_once_give_nobody_two_passwords(world: AtWork) -> None:
    pat, minerva = world.operator_at(name="pat"), world.operator_at(name="minerva")
    name = world.person("3").username
    theirs = hidden(minerva.get(PASSWORDS).text, "looked")
    world.later(minutes=1)
    mine = hidden(pat.get(PASSWORDS).text, "looked")
    with world.store.lease(MINE, "somebody"):
        first = pat.post(PASSWORDS, {"looked": mine, "user": [name]})
        world.later(minutes=1)
        second = minerva.post(PASSWORDS, {"looked": theirs, "user": [name]})
    both = {"pat": world.ended(world.number_of(first)), "minerva": world.ended(world.number_of(second))}
    assert sorted(each.status for each in both.values()) == ["done", "refused"], "whoever is first"
    (faster,) = [who for who, each in both.items() if each.status == "done"]
    (slower,) = [who for who in both if who != faster]
    assert "since you looked" in (both[slower].result or {})["error"]
    late = {"pat": pat, "minerva": minerva}[slower].post(PASSWORDS, {"looked": theirs, "user": [name]})
    assert (late.status_code, f"{faster} has given 19rweasley a first password by now" in late.text) == (409, True)


def test_somebody_who_lost_theirs_is_given_another(world: AtWork) -> None:
    pat = world.operator_at(name="pat")
    before = rows(pat.get(f"{PASSWORDS}/{issued(world, pat).id}/handout.csv"))
    world.later(minutes=5)
    pat = world.operator_at(name="pat")
    text = pat.get(f"{PASSWORDS}?again=yes&q=weasley").text
    assert "the old one stops working at once" in text
    done = world.ask(pat, f"{PASSWORDS}?again=yes", {"looked": hidden(text, "looked"), "user": ["19rweasley"]})
    (after,) = rows(pat.get(f"{PASSWORDS}/{done.id}/handout.csv"))
    (old,) = [row for row in before if row["username"] == "19rweasley"]
    assert after["password"] != old["password"]
    again = world.ask(pat, f"{PASSWORDS}?again=yes", {"looked": world.clock().isoformat(), "user": ["19rweasley"]})
    assert again.status == "done", "nobody was faster: it was handed out before this look"


def test_who_was_left_out_is_told_with_the_reason(world: AtWork) -> None:
    found = directory(world.command).find("19rweasley")
    assert found is not None
    assert directory(world.command).do(Replace(found.dn, {"userAccountControl": ["514"]})).done
    pat = world.operator_at(name="pat")
    text = pat.get(f"{PASSWORDS}/{issued(world, pat).id}").text
    assert "19rweasley is disabled in ad, so no password would let them in." in text
    assert "left out" in text


def test_who_may_not_issue_sees_none_of_it(world: AtWork) -> None:
    pat = world.operator_at(name="pat")
    number = issued(world, pat).id
    assert world.operator_at(role=Role.VIEWER).get(PASSWORDS).status_code == 403
    assert world.operator_at(OTHER).get(f"{PASSWORDS}/{number}").status_code == 404
    both = world.operator_at(MINE, OTHER, name="both")
    assert both.get(f"/schools/{OTHER}/passwords/{number}").status_code == 404
    look = world.store.requests.ask(MINE, "check", {}, "pat", world.clock())
    assert pat.get(f"{PASSWORDS}/{look}").status_code == 404


def test_a_script_issues_and_fetches_what_its_own_token_asked_for(world: AtWork) -> None:
    headers = {"Authorization": f"Bearer {world.token(Role.ISSUER, MINE)}"}
    path = f"/api/v1{PASSWORDS}"

    def send(method: str, where: str = "", **more: Any) -> Any:
        world.client.cookies.clear()
        return world.client.request(method, f"{path}{where}", headers=headers, **more)

    assert send("GET", "/new").json()["total"] == 3
    assert send("POST", json={}).status_code == 409
    asked = send("POST", json={"years": ["Year 8"]})
    assert asked.status_code == 202
    number = asked.json()["request"]
    world.ended(number)
    told = send("GET", f"/{number}").json()
    assert (told["issued"], told["left_out"], told["error"], bool(told["until"])) == (["19rweasley"], [], None, True)
    (row,) = rows(send("GET", f"/{number}/handout.csv"))
    assert row["username"] == "19rweasley"
    assert world.operator_at(name="pat").get(f"{PASSWORDS}/{number}/slips").status_code == 404
    assert send("POST", json={"users": ["19rweasley"]}).status_code == 409
    assert send("DELETE", f"/{number}").json() == {"dropped": True}
    assert send("GET", f"/{number}/handout.csv").status_code == 404
    assert world.api(Role.VIEWER, "GET", f"{PASSWORDS}/new").status_code == 403
