"""The Microsoft 365 target, through Microsoft's SDK, against the simulator: in fair weather and in foul."""

from __future__ import annotations

import logging
import random
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from graph_world import World, worlds
from onroll_connectors.sandbox.graph_quota import Quotas, Window
from onroll_connectors.sandbox.graph_state import Lag
from onroll_connectors.sandbox.serving import Faults, Request, Response, serve
from onroll_connectors.targets.graph_asks import More, ReadOrganization
from onroll_connectors.targets.microsoft365 import GraphWire, Settings, connect
from onroll_connectors.testing import TargetContract, everything, pupil
from onroll_core.accounts import Anchor, DesiredAccount, IdentityId
from onroll_core.changes import (
    Applied,
    Change,
    Create,
    Deferred,
    Disable,
    Enable,
    Link,
    Naming,
    Outcome,
    Rejected,
    Rename,
    Update,
)
from onroll_core.contracts import Scope
from onroll_core.diff import diff
from onroll_core.errors import Halt, Unavailable
from onroll_core.identities import Bond
from onroll_core.people import Role
from onroll_core.plan import Plan
from onroll_core.rules import TargetRules
from world import Clock, context

HOUR, DAY = 3600.0, 86400.0


@pytest.fixture(autouse=True)
def _token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONROLL_TEST_TOKEN", "a-sandbox-token")


@pytest.fixture
def world() -> Iterator[World]:
    yield from worlds()


@pytest.fixture
def late() -> Iterator[World]:
    yield from worlds(lag=Lag(reads=120, index=600, addresses=900))


class TestInFairWeather(TargetContract):
    """The promises of every target, without faults but with Entra's usual lag."""

    @pytest.fixture
    def world(self) -> Iterator[World]:
        yield from worlds(lag=Lag(reads=20, index=60, addresses=300), quotas=Quotas())


class TestInFoulWeather(TargetContract):
    """The same promises while every sixth request and every sixth part fails, some after their work was done."""

    @pytest.fixture
    def world(self) -> Iterator[World]:
        yield from worlds(
            lag=Lag(reads=20, index=60, addresses=300),
            quotas=Quotas(),
            faults=Faults(rate=0.16, after=0.5, random=random.Random(11)),
            part_faults=Faults(rate=0.16, after=0.5, random=random.Random(12)),
            replays=0.5,
        )


class Then(Faults):
    """Faults in the order told: None, or (status, whether the work was done)."""

    def __init__(self, *faults: tuple[int, bool] | None) -> None:
        super().__init__(rate=1.0)
        self.left = list(faults)

    def draw(self) -> tuple[int, bool] | None:
        return self.left.pop(0) if self.left else None


# --- creating ---


def test_what_is_made_is_what_was_asked_for_and_no_more(world: World) -> None:
    world.made("maja", attributes={"department": "7A", "extensionAttribute3": "x"}, given="")
    props = world.graph.user("maja@school.test").props
    told = {name: value for name, value in props.items() if value not in (None, [])}
    del told["id"], told["createdDateTime"]
    assert told == {
        "accountEnabled": True,
        "userPrincipalName": "maja@school.test",
        "mail": "maja@school.test",
        "mailNickname": "maja",
        "displayName": "Maja Örsted-O'Neil",
        "surname": "Örsted-O'Neil",
        "usageLocation": "GB",
        "department": "7A",
        "onPremisesExtensionAttributes": {"extensionAttribute3": "x"},
        "employeeId": "id-maja",
        "userType": "Member",
        "proxyAddresses": ["SMTP:maja@school.test"],
    }
    assert world.graph.user("maja@school.test").password == world.passwords.made["maja"]


@pytest.mark.parametrize("status", [500, 503, 504])
@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("hidden", [0.0, 5.0])
def test_a_create_whose_answer_was_lost_is_found_and_not_made_again(
    late: World, status: int, whole: bool, hidden: float
) -> None:
    change = late.create("maja")
    target = late.connect()
    target.observe(Scope("school"))
    lost = Then(None, None, (status, True)) if whole else Then(None, (status, True))
    if whole:
        late.graph.faults = lost
    else:
        late.graph.part_faults = lost
    late.graph.lag.reads = hidden
    (outcome,) = target.perform([change])
    assert lost.left == [], "the fault struck"
    assert isinstance(outcome, Applied), outcome
    assert outcome.anchor == late.graph.user("maja@school.test").id
    assert late.graph.calls.count(("POST", "/users", 201)) == 1
    assert hidden or late.sent("POST").count("/users") == 1, "it was looked for before anything was sent again"


