"""What becomes of each kind of change in Google Workspace, and of what Google refuses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from google_world import DAY, World, applied, opened, operations
from onroll_connectors.sandbox.google_state import Lag
from onroll_connectors.testing import everything, pupil
from onroll_core.accounts import Anchor
from onroll_core.changes import (
    Applied,
    Change,
    Create,
    Disable,
    Enable,
    Link,
    Move,
    Naming,
    Outcome,
    Rejected,
    Rename,
    Update,
)
from onroll_core.contracts import Scope
from onroll_core.errors import Halt


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with opened(monkeypatch) as world:
        yield world


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


def test_a_deleted_account_that_no_longer_shows_whose_it_is_is_restored_by_its_id(world: World) -> None:
    anchor = world.made("maja")
    world.google.writes.delete(anchor)
    world.google.keeps_ids = False
    seen = world.connect().observe(Scope("milton-park", frozenset({anchor})))
    assert seen.deleted == {anchor}
    applied(world.do(Enable(pupil("maja", anchor), "came back", restore=True)))
    assert world.google.user("maja@school.test").id == anchor


def test_a_deleted_account_whose_address_was_given_away_is_not_restored(world: World) -> None:
    anchor = world.made("maja")
    world.google.writes.delete(anchor)
    world.stranger("maja")
    (outcome,) = world.do(Enable(pupil("maja", anchor), "came back", restore=True))
    assert isinstance(outcome, Rejected)
    assert "given to somebody else" in outcome.why


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
    applied(world.do(Rename(pupil("maja", anchor), one, replace(two, aliases=frozenset({one.email})), "married")))
    back = replace(one, aliases=frozenset({two.email}))
    applied(world.do(Rename(pupil("maja", anchor), replace(two, aliases=frozenset({one.email})), back, "asked for")))
    user = world.google.user("maja@school.test")
    assert (user.id, list(user.aliases)) == (anchor, ["m.smith@school.test"])


@pytest.mark.parametrize("lag", [0, 500])
def test_an_address_that_must_not_follow_somebody_is_taken_away(world: World, lag: int) -> None:
    world.google.lag = Lag(alias=lag)
    anchor = world.made("maja", aliases=frozenset({"m@school.test"}))
    one, two = Naming("maja@school.test", "maja@school.test"), Naming("max@school.test", "max@school.test")
    keeping = frozenset({"m@school.test"})
    change = Rename(pupil("maja", anchor), replace(one, aliases=keeping), replace(two, aliases=keeping), "asked for")
    applied(world.do(change))
    assert list(world.google.user("max@school.test").aliases) == ["m@school.test"]
    assert world.connect().observe(Scope("milton-park")).accounts[anchor].aliases == {"m@school.test"}
    gone = Update(pupil("maja", anchor), {"aliases": ("m@school.test",)}, {"aliases": ()}, "must not follow them")
    applied(world.do(gone))
    applied(world.do(gone))
    assert list(world.google.user("max@school.test").aliases) == []


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


def test_the_temporary_password_is_one_and_must_be_changed(world: World) -> None:
    world.made("maja")
    user = world.google.user("maja@school.test")
    assert user.password == world.passwords.made["maja"]
    assert user.told["changePasswordAtNextLogin"] is True
