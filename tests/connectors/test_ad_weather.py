"""Active Directory in foul weather: connections that break at any write, strangers, rights that are missing, policies that refuse."""

from __future__ import annotations

from functools import partial

import pytest

from directories import Embedded, Flaky, RealDomain, Watched, wrapped
from onroll_connectors.targets.ad_target import ActiveDirectory
from onroll_connectors.targets.ad_wire import Answer, Request, Search, Wire
from onroll_connectors.testing import account_of, everything, pupil
from onroll_core.accounts import Anchor
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
    Rejected,
    Rename,
    Update,
)
from onroll_core.contracts import Scope
from onroll_core.errors import Halt, Unavailable
from samba import Samba
from world import context

SCOPE = Scope("milton-park")


@pytest.fixture
def world(directory_world: Embedded) -> Embedded:
    return directory_world


def creates(target: ActiveDirectory, world: Embedded, *names: str, **other: object) -> list[Change]:
    return [Create(pupil(name), account_of(target, world.domain, name, **other), "on roll") for name in names]


def made(world: Embedded, *names: str, **other: object) -> list[Anchor]:
    target = world.connect()
    outcomes = everything(target, creates(target, world, *names, **other))
    target.close()
    assert all(isinstance(each, Applied) for each in outcomes), outcomes
    return [each.anchor for each in outcomes if isinstance(each, Applied) and each.anchor is not None]


@pytest.mark.parametrize("carried_out", [False, True], ids=["lost before", "lost after"])
@pytest.mark.parametrize("at", [1, 2, 3, 5, 8, 10])
def test_a_connection_that_breaks_at_any_write_makes_nobody_twice(world: Embedded, at: int, carried_out: bool) -> None:
    observed = at % 2 == 1
    names = [f"p{n}" for n in range(8)]
    target = wrapped(world.connect(), partial(Flaky, at=at, carried_out=carried_out))
    if observed:
        target.observe(SCOPE)
    outcomes = everything(target, creates(target, world, *names))
    assert [type(each) for each in outcomes] == [Applied] * 8, outcomes
    assert world.count() == 8
    seen = target.observe(SCOPE)
    assert {seen.owners[each.anchor] for each in outcomes if isinstance(each, Applied) and each.anchor} == {
        pupil(name).identity for name in names
    }
    assert {each.display_name for each in seen.accounts.values()} == {f"{name.title()} Örsted-O'Neil" for name in names}
    target.close()


@pytest.mark.parametrize("carried_out", [False, True], ids=["lost before", "lost after"])
@pytest.mark.parametrize("at", [1, 2, 3, 4, 5])
def test_a_connection_that_breaks_changes_nobody_by_half(world: Embedded, at: int, carried_out: bool) -> None:
    first, second = made(world, "maja", "zoe")
    world.change("zoe", {"info": ["Spoke to her mother."]})
    after = Naming("maja.smith", "maja.smith@school.test", frozenset({"maja@school.test"}))
    target = wrapped(world.connect(), partial(Flaky, at=at, carried_out=carried_out))
    outcomes = everything(
        target,
        [
            Disable(pupil("zoe", second), "left on 21 July 2026"),
            Rename(pupil("maja", first), Naming("maja", "maja@school.test"), after, "asked for"),
            Update(pupil("maja", first), {}, {"display_name": "Maja Smith", "family": "Smith"}, "married"),
            Move(pupil("maja", first), "Students/2019", "Students/2020", "moved up"),
        ],
    )
    assert [type(each) for each in outcomes] == [Applied] * 4, outcomes
    seen = target.observe(SCOPE).accounts
    assert (seen[first].login, seen[first].place, seen[first].display_name) == (
        "maja.smith",
        "Students/2020",
        "Maja Smith",
    )
    assert seen[first].aliases == {"maja@school.test"}
    assert world.value("maja.smith", "cn") == ["Maja Smith"]
    assert not seen[second].enabled
    assert "".join(world.value("zoe", "info")).count("Disabled by onroll") == 1
    target.close()


def test_a_connection_that_breaks_twice_ends_the_run_and_the_next_one_finishes(world: Embedded) -> None:
    names = [f"p{n}" for n in range(5)]
    breaks = [partial(Flaky, at=3, carried_out=True), partial(Flaky, at=2, carried_out=True)]
    target = wrapped(world.connect(), *breaks)
    done = []
    with pytest.raises(Unavailable, match=r"broke again .*\.$"):
        for outcome in target.perform(creates(target, world, *names)):
            done.append(outcome)
    target.close()
    assert all(isinstance(each, Applied) for each in done)
    again = world.connect()
    assert all(isinstance(each, Applied) for each in everything(again, creates(again, world, *names)))
    assert world.count() == 5
    again.close()


def test_another_domain_controller_is_not_taken_for_the_first(world: Embedded) -> None:
    class Elsewhere(Watched):
        def receive(self, ticket: int) -> Answer:
            answer = self.wire.receive(ticket)
            for entry in answer.entries:
                if "dsservicename" in entry.values:
                    entry.values["dsservicename"] = [b"CN=NTDS Settings,CN=DC2"]  # type: ignore[index]
            return answer

    def elsewhere(wire: Wire) -> Wire:
        return Elsewhere(wire, [])

    target = wrapped(world.connect(), partial(Flaky, at=3, carried_out=False), elsewhere)
    with pytest.raises(Unavailable, match="another domain controller"):
        list(target.perform(creates(target, world, "ada", "zoe")))
    target.close()


