"""Our record of one human, and how it is joined to MIS records and to accounts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from onroll_core.accounts import Anchor, IdentityId
from onroll_core.people import Person, Role, SourceKey, Status


class State(StrEnum):
    """Where a person stands with the school today."""

    FUTURE = "future"  # accepted, admitted, or employed from a later day
    ACTIVE = "active"
    MISSING = "missing"  # absent from the last reads, but not yet often enough to count as gone
    LEAVING = "leaving"  # gone, within the days of grace
    LEFT = "left"
    NO_SHOW = "no-show"  # accepted, and the first day has passed without them
    EXCLUDED = "excluded"  # on the MIS, but of a kind that gets no account (a guest pupil)


@dataclass(frozen=True, slots=True)
class Bond:
    """An identity's account in one target. `enabled` is what we last made of it (None: we never touched that)."""

    anchor: Anchor
    enabled: bool | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """One human as we know them.

    `person` is the latest of all that the source told (what it left untold is kept). `source` is "mis" or "manual".
    `username` and `email` are None while a name waits for a person: then `waiting` says why and `proposal` what we suggest.
    `aliases` are former addresses. `absences` counts complete reads in a row without the person; `left_on` is the day on which
    leaving took effect. `expected` says that the school year explained their joining. `bonds` has one entry a target. `also` are further MIS records of the same human.
    `suspended` is why somebody had the account disabled by hand, "" when nobody had.

    In a trust, `elsewhere` are the other schools where they are on roll as guests, id and name. A guest as such a school sees them has its `school`, `person`
    and state, and in `host` the school that looks after the account; "" for everybody whose own school this is.
    """

    id: IdentityId
    school: str
    role: Role
    person: Person
    state: State
    source: str = "mis"
    username: str | None = None
    email: str | None = None
    aliases: frozenset[str] = frozenset()
    chosen_display_name: str | None = None
    year_of_entry: int | None = None
    waiting: str | None = None
    proposal: str | None = None
    absences: int = 0
    left_on: date | None = None
    expected: bool = True
    also: tuple[SourceKey, ...] = ()
    suspended: str = ""
    bonds: Mapping[str, Bond] = field(default_factory=dict)
    host: str = ""
    elsewhere: Mapping[str, str] = field(default_factory=dict)

    @property
    def keys(self) -> tuple[SourceKey, ...]:
        """Every MIS record that is this human."""
        return (self.person.key, *self.also)

    @property
    def forgotten(self) -> bool:
        """True when what was known of a leaver has been forgotten: nothing is told of them but that they left. Nobody else is without any name."""
        return self.person == Person(self.person.key, self.person.role, Status.LEFT)

    @property
    def label(self) -> str:
        """What to call them where a person reads: the username, or the proposal while that waits."""
        return self.username or self.proposal or self.id
