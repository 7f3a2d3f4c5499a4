"""One record of a school's MIS, read now, under the key that it has in the store."""

from __future__ import annotations

from contextlib import closing

from onroll_core.people import Person, Snapshot
from onroll_core.rekey import within
from onroll_daemon.bars import watching
from onroll_daemon.session import FAILED, Session, stop
from onroll_daemon.settings import SchoolSettings
from onroll_daemon.wiring import line


def read(opened: Session, school: SchoolSettings) -> Snapshot:
    """Everybody of the school's MIS, in the key space that its records have here."""
    with watching() as progress:
        it = line(opened.settings, school, opened.store, progress=progress)
        with closing(it.source()) as source:
            return within(source.read(), opened.store.moves.key_space(school.rules.id, school.route.name))


def the_record(snapshot: Snapshot, record: str, school: SchoolSettings) -> Person:
    """The person of one record; one that is not there ends the command."""
    found = [each for each in snapshot.people if record in (each.key.record, each.key.record.partition("/")[2])]
    if not found:
        stop(
            FAILED,
            f"The MIS of {school.rules.id} has no record {record}. It is written as in the conflict, for example staff:17. Nothing was changed.",
        )
    return found[0]
