"""What should be, minus what is: the changes, and the conflicts that a person must settle. Pure; it holds no target."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from onroll_core.accounts import Account, Anchor, DesiredAccount, IdentityId, Observed
from onroll_core.changes import (
    Change,
    Conflict,
    Create,
    Disable,
    Enable,
    Link,
    Move,
    Naming,
    Rename,
    Update,
    Value,
    Who,
)
from onroll_core.contracts import Abilities
from onroll_core.identities import Bond
from onroll_core.plan import Plan, ordered
from onroll_core.rules import TargetRules

Formerly = Callable[[IdentityId, str], bool]
"""True when a username or address was once issued to that identity."""

Withheld = Mapping[IdentityId, frozenset[str]]
"""Former addresses of which somebody said that they must not follow a person."""

_NONE: frozenset[str] = frozenset()
_NOBODY: Withheld = {}

_NAMES = ("display_name", "given", "family")


def diff(
    school: str,
    desired: Iterable[DesiredAccount],
    observed: Observed,
    bonds: Mapping[IdentityId, Bond],
    target: TargetRules,
    abilities: Abilities,
    formerly: Formerly,
    withheld: Withheld = _NOBODY,
) -> Plan:
    """The plan that makes `observed` what is `desired`, for the accounts that are ours alone.

    An account is ours when an identity is bonded to its anchor, or when it carries our identity (a run was cut off before it could be recorded,
    or another system brought the identity along): that one is adopted. Everybody else's account is never touched; where one holds a name that
    we need, that is a conflict. An address that is `withheld` from its former holder is taken away where the target lets us, and told where not.
    """
    comparison = _Comparison(observed, target, abilities, formerly, withheld)
    for each in desired:
        comparison.account(each, bonds.get(each.identity))
    return Plan(
        target.name,
        school,
        tuple(ordered(comparison.changes)),
        tuple(comparison.conflicts),
        comparison.adopted,
        comparison.settled,
        tuple(comparison.notices),
        comparison.lost,
    )


@dataclass(slots=True)
class _Comparison:
    observed: Observed
    target: TargetRules
    abilities: Abilities
    formerly: Formerly
    withheld: Withheld
    changes: list[Change] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)
    adopted: dict[IdentityId, Anchor] = field(default_factory=dict)
    settled: dict[IdentityId, Bond] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)
    lost: int = 0
    claimed: dict[IdentityId, Sequence[Anchor]] = field(init=False)
    ours: Mapping[str, bool] = field(init=False)

    def __post_init__(self) -> None:
        self.claimed = {}
        for anchor, identity in self.observed.owners.items():
            self.claimed[identity] = (*self.claimed.get(identity, ()), anchor)
        values = ("place", "enabled", "aliases", "login", *_NAMES)
        self.ours = {value: self.target.owner(value) == "always" for value in values}

    def account(self, desired: DesiredAccount, bond: Bond | None) -> None:
        if bond is not None:
            seen = self.observed.accounts.get(bond.anchor)
            if seen is None:
                if desired.account.enabled:
                    self.lost += 1
                    self._conflict(desired, self._lost(desired))
                return
            # The everyday case, kept short: everything is as it should be.
            if (
                self._same(desired.account, seen)
                and not (self.withheld.get(desired.identity, _NONE) & seen.aliases)
                and bond.enabled is seen.enabled
                and self.observed.owners.get(bond.anchor) == desired.identity
                and bond.anchor not in self.observed.deleted
            ):
                return
            self._compare(desired, bond.anchor, seen, bond)
            return
        claims = self.claimed.get(desired.identity, ())
        if len(claims) > 1:
            self._conflict(
                desired,
                f"{len(claims)} accounts in {self.target.name} carry the onroll identity {desired.identity} of {desired.account.login}"
                f" ({', '.join(self._name(anchor) for anchor in claims)}). Take it off the one that was copied.",
            )
        elif claims:
            self.adopted[desired.identity] = claims[0]
            self._compare(desired, claims[0], self.observed.accounts[claims[0]], Bond(claims[0]))
        elif desired.account.enabled:
            self._create(desired)

    def _same(self, wanted: Account, seen: Account) -> bool:
        return (
            wanted.enabled == seen.enabled
            and wanted.login == seen.login
            and wanted.email == seen.email
            and (wanted.display_name is None or wanted.display_name == seen.display_name)
            and (wanted.given is None or wanted.given == seen.given)
            and (wanted.family is None or wanted.family == seen.family)
            and (wanted.place is None or wanted.place == seen.place)
            and (not wanted.aliases or wanted.aliases <= seen.aliases)
            and all(seen.attributes.get(name, "") == value for name, value in wanted.attributes.items())
        )

    def _create(self, desired: DesiredAccount) -> None:
        account = desired.account
        for name in (account.login, account.email):
            holder = self.observed.names.get(name)
            if holder is not None:
                self._conflict(
                    desired,
                    f"The name {name} is held in {self.target.name} by {holder.what}, which onroll did not make. If it is the same person,"
                    f" it has to be linked; if not, give this person another name: onroll users rename {account.login} NEWNAME",
                )
                return
        kept = {name: value for name, value in account.attributes.items() if self.target.owner(name) != "never"}
        if kept != account.attributes:
            account = Account(
                account.login,
                account.email,
                account.aliases,
                account.display_name,
                account.given,
                account.family,
                account.place,
                True,
                kept,
            )
        self.changes.append(Create(self._who(desired, None), account, desired.because, desired.expected))

    def _compare(self, desired: DesiredAccount, anchor: Anchor, seen: Account, bond: Bond) -> None:
        owner = self.observed.owners.get(anchor)
        if owner is not None and owner != desired.identity:
            self._conflict(
                desired,
                f"The account {self._name(anchor)} in {self.target.name} now carries the onroll identity {owner}, not {desired.identity}."
                " Somebody changed that attribute: put it back.",
            )
            return
        if anchor in self.observed.read_only:
            return
        who = self._who(desired, anchor)
        wanted = desired.account
        if anchor in self.observed.deleted:
            if wanted.enabled:
                self.changes.append(
                    Enable(who, f"{desired.because}, and the account is deleted", True, desired.arriving)
                )
            return
        if owner is None:
            self.changes.append(Link(who, "the account no longer carries its onroll identity"))
        if wanted.enabled:
            self._rename(desired, who, seen)
            self._update(who, wanted, seen)
        self._move(desired, who, seen)
        self._switch(desired, who, seen, bond)

    def _rename(self, desired: DesiredAccount, who: Who, seen: Account) -> None:
        wanted = desired.account
        if wanted.login == seen.login and wanted.email == seen.email:
            self._aliases(who, wanted, seen)
            return
        ours = {wanted.login, wanted.email} | wanted.aliases
        foreign = [
            name
            for name in (seen.login, seen.email)
            if name and name not in ours and not self.formerly(desired.identity, name)
        ]
        if foreign and not self.ours["login"]:
            return
        if foreign and self.target.owners.get("login") != "always":
            # A rename is never a side effect, ours or anybody's: somebody renamed it there, and only a person can say which name counts.
            self._conflict(
                desired,
                f"The account of {wanted.login} in {self.target.name} was renamed to {' / '.join(foreign)} there, not by onroll."
                f" To keep that name everywhere: onroll users rename {wanted.login} NEWNAME. Otherwise rename it back there.",
            )
            return
        for name in (wanted.login, wanted.email):
            holder = self.observed.names.get(name)
            if holder is not None and holder.anchor != who.anchor:
                self._conflict(
                    desired,
                    f"{seen.login} cannot be renamed: {name} is held in {self.target.name} by {holder.what}."
                    f" Choose another name: onroll users rename {wanted.login} NEWNAME",
                )
                return
        before = Naming(seen.login, seen.email, seen.aliases)
        kept = seen.aliases - {wanted.email} | wanted.aliases
        after = Naming(wanted.login, wanted.email, kept - self.withheld.get(desired.identity, _NONE))
        self.changes.append(Rename(who, before, after, "the username was changed in onroll"))

    def _aliases(self, who: Who, wanted: Account, seen: Account) -> None:
        missing = wanted.aliases - seen.aliases - {seen.email}
        unwanted = self.withheld.get(who.identity, _NONE) & seen.aliases
        if not (missing or unwanted) or not self.ours["aliases"]:
            return
        free = set()
        if unwanted and self.abilities.aliases == "automatic":
            self.notices.append(
                f"{' and '.join(sorted(unwanted))} must not follow {who.username}, and onroll cannot take an alias away in {self.target.name}:"
                " remove it in its admin center."
            )
            unwanted = _NONE
        for alias in sorted(missing):
            holder = self.observed.names.get(alias)
            if holder is not None and holder.anchor != who.anchor:
                self.notices.append(
                    f"{alias} should still reach {who.username} but is held in {self.target.name} by {holder.what}."
                )
            elif self.abilities.aliases == "automatic":
                self.notices.append(f"{alias} is not (yet) an alias of {who.username} in {self.target.name}.")
            else:
                free.add(alias)
        if free or unwanted:
            before: Value = tuple(sorted(seen.aliases))
            after: Value = tuple(sorted(seen.aliases - unwanted | free))
            why = "a former address must not follow them" if unwanted else "a former address must still reach them"
            self.changes.append(Update(who, {"aliases": before}, {"aliases": after}, why))

    def _update(self, who: Who, wanted: Account, seen: Account) -> None:
        before: dict[str, Value] = {}
        after: dict[str, Value] = {}
        for name in _NAMES:
            self._value(name, getattr(wanted, name), getattr(seen, name), before, after)
        for name, value in wanted.attributes.items():
            self._value(name, value, seen.attributes.get(name, ""), before, after)
        if after:
            self.changes.append(Update(who, before, after, "so the MIS and the school's rules say"))

    def _value(
        self, name: str, wanted: str | None, seen: str | None, before: dict[str, Value], after: dict[str, Value]
    ) -> None:
        if wanted is None or seen is None or wanted == seen:
            return
        owner = self.target.owner(name)
        if owner == "always" or (owner == "once" and not seen):
            before[name], after[name] = seen, wanted

    def _move(self, desired: DesiredAccount, who: Who, seen: Account) -> None:
        place = desired.account.place
        if place is None or seen.place is None or place.casefold() == seen.place.casefold() or not self.ours["place"]:
            return
        self.changes.append(Move(who, seen.place, place, desired.because, desired.moving))

    def _switch(self, desired: DesiredAccount, who: Who, seen: Account, bond: Bond) -> None:
        if desired.account.enabled == seen.enabled:
            if bond.enabled is not seen.enabled:
                self.settled[desired.identity] = Bond(bond.anchor, seen.enabled)
            return
        if self.target.owner("enabled") == "never":
            return
        if not desired.account.enabled:
            self.changes.append(Disable(who, desired.because, desired.expected))
        elif bond.enabled is False or self.ours["enabled"]:
            self.changes.append(Enable(who, desired.because, expected=desired.arriving))
        else:
            self.notices.append(
                f"{who.username} is disabled in {self.target.name}, not by onroll, and stays so. Enable it there when it should work again."
            )

    def _conflict(self, desired: DesiredAccount, why: str) -> None:
        self.conflicts.append(Conflict(desired.identity, why, desired.account.login))

    def _lost(self, desired: DesiredAccount) -> str:
        return (
            f"The account of {desired.account.login} is no longer in {self.target.name}: it was deleted, or moved to where onroll may not look."
            " Restore it or move it back; onroll makes no second one. If it is gone for good:"
            f" onroll links undo {desired.account.login} --target {self.target.name} --gone"
        )

    def _name(self, anchor: Anchor) -> str:
        account = self.observed.accounts.get(anchor)
        return account.login if account is not None else anchor

    def _who(self, desired: DesiredAccount, anchor: Anchor | None) -> Who:
        return Who(desired.identity, desired.account.login, desired.role, anchor)
