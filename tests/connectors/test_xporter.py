"""Xporter on Demand: the contract, and what is special to it, against the simulator over loopback HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from fuzz import storm
from onroll_connectors.sandbox.school import milton_park, with_comers_and_goers
from onroll_connectors.sandbox.serving import Response, serve
from onroll_connectors.sandbox.unruly import Unruly
from onroll_connectors.sandbox.xporter import ESTAB, PARTY, SCOPES, SECRET, Xporter, upload
from onroll_connectors.sources import xporter
from onroll_connectors.sources.xporter_api import moment
from onroll_connectors.testing import SourceContract
from onroll_core.contracts import Source
from onroll_core.errors import Halt, OnrollError, Unavailable
from onroll_core.people import GroupKind, Role, Snapshot, Status
from onroll_core.years import Country, parse_stage
from same_school import assert_same_school
from source_world import HttpWorld
from world import context

TODAY = date(2026, 11, 24)
SENSITIVE = {"senprovision", "fsmeligible", "ethnicity", "religion", "dateofbirth", "addressblock", "ninumber", "homeemail", "mobilephone", "inleacare", "photos"}  # fmt: skip


@dataclass
class World(HttpWorld):
    """The school, its feed, what may come between, and how onroll reaches it."""

    party: str = PARTY

    def connect(self, country: str = "england", **settings: Any) -> Source:
        own = {
            "estab": ESTAB,
            "relying_party": self.party,
            "secret": "env:ONROLL_TEST_XPORTER",
            "endpoint": f"{self.url}/api/v1",
            "page_size": 50,
        }
        around = replace(context("source", self.clock, memory=self.memory), country=country)
        return xporter.connect(xporter.Settings(**(own | settings)), around)

    def read(self, country: str = "england", **settings: Any) -> Snapshot:
        source = self.connect(country, **settings)
        try:
            return source.read()
        finally:
            source.close()

    def misbehave(self, how: str) -> bool:
        own = {
            "empty": "empty", "repeated records": "repeat", "totals do not match": "short page", "shows nothing of one kind": "no staff",
            "broken second page": "grows",
        }  # fmt: skip
        known = self.misbehaves(how, own)
        self.simulator.scopes = SCOPES - {"Staff"} if how == "no permission" else SCOPES
        self.simulator.uploaded = upload(date(2026, 11, 1)) if how == "stale" else None
        self.party = "another.example" if how == "wrong credentials" else PARTY
        return known or how in ("no permission", "stale", "wrong credentials")


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setenv("ONROLL_TEST_XPORTER", SECRET)
    simulator = Xporter(milton_park(TODAY, 120, 12))
    unruly = Unruly(simulator)
    with serve(unruly) as url:
        yield World(simulator, unruly, url)


class TestXporter(SourceContract):
    """What every source promises."""

    @pytest.fixture
    def source_world(self, world: World) -> World:
        return world


@pytest.mark.parametrize("fault", ["", "prefixed"])
def test_the_school_is_the_same_by_this_route(world: World, fault: str) -> None:
    with_comers_and_goers(world.school)
    world.simulator.fault = fault
    assert_same_school(world.read(), world.school, xporter.GIVES)


def test_a_scottish_school_has_its_stages_and_candidate_numbers(world: World) -> None:
    world.simulator.scottish = True
    pupils = [each for each in world.read("scotland").people if each.role is Role.STUDENT]
    assert all(each.scn and len(each.scn) == 9 and each.upn is None for each in pupils)
    stages = {parse_stage(each.year_group, Country.SCOTLAND) for each in pupils}
    assert None not in stages
    assert {stage.label for stage in stages if stage} == {"P7", "S1", "S2", "S3", "S4", "S5", "S6"}


def test_a_pupil_to_come_has_the_year_in_which_they_start(world: World) -> None:
    """Other products took the present intake's year for them, and made wrong usernames."""
    number = 10_000
    world.school.pupils[number] = replace(
        world.school.pupils[number], status="accepted", starts=date(2027, 9, 2), year=8
    )
    (coming,) = [each for each in world.read().people if each.status is Status.FUTURE]
    assert (coming.year_group, coming.starts) == ("Year 8", date(2027, 9, 2))


def test_the_time_of_the_upload_is_the_time_of_the_feed(world: World) -> None:
    world.simulator.uploaded = datetime(2026, 11, 24, 2, 25, 6, 223000)
    fed = world.read().feed_time
    assert fed is not None
    assert fed.astimezone(UTC).replace(microsecond=0) == datetime(2026, 11, 24, 2, 25, 6, tzinfo=UTC)
    assert world.read().academic_year == 2026


