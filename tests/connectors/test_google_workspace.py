"""The Google Workspace target, through Google's own client, against the simulator: in fair weather and in foul."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from onroll_connectors.sandbox.google import Workspace
from onroll_connectors.sandbox.google_quota import Quotas
from onroll_connectors.sandbox.google_state import Lag
from onroll_connectors.sandbox.serving import Faults, Request, Response, serve
from onroll_connectors.targets.google_target import GoogleWorkspace
from onroll_connectors.targets.google_workspace import Settings, connect
from onroll_connectors.testing import TargetContract, account_of, everything, pupil
from onroll_core.accounts import Account, Anchor, DesiredAccount, IdentityId
from onroll_core.changes import (
    Applied,
    Change,
    Create,
    Deferred,
    Disable,
    Enable,
    Link,
    Move,
    Naming,
    Outcome,
    Rejected,
    Rename,
    Unsent,
    Update,
)
from onroll_core.contracts import Scope
from onroll_core.diff import diff
from onroll_core.errors import Halt, Unavailable
from onroll_core.identities import Bond
from onroll_core.people import Role
from onroll_core.plan import Plan
from onroll_core.rules import TargetRules
from world import Clock, DictMemory, Passwords, context

DAY = 86400.0


class World:
    """A customer behind a loopback server, and the memory that a school's runs share."""

    domain = "school.test"

    def __init__(self, url: str, google: Workspace, clock: Clock) -> None:
        self.url, self.google, self.clock = url, google, clock
        self.memory, self.passwords = DictMemory(), Passwords()
        self.open: list[GoogleWorkspace] = []
        self.stopping: Callable[[], bool] = lambda: False

    def connect(self, **settings: Any) -> GoogleWorkspace:
        around = replace(context("google", self.clock, self.passwords, self.memory), stopping=lambda: self.stopping())
        told = {"endpoint": self.url, "token": "env:ONROLL_TEST_TOKEN", **settings}
        target = connect(Settings.model_validate({name: value for name, value in told.items() if value}), around)
        self.open.append(target)
        return target

    def settle(self) -> None:
        self.clock.sleep(3600)

    def stranger(self, login: str) -> None:
        self.google.add_user(f"{login}@{self.domain}", "Stan", "Stranger")

    def enabled(self, login: str) -> bool:
        return not self.google.user(login).suspended

    def account(self, name: str, **other: object) -> Account:
        return account_of(self.open[-1] if self.open else self.connect(), self.domain, name, **other)

    def do(self, *changes: Change, **settings: Any) -> list[Outcome]:
        """One run of changes on a connection of its own, as after a restart."""
        target = self.connect(**settings)
        return everything(target, changes)

    def made(self, name: str, **other: object) -> Anchor:
        (outcome,) = self.do(Create(pupil(name), self.account(name, **other), "on roll"))
        assert isinstance(outcome, Applied), outcome
        assert outcome.anchor is not None
        return outcome.anchor

    def close(self) -> None:
        for target in self.open:
            target.close()
            target.close()


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setenv("ONROLL_TEST_TOKEN", "a-token-of-the-sandbox")
    clock = Clock()
    google = Workspace(now=clock.now, token="a-token-of-the-sandbox")
    with serve(google) as url:
        world = World(url, google, clock)
        yield world
        world.close()
    assert google.breaches == []


class TestInFairWeather(TargetContract):
    """No delays, no faults."""


class TestInFoulWeather(TargetContract):
    """Google's own quotas and delays, and one request in twelve fails, a third of those after the work was done."""

    @pytest.fixture
    def world(self, world: World) -> World:
        world.google.lag = Lag.usual()
        world.google.quotas = Quotas()
        statuses = (403, 429, 500, 503)
        world.google.faults = Faults(rate=0.06, statuses=statuses, random=random.Random(11))
        world.google.part_faults = Faults(rate=0.08, statuses=statuses, random=random.Random(12))
        return world


