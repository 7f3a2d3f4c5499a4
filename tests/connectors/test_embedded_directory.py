"""The embedded directory is as strict as Windows, in Windows' own codes, and keeps a file that several commands can share."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from directories import Embedded
from onroll_connectors.sandbox import directory
from onroll_connectors.sandbox.directory import EmbeddedWire
from onroll_connectors.targets.ad_entries import encoded
from onroll_connectors.targets.ad_wire import (
    Add,
    Answer,
    Equal,
    Lost,
    Present,
    Rdn,
    Replace,
    Request,
    Search,
    completed,
    held,
    read,
)
from onroll_connectors.testing import account_of, everything, pupil
from onroll_core.changes import Applied, Create
from onroll_core.contracts import Scope
from onroll_core.errors import Halt

BASE = "OU=Milton Park,DC=school,DC=test"
CLASSES = ["top", "person", "organizationalPerson", "user"]
PASSWORD = "Xk7!-qP29_zW"


@pytest.fixture
def wire() -> EmbeddedWire:
    name = Embedded().name
    wire = directory.open_directory(name, BASE)
    directory.forget(name)
    return wire


def ask(wire: EmbeddedWire, request: Request) -> Answer:
    return wire.receive(wire.send(request))


def user(login: str = "maja", cn: str = "", **other: str | list[str] | bytes) -> Add:
    values: dict[str, list[str | bytes]] = {
        "objectClass": [*CLASSES],
        "sAMAccountName": [login],
        "userPrincipalName": [f"{login}@school.test"],
        "userAccountControl": ["512"],
        "unicodePwd": [encoded(PASSWORD)],
        "pwdLastSet": ["0"],
    }
    for name, value in other.items():
        values[name] = [*value] if isinstance(value, list) else [value]
    return Add(f"CN={cn or login},{BASE}", {name: held for name, held in values.items() if held != [""]})


def test_an_account_is_made_enabled_with_its_password_in_one_request(wire: EmbeddedWire) -> None:
    assert ask(wire, user()).done
    assert wire.directory.sign_in("maja", PASSWORD) == "must change"
    assert wire.directory.sign_in("maja@school.test", PASSWORD) == "must change"
    assert wire.directory.sign_in("maja", "wrong") == "refused"
    assert wire.directory.sign_in("nobody", PASSWORD) == "refused"


@pytest.mark.parametrize(
    ("add", "code", "windows"),
    [
        (user("x" * 21), 80, "00000523"),
        (user("a/b"), 80, "00000523"),
        (user("a@b"), 80, "00000523"),
        (user("dot."), 80, "00000523"),
        (user("..."), 80, "00000523"),
        (user("TAKEN", "other", userPrincipalName="o@school.test"), 68, "00000524"),
        (user("täken", "other", userPrincipalName="o@school.test"), 68, "00000524"),
        (user("choir", "other", userPrincipalName="o@school.test"), 68, "00000524"),
        (user("other", userPrincipalName="Taken@school.test"), 19, "000021C8"),
        (user("other", userPrincipalName="täken@school.test"), 19, "000021C8"),
        (user("other", "taken"), 68, "00002071"),
        (user("other", "Täken"), 68, "00002071"),
        (user(cn="x" * 65), 19, "00002082"),
        (user(employeeID="x" * 17), 19, "00002082"),
        (user(givenName="x" * 65), 19, "00002082"),
        (user(sn="x" * 65), 19, "00002082"),
        (user(displayName="x" * 257), 19, "00002082"),
        (user(mail="x" * 257), 19, "00002082"),
        (user(proxyAddresses="smtp:" + "x" * 1119), 19, "00002082"),
        (user(mail=["a@b", "c@d"]), 19, "00002081"),
        (user(proxyAddresses=["smtp:a@b", ""]), 19, "00002082"),
        (user(fooBar="x"), 16, "00000057"),
        (user(extensionAttribute1="x"), 16, "00000057"),
        (user(userAccountControl="abc"), 19, "00002082"),
        (user(pwdLastSet="5"), 80, "00000057"),
        (user(unicodePwd=""), 53, "0000052D"),
        (user(unicodePwd=encoded("Sh0rt!")), 53, "0000052D"),
        (user(unicodePwd=encoded("alllowercase")), 53, "0000052D"),
        (user(unicodePwd=encoded("Xk7!-MAJA-zW")), 53, "0000052D"),
        (user(unicodePwd=encoded("Xk7!-smith-zW"), displayName="Anna-Lena Smith"), 53, "0000052D"),
        (user(unicodePwd=PASSWORD.encode("utf-16-le")), 53, "0000001F"),
        (Add(f"CN=x,OU=Nowhere,{BASE}", {"objectClass": CLASSES}), 32, "0000208D"),
        (Add(f"CN=a\x00b,{BASE}", {"objectClass": CLASSES}), 34, "0000208F"),
        (Add(f"OU={'x' * 65},{BASE}", {"objectClass": ["organizationalUnit"]}), 19, "00002082"),
    ],
)  # fmt: skip
def test_what_windows_refuses_is_refused_with_its_code_and_nothing_is_made(
    wire: EmbeddedWire, add: Add, code: int, windows: str
) -> None:
    assert ask(wire, user("taken")).done
    assert ask(wire, Add(f"CN=Choir,{BASE}", {"objectClass": ["group"], "sAMAccountName": ["choir"]})).done
    before = len(wire.directory.objects)
    answer = ask(wire, add)
    assert (answer.code, answer.hex) == (code, windows)
    assert answer.message.endswith("\n\x00")
    assert len(wire.directory.objects) == before


def test_a_modify_is_whole_or_not_at_all(wire: EmbeddedWire) -> None:
    assert ask(wire, user()).done
    dn = f"CN=maja,{BASE}"
    for bad in ({"givenName": ["x" * 65]}, {"fooBar": ["x"]}, {"sAMAccountName": ["a/b"]}, {"cn": ["x"]}):
        answer = ask(wire, Replace(dn, {"sn": ["Smith"], **bad}))
        assert not answer.done
        assert wire.directory.find("maja") is not None
        assert "sn" not in wire.directory.find("maja").values  # type: ignore[union-attr]
    assert ask(wire, Replace(dn, {"sn": ["Smith"], "givenName": []})).done


def test_a_name_that_was_given_up_is_free_again_and_a_refused_one_was_not_taken(wire: EmbeddedWire) -> None:
    assert ask(wire, user("one")).done
    assert ask(wire, user("two")).done
    assert not ask(
        wire, Replace(f"CN=two,{BASE}", {"sAMAccountName": ["free"], "userPrincipalName": ["one@school.test"]})
    ).done
    assert wire.directory.find("free") is None
    assert ask(
        wire, Replace(f"CN=one,{BASE}", {"sAMAccountName": ["uno"], "userPrincipalName": ["uno@school.test"]})
    ).done
    assert ask(wire, user("one", "one again")).done
    assert wire.directory.find("uno") is not None


def test_an_account_cannot_be_enabled_while_it_has_no_password(wire: EmbeddedWire) -> None:
    assert ask(wire, user(unicodePwd="", userAccountControl="514")).done
    dn = f"CN=maja,{BASE}"
    answer = ask(wire, Replace(dn, {"userAccountControl": ["512"]}))
    assert (answer.code, answer.hex) == (53, "0000052D")
    assert ask(wire, Replace(dn, {"userAccountControl": ["512"], "unicodePwd": [encoded(PASSWORD)]})).done


def test_a_unit_takes_what_is_in_it_along(wire: EmbeddedWire) -> None:
    for name in ("A", "B"):
        assert ask(wire, Add(f"OU={name},{BASE}", {"objectClass": ["organizationalUnit"]})).done
    assert ask(wire, Add(f"CN=x,OU=A,{BASE}", {"objectClass": CLASSES, "sAMAccountName": ["x"]})).done
    guid = ask(wire, read(f"CN=x,OU=A,{BASE}", ["objectGUID"])).entries[0].guid
    assert ask(wire, Rdn(f"OU=A,{BASE}", "OU=A2", f"OU=B,{BASE}")).done
    assert ask(wire, read(f"<GUID={guid}>", ["cn"])).entries[0].dn == f"CN=x,OU=A2,OU=B,{BASE}"
    assert ask(wire, read(f"CN=x,OU=A,{BASE}", ["cn"])).code == 32
    assert ask(wire, Rdn(f"<GUID={guid}>", "CN=x", f"OU=Gone,{BASE}")).code == 32


def test_an_unpaged_search_is_cut_off_at_a_thousand_and_pages_are_no_longer(wire: EmbeddedWire) -> None:
    for n in range(1200):
        assert ask(wire, Add(f"CN=p{n},{BASE}", {"objectClass": ["contact"]})).done
    where = Equal("objectClass", "contact")
    unpaged = ask(wire, Search(BASE, ("cn",), where, page=0))
    assert (unpaged.code, len(unpaged.entries)) == (4, 1000)
    first = ask(wire, Search(BASE, ("cn",), where, page=5000))
    assert (first.code, len(first.entries)) == (0, 1000)
    second = ask(wire, Search(BASE, ("cn",), where, page=5000, cookie=first.cookie))
    assert (len(second.entries), second.cookie) == (200, b"")
    assert len({entry.dn for entry in (*first.entries, *second.entries)}) == 1200
    assert ask(wire, Search(BASE, ("cn",), where, cookie=first.cookie)).code == 53, "a cookie is good once"


def test_more_than_1500_values_come_in_ranges(wire: EmbeddedWire) -> None:
    proxies = [f"smtp:a{n}@school.test" for n in range(3100)]
    assert ask(wire, user(proxyAddresses=[*proxies])).done
    (entry,) = ask(wire, read(f"CN=maja,{BASE}", ["proxyAddresses"])).entries
    assert list(entry.values) == ["proxyaddresses;range=0-1499"]
    whole = held(completed(entry), lambda request: ask(wire, request))
    assert whole.texts("proxyAddresses") == proxies


def test_passwords_are_shown_to_nobody(wire: EmbeddedWire) -> None:
    assert ask(wire, user()).done
    found = wire.directory.find("maja")
    assert found is not None
    assert "unicodepwd" not in found.values
    assert PASSWORD not in repr(found)
    assert ask(wire, Search(BASE, ("unicodePwd",), Present("unicodePwd"))).entries == []


def test_a_closed_connection_is_lost(wire: EmbeddedWire) -> None:
    ticket = wire.send(read(BASE, ["ou"]))
    wire.close()
    for use in (lambda: wire.receive(ticket), lambda: wire.send(read(BASE, ["ou"]))):
        with pytest.raises(Lost):
            use()


# --- the file ---


def settled(path: Path, *names: str) -> list[str]:
    world = Embedded(name=str(path))
    target = world.connect()
    outcomes = everything(
        target, [Create(pupil(name), account_of(target, world.domain, name), "on roll") for name in names]
    )
    assert all(isinstance(each, Applied) for each in outcomes), outcomes
    found = sorted(each.login for each in target.observe(Scope("s")).accounts.values())
    target.close()
    return found


def test_a_file_keeps_the_directory_between_commands(tmp_path: Path) -> None:
    path = tmp_path / "directory.json"
    assert settled(path, "ada", "zoe") == ["ada", "zoe"]
    anchors = set(directory.open_directory(str(path), BASE).directory.objects)
    directory.forget(str(path))
    assert settled(path) == ["ada", "zoe"]
    assert set(directory.open_directory(str(path), BASE).directory.objects) == anchors
    directory.forget(str(path))


def test_two_processes_see_what_the_other_wrote(tmp_path: Path) -> None:
    path = tmp_path / "directory.json"
    assert settled(path, "ada") == ["ada"]
    script = (
        "from onroll_connectors.sandbox import directory; from onroll_connectors.targets.ad_wire import Add\n"
        f"wire = directory.open_directory({str(path)!r}, {BASE!r})\n"
        "assert wire.directory.find('ada') is not None\n"
        f"ticket = wire.send(Add('CN=zoe,{BASE}', {{'objectClass': ['user', 'person'], 'sAMAccountName': ['zoe']}}))\n"
        "assert wire.receive(ticket).done"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
    assert settled(path, "maja") == ["ada", "maja", "zoe"]
    directory.forget(str(path))


def test_a_line_that_was_cut_off_is_as_if_it_had_not_been_written(tmp_path: Path) -> None:
    path = tmp_path / "directory.json"
    settled(path, "ada", "zoe")
    directory.forget(str(path))
    whole = path.read_bytes()
    last = whole.rstrip(b"\n").rfind(b"\n") + 1
    path.write_bytes(whole[: last + 40] + b"x" * 5000)
    assert settled(path) == ["ada"]
    assert settled(path, "maja") == ["ada", "maja"]
    directory.forget(str(path))
    assert settled(path) == ["ada", "maja"]
    directory.forget(str(path))


@pytest.mark.parametrize("content", [b"{}\n", b"not json\n", b"[1]\n", b"\xff\xfe\n"])
def test_a_file_of_something_else_is_a_sentence_and_stays_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "directory.json"
    path.write_bytes(content)
    with pytest.raises(Halt, match=r"is not a file of an embedded directory"):
        directory.open_directory(str(path), BASE)
    assert path.read_bytes() == content


def test_a_file_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(Halt, match="cannot be kept in"):
        directory.open_directory(str(tmp_path / "nowhere" / "directory.json"), BASE)


def test_passwords_are_not_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "directory.json"
    world = Embedded(name=str(path))
    target = world.connect()
    everything(target, [Create(pupil("maja"), account_of(target, world.domain, "maja"), "on roll")])
    target.close()
    assert world.passwords.made["maja"] not in path.read_text()
    directory.forget(str(path))
    again = Embedded(name=str(path))
    assert again.sign_in("maja", world.passwords.made["maja"]) == "must change"
    directory.forget(str(path))
