"""The Microsoft 365 target over any wire: observed by delta, changed by scripts, and all that it learns on the way kept for the next run."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

from onroll_connectors.targets.graph_asks import (
    Delta,
    ListDeleted,
    ListGroups,
    ListUsers,
    ReadOrganization,
    ReadUser,
    Wire,
)
from onroll_connectors.targets.graph_check import check, organization
from onroll_connectors.targets.graph_courier import WAVE, Courier, PageRefused, Round
from onroll_connectors.targets.graph_group_book import As, observed_groups
from onroll_connectors.targets.graph_group_scripts import group_script
from onroll_connectors.targets.graph_group_watch import GroupWatch
from onroll_connectors.targets.graph_licences import licences_of_disabled
from onroll_connectors.targets.graph_memory import Recent, Tenant, keep_recent, keep_tenant, load_recent, load_tenant
from onroll_connectors.targets.graph_pace import Pace
from onroll_connectors.targets.graph_problems import refused_list
from onroll_connectors.targets.graph_rights import uses
from onroll_connectors.targets.graph_scripts import script
from onroll_connectors.targets.graph_steps import Known, Script
from onroll_connectors.targets.graph_users import FURTHER, USUAL, Shape, names, sign_in_name
from onroll_core.accounts import Account, Anchor, Holder, IdentityId, Observed
from onroll_core.changes import (
    AccountChange,
    AddMember,
    Applied,
    Change,
    Create,
    CreateGroup,
    Outcome,
    RemoveMember,
    Rename,
    UpdateGroup,
)
from onroll_core.contracts import Abilities, Context, Report, Scope
from onroll_core.errors import Halt
from onroll_core.people import GroupKind

_log = logging.getLogger("onroll.microsoft365")

_FILTERED_AT_ONCE = 15  # Graph's own limit for `in`
_AT_ONCE = 5 * WAVE  # so that members of one group are seldom cut off from each other
_GROUP_NAMES = ("id", "displayName", "mail", "mailNickname", "proxyAddresses")


@dataclass(frozen=True, slots=True)
class Options:
    """What the settings decide about the tenant, apart from how it is reached."""

    base: str
    identity: str = "employeeId"
    extra_fields: frozenset[str] = frozenset()
    creates: bool = True
    usage_location: str | None = "GB"
    writes: int = 2950
    domain: str | None = None
    groups_as: Mapping[GroupKind, As] = field(default_factory=dict)


@dataclass(slots=True)
class Microsoft365:
    """A tenant as a target (see onroll_core.contracts.Target)."""

    options: Options
    context: Context = field(repr=False)
    wire: Wire = field(repr=False)
    permissions: Callable[[], frozenset[str] | None] = field(repr=False)
    entra_roles: Callable[[], frozenset[str] | None] = field(default=lambda: None, repr=False)
    shape: Shape = field(init=False)
    courier: Courier = field(init=False, repr=False)
    _known: Known = field(init=False, repr=False)
    _recent: Recent = field(init=False, repr=False)
    _watch: GroupWatch = field(init=False, repr=False)
    _halted: Halt | None = None
    _domains_asked: bool = False
    _binned: dict[str, Mapping[str, Any]] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        context = self.context
        self.shape = Shape(self.options.identity, (USUAL | self.options.extra_fields) - {self.options.identity})
        pace = Pace(self.options.writes, context.monotonic, context.sleep, context.stopping)
        self.courier = Courier(self.wire, pace)
        self._recent = load_recent(context.memory, self._now())
        self._known = Known(
            self.shape,
            self.options.creates,
            self.options.usage_location,
            lambda forbidden: context.password(word for word in forbidden if word),
            lambda anchor: self._recent.young(anchor, self._now()),
            lambda anchor, body, made: self._recent.note(anchor, body, made, self._now()),
        )
        self._watch = GroupWatch(
            self.options.base,
            self.options.groups_as,
            context,
            self.courier,
            lambda key: self._recent.young(Anchor(key), self._now()),
        )

    @property
    def abilities(self) -> Abilities:
        """People sign in with an address; aliases follow from renames; there are no places; groups have owners."""
        return Abilities(
            "address",
            "automatic",
            places=False,
            groups=True,
            batch=_AT_ONCE,
            attributes=self.shape.attributes,
            licences=True,
        )

    def check(self) -> Report:
        """Token, permissions, domains, Entra Connect: a sentence each; writes nothing."""
        options = self.options
        groups_as = {kind.value: made_as for kind, made_as in options.groups_as.items()}
        kinds = {kind.value for kind in self.context.groups}
        needs = uses(options.creates, kinds, groups_as, self.context.licences, options.extra_fields)
        return check(self.courier, self.shape, needs, options.domain, self.permissions, self.entra_roles)

    def observe(self, scope: Scope) -> Observed:
        """Everyone in the tenant, the recycle bin, and every name that is held."""
        tenant = self._tenant()
        binned = self._bin()
        live = self._recent.over(tenant.users, set(binned), self._now())
        for anchor, user in self._looked_for(scope.anchors - live.keys() - binned.keys()):
            live[anchor] = user
        groups = self._watch.learn() if self.context.groups else self._groups()
        if not live:
            raise Halt(
                "Microsoft 365 showed no user at all, not even an administrator. Something is wrong with the app's permissions:"
                " run onroll check."
            )
        seen = self._observed(live, binned, groups, scope.anchors)
        if self.context.licences:
            seen = replace(seen, licences=licences_of_disabled(self.courier, live, scope.anchors))
        if not self.context.groups:
            return seen
        self._watch.book.people = {identity: anchor for anchor, identity in seen.owners.items()}
        ours = observed_groups(self._watch.book, scope.school, seen.accounts.keys() - binned.keys())
        return replace(seen, groups=ours, group_names=self._watch.book.others_names())

    def perform(self, changes: Sequence[Change]) -> Iterator[Outcome]:
        """Carry out a batch; see onroll_core.contracts.Target.perform."""
        if self._halted is not None:
            raise self._halted
        if any(isinstance(change, Create | Rename) for change in changes):
            self._learn_domains()
        strangers = self._watch.begin(change for change in changes if not isinstance(change, AccountChange))
        made = [change.who.identity for change in changes if isinstance(change, Create)]
        self._look_up(list(dict.fromkeys([*made, *strangers])))
        self._watch.book.people.update(self._alone(strangers))
        try:
            for _, together in groupby(changes, _phase):
                yield from self._carried_out(list(together))
        finally:
            keep_recent(self.context.memory, self._recent, self._now())
            self._watch.keep()

    def _carried_out(self, changes: Sequence[Change]) -> Iterator[Outcome]:
        going = Round(self.courier, changes, self._script, _lane)
        try:
            for outcome in going.run():
                change = outcome.change
                if isinstance(change, Create) and isinstance(outcome, Applied) and outcome.anchor is not None:
                    self._watch.book.people[change.who.identity] = outcome.anchor
                yield outcome
        finally:
            self._halted = going.halted

    def _script(self, change: Change) -> Script:
        if isinstance(change, AccountChange):
            return script(change, self._known)
        return group_script(change, self._watch.book)

    def _alone(self, identities: Sequence[IdentityId]) -> dict[IdentityId, Anchor]:
        """The accounts of those who were found to have exactly one."""
        found = {each: self._known.carriers.get(each, []) for each in identities}
        return {identity: Anchor(str(users[0]["id"])) for identity, users in found.items() if len(users) == 1}

    def close(self) -> None:
        """Let go of connections; may be called twice."""
        self.wire.close()

    def _now(self) -> float:
        return self.context.now().timestamp()

    def _tenant(self) -> Tenant:
        """All live users: by delta where there is a usable link, else everyone."""
        now = self._now()
        kept = load_tenant(self.context.memory, Tenant)
        if kept is not None and kept.usable(self.options.base, self.shape.select, now):
            try:
                return self._round(kept, kept.link)
            except PageRefused as refused:
                if refused.answer.status != 410:
                    raise refused_list(refused.answer) from None
                _log.info("%s: the delta link has expired; everyone is read again", self.context.name)
        try:
            return self._round(Tenant(self.options.base, self.shape.select, full_at=now), None)
        except PageRefused as refused:
            raise refused_list(refused.answer) from None

    def _round(self, tenant: Tenant, link: str | None) -> Tenant:
        began = self._now()
        for page in self.courier.pages(Delta(self.shape.select, link)):
            for item in page["value"]:
                tenant.take(item)
            self.context.progress("users of Microsoft 365", len(tenant.users), None)
            tenant.link = str(page.get("@odata.deltaLink", ""))
        tenant.link_at = began
        keep_tenant(self.context.memory, tenant)
        return tenant

    def _bin(self) -> dict[str, Mapping[str, Any]]:
        """The soft-deleted users, by anchor."""
        try:
            pages = list(self.courier.pages(ListDeleted(self.shape.select)))
        except PageRefused as refused:
            raise refused_list(refused.answer) from None
        found = {str(user["id"]): user for page in pages for user in page["value"]}
        carried = {identity: user for user in found.values() if (identity := self.shape.owner(user)) is not None}
        self._known.deleted = carried
        self._binned = found
        return found

    def _groups(self) -> list[Mapping[str, Any]]:
        """Every group, for the names it holds; none where the app may not read them (check says so)."""
        try:
            return [group for page in self.courier.pages(ListGroups(_GROUP_NAMES)) for group in page["value"]]
        except PageRefused as refused:
            if refused.answer.status == 403:
                return []
            raise refused_list(refused.answer) from None

    def _looked_for(self, anchors: AbstractSet[str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Known accounts that no list shows (yet): asked for one by one before they count as lost."""
        wanted = sorted(anchors)
        answers = self.courier.all([ReadUser(anchor, self.shape.select) for anchor in wanted])
        for anchor, answer in zip(wanted, answers, strict=True):
            if answer.done:
                yield anchor, answer.body

    def _learn_domains(self) -> None:
        """The tenant's verified domains, once a run; where they may not be read, Graph refuses the address instead."""
        if not self._domains_asked:
            self._domains_asked = True
            found = organization(self.courier.ask(ReadOrganization()))
            self._known.domains = found.domains if found is not None else None

    def _look_up(self, identities: Sequence[IdentityId]) -> None:
        """Before anything is created: who carries these identities already, live or deleted."""
        if not identities:
            return
        if self._binned is None:
            self._bin()
        steps = range(0, len(identities), _FILTERED_AT_ONCE)
        filters = [self.shape.filter(identities[start : start + _FILTERED_AT_ONCE]) for start in steps]
        self._known.carriers = {}
        for answer in self.courier.all(
            [ListUsers(self.shape.select, each, advanced=self.shape.advanced) for each in filters]
        ):
            if not answer.done:
                raise refused_list(answer)
            for user in answer.body["value"]:
                identity = self.shape.owner(user)
                if identity is not None:
                    self._known.carriers.setdefault(identity, []).append(user)

    def _observed(
        self,
        live: Mapping[str, Mapping[str, Any]],
        binned: Mapping[str, Mapping[str, Any]],
        groups: Sequence[Mapping[str, Any]],
        ours: frozenset[Anchor],
    ) -> Observed:
        accounts: dict[Anchor, Account] = {}
        owners: dict[Anchor, IdentityId] = {}
        held: dict[str, Holder] = {}
        read_only: set[Anchor] = set()
        for key, user in {**live, **binned}.items():
            anchor = Anchor(key)
            guest = user.get("userType") == "Guest" and anchor not in ours
            kind = "the deleted account" if key in binned else "the guest" if guest else "the account"
            holder = Holder(None if guest else anchor, f"{kind} {sign_in_name(user)}")
            for name in names(user):
                held.setdefault(name, holder)
            if guest:
                continue
            accounts[anchor] = self.shape.account(user)
            identity = self.shape.owner(user)
            if identity is not None:
                owners[anchor] = identity
            if user.get("onPremisesSyncEnabled") is True:
                read_only.add(anchor)
        for group in groups:
            holder = Holder(None, f"the group {group.get('displayName') or group['id']}")
            for name in names(group):
                held.setdefault(name, holder)
        deleted = frozenset(Anchor(key) for key in binned)
        return Observed(accounts, owners, held, frozenset(read_only), deleted)


def known_fields() -> frozenset[str]:
    """The properties that `extra_fields` may name."""
    return FURTHER | {f"extensionAttribute{n}" for n in range(1, 16)}


def _lane(change: Change) -> str:
    """Changes of one account or group keep their order; different ones do not wait for each other, nor do those who leave one group."""
    match change:
        case CreateGroup(group):
            return f"group {group.key.record}"
        case UpdateGroup(key) | AddMember(key):
            return f"group {key.record}"
        case RemoveMember(key, _, _, who):
            return f"group {key.record} {who.identity}"
        case _:
            return str(change.who.anchor or change.who.identity)


def _phase(change: Change) -> int:
    """People, then the names of groups, then new groups, then who comes and who goes: each may need what came before."""
    phases = (UpdateGroup, CreateGroup, AddMember, RemoveMember)
    return next((at for at, each in enumerate(phases, 1) if isinstance(change, each)), 0)