def applied(outcomes: list[Outcome]) -> list[Applied]:
    wrong = [outcome for outcome in outcomes if not isinstance(outcome, Applied)]
    assert not wrong, wrong[0]
    return [outcome for outcome in outcomes if isinstance(outcome, Applied)]


def operations(world: World, name: str) -> int:
    return sum(1 for operation, _, status in world.google.calls if operation == f"directory.{name}" and status < 400)


def test_a_year_group_is_made_once_whatever_google_answers(world: World) -> None:
    world.google.lag = Lag.usual()
    world.google.part_faults = Faults(rate=0.3, statuses=(403, 429, 500, 503), after=0.5, random=random.Random(4))
    names = [f"pupil{number}" for number in range(120)]
    made = applied(world.do(*(Create(pupil(name), world.account(name), "on roll") for name in names)))
    there = {user.email: user.id for user in world.google.state.live()}
    assert {f"{name}@{world.domain}" for name in names} <= there.keys()
    assert len(there) == 121
    assert [outcome.anchor for outcome in made] == [there[f"{name}@{world.domain}"] for name in names]


def test_creating_keeps_to_ten_a_second_and_uses_nearly_all_of_them(world: World) -> None:
    world.google.quotas = Quotas()
    changes = [Create(pupil(f"p{number}"), world.account(f"p{number}", place=""), "on roll") for number in range(600)]
    start = world.clock.at
    applied(world.do(*changes))
    share = 600 / (world.clock.at - start) / 10
    assert 0.95 <= share <= 1.02
    assert world.google.quotas.refused == {}


def test_updates_keep_to_the_quota_a_minute_and_use_nearly_all_of_it(world: World) -> None:
    target = world.connect()
    for number in range(800):
        world.google.add_user(f"p{number}@school.test", "Pat", "Old")
    seen = target.observe(Scope("milton-park"))
    anchors = sorted(anchor for anchor, account in seen.accounts.items() if account.family == "Old")
    world.google.quotas = Quotas()
    changes = [
        Update(pupil(f"p{number}", anchor), {"family": "Old"}, {"family": f"New{turn}"}, "told")
        for turn in range(4)
        for number, anchor in enumerate(anchors)
    ]
    world.clock.sleep(60)
    start = world.clock.at
    applied(everything(target, changes))
    share = len(changes) / (world.clock.at - start) / 40
    assert 0.95 <= share <= 1.02
    assert world.google.quotas.refused == {}
    assert {user.name["familyName"] for user in world.google.state.live()} == {"New3", "Administrator"}


def test_org_units_are_made_parents_first_at_one_a_second(world: World) -> None:
    world.google.quotas = Quotas()
    start = world.clock.at
    applied(
        world.do(
            *(
                Create(pupil(f"p{year}"), world.account(f"p{year}", place=f"Students/{year}"), "x")
                for year in range(2015, 2020)
            )
        )
    )
    paths = sorted(world.google.state.path(unit) for unit in world.google.state.units)
    assert paths == ["/", "/Students", *(f"/Students/{year}" for year in range(2015, 2020))]
    assert world.clock.at - start >= 5
    assert world.google.quotas.refused == {}


def test_an_org_unit_that_google_refuses_concerns_only_those_who_belong_there(world: World) -> None:
    world.google.denied.add("directory.orgunits.insert")
    world.google.add_unit("/Students")
    first, second = world.do(
        Create(pupil("ada"), world.account("ada", place="Students/2019"), "on roll"),
        Create(pupil("bea"), world.account("bea", place="Students"), "on roll"),
    )
    assert isinstance(first, Rejected)
    assert "/Students/2019" in first.why
    assert isinstance(second, Applied)


