"""The promises of DESIGN 5 as suites: a connector's test inherits one, says how to reach its system, and adds only what is special to it.

pytest collects the inheriting class; this module needs nothing but the standard library, so that a connector that lives elsewhere can use it too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from onroll_core.accounts import Account, Anchor, IdentityId, Observed
from onroll_core.changes import (
    Applied,
    Change,
    Create,
    Deferred,
    Disable,
    Enable,
    GivePassword,
    Move,
    Naming,
    Outcome,
    Rejected,
    Rename,
    Unsent,
    Update,
    Who,
)
from onroll_core.contracts import Scope, Source, Target
from onroll_core.errors import Halt, OnrollError, Unavailable
from onroll_core.people import Role, Snapshot

SCHOOL = "contract-school"


class TargetWorld(Protocol):
    """The system behind a target under test, empty at first."""

    domain: str

    def connect(self) -> Target:
        """A new connection, as a new run makes it."""
        ...

    def settle(self) -> None:
        """Let pass whatever time the system needs until everything written can be read."""
        ...

    def stranger(self, login: str) -> None:
        """Make an account that onroll did not make: `login`, `login`@`domain`, called Stan Stranger."""
        ...

    def enabled(self, login: str) -> bool:
        """Whether an account can be signed in with, asked in another way than through the target."""
        ...

    def fits(self, login: str, password: str) -> bool:
        """Whether `password` is the one of an account, asked in another way than through the target."""
        ...

    def group_by_hand(self, name: str, address: str) -> None:
        """Make a group that onroll did not make, with this name and the part of its address before the @. Only asked where the target has groups."""
        ...

    def join_by_hand(self, group: Anchor, login: str) -> None:
        """Put the account `login` into a group of onroll's, as an administrator would. Only asked where the target has groups."""
        ...


def account_of(target: Target, domain: str, name: str, **other: object) -> Account:
    """A pupil's account in the terms of `target`."""
    email = f"{name}@{domain}"
    told: dict[str, object] = {
        "login": name if target.abilities.login == "name" else email,
        "email": email,
        "display_name": f"{name.title()} Örsted-O'Neil",
        "given": name.title(),
        "family": "Örsted-O'Neil",
        "place": "Students/2019" if target.abilities.places else None,
    }
    return Account(**(told | other))  # type: ignore[arg-type]


def pupil(name: str, anchor: Anchor | None = None) -> Who:
    """The pupil called `name`, whose identity is made of the name."""
    return Who(IdentityId(f"id-{name}"[:16]), name, Role.STUDENT, anchor)


def everything(target: Target, changes: Sequence[Change]) -> list[Outcome]:
    """Perform in batches of the target's liking; one outcome per change, in order."""
    outcomes: list[Outcome] = []
    for start in range(0, len(changes), target.abilities.batch):
        outcomes += list(target.perform(changes[start : start + target.abilities.batch]))
    assert [outcome.change for outcome in outcomes] == list(changes), "one outcome per change, in the order given"
    return outcomes


