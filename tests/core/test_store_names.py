"""A name is issued once: whatever the order of steps, whoever is faster, and whoever opens the database by hand."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from threading import Barrier, Thread

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import text

from builders import DOMAIN, NOON, SCHOOL, pupil
from onroll_core.accounts import Anchor, Holder, IdentityId
from onroll_core.errors import Halt, OnrollError, Refused
from onroll_core.identities import Bond, Identity, State
from onroll_core.store import Store
from onroll_core.store.engine import reading, writing

NAMES = st.sampled_from(["potter", "potter1", "granger", "weasley", "Potter", "snape"])
PEOPLE = st.integers(1, 4)


def person(number: int, name: str | None, *aliases: str) -> Identity:
    record = pupil(f"p{number}")
    email = None if name is None else f"{name.lower()}@{DOMAIN}"
    username = None if name is None else name.lower()
    return Identity(
        IdentityId(f"id{number}"), SCHOOL, record.role, record, State.ACTIVE, username=username, email=email,
        aliases=frozenset(aliases),
    )  # fmt: skip


class NamesAreIssuedOnce(RuleBasedStateMachine):
    """Remember, rename, absorb and bond in any order. Our own small book says whose each name is, from what the store let through."""

    template: Path
    folder: Path
    number = 0

    @initialize()
    def open(self) -> None:
        type(self).number += 1
        path = self.folder / f"{self.number}.db"
        shutil.copy(self.template, path)
        self.path = path
        self.store = Store.open(f"sqlite:///{path}", lambda: NOON)
        self.issued: dict[str, str] = {}
        self.seen: dict[str, str | None] = {}

    def teardown(self) -> None:
        self.store.close()
        self.path.unlink()

    def _try(self, step: Callable[[], object], who: str, names: list[str]) -> None:
        """A step is accepted exactly when every name is free for `who`; then, and only then, the names are theirs."""
        free = all(
            self.issued[name] == who if name in self.issued else self.seen.get(name, who) == who for name in names
        )
        try:
            step()
        except (Halt, Refused):
            assert not free, f"{names} were free for {who}"
        else:
            assert free, f"{names} were given to {who}: {self.issued} {self.seen}"
            self.issued.update(dict.fromkeys(names, who))

    @rule(number=PEOPLE, name=NAMES | st.none(), alias=NAMES | st.none())
    def remember(self, number: int, name: str | None, alias: str | None) -> None:
        former = [f"{alias.lower()}@{DOMAIN}"] if alias else []
        someone = person(number, name, *former)
        wanted = [each for each in (someone.username, someone.email, *former) if each]
        self._try(lambda: self.store.remember(None, [someone], NOON), someone.id, wanted)

    @rule(number=PEOPLE, name=NAMES, keep=st.booleans())
    def rename(self, number: int, name: str, keep: bool) -> None:
        who = IdentityId(f"id{number}")
        if self.store.identity(who) is not None:
            wanted = [name.lower(), f"{name.lower()}@{DOMAIN}"]
            self._try(lambda: self.store.rename(who, wanted[0], wanted[1], keep, NOON), who, wanted)

    @rule(name=NAMES, number=PEOPLE | st.none())
    def absorb(self, name: str, number: int | None) -> None:
        """A directory shows a name, held by somebody's account or by a stranger."""
        bonded = number is not None and IdentityId(f"id{number}") in self.store.bonds("ad")
        for each in (name, f"{name}@{DOMAIN}"):
            self.store.absorb("ad", {each: Holder(Anchor(f"a{number}") if number else None, "somebody")}, NOON)
            low = each.lower()
            if low not in self.issued and low not in self.seen:
                self.seen[low] = f"id{number}" if bonded else None

    @rule(number=PEOPLE)
    def bond_first(self, number: int) -> None:
        """An account is bonded before anything of it was seen, so that the book above need not know of later bonds."""
        who = IdentityId(f"id{number}")
        shown = self.store.bonds("ad")
        if not self.seen and self.store.identity(who) is not None and who not in shown:
            self.store.bond(who, "ad", Bond(Anchor(f"a{number}")), NOON)

    @invariant()
    def the_ledger_says_what_the_book_says(self) -> None:
        if hasattr(self, "store"):
            ledger = self.store.ledger(SCHOOL)
            known = {name: ledger.holder(name) for name in {*self.issued, *self.seen}}
            assert known == {name: self.issued.get(name) for name in known}
            assert all(ledger.taken(name) for name in known)
            held = [
                name
                for each in self.store.identities(SCHOOL)
                for name in {each.username, each.email, *each.aliases} - {None}
            ]
            assert len(held) == len(set(held)), "two people hold one name"


