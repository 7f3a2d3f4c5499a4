"""Active Directory in foul weather: connections that break at any write, strangers, rights that are missing, policies that refuse."""

from __future__ import annotations

from functools import partial

import pytest

from directories import Embedded, Flaky, RealDomain, Watched, creates, made, wrapped
from onroll_connectors.targets.ad_wire import Add, Answer, AnyOf, Entry, Equal, Request, Search, Wire
from onroll_connectors.testing import everything, pupil
from onroll_core.changes import (
    Applied,
    Deferred,
    Disable,
    Enable,
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


def test_what_may_have_been_made_is_looked_for_before_it_is_sent_again(world: Embedded) -> None:
    asked: list[Request] = []
    target = wrapped(world.connect(), partial(Flaky, at=3, carried_out=True), lambda wire: Watched(wire, asked))
    target.observe(SCOPE)
    asked.clear()
    everything(target, creates(target, world, "ada", "maja", "zoe", place=""))
    target.close()
    looked: set[str] = set()
    for each in asked:
        if isinstance(each, Search) and isinstance(each.where, AnyOf):
            looked |= {term.value for term in each.where.terms if isinstance(term, Equal)}
        if isinstance(each, Add):
            assert str(each.values["employeeID"][0]) in looked
    assert {"id-ada", "id-maja"} <= looked, "both were in flight"


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


@pytest.mark.parametrize("hidden", ["useraccountcontrol", "samaccountname"])
def test_users_that_can_be_seen_but_not_read_stop_the_run(world: Embedded, hidden: str) -> None:
    made(world, "ada")

    class Veiled(Watched):
        def receive(self, ticket: int) -> Answer:
            answer = self.wire.receive(ticket)
            entries = [
                Entry(each.dn, {name: held for name, held in each.values.items() if name != hidden})
                for each in answer.entries
            ]
            return Answer(answer.code, answer.message, entries, answer.cookie)

    target = wrapped(world.connect(), lambda wire: Veiled(wire, []))
    with pytest.raises(Halt, match="but not its username or whether it is enabled"):
        target.observe(SCOPE)
    assert not target.check().good
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
    searches = [each for each in asked if isinstance(each, Search) and each.scope == "SUBTREE"]
    assert ["member" in each.attributes for each in searches] == [False, True], "people once, groups once"


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


def test_a_right_that_is_missing_is_a_sentence_and_the_others_go_on(samba: Samba) -> None:
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