def test_a_create_that_was_lost_and_stays_hidden_is_left_to_the_next_run(late: World) -> None:
    change = late.create("maja")
    late.graph.part_faults = Then(None, (503, True))
    outcome = late.one(change)
    assert isinstance(outcome, Deferred), outcome
    late.settle()
    again = late.one(change)
    assert isinstance(again, Applied), again
    assert again.anchor == late.graph.user("maja@school.test").id
    assert len(late.graph.directory.users) == 2


def test_a_create_of_a_run_that_was_killed_is_found_by_the_next(late: World) -> None:
    change = late.create("maja")
    late.one(change)
    late.memory.clear()
    outcome = late.one(change)
    assert isinstance(outcome, Deferred), outcome
    assert "made moments ago" in outcome.why
    late.clock.sleep(121)
    again = late.one(change)
    assert isinstance(again, Applied), "by name, before the index knows"
    assert again.anchor == late.graph.user("maja@school.test").id
    assert len(late.graph.directory.users) == 2


def test_a_create_that_never_arrived_is_sent_again_after_a_look(world: World) -> None:
    change = world.create("maja")
    world.graph.part_faults = Then(None, (503, False))
    assert isinstance(world.one(change), Applied)
    assert world.sent("POST").count("/users") == 1, "the one that arrived"


def test_the_sdk_itself_never_sends_anything_twice(world: World) -> None:
    world.connect()
    wire = world.open[-1].wire
    faults = Then((503, False), (503, False))
    world.graph.faults = faults
    assert wire.send(ReadOrganization()).status == 503
    assert len(faults.left) == 1
    world.graph.faults = Faults()


def test_a_deleted_account_of_the_same_person_is_restored_and_not_made_again(world: World) -> None:
    anchor = world.made("maja")
    assert isinstance(world.one(Disable(pupil("maja", anchor), "left")), Applied)
    world.graph.directory.delete(world.graph.user("maja@school.test"))
    outcome = world.one(world.create("maja"))
    assert isinstance(outcome, Applied)
    assert outcome.anchor == anchor
    assert "restored" in outcome.note
    assert world.enabled("maja@school.test")
    assert len(world.graph.directory.users) == 2


def test_two_accounts_with_one_identity_are_shown_to_a_person(world: World) -> None:
    world.graph.add_user("a@school.test", employeeId="id-maja")
    world.graph.add_user("b@school.test", employeeId="id-maja")
    outcome = world.one(world.create("maja"))
    assert isinstance(outcome, Rejected)
    assert "a@school.test, b@school.test" in outcome.why


@pytest.mark.parametrize("holder", ["account", "group", "guest"])
def test_the_sentence_says_what_holds_a_taken_address(world: World, holder: str) -> None:
    match holder:
        case "account":
            world.graph.add_user("stan@school.test", mail="maja@school.test")
        case "group":
            world.graph.directory.add_group("Choir", "maja@school.test")
        case "guest":
            world.graph.add_user("maja_far@school.test", mail="maja@school.test", userType="Guest")
    outcome = world.one(world.create("maja"))
    assert isinstance(outcome, Rejected)
    expected = {"account": "the account stan@school.test", "group": "the group Choir", "guest": "the guest maja_far@"}
    assert f"{expected[holder]}" in outcome.why
    assert "holds maja@school.test" in outcome.why


def test_an_address_in_a_foreign_domain_is_refused_before_it_is_sent(world: World) -> None:
    change = Create(pupil("maja"), replace(world.wanted("maja"), email="maja@elsewhere.test"), "on roll")
    outcome = world.one(change)
    assert isinstance(outcome, Rejected)
    assert "elsewhere.test is not verified" in outcome.why
    assert "school.test" in outcome.why
    assert world.sent("POST") == []


def test_a_rename_into_a_foreign_domain_is_refused_before_it_is_sent(world: World) -> None:
    anchor = world.made("maja")
    before = world.graph.written()
    names = Naming("maja@school.test", "maja@school.test"), Naming("maja@far.test", "maja@far.test")
    outcome = world.one(Rename(pupil("maja", anchor), *names, "asked"))
    assert isinstance(outcome, Rejected)
    assert "far.test is not verified" in outcome.why
    assert world.graph.written() == before


def test_without_the_right_to_read_domains_graph_itself_refuses_a_foreign_one(world: World) -> None:
    world.graph.permissions -= {"Organization.Read.All"}
    change = Create(pupil("maja"), replace(world.wanted("maja"), login="maja@far.test"), "on roll")
    outcome = world.one(change)
    assert isinstance(outcome, Rejected)
    assert "not verified" in outcome.why


def test_a_value_that_does_not_fit_is_refused_before_it_is_sent(world: World) -> None:
    outcome = world.one(world.create("maja", attributes={"department": "x" * 65}))
    assert isinstance(outcome, Rejected)
    assert "department would be 65 characters" in outcome.why
    assert world.sent("POST") == []