class TargetContract:
    """What every target promises. Inherit it in a test module and give it a fixture `world` (a TargetWorld, fresh for each test)."""

    def look(self, world: TargetWorld, *anchors: Anchor) -> Observed:
        world.settle()
        target = world.connect()
        try:
            return target.observe(Scope(SCHOOL, frozenset(anchors)))
        finally:
            target.close()

    def do(self, world: TargetWorld, *changes: Change) -> list[Outcome]:
        world.settle()
        target = world.connect()
        try:
            return everything(target, changes)
        finally:
            target.close()

    def made(self, world: TargetWorld, name: str = "maja", **other: object) -> tuple[Anchor, Account]:
        target = world.connect()
        account = account_of(target, world.domain, name, **other)
        target.close()
        (outcome,) = self.do(world, Create(pupil(name), account, "on roll"))
        assert isinstance(outcome, Applied), outcome
        assert outcome.anchor, "a Create tells the anchor of what it made"
        return outcome.anchor, account

    def test_a_check_of_a_healthy_system_finds_no_problem(self, world: TargetWorld) -> None:
        target = world.connect()
        report = target.check()
        target.close()
        assert report.findings
        assert report.good, [finding.sentence for finding in report.findings]

    def test_an_account_is_made_as_it_was_asked_for(self, world: TargetWorld) -> None:
        anchor, account = self.made(world)
        seen = self.look(world, anchor)
        there = seen.accounts[anchor]
        assert (there.login, there.email, there.enabled) == (account.login, account.email, True)
        assert (there.display_name, there.given, there.family) == (account.display_name, account.given, account.family)
        assert there.place == account.place
        assert seen.owners[anchor] == pupil("maja").identity
        assert account.email in seen.names
        assert world.enabled(account.login)

    def test_making_the_same_account_again_makes_no_second_one(self, world: TargetWorld) -> None:
        anchor, account = self.made(world)
        (again,) = self.do(world, Create(pupil("maja"), account, "on roll"))
        assert isinstance(again, Applied), again
        assert again.anchor == anchor
        owners = list(self.look(world, anchor).owners.values())
        assert owners.count(pupil("maja").identity) == 1

    def test_a_stranger_who_holds_the_name_is_left_alone(self, world: TargetWorld) -> None:
        world.stranger("maja")
        before = self.look(world)
        target = world.connect()
        account = account_of(target, world.domain, "maja")
        target.close()
        (outcome,) = self.do(world, Create(pupil("maja"), account, "on roll"))
        assert isinstance(outcome, Rejected), outcome
        assert "maja" in outcome.why
        assert self.look(world).accounts == before.accounts

    def test_values_are_changed_and_the_rest_stays(self, world: TargetWorld) -> None:
        anchor, account = self.made(world)
        after = {"family": "Smith", "display_name": "Maja Smith"}
        before = {"family": account.family or "", "display_name": account.display_name or ""}
        (outcome,) = self.do(world, Update(pupil("maja", anchor), before, after, "married"))
        assert isinstance(outcome, Applied), outcome
        there = self.look(world, anchor).accounts[anchor]
        assert (there.family, there.display_name, there.given) == ("Smith", "Maja Smith", account.given)
        assert (there.login, there.email) == (account.login, account.email)

    def test_a_rename_keeps_the_object_and_the_old_address(self, world: TargetWorld) -> None:
        anchor, account = self.made(world)
        target = world.connect()
        new = account_of(target, world.domain, "maja.smith")
        target.close()
        before = Naming(account.login, account.email)
        after = Naming(new.login, new.email, frozenset({account.email}))
        (outcome,) = self.do(world, Rename(pupil("maja", anchor), before, after, "asked for"))
        assert isinstance(outcome, Applied), outcome
        seen = self.look(world, anchor)
        there = seen.accounts[anchor]
        assert (there.login, there.email) == (new.login, new.email)
        assert account.email in there.aliases
        assert seen.owners[anchor] == pupil("maja").identity
        assert account.email in seen.names
        assert new.email in seen.names

    def test_a_disabled_account_is_still_there_and_comes_back(self, world: TargetWorld) -> None:
        anchor, account = self.made(world)
        (off,) = self.do(world, Disable(pupil("maja", anchor), "left on 21 July 2026"))
        assert isinstance(off, Applied), off
        assert not self.look(world, anchor).accounts[anchor].enabled
        assert not world.enabled(account.login)
        (on,) = self.do(world, Enable(pupil("maja", anchor), "on roll"))
        assert isinstance(on, Applied), on
        assert self.look(world, anchor).accounts[anchor].enabled
        assert world.enabled(account.login)

    def test_a_first_password_is_the_one_that_was_given_and_shows_nowhere(self, world: TargetWorld) -> None:
        anchor, account = self.made(world)
        password = "Tiger-Lamp-4072"
        change = GivePassword(pupil("maja", anchor), password, False, "handed out")
        (outcome,) = self.do(world, change)
        assert isinstance(outcome, Applied), outcome
        assert world.fits(account.login, password)
        assert not world.fits(account.login, "Tiger-Lamp-4073")
        assert password not in repr(outcome)

    def test_an_account_moves_to_a_place_that_was_not_there_before(self, world: TargetWorld) -> None:
        target = world.connect()
        has_places = target.abilities.places
        target.close()
        anchor, account = self.made(world)
        if not has_places:
            assert self.look(world, anchor).accounts[anchor].place is None
            return
        (outcome,) = self.do(
            world, Move(pupil("maja", anchor), account.place or "", "Students/2020/Extra, long", "moved up")
        )
        assert isinstance(outcome, Applied), outcome
        assert self.look(world, anchor).accounts[anchor].place == "Students/2020/Extra, long"

    def test_doing_a_thing_twice_does_no_more_than_once(self, world: TargetWorld) -> None:
        anchor, account = self.made(world)
        target = world.connect()
        new = account_of(target, world.domain, "maja.smith")
        target.close()
        naming = Naming(new.login, new.email, frozenset({account.email}))
        changes: list[Change] = [
            Rename(pupil("maja", anchor), Naming(account.login, account.email), naming, "asked for"),
            Disable(pupil("maja", anchor), "left"),
        ]
        self.do(world, *changes)
        once = self.look(world, anchor).accounts
        for outcome in self.do(world, *changes):
            assert isinstance(outcome, Applied | Deferred), outcome
        assert self.look(world, anchor).accounts == once

    def test_one_bad_change_does_not_stop_the_others(self, world: TargetWorld) -> None:
        world.stranger("taken")
        target = world.connect()
        names = ("ada", "taken", "zoe")
        changes = [Create(pupil(name), account_of(target, world.domain, name), "on roll") for name in names]
        target.close()
        first, second, third = self.do(world, *changes)
        assert isinstance(first, Applied), first
        assert isinstance(second, Rejected), second
        assert isinstance(third, Applied), third

    def test_an_account_that_is_gone_is_refused_in_a_sentence(self, world: TargetWorld) -> None:
        anchor, _ = self.made(world)
        nowhere = Anchor("00000000-dead-4bad-8bad-000000000000")
        assert nowhere != anchor
        (outcome,) = self.do(world, Disable(pupil("nobody", nowhere), "left"))
        assert isinstance(outcome, Rejected | Deferred | Unsent), outcome
        assert str(outcome.why).endswith(".")


