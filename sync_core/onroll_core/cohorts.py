"""Years of Entry for people: which academic year their year group is reckoned in, and when a whole school moves up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from onroll_core.identities import Identity
from onroll_core.people import Person, Role, Snapshot, SourceKey, Status
from onroll_core.rules import SchoolRules
from onroll_core.years import Country, Rollover, academic_year, parse_stage, year_of_entry

_MAJORITY = 0.5
_ENOUGH = 10
_SEASON = timedelta(weeks=13)
"""So long before and after its date a school may move its pupils up."""


@dataclass(frozen=True, slots=True)
class Years:
    """How to reckon: the academic year that the MIS's year groups speak of, and the school's own calendar for days to come."""

    current: int
    today: date
    country: Country
    rollover: Rollover

    def moved(self, identity: Identity) -> bool:
        """True when the year group and the stored Year of Entry no longer agree."""
        return identity.role is Role.STUDENT and year_of_entry_of(identity, self) != identity.year_of_entry


def reckon(snapshot: Snapshot, known: Iterable[Identity], today: date, school: SchoolRules) -> Years:
    """The academic year that the snapshot's year groups belong to.

    The source's own word comes first, then the school's rollover date. Schools promote their pupils a few weeks early or late: when the calendar
    says that most pupils skipped or resat a year at once, it is the calendar that is wrong, and the year is moved so that they stay in their cohort.
    """
    calendar = snapshot.academic_year if snapshot.academic_year is not None else academic_year(today, school.rollover)
    years = Years(calendar, today, school.country, school.rollover)
    stored: Mapping[SourceKey, int] = {
        identity.person.key: identity.year_of_entry for identity in known if identity.year_of_entry is not None
    }
    shifts: Counter[int] = Counter()
    for person in snapshot.people:
        before = stored.get(person.key)
        if before is None or person.status is not Status.ON_ROLL or not _speaks_of_now(person, today):
            continue
        now = _entry(person.year_group, calendar, school.country)
        if now is not None:
            shifts[now - before] += 1
    total = sum(shifts.values())
    if not total:
        return years
    shift, times = shifts.most_common(1)[0]
    if shift in (-1, 1) and times >= _ENOUGH and times > total * _MAJORITY:
        return Years(calendar - shift, today, school.country, school.rollover)
    return years


def wrong_rollover(
    snapshot: Snapshot, known: Sequence[Identity], today: date, school: SchoolRules
) -> tuple[int, int, int] | None:
    """How many of how many pupils have moved by how many year groups (1 or -1) since the last reading, where most did and the day is wrong for it: no
    academic year that the school could be in now fits. None otherwise."""
    before = {key: each.person.year_group for each in known if each.role is Role.STUDENT for key in each.keys}
    steps: Counter[int] = Counter()
    for person in snapshot.people:
        if person.status is Status.ON_ROLL and person.key in before:
            was, now = (_entry(each, 0, school.country) for each in (before[person.key], person.year_group))
            if was is not None and now is not None:
                steps[was - now] += 1
    total = sum(steps.values())
    if not total:
        return None
    step, times = steps.most_common(1)[0]
    possible = {academic_year(day, school.rollover) for day in (today - _SEASON, today, today + _SEASON)}
    wrong = abs(step) == 1 and times >= _ENOUGH and times > total * _MAJORITY
    return (times, total, step) if wrong and reckon(snapshot, known, today, school).current not in possible else None


def year_of_entry_of(identity: Identity, years: Years) -> int | None:
    """The Year of Entry of a pupil; what was known stays when the year group says nothing. A future starter's is reckoned in the academic
    year of their own first day (DESIGN 6), so that an intake typed in early never gets this year's cohort."""
    if identity.role is not Role.STUDENT:
        return None
    person = identity.person
    if person.status is Status.FUTURE and person.starts is None:
        # Which September is not told: this year's cohort would be a guess, and a wrong one for an intake typed in early.
        return identity.year_of_entry
    if _speaks_of_now(person, years.today) or person.starts is None:
        reckoned_in = years.current
    else:
        reckoned_in = academic_year(person.starts, years.rollover)
    if person.status is Status.LEFT:
        return identity.year_of_entry if identity.year_of_entry is not None else None
    found = _entry(person.year_group, reckoned_in, years.country)
    return found if found is not None else identity.year_of_entry


def _speaks_of_now(person: Person, today: date) -> bool:
    """True when the year group is the one the pupil is in today, not the one they will start in."""
    return person.starts is None or person.starts <= today


@lru_cache(maxsize=4096)
def _entry(year_group: str | None, year: int, country: Country) -> int | None:
    stage = parse_stage(year_group, country)
    return None if stage is None else year_of_entry(stage, year)
