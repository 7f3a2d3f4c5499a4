"""The line, step by step, as DESIGN 1 draws it: read, examine, reconcile, remember, project, observe, diff, clear, apply.

Data goes in one direction. What is pure lives in the modules named; this one only carries values from step to step, and keeps a target that fails
or is held from stopping another.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import date, timedelta
from functools import partial

from onroll_core import guard
from onroll_core.accounts import DesiredAccount, Observed
from onroll_core.apply import apply as carry_out
from onroll_core.changes import Conflict
from onroll_core.cohorts import reckon
from onroll_core.diff import diff
from onroll_core.diff_groups import held_names
from onroll_core.errors import OnrollError, Refused
from onroll_core.foresight import foreseen
from onroll_core.group_changes import group_changes
from onroll_core.identities import Bond, Identity
from onroll_core.known_groups import follow
from onroll_core.licences import licence_changes
from onroll_core.limits import objections
from onroll_core.line import Line, Reached, reached_by
from onroll_core.links import followed
from onroll_core.naming import name_everyone
from onroll_core.night import Night, People, TargetNight
from onroll_core.people import Role, Snapshot
from onroll_core.plan import Plan, ordered
from onroll_core.project import project, project_abandoned, project_linked, waiting
from onroll_core.reconcile import Reconciliation, reconcile
from onroll_core.rekey import within
from onroll_core.retention import forget_long_gone
from onroll_core.sanity import examine, fingerprint, profile
from onroll_core.sisters import hand_over, keep_guests, of_the_sisters, recogniser, roll
from onroll_core.store.linked import THE_MIS
from onroll_core.store.moves import CONFIRMED, Move
from onroll_core.trust import Roll
from onroll_core.undoing import asked_to_undo, carry_out_undo, done_again, plan_undo, settle
from onroll_core.years import academic_year

APPROVAL_LASTS = timedelta(hours=24)


def sync(line: Line, approve: Sequence[str] = (), by: str = "") -> Night:
    """One night, now: everything from the read to the last change. Raises only when the run could not begin."""
    with _run(line, "sync", by) as night, reached_by(line, None, night) as reached:
        _approve(line, approve, by)
        if _pull(line, night, reached):
            _bring_into_line(line, night, reached)
            forget_long_gone(line, night)
    return night


def pull(line: Line, approve: Sequence[str] = (), by: str = "") -> Night:
    """Read the MIS, reconcile, remember. Targets are only looked at, for the names that are taken there."""
    with _run(line, "pull", by) as night, reached_by(line, None, night) as reached:
        _approve(line, approve, by)
        _pull(line, night, reached)
        for name, one in night.targets.items():
            if one.verdict == "failed":
                night.notices.append(f"The names taken in {name} could not be looked at: {one.error}")
        night.targets.clear()
    return night


def plan(line: Line, only: Sequence[str] | None = None, as_of: date | None = None) -> Night:
    """What `apply` would do, and why; on the day `as_of`, as far as the MIS tells of it today. Writes nothing anywhere."""
    night = Night(line.school.id)
    there = roll(line)
    if as_of is not None:
        line, there, night.notices = foreseen(line, there, as_of)
    if not there.known:
        night.unread = _never_read(line)
        return night
    with reached_by(line, only, night) as reached:
        for name, observed in reached.all(there.everybody):
            _plan_target(line, night, name, there, observed, reached)
    return night


def apply(line: Line, only: Sequence[str] | None = None, approve: Sequence[str] = (), by: str = "") -> Night:
    """Bring targets into line with what was last read."""
    with _run(line, "apply", by) as night, reached_by(line, only, night) as reached:
        _approve(line, approve, by)
        if not roll(line, former=False).known:
            night.unread = _never_read(line)
        else:
            _bring_into_line(line, night, reached)
    return night


def undo(line: Line, run: int, only: Sequence[str] | None = None, approve: Sequence[str] = (), by: str = "") -> Night:
    """Take a past run back in every target of which `approve` has the digest of the plan that does so; the others are held."""
    row = asked_to_undo(line, run)
    with _run(line, "undo", by, run) as night, reached_by(line, only, night) as reached:
        planned = plan_undo(line, night, reached, row, partial(_measure, line), approve, by)
        carry_out_undo(line, night, reached, _id(night), planned, by)
    return night


def show_undo(line: Line, run: int, only: Sequence[str] | None = None) -> Night:
    """What `undo` would do, and with which digests. Writes nothing anywhere."""
    row, night = asked_to_undo(line, run), Night(line.school.id)
    with reached_by(line, only, night) as reached:
        plan_undo(line, night, reached, row, partial(_measure, line))
    return night


def _never_read(line: Line) -> str:
    return f"Nothing has been read for {line.school.id} yet. Run: onroll pull {line.school.id}"


def _approve(line: Line, digests: Sequence[str], by: str) -> None:
    """Keep a person's yes to exactly these digests."""
    for digest in digests:
        line.store.approve(digest, line.school.id, by, line.now(), line.now() + APPROVAL_LASTS)


