"""Active Directory: the contract and more, on a real domain controller (Samba) and on the embedded directory alike."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

import delegated
from directories import Embedded, RealDomain
from onroll_connectors.testing import TargetContract, account_of, pupil
from onroll_connectors.testing_groups import TargetGroupContract
from onroll_core.accounts import Account, Anchor
from onroll_core.changes import Applied, Create, Disable, Enable, Link, Move, Naming, Rejected, Rename, Update
from onroll_core.contracts import Scope
from onroll_core.errors import Halt, OnrollError
from samba import Samba


@pytest.fixture
def world(directory_world: Embedded) -> Embedded:
    return directory_world


class TestGroups(TargetGroupContract):
    """What every target that has groups promises."""


class TestActiveDirectory(TargetContract):
    """What every target promises, and what is special to this one."""

    def test_the_initial_password_works_once_and_must_be_changed(self, world: Embedded) -> None:
        self.made(world)
        assert world.sign_in("maja", world.passwords.made["maja"]) == "must change"
        assert world.sign_in("maja", "Wrong-Passw0rd!") == "refused"

    def test_a_disabled_account_refuses_its_password_and_says_why(self, world: Embedded) -> None:
        anchor, _ = self.made(world)
        self.do(world, Update(pupil("maja", anchor), {}, {"display_name": "M"}, "x"))
        self.do(world, Disable(pupil("maja", anchor), "left on 21 July 2026"))
        assert world.sign_in("maja", world.passwords.made["maja"]) == "disabled"
        assert world.value("maja", "info") == ["Disabled by onroll: left on 21 July 2026."]
        self.do(world, Enable(pupil("maja", anchor), "on roll"))
        assert world.value("maja", "info") == []
        assert world.sign_in("maja", world.passwords.made["maja"]) == "must change"

    def test_a_rename_keeps_objectguid_and_puts_the_old_address_among_the_proxies(self, world: Embedded) -> None:
        anchor, account = self.made(world)
        after = Naming("maja.smith", "maja.smith@school.test", frozenset({account.email}))
        self.do(world, Rename(pupil("maja", anchor), Naming(account.login, account.email), after, "asked for"))
        assert sorted(world.value("maja.smith", "proxyAddresses")) == [
            "SMTP:maja.smith@school.test",
            "smtp:maja@school.test",
        ]
        assert world.value("maja.smith", "userPrincipalName") == ["maja.smith@school.test"]
        assert anchor in self.look(world).accounts

    def test_an_alias_that_is_withheld_goes_and_other_peoples_proxies_stay(self, world: Embedded) -> None:
        anchor, account = self.made(world)
        others = ["x500:/o=Milton/cn=maja", "sip:maja@school.test", "smtp:maja@other.test"]
        world.change("maja", {"proxyAddresses": ["SMTP:maja@school.test", *others]})
        after = Naming("m.smith", "m.smith@school.test", frozenset())
        self.do(world, Rename(pupil("maja", anchor), Naming(account.login, account.email), after, "asked for"))
        assert sorted(world.value("m.smith", "proxyAddresses")) == sorted(["SMTP:m.smith@school.test", *others])

    def test_two_people_of_one_name_lie_in_one_ou(self, world: Embedded) -> None:
        target = world.connect()
        changes = [
            Create(pupil(name), account_of(target, world.domain, name, display_name="Harry Potter"), "on roll")
            for name in ("hp", "hp1")
        ]
        target.close()
        assert all(isinstance(each, Applied) for each in self.do(world, *changes))
        assert world.value("hp", "cn") == ["Harry Potter"]
        assert world.value("hp1", "cn") == ["Harry Potter (hp1)"]

    @pytest.mark.parametrize(
        "name",
        [
            "Potter, Harry",
            'The "Boy"',
            "a+b=c<d>;e",
            "\\slash\\",
            "#hash",
            "Year #7; C# Club",
            " lead",
            "trail ",
            "Zoë",
            "李小龙",
            "😀",
            "a" * 80,
            "\u202eevil",
            "=1+1",
        ],
    )
    def test_hostile_names_in_dns_come_back_as_they_went(self, world: Embedded, name: str) -> None:
        anchor, account = self.made(world, "host", display_name=name.strip(), place=f"Students/{name.strip()[:40]}")
        there = self.look(world).accounts[anchor]
        assert there.display_name == name.strip()
        assert there.place == account.place
        (moved,) = self.do(world, Move(pupil("host", anchor), account.place or "", "Elsewhere", "x"))
        assert isinstance(moved, Applied), moved
        assert self.look(world).accounts[anchor].place == "Elsewhere"

    @pytest.mark.parametrize(
        ("other", "says"),
        [
            ({"login": "x" * 21}, "at most 20"), ({"login": "a/b"}, "'/'"), ({"login": "dot."}, "dot"), ({"given": "x" * 65}, "at most 64"),
            ({"display_name": "a\x00b"}, "control character"), ({"family": "x\ny"}, "control character"), ({"place": "x" * 65}, "at most 64"),
            ({"login": ""}, "no username"),
        ],
    )  # fmt: skip
    def test_what_windows_refuses_is_refused_by_us_in_a_sentence(
        self, world: Embedded, other: dict[str, Any], says: str
    ) -> None:
        target = world.connect()
        account = replace(account_of(target, world.domain, "maja"), **other)
        target.close()
        (outcome,) = self.do(world, Create(pupil("maja"), account, "on roll"))
        assert isinstance(outcome, Rejected), outcome
        assert says in outcome.why
        assert self.look(world).accounts == {}

    def test_a_filter_in_a_name_finds_nobody_else(self, world: Embedded) -> None:
        world.stranger("victim")
        (outcome,) = self.do(
            world, Create(pupil("x"), Account("*)(cn=*", "x@school.test", display_name="X"), "on roll")
        )
        assert isinstance(outcome, Rejected)
        assert "victim" not in outcome.why

    def test_a_missing_base_is_an_error_and_never_an_empty_school(self, world: Embedded) -> None:
        self.made(world)
        target = world.connect()
        target.base = f"OU=Gone,{world.base}"
        with pytest.raises(Halt, match="is not there"):
            target.observe(Scope("s"))
        with pytest.raises(Halt, match="is not there"):
            list(target.perform([Create(pupil("zoe"), account_of(target, world.domain, "zoe"), "on roll")]))
        assert not target.check().good
        target.close()

    def test_a_base_where_nobody_is_left_is_an_error_when_we_made_people_there(self, world: Embedded) -> None:
        target = world.connect()
        with pytest.raises(Halt, match="no user at all"):
            target.observe(Scope("s", frozenset({Anchor("8d3a6c1e-0000-4000-8000-000000000000")})))
        target.close()

    def test_an_object_that_no_longer_carries_our_identity_is_not_written(self, world: Embedded) -> None:
        anchor, _ = self.made(world)
        (outcome,) = self.do(world, Disable(pupil("other", anchor), "left"))
        assert isinstance(outcome, Rejected)
        assert world.enabled("maja")

    def test_a_linked_account_gets_our_identity_and_keeps_the_rest(self, world: Embedded) -> None:
        world.stranger("stan")
        (anchor,) = self.look(world).accounts
        (outcome,) = self.do(world, Link(pupil("stan", anchor), "confirmed"))
        assert isinstance(outcome, Applied), outcome
        seen = self.look(world)
        assert seen.owners[anchor] == pupil("stan").identity
        assert seen.accounts[anchor].family == "Stranger"

    def test_extra_attributes_are_written_read_and_cleared(self, world: Embedded) -> None:
        target = world.connect(write=["department"])
        account = account_of(target, world.domain, "maja", attributes={"department": "Year 7"})
        (made,) = target.perform([Create(pupil("maja"), account, "on roll")])
        assert isinstance(made, Applied)
        anchor = made.anchor or Anchor("")
        assert target.observe(Scope("s")).accounts[anchor].attributes == {"department": "Year 7"}
        (cleared,) = target.perform([Update(pupil("maja", anchor), {"department": "Year 7"}, {"department": ""}, "x")])
        assert isinstance(cleared, Applied), cleared
        assert target.observe(Scope("s")).accounts[anchor].attributes == {"department": ""}
        target.close()


def test_a_password_never_shows_in_a_repr_or_an_error(samba: Samba) -> None:
    world = RealDomain(samba=samba)
    target = world.connect()
    target.check()
    assert delegated.PASSWORD not in repr(target)
    assert delegated.PASSWORD not in repr(world.settings())
    target.close()


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ({"user": "nobody@school.test"}, "wrong"),
        ({"server": "ldaps://127.0.0.1:1"}, "does not answer"),
        ({"ca_file": None}, "not trusted"),
    ],
)
def test_a_server_that_cannot_be_used_is_a_sentence(samba: Samba, other: dict[str, Any], says: str) -> None:
    world = RealDomain(samba=samba)
    target = world.connect(**other)
    with pytest.raises(OnrollError, match=says) as failure:
        target.observe(Scope("s"))
    assert delegated.PASSWORD not in str(failure.value)


def test_starttls_is_used_on_a_clear_port(samba: Samba) -> None:
    world = RealDomain(samba=samba)
    target = world.connect(server=f"ldap://{samba.env['AD_HOST']}")
    assert target.check().good
    target.close()
