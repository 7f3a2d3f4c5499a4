"""Renaming many at the console: shown first, done when exactly that is confirmed, on a day where that is asked, and taken back until then."""

from __future__ import annotations

import csv
import html
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from at_work import AtWork, at_work, hidden
from command import CONFIG, POTTERS, SECOND, Command
from morning import MINE, OTHER, Browser
from onroll_daemon.console.rights import Role

RENAME = f"/schools/{MINE}/rename"
NEW = (
    CONFIG.replace(
        'domain = "miltonpark.test"', 'domain = "miltonpark.test"\nstudents = { username = "{last}.{first}" }'
    )
    + SECOND
)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[AtWork]:
    """Three pupils with accounts under an old format; the school has another one now."""
    command = Command(tmp_path)
    command.configure(CONFIG + SECOND)
    command.students(*POTTERS)
    command.students("1,Ada,Byron,3,01/09/2026,", folder="oakfield")
    command.run("sync", MINE)
    command.run("sync", OTHER)
    command.configure(NEW.replace('[school.source]\npath = "export"\nquiet_seconds = 0\n', 'source = { path = "export", quiet_seconds = 0 }\n'))  # fmt: skip
    with at_work(command) as made:
        yield made


def names(world: AtWork) -> set[str]:
    return {each.username or "" for each in world.store.identities(MINE)}


def shown(browser: Browser, query: str = "how=format&role=student") -> str:
    return str(browser.get(f"{RENAME}?{query}").text)


def form(text: str, **more: str) -> dict[str, str]:
    """What the preview sends back when it is confirmed."""
    return {"wishes": html.unescape(hidden(text, "wishes")), "digest": hidden(text, "digest"), "keep": "yes", **more}


def test_the_present_format_is_shown_and_done_when_exactly_that_is_confirmed(world: AtWork) -> None:
    browser = world.operator_at()
    text = shown(browser)
    for each in (
        "20hpotter",
        "potter.harry",
        "weasley.ron@miltonpark.test",
        "Rename 3 people",
        "home folder and profile stay where they are",
    ):
        assert each in text
    assert names(world) == {"20hpotter", "20hpotter1", "19rweasley"}
    answer = browser.post(f"{RENAME}/confirm", form(text))
    assert (answer.status_code, answer.headers["location"]) == (303, RENAME)
    assert names(world) == {"potter.harry", "potter.hermione", "weasley.ron"}
    assert world.person("3").aliases == {"19rweasley@miltonpark.test"}
    assert world.store.console.audit.list([MINE])[0].what == "renamed 3 people"
    assert "Nothing would change" in shown(browser)


def test_a_filter_and_addresses_alone_and_usernames(world: AtWork) -> None:
    browser = world.operator_at()
    assert "Rename 2 people" in shown(browser, "how=format&year=Year+7")
    one = shown(browser, "how=format&users=19rweasley")
    assert "Rename 1 person" in one
    assert "20hpotter" not in one
    assert "Nothing would change" in shown(browser, "how=addresses&role=student")
    assert "has the username nobody" in shown(browser, "how=format&users=nobody")
    assert "never given to everybody by accident" in shown(browser, "how=format")


def test_what_changed_since_it_was_shown_is_not_done_and_two_people_rename_once(world: AtWork) -> None:
    one, two = world.operator_at(), world.operator_at(name="minerva")
    text = shown(one)
    first = one.post(f"{RENAME}/confirm", form(text))
    second = two.post(f"{RENAME}/confirm", form(text))
    assert (first.status_code, second.status_code) == (303, 409)
    assert "somebody may have been faster" in second.text
    forged = one.post(f"{RENAME}/confirm", form(text) | {"digest": "0" * 16})
    assert forged.status_code == 409
    assert len(world.store.console.audit.list([MINE], text="renamed")) == 1


def test_the_old_address_need_not_follow_and_a_day_waits_until_it_is_taken_back(world: AtWork) -> None:
    browser = world.operator_at()
    gone = browser.post(f"{RENAME}/confirm", form(shown(browser, "how=format&users=19rweasley"), on="2026-11-25"))
    assert (gone.status_code, "25 November 2026 is over" in gone.text) == (409, True)
    answer = browser.post(f"{RENAME}/confirm", form(shown(browser, "how=format&users=19rweasley"), on="2026-12-19", keep=""))  # fmt: skip
    assert answer.status_code == 303
    assert "19rweasley" in names(world)
    text = browser.get(RENAME).text
    assert "19 December" in text
    assert "weasley.ron" in text
    who = world.person("3").id
    assert browser.post(f"{RENAME}/cancel", {"who": who}).status_code == 303
    assert "No rename waits for its day" in browser.get(RENAME).text
    assert browser.post(f"{RENAME}/cancel", {"who": who}).status_code == 409


def edited(browser: Browser, change: Any) -> bytes:
    """The list as it is downloaded, with some cells changed."""
    rows = list(csv.reader(io.StringIO(browser.get(f"/users.csv?school={MINE}").text.removeprefix("\ufeff"))))
    out = io.StringIO()
    csv.writer(out).writerows([rows[0], *[change(dict(zip(rows[0], row, strict=True))).values() for row in rows[1:]]])
    return out.getvalue().encode()