def test_where_entra_connect_makes_the_accounts_none_is_made_here(world: World) -> None:
    outcome = world.one(world.create("maja"), create=False)
    assert isinstance(outcome, Deferred)
    assert "Entra Connect" in outcome.why
    assert world.graph.written() == 0
    user = world.graph.add_user("maja@school.test", synced=True, employeeId="id-maja")
    brought = world.one(world.create("maja"), create=False)
    assert isinstance(brought, Applied)
    assert brought.anchor == user.id


def test_a_full_tenant_halts_the_target(world: World) -> None:
    world.graph.directory.most = 2
    target = world.connect()
    changes = [world.create(name) for name in ("ada", "bob", "cleo")]
    outcomes: list[Outcome] = []
    with pytest.raises(Halt, match="takes no more accounts"):
        outcomes.extend(target.perform(changes))
        outcomes.extend(target.perform(changes))
    assert isinstance(outcomes[0], Applied)
    assert all(isinstance(outcome, Deferred) for outcome in outcomes[1:])
    assert len(world.graph.directory.users) == 2


def test_without_the_permission_to_create_the_target_halts_and_says_which(world: World) -> None:
    world.graph.permissions -= {"User.ReadWrite.All"}
    world.graph.permissions |= {"User.Read.All"}
    target = world.connect()
    changes = [world.create("ada")]
    with pytest.raises(Halt, match=r"User\.Create"):
        list(target.perform(changes))
        list(target.perform(changes))


def test_another_property_may_carry_the_identity(world: World) -> None:
    settings = {"identity": "extensionAttribute7"}
    (outcome,) = world.do(world.create("maja"), **settings)
    assert isinstance(outcome, Applied)
    user = world.graph.user("maja@school.test")
    assert user.props["onPremisesExtensionAttributes"] == {"extensionAttribute7": "id-maja"}
    assert user.props.get("employeeId") is None
    assert world.connect(**settings).observe(Scope("school")).owners == {Anchor(user.id): "id-maja"}
    (again,) = world.do(world.create("maja"), **settings)
    assert isinstance(again, Applied)
    assert len(world.graph.directory.users) == 2


# --- changing ---


def test_only_what_changed_is_sent_and_emptied_values_go_as_null(world: World) -> None:
    anchor = world.made("maja", attributes={"department": "7A", "jobTitle": "Pupil", "extensionAttribute2": "x"})
    before = world.graph.user("maja@school.test").props
    after = {"department": "", "extensionAttribute2": "", "jobTitle": "Prefect"}
    outcome = world.one(Update(pupil("maja", anchor), {}, after, "told so"))
    assert isinstance(outcome, Applied)
    props = world.graph.user("maja@school.test").props
    changed = {name for name in props if props[name] != before.get(name)}
    assert changed == {"department", "jobTitle", "onPremisesExtensionAttributes"}
    assert (props["department"], props["jobTitle"]) == (None, "Prefect")
    there = world.connect().observe(Scope("school")).accounts[anchor]
    assert there.attributes == {"jobTitle": "Prefect", "usageLocation": "GB"}


@pytest.mark.parametrize(
    ("after", "words"),
    [
        ({"display_name": ""}, "cannot be emptied"),
        ({"family": "x" * 65}, "surname would be 65"),
        ({"mobilePhone": "1"}, "extra_fields"),
    ],
)
def test_an_update_that_graph_would_refuse_is_a_sentence(world: World, after: dict[str, str], words: str) -> None:
    anchor = world.made("maja")
    before = world.graph.written()
    outcome = world.one(Update(pupil("maja", anchor), {}, after, "told so"))
    assert isinstance(outcome, Rejected)
    assert words in outcome.why
    assert world.graph.written() == before


def test_a_rename_says_that_the_old_address_is_still_to_come_and_the_next_run_sees_it(late: World) -> None:
    anchor = late.made("maja")
    late.settle()
    before, after = "maja@school.test", "maja.king@school.test"
    rename = Rename(pupil("maja", anchor), Naming(before, before), Naming(after, after, frozenset({before})), "asked")
    outcome = late.one(rename)
    assert isinstance(outcome, Applied)
    assert f"{after} is not among the addresses yet" in outcome.note
    now = late.connect().observe(Scope("school", frozenset({anchor}))).accounts[anchor]
    assert (now.login, now.email) == (after, after), "our own write counts although the index is late"
    late.settle()
    seen = late.connect().observe(Scope("school"))
    assert seen.accounts[anchor].aliases == {before}
    assert seen.names[before].anchor == seen.names[after].anchor == anchor
    assert late.graph.user(after).props["mailNickname"] == "maja.king"


