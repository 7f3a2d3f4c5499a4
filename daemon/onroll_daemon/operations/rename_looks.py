"""What a rename would come to, for the person who is about to confirm it: old and new, what follows, who is at work with the old name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from onroll_core.accounts import IdentityId
from onroll_core.people import Role
from onroll_core.renames import Preview, Renaming
from onroll_core.store import Store
from onroll_daemon.settings import SchoolSettings, Settings

RECENT = timedelta(days=30)

_TOUCHED: Mapping[str, str] = {
    "active_directory": "sAMAccountName, userPrincipalName, mail, proxyAddresses and the name of the object; home folder and profile stay where they are",
    "microsoft365": "userPrincipalName, mail and mailNickname; the mailbox stays as it is",
    "google_workspace": "the primary address; mailbox and Drive stay as they are",
}


@dataclass(slots=True)
class Look:
    """What is known of the people beside their names. `signed_in` is by identity and target, `handed_out` when a first password was, `untold` what no
    target could tell, in sentences; `many` says which limits of a night the whole is over."""

    signed_in: dict[IdentityId, dict[str, datetime]] = field(default_factory=dict)
    handed_out: dict[IdentityId, str] = field(default_factory=dict)
    touched: dict[str, str] = field(default_factory=dict)
    untold: list[str] = field(default_factory=list)
    many: list[str] = field(default_factory=list)

    def last(self, identity: IdentityId) -> tuple[datetime, str] | None:
        """When somebody last signed in anywhere, and where."""
        return max(((when, name) for name, when in self.signed_in.get(identity, {}).items()), default=None)

    def recent(self, shown: Preview, now: datetime) -> int:
        """How many have signed in lately."""
        found = [self.last(each.identity.id) for each in shown.renamings]
        return sum(1 for each in found if each is not None and each[0] >= now - RECENT)


def at_hand(settings: Settings, store: Store, school: SchoolSettings, shown: Preview) -> Look:
    """What the store and the configuration tell, without asking any target."""
    found = Look(touched={name: _touched(settings, name) for name in school.targets})
    chosen = {each.identity.id for each in shown.renamings}
    found.handed_out = {who: at for who, (at, _) in store.handouts(school.rules.id).items() if who in chosen}
    found.many = _many(store, school, shown)
    return found


def _touched(settings: Settings, name: str) -> str:
    return _TOUCHED.get(settings.targets[name].module.rpartition(".")[2], "the username and the address")


def _many(store: Store, school: SchoolSettings, shown: Preview) -> list[str]:
    """More than one night may do: told before, so that nobody is surprised by a plan that is held."""
    everybody = [each for each in store.identities(school.rules.id) if each.bonds]
    told = []
    for role in Role:
        wanted = sum(each.identity.role is role and bool(each.identity.bonds) for each in shown.renamings)
        allowed = school.rules.limits.rename.allows(sum(each.role is role for each in everybody))
        if wanted > allowed:
            told.append(
                f"{wanted} renames of {role.value} are more than the {allowed} that [school.limits] rename allows in one night: each target's plan is held"
                f" until you approve it, on the page Plan or with onroll apply {school.rules.id} --approve DIGEST."
            )
    return told


def row(each: Renaming, found: Look, keep_alias: bool) -> dict[str, Any]:
    """One rename in the shape of `onroll rename --json`."""
    who = each.identity
    return {
        "identity": who.id,
        "before": {"username": who.username, "email": who.email},
        "after": {"username": each.username, "email": each.email},
        "problem": each.problem,
        "changes": each.changes(keep_alias),
        "signed_in": {name: when.isoformat() for name, when in found.signed_in.get(who.id, {}).items()},
        "first_password": found.handed_out.get(who.id),
    }


def notes(shown: Preview, found: Look, now: datetime) -> Sequence[str]:
    """What is to be said of the whole."""
    told = [f"In {name} this changes {what}." for name, what in found.touched.items()]
    if found.signed_in:
        told.append(f"{found.recent(shown, now)} of them have signed in within {RECENT.days} days.")
    return [*told, *found.untold, *found.many]
