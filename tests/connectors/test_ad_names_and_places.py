"""Whose name it is and where an account lies: strangers, identities, notes, places, in both directories."""

from __future__ import annotations

import pytest

from directories import Embedded, RealDomain, Watched, creates, made, wrapped
from onroll_connectors.targets.ad_wire import Add, Request
from onroll_connectors.testing import everything, pupil
from onroll_core.changes import (
    Applied,
    Disable,
    Enable,
    Link,
    Naming,
    Rejected,
    Rename,
    Update,
)
from onroll_core.contracts import Scope
from onroll_core.errors import Halt

SCOPE = Scope("milton-park")


@pytest.fixture
def world(directory_world: Embedded) -> Embedded:
    return directory_world


@pytest.mark.parametrize(
    ("theirs", "named"),
    [
        ({"sAMAccountName": "maja"}, "maja"),
        ({"sAMAccountName": "MAJA"}, "maja"),
        ({"userPrincipalName": "maja@school.test"}, "maja@school.test"),
        ({"mail": "Maja@School.test"}, "maja@school.test"),
        ({"proxyAddresses": "smtp:maja@school.test"}, "maja@school.test"),
    ],
)
@pytest.mark.parametrize("observed", [False, True], ids=["unobserved", "observed"])
def test_a_stranger_who_holds_any_name_is_named_and_left_alone(
    world: Embedded, theirs: dict[str, str], named: str, observed: bool
) -> None:
    world.stranger("stan", **theirs)
    target = world.connect()
    if observed:
        target.observe(SCOPE)
    (outcome,) = everything(target, creates(target, world, "maja"))
    target.close()
    assert isinstance(outcome, Rejected), outcome
    assert f"the name {named} is held by the user " in outcome.why
    assert outcome.why.endswith(".")
    assert world.count() == 1


def test_a_group_with_the_name_is_a_stranger_too_and_stands_in_the_ledger(world: Embedded) -> None:
    world.raw(
        "CN=Choir", {"objectClass": ["top", "group"], "sAMAccountName": ["choir"], "mail": ["singers@school.test"]}
    )
    world.raw(
        "CN=Plumber", {"objectClass": ["top", "person", "organizationalPerson", "contact"], "mail": ["pipes@out.test"]}
    )
    target = world.connect()
    seen = target.observe(SCOPE)
    assert seen.names["choir"].what == "the group choir"
    assert seen.names["singers@school.test"].what == "the group choir"
    assert seen.names["pipes@out.test"].what.startswith("the contact CN=Plumber")
    assert seen.accounts == {}
    (outcome,) = everything(target, creates(target, world, "choir"))
    assert isinstance(outcome, Rejected)
    assert "the group choir" in outcome.why
    target.close()


def test_a_stranger_who_comes_between_looking_and_writing_is_left_alone(world: Embedded) -> None:
    target = world.connect()
    target.observe(SCOPE)
    world.stranger("maja")
    (outcome,) = everything(target, creates(target, world, "maja"))
    assert isinstance(outcome, Rejected), outcome
    assert f"the user maja (CN=Stan maja,{world.base})" in outcome.why
    target.close()


def test_names_that_differ_by_an_accent_alone_are_one_name_to_windows(world: Embedded) -> None:
    world.stranger("zoë")
    target = world.connect()
    seen = target.observe(SCOPE)
    assert {"zoë", "zoe", "zoe@school.test"} <= seen.names.keys()
    (outcome,) = everything(target, creates(target, world, "zoe"))
    assert isinstance(outcome, Rejected), outcome
    target.close()


def test_a_rename_onto_a_strangers_name_is_refused_with_the_strangers_name(world: Embedded) -> None:
    (anchor,) = made(world, "maja")
    world.stranger("smith")
    after = Naming("smith", "smith@school.test", frozenset({"maja@school.test"}))
    rename = Rename(pupil("maja", anchor), Naming("maja", "maja@school.test"), after, "asked for")
    for observed in (False, True):
        target = world.connect()
        if observed:
            target.observe(SCOPE)
        (outcome,) = everything(target, [rename])
        target.close()
        assert isinstance(outcome, Rejected), outcome
        assert "the name smith is held by the user smith" in outcome.why
    assert world.value("maja", "mail") == ["maja@school.test"]


