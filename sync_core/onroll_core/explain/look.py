"""A look at a school's targets for one person's sake: what is there, and what tonight would do. Nothing is written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from onroll_core import pipeline
from onroll_core.accounts import Account, IdentityId, Observed
from onroll_core.changes import Change, Outcome
from onroll_core.contracts import Abilities, Report, Scope, Target
from onroll_core.explain.sign_in import There
from onroll_core.line import Line, TargetLine, reached_by
from onroll_core.night import Night
from onroll_core.rules import TargetRules
from onroll_core.store import Store


@dataclass(slots=True)
class _Watched:
    """A target whose observation is kept for whoever wants to look at it too."""

    target: Target
    kept: dict[str, Observed]
    name: str

    @property
    def abilities(self) -> Abilities:
        return self.target.abilities

    def check(self) -> Report:
        return self.target.check()

    def observe(self, scope: Scope) -> Observed:
        self.kept[self.name] = self.target.observe(scope)
        return self.kept[self.name]

    def perform(self, changes: Sequence[Change]) -> Iterator[Outcome]:
        return self.target.perform(changes)

    def close(self) -> None:
        self.target.close()


def _watched(line: TargetLine, kept: dict[str, Observed], name: str) -> Target:
    return _Watched(line.connect(), kept, name)


def look(line: Line) -> list[There]:
    """Each target of the school as it is now, with the plan for tonight; one that cannot be reached says why, and the others are there all the same."""
    kept: dict[str, Observed] = {}
    targets: Mapping[str, TargetLine] = {
        name: replace(each, connect=partial(_watched, each, kept, name)) for name, each in line.targets.items()
    }
    night = pipeline.plan(replace(line, targets=targets))
    found: list[There] = []
    for name, each in line.targets.items():
        one = night.targets.get(name)
        last = line.store.last_plan(line.school.id, name)
        if one is None:
            found.append(There(each.rules, kept.get(name), night.unread, last=last))
        else:
            found.append(There(each.rules, kept.get(name), one.error, one.plan, one.verdict, one.objections, last))
    return found


def unasked(store: Store, school: str, rules: Iterable[TargetRules], identity: IdentityId) -> list[There]:
    """The targets of a school as far as the store tells, for one person's sake: nobody else's changes are read."""
    them = list(rules)
    last = store.lookup.last_plans(school, [each.name for each in them], identity)
    return [There(each, last=last.get(each.name)) for each in them]


def together(there: Iterable[There]) -> list[There]:
    """Each target once, where two schools write to it: with the changes that either would make."""
    found: dict[str, There] = {}
    for each in there:
        name = each.rules.name
        before = found.get(name)
        if before is None or before.plan is None or each.plan is None:
            found[name] = each if before is None or before.plan is None else before
            continue
        changes, conflicts = (*before.plan.changes, *each.plan.changes), (*before.plan.conflicts, *each.plan.conflicts)
        plan = replace(
            before.plan, changes=changes, conflicts=conflicts, notices=(*before.plan.notices, *each.plan.notices)
        )
        found[name] = replace(before, plan=plan, objections=(*before.objections, *each.objections))
    return list(found.values())


@dataclass(frozen=True, slots=True)
class Holding:
    """Somebody's hold on a name in a target; `identity` is whose the object says it is, None when it says nothing."""

    target: str
    words: str
    identity: IdentityId | None = None


def looked(lines: Iterable[Line]) -> dict[str, Observed | str]:
    """Every target of these schools as it is now, or why it could not be reached."""
    found: dict[str, Observed | str] = {}
    for line in lines:
        night = Night(line.school.id)
        with reached_by(line, [name for name in line.targets if name not in found], night) as reached:
            for name in list(reached.lines):
                seen = reached.observe(name, line.store.identities(line.school.id))
                found[name] = seen if seen is not None else night.targets[name].error
    return found


def holders(seen: Mapping[str, Observed], text: str) -> list[Holding]:
    """Who holds a name, an address or a display name in the targets that were seen."""
    wanted = text.strip().lower()
    found: list[Holding] = []
    for target, observed in seen.items():
        there = [holder for name, holder in observed.names.items() if name == wanted]
        anchors = [holder.anchor for holder in there if holder.anchor in observed.accounts]
        anchors += [anchor for anchor, account in observed.accounts.items() if wanted in _names(account)]
        for anchor in dict.fromkeys(each for each in anchors if each is not None):
            account = observed.accounts[anchor]
            where = f", in {account.place or 'the top'}" if account.place is not None else ""
            state = "deleted" if anchor in observed.deleted else "enabled" if account.enabled else "disabled"
            words = f"the account {account.login} ({account.display_name or 'no display name'}{where}, {state})"
            found.append(Holding(target, words, observed.owners.get(anchor)))
        others = {holder.what for holder in there if holder.anchor not in observed.accounts}
        found += [Holding(target, what) for what in sorted(others)]
    return found


def _names(account: Account) -> set[str]:
    spoken = {(account.display_name or "").lower(), f"{account.given} {account.family}".lower()} - {""}
    return {account.login, account.email, account.email.partition("@")[0], *account.aliases} | spoken
