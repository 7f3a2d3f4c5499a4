"""What a target holds, as it is and as it should be: accounts, groups, and who holds which name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import NewType

from onroll_core.people import GroupKind, Role, SourceKey

IdentityId = NewType("IdentityId", str)
"""Our own id of one human: at most 16 characters, because AD's employeeID and Graph's employeeId hold no more."""

Anchor = NewType("Anchor", str)
"""A target's immutable id of an object: objectGUID, Entra object id, Google user id. Never an address or a DN."""


@dataclass(frozen=True, slots=True)
class Account:
    """A human's object in one target, in words that all targets share.

    `login` and every address are lower case. `login` is the short name (sAMAccountName) where the target signs people in by
    name, and the address where it signs them in by address. `place` is a path from the root that the target's settings name,
    parts separated by "/" ("Students/2019"); "" is that root. `attributes` are extra ones by the target's own name of them.
    In a desired account None means "not told: leave it as it is" and "" means "empty"; in an observed one None means that the
    target has no such thing, and an absent value reads as "".
    """

    login: str
    email: str
    aliases: frozenset[str] = frozenset()
    display_name: str | None = None
    given: str | None = None
    family: str | None = None
    place: str | None = None
    enabled: bool = True
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DesiredAccount:
    """The account that an identity should have in one target, and why.

    `because` is half a sentence ("on roll", "left on 21 July 2026"). `expected` says that the school year explains a joiner
    or leaver, who then does not count against a limit; `moving` says the same of a change of place, and `arriving` of an account that is
    enabled again because its person has just come from another school of the trust. `gone` is the last day on which somebody who has left
    was to have the account.
    """

    identity: IdentityId
    role: Role
    account: Account
    because: str
    expected: bool = False
    moving: bool = False
    arriving: bool = False
    gone: date | None = None


@dataclass(frozen=True, slots=True)
class DesiredGroup:
    """A group that a target should have; members and owners are identities that have accounts there.

    `address` is the part before the @ where the target gives groups addresses. An `archived` group gets its name and keeps whoever is in it.
    """

    key: SourceKey
    kind: GroupKind
    name: str
    members: frozenset[IdentityId] = frozenset()
    owners: frozenset[IdentityId] = frozenset()
    address: str = ""
    archived: bool = False


@dataclass(frozen=True, slots=True)
class ObservedGroup:
    """A group of ours in a target; `key` is what it carries of the group it was made for. `members` are accounts alone, whoever put them there."""

    key: SourceKey
    name: str
    members: frozenset[Anchor] = frozenset()
    owners: frozenset[Anchor] = frozenset()
    archived: bool = False


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a name in a target: its anchor when it is an account that was observed, and words for a person."""

    anchor: Anchor | None
    what: str


@dataclass(frozen=True, slots=True)
class Observed:
    """All that was seen in one target, in our scope, at one moment: complete, or `observe` raised.

    `owners`: the identity that an account carries, for those that carry one.
    `names`: every login (bare) and address seen anywhere in the target, lower case, live or soft-deleted, of people, groups
    and whatever else shares the name space.
    `read_only`: accounts that another system masters. `protected`: administrators', which are never linked. `deleted`: soft-deleted ones that can be restored; they are among `accounts`.
    `group_names`: what other people's groups are called, in lower case, each with whose it is; courses under `courses.course_name`.
    `licences`: those that disabled accounts were given directly, where a school wants them released.
    """

    accounts: Mapping[Anchor, Account]
    owners: Mapping[Anchor, IdentityId] = field(default_factory=dict)
    names: Mapping[str, Holder] = field(default_factory=dict)
    read_only: frozenset[Anchor] = frozenset()
    deleted: frozenset[Anchor] = frozenset()
    groups: Mapping[Anchor, ObservedGroup] = field(default_factory=dict)
    protected: frozenset[Anchor] = frozenset()
    licences: Mapping[Anchor, tuple[str, ...]] = field(default_factory=dict)
    group_names: Mapping[str, str] = field(default_factory=dict)
