"""OneRoster over REST: the contract, and what is special to it, against the simulator over loopback HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import pytest

from fuzz import storm
from onroll_connectors.sandbox.oneroster import CLIENT, KEY, SCHOOL, SECRET, OneRoster
from onroll_connectors.sandbox.school import milton_park, with_comers_and_goers
from onroll_connectors.sandbox.serving import serve
from onroll_connectors.sandbox.unruly import Unruly
from onroll_connectors.sources import oneroster
from onroll_connectors.testing import SourceContract
from onroll_core.contracts import Source
from onroll_core.errors import Halt, OnrollError, Unavailable
from onroll_core.people import GroupKind, Role
from same_school import assert_same_school
from source_world import NETWORK, HttpWorld
from world import DictMemory, context

TODAY = date(2026, 11, 24)
SENSITIVE = {"email", "phone", "sms", "password", "demographics", "birthDate", "sex", "pronouns"}
ROOTS = {"1.1": "/ims/oneroster/v1p1", "1.2": "/ims/oneroster/rostering/v1p2"}


@dataclass
class World(HttpWorld):
    """The school, the server, what may come between, and how onroll reaches it."""

    client: str = CLIENT

    def connect(self, **settings: Any) -> Source:
        version = settings.get("version", self.simulator.version)
        own = {
            "endpoint": self.url + ROOTS[version], "version": version, "client_id": self.client, "client_secret": "env:ONROLL_TEST_ONEROSTER",
            "token_url": f"{self.url}/oauth/token", "page_size": 50,
        }  # fmt: skip
        return oneroster.connect(
            oneroster.Settings(**(own | settings)), context("source", self.clock, memory=DictMemory())
        )

    def misbehave(self, how: str) -> bool:
        network = NETWORK | {"no permission": "forbidden"}
        own = {
            "empty": "empty", "repeated records": "repeat", "totals do not match": "short page", "broken second page": "dies",
            "shows nothing of one kind": "no staff",
        }  # fmt: skip
        known = self.misbehaves(how, own, network)
        self.client = "another" if how == "wrong credentials" else CLIENT
        return known or how == "wrong credentials"


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setenv("ONROLL_TEST_ONEROSTER", SECRET)
    monkeypatch.setenv("ONROLL_TEST_KEY", KEY)
    simulator = OneRoster(milton_park(TODAY, 120, 12))
    unruly = Unruly(simulator)
    with serve(unruly) as url:
        yield World(simulator, unruly, url)


class TestOneRoster(SourceContract):
    """What every source promises."""

    @pytest.fixture
    def source_world(self, world: World) -> World:
        return world


def test_the_school_is_the_same_by_version_12(world: World) -> None:
    with_comers_and_goers(world.school)
    assert_same_school(world.read(), world.school, oneroster.GIVES)


def test_version_11_has_no_legal_names_and_no_days(world: World) -> None:
    world.simulator.version = "1.1"
    told = replace(
        oneroster.GIVES, future=False, future_staff=False,
        untold_students=oneroster.GIVES.untold_students | {"legal_first", "legal_last", "starts", "ends"}, untold_staff=frozenset({"starts", "ends"}),
    )  # fmt: skip
    assert_same_school(world.read(), world.school, told)


@pytest.mark.parametrize(("counts", "links"), [(True, False), (False, True), (False, False)])
@pytest.mark.parametrize("most", [7, 500])
def test_pages_end_right_however_the_server_tells(world: World, counts: bool, links: bool, most: int) -> None:
    world.simulator.counts, world.simulator.links, world.simulator.most = counts, links, most
    assert len(world.read().people) == world.people


def test_oauth_1_signs_every_request(world: World) -> None:
    world.simulator.version, world.simulator.oauth1 = "1.1", True
    assert len(world.read(oauth="1", token_url="").people) == world.people
    with pytest.raises(Halt, match="refused onroll"):
        world.read(oauth="1", token_url="", client_id="another")


def test_sims_id_needs_more_in_its_token_and_its_headers(world: World) -> None:
    world.simulator.form, world.simulator.headers = {"acr_values": "orgselected:17"}, {"ocp-apim-subscription-key": KEY}
    with pytest.raises(Halt):
        world.read()
    more = {
        "token_form": {"acr_values": "orgselected:17"},
        "headers": {"Ocp-Apim-Subscription-Key": "env:ONROLL_TEST_KEY"},
    }
    assert len(world.read(**more).people) == world.people


def test_a_server_with_several_schools_needs_to_be_told_which(world: World) -> None:
    world.simulator.district = True
    with pytest.raises(Halt, match=r"s-1 \(Milton Park School\), s-2 \(Oakfield\)"):
        world.read()
    with pytest.raises(Halt, match="has no school s-9"):
        world.read(school="s-9")
    snapshot = world.read(school=SCHOOL)
    assert len(snapshot.people) == world.people
    assert not [each for each in snapshot.people if each.last == "Oakfield"]


def test_a_user_who_is_enrolled_and_not_told_of_ends_the_read(world: World) -> None:
    world.simulator.fault = "dangling"
    with pytest.raises(Unavailable, match="p-nobody"):
        world.read()


def test_a_collection_that_grows_is_read_again_later(world: World) -> None:
    world.simulator.fault = "grows"
    with pytest.raises(Unavailable, match="changed while it was read"):
        world.read()


def test_only_fields_that_the_job_needs_are_named(world: World) -> None:
    source = world.connect()
    assert source.check().good
    source.close()
    assert world.simulator.asked
    assert not world.simulator.asked & SENSITIVE
    assert world.read(fields=False).people


def test_guardians_are_read_where_the_school_asks(world: World) -> None:
    assert {each.role for each in world.read().people} == {Role.STUDENT, Role.STAFF}
    told = [each for each in world.read(contacts=True).people if each.role is Role.CONTACT]
    assert len(told) == len(world.school.contacts)
    assert sum(len(each.children or ()) for each in told) == len(world.school.pupils)


def test_homerooms_are_registration_groups_and_classes_of_last_year_are_none(world: World) -> None:
    groups = world.read().groups
    assert {each.kind for each in groups} == {GroupKind.YEAR, GroupKind.REGISTRATION, GroupKind.TEACHING}
    assert len([each for each in groups if each.kind is GroupKind.TEACHING]) == len(world.school.classes)
    assert world.read().academic_year == 2026


USER = {
    "sourcedId": "u-7", "status": "active", "dateLastModified": "2026-09-01T06:00:00.000Z", "enabledUser": "true", "username": "aexample",
    "userIds": [{"type": "UPN", "identifier": "H999900012001"}], "givenName": "Annabel", "familyName": "Example", "preferredFirstName": "Ann",
    "identifier": "001234", "email": "ann@school.example", "grades": ["07"],
    "roles": [{"roleType": "primary", "role": "student", "org": {"href": "x", "sourcedId": "s-1", "type": "org"}, "beginDate": "2023-09-01"}],
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"enabledUser": None}, "without enabledUser"), ({"status": "gone"}, "'gone'"), ({"roles": []}, "without an org or a role"), ({"sourcedId": 7.5}, "a sourcedId of users"),
        ({"roles": [{"role": "ext:prefect", "org": {"sourcedId": "s-1"}}]}, "ext:prefect"), ({"grades": "07"}, "no list"), ({"enabledUser": "perhaps"}, "true or false"),
    ],
)  # fmt: skip
def test_what_the_standard_does_not_have_is_a_sentence(change: dict[str, Any], says: str) -> None:
    from onroll_connectors.sandbox.serving import Request, Response

    def answer(request: Request) -> Response:
        name = request.path.rpartition("/")[2]
        return Response(200, {name: [USER | change] if name == "users" and request.query["offset"] == ["0"] else []})

    with serve(answer) as url, pytest.raises(OnrollError, match=says):
        source = oneroster.connect(oneroster.Settings(endpoint=url, token="env:PATH"), context("source"))  # type: ignore[arg-type]
        try:
            source.read()
        finally:
            source.close()


def test_a_role_of_the_schools_own_can_be_explained_and_flags_are_of_every_kind(world: World) -> None:
    from onroll_connectors.sandbox.serving import Request, Response

    teacher = USER | {
        "sourcedId": "u-8",
        "enabledUser": 1,
        "roles": [{"role": "ext:prefect", "org": {"sourcedId": "s-1"}}],
    }

    def answer(request: Request) -> Response:
        name = request.path.rpartition("/")[2]
        return Response(
            200,
            {
                name: [USER | {"enabledUser": True}, teacher]
                if name == "users" and request.query["offset"] == ["0"]
                else []
            },
        )

    with serve(answer) as url:
        settings = oneroster.Settings(endpoint=url, token="env:PATH", roles={"ext:prefect": "staff"})  # type: ignore[arg-type]
        source = oneroster.connect(settings, context("source"))
        ann, other = source.read().people
        source.close()
    assert (ann.first, ann.legal_first, ann.upn, ann.admission_number, ann.year_group) == (
        "Ann",
        "Annabel",
        "H999900012001",
        "001234",
        "07",
    )
    assert (other.role, other.starts, ann.starts) == (Role.STAFF, None, date(2023, 9, 1))


def test_secrets_show_nowhere(world: World) -> None:
    source = world.connect(client_id="another")
    with pytest.raises(OnrollError, match="invalid_client") as caught:
        source.read()
    assert SECRET not in f"{source!r} {caught.value}"
    source.close()
    for wrong, says in (
        ({"token": "env:X"}, "this machine alone"),
        ({"client_id": "x"}, "client_id and client_secret"),
        ({"client_id": "x", "client_secret": "env:X"}, "token_url"),
    ):
        with pytest.raises(ValueError, match=says):
            oneroster.Settings(endpoint="https://mis.example/v1p2", **wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_a_mutated_answer_never_makes_a_shorter_school(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    monkeypatch.setenv("ONROLL_TEST_ONEROSTER", SECRET)
    simulator = OneRoster(with_comers_and_goers(milton_park(TODAY, 28, 8)), version=version)
    simulator.school.classes = dict(list(simulator.school.classes.items())[:2])
    unruly = Unruly(simulator)
    with serve(unruly) as url:
        storm(unruly, lambda: World(simulator, unruly, url).read(page_size=30), f"oneroster {version}")
