"""A day to come, as far as the MIS tells of it today: whoever is accepted or taken on is presumed to arrive on their first day."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from onroll_core.identities import Identity
from onroll_core.people import Status


def foreseen(identities: Iterable[Identity], today: date, day: date) -> list[Identity]:
    """The identities as they should be on `day`: of those whose first day is after `today` and not after `day`, nobody stays away."""
    return [_arrived(each) if _comes(each, today, day) else each for each in identities]


def _comes(identity: Identity, today: date, day: date) -> bool:
    starts = identity.person.starts
    return identity.person.status is Status.FUTURE and starts is not None and today < starts <= day


def _arrived(identity: Identity) -> Identity:
    return replace(identity, person=replace(identity.person, status=Status.ON_ROLL))
