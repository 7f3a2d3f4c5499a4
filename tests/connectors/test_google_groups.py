"""Google Groups: what every target that has groups promises, what is special to Google's, and how many calls it takes."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator

import pytest

from google_classes import SCHOOL, School, lesson
from google_world import World, applied, opened
from onroll_connectors.group_marks import described, mark, marked
from onroll_connectors.sandbox.google_quota import Quotas
from onroll_connectors.sandbox.google_state import Group, Lag
from onroll_connectors.sandbox.serving import Faults
from onroll_connectors.targets.google_marks import alias
from onroll_connectors.testing import TargetContract
from onroll_connectors.testing_groups import TargetGroupContract
from onroll_core.accounts import Anchor
from onroll_core.changes import AddMember, Deferred, Rejected, RemoveMember, UpdateGroup
from onroll_core.contracts import Scope
from onroll_core.people import GroupKind, Role, SourceKey

FOUL = (403, 429, 500, 503)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with opened(monkeypatch) as world:
        world.groups = frozenset(GroupKind)
        yield world


@pytest.fixture
def school(world: World) -> School:
    school = School(world)
    school.enrol("ada", "ben", "cleo")
    school.enrol("tess", "theo", role=Role.STAFF)
    return school


def the(world: World, name: str) -> Group:
    """The Google Group that is called `name`."""
    (found,) = (group for group in world.google.state.groups.values() if group.name == name)
    return found


class TestGroups(TargetGroupContract):
    """No delays, no faults."""


class TestGroupsInFoulWeather(TargetGroupContract):
    """Google's own quotas and delays, and one request in twelve fails, a third of those after the work was done."""

    @pytest.fixture
    def world(self, world: World) -> World:
        world.google.lag = Lag.usual()
        world.google.quotas = Quotas()
        world.google.faults = Faults(rate=0.06, statuses=FOUL, random=random.Random(11))
        world.google.part_faults = Faults(rate=0.08, statuses=FOUL, random=random.Random(12))
        return world


class TestAccountsBesideGroups(TargetContract):
    """People are kept as ever where groups are switched on."""


def test_a_class_is_a_group_with_an_address_and_its_teachers_own_it(school: School) -> None:
    wanted = lesson("7A/Ma1", ["ada", "ben"], ["tess", "theo"])
    applied(school.night(wanted))
    group = the(school.world, "7A/Ma1")
    assert group.email == "mp-7a-ma1@school.test"
    roles = {school.anchor("ada"): "MEMBER", school.anchor("ben"): "MEMBER"}
    roles |= {school.anchor("tess"): "OWNER", school.anchor("theo"): "OWNER"}
    assert group.members == roles
    assert school.quiet(wanted)


def test_groups_may_have_addresses_of_their_own_domain(school: School) -> None:
    school.world.google.state.domains["groups.school.test"] = False
    school.world.settings = {"group_domain": "groups.school.test"}
    applied(school.night(lesson("7A", ["ada"])))
    assert the(school.world, "7A").email == "mp-7a@groups.school.test"


def test_a_september_takes_one_call_a_group_and_one_a_membership(school: School) -> None:
    names = [f"pupil{number}" for number in range(60)]
    school.enrol(*names)
    wanted = [lesson(f"7A/{number}", names[number : number + 25], ["tess"]) for number in range(30)]
    start = len(school.world.google.calls)
    outcomes = applied(school.night(*wanted))
    assert len(outcomes) == 30 * 27
    done = Counter(school.calls(start))
    assert (done["directory.groups.insert"], done["directory.members.insert"]) == (30, 30 * 26)
    reads = sum(done.values()) - 30 * 27
    assert reads <= 6, "users, deleted users, org units and groups, each read once, whatever is made"
    # Then a few people move: one call each, and the members of our groups are read once a group.
    start = len(school.world.google.calls)
    wanted = [lesson(f"7A/{number}", names[number + 1 : number + 26], ["tess"]) for number in range(30)]
    applied(school.night(*wanted))
    done = Counter(school.calls(start))
    assert (done["directory.members.insert"], done["directory.members.delete"]) == (30, 30)
    assert done["directory.members.list"] == 30
    assert school.quiet(*wanted)


