"""People are found by any part of a name or number, in pages and by what they are; and what waits and what was done is counted, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import create_engine, text

import onroll_core.store.engine
from builders import DOMAIN, NOON, SCHOOL, pupil, teacher
from onroll_core.accounts import Anchor, IdentityId
from onroll_core.changes import Conflict, Disable, Who
from onroll_core.groups.known import KnownGroup
from onroll_core.identities import Bond, Identity, State
from onroll_core.people import GroupKind, Person, Role, SourceKey
from onroll_core.plan import Plan
from onroll_core.store import Store
from onroll_core.store.lookup import GroupFacet


def known(number: int, person: Person, **other: object) -> Identity:
    values: dict[str, object] = {"username": f"user{number}", "email": f"user{number}@{DOMAIN}", "state": State.ACTIVE}
    return Identity(IdentityId(f"id{number:06}"), SCHOOL, person.role, person, **(values | other))  # type: ignore[arg-type]


def elsewhere(number: int, person: Person, school: str = "oakdown") -> Identity:
    person = replace(person, key=SourceKey(school, person.key.record))
    return replace(known(number, person), school=school)


@pytest.fixture
def full(store: Store) -> Store:
    """Six people of one school, and one of another."""
    people = [
        known(1, pupil("p1", "Harry", "Potter", "Year  9", upn="H801200001001", registration_group="9A")),
        known(2, pupil("p2", "Hermione", "Granger", "Year 9", registration_group="9B"), aliases=frozenset({f"bossy@{DOMAIN}"})),
        known(3, pupil("p3", "Zoë", "O'Neil-Hart", "Year 10", registration_group="10A")),
        known(4, pupil("p4", "Tom", "Riddle", "Year 11"), state=State.LEFT, suspended="by the head"),
        known(5, teacher("s1", "Severus", "Snape", staff_code="SNP"), source="manual"),
        known(6, pupil("p6", None, None), username=None, email=None, waiting="No letters are left of the name.", proposal="pupil6"),
    ]  # fmt: skip
    store.remember(None, [*people, elsewhere(7, pupil("p7", "Luna", "Lovegood", "Year 9"))], NOON)
    return store


def found(store: Store, text: str = "", **asked: object) -> list[str]:
    page = store.lookup.search([SCHOOL], text, **asked)  # type: ignore[arg-type]
    assert page.total == len(page.people)
    return [each.id[-1] for each in page.people]


def test_words_are_parts_of_names_addresses_and_numbers_in_any_order(full: Store) -> None:
    assert found(full, "h") == ["2", "3", "1"]  # by surname: Granger, O'Neil-Hart, Potter (and not the other school's)
    assert found(full, "har") == ["3", "1"]
    assert found(full, "HARRY potter") == found(full, "Potter, Harry") == found(full, "h801200001001") == ["1"]
    assert found(full, "o'neil-hart zoe") == found(full, "Zoë") == ["3"]
    assert found(full, f"bossy@{DOMAIN}") == ["2"]
    assert found(full, "snp") == found(full, "user5") == ["5"]
    assert found(full, "harry granger") == []
    assert found(full, "<script>alert(1)</script>") == found(full, "%") == found(full, "!!!") == []
    assert len(found(full, "   ")) == 6


def test_everybody_is_filtered_by_what_they_are(full: Store) -> None:
    assert found(full, role="staff") == ["5"]
    assert found(full, year_group="Year 9") == ["2", "1"]
    assert found(full, year_group="Year 9", registration="9A") == ["1"]
    assert found(full, state="left") == found(full, by_hand=True) == ["4"]
    assert found(full, source="manual") == ["5"]
    assert found(full, waiting=True) == ["6"]
    assert found(full, "user", role="student", state="active") == ["2", "3", "1"]


def test_a_group_gives_its_members_and_leaders(full: Store) -> None:
    group = KnownGroup(
        SourceKey(SCHOOL, "potions"), GroupKind.TEACHING, "9A/Po1", frozenset({IdentityId("id000001")}), frozenset({IdentityId("id000005")}), 2026
    )  # fmt: skip
    full.remember_groups(SCHOOL, [group, replace(group, key=SourceKey(SCHOOL, "old"), name="old", archived=True)])
    assert found(full, group=group.key) == ["1", "5"]
    assert found(full, "snape", group=group.key) == ["5"]
    assert found(full, group=SourceKey(SCHOOL, "nothing")) == []
    (facet,) = full.lookup.facets([SCHOOL]).groups
    assert (facet.key, facet.name, facet.members) == (group.key, "9A/Po1", 1)


def test_pages_follow_each_other_without_a_gap(full: Store) -> None:
    whole = [each.id for each in full.lookup.search([SCHOOL, "oakdown"], limit=None).people]
    pages = [full.lookup.search([SCHOOL, "oakdown"], limit=3, offset=each) for each in (0, 3, 6, 9)]
    assert [each.id for page in pages for each in page.people] == whole
    assert [page.total for page in pages] == [7, 7, 7, 7]
    assert full.lookup.search([], "h").total == 0


def test_a_guest_is_found_at_the_school_that_has_them_on_roll(full: Store) -> None:
    luna = full.identity(IdentityId("id000007"))
    assert luna is not None
    guest = replace(
        luna, school=SCHOOL, host="oakdown", person=replace(luna.person, key=SourceKey(SCHOOL, "student:guest"))
    )
    full.guests.remember(None, SCHOOL, "Milton Park School", [(guest, True)], NOON)
    assert found(full, "luna") == ["7"]
    full.guests.remember(None, SCHOOL, "Milton Park School", [(guest, False)], NOON)
    assert found(full, "luna") == []


def test_facets_and_counts_agree_with_the_people(full: Store) -> None:
    facets = full.lookup.facets([SCHOOL])
    assert facets.years == {"Year 9": 2, "Year 10": 1, "Year 11": 1, "Year 7": 1}
    assert facets.registrations == {"9A": 1, "9B": 1, "10A": 1}
    assert facets.roles == {"student": 5, "staff": 1}
    assert facets.states == {"active": 5, "left": 1}
    assert facets.sources == {"mis": 5, "manual": 1}
    counts = full.lookup.counts([SCHOOL, "oakdown", "empty"])
    assert (counts[SCHOOL].now, counts[SCHOOL].away, counts[SCHOOL].waiting) == ({"student": 4, "staff": 1}, 1, 1)
    assert (counts["oakdown"].people, counts["empty"].people) == (1, 0)


def test_what_is_listed_follows_a_change_of_name_and_year(full: Store) -> None:
    harry = full.identity(IdentityId("id000001"))
    assert harry is not None
    full.remember(None, [replace(harry, person=replace(harry.person, last="Weasley", year_group="Year 10"))], NOON)
    assert found(full, year_group="Year 10") == ["3", "1"]
    assert found(full, "h")[-1] == "1"


def test_people_who_were_known_before_are_listed_after_an_upgrade(
    empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.open(empty_url, lambda: NOON)
    store.remember(None, [known(1, pupil("p1", "Harry", "Potter", "Year  9", registration_group="9A"))], NOON)
    store.close()
    engine = create_engine(empty_url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        for index in ("people_by_kind", "names_that_wait", "people_listed"):
            connection.execute(text(f"DROP INDEX IF EXISTS {index}"))
        for column in ("sort_name", "year_group", "registration_group"):
            connection.execute(text(f"ALTER TABLE identities DROP COLUMN {column}"))
        connection.execute(text("UPDATE alembic_version SET version_num = '0006'"))
    engine.dispose()
    assert onroll_core.store.engine.HEAD > "0006"
    store = Store.open(empty_url, lambda: NOON)
    assert found(store, year_group="Year 9", registration="9A") == ["1"]
    assert store.lookup.facets([SCHOOL]).years == {"Year 9": 1}
    store.close()


def test_a_very_long_name_is_kept_and_found(store: Store) -> None:
    """An index of PostgreSQL holds 2,700 characters, and a hostile export is longer."""
    long = pupil("p1", "李" * 190, "Ж" * 5000, "Year 9 " + "x" * 5000, registration_group="y" * 5000)
    many = frozenset(f"{'z' * 50}{each}@{DOMAIN}" for each in range(60))
    store.remember(None, [known(1, long, aliases=many)], NOON)
    assert found(store, "zzz59") == ["1"]


def test_the_last_weeks_are_told_day_by_day_in_the_schools_zone(store: Store) -> None:
    def ran(at: datetime, status: str, **summary: object) -> None:
        store.end_run(store.start_run(SCHOOL, "sync", at), status, summary, at)

    day = datetime(2026, 6, 10, 19, 30, tzinfo=UTC)
    created = {"verdict": "cleared", "created": 2, "updated": 1, "failed": 1}
    ran(day, "done", people={"joiners": 3, "leavers": 1}, targets={"ad": created, "google": created | {"updated": 0}})
    ran(day + timedelta(hours=3, minutes=45), "held")  # 00:15 on the 11th in London
    ran(day + timedelta(days=1), "unread", error="The MIS did not answer.")
    ran(day - timedelta(days=9), "failed")
    store.start_run(SCHOOL, "sync", day)  # goes on
    first, second, third = store.lookup.weeks(SCHOOL, date(2026, 6, 10), date(2026, 6, 12), ZoneInfo("Europe/London"))
    assert (first.day, first.runs, first.joiners, first.leavers, first.failed) == (date(2026, 6, 10), 1, 3, 1, 0)
    assert first.changes == {"created": 4, "updated": 1}
    assert (second.runs, second.held, second.unread) == (2, 1, 1)
    assert (third.day, third.runs) == (date(2026, 6, 12), 0)


def test_names_and_conflicts_of_the_last_whole_run_wait_for_a_person(full: Store) -> None:
    def ran(strangers: tuple[Conflict, ...], **summary: object) -> None:
        run = full.start_run(SCHOOL, "apply", NOON)
        full.keep_plan(run, Plan("ad", SCHOOL, (), strangers), "cleared", (), NOON)
        full.end_run(run, "done", {"targets": {"ad": {}}} | summary, NOON)

    stranger = Conflict(IdentityId("id000001"), "A stranger holds user1.", "user1")
    ran((replace(stranger, why="That of an earlier night."),))
    ran((stranger,), conflicts=["Two records may be one person."])
    ran((), only_people=["id000002"])
    waits = full.lookup.waiting_for_a_person([SCHOOL, "oakdown"])
    assert [(each.what, each.why, each.target, each.label) for each in waits] == [
        ("name", "No letters are left of the name.", "", "pupil6"),
        ("conflict", "Two records may be one person.", "", ""),
        ("conflict", "A stranger holds user1.", "ad", "user1"),
    ]


def test_one_person_is_told_without_anybody_else(full: Store) -> None:
    harry, hermione = IdentityId("id000001"), IdentityId("id000002")
    full.bond_all("ad", {harry: Bond(Anchor("one"), True), hermione: Bond(Anchor("two"), None)}, NOON)
    full.handed_out(full.start_run(SCHOOL, "passwords", NOON), [harry], "Ann", NOON)
    (account,) = full.lookup.accounts(harry)
    assert (account.target, account.anchor, account.enabled, account.since[:10]) == ("ad", "one", True, "2026-11-24")
    assert full.lookup.handed_out(harry) == ("2026-11-24T12:00:00+00:00", "Ann")
    assert full.lookup.handed_out(hermione) is None
    changes = [Disable(Who(each, "user", Role.STUDENT, Anchor(each)), "x") for each in (harry, hermione)]
    full.keep_plan(full.start_run(SCHOOL, "sync", NOON), Plan("ad", SCHOOL, changes), "held", ["Too many."], NOON)
    plan = full.lookup.last_plans(SCHOOL, ["ad", "google"], harry)["ad"]
    assert (plan["verdict"], plan["objections"], len(plan["changes"])) == ("held", ["Too many."], 1)
    assert "google" not in full.lookup.last_plans(SCHOOL, ["ad", "google"], harry)


def test_what_is_held_for_everybody_is_told_although_one_person_was_brought_into_line_since(full: Store) -> None:
    def ran(kind: str, *people: str, **summary: object) -> None:
        run = full.start_run(SCHOOL, kind, NOON)
        changes = [Disable(Who(IdentityId(each), "user", Role.STUDENT, Anchor(each)), "x") for each in people]
        verdict = "held" if len(people) > 1 else "cleared"
        full.keep_plan(run, Plan("ad", SCHOOL, changes), verdict, ["Too many."] if verdict == "held" else (), NOON)
        full.end_run(run, "done", {"targets": {"ad": {}}} | summary, NOON)

    def told() -> tuple[str, int, int]:
        last = full.last_plan(SCHOOL, "ad")
        mine = full.lookup.last_plans(SCHOOL, ["ad"], IdentityId("id000001"))["ad"]
        assert last is not None
        assert (mine["verdict"], mine["objections"], mine["digest"]) == (last["verdict"], last["objections"], last["digest"])  # fmt: skip
        return last["verdict"], len(last["changes"]), len(mine["changes"])

    ran("sync", "id000001", "id000002")
    ran("apply", "id000001", only_people=["id000001"])
    assert told() == ("held", 2, 1)
    ran("undo", "id000002")
    assert told() == ("held", 2, 1)
    ran("apply", "id000003", notices=['A note that says "only_people": it is no key.'])
    assert told() == ("cleared", 1, 0)


def test_the_groups_that_matter_to_one_person_are_theirs_their_namesakes_and_those_in_doubt(full: Store) -> None:
    harry = IdentityId("id000001")

    def group(record: str, name: str, *members: str, **other: object) -> KnownGroup:
        who = frozenset(map(IdentityId, members))
        return KnownGroup(SourceKey(SCHOOL, record), GroupKind.TEACHING, name, who, **other)  # type: ignore[arg-type]

    theirs, same, doubt = (
        group("b", "9A/Po", harry),
        group("c", "9a/po", "id000002"),
        group("d", "X", doubt="Half left."),
    )
    led, other = group("e", "9A/Ch", leaders=frozenset({harry})), group("f", "9B/Po", "id0000011")
    full.remember_groups(SCHOOL, [theirs, same, doubt, led, other])
    assert sorted(full.lookup.groups_about(SCHOOL, harry), key=lambda each: each.key) == [theirs, same, doubt, led]
    # Somebody without a class: one is given all the same, so that it can be said what holds for classes.
    full.remember_groups(SCHOOL, [replace(doubt, doubt="")])
    assert full.lookup.groups_about(SCHOOL, IdentityId("id000003")) == [theirs, same]
    assert full.lookup.group(theirs.key) == GroupFacet(theirs.key, GroupKind.TEACHING, "9A/Po", 1)
    assert full.lookup.group(SourceKey("oakdown", "b")) is None
    assert full.lookup.facets([SCHOOL], most_groups=4).groups == ()
