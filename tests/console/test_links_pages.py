"""Linking at the console: 200 accounts at once or one by one, with nothing linked that was not shown, and nothing twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from at_work import HOSTILE, AtWork, account, at_work, hidden, switch_off, with_accounts
from morning import MINE, OTHER, Browser
from onroll_daemon.console.rights import Role

LINKS = f"/schools/{MINE}/links"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[AtWork]:
    """Three pupils with accounts that were there before us, and Stan, whom the MIS does not know."""
    with at_work(with_accounts(tmp_path, 3)) as made:
        yield made


def looked(world: AtWork, **more: Any) -> Browser:
    """An operator who has looked."""
    browser = world.operator_at(**more)
    assert world.ask(browser, f"{LINKS}/look").status == "done"
    return browser


def linked(world: AtWork) -> set[str]:
    return {each.username or "" for each in world.store.identities(MINE) if each.bonds}


def pair(world: AtWork, record: str, login: str) -> str:
    """A pair as a form sends it."""
    told = world.store.requests.newest_done(MINE, "links", {"target": "ad"})
    assert told is not None
    assert told.result is not None
    (anchor,) = [each["theirs"]["anchor"] for each in told.result["people"] if each["account"] == login]
    return f"{world.person(record).id} {anchor}"


def test_nobody_has_looked_yet_and_then_the_lists_are_there_side_by_side(world: AtWork) -> None:
    browser = world.operator_at()
    assert "Nobody has looked at ad yet" in browser.get(LINKS).text
    assert world.ask(browser, f"{LINKS}/look").status == "done"
    text = browser.get(LINKS).text
    assert "26 November at 08:10" in text
    for each in ("Charlie Brobott", "old1", "record student:1", "the names are the same", "Link all 3 of this list"):
        assert each in text
    alone = browser.get(f"{LINKS}?list=accounts").text
    assert "stan" in alone
    assert HOSTILE not in alone
    assert "Stan &lt;b&gt;Ann" in alone


def test_two_hundred_accounts_are_linked_in_one_go(tmp_path: Path) -> None:
    with at_work(with_accounts(tmp_path, 200)) as world:
        browser = looked(world)
        text = browser.get(LINKS).text
        assert "Link all 200 of this list" in text
        assert text.count('name="pair"') == 200
        done = world.ask(browser, f"{LINKS}/confirm-list?list=likely", {"digest": hidden(text, "digest")})
        assert (done.status, len(linked(world))) == ("done", 200)
        after = browser.get(f"{LINKS}?asked={done.id}").text
        assert "200 people are linked to their accounts." in after
        assert "This list is empty" in after
        assert browser.get(f"{LINKS}?list=linked").text.count("Take back</summary>") == 200
        assert [each.what for each in world.store.console.audit.list(None)][
            0
        ] == "asked to link the 200 likely pairs in ad"


def test_what_is_ticked_is_linked_and_nobody_else(world: AtWork) -> None:
    browser = looked(world)
    chosen = [pair(world, "1", "old1"), pair(world, "3", "old3")]
    assert world.ask(browser, f"{LINKS}/confirm", {"pair": chosen}).status == "done"
    assert linked(world) == {"old1", "old3"}
    assert (
        world.ask(browser, f"{LINKS}/confirm", {"pair": chosen[:1], "only": pair(world, "2", "old2")}).status == "done"
    )
    assert linked(world) == {"old1", "old2", "old3"}
    nothing = browser.post(f"{LINKS}/confirm")
    assert (nothing.status_code, "Tick the lines first" in nothing.text) == (409, True)


def test_a_filter_links_only_those_who_fit_it(world: AtWork) -> None:
    browser = looked(world)
    text = browser.get(f"{LINKS}?q=cubott").text
    assert "Link all 1 of this list" in text
    assert "old1" not in text.partition('id="list"')[2]
    done = world.ask(browser, f"{LINKS}/confirm-list?list=likely&q=cubott", {"digest": hidden(text, "digest")})
    assert (done.status, linked(world)) == ("done", {"old2"})
    none = browser.get(f"{LINKS}?role=staff").text
    assert "Nothing fits" in none
    text = browser.get(f"{LINKS}?year=Year+7&role=student").text
    done = world.ask(
        browser, f"{LINKS}/confirm-list?list=likely&year=Year+7&role=student", {"digest": hidden(text, "digest")}
    )
    assert (done.asked["years"], done.asked["role"], linked(world)) == (["Year 7"], "student", {"old1", "old2", "old3"})


def test_a_list_that_changed_since_it_was_shown_is_not_linked(world: AtWork) -> None:
    browser, other = looked(world), world.operator_at(name="minerva")
    digest = hidden(browser.get(LINKS).text, "digest")
    assert world.ask(other, f"{LINKS}/reject", {"only": pair(world, "1", "old1")}).status == "done"
    answer = browser.post(f"{LINKS}/confirm-list?list=likely", {"digest": digest})
    assert (answer.status_code, "has changed since you looked at it" in answer.text) == (409, True)
    assert linked(world) == set()
    # And where the directory changed and nobody here knows, the desk refuses, and the page says so.
    digest = hidden(browser.get(LINKS).text, "digest")
    account(world.command, "old2b", "Percy", "Cubott")
    found = world.ask(browser, f"{LINKS}/confirm-list?list=likely", {"digest": digest})
    assert (found.status, linked(world)) == ("refused", set())
    assert "something has changed since" in browser.get(f"{LINKS}?asked={found.id}").text


def test_two_people_who_confirm_at_once_link_everybody_once(world: AtWork) -> None:
    one, two = looked(world), world.operator_at(name="minerva")
    digest = hidden(one.get(LINKS).text, "digest")
    with world.store.lease(MINE, "somebody"):
        first = one.post(f"{LINKS}/confirm-list?list=likely", {"digest": digest})
        second = two.post(f"{LINKS}/confirm-list?list=likely", {"digest": digest})
    assert world.number_of(first) == world.number_of(second)
    assert world.ended(world.number_of(first)).status == "done"
    late = two.post(f"{LINKS}/confirm", {"only": pair(world, "1", "old1")})
    assert (late.status_code, "has an account in ad by now" in late.text) == (409, True)
    again = two.post(f"{LINKS}/confirm-list?list=likely", {"digest": digest})
    assert again.status_code == 409
    assert len(world.store.requests.latest(MINE, "link")) == 1


def test_what_is_turned_down_or_taken_back_leaves_its_list_at_once(world: AtWork) -> None:
    browser = looked(world)
    world.ask(browser, f"{LINKS}/reject", {"only": pair(world, "1", "old1")})
    assert "old1" not in browser.get(LINKS).text
    assert "old1" in browser.get(f"{LINKS}?list=accounts").text
    assert "Charlie Brobott" in browser.get(f"{LINKS}?list=people").text
    world.ask(browser, f"{LINKS}/confirm", {"only": pair(world, "2", "old2")})
    assert "old2" in browser.get(f"{LINKS}?list=linked").text
    done = world.ask(browser, f"{LINKS}/undo?list=linked", {"who": world.person("2").id})
    text = browser.get(f"{LINKS}?list=linked&asked={done.id}").text
    assert "The link is taken back; the account is left as it is." in text
    assert "This list is empty" in text
    assert linked(world) == set()


def test_what_cannot_be_linked_says_why_and_has_no_box(world: AtWork) -> None:
    switch_off(world.command, "old1")
    browser = looked(world)
    assert "Link all 2 of this list" in browser.get(LINKS).text
    (tab,) = [each for each in ("possible", "ambiguous") if "old1" in browser.get(f"{LINKS}?list={each}").text]
    text = browser.get(f"{LINKS}?list={tab}").text
    assert "old1 is disabled in ad" in text
    assert text.count('name="pair"') == 0
    assert "Link all" not in text
    refused = world.ask(browser, f"{LINKS}/confirm", {"only": pair(world, "1", "old1")})
    assert (refused.status, linked(world)) == ("refused", set())
    assert "old1 is disabled in ad" in browser.get(f"{LINKS}?asked={refused.id}").text


def test_one_is_linked_by_hand_by_a_search_on_both_sides(world: AtWork) -> None:
    browser = looked(world)
    world.ask(browser, f"{LINKS}/reject", {"only": pair(world, "1", "old1")})
    found = browser.get(f"{LINKS}/by-hand?person=brobott&account=stan").text
    assert "Charlie Brobott" in found
    assert "Percy" not in found
    assert ('value="brobott"' in found, 'value="stan"' in found) == (True, True), (
        "what was searched for stays in its box"
    )
    who, anchor = pair(world, "1", "stan").split()
    assert (f'value="{who}"' in found, f'value="{anchor}"' in found, "old1" in found) == (True, True, False)
    assert world.ask(browser, f"{LINKS}/by-hand", {"who": who, "anchor": anchor}).status == "done"
    assert linked(world) == {"stan"}
    assert browser.post(f"{LINKS}/by-hand", {"who": who}).status_code == 409


def upload(world: AtWork, browser: Browser, content: bytes, name: str = "links.csv") -> Any:
    return browser.post(f"{LINKS}/import", files={"file": (name, content)})


def test_a_list_is_imported_all_of_it_or_nothing(world: AtWork) -> None:
    browser = looked(world)
    wrong = upload(world, browser, b"username,mis_id\nold1,1\nnobody,2\nold3,99\nold2,\nold1,3\nstan,1\n")
    assert wrong.status_code == 422
    for each in (
        "line 3: ad has no account &#39;nobody&#39;", "line 4: &#39;99&#39; is nobody of this school", "line 5: a row needs a username and a mis_id",
        "line 6: old1 is in it twice", "line 7: 1 is in it twice",
    ):  # fmt: skip
        assert each in wrong.text
    assert linked(world) == set()
    right = upload(world, browser, b"username,mis_id\nold1,1\nstan,student:2\n")
    assert world.ended(world.number_of(right)).status == "done"
    assert linked(world) == {"old1", "stan"}
    twice = upload(world, browser, b"username,mis_id\nold1,1\nstan,student:2\n")
    assert (twice.status_code, len(world.store.requests.latest(MINE, "link"))) == (303, 1)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"PK\x03\x04rest", "is a workbook"), (b"a,b\n1,2\n", "has no column username"), (b"username,mis_id\n", "has no line below"),
        (b"username,mis_id\n=cmd(),1\n", "is a formula"), (b'username,mis_id\n"old1,1\n', "cut off"), (b"", "has no column"),
    ],
)  # fmt: skip
def test_a_file_of_the_wrong_kind_is_told_apart(world: AtWork, content: bytes, says: str) -> None:
    answer = upload(world, looked(world), content, "<b>.csv")
    assert (answer.status_code, says in answer.text) == (422, True), answer.text
    assert "<b>.csv" not in answer.text


def test_a_file_that_is_too_large_is_not_read(world: AtWork) -> None:
    assert upload(world, looked(world), b"x" * (3 * 1024 * 1024)).status_code == 413


def test_accounts_that_get_our_names_say_so_before(tmp_path: Path) -> None:
    from at_work import LINK

    with at_work(with_accounts(tmp_path, 2, LINK.replace('mode = "link"', 'mode = "create"'))) as world:
        browser = looked(world)
        assert "They keep the account&#39;s name, in place of 20cbrobott" in browser.get(LINKS).text
        text = browser.get(f"{LINKS}?keep=ours").text
        assert "The account is renamed to 20cbrobott" in text
        done = world.ask(browser, f"{LINKS}/confirm-list?list=likely&keep=ours", {"digest": hidden(text, "digest")})
        assert done.status == "done"
        assert "2 of the accounts get other names at the next sync." in browser.get(f"{LINKS}?asked={done.id}").text


def test_the_other_schools_people_and_targets_are_not_there(world: AtWork) -> None:
    browser = looked(world)
    stranger = next(each for each in world.store.identities(OTHER))
    anchor = pair(world, "1", "old1").split()[1]
    assert browser.post(f"{LINKS}/confirm", {"only": f"{stranger.id} {anchor}"}).status_code == 404
    assert browser.post(f"{LINKS}/undo", {"who": stranger.id}).status_code == 404
    assert browser.get(f"{LINKS}?target=m365").status_code == 404
    assert browser.get(f"/schools/{OTHER}/links").status_code == 404
    issuer = world.operator_at(role=Role.ISSUER)
    assert issuer.get(LINKS).status_code == 403


def test_a_script_reads_the_lists_and_links(world: AtWork) -> None:
    path = f"/schools/{MINE}/links"
    assert world.api(Role.OPERATOR, "GET", path).status_code == 409
    asked = world.api(Role.OPERATOR, "POST", f"{path}/look", json={})
    assert asked.status_code == 202
    assert world.ended(asked.json()["request"]).status == "done"
    told = world.api(Role.OPERATOR, "GET", f"{path}?list=likely&limit=2").json()
    assert (told["total"], len(told["rows"]), told["counts"]["account without MIS record"]) == (3, 2, 1)
    wrong = world.api(Role.OPERATOR, "POST", f"{path}/confirm", json={"list": "likely", "digest": "0" * 16})
    assert (wrong.status_code, linked(world)) == (409, set())
    done = world.api(Role.OPERATOR, "POST", f"{path}/confirm", json={"list": "likely", "digest": told["digest"]})
    assert world.ended(done.json()["request"]).status == "done"
    assert len(linked(world)) == 3
    back = world.api(Role.OPERATOR, "POST", f"{path}/undo", json={"identity": world.person("1").id})
    assert world.ended(back.json()["request"]).status == "done"
    assert world.api(Role.VIEWER, "GET", path).status_code == 403
    assert world.api(Role.OPERATOR, "GET", path, OTHER).status_code == 404
