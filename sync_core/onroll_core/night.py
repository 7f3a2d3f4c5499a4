"""What one run did, target by target, in the shapes that the command line promises."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from onroll_core.changes import Applied, Deferred, Outcome, Rejected, Unsent, kind
from onroll_core.plan import Plan, as_json

Word = Literal["cleared", "held", "failed"]

_COUNTED: Mapping[str, str] = {
    "create": "created",
    "update": "updated",
    "link": "updated",
    "rename": "renamed",
    "move": "moved",
    "disable": "disabled",
    "enable": "enabled",
    "give_password": "passwords",
    "release_licences": "licences",
    "return_licences": "licences",
    "create_group": "groups",
    "update_group": "groups",
    "add_member": "members",
    "remove_member": "members",
}
TALLIES = (
    "created",
    "updated",
    "renamed",
    "moved",
    "disabled",
    "enabled",
    "groups",
    "members",
    "licences",
    "failed",
    "deferred",
)


@dataclass(frozen=True, slots=True)
class People:
    """How many people a reading moved."""

    joiners: int = 0
    movers: int = 0
    leavers: int = 0
    returners: int = 0
    conflicts: int = 0

    def as_json(self) -> dict[str, int]:
        """The counts by name."""
        names = ("joiners", "movers", "leavers", "returners", "conflicts")
        return {name: getattr(self, name) for name in names}


@dataclass(slots=True)
class TargetNight:
    """What became of one target. `error` is the sentence of a target that failed; `outcomes` are counted as they come. `observe_only`: it is held because
    nothing is ever written there, which waits for nobody."""

    verdict: Word = "cleared"
    plan: Plan | None = None
    objections: Sequence[str] = ()
    error: str = ""
    tally: Counter[str] = field(default_factory=Counter)
    troubles: list[str] = field(default_factory=list)
    observe_only: bool = False

    def count(self, outcome: Outcome) -> None:
        """Add one outcome to the tally; a refusal is also kept as a sentence."""
        match outcome:
            case Applied(change):
                self.tally[_COUNTED[kind(change)]] += 1
            case Rejected(_, why):
                self.tally["failed"] += 1
                self.troubles.append(why)
            case Deferred() | Unsent():
                self.tally["deferred"] += 1

    def as_json(self) -> dict[str, Any]:
        """The object under the target's name in `sync --json`."""
        shape: dict[str, Any] = {"verdict": self.verdict} | {name: self.tally[name] for name in TALLIES}
        if self.observe_only:
            shape["observe_only"] = True
        if self.objections:
            shape["objections"] = list(self.objections)
        if self.plan is not None:
            shape["digest"] = self.plan.digest
            shape["conflicts"] = len(self.plan.conflicts)
            if self.plan.notices:
                shape["notices"] = list(self.plan.notices)
        if self.error:
            shape["error"] = self.error
        if self.troubles:
            shape["problems"] = list(self.troubles)
        return shape

    def plan_json(self, target: str) -> dict[str, Any]:
        """The object of this target in `plan --json`."""
        plan = self.plan
        shape: dict[str, Any] = {
            "target": target,
            "digest": plan.digest if plan else "",
            "verdict": self.verdict,
            "objections": [self.error] if self.error else list(self.objections),
            "changes": [as_json(change) for change in plan.changes] if plan else [],
            "conflicts": [
                {"identity": each.identity, "username": each.username, "why": each.why} for each in plan.conflicts
            ]
            if plan
            else [],
        }
        if plan and plan.notices:
            shape["notices"] = list(plan.notices)
        return shape


@dataclass(slots=True)
class Night:
    """What one run of one school came to. `unread` is the sentence that says why nothing could be read; `held` are the objections to a snapshot,
    and `snapshot` the digest that approves it. `notices` change nothing and are worth reading. `only_people`: the run was for these alone, None when it was for everybody."""

    school: str
    run: int | None = None
    people: People = People()
    targets: dict[str, TargetNight] = field(default_factory=dict)
    unread: str = ""
    held: Sequence[str] = ()
    snapshot: str = ""
    conflicts: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    only_people: Sequence[str] | None = None

    @property
    def id(self) -> int:
        """The number of its run; raises ValueError for what was only looked at."""
        if self.run is None:
            raise ValueError("this night has no run")
        return self.run

    @property
    def exit_code(self) -> int:
        """0 done, 1 something failed, 3 held for approval, 4 nothing could be read (DESIGN 8)."""
        if self.unread:
            return 4
        if any(target.verdict == "failed" or target.tally["failed"] for target in self.targets.values()):
            return 1
        if self.held or any(target.verdict == "held" and not target.observe_only for target in self.targets.values()):
            return 3
        return 0

    @property
    def status(self) -> str:
        """The run in one word, as the store keeps it."""
        return {0: "done", 1: "failed", 3: "held", 4: "unread"}[self.exit_code]

    def sync_json(self) -> dict[str, Any]:
        """The document of `sync --json`."""
        shape: dict[str, Any] = {
            "school": self.school,
            "run": self.run,
            "people": self.people.as_json(),
            "targets": {name: target.as_json() for name, target in self.targets.items()},
        }
        if self.only_people is not None:
            shape["only_people"] = list(self.only_people)
        if self.unread:
            shape["error"] = self.unread
        if self.held:
            shape |= {"held": list(self.held), "digest": self.snapshot}
        if self.conflicts:
            shape["conflicts"] = self.conflicts
        if self.notices:
            shape["notices"] = self.notices
        return shape

    def plan_json(self) -> dict[str, Any]:
        """The document of `plan --json`."""
        shape: dict[str, Any] = {
            "school": self.school,
            "plans": [target.plan_json(name) for name, target in self.targets.items()],
        }
        if self.unread:
            shape["error"] = self.unread
        if self.notices:
            shape["notices"] = self.notices
        return shape