def test_a_rename_onto_a_taken_address_says_who_holds_it(world: World) -> None:
    anchor = world.made("maja")
    world.stranger("king")
    names = Naming("maja@school.test", "maja@school.test"), Naming("king@school.test", "king@school.test")
    outcome = world.one(Rename(pupil("maja", anchor), *names, "asked"))
    assert isinstance(outcome, Rejected)
    assert "the account king@school.test holds" in outcome.why


def test_a_leaver_is_disabled_alone_and_then_signed_out_everywhere(world: World) -> None:
    anchor = world.made("maja")
    world.graph.calls.clear()
    assert isinstance(world.one(Disable(pupil("maja", anchor), "left")), Applied)
    user = world.graph.user("maja@school.test")
    assert (user.props["accountEnabled"], user.sessions_revoked) == (False, 1)
    assert [path for method, path, _ in world.graph.calls if method != "GET"] == [
        f"/users/{anchor}",
        f"/users/{anchor}/revokeSignInSessions",
    ]


def test_a_leaver_is_disabled_even_where_sessions_may_not_be_ended(world: World) -> None:
    anchor = world.made("maja")
    world.graph.permissions.clear()
    world.graph.permissions |= {"User.Read.All", "User.EnableDisableAccount.All"}
    outcome = world.one(Disable(pupil("maja", anchor), "left"))
    assert isinstance(outcome, Applied)
    assert "sessions that are open could not be ended" in outcome.note
    assert not world.enabled("maja@school.test")


def test_an_administrator_is_refused_and_the_others_go_on(world: World) -> None:
    admin = Anchor(world.graph.user("admin@school.test").id)
    ada, bob = world.made("ada"), world.made("bob")
    leavers = [
        Disable(pupil("ada", ada), "left"),
        Disable(pupil("admin", admin), "left"),
        Disable(pupil("bob", bob), "left"),
    ]
    first, second, third = world.do(*leavers)
    assert isinstance(first, Applied)
    assert isinstance(second, Rejected)
    assert "administrator's role" in second.why
    assert isinstance(third, Applied)


def test_synchronised_accounts_are_read_only_and_a_write_to_one_is_a_sentence(world: World) -> None:
    user = world.graph.add_user("sid@school.test", synced=True, employeeId="id-sid")
    seen = world.connect().observe(Scope("school"))
    assert seen.read_only == {user.id}
    outcome = world.one(Update(pupil("sid", Anchor(user.id)), {}, {"given": "Sid"}, "told so"))
    assert isinstance(outcome, Rejected)
    assert "mastered by Active Directory" in outcome.why


def test_a_deleted_account_is_seen_restored_and_enabled(world: World) -> None:
    anchor = world.made("maja")
    assert isinstance(world.one(Disable(pupil("maja", anchor), "left")), Applied)
    world.graph.directory.delete(world.graph.user("maja@school.test"))
    seen = world.connect().observe(Scope("school"))
    assert seen.deleted == {anchor}
    assert seen.accounts[anchor].login == "maja@school.test"
    assert seen.owners[anchor] == "id-maja"
    assert "deleted account" in seen.names["maja@school.test"].what
    assert isinstance(world.one(Enable(pupil("maja", anchor), "back", restore=True)), Applied)
    assert world.enabled("maja@school.test")
    assert world.connect().observe(Scope("school")).deleted == set()


def test_a_deleted_account_whose_address_was_given_away_stays_deleted(world: World) -> None:
    anchor = world.made("maja")
    world.graph.directory.delete(world.graph.user("maja@school.test"))
    world.stranger("maja")
    outcome = world.one(Enable(pupil("maja", anchor), "back", restore=True))
    assert isinstance(outcome, Rejected)
    assert "given to somebody else" in outcome.why


def test_a_restore_whose_answer_was_lost_still_counts(world: World) -> None:
    anchor = world.made("maja")
    world.graph.directory.delete(world.graph.user("maja@school.test"))
    world.graph.part_faults = Then((503, True))
    assert isinstance(world.one(Enable(pupil("maja", anchor), "back", restore=True)), Applied)
    assert world.enabled("maja@school.test")


def test_an_account_made_minutes_ago_is_waited_for_and_not_given_up(late: World) -> None:
    anchor = late.made("maja")
    disable = Disable(pupil("maja", anchor), "left")
    outcome = late.one(disable)
    assert isinstance(outcome, Deferred)
    assert "minutes ago" in outcome.why
    late.settle()
    assert isinstance(late.one(disable), Applied)