def test_a_read_whose_connection_breaks_is_read_again_from_the_beginning_or_not_at_all(world: Embedded) -> None:
    made(world, "ada", "zoe")

    class Cut(Watched):
        def receive(self, ticket: int) -> Answer:
            from onroll_connectors.targets.ad_wire import Lost

            if len(self.asked) == 3:
                raise Lost("The connection to Active Directory broke.")
            return self.wire.receive(ticket)

    target = wrapped(world.connect(), lambda wire: Cut(wire, []))
    assert len(target.observe(SCOPE).accounts) == 2
    target.close()


def test_nothing_but_a_single_object_is_ever_searched_for_without_pages(world: Embedded) -> None:
    asked: list[Request] = []
    target = wrapped(world.connect(), lambda wire: Watched(wire, asked))
    everything(target, creates(target, world, "ada", "zoe"))
    target.observe(SCOPE)
    target.check()
    target.close()
    searches = [each for each in asked if isinstance(each, Search)]
    assert searches
    assert all(each.scope == "BASE" or 0 < each.page <= 1000 for each in searches)


def test_a_night_with_nothing_to_do_is_one_read_and_no_write(world: Embedded) -> None:
    anchors = made(world, "ada", "zoe")
    asked: list[Request] = []
    target = wrapped(world.connect(), lambda wire: Watched(wire, asked))
    target.observe(Scope("milton-park", frozenset(anchors)))
    target.close()
    assert all(isinstance(each, Search) for each in asked)
    assert sum(isinstance(each, Search) and each.scope == "SUBTREE" for each in asked) == 1


# --- strangers, and names ---


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


# --- policies and rights ---


def test_a_password_that_the_policy_refuses_is_a_sentence_and_nobody_is_made(world: Embedded) -> None:
    target = world.connect()
    short = context("ad", passwords=lambda forbidden: "Sh0rt!")  # type: ignore[arg-type]
    target.context = short
    (outcome,) = everything(target, creates(target, world, "maja"))
    assert isinstance(outcome, Rejected), outcome
    assert "password policy refused" in outcome.why
    assert world.count() == 0
    target.close()


def test_a_password_with_the_name_in_it_is_never_sent(world: Embedded) -> None:
    target = world.connect()
    target.context = context("ad", passwords=lambda forbidden: "xX1!-Maja-1234567890abcd")  # type: ignore[arg-type]
    (outcome,) = everything(target, creates(target, world, "maja"))
    assert isinstance(outcome, Rejected), outcome
    assert "held a part of the name" in outcome.why
    assert world.count() == 0
    target.close()


def test_a_stranger_without_a_password_cannot_be_enabled_and_the_sentence_says_why() -> None:
    world = Embedded()  # Samba enables it, Windows does not
    world.stranger("stan", employeeID=pupil("stan").identity)
    target = world.connect()
    (anchor,) = target.observe(SCOPE).accounts
    (outcome,) = everything(target, [Enable(pupil("stan", anchor), "on roll")])
    target.close()
    assert isinstance(outcome, Rejected), outcome
    assert "has no password" in outcome.why
    assert not world.enabled("stan")


def test_a_right_that_is_missing_is_a_sentence_and_the_others_go_on(samba: Samba, school_ou: str) -> None:
    world = RealDomain(samba=samba)
    inside = f"OU=Ours,{world.base}"
    samba.ldap(
        "ldapadd",
        stdin=f"dn: {inside}\nobjectClass: organizationalUnit\n\ndn: OU=Theirs,{world.base}\nobjectClass: organizationalUnit\n",
    )
    login, password = "svc-onroll", "Serv1ce-Account!"
    samba.samba_tool("user", "create", login, password)
    try:
        sid = samba.values(f"(sAMAccountName={login})", "objectSid")[0]
        samba.samba_tool("dsacl", "set", "--action=allow", f"--objectdn={inside}", f"--sddl=(A;CI;GA;;;{sid})")
        target = world.connect(
            user=f"{login}@school.test", password=f"file:{_secret(samba, password)}", names_base=world.base
        )
        assert not target.check().good, "the base itself was not given to it"
        target.observe(SCOPE)
        ours, theirs = everything(
            target, [*creates(target, world, "ada", place="Ours"), *creates(target, world, "zoe", place="Theirs")]
        )
        assert isinstance(ours, Applied), ours
        assert isinstance(theirs, Rejected), theirs
        assert "no right" in theirs.why
        target.close()
        delegated = world.connect(base=inside, user=f"{login}@school.test", password=f"file:{_secret(samba, password)}")
        report = delegated.check()
        assert report.good, report
        delegated.close()
    finally:
        samba.samba_tool("user", "delete", login)
        world.clear()


def _secret(samba: Samba, password: str) -> str:
    path = samba.folder / "service-account"
    path.write_text(password)
    return str(path)


def test_a_deferred_outcome_is_only_for_what_may_still_come(world: Embedded) -> None:
    (anchor,) = made(world, "maja")
    target = world.connect()
    outcomes = everything(target, [Move(pupil("maja", anchor), "Students/2019", "Students/2019", "x")])
    target.close()
    assert not any(isinstance(each, Deferred) for each in outcomes)
    assert isinstance(outcomes[0], Applied)