def test_an_upload_that_has_stopped_is_refused(world: World) -> None:
    world.simulator.uploaded = upload(date(2026, 11, 10))
    with pytest.raises(Halt, match="10 November 2026"):
        world.read()
    assert world.read(max_age_days=0).people
    world.memory.clear()


def test_a_paused_authorisation_is_waited_for(world: World) -> None:
    world.simulator.fault = "paused"
    with pytest.raises(Unavailable, match="paused"):
        world.read()


def test_an_exception_inside_200_and_a_missing_key_are_no_answers(world: World) -> None:
    world.simulator.fault = "error"
    with pytest.raises(Unavailable, match="Something went wrong"):
        world.read()
    world.simulator.fault = "no key"
    with pytest.raises(Unavailable, match="a list of records"):
        world.read()


def test_a_token_for_another_school_is_refused(world: World) -> None:
    world.simulator.estab = "9990001"
    with pytest.raises(Halt, match="for the school 9990001"):
        world.read()


def test_scopes_that_are_missing_are_told_and_their_columns_are_not(world: World) -> None:
    world.simulator.scopes = SCOPES - {"UPN", "StudentExtended"}
    source = world.connect()
    told = " ".join(each.sentence for each in source.check().findings)
    source.close()
    assert "the scope UPN, which is for UPNs" in told
    assert "the scope StudentExtended, which is for legal names" in told
    assert {(each.upn, each.legal_first) for each in world.read().people if each.role is Role.STUDENT} == {(None, None)}
    world.simulator.scopes = SCOPES - {"Student"}
    with pytest.raises(Halt, match="has not given onroll the scope Student"):
        world.read()


def test_whoever_is_kept_out_for_data_protection_is_no_leaver(world: World) -> None:
    """They vanish from the feed; who was there before is told nothing of, and so stays."""
    number = 10_005
    before = next(each for each in world.read().people if each.key.record == f"student:{number}")
    world.simulator.excluded = frozenset({number, 99_999})
    now = [each for each in world.read().people if each.key == before.key]
    assert [(each.status, each.first, each.upn) for each in now] == [(Status.ON_ROLL, None, None)]
    assert len(world.read().people) == world.people  # and nobody is made of an Id that was never read


def test_only_columns_that_the_job_needs_are_asked_for(world: World) -> None:
    source = world.connect()
    assert source.check().good
    source.read()
    source.close()
    assert world.simulator.asked
    assert not world.simulator.asked & SENSITIVE


def test_contacts_are_read_where_the_school_asks(world: World) -> None:
    told = [each for each in world.read(contacts=True).people if each.role is Role.CONTACT]
    assert len(told) == len(world.school.contacts)
    assert sum(len(each.children or ()) for each in told) == len(world.school.pupils)


def test_memberships_that_are_over_are_none_and_tutors_lead_their_forms(world: World) -> None:
    groups = world.read().groups
    assert all(each.leaders for each in groups if each.kind in (GroupKind.REGISTRATION, GroupKind.TEACHING))
    assert len([each for each in groups if each.kind is GroupKind.TEACHING]) == len(world.school.classes)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2018-06-24T18:55:26.1852229Z", datetime(2018, 6, 24, 18, 55, 26, tzinfo=UTC)), ("2018-06-20T02:25:06.223", datetime(2018, 6, 20, 1, 25, 6, tzinfo=UTC)),
        ("2018-01-20T02:25:06", datetime(2018, 1, 20, 2, 25, 6, tzinfo=UTC)),
    ],
)  # fmt: skip
def test_times_have_any_number_of_digits_and_without_a_zone_are_the_schools(text: str, at: datetime) -> None:
    assert moment(text, "Europe/London").astimezone(UTC).replace(microsecond=0) == at
    for wrong in ("yesterday", "2018-13-01T00:00:00", "2018-01-01T00:00:00.12x"):
        with pytest.raises(Unavailable):
            moment(wrong, "Europe/London")


def test_secrets_show_nowhere(world: World) -> None:
    world.party = "another.example"
    source = world.connect()
    with pytest.raises(OnrollError, match="secret not correct") as caught:
        source.read()
    assert SECRET not in f"{source!r} {caught.value}"
    source.close()
    with pytest.raises(ValueError, match="this machine alone"):
        xporter.Settings(estab=ESTAB, token="env:X")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="relying_party and secret"):
        xporter.Settings(estab=ESTAB)


