"""The store: people, names, bonds, runs and the journal of one installation, in SQLite or PostgreSQL.

This is the one door; only modules of this folder import SQLAlchemy and Alembic. Every method is one transaction: when it raises, nothing of it was kept.
All may raise Unavailable (locked, or the server is away) and Halt (disk full, damaged, not writable). A store may be used by several threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, select

from onroll_core.accounts import Anchor, Holder, IdentityId
from onroll_core.contracts import Memory
from onroll_core.errors import Halt
from onroll_core.groups.known import KnownGroup
from onroll_core.identities import Bond, Identity
from onroll_core.linking.links import Linked
from onroll_core.plan import Plan
from onroll_core.renames import Pending
from onroll_core.store import events, groups, handouts, leases, ledger, linked, people, plans, renaming, runs, undone
from onroll_core.store.browsing import Browse
from onroll_core.store.console import Console
from onroll_core.store.engine import open_engine, reading, writing
from onroll_core.store.failures import Clash
from onroll_core.store.groups import Membership
from onroll_core.store.guests import Guests
from onroll_core.store.journal import Journal, already_bound, put_bonds
from onroll_core.store.leases import Busy, Lease
from onroll_core.store.ledger import Ledger
from onroll_core.store.lookup import Lookup
from onroll_core.store.memory import StoreMemory, forget
from onroll_core.store.moves import Move, Moves
from onroll_core.store.past import Past
from onroll_core.store.processes import this_process
from onroll_core.store.renaming import Former
from onroll_core.store.requests import Requests
from onroll_core.store.schema import bonds as bond_table
from onroll_core.store.undone import Mark
from onroll_core.traces import Aspect, Trace
from onroll_core.undo import Undo

__all__ = ["Busy", "Journal", "Lease", "Ledger", "Mark", "Move", "Store", "StoreMemory", "this_process"]


class Store:
    """What onroll remembers. Made by `open`."""

    def __init__(self, engine: Engine, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._clock = clock
        self._held: dict[str, Lease] = {}

    @classmethod
    def open(cls, url: str, clock: Callable[[], datetime], patience: float = 15.0) -> Store:
        """Open, and create or upgrade, the store at `sqlite:///FILE` or `postgresql://...`.

        `clock` gives aware times, for the journal and the heartbeat of a lease. `patience`: seconds to wait for another writer.
        """
        return cls(open_engine(url, patience), clock)

    def close(self) -> None:
        """Let go of the database; may be called twice."""
        self._engine.dispose()

    # --- who may work ---

    @contextmanager
    def lease(self, school: str, holder: str, now: datetime | None = None) -> Iterator[Lease]:
        """Hold the right to work on a school. Raises Busy (an Unavailable), which says who has it and since when.

        Taken over at once from a process of this machine that has died, and after a minute without a heartbeat from another machine.
        """
        with leases.hold(self._engine, school, holder, now or self._clock(), self._clock) as lease:
            self._held[school] = lease
            try:
                yield lease
            finally:
                del self._held[school]

    def _still_ours(self, connection: Connection, school: str) -> None:
        """In the caller's transaction: nothing is written by a run that has lost its lease. Without one there is nothing to lose."""
        if school in self._held:
            self._held[school].assert_held(connection)

    # --- people and names ---

    def identities(self, school: str) -> list[Identity]:
        """Everybody of a school, with bonds and further keys, by id."""
        return people.of_school(self._engine, school)

    def identity(self, identity: IdentityId) -> Identity | None:
        """One identity, or None."""
        return people.by_id(self._engine, identity)

    def find(self, school: str | None, text: str) -> list[Identity]:
        """Those whose username, address, alias, id, UPN, admission number, staff code or MIS record `text` is; else those with it in their name."""
        return people.find(self._engine, school, text)

    def ledger(self, school: str) -> Ledger:
        """Every name ever issued or seen. The ledger is one for all schools of the store: an address is the same wherever it is read."""
        return Ledger(self._engine)

    def absorb(self, target: str, names: Iterable[str] | Mapping[str, Holder], now: datetime) -> int:
        """Take the names seen in a target into the ledger; gives the number of new ones. Cheap when there are none."""
        return ledger.absorb(self._engine, target, names, now)

    def remember(self, run: int | None, identities: Sequence[Identity], now: datetime) -> None:
        """Insert or update each (known by id) with its MIS records, and issue its username, address and aliases. Bonds are `bond`'s.

        Raises Halt, which names the clash, when a name or a record is somebody else's.
        """
        try:
            with writing(self._engine) as connection:
                for school in {identity.school for identity in identities}:
                    self._still_ours(connection, school)
                people.remember(connection, run, identities, now)
        except Clash:
            raise Halt(people.why_refused(self._engine, identities)) from None

    def rename(
        self, identity: IdentityId, username: str, email: str, keep_alias: bool, now: datetime, by: str = ""
    ) -> Identity:
        """Give somebody another username and address, because somebody (`by`) asked; with `keep_alias` the old address becomes an alias, else it is withheld.

        Raises Refused when a name is another person's, or is held in a target by an object that is not this person's account.
        """
        (after,) = renaming.rename_all(
            self._engine, [Pending(identity, username, email, keep_alias, now.date(), by)], now
        )
        return after

    def rename_all(self, wanted: Sequence[Pending], now: datetime) -> list[Identity]:
        """Many renames, all of them or none. Raises Refused as `rename` does."""
        return renaming.rename_all(self._engine, wanted, now)

    def put_off_renames(self, wanted: Sequence[Pending], now: datetime) -> None:
        """Keep renames for their day, in place of what was kept for the same people. Raises Refused as `rename` does."""
        renaming.put_off(self._engine, wanted, now)

    def pending_renames(self, school: str) -> list[Pending]:
        """Renames of a school that wait for their day, the first day first."""
        return renaming.pending(self._engine, school)

    def drop_rename(self, identity: IdentityId) -> bool:
        """Forget the rename that waits for a person; True when there was one."""
        return renaming.drop(self._engine, identity)

    @property
    def former(self) -> Former:
        """Former addresses that must not follow somebody."""
        return Former(self._engine)

    @property
    def guests(self) -> Guests:
        """People at two schools of a trust."""
        return Guests(self._engine, self._still_ours)

    def bond(self, identity: IdentityId, target: str, bond: Bond, now: datetime) -> None:
        """Join an identity to an account. Raises Halt when the account is another identity's."""
        self.bond_all(target, {identity: bond}, now)

    def bond_all(self, target: str, found: Mapping[IdentityId, Bond], now: datetime) -> None:
        """Join many at once, all or none."""
        try:
            with writing(self._engine) as connection:
                put_bonds(connection, target, found, now)
        except Clash:
            raise Halt(already_bound(target)) from None

    def bonds(self, target: str) -> dict[IdentityId, Bond]:
        """Every bond of a target."""
        query = select(bond_table.c.identity, bond_table.c.anchor, bond_table.c.enabled)
        with reading(self._engine) as connection:
            rows = connection.execute(query.where(bond_table.c.target == target))
            return {identity: Bond(Anchor(anchor), enabled) for identity, anchor, enabled in rows}

    # --- groups ---

    def groups(self, school: str) -> list[KnownGroup]:
        """Every group that the MIS ever told of a school, archived ones too, by record."""
        return groups.of_school(self._engine, school)

    def remember_groups(self, school: str, found: Sequence[KnownGroup]) -> None:
        """Insert or replace each."""
        with writing(self._engine) as connection:
            self._still_ours(connection, school)
            groups.remember(connection, found)

    def memberships(self, target: str, school: str) -> frozenset[Membership]:
        """Whom we ourselves put into which group of a school in a target."""
        return groups.put_by_us(self._engine, target, school)

    # --- linking ---

    def link_all(self, target: str, found: Sequence[Linked], by: str, now: datetime) -> None:
        """Join people to accounts that were there before us, because somebody (`by`) confirmed it; all or none. Raises Halt, which names the clash."""
        try:
            linked.confirm(self._engine, target, found, by, now)
        except Clash:
            raise Halt(people.why_refused(self._engine, [each.after for each in found])) from None

    def reject_link(self, target: str, who: Identity, anchor: Anchor, by: str, now: datetime) -> None:
        """Keep that this account is not this person's."""
        linked.reject(self._engine, target, who, anchor, by, now)

    def undo_link(self, target: str, who: Identity, by: str, now: datetime, gone: bool = False) -> Identity:
        """Take a confirmed link back, or let a `gone` account go. Raises Refused when there is none."""
        return (linked.let_go if gone else linked.undo)(self._engine, target, who, by, now)

    def rejected_links(self, school: str, target: str) -> frozenset[linked.Pair]:
        """Pairs that somebody turned down, and that are not suggested again."""
        return linked.said(self._engine, school, target, (linked.REJECTED,))

    def links_said(self, school: str, target: str, *statuses: str) -> frozenset[linked.Pair]:
        """Pairs of which the last word was one of `statuses`: `linked.CONFIRMED`, REJECTED, UNDONE."""
        return linked.said(self._engine, school, target, statuses)

    @property
    def moves(self) -> Moves:
        """Moves to another MIS."""
        return Moves(self._engine)

    # --- the console ---

    @property
    def console(self) -> Console:
        """Who may use the console, and what they did there."""
        return Console(self._engine)

    @property
    def lookup(self) -> Lookup:
        """Finding and counting people, and what the last weeks brought."""
        return Lookup(self._engine)

    @property
    def browse(self) -> Browse:
        """Runs, plans and changes a page at a time."""
        return Browse(self._engine)

    @property
    def requests(self) -> Requests:
        """What people asked the service to do."""
        return Requests(self._engine)

    # --- first passwords ---

    def handed_out(self, run: int, given: Iterable[IdentityId], by: str, now: datetime) -> None:
        """These people were handed a first password."""
        with writing(self._engine) as connection:
            handouts.note(connection, run, given, by, now)

    def handouts(self, school: str) -> dict[IdentityId, tuple[str, str]]:
        """When (ISO, UTC) and by whom people of a school were last handed a first password."""
        return handouts.of_school(self._engine, school)

    # --- runs, plans and the journal ---

    def start_run(self, school: str, kind: str, now: datetime, by: str = "", undoes: int | None = None) -> int:
        """Begin a run; an "undo" says which one it undoes. Under the lease, earlier runs of the school that never ended are marked "cut off"."""
        with writing(self._engine) as connection:
            self._still_ours(connection, school)
            return runs.start(connection, school, kind, by, now, school in self._held, undoes)

    def end_run(self, run: int, status: str, summary: Mapping[str, Any], now: datetime) -> None:
        """Say how a run ended."""
        runs.end(self._engine, run, status, summary, now)

    def runs(self, school: str | None = None, limit: int = 20) -> list[dict[str, Any]]:
        """Runs of a school or of all, newest first: id, school, kind, by, started, ended, status, summary, undoes. `status` is None while a run goes on."""
        return runs.latest(self._engine, school, limit)

    def run(self, run: int) -> dict[str, Any] | None:
        """A run with its `readings`, its `plans`, each with its `changes`, and the undo runs it is `undone_by`; None when there is none of that number.

        A change has document (the shape of `plan --json`), sentence, intended, answered, note and outcome: None, or "applied", "rejected", "deferred", "unsent",
        "unknown" (the run was cut off before the answer, and the next one looked again).
        """
        return runs.detail(self._engine, run)

    def school_of_run(self, run: int) -> str | None:
        """The school of a run, or None."""
        return runs.school_of(self._engine, run)

    def keep_plan(self, run: int, plan: Plan, verdict: str, objections: Sequence[str], now: datetime) -> int:
        """Keep a plan and each of its changes; gives its number. What an earlier run left unanswered in this target is thereby closed as "unknown"."""
        with writing(self._engine) as connection:
            self._still_ours(connection, plan.school)
            return plans.keep(connection, run, plan, verdict, objections, now)

    def last_plan(self, school: str, target: str) -> dict[str, Any] | None:
        """The newest plan for everybody of a school in a target, or None: one for a few people does not count, nor an undo's."""
        return plans.last(self._engine, school, target)

    def journal(self, kept: int, plan: Plan) -> Journal:
        """The journal of a plan that was kept under the number `kept`."""
        return Journal(
            self._engine, kept, plan, self._clock, lambda connection: self._still_ours(connection, plan.school)
        )

    def unanswered(self, school: str, target: str) -> list[dict[str, Any]]:
        """Intentions without an outcome: a run was cut off between the two (or is at work now)."""
        return plans.unanswered(self._engine, school, target)

    def history(self, identity: IdentityId) -> list[dict[str, Any]]:
        """What happened to one person, oldest first: rows with `at`, `what` and `run`."""
        return events.history(self._engine, identity)

    @property
    def past(self) -> Past:
        """When people were last seen, and what is forgotten of those who left long ago."""
        return Past(self._engine, self._still_ours)

    # --- what was undone ---

    def remember_undone(self, run: int, found: Undo, by: str, now: datetime) -> None:
        """The undo `run` takes these changes back; what it thereby does again is no longer kept as undone."""
        with writing(self._engine) as connection:
            self._still_ours(connection, found.plan.school)
            undone.remember(connection, run, found, by, now)

    def undone(self, school: str, target: str) -> list[Mark]:
        """What was undone in a target, and must not silently be done again."""
        return undone.of_target(self._engine, school, target)

    def forget_undone(self, school: str, target: str, found: Iterable[Trace]) -> None:
        """They may be done again."""
        undone.forget(self._engine, school, target, found)

    def changed_since(self, school: str, target: str, run: int) -> dict[Aspect, int]:
        """What runs after `run` changed in a target, with the last one that did."""
        return undone.changed_since(self._engine, school, target, run)

    # --- snapshots, approvals, freshness ---

    def profile(
        self,
        run: int,
        school: str,
        profile: Mapping[str, Any],
        good: bool,
        taken_at: datetime,
        feed_time: datetime | None,
        now: datetime,
    ) -> None:
        """Keep what a snapshot looked like; `good` when it was believed."""
        runs.keep_profile(self._engine, run, school, profile, good, taken_at, feed_time, now)

    def profiles(self, school: str, limit: int = 10) -> list[dict[str, Any]]:
        """Profiles of snapshots that were believed, newest first."""
        return runs.profiles(self._engine, school, limit)

    def approve(self, digest: str, what: str, by: str, now: datetime, expires: datetime, needed: int = 1) -> None:
        """Keep a person's yes to exactly this digest; where two people are `needed`, that of somebody else completes it."""
        runs.approve(self._engine, digest, what, by, now, expires, needed)

    def open_approval(self, digest: str, now: datetime) -> dict[str, Any] | None:
        """The yes to a digest that is neither used nor expired: by, given, expires, needed, also_by."""
        return runs.open_approval(self._engine, digest, now)

    def refuse(self, digest: str, school: str, by: str, why: str, now: datetime) -> None:
        """Keep a person's no to exactly this digest, and take an unused yes back."""
        runs.refuse(self._engine, digest, school, by, why, now)

    def refusal(self, digest: str) -> dict[str, Any] | None:
        """A person's no to a digest, unless somebody said yes since: by, at, why."""
        return runs.refusal(self._engine, digest)

    def use_approval(self, digest: str, now: datetime) -> bool:
        """True once for an approval that has not expired; it is then used."""
        return runs.use_approval(self._engine, digest, now)

    def note_contact(self, school: str, now: datetime, problem: str | None) -> None:
        """The source answered (None), or why it did not."""
        runs.note_contact(self._engine, school, now, problem)

    def freshness(self, school: str) -> dict[str, str | None]:
        """How old what we know of a school is: times (ISO, UTC), None until it happened.

        `last_contact`: the source answered. `last_read`: a complete snapshot that was believed was taken; `feed_time`: the source's own word on its age.
        `last_change`: something was changed in a target. `problem`: why the source could not be read when last tried; `failing_since`: when that began.
        """
        return runs.freshness(self._engine, school)

    def memory(self, target: str) -> Memory:
        """A connector's own memory."""
        return StoreMemory(self._engine, target)

    def forget_memory(self, target: str) -> None:
        """Throw a connector's memory away: its next read is a full one."""
        forget(self._engine, target)
