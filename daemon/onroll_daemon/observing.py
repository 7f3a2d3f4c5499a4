"""What to say to whoever approves a plan for a target to which nothing is ever written."""

from __future__ import annotations

from collections.abc import Collection

from onroll_core.guard import OBSERVED
from onroll_core.night import Night, TargetNight


def only_looked_at(target: str) -> str:
    """That a target is only observed, and where that is changed."""
    return (
        f"{target} is only observed: plans for it are made and shown, and nothing is written to it, whatever anybody approves. To have onroll write there,"
        f" take observe_only = true out of [targets.{target}] in onroll.toml and start onroll again."
    )


def watched(target: str, one: TargetNight) -> bool:
    """Whether a plan, that of an undo too, is held because nothing is ever written there: it waits for nobody."""
    return OBSERVED.format(target=target) in one.objections


def in_vain(night: Night, approved: Collection[str]) -> list[str]:
    """Of the digests that were approved, a sentence for each that is of a target which is only observed."""
    return [
        f"The approval of {one.plan.digest} does nothing. {only_looked_at(name)}"
        for name, one in night.targets.items()
        if watched(name, one) and one.plan is not None and one.plan.digest in approved
    ]
