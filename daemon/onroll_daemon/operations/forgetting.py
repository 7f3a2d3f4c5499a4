"""What is known of somebody who has left is forgotten at once."""

from __future__ import annotations

from datetime import date, datetime

from onroll_core.accounts import IdentityId
from onroll_core.errors import Refused
from onroll_core.identities import Identity
from onroll_core.retention import forgotten, why_not
from onroll_core.rules import SchoolRules
from onroll_core.store import Store, this_process


def may_be_forgotten(identity: Identity, rules: SchoolRules, today: date) -> None:
    """Raises Refused when they may not."""
    problem = why_not(identity, today, rules)
    if problem:
        raise Refused(problem)


def forget(store: Store, identity: IdentityId, rules: SchoolRules, today: date, by: str, now: datetime) -> None:
    """Forget them, for good, under the lease of their school; a night may have changed them until it was had. Raises Refused as above, Busy during a run."""
    with store.lease(rules.id, this_process("users forget")):
        current = store.identity(identity)
        if current is None or current.school != rules.id:
            raise Refused(f"Nobody is known by {identity!r} at {rules.id} any more. Nothing was forgotten.")
        may_be_forgotten(current, rules, today)
        emptied = forgotten(current, today, rules)
        store.past.forget(None, rules.id, [(current, emptied)], f"{by or 'somebody'} asked for it", now)
