"""Two schools of a trust in memory: two MISs, one directory that both write to, one store."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from builders import DOMAIN, NOON, FakeTarget, ids, pupil, school, teacher
from onroll_core import pipeline
from onroll_core.accounts import Account
from onroll_core.contracts import Report
from onroll_core.identities import Identity
from onroll_core.line import Line, TargetLine
from onroll_core.night import Night
from onroll_core.people import Group, GroupKind, Person, Snapshot, SourceKey
from onroll_core.rules import Limit, Limits, Sanity, SchoolRules, TargetRules
from onroll_core.store import Store, this_process
from onroll_core.templates import Place
from onroll_core.trust import Sister, sharing

UPPER, LOWER = "milton-park", "lower-park"
EVERY = frozenset({GroupKind.YEAR, GroupKind.REGISTRATION, GroupKind.TEACHING, GroupKind.ROLE})
BOUNDLESS = Limit(1000, 100)


def rules_of(where: str) -> SchoolRules:
    """A small school: its people's places begin with its name, its addresses have its own domain, and no limit is in the way."""
    rules = school(sanity=Sanity(**dict.fromkeys(Sanity.__slots__, BOUNDLESS)))
    name = {UPPER: "Milton Park", LOWER: "Lower Park"}[where]
    domain = {UPPER: DOMAIN, LOWER: "lowerpark.test"}[where]
    students = replace(rules.students, place=Place.parse(f"{name}/{{yoe4}}"), domain=domain)
    staff = replace(rules.staff, place=Place.parse(f"{name}/Staff"), domain=domain)
    limits = replace(Limits(), create=BOUNDLESS, disable=BOUNDLESS)
    return replace(rules, id=where, name=name, students=students, staff=staff, limits=limits)


@dataclass
class Mis:
    """The MIS of one school. Everybody of a registration group is in its class too."""

    school: str
    people: dict[str, Person] = field(default_factory=dict)

    def check(self) -> Report:
        return Report([])

    def close(self) -> None:
        pass

    def read(self) -> Snapshot:
        classes: dict[str, set[SourceKey]] = {}
        for each in self.people.values():
            if each.registration_group and each.status.value == "on roll":
                classes.setdefault(each.registration_group, set()).add(each.key)
        groups = [
            Group(SourceKey(self.school, f"teaching:{name}"), GroupKind.TEACHING, f"{name}/Ma", frozenset(members))
            for name, members in classes.items()
        ]
        return Snapshot(self.school, NOON, list(self.people.values()), groups)

    def has(self, person: Person, record: str = "", **told: object) -> None:
        """Somebody is in the MIS, so told, under a record of its own."""
        here = replace(person, **told)  # type: ignore[arg-type]
        key = SourceKey(self.school, f"{person.role.value}:{record}" if record else person.key.record)
        self.people[key.record] = replace(here, key=key)

    def tells(self, person: Person, **told: object) -> None:
        """Something else is told of somebody, who is known by their names."""
        for record, each in self.people.items():
            if (each.first, each.last) == (person.first, person.last):
                self.people[record] = replace(each, **told)  # type: ignore[arg-type]

    def loses(self, person: Person) -> None:
        """Nothing is told of somebody any more."""
        self.people = {record: each for record, each in self.people.items() if each.last != person.last}


@dataclass
class Trust:
    """Two schools, one directory; `shared` are the names of the targets of each."""

    store: Store
    targets: dict[str, FakeTarget] = field(default_factory=lambda: {"ad": FakeTarget(with_groups=True)})
    writes: dict[str, tuple[str, ...]] = field(default_factory=lambda: {UPPER: ("ad",), LOWER: ("ad",)})
    rules: dict[str, SchoolRules] = field(default_factory=lambda: {each: rules_of(each) for each in (UPPER, LOWER)})
    now: datetime = NOON
    grace: int = 0

    def __post_init__(self) -> None:
        self.new_id = ids()
        for name, rules in self.rules.items():
            self.rules[name] = replace(rules, students=replace(rules.students, grace=self.grace))
        self.mis = {each: Mis(each) for each in self.rules}

    @property
    def upper(self) -> Mis:
        return self.mis[UPPER]

    @property
    def lower(self) -> Mis:
        return self.mis[LOWER]

    @property
    def ad(self) -> FakeTarget:
        return self.targets["ad"]

    def line(self, where: str) -> Line:
        return Line(
            self.rules[where],
            self.store,
            lambda: self.mis[where],
            {
                name: TargetLine(TargetRules(name, groups=EVERY), lambda name=name: self.targets[name])  # type: ignore[misc]
                for name in self.writes[where]
            },
            self.now.date(),
            lambda: self.now,
            self.new_id,
            this_process("test"),
            sisters=sharing(
                self.writes[where],
                {each: Sister(self.rules[each], frozenset(self.writes[each])) for each in self.rules},
                where,
            ),
        )

    def school(self, where: str) -> Night:
        """One school's night."""
        night = pipeline.sync(self.line(where))
        assert night.exit_code == 0, (night.sync_json(), [one.objections for one in night.targets.values()])
        return night

    def night(self, *order: str, days: int = 1) -> tuple[Night, ...]:
        """A night of both schools, the upper one first unless told otherwise."""
        self.now += timedelta(days=days)
        return tuple(self.school(each) for each in order or (UPPER, LOWER))

    def nothing_to_do(self) -> None:
        """And now there is nothing to do, in either school."""
        before = [len(each.writes) for each in self.targets.values()]
        for where in (UPPER, LOWER):
            plan = pipeline.plan(self.line(where))
            assert {name: one.plan.changes for name, one in plan.targets.items() if one.plan} == dict.fromkeys(
                self.writes[where], ()
            ), where
        for where in (LOWER, UPPER):
            self.school(where)
        assert [len(each.writes) for each in self.targets.values()] == before

    def people(self) -> list[Identity]:
        """Everybody of both schools."""
        return [each for where in self.rules for each in self.store.identities(where)]

    def who(self, last: str) -> Identity:
        """The one human of that last name; two are a mistake."""
        found = [each for each in self.people() if each.person.last == last]
        assert len(found) == 1, found
        return found[0]

    def account(self, last: str, target: str = "ad") -> Account:
        """Their one account in a target."""
        found = [each for each in self.targets[target].accounts.values() if each.family == last]
        assert len(found) == 1, found
        return found[0]

    def groups(self, last: str) -> set[str]:
        """The groups that they are in, by name."""
        (anchor,) = (a for a, each in self.ad.accounts.items() if each.family == last)
        return {each.name for each in self.ad.groups.values() if anchor in each.members | each.owners}

    def conflicts(self, nights: Iterable[Night]) -> list[str]:
        """What nights left to a person."""
        return [each for night in nights for each in night.conflicts]


HARRY = pupil("17", "Harry", "Potter", "Year 7", upn="H801200001001", registration_group="7A")
RON = pupil("18", "Ron", "Weasley", "Year 7", upn="H801200001002", registration_group="7A")
LUNA = pupil("17", "Luna", "Lovegood", "Year 6", upn="H801200001003", registration_group="6B")
NEVILLE = pupil("19", "Neville", "Longbottom", "Year 7", upn="H801200001004", registration_group="7L")
MINERVA = teacher("5", "Minerva", "McGonagall")