def test_places_live_below_the_org_unit_of_the_settings(world: World) -> None:
    world.google.add_unit("/Milton Park")
    world.google.add_user("elsewhere@school.test", "Some", "Body", "/Other School")
    target = world.connect(org_unit="/Milton Park")
    (made,) = applied(everything(target, [Create(pupil("maja"), world.account("maja"), "on roll")]))
    assert world.google.state.path(world.google.user("maja@school.test").unit) == "/Milton Park/Students/2019"
    seen = target.observe(Scope("milton-park"))
    assert {account.login: account.place for account in seen.accounts.values()} == {"maja@school.test": "Students/2019"}
    assert seen.names["elsewhere@school.test"].anchor is None
    # A person of ours who was moved out is found wherever they are, in a place that equals no place we could want.
    world.google.user("maja@school.test").unit = world.google.state.unit("/Other School")
    assert made.anchor is not None
    assert target.observe(Scope("milton-park")).accounts[made.anchor].place == "/Other School"


def test_an_org_unit_of_the_settings_that_is_gone_is_no_empty_school(world: World) -> None:
    with pytest.raises(Halt, match="/Milton Park is not in Google Workspace"):
        world.connect(org_unit="/Milton Park").observe(Scope("milton-park"))


def test_everybody_who_holds_a_name_is_in_the_ledger(world: World) -> None:
    world.google.add_group("maths@school.test", "Maths").aliases.append("sums@school.test")
    user = world.google.add_user("ada@school.test", "Ada", "King")
    world.google.writes.add_alias(user.id, {"alias": "lovelace@school.test"})
    gone = world.google.add_user("gone@school.test", "Long", "Gone")
    world.google.writes.delete(gone.id)
    names = world.connect().observe(Scope("milton-park")).names
    assert names["maths@school.test"].what == names["sums@school.test"].what == "the group Maths"
    assert names["lovelace@school.test"].anchor == user.id
    assert names["ada@school.test.test-google-a.com"].anchor == user.id
    assert names["gone@school.test"].what == "the deleted user gone@school.test"


def test_a_school_is_read_in_pages_and_only_whole(world: World) -> None:
    for number in range(1100):
        world.google.add_user(f"p{number}@school.test", "Pat", "Smith")
    seen = world.connect().observe(Scope("milton-park"))
    assert len(seen.accounts) == 1101
    assert operations(world, "users.list") == 4
    world.google.faults = Faults(rate=1.0, statuses=(503,), after=0.0)
    with pytest.raises(Unavailable, match=r"Google Workspace .*\."):
        world.connect().observe(Scope("milton-park"))


def test_a_right_that_was_withdrawn_is_no_empty_school(world: World) -> None:
    for operation, what in (("users.list", "users"), ("groups.list", "groups"), ("orgunits.list", "org units")):
        world.google.denied = {f"directory.{operation}"}
        with pytest.raises(Halt, match=f"read .*{what}"):
            world.connect().observe(Scope("milton-park"))


def test_a_user_is_not_touched_until_google_has_finished_making_it(world: World) -> None:
    world.google.lag = Lag(creation=12)
    anchor = world.made("maja")
    (outcome,) = world.do(Update(pupil("maja", anchor), {}, {"family": "Smith"}, "married"))
    assert isinstance(outcome, Applied)
    assert world.clock.at >= 12
    world.google.lag = Lag(creation=3000)
    anchor = world.made("nora", aliases=frozenset({"n@school.test"}))
    assert world.google.user("nora@school.test").aliases == {}
    (outcome,) = world.do(Disable(pupil("nora", anchor), "left"))
    assert isinstance(outcome, Deferred)
    assert "not finished making nora" in outcome.why


def test_a_young_account_that_google_does_not_show_yet_is_not_lost(world: World) -> None:
    world.google.lag = Lag(visible=600)
    anchor = world.made("maja")
    seen = world.connect().observe(Scope("milton-park", frozenset({anchor})))
    assert seen.accounts[anchor].login == "maja@school.test"
    assert world.connect().observe(Scope("milton-park")).owners[anchor] == pupil("maja").identity


