"""Linking by request: both sides of every pair, one pair, a chosen set, a filtered list, and taking it back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from command import CONFIG, Command, milton_park
from desks import BASE, SCHOOL, Office
from onroll_connectors.sandbox.directory import forget, open_directory
from onroll_connectors.targets.ad_wire import Add, Replace
from onroll_core.linking.links import digest
from onroll_core.store import this_process

LINK = CONFIG.replace('mis = "csv"', 'mis = "csv"\nmode = "link"').replace(
    "[[school]]", '[targets.ad.link_by]\nemployeeNumber = "admission number"\n[[school]]'
).replace("base =", 'write = ["employeeNumber"]\nbase =')  # fmt: skip


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """Three pupils in the MIS; in the directory Harry and Hermione, and Stan, whom the MIS does not know."""
    command = milton_park(tmp_path)
    command.configure(LINK)
    account(command, "hp001", "Harry", "Potter")
    account(command, "hg002", "Hermione", "Potter", employeeNumber="2")
    account(command, "stan", "Stan", "Shunpike")
    command.run("pull")
    office = Office(tmp_path, command)
    office.desk.start()
    yield office
    office.close()


def directory(command: Command) -> Any:
    """The embedded directory, as another administrator's tool opens it."""
    name = str(command.folder / "directory.json")
    forget(name)
    return open_directory(name, BASE).directory


def account(command: Command, login: str, first: str, last: str, **more: str) -> None:
    """An account that was there before us."""
    values = {
        "objectClass": ["top", "person", "organizationalPerson", "user"],
        "sAMAccountName": [login],
        "userPrincipalName": [f"{login}@miltonpark.test"],
        "mail": [f"{login}@miltonpark.test"],
        "userAccountControl": ["544"],
        "givenName": [first],
        "sn": [last],
        "displayName": [f"{first} {last}"],
    }
    answer = directory(command).do(Add(f"CN={login},{BASE}", values | {name: [text] for name, text in more.items()}))
    assert answer.done, answer


def row(office: Office, account: str, told: Any = None) -> Any:
    (found,) = [each for each in (told or office.done("links"))["people"] if each["account"] == account]
    return found


def pair(office: Office, account: str) -> list[str]:
    """The pair of an account as the page sends it."""
    found = row(office, account)
    return [found["identity"], found["theirs"]["anchor"]]


def refused(office: Office, kind: str, **asked: Any) -> str:
    found = office.ask(kind, **asked)
    assert found.status == "refused", (found.status, found.result)
    assert found.result is not None
    return str(found.result["error"])


def bonded(office: Office) -> set[str]:
    return {each.username or "" for each in office.store.identities(SCHOOL) if each.bonds}


def test_the_lists_have_both_sides_of_every_pair_and_are_those_of_the_command_line(office: Office) -> None:
    told = office.done("links")
    assert (told["target"], told["keep"], told["targets"]) == ("ad", "theirs", ["ad"])
    assert told["counts"] == {
        "linked": 0,
        "likely": 2,
        "possible": 0,
        "ambiguous": 0,
        "account without MIS record": 1,
        "MIS record without account": 1,
        "not in the MIS": 0,
    }
    hermione = row(office, "hg002", told)
    assert hermione["theirs"] | {"anchor": ""} == {
        "anchor": "",
        "login": "hg002",
        "email": "hg002@miltonpark.test",
        "display_name": "Hermione Potter",
        "place": "",
        "enabled": True,
        "attributes": {"employeeNumber": "2"},
    }
    ours = hermione["ours"]
    assert (ours["name"], ours["role"], ours["year"], ours["numbers"]) == (
        "Hermione Potter",
        "student",
        "Year 7",
        {"admission number": "2"},
    )
    assert (row(office, "stan", told)["ours"], row(office, "", told)["theirs"]) == (None, None)
    spoken = office.onroll.json("links", "list")
    assert (spoken["digest"], spoken["likely"]) == (told["digest"], told["likely"])
    assert spoken["people"] == [{name: each[name] for name in spoken["people"][0]} for each in told["people"]]


