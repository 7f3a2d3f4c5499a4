"""The inverse of a past run, planned against what is there now: what somebody else changed since is left as it is, and said."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from onroll_core.accounts import Account, Anchor, IdentityId, Observed, ObservedGroup
from onroll_core.changes import (
    AddMember,
    Change,
    Conflict,
    Disable,
    Enable,
    Move,
    Naming,
    ReleaseLicences,
    RemoveMember,
    Rename,
    ReturnLicences,
    Update,
    UpdateGroup,
    Value,
    Who,
)
from onroll_core.identities import Bond, Identity
from onroll_core.people import SourceKey
from onroll_core.plan import Plan, ordered
from onroll_core.traces import Aspect, Trace, aspects, traces

_NAMES = ("display_name", "given", "family")


@dataclass(frozen=True, slots=True)
class Done:
    """A change that a run carried out, or may have: `sure` when the target said so. `document` is that of `plan --json`."""

    document: Mapping[str, Any]
    sentence: str
    sure: bool = True


@dataclass(frozen=True, slots=True)
class Undo:
    """What undoes a run in one target. `traces` are the run's changes that it takes back; `names` are username and address that people get back."""

    plan: Plan
    traces: frozenset[Trace] = frozenset()
    names: Mapping[IdentityId, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Present:
    """What an undo is planned against, in one target. Of the `people`, the accounts of those in `minded` are this school's to change. `since` says which later run last changed an aspect; `holder` whose an issued name is.
    `by_name`: people sign in there with a short name."""

    observed: Observed
    people: Mapping[IdentityId, Identity]
    minded: Container[IdentityId]
    since: Mapping[Aspect, int]
    holder: Callable[[str], IdentityId | None]
    by_name: bool


def undo(school: str, target: str, run: int, done: Iterable[Done], now: Present) -> Undo:
    """The plan that takes back what `run` did in `target`, as far as it is still so; nothing is ever deleted by it.

    A change of which nothing is left needs nothing. One that somebody changed since, or a later run did, is a conflict that says so. Accounts and
    groups that were made, addresses that became aliases, links and passwords stay, which the notices say.
    """
    found = _Undoing(school, target, run, now)
    for each in _in_one(done):
        found.take_back(each)
    plan = Plan(target, school, tuple(ordered(found.changes)), tuple(found.conflicts), notices=tuple(found.notices()))
    return Undo(plan, frozenset(found.traces), found.names)


def _in_one(done: Iterable[Done]) -> list[Done]:
    """Where names of groups went round in a circle a group was renamed twice: from its first name to its last is one change."""
    found: list[Done] = []
    at: dict[str, int] = {}
    for each in done:
        group = each.document["identity"]
        if each.document["kind"] != "update_group":
            found.append(each)
        elif group not in at:
            at[group] = len(found)
            found.append(each)
        else:
            first = found[at[group]].document
            both = {name: {**first[name], **each.document[name]} for name in ("before", "after")}
            both["before"]["group"] = first["before"]["group"]
            found[at[group]] = replace(each, document={**each.document, **both})
    return found


@dataclass(slots=True)
class _Undoing:
    school: str
    target: str
    run: int
    now: Present
    changes: list[Change] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)
    traces: set[Trace] = field(default_factory=set)
    names: dict[IdentityId, tuple[str, str]] = field(default_factory=dict)
    staying: dict[str, int] = field(default_factory=dict)
    groups: Mapping[str, tuple[Anchor, ObservedGroup]] = field(init=False)
    carried: Mapping[IdentityId, Anchor] = field(init=False)

    def __post_init__(self) -> None:
        seen = self.now.observed
        ours = ((anchor, group) for anchor, group in sorted(seen.groups.items(), reverse=True))
        self.groups = {group.key.record: (anchor, group) for anchor, group in ours if group.key.school == self.school}
        self.carried = {identity: anchor for anchor, identity in seen.owners.items()}

    @property
    def reason(self) -> str:
        return f"run {self.run} is undone"

    def take_back(self, done: Done) -> None:
        kind = done.document["kind"]
        if kind in ("link", "give_password"):
            self._stays(kind)
            return
        if kind in ("create_group", "update_group"):
            (self._made_group if kind == "create_group" else self._group)(done)
            return
        found = self._account(done)
        if found is None:
            return
        who, seen = found
        match kind:
            case "create" | "enable":
                self._disable(done, who, seen)
            case "disable":
                self._enable(done, who, seen)
            case "rename":
                self._rename(done, who, seen)
            case "update":
                self._update(done, who, seen)
            case "move":
                self._move(done, who, seen)
            case "release_licences" | "return_licences":
                self._licences(done, who)
            case _:
                self._member(done, who)

    def notices(self) -> Iterable[str]:
        """What stays, each in a sentence."""
        for kind, count in self.staying.items():
            yield _STAYS[kind].format(count=count, run=self.run)

    # --- accounts ---

    def _account(self, done: Done) -> tuple[Who, Account] | None:
        """Whose account a change is about, as it is now; None when there is nothing to take back, or when that is now a conflict."""
        identity = IdentityId(done.document["identity"])
        person = self.now.people.get(identity)
        if person is None:
            self._left(done, "onroll no longer knows whose it is")
            return None
        bond = person.bonds.get(self.target)
        anchor = Anchor(done.document["anchor"] or (bond.anchor if bond else self.carried.get(identity, "")))
        account = self.now.observed.accounts.get(anchor)
        if account is None:
            if done.sure:
                self._left(done, f"the account is no longer in {self.target}")
            return None
        why = self._not_ours(done, anchor, identity, bond)
        if why:
            self._left(done, why)
            return None
        return Who(identity, person.label, person.role, anchor), account

    def _not_ours(self, done: Done, anchor: Anchor, identity: IdentityId, bond: Bond | None) -> str:
        """Why nothing may be written to an account, "" when it may."""
        seen = self.now.observed
        owner = seen.owners.get(anchor)
        if owner not in (None, identity) or (owner is None and (bond is None or bond.anchor != anchor)):
            return "the account is not joined to this person any more"
        if done.document["kind"] in ("add_member", "remove_member"):
            return f"the account is deleted in {self.target}{_AGAIN}" if anchor in seen.deleted else ""
        mastered = anchor in seen.read_only and not done.document["kind"].endswith("_licences")
        if mastered or identity not in self.now.minded:
            return f"another {'system' if mastered else 'school'} looks after this account now"
        if anchor in seen.deleted and done.document["kind"] not in ("create", "enable", "disable"):
            return f"the account is deleted in {self.target}{_AGAIN}"
        return ""

    def _disable(self, done: Done, who: Who, seen: Account) -> None:
        made = done.document["kind"] == "create"
        if made:
            self._stays("create")
        if not seen.enabled or who.anchor in self.now.observed.deleted or self._changed_since(done):
            return
        why = f"it was made by run {self.run}, which is undone" if made else self.reason
        self._put(Disable(who, why), done)

    def _enable(self, done: Done, who: Who, seen: Account) -> None:
        deleted = who.anchor in self.now.observed.deleted
        if (seen.enabled and not deleted) or self._changed_since(done):
            return
        self._put(Enable(who, self.reason, restore=deleted), done)

    def _rename(self, done: Done, who: Who, seen: Account) -> None:
        before, after = done.document["before"], done.document["after"]
        there = (seen.login, seen.email)
        if there == (before["login"], before["email"]):
            return
        if there != (after["login"], after["email"]):
            self._left(done, f"it is called {' / '.join(dict.fromkeys(there))} now")
            return
        why = self._taken(who, (before["login"], before["email"]))
        if why:
            self._left(done, why)
            return
        person = self.now.people[who.identity]
        if person.email not in (before["email"], after["email"]):
            self._left(done, f"onroll has since given them the name {person.label}")
            return
        if self._changed_since(done):
            return
        aliases = seen.aliases - {before["email"]} | {seen.email}
        names = Naming(seen.login, seen.email, seen.aliases), Naming(before["login"], before["email"], aliases)
        self._put(Rename(who, *names, self.reason), done)
        self.names[who.identity] = (self._username(person, before), before["email"])

    def _username(self, person: Identity, before: Mapping[str, Any]) -> str:
        """The username that goes with the names that an account had; a target where people sign in by address does not tell it."""
        told = before["login"] if self.now.by_name else before["email"].partition("@")[0]
        ours = self.now.by_name or self.now.holder(told) == person.id
        return told if ours else person.username or told

    def _taken(self, who: Who, names: Iterable[str]) -> str:
        for name in names:
            there = self.now.observed.names.get(name)
            if there is not None and there.anchor != who.anchor:
                return f"{name} is held by {there.what} now"
            if self.now.holder(name) not in (None, who.identity):
                return f"{name} has been issued to somebody else"
        return ""

    def _update(self, done: Done, who: Who, seen: Account) -> None:
        before: dict[str, Value] = {}
        after: dict[str, Value] = {}
        for name, made in done.document["after"].items():
            was = done.document["before"].get(name, "")
            if name == "aliases":
                self._stays("update")
                continue
            there = (getattr(seen, name) or "") if name in _NAMES else seen.attributes.get(name, "")
            if there == was:
                continue
            if there != made:
                self._left(done, f"{name} is {there!r} now")
            elif not self._changed_since(done, {("value", who.identity, name)}):
                before[name], after[name] = there, was
        if after:
            self.changes.append(Update(who, before, after, self.reason))
            taken_back = {"kind": "update", "identity": who.identity, "after": before}
            self.traces |= traces(taken_back)

    def _move(self, done: Done, who: Who, seen: Account) -> None:
        before, after = done.document["before"]["place"], done.document["after"]["place"]
        there = seen.place or ""
        if there.casefold() == before.casefold():
            return
        if there.casefold() != after.casefold():
            self._left(done, f"it is in {there or 'the top'} now")
        elif not self._changed_since(done):
            self._put(Move(who, there, before, self.reason), done)

    def _licences(self, done: Done, who: Who) -> None:
        held = self.now.observed.licences.get(who.object, ())
        if done.document["kind"] == "release_licences":
            lost = tuple(each for each in done.document["before"]["licences"] if each not in held)
            if lost and not self._changed_since(done):
                self._put(ReturnLicences(who, lost, self.reason), done)
            return
        given = tuple(each for each in done.document["after"]["licences"] if each in held)
        if given and not self._changed_since(done):
            self._put(ReleaseLicences(who, given, self.reason, True), done)

    # --- groups ---

    def _member(self, done: Done, who: Who) -> None:
        added = done.document["kind"] == "add_member"
        told = done.document["after" if added else "before"]
        anchor, group = self.groups.get(told["key"], (None, None))
        if anchor is None or group is None:
            if not added:
                self._left(done, f"the group is no longer in {self.target}")
            return
        there = who.anchor in (group.owners if told["owner"] else group.members)
        if there is not added or self._changed_since(done):
            return
        key, owner = SourceKey(self.school, told["key"]), told["owner"]
        if added:
            self._put(RemoveMember(key, anchor, group.name, who, self.reason, owner), done)
        else:
            self._put(AddMember(key, anchor, group.name, who, self.reason, owner), done)

    def _made_group(self, done: Done) -> None:
        """A group that was made is archived, and gives up its name, which another may have had before."""
        name = done.document["after"]["group"]
        anchor, seen = self.groups.get(done.document["identity"], (None, None))
        if anchor is None or seen is None or seen.archived:
            return
        if seen.name != name:
            self._left(done, f"it is called {seen.name} now")
        elif not self._changed_since(done):
            self._stays("create_group")
            key = SourceKey(self.school, done.document["identity"])
            self._put(UpdateGroup(key, anchor, name, f"{name} (undone run {self.run})", self.reason, True), done)

    def _group(self, done: Done) -> None:
        before, after = done.document["before"], done.document["after"]
        record = done.document["identity"]
        anchor, seen = self.groups.get(record, (None, None))
        if anchor is None or seen is None:
            self._left(done, f"the group is no longer in {self.target}")
            return
        archived = after.get("archived")
        if seen.name == before["group"] and archived in (None, not seen.archived):
            return
        if seen.name != after["group"] or archived not in (None, seen.archived):
            self._left(done, f"it is called {seen.name} now{', and is archived' * seen.archived}")
        elif not self._changed_since(done):
            archive = None if archived is None else not archived
            key = SourceKey(self.school, record)
            self._put(UpdateGroup(key, anchor, seen.name, before["group"], self.reason, archive), done)

    # --- what becomes of each ---

    def _put(self, change: Change, done: Done) -> None:
        self.changes.append(change)
        self.traces |= traces(done.document)

    def _stays(self, kind: str) -> None:
        self.staying[kind] = self.staying.get(kind, 0) + 1

    def _changed_since(self, done: Done, about: Iterable[Aspect] | None = None) -> bool:
        """True, and a conflict, when a later run did something to the same."""
        later = [self.now.since[each] for each in about or aspects(done.document) if each in self.now.since]
        if later:
            self._left(done, f"run {max(later)} has changed it since; undo that one")
        return bool(later)

    def _left(self, done: Done, why: str) -> None:
        document = done.document
        identity = IdentityId(document["identity"]) if document["username"] else None
        self.conflicts.append(
            Conflict(identity, f"{done.sentence} That is not undone: {why}.", str(document["username"]))
        )


_AGAIN = "; when it is restored, undo the run again"
_STAYS: Mapping[str, str] = {
    "create": "Accounts that run {run} made are disabled and kept ({count}): onroll deletes nothing.",
    "create_group": "Groups that run {run} made are archived, without those whom it put into them ({count}).",
    "update": "Addresses that became aliases stay ({count} people): an address is never taken away.",
    "link": "Links are not undone by this ({count}). Take one back with: onroll links undo USERNAME",
    "give_password": "A password that was given cannot be undone ({count} people). Give another with: onroll passwords issue",
}