def test_an_account_that_is_long_gone_is_given_up(world: World) -> None:
    anchor = world.made("maja")
    user = world.graph.user("maja@school.test")
    world.settle()
    world.graph.directory.delete(user)
    outcome = world.one(Disable(pupil("maja", anchor), "left"))
    assert isinstance(outcome, Rejected)
    assert "no longer in Microsoft 365" in outcome.why


def test_an_account_that_was_there_before_is_linked_by_writing_the_identity(world: World) -> None:
    world.stranger("stan")
    anchor = Anchor(world.graph.user("stan@school.test").id)
    assert isinstance(world.one(Link(pupil("stan", anchor), "confirmed")), Applied)
    assert world.connect().observe(Scope("school")).owners == {anchor: "id-stan"}


# --- reading ---


def test_the_second_night_reads_only_what_changed(world: World) -> None:
    for n in range(30):
        world.graph.add_user(f"p{n}@school.test")
    assert len(world.connect().observe(Scope("school")).accounts) == 31
    assert world.watched.shown("/users/delta()") == [31]
    world.clock.sleep(DAY)
    user = world.graph.user("p7@school.test")
    world.graph.directory.patch(user, {"jobTitle": "Prefect"})
    seen = world.connect().observe(Scope("school"))
    assert seen.accounts[Anchor(user.id)].attributes["jobTitle"] == "Prefect"
    assert len(seen.accounts) == 31
    assert world.watched.shown("/users/delta()") == [31, 1]


@pytest.mark.parametrize(
    ("days", "shown"),
    [(6.9, [3, 3]), (1, [3, 0]), (8, [3, 3])],
    ids=["the link is about to expire", "the link is good", "the link has expired"],
)
def test_everyone_is_read_again_before_the_link_expires(world: World, days: float, shown: list[int]) -> None:
    world.graph.add_user("ada@school.test")
    world.graph.add_user("bob@school.test")
    world.connect().observe(Scope("school"))
    world.clock.sleep(days * DAY)
    assert len(world.connect().observe(Scope("school")).accounts) == 3
    assert world.watched.shown("/users/delta()") == shown


def test_a_full_read_is_made_at_least_weekly(world: World) -> None:
    for _ in range(8):
        world.connect().observe(Scope("school"))
        world.clock.sleep(DAY)
    assert world.watched.shown("/users/delta()") == [1, 0, 0, 0, 0, 0, 0, 1]


def test_a_link_that_graph_no_longer_knows_costs_a_full_read(world: World) -> None:
    world.graph.add_user("ada@school.test")
    world.connect().observe(Scope("school"))
    world.graph.views._cursors.clear()
    assert len(world.connect().observe(Scope("school")).accounts) == 2
    assert world.watched.shown("/users/delta()") == [2, 2]


def test_memory_that_cannot_be_read_costs_a_full_read(world: World) -> None:
    world.connect().observe(Scope("school"))
    for key in world.memory:
        world.memory[key] = b"spoilt"
    assert len(world.connect().observe(Scope("school")).accounts) == 1


def test_delta_pages_are_read_to_the_end_with_repeats_and_departures(world: World) -> None:
    world.graph.replays = 1.0
    for n in range(1100):
        world.graph.add_user(f"p{n}@school.test")
    world.connect().observe(Scope("school"))
    gone, changed = world.graph.user("p1@school.test"), world.graph.user("p2@school.test")
    world.graph.directory.delete(gone)
    world.graph.directory.purge(gone)
    world.graph.directory.patch(changed, {"jobTitle": None, "givenName": "Zoe"})
    seen = world.connect().observe(Scope("school"))
    assert len(seen.accounts) == 1100
    assert Anchor(gone.id) not in seen.accounts
    assert seen.accounts[Anchor(changed.id)].given == "Zoe"


def test_what_we_wrote_is_seen_at_once_however_late_the_index_is(late: World) -> None:
    anchor = late.made("maja")
    seen = late.connect().observe(Scope("school"))
    assert seen.accounts[anchor].login == "maja@school.test"
    assert seen.owners[anchor] == "id-maja"
    late.clock.sleep(130)
    assert isinstance(late.one(Disable(pupil("maja", anchor), "left")), Applied)
    assert not late.connect().observe(Scope("school")).accounts[anchor].enabled


def test_somebody_elses_later_word_counts_once_the_index_has_caught_up(late: World) -> None:
    anchor = late.made("maja")
    late.settle()
    late.graph.directory.patch(late.graph.user("maja@school.test"), {"givenName": "By hand"})
    late.settle()
    assert late.connect().observe(Scope("school")).accounts[anchor].given == "By hand"