def test_the_list_is_downloaded_edited_and_sent_back(world: AtWork) -> None:
    browser = world.operator_at()
    swap = edited(browser, lambda row: row | ({"username": "ronald"} if row["username"] == "19rweasley" else {}))
    answer = browser.post(f"{RENAME}/file", files={"file": ("list.csv", swap)})
    assert answer.status_code == 200
    assert "Rename 1 person" in answer.text
    assert "ronald@miltonpark.test" in answer.text
    assert browser.post(f"{RENAME}/confirm", form(answer.text)).status_code == 303
    assert "ronald" in names(world)


def test_a_name_that_is_taken_stands_in_the_way_of_all(world: AtWork) -> None:
    browser = world.operator_at()
    both = edited(browser, lambda row: row | {"username": "one.name"})
    text = browser.post(f"{RENAME}/file", files={"file": ("list.csv", both)}).text
    assert "one.name is to be given to more than one person." in text
    assert "cannot be done, so nobody can be renamed" in text
    assert 'name="digest"' not in text
    told = json.loads(html.unescape(hidden(text, "wishes")))
    refused = browser.post(f"{RENAME}/confirm", {"wishes": json.dumps(told), "digest": "0" * 16})
    assert (refused.status_code, "one.name" in names(world)) == (409, False)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"PK\x03\x04", "is a workbook"), (b"name\nx\n", "has no column identity"), (b"identity,username\n", "has no line below"),
        (b"identity,username\nnobody,x\nother,y\n", "line 3: other is nobody of"), (b"identity,username\nx,=cmd()\n", "is a formula"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_told_and_nobody_is_renamed(world: AtWork, content: bytes, says: str) -> None:
    before = names(world)
    answer = world.operator_at().post(f"{RENAME}/file", files={"file": ("<i>.csv", content)})
    assert (answer.status_code, says in answer.text, "<i>.csv" in answer.text) == (422, True, False)
    assert names(world) == before


def test_people_of_another_school_are_not_renamed_here(world: AtWork) -> None:
    (ada,) = world.store.identities(OTHER)
    browser = world.operator_at()
    wishes = json.dumps([[ada.id, "lovelace", None, ""]])
    assert browser.post(f"{RENAME}/confirm", {"wishes": wishes, "digest": "0" * 16}).status_code == 404
    assert browser.post(f"{RENAME}/cancel", {"who": ada.id}).status_code == 404
    answer = browser.post(
        f"{RENAME}/file", files={"file": ("l.csv", f"identity,username\n{ada.id},lovelace\n".encode())}
    )
    assert (answer.status_code, "belongs to oakfield" in answer.text) == (422, True)
    for forged in ("[", "{}", "[[1]]", '[["x", 1, 2, 3]]', "null"):
        assert browser.post(f"{RENAME}/confirm", {"wishes": forged, "digest": "x"}).status_code == 409
    assert world.operator_at(role=Role.ISSUER).get(RENAME).status_code == 403


def test_the_targets_are_asked_who_has_signed_in(world: AtWork) -> None:
    browser = world.operator_at()
    asked = world.ask(browser, f"{RENAME}/look", {"wishes": form(shown(browser))["wishes"]})
    assert asked.status == "done"
    text = browser.get(f"{RENAME}/{asked.id}").text
    assert "Rename 3 people" in text
    assert "Ask the targets" not in text
    assert browser.post(f"{RENAME}/confirm", form(text)).status_code == 303
    assert browser.get(f"/schools/{OTHER}/rename/{asked.id}").status_code == 404
    assert browser.get(f"{RENAME}/999").status_code == 404


def test_a_script_previews_and_confirms(world: AtWork) -> None:
    path = f"/schools/{MINE}/renames"
    whom = {"role": "student"}
    told = world.api(Role.OPERATOR, "POST", f"{path}/preview", json=whom).json()
    assert sorted(each["after"]["username"] for each in told["renames"]) == ["potter.harry", "potter.hermione", "weasley.ron"]  # fmt: skip
    assert world.api(Role.OPERATOR, "POST", f"{path}/confirm", json=whom | {"digest": "0"}).status_code == 409
    later = {"digest": told["digest"], "on": "2027-01-04"}
    assert world.api(Role.OPERATOR, "POST", f"{path}/confirm", json=whom | later).json() == {
        "renamed": 3,
        "waiting": True,
    }
    waits = world.api(Role.OPERATOR, "GET", f"{path}/waiting").json()["waiting"]
    assert {each["on"] for each in waits} == {"2027-01-04"}
    left = world.api(Role.OPERATOR, "POST", f"{path}/cancel", json={"identity": waits[0]["identity"]}).json()
    assert len(left["waiting"]) == 2
    one = {"names": [{"identity": world.person("3").id, "username": "ronald"}]}
    told = world.api(Role.OPERATOR, "POST", f"{path}/preview", json=one).json()
    done = world.api(Role.OPERATOR, "POST", f"{path}/confirm", json=one | {"digest": told["digest"]})
    assert (done.json(), "ronald" in names(world)) == ({"renamed": 1, "waiting": False}, True)
    assert world.api(Role.OPERATOR, "POST", f"{path}/preview", json={}).status_code == 409
    assert world.api(Role.VIEWER, "POST", f"{path}/preview", json=whom).status_code == 403
