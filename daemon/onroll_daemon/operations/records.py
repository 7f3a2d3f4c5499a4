"""Which records of the MIS are one person, as far as it can be said without reading the MIS again."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime

from onroll_core.accounts import Anchor
from onroll_core.errors import Refused
from onroll_core.identities import Identity
from onroll_core.people import SourceKey
from onroll_core.store import Store
from onroll_core.store.linked import THE_MIS
from onroll_daemon.settings import SchoolSettings

_ASKED = re.compile(r"onroll users link (\S+) ([^\s.]+)")


@dataclass(frozen=True, slots=True)
class Doubt:
    """The last reading left it to a person whether a new `record` is somebody who is known already; `why` is its sentence."""

    record: str
    why: str


def own_key(store: Store, school: SchoolSettings, record: str) -> SourceKey:
    """The key of a record that a person wrote as their MIS has it."""
    return SourceKey(school.rules.id, store.moves.key_space(school.rules.id, school.route.name) + record)


def doubts(store: Store, identity: Identity) -> list[Doubt]:
    """What the last reading asked of somebody, in their own school."""
    found = []
    for why in last_said(store, identity.school):
        asked = _ASKED.search(why)
        if asked is not None and asked[1] == identity.label:
            found.append(Doubt(asked[2], why))
    return found


def last_said(store: Store, school: str) -> list[str]:
    """What the last reading of a school left to a person."""
    for run in store.runs(school, 20):
        if run["kind"] in ("sync", "pull") and run["status"] is not None:
            return list((run["summary"] or {}).get("conflicts", ()))
    return []


def join(store: Store, school: SchoolSettings, identity: Identity, key: SourceKey, by: str, now: datetime) -> Identity:
    """Keep that a record is this person too, in the caller's lease; the caller knows that the MIS has it. Raises Refused when it is somebody's already."""
    holder = {each_key: each for each in store.identities(school.rules.id) for each_key in each.keys}.get(key)
    if holder is not None and holder.id != identity.id:
        raise Refused(
            f"The record {key.record} is {holder.label}'s already, who may have an account. Nothing was changed."
        )
    if key in identity.keys:
        raise Refused(f"The record {key.record} is {identity.label}'s already.")
    also = (*identity.also, identity.person.key)
    after = replace(identity, source="mis", person=replace(identity.person, key=key), also=also)
    store.remember(None, [after], now)
    return after


def settle(
    store: Store, school: SchoolSettings, identity: Identity, record: str, theirs: bool, by: str, now: datetime
) -> Identity:
    """Answer what the last reading asked: the record is this person too, or somebody else. Raises Refused when it did not ask that, Busy during a run."""
    if record not in {each.record for each in doubts(store, identity)}:
        raise Refused(
            f"The last reading of {school.rules.name} does not ask whose the record {record} is. For another record:"
            f" onroll users link {identity.label} {record}, which reads the MIS."
        )
    if not theirs:
        return part(store, school, identity, record, by, now)
    with store.lease(school.rules.id, f"users link by {by}", now):
        return join(store, school, identity, own_key(store, school, record), by, now)


def part(store: Store, school: SchoolSettings, identity: Identity, record: str, by: str, now: datetime) -> Identity:
    """Keep that a record of their own school is somebody else, and take it away where it was joined. Raises Refused for the only one, Busy during a run."""
    key = own_key(store, school, record)
    rest = tuple(each for each in identity.keys if each not in (key, SourceKey(school.rules.id, record)))
    if not rest:
        raise Refused(f"{record} is the only record of {identity.label}, so it cannot be taken away.")
    after = identity
    with store.lease(school.rules.id, f"users apart by {by}", now):
        if len(rest) < len(identity.keys):
            source = "manual" if rest[0].record.startswith("manual:") else identity.source
            after = replace(identity, person=replace(identity.person, key=rest[0]), also=rest[1:], source=source)
            store.remember(None, [after], now)
        store.reject_link(THE_MIS, identity, Anchor(key.record), by, now)
    return after