def test_a_lost_answer_is_looked_up_before_anything_is_sent_again(world: World) -> None:
    class Lost:
        """Does what it is told and says that it failed, once for each insert."""

        def __init__(self) -> None:
            self.struck: set[bytes] = set()

        def __call__(self, request: Request) -> Response:
            response = world.google(request)
            if request.method == "POST" and b'"primaryEmail"' in request.body and request.body not in self.struck:
                self.struck.add(request.body)
                return Response(
                    503, {"error": {"code": 503, "message": "Backend Error", "errors": [{"reason": "backendError"}]}}
                )
            return response

    with serve(Lost()) as url:
        world.url = url
        anchor = world.made("maja")
    assert anchor == world.google.user("maja@school.test").id
    assert [status for operation, _, status in world.google.calls if operation == "directory.users.insert"] == [200]


def test_a_lost_connection_is_looked_up_too(world: World) -> None:
    struck: list[bytes] = []

    def hang_up(request: Request) -> Response:
        response = world.google(request)
        if b'"primaryEmail"' in request.body and request.body not in struck:
            struck.append(request.body)
            raise ConnectionResetError
        return response

    with serve(hang_up) as url:
        world.url = url
        anchor = world.made("maja")
    assert anchor == world.google.user("maja@school.test").id
    assert len(list(world.google.state.live())) == 2


@pytest.mark.parametrize("who", ["user", "alias", "group"])
def test_a_taken_address_is_told_with_who_has_it(world: World, who: str) -> None:
    match who:
        case "user":
            world.stranger("maja")
        case "alias":
            user = world.google.add_user("stan@school.test", "Stan", "Stranger")
            world.google.writes.add_alias(user.id, {"alias": "maja@school.test"})
        case _:
            world.google.add_group("maja@school.test")
    (outcome,) = world.do(Create(pupil("maja"), world.account("maja"), "on roll"))
    assert isinstance(outcome, Rejected)
    wanted = {
        "user": "the user maja@school.test",
        "alias": "the user stan@school.test, as an alias",
        "group": "the group maja@school.test",
    }
    assert wanted[who] in outcome.why
    mine = world.made("nora")
    (outcome,) = world.do(
        Rename(
            pupil("nora", mine),
            Naming("nora@school.test", "nora@school.test"),
            Naming("maja@school.test", "maja@school.test"),
            "asked",
        )
    )
    assert isinstance(outcome, Rejected)
    assert wanted[who] in outcome.why


def test_a_deleted_account_is_restored_and_not_made_again(world: World) -> None:
    anchor = world.made("maja")
    world.google.writes.delete(anchor)
    (outcome,) = applied(world.do(Create(pupil("maja"), world.account("maja", place="Students/2020"), "came back")))
    assert (outcome.anchor, outcome.note) == (anchor, "restored from the deleted users")
    user = world.google.user("maja@school.test")
    assert (user.id, world.google.state.path(user.unit)) == (anchor, "/Students/2020")
    assert operations(world, "users.insert") == 1


def test_a_deleted_account_is_observed_and_enabled(world: World) -> None:
    anchor = world.made("maja")
    world.do(Disable(pupil("maja", anchor), "left"))
    world.google.writes.delete(anchor)
    world.google.lag = Lag.usual()
    target = world.connect()
    seen = target.observe(Scope("milton-park", frozenset({anchor})))
    assert anchor in seen.deleted
    assert not seen.accounts[anchor].enabled
    applied(everything(target, [Enable(pupil("maja", anchor), "came back", restore=True)]))
    assert world.enabled("maja@school.test")
    assert world.connect().observe(Scope("milton-park")).deleted == frozenset()


def test_after_twenty_days_a_deleted_account_is_gone(world: World) -> None:
    anchor = world.made("maja")
    world.google.writes.delete(anchor)
    world.clock.sleep(21 * DAY)
    seen = world.connect().observe(Scope("milton-park", frozenset({anchor})))
    assert anchor not in seen.accounts
    (outcome,) = world.do(Enable(pupil("maja", anchor), "came back", restore=True))
    assert isinstance(outcome, Rejected)