def test_a_known_account_that_no_list_shows_is_asked_for_before_it_counts_as_lost(late: World) -> None:
    anchor = late.made("maja")
    late.memory.clear()
    late.clock.sleep(130)
    assert anchor not in late.connect().observe(Scope("school")).accounts
    assert late.connect().observe(Scope("school", frozenset({anchor}))).accounts[anchor].enabled


def test_every_name_in_the_tenant_is_seen(world: World) -> None:
    ada = world.made("ada")
    world.graph.add_user("guest_far.test#ext#@school.onmicrosoft.test", mail="guest@far.test", userType="Guest")
    world.graph.directory.add_group("Choir", "choir@school.test")
    seen = world.connect().observe(Scope("school"))
    assert {
        "ada@school.test",
        "ada",
        "guest@far.test",
        "choir@school.test",
        "choir",
        "admin@school.test",
    } <= seen.names.keys()
    assert seen.names["ada@school.test"].anchor == ada
    assert (seen.names["choir@school.test"].anchor, seen.names["guest@far.test"].anchor) == (None, None)
    assert "guest@far.test" not in {account.email for account in seen.accounts.values()}


def test_groups_that_may_not_be_read_do_not_stop_a_night(world: World) -> None:
    world.graph.permissions -= {"Group.Read.All", "Group.ReadWrite.All"}
    target = world.connect()
    assert len(target.observe(Scope("school")).accounts) == 1
    (warning,) = [finding.sentence for finding in target.check().findings if finding.level == "warning"]
    assert "GroupMember.Read.All" in warning


@pytest.mark.parametrize("trouble", ["no permission", "token refused", "busy for ever", "failing for ever"])
def test_a_read_that_fails_is_never_an_empty_tenant(world: World, trouble: str) -> None:
    target = world.connect()
    match trouble:
        case "no permission":
            world.graph.permissions.clear()
        case "token refused":
            world.graph.locked_out = True
        case "busy for ever":
            world.graph.faults = Faults(rate=1.0, statuses=(429,))
        case _:
            world.graph.faults = Faults(rate=1.0, statuses=(500,))
    kind = Halt if trouble in ("no permission", "token refused") else Unavailable
    with pytest.raises(kind) as failure:
        target.observe(Scope("school"))
    assert str(failure.value).endswith(".")


def test_a_server_that_is_not_there_is_unavailable() -> None:
    clock = Clock()
    with serve(lambda request: Response(200)) as url:
        pass
    settings = Settings.model_validate({"endpoint": url, "token": "env:ONROLL_TEST_TOKEN"})
    target = connect(settings, context("m365", clock))
    with pytest.raises(Unavailable, match="did not answer"):
        target.observe(Scope("school"))
    assert [finding.level for finding in target.check().findings] == ["problem"]
    target.close()


def test_a_token_that_ends_half_way_halts_and_what_was_done_is_told(world: World) -> None:
    target = world.connect()
    outcomes = list(target.perform([world.create("ada")]))
    world.graph.locked_out = True
    with pytest.raises(Halt, match="refused the token"):
        outcomes += target.perform([world.create("bob")])
    assert len(outcomes) == 1
    assert isinstance(outcomes[0], Applied)


# --- quotas and the end of the window ---


def updates(world: World, count: int) -> list[Change]:
    anchors = [Anchor(world.graph.add_user(f"p{n}@school.test").id) for n in range(50)]
    return [
        Update(pupil(f"p{n % 50}", anchors[n % 50]), {}, {"department": f"Class {n}"}, "moved up") for n in range(count)
    ]


def test_a_long_night_takes_no_longer_than_the_quota_makes_it(world: World) -> None:
    world.graph.quotas = Quotas(writes=Window(200, 150.0))
    changes = updates(world, 600)
    before = world.clock.at
    outcomes = world.do(*changes, writes_per_window=196)
    assert all(isinstance(outcome, Applied) for outcome in outcomes)
    assert world.graph.quotas.refused == 0, "our own pace keeps below the quota"
    took = world.clock.at - before
    # Three full windows' worth and a little: two or three waits of 150 s, never more.
    assert 300 <= took <= 450 / 0.95
    assert world.sent("GET").count("/organization") == 0


def test_when_others_use_the_quota_too_one_gate_stops_everything_until_it_is_told_to_go_on(world: World) -> None:
    world.graph.quotas = Quotas(writes=Window(100, 150.0))
    changes = updates(world, 320)
    before = world.clock.at
    outcomes = world.do(*changes)
    assert all(isinstance(outcome, Applied) for outcome in outcomes)
    took = world.clock.at - before
    assert took <= 450 / 0.95, "320 writes are four windows of 100: three waits"
    assert 0 < world.graph.quotas.refused <= 4 * 80, "nobody knocks again before the gate opens"


