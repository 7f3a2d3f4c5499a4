"""A former address follows its person or is withheld, by what was asked; a name that waits for its day is nobody else's."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from builders import DOMAIN, NOON, SCHOOL, pupil
from onroll_core.accounts import Anchor, IdentityId
from onroll_core.errors import Halt, Refused
from onroll_core.identities import Bond, Identity, State
from onroll_core.renames import Pending
from onroll_core.store import Store

HARRY, NEW = f"harry@{DOMAIN}", f"h.potter@{DOMAIN}"


def harry(store: Store, with_account: bool = True, name: str = "harry") -> Identity:
    record = pupil(f"p-{name}")
    one = Identity(IdentityId(f"id-{name}"), SCHOOL, record.role, record, State.ACTIVE, username=name, email=f"{name}@{DOMAIN}")  # fmt: skip
    store.remember(None, [one], NOON)
    if with_account:
        store.bond(one.id, "ad", Bond(Anchor(f"object-{name}"), True), NOON)
    return one


@pytest.mark.parametrize("keep", [True, False])
def test_an_old_address_follows_or_is_withheld_and_comes_back_with_the_old_name(store: Store, keep: bool) -> None:
    one = harry(store)
    after = store.rename(one.id, "h.potter", NEW, keep, NOON, "Ann")
    assert after.aliases == ({HARRY} if keep else frozenset())
    assert store.former.withheld(SCHOOL) == ({} if keep else {one.id: {HARRY}})
    back = store.rename(one.id, "harry", HARRY, True, NOON, "Ann")
    assert (back.username, back.aliases) == ("harry", {NEW})
    assert store.former.withheld(SCHOOL) == {}


def test_an_address_that_nobody_could_write_to_is_neither_kept_nor_withheld(store: Store) -> None:
    one = harry(store, with_account=False)
    assert store.rename(one.id, "h.potter", NEW, True, NOON).aliases == frozenset()
    assert store.rename(one.id, "harry", HARRY, False, NOON).aliases == frozenset()
    assert store.former.withheld(SCHOOL) == {}


def test_an_alias_is_withheld_later_and_given_back(store: Store) -> None:
    one = harry(store)
    renamed = store.rename(one.id, "h.potter", NEW, True, NOON)
    without = store.former.withhold(renamed, HARRY, "Ann", NOON)
    assert without.aliases == frozenset()
    assert store.former.withheld(SCHOOL) == {one.id: {HARRY}}
    assert store.former.give_back(without, HARRY, "Ann", NOON).aliases == {HARRY}
    assert store.former.withheld(SCHOOL) == {}
    told = [each["what"] for each in store.history(one.id)]
    assert any(f"Ann said that {HARRY} must not follow them." in each for each in told)


def test_an_alias_that_is_somebody_elses_is_not_given(store: Store) -> None:
    one = harry(store)
    harry(store, name="ron")
    with pytest.raises(Halt, match="issued to the identity id-ron"):
        store.former.give_back(one, f"ron@{DOMAIN}", "Ann", NOON)


def test_a_name_that_waits_for_its_day_is_nobody_elses(store: Store) -> None:
    one = harry(store)
    ron = replace(harry(store, name="ron"), bonds={})
    day = date(2027, 1, 4)
    store.put_off_renames([Pending(one.id, "h.potter", NEW, True, day, "Ann")], NOON)
    assert store.ledger(SCHOOL).holder("h.potter") == one.id
    with pytest.raises(Refused, match=r"h\.potter"):
        store.put_off_renames([Pending(ron.id, "h.potter", NEW, True, day, "Ann")], NOON)
    assert [each.identity for each in store.pending_renames(SCHOOL)] == [one.id]
    store.rename(one.id, "h.potter", NEW, True, NOON + timedelta(days=40))
    assert store.pending_renames(SCHOOL) == []