class SourceWorld(Protocol):
    """The system behind a source under test: one school that can be made to misbehave."""

    people: int

    def connect(self) -> Source:
        """A new connection, as a new run makes it."""
        ...

    def misbehave(self, how: str) -> bool:
        """Make the system fail in one of `SourceContract.HALTS` or `SourceContract.UNAVAILABLE`; False when it cannot fail so."""
        ...


class SourceContract:
    """What every source promises. Inherit it in a test module and give it a fixture `source_world` (a SourceWorld, fresh for each test)."""

    HALTS = (
        "no permission", "wrong credentials", "garbage", "empty", "repeated records", "totals do not match", "stale", "redirected elsewhere",
        "shows nothing of one kind",
    )  # fmt: skip
    UNAVAILABLE = ("too busy", "server error", "breaks off half way", "broken second page", "does not answer", "drips")

    def read(self, world: SourceWorld) -> Snapshot:
        source = world.connect()
        try:
            return source.read()
        finally:
            source.close()

    def test_a_read_is_everyone(self, source_world: SourceWorld) -> None:
        snapshot = self.read(source_world)
        assert len(snapshot.people) == source_world.people
        assert {person.role for person in snapshot.people} >= {Role.STUDENT}

    def test_two_reads_of_an_unchanged_school_are_equal(self, source_world: SourceWorld) -> None:
        one, other = self.read(source_world), self.read(source_world)
        assert sorted(one.people, key=lambda each: each.key) == sorted(other.people, key=lambda each: each.key)
        assert sorted(one.groups, key=lambda each: each.key) == sorted(other.groups, key=lambda each: each.key)

    def test_names_come_without_padding(self, source_world: SourceWorld) -> None:
        for person in self.read(source_world).people:
            for name in (person.first, person.last, person.legal_first, person.legal_last):
                assert name is None or name == name.strip()

    def test_a_check_of_a_healthy_system_finds_no_problem(self, source_world: SourceWorld) -> None:
        source = source_world.connect()
        report = source.check()
        source.close()
        assert report.findings
        assert report.good, [finding.sentence for finding in report.findings]

    def test_what_fails_raises_a_sentence_and_never_gives_a_part(self, source_world: SourceWorld) -> None:
        tried = 0
        for how in (*self.HALTS, *self.UNAVAILABLE):
            if not source_world.misbehave(how):
                continue
            tried += 1
            failure, people = self._tried(source_world)
            if failure is None:
                assert how == "empty", f"{how}: a read came back with {people} people"
                assert people == 0
            else:
                assert isinstance(failure, Halt | Unavailable), how
                assert str(failure).endswith("."), f"{how}: {failure}"
        assert tried, "a source that can never fail is not under test"

    def _tried(self, world: SourceWorld) -> tuple[OnrollError | None, int]:
        try:
            return None, len(self.read(world).people)
        except OnrollError as failure:
            return failure, 0