def test_the_old_address_is_ours_while_google_makes_an_alias_of_it(world: World) -> None:
    world.google.lag = Lag(alias=500)
    anchor = world.made("maja")
    old, new = (
        Naming("maja@school.test", "maja@school.test"),
        Naming("m.smith@school.test", "m.smith@school.test", frozenset({"maja@school.test"})),
    )
    (outcome,) = applied(world.do(Rename(pupil("maja", anchor), old, new, "asked for")))
    assert outcome.note == "maja@school.test becomes an alias by itself within ten minutes"
    assert operations(world, "users.aliases.insert") == 0
    seen = world.connect().observe(Scope("milton-park"))
    assert seen.accounts[anchor].aliases == {"maja@school.test"}
    assert seen.names["maja@school.test"].anchor == anchor
    world.clock.sleep(700)
    assert world.connect().observe(Scope("milton-park")).accounts[anchor].aliases == {"maja@school.test"}


def test_an_alias_that_google_did_not_make_in_time_is_made_by_us(world: World) -> None:
    anchor = world.made("maja")
    old, new = (
        Naming("maja@school.test", "maja@school.test"),
        Naming("m.smith@school.test", "m.smith@school.test", frozenset({"maja@school.test"})),
    )
    applied(world.do(Rename(pupil("maja", anchor), old, new, "asked for")))
    world.google.writes.remove_alias(anchor, "maja@school.test")
    world.clock.sleep(700)
    assert world.connect().observe(Scope("milton-park")).accounts[anchor].aliases == frozenset()
    change = Update(pupil("maja", anchor), {"aliases": ()}, {"aliases": ("maja@school.test",)}, "a former address")
    applied(world.do(change))
    applied(world.do(change))
    assert list(world.google.user("m.smith@school.test").aliases) == ["maja@school.test"]


def test_somebody_can_have_the_old_name_back(world: World) -> None:
    anchor = world.made("maja")
    one, two = Naming("maja@school.test", "maja@school.test"), Naming("m.smith@school.test", "m.smith@school.test")
    applied(world.do(Rename(pupil("maja", anchor), one, two, "married")))
    applied(world.do(Rename(pupil("maja", anchor), two, one, "asked for")))
    user = world.google.user("maja@school.test")
    assert (user.id, list(user.aliases)) == (anchor, ["m.smith@school.test"])


def test_sessions_end_before_a_rename_where_the_school_wants_it(world: World) -> None:
    anchor = world.made("maja")
    one, two = Naming("maja@school.test", "maja@school.test"), Naming("m.smith@school.test", "m.smith@school.test")
    applied(world.do(Rename(pupil("maja", anchor), one, two, "married"), sign_out=True))
    assert world.google.user("m.smith@school.test").sign_outs == 1


def test_the_thirty_first_alias_is_refused_in_a_sentence(world: World) -> None:
    anchor = world.made("maja", aliases=frozenset(f"m{number}@school.test" for number in range(30)))
    (outcome,) = world.do(
        Update(pupil("maja", anchor), {"aliases": ()}, {"aliases": ("m99@school.test",)}, "a former address")
    )
    assert isinstance(outcome, Rejected)
    assert "30" in outcome.why


def test_other_peoples_external_ids_stay(world: World) -> None:
    theirs = [{"type": "organization", "value": "E7"}, {"type": "custom", "customType": "library", "value": "L1"}]
    user = world.google.add_user("maja@school.test", "Maja", "Old", externalIds=theirs)
    who = pupil("maja", Anchor(user.id))
    applied(world.do(Link(who, "confirmed")))
    applied(world.do(Update(who, {"employeeId": "E7"}, {"employeeId": "E8", "department": "Art"}, "told")))
    applied(world.do(Link(who, "confirmed again")))
    kept = {(each.get("customType", each["type"]), each["value"]) for each in user.told["externalIds"]}
    assert kept == {("library", "L1"), ("onroll", "id-maja"), ("organization", "E8")}
    seen = world.connect().observe(Scope("milton-park"))
    assert seen.accounts[Anchor(user.id)].attributes == {"employeeId": "E8", "department": "Art"}
    assert seen.owners[Anchor(user.id)] == "id-maja"


