"""Two directories to test against: a real domain controller (Samba), and the embedded one. What they say is asked of them in other ways than ours."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

import delegated
from onroll_connectors.sandbox import directory
from onroll_connectors.sandbox.directory_objects import Directory
from onroll_connectors.targets import active_directory
from onroll_connectors.targets.ad_rights import Right
from onroll_connectors.targets.ad_target import ActiveDirectory
from onroll_connectors.targets.ad_wire import Add, Answer, Lost, Members, Rdn, Replace, Request, Search, Wire
from onroll_connectors.testing import account_of, everything, pupil
from onroll_core.accounts import Anchor
from onroll_core.changes import Applied, Change, Create
from samba import Samba
from world import Passwords, context

Values = Mapping[str, Sequence[str]]


@dataclass
class Embedded:
    """The embedded directory, one for each test."""

    name: str = field(default_factory=lambda: uuid.uuid4().hex)
    domain: str = "school.test"
    base: str = "OU=Milton Park,DC=school,DC=test"
    passwords: Passwords = field(default_factory=Passwords)

    def settings(self, **other: Any) -> active_directory.Settings:
        return active_directory.Settings(**({"server": f"embedded:{self.name}", "base": self.base} | other))

    def connect(self, **other: Any) -> ActiveDirectory:
        target = active_directory.connect(self.settings(**other), context("ad", passwords=self.passwords))
        assert isinstance(target, ActiveDirectory)
        return target

    def settle(self) -> None:
        pass

    @property
    def there(self) -> Directory:
        return directory.open_directory(self.name, self.base).directory

    def raw(self, rdn: str, values: Values) -> None:
        """Make an object as another administrator does."""
        answer = self.there.do(Add(f"{rdn},{self.base}", values))
        assert answer.done, answer

    def stranger(self, login: str, **other: str) -> None:
        values = {
            "objectClass": ["top", "person", "organizationalPerson", "user"],
            "sAMAccountName": [login],
            "userPrincipalName": [f"{login}@{self.domain}"],
            "mail": [f"{login}@{self.domain}"],
            "givenName": ["Stan"],
            "sn": ["Stranger"],
            "displayName": ["Stan Stranger"],
            "userAccountControl": ["514"],
        }
        self.raw(f"CN=Stan {login}", values | {name: [value] for name, value in other.items()})

    def change(self, login: str, values: Values) -> None:
        """Set attributes as another administrator does."""
        found = self.there.find(login)
        assert found is not None
        answer = self.there.do(Replace(found.dn, values))
        assert answer.done, answer

    def move(self, login: str, parent: str) -> None:
        """Move an object as another administrator does."""
        found = self.there.find(login)
        assert found is not None
        answer = self.there.do(Rdn(found.dn, found.dn.partition(",")[0], parent))
        assert answer.done, answer

    def group_by_hand(self, name: str, address: str) -> None:
        safe = name.replace("/", "-")
        self.raw(
            f"CN={safe}", {"objectClass": ["top", "group"], "sAMAccountName": [safe], "groupType": ["-2147483646"]}
        )

    def join_by_hand(self, group: Anchor, login: str) -> None:
        found = self.there.find(login)
        assert found is not None
        answer = self.there.do(Members(f"<GUID={group}>", (found.dn,)))
        assert answer.done, answer

    def value(self, login: str, attribute: str) -> list[str]:
        found = self.there.find(login)
        assert found is not None
        if attribute == "dn":
            return [found.dn]
        return [each.decode() for each in found.values.get(attribute.lower(), [])]

    def count(self) -> int:
        """How many users there are."""
        return sum(b"user" in each.values["objectclass"] for each in self.there.objects.values())

    def sign_in(self, login: str, password: str) -> str:
        return self.there.sign_in(login, password)

    def fits(self, login: str, password: str) -> bool:
        return self.sign_in(login, password) in ("ok", "must change")

    def enabled(self, login: str) -> bool:
        return not int(self.value(login, "userAccountControl")[0]) & 2


@dataclass
class RealDomain(Embedded):
    """An OU of its own in the real domain, where onroll's account may do what `ad_rights` says and no more, wherever a test does not sign in as
    somebody else; what is there is asked of the domain's database and of Kerberos."""

    samba: Samba = field(kw_only=True)
    granted: dict[Right, None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.base = f"OU=t-{uuid.uuid4().hex[:12]},{self.samba.root}"
        self.granted = dict.fromkeys(rights_of(self.settings(delegate=False)))
        units = [delegated.entry(dn, self.descriptor(where)) for where, dn in self.delegated_at.items()]
        self.samba.ldap("ldapadd", stdin="".join(units))

    def settings(self, delegate: bool = True, **other: Any) -> active_directory.Settings:
        os.environ["ONROLL_TEST_AD_PASSWORD"] = delegated.PASSWORD
        mine = {
            "server": f"ldaps://{self.samba.env['AD_HOST']}",
            "base": self.base,
            "user": delegated.delegation(self.samba).user,
            "password": "env:ONROLL_TEST_AD_PASSWORD",
            "ca_file": self.samba.env["AD_CA_FILE"],
        }
        settings = active_directory.Settings(**(mine | other))
        if delegate and not self.granted.keys() >= {*rights_of(settings)}:
            self.delegate([*self.granted, *rights_of(settings)])
        return settings

    def delegate(self, table: Iterable[Right]) -> None:
        """Delegate these rights and no others."""
        self.granted = dict.fromkeys(table)
        delegated.put(self.samba, {dn: self.descriptor(where) for where, dn in self.delegated_at.items()})

    def descriptor(self, where: str, *more: str) -> bytes:
        """What stands at a place when `granted` is delegated there, and further entries."""
        who = delegated.delegation(self.samba)
        granted = who.entries(each for each in self.granted if each.where == where)
        return delegated.with_entries(who.plain, [*granted, *more])

    @property
    def delegated_at(self) -> dict[str, str]:
        """The DNs at which rights are delegated, by what the table calls them."""
        return {"base": self.base, "groups": self.groups}

    def as_administrator(self) -> dict[str, str]:
        """The settings that sign in as somebody who may do everything."""
        os.environ["ONROLL_TEST_AD_ADMINISTRATOR"] = self.samba.env["AD_BIND_PASSWORD"]
        return {"user": self.samba.env["AD_BIND_USER"], "password": "env:ONROLL_TEST_AD_ADMINISTRATOR"}

    @property
    def groups(self) -> str:
        return f"OU=Groups,{self.base}"

    def raw(self, rdn: str, values: Values) -> None:
        lines = [f"dn: {rdn},{self.base}", *(f"{name}: {each}" for name, held in values.items() for each in held)]
        self.samba.ldap("ldapadd", stdin="\n".join(lines) + "\n")

    def change(self, login: str, values: Values) -> None:
        lines = [f"dn: {self.value(login, 'dn')[0]}", "changetype: modify"]
        for name, held in values.items():
            lines += [f"replace: {name}", *(f"{name}: {each}" for each in held), "-"]
        self.samba.ldap("ldapmodify", stdin="\n".join(lines) + "\n")

    def move(self, login: str, parent: str) -> None:
        dn = self.value(login, "dn")[0]
        self.samba.ldap("ldapmodrdn", "-r", "-s", parent, dn, dn.partition(",")[0])

    def join_by_hand(self, group: Anchor, login: str) -> None:
        dn = self.value(login, "dn")[0]
        lines = [f"dn: <GUID={group}>", "changetype: modify", "add: member", f"member: {dn}", "-"]
        self.samba.ldap("ldapmodify", stdin="\n".join(lines) + "\n")

    def value(self, login: str, attribute: str) -> list[str]:
        return self.samba.values(f"(sAMAccountName={login})", attribute, self.base)

    def count(self) -> int:
        return len(self.samba.values("(objectClass=user)", "dn", self.base))

    def sign_in(self, login: str, password: str) -> str:
        return self.samba.sign_in(login, password).replace("revoked", "disabled")

    def clear(self) -> None:
        self.samba.ldap("ldapdelete", "-r", self.base)


def rights_of(settings: active_directory.Settings) -> list[Right]:
    """What has to be delegated for these settings: everything but what Windows lets everybody do."""
    return [each for each in active_directory.table(settings, True) if not each.usual]


@pytest.fixture(params=["samba", "embedded"])
def directory_world(request: pytest.FixtureRequest) -> Iterator[Embedded]:
    """A directory with an empty OU, real and embedded in turn."""
    if request.param == "embedded":
        embedded = Embedded()
        yield embedded
        directory.forget(embedded.name)
        return
    real = RealDomain(samba=request.getfixturevalue("samba"))
    yield real
    real.clear()


@dataclass
class Flaky:
    """A connection that breaks at its n-th write, before the server has it or after it was carried out, and stays broken."""

    wire: Wire
    at: int
    carried_out: bool
    writes: int = 0
    broken: bool = False

    def send(self, request: Request) -> int:
        if self.broken:
            raise Lost("The connection to Active Directory broke.")
        if not isinstance(request, Search):
            self.writes += 1
            if self.writes >= self.at:
                self.broken = True
                if self.carried_out:
                    self.wire.receive(self.wire.send(request))
                raise Lost("The connection to Active Directory broke.")
        return self.wire.send(request)

    def receive(self, ticket: int) -> Answer:
        if self.broken:
            raise Lost("The connection to Active Directory broke.")
        return self.wire.receive(ticket)

    def close(self) -> None:
        self.wire.close()


@dataclass
class Watched:
    """A connection that remembers what was asked."""

    wire: Wire
    asked: list[Request]

    def send(self, request: Request) -> int:
        self.asked.append(request)
        return self.wire.send(request)

    def receive(self, ticket: int) -> Answer:
        return self.wire.receive(ticket)

    def close(self) -> None:
        self.wire.close()


def wrapped(target: ActiveDirectory, *wraps: Callable[[Wire], Wire]) -> ActiveDirectory:
    """The target with its first connections wrapped, one wrap for each."""
    waiting = list(wraps)
    plain = target.session.open_wire

    def open_wire() -> Wire:
        return waiting.pop(0)(plain()) if waiting else plain()

    target.session.open_wire = open_wire
    return target


def creates(target: ActiveDirectory, world: Embedded, *names: str, **other: object) -> list[Change]:
    return [Create(pupil(name), account_of(target, world.domain, name, **other), "on roll") for name in names]


def made(world: Embedded, *names: str, **other: object) -> list[Anchor]:
    target = world.connect()
    outcomes = everything(target, creates(target, world, *names, **other))
    target.close()
    assert all(isinstance(each, Applied) for each in outcomes), outcomes
    return [each.anchor for each in outcomes if isinstance(each, Applied) and each.anchor is not None]
