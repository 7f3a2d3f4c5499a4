"""Nights without a store: the pure steps and a directory in memory, fast enough for thousands of them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date

from builders import SCHOOL, TODAY, FakeTarget, ids, school
from onroll_core.accounts import IdentityId
from onroll_core.changes import Applied, Change, Create, Disable, Enable
from onroll_core.cohorts import reckon
from onroll_core.contracts import Scope
from onroll_core.diff import diff
from onroll_core.guard import Cleared, Held, Verdict, clear
from onroll_core.identities import Bond, Identity
from onroll_core.limits import objections
from onroll_core.naming import name_everyone
from onroll_core.people import Role, Snapshot
from onroll_core.plan import Plan
from onroll_core.project import project
from onroll_core.reconcile import Reconciliation, reconcile
from onroll_core.rules import SchoolRules, TargetRules
from onroll_core.sanity import examine, profile


@dataclass
class Nights:
    """One school, one directory; `issued` is the ledger."""

    rules: SchoolRules = field(default_factory=school)
    target: FakeTarget = field(default_factory=FakeTarget)
    target_rules: TargetRules = field(default_factory=lambda: TargetRules("ad"))
    identities: dict[IdentityId, Identity] = field(default_factory=dict)
    issued: dict[str, IdentityId | None] = field(default_factory=dict)
    last: dict | None = None  # type: ignore[type-arg]
    today: date = TODAY

    def __post_init__(self) -> None:
        self.new_id = ids()

    def taken(self, name: str) -> bool:
        return name in self.issued

    def read(self, snapshot: Snapshot) -> Reconciliation | list[str]:
        """Examine, reconcile, name, remember; the objections when the snapshot is held."""
        known = list(self.identities.values())
        held = examine(snapshot, known, self.last, self.today, self.rules)
        if held:
            return held
        years = reckon(snapshot, known, self.today, self.rules)
        found = reconcile(snapshot, known, self.today, self.rules, years, self.new_id)
        for identity in found.changed:
            self.identities[identity.id] = identity
        observed = self.target.observe(Scope(SCHOOL))
        for name in observed.names:
            self.issued.setdefault(name, None)
        for identity in name_everyone(self.identities.values(), self.today, self.rules, self, [observed]):
            for name in (identity.username, identity.email):
                assert name is None or self.issued.get(name) in (None, identity.id), f"{name} was issued twice"
                if name is not None:
                    assert name not in self.issued or self.issued[name] == identity.id, f"{name} was taken"
                    self.issued[name] = identity.id
            self.identities[identity.id] = identity
        self.last = profile(snapshot)
        return found

    def plan(self) -> tuple[Plan, Verdict]:
        observed = self.target.observe(Scope(SCHOOL))
        people = list(self.identities.values())
        bonds = {each.id: each.bonds["ad"] for each in people if "ad" in each.bonds}
        desired = project(people, self.today, self.rules, self.target_rules, self.target.abilities)
        plan = diff(
            SCHOOL,
            desired,
            observed,
            bonds,
            self.target_rules,
            self.target.abilities,
            lambda who, name: self.issued.get(name) == who,
        )
        population: dict[Role, int] = {}
        for each in people:
            if "ad" in each.bonds:
                population[each.role] = population.get(each.role, 0) + 1
        return plan, clear(plan, objections(plan, population, self.rules.limits, observed, self.identities))

    def apply(self) -> Cleared | Held:
        """Plan, clear, carry out, remember."""
        plan, verdict = self.plan()
        for identity, anchor in plan.adopted.items():
            self._bond(identity, Bond(anchor))
        for identity, bond in plan.settled.items():
            self._bond(identity, bond)
        if isinstance(verdict, Cleared):
            for outcome in self.target.perform(plan.changes):
                if isinstance(outcome, Applied):
                    self._remember(outcome.change, outcome)
        return verdict

    def _remember(self, change: Change, outcome: Applied) -> None:
        if isinstance(change, Create | Enable) and outcome.anchor is not None:
            self._bond(change.who.identity, Bond(outcome.anchor, True))
        elif isinstance(change, Disable):
            self._bond(change.who.identity, Bond(change.who.object, False))

    def _bond(self, identity: IdentityId, bond: Bond) -> None:
        known = self.identities[identity]
        self.identities[identity] = replace(known, bonds={**known.bonds, "ad": bond})