@pytest.mark.parametrize("observed", [True, False])
def test_an_account_that_carries_another_identity_is_not_written(world: World, observed: bool) -> None:
    anchor = world.made("nora")
    before = world.google.user("nora@school.test").revision
    who = pupil("maja", anchor)
    changes: list[Change] = [
        Disable(who, "left"),
        Enable(who, "back"),
        Link(who, "linked"),
        Move(who, "", "Staff", "moved"),
        Update(who, {}, {"family": "Smith"}, "told"),
        Rename(who, Naming("nora@school.test", "nora@school.test"), Naming("x@school.test", "x@school.test"), "asked"),
    ]
    target = world.connect()
    if observed:
        target.observe(Scope("milton-park"))
    for outcome in everything(target, changes):
        assert isinstance(outcome, Rejected), outcome
        assert "id-nora" in outcome.why
    assert world.google.user("nora@school.test").revision == before


def test_a_key_that_is_an_address_hits_nobody(world: World) -> None:
    anchor = world.made("nora")
    world.google.writes.add_alias(anchor, {"alias": "maja@school.test"})
    (outcome,) = world.do(Disable(pupil("nora", Anchor("maja@school.test")), "left"))
    assert isinstance(outcome, Rejected)
    assert world.enabled("nora@school.test")


def test_an_administrator_is_one_persons_problem(world: World) -> None:
    admin = world.google.user("admin@school.test")
    anchor = world.made("maja")
    first, second = world.do(Disable(pupil("admin", Anchor(admin.id)), "left"), Disable(pupil("maja", anchor), "left"))
    assert isinstance(first, Rejected)
    assert "super" in first.why
    assert isinstance(second, Applied)


def test_a_user_whom_google_suspended_stays_so_and_the_report_says_why(world: World) -> None:
    anchor = world.made("maja")
    world.google.user("maja@school.test").suspended = "ABUSE"
    (outcome,) = world.do(Enable(pupil("maja", anchor), "on roll"))
    assert isinstance(outcome, Rejected)
    assert "Google itself suspended maja" in outcome.why


def test_the_last_licence_halts_and_says_what_to_do(world: World) -> None:
    world.google.writes.licences = 3
    target = world.connect()
    outcomes: list[Outcome] = []
    with pytest.raises(Halt, match="no licence left"):
        for outcome in target.perform(
            [Create(pupil(name), world.account(name), "x") for name in ("ada", "bea", "cy", "dee")]
        ):
            outcomes.append(outcome)
    assert [type(outcome) for outcome in outcomes] == [Applied, Applied]


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"family": ""}, "only one of them"),
        ({"family": "x" * 61}, "60 characters"),
        ({"email": "maja@elsewhere.test", "login": "maja@elsewhere.test"}, "does not belong"),
        ({"email": "ma..ja@school.test", "login": "ma..ja@school.test"}, "two dots"),
    ],
)
def test_what_google_cannot_take_is_one_persons_problem(world: World, other: dict[str, object], words: str) -> None:
    first, second = world.do(
        Create(pupil("maja"), world.account("maja", **other), "x"), Create(pupil("nora"), world.account("nora"), "x")
    )
    assert isinstance(first, Rejected)
    assert words in first.why
    assert first.why.endswith(".")
    assert isinstance(second, Applied)


def test_a_quota_that_never_frees_ends_the_run_and_not_the_account(world: World) -> None:
    anchor = world.made("maja")
    world.google.part_faults = Faults(rate=1.0, statuses=(403,), after=0.0)
    world.google.faults = Faults(rate=1.0, statuses=(403,), after=0.0)
    start = world.clock.at
    with pytest.raises(Unavailable, match="too many of them"):
        world.do(Disable(pupil("maja", anchor), "left"))
    assert 120 < world.clock.at - start < 900


def test_a_google_that_does_not_answer_is_unavailable(world: World) -> None:
    target = world.connect(endpoint="http://127.0.0.1:9")
    with pytest.raises(Unavailable, match="does not answer"):
        target.observe(Scope("milton-park"))


