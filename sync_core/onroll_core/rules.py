"""What one school wants: its naming, its places, its grace, its limits. Data only; the settings file is read elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from onroll_core.chosen import Only
from onroll_core.groups.names import GroupTemplate
from onroll_core.people import GroupKind, Role
from onroll_core.periods import SEVEN_YEARS, Period
from onroll_core.templates import Place, Surroundings, Template
from onroll_core.usernames import Format
from onroll_core.years import Country, Rollover

Owner = Literal["always", "once", "never"]
"""Who minds a value: `always` is ours and put right every night, `once` is set when we create or when it is empty, `never` is not ours."""


@dataclass(frozen=True, slots=True)
class Limit:
    """How much of one kind may happen in one night: the larger of a count and a share (percent) of the accounts looked after."""

    count: int
    percent: float

    def allows(self, population: int) -> int:
        """The number that may happen among `population` accounts."""
        return max(self.count, int(population * self.percent / 100))


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits per role and kind of change. What the school year explains does not count.

    `update` counts changes of names alone; `move` counts moves that no change of year explains; `namesake` counts accounts that would be
    made although somebody of the same name has one that onroll does not know: they should be linked, not doubled. `member` counts people taken out of
    groups outside the first weeks of the academic year, as a share of all accounts. `licence` counts leavers whose licences would be released.
    """

    disable: Limit = Limit(5, 3)
    create: Limit = Limit(25, 5)
    rename: Limit = Limit(5, 2)
    update: Limit = Limit(20, 10)
    move: Limit = Limit(20, 10)
    enable: Limit = Limit(10, 3)
    namesake: Limit = Limit(5, 2)
    member: Limit = Limit(60, 40)
    licence: Limit = Limit(25, 5)


@dataclass(frozen=True, slots=True)
class Sanity:
    """How far a snapshot may fall short of the school's own last good ones: `people` and `groups` lost, `blank` values in a column that
    was filled, `leaving` dates that are suddenly there, `joining` people nobody expected, records that are suddenly somebody else's (`exchanged`)."""

    people: Limit = Limit(10, 10)
    year_group: Limit = Limit(10, 40)
    groups: Limit = Limit(10, 30)
    blank: Limit = Limit(20, 20)
    leaving: Limit = Limit(10, 8)
    joining: Limit = Limit(25, 25)
    exchanged: Limit = Limit(5, 2)


@dataclass(frozen=True, slots=True)
class RoleRules:
    """How people of one role are named, placed and let go. `grace` is in days between leaving and disable.

    `early` is how many days before their first day a future starter gets an account; None is as soon as the MIS tells.
    `password` is the kind of first password that is handed out, `must_change` whether it has to be changed at the first sign-in.
    `leavers_place` is where a disabled account goes; None leaves it where it is. `email` None is username@domain.
    """

    username: Format
    place: Place
    display_name: Template
    domain: str
    email: Format | None = None
    grace: int = 0
    early: int | None = None
    leavers_place: Place | None = None
    provision: bool = True
    password: Literal["words", "strong"] = "words"
    must_change: bool = True


@dataclass(frozen=True, slots=True)
class Term:
    """Days on which lessons are held, both included."""

    begins: date
    ends: date


@dataclass(frozen=True, slots=True)
class GroupRules:
    """How a school's groups are called and kept.

    `names` has a template a kind; `archived` is the name of a class that is over; `address` is what its e-mail address is made of. `terms`: outside
    them the members of teaching groups stay as they are; without any they always follow the MIS. `shrink` is how many of its members a teaching group
    may lose at once outside the first weeks of the academic year.
    """

    names: Mapping[GroupKind, GroupTemplate] = field(default_factory=lambda: DEFAULT_GROUP_NAMES)
    archived: GroupTemplate = field(default_factory=lambda: GroupTemplate.parse("{name} {academic_year}"))
    address: GroupTemplate = field(default_factory=lambda: GroupTemplate.parse("{school_id}-{kind}-{name}"))
    terms: tuple[Term, ...] = ()
    shrink: Limit = Limit(3, 50)

    def in_term(self, day: date) -> bool:
        """Whether memberships follow the MIS on `day`."""
        return not self.terms or any(term.begins <= day <= term.ends for term in self.terms)


