"""Active Directory as a target: what the contract asks, in terms of one session with the directory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import groupby

from onroll_connectors.targets import ad_check, ad_limits, ad_names, ad_sign_ins
from onroll_connectors.targets.ad_entries import Attributes
from onroll_connectors.targets.ad_errors import failure
from onroll_connectors.targets.ad_groups import GroupAttributes, GroupScripts
from onroll_connectors.targets.ad_known import Known
from onroll_connectors.targets.ad_observe import Reading, units
from onroll_connectors.targets.ad_scripts import Scripts
from onroll_connectors.targets.ad_session import Session, Work
from onroll_connectors.targets.ad_wire import Add, Talk, Wire
from onroll_core.accounts import Anchor, Observed
from onroll_core.changes import (
    AddMember,
    Change,
    Create,
    CreateGroup,
    GroupChange,
    Move,
    Outcome,
    RemoveMember,
    UpdateGroup,
)
from onroll_core.contracts import Abilities, Context, Report, Scope
from onroll_core.errors import Refused

BATCH = 128


@dataclass(slots=True)
class ActiveDirectory:
    """The target. `open_wire` binds a new connection; one is used for a whole run, and replaced once when it breaks."""

    open_wire: Callable[[], Wire] = field(repr=False)
    base: str
    names_base: str | None
    attributes: Attributes
    groups: GroupAttributes
    context: Context = field(repr=False)
    account: str = ""
    session: Session = field(init=False)
    known: Known = field(default_factory=Known, repr=False)
    _units: dict[str, str | Refused] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self.session = Session(self.open_wire)

    @property
    def abilities(self) -> Abilities:
        """People sign in by name; aliases are ours to write; there are OUs."""
        return Abilities("name", "written", True, True, BATCH, frozenset(self.attributes.extra), owners=False)

    def close(self) -> None:
        """Let go of the connection."""
        self.session.close()

    def check(self) -> Report:
        """Everything that can be told by reading."""
        length = len(self.context.password([]))
        looked = ad_check.Looked(
            self.base, self.names_base, self.attributes, self.groups, bool(self.context.groups), self.account, length
        )
        return ad_check.check(self.session, looked)

    def observe(self, scope: Scope) -> Observed:
        """Everybody under the base, ours wherever they are, and every name in the domain."""
        reading = Reading(
            self.base,
            self._names_base(),
            self.attributes,
            scope.anchors,
            self.context.progress,
            scope.school,
            self.groups,
            scope.linked,
        )
        observed = reading.all(self.session)
        self.known = reading.known
        self._units = None
        return observed

    def signed_in(self, anchors: frozenset[Anchor]) -> Mapping[Anchor, datetime]:
        """By lastLogonTimestamp, which may be two weeks late, and what this domain controller has seen itself."""
        return ad_sign_ins.signed_in(self.session, self.base, anchors)

    def perform(self, changes: Sequence[Change]) -> Iterator[Outcome]:
        """The OUs that are needed first, then everything with many requests in flight; changes of one object follow one another.

        Groups come after people, who may be made by the same batch, and their members after the groups.
        """
        self._make_units(changes)
        scripts = Scripts(self._names_base(), self.attributes, self.context, self.known, self._unit)
        groups = GroupScripts(self.base, self._names_base(), self.groups, self.known, self._unit)
        for _, together in groupby(changes, _phase):
            works = [
                Work(change, partial(_again(groups.of), change), _chain(change))
                if isinstance(change, GroupChange)
                else Work(change, partial(scripts.of, change), _chain(change))
                for change in together
            ]
            yield from self.session.run(works)

    def _names_base(self) -> str:
        return self.names_base or self.session.root().text("defaultNamingContext")

    def _make_units(self, changes: Iterable[Change]) -> None:
        places = {
            change.account.place or "" if isinstance(change, Create) else change.after
            for change in changes
            if isinstance(change, Create | Move)
        }
        if any(isinstance(change, CreateGroup) for change in changes):
            places.add(self.groups.place)
        if not places:
            return
        if self._units is None:
            self._units = {ad_names.key(dn): dn for dn in units(self.session, self.base)}
        for place in sorted(places):
            self._make_unit(place, self._units)

    def _make_unit(self, place: str, there: dict[str, str | Refused]) -> None:
        dn = ad_names.unit(place, self.base)
        where = ad_names.key(dn)
        if not place or where in there:
            return
        problem = ad_limits.problem_with_place(place)
        if problem is not None:
            there[where] = Refused(f"The OU {place} could not be made: {problem}")
            return
        upper = place.rpartition("/")[0]
        self._make_unit(upper, there)
        above = there.get(ad_names.key(ad_names.unit(upper, self.base)))
        if isinstance(above, Refused):
            there[where] = above
            return
        answer = self.session.ask(Add(dn, {"objectClass": ["top", "organizationalUnit"]}))
        trouble = None if answer.done or answer.code == 68 else failure(answer, f"make the OU {place}")
        if trouble is not None and not isinstance(trouble, Refused):
            raise trouble
        there[where] = dn if trouble is None else trouble

    def _unit(self, place: str) -> str:
        """The DN of a place; raises Refused where its OU could not be made."""
        found = (self._units or {}).get(ad_names.key(ad_names.unit(place, self.base))) if place else self.base
        if isinstance(found, Refused):
            raise found
        return found or ad_names.unit(place, self.base)


def _chain(change: Change) -> str:
    match change:
        case CreateGroup(group):
            return f"group {group.key.record}"
        case UpdateGroup():
            return "names of groups"  # one may be given what another gives up
        case AddMember(key, _, _, who) | RemoveMember(key, _, _, who):
            return f"group {key.record} {who.identity}"
        case _:
            return change.who.anchor or f"new {change.who.identity}"


def _phase(change: Change) -> int:
    """People, then the names of groups, then new groups, then who is in them: each may need what came before."""
    match change:
        case UpdateGroup():
            return 1
        case CreateGroup():
            return 2
        case AddMember() | RemoveMember():
            return 3
        case _:
            return 0


def _again(of: Callable[[GroupChange], Talk[Outcome]]) -> Callable[[GroupChange, bool], Talk[Outcome]]:
    """A conversation about a group looks before it writes, whether it is held again or not."""
    return lambda change, again: of(change)