RECORDED = {
    "Id": "3116", "XID": "xAAAAA1", "ExternalId": "00000000-0000-4000-8000-000000003116", "IdaasId": "PL-3116", "Forename": "Albie", "Surname": "Example",
    "DisplayName": "Albie Example", "AdmissionNo": "001275", "Gender": "M", "RegGroupId": "188", "RegGroup": "4ES", "YearGroupId": "28",
    "YearGroup": "Year  4", "HouseGroupId": None, "HouseGroup": None, "WorkEmail": None, "IdaasEmail": None, "DateofBirth": "2009-01-12",
    "EnrolmentStatus": "C", "Boarder": 1, "LegalForename": "Albert", "LegalSurname": "Example", "EntryDate": "2012-09-01", "LeavingDate": None,
    "SENProvision": "K", "FSMEligible": 0, "ServiceChild": "0", "StudentStatus": "OnRoll", "LastUpdated": "2018-06-12T02:07:21.03",
}  # fmt: skip
STAFF = {
    "Id": "3116",
    "Title": "Mrs",
    "StaffCode": None,
    "StaffStatus": "Current",
    "Forename": "Tess",
    "Surname": "Sample",
    "WorkEmail": None,
}
NOTHING = {"Message": None, "ExceptionType": None, "ExceptionMessage": None, "InnerException": None}


def test_answers_as_the_real_server_gave_them() -> None:
    """Keys, nesting and quirks are recorded ones; the people are invented. A pupil and a teacher may have one Id."""
    meta = [{"Id": 1, "MIS": "simsnet", "Version": "4", "DateTime": "2026-11-24T02:25:06.223"}]
    paging = {
        "__pagination__": [
            {"PageSize": 500, "PageNumber": 1, "PageCount": 1, "RowCount": 0, "NextPage": "?page=2&pageSize=500"}
        ]
    }
    one = {"__pagination__": [paging["__pagination__"][0] | {"RowCount": 1}]}

    def answer(request: Any) -> Response:
        path, asked = request.path, request.query
        if path.endswith("TokenDetails"):
            return Response(
                200, {"Estab": ESTAB, "Scopes": ["Student", "StudentExtended", "Staff", "School"]} | NOTHING
            )
        if path.endswith("GDPRIDs"):
            return Response(
                200,
                {"GDPR": [{"IsOptIn": False, "StudentIds": [], "StaffIds": [], "ContactIds": [], "OtherIds": []}]}
                | NOTHING,
            )
        if path.endswith("SchoolInfo"):
            return Response(
                200,
                {"SchoolInfo": [{"Id": "1", "Name": "EXAMPLE", "CurrentAcademicYear": "2026"}], "meta": meta} | NOTHING,
            )
        if "Groups" in path:
            return Response(
                200,
                {"Group": [], "StaffMembers": [], "StudentMembers": [], "GroupTypes": [], "meta": meta}
                | paging
                | NOTHING,
            )
        if "Students" in path:
            rows = [RECORDED] if asked["studentStatus"] == ["OnRoll"] else []
            return Response(
                200, {"Students": rows, "StudentSiblings": [], "meta": meta} | (one if rows else paging) | NOTHING
            )
        rows = [STAFF] if asked["staffStatus"] == ["Current"] else []
        return Response(200, {"Staff": rows, "meta": meta} | (one if rows else paging) | NOTHING)

    with serve(answer) as url:
        source = xporter.connect(
            xporter.Settings(estab=ESTAB, token="env:PATH", endpoint=f"{url}/api/v1"), context("source")
        )  # type: ignore[arg-type]
        albie, tess = source.read().people
        source.close()
    assert (albie.key.record, albie.first, albie.legal_first, albie.admission_number) == (
        "student:3116",
        "Albie",
        "Albert",
        "001275",
    )
    assert (albie.year_group, albie.registration_group, albie.house, albie.enrolment, albie.starts) == (
        "Year 4",
        "4ES",
        None,
        "C",
        date(2012, 9, 1),
    )
    assert (tess.key.record, tess.staff_code, tess.first) == ("staff:3116", None, "Tess")


def test_a_mutated_answer_never_makes_a_shorter_school(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONROLL_TEST_XPORTER", SECRET)
    simulator = Xporter(with_comers_and_goers(milton_park(TODAY, 28, 8)))
    unruly = Unruly(simulator)
    with serve(unruly) as url:
        storm(unruly, lambda: World(simulator, unruly, url).read(page_size=12, groups=False), "xporter")
