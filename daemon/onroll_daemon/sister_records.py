"""Records of one school that are people of another school of the trust, because somebody who knows says so."""

from __future__ import annotations

from dataclasses import replace

from onroll_core.accounts import Anchor
from onroll_core.cohorts import reckon
from onroll_core.identities import Identity
from onroll_core.lifecycle import present
from onroll_core.people import SourceKey
from onroll_core.store.linked import THE_MIS
from onroll_core.trust import Handover, as_guest, told_apart
from onroll_daemon.nights import who
from onroll_daemon.operations.records import own_key
from onroll_daemon.record_reading import read, the_record
from onroll_daemon.session import FAILED, USAGE, Session, stop
from onroll_daemon.settings import SchoolSettings
from onroll_daemon.wiring import line, now, sisters_of


def joined(opened: Session, identity: Identity, school: SchoolSettings, record: str) -> Identity:
    """Make somebody of another school a guest of `school`, by its record; its next run takes them over if their own school has let them go."""
    rules = school.rules
    if identity.school not in sisters_of(opened.settings, school):
        stop(
            USAGE,
            f"{identity.school} and {rules.id} write to no target together, so an account of one is of no use at the other. Nothing was changed.",
        )
    with opened.store.lease(rules.id, f"users link by {who()}", now()):
        snapshot = read(opened, school)
        person = the_record(snapshot, record, school)
        guests = opened.store.guests.of_school(rules.id)
        known = [*opened.store.identities(rules.id), *guests]
        holder = {key: each for each in known for key in each.keys}.get(person.key)
        if holder is not None:
            whose = "already" if holder.id == identity.id else "already, who may have an account"
            stop(FAILED, f"The record {record} of {rules.name} is {holder.label}'s {whose}. Nothing was changed.")
        today = line(opened.settings, school, opened.store).today
        guest = as_guest(identity, person, today, rules, reckon(snapshot, known, today, rules))
        before = next((each.keys for each in guests if each.id == identity.id), ())
        guest = replace(guest, also=before)
        opened.store.guests.remember(None, rules.id, rules.name, [(guest, present(guest, today, rules))], now())
    return guest


def parted(opened: Session, identity: Identity, school: SchoolSettings, record: str) -> Identity:
    """Keep that a record of `school` is not this person of another one, or no longer; whom it took over goes back to where they were."""
    rules, key = school.rules, own_key(opened.store, school, record)
    after = identity
    with opened.store.lease(rules.id, f"users apart by {who()}", now()):
        guest = next((each for each in opened.store.guests.of_school(rules.id) if each.id == identity.id), None)
        if guest is not None and key in guest.keys:
            _no_guest(opened, guest, key, school)
        elif identity.school == rules.id:
            after = _sent_back(opened, identity, key)
        opened.store.reject_link(THE_MIS, identity, Anchor(told_apart(key)), who(), now())
    if identity.school != rules.id and key in identity.keys:
        with opened.store.lease(identity.school, f"users apart by {who()}", now()):
            after = replace(identity, also=tuple(each for each in identity.also if each != key))
            opened.store.remember(None, [after], now())
    return after


def _no_guest(opened: Session, guest: Identity, key: SourceKey, school: SchoolSettings) -> None:
    rest = tuple(each for each in guest.keys if each != key)
    if not rest:
        opened.store.guests.forget(school.rules.id, guest.id)
        return
    after = replace(guest, person=replace(guest.person, key=rest[0]), also=rest[1:])
    here = school.rules.id in guest.elsewhere
    opened.store.guests.remember(None, school.rules.id, school.rules.name, [(after, here)], now())


def _sent_back(opened: Session, identity: Identity, key: SourceKey) -> Identity:
    """To the school of the next of their records, whose MIS says at its next reading where they stand."""
    rest = tuple(each for each in identity.keys if each != key)
    back = opened.settings.schools.get(rest[0].school)
    old = opened.settings.schools[identity.school].rules.name
    if back is None:
        stop(
            FAILED,
            f"{identity.label} came from {rest[0].school}, which is no longer in the configuration. Nothing was changed.",
        )
    after = replace(identity, school=rest[0].school, person=replace(identity.person, key=rest[0]), also=rest[1:])
    opened.store.guests.hand_over(None, Handover(identity, after, None, False, old, back.rules.name), now())
    return after