@contextmanager
def _run(line: Line, kind: str, by: str, undoes: int | None = None) -> Iterator[Night]:
    """One run under the school's lease, with a row that says how it ended whatever happens."""
    with line.store.lease(line.school.id, line.holder, line.now()):
        night = Night(line.school.id, line.store.start_run(line.school.id, kind, line.now(), by, undoes))
        try:
            yield night
        except BaseException as failure:
            # The row is a courtesy; it must never hide what really happened (the store itself may be what failed).
            with suppress(Exception):
                line.store.end_run(
                    _id(night), "failed", night.sync_json() | {"error": type(failure).__name__}, line.now()
                )
            raise
        line.store.end_run(_id(night), night.status, night.sync_json(), line.now())


def _id(night: Night) -> int:
    if night.run is None:
        raise ValueError("this night has no run")
    return night.run


# --- read, examine, reconcile, remember ---


def _pull(line: Line, night: Night, reached: Reached) -> bool:
    """True when the snapshot was good and is remembered."""
    _rename_who_is_due(line, night)
    snapshot = _read(line, night)
    if snapshot is None:
        return False
    there = roll(line)
    known = there.known
    profiles = line.store.profiles(line.school.id, 1)
    held = examine(snapshot, known, profiles[0] if profiles else None, line.today, line.school)
    if held:
        night.snapshot = fingerprint(snapshot)
        if not line.store.use_approval(night.snapshot, line.now()):
            line.store.profile(
                _id(night), line.school.id, profile(snapshot), False, snapshot.taken_at, snapshot.feed_time, line.now()
            )
            night.held = held
            night.targets = {name: TargetNight("held", objections=held) for name in line.targets}
            return False
        night.notices += held
    years = reckon(snapshot, known, line.today, line.school)
    move = line.store.move(line.school.id)
    apart = line.store.rejected_links(line.school.id, THE_MIS)
    abroad = recogniser(line, snapshot, there, years)
    found = reconcile(snapshot, known, line.today, line.school, years, line.new_id, apart, abroad)
    found = _frozen(night, move, found)
    _remember(line, night, there, found, reached)
    hand_over(line, night, _id(night))
    _follow_groups(line, night, snapshot)
    line.store.profile(
        _id(night), line.school.id, profile(snapshot), True, snapshot.taken_at, snapshot.feed_time, line.now()
    )
    if move is not None and move.status == CONFIRMED and move.to == line.mis:
        line.store.finish_move(move)
    night.people = People(
        len(found.joiners), len(found.movers), len(found.leavers), len(found.returners), len(found.conflicts)
    )
    night.conflicts += [conflict.why for conflict in found.conflicts]
    return True


def _frozen(night: Night, move: Move | None, found: Reconciliation) -> Reconciliation:
    """While a school moves to another MIS nobody becomes a leaver."""
    if move is None or not move.under_way:
        return found
    if found.leavers:
        night.notices.append(
            f"{len(found.leavers)} leavers wait, because {move.school} is moving to {move.to}. Finish it with onroll rekey {move.school}, or take"
            " it back."
        )
    return replace(found, leavers=())