def test_a_token_that_is_refused_halts(world: World) -> None:
    world.google.token = "another"
    with pytest.raises(Halt, match="credentials"):
        world.connect().observe(Scope("milton-park"))
    with pytest.raises(Halt, match="credentials"):
        world.do(Disable(pupil("maja", Anchor("1")), "left"), Disable(pupil("nora", Anchor("2")), "left"))


def test_a_run_that_has_to_end_says_what_was_not_sent(world: World) -> None:
    world.google.quotas = Quotas()
    world.stopping = lambda: operations(world, "users.insert") >= 20
    outcomes = world.do(
        *(Create(pupil(f"p{number}"), world.account(f"p{number}", place=""), "x") for number in range(100))
    )
    kinds = [type(outcome) for outcome in outcomes]
    assert kinds[:20] == [Applied] * 20
    assert set(kinds[20:]) == {Unsent}
    assert len(list(world.google.state.live())) == 21


def test_one_persons_changes_keep_their_order(world: World) -> None:
    world.google.part_faults = Faults(rate=0.3, statuses=(429, 500), after=0.5, random=random.Random(8))
    who = pupil("maja", world.made("maja"))
    families = [f"Name{number}" for number in range(12)]
    applied(world.do(*(Update(who, {}, {"family": family}, "told") for family in families)))
    assert world.google.user("maja@school.test").name["familyName"] == families[-1]


def test_the_temporary_password_is_one_and_must_be_changed(world: World) -> None:
    world.made("maja")
    user = world.google.user("maja@school.test")
    assert user.password == world.passwords.made["maja"]
    assert user.told["changePasswordAtNextLogin"] is True


PEOPLE = [f"pupil{number}" for number in range(30)]


def wanted(world: World, turn: int) -> list[DesiredAccount]:
    """The school in its first year (turn 0), and after names, places, addresses and standings have changed."""
    people = []
    for number, name in enumerate(PEOPLE):
        renamed = turn and number % 5 == 0
        address = f"{name}.new@school.test" if renamed else f"{name}@school.test"
        account = world.account(
            name,
            login=address,
            email=address,
            aliases=frozenset({f"{name}@school.test"} if renamed else ()),
            place=f"Students/{2019 + (turn if number % 3 == 0 else 0)}",
            family="Smith" if turn and number % 4 == 0 else "Jones",
            enabled=not (turn and number % 7 == 0),
        )
        people.append(DesiredAccount(pupil(name).identity, Role.STUDENT, account, "on roll"))
    return people


def night(world: World, turn: int, bonds: dict[IdentityId, Bond], cut: int | None = None) -> Plan:
    """Observe, plan and apply on a connection of its own; `cut` gives up after so many outcomes, as a killed run does."""
    target = world.connect()
    seen = target.observe(Scope("milton-park", frozenset(bond.anchor for bond in bonds.values())))
    rules = TargetRules("google", owners={"enabled": "always"})
    plan = diff("milton-park", wanted(world, turn), seen, bonds, rules, target.abilities, lambda identity, name: True)
    assert not plan.conflicts
    bonds |= {identity: Bond(anchor) for identity, anchor in plan.adopted.items()}
    for outcome in islice(target.perform(plan.changes), cut):
        if isinstance(outcome, Applied) and outcome.anchor is not None:
            bonds[outcome.change.who.identity] = Bond(outcome.anchor)  # type: ignore[union-attr]
    target.close()
    return plan


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10_000), cuts=st.lists(st.integers(0, 25), max_size=3))
def test_whatever_fails_and_whenever_it_is_cut_off_everybody_ends_up_right_and_once(
    world: World, seed: int, cuts: list[int]
) -> None:
    world.google.forget()
    world.memory.clear()
    world.google.lag = Lag.usual()
    world.google.quotas = Quotas()
    world.google.part_faults = Faults(rate=0.1, statuses=(403, 429, 500, 503), after=0.5, random=random.Random(seed))
    bonds: dict[IdentityId, Bond] = {}
    for turn in (0, 1):
        for cut in cuts:
            night(world, turn, bonds, cut)
        for _ in range(4):
            if not night(world, turn, bonds).changes:
                break
            world.clock.sleep(1200)
        assert night(world, turn, bonds).changes == ()
        carried = [each["value"] for user in world.google.state.live() for each in user.told.get("externalIds", ())]
        assert sorted(carried) == sorted(pupil(name).identity for name in PEOPLE)


