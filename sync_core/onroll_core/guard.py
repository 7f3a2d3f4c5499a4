"""The only door from a plan to a target: a plan is cleared whole, or held whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from onroll_core.plan import Plan


@dataclass(frozen=True, slots=True)
class Cleared:
    """A plan that may be applied. Nothing but this module makes one."""

    plan: Plan
    approved: bool = False


@dataclass(frozen=True, slots=True)
class Held:
    """A plan of which nothing is written until a person has approved its digest; `objections` are sentences."""

    plan: Plan
    objections: Sequence[str]


Verdict = Cleared | Held

OBSERVED = "Observe only: nothing is written to {target} while [targets.{target}] says observe_only = true. This is what would be done."


def clear(plan: Plan, objections: Sequence[str], approved: str | None = None, observe_only: bool = False) -> Verdict:
    """Clear `plan` when nobody objects or when `approved` names exactly its digest; hold the whole of it otherwise.

    Of a target that is `observe_only` no plan is ever cleared, but one with nothing in it.
    """
    if observe_only and plan.changes:
        return Held(plan, (OBSERVED.format(target=plan.target), *objections))
    if not objections:
        return Cleared(plan)
    if approved is not None and approved == plan.digest:
        return Cleared(plan, approved=True)
    return Held(plan, tuple(objections))
