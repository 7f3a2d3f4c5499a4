"""The first half of a night: the MIS is read, looked at, compared with the people we know, and remembered. No target is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from onroll_core.cohorts import reckon
from onroll_core.errors import OnrollError, Refused
from onroll_core.groups.known import follow
from onroll_core.identities import Identity
from onroll_core.line import Line, Reached
from onroll_core.linking.links import followed
from onroll_core.naming import name_everyone
from onroll_core.night import Night, People, TargetNight
from onroll_core.people import Role, Snapshot
from onroll_core.reconcile import Reconciliation, reconcile
from onroll_core.rekey import within
from onroll_core.sanity import examine, fingerprint, missing, profile
from onroll_core.sisters import hand_over, keep_guests, recogniser, roll
from onroll_core.store.linked import THE_MIS
from onroll_core.store.moves import CONFIRMED, Move
from onroll_core.trust import Roll
from onroll_core.years import academic_year


def take_in(line: Line, night: Night, reached: Reached) -> bool:
    """Read, examine, reconcile, remember; True when the snapshot was good and is remembered."""
    _rename_who_is_due(line, night)
    snapshot = _read(line, night)
    if snapshot is None:
        return False
    there = roll(line)
    known = there.known
    last = next(iter(line.store.profiles(line.school.id, 1)), None)
    held = examine(snapshot, known, last, line.today, line.school)
    if held:
        night.snapshot = fingerprint(snapshot)
        if not line.store.use_approval(night.snapshot, line.now()):
            line.store.profile(
                night.id, line.school.id, profile(snapshot), False, snapshot.taken_at, snapshot.feed_time, line.now()
            )
            night.held = held
            night.targets = {name: TargetNight("held", objections=held) for name in line.targets}
            return False
        night.notices += held
    years = reckon(snapshot, known, line.today, line.school)
    move = line.store.moves.newest(line.school.id)
    apart = line.store.rejected_links(line.school.id, THE_MIS)
    abroad = recogniser(line, snapshot, there, years)
    found = reconcile(snapshot, known, line.today, line.school, years, line.new_id, apart, abroad)
    found = _frozen(night, move, found)
    _remember(line, night, there, found, reached)
    hand_over(line, night, night.id)
    _follow_groups(line, night, snapshot)
    # Who is missing from a reading that a person approved is believed to be, as long as they stay away.
    absent = missing(snapshot, known)
    believed = absent if held else absent & frozenset((last or {}).get("believed", ()))
    looks = profile(snapshot) | ({"believed": sorted(believed)} if believed else {})
    line.store.profile(night.id, line.school.id, looks, True, snapshot.taken_at, snapshot.feed_time, line.now())
    if move is not None and move.status == CONFIRMED and move.to == line.mis:
        line.store.moves.finish(move)
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
    space = line.store.moves.key_space(line.school.id, line.mis)
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
        line.store.remember(night.id, list(changed.values()), line.now())
    keep_guests(line, night.id, there.guests, found)


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