def _read(line: Line, night: Night) -> Snapshot | None:
    """Everyone, complete; or None with the reason in the night."""
    line.progress("reading the MIS", 0, None)
    try:
        source = line.source()
        try:
            snapshot = source.read()
        finally:
            source.close()
    except OnrollError as failure:
        night.unread = str(failure)
        line.store.note_contact(line.school.id, line.now(), night.unread)
        return None
    if not snapshot.people:
        night.unread = (
            f"The MIS answered for {line.school.id} and named nobody at all. An empty school is never believed: look at the permissions of the"
            " extract or of the API. Nothing was changed."
        )
        line.store.note_contact(line.school.id, line.now(), night.unread)
        return None
    if line.feed_after is not None and snapshot.feed_time is not None and snapshot.feed_time < line.feed_after:
        night.unread = f"The MIS's feed still holds the data of {snapshot.feed_time:%d %B, %H:%M %Z}; tonight's has not come yet. It is tried again."
        line.store.note_contact(line.school.id, line.now(), night.unread)
        return None
    line.store.note_contact(line.school.id, line.now(), None)
    space = line.store.key_space(line.school.id, line.mis)
    if not space:
        return snapshot
    year = academic_year(line.today, line.school.rollover)
    return within(snapshot, space, line.store.groups(line.school.id), year)


def _remember(line: Line, night: Night, there: Roll, found: Reconciliation, reached: Reached) -> None:
    """Give names to those who need one, and keep everything that changed in one transaction."""
    changed = {identity.id: identity for identity in found.changed if not identity.host}
    joiners = (identity for identity in found.joiners if not identity.host)
    now = [*(changed.get(identity.id, identity) for identity in there.own), *joiners]
    for name, observed in reached.all(there.everybody):
        line.store.absorb(name, observed.names, line.now())
    if line.school.mode == "link":
        named = _names_of_driver(line, reached, now)
    else:
        named = name_everyone(now, line.today, line.school, line.store.ledger(line.school.id), reached.seen.values())
    for identity in named:
        changed[identity.id] = identity
    if changed:
        line.store.remember(_id(night), list(changed.values()), line.now())
    keep_guests(line, _id(night), there.guests, found)


def _names_of_driver(line: Line, reached: Reached, people: Sequence[Identity]) -> list[Identity]:
    """In Link Mode names are those of the accounts that drive."""
    seen = reached.seen.get(line.school.driver)
    if seen is None:
        return []
    by_name = reached.target(line.school.driver).abilities.login == "name"
    domains = {role: rules.domain for role in Role if (rules := line.school.of(role)) is not None}
    return followed(people, line.school.driver, seen, by_name, domains)


def _rename_who_is_due(line: Line, night: Night) -> None:
    """Renames that a person asked for this day or an earlier one; one that has become impossible is for a person again."""
    for wanted in line.store.pending_renames(line.school.id):
        if wanted.on > line.today:
            continue
        try:
            line.store.rename_all([wanted], line.now())
        except Refused as refused:
            night.conflicts.append(f"The rename to {wanted.username} that was asked for could not be done: {refused}")


def _follow_groups(line: Line, night: Night, snapshot: Snapshot) -> None:
    """Remember what became of the MIS's groups; classes that a person has to look at are in the night."""
    identities, known = roll(line, former=False).known, line.store.groups(line.school.id)
    found = follow(snapshot, known, identities, line.today, line.school)
    approved = frozenset(each for each in found.doubts.values() if line.store.use_approval(each, line.now()))
    if approved:
        found = follow(snapshot, known, identities, line.today, line.school, approved)
    if found.changed:
        line.store.remember_groups(line.school.id, found.changed)
    night.conflicts += [group.doubt for group in found.changed if group.doubt]


# --- project, observe, diff, clear, apply ---


def _bring_into_line(line: Line, night: Night, reached: Reached) -> None:
    there = roll(line)
    for name, observed in reached.all(there.everybody):
        line.store.absorb(name, observed.names, line.now())
        one, verdict = _plan_target(line, night, name, there, observed, reached)
        current = verdict.plan
        bonds = {identity: Bond(anchor) for identity, anchor in current.adopted.items()} | dict(current.settled)
        line.store.bond_all(name, bonds, line.now())
        kept = line.store.keep_plan(_id(night), current, one.verdict, one.objections, line.now())
        settle(line, current, isinstance(verdict, guard.Cleared))
        if not isinstance(verdict, guard.Cleared):
            continue
        journal = line.store.journal(kept, current)
        told = partial(line.progress, f"writing to {name}")
        outcomes = carry_out(verdict, reached.target(name), journal, line.stopping, told)
        for outcome in outcomes:
            one.count(outcome)


