"""iSAMS's REST API: the contract, and what is special to it, against the simulator over loopback HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import pytest

from fuzz import storm
from onroll_connectors.sandbox.isams_rest import CLIENT, SECRET, TOKEN, IsamsRest
from onroll_connectors.sandbox.school import milton_park, with_comers_and_goers
from onroll_connectors.sandbox.serving import serve
from onroll_connectors.sandbox.unruly import Unruly
from onroll_connectors.sources import isams_rest
from onroll_connectors.testing import SourceContract
from onroll_core.contracts import Source
from onroll_core.errors import Halt, OnrollError, Unavailable
from onroll_core.people import GroupKind, Role, Status
from same_school import assert_same_school
from source_world import HttpWorld
from world import DictMemory, context

TODAY = date(2026, 11, 24)
SENSITIVE = {"customFields", "photos", "nationalit", "expand", "medical", "sen", "contacts"}


@dataclass
class World(HttpWorld):
    """The school, its API, what may come between, and how onroll reaches it."""

    signed: dict[str, Any] = field(default_factory=dict)

    def connect(self, **settings: Any) -> Source:
        own = {"client_id": CLIENT, "client_secret": "env:ONROLL_TEST_ISAMS_SECRET"} | self.signed
        key = {} if "token" in settings else own
        told = isams_rest.Settings(**({"endpoint": self.url, "page_size": 50} | key | settings))
        return isams_rest.connect(told, context("source", self.clock, memory=DictMemory()))

    def misbehave(self, how: str) -> bool:
        own = {
            "empty": "empty", "repeated records": "repeat", "shows nothing of one kind": "no staff", "totals do not match": "short page",
            "broken second page": "dies",
        }  # fmt: skip
        known = self.misbehaves(how, own)
        self.simulator.forbidden = frozenset({"/api/humanresources"} if how == "no permission" else ())
        self.signed = {"client_id": "another"} if how == "wrong credentials" else {}
        return known or how in ("no permission", "wrong credentials")


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setenv("ONROLL_TEST_ISAMS_SECRET", SECRET)
    simulator = IsamsRest(milton_park(TODAY, 120, 12))
    unruly = Unruly(simulator)
    with serve(unruly) as url:
        yield World(simulator, unruly, url)


class TestIsamsRest(SourceContract):
    """What every source promises."""

    @pytest.fixture
    def source_world(self, world: World) -> World:
        return world


def test_the_school_is_the_same_by_this_route(world: World) -> None:
    with_comers_and_goers(world.school)
    assert_same_school(world.read(), world.school, isams_rest.GIVES)


def test_contacts_are_read_where_the_school_asks(world: World) -> None:
    assert {each.role for each in world.read().people} == {Role.STUDENT, Role.STAFF}
    told = [each for each in world.read(contacts=True).people if each.role is Role.CONTACT]
    assert len(told) == len(world.school.contacts)
    assert sum(len(each.children or ()) for each in told) == len(world.school.pupils)
    assert not [each for each in told if each.last == "Relative"]  # somebody who has died


def test_nothing_sensitive_is_asked_for(world: World) -> None:
    source = world.connect()
    assert source.check().good
    source.read()
    source.close()
    assert world.unruly.log
    assert not world.unruly.asked(SENSITIVE)


def test_a_token_that_ends_while_reading_is_renewed(world: World) -> None:
    world.simulator.ends_after = 3
    assert len(world.read().people) == world.people
    assert world.simulator.tokens > 3


def test_a_right_that_is_missing_is_named_with_its_list(world: World) -> None:
    for path in ("/api/alumni", "/api/teaching/sets", "/api/school/terms", "/api/humanresources/employees"):
        world.simulator.forbidden = frozenset({path})
        with pytest.raises(Halt, match=f"has not given onroll the right to {path[1:]}"):
            world.read()
        source = world.connect()
        assert any(path[1:] in each.sentence for each in source.check().findings if each.level == "problem")
        source.close()
    world.simulator.forbidden = frozenset({"/api/alumni", "/api/teaching/sets", "/api/admissions"})
    assert len(world.read(alumni=False, sets=False, applicants=False).people) == world.people


def test_a_list_that_grows_while_it_is_read_is_read_again_later(world: World) -> None:
    world.simulator.fault = "grows"
    with pytest.raises(Unavailable, match="120 rows and then 121"):
        world.read()


def test_a_list_that_shrinks_is_never_a_shorter_school(world: World) -> None:
    world.simulator.fault = "short page"
    with pytest.raises(Unavailable, match="counts 120 rows in api/students and sent 117"):
        world.read()


def test_an_applicant_becomes_a_pupil_and_an_old_pupil_under_one_record(world: World) -> None:
    number = 10_004
    world.school.pupils[number] = replace(world.school.pupils[number], status="accepted", starts=date(2027, 9, 2))
    upn = world.school.pupils[number].upn

    def told() -> tuple[str, Status]:
        (found,) = [each for each in world.read().people if each.upn == upn]
        return found.key.record, found.status

    assert told() == ("student:4733010004", Status.FUTURE)
    world.school.pupils[number] = replace(world.school.pupils[number], status="on roll")
    assert told() == ("student:4733010004", Status.ON_ROLL)
    world.school.leaves(number, date(2026, 11, 2))
    assert told() == ("student:4733010004", Status.LEFT)


def test_a_status_nobody_has_heard_of_ends_the_read(world: World) -> None:
    with pytest.raises(Halt, match="'Registered'"):
        world.read(not_coming=[])


def test_teachers_lead_their_sets_and_hidden_sets_are_none(world: World) -> None:
    taught = [each for each in world.read().groups if each.kind is GroupKind.TEACHING]
    assert len(taught) == len(world.school.classes)
    assert all(each.leaders for each in taught)


def test_the_older_door_signs_in_too(world: World) -> None:
    assert len(world.read(token_path="Main/sso/idp/connect/token", scope="api").people) == world.people


def test_secrets_show_nowhere(world: World) -> None:
    source = world.connect(client_id="another")
    with pytest.raises(OnrollError, match="invalid_client") as caught:
        source.read()
    assert SECRET not in f"{source!r} {caught.value}"
    source.close()
    with pytest.raises(ValueError, match="this machine alone"):
        isams_rest.Settings(endpoint="https://x.isams.cloud", token="env:X")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="client_id and client_secret"):
        isams_rest.Settings(endpoint="https://x.isams.cloud", client_id="x")


def test_a_token_for_a_simulator_is_used_as_it_is(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONROLL_TEST_ISAMS_TOKEN", TOKEN)
    assert len(world.read(token="env:ONROLL_TEST_ISAMS_TOKEN").people) == world.people
    assert world.simulator.tokens == 0


def test_a_mutated_answer_never_makes_a_shorter_school(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONROLL_TEST_ISAMS_SECRET", SECRET)
    simulator = IsamsRest(with_comers_and_goers(milton_park(TODAY, 28, 8)))
    unruly = Unruly(simulator)
    with serve(unruly) as url:
        storm(unruly, lambda: World(simulator, unruly, url).read(page_size=12, sets=False), "isams_rest")
