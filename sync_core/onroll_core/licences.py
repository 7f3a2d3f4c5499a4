"""Licences that were given to leavers themselves are released when their accounts have been disabled for long enough; what a group gives them is not ours to take."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import date, timedelta

from onroll_core.accounts import Anchor, DesiredAccount, IdentityId, Observed
from onroll_core.changes import ReleaseLicences, Who
from onroll_core.identities import Bond

Switched = Callable[[Sequence[IdentityId]], Collection[IdentityId]]
"""Those of some people whose account onroll switched on or off, or made, within the days that licences are kept."""


def licence_changes(
    desired: Iterable[DesiredAccount],
    observed: Observed,
    bonds: Mapping[IdentityId, Bond],
    days: int,
    today: date,
    switched: Switched,
) -> list[ReleaseLicences]:
    """The licences to release in one target: those of people who have left, and whose account has been disabled for more than `days`.

    Counted from the last day on which they had the account, and again from the day on which it was disabled: a leaving date that was typed wrong takes nobody's mailbox
    the night after. Licences belong to the cloud, so those of accounts that another system masters are released too.
    """
    due: list[tuple[DesiredAccount, Anchor]] = []
    for each in desired:
        bond = bonds.get(each.identity)
        if bond is None or each.account.enabled or each.gone is None or today <= each.gone + timedelta(days=days):
            continue
        seen = observed.accounts.get(bond.anchor)
        mine = observed.owners.get(bond.anchor) == each.identity and bond.anchor not in observed.deleted
        if mine and seen is not None and not seen.enabled and observed.licences.get(bond.anchor):
            due.append((each, bond.anchor))
    lately = switched([each.identity for each, _ in due])
    return [
        ReleaseLicences(
            Who(each.identity, each.account.login, each.role, anchor),
            observed.licences[anchor],
            f"{each.because}, and the account has been disabled for more than {days} days",
            each.expected,
        )
        for each, anchor in due
        if each.identity not in lately
    ]
