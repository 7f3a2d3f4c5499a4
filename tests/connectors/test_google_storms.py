"""Google's quotas, delays and failures, and runs that are cut off: whatever happens, nothing is lost and nobody is made twice."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from itertools import islice

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from google_world import World, applied, opened, operations
from onroll_connectors.sandbox.google_quota import Quotas
from onroll_connectors.sandbox.google_state import Lag
from onroll_connectors.sandbox.serving import Faults, Request, Response, serve
from onroll_connectors.testing import everything, pupil
from onroll_core.accounts import Anchor, DesiredAccount, IdentityId
from onroll_core.changes import (
    Applied,
    Create,
    Deferred,
    Disable,
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


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with opened(monkeypatch) as world:
        yield world


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
        for turn in range(2)
        for number, anchor in enumerate(anchors)
    ]
    world.clock.sleep(60)
    start = world.clock.at
    applied(everything(target, changes))
    share = len(changes) / (world.clock.at - start) / 40
    assert 0.95 <= share <= 1.02
    assert world.google.quotas.refused == {}
    assert {user.name["familyName"] for user in world.google.state.live()} == {"New1", "Administrator"}


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


@pytest.mark.parametrize("status", [200, 302, 403, 404, 451])
def test_a_web_filter_in_between_is_not_google(world: World, status: int) -> None:
    anchors = [world.made(name) for name in ("ada", "bea")]

    def sign_in_first(request: Request) -> Response:
        return Response(status, b"<html>Please sign in to the school's network</html>", {"Content-Type": "text/html"})

    with serve(sign_in_first) as url:
        world.url = url
        for some in (anchors, anchors[:1]):
            with pytest.raises(Unavailable, match="does not answer"):
                world.do(*(Disable(pupil(f"p{key}", key), "left") for key in some))
        with pytest.raises(Unavailable, match="does not answer"):
            world.connect().observe(Scope("milton-park"))


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


@settings(
    max_examples=250 if os.environ.get("ONROLL_SOAK") else 12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
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