def test_the_quota_of_a_minute_is_kept_and_used(school: School) -> None:
    names = [f"pupil{number}" for number in range(100)]
    school.enrol(*names)
    school.world.google.quotas = Quotas()
    start = school.world.clock.at
    applied(school.night(*(lesson(f"7A/{number}", names) for number in range(12))))
    assert school.world.google.quotas.refused == {}
    assert 1200 / (school.world.clock.at - start) / 40 >= 0.9


def test_of_nobody_elses_groups_is_anybody_read_and_of_none_where_groups_are_off(school: School) -> None:
    school.world.google.add_group("choir@school.test", "Choir").members[school.anchor("ada")] = "MEMBER"
    applied(school.night(lesson("7A", ["ada"])))
    start = len(school.world.google.calls)
    assert school.seen().keys() == {"7A"}
    assert school.calls(start).count("directory.members.list") == 1
    school.world.groups = frozenset()
    start = len(school.world.google.calls)
    observed = school.world.connect().observe(Scope(SCHOOL))
    assert (observed.groups, school.calls(start).count("directory.members.list")) == ({}, 0)
    assert observed.names["choir@school.test"].what == "the group Choir"


def test_a_class_that_is_over_keeps_its_people_and_they_are_not_read_again(school: School) -> None:
    live, over = lesson("7A", ["ada"], ["tess"]), lesson("7A", ["ada"], ["tess"], name="7A 2025-26", archived=True)
    applied(school.night(live))
    the(school.world, "7A").description += "\nRoom 12, Tuesdays"
    applied(school.night(over))
    group = the(school.world, "7A 2025-26")
    assert group.description.splitlines()[0] == "Room 12, Tuesdays"
    assert marked(group.description) == (SourceKey(SCHOOL, "teaching:7a"), True)
    assert len(group.members) == 2
    assert school.quiet(over)
    start = len(school.world.google.calls)
    seen = school.seen()["7A 2025-26"]
    assert (seen.archived, seen.members, seen.owners) == (True, {school.anchor("ada")}, {school.anchor("tess")})
    assert school.calls(start).count("directory.members.list") == 0
    # Somebody is taken out of it by hand; when the class is held again, that is put right one night later.
    del group.members[school.anchor("ada")]
    applied(school.night(live))
    applied(school.night(live))
    assert school.anchor("ada") in the(school.world, "7A").members
    assert school.quiet(live)


def test_next_years_class_of_the_same_name_gets_another_address(school: School) -> None:
    last, over = lesson("7A", ["ada"]), lesson("7A", ["ada"], name="7A 2025-26", archived=True)
    applied(school.night(last))
    following = lesson("7A", ["ben"], key=SourceKey(SCHOOL, "teaching:x91"))
    applied(school.night(over, following))
    assert the(school.world, "7A 2025-26").email == "mp-7a@school.test"
    assert the(school.world, "7A").email == "mp-7a-x91@school.test"
    assert school.quiet(over, following)


def test_a_teacher_who_becomes_a_member_and_a_member_who_becomes_a_teacher_stay_in_the_group(school: School) -> None:
    applied(school.night(lesson("Staff", ["tess"], ["theo"])))
    start = len(school.world.google.calls)
    after = lesson("Staff", ["theo"], ["tess"])
    applied(school.night(after))
    assert the(school.world, "Staff").members == {school.anchor("tess"): "OWNER", school.anchor("theo"): "MEMBER"}
    done = Counter(school.calls(start))
    assert (done["directory.members.update"], done["directory.members.delete"]) == (2, 0)
    assert school.quiet(after)


