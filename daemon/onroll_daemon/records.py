"""`onroll users link` and `apart`: which records of the MIS are one person, because somebody who knows says so."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

from onroll_core.accounts import Anchor
from onroll_core.people import Person, Snapshot, SourceKey
from onroll_core.rekey import within
from onroll_core.store.linked import THE_MIS
from onroll_daemon.bars import watching
from onroll_daemon.nights import who
from onroll_daemon.people import found_person
from onroll_daemon.session import FAILED, Session, document, say, session, stop
from onroll_daemon.settings import SchoolSettings
from onroll_daemon.wiring import line, now


def users_link(config: str | None, username: str, record: str, as_json: bool) -> None:
    """`onroll users link`: this record is this person too. The MIS is read, so that the record is one that it has."""
    with session(config) as opened:
        identity, rules = found_person(opened, username)
        school = opened.settings.schools[rules.id]
        with opened.store.lease(rules.id, f"users link by {who()}", now()):
            person = _record(_read(opened, school), record, school)
            holder = {key: each for each in opened.store.identities(rules.id) for key in each.keys}.get(person.key)
            if holder is not None and holder.id != identity.id:
                stop(
                    FAILED,
                    f"The record {record} is {holder.label}'s already, who may have an account. Nothing was changed.",
                )
            if person.key in identity.keys:
                stop(FAILED, f"The record {record} is {identity.label}'s already.")
            also = (*identity.also, identity.person.key)
            after = replace(identity, source="mis", person=replace(identity.person, key=person.key), also=also)
            opened.store.remember(None, [after], now())
    if as_json:
        document({"identity": after.id, "username": after.username, "records": [key.record for key in after.keys]})
    else:
        name = f"{person.first or ''} {person.last or ''}".strip()
        say(
            f"{after.label} is {name} of the record {record} from the next sync on, and keeps the account. Now: onroll sync {rules.id}"
        )


def users_apart(config: str | None, username: str, record: str, as_json: bool) -> None:
    """`onroll users apart`: this record is somebody else. One that was joined is taken away again."""
    with session(config) as opened:
        identity, rules = found_person(opened, username)
        school = opened.settings.schools[rules.id]
        key = SourceKey(rules.id, opened.store.key_space(rules.id, school.route.name) + record)
        rest = tuple(each for each in identity.keys if each not in (key, SourceKey(rules.id, record)))
        if not rest:
            stop(FAILED, f"{record} is the only record of {identity.label}, so it cannot be taken away.")
        with opened.store.lease(rules.id, f"users apart by {who()}", now()):
            if len(rest) < len(identity.keys):
                source = "manual" if rest[0].record.startswith("manual:") else identity.source
                after = replace(identity, person=replace(identity.person, key=rest[0]), also=rest[1:], source=source)
                opened.store.remember(None, [after], now())
            opened.store.reject_link(THE_MIS, identity, Anchor(key.record), who(), now())
    if as_json:
        document({"identity": identity.id, "username": identity.username, "records": [each.record for each in rest]})
    else:
        say(
            f"The record {record} is not {identity.label}. Whoever it is gets an account of their own at the next sync."
        )


def _read(opened: Session, school: SchoolSettings) -> Snapshot:
    with watching() as progress:
        it = line(opened.settings, school, opened.store, progress=progress)
        with closing(it.source()) as source:
            return within(source.read(), opened.store.key_space(school.rules.id, school.route.name))


def _record(snapshot: Snapshot, record: str, school: SchoolSettings) -> Person:
    found = [each for each in snapshot.people if record in (each.key.record, each.key.record.partition("/")[2])]
    if not found:
        stop(
            FAILED,
            f"The MIS of {school.rules.id} has no record {record}. It is written as in the conflict, for example staff:17. Nothing was changed.",
        )
    return found[0]