def test_who_cannot_be_linked_says_why(office: Office) -> None:
    off = Replace(f"CN=hp001,{BASE}", {"userAccountControl": ["514"]})
    assert office.directory().do(off).done
    told = office.done("links")
    harry = row(office, "hp001", told)
    assert "hp001 is disabled in ad" in harry["hindered"]
    assert row(office, "hg002", told)["hindered"] == ""


def test_a_filtered_list_is_confirmed_by_its_digest(office: Office) -> None:
    shown = office.done("links", years=["Year 7"])
    likely = shown["lists"]["likely"]
    assert likely["pairs"] == 2
    assert "is not that of this list" in refused(office, "link", list="likely", digest="0" * 16)
    assert "does not say digest" in refused(office, "link", list="likely")
    assert "Only the lists likely and possible" in refused(office, "link", list="linked", digest=likely["digest"])
    assert bonded(office) == set()
    told = office.done("link", list="likely", digest=likely["digest"], years=["Year 7"])
    assert ({each["username"] for each in told["links"]}, told["done"]) == ({"hp001", "hg002"}, True)
    assert bonded(office) == {"hp001", "hg002"}
    assert office.done("links")["counts"]["linked"] == 2
    empty = digest({}, "theirs")
    assert "nobody to link any more" in refused(office, "link", list="likely", digest=empty)


def test_a_chosen_set_is_confirmed_all_or_nobody(office: Office) -> None:
    chosen = [pair(office, "hp001"), pair(office, "hg002")]
    assert "more than one person" in refused(office, "link", pairs=[chosen[0], [chosen[1][0], chosen[0][1]]])
    assert "is not that of this list" in refused(office, "link", pairs=chosen, digest=digest({}, "theirs"))
    assert "is in it twice" in refused(office, "link", pairs=[chosen[0], chosen[0]])
    assert "list of pairs" in refused(office, "link", pairs=["ab"])
    assert "names no pair" in refused(office, "link")
    assert "keep is theirs or ours, not mine" in refused(office, "link", pairs=chosen, keep="mine")
    assert bonded(office) == set()
    told = office.done("link", pairs=chosen, digest=digest(dict(chosen), "theirs"))  # type: ignore[arg-type]
    assert len(told["links"]) == 2
    with office.store._engine.connect() as store:
        said = store.exec_driver_sql("select status, by from links").fetchall()
    assert {tuple(each) for each in said} == {("confirmed", "pat")}


def test_one_pair_is_turned_down_for_good(office: Office) -> None:
    harry = pair(office, "hp001")
    assert office.done("reject-link", pairs=[harry])["rejected"] == [
        {"identity": harry[0], "account": "hp001", "anchor": harry[1]}
    ]
    assert row(office, "hp001")["list"] == "account without MIS record"
    hermione = pair(office, "hg002")
    office.done("link", pairs=[hermione])
    assert "Take that link back first" in refused(office, "reject-link", pairs=[hermione])
    assert "no identity nobody" in refused(office, "reject-link", pairs=[["nobody", harry[1]]])
    assert "has no account nowhere" in refused(office, "reject-link", pairs=[[harry[0], "nowhere"]])


def test_a_link_is_taken_back_and_an_account_given_up(office: Office) -> None:
    harry, hermione = pair(office, "hp001"), pair(office, "hg002")
    office.done("link", pairs=[harry, hermione])
    told = office.done("unlink", identity=harry[0])
    assert (told["undone"], told["gone"], bonded(office)) == (True, False, {"hg002"})
    assert office.done("unlink", identity=hermione[0], gone=True)["gone"]
    assert bonded(office) == set()
    assert "is nobody with an account in ad" in refused(office, "unlink", identity=harry[0])
    assert "has no target m365" in refused(office, "unlink", identity=harry[0], target="m365")


def test_a_link_waits_while_the_school_is_at_work(office: Office) -> None:
    harry = pair(office, "hp001")
    with office.store.lease(SCHOOL, this_process("a run")):
        number = office.send("link", pairs=[harry])
        assert not office.put_off(number).over
        assert office.done("links")["counts"]["linked"] == 0
    assert office.ended(number).status == "done"