def test_a_manager_made_by_hand_is_left_one(school: School) -> None:
    wanted = lesson("Staff", ["tess"], ["theo"])
    applied(school.night(wanted))
    there = the(school.world, "Staff")
    there.members[school.anchor("tess")] = "MANAGER"
    assert school.quiet(wanted)
    target = school.world.connect()
    target.observe(Scope(SCHOOL))
    tess = next(who for who in school.people.values() if who.username == "tess")
    applied(list(target.perform([AddMember(wanted.key, Anchor(there.id), "Staff", tess, "is in it")])))
    assert there.members[school.anchor("tess")] == "MANAGER"


def test_a_conflict_is_carried_out_by_google_a_moment_later(school: School) -> None:
    school.world.google.groups.conflicts = 2
    wanted = lesson("7A", ["ada", "ben", "cleo"])
    notes = [outcome.note for outcome in applied(school.night(wanted))]
    assert notes.count("Google carries it out in a moment") == 2
    assert school.quiet(wanted)


def test_somebody_who_only_asked_to_join_is_put_in(school: School) -> None:
    applied(school.night(lesson("7A", ["ada"])))
    the(school.world, "7A").pending.add(school.anchor("ben"))
    wanted = lesson("7A", ["ada", "ben"])
    applied(school.night(wanted))
    assert the(school.world, "7A").members[school.anchor("ben")] == "MEMBER"
    assert school.quiet(wanted)


def test_a_group_that_a_pupil_describes_like_ours_is_not_ours(school: School) -> None:
    key = lesson("7A").key
    trap = school.world.google.add_group("trap@school.test", "Trap")
    trap.description, trap.by_admin = described("", key), False
    wanted = lesson("7A", ["ada"], ["tess"])
    applied(school.night(wanted))
    assert trap.members == {}
    assert the(school.world, "7A").id != trap.id
    assert school.quiet(wanted)


def test_an_owner_who_empties_the_description_is_told_which_line_to_put_back(school: School) -> None:
    wanted = lesson("7A", ["ada"])
    applied(school.night(wanted))
    group = the(school.world, "7A")
    line, group.description = group.description, "Our class"
    created, added = school.night(wanted)
    assert isinstance(created, Rejected)
    assert mark(wanted.key) in created.why
    assert isinstance(added, Rejected)
    assert "7A" in added.why
    (outcome,) = school.world.do(UpdateGroup(wanted.key, Anchor(group.id), "7A", "7B", "renamed"))
    assert isinstance(outcome, Rejected)
    assert group.name == "7A"
    group.description = f"Our class\n{line}"
    assert school.quiet(wanted)


@pytest.mark.parametrize(("name", "address"), [("7A", "other"), ("Other", "mp-7a")])
def test_a_group_made_by_hand_keeps_its_name_and_its_address(school: School, name: str, address: str) -> None:
    school.world.group_by_hand(name, address)
    created, added = school.night(lesson("7A", ["ada"]))
    assert isinstance(created, Rejected)
    assert name in created.why
    assert isinstance(added, Rejected)
    assert len(school.world.google.state.groups) == 1
    assert the(school.world, name).members == {}


def test_a_users_address_is_no_groups(school: School) -> None:
    school.world.google.add_user("mp-7a@school.test", "Mp", "Seven")
    created, _ = school.night(lesson("7A", ["ada"]))
    assert isinstance(created, Rejected)
    assert "the user mp-7a@school.test" in created.why


def test_what_google_refuses_is_said_in_sentences(school: School) -> None:
    long, foreign = lesson("7A " + "x" * 80, ["ada"], address="mp-long"), lesson("7B", ["ben"])
    created, added = school.night(long)
    assert isinstance(created, Rejected)
    assert "75 characters" in created.why
    assert isinstance(added, Rejected)
    school.world.settings = {"group_domain": "elsewhere.test"}
    created, _ = school.night(foreign)
    assert isinstance(created, Rejected)
    assert "group_domain" in created.why
    school.world.settings = {}
    school.world.google.denied = {"directory.groups.insert"}
    created, _ = school.night(foreign)
    assert isinstance(created, Rejected)
    assert "Groups Admin" in created.why