DEFAULT_GROUP_NAMES: Mapping[GroupKind, GroupTemplate] = {
    GroupKind.YEAR: GroupTemplate.parse("{school} Year {yoe4}"),
    GroupKind.REGISTRATION: GroupTemplate.parse("{school} {name}"),
    GroupKind.TEACHING: GroupTemplate.parse("{school} {name}"),
    GroupKind.HOUSE: GroupTemplate.parse("{school} {name}"),
    GroupKind.ROLE: GroupTemplate.parse("{school} {name}"),
}


@dataclass(frozen=True, slots=True)
class SchoolRules:
    """One school. In `mode` "link" the target `driver` says who has an account and who may sign in, and the MIS adds to it. `others` are people whom no MIS knows: governors,
    visitors. `absences` is the number of complete reads in a row without a person after which they count as gone;
    `enrolments` are the enrolment statuses of pupils who get an account (a blank status always does). `keep_leavers`: so long after they left, what is known
    of people is forgotten (see `retention`); None is never. `second_person`: what is held needs two people's yes. `only`: nothing is done to anybody else's
    account; None is everybody."""

    id: str
    name: str
    country: Country
    rollover: Rollover
    students: RoleRules
    staff: RoleRules
    preferred_names: bool = True
    absences: int = 3
    enrolments: frozenset[str] = frozenset({"C", "M"})
    limits: Limits = Limits()
    sanity: Sanity = Sanity()
    mode: Literal["create", "link"] = "create"
    driver: str = ""
    groups: GroupRules = field(default_factory=GroupRules)
    others: RoleRules | None = None
    keep_leavers: Period | None = SEVEN_YEARS
    second_person: bool = False
    only: Only | None = None

    def of(self, role: Role) -> RoleRules | None:
        """The rules of a role; None for roles that get no account."""
        if role is Role.STUDENT:
            return self.students
        return {Role.STAFF: self.staff, Role.OTHER: self.others}.get(role)

    @property
    def around(self) -> Surroundings:
        """What templates may say of the school."""
        return Surroundings(self.name, self.id, self.country, self.preferred_names)


_OWNERS: Mapping[str, Owner] = {"enabled": "once"}


@dataclass(frozen=True, slots=True)
class TargetRules:
    """What is written to one target beside names: extra attributes by role, who minds which value, and which kinds of groups.
    `link_by` says which of its attributes holds which number of people ("upn", "admission number" ...), for linking.

    `strangers` says what becomes of onroll's own people whom somebody put into one of our groups by hand (others are never taken out). `release_licences_after`: so many days after they were disabled, leavers lose the licences that were given to them directly; None is never.
    `observe_only`: plans are made and shown, and nothing is ever written, whatever anybody approves.
    `passwords` is False where first passwords come from elsewhere (Entra Connect). Values nobody said anything of are ours (`always`), except `enabled`: an account that somebody else disabled stays disabled.
    """

    name: str
    attributes: Mapping[Role, Mapping[str, Template]] = field(default_factory=dict)
    owners: Mapping[str, Owner] = field(default_factory=dict)
    groups: frozenset[GroupKind] = frozenset()
    strangers: Literal["keep", "remove"] = "keep"
    passwords: bool = True
    link_by: Mapping[str, str] = field(default_factory=dict)
    release_licences_after: int | None = None
    observe_only: bool = False

    def owner(self, value: str) -> Owner:
        """Who minds `value` (display_name, given, family, email, place, enabled, aliases, or an attribute's name)."""
        return self.owners.get(value) or _OWNERS.get(value, "always")
