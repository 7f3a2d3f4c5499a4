"""An account that was delegated exactly what `ad_rights` says can do everything that onroll does; without any part of it something fails, and check
says what. All other tests on the real domain sign in as that account too."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest

import delegated
from directories import RealDomain
from onroll_connectors.targets import active_directory, ad_rights
from onroll_connectors.targets.ad_rights import Places, Right, command, sentence, together
from onroll_connectors.targets.ad_target import ActiveDirectory
from onroll_connectors.testing import SCHOOL
from onroll_core.accounts import DesiredGroup
from onroll_core.people import GroupKind, SourceKey
from samba import Samba

SETTINGS = active_directory.Settings(server="embedded:x", base="OU=Milton Park,DC=school,DC=test", write=["department"])
TABLE = active_directory.table(SETTINGS, True)
CLASS = DesiredGroup(SourceKey(SCHOOL, "teaching:1"), GroupKind.TEACHING, "Milton Park 7A")


@dataclass
class Delegated(RealDomain):
    """An OU on which rights are delegated, and another one in which names are looked for; connected all the time."""

    elsewhere: str = ""
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

    def deny(self, some: tuple[Right, ...]) -> None:
        """Deny what Windows gives to everybody; on the OU alone where it is about OUs."""
        denials = [delegated.deny(each).replace(";CI;", ";;") for each in self.who.entries(some)]
        where = some[0].where
        delegated.put(self.samba, {self.places.dn(where): self.descriptor(where, *denials)})

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
    world = Delegated(samba=samba)
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
def there(request: pytest.FixtureRequest) -> Iterator[Delegated]:
    """Either of them, as it was when everything was delegated, before and after."""
    world: Delegated = request.getfixturevalue(request.param)
    before = dict(world.granted)
    yield world
    world.granted = before
    places: tuple[ad_rights.Where, ...] = ("base", "groups", "names")
    delegated.put(world.samba, {world.places.dn(where): world.descriptor(where) for where in places})


@pytest.fixture(scope="module")
def empty(samba: Samba) -> Iterator[Delegated]:
    world = Delegated(samba=samba)
    yield world
    world.clear()


def test_check_finds_nothing_wrong_with_exactly_these_rights(there: Delegated) -> None:
    report = there.connected.check()
    assert [each.sentence for each in report.findings if each.level != "ok"] == []
    told = " ".join(each.sentence for each in report.findings)
    assert "users and OUs may be made in it" in told
    assert f"Users in {there.base} can be read and written" in told
    assert f"Groups in {there.groups} can be made, filled and written" in told


def named(world: Delegated, some: tuple[Right, ...]) -> None:
    """Check names exactly these, and for what, with the command that grants them."""
    findings = world.connected.check().findings
    about = f"may not {sentence(some)} in {world.places.dn(some[0].where)}, which it has to, to {some[0].purpose}"
    (told,) = (each.sentence for each in findings if about in each.sentence)
    assert told.endswith(command(some, world.places, world.who.user))
    assert [each for each in findings if each.level == "problem" and each.sentence != told] == []


@pytest.mark.parametrize("right", [each for each in TABLE if not each.usual], ids=str_of)
def test_check_names_each_right_that_was_taken_away(there: Delegated, right: Right) -> None:
    there.delegate([each for each in there.granted if each != right])
    named(there, (right,))


@pytest.mark.parametrize("some", list(together(each for each in TABLE if each.usual)), ids=str_of)
@pytest.mark.parametrize("there", ["full"], indirect=True)
def test_check_names_what_windows_gives_to_everybody_and_somebody_took_away(
    there: Delegated, some: tuple[Right, ...]
) -> None:
    there.deny(some)
    named(there, some)