def _plan_target(
    line: Line, night: Night, name: str, there: Roll, observed: Observed, reached: Reached
) -> tuple[TargetNight, guard.Verdict]:
    """Project, diff and clear for one target."""
    target, rules = reached.target(name), line.targets[name].rules
    identities, gone = there.looked_after(name, line.school.id, line.sisters), there.abandoned(name, line.sisters)
    desired = [
        *_desired(line, name, identities, reached),
        *project_abandoned(gone, line.school, target.abilities),
    ]
    bonds = {identity.id: identity.bonds[name] for identity in (*identities, *gone) if name in identity.bonds}
    ledger = line.store.ledger(line.school.id)
    current = diff(
        line.school.id,
        desired,
        observed,
        bonds,
        rules,
        target.abilities,
        lambda who, name: ledger.holder(name) == who,
        line.store.former.withheld(line.school.id),
    )
    if target.abilities.groups and rules.groups:
        known, ours = line.store.groups(line.school.id), line.store.memberships(name, line.school.id)
        found = group_changes(
            current, known, identities, desired, observed, ours, line.today, line.school, rules, target.abilities,
            there.others_than(identities),
        )  # fmt: skip
        changes, doubts = held_names(found, observed, name)
        current = replace(
            current, changes=tuple(ordered([*current.changes, *changes])), conflicts=(*current.conflicts, *doubts)
        )
    days = rules.release_licences_after
    if target.abilities.licences and days is not None:
        switched = partial(line.store.past.switched, name, since=line.now() - timedelta(days=days))
        released = licence_changes(desired, observed, bonds, days, line.today, switched)
        current = replace(current, changes=tuple(ordered([*current.changes, *released])))
    nameless = waiting(there.own, line.today, line.school) if line.school.mode == "create" else []
    if nameless:
        current = replace(current, conflicts=(*nameless, *current.conflicts))
    verdict = _clear(line, current, identities, observed, night.run is not None)
    one = TargetNight("cleared", current)
    if isinstance(verdict, guard.Held):
        one = TargetNight("held", current, verdict.objections)
    night.targets[name] = one
    return one, verdict


def _desired(line: Line, name: str, identities: Sequence[Identity], reached: Reached) -> list[DesiredAccount]:
    """The accounts that a target should have, by the mode of the school."""
    rules, abilities = line.targets[name].rules, reached.target(name).abilities
    if line.school.mode == "create":
        return list(project(identities, line.today, line.school, rules, abilities))
    seen = reached.seen[line.school.driver]
    return list(project_linked(identities, line.school.driver, seen, line.school, rules, abilities))


def _clear(
    line: Line, current: Plan, identities: Sequence[Identity], observed: Observed, may_use: bool
) -> guard.Verdict:
    found = [*_measure(line, current, identities, observed), *done_again(line, current)]
    approved = None
    if found and may_use and line.store.use_approval(current.digest, line.now()):
        approved = current.digest
    return guard.clear(current, found, approved)


def _measure(line: Line, current: Plan, identities: Sequence[Identity], observed: Observed) -> list[str]:
    """Why a plan is too much for one night."""
    population: dict[Role, int] = {}
    for identity in identities:
        if current.target in identity.bonds or identity.id in current.adopted:
            population[identity.role] = population.get(identity.role, 0) + 1
    known = {identity.id for identity in identities} | of_the_sisters(line, current)
    return objections(current, population, line.school.limits, observed, known)


def unsettled(night: Night) -> list[Conflict]:
    """Every conflict of a night, each once, whatever the number of targets that show it."""
    found: dict[tuple[str | None, str], Conflict] = {}
    for one in night.targets.values():
        for conflict in one.plan.conflicts if one.plan else ():
            found.setdefault((conflict.identity, conflict.why), conflict)
    return list(found.values())
