"""An account that was delegated exactly what `ad_rights` says can do everything that onroll does; without any part of it something fails, and check
says what. All other tests on the real domain sign in as that account too."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import pytest

import delegated
from directories import RealDomain, wrapped
from onroll_connectors.targets import active_directory, ad_rights
from onroll_connectors.targets.ad_rights import Places, Right, command, sentence, together
from onroll_connectors.targets.ad_target import ActiveDirectory
from onroll_connectors.targets.ad_wire import Answer, Entry, Request, Wire
from onroll_connectors.testing import SCHOOL, account_of, everything, pupil
from onroll_core.accounts import DesiredGroup
from onroll_core.changes import (
    AddMember,
    Change,
    Create,
    CreateGroup,
    Disable,
    Enable,
    GivePassword,
    Link,
    Move,
    Naming,
    Rejected,
    RemoveMember,
    Rename,
    Update,
    UpdateGroup,
)
from onroll_core.contracts import Scope
from onroll_core.people import GroupKind, SourceKey
from samba import Samba

SETTINGS = active_directory.Settings(server="embedded:x", base="OU=Milton Park,DC=school,DC=test", write=["department"])
TABLE = active_directory.table(SETTINGS, True)
GRANTED = [each for each in TABLE if not each.usual]


@dataclass
class Delegated(RealDomain):
    """An OU on which rights are delegated, and another one in which names are looked for; connected all the time."""

    elsewhere: str = ""
    inhabited: bool = False
    connected: ActiveDirectory = field(init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.elsewhere = self.samba.unit()
        self.connected = self.connect()
        self.connected.context = replace(self.connected.context, groups=frozenset({GroupKind.TEACHING}))

    def settings(self, delegate: bool = True, **other: object) -> active_directory.Settings:
        return super().settings(delegate=False, write=["department"], names_base=self.elsewhere or None, **other)

    @property
    def who(self) -> delegated.Delegation:
        return delegated.delegation(self.samba)

    @property
    def places(self) -> Places:
        return Places(self.base, self.groups, self.elsewhere)

    def everything_it_does(self) -> list[str]:
        """What onroll could not do: a joiner, a class and its people, other names, moves, a leaver who returns, passwords, a link."""
        new = uuid.uuid4().hex[:6]
        self.stranger(f"s{new}")
        target, who = self.connected, pupil(f"a{new}")
        group = DesiredGroup(SourceKey(SCHOOL, f"teaching:{new}"), GroupKind.TEACHING, f"Class {new}")
        account = account_of(
            target, self.domain, f"a{new}", place=f"Students/{new}", attributes={"department": "Year 7"}
        )
        outcomes = everything(
            target,
            [
                Create(who, account, "on roll"),
                CreateGroup(group, "x"),
                AddMember(group.key, None, group.name, who, "x"),
            ],
        )
        known = target.observe(Scope(SCHOOL))
        by_login = {each.login: anchor for anchor, each in known.accounts.items()}
        anchor = by_login.get(f"a{new}", by_login[f"s{new}"])
        who = pupil(f"a{new}", anchor)
        naming = Naming(f"b{new}", f"b{new}@{self.domain}", frozenset({account.email}))
        after = {
            "display_name": f"B {new}",
            "given": "B",
            "family": new,
            "department": "Year 8",
            "aliases": (f"c{new}@x.test",),
        }
        changes: list[Change] = [
            Update(who, {}, after, "x"),
            Rename(who, Naming(account.login, account.email), naming, "asked for"),
            Move(who, f"Students/{new}", f"Leavers/{new}", "left"),
            Disable(who, "left"),
            Enable(who, "on roll"),
            GivePassword(who, "Str0ng-Enough-4-Anybody", True, "on paper"),
            Link(pupil(f"s{new}", by_login[f"s{new}"]), "confirmed"),
        ]
        made = [each for each, one in known.groups.items() if one.key == group.key]
        for each in made:
            changes += [
                RemoveMember(group.key, each, group.name, who, "left"),
                UpdateGroup(group.key, each, group.name, f"{group.name} 2025-26", "over", True),
            ]
        outcomes += everything(target, changes)
        return [each.why for each in outcomes if isinstance(each, Rejected)]

    def delegate(self, table: Iterable[Right], denied: Sequence[Right] = ()) -> None:
        """Delegate these rights and no others. What Windows gives to everybody can be denied; on the OU alone where it is about OUs."""
        self.granted = dict.fromkeys(table)
        entries = {
            each: delegated.deny(entry).replace(";CI;", ";;")
            for each, entry in zip(denied, self.who.entries(denied), strict=True)
        }
        places: tuple[ad_rights.Where, ...] = ("base", "groups", "names")
        descriptors = {
            self.places.dn(where): self.descriptor(
                where, *(entry for each, entry in entries.items() if each.where == where)
            )
            for where in places
        }
        delegated.put(self.samba, descriptors)

    def clear(self) -> None:
        self.connected.close()
        super().clear()
        self.samba.ldap("ldapdelete", self.elsewhere)


def str_of(some: Right | tuple[Right, ...]) -> str:
    first = some if isinstance(some, Right) else some[0]
    return f"{first.kind}-{first.on}-{first.of}-{first.where}"


@pytest.fixture(scope="module")
def full(samba: Samba) -> Iterator[Delegated]:
    """A world with a user and a group, made by an administrator."""
    world = Delegated(samba=samba, inhabited=True)
    world.stranger("stan")
    group = {
        "objectClass": ["top", "group"],
        "sAMAccountName": ["old"],
        "adminDescription": [f"onroll:{SCHOOL}/teaching:0"],
    }
    world.raw("CN=old,OU=Groups", group)
    yield world
    world.clear()


@pytest.fixture(params=["full", "empty"])
def there(request: pytest.FixtureRequest) -> Delegated:
    """Either of them; each test begins by delegating what it is about."""
    world: Delegated = request.getfixturevalue(request.param)
    return world


@pytest.fixture(scope="module")
def empty(samba: Samba) -> Iterator[Delegated]:
    world = Delegated(samba=samba)
    yield world
    world.clear()


def test_check_finds_nothing_wrong_with_exactly_these_rights(there: Delegated) -> None:
    there.delegate(GRANTED)
    report = there.connected.check()
    assert [each.sentence for each in report.findings if each.level != "ok"] == []
    told = " ".join(each.sentence for each in report.findings)
    assert "users and OUs may be made in it" in told
    assert f"Users in {there.base} can be read and written." in told
    assert ("None is there yet." in told) is not there.inhabited
    assert f"Groups in {there.groups} can be made, filled and written" in told


def named(world: Delegated, some: tuple[Right, ...]) -> None:
    """Check names exactly these, and for what, with the command that grants them."""
    findings = world.connected.check().findings
    about = f"may not {sentence(some)} in {world.places.dn(some[0].where)}, which it has to, to {some[0].purpose}"
    (told,) = (each.sentence for each in findings if about in each.sentence)
    assert told.endswith(command(some, world.places, world.who.user))
    assert [each for each in findings if each.level == "problem" and each.sentence != told] == []


def test_everything_that_onroll_does_can_be_done_with_exactly_these_rights(full: Delegated) -> None:
    full.delegate(GRANTED)
    assert full.everything_it_does() == []


@pytest.mark.parametrize("right", GRANTED, ids=str_of)
def test_check_names_each_right_that_was_taken_away_and_something_fails_without_it(
    there: Delegated, right: Right
) -> None:
    there.delegate([each for each in GRANTED if each != right])
    named(there, (right,))
    if there.inhabited:
        failed = there.everything_it_does()
        assert any("no right to do that" in each for each in failed), failed


@pytest.mark.parametrize("some", list(together(each for each in TABLE if each.usual)), ids=str_of)
@pytest.mark.parametrize("there", ["full"], indirect=True)
def test_check_names_what_windows_gives_to_everybody_and_somebody_took_away(
    there: Delegated, some: tuple[Right, ...]
) -> None:
    there.delegate(GRANTED, some)
    named(there, some)


def warnings(world: RealDomain) -> list[str]:
    return [each.sentence for each in world.connected.check().findings if each.level == "warning"]


def test_an_ou_and_a_user_that_do_not_inherit_are_named(empty: Delegated) -> None:
    empty.delegate(GRANTED)
    apart, (user, admin) = f"OU=Apart,{empty.base}", ("uma", "vic")
    closed = delegated.with_entries(empty.who.plain, [], inherits=False)
    empty.samba.ldap("ldapadd", stdin=delegated.entry(apart, closed))
    for login in (user, admin):
        empty.stranger(login)
    empty.change(admin, {"adminCount": ["1"]})  # onroll leaves those alone, as Windows has it
    dns = [empty.value(login, "dn")[0] for login in (user, admin)]
    delegated.put(empty.samba, dict.fromkeys(dns, closed))
    report = empty.connected.check()
    (unit, person) = (each.sentence for each in report.findings if each.level == "warning")
    assert report.good
    assert unit.startswith(f"At {apart} the rights of {empty.base} do not hold")
    assert "may not make organisational units, or make users there" in unit
    assert person.startswith(f"At {dns[0]} the rights of {empty.base} do not hold")
    assert "reset passwords of users" in person and "delete users" in person
    assert "enable inheritance" in person
    for dn in (*dns, apart):
        empty.samba.ldap("ldapdelete", dn)


def test_rights_that_end_one_level_down_are_none(there: Delegated) -> None:
    once = [each.replace(";CI;", ";CINP;") for each in there.who.entries(GRANTED) if ";CI;CC;" in each]
    there.granted = {each: None for each in GRANTED if each.kind != "create"}
    delegated.put(there.samba, {there.base: there.descriptor("base", *once)})
    told = " ".join(each.sentence for each in there.connected.check().findings if each.level == "problem")
    assert "may not make organisational units in" in told
    assert "may not make users in" in told


def test_the_ou_of_the_groups_may_come_later_where_the_base_has_their_rights(samba: Samba) -> None:
    world = Delegated(samba=samba)
    samba.ldap("ldapdelete", world.groups)
    told = [each.sentence for each in world.connected.check().findings if each.level == "problem"]
    assert told[0].endswith(f'dsadd ou "{world.groups}"')
    assert [each for each in told[1:] if "groups in" not in each] == []
    assert len(told) == 5
    world.granted = {replace(each, where="base"): None for each in world.granted}
    delegated.put(samba, {world.base: world.descriptor("base")})
    assert world.connected.check().good
    world.clear()


def test_what_the_directory_does_not_say_is_said(empty: Delegated) -> None:
    (unseen,) = (each for each in TABLE if each.of == ad_rights.DESCRIPTOR and each.on == "organizationalUnit")
    empty.delegate(GRANTED, [unseen])
    said = " ".join(warnings(empty))
    assert "Nobody knows before the first write whether onroll's account may write displayName" in said
    assert "reset passwords of users" in said
    assert empty.connected.check().good


def test_where_not_everybody_may_read_the_second_table_is_enough(samba: Samba) -> None:
    world = Delegated(samba=samba)
    reading = [each for each in TABLE if each.usual]

    def closed(where: str, granted: Sequence[Right]) -> bytes:
        entries = world.who.entries(each for each in (*world.granted, *granted) if each.where == where)
        return delegated.without(delegated.with_entries(world.who.plain, entries), "S-1-5-11")

    def close(granted: Sequence[Right]) -> None:
        delegated.put(
            samba, {dn: closed(where, granted) for where, dn in (("base", world.base), ("names", world.elsewhere))}
        )

    close([])
    told = " ".join(each.sentence for each in world.connected.check().findings if each.level == "problem")
    assert "may not read objectClass of organisational units" in told
    close(reading)
    assert [each.sentence for each in world.connected.check().findings if each.level != "ok"] == []
    assert world.everything_it_does() == []
    world.clear()


@dataclass
class Silent:
    """A connection to a server that does not tell some attributes, or not all of their values."""

    wire: Wire
    hidden: dict[str, bytes | None]

    def send(self, request: Request) -> int:
        return self.wire.send(request)

    def receive(self, ticket: int) -> Answer:
        answer = self.wire.receive(ticket)
        entries = [
            Entry(each.dn, {name: self._told(name, held) for name, held in each.values.items()})
            for each in answer.entries
        ]
        return replace(answer, entries=entries)

    def _told(self, name: str, held: Sequence[bytes]) -> Sequence[bytes]:
        hidden = self.hidden.get(name, b"")
        return [] if hidden is None else [each for each in held if each != hidden]

    def close(self) -> None:
        self.wire.close()


CONSTRUCTED = dict.fromkeys(("allowedchildclasseseffective", "allowedattributeseffective", "sdrightseffective"))


@pytest.mark.parametrize(
    ("hidden", "knows"),
    [
        ({"tokengroups": b"own"}, True),  # then the account's own SID is looked for by its name
        (CONSTRUCTED, True),  # the descriptors say it all
        ({"ntsecuritydescriptor": None}, False),
        ({"tokengroups": None, "objectsid": None}, False),
    ],
)
def test_check_knows_from_whatever_the_server_tells(
    empty: Delegated, hidden: dict[str, bytes | None], knows: bool
) -> None:
    empty.delegate(GRANTED)
    own = delegated.sid_bytes(empty.who.sid)
    told = {name: own if value == b"own" else value for name, value in hidden.items()}
    target = wrapped(empty.connect(), lambda wire: Silent(wire, told))
    target.context = empty.connected.context
    report = target.check()
    target.close()
    assert report.good, report
    assert any("Nobody knows before the first write" in each.sentence for each in report.findings) is not knows


def test_the_entries_are_as_sambas_own_tool_takes_them(samba: Samba) -> None:
    world = Delegated(samba=samba)
    whole = list(world.granted)
    world.delegate([])
    assert not world.connected.check().good
    for where, dn in world.delegated_at.items():
        sddl = "".join(world.who.entries(each for each in whole if each.where == where))
        samba.samba_tool("dsacl", "set", "--action=allow", f"--objectdn={dn}", f"--sddl={sddl}")
    assert world.connected.check().good
    assert world.everything_it_does() == []
    world.clear()