def test_a_few_changes_do_not_wait_at_all(world: World) -> None:
    world.graph.quotas = Quotas()
    world.do(*updates(world, 100))
    assert world.clock.slept == []


def test_when_the_window_ends_nothing_new_is_sent(world: World) -> None:
    world.graph.quotas = Quotas(writes=Window(10, 150.0))
    target = world.connect()
    changes = updates(world, 40)
    world.stopping = True
    outcomes: list[Outcome] = []
    with pytest.raises(Unavailable, match="window"):
        outcomes.extend(target.perform(changes))
    assert world.graph.written() == 10
    assert world.clock.at < 10, "it did not sit out the quota"


def test_changes_of_one_account_keep_their_order(world: World) -> None:
    anchor = world.made("maja")
    world.graph.part_faults = Faults(rate=0.4, random=random.Random(2))
    changes: list[Change] = []
    for n in range(10):
        changes.append(Update(pupil("maja", anchor), {}, {"department": str(n)}, "so"))
        changes.append((Disable if n % 2 else Enable)(pupil("maja", anchor), "so"))
    outcomes = world.do(*changes)
    assert all(isinstance(outcome, Applied) for outcome in outcomes)
    assert world.graph.user("maja@school.test").props["department"] == "9"
    assert not world.enabled("maja@school.test")


def test_a_big_night_in_foul_weather_ends_with_everybody_made_once() -> None:
    for world in worlds(
        lag=Lag(reads=20, index=60),
        quotas=Quotas(),
        faults=Faults(rate=0.1, after=0.5, random=random.Random(21)),
        part_faults=Faults(rate=0.1, after=0.5, random=random.Random(22)),
    ):
        changes = [world.create(f"p{n}") for n in range(300)]
        outcomes = world.do(*changes)
        left = [outcome.change for outcome in outcomes if isinstance(outcome, Deferred)]
        assert not [outcome for outcome in outcomes if isinstance(outcome, Rejected)]
        world.settle()
        again = world.do(*left)
        world.settle()
        assert all(isinstance(outcome, Applied) for outcome in again)
        assert len(world.graph.directory.users) == 301
        seen = world.connect().observe(Scope("school"))
        assert sorted(seen.owners.values()) == sorted(change.who.identity for change in changes)


# --- checks, settings, secrets ---


def test_a_check_says_what_is_missing_in_a_sentence_each(world: World) -> None:
    world.graph.permissions.clear()
    findings = world.connect(domain="milton.test").check().findings
    sentences = " ".join(finding.sentence for finding in findings)
    assert not any(finding.level == "ok" for finding in findings)
    for permission in ("Organization.Read.All", "User.Read.All", "GroupMember.Read.All"):
        assert permission in sentences
    assert all(finding.sentence.endswith(".") for finding in findings)


def test_a_check_says_that_a_domain_is_not_verified(world: World) -> None:
    report = world.connect(domain="milton.test").check()
    assert not report.good
    assert any("milton.test is not verified" in finding.sentence for finding in report.findings)
    assert world.connect(domain="School.test").check().good


def test_a_check_warns_of_entra_connect(world: World) -> None:
    world.graph.synced_tenant = True
    report = world.connect().check()
    assert report.good
    assert any("create = false" in finding.sentence for finding in report.findings if finding.level == "warning")
    assert all(finding.level == "ok" for finding in world.connect(create=False).check().findings)


def test_a_check_of_a_refused_token_is_a_problem_and_writes_nothing(world: World) -> None:
    world.graph.locked_out = True
    (finding,) = world.connect().check().findings
    assert (finding.level, "refused the token" in finding.sentence) == ("problem", True)
    assert world.graph.written() == 0


