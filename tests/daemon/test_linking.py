"""`onroll links` and Link Mode: accounts that were there before us, joined to the people of the MIS by somebody who looked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from command import CONFIG, POTTERS, Command, milton_park
from onroll_connectors.sandbox.directory import forget, open_directory
from onroll_connectors.targets.ad_wire import Add, Replace

BASE = "OU=Milton Park,DC=school,DC=test"
LINK = CONFIG.replace('mis = "csv"', 'mis = "csv"\nmode = "link"').replace(
    "[[school]]", '[targets.ad.link_by]\nemployeeNumber = "admission number"\n[[school]]'
).replace("base =", 'write = ["employeeNumber"]\nbase =')  # fmt: skip


@pytest.fixture
def onroll(tmp_path: Path) -> Command:
    """Three pupils in the MIS; in the directory Harry and Hermione, and Stan, whom the MIS does not know."""
    command = milton_park(tmp_path)
    command.configure(LINK)
    account(command, "hp001", "Harry", "Potter")
    account(command, "hg002", "Hermione", "Potter", employeeNumber="2")
    account(command, "stan", "Stan", "Shunpike")
    return command


def directory(command: Command) -> Any:
    """The embedded directory, as another administrator's tool opens it."""
    name = str(command.folder / "directory.json")
    forget(name)
    return open_directory(name, BASE).directory


def account(command: Command, login: str, first: str, last: str, off: bool = False, **more: str) -> None:
    values = {
        "objectClass": ["top", "person", "organizationalPerson", "user"], "sAMAccountName": [login], "userPrincipalName": [f"{login}@miltonpark.test"], "mail": [f"{login}@miltonpark.test"],
        "userAccountControl": ["514" if off else "544"],
    } | {name: [value] for name, value in more.items()}  # fmt: skip
    if first:
        values |= {"givenName": [first], "sn": [last], "displayName": [f"{first} {last}"]}
    answer = directory(command).do(Add(f"CN={login},{BASE}", values))
    assert answer.done, answer


def change(command: Command, login: str, **values: str) -> None:
    answer = directory(command).do(Replace(f"CN={login},{BASE}", {name: [value] for name, value in values.items()}))
    assert answer.done, answer


def value(command: Command, login: str, name: str) -> str:
    found = directory(command).find(login)
    assert found is not None
    return b"".join(found.values.get(name.lower(), [])).decode()


def lists(command: Command, *arguments: str) -> dict[str, list[tuple[str, str]]]:
    """Each list with its accounts and people."""
    found: dict[str, list[tuple[str, str]]] = {}
    for row in command.json("links", "list", *arguments)["people"]:
        found.setdefault(row["list"], []).append((row["account"], row["name"]))
    return {name: sorted(rows) for name, rows in found.items()}


def test_the_lists_of_a_school_that_has_its_accounts_already(onroll: Command) -> None:
    onroll.run("pull")
    assert lists(onroll) == {
        "likely": [("hg002", "Hermione Potter"), ("hp001", "Harry Potter")],
        "account without MIS record": [("stan", "")],
        "MIS record without account": [("", "Ron Weasley")],
    }
    shown = onroll.run("links", "list").out
    assert "name and the school's number are the same" in shown
    assert "the names are the same" in shown


def test_a_filtered_list_is_confirmed_by_its_digest_and_the_mis_adds_to_the_accounts(onroll: Command) -> None:
    onroll.run("pull")
    assert onroll.json("plan")["plans"][0]["changes"] == []  # in Link Mode nobody gets an account from the MIS
    shown = onroll.json("links", "confirm", "--list", "likely", code=3)
    assert {each["username"] for each in shown["links"]} == {"hg002", "hp001"}
    assert "is not that of this list" in onroll.run("links", "confirm", "--list", "likely", "--digest", "0", code=1).err
    onroll.run("links", "confirm", "--list", "likely", "--digest", shown["digest"])
    kinds = [each["kind"] for each in onroll.json("plan")["plans"][0]["changes"]]
    assert kinds == ["link", "link"]
    onroll.json("sync")
    assert value(onroll, "hp001", "employeeID")
    assert value(onroll, "stan", "employeeID") == ""
    assert onroll.json("plan")["plans"][0]["changes"] == []  # and now there is nothing to do


def test_in_link_mode_the_mis_disables_nobody_and_the_name_fields_follow_it(onroll: Command) -> None:
    onroll.run("pull")
    onroll.run("links", "confirm", "1", "hp001")
    onroll.students("1,Harold,Potter,7,01/09/2026,01/11/2026", *POTTERS[1:])
    night = onroll.json("sync")
    assert night["targets"]["ad"]["disabled"] == 0
    assert value(onroll, "hp001", "userAccountControl") == "544"
    onroll.students("1,Harold,Potter,7,01/09/2026,", *POTTERS[1:])
    onroll.json("sync")
    assert value(onroll, "hp001", "givenName") == "Harold"
    assert value(onroll, "hp001", "sAMAccountName") == "hp001"


