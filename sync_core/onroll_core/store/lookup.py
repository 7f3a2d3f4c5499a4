"""Looking people up: a page of those who fit, how many there are of which kind, what waits for a person, and what the last weeks brought.

For 50,000 people each answer takes a few milliseconds, because indices hold all that is compared (see `schema.identities`).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Select, cast, func, or_, select
from sqlalchemy.dialects import postgresql

from onroll_core.accounts import Anchor, IdentityId
from onroll_core.groups.known import KnownGroup
from onroll_core.identities import Identity, State
from onroll_core.night import TALLIES
from onroll_core.people import GroupKind, SourceKey
from onroll_core.store.codec import told, utc
from onroll_core.store.engine import reading
from onroll_core.store.groups import known_group
from onroll_core.store.lists import listed
from onroll_core.store.people import load
from onroll_core.store.plans import newest
from onroll_core.store.schema import bonds, changes, groups, guests, handouts, identities, plans, runs
from onroll_core.usernames import fold

_WORDS = 8
_LONGEST = 200
_AWAY = frozenset({State.LEFT.value, State.LEAVING.value, State.NO_SHOW.value, State.EXCLUDED.value})
_NOT_CHANGES = frozenset({"failed", "deferred"})
_WHOLE = ("sync", "apply")


@dataclass(frozen=True, slots=True)
class Page:
    """Some of those who fit, by surname, and how many fit in all."""

    people: tuple[Identity, ...]
    total: int
    offset: int = 0


@dataclass(frozen=True, slots=True)
class GroupFacet:
    """A group that is not archived, and how many members it has."""

    key: SourceKey
    kind: GroupKind
    name: str
    members: int


@dataclass(frozen=True, slots=True)
class Facets:
    """How many people there are of each role, state, source, year group and registration group (the last two in the MIS's own words); and the groups,
    none where there are more than were asked for."""

    roles: Mapping[str, int]
    states: Mapping[str, int]
    sources: Mapping[str, int]
    years: Mapping[str, int]
    registrations: Mapping[str, int]
    groups: tuple[GroupFacet, ...]


@dataclass(frozen=True, slots=True)
class Count:
    """A school's people in numbers: those with it now by role, those who have left or never had an account, and whose name waits for a person."""

    now: Mapping[str, int]
    away: int
    waiting: int

    @property
    def people(self) -> int:
        """Everybody who is with the school now."""
        return sum(self.now.values())


@dataclass(slots=True)
class Day:
    """What the runs of one day came to; `changes` are applied ones by kind, over all targets."""

    day: date
    runs: int = 0
    joiners: int = 0
    leavers: int = 0
    changes: Counter[str] = field(default_factory=Counter)
    held: int = 0
    failed: int = 0
    unread: int = 0


@dataclass(frozen=True, slots=True)
class Waits:
    """Something that only a person can settle: a "name", or a "conflict" (in `target`, or in what was read when that is "")."""

    school: str
    what: str
    why: str
    identity: IdentityId | None = None
    label: str = ""
    target: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody's account in a target; `enabled` is what onroll last made of it (None: never touched), `since` when it became theirs (ISO, UTC)."""

    target: str
    anchor: Anchor
    enabled: bool | None
    since: str


class Lookup:
    """What the console asks of the store; never writes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def search(
        self,
        schools: Collection[str],
        text: str = "",
        *,
        role: str | None = None,
        year_group: str | None = None,
        registration: str | None = None,
        group: SourceKey | None = None,
        source: str | None = None,
        state: str | None = None,
        waiting: bool = False,
        by_hand: bool = False,
        limit: int | None = 50,
        offset: int = 0,
    ) -> Page:
        """People of `schools` and their guests, by surname. Every word of `text` must be part of a name, address or number of theirs.

        `year_group` and `registration` are the MIS's words as `facets` gives them; `state` is that of the last reading; None and "" stand for any.
        `waiting`: only whose name waits for a person. `by_hand`: only whose account somebody disabled. `limit` None gives everybody.
        """
        words = [fold(word) for word in text[:_LONGEST].split()[:_WORDS]]
        if text.strip() and not any(words):
            return Page((), 0, offset)
        same = {
            "role": role,
            "state": state,
            "source": source,
            "year_group": year_group,
            "registration_group": registration,
        }
        fits: list[ColumnElement[bool]] = [identities.c[name] == value for name, value in same.items() if value]
        fits += [identities.c.search.contains(word, autoescape=True) for word in words if word]
        # These few are looked for on their own: the order of the list would have the whole table read for them.
        few = identities.alias()
        if waiting:
            fits.append(identities.c.id.in_(select(few.c.id).where(few.c.waiting.is_not(None))))
        if by_hand:
            fits.append(identities.c.id.in_(select(few.c.id).where(few.c.suspended != "")))
        with reading(self._engine) as connection:
            fits.append(self._of(connection, schools))
            if group is not None:
                fits.append(self._among(_members(connection, group)))
            page = select(identities.c.id).where(*fits).order_by(identities.c.sort_name, identities.c.id)
            ids = connection.execute(page.limit(limit).offset(offset)).scalars().all()
            total = offset + len(ids)
            if len(ids) == limit or (offset and not ids):  # else these are the last ones, and there is nothing to count
                total = connection.execute(select(func.count()).select_from(identities).where(*fits)).scalar_one()
            found = {each.id: each for each in load(connection, select(listed(self._engine, ids).c.value))}
        return Page(tuple(found[IdentityId(each)] for each in ids), total, offset)

    def facets(self, schools: Collection[str], most_groups: int = 5_000) -> Facets:
        """What there is to choose from; without guests."""
        of: dict[str, Counter[str]] = {name: Counter() for name in _KINDS}
        with reading(self._engine) as connection:
            for row in connection.execute(_kinds(schools)):
                for name in _KINDS:
                    value = getattr(row, name)
                    if value:
                        of[name][value] += row.people
            there = (groups.c.school.in_(list(schools))) & ~groups.c.archived
            count = connection.execute(select(func.count()).select_from(groups).where(there)).scalar_one()
            found = tuple(_groups(connection, there)) if count <= most_groups else ()
        return Facets(of["role"], of["state"], of["source"], of["year_group"], of["registration_group"], found)

    def counts(self, schools: Collection[str]) -> dict[str, Count]:
        """Each school's people in numbers, also when there is nobody."""
        now: dict[str, Counter[str]] = {school: Counter() for school in schools}
        away: Counter[str] = Counter()
        with reading(self._engine) as connection:
            for row in connection.execute(_kinds(schools)):
                if row.state in _AWAY:
                    away[row.school] += row.people
                else:
                    now[row.school][row.role] += row.people
            waits = Counter(row.school for row in connection.execute(_unnamed(schools)))
        return {school: Count(now[school], away[school], waits[school]) for school in schools}

    def weeks(self, school: str, since: date, until: date, zone: tzinfo = UTC) -> list[Day]:
        """Every day from `since` to `until` as `zone` counts them, also those on which nothing ran. A run counts for the day on which it began."""
        days = {
            since + timedelta(days=each): Day(since + timedelta(days=each)) for each in range((until - since).days + 1)
        }
        begun = utc(datetime.combine(since, time(), zone))
        query = select(runs.c.started, runs.c.status, runs.c.summary).where(
            runs.c.school == school, runs.c.started >= begun, runs.c.ended.is_not(None)
        )
        with reading(self._engine) as connection:
            for row in connection.execute(query):
                day = days.get(datetime.fromisoformat(row.started).astimezone(zone).date())
                if day is not None:
                    _add(day, row.status, json.loads(row.summary or "{}"))
        return list(days.values())

    def waiting_for_a_person(self, schools: Collection[str]) -> list[Waits]:
        """Names that nobody has decided, then the conflicts of the last whole run: by school."""
        found: list[Waits] = []
        with reading(self._engine) as connection:
            found += [
                Waits(row.school, "name", row.waiting, IdentityId(row.id), row.proposal or row.id)
                for row in connection.execute(_unnamed(schools))
            ]
            for school in schools:
                found += _conflicts(connection, school)
        return sorted(found, key=lambda each: (each.school, each.what != "name"))

    def group(self, key: SourceKey) -> GroupFacet | None:
        """One group, or None."""
        with reading(self._engine) as connection:
            mine = (groups.c.school == key.school) & (groups.c.record == key.record)
            return next(iter(_groups(connection, mine)), None)

    def groups_about(self, school: str, identity: IdentityId) -> list[KnownGroup]:
        """The groups of a school that matter to one person: theirs, those that bear the name of one of theirs, those in doubt, and one class if there is any."""
        of = groups.c
        classes = (of.school == school) & (of.kind == GroupKind.TEACHING.value) & ~of.archived
        theirs = of.people.contains(f'"{identity}"', autoescape=True) | (of.doubt != "")
        any_class = of.record == select(func.min(of.record)).where(classes).scalar_subquery()
        with reading(self._engine) as connection:
            found = connection.execute(select(groups).where(of.school == school, theirs | any_class)).mappings().all()
            names = listed(self._engine, {row["name"].lower() for row in found})
            namesakes = select(groups).where(of.school == school, func.lower(of.name).in_(select(names.c.value)))
            found = [*found, *connection.execute(namesakes).mappings()]
        return [known_group(row) for row in {row["record"]: row for row in found}.values()]

    def accounts(self, identity: IdentityId) -> list[Account]:
        """Somebody's accounts, by target."""
        query = select(bonds).where(bonds.c.identity == identity).order_by(bonds.c.target)
        with reading(self._engine) as connection:
            return [
                Account(row.target, Anchor(row.anchor), row.enabled, told(row.since) or "")
                for row in connection.execute(query)
            ]

    def handed_out(self, identity: IdentityId) -> tuple[str, str] | None:
        """When (ISO, UTC) and by whom somebody was last handed a first password; None when never."""
        query = select(handouts.c.at, handouts.c.by).where(handouts.c.identity == identity)
        with reading(self._engine) as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else (told(row.at) or "", row.by)

    def last_plans(self, school: str, targets: Collection[str], identity: IdentityId) -> dict[str, dict[str, Any]]:
        """The newest plan for everybody of a school in each target: verdict, objections, digest, and of its `changes` only this person's (each with identity and kind)."""
        found: dict[str, dict[str, Any]] = {}
        with reading(self._engine) as connection:
            for target in targets:
                row = connection.execute(newest(school, target)).one_or_none()
                if row is None:
                    continue
                mine = select(changes.c.kind).where(changes.c.plan == row.id, changes.c.identity == identity)
                theirs = [{"identity": identity, "kind": kind} for kind in connection.execute(mine).scalars()]
                plan = {"verdict": row.verdict, "objections": json.loads(row.objections), "digest": row.digest}
                found[target] = plan | {"changes": theirs}
        return found

    def _of(self, connection: Connection, schools: Collection[str]) -> ColumnElement[bool]:
        """Whose school is one of `schools`, or who is on roll at one as a guest. Guests are asked for first, since mostly there are none."""
        mine = identities.c.school.in_(list(schools))
        here = select(guests.c.identity).join(identities, identities.c.id == guests.c.identity)
        here = here.where(guests.c.school.in_(list(schools)), guests.c.present, ~mine)
        also = connection.execute(here).scalars().all()
        return or_(mine, self._among(also)) if also else mine

    def _among(self, ids: Iterable[str]) -> ColumnElement[bool]:
        return identities.c.id.in_(select(listed(self._engine, ids).c.value))


_KINDS = ("role", "state", "source", "year_group", "registration_group")


def _kinds(schools: Collection[str]) -> Select[Any]:
    """How many there are of each combination, in the order of an index: it is read once, and nothing is sorted."""
    columns = [identities.c[name] for name in ("school", *_KINDS)]
    return (
        select(*columns, func.count().label("people")).where(identities.c.school.in_(list(schools))).group_by(*columns)
    )


def _unnamed(schools: Collection[str]) -> Select[Any]:
    table = identities.c
    query = select(table.id, table.school, table.waiting, table.proposal)
    still_here = table.state.not_in(sorted(_AWAY))
    return query.where(table.school.in_(list(schools)), table.waiting.is_not(None), still_here).order_by(table.id)


def _members(connection: Connection, group: SourceKey) -> list[str]:
    mine = (groups.c.school == group.school) & (groups.c.record == group.record)
    kept = connection.execute(select(groups.c.people).where(mine)).scalar()
    people = json.loads(kept) if kept else {}
    return [*people.get("members", ()), *people.get("leaders", ())]


def _groups(connection: Connection, which: ColumnElement[bool]) -> Iterable[GroupFacet]:
    of = groups.c
    if connection.dialect.name == "postgresql":
        members = func.json_array_length(cast(of.people, postgresql.JSON)["members"])
    else:
        members = func.json_array_length(of.people, "$.members")
    query = select(of.school, of.record, of.kind, of.name, members).where(which)
    for school, record, kind, name, count in connection.execute(query.order_by(of.school, of.kind, of.name, of.record)):
        yield GroupFacet(SourceKey(school, record), GroupKind(kind), name, count)


def _add(day: Day, status: str, summary: Mapping[str, Any]) -> None:
    day.runs += 1
    day.held += status == "held"
    day.failed += status == "failed"
    day.unread += status == "unread"
    people = summary.get("people") or {}
    day.joiners += people.get("joiners", 0)
    day.leavers += people.get("leavers", 0)
    for target in (summary.get("targets") or {}).values():
        for name in TALLIES:
            if name not in _NOT_CHANGES and target.get(name):
                day.changes[name] += target[name]


def _conflicts(connection: Connection, school: str) -> Iterable[Waits]:
    """Of the newest run that looked at everybody: what was unclear in the reading, and in each target."""
    query = select(runs.c.id, runs.c.summary).where(runs.c.school == school, runs.c.kind.in_(_WHOLE))
    for run in connection.execute(query.where(runs.c.summary.is_not(None)).order_by(runs.c.id.desc()).limit(20)):
        summary = json.loads(run.summary)
        if summary.get("only_people") or not summary.get("targets"):
            continue
        yield from (Waits(school, "conflict", why) for why in summary.get("conflicts", ()))
        kept = select(plans.c.target, plans.c.conflicts).where(plans.c.run == run.id, plans.c.school == school)
        for row in connection.execute(kept.order_by(plans.c.target)):
            for each in json.loads(row.conflicts):
                whose = None if each["identity"] is None else IdentityId(each["identity"])
                yield Waits(school, "conflict", each["why"], whose, each["username"], row.target)
        return
