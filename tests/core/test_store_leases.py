"""One run per school at a time, between real processes; one that was killed is replaced at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from threading import Event

import pytest
from sqlalchemy import select, update

from builders import DOMAIN, NOON, SCHOOL, pupil
from onroll_core.accounts import Account, IdentityId
from onroll_core.changes import Create, Who
from onroll_core.errors import Halt, Unavailable
from onroll_core.identities import Identity, State
from onroll_core.people import Role
from onroll_core.plan import Plan
from onroll_core.store import Busy, Store, this_process
from onroll_core.store.engine import reading, writing
from onroll_core.store.leases import LASTS, hold
from onroll_core.store.processes import is_dead, signature
from onroll_core.store.schema import leases

# Takes the lease as soon as it may, says so, and keeps it until its standard input ends.
HOLDER = """
import sys
from datetime import UTC, datetime
from onroll_core.store import Busy, Store
url, school, name = sys.argv[1:]
store = Store.open(url, lambda: datetime.now(UTC))
sys.stdin.readline()
try:
    with store.lease(school, name, datetime.now(UTC)):
        print("held", flush=True)
        sys.stdin.read()
except Busy as busy:
    print(busy, flush=True)
"""


class Process:
    """Another onroll, ready to take the lease when told `go`."""

    def __init__(self, url: str, name: str) -> None:
        self.popen = subprocess.Popen(
            [sys.executable, "-c", HOLDER, url, SCHOOL, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def go(self) -> None:
        assert self.popen.stdin is not None
        self.popen.stdin.write("\n")
        self.popen.stdin.flush()

    def says(self) -> str:
        assert self.popen.stdout is not None
        return self.popen.stdout.readline().strip()


@contextmanager
def processes(url: str, *names: str) -> Iterator[list[Process]]:
    started = [Process(url, name) for name in names]
    try:
        yield started
    finally:
        for each in started:
            each.popen.kill()
            each.popen.communicate()


def holder(store: Store) -> str | None:
    with reading(store._engine) as connection:
        found = connection.execute(select(leases.c.holder)).scalar()
    return None if found is None else str(found)


def claim(store: Store, process: str, beat: datetime) -> None:
    """The lease as somebody else would have left it."""
    with writing(store._engine) as connection:
        connection.execute(leases.delete())
        row = {
            "school": SCHOOL,
            "holder": "them",
            "process": process,
            "since": beat.isoformat(),
            "beat": beat.isoformat(),
        }
        connection.execute(leases.insert(), row)


def test_of_two_processes_that_want_a_school_one_gets_it_and_the_other_is_told_who(store: Store, url: str) -> None:
    with processes(url, "the first", "the second") as both:
        for each in both:
            each.go()
        said = sorted(each.says() for each in both)
        assert said[0] == "held"
        assert said[1].startswith(f"{SCHOOL} ")
        assert holder(store) in ("the first", "the second")
        winner = next(each for each in both if each.popen.poll() is None and f"{holder(store)}" in each.popen.args)
        winner.popen.communicate("")
    with store.lease(SCHOOL, "me", NOON):
        assert holder(store) == "me"
    assert holder(store) is None


def test_a_process_killed_while_it_holds_is_replaced_at_once(store: Store, url: str) -> None:
    with processes(url, "the killed") as (killed,):
        killed.go()
        assert killed.says() == "held"
        with (
            pytest.raises(Busy, match=r"is being worked on by the killed since \d\d:\d\d UTC on"),
            store.lease(SCHOOL, "me"),
        ):
            pass
        os.kill(killed.popen.pid, signal.SIGKILL)
        os.waitid(
            os.P_PID, killed.popen.pid, os.WEXITED | os.WNOWAIT
        )  # dead, but a zombie: nobody has asked for it yet
        with store.lease(SCHOOL, "me"):
            assert holder(store) == "me"


def test_a_lease_is_for_one_school_and_counts_inside_one_process_too(store: Store) -> None:
    with store.lease(SCHOOL, "the window", NOON), store.lease("elm", "the window", NOON):
        with (
            pytest.raises(Unavailable, match="the window since 12:00 UTC on 24 November 2026"),
            store.lease(SCHOOL, "by hand", NOON),
        ):
            pass
        assert holder(store) is not None
    with store.lease(SCHOOL, "by hand", NOON):
        pass


def test_a_process_that_lives_here_keeps_its_lease_however_slow_its_heart(store: Store) -> None:
    claim(store, f"{signature()} 0", NOON - timedelta(days=1))
    with pytest.raises(Busy), store.lease(SCHOOL, "me", NOON):
        pass


def test_a_process_id_that_was_used_again_is_another_process(store: Store) -> None:
    machine, pid, started = signature().split(" ")
    assert is_dead(f"{machine} {pid} {started} 1") is False
    assert is_dead(f"{machine} {pid} 1{started} 1") is True
    assert is_dead(f"{machine} 999999999 {started} 1") is True
    assert is_dead(f"elsewhere/1/2 {pid} {started} 1") is None
    claim(store, f"{machine} {pid} 1{started} 1", NOON)
    with store.lease(SCHOOL, "me", NOON):
        assert holder(store) == "me"


def test_another_machine_is_believed_while_its_heart_beats_and_a_minute_longer(store: Store) -> None:
    claim(store, "elsewhere/boot/ns 17 4711 1", NOON)
    with pytest.raises(Busy, match="them"), store.lease(SCHOOL, "me", NOON + LASTS):
        pass
    with store.lease(SCHOOL, "me", NOON + LASTS + timedelta(seconds=1)):
        assert holder(store) == "me"


def test_a_lease_beats_by_itself_and_when_asked(store: Store) -> None:
    beats: list[datetime] = []
    third = Event()

    def clock() -> datetime:
        beats.append(NOON + timedelta(seconds=len(beats)))
        if len(beats) == 3:
            third.set()
        return beats[-1]

    with hold(store._engine, SCHOOL, "me", NOON, clock, timedelta(milliseconds=5)):
        assert third.wait(30)
        with reading(store._engine) as connection:
            assert connection.execute(select(leases.c.beat)).scalar_one() > NOON.isoformat(timespec="microseconds")
    with store.lease(SCHOOL, "me", NOON) as lease:
        lease.renew(NOON + timedelta(minutes=5))
        with reading(store._engine) as connection:
            assert connection.execute(select(leases.c.beat)).scalar_one().startswith("2026-11-24T12:05:00")


def test_a_run_that_lost_its_lease_writes_nothing_more_and_leaves_the_other_alone(store: Store) -> None:
    someone = pupil("harry")
    identity = Identity(
        IdentityId("id1"), SCHOOL, Role.STUDENT, someone, State.ACTIVE, username="harry", email=f"harry@{DOMAIN}"
    )
    who = Who(identity.id, "harry", Role.STUDENT)
    plan = Plan("ad", SCHOOL, [Create(who, Account("harry", f"harry@{DOMAIN}"), "on roll")])
    with store.lease(SCHOOL, "asleep", NOON) as lease:
        run = store.start_run(SCHOOL, "sync", NOON)
        journal = store.journal(store.keep_plan(run, plan, "cleared", (), NOON), plan)
        claim(store, "elsewhere/boot/ns 17 4711 1", NOON + timedelta(minutes=5))  # the lid of the laptop was closed
        for step in (
            lambda: journal.intend(plan.changes),
            lambda: store.remember(run, [identity], NOON),
            lambda: store.keep_plan(run, plan, "cleared", (), NOON),
            lambda: store.start_run(SCHOOL, "sync", NOON),
            lambda: lease.renew(NOON),
        ):
            with pytest.raises(Halt, match="taken over"):
                step()
    assert holder(store) == "them"
    assert store.identities(SCHOOL) == []
    assert store.unanswered(SCHOOL, "ad") == []


def test_a_holder_is_named_in_words(store: Store) -> None:
    words = this_process("onroll sync")
    assert words.startswith("onroll sync (process ")
    assert str(os.getpid()) in words


def test_a_lease_that_cannot_be_given_back_does_not_hide_how_the_run_ended(store: Store) -> None:
    with pytest.raises(ValueError, match="the real failure"), store.lease(SCHOOL, "me", NOON):
        with writing(store._engine) as connection:
            connection.execute(update(leases).values(school="gone"))
        store.close()
        raise ValueError("the real failure")
