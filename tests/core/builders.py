"""People, schools and a fake target, in the words of the domain, for the tests of the core."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from itertools import count

from onroll_core.accounts import Account, Anchor, Holder, IdentityId, Observed, ObservedGroup
from onroll_core.changes import (
    AddMember,
    Applied,
    Change,
    Create,
    CreateGroup,
    Disable,
    Enable,
    Link,
    Move,
    Outcome,
    Rejected,
    RemoveMember,
    Rename,
    Update,
    UpdateGroup,
)
from onroll_core.contracts import Abilities, Finding, Report, Scope
from onroll_core.errors import OnrollError
from onroll_core.people import Person, Role, Snapshot, SourceKey, Status
from onroll_core.rules import RoleRules, SchoolRules
from onroll_core.templates import Place, Template
from onroll_core.usernames import Format
from onroll_core.years import ROLLOVERS, Country

SCHOOL = "milton-park"
DOMAIN = "miltonpark.test"
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
TODAY = NOON.date()


def pupil(
    record: str, first: str | None = None, last: str | None = "Potter", year: str | None = "Year 7", **told: object
) -> Person:
    """A pupil on roll."""
    values: dict[str, object] = {
        "status": Status.ON_ROLL,
        "first": first or record.title(),
        "last": last,
        "year_group": year,
    }
    return Person(SourceKey(SCHOOL, f"student:{record}"), Role.STUDENT, **(values | told))  # type: ignore[arg-type]


def teacher(record: str, first: str | None = None, last: str = "Snape", **told: object) -> Person:
    """A member of staff in employment."""
    values: dict[str, object] = {"status": Status.ON_ROLL, "first": first or record.title(), "last": last}
    return Person(SourceKey(SCHOOL, f"staff:{record}"), Role.STAFF, **(values | told))  # type: ignore[arg-type]


def snapshot(*people: Person, academic_year: int | None = None) -> Snapshot:
    """Everyone, now."""
    return Snapshot(SCHOOL, NOON, people, academic_year=academic_year)


def school(students: str = "{yoe2}{initial}{last}", country: Country = Country.ENGLAND, **other: object) -> SchoolRules:
    """A school's rules; `other` replaces any of them."""
    student_rules = RoleRules(
        Format.parse(students, Role.STUDENT), Place.parse("Students/{yoe4}"), Template.parse("{first} {last}"), DOMAIN
    )
    staff_rules = RoleRules(
        Format.parse("{initial}.{last}", Role.STAFF), Place.parse("Staff"), Template.parse("{first} {last}"), DOMAIN
    )
    rules = SchoolRules(SCHOOL, "Milton Park School", country, ROLLOVERS[country], student_rules, staff_rules)
    return replace(rules, **other)  # type: ignore[arg-type]


def ids() -> Callable[[], IdentityId]:
    """Identity ids, counted."""
    numbers = count(1)
    return lambda: IdentityId(f"id{next(numbers):06}")


@dataclass
class FakeTarget:
    """A directory in memory that does what it is told, and refuses what `refuse` answers a sentence for."""

    accounts: dict[Anchor, Account] = field(default_factory=dict)
    owners: dict[Anchor, IdentityId] = field(default_factory=dict)
    refuse: Callable[[Change], str | None] = lambda change: None
    fail: Callable[[Change], OnrollError | None] = lambda change: None
    writes: list[Change] = field(default_factory=list)
    batch: int = 20
    numbers: Iterator[int] = field(default_factory=lambda: count(1))
    broken: OnrollError | None = None
    with_groups: bool = False
    groups: dict[Anchor, ObservedGroup] = field(default_factory=dict)

    @property
    def abilities(self) -> Abilities:
        return Abilities("name", "written", True, self.with_groups, self.batch)

    def check(self) -> Report:
        return Report([Finding("ok", "It is there.")])

    def close(self) -> None:
        pass

    def stranger(self, login: str, given: str = "Stan", family: str = "Stranger") -> Anchor:
        anchor = Anchor(f"stranger-{login}")
        self.accounts[anchor] = Account(
            login, f"{login}@{DOMAIN}", display_name=f"{given} {family}", given=given, family=family, place=""
        )
        return anchor

    def observe(self, scope: Scope) -> Observed:
        if self.broken is not None:
            raise self.broken
        names: dict[str, Holder] = {}
        for anchor, account in self.accounts.items():
            for name in (account.login, account.email, *account.aliases):
                names[name] = Holder(anchor, f"the user {account.login}")
        return Observed(dict(self.accounts), dict(self.owners), names, groups=dict(self.groups))

    def perform(self, changes: Sequence[Change]) -> Iterator[Outcome]:
        for change in changes:
            failure = self.fail(change)
            if failure is not None:
                raise failure
            why = self.refuse(change)
            if why is not None:
                yield Rejected(change, why)
                continue
            self.writes.append(change)
            yield Applied(change, self._do(change))

    def _do(self, change: Change) -> Anchor:
        if isinstance(change, Create):
            for anchor, owner in self.owners.items():
                if owner == change.who.identity:
                    return anchor
            anchor = Anchor(f"object-{next(self.numbers)}")
            self.accounts[anchor] = change.account
            self.owners[anchor] = change.who.identity
            return anchor
        if isinstance(change, CreateGroup | UpdateGroup | AddMember | RemoveMember):
            return self._do_group(change)
        assert isinstance(change, Link | Rename | Update | Move | Enable | Disable)
        anchor = change.who.object
        account = self.accounts[anchor]
        match change:
            case Link(who):
                self.owners[anchor] = who.identity
            case Rename(_, _, after):
                account = replace(account, login=after.login, email=after.email, aliases=after.aliases)
            case Update(_, _, values):
                told = {name: value for name, value in values.items() if name in ("given", "family", "display_name")}
                aliases = values.get("aliases", tuple(account.aliases))
                extra = {name: str(value) for name, value in values.items() if name not in told and name != "aliases"}
                account = replace(
                    account, **told, aliases=frozenset(aliases), attributes={**account.attributes, **extra}
                )  # type: ignore[arg-type]
            case Move(_, _, place):
                account = replace(account, place=place)
            case Enable():
                account = replace(account, enabled=True)
            case Disable():
                account = replace(account, enabled=False)
        self.accounts[anchor] = account
        return anchor

    def _do_group(self, change: CreateGroup | UpdateGroup | AddMember | RemoveMember) -> Anchor:
        if isinstance(change, CreateGroup):
            anchor = Anchor(f"group-{next(self.numbers)}")
            self.groups[anchor] = ObservedGroup(change.group.key, change.group.name)
            return anchor
        anchor, group = next((a, g) for a, g in self.groups.items() if g.key == change.key)
        if isinstance(change, UpdateGroup):
            archived = group.archived if change.archive is None else change.archive
            self.groups[anchor] = replace(group, name=change.after, archived=archived)
            return anchor
        people = group.owners if change.owner else group.members
        who = change.who.anchor or next(a for a, i in self.owners.items() if i == change.who.identity)
        people = people | {who} if isinstance(change, AddMember) else people - {who}
        self.groups[anchor] = replace(group, **{"owners" if change.owner else "members": people})
        return anchor


def day(text: str) -> date:
    """A date as ISO text."""
    return date.fromisoformat(text)
