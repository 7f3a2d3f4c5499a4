"""The groups of a tenant through one run: read by delta with our own latest writes on top, changed by scripts, and kept for the next run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from onroll_connectors.targets.graph_asks import GroupDelta
from onroll_connectors.targets.graph_courier import Courier, PageRefused
from onroll_connectors.targets.graph_group_book import As, Book
from onroll_connectors.targets.graph_group_memory import (
    SELECT,
    GroupTenant,
    RecentGroups,
    keep_recent_groups,
    load_recent_groups,
)
from onroll_connectors.targets.graph_memory import keep_tenant, load_tenant
from onroll_connectors.targets.graph_problems import refused_list
from onroll_core.accounts import IdentityId
from onroll_core.changes import AddMember, Change
from onroll_core.contracts import Context
from onroll_core.errors import Halt
from onroll_core.people import GroupKind

_OF_GROUPS = "groups-"


@dataclass(slots=True)
class GroupWatch:
    """`young(anchor)` is whether a user was made so lately that 404 only means "not yet"."""

    base: str
    made_as: Mapping[GroupKind, As]
    context: Context = field(repr=False)
    courier: Courier = field(repr=False)
    young: Callable[[str], bool] = field(repr=False)
    book: Book = field(init=False, repr=False)
    _recent: RecentGroups = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._recent = load_recent_groups(self.context.memory)
        self.book = Book(
            self.base,
            self.made_as,
            lambda key: self.young(key) or self._recent.young(key, self._now()),
            lambda group, body: self._recent.wrote(group, body, self._now()),
            lambda group, relation, who, there: self._recent.put(group, relation, who, there, self._now()),
        )

    def learn(self) -> list[Mapping[str, Any]]:
        """Every group, ours with their people. Raises Halt where they may not be read, Unavailable rather than give a part."""
        now = self._now()
        kept = load_tenant(self.context.memory, GroupTenant, _OF_GROUPS)
        link = kept.link if kept is not None and kept.usable(self.base, SELECT, now) else None
        try:
            tenant = self._round(kept if link else None, link)
        except PageRefused as refused:
            if refused.answer.status == 403:
                raise Halt(
                    "The app may not read the groups of this tenant, which the settings want looked after: grant it Group.ReadWrite.All in"
                    " Entra and consent as an administrator."
                ) from None
            if refused.answer.status != 410 or link is None:
                raise refused_list(refused.answer) from None
            tenant = self._round(None, None)
        merged: list[Mapping[str, Any]] = list(self._recent.over(tenant.users, now).values())
        self.book.learn(merged)
        return merged

    def begin(self, changes: Iterable[Change]) -> list[IdentityId]:
        """Before a batch touches a group: every group is known, and who is put into which together. Gives those whose accounts are still to be found:
        they were made by a run that was cut off, or are made in this batch."""
        changes = list(changes)
        if not changes:
            return []
        if not self.book.read:
            self.learn()
        self.book.together, self.book.told = {}, {}
        adding = [change for change in changes if isinstance(change, AddMember)]
        for change in adding:
            self.book.together.setdefault(change.key, []).append(change)
        strangers = (each.who.identity for each in adding if each.who.anchor is None)
        return [identity for identity in dict.fromkeys(strangers) if identity not in self.book.people]

    def keep(self) -> None:
        """Keep what was written for the next run."""
        if self.book.read:
            keep_recent_groups(self.context.memory, self._recent, self._now())

    def _round(self, kept: GroupTenant | None, link: str | None) -> GroupTenant:
        now = self._now()
        tenant = kept or GroupTenant(self.base, SELECT, full_at=now)
        for page in self.courier.pages(GroupDelta(SELECT, link)):
            for item in page["value"]:
                tenant.take(item)
            self.context.progress("groups of Microsoft 365", len(tenant.users), None)
            tenant.link = str(page.get("@odata.deltaLink", ""))
        tenant.link_at = now
        keep_tenant(self.context.memory, tenant, _OF_GROUPS)
        return tenant

    def _now(self) -> float:
        return self.context.now().timestamp()