def test_somebody_whose_account_is_gone_stops_nobody(school: School) -> None:
    applied(school.night(lesson("7A", ["ada"])))
    target = school.world.connect()
    target.observe(Scope(SCHOOL))
    group = Anchor(the(school.world, "7A").id)
    school.world.google.writes.delete(school.anchor("ben"))
    key, people = lesson("7A").key, school.people
    ben, cleo = (next(who for who in people.values() if who.username == name) for name in ("ben", "cleo"))
    gone, done = target.perform([AddMember(key, group, "7A", ben, "x"), AddMember(key, group, "7A", cleo, "x")])
    assert isinstance(gone, Rejected)
    assert "not in Google Workspace any more" in gone.why
    applied([done])


def test_a_group_of_another_class_is_not_emptied_by_mistake(school: School) -> None:
    applied(school.night(lesson("7A", ["ada"])))
    ada = next(who for who in school.people.values() if who.username == "ada")
    group = Anchor(the(school.world, "7A").id)
    (outcome,) = school.world.do(RemoveMember(SourceKey(SCHOOL, "teaching:other"), group, "Other", ada, "left"))
    assert isinstance(outcome, Rejected)
    assert "no longer carries" in outcome.why
    assert len(the(school.world, "7A").members) == 1


def test_a_year_of_classes_is_made_once_whatever_google_answers(school: School) -> None:
    school.world.google.lag = Lag.usual()
    school.world.google.part_faults = Faults(rate=0.3, statuses=FOUL, after=0.5, random=random.Random(4))
    wanted = [lesson(f"7A/{number}", ["ada", "ben", "cleo"], ["tess"]) for number in range(25)]
    applied(school.night(*wanted))
    assert len(school.world.google.state.groups) == 25
    school.world.google.part_faults = Faults()
    assert school.quiet(*wanted)


def test_a_run_that_is_cut_off_goes_on_the_next_night(school: School) -> None:
    wanted = [lesson(f"7A/{number}", ["ada", "ben", "cleo"], ["tess"]) for number in range(20)]
    calls = school.world.google.calls
    school.world.stopping = lambda: len(calls) > 40
    first = school.night(*wanted)
    assert any(not hasattr(outcome, "anchor") for outcome in first)
    school.world.stopping = lambda: False
    school.world.settle()
    applied(school.night(*wanted))
    assert len(school.world.google.state.groups) == 20
    assert school.quiet(*wanted)


def test_an_address_that_nobody_shows_waits_for_the_next_night(school: School) -> None:
    school.world.google.state.addresses["mp-7a@school.test"] = "somebody deleted a moment ago"
    created, added = school.night(lesson("7A", ["ada"]))
    assert isinstance(created, Deferred)
    assert isinstance(added, Deferred)
    assert "mp-7a@school.test is taken" in created.why


@pytest.mark.parametrize("record", ["teaching:1", "house:Red House", "registration:7/A", "a_b%5F", "Ægir\n7"])
def test_what_a_group_carries_is_read_as_it_was_written(record: str) -> None:
    key = SourceKey("milton-park", record)
    for archived in (False, True):
        assert marked(described("Room 12\nMrs Smith", key, archived)) == (key, archived)
    assert described(described("Room 12", key), key, True).splitlines()[0] == "Room 12"
    assert marked("onroll: what is it?") is None
    assert alias(key) != alias(SourceKey("milton-park", record + "_"))


def test_aliases_of_courses_are_never_shared() -> None:
    keys = [
        SourceKey("a", "b/c"),
        SourceKey("a", "b_2Fc"),
        SourceKey("a", "b%2Fc"),
        SourceKey("a", "b c"),
        SourceKey("a", "b.c"),
    ]
    assert len({alias(key) for key in keys}) == len(keys)
    assert all(set(alias(key)) <= set("abcdefghijklmnopqrstuvwxyzABCDEF0123456789_-.:~") for key in keys)