def test_whoever_is_renamed_in_the_directory_is_followed(onroll: Command) -> None:
    onroll.run("pull")
    onroll.run("links", "confirm", "1", "hp001")
    onroll.json("sync")
    change(
        onroll,
        "hp001",
        sAMAccountName="hpotter",
        mail="hpotter@miltonpark.test",
        userPrincipalName="hpotter@miltonpark.test",
    )
    onroll.json("sync")
    (harry,) = [each for each in onroll.json("users", "list")["users"] if each["username"] == "hpotter"]
    assert harry["aliases"] == ["hp001@miltonpark.test"]
    assert onroll.json("plan")["plans"][0]["changes"] == []


def test_what_is_rejected_is_not_suggested_again_and_what_is_undone_is_left_alone(onroll: Command) -> None:
    onroll.run("pull")
    onroll.run("links", "reject", "1", "hp001")
    assert ("hp001", "") in lists(onroll)["account without MIS record"]
    onroll.run("links", "confirm", "2", "hg002")
    onroll.json("sync")
    assert "take that back" in onroll.run("links", "reject", "2", "hg002", code=1).err
    onroll.run("links", "undo", "2")
    assert "nobody" in onroll.run("links", "undo", "2", code=1).err
    before = value(onroll, "hg002", "employeeID")
    assert before
    assert onroll.json("sync")["targets"]["ad"]["updated"] == 0
    assert ("hg002", "Hermione Potter") in lists(onroll)["likely"]
    onroll.run("links", "confirm", "2", "hg002")
    onroll.json("sync")
    assert onroll.json("plan")["plans"][0]["changes"] == []


def test_a_list_of_accounts_and_records_counts_as_confirmed(onroll: Command) -> None:
    onroll.run("pull")
    file = onroll.folder / "links.csv"
    file.write_text("username,mis_id\nhp001,1\nstan,student:3\n", encoding="utf-8")
    assert len(onroll.json("links", "import", str(file))["links"]) == 2
    assert onroll.json("links", "import", str(file))["links"] == []  # twice does no more than once
    assert lists(onroll)["linked"] == [("hp001", "Harry Potter"), ("stan", "Ron Weasley")]


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ("hp001,99", "line 2: '99' is nobody of milton-park"), ("nobody,1", "line 2: ad has no account 'nobody'"), ("hp001,", "line 2: a row needs a username and a mis_id"),
        ("hp001,1\nhg002,1", "line 3: 1 is in it twice"), ("hp001,1\nhp001,2", "hp001 is to be linked to more than one person"),
        ("off,3", "off is disabled in ad"), ("boss,3", "an administrator's account"), ("paid,3", "carries the identity 55555"),
    ],
)  # fmt: skip
def test_a_link_that_may_not_be_is_said_and_nothing_is_linked(onroll: Command, rows: str, says: str) -> None:
    account(onroll, "off", "Off", "Line", off=True)
    account(onroll, "boss", "Ad", "Min", adminCount="1")
    account(onroll, "paid", "Pay", "Roll", employeeID="55555")
    onroll.run("pull")
    file = onroll.folder / "links.csv"
    file.write_text(f"username,mis_id\n{rows}\n", encoding="utf-8")
    assert says in onroll.run("links", "import", str(file), code=1).err
    assert "linked" not in lists(onroll)


def test_an_account_that_is_linked_is_nobody_elses(onroll: Command) -> None:
    onroll.run("pull")
    onroll.run("links", "confirm", "1", "hp001")
    assert "hp001 is already linked to hp001" in onroll.run("links", "confirm", "2", "hp001", code=1).err
    assert "already has the account hp001" in onroll.run("links", "confirm", "1", "stan", code=1).err


def test_accounts_without_names_are_matched_by_a_list(onroll: Command) -> None:
    account(onroll, "x9", "", "")
    onroll.run("pull")
    file = onroll.folder / "names.csv"
    file.write_text("username,first,last\nx9,Ronald,Weasley\n", encoding="utf-8")
    assert lists(onroll, "--names", str(file))["possible"] == [("x9", "Ron Weasley")]


def test_from_link_mode_to_create_mode_and_back(onroll: Command) -> None:
    """Moving a school from AD-driven to MIS-driven: link everyone, review the plan (it should be empty of creates), switch."""
    onroll.students(*POTTERS[:2])
    onroll.run("pull")
    digest = onroll.json("links", "confirm", "--list", "likely", code=3)["digest"]
    onroll.run("links", "confirm", "--list", "likely", "--digest", digest)
    onroll.json("sync")
    onroll.configure(LINK.replace('mode = "link"', 'mode = "create"'))
    changes = onroll.json("plan")["plans"][0]["changes"]
    assert {each["kind"] for each in changes} == {"move"}
    onroll.json("sync")
    assert onroll.json("plan")["plans"][0]["changes"] == []
    onroll.configure(LINK)
    assert onroll.json("plan")["plans"][0]["changes"] == []


def test_in_create_mode_an_account_takes_our_names_where_that_is_asked(onroll: Command) -> None:
    onroll.configure(LINK.replace('mode = "link"', 'mode = "create"'))
    onroll.run("pull")
    shown = onroll.run("links", "confirm", "1", "hp001", "--keep", "ours")
    assert "hp001 (hp001@miltonpark.test) would be renamed to 20hpotter" in shown.err
    changes = onroll.json("plan")["plans"][0]["changes"]
    assert [each["kind"] for each in changes if each["username"] == "20hpotter"] == ["link", "rename", "move"]