@pytest.mark.parametrize("theirs", [{"mail": "smith@school.test"}, {"proxyAddresses": "smtp:smith@school.test"}])
@pytest.mark.parametrize("observed", [False, True], ids=["unobserved", "observed"])
def test_an_address_that_a_stranger_gets_post_at_is_not_taken_by_a_rename(
    world: Embedded, theirs: dict[str, str], observed: bool
) -> None:
    (anchor,) = made(world, "maja")
    world.stranger("stan", **theirs)
    after = Naming("smith", "smith@school.test", frozenset({"maja@school.test"}))
    target = world.connect()
    if observed:
        target.observe(SCOPE)
    (outcome,) = everything(
        target, [Rename(pupil("maja", anchor), Naming("maja", "maja@school.test"), after, "asked for")]
    )
    target.close()
    assert isinstance(outcome, Rejected), outcome
    assert "the name smith@school.test is held by the user stan" in outcome.why
    assert world.value("maja", "mail") == ["maja@school.test"]


def test_a_namesake_of_another_night_is_known_before_the_server_refuses(world: Embedded) -> None:
    made(world, "hp", display_name="Harry Potter")
    asked: list[Request] = []
    target = wrapped(world.connect(), lambda wire: Watched(wire, asked))
    target.observe(SCOPE)
    everything(target, creates(target, world, "hp1", display_name="HARRY Pötter"))
    target.close()
    (add,) = [each for each in asked if isinstance(each, Add)]
    assert add.dn.startswith("CN=HARRY Pötter (hp1),")


def test_a_cn_that_something_else_has_is_stepped_aside_from(world: Embedded) -> None:
    target = world.connect()
    target.observe(SCOPE)
    everything(target, creates(target, world, "ada"))
    target.close()
    parent = world.value("ada", "dn")[0].partition(",")[2]
    late = world.connect()
    late.observe(SCOPE)
    world.stranger("stan")
    world.move("stan", parent)
    (outcome,) = everything(late, creates(late, world, "stan1", display_name="Stan stan"))
    assert isinstance(outcome, Applied), outcome
    assert world.value("stan1", "cn") == ["Stan stan (stan1)"]
    assert world.value("stan1", "displayName") == ["Stan stan"]
    late.close()


def test_an_identity_that_is_there_under_another_name_is_not_made_again(world: Embedded) -> None:
    world.stranger("old", employeeID=pupil("maja").identity)
    for observed in (False, True):
        target = world.connect()
        if observed:
            target.observe(SCOPE)
        (outcome,) = everything(target, creates(target, world, "maja"))
        assert isinstance(outcome, Applied), outcome
        assert target.observe(SCOPE).owners == {outcome.anchor: pupil("maja").identity}
        target.close()
    assert world.count() == 1


def test_an_identity_that_two_objects_carry_is_reported_with_both(world: Embedded) -> None:
    for login in ("one", "two"):
        world.stranger(login, employeeID="same")
    target = world.connect()
    seen = target.observe(SCOPE)
    target.close()
    assert list(seen.owners.values()) == ["same", "same"]
    assert len(seen.accounts) == 2


# --- where things are ---


def test_an_account_that_somebody_moved_out_of_the_base_is_found_by_its_guid(world: Embedded) -> None:
    staying, leaving = made(world, "ada", "zoe")
    world.move("zoe", world.base)
    target = world.connect()
    target.base = target.names_base = f"OU=Students,{world.base}"
    seen = target.observe(Scope("milton-park", frozenset({staying, leaving})))
    assert seen.accounts[leaving].place is None
    assert seen.accounts[leaving].login == "zoe"
    assert seen.owners[leaving] == pupil("zoe").identity
    assert "zoe@school.test" in seen.names
    assert set(target.observe(SCOPE).accounts) == {staying}
    target.close()