def service_account(world: World, folder: Path) -> dict[str, str]:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    told = {
        "type": "service_account",
        "client_id": "104",
        "client_email": "onroll@school.iam.test",
        "private_key_id": "1",
        "private_key": key.decode(),
        "token_uri": f"{world.url}/token",
    }
    (folder / "key.json").write_text(json.dumps(told))
    return {"token": "", "credentials": f"file:{folder / 'key.json'}", "subject": "admin@school.test"}


def test_a_service_account_signs_in_and_a_check_says_what_is_missing(world: World, tmp_path: Path) -> None:
    settings = service_account(world, tmp_path)
    report = world.connect(**settings).check()
    assert report.good
    assert [finding.level for finding in report.findings] == ["ok"] * 5
    world.google.denied = {"directory.groups.list", "directory.users.list"}
    world.google.add_user("head@school.test", "Head", "Teacher")
    report = world.connect(**{**settings, "subject": "head@school.test"}, org_unit="/Nowhere").check()
    problems = [finding.sentence for finding in report.findings if finding.level == "problem"]
    assert [
        any(word in problem for problem in problems)
        for word in ("read users", "groups", "/Nowhere", "no administrator")
    ] == [True] * 4
    world.google.tokens.delegated = frozenset({"admin.directory.user"})
    (finding,) = world.connect(**settings).check().findings
    assert "client id 104" in finding.sentence
    assert "admin.directory.orgunit" in finding.sentence
    world.google.tokens.delegated = None
    world.google.tokens.admins = frozenset({"nobody@school.test"})
    (finding,) = world.connect(**settings).check().findings
    assert "admin@school.test" in finding.sentence


def test_a_token_that_ends_in_the_night_is_replaced(world: World, tmp_path: Path) -> None:
    target = world.connect(**service_account(world, tmp_path))
    target.observe(Scope("milton-park"))
    world.google.tokens.issued.clear()
    applied(everything(target, [Create(pupil(name), world.account(name), "x") for name in ("ada", "bea", "cy")]))
    assert len(world.google.tokens.issued) >= 1


def test_a_key_file_that_is_none_is_not_quoted(world: World, tmp_path: Path) -> None:
    (tmp_path / "key.json").write_text('{"private_key": "very secret"}')
    (finding,) = world.connect(token="", credentials=f"file:{tmp_path / 'key.json'}").check().findings
    assert finding.level == "problem"
    assert "JSON key of a service account" in finding.sentence
    assert "very secret" not in finding.sentence


def test_secrets_are_in_no_repr(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    world.google.part_faults = Faults(rate=0.5, statuses=(403, 500), random=random.Random(2))
    world.do(*(Create(pupil(name), world.account(name), "x") for name in ("ada", "bea", "cy")))
    for secret in ("a-token-of-the-sandbox", *world.passwords.made.values()):
        assert secret not in caplog.text
        assert secret not in repr(world.open[-1]._settings)  # noqa: SLF001


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"token": "env:T"},
        {"credentials": "file:x", "endpoint": "http://google.example"},
        {"credentials": "file:x", "token": "env:T", "endpoint": "http://127.0.0.1:1"},
        {"credentials": "file:x", "org_unit": "Students"},
        {"credentials": "file:x", "surprise": 1},
        {"credentials": "the secret itself"},
    ],
)
def test_settings_that_cannot_work_are_refused(told: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate(told)


def test_googles_client_is_loaded_when_it_is_used_and_not_before() -> None:
    code = (
        "import sys, onroll_connectors.targets.google_workspace;"
        "print([name for name in sys.modules if name.startswith(('googleapiclient', 'google.', 'httplib2'))])"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )
