"""The connection to a real domain controller: encrypted, verified, silent about secrets, and cut by a real network."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

import delegated
from directories import RealDomain
from onroll_connectors.targets.active_directory import LdapWire, Settings, filter_text
from onroll_connectors.targets.ad_wire import (
    Add,
    AllOf,
    AnyOf,
    Equal,
    Lost,
    Present,
    Replace,
    Search,
    completed,
    held,
    read,
)
from onroll_connectors.testing import account_of, everything, pupil
from onroll_core.changes import Applied, Create
from onroll_core.contracts import Scope
from onroll_core.errors import Halt, OnrollError, Unavailable
from samba import Samba


@dataclass
class Cable:
    """A TCP connection to the domain controller that can be cut, or that swallows what comes back."""

    host: str
    port: int
    listener: socket.socket = field(init=False)
    cut_after: int | None = None
    mute: bool = False
    links: list[socket.socket] = field(default_factory=list)
    threads: list[threading.Thread] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.listener = socket.create_server((self.host, 0))
        self._go(self._accept)

    @property
    def address(self) -> str:
        return f"{self.host}:{self.listener.getsockname()[1]}"

    def close(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.cut()
        for thread in self.threads:
            thread.join(5)

    def cut(self) -> None:
        for link in self.links:
            try:
                link.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            link.close()
        self.links.clear()

    def _go(self, work: Any, *arguments: Any) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self.threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            far = socket.create_connection((self.host, self.port))
            self.links += [near, far]
            self._go(self._carry, near, far, True)
            self._go(self._carry, far, near, False)

    def _carry(self, source: socket.socket, sink: socket.socket, there: bool) -> None:
        try:
            while data := source.recv(65536):
                if there or not self.mute:
                    sink.sendall(data)
                if there and self.cut_after is not None:
                    self.cut_after -= len(data)
                    if self.cut_after <= 0:
                        self.cut_after = None
                        time.sleep(0.2)  # let the server carry it out; its answer is on the way
                        self.cut()
                        return
        except OSError:
            pass


@pytest.fixture
def real(samba: Samba) -> Iterator[RealDomain]:
    world = RealDomain(samba=samba)
    yield world
    world.clear()


@pytest.fixture
def cable(samba: Samba) -> Iterator[Cable]:
    cable = Cable(samba.env["AD_HOST"], 636)
    yield cable
    cable.close()


@pytest.mark.parametrize("bytes_until_then", [200, 4000, 8000])
def test_a_cable_that_is_cut_in_the_middle_makes_nobody_twice_and_nobody_less(
    real: RealDomain, cable: Cable, bytes_until_then: int
) -> None:
    target = real.connect(server=f"ldaps://{cable.address}")
    target.observe(Scope("s"))
    names = [f"p{n}" for n in range(12)]
    changes = [Create(pupil(name), account_of(target, real.domain, name), "on roll") for name in names]
    cable.cut_after = bytes_until_then
    outcomes = everything(target, changes)
    assert cable.cut_after is None, "the cable was cut"
    assert [type(each) for each in outcomes] == [Applied] * 12, outcomes
    target.close()
    assert sorted(real.samba.values("(employeeID=*)", "employeeID", real.base)) == sorted(
        f"id-{name}" for name in names
    )


def test_an_answer_that_never_comes_is_waited_for_no_longer_than_the_timeout(real: RealDomain, cable: Cable) -> None:
    target = real.connect(server=f"ldaps://{cable.address}", timeout=2)
    target.observe(Scope("s"))
    cable.mute = True
    with pytest.raises(Unavailable, match=r"\.$"):
        everything(target, [Create(pupil("maja"), account_of(target, real.domain, "maja"), "on roll")])
    target.close()
    again = real.connect()
    again.observe(Scope("s"))
    (outcome,) = everything(again, [Create(pupil("maja"), account_of(again, real.domain, "maja"), "on roll")])
    assert isinstance(outcome, Applied), outcome
    again.close()
    assert real.count() == 1


def test_secrets_are_in_no_repr_log_or_error(
    real: RealDomain, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(0)
    target = real.connect()
    assert target.check().good
    everything(target, [Create(pupil("maja"), account_of(target, real.domain, "maja"), "on roll")])
    shown = [repr(target), repr(target.session), repr(target.session.wire), repr(real.settings()), str(real.settings())]
    target.close()
    wrong = real.connect(user="nobody@school.test")
    with pytest.raises(Halt, match="the user name or the password is wrong") as failure:
        wrong.observe(Scope("s"))
    shown += [str(failure.value), repr(failure.value), caplog.text, *capfd.readouterr()]
    for secret in (delegated.PASSWORD, real.passwords.made["maja"]):
        assert not any(secret in each for each in shown)


@pytest.mark.parametrize(
    ("other", "kind", "says"),
    [
        ({"server": "ldaps://127.0.0.1:1"}, Unavailable, "does not answer"),
        ({"ca_file": None}, Unavailable, "not trusted"),
        ({"ca_file": "nowhere.pem"}, Halt, "cannot be read"),
        ({"base": "OU=x,DC=other,DC=test"}, Halt, "is not there"),
        ({"names_base": "OU=Gone,DC=school,DC=test"}, Halt, "is not there"),
        ({"kerberos": True, "password": None}, OnrollError, "Kerberos"),
        ({"password": "env:ONROLL_TEST_NOTHING"}, Halt, "ONROLL_TEST_NOTHING is not set"),
    ],
)
def test_a_server_that_cannot_be_used_is_a_sentence(
    real: RealDomain, other: dict[str, Any], kind: type[OnrollError], says: str
) -> None:
    target = real.connect(**other)
    with pytest.raises(kind, match=says) as failure:
        target.observe(Scope("s"))
    assert str(failure.value).endswith((".", "?"))
    report = target.check()
    assert not report.good
    target.close()


def test_a_certificate_for_another_name_is_refused(real: RealDomain) -> None:
    target_host = real.samba.env["AD_HOST"].replace("127.0.0.", "127.0.1.")
    listener = socket.create_server((target_host, 0))
    port = listener.getsockname()[1]

    def forward() -> None:
        near, _ = listener.accept()
        far = socket.create_connection((real.samba.env["AD_HOST"], 636))
        threading.Thread(target=_copy, args=(near, far), daemon=True).start()
        _copy(far, near)
        near.close()
        far.close()

    thread = threading.Thread(target=forward, daemon=True)
    thread.start()
    elsewhere = real.connect(server=f"ldaps://{target_host}:{port}")
    with pytest.raises(Unavailable, match="certificate"):
        elsewhere.observe(Scope("s"))
    elsewhere.close()
    thread.join(5)
    listener.close()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def test_starttls_is_used_on_a_clear_port(real: RealDomain) -> None:
    target = real.connect(server=f"ldap://{real.samba.env['AD_HOST']}")
    assert target.check().good
    target.close()


@pytest.mark.parametrize(
    "settings",
    [
        {"server": "http://dc1", "base": "DC=x", "user": "u", "password": "env:P"},
        {"server": "ldaps://", "base": "DC=x", "user": "u", "password": "env:P"},
        {"server": "ldaps://dc1", "base": "DC=x"},
        {"server": "ldaps://dc1", "base": "DC=x", "user": "u", "password": "plain"},
        {"server": "ldaps://dc1", "base": "Milton Park", "user": "u", "password": "env:P"},
        {"server": "ldaps://dc1", "base": "DC=x", "user": "u", "password": "env:P", "write": ["unicodePwd"]},
        {"server": "ldaps://dc1", "base": "DC=x", "user": "u", "password": "env:P", "write": ["a)(b"]},
        {"server": "ldaps://dc1", "base": "DC=x", "user": "u", "password": "env:P", "identity_attribute": "info"},
        {"server": "ldaps://dc1", "base": "DC=x", "user": "u", "password": "env:P", "surplus": 1},
    ],
)
def test_settings_that_cannot_be_right_are_refused_at_the_start(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        Settings(**settings)


def test_ports_and_addresses_are_read_out_of_the_server() -> None:
    def at(server: str) -> tuple[str, int]:
        settings = Settings(server=server, base="DC=x", kerberos=True)
        return settings.host, settings.port

    assert at("ldaps://dc1.school.test") == ("dc1.school.test", 636)
    assert at("ldap://dc1.school.test/") == ("dc1.school.test", 389)
    assert at("ldaps://dc1.school.test:3269") == ("dc1.school.test", 3269)
    assert at("ldaps://[2001:db8::1]:1636") == ("2001:db8::1", 1636)


def test_importing_the_target_does_not_import_ldap3() -> None:
    told = "import sys, onroll_connectors.targets.active_directory; print('ldap3' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_what_goes_into_a_filter_is_escaped() -> None:
    where = AnyOf((Equal("cn", "*)(cn=\\*\x00"), AllOf((Present("mail"), Equal("sn", "Zoë")))))
    assert filter_text(where) == "(|(cn=\\2a\\29\\28cn=\\5c\\2a\\00)(&(mail=*)(sn=Zoë)))"


@pytest.mark.parametrize(
    "value", ["*", "*)(objectClass=*", "(", ")", "\\", "\\2a", "a\x00b", "&", "|", "Zoë", "李", " x "]
)
def test_no_value_in_a_filter_finds_more_than_itself(real: RealDomain, value: str) -> None:
    real.stranger("victim")
    wire = LdapWire(real.settings())
    found = wire.receive(wire.send(Search(real.base, ("cn",), Equal("displayName", value))))
    assert (found.code, list(found.entries)) == (0, [])
    wire.close()


def test_values_that_come_in_ranges_are_fetched_to_the_last(real: RealDomain) -> None:
    real.stranger("stan")
    wire = LdapWire(real.settings())
    proxies = [f"smtp:stan{n}@school.test" for n in range(40)]
    dn = f"CN=Stan stan,{real.base}"
    assert wire.receive(wire.send(Replace(dn, {"proxyAddresses": proxies}))).done

    def ask(request: Any) -> Any:
        return wire.receive(wire.send(request))

    answer = ask(read(dn, ["proxyAddresses;range=0-9"]))
    assert [name for name in answer.entries[0].values if ";range=" in name] == ["proxyaddresses;range=0-9"]
    whole = held(completed(answer.entries[0]), ask)
    assert sorted(whole.texts("proxyAddresses")) == sorted(proxies)
    wire.close()


def test_what_cannot_be_said_in_ldap_is_refused_and_the_connection_lives_on(real: RealDomain) -> None:
    wire = LdapWire(real.settings())
    bad = wire.receive(wire.send(Add("this is no dn", {"objectClass": ["user"]})))
    assert not bad.done
    assert wire.receive(wire.send(read(real.base, ["ou"]))).done
    wire.close()
    wire.close()
    with pytest.raises(Lost, match="closed"):
        wire.send(read(real.base, ["ou"]))


def test_the_initial_password_is_told_from_a_wrong_one_by_microsofts_own_codes(real: RealDomain) -> None:
    target = real.connect()
    everything(target, [Create(pupil("maja"), account_of(target, real.domain, "maja"), "on roll")])
    target.close()
    (dn,) = real.value("maja", "dn")
    assert real.samba.bind(dn, real.passwords.made["maja"]) == "773"
    assert real.samba.bind(dn, "Wrong-Passw0rd!") == "52e"
    initial, own = real.passwords.made["maja"], "Maja.s-0wn-One"
    done = real.samba.tool("kinit", "maja@SCHOOL.TEST", stdin=f"{initial}\n{own}\n{own}\n")
    assert done.returncode == 0, done.stdout + done.stderr
    assert real.samba.bind(dn, own) == ""
    real.change("maja", {"userAccountControl": ["514"]})
    assert real.samba.bind(dn, own) == "533"
