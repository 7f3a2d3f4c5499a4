"""A day to come, as far as the MIS tells of it today: whoever is accepted arrives, everybody moves up a year, renames that wait for their day are done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date

from onroll_core.accounts import IdentityId
from onroll_core.identities import Identity
from onroll_core.lifecycle import spoken
from onroll_core.line import Line
from onroll_core.people import Role, Status
from onroll_core.renames import Pending
from onroll_core.rules import SchoolRules
from onroll_core.trust import Roll
from onroll_core.years import Stage, academic_year, parse_stage, stage_in

_A_YEAR_GROUP = 3
"""Fewer pupils than these are an exception and no year group of the school."""


def foreseen(line: Line, there: Roll, day: date) -> tuple[Line, Roll, list[str]]:
    """A run of `day`, everybody as they should be then, and what is worth knowing and cannot be foreseen, in sentences.

    Of those whose first day is after today and not after `day`, nobody stays away. Pupils move up by their Year of Entry, but for those in the school's
    last year: the MIS has to say that they leave. Classes and registration groups are today's.
    """
    pending = {each.identity: each for each in line.store.pending_renames(line.school.id) if each.on <= day}
    last = _last_stage(there.own, line.today, line.school)
    later = academic_year(day, line.school.rollover) > academic_year(line.today, line.school.rollover)
    own, guests = (
        [_on(each, line, day, pending, last if later else None) for each in some] for some in (there.own, there.guests)
    )
    notices = _notices(there.own, line, day, last) if later else []
    return replace(line, today=day), replace(there, own=own, guests=guests), notices


def _on(
    identity: Identity, line: Line, day: date, pending: Mapping[IdentityId, Pending], last: Stage | None
) -> Identity:
    if _comes(identity, line.today, day):
        identity = replace(identity, person=replace(identity.person, status=Status.ON_ROLL))
    rename = pending.get(identity.id)
    if rename is not None:
        identity = _renamed(identity, rename)
    return _moved_up(identity, day, line.school, last) if last is not None else identity


def _comes(identity: Identity, today: date, day: date) -> bool:
    starts = identity.person.starts
    return identity.person.status is Status.FUTURE and starts is not None and today < starts <= day


def _renamed(identity: Identity, rename: Pending) -> Identity:
    kept = {identity.email} if rename.keep_alias and identity.email and identity.bonds else set()
    aliases = frozenset((identity.aliases | kept) - {rename.email})
    return replace(identity, username=rename.username, email=rename.email, aliases=aliases, waiting=None, proposal=None)


def _moved_up(identity: Identity, day: date, school: SchoolRules, last: Stage) -> Identity:
    """With the year group of the academic year of `day`; whoever has left by then keeps the one they had."""
    person = identity.person
    if identity.role is not Role.STUDENT or identity.year_of_entry is None or person.status is not Status.ON_ROLL:
        return identity
    if person.ends is not None and person.ends < day:
        return identity
    stage = stage_in(identity.year_of_entry, academic_year(day, school.rollover), school.country)
    if stage is None or stage > last or parse_stage(person.year_group, school.country) in (None, stage):
        return identity
    return replace(identity, person=replace(person, year_group=stage.label))


def _last_stage(identities: Iterable[Identity], today: date, school: SchoolRules) -> Stage | None:
    """The school's last year group; None where no pupil has one."""
    stages = Counter(stage for each in identities if (stage := _stage(each, today, school)) is not None)
    usual = [stage for stage, count in stages.items() if count >= _A_YEAR_GROUP]
    return max(usual or stages, default=None)


def _stage(identity: Identity, today: date, school: SchoolRules) -> Stage | None:
    person = identity.person
    here = person.status is Status.ON_ROLL and (person.ends is None or person.ends >= today)
    if identity.role is not Role.STUDENT or identity.year_of_entry is None or not here:
        return None
    return stage_in(identity.year_of_entry, academic_year(today, school.rollover), school.country)


def _notices(identities: Iterable[Identity], line: Line, day: date, last: Stage | None) -> list[str]:
    people = list(identities)
    said = []
    staying = sum(
        last is not None and _stage(each, line.today, line.school) == last and each.person.ends is None
        for each in people
    )
    if last is not None and staying:
        pupils = "1 pupil" if staying == 1 else f"{staying} pupils"
        said.append(
            f"{pupils} of {last.label}, the school's last year, {'has' if staying == 1 else 'have'} no leaving date in the MIS, and"
            f" {'stays' if staying == 1 else 'stay'} enabled on {spoken(day)} unless it is told."
        )
    dateless = [each for each in people if each.person.status is Status.FUTURE and each.person.starts is None]
    if dateless:
        said.append(
            f"{len(dateless)} accepted without a first day in the MIS: fill it in, so that their Year of Entry is known."
        )
    return [*said, "Classes and registration groups are those of today: the MIS tells next year's after its rollover."]
