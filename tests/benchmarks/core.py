"""A night with nothing to do for 100,000 people: CPU and memory of reconcile, project and diff, for each of them."""

from __future__ import annotations

import gc
import sys
import time
import tracemalloc
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "core"))

from builders import SCHOOL, FakeTarget, ids, pupil, school
from onroll_core.accounts import Account, Anchor, IdentityId, Observed
from onroll_core.cohorts import reckon
from onroll_core.diff import diff
from onroll_core.identities import Bond, Identity
from onroll_core.people import Person, Snapshot
from onroll_core.project import project
from onroll_core.reconcile import reconcile
from onroll_core.rules import TargetRules

PEOPLE = 100_000
TODAY = datetime(2026, 11, 24, tzinfo=UTC)


def unchanged(count: int) -> tuple[Snapshot, list[Identity], Observed]:
    """A school that is exactly as it was last night; records are new objects, as a source makes them."""
    rules = school()
    told, known = [], []
    accounts: dict[Anchor, Account] = {}
    owners: dict[Anchor, IdentityId] = {}
    for n in range(count):
        for into in (told, known):
            into.append(
                pupil(
                    f"{n:06}",
                    f"First{n % 977}",
                    f"Last{n % 7919}",
                    f"Year {7 + n % 7}",
                    upn=f"H{n:012}",
                    registration_group=f"{n % 40}",
                )
            )
    people: list[Identity] = []
    target = FakeTarget()
    for n, person in enumerate(known):
        anchor = Anchor(f"{n:032x}")
        identity = Identity(
            IdentityId(f"id{n:08}"), SCHOOL, person.role, person, state_active(), username=f"user{n}", email=f"user{n}@miltonpark.test",
            year_of_entry=2026 - (7 + n % 7) + 1, bonds={"ad": Bond(anchor, True)},
        )  # fmt: skip
        people.append(identity)
    for desired in project(people, TODAY.date(), rules, TargetRules("ad"), target.abilities):
        anchor = next(iter([Anchor(f"{int(desired.identity[2:]):032x}")]))
        accounts[anchor] = replace(desired.account)
        owners[anchor] = desired.identity
    return Snapshot(SCHOOL, TODAY, told), people, Observed(accounts, owners)


def state_active():  # type: ignore[no-untyped-def]
    from onroll_core.identities import State

    return State.ACTIVE


def night(snapshot: Snapshot, known: list[Identity], observed: Observed) -> None:
    """The steps that are measured."""
    rules, target = school(), TargetRules("ad")
    found = reconcile(snapshot, known, TODAY.date(), rules, reckon(snapshot, known, TODAY.date(), rules), ids())
    assert not found.changed
    bonds = {identity.id: identity.bonds["ad"] for identity in known}
    desired = project(known, TODAY.date(), rules, target, FakeTarget().abilities)
    plan = diff(SCHOOL, desired, observed, bonds, target, FakeTarget().abilities, lambda who, name: False)
    assert not plan.changes


def main() -> None:
    """Print microseconds of CPU and bytes at the peak for each person, and the same for one pass over the list as the floor."""
    people: list[Person]
    snapshot, known, observed = unchanged(PEOPLE)
    gc.collect()
    gc.freeze()
    times, floors = [], []
    for _ in range(3):
        start = time.process_time()
        people = list(snapshot.people)
        assert all(told == identity.person for told, identity in zip(people, known, strict=True))
        floors.append(time.process_time() - start)
        start = time.process_time()
        night(snapshot, known, observed)
        times.append(time.process_time() - start)
    tracemalloc.start()
    night(snapshot, known, observed)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    cpu, floor = min(times) / PEOPLE * 1e6, min(floors) / PEOPLE * 1e6
    print(
        f"core, {PEOPLE:,} unchanged: {cpu:.1f} us CPU each (floor, comparing each record once: {floor:.2f} us), {peak / PEOPLE:.0f} bytes each at the peak"
    )


if __name__ == "__main__":
    main()