def test_an_identity_that_cannot_be_seen_any_more_stops_the_run(world: Embedded) -> None:
    anchors = made(world, "ada", "zoe", "maja")
    target = world.connect(identity_attribute="employeeNumber")
    with pytest.raises(Halt, match="None of the 3 accounts .* shows its employeeNumber"):
        target.observe(Scope("milton-park", frozenset(anchors)))
    target.close()


def test_an_account_that_lost_its_identity_is_still_disabled_and_given_it_back(world: Embedded) -> None:
    first, second, third = made(world, "ada", "zoe", "maja")
    world.change("zoe", {"employeeID": []})
    target = world.connect()
    (blind,) = everything(target, [Disable(pupil("zoe", second), "left")])
    assert isinstance(blind, Rejected), "nobody saw that it had none"
    assert second not in target.observe(Scope("milton-park", frozenset({first, second, third}))).owners
    off, linked = everything(target, [Disable(pupil("zoe", second), "left"), Link(pupil("zoe", second), "lost")])
    assert isinstance(off, Applied), off
    assert isinstance(linked, Applied), linked
    assert target.observe(SCOPE).owners[second] == pupil("zoe").identity
    assert not world.enabled("zoe")
    target.close()


def test_what_people_wrote_in_the_note_stays_to_the_letter(world: Embedded) -> None:
    (anchor,) = made(world, "maja")
    for note in ("Allergic to nuts; ring 01632 960000.", "x" * 1020):
        world.change("maja", {"info": [note]})
        target = world.connect()
        everything(target, [Disable(pupil("maja", anchor), "left on 21 July 2026")])
        assert note in world.there.objects[anchor].values["info"][0].decode() if type(world) is Embedded else True
        everything(target, [Enable(pupil("maja", anchor), "on roll")])
        target.close()
        assert world.value("maja", "info") == [note]


def test_a_reason_of_two_lines_is_one_line_in_the_note(world: Embedded) -> None:
    (anchor,) = made(world, "maja")
    target = world.connect()
    everything(target, [Disable(pupil("maja", anchor), "left\r\nsmith")])
    everything(target, [Enable(pupil("maja", anchor), "on roll")])
    target.close()
    assert world.value("maja", "info") == []


def test_an_attribute_that_was_not_given_to_us_is_not_written(world: Embedded) -> None:
    (anchor,) = made(world, "maja")
    target = world.connect(write=["department"])
    refused, applied = everything(
        target,
        [
            Update(pupil("maja", anchor), {}, {"userAccountControl": "66048"}, "x"),
            Update(pupil("maja", anchor), {}, {"department": "Year 7"}, "x"),
        ],
    )
    target.close()
    assert isinstance(refused, Rejected)
    assert "userAccountControl" in refused.why
    assert isinstance(applied, Applied)
    assert world.value("maja", "userAccountControl") == ["512"]


def test_a_place_that_cannot_be_made_refuses_only_those_who_should_go_there(world: Embedded) -> None:
    target = world.connect()
    changes = [
        *creates(target, world, "ada", place="Students/" + "x" * 65),
        *creates(target, world, "maja", place="Students/a//b"),
        *creates(target, world, "zoe", place="Students/2020"),
    ]
    long, empty, good = everything(target, changes)
    target.close()
    assert isinstance(long, Rejected)
    assert isinstance(empty, Rejected)
    assert isinstance(good, Applied), good


def test_more_than_a_page_is_read_to_the_end(world: Embedded) -> None:
    target = world.connect()
    target.observe(SCOPE)
    count = 1100 if type(world) is Embedded else 530
    if isinstance(world, RealDomain):
        world.samba.ldap(
            "ldapadd",
            stdin="\n".join(
                f"dn: CN=p{n},{world.base}\nobjectClass: user\nsAMAccountName: p{n}\nemployeeID: i{n}\n"
                for n in range(count)
            ),
        )
    else:
        for n in range(count):
            world.raw(
                f"CN=p{n}",
                {
                    "objectClass": ["top", "person", "organizationalPerson", "user"],
                    "sAMAccountName": [f"p{n}"],
                    "employeeID": [f"i{n}"],
                },
            )
    seen = target.observe(SCOPE)
    target.close()
    assert set(seen.owners.values()) == {f"i{n}" for n in range(count)}
