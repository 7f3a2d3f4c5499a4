"""`onroll users link` and `apart`: which records of the MIS are one person, because somebody who knows says so."""

from __future__ import annotations

from onroll_core.identities import Identity
from onroll_core.same_person import called
from onroll_daemon.nights import who
from onroll_daemon.operations.records import join, own_key, part
from onroll_daemon.people import found_person
from onroll_daemon.record_reading import read, the_record
from onroll_daemon.session import Session, document, say, session
from onroll_daemon.settings import SchoolSettings
from onroll_daemon.sister_records import joined, parted
from onroll_daemon.wiring import now


def users_link(config: str | None, username: str, record: str, as_json: bool, at: str | None = None) -> None:
    """`onroll users link`: this record is this person too. The MIS is read, so that the record is one that it has.

    `at` is the school of the record, where it is another one of the trust than the person's own.
    """
    with session(config) as opened:
        identity, rules = found_person(opened, username)
        school = opened.schools(at or rules.id)[0]
        if school.rules.id != rules.id:
            guest = joined(opened, identity, school, record)
            _tell_guest(guest, rules.name, school, record, as_json)
            return
        with opened.store.lease(rules.id, f"users link by {who()}", now()):
            person = the_record(read(opened, school), record, school)
            after = join(opened.store, school, identity, person.key, who(), now())
    if as_json:
        document({"identity": after.id, "username": after.username, "records": [key.record for key in after.keys]})
    else:
        name = f"{person.first or ''} {person.last or ''}".strip()
        say(
            f"{after.label} is {name} of the record {record} from the next sync on, and keeps the account. Now: onroll sync {rules.id}"
        )


def users_apart(config: str | None, username: str, record: str, as_json: bool, at: str | None = None) -> None:
    """`onroll users apart`: this record is somebody else. One that was joined is taken away again. `at` is the record's school, as for `users_link`."""
    with session(config) as opened:
        identity, rules = found_person(opened, username)
        school = opened.schools(at or rules.id)[0]
        if school.rules.id != rules.id or _came_from_elsewhere(opened, identity, school, record):
            _tell_apart(parted(opened, identity, school, record), record, as_json)
            return
        after = part(opened.store, school, identity, record, who(), now())
    _tell_apart(after, record, as_json)


def _tell_apart(after: Identity, record: str, as_json: bool) -> None:
    if as_json:
        document({"identity": after.id, "username": after.username, "records": [each.record for each in after.keys]})
    else:
        say(f"The record {record} is not {after.label}. Whoever it is gets an account of their own at the next sync.")


def _tell_guest(guest: Identity, home: str, school: SchoolSettings, record: str, as_json: bool) -> None:
    if as_json:
        document({"identity": guest.id, "username": guest.username, "school": school.rules.id, "record": record})
    else:
        say(
            f"{guest.label} of {home} is {called(guest.person)} of the record {record} at {school.rules.name} too: with the one account, in the groups of"
            f" both. Now: onroll sync {school.rules.id}"
        )


def _came_from_elsewhere(opened: Session, identity: Identity, school: SchoolSettings, record: str) -> bool:
    """True when the record is the one by which this school took the person over from another."""
    here = [each for each in identity.keys if each.school == school.rules.id]
    return len(here) == 1 and len(identity.keys) > 1 and here[0] == own_key(opened.store, school, record)