def test_names_are_issued_once_whatever_the_order(migrated_file: Path, tmp_path: Path) -> None:
    class Here(NamesAreIssuedOnce):
        template, folder = migrated_file, tmp_path

    machine = Here.TestCase
    machine.settings = settings(
        max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
    )
    machine("runTest").runTest()


@pytest.fixture
def rival(url: str, store: Store) -> Iterator[Store]:
    opened = Store.open(url, lambda: NOON)
    yield opened
    opened.close()


def test_two_who_issue_the_same_name_at_once_end_in_one_name_and_one_sentence(store: Store, rival: Store) -> None:
    for round_number in range(10):
        name = f"potter{round_number}"
        start, failures = Barrier(2), []

        def issue(
            to: Store, number: int, name: str = name, start: Barrier = start, failures: list[OnrollError] = failures
        ) -> None:  # type: ignore[type-arg]
            start.wait()
            try:
                to.remember(None, [person(number, name)], NOON)
            except OnrollError as failure:
                failures.append(failure)

        pair = [Thread(target=issue, args=(each, 2 * round_number + n)) for n, each in enumerate((store, rival))]
        for thread in pair:
            thread.start()
        for thread in pair:
            thread.join()
        (failure,) = failures
        assert isinstance(failure, Halt)
        assert f"{name} cannot be given" in str(failure) or f"{name}@{DOMAIN} cannot be given" in str(failure)
        assert [each.username for each in store.find(SCHOOL, name)] == [name]


def test_a_clash_that_only_the_database_sees_is_named_too(store: Store, rival: Store) -> None:
    """The rival commits between our look at the ledger and our write: only the unique key stands in the way."""
    from onroll_core.store.failures import Clash
    from onroll_core.store.people import why_refused

    rival.remember(None, [person(1, "potter")], NOON)
    with pytest.raises(Clash), writing(store._engine) as connection:
        connection.execute(text("INSERT INTO names (name, since) VALUES ('potter', 'now')"))
    assert "potter cannot be given to the identity id2: it was issued to the identity id1" in why_refused(
        store._engine, [person(2, "potter")]
    )


def test_two_in_one_reading_cannot_share_a_name(store: Store) -> None:
    with pytest.raises(Halt, match="potter"):
        store.remember(None, [person(1, "potter"), person(2, "potter")], NOON)
    with pytest.raises(Halt, match=f"potter@{DOMAIN}"):
        store.remember(None, [person(1, "potter"), person(2, "other", f"potter@{DOMAIN}")], NOON)
    assert store.identities(SCHOOL) == []


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM names",
        "DELETE FROM names WHERE name = 'seen'",
        "UPDATE names SET name = 'other' WHERE name = 'potter'",
        "UPDATE names SET identity = 'id2' WHERE name = 'potter'",
        "UPDATE names SET identity = NULL WHERE name = 'potter'",
        "INSERT INTO names (name, since) VALUES ('potter', 'now')",
        "DELETE FROM identities",
        "UPDATE identities SET username = 'potter' WHERE id = 'id2'",
    ],
)
def test_the_database_itself_keeps_the_ledger_from_whoever_opens_it_by_hand(store: Store, statement: str) -> None:
    store.remember(None, [person(1, "potter"), person(2, "granger")], NOON)
    store.absorb("ad", ["seen"], NOON)
    with pytest.raises(Halt), writing(store._engine) as connection:
        connection.execute(text(statement))
    with reading(store._engine) as connection:
        kept = connection.execute(text("SELECT name, identity FROM names ORDER BY name")).all()
    assert [tuple(row) for row in kept] == [
        ("granger", "id2"),
        (f"granger@{DOMAIN}", "id2"),
        ("potter", "id1"),
        (f"potter@{DOMAIN}", "id1"),
        ("seen", None),
    ]


def test_a_former_name_stays_with_its_owner_for_ever(store: Store) -> None:
    store.remember(None, [person(1, "potter")], NOON)
    store.remember(None, [person(1, "weasley")], NOON)
    left = replace(person(1, "weasley"), state=State.LEFT)
    store.remember(None, [left], NOON)
    with pytest.raises(Halt, match="potter cannot be given to the identity id2"):
        store.remember(None, [person(2, "potter")], NOON)
