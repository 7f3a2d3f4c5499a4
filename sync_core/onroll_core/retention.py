"""What was known of people who left long ago is forgotten; that there was somebody, and which names were theirs, is not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta

from onroll_core.identities import Identity, State
from onroll_core.lifecycle import standing
from onroll_core.line import Line
from onroll_core.night import Night
from onroll_core.people import Person, Status
from onroll_core.periods import Period
from onroll_core.rules import SchoolRules

QUIET = timedelta(days=90)
"""Whoever changed in so many days is not long gone, whatever a leaving date says: a year that was typed wrong forgets nobody."""
_DAY = "forgotten on"
_SUSPENDED = "by hand, before they were forgotten"


def forgotten(identity: Identity, today: date, school: SchoolRules) -> Identity:
    """The same human without anything personal: who it is in the MIS (a number), which names and accounts are theirs, and that they left, stays.

    An account that was disabled by hand stays so, should they come back.
    """
    person = identity.person
    return replace(
        identity,
        person=Person(person.key, person.role, Status.LEFT),
        state=State.LEFT,
        chosen_display_name=None,
        year_of_entry=None,
        waiting=None,
        proposal=None,
        absences=0,
        left_on=_left_on(identity, today, school) or today,
        suspended=_SUSPENDED if identity.suspended else "",
    )


def why_not(identity: Identity, today: date, school: SchoolRules) -> str:
    """Why somebody may not be forgotten, in a sentence; "" when they may."""
    if identity.forgotten:
        return f"What was known of {identity.label} has been forgotten already."
    where = standing(identity, today, school)
    if identity.elsewhere:
        return (
            f"{identity.label} is on roll at {' and '.join(sorted(identity.elsewhere.values()))}, and is not forgotten."
        )
    if where.state not in (State.LEFT, State.NO_SHOW):
        return f"{identity.label} {where.because}: only somebody who has left can be forgotten."
    return ""


def long_gone(identities: Iterable[Identity], today: date, school: SchoolRules, keep: Period) -> list[Identity]:
    """Those who left so long ago that the school no longer keeps what is known of them."""
    found = []
    for each in identities:
        if not why_not(each, today, school):
            since = _left_on(each, today, school)
            if since is not None and keep.after(since) < today:
                found.append(each)
    return found


def forget_long_gone(line: Line, night: Night) -> None:
    """At the end of a good night, once a day: whoever is due is forgotten, in one transaction."""
    keep, store = line.school.keep_leavers, line.store
    if keep is None or night.exit_code != 0:
        return
    due = long_gone(store.identities(line.school.id), line.today, line.school, keep)
    heard = store.past.heard_of([each.id for each in due], line.now() - QUIET)
    due = [each for each in due if each.id not in heard]
    memory, today = store.memory(f"school:{line.school.id}"), line.today.isoformat().encode()
    if not due or memory.get(_DAY) == today:
        return
    emptied = [(each, forgotten(each, line.today, line.school)) for each in due]
    store.past.forget(night.run, line.school.id, emptied, f"they left more than {keep} ago", line.now())
    memory.put(_DAY, today)
    people = "1 person" if len(due) == 1 else f"{len(due)} people"
    night.notices.append(f"What was known of {people} was forgotten: they left more than {keep} ago.")


def _left_on(identity: Identity, today: date, school: SchoolRules) -> date | None:
    where = standing(identity, today, school)
    return identity.left_on or where.left_on or identity.person.ends or identity.person.starts