GIVEN = {"tenant": "t", "client_id": "c", "client_secret": "env:SECRET"}


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({}, "tenant and client_id"),
        ({"tenant": "t", "client_id": "c"}, "either certificate or client_secret"),
        ({**GIVEN, "certificate": "env:PEM"}, "either certificate or client_secret"),
        ({**GIVEN, "client_secret": "hunter2"}, "not written here"),
        ({**GIVEN, "tokn": "env:X"}, "Extra inputs"),
        ({**GIVEN, "endpoint": "http://graph.example.org"}, "https"),
        ({**GIVEN, "endpoint": "graph.microsoft.com"}, "endpoint is a URL"),
        ({"token": "env:X"}, "sandbox on this machine"),
        ({"token": "env:X", "endpoint": "https://graph.microsoft.com"}, "sandbox on this machine"),
        ({**GIVEN, "identity": "jobTitle"}, "identity is employeeId"),
        ({**GIVEN, "extra_fields": ["birthday"]}, "birthday"),
        ({**GIVEN, "usage_location": "uk "}, "usage_location"),
        ({**GIVEN, "create": "yes"}, "create"),
    ],
)
def test_settings_that_cannot_be_meant(told: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Settings.model_validate(told)
    assert words in str(refused.value)
    assert "hunter2" not in str(refused.value).replace("input_value='hunter2'", "")


def test_settings_for_a_real_tenant_and_for_a_sandbox() -> None:
    real = Settings.model_validate(GIVEN)
    assert (real.base, real.loopback) == ("https://graph.microsoft.com/v1.0", False)
    for endpoint in ("http://127.0.0.1:8091", "http://localhost:8091/v1.0/", "http://[::1]:8091/v1.0"):
        sandbox = Settings.model_validate({"endpoint": endpoint, "token": "env:X"})
        assert sandbox.base.count("/v1.0") == 1
        assert sandbox.loopback


def test_a_certificate_that_is_none_is_told_at_once(tmp_path: Path) -> None:
    pem = tmp_path / "app.pem"
    pem.write_text("this is no certificate")
    settings = Settings.model_validate({"tenant": "t.test", "client_id": "c", "certificate": f"file:{pem}"})
    with pytest.raises(Halt, match="must be a PEM file"):
        connect(settings, context("m365"))


def test_a_link_that_leads_elsewhere_gets_no_token() -> None:
    seen: list[str] = []

    def elsewhere(request: Request) -> Response:
        seen.append(request.headers.get("authorization", ""))
        return Response(200, {"value": []})

    with serve(elsewhere) as url:
        settings = Settings.model_validate({"endpoint": url, "token": "env:ONROLL_TEST_TOKEN"})
        wire = GraphWire(settings)
        wire.send(More(f"{url}/v1.0/users"))
        wire.send(More(f"{url}/v1.0/users".replace("127.0.0.1", "localhost")))
        wire.close()
    assert "a-sandbox-token" in seen[0]
    assert all("a-sandbox-token" not in header for header in seen[1:])


def test_neither_token_nor_password_nor_name_is_logged(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    world.made("maja")
    world.connect().observe(Scope("school"))
    told = caplog.text + repr(world.open[-1]) + repr(Settings.model_validate({"endpoint": world.url, "token": "env:X"}))
    for secret in ("a-sandbox-token", world.passwords.made["maja"], "Örsted"):
        assert secret not in told


def test_importing_the_connector_loads_no_sdk() -> None:
    code = (
        "import sys, onroll_connectors.targets.microsoft365\n"
        "print([name for name in ('msgraph', 'msgraph_core', 'kiota_http', 'azure', 'httpx', 'aiohttp') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# --- with the core ---


def test_after_a_night_there_is_nothing_left_to_do_however_late_the_views_are() -> None:
    for world in worlds(
        lag=Lag(reads=20, index=600, addresses=900),
        quotas=Quotas(),
        faults=Faults(rate=0.05, after=0.5, random=random.Random(31)),
        part_faults=Faults(rate=0.05, after=0.5, random=random.Random(32)),
    ):
        world.stranger("taken")
        names = [f"p{n}" for n in range(60)]
        bonds: dict[IdentityId, Bond] = {}

        def night(wanted: list[DesiredAccount], world: World = world, bonds: dict[IdentityId, Bond] = bonds) -> Plan:
            target = world.connect()
            seen = target.observe(Scope("school", frozenset(bond.anchor for bond in bonds.values())))
            rules = TargetRules("m365", owners={"enabled": "always"})
            plan = diff("school", wanted, seen, bonds, rules, target.abilities, lambda identity, name: True)
            for outcome in everything(target, plan.changes):
                assert isinstance(outcome, Applied), outcome
                who = outcome.change.who  # type: ignore[union-attr]
                assert outcome.anchor is not None
                bonds[who.identity] = Bond(outcome.anchor, not isinstance(outcome.change, Disable))
            world.clock.sleep(60)
            return plan

        def desired(name: str, world: World = world, **more: object) -> DesiredAccount:
            return DesiredAccount(pupil(name).identity, Role.STUDENT, world.wanted(name, **more), "on roll")

        first = [desired(name, attributes={"department": "7A"}) for name in names]
        assert len(night(first).changes) == 60
        assert night(first).changes == ()
        second = [
            replace(each, account=replace(each.account, enabled=n % 3 > 0, family="New", attributes={"department": ""}))
            for n, each in enumerate(first)
        ]
        assert len(night(second).changes) == 60
        assert night(second).changes == ()
        assert sum(not user.props["accountEnabled"] for user in world.graph.directory.users.values()) == 20
        world.settle()
        assert night(second).changes == (), "and so it stays when every view has caught up"
