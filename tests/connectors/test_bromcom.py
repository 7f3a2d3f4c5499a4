"""Bromcom's Partner API: the contract, its filters and pages, and the habits of its rows, against the simulator over loopback HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

import pytest

from fuzz import storm
from onroll_connectors.sandbox.bromcom import APPLICATION, SCHOOL, SECRET, TOKEN, Bromcom
from onroll_connectors.sandbox.bromcom_filter import Refused, compiled
from onroll_connectors.sandbox.bromcom_tables import Tables
from onroll_connectors.sandbox.school import milton_park, with_comers_and_goers
from onroll_connectors.sandbox.serving import Request, Response, serve
from onroll_connectors.sandbox.unruly import Unruly
from onroll_connectors.sources import bromcom
from onroll_connectors.sources.bromcom_rows import called, class_name, preferred
from onroll_connectors.testing import SourceContract
from onroll_core.contracts import Source
from onroll_core.errors import Halt, OnrollError, Unavailable
from onroll_core.people import GroupKind, Person, Role, Snapshot, Status
from same_school import assert_same_school
from source_world import HttpWorld
from world import DictMemory, context

TODAY = date(2026, 11, 24)
SENSITIVE = {
    "medical",
    "sen",
    "ethnic",
    "fsm",
    "photo",
    "behaviour",
    "attendance",
    "telephone",
    "address",
    "consent",
    "assessment",
}
NEEDED = frozenset(
    {"StudentFlatView", "Staff", "YearGroupSubjectStudents", "CollectionAssociates", "CollectionTimetables"}
)


@dataclass
class World(HttpWorld):
    """The school, the API in front of it, what may come between, and how onroll reaches it."""

    settings: dict[str, Any] = field(default_factory=dict)

    def connect(self, **settings: Any) -> Source:
        own = {"application_id": APPLICATION, "application_secret": "env:ONROLL_TEST_BROMCOM"}
        told = {"school": SCHOOL, "endpoint": f"{self.url}/v2"} | ({} if "token" in settings else own)
        return bromcom.connect(
            bromcom.Settings(**(told | self.settings | settings)), context("source", self.clock, memory=DictMemory())
        )

    def misbehave(self, how: str) -> bool:
        own = {
            "empty": "empty", "shows nothing of one kind": "no staff", "broken second page": "dies", "repeated records": "shifts",
        }  # fmt: skip
        known = self.misbehaves(how, own, drip=60)
        self.simulator.scopes, self.settings = None, {}
        if how in ("broken second page", "repeated records"):
            self.pages_of(50)
        if how == "no permission":
            self.simulator.scopes = NEEDED - {"Staff"}
        if how == "wrong credentials":
            self.settings = {"application_id": "another"}
        return known or how in ("no permission", "wrong credentials")

    def pages_of(self, rows: int) -> None:
        self.simulator.page_rows = rows
        self.settings = {"page_rows": rows}


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setenv("ONROLL_TEST_BROMCOM", SECRET)
    simulator = Bromcom(Tables(milton_park(TODAY, 120, 12)))
    unruly = Unruly(simulator)
    with serve(unruly) as url:
        yield World(simulator, unruly, url)


class TestBromcom(SourceContract):
    """What every source promises."""

    @pytest.fixture
    def source_world(self, world: World) -> World:
        return world


def student(snapshot: Snapshot, number: int) -> Person:
    return next(each for each in snapshot.people if each.key.record == f"student:{number}")


def test_the_school_is_the_same_by_this_route(world: World) -> None:
    with_comers_and_goers(world.school)
    assert_same_school(world.read(), world.school, bromcom.GIVES)


def test_the_timetable_tells_the_same_teachers_without_those_who_cover(world: World) -> None:
    assert_same_school(world.read(teachers="timetable"), world.school, bromcom.GIVES)
    assert "CollectionAssociates" not in dict(world.simulator.asked)
    world.read(teachers="collections")
    leaders = {each.leaders for each in world.read(teachers="none").groups if each.kind is GroupKind.TEACHING}
    assert leaders == {frozenset()}


def test_a_read_is_page_by_page_the_same(world: World) -> None:
    whole = world.read()
    world.pages_of(50)
    paged = world.read()
    assert (list(paged.people), list(paged.groups)) == (list(whole.people), list(whole.groups))
    asked = [each.query["entityFilter"][0] for each in world.unruly.log if each.path.endswith("StudentFlatView")]
    assert [each[-8:] for each in asked if "isnull" in each] == ["{page:0}", "{page:0}", "{page:1}", "{page:2}"]


def test_the_filter_and_the_page_are_one_value_as_bromcom_wants_it(world: World) -> None:
    world.read()
    first = world.unruly.log[0]
    assert first.path == "/v2/StudentFlatView"
    assert first.query["schoolId"] == ["20001"]
    assert first.query["entityFilter"] == [
        "enrolmentstartDate <='2026-11-24' and (enrolmentendDate>='2026-11-24' or isnull(enrolmentendDate,'')=''){page:0}"
    ]
    assert (first.headers["applicationid"], first.headers["applicationsecret"]) == (APPLICATION, SECRET)
    assert (
        dict(world.simulator.asked)["StudentFlatView"]
        == "enrolmentendDate <'2026-11-24' and enrolmentendDate>='2024-11-24'"
    )


def test_rows_that_come_twice_are_one_person_and_padding_is_gone(world: World) -> None:
    told = [each for each in world.read().people if each.role is Role.STUDENT]
    assert len(told) == len(world.school.pupils)
    known = world.school.pupils[10_003]
    one = student(world.read(), 10_003)
    assert (one.first, one.legal_first, one.upn, one.admission_number) == (
        known.first,
        known.legal_first,
        known.upn,
        known.admission_number,
    )
    assert (one.enrolment, one.dob) == ("C", None)
    assert student(world.read(dates_of_birth=True), 10_003).dob == known.born


@pytest.mark.parametrize("in_words", [False, True])
def test_enrolment_statuses_are_codes_whether_bromcom_writes_codes_or_words(world: World, in_words: bool) -> None:
    world.simulator.tables.text_statuses = in_words
    world.simulator.tables.enrolments = {10_001: "M", 10_002: "S", 10_003: "G"}
    snapshot = world.read()
    assert [student(snapshot, n).enrolment for n in (10_000, 10_001, 10_002, 10_003)] == ["C", "M", "S", "G"]


def test_an_enrolment_status_nobody_knows_ends_the_read_until_it_is_said(world: World) -> None:
    world.simulator.tables.enrolments = {10_001: "DUAL"}
    with pytest.raises(Halt, match=r'enrolments = \{ "DUAL" = "C" \}'):
        world.read()
    assert student(world.read(enrolments={"dual": "S"}), 10_001).enrolment == "S"


def test_who_left_and_came_back_is_one_pupil_on_roll(world: World) -> None:
    world.simulator.tables.again = {10_004: (date(2024, 9, 2), date(2026, 3, 1))}
    snapshot = world.read()
    assert (student(snapshot, 10_004).status, student(snapshot, 10_004).ends) == (Status.ON_ROLL, None)
    assert len(snapshot.people) == world.people
    world.school.pupils[10_004] = replace(world.school.pupils[10_004], starts=date(2027, 1, 5), status="accepted")
    assert student(world.read(), 10_004).status is Status.FUTURE


def test_a_pupil_whose_last_day_is_today_is_on_roll_and_gone_tomorrow(world: World) -> None:
    world.school.leaves(10_004, TODAY)
    assert student(world.read(), 10_004).status is Status.ON_ROLL
    world.clock.start += timedelta(days=1)
    assert student(world.read(), 10_004).status is Status.LEFT


def test_a_place_that_was_given_up_before_the_first_day_is_nobody_to_come(world: World) -> None:
    pupil = world.school.pupils[10_004]
    world.school.pupils[10_004] = replace(pupil, starts=date(2027, 9, 2), ends=date(2026, 12, 1), status="accepted")
    assert student(world.read(), 10_004).status is Status.LEFT


def test_leavers_are_read_as_far_back_as_the_school_says(world: World) -> None:
    world.school.leaves(10_004, date(2023, 7, 20))
    world.school.leaves(10_005, date(2025, 7, 20))
    assert {each.key.record for each in world.read().people if each.status is Status.LEFT} == {"student:10005"}
    assert len(world.read(leaver_years=0).people) == world.people - 2
    assert len(world.read(leaver_years=5).people) == world.people


def test_no_tutor_group_is_none(world: World) -> None:
    world.school.pupils[10_004] = replace(world.school.pupils[10_004], form="NoTutorGrp")
    snapshot = world.read()
    assert student(snapshot, 10_004).registration_group is None
    assert "NoTutorGrp" not in {each.name for each in snapshot.groups}


def test_classes_lose_the_year_after_their_name_and_what_is_over(world: World) -> None:
    names = {each.name for each in world.read().groups if each.kind is GroupKind.TEACHING}
    assert names == {each.name for each in world.school.classes.values()}


def test_staff_without_a_code_are_read_unless_the_school_says_otherwise(world: World) -> None:
    world.simulator.tables.codeless = frozenset({1_003})
    assert len(world.read().people) == world.people
    assert len(world.read(staff_without_code=False).people) == world.people - 1


def test_staff_go_by_the_names_they_prefer(world: World) -> None:
    world.simulator.tables.called = {1_003: ("Kit", "Marlowe")}
    one = next(each for each in world.read().people if each.key.record == "staff:1003")
    known = world.school.staff[1_003]
    assert (one.first, one.last, one.legal_first, one.legal_last) == ("Kit", "Marlowe", known.first, known.last)


def test_houses_are_read_where_the_school_names_their_entity(world: World) -> None:
    told = replace(bromcom.GIVES, groups=bromcom.GIVES.groups | {GroupKind.HOUSE}, untold_students=frozenset())
    assert_same_school(world.read(house_entity="HouseClasses"), world.school, told)


def test_contacts_are_read_where_the_school_asks_once_for_all_their_children(world: World) -> None:
    assert {each.role for each in world.read().people} == {Role.STUDENT, Role.STAFF}
    world.school.leaves(10_009, TODAY - timedelta(days=3))
    told = [each for each in world.read(contacts=True).people if each.role is Role.CONTACT]
    known = [each for each in world.school.contacts.values() if set(each.children) - {10_009}]
    assert sorted((each.first or "", each.last or "", len(each.children or ())) for each in told) == sorted(
        (each.first, each.last, len(set(each.children) - {10_009})) for each in known
    )


def test_a_contact_is_left_out_only_where_bromcom_says_no() -> None:
    for said, there in (
        ('"Yes"', 1),
        ('"yes "', 1),
        ("null", 1),
        ('"No"', 0),
        ("false", None),
        ("0", None),
        ('"Maybe"', None),
    ):
        row = ANN.replace('"contact1ParentalResponsibility":"Yes"', f'"contact1ParentalResponsibility":{said}')
        lists = {"StudentFlatView": [f'{{"success":true,"data":[{row}]}}', *WRITTEN["StudentFlatView"][1:]]}
        if there is None:
            with pytest.raises(Unavailable):
                answering(WRITTEN | lists, contacts=True)
        else:
            assert len(answering(WRITTEN | lists, contacts=True).people) == 2 + there
    nameless = ANN.replace('"Mrs J Example"', "null")
    lists = {"StudentFlatView": [f'{{"success":true,"data":[{nameless}]}}', *WRITTEN["StudentFlatView"][1:]]}
    (told,) = [each for each in answering(WRITTEN | lists, contacts=True).people if each.role is Role.CONTACT]
    assert (told.first, told.last) == (None, None)


def test_nothing_sensitive_is_asked_for(world: World) -> None:
    assert world.check().good
    world.read(contacts=True)
    assert not world.unruly.asked(SENSITIVE)


@pytest.mark.parametrize("entity", sorted(NEEDED))
def test_an_entity_that_is_not_ticked_is_named(world: World, entity: str) -> None:
    world.simulator.scopes = NEEDED - {entity}
    with pytest.raises(Halt, match=f"has not given onroll the entity {entity}"):
        world.read()
    assert [each for each in world.check().findings if each.level == "problem" and entity in each.sentence]


def test_what_is_switched_off_needs_no_permission(world: World) -> None:
    world.simulator.scopes = frozenset({"StudentFlatView", "Staff"})
    assert len(world.read(classes=False).people) == world.people
    assert world.check(classes=False).good


@pytest.mark.parametrize(
    ("fault", "kind", "says"),
    [
        ("not successful", Unavailable, "did not succeed in giving StudentFlatView: The entity could not be read"),
        ("no data", Unavailable, "a list of records"), ("empty", Halt, "no pupil on roll"), ("no staff", Halt, "no member of staff"),
        ("deaf", Unavailable, "did not hear the dates"),
    ],
)  # fmt: skip
def test_what_goes_wrong_is_told_apart(world: World, fault: str, kind: type[Exception], says: str) -> None:
    with_comers_and_goers(world.school)
    world.simulator.fault = fault
    with pytest.raises(kind, match=says):
        world.read()
    assert not world.check().good or fault == "deaf"


def test_rows_that_moved_while_they_were_read_end_the_read(world: World) -> None:
    world.pages_of(50)
    world.simulator.fault = "shifts"
    with pytest.raises(Unavailable, match="the same people on two pages of StudentFlatView"):
        world.read()


def test_secrets_show_nowhere(world: World) -> None:
    source = world.connect(application_id="another")
    with pytest.raises(Halt, match="application_secret is wrong") as caught:
        source.read()
    said = " ".join(each.sentence for each in source.check().findings)
    assert SECRET not in f"{source!r} {caught.value} {said} {source._settings!r}"  # type: ignore[attr-defined]
    source.close()


def test_settings_say_what_they_need() -> None:
    for told, says in (
        ({"token": "env:X"}, "this machine alone"), ({"application_id": "x"}, "application_id and application_secret"),
        ({"enrolments": {"a": "Z"}}, "Z is not one of"), ({"house_entity": "a b"}, "name of an entity"), ({"endpoint": "http://x.test"}, "https"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=says):
            bromcom.Settings(school=1, **told)  # type: ignore[arg-type]


def test_a_token_for_a_simulator_stands_in_place_of_the_secret(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONROLL_TEST_TOKEN", TOKEN)
    assert len(world.read(token="env:ONROLL_TEST_TOKEN").people) == world.people
    assert world.unruly.log[-1].headers["authorization"] == f"Bearer {TOKEN}"


ANN = """{"studentId":1042,"preferredFirstName":"Ann   ","preferredLastName":"Example   ","firstName":"Annabel","lastName":"Example",
 "genderCode":"F","dateOfBirth":"2012-01-05T00:00:00","studentEmail":"","upn":"H999900012001","examNumber":null,"admissionNumber":"001234",
 "enrolmentStateName":"C","yearGroup":"7","tutorGroupName":"7A   ","premiumPupilFlag":false,
 "contact1Name":"Mrs J Example","contact1Telephone":"07700 900000","contact1Email":"j@example.org","contact1Relationship":"Mother",
 "contact1ParentalResponsibility":"Yes","contact2Name":"Neigh Bour","contact2ParentalResponsibility":"No"}"""
STAFF = '{"staffId":7,"title":"Ms","preferredFirstName":null,"firstName":"Tess ","lastName":"Sample","staffCode":"TSA","workEmail":""}'
WRITTEN = {
    "StudentFlatView": [f'{{"success":true,"data":[{ANN},{ANN}]}}', '{"success":true,"data":[]}', '{"success":true,"data":[]}'],
    "Staff": [f'{{"success":true,"data":[{STAFF}]}}', '{"success":true,"data":[]}', '{"success":true,"data":[]}'],
    "CollectionAssociates": ['{"success":true,"data":[{"personID":1042,"collectionID":9,"collectionName":"7x/Ma1 (26/27) "}]}'],
    "CollectionTimetables": ['{"success":true,"data":[{"collectionID":9,"employeeID":7},{"collectionId":9,"employeeId":null}]}'],
    "YearGroupSubjectStudents": ['{"success":true,"data":[{"studentID":1042,"className":"7x/Ma1 (26/27)   ","subjectDescription":"Maths"}]}'],
}  # fmt: skip


def answering(written: dict[str, list[str]], **settings: Any) -> Snapshot:
    """A read of answers that are written out."""
    left = {entity: list(answers) for entity, answers in written.items()}

    def answer(request: Request) -> Response:
        return Response(
            200, left[request.path.removeprefix("/v2/")].pop(0).encode(), {"Content-Type": "application/json"}
        )

    with serve(answer) as url:
        told = bromcom.Settings(school=20001, endpoint=f"{url}/v2", token="env:PATH", **settings)  # type: ignore[arg-type]
        source = bromcom.connect(told, context("source"))
        try:
            return source.read()
        finally:
            source.close()


def test_an_answer_as_public_clients_read_it() -> None:
    """Names, types and habits of the fields are those that public clients read; the people are invented."""
    snapshot = answering(WRITTEN, contacts=True)
    ann, tess, mother = snapshot.people
    assert (ann.first, ann.last, ann.legal_first, ann.upn, ann.admission_number) == (
        "Ann",
        "Example",
        "Annabel",
        "H999900012001",
        "001234",
    )
    assert (ann.year_group, ann.registration_group, ann.starts, ann.status, ann.enrolment) == (
        "7",
        "7A",
        None,
        Status.ON_ROLL,
        "C",
    )
    assert (tess.first, tess.last, tess.staff_code, tess.key.record) == ("Tess", "Sample", "TSA", "staff:7")
    assert (mother.first, mother.last, mother.children) == ("J", "Example", ("student:1042",))
    (taught,) = [each for each in snapshot.groups if each.kind is GroupKind.TEACHING]
    assert (taught.name, taught.members, taught.leaders) == ("7x/Ma1", frozenset({ann.key}), frozenset({tess.key}))


@pytest.mark.parametrize(
    ("entity", "old", "new", "says"),
    [
        ("StudentFlatView", '"studentId":1042', '"studentId":"1O42"', "a whole number"),
        ("StudentFlatView", '"studentId":1042', '"id":1042', "nothing where a whole number"),
        ("StudentFlatView", '"studentId":1042', '"studentId":-1', "-1 where an id"),
        ("StudentFlatView", '"upn"', '"UPN":null,"upn"', "a column twice"),
        ("StudentFlatView", '"enrolmentStateName"', '"schoolID":20002,"enrolmentStateName"', "of the school 20002"),
        ("StudentFlatView", '"enrolmentStateName"', '"enrolmentEndDate":"2026-11-23T00:00:00","enrolmentStateName"', "did not hear"),
        ("StudentFlatView", '"enrolmentStateName"', '"enrolmentStartDate":"2026-11-25","enrolmentStateName"', "did not hear"),
        ("StudentFlatView", '"Annabel"', '["Annabel"]', "a text"), ("YearGroupSubjectStudents", '"7x/Ma1 (26/27)   "', '["7x"]', "the name of a class"),
        ("Staff", '"success":true', '"success":"true"', "did not succeed"),
        ("Staff", '"data":[', '"data":null,"x":[', "a list of records"), ("Staff", '"staffId":7', '"staffId":null', "a whole number"),
    ],
)  # fmt: skip
def test_a_row_of_another_shape_is_a_sentence(entity: str, old: str, new: str, says: str) -> None:
    changed = [each.replace(old, new) for each in WRITTEN[entity]]
    assert changed != WRITTEN[entity]
    with pytest.raises(OnrollError, match=says):
        answering(WRITTEN | {entity: changed})


def test_one_number_for_two_people_ends_the_read() -> None:
    two = f'{{"success":true,"data":[{ANN},{ANN.replace("Annabel", "Zoe")}]}}'
    with pytest.raises(Halt, match="student:1042 to two people"):
        answering(WRITTEN | {"StudentFlatView": [two, *WRITTEN["StudentFlatView"][1:]]})


def test_of_two_enrolments_on_one_list_the_own_one_counts_and_then_the_newest() -> None:
    def enrolled(state: str, starts: str, form: str) -> str:
        told = ANN.replace(
            '"enrolmentStateName":"C"', f'"enrolmentStateName":"{state}","enrolmentStartDate":"{starts}"'
        )
        return told.replace("7A   ", form)

    rows = [enrolled("S", "2026-11-01", "7B"), enrolled("C", "2025-09-01", "7C"), enrolled("M", "2026-09-01", "7D")]
    for order in (rows, rows[::-1]):
        whole = f'{{"success":true,"data":[{",".join(order)}]}}'
        (ann, _) = answering(WRITTEN | {"StudentFlatView": [whole, *WRITTEN["StudentFlatView"][1:]]}).people
        assert (ann.enrolment, ann.registration_group) == ("M", "7D")


def test_many_pupils_in_classes_who_are_on_no_list_show_that_a_list_was_short() -> None:
    def rows(numbers: range) -> list[str]:
        return [json.dumps({"success": True, "data": [{"studentId": n, "className": "7x"} for n in (1042, *numbers)]})]

    assert len(answering(WRITTEN | {"YearGroupSubjectStudents": rows(range(3))}).people) == 2
    with pytest.raises(Unavailable, match="4 pupils in classes who are on none"):
        answering(WRITTEN | {"YearGroupSubjectStudents": rows(range(4))})


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("Mrs J Example", "J", "Example"), ("Dr. Jane B C van Example", "Jane", "van Example"), ("Miss Example", None, "Example"),
        ("Jo Li", "Jo", "Li"), ("Mr", None, None), ("Jo B", "Jo", "B"), ("Frank Sir", "Frank", "Sir"),
    ],
)  # fmt: skip
def test_a_contacts_name_is_taken_apart(name: str, first: str | None, last: str | None) -> None:
    assert called(name) == (first, last)


@pytest.mark.parametrize(
    ("full", "told"),
    [
        ("Mr Al Smith", ("Al", "Smith")), ("Mary-Ann Le Smith", ("Mary-Ann Le", "Smith")), ("Alan Smith-Jones", ("Alan", "Smith-Jones")),
        ("Ms Kit Marlowe", ("Kit", "Marlowe")), ("A Smith", ("Alan", "Smith")), ("Smith, Al", ("Alan", "Smith")), ("Smith", ("Alan", "Smith")),
        ("Kit van Marlowe", ("Alan", "Smith")),
    ],
)  # fmt: skip
def test_a_preferred_full_name_is_believed_as_far_as_it_can_be_understood(full: str, told: tuple[str, str]) -> None:
    assert preferred(full, "Alan", "Smith") == told


def test_only_an_academic_year_is_taken_off_a_class() -> None:
    assert [class_name(each) for each in ("7x/Ma1 (26/27)  ", "Band (A)", "  ", " (26/27)", None)] == [
        "7x/Ma1",
        "Band (A)",
        None,
        None,
        None,
    ]


def test_the_simulators_filter_is_bromcoms_grammar() -> None:
    rows: list[dict[str, Any]] = [
        {"a": 1, "d": "2026-11-24T00:00:00", "e": None},
        {"a": 2, "d": "2026-11-25T00:00:00", "e": "x  "},
    ]

    def let_through(text: str, sql: bool = False) -> list[int]:
        heard = compiled(text, ["a", "d", "e"], TODAY, sql)
        return [row["a"] for row in rows if heard(row)]

    assert let_through("A=1 or a=2") == [1, 2]
    assert let_through("d<='2026-11-24' and (a=2 or isnull(e,'')='')") == [1]
    assert let_through("d >'2026-11-24' and e='X'") == [2]
    assert let_through("GETDATE() BETWEEN d AND ISNULL(e, GETDATE())", sql=True) == [1]
    assert let_through("e IS NOT NULL AND e LIKE 'X%'", sql=True) == [2]
    for wrong in ("b=1", "a=", "a=1 and", "a=1 a", "e is null", "a ~ 1", "(a=1", "a 1"):
        with pytest.raises(Refused):
            compiled(wrong, ["a", "d", "e"], TODAY)


def test_a_mutated_answer_never_makes_a_shorter_school(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONROLL_TEST_BROMCOM", SECRET)
    simulator = Bromcom(Tables(with_comers_and_goers(milton_park(TODAY, 28, 8))))
    unruly = Unruly(simulator)
    with serve(unruly) as url:
        storm(unruly, lambda: World(simulator, unruly, url).read(contacts=True, house_entity="HouseClasses"), "bromcom")
