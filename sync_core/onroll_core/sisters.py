"""A run and the other schools of its trust: who is a guest here, and who goes over to the school that has them now.

Only a school's own run, or one that holds its lease for a moment, changes whom it looks after. So both sides may hand over: the school that somebody
left does so in its own run, and the new one when the old one is at rest. Whichever comes first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from onroll_core.accounts import IdentityId
from onroll_core.changes import Create
from onroll_core.cohorts import Years
from onroll_core.errors import Refused
from onroll_core.identities import Identity
from onroll_core.lifecycle import is_subsidiary, present
from onroll_core.line import Line
from onroll_core.night import Night
from onroll_core.people import Role, Snapshot, Status
from onroll_core.plan import Plan
from onroll_core.reconcile import Reconciliation
from onroll_core.same_person import names, numbers
from onroll_core.store.leases import Busy
from onroll_core.store.linked import THE_MIS
from onroll_core.trust import Abroad, Handover, Recogniser, Roll, has_let_go, nobody, stays_as_guest, taken_over
from onroll_core.usernames import fold


def roll(line: Line, former: bool = True) -> Roll:
    """Everybody of whom this run has to know something, as they are kept now; without `former` only those who have a record here."""
    own = line.store.identities(line.school.id)
    if not line.sisters:
        # A school that is alone, or no longer shares a target with anybody, asks nobody.
        return Roll([replace(each, elsewhere={}) if each.elsewhere else each for each in own])
    own = [_of_this_trust(each, line) for each in own]
    guests = line.store.guests.of_school(line.school.id)
    if not former:
        return Roll(own, guests)
    here = {each.id for each in guests}
    return Roll(own, guests, [each for each in line.store.guests.former(line.school.id) if each.id not in here])


def _of_this_trust(identity: Identity, line: Line) -> Identity:
    if identity.elsewhere.keys() <= line.sisters.keys():
        return identity
    return replace(
        identity, elsewhere={each: name for each, name in identity.elsewhere.items() if each in line.sisters}
    )


def recogniser(line: Line, snapshot: Snapshot, there: Roll, years: Years) -> Recogniser:
    """What recognises this school's unknown records among the people of its sisters; only those who may be meant are loaded."""
    if not line.sisters:
        return nobody
    known = {key for each in there.known for key in each.keys}
    wanted: set[str] = set()
    for person in snapshot.people:
        if person.key in known or person.status is Status.LEFT:
            continue
        if person.role is Role.STUDENT:
            wanted.update(fold(number) for number in numbers(person))
        elif person.role is Role.STAFF:
            wanted |= names(person)
    guests = {each.id for each in there.guests}
    found = {each.id: each for each in line.store.guests.found_by(line.sisters, wanted) if each.id not in guests}
    people = {**found, **{each.id: each for each in there.former}}
    apart = frozenset().union(*(line.store.rejected_links(each, THE_MIS) for each in (line.school.id, *line.sisters)))
    return Abroad(line.school, line.sisters, list(people.values()), years, line.today, apart).match


def keep_guests(line: Line, run: int, before: Sequence[Identity], found: Reconciliation) -> None:
    """Remember whoever is new among the guests, stands otherwise, or has begun or ceased to be on roll as days went by."""
    was = {each.id: each for each in before}
    now = was | {each.id: each for each in found.changed if each.host}
    changed = [
        (each, here)
        for each in now.values()
        if (here := present(each, line.today, line.school)) is not (line.school.id in each.elsewhere)
        or each != was.get(each.id)
    ]
    if changed:
        line.store.guests.remember(run, line.school.id, line.school.name, changed, line.now())


def hand_over(line: Line, night: Night, run: int) -> None:
    """Whoever has left one school of the trust and is on roll at another goes over, from here and to here."""
    if not line.sisters:
        return
    there = roll(line, former=False)
    _from_here(line, night, run, there.own)
    for school, people in _by_host(there.guests).items():
        _to_here(line, night, run, school, people)


def _from_here(line: Line, night: Night, run: int, own: Iterable[Identity]) -> None:
    for each in own:
        if not each.elsewhere or not has_let_go(each, line.today, line.school):
            continue
        guests = [guest for guest in line.store.guests.of_person(each) if guest.school in each.elsewhere]
        if guests:
            new = min(guests, key=lambda guest: (is_subsidiary(guest.person), guest.school))
            _do(line, night, run, _handover(line, each, new, line.school.name, each.elsewhere[new.school]))


def _to_here(line: Line, night: Night, run: int, host: str, people: Sequence[Identity]) -> None:
    """Those guests of ours go over whom their own school has let go; it must be at rest."""
    sister = line.sisters.get(host)
    wanted = {each.id: each for each in people if present(each, line.today, line.school)}

    def let_go() -> list[Identity]:
        there = [each for each in (line.store.identity(one) for one in wanted) if each and each.school == host]
        return [each for each in there if sister is None or has_let_go(each, line.today, sister.rules)]

    gone = let_go()
    if not gone:
        return
    called = sister.rules.name if sister is not None else host
    try:
        with line.store.lease(host, line.holder, line.now()):
            for each in let_go():
                _do(line, night, run, _handover(line, each, wanted[each.id], called, line.school.name))
    except Busy:
        night.notices.append(
            f"{', '.join(each.label for each in gone)} left {called} for {line.school.name}. {called} is being worked on at this moment, so they go over"
            " in the next night; until then the account works as it did."
        )


def _handover(line: Line, before: Identity, guest: Identity, old: str, new: str) -> Handover:
    """`guest` is who `before` is to the school they go over to."""
    rules = line.school if before.school == line.school.id else None
    if before.school in line.sisters:
        rules = line.sisters[before.school].rules
    after = taken_over(before, guest)
    stays = stays_as_guest(before, guest.school, line.today, rules) if rules is not None else None
    if stays is None or rules is None:
        return Handover(before, after, None, False, old, new)
    return Handover(before, after, stays, present(stays, line.today, rules), old, new)


def _do(line: Line, night: Night, run: int, handover: Handover) -> None:
    try:
        line.store.guests.hand_over(run, handover, line.now())
    except Refused:
        return  # the other school was faster, and did the same
    night.notices.append(f"{handover.before.label} went over from {handover.old} to {handover.new}, with the account.")


def _by_host(guests: Iterable[Identity]) -> Mapping[str, list[Identity]]:
    found: dict[str, list[Identity]] = {}
    for each in guests:
        found.setdefault(each.host, []).append(each)
    return found


def of_the_sisters(line: Line, plan: Plan) -> frozenset[IdentityId]:
    """Every identity of the sisters, when `plan` makes accounts: theirs are then nobody's unknown ones."""
    if not line.sisters or not any(isinstance(change, Create) for change in plan.changes):
        return frozenset()
    return line.store.guests.ids_of(line.sisters)
